package coordinator_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"marain/backend/document"

	"pgregory.net/rapid"
)

// entry is a content type as a file describes it.
type entry struct {
	id, name, note string
	versioned      bool
	fields         []column
}

// column is a field as a file describes it.
type column struct {
	id, def, target, label, from string
	kind                         document.FieldType
	required, unique, indexed    bool
	cardinality                  int
	parts                        []part // of a component
}

// part is a field of a component.
type part struct {
	id   string
	kind document.FieldType
}

func (e entry) text() string {
	var out strings.Builder
	if e.note != "" {
		out.WriteString("# " + e.note + "\n")
	}
	fmt.Fprintf(&out, "id: %s\nname: %s\n", e.id, e.name)
	if e.versioned {
		out.WriteString("versioned: true\n")
	}
	if len(e.fields) == 0 {
		out.WriteString("fields: []\n")
		return out.String()
	}
	out.WriteString("fields:\n")
	for _, c := range e.fields {
		c.write(&out)
	}
	return out.String()
}

func (c column) write(out *strings.Builder) {
	fmt.Fprintf(out, "  - id: %s\n    type: %s\n", c.id, c.kind)
	line := func(on bool, format string, args ...any) {
		if on {
			fmt.Fprintf(out, "    "+format+"\n", args...)
		}
	}
	line(c.required, "required: true")
	line(c.unique && c.kind != document.Slug, "unique: true")
	line(!c.unique && c.kind == document.Slug, "unique: false")
	line(c.indexed, "indexed: true")
	line(c.cardinality != 1, "cardinality: %d", c.cardinality)
	line(c.def != "" && !c.unquoted(), "default: %q", c.def)
	line(c.def != "" && c.unquoted(), "default: %s", c.def)
	line(c.target != "", "target_entity: %s", c.target)
	line(c.label != "", "label: %s", c.label)
	line(c.from != "", "renamed_from: %s", c.from)
	line(len(c.parts) > 0, "fields:")
	for _, p := range c.parts {
		line(true, "  - {id: %s, type: %s}", p.id, p.kind)
	}
}

// unquoted reports whether a default of the field is written without quotes.
func (c column) unquoted() bool {
	return c.kind == document.Integer || c.kind == document.Float || c.kind == document.Boolean || c.kind == document.Component
}

func entryOf(e *document.Entity) entry {
	out := entry{id: e.ID, name: e.Name, versioned: e.Versioned}
	for i := range e.Fields {
		f := &e.Fields[i]
		c := column{
			id: f.ID, kind: f.Type, required: f.Required, unique: f.Unique, indexed: f.Indexed, cardinality: f.Cardinality, target: f.Target,
			label: f.Label, from: f.RenamedFrom,
		}
		if f.Default != nil {
			c.def = fmt.Sprint(f.Default)
			if number, ok := f.Default.(float64); ok {
				c.def = strconv.FormatFloat(number, 'f', -1, 64)
			}
		}
		for j := range f.Fields {
			c.parts = append(c.parts, part{f.Fields[j].ID, f.Fields[j].Type})
		}
		out.fields = append(out.fields, c)
	}
	return out
}

func paths() []string {
	return []string{"schemas/p.schema.yaml", "schemas/q.schema.yaml", "schemas/r.schema.yaml"}
}

// applied returns the content type that is applied for a path.
func (m *machine) applied(path string) (entry, bool) {
	d := m.b.c.Snapshot().Document(path)
	if d == nil || d.Entity == nil {
		return entry{}, false
	}
	return entryOf(d.Entity), true
}

