package diff

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"marain/backend/document"
)

var loader = document.Loader{SchemaDir: "schemas", ConfigDir: "config", Environment: "dev"}

// load reads a text that must be valid; an empty one is no document.
func load(t *testing.T, path, text string) *document.Document {
	t.Helper()
	if text == "" {
		return nil
	}
	doc, problems := loader.Load(path, []byte(text))
	if len(problems) > 0 {
		t.Fatalf("%s: %v\n%s", path, problems, text)
	}
	return doc
}

const (
	entityPath  = "schemas/note.schema.yaml"
	configPath  = "config/config.api.yaml"
	genericPath = "schemas/other.yaml"
)

// note is a content type with one field of the given lines.
func note(lines ...string) string {
	text := "id: note\nname: Note\nfields:\n  - id: keep\n    type: text\n"
	if len(lines) > 0 {
		text += "  - id: a\n    " + strings.Join(lines, "\n    ") + "\n"
	}
	return text
}

func api(values string) string { return "id: api\nvalues:\n  " + values + "\n" }

// cases has every rule once at least, and what is next to it. A line of want is "op key rule category".
var cases = []struct {
	name, path, old, new string
	want                 []string
}{
	{"the same", entityPath, note(), note(), nil},
	{"nothing", entityPath, "", "", nil},
	{"comment", entityPath, note(), "# why\n" + note(), []string{"format  format_only safe"}},
	{"quotes", entityPath, note("type: text"), note(`type: "text"`), []string{"format  format_only safe"}},
	{"order of keys", entityPath, note("type: text", "required: true"), note("required: true", "type: text"), []string{"format  format_only safe"}},
	{"order of fields", entityPath, "id: n\nname: N\nfields:\n  - {id: a, type: text}\n  - {id: b, type: text}\n", "id: n\nname: N\nfields:\n  - {id: b, type: text}\n  - {id: a, type: text}\n", []string{"format  format_only safe"}},
	{"a default written out", entityPath, note("type: text"), note("type: text", "required: false", "cardinality: 1"), []string{"format  format_only safe"}},
	{"line ends", configPath, api("a: 1"), strings.ReplaceAll(api("a: 1"), "\n", "\r\n"), []string{"format  format_only safe"}},
	{"entity added", entityPath, "", note(), []string{"add  entity_added safe"}},
	{"entity removed", entityPath, note(), "", []string{"remove  entity_removed breaking"}},
	{"entity id", entityPath, note(), strings.Replace(note(), "id: note", "id: memo", 1), []string{"remove id entity_removed breaking", "add id entity_added safe"}},
	{"entity name", entityPath, note(), strings.Replace(note(), "name: Note", "name: Memo", 1), []string{"change name entity_labelled safe"}},
	{"entity description", entityPath, note(), "description: x\n" + note(), []string{"change description entity_labelled safe"}},
	{"versioned", entityPath, note(), "versioned: true\n" + note(), []string{"change versioned versioned_changed warning"}},
	{"recursive", entityPath, note(), "recursive: true\n" + note(), []string{"change recursive behaviour_changed safe"}},
	{"cacheable", entityPath, note(), "cacheable: true\n" + note(), []string{"change cacheable behaviour_changed safe"}},
	{"optional field added", entityPath, note(), note("type: text"), []string{"add fields.a field_added_optional safe"}},
	{"required field added", entityPath, note(), note("type: text", "required: true"), []string{"add fields.a field_added_required breaking"}},
	{"field removed", entityPath, note("type: text"), note(), []string{"remove fields.a field_removed breaking"}},
	{"field renamed", entityPath, note("type: text"), strings.Replace(note("type: text", "renamed_from: a"), "id: a", "id: b", 1), []string{"change fields.b field_renamed warning", "change fields.b.label field_labelled safe", "change fields.b.renamed_from field_labelled safe"}},
	{"renamed from nothing", entityPath, note(), note("type: text", "renamed_from: z"), []string{"add fields.a field_added_optional safe"}},
	{"label", entityPath, note("type: text"), note("type: text", "label: Other"), []string{"change fields.a.label field_labelled safe"}},
	{"field description", entityPath, note("type: text"), note("type: text", "description: Other"), []string{"change fields.a.description field_labelled safe"}},
	{"default", entityPath, note("type: integer"), note("type: integer", "default: 4"), []string{"change fields.a.default default_changed safe"}},
	{"optional to required", entityPath, note("type: text"), note("type: text", "required: true"), []string{"change fields.a.required optional_to_required warning"}},
	{"required to optional", entityPath, note("type: text", "required: true"), note("type: text"), []string{"change fields.a.required required_to_optional safe"}},
	{"unique added", entityPath, note("type: text"), note("type: text", "unique: true"), []string{"change fields.a.unique unique_added warning"}},
	{"unique dropped", entityPath, note("type: slug"), note("type: slug", "unique: false"), []string{"change fields.a.unique unique_dropped safe"}},
	{"index added", entityPath, note("type: text"), note("type: text", "indexed: true"), []string{"change fields.a.indexed index_added safe"}},
	{"index dropped", entityPath, note("type: text", "indexed: true"), note("type: text"), []string{"change fields.a.indexed index_dropped safe"}},
	{"type", entityPath, note("type: text"), note("type: integer"), []string{"change fields.a.type type_changed breaking"}},
	{"type and its unique", entityPath, note("type: slug"), note("type: text"), []string{"change fields.a.type type_widened safe", "change fields.a.unique unique_dropped safe"}},
	{"cardinality to many", entityPath, note("type: text"), note("type: text", "cardinality: -1"), []string{"change fields.a.cardinality cardinality_raised warning"}},
	{"cardinality to more", entityPath, note("type: text", "cardinality: 2"), note("type: text", "cardinality: 3"), []string{"change fields.a.cardinality cardinality_raised warning"}},
	{"cardinality to any number", entityPath, note("type: text", "cardinality: 2"), note("type: text", "cardinality: -1"), []string{"change fields.a.cardinality cardinality_raised warning"}},
	{"cardinality to less", entityPath, note("type: text", "cardinality: 3"), note("type: text", "cardinality: 2"), []string{"change fields.a.cardinality cardinality_lowered breaking"}},
	{"cardinality to one", entityPath, note("type: text", "cardinality: -1"), note("type: text"), []string{"change fields.a.cardinality cardinality_lowered breaking"}},
	{"cardinality from any number", entityPath, note("type: text", "cardinality: -1"), note("type: text", "cardinality: 9"), []string{"change fields.a.cardinality cardinality_lowered breaking"}},
	{"target", entityPath, note("type: entity_reference", "target_entity: note"), note("type: entity_reference", "target_entity: memo"), []string{"change fields.a.target_entity target_changed breaking"}},
	{"component", entityPath, note("type: component", "fields: [{id: x, type: text}]"), note("type: component", "fields: [{id: x, type: integer}]"), []string{"change fields.a.fields component_changed breaking"}},
	{"two fields", entityPath, note("type: text", "indexed: true"), "id: note\nname: Note\nfields:\n  - {id: b, type: text}\n  - {id: a, type: text}\n", []string{
		"add fields.b field_added_optional safe", "change fields.a.indexed index_dropped safe", "remove fields.keep field_removed breaking",
	}},

	{"config added", configPath, "", api("a: 1"), []string{"add  config_added safe"}},
	{"config with a secret added", configPath, "", api("password: x"), []string{"add  config_added safe", "add values plain_text_secret warning"}},
	{"config removed", configPath, api("a: 1"), "", []string{"remove  config_removed breaking"}},
	{"config id", configPath, api("a: 1"), strings.Replace(api("a: 1"), "api", "apy", 1), nil}, // refused when it is loaded: see below
	{"config name", configPath, api("a: 1"), "name: x\n" + api("a: 1"), []string{"change name config_labelled safe"}},
	{"config provider", configPath, api("a: 1"), "provider: x\n" + api("a: 1"), []string{"change provider config_labelled safe"}},
	{"config version", configPath, api("a: 1"), "version: '2'\n" + api("a: 1"), []string{"change version config_labelled safe"}},
	{"config description", configPath, api("a: 1"), "description: x\n" + api("a: 1"), []string{"change description config_labelled safe"}},
	{"key added", configPath, api("a: 1"), api("a: 1\n  b: 2"), []string{"add values.b config_key_added safe"}},
	{"part added", configPath, api("a: {b: 1}"), api("a: {b: 1, c: {d: 2}}"), []string{"add values.a.c config_key_added safe"}},
	{"key removed", configPath, api("a: 1\n  b: 2"), api("a: 1"), []string{"remove values.b config_key_removed breaking"}},
	{"inner key removed", configPath, api("a: {b: 1, c: 2}"), api("a: {b: 1}"), []string{"remove values.a.c config_key_removed breaking"}},
	{"value", configPath, api("a: 1"), api("a: 2"), []string{"change values.a config_value_changed safe"}},
	{"value, text", configPath, api("a: x"), api("a: y"), []string{"change values.a config_value_changed safe"}},
	{"value, switch", configPath, api("a: true"), api("a: false"), []string{"change values.a config_value_changed safe"}},
	{"ten times", configPath, api("a: 1"), api("a: 10"), []string{"change values.a config_value_jumped warning"}},
	{"nine times", configPath, api("a: 1"), api("a: 9"), []string{"change values.a config_value_changed safe"}},
	{"a tenth", configPath, api("a: 10"), api("a: 1"), []string{"change values.a config_value_jumped warning"}},
	{"to zero", configPath, api("a: 1"), api("a: 0"), []string{"change values.a config_value_jumped warning"}},
	{"to another sign", configPath, api("a: 1"), api("a: -1"), []string{"change values.a config_value_jumped warning"}},
	{"number as a fraction", configPath, api("a: 1"), api("a: 1.5"), []string{"change values.a config_value_changed safe"}},
	{"text to number", configPath, api("a: '1'"), api("a: 1"), []string{"change values.a config_type_changed breaking"}},
	{"text to null", configPath, api("a: x"), api("a:"), []string{"change values.a config_type_changed breaking"}},
	{"mapping to number", configPath, api("a: {b: 1}"), api("a: 1"), []string{"change values.a config_type_changed breaking"}},
	{"mapping to list", configPath, api("a: {b: 1}"), api("a: [1]"), []string{"change values.a config_type_changed breaking"}},
	{"list", configPath, api("a: [1, 2]"), api("a: [2, 1]"), []string{"change values.a config_value_changed safe"}},
	{"types in a list", configPath, api("a: [1, 2]"), api("a: [1, x]"), []string{"change values.a config_type_changed breaking"}},
	{"service", configPath, api("server: {port: 80}"), api("server: {port: 81}"), []string{"change values.server.port config_service_key warning"}},
	{"no service", configPath, api("server: {report: 80}"), api("server: {report: 81}"), []string{"change values.server.report config_value_changed safe"}},
	{"secret", configPath, api("password: x"), api("password: z"), []string{"change values.password plain_text_secret warning"}},
	{"secret added", configPath, api("a: 1"), api("a: 1\n  db: {api_key: z}"), []string{"add values.db plain_text_secret warning"}},
	{"secret referred to", configPath, api("password: x"), api("password: {source: env, name: P}"), []string{"change values.password config_type_changed breaking"}},

	{"file added", genericPath, "", "a: 1\n", []string{"add  generic_added safe"}},
	{"file changed", genericPath, "a: 1\n", "a: 2\n", []string{"change a generic_changed safe"}},
	{"file, list", genericPath, "- 1\n", "- 2\n", []string{"change  generic_changed safe"}},
	{"file, key removed", genericPath, "a: 1\nb: 2\n", "a: 1\n", []string{"remove b generic_removed breaking"}},
	{"file removed", genericPath, "a: 1\n", "", []string{"remove  generic_removed breaking"}},
}

