package action

import (
	"context"
	"fmt"
	"slices"

	"marain/backend/diff"
	"marain/backend/document"
)

// forget takes the revisions of a content type out of use, with those of its fields.
func (f *fields) forget(ctx context.Context) error {
	if err := f.checkRevisions(ctx); err != nil {
		return err
	}
	var up, down []Step
	for _, t := range f.revisionTables(f.was) {
		up = append(up, RenameTable{t.now, t.out})
		down = append(down, RenameTable{t.out, t.now})
		f.draft.Effects.Gone = append(f.draft.Effects.Gone, t.now)
	}
	f.draft.Removes = true
	shape := *f.was
	f.draft.Effects.Retired = append(f.draft.Effects.Retired, Tombstone{
		Kind: Revisions, Entity: shape.ID, EntityTag: f.life.Tag, Tag: f.life.Tag, Shape: &shape, Life: f.life.Clone(),
	})
	return f.migrate(fmt.Sprintf("Take the revisions of %s out of use; they stay inside", shape.ID), up, down)
}

// revisionTable is a table of revisions: its name in use and out of use.
type revisionTable struct{ now, out string }

func (f *fields) revisionTables(e *document.Entity) []revisionTable {
	list := []revisionTable{{document.RevisionsTable(e.ID), OutOfUse(f.life.Tag, document.RevisionsTable(e.ID))}}
	for i := range e.Fields {
		if field := &e.Fields[i]; field.Multiple() {
			name := document.FieldRevisionsTable(e.ID, field.ID)
			list = append(list, revisionTable{name, OutOfUse(f.life.Fields[field.ID], name)})
		}
	}
	return list
}

// checkRevisions asks how many revisions are about to go out of use.
func (f *fields) checkRevisions(ctx context.Context) error {
	_, _, err := f.check(ctx, probe{
		key: "versioned", rule: diff.VersionedChanged,
		query: fmt.Sprintf("SELECT count(*) AS n, count(*) AS total FROM (%s) AS r", f.revisionsOf(f.was)),
		judge: func(n, _ int64) (Verdict, diff.Category, string) {
			if n == 0 {
				return ProvedSafe, diff.Safe, fmt.Sprintf("%s has no revisions", f.was.ID)
			}
			return Risk, diff.Warning, fmt.Sprintf("%s of %s go out of use; they are kept and come back with the setting", count(n, "revision"), f.was.ID)
		},
	})
	return err
}

// shelf is the revisions of a content type that are out of use. They follow their fields: a column has the name of its
// field while that is in use, so that they can come back at any time.
type shelf struct {
	table   string
	columns map[string]bool
	lists   map[string]bool // tables of fields with several values, as far as they were looked at
}

// openShelf finds the revisions that are out of use, or are about to be.
func (f *fields) openShelf(ctx context.Context) error {
	name := OutOfUse(f.life.Tag, document.RevisionsTable(f.to.ID))
	now := name
	_, former := f.formerRevisions()
	switch {
	case f.was.Versioned && !f.to.Versioned:
		now = f.nowName(document.RevisionsTable(f.to.ID))
	case f.was.Versioned || !former:
		return nil
	}
	live, err := f.g.Inspect(ctx, []string{now})
	if err != nil {
		return fmt.Errorf("look at the revisions out of use: %w", err)
	}
	f.shelf = &shelf{table: name, columns: map[string]bool{}, lists: map[string]bool{}}
	for _, c := range live[now].Columns {
		f.shelf.columns[c.Name] = true
	}
	ids := map[string]string{} // by tag: fields with several values whose tables may lie there
	for i := range f.was.Fields {
		ids[f.life.Fields[f.was.Fields[i].ID]] = f.was.Fields[i].ID
	}
	for _, t := range f.g.Tombstones {
		if t.Kind == Whole && t.Field != "" && t.EntityTag == f.life.Tag {
			ids[t.Tag] = t.Field
		}
	}
	return f.openLists(ctx, ids)
}

func (f *fields) openLists(ctx context.Context, ids map[string]string) error {
	for _, tag := range sortedKeys(ids) {
		name := document.FieldRevisionsTable(f.to.ID, ids[tag])
		names := []string{OutOfUse(tag, name)}
		if f.was.Versioned {
			names = append(names, f.nowName(name))
		}
		live, err := f.g.Inspect(ctx, names)
		if err != nil {
			return fmt.Errorf("look at the revisions out of use: %w", err)
		}
		if len(live) > 0 {
			f.shelf.lists[names[0]] = true
		}
	}
	return nil
}

// rename gives a column of the shelf another name, when it has it.
func (s *shelf) rename(from, to string) []Step {
	if !s.columns[from] || from == to {
		return nil
	}
	delete(s.columns, from)
	s.columns[to] = true
	return []Step{RenameColumn{s.table, from, to}}
}

// relist gives a table of the shelf another name, when it has it.
func (s *shelf) relist(from, to string) []Step {
	if !s.lists[from] || from == to {
		return nil
	}
	delete(s.lists, from)
	s.lists[to] = true
	return []Step{RenameTable{from, to}}
}

// shelve takes a field's revisions along that lie on the shelf when it goes out of use.
func (f *fields) shelve(field *document.Field, tag string) []Step {
	if f.shelf == nil || field.Multiple() {
		return nil
	}
	return f.shelf.rename(field.ID, OutOfUse(tag, field.ID))
}