// edit saves, moves or removes one file.
func (m *machine) edit(t *rapid.T) {
	path := rapid.SampledFrom(paths()).Draw(t, "path")
	if known := slices.DeleteFunc(paths(), func(p string) bool { return m.b.c.Snapshot().Document(p) == nil }); len(known) > 0 && rapid.IntRange(0, 15).Draw(t, "known") > 0 {
		path = rapid.SampledFrom(known).Draw(t, "known path")
	}
	e, there := m.applied(path)
	if !there {
		m.fresh(t, path)
		return
	}
	switch rapid.IntRange(0, 40).Draw(t, "whole file") {
	case 0:
		if err := os.Remove(filepath.Join(m.b.root, path)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		t.Logf("remove %s", path)
		return
	case 1:
		other := rapid.SampledFrom(paths()).Draw(t, "to")
		if other != path && !m.b.exists(other) && m.b.exists(path) {
			m.b.rename(path, other)
			t.Logf("move %s to %s", path, other)
		}
		return
	case 2:
		m.b.write(path, "id: e\nfields: 12\n") // invalid
		return
	case 3:
		e.note = m.word("only a comment ")
	case 4:
		m.former(t, path)
		return
	case 5:
		e.id = rapid.SampledFrom([]string{"e", "g", "h"}).Draw(t, "new id")
	}
	for range rapid.IntRange(1, 3).Draw(t, "changes") {
		m.change(t, &e)
	}
	m.save(t, path, e.text())
}

// save writes a text. A file that becomes shorter is waited for, in case it is not written to its end yet: a comment keeps
// it as long as it was.
func (m *machine) save(t *rapid.T, path, text string) {
	if d := m.b.c.Snapshot().Document(path); d != nil && len(text) < len(d.Raw) {
		text += "#" + strings.Repeat(".", len(d.Raw)-len(text)) + "\n"
	}
	t.Logf("save %s:\n%s", path, text)
	m.b.write(path, text)
}

// fresh makes a file where none is applied: a new content type, or a text that was there before.
func (m *machine) fresh(t *rapid.T, path string) {
	if rapid.IntRange(0, 2).Draw(t, "as before") > 0 && m.former(t, path) {
		return
	}
	ids := []string{"e", "g", "h"}
	if there := m.b.c.Snapshot().Entities(); len(there) < len(ids) && rapid.IntRange(0, 9).Draw(t, "free") > 0 {
		ids = slices.DeleteFunc(ids, func(id string) bool { return slices.Contains(there, id) })
	}
	e := entry{id: rapid.SampledFrom(ids).Draw(t, "entity"), versioned: rapid.Bool().Draw(t, "versioned")}
	e.name = e.id
	for range rapid.IntRange(2, 5).Draw(t, "fields") {
		m.addField(t, &e)
	}
	m.save(t, path, e.text())
}

// former saves a text again that a file had at some time. It reports whether there was one.
func (m *machine) former(t *rapid.T, path string) bool {
	if len(m.points) == 0 {
		return false
	}
	p := m.points[rapid.IntRange(0, len(m.points)-1).Draw(t, "text of")]
	for _, from := range append([]string{path}, paths()...) {
		if text, was := p.after.files[from]; was {
			m.save(t, path, text)
			return true
		}
	}
	return false
}

func fieldIDs() []string { return []string{"a", "b", "c", "d", "k"} }

func (e *entry) has(id string) bool {
	return slices.ContainsFunc(e.fields, func(c column) bool { return c.id == id })
}

func (m *machine) addField(t *rapid.T, e *entry) {
	id := rapid.SampledFrom(fieldIDs()).Draw(t, "field")
	if e.has(id) {
		return
	}
	c := column{id: id, cardinality: 1}
	m.retype(t, e, &c)
	c.cardinality = rapid.SampledFrom([]int{1, 1, 1, 1, -1, 2}).Draw(t, "cardinality")
	c.required = rapid.IntRange(0, 5).Draw(t, "required") == 0
	c.unique = rapid.IntRange(0, 7).Draw(t, "unique") == 0
	c.indexed = rapid.IntRange(0, 3).Draw(t, "indexed") == 0
	if rapid.IntRange(0, 3).Draw(t, "default") == 0 {
		c.def = m.literal(t, c.kind)
	}
	c.tidy()
	e.fields = append(e.fields, c)
}

// tidy takes away what a field of its type and cardinality cannot have.
func (c *column) tidy() {
	if c.kind == document.Component || c.kind == document.Boolean {
		c.unique = false
	}
	if c.kind == document.Component {
		c.indexed, c.def = false, ""
	}
	if c.cardinality != 1 {
		c.def = ""
	}
}

// retype gives a field another type, with what that type needs.
func (m *machine) retype(t *rapid.T, e *entry, c *column) {
	c.kind = rapid.SampledFrom(append(document.FieldTypes(), document.Text, document.Integer, document.Float)).Draw(t, "type")
	c.target, c.parts, c.def = "", nil, ""
	switch c.kind {
	case document.EntityReference:
		c.target = m.target(t, e)
	case document.Component:
		c.parts = m.parts(t)
	}
}

// target is a content type that is there, or the one itself.
func (m *machine) target(t *rapid.T, e *entry) string {
	return rapid.SampledFrom(append([]string{e.id}, m.b.c.Snapshot().Entities()...)).Draw(t, "target")
}

func (m *machine) parts(t *rapid.T) []part {
	var list []part
	for _, id := range []string{"x", "y"} {
		if id == "x" || rapid.Bool().Draw(t, "part") {
			list = append(list, part{id, rapid.SampledFrom([]document.FieldType{document.Text, document.Integer, document.Float, document.Boolean, document.Datetime}).Draw(t, "part type")})
		}
	}
	return list
}

// change changes one thing in a content type.
func (m *machine) change(t *rapid.T, e *entry) {
	if len(e.fields) == 0 {
		m.addField(t, e)
		return
	}
	i := rapid.IntRange(0, len(e.fields)-1).Draw(t, "index")
	c := &e.fields[i]
	what := rapid.SampledFrom([]string{
		"type", "type", "type", "type", "type", "cardinality", "cardinality", "add", "add", "remove", "rename", "declare", "required", "unique", "indexed", "default",
		"versioned", "target", "shape", "label", "order",
	}).Draw(t, "change")
	switch what {
	case "add":
		m.addField(t, e)
	case "remove":
		e.fields = slices.Delete(e.fields, i, i+1)
		return
	case "rename", "declare":
		id := rapid.SampledFrom(fieldIDs()).Draw(t, "new name")
		if e.has(id) {
			return
		}
		c.from = ""
		if what == "declare" {
			c.from = c.id
		}
		c.id = id
	case "versioned":
		e.versioned = !e.versioned
	case "order":
		slices.Reverse(e.fields)
	default:
		m.alterField(t, e, c, what)
	}
	for i := range e.fields { // a former id that is there again would be an error
		if e.has(e.fields[i].from) {
			e.fields[i].from = ""
		}
	}
}

func (m *machine) alterField(t *rapid.T, e *entry, c *column, what string) {
	switch what {
	case "type":
		m.retype(t, e, c)
	case "cardinality":
		c.cardinality = rapid.SampledFrom([]int{1, -1, 2, 3}).Draw(t, "cardinality")
	case "required":
		c.required = !c.required
	case "unique":
		c.unique = !c.unique
	case "indexed":
		c.indexed = !c.indexed
	case "default":
		if c.def != "" {
			c.def = ""
		} else {
			c.def = m.literal(t, c.kind)
		}
	case "target":
		if c.kind == document.EntityReference {
			c.target = m.target(t, e)
		}
	case "shape":
		if c.kind == document.Component {
			c.parts = m.parts(t)
		}
	case "label":
		c.label = m.word("label ")
	}
	c.tidy()
}
