package action

import (
	"fmt"
	"slices"
	"strings"

	"marain/backend/document"
)

// Where a field has one value in one incarnation and several in the next, the one follows the first of the several. A row
// whose single value was taken away, or written to something that has no counterpart there, follows none of them: what was
// second is the first then, and was never the single one. Such rows are marked whenever a way crosses from one to the other, with the first value that they have, so that
// the next way across neither brings it in nor takes it away too.

// clearing is what is known of such rows between two incarnations.
type clearing struct {
	column string // beside the rows; empty: nothing is known
	tag    string
}

// clearing returns the newest marks between two incarnations. Of revisions there are none where these were not kept when
// the marks were made.
func (r rowset) clearing(h hop) clearing {
	one, several := h.from.tag, h.to.tag
	if h.from.field.Multiple() {
		one, several = several, one
	}
	for _, t := range slices.Backward(r.g.Tombstones) {
		if t.Kind != Cleared || t.Of != one || t.Life.Tag != several {
			continue
		}
		if !r.revisions || r.marked[t.Tag] {
			return clearing{column: r.column(OutOfUse(t.Tag, t.Field)), tag: t.Tag}
		}
		break
	}
	return clearing{}
}

// follows writes the rule of a single value that follows the first of several, unless it has no counterpart there, or was
// taken away, and the first is the one that was left then.
func (p passage) follows(own, first string) string {
	value := p.chosen(own, first)
	if p.cleared.column == "" {
		return value
	}
	return fmt.Sprintf("CASE WHEN %s IS NULL AND %s IS NOT NULL AND %s THEN %s ELSE %s END",
		p.as(p.to, p.from, own), p.cleared.column, p.same(p.from, first, p.cleared.column), own, value)
}

// noted are the columns that a query of single values has more: whether the value was given, and what the row is marked
// with.
func (p passage) noted() []string {
	list := []string{p.filledIn(p.of("m", "value")) + " AS " + p.quote("given")}
	if p.cleared.column != "" {
		list = append(list, p.cleared.column+" AS "+p.quote("cleared"))
	}
	return list
}

// apart writes the condition that the single value m follows none of the several of which r is the first.
func (p passage) apart() string {
	if p.cleared.column == "" {
		return "FALSE"
	}
	mark := p.of("m", "cleared")
	return fmt.Sprintf("(%s IS NOT NULL AND %s)", mark, p.same(p.to, p.of("r", "value"), mark))
}

// heads writes the single values that were written since for rows in which it follows none of the several: they come
// before these, under an id that no other has.
func (p passage) heads(several, one string, there spot) string {
	id := fmt.Sprintf("CASE WHEN EXISTS (SELECT 1 FROM %s AS %s WHERE %s = %s) THEN %s || '.%s' ELSE %s END",
		p.quote(there.table), p.quote("t"), p.of("t", "id"), p.of("m", "id"), p.of("m", "id"), p.cleared.tag, p.of("m", "id"))
	var columns []string
	for _, c := range listColumns() {
		value := p.of("m", c)
		switch c {
		case "id":
			value = id
		case "value":
			value = p.forth(value)
		case "sort_order":
			value = fmt.Sprintf("COALESCE(%s, 0) - 1", p.of("r", c))
		}
		columns = append(columns, value+" AS "+p.quote(c))
	}
	return fmt.Sprintf("SELECT %s FROM (%s) AS %s JOIN (%s) AS %s ON %s WHERE %s AND %s = 0 AND %s IS NOT NULL", strings.Join(columns, ", "),
		several, p.quote("r"), one, p.quote("m"), p.match("m", append(p.parents(), "place"), "r", append(p.parents(), "place")),
		p.apart(), p.of("m", "given"), p.of("m", "value"))
}

// clear marks the rows whose single value follows none of the several, at every place where a way crosses from one value to several
// or back. All values on the way lie where they belong by then; those at its end are in use when that is said.
func (f *fields) clear(r *replacement, kept map[string]bool, inUse bool) []Step {
	var steps []Step
	from := node{tag: r.tag, field: r.from}
	for i, h := range r.hops {
		at, to := from, h.to
		from = h.to
		if at.field.Multiple() == to.field.Multiple() {
			continue
		}
		one, several := at, to
		if at.field.Multiple() {
			one, several = to, at
		}
		tag := Tag(f.in.Path, f.in.NextVersion, f.new.ID, "cleared:"+r.to.ID+":"+to.tag)
		for _, revisions := range f.both() {
			if !revisions || kept[at.tag] && kept[to.tag] {
				end := inUse && i == len(r.hops)-1
				steps = append(steps, f.mark(r, one, several, tag, revisions, end)...)
			}
		}
		f.buryMark(Tombstone{Kind: Cleared, Tag: tag, Of: one.tag, Life: Life{Tag: several.tag}}, r.to.ID, several.field)
	}
	return steps
}

// mark marks rows, or revisions, whose single value follows none of the several. End says that the way ends here, at what is
// in use then.
func (f *fields) mark(r *replacement, one, several node, tag string, revisions, end bool) []Step {
	rows := f.rows(rowTable(f.new.ID, revisions), revisions)
	lies := func(n node) spot {
		if end && n.tag == r.back.Tag {
			return spot{field: r.to, column: r.to.ID, table: listTable(f.new.ID, r.to.ID, revisions)}
		}
		return f.spot(n.field, n.tag, revisions)
	}
	single, first := lies(one), rows.first(rows.read(lies(several)))
	marker, value := OutOfUse(tag, r.to.ID), rows.of("m", "value")
	return []Step{AddColumn{rows.table, Column{Name: marker, Type: columnType(several.field.Type)}}, Update{
		Table: rows.table, Set: []Assignment{{marker, value}},
		From: "(" + first + ") AS " + rows.quote("m"),
		Where: fmt.Sprintf("%s AND %s IS NULL AND %s",
			rows.match("m", rows.parents(), rows.table, rows.keys), rows.as(single.field, several.field, rows.column(single.column)),
			rows.distinct(single.field, rows.column(single.column), rows.as(several.field, single.field, value))),
	}}
}

// buryMark records marks beside the rows, which lie there under a field's name in columns of another one's type.
func (f *fields) buryMark(t Tombstone, field string, like *document.Field) {
	shape := *f.old
	shape.Fields = []document.Field{{ID: field, Type: like.Type, Fields: like.Fields, Target: like.Target, Cardinality: 1}}
	t.Entity, t.EntityTag, t.Field, t.Shape = f.old.ID, f.life.Tag, field, &shape
	f.draft.Effects.Retired = append(f.draft.Effects.Retired, t)
}