func TestDocuments(t *testing.T) {
	seen := map[Rule]bool{}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "config id" {
				if _, problems := loader.Load(c.path, []byte(c.new)); len(problems) == 0 {
					t.Fatal("the id of a configuration may differ from its file name, so its rule needs a case")
				}
				return
			}
			changes := Documents(load(t, c.path, c.old), load(t, c.path, c.new), Hints{})
			var got []string
			for _, change := range changes {
				h := change.Describe()
				seen[h.Rule] = true
				got = append(got, fmt.Sprintf("%s %s %s %s", h.Op, h.Key, h.Rule, h.Category))
				if h.Message == "" || h.Op != Format && h.Line < 1 {
					t.Errorf("no message or no line: %+v", h)
				}
				if _, err := json.Marshal(h); err != nil {
					t.Errorf("no JSON: %v", err)
				}
			}
			if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
	// These are found by other means than comparing two documents.
	elsewhere := []Rule{EntityIDChanged, ConfigIDChanged, MostFilesVanished, FileMoved, UnknownRule, unwritten}
	for _, r := range elsewhere {
		seen[r] = true
	}
	for r := range grades {
		if !seen[r] {
			t.Errorf("rule %s has no case", r)
		}
	}
}

const unwritten Rule = "a rule that nobody wrote"

