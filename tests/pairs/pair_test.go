package pairs_test

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"marain/backend/document"
	"marain/backend/project"
	"marain/tests/oracle"
)

// What the environment can ask for.
const (
	envPair   = "MARAIN_TEST_PAIR"   // one pair of types only, such as text-integer, in every shape
	envShapes = "MARAIN_TEST_SHAPES" // all: every pair in every shape, and one time more back and forth
)

// shape is how many values a field has before and after, and what else is said about it.
type shape struct {
	name      string
	from, to  bool // several values
	versioned bool
	required  bool
	// takes reports whether a pair is taken through this shape in a short run, in which every pair has one value before
	// and after once, and goes from or to several once, with revisions.
	takes func(number int) bool
}

func shapes() []shape {
	return []shape{
		{name: "single_to_single", takes: func(n int) bool { return n%4 > 0 }},
		{name: "list_to_list", from: true, to: true},
		{name: "single_to_list", to: true},
		{name: "list_to_single", from: true},
		{name: "single_to_single_versioned", versioned: true},
		{name: "list_to_list_versioned", from: true, to: true, versioned: true, takes: func(n int) bool { return n%3 == 0 }},
		{name: "single_to_list_versioned", to: true, versioned: true, takes: func(n int) bool { return n%3 == 1 }},
		{name: "list_to_single_versioned", from: true, versioned: true, takes: func(n int) bool { return n%3 == 2 }},
		{name: "single_to_single_required", required: true, takes: func(n int) bool { return n%4 == 0 }},
		{name: "list_to_single_required", from: true, required: true},
		{name: "single_to_list_required", to: true, required: true},
	}
}

// pair is one field that goes from one type to another.
type pair struct {
	entity        string
	before, after *side
	kept          map[string]map[string]bool // by row: every value that it held and nobody took away
	touched       map[string]bool            // rows that were written to since the type changed last
	changed       bool                       // it did: both sides were in use
	reported      int
}

func (p *pair) String() string {
	return string(p.before.field.Type) + " to " + string(p.after.field.Type)
}

func (p *pair) id() string { return p.before.field.ID }

// one reports whether both shapes of the field share the place of their values.
func (p *pair) one() bool {
	a, b := p.before.field, p.after.field
	return a.Multiple() == b.Multiple() && oracle.Fits(a, b)
}

// short are the types in names of tables, which have 63 bytes at most also while they are out of use.
func short(t document.FieldType) string {
	switch t {
	case document.LongText:
		return "long"
	case document.RichText:
		return "rich"
	case document.EntityReference:
		return "ref"
	case document.Component:
		return "comp"
	default:
		return string(t)
	}
}

// pairs are the ordered pairs of types that are taken through a shape.
func (s shape) pairs(kind string) []*pair {
	only, number := os.Getenv(envPair), 0
	var all []*pair
	for i, from := range document.FieldTypes() {
		for j, to := range document.FieldTypes() {
			if from == to {
				continue
			}
			number++
			if only != "" && only != string(from)+"-"+string(to) || only == "" && !long() && (s.takes == nil || !s.takes(number)) {
				continue
			}
			if brief(kind) && ((i+number/3)%3 > 0 || (s.from || s.to) && j%2 > 0) {
				continue
			}
			all = append(all, &pair{
				entity: "from_" + short(from),
				before: s.side(from, "to_"+short(to), s.from, i+j), after: s.side(to, "to_"+short(to), s.to, i+j+i/2),
				kept: map[string]map[string]bool{}, touched: map[string]bool{},
			})
		}
	}
	return all
}

// long reports whether every pair goes through every shape.
func long() bool { return os.Getenv(envShapes) == "all" }

// brief reports whether a run on a kind of database does less, because it would take minutes.
func brief(kind string) bool {
	return slow && kind == project.SQLite && !long() && os.Getenv(envPair) == ""
}

// side is a field of a type: with one value, or with several, limited or not.
func (s shape) side(t document.FieldType, id string, several bool, number int) *side {
	f := &document.Field{ID: id, Type: t, Cardinality: 1, Required: s.required}
	if several {
		f.Cardinality = []int{document.Unlimited, 4, 2}[number%3]
	}
	if t == document.Component {
		f.Fields = []document.Field{{ID: "a", Type: document.Text, Cardinality: 1}}
	}
	return &side{field: f, cells: map[string]cell{}, given: map[string][]any{}}
}

// files are the content types of some pairs, one for each type that they begin with.
func (s shape) files(pairs []*pair, of func(*pair) *side) map[string]string {
	fields := map[string]string{}
	for _, p := range pairs {
		fields[p.entity] += describe(of(p).field, p.entity)
	}
	files := map[string]string{}
	for entity, text := range fields {
		files["schemas/"+entity+".schema.yaml"] = fmt.Sprintf("id: %s\nname: %s\nversioned: %v\nfields:\n%s", entity, entity, s.versioned, text)
	}
	return files
}

// describe writes a field the way a file does.
func describe(f *document.Field, target string) string {
	text := fmt.Sprintf("  - id: %s\n    type: %s\n    cardinality: %d\n    required: %v\n", f.ID, f.Type, f.Cardinality, f.Required)
	switch f.Type {
	case document.Slug:
		text += fmt.Sprintf("    unique: %v\n", f.Unique)
	case document.EntityReference:
		text += "    target_entity: " + target + "\n"
	case document.Component:
		text += "    fields:\n      - id: a\n        type: text\n"
	}
	return text
}

// wrote notes what was written to a row by hand: what was there before need not be kept any more.
func (p *pair) wrote(row string, before, after cell) {
	if slices.Equal(before, after) {
		return
	}
	p.touched[row] = true
	for _, i := range before {
		if !p.here(after, i.exact) {
			delete(p.kept[row], i.exact)
		}
	}
	p.hold(row, after)
}

// hold notes what must be found from now on.
func (p *pair) hold(row string, c cell) {
	if p.kept[row] == nil {
		p.kept[row] = map[string]bool{}
	}
	for _, i := range c {
		p.kept[row][i.exact] = true
	}
}

func (p *pair) here(c cell, exact string) bool {
	for _, i := range c {
		if i.exact == exact {
			return true
		}
	}
	return false
}

// forget notes that a row was deleted, with everything that belonged to it.
func (p *pair) forget(row string) {
	for _, s := range []*side{p.before, p.after} {
		delete(s.cells, row)
		delete(s.given, row)
	}
	delete(p.kept, row)
}

// owner splits the key of a row or of one of its revisions.
func owner(row string) (id, rid string) {
	id, rid, _ = strings.Cut(row, "#")
	return id, rid
}
