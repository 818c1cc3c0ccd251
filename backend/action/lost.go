package action

import (
	"fmt"
	"slices"
)

// What can be done instead of going back to values that nobody has any more. A rollback does not ask whether to start
// without them; an apply does.
const (
	writeField = "write the field into the file and apply that, and it starts empty"
	writeFile  = "write the file and apply that, to start with empty tables"
	writeShape = "write the former shape into the file and apply that, and the present values are converted"
	makePlace  = "marain drift --repair makes a place for them again, empty; then go back"
)

// withoutValues says what can be done about a field whose former values are gone; has says where any are left.
func (f *fields) withoutValues(has []bool) string {
	_, back := f.target(f.new.ID)
	switch {
	case !back:
		return "They were removed by another program; answer with empty"
	case slices.Contains(has, true):
		return "They were removed by another program: " + makePlace
	}
	return "They were removed by another program: " + writeField
}

// withoutOriginals says the same of a field that is in use in another shape. As long as the lost values are on the list,
// nothing else is made of the present ones.
func (f *fields) withoutOriginals(has []bool) string {
	if _, back := f.target(f.new.ID); back && slices.Contains(has, true) {
		return "They were removed by another program: " + makePlace
	}
	return "They were removed by another program: marain drift --repair takes them off the list; then " + writeShape
}

// Lost is a tombstone that another program removed, all of it or a part.
type Lost struct {
	Tombstone Tombstone
	Missing   []Place // what is not there any more
	Part      bool    // the rest is
}

// lost plans what becomes of a tombstone whose values another program destroyed, which nothing can bring back. It is
// taken off the list; where a part of it is left, the other part is made again, empty, so that it stays whole.
func (w *work) lost(l Lost) error {
	t := l.Tombstone
	name := t.Entity
	if t.Field != "" {
		name += "." + t.Field
	}
	d := Difference{Kind: LostValues, Table: l.Missing[0].Table, Column: l.Missing[0].Column}
	d.Message = fmt.Sprintf("what was taken out of use of %s was removed by another program, AND ITS VALUES ARE GONE: ", name)
	if !l.Part {
		d.Message += "it is taken off the list"
		w.draft.Effects.Restored = append(w.draft.Effects.Restored, t.ID)
		w.act(Action{Type: Notify, Description: fmt.Sprintf("Note that the former values of %s are gone", name)})
		w.differ(d, t.Entity, 1, nil)
		return nil
	}
	d.Message += "its place is made again, empty, beside what is left"
	var steps []Step
	for _, place := range l.Missing {
		step, ok := t.place(place)
		if !ok {
			w.block(d.key(), fmt.Sprintf("A part of what was taken out of use of %s is gone (%s)", name, place.Table), "Purge the rest of it")
			w.differ(d, t.Entity, 1, nil)
			return nil
		}
		steps = append(steps, step)
	}
	if err := w.migrate(fmt.Sprintf("Make the place of the former values of %s again, empty", name), steps, nil); err != nil {
		return err
	}
	w.differ(d, t.Entity, 1, w.draft.File.Actions[len(w.draft.File.Actions)-1].Up)
	return nil
}

// place returns the step that makes a place of a tombstone again.
func (t Tombstone) place(p Place) (Step, bool) {
	if p.Column != "" {
		return AddColumn{p.Table, Column{Name: p.Column, Type: columnType(t.Shape.Fields[0].Type)}}, true
	}
	tables := Tables(t.Shape)
	for _, tag := range append([]string{t.Tag}, t.tags()...) {
		for _, table := range tables {
			if OutOfUse(tag, table.Name) != p.Table {
				continue
			}
			table.Name, table.Indexes = p.Table, nil
			if table.Parent != "" && t.Field == "" {
				table.Parent = OutOfUse(t.Tag, table.Parent)
			}
			return CreateTable{table}, true
		}
	}
	return nil, false
}

// tags are those of the fields of a tombstone, in order.
func (t Tombstone) tags() []string {
	var list []string
	for _, tag := range t.Life.Fields {
		list = append(list, tag)
	}
	slices.Sort(list)
	return list
}
