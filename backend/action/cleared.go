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

// clearing returns the newest marks between two incarnations. There are none of revisions.
func (r rowset) clearing(h hop) clearing {
	if r.revisions {
		return clearing{}
	}
	one, several := h.from.tag, h.to.tag
	if h.from.field.Multiple() {
		one, several = several, one
	}
	for _, t := range slices.Backward(r.g.Tombstones) {
		if t.Kind == Cleared && t.Of == one && t.Life.Tag == several {
			return clearing{column: r.column(OutOfUse(t.Tag, t.Field)), tag: t.Tag}
		}
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
func (f *fields) clear(r *replacement, inUse bool) []Step {
	var steps []Step
	rows := f.g.rows(document.ContentTable(f.new.ID), false)
	from, at := node{tag: r.tag, field: r.from}, f.spot(r.from, r.tag, false)
	for i, h := range r.hops {
		to := f.spot(h.to.field, h.to.tag, false)
		if inUse && i == len(r.hops)-1 {
			to = spot{field: r.to, column: r.to.ID, table: document.FieldTable(f.new.ID, r.to.ID)}
		}
		one, several, tags := at, to, [2]string{from.tag, h.to.tag}
		if at.field.Multiple() {
			one, several, tags = to, at, [2]string{h.to.tag, from.tag}
		}
		from, at = h.to, to
		if one.field.Multiple() == several.field.Multiple() {
			continue
		}
		tag := Tag(f.in.Path, f.in.NextVersion, f.new.ID, "cleared:"+r.to.ID+":"+h.to.tag)
		marker, kind := OutOfUse(tag, r.to.ID), columnType(several.field.Type)
		value := rows.of("m", "value")
		steps = append(steps, AddColumn{rows.table, Column{Name: marker, Type: kind}}, Update{
			Table: rows.table, Set: []Assignment{{marker, value}},
			From: "(" + rows.first(rows.read(several)) + ") AS " + rows.quote("m"),
			Where: fmt.Sprintf("%s AND %s IS NULL AND %s",
				rows.match("m", rows.parents(), rows.table, rows.keys), rows.as(one.field, several.field, rows.column(one.column)),
				rows.distinct(one.field, rows.column(one.column), rows.as(several.field, one.field, value))),
		})
		f.buryMark(Tombstone{Kind: Cleared, Tag: tag, Of: tags[0], Life: Life{Tag: tags[1]}}, r.to.ID, several.field)
	}
	return steps
}

// buryMark records marks beside the rows, which lie there under a field's name in columns of another one's type.
func (f *fields) buryMark(t Tombstone, field string, like *document.Field) {
	shape := *f.old
	shape.Fields = []document.Field{{ID: field, Type: like.Type, Fields: like.Fields, Target: like.Target, Cardinality: 1}}
	t.Entity, t.EntityTag, t.Field, t.Shape = f.old.ID, f.life.Tag, field, &shape
	f.draft.Effects.Retired = append(f.draft.Effects.Retired, t)
}
