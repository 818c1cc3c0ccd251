package action

import (
	"fmt"
	"strings"

	"marain/backend/document"
)

// A way back may cross from several values to a single one and on to several again, or the other way round. What the one
// between has no room for would be lost from sight there. So it is remembered what lies behind such a crossing, and what
// did not come through is taken along when the way gets to the same kind again.

// behind is what a way held before it crossed to the other kind: several values where it is a single one now, or a single
// one where it is several. Without a field there is none.
type behind struct {
	value  relation
	node   node
	passed []*document.Field // what the way has been since
}

// pass returns what lies behind after a hop from one relation to the next.
func (b behind) pass(from relation, at node, to relation) behind {
	switch {
	case from.field == nil:
		return b
	case from.field.Multiple() != to.field.Multiple():
		return behind{value: from, node: at, passed: []*document.Field{to.field}}
	case b.value.field == nil:
		return b
	default:
		b.passed = append(b.passed[:len(b.passed):len(b.passed)], to.field)
		return b
	}
}

// takeAlong adds to a relation that a hop leads to what the one between had no room for. v is what the way held before
// that hop.
func (r rowset) takeAlong(b behind, v, next relation, h hop, there spot) (relation, error) {
	if b.value.field == nil || b.value.field.Multiple() != next.field.Multiple() {
		return next, nil
	}
	p := passage{rowset: r, from: b.value.field, to: next.field}
	if next.field.Multiple() {
		return p.others(b, v, next, h, there), nil
	}
	var err error
	if p.there, err = r.marks(b.node); err != nil {
		return relation{}, err
	}
	if p.here, err = r.marks(h.to); err != nil {
		return relation{}, err
	}
	return p.alone(b, next, there), nil
}

// alone lets a single value win that none of the several between could be.
func (p passage) alone(b behind, next relation, there spot) relation {
	value, between := p.of("s", "value"), p.of("s", "value")
	field, lost := p.from, []string{}
	for _, f := range b.passed {
		between = p.as(field, f, between)
		lost = append(lost, between+" IS NULL")
		field = f
	}
	own := "NULL"
	if !there.none {
		own = p.column(there.column)
	}
	columns := p.aliased(p.table, p.keys, p.keys)
	text := fmt.Sprintf("CASE WHEN %s IS NOT NULL AND (%s) THEN %s ELSE %s END", value, strings.Join(lost, " OR "), p.chosen(own, value), p.of("b", "value"))
	return relation{field: next.field, query: fmt.Sprintf("SELECT %s, %s AS %s FROM %s JOIN %s ON %s JOIN %s ON %s", columns, text, p.quote("value"), p.quote(p.table),
		p.fixed(p.query(next), "b", p.values()), p.match("b", p.keys, p.table, p.keys),
		p.fixed(p.query(b.value), "s", p.values()), p.match("s", p.keys, p.table, p.keys))}
}

// others adds the values that the single one between is not: all but the first, and the first where there is no single one.
// One that was there before is the same as far as nobody wrote to it. The id of a row may name its single value too: then
// another one gets an id of its own.
func (p passage) others(b behind, v, next relation, h hop, there spot) relation {
	id, parent := p.of("o", "id"), p.of("o", "parent_id")
	first, join := parent, ""
	if !there.none {
		first = fmt.Sprintf("COALESCE(%s, %s)", p.of("t", "id"), parent)
		join = fmt.Sprintf(" LEFT JOIN %s ON %s", p.fixed(p.heading(p.read(there)), "t", append(p.parents(), "id")), p.match("t", p.parents(), "o", p.parents()))
	}
	single := p.of("c", "value")
	columns := []string{fmt.Sprintf("CASE WHEN %s IS NOT NULL AND %s = %s THEN %s || '.%s' ELSE %s END AS %s", single, id, first, id, h.to.tag, id, p.quote("id"))}
	columns = append(columns, p.list("o", listColumns()[1:]...))
	rest := fmt.Sprintf("SELECT %s FROM (%s) AS %s LEFT JOIN %s ON %s%s WHERE %s > 1 OR %s IS NULL", strings.Join(columns, ", "),
		p.ranked(b.value), p.quote("o"), p.fixed(p.query(v), "c", p.values()), p.match("c", p.keys, "o", p.parents()), join, p.of("o", "place"), single)
	keys := append([]string{"id"}, p.keys[1:]...)
	mine, theirs := p.of("l", "value"), p.of("e", "value")
	var out []string
	for _, c := range listColumns() {
		value := fmt.Sprintf("COALESCE(%s, %s)", p.of("e", c), p.of("l", c))
		if c == "value" {
			value = fmt.Sprintf("CASE WHEN %s IS NULL THEN %s WHEN %s IS NULL THEN %s ELSE %s END", p.of("e", "id"), mine, p.of("l", "id"), p.forth(theirs), p.chosen(mine, theirs))
		}
		out = append(out, value+" AS "+p.quote(c))
	}
	return relation{field: next.field, query: p.known(fmt.Sprintf("SELECT %s FROM %s FULL JOIN %s ON %s", strings.Join(out, ", "),
		p.fixed(next.query, "l", listColumns()), p.fixed(rest, "e", listColumns()), p.match("e", keys, "l", keys)))}
}

// heading writes the first of several values for each row that has one, with its id.
func (r rowset) heading(v relation) string {
	return fmt.Sprintf("SELECT %s, %s FROM (%s) AS %s WHERE %s = 1", r.list("f", r.parents()...), r.of("f", "id"), r.ranked(v), r.quote("f"), r.of("f", "place"))
}
