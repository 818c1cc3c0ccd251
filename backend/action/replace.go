package action

import (
	"context"
	"fmt"
	"slices"

	"marain/backend/diff"
	"marain/backend/document"
)

// replacement is a field whose values go on in another incarnation: in a new one that is filled from the present one,
// or in an earlier one of the same line that comes back.
type replacement struct {
	from, to *document.Field
	tag      string     // the present incarnation, or the one that was in use last
	lying    bool       // it is out of use already
	back     *Tombstone // the one that comes back; nil: a new one
	hops     []hop      // how to get to it
	next     string     // the incarnation that is in use afterwards
	fill     *string    // what rows get that have no value
	key      string     // key path of the change that brings it
	rule     diff.Rule
}

// replacements finds the fields whose values go on in another incarnation.
func (f *fields) replacements(ctx context.Context, hints diff.Hints, changes []diff.Change) error {
	for i := range f.new.Fields {
		to := &f.new.Fields[i]
		from := f.old.Field(to.ID)
		if source, renamed := hints.Renamed[to.ID]; renamed {
			from = f.old.Field(source)
		} else if from != nil && (hints.Replaced[to.ID] || goesOn(hints, from.ID)) {
			from = nil
		}
		if from == nil {
			continue
		}
		r, err := f.replacement(ctx, from, to, altered(changes, to.ID))
		if err != nil {
			return err
		}
		if r != nil {
			f.replaced[to.ID] = r
		}
	}
	return nil
}

// goesOn reports whether a field of the old version is carried on under another id.
func goesOn(hints diff.Hints, id string) bool {
	for _, source := range hints.Renamed {
		if source == id {
			return true
		}
	}
	return false
}

// altered returns the changes of one field that stays, by rule.
func altered(changes []diff.Change, id string) map[diff.Rule]diff.FieldAltered {
	list := map[diff.Rule]diff.FieldAltered{}
	for _, c := range changes {
		if a, ok := c.(diff.FieldAltered); ok && a.To.ID == id {
			list[a.Rule] = a
		}
	}
	return list
}

// replacement decides about one field. A rollback asks for its own incarnation; an apply makes a new one where the
// values cannot stay as they lie, unless an earlier one of the same line fits: then the originals come back.
func (f *fields) replacement(ctx context.Context, from, to *document.Field, changes map[diff.Rule]diff.FieldAltered) (*replacement, error) {
	r := &replacement{from: from, to: to, tag: f.life.Fields[from.ID]}
	r.key, r.rule = "fields."+to.ID, diff.ValuesReturned
	for _, rule := range []diff.Rule{diff.OptionalToRequired, diff.UniqueAdded, diff.CardinalityRaised, diff.CardinalityLowered, diff.ComponentChanged, diff.TypeWidened, diff.TypeChanged} {
		if c, ok := changes[rule]; ok {
			r.key, r.rule = c.Key, rule
		}
	}
	target, back := f.target(f.new.ID)
	if tag := target.Fields[to.ID]; back {
		if tag == r.tag || to.Required && sameStorage(from, to) && f.g.covers(r.tag, tag, to) {
			// The very values of that time, where they lay then; or these and what rows without one were given.
			return f.filled(ctx, r, changes[diff.OptionalToRequired])
		}
		t, there := f.lying(tag)
		if !there || f.used[tag] {
			f.block(r.key, fmt.Sprintf("The values of %s from that time are not there any more", to.ID), "They were purged or removed by another program: "+writeShape)
			return nil, nil
		}
		return f.along(r, t)
	}
	if !sameStorage(from, to) {
		// A slug can stay as it lies when it becomes a text, but it may have been made from another text.
		if t, ok := f.earlier(node{tag: r.tag, field: from}, to); ok {
			return f.along(r, t)
		}
	}
	switch {
	case from.Multiple() != to.Multiple() || !SameStorage(from, to):
	case from.Type == document.Slug && to.Type != document.Slug && f.kin(r.tag):
		// As a text it could hold what as a slug it could not: nobody could tell any more what was taken away there.
	case changes[diff.OptionalToRequired].To != nil && !to.Multiple():
		return f.filled(ctx, r, changes[diff.OptionalToRequired])
	case changes[diff.UniqueAdded].To != nil && !to.Multiple():
		if inborn, err := f.hasDefault(ctx, from); err != nil || !inborn {
			return nil, err // a default of the column's own would give rows that are written without a value the same one
		}
	default:
		return nil, nil
	}
	r.next = f.newTag(to)
	return r, nil
}

