package action

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"marain/backend/diff"
	"marain/backend/document"
)

// alterFields plans the fields of a content type that stays (with show set) or comes back in another shape.
func (w *work) alterFields(ctx context.Context, old, new *document.Entity, life Life, show bool) error {
	hints := w.pair(ctx, old, new, life)
	var changes []diff.Change
	if show {
		changes = diff.Documents(w.in.Old, w.in.New, hints)
	} else {
		changes = diff.Entities(old, new, hints)
	}
	w.checkDefaults(old, new)
	f := newFields(w, old, new, life)
	for _, c := range changes {
		w.change(c) // also of a content type that comes back: what leaves with it must be seen and graded
	}
	if err := f.run(ctx, hints, changes); err != nil {
		return err
	}
	w.draft.Effects.Lives[new.ID] = &f.life
	if show && len(changes) > 0 && changes[0].Describe().Rule != diff.FormatOnly {
		w.act(Action{Type: InvalidateCache, Description: fmt.Sprintf("Publish the new definition of %s to readers", new.ID)})
	}
	return nil
}

// fields carries the incarnations of one content type through its changes.
type fields struct {
	*work
	was, to  *document.Entity // before and after
	old, new *document.Entity // the same, with revisions only where they are there before and after
	life     Life
	replaced map[string]*replacement // by new field id
	used     map[string]bool         // tags that come back in this plan
	found    map[string]bool         // by tag: lists out of use that have the index of their rows
	marked   map[string]bool         // by tag: marks that lie beside revisions too
	shelf    *shelf                  // revisions out of use; nil for none
}

func newFields(w *work, old, new *document.Entity, life Life) *fields {
	before, after := *old, *new
	before.Versioned = old.Versioned && new.Versioned
	after.Versioned = before.Versioned
	return &fields{
		work: w, was: old, to: new, old: &before, new: &after, life: life,
		replaced: map[string]*replacement{}, used: map[string]bool{}, found: map[string]bool{},
		marked: map[string]bool{},
	}
}

// run plans what goes first, so that names are free for what comes: revisions and fields that leave, then renames,
// then the rest. Revisions that come do so last, in the shape that the fields have then.
func (f *fields) run(ctx context.Context, hints diff.Hints, changes []diff.Change) error {
	if f.was.Versioned && !f.to.Versioned {
		if err := f.forget(ctx); err != nil {
			return err
		}
	}
	if err := f.openShelf(ctx); err != nil {
		return err
	}
	if err := f.replacements(ctx, hints, changes); err != nil {
		return err
	}
	var renames []diff.FieldRenamed
	for _, c := range changes {
		if r, ok := c.(diff.FieldRenamed); ok && f.replaced[r.To.ID] == nil {
			renames = append(renames, r)
		}
		if err := f.leave(ctx, c); err != nil {
			return err
		}
	}
	if err := f.each(func(r *replacement) error { return f.set(ctx, r) }); err != nil {
		return err
	}
	if err := f.renames(renames); err != nil {
		return err
	}
	// Rules that fall do so before values are filled in or other rules come: a former one must not refuse them.
	for _, falls := range []bool{true, false} {
		for _, c := range changes {
			if falling(c.Describe().Rule) != falls {
				continue
			}
			if err := f.come(ctx, c); err != nil {
				return err
			}
		}
	}
	if err := f.each(func(r *replacement) error { return f.replace(ctx, r) }); err != nil {
		return err
	}
	if f.to.Versioned && !f.was.Versioned {
		return f.remember(ctx)
	}
	return nil
}

