package action

import (
	"context"
	"fmt"
	"slices"
	"strings"

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
	table := f.now(document.RevisionsTable(f.was.ID))
	_, _, err := f.check(ctx, probe{
		key: "versioned", rule: diff.VersionedChanged,
		query: fmt.Sprintf("SELECT count(*) AS n, count(*) AS total FROM %s", table),
		judge: func(n, _ int64) (Verdict, diff.Category, string) {
			if n == 0 {
				return ProvedSafe, diff.Safe, fmt.Sprintf("%s has no revisions", f.was.ID)
			}
			return Risk, diff.Warning, fmt.Sprintf("%s of %s go out of use; they are kept and come back with the setting", count(n, "revision"), f.was.ID)
		},
	})
	return err
}

// remember gives a content type tables for its revisions: those that it had before, brought to the shape that its
// fields have now, or new ones.
func (f *fields) remember(ctx context.Context) error {
	former, back := f.formerRevisions()
	if !back {
		return f.newRevisions(ctx)
	}
	out := OutOfUse(f.life.Tag, document.RevisionsTable(f.to.ID))
	live, err := f.g.Inspect(ctx, []string{out})
	if err != nil {
		return err
	}
	table, there := live[out]
	if !there {
		f.block("versioned", fmt.Sprintf("The former revisions of %s are not there any more", f.to.ID), "They were removed by another program; purge what is left of them first")
		return nil
	}
	f.draft.Effects.Restored = append(f.draft.Effects.Restored, former.ID)
	name := document.RevisionsTable(f.to.ID)
	up := []Step{RenameTable{out, name}}
	up = append(up, f.align(name, former, &table)...)
	lists, err := f.lists(ctx, former)
	if err != nil {
		return err
	}
	up = append(up, lists...)
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
	var up, down []Step
	live, err := f.inspect(ctx, Tables(f.to))
	if err != nil {
		return err
	}
	for _, t := range f.revisionTables(f.to) {
		if _, taken := live[t.now]; taken && !f.retires(t.now) {
			f.block("versioned", fmt.Sprintf("A table %s is there already, and no file describes it", t.now), "Rename that table, then try again")
			return nil
		}
		down = append(down, RenameTable{t.now, t.out})
	}
	former := Tombstone{Life: Life{Fields: map[string]string{}}}
	up = append(up, CreateTable{revisionsTable(f.to)})
	lists, err := f.lists(ctx, former)
	if err != nil {
		return err
	}
	return f.migrate(fmt.Sprintf("Keep revisions of %s", f.to.ID), append(up, lists...), down)
}

// lists gives every field with several values a table for its revisions: the one that it had, or a new one.
func (f *fields) lists(ctx context.Context, former Tombstone) ([]Step, error) {
	var steps []Step
	for i := range f.to.Fields {
		field := &f.to.Fields[i]
		if !field.Multiple() {
			continue
		}
		tag, name := f.life.Fields[field.ID], document.FieldRevisionsTable(f.to.ID, field.ID)
		was := field.ID
		for id, t := range former.Life.Fields {
			if t == tag {
				was = id
			}
		}
		out := OutOfUse(tag, document.FieldRevisionsTable(f.to.ID, was))
		live, err := f.g.Inspect(ctx, []string{out})
		if err != nil {
			return nil, err
		}
		if _, there := live[out]; there {
			steps = append(steps, RenameTable{out, name})
			continue
		}
		steps = append(steps, CreateTable{fieldTables(f.to, field)[1]})
	}
	return steps, nil
}

// align gives the columns of revisions that come back the names of what they hold now. Fields that went meanwhile go
// out of use here too; fields that came get an empty column, or what the values they were made from say.
func (f *fields) align(table string, former Tombstone, live *LiveTable) []Step {
	held := map[string]string{} // by tag: the column that holds it
	for id, tag := range former.Life.Fields {
		if live.Column(id) != nil {
			held[tag] = id
		}
	}
	var aside, final, fresh []Step
	for _, tag := range sortedKeys(held) {
		id := held[tag]
		if field := f.to.Field(id); field == nil || field.Multiple() || f.life.Fields[id] != tag {
			aside = append(aside, RenameColumn{table, id, OutOfUse(tag, id)})
			held[tag] = OutOfUse(tag, id)
		}
	}
	for i := range f.to.Fields {
		field := &f.to.Fields[i]
		if field.Multiple() {
			continue
		}
		tag := f.life.Fields[field.ID]
		column, there := held[tag]
		if !there {
			column, there = outOf(live, tag)
		}
		switch {
		case there && column != field.ID:
			final = append(final, RenameColumn{table, column, field.ID})
		case !there:
			fresh = append(fresh, AddColumn{table, revisionColumn(field)})
			fresh = append(fresh, f.derive(table, field, tag, held, live)...)
		}
	}
	return slices.Concat(aside, final, fresh)
}

// outOf returns the column of an incarnation that is out of use in a table.
func outOf(live *LiveTable, tag string) (string, bool) {
	for _, c := range live.Columns {
		if tag != "" && strings.HasPrefix(c.Name, "_old_"+tag+"_") {
			return c.Name, true
		}
	}
	return "", false
}

// derive fills the revisions of a field from the newest incarnation that its values were made from.
func (f *fields) derive(table string, field *document.Field, tag string, held map[string]string, live *LiveTable) []Step {
	for seen := map[string]bool{}; !seen[tag]; {
		seen[tag] = true
		origin, ok := f.origin(tag)
		if !ok {
			return nil
		}
		tag = origin.From
		t, known := f.lying(tag)
		column, there := held[tag]
		if !there {
			column, there = outOf(live, tag)
		}
		if !known || !there || t.Shape.Fields[0].Multiple() {
			continue
		}
		rows := f.g.rows(table, true)
		return []Step{Update{Table: table, Set: []Assignment{{field.ID, rows.as(&t.Shape.Fields[0], field, rows.column(column))}}}}
	}
	return nil
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