// grades lists every rule with its category and whether it removes, so that a change of either is meant.
var grades = map[Rule]struct {
	category Category
	removes  bool
}{
	FormatOnly: {Safe, false}, EntityAddedRule: {Safe, false}, EntityRemovedRule: {Breaking, true}, EntityIDChanged: {Breaking, true},
	EntityLabelled: {Safe, false}, VersionedChanged: {Warning, false}, BehaviourChanged: {Safe, false}, FieldAddedOptional: {Safe, false},
	FieldAddedRequired: {Breaking, false}, FieldRemovedRule: {Breaking, true}, FieldRenamedRule: {Warning, false}, FieldLabelled: {Safe, false},
	DefaultChanged: {Safe, false}, OptionalToRequired: {Warning, false}, RequiredToOptional: {Safe, false}, UniqueAdded: {Warning, false},
	UniqueDropped: {Safe, false}, IndexAdded: {Safe, false}, IndexDropped: {Safe, false}, TypeChanged: {Breaking, true},
	CardinalityRaised: {Warning, false}, CardinalityLowered: {Breaking, true}, TargetChanged: {Breaking, false}, ComponentChanged: {Breaking, false},
	ConfigAdded: {Safe, false}, ConfigRemoved: {Breaking, true}, ConfigIDChanged: {Breaking, true}, ConfigLabelled: {Safe, false},
	ConfigKeyAdded: {Safe, false}, ConfigKeyRemoved: {Breaking, true}, ConfigValueChanged: {Safe, false}, ConfigValueJumped: {Warning, false},
	ConfigTypeChanged: {Breaking, true}, ConfigServiceKey: {Warning, false}, PlainTextSecret: {Warning, false}, GenericAdded: {Safe, false},
	GenericChanged: {Safe, false}, GenericRemoved: {Breaking, true}, MostFilesVanished: {Breaking, true}, FileMoved: {Warning, false},
	UnknownRule: {Breaking, false}, unwritten: {Breaking, false},
}

