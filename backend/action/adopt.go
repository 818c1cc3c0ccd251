package action

import (
	"context"
	"errors"
	"fmt"

	"marain/backend/document"
)

// Adoption is a change of a document's text that makes it say what is live.
type Adoption struct {
	Key     string // of the difference or the column that it is about
	Message string
	Edits   []document.FieldEdit
	// Optional says that nothing differs without it: it takes over what is unmanaged.
	Optional bool
}

// Adoptions returns what a document could say so that it equals the live tables, as far as documents can express it.
func Adoptions(d Dialect, e *document.Entity, live map[string]LiveTable) []Adoption {
	a := adopting{dialect: d, mending: mending{fields: &fields{new: e, old: e}}}
	content, there := live[document.ContentTable(e.ID)]
	if !there {
		return nil
	}
	for _, difference := range Compare(d, Tables(e), live) {
		a.difference(difference, live[difference.Table])
	}
	for i := range e.Fields {
		a.indexes(e, &e.Fields[i], live)
	}
	want := contentTable(e)
	for _, c := range content.Columns {
		if IsOutOfUse(c.Name) || contains(columnNames(want), c.Name) || document.ReservedColumn(c.Name) || e.Field(c.Name) != nil {
			continue
		}
		a.column(want, c)
	}
	return a.list
}

// adopting collects adoptions.
type adopting struct {
	mending
	dialect Dialect
	list    []Adoption
}

func (a *adopting) add(key, message string, optional bool, edits ...document.FieldEdit) {
	a.list = append(a.list, Adoption{Key: key, Message: message, Edits: edits, Optional: optional})
}

// difference adds what a document can say about a difference.
func (a *adopting) difference(d Difference, have LiveTable) {
	f := a.fieldOf(d.Table, d.Column)
	if f == nil {
		return
	}
	rows := d.Table == document.ContentTable(a.new.ID)
	set := func(key, value, message string) {
		a.add(d.key(), fmt.Sprintf("%s: %s", f.ID, message), false, document.FieldEdit{Field: f.ID, Key: key, Value: value})
	}
	switch {
	case d.Kind == AllowsEmpty && rows:
		set("required", "false", "not required any more")
	case d.Kind == RefusesEmpty && rows:
		set("required", "true", "required")
	case d.Kind == MissingIndex && d.Unique:
		set("unique", "false", "not unique any more")
	case d.Kind == MissingIndex:
		set("indexed", "false", "not indexed any more")
	case d.Kind == OtherType && (rows || d.Table == document.FieldTable(a.new.ID, f.ID)):
		a.otherType(d, f, have.Column(d.Column).Type)
	default:
	}
}

// otherType adds the field type that a column has.
func (a *adopting) otherType(d Difference, f *document.Field, declared string) {
	kind, ok := fieldType(a.dialect, declared)
	if !ok {
		return
	}
	edits := []document.FieldEdit{{Field: f.ID, Key: "type", Value: string(kind)}}
	if f.Type == document.Slug && f.Unique { // by default; what it becomes is not
		edits = append([]document.FieldEdit{{Field: f.ID, Key: "unique", Value: "true"}}, edits...)
	}
	a.add(d.key(), fmt.Sprintf("%s: type %s", f.ID, kind), false, edits...)
}

// indexes adds rules that the database keeps under the very names that a document would give them.
func (a *adopting) indexes(e *document.Entity, f *document.Field, live map[string]LiveTable) {
	table, column := place(e, f)
	have := live[table]
	for _, rule := range []struct {
		key   string
		index Index
		says  bool
	}{{"unique", uniqueIndex(table, column), f.Unique}, {"indexed", plainIndex(table, column), f.Indexed}} {
		found := have.Index(rule.index.Name)
		if rule.says || found == nil || found.Special || found.Unique != rule.index.Unique || len(found.Columns) != 1 || found.Columns[0] != column {
			continue
		}
		a.add(table+"."+rule.index.Name, fmt.Sprintf("%s: %s", f.ID, rule.key), true, document.FieldEdit{Field: f.ID, Key: rule.key, Value: "true"})
	}
}

// column adds a field for a column that no document mentions.
func (a *adopting) column(want Table, c LiveColumn) {
	kind, ok := fieldType(a.dialect, c.Type)
	if !ok {
		return
	}
	edits := []document.FieldEdit{{Field: c.Name, Key: "id", Value: string(kind)}}
	message := fmt.Sprintf("%s: a new field of type %s", c.Name, kind)
	if c.NotNull {
		edits = append(edits, document.FieldEdit{Field: c.Name, Key: "required", Value: "true"})
		message += ", required"
	}
	a.add(want.Name+"."+c.Name, message, true, edits...)
}

// fieldType returns the plainest field type that is stored in columns of a declared type.
func fieldType(d Dialect, declared string) (document.FieldType, bool) {
	for _, t := range []document.FieldType{document.Text, document.Integer, document.Float, document.Boolean, document.Datetime} {
		if d.SameType(columnType(t), declared) {
			return t, true
		}
	}
	return "", false
}

func columnNames(t Table) []string {
	names := make([]string, len(t.Columns))
	for i := range t.Columns {
		names[i] = t.Columns[i].Name
	}
	return names
}

// Adopt plans that in.New, which says more of what is live than the applied in.Old, becomes the applied version. What it
// does not say is repaired along with it; batch is as for Repair.
func (g *Generator) Adopt(ctx context.Context, in Input, batch int64) (Draft, error) {
	w := g.begin(in)
	old, e := entityOf(in.Old), entityOf(in.New)
	w.changes(in.Old, in.New)
	life := g.Lives[e.ID].Clone()
	for i := range e.Fields {
		if id := e.Fields[i].ID; old.Field(id) == nil {
			life.Fields[id] = takenOver + Tag(in.Path, in.NextVersion, e.ID, id)
		}
	}
	w.draft.Effects.Lives[e.ID] = &life
	w.act(Action{Type: Notify, Description: fmt.Sprintf("Take the tables of %s over as the file now says", e.ID)})
	if err := w.mending(e, life, repairTag(in.Path, batch, e.ID)).all(ctx); err != nil {
		return Draft{}, fmt.Errorf("plan the adoption of %s: %w", in.Path, err)
	}
	w.draft.Effects.Expect = append(w.draft.Effects.Expect, Tables(e)...)
	w.act(Action{Type: InvalidateCache, Description: fmt.Sprintf("Publish the new definition of %s to readers", e.ID)})
	w.grade()
	if err := errors.Join(w.room(ctx), w.names(ctx), w.bystanders(ctx)); err != nil {
		return Draft{}, err
	}
	return w.draft, nil
}
