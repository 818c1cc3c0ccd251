package action

import (
	"context"
	"fmt"
	"slices"

	"marain/backend/diff"
	"marain/backend/document"
)

// A value that rows get because they have none, and need one, goes into a place of its own: the one before stays out of
// use as it was, so that every way back to it finds these rows without a value.

// filled is the replacement of a field that becomes required: nil when every row has a value, or nothing is answered yet.
func (f *fields) filled(ctx context.Context, r *replacement, c diff.FieldAltered) (*replacement, error) {
	if c.To == nil || c.To.Multiple() {
		return nil, nil
	}
	var err error
	if r.fill, err = f.checkEmpty(ctx, c); err != nil || r.fill == nil {
		return nil, err
	}
	r.next = f.newTag(r.to)
	return r, nil
}

// filledTag names the marks of the rows that are given a value.
func (f *fields) filledTag(r *replacement) string {
	return Tag(f.in.Path, f.in.NextVersion, f.new.ID, "filled:"+r.to.ID)
}

func (f *fields) marker(r *replacement) string { return OutOfUse(f.filledTag(r), r.to.ID) }

// give gives rows without a value the answered one, and marks them: on the way back they are known to have had none.
func (f *fields) give(r *replacement) ([]Step, error) {
	if r.fill == nil {
		return nil, nil
	}
	value, err := document.ParseValue(r.to, *r.fill)
	if err != nil {
		return nil, fmt.Errorf("read the value that rows of %s get: %w", r.to.ID, err)
	}
	yes, err := f.g.Dialect.Literal(ColumnBoolean, true)
	if err != nil {
		return nil, err
	}
	table := document.ContentTable(f.new.ID)
	tag, marker := f.filledTag(r), f.marker(r)
	f.buryMark(Tombstone{Kind: Filled, Tag: tag, Of: r.next, Fill: *r.fill}, r.to.ID, &document.Field{Type: document.Boolean})
	rows := f.g.rows(table, false)
	return []Step{
		AddColumn{table, Column{Name: marker, Type: ColumnBoolean}},
		Update{Table: table, Set: []Assignment{{marker, yes}}, Where: rows.column(r.to.ID) + " IS NULL"},
		Fill{table, r.to.ID, columnType(r.to.Type), value},
	}, nil
}

// over brings an earlier incarnation up to date, leaves it out of use and fills a new one from it, in which rows without
// a value get one.
func (f *fields) over(r *replacement, kept map[string]bool, same bool) error {
	var up []Step
	last := map[bool]relation{}
	if !same {
		up = f.displace(r, kept)
	}
	end := r.hops[len(r.hops)-1]
	for _, revisions := range f.both() {
		rows := f.rows(rowTable(f.new.ID, revisions), revisions)
		lie := rows.read(f.spot(end.to.field, end.to.tag, revisions))
		if same && (!revisions || kept[end.to.tag]) {
			last[revisions] = lie
			continue
		}
		steps, s, err := f.settle(r, kept, revisions)
		switch {
		case err != nil:
			return err
		case s.empty:
		case s.lies:
			passed, _ := f.settled(end, rows, s.value)
			steps, last[revisions] = append(steps, passed...), lie
		default:
			last[revisions] = s.value
		}
		up = append(up, steps...)
	}
	if !same {
		up = append(up, f.clear(r, kept, false)...)
	}
	return f.fromOver(r, up, last)
}

// bringOver is bringBack for rows of which some have no value and need one.
func (f *fields) bringOver(c diff.FieldAdded, t Tombstone, fill string, has []bool) error {
	was := &t.Shape.Fields[0]
	last := map[bool]relation{}
	for i, revisions := range f.both() {
		if has[i] {
			last[revisions] = f.g.rows(rowTable(f.new.ID, revisions), revisions).read(f.spot(was, t.Tag, revisions))
		}
	}
	return f.fromOver(&replacement{from: was, to: c.Field, tag: t.Tag, back: &t, fill: &fill, key: c.Key, rule: c.Rule}, nil, last)
}

// fromOver begins a new incarnation of the one that comes back, with the values that this one has beside the rows and
// beside their revisions.
func (f *fields) fromOver(r *replacement, up []Step, last map[bool]relation) error {
	r.next = f.newTag(r.to)
	f.life.Fields[r.to.ID] = r.next
	f.draft.Effects.Origins = append(f.draft.Effects.Origins, Origin{Tag: r.next, From: r.back.Tag})
	poured, err := f.pour(r, func(rows rowset, revisions bool) (relation, error) {
		if last[revisions] == (relation{}) {
			return relation{}, nil
		}
		return rows.convert(last[revisions], r.to), nil
	})
	if err != nil {
		return err
	}
	up = slices.Concat(up, poured)
	return f.migrate(fmt.Sprintf("Bring the former values of %s back and give the rows without one a value", r.to.ID), up, inverse(up, f.undone(r.to.ID)))
}

// covers reports whether an incarnation was made from another one by nothing but giving rows a value that had none: then
// it has all that the other one has, under a rule that the other one cannot keep. The field is what the first one holds.
func (g *Generator) covers(tag, other string, field *document.Field) bool {
	for seen := map[string]bool{}; !seen[tag]; {
		seen[tag] = true
		origin, made := g.Origins[tag]
		if !made || !g.gave(tag) {
			return false
		}
		i := slices.IndexFunc(g.Tombstones, func(t Tombstone) bool { return t.Kind == Whole && t.Field != "" && t.Tag == origin.From })
		if i < 0 || !sameStorage(&g.Tombstones[i].Shape.Fields[0], field) {
			return false
		}
		if origin.From == other {
			return true
		}
		tag = origin.From
	}
	return false
}

// covering returns what was in use last on the line of a former incarnation, when that covers it: nobody needs to be asked
// again for what rows were given. Otherwise it is the former one itself.
func (f *fields) covering(former Tombstone, field *document.Field) Tombstone {
	if last := f.latest(former); field.Required && !f.used[last.Tag] && sameStorage(&last.Shape.Fields[0], field) && f.g.covers(last.Tag, former.Tag, field) {
		return last
	}
	return former
}

// gave reports whether rows of an incarnation were given a value.
func (g *Generator) gave(tag string) bool {
	return slices.ContainsFunc(g.Tombstones, func(t Tombstone) bool { return t.Kind == Filled && t.Of == tag })
}

// SameValues reports whether the incarnations in use of a content type hold what those of another time do, under the same
// rules: e is what it is now and was then.
func (g *Generator) SameValues(present, then Life, e *document.Entity) bool {
	if present.Tag != then.Tag || len(present.Fields) != len(then.Fields) {
		return false
	}
	for id, tag := range then.Fields {
		now, field := present.Fields[id], e.Field(id)
		if now != tag && (field == nil || !field.Required || !g.covers(now, tag, field)) {
			return false
		}
	}
	return true
}