func TestRules(t *testing.T) {
	for r, want := range grades {
		if got := r.TextCategory(); got != want.category {
			t.Errorf("%s is %s, want %s", r, got, want.category)
		}
		if got := r.Removes(); got != want.removes {
			t.Errorf("%s removes: %v, want %v", r, got, want.removes)
		}
	}
	if Worst(nil) != Safe {
		t.Error("no change is not safe")
	}
}

func TestHints(t *testing.T) {
	two := "id: n\nname: N\nfields:\n  - {id: a, type: text, label: L}\n  - {id: b, type: text, label: L}\n"
	old, same := load(t, entityPath, two), load(t, entityPath, two)
	other := load(t, entityPath, "id: n\nname: N\nfields:\n  - {id: b, type: text, label: L}\n  - {id: c, type: text, label: L}\n")
	for _, c := range []struct {
		name  string
		to    *document.Document
		hints Hints
		want  []string
	}{
		{"none", same, Hints{}, nil},
		{"swapped in the same text", same, Hints{Renamed: map[string]string{"a": "b", "b": "a"}}, []string{"fields.a field_renamed", "fields.b field_renamed"}},
		{"another life in the same text", same, Hints{Replaced: map[string]bool{"a": true}}, []string{"fields.a field_added_optional", "fields.a field_removed"}},
		{"a chain", other, Hints{Renamed: map[string]string{"c": "b", "b": "a"}}, []string{"fields.b field_renamed", "fields.c field_renamed"}},
		{"one of two", other, Hints{Renamed: map[string]string{"c": "a"}}, []string{"fields.c field_renamed"}},
		{"nothing goes on", other, Hints{Renamed: map[string]string{}}, []string{"fields.c field_added_optional", "fields.a field_removed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, change := range Documents(old, c.to, c.hints) {
				h := change.Describe()
				got = append(got, h.Key+" "+string(h.Rule))
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestSecretsAreMaskedInChanges(t *testing.T) {
	const canary = "CaNaRy"
	texts := []string{
		api("password: CaNaRy"), api("list:\n    - {token: CaNaRy}"), api("db: {url: 'postgres://u:CaNaRy@h/d'}"), api("secret: {deep: [CaNaRy, {x: CaNaRy}]}"),
		api("credentials:\n    - CaNaRy"), api("api_key: |\n    CaNaRy\n    CaNaRy"), api("x.password.y: CaNaRy"), api("a: 1"),
	}
	for _, from := range append(texts, "") {
		for _, to := range append(texts, "") {
			changes := Documents(load(t, configPath, from), load(t, configPath, strings.ReplaceAll(to, canary, canary+"2")), Hints{})
			for _, c := range changes {
				if text := fmt.Sprintf("%+v", c.Describe()); strings.Contains(text, canary) {
					t.Errorf("from %q to %q: %s", from, to, text)
				}
			}
		}
	}
}

func TestCategories(t *testing.T) {
	for _, c := range []Category{Safe, Warning, Breaking} {
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var back Category
		if err := json.Unmarshal(text, &back); err != nil || back != c {
			t.Errorf("%s comes back as %s, %v", text, back, err)
		}
	}
	var c Category
	if err := json.Unmarshal([]byte(`"harmless"`), &c); err == nil {
		t.Error("a category that does not exist was read")
	}
	if err := json.Unmarshal([]byte(`7`), &c); err == nil {
		t.Error("a number was read as a category")
	}
	if Category(9).String() != "category(9)" {
		t.Errorf("%s", Category(9))
	}
}