// newTag names a new incarnation of a field.
func (f *fields) newTag(field *document.Field) string {
	return Tag(f.in.Path, f.in.NextVersion, f.new.ID, field.ID)
}

// along makes an earlier incarnation of the line come back.
func (f *fields) along(r *replacement, t Tombstone) (*replacement, error) {
	hops, ok := f.route(node{tag: r.tag, field: r.from}, t)
	if !ok {
		return nil, fmt.Errorf("field %s: incarnations %s and %s are of different lines", r.to.ID, r.tag, t.Tag)
	}
	// Places of slugs can hold any text: what comes there is what the field is from now on.
	end := *hops[len(hops)-1].to.field
	end.Type = r.to.Type
	hops[len(hops)-1].to.field = &end
	r.back, r.hops, r.next = &t, hops, t.Tag
	f.used[t.Tag] = true
	return r, nil
}

// hasDefault reports whether the column of a field gives rows a value by itself.
func (f *fields) hasDefault(ctx context.Context, field *document.Field) (bool, error) {
	name := f.nowName(document.ContentTable(f.new.ID))
	live, err := f.g.Inspect(ctx, []string{name})
	if err != nil {
		return false, err
	}
	table := live[name]
	column := table.Column(field.ID)
	return column != nil && column.Default, nil
}

// set takes the present incarnation out of use, so that its names are free for what comes.
func (f *fields) set(ctx context.Context, r *replacement) error {
	if err := f.foreignIndexes(ctx, r.from); err != nil {
		return err
	}
	delete(f.life.Fields, r.from.ID)
	f.bury(Whole, r.from, r.tag)
	if r.from.Multiple() {
		f.draft.Effects.Gone = append(f.draft.Effects.Gone, TableNames(fieldTables(f.old, r.from))...)
	}
	up := append(retireField(f.old, r.from, r.tag), f.shelve(r.from, r.tag)...)
	return f.migrate(fmt.Sprintf("Set the present values of %s aside; they stay inside", r.from.ID), up, inverse(up, ""))
}

// bury records that a field's incarnation is out of use.
func (f *fields) bury(kind TombstoneKind, field *document.Field, tag string) {
	shape := *f.old
	shape.Fields = []document.Field{*field}
	f.draft.Effects.Retired = append(f.draft.Effects.Retired, Tombstone{
		Kind: kind, Entity: f.old.ID, EntityTag: f.life.Tag, Field: field.ID, Tag: tag, Shape: &shape,
	})
}

// both says that a field's values lie beside the rows and beside their revisions, as they do while it is in use.
func (f *fields) both() []bool {
	if f.old.Versioned {
		return []bool{false, true}
	}
	return []bool{false}
}

// replace brings the next incarnation into use.
func (f *fields) replace(ctx context.Context, r *replacement) error {
	f.life.Fields[r.to.ID] = r.next
	if r.back != nil {
		return f.comeBack(ctx, r)
	}
	if r.to.ID != r.from.ID {
		if taken, err := f.taken(ctx, r.to); err != nil || taken {
			return err
		}
	}
	if err := f.checkReplacement(ctx, r); err != nil {
		return err
	}
	f.draft.Effects.Origins = append(f.draft.Effects.Origins, Origin{Tag: r.next, From: r.tag})
	up, err := f.pour(r, func(rows rowset, revisions bool) (relation, error) {
		return rows.convert(rows.read(f.spot(r.from, r.tag, revisions)), r.to), nil
	})
	if err != nil {
		return err
	}
	return f.migrate(r.describe(), up, inverse(up, f.undone(r.to.ID)))
}