// unshelve takes them along when it comes back, under whatever name.
func (f *fields) unshelve(was, tag string, field *document.Field) []Step {
	if f.shelf == nil {
		return nil
	}
	if field.Multiple() {
		return f.shelf.relist(OutOfUse(tag, document.FieldRevisionsTable(f.to.ID, was)), OutOfUse(tag, document.FieldRevisionsTable(f.to.ID, field.ID)))
	}
	return f.shelf.rename(OutOfUse(tag, was), field.ID)
}

// reshelve takes them along when it gets another name.
func (f *fields) reshelve(from, to *document.Field, tag string) []Step {
	if f.shelf == nil {
		return nil
	}
	if from.Multiple() {
		return f.shelf.relist(OutOfUse(tag, document.FieldRevisionsTable(f.to.ID, from.ID)), OutOfUse(tag, document.FieldRevisionsTable(f.to.ID, to.ID)))
	}
	return f.shelf.rename(from.ID, to.ID)
}

// remember gives a content type tables for its revisions: those that it had before, with what they lack, or new ones.
func (f *fields) remember(ctx context.Context) error {
	former, back := f.formerRevisions()
	if !back {
		return f.newRevisions(ctx)
	}
	if len(f.shelf.columns) == 0 {
		f.block("versioned", fmt.Sprintf("The former revisions of %s are not there any more", f.to.ID), "They were removed by another program; purge what is left of them first")
		return nil
	}
	f.draft.Effects.Restored = append(f.draft.Effects.Restored, former.ID)
	name := document.RevisionsTable(f.to.ID)
	up := []Step{RenameTable{f.shelf.table, name}}
	for i := range f.to.Fields {
		if field := &f.to.Fields[i]; !field.Multiple() && !f.shelf.columns[field.ID] {
			up = append(up, AddColumn{name, revisionColumn(field)})
			up = append(up, f.derive(name, field)...)
		}
	}
	up = append(up, f.lists()...)
	return f.migrate(fmt.Sprintf("Bring the revisions of %s back", f.to.ID), up, inverse(up, f.undone("revisions")))
}

func (f *fields) formerRevisions() (Tombstone, bool) {
	for _, t := range f.g.Tombstones {
		if t.Kind == Revisions && t.EntityTag == f.life.Tag {
			return t, true
		}
	}
	return Tombstone{}, false
}

// newRevisions makes tables for revisions from now on.
func (f *fields) newRevisions(ctx context.Context) error {
	live, err := f.inspect(ctx, Tables(f.to))
	if err != nil {
		return err
	}
	for _, t := range f.revisionTables(f.to) {
		if _, taken := live[t.now]; taken && !f.retires(t.now) {
			f.block("versioned", fmt.Sprintf("A table %s is there already, and no file describes it", t.now), "Rename that table, then try again")
			return nil
		}
	}
	ids := map[string]string{}
	for i := range f.to.Fields {
		ids[f.life.Fields[f.to.Fields[i].ID]] = f.to.Fields[i].ID
	}
	f.shelf = &shelf{columns: map[string]bool{}, lists: map[string]bool{}}
	if err := f.openLists(ctx, ids); err != nil {
		return err
	}
	up := append([]Step{CreateTable{revisionsTable(f.to)}}, f.lists()...)
	return f.migrate(fmt.Sprintf("Keep revisions of %s", f.to.ID), up, inverse(up, f.undone("revisions")))
}

// lists gives every field with several values a table for its revisions: the one that it had, or a new one.
func (f *fields) lists() []Step {
	var steps []Step
	for i := range f.to.Fields {
		field := &f.to.Fields[i]
		if !field.Multiple() {
			continue
		}
		name := document.FieldRevisionsTable(f.to.ID, field.ID)
		if out := OutOfUse(f.life.Fields[field.ID], name); f.shelf.lists[out] {
			steps = append(steps, RenameTable{out, name})
			continue
		}
		steps = append(steps, CreateTable{fieldTables(f.to, field)[1]})
	}
	return steps
}

// derive fills the revisions of a field from the newest incarnation that its values were made from.
func (f *fields) derive(table string, field *document.Field) []Step {
	tag := f.life.Fields[field.ID]
	for seen := map[string]bool{}; !seen[tag]; {
		seen[tag] = true
		origin, ok := f.origin(tag)
		if !ok {
			return nil
		}
		tag = origin.From
		t, known := f.gone(tag)
		if !known || t.Shape.Fields[0].Multiple() || !f.shelf.columns[OutOfUse(tag, t.Field)] {
			continue
		}
		rows := f.g.rows(table, true)
		value := rows.as(&t.Shape.Fields[0], field, rows.column(OutOfUse(tag, t.Field)))
		return []Step{Update{Table: table, Set: []Assignment{{field.ID, value}}}}
	}
	return nil
}

// gone returns the field of an incarnation that is out of use, or goes out of use in this plan.
func (f *fields) gone(tag string) (Tombstone, bool) {
	for _, t := range f.draft.Effects.Retired {
		if t.Kind == Whole && t.Field != "" && t.Tag == tag {
			return t, true
		}
	}
	return f.lying(tag)
}

// origin returns what an incarnation was filled from, also when this very plan does it.
func (f *fields) origin(tag string) (Origin, bool) {
	for _, o := range f.draft.Effects.Origins {
		if o.Tag == tag {
			return o, true
		}
	}
	o, ok := f.g.Origins[tag]
	return o, ok
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
