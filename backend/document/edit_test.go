package document

import (
	"strings"
	"testing"
)

func TestEdit(t *testing.T) {
	const plain = "# head\nid: note\nname: Note # why\nfields:\n  - id: a   # first\n    type: text\n    label: \"A b\"\n\n  # about b\n  - id: b\n    type: 'slug' # kind\n    required: true   # must\n\ncacheable: true # end\n"
	for _, c := range []struct {
		name  string
		text  string
		edits []FieldEdit
		want  string // empty: refused
	}{
		{"replace", plain, []FieldEdit{{"b", "required", "false"}}, strings.Replace(plain, "required: true ", "required: false ", 1)},
		{"insert", plain, []FieldEdit{{"a", "required", "true"}}, strings.Replace(plain, "    type: text\n", "    type: text\n    required: true\n", 1)},
		{"quoted", plain, []FieldEdit{{"b", "unique", "true"}, {"b", "type", "integer"}}, strings.Replace(plain, "'slug' # kind\n", "integer # kind\n    unique: true\n", 1)},
		{"type with a rule of its own", plain, []FieldEdit{{"b", "type", "text"}}, ""},
		{"add", plain, []FieldEdit{{"c", "id", "integer"}}, strings.Replace(plain, "# must\n", "# must\n  - id: c\n    type: integer\n", 1)},
		{"add to none", "id: note\nname: Note\nfields: [] # none\n", []FieldEdit{{"c", "id", "text"}}, "id: note\nname: Note\nfields:\n  - id: c\n    type: text # none\n"},
		{"several", plain, []FieldEdit{{"a", "required", "true"}, {"a", "indexed", "true"}, {"c", "id", "text"}}, strings.Replace(strings.Replace(plain,
			"    type: text\n", "    type: text\n    indexed: true\n    required: true\n", 1), "# must\n", "# must\n  - id: c\n    type: text\n", 1)},
		{"windows", strings.ReplaceAll(plain, "\n", "\r\n"), []FieldEdit{{"a", "required", "true"}}, strings.ReplaceAll(strings.Replace(plain, "    type: text\n", "    type: text\n    required: true\n", 1), "\n", "\r\n")},
		{"no last line end", "id: note\nname: Note\nfields:\n- id: a\n  type: text", []FieldEdit{{"a", "unique", "true"}, {"c", "id", "float"}}, "id: note\nname: Note\nfields:\n- id: a\n  type: text\n  unique: true\n- id: c\n  type: float"},
		{"mark", "\ufeffid: note\nname: Note\nfields:\n- type: text\n  id: a\n", []FieldEdit{{"a", "unique", "true"}}, "\ufeffid: note\nname: Note\nfields:\n- type: text\n  unique: true\n  id: a\n"},
		{"on one line", "id: note\nname: Note\nfields:\n  - {id: a, type: text, label: é}\n", []FieldEdit{{"a", "required", "true"}}, "id: note\nname: Note\nfields:\n  - {id: a, type: text, required: true, label: é}\n"},
		{"a list on one line", "id: note\nname: Note\nfields: [{id: a, type: text}]\n", []FieldEdit{{"a", "indexed", "true"}}, "id: note\nname: Note\nfields: [{id: a, type: text, indexed: true}]\n"},
		{"add to a list on one line", "id: note\nname: Note\nfields: [{id: a, type: text}]\n", []FieldEdit{{"c", "id", "text"}}, ""},
		{"the last item ends in a block", "id: note\nname: Note\nfields:\n  - id: a\n    type: text\n    description: |\n      one\n      # two\n\n", []FieldEdit{{"c", "id", "text"}}, ""},
		{"the default does not fit", "id: note\nname: Note\nfields:\n  - id: a\n    type: text\n    default: x\n", []FieldEdit{{"a", "type", "integer"}}, ""},
		{"no such field", plain, []FieldEdit{{"z", "required", "true"}}, ""},
		{"the field is there", plain, []FieldEdit{{"a", "id", "text"}}, ""},
		{"a reserved name", plain, []FieldEdit{{"rid", "id", "text"}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, problems := Loader{}.Load("schemas/note.schema.yaml", []byte(c.text))
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			got, ok := Loader{}.Edit(d, c.edits)
			if ok != (c.want != "") {
				t.Fatalf("edited: %v", ok)
			}
			if ok && string(got.Raw) != c.want {
				t.Errorf("got\n%q\nwant\n%q", got.Raw, c.want)
			}
			if string(d.Raw) != c.text {
				t.Error("the document was changed")
			}
		})
	}
}