// describe says what a replacement does.
func (r *replacement) describe() string {
	switch {
	case r.rule == diff.TypeChanged:
		return fmt.Sprintf("Convert the values of %s from %s to %s", r.to.ID, r.from.Type, r.to.Type)
	case r.fill != nil:
		return fmt.Sprintf("Give the rows without %s a value and refuse empty ones", r.to.ID)
	case r.from.Multiple() && !r.to.Multiple():
		return fmt.Sprintf("Keep the first value of %s for each row", r.to.ID)
	case !r.from.Multiple() && r.to.Multiple():
		return fmt.Sprintf("Let %s have several values; the present one becomes the first", r.to.ID)
	default:
		return fmt.Sprintf("Copy the values of %s to their new shape", r.to.ID)
	}
}

// spot is where an incarnation that is out of use lies when its values are read by a statement.
func (f *fields) spot(field *document.Field, tag string, revisions bool) spot {
	s := spot{field: field, column: OutOfUse(tag, field.ID)}
	if field.Multiple() {
		s.table = OutOfUse(tag, listTable(f.new.ID, field.ID, revisions))
	}
	return s
}

// listTable is the name of the table of a field with several values.
func listTable(entity, field string, revisions bool) string {
	if revisions {
		return document.FieldRevisionsTable(entity, field)
	}
	return document.FieldTable(entity, field)
}

// rowTable is the name of the table that holds an entity's rows, or their revisions.
func rowTable(entity string, revisions bool) string {
	if revisions {
		return document.RevisionsTable(entity)
	}
	return document.ContentTable(entity)
}

// pour makes the place for a field, fills it with what values returns, for the rows and for their revisions, and puts
// the field's rules on it when all values are there. Where values returns none, nothing is known.
func (f *fields) pour(r *replacement, values func(rows rowset, revisions bool) (relation, error)) ([]Step, error) {
	var steps []Step
	for _, revisions := range f.both() {
		rows := f.g.rows(rowTable(f.new.ID, revisions), revisions)
		v, err := values(rows, revisions)
		if err != nil {
			return nil, err
		}
		steps = append(steps, f.place(r.to, revisions)...)
		if v != (relation{}) {
			steps = append(steps, rows.write(v, r.to.ID, listTable(f.new.ID, r.to.ID, revisions)))
		}
	}
	given, err := f.give(r)
	if err != nil {
		return nil, err
	}
	return slices.Concat(steps, given, f.rules(r.to)), nil
}

// place makes an empty place for a field's values, without rules.
func (f *fields) place(field *document.Field, revisions bool) []Step {
	if !field.Multiple() {
		return []Step{AddColumn{rowTable(f.new.ID, revisions), revisionColumn(field)}}
	}
	tables := fieldTables(f.new, field)
	bare := tables[0]
	if revisions {
		bare = tables[1]
	}
	bare.Indexes = nil
	return []Step{CreateTable{bare}}
}

// rules puts a field's rules on values that are there.
func (f *fields) rules(field *document.Field) []Step {
	if field.Multiple() {
		return createIndexes(fieldTables(f.new, field)[0].Indexes)
	}
	table := document.ContentTable(f.new.ID)
	var steps []Step
	if field.Required {
		steps = append(steps, SetNotNull{table, field.ID})
	}
	return append(steps, createIndexes(fieldIndexes(table, field.ID, field))...)
}

// write puts a relation where its values go: into a column of the rows, or into a table of their own.
func (r rowset) write(v relation, column, list string) Step {
	switch {
	case v.field.Multiple():
		return Insert{Table: list, Columns: listColumns(), Select: v.query}
	case v.query != "":
		return Update{
			Table: r.table, Set: []Assignment{{column, r.of("m", "value")}},
			From: "(" + v.query + ") AS " + r.quote("m"), Where: r.match("m", r.keys, r.table, r.keys),
		}
	default:
		return Update{Table: r.table, Set: []Assignment{{column, v.expr}}, Where: v.where}
	}
}