// each goes through the replaced fields in the order of the file.
func (f *fields) each(do func(*replacement) error) error {
	for i := range f.new.Fields {
		if r := f.replaced[f.new.Fields[i].ID]; r != nil {
			if err := do(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// falling reports whether a change takes a rule away from values that stay.
func falling(rule diff.Rule) bool {
	return rule == diff.RequiredToOptional || rule == diff.UniqueDropped || rule == diff.IndexDropped
}

func (f *fields) leave(ctx context.Context, change diff.Change) error {
	c, ok := change.(diff.FieldRemoved)
	if !ok || f.letFieldGo(c.Field) {
		return nil
	}
	if err := errors.Join(f.checkValues(ctx, f.old, c), f.checkRevisionValues(ctx, c)); err != nil {
		return err
	}
	if err := f.foreignIndexes(ctx, c.Field); err != nil {
		return err
	}
	tag := f.life.Fields[c.Field.ID]
	delete(f.life.Fields, c.Field.ID)
	f.bury(Whole, c.Field, tag)
	if c.Field.Multiple() {
		f.draft.Effects.Gone = append(f.draft.Effects.Gone, TableNames(fieldTables(f.old, c.Field))...)
	}
	up := append(retireField(f.old, c.Field, tag), f.shelve(c.Field, tag)...)
	return f.migrate(fmt.Sprintf("Take field %s out of use; its values stay inside", c.Field.ID), up, inverse(up, ""))
}

// foreignIndexes blocks the removal of a field that a unique index of another program is on: out of use, its values
// would still decide which rows may be written.
func (f *fields) foreignIndexes(ctx context.Context, field *document.Field) error {
	if field.Multiple() {
		return nil // the table goes as a whole and is written no more
	}
	table := document.ContentTable(f.old.ID)
	if _, away := f.physical[table]; away {
		return nil // it was out of use itself
	}
	live, err := f.g.Inspect(ctx, []string{table})
	if err != nil {
		return err
	}
	for _, index := range live[table].Indexes {
		if index.Unique && contains(index.Columns, field.ID) && index.Name != uniqueIndex(table, field.ID).Name {
			f.block("fields."+field.ID, fmt.Sprintf("The unique index %s, which no file describes, is on %s", index.Name, field.ID),
				"Drop that index first: out of use, the values would still refuse rows")
		}
	}
	return nil
}

// renames carries renames out in an order in which every new name is free; where fields swap their names, one goes
// through a name that no document can ask for.
func (f *fields) renames(list []diff.FieldRenamed) error {
	for len(list) > 0 {
		i := slices.IndexFunc(list, func(c diff.FieldRenamed) bool { return f.life.Fields[c.To.ID] == "" })
		if i < 0 {
			aside := *list[0].From
			aside.ID = OutOfUse(f.life.Fields[aside.ID], aside.ID)
			if err := f.rename(list[0].From, &aside); err != nil {
				return err
			}
			list[0].From = &aside
			continue
		}
		if err := f.rename(list[i].From, list[i].To); err != nil {
			return err
		}
		list = slices.Delete(list, i, i+1)
	}
	return nil
}

func (f *fields) rename(from, to *document.Field) error {
	f.life.Fields[to.ID] = f.life.Fields[from.ID]
	delete(f.life.Fields, from.ID)
	if from.Multiple() {
		f.draft.Effects.Gone = append(f.draft.Effects.Gone, TableNames(fieldTables(f.old, from))...)
	}
	// The rules of the field stay as they were; those that change too are changes of their own.
	same := *from
	same.ID = to.ID
	up := append(renameField(f.old, from, &same), f.reshelve(from, to, f.life.Fields[to.ID])...)
	return f.migrate(fmt.Sprintf("Rename field %s to %s with its values", from.ID, to.ID), up, inverse(up, ""))
}

func (f *fields) come(ctx context.Context, change diff.Change) error {
	switch c := change.(type) {
	case diff.FieldAdded:
		return f.add(ctx, c)
	case diff.FieldAltered:
		return f.alter(ctx, c)
	case diff.EntityAltered, diff.FieldRemoved, diff.FieldRenamed, diff.Reformatted:
	default:
		h := change.Describe()
		f.block(h.Key, fmt.Sprintf("%s (%s) cannot be planned", h.Message, h.Rule), "Put the former text back")
	}
	return nil
}

// add brings a field into use: a new one, or the incarnation that a rollback or an answer asks for.
func (f *fields) add(ctx context.Context, c diff.FieldAdded) error {
	former, found := f.former(c.Field)
	if target, back := f.target(f.new.ID); back {
		if taken, err := f.takeFieldBack(ctx, c.Field, target.Fields[c.Field.ID]); taken || err != nil {
			return err
		}
		if former, found = f.lying(target.Fields[c.Field.ID]); !found || f.used[former.Tag] {
			hint := writeField
			if f.old.Field(c.Field.ID) != nil {
				hint = writeShape
			}
			f.block(c.Key, fmt.Sprintf("The values of %s from that time are not there any more", c.Field.ID), "They were purged or removed by another program: "+hint)
			return nil
		}
		return f.restore(ctx, c, f.covering(former, c.Field))
	}
	if found {
		def := "empty"
		answer, ok := f.ask(Question{
			Key:     "restore:" + f.new.ID + "." + c.Field.ID,
			Text:    fmt.Sprintf("A field %s was taken out of use before. Start empty, or bring its former values back?", c.Field.ID),
			Options: []string{"empty", "restore"}, Default: &def,
		})
		if ok && answer == "restore" {
			return f.restore(ctx, c, former)
		}
	}
	return f.create(ctx, c)
}

func (f *fields) create(ctx context.Context, c diff.FieldAdded) error {
	tag := Tag(f.in.Path, f.in.NextVersion, f.new.ID, c.Field.ID)
	f.life.Fields[c.Field.ID] = tag
	taken, err := f.taken(ctx, c.Field)
	if err != nil || taken {
		return err
	}
	up, err := f.creation(ctx, c)
	if err != nil {
		return err
	}
	return f.migrate(fmt.Sprintf("Add field %s", c.Field.ID), up, retireField(f.new, c.Field, tag))
}

// creation returns the steps that bring a new field into use. A required one without a default gets its values before
// the rule, whatever the number of rows is now: it may be another one when the plan is applied.
func (f *fields) creation(ctx context.Context, c diff.FieldAdded) ([]Step, error) {
	var fill any
	if c.Field.Required {
		var err error
		if fill, err = f.backfill(ctx, c); err != nil {
			return nil, err
		}
	}
	if err := f.checkUniqueDefault(ctx, c); err != nil {
		return nil, err
	}
	if c.Field.Multiple() || !c.Field.Unique && (!c.Field.Required || c.Field.Default != nil) {
		return createField(f.new, c.Field), nil
	}
	if fill == nil {
		fill = c.Field.Default
	}
	var steps []Step
	for _, revisions := range f.both() {
		steps = append(steps, f.place(c.Field, revisions)...)
	}
	table := document.ContentTable(f.new.ID)
	if fill != nil {
		steps = append(steps, Fill{table, c.Field.ID, columnType(c.Field.Type), fill})
	}
	return append(steps, f.rules(c.Field)...), nil
}

// taken blocks a new field whose column or table another program has made already.
func (f *fields) taken(ctx context.Context, field *document.Field) (bool, error) {
	names := []string{document.ContentTable(f.new.ID)}
	if field.Multiple() {
		names = TableNames(fieldTables(f.new, field))
	}
	for i, name := range names {
		if present, ok := f.physical[name]; ok {
			names[i] = present
		}
	}
	live, err := f.g.Inspect(ctx, names)
	if err != nil {
		return false, err
	}
	for _, t := range live {
		if f.retires(t.Name) || !field.Multiple() && (t.Column(field.ID) == nil || f.old.Field(field.ID) != nil) {
			continue
		}
		f.block("fields."+field.ID, fmt.Sprintf("%s already has a place for %s that no file describes", t.Name, field.ID),
			"Another program made it: marain drift --adopt makes a field of it; or rename it there, or choose another id")
		return true, nil
	}
	return false, nil
}

// bringBack renames a field's column or tables back and puts the field's rules on them.
func (f *fields) bringBack(ctx context.Context, c diff.FieldAdded, t Tombstone) error {
	was := &t.Shape.Fields[0]
	if !sameStorage(was, c.Field) {
		f.block(c.Key, fmt.Sprintf("The former values of %s have another shape", c.Field.ID), "Answer with empty, or declare the field as it was")
		return nil
	}
	has, err := f.lies(ctx, t)
	if err != nil {
		return err
	}
	if !has[0] {
		f.block(c.Key, fmt.Sprintf("The former values of %s are not there any more", c.Field.ID), f.withoutValues(has))
		return nil
	}
	var fill *string
	if c.Field.Required && !c.Field.Multiple() {
		if fill, err = f.fillReturning(ctx, c, t); err != nil {
			return err
		}
	}
	if err := errors.Join(f.checkReturningUnique(ctx, c, t), f.checkReturningLength(ctx, c, t)); err != nil {
		return err
	}
	f.used[t.Tag] = true
	if fill != nil {
		return f.bringOver(c, t, *fill, has)
	}
	f.life.Fields[c.Field.ID] = t.Tag
	f.draft.Effects.Restored = append(f.draft.Effects.Restored, t.ID)
	there, fresh := []bool{false}, []Step(nil)
	if len(has) > 1 && has[1] {
		there = append(there, true)
	} else if len(has) > 1 {
		fresh = f.place(c.Field, true) // it was in use while no revisions were kept
	}
	up := slices.Concat(restoreField(f.new, c.Field, t.Field, t.Tag, there, f.found[t.Tag]), fresh, f.unshelve(t.Field, t.Tag, c.Field))
	return f.migrate(fmt.Sprintf("Bring field %s back with its values", c.Field.ID), up, inverse(up, f.undone(c.Field.ID)))
}

// alter plans one changed property of a field that stays.
func (f *fields) alter(ctx context.Context, c diff.FieldAltered) error {
	table, column := document.ContentTable(f.new.ID), c.To.ID
	if c.To.Multiple() {
		table, column = document.FieldTable(f.new.ID, c.To.ID), "value"
	}
	if r := f.replaced[c.To.ID]; r != nil && c.Rule != diff.TargetChanged {
		return nil // its values go on in another place, which gets all its rules there
	}
	one := func(description string, up, down Step) error {
		return f.migrate(description, []Step{up}, []Step{down})
	}
	switch c.Rule {
	case diff.OptionalToRequired:
		return f.require(ctx, c, table)
	case diff.RequiredToOptional:
		if c.To.Multiple() {
			return nil // a rule of content, not of a column
		}
		return one(fmt.Sprintf("Allow empty values in %s", column), DropNotNull{table, column}, SetNotNull{table, column})
	case diff.UniqueAdded:
		index := uniqueIndex(table, column)
		if err := errors.Join(f.checkUnique(ctx, c, table, column), f.checkIndexed(ctx, c, table, column)); err != nil {
			return err
		}
		return one(fmt.Sprintf("Refuse equal values of %s", c.To.ID), CreateIndex{index}, DropIndex{index})
	case diff.UniqueDropped:
		index := uniqueIndex(table, column)
		return one(fmt.Sprintf("Allow equal values of %s", c.To.ID), DropIndex{index}, CreateIndex{index})
	case diff.IndexAdded:
		index := plainIndex(table, column)
		if err := f.checkIndexed(ctx, c, table, column); err != nil {
			return err
		}
		return one(fmt.Sprintf("Index %s", c.To.ID), CreateIndex{index}, DropIndex{index})
	case diff.IndexDropped:
		index := plainIndex(table, column)
		return one(fmt.Sprintf("Drop the index of %s", c.To.ID), DropIndex{index}, CreateIndex{index})
	case diff.TypeChanged, diff.TargetChanged:
		if c.To.Type == document.EntityReference {
			return f.checkTarget(ctx, c.Key, c.Rule, c.From, c.To)
		}
		return f.checkKept(ctx, c)
	case diff.CardinalityLowered:
		return f.checkLimit(ctx, c.Key, c.Rule, c.From, c.To)
	case diff.ComponentChanged:
		return f.checkShape(ctx, c.From, c.To)
	case diff.DefaultChanged, diff.FieldLabelled, diff.TypeWidened, diff.CardinalityRaised:
		return nil // published with the definition: the values can stay as they lie
	}
	f.block(c.Key, fmt.Sprintf("%s (%s) cannot be planned", c.Message, c.Rule), "Put the former text back, or add a new field beside the old one")
	return nil
}

// require refuses empty values from now on. Rows that have none were given one together with a place of its own.
func (f *fields) require(ctx context.Context, c diff.FieldAltered, table string) error {
	if c.To.Multiple() {
		_, err := f.checkEmpty(ctx, c)
		return err
	}
	return f.migrate(fmt.Sprintf("Refuse empty values in %s", c.To.ID), []Step{SetNotNull{table, c.To.ID}}, []Step{DropNotNull{table, c.To.ID}})
}
