package pairs_test

import (
	"fmt"
	"strings"
	"testing"

	"marain/backend/document"
	"marain/backend/project"
)

// flags is one combination of what can be said about a field.
type flags struct {
	required, unique, indexed, standard bool // standard: it has a default
}

// without leaves out what a field of a type and cardinality cannot have.
func (f flags) without(t document.FieldType, cardinality int) flags {
	if t == document.Component {
		f.unique, f.indexed = false, false
	}
	f.standard = f.standard && cardinality == 1
	return f
}

// flagsOf counts the combinations, from 0 to 15.
func flagsOf(number int) flags {
	return flags{required: number&1 > 0, unique: number&2 > 0, indexed: number&4 > 0, standard: number&8 > 0}
}

// standing is a default of a type, as a file has it.
func standing(t document.FieldType) string {
	switch t {
	case document.Integer:
		return "7"
	case document.Float:
		return "7.5"
	case document.Boolean:
		return "true"
	case document.Datetime:
		return "2024-01-02"
	case document.Component:
		return "{a: seven}"
	default:
		return "seven"
	}
}

// cardinalities are one value, a limited list and one without a limit.
func cardinalities(kind string) []int {
	if brief(kind) {
		return []int{1, document.Unlimited} // a limit is a rule of content and changes no table
	}
	return []int{1, 3, document.Unlimited}
}

// flagged is a content type with some cardinalities of a field type and every combination of flags. Turned, each field
// has the opposite of every flag that it can have the opposite of.
func flagged(t document.FieldType, versioned, turned bool, cardinalities ...int) (id, text string) {
	id = fmt.Sprintf("%s_%v", short(t), versioned)
	text = fmt.Sprintf("id: %s\nname: %s\nversioned: %v\nfields:\n", id, id, versioned)
	for _, cardinality := range cardinalities {
		for number := range 16 {
			if flagsOf(number).without(t, cardinality) != flagsOf(number) {
				continue
			}
			f := flagsOf(number)
			if turned {
				f = flagsOf(15-number).without(t, cardinality)
			}
			text += f.field(t, id, fmt.Sprintf("f%d_%d", max(cardinality, 0), number), cardinality)
		}
	}
	return id, text
}

func (f flags) field(t document.FieldType, entity, id string, cardinality int) string {
	text := fmt.Sprintf("  - id: %s\n    type: %s\n    cardinality: %d\n    required: %v\n", id, t, cardinality, f.required)
	if t != document.Component {
		text += fmt.Sprintf("    unique: %v\n    indexed: %v\n", f.unique, f.indexed)
	} else {
		text += "    fields: [{id: a, type: text}]\n"
	}
	if t == document.EntityReference {
		text += "    target_entity: " + entity + "\n"
	}
	if f.standard {
		text += "    default: " + standing(t) + "\n"
	}
	return text
}

// TestNothingIsLeftToPlan applies every field type with every cardinality and every combination of flags; a long run then
// the opposite of each, and takes that back. After each step nothing is left to do, also after a restart.
func TestNothingIsLeftToPlan(t *testing.T) {
	for _, kind := range kinds() {
		for _, fieldType := range document.FieldTypes() {
			t.Run(kind+"/"+string(fieldType), func(t *testing.T) {
				t.Parallel()
				d := newDesk(t, kind, filesWith(kind, fieldType, false))
				d.apply(nil)
				d.settled("after the first apply")
				d.reopen()
				d.settled("after a restart")
				if long() {
					turn(d, filesWith(kind, fieldType, true), filesWith(kind, fieldType, false))
				}
			})
		}
	}
}

// filesWith are the content types of one field type, with and without revisions.
func filesWith(kind string, t document.FieldType, turned bool) map[string]string {
	all := map[string]string{}
	for _, versioned := range []bool{false, true} {
		if brief(kind) && versioned == (len(t)%2 == 0) {
			continue
		}
		id, text := flagged(t, versioned, turned, cardinalities(kind)...)
		all["schemas/"+id+".schema.yaml"] = text
	}
	return all
}

// TestEveryFlagIsThere counts the combinations: three cardinalities with eight of the rules, and defaults for one of them.
func TestEveryFlagIsThere(t *testing.T) {
	for _, fieldType := range document.FieldTypes() {
		want := 32
		if fieldType == document.Component {
			want = 8
		}
		for _, turned := range []bool{false, true} {
			if _, text := flagged(fieldType, true, turned, cardinalities(project.Postgres)...); strings.Count(text, "  - id: f") != want {
				t.Errorf("%s has %d fields, want %d", fieldType, strings.Count(text, "  - id: f"), want)
			}
		}
	}
}

// turn turns every flag of every field, and takes that back.
func turn(d *desk, turned, first map[string]string) {
	d.t.Helper()
	d.write(turned)
	batch := d.apply(nil)
	d.settled("after every flag was turned")
	d.sameFiles(turned)
	d.reopen()
	d.settled("after another restart")
	d.undo(batch, nil)
	d.settled("after every flag was turned back")
	d.sameFiles(first)
}
