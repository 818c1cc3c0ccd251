package action

import (
	"fmt"
	"strings"

	"marain/backend/document"
)

// passage is one hop with everything that decides about a value.
type passage struct {
	rowset
	from, to *document.Field
	there    []mark // rows of the neighbour that were given a value
	here     []mark // rows that were given one here
	cleared  clearing
}

// mark says which rows were given a value because they had none, or none that converts.
type mark struct{ column, fill string }

// forth writes what a value of the neighbour becomes here.
func (p passage) forth(value string) string { return given(p.as(p.from, p.to, value), p.here) }

// back writes what a value from here was at the neighbour.
func (p passage) back(value string) string { return given(p.as(p.to, p.from, value), p.there) }

// given writes a value, or what a row got that has none.
func given(value string, marks []mark) string {
	if len(marks) == 0 {
		return value
	}
	text := "CASE"
	for _, m := range marks {
		text += fmt.Sprintf(" WHEN %s THEN COALESCE(%s, %s)", m.column, value, m.fill)
	}
	return text + " ELSE " + value + " END"
}

// chosen writes the rule of every way back: while the neighbour still holds exactly what this value was there, nobody
// has touched it since, and it stays; otherwise what was written there wins.
func (p passage) chosen(own, neighbour string) string {
	return fmt.Sprintf("CASE WHEN %s THEN %s ELSE %s END", p.same(p.from, neighbour, p.back(own)), own, p.forth(neighbour))
}

func (p passage) same(f *document.Field, a, b string) string { return p.g.Dialect.Same(f, a, b) }

// follow returns the values of a relation at the next incarnation on its line: those that lie there where the relation
// still agrees with them, else the relation's own, converted.
func (r rowset) follow(v relation, h hop, there spot) (relation, error) {
	if there.none {
		return r.convert(v, there.field), nil
	}
	p := passage{rowset: r, from: v.field, to: there.field}
	var err error
	if p.there, err = r.marks(h.from); err != nil {
		return relation{}, err
	}
	if p.here, err = r.marks(h.to); err != nil {
		return relation{}, err
	}
	p.cleared = r.clearing(h)
	switch from, to := v.field.Multiple(), there.field.Multiple(); {
	case !from && !to:
		return p.singles(v, there), nil
	case from && !to:
		return p.firsts(v, there), nil
	case !from:
		return p.lists(v, there), nil
	default:
		return p.items(v, there), nil
	}
}

// marks finds what rows of an incarnation were given a value. Revisions never are.
func (r rowset) marks(n node) ([]mark, error) {
	if r.revisions || n.field.Multiple() {
		return nil, nil
	}
	var list []mark
	for _, t := range r.g.Tombstones {
		if t.Kind != Filled || t.Of != n.tag {
			continue
		}
		value, err := document.ParseValue(n.field, t.Fill)
		if err != nil {
			continue // the field has another type by now, so nothing here can be what was given
		}
		text, err := r.g.Dialect.Literal(columnType(n.field.Type), value)
		if err != nil {
			return nil, fmt.Errorf("write what %s was filled with: %w", n.field.ID, err)
		}
		list = append(list, mark{column: r.column(OutOfUse(t.Tag, t.Field)), fill: text})
	}
	return list, nil
}

// singles: one value here, one value there.
func (p passage) singles(v relation, there spot) relation {
	own := p.column(there.column)
	if v.plain {
		return relation{field: there.field, expr: p.chosen(own, v.expr)}
	}
	return relation{field: there.field, query: fmt.Sprintf("SELECT %s, %s AS %s FROM %s JOIN %s ON %s",
		p.list(p.table, p.keys...), p.chosen(own, p.of("m", "value")), p.quote("value"),
		p.quote(p.table), p.fixed(p.query(v), "m", p.values()), p.match("m", p.keys, p.table, p.keys))}
}

// firsts: there was one value, of which several were made or the other way round. The first one counts.
func (p passage) firsts(v relation, there spot) relation {
	return relation{field: there.field, query: fmt.Sprintf("SELECT %s, %s AS %s FROM %s LEFT JOIN %s ON %s",
		p.list(p.table, p.keys...), p.follows(p.column(there.column), p.of("m", "value")), p.quote("value"),
		p.quote(p.table), p.fixed(p.first(v), "m", append(p.parents(), "value")), p.match("m", p.parents(), p.table, p.keys))}
}

// lists: there were several values, and one is left. The first of them follows it; the others were never touched.
func (p passage) lists(v relation, there spot) relation {
	keys, place, ranked := append(p.parents(), "place"), p.quote("place"), p.ranked(p.read(there))
	mine, theirs := p.of("r", "value"), p.of("m", "value")
	var columns []string
	for _, c := range listColumns() {
		switch c {
		case "value":
			columns = append(columns, fmt.Sprintf("CASE WHEN %s IS NULL OR %s THEN %s WHEN %s IS NOT NULL THEN %s WHEN %s = 0 THEN %s END AS %s",
				p.of("m", "id"), p.apart(), mine, p.of("r", "id"), p.headed(mine, theirs), p.of("m", "given"), p.forth(theirs), p.quote(c)))
		default:
			columns = append(columns, fmt.Sprintf("COALESCE(%s, %s) AS %s", p.of("r", c), p.of("m", c), p.quote(c)))
		}
	}
	as := func(value string) string { return value }
	one := p.rowset.single(v, as, append(p.noted(), "1 AS "+place)...)
	all := fmt.Sprintf("SELECT %s FROM (%s) AS %s FULL JOIN (%s) AS %s ON %s",
		strings.Join(columns, ", "), ranked, p.quote("r"), one, p.quote("m"), p.match("m", keys, "r", keys))
	if p.cleared.column != "" {
		all += " UNION ALL " + p.heads(ranked, one, there)
	}
	return relation{field: there.field, query: p.known(all)}
}

// filledIn writes 1 for a row that had no value and holds what it was given, else 0.
func (p passage) filledIn(value string) string {
	if len(p.there) == 0 {
		return "0"
	}
	text := "CASE"
	for _, m := range p.there {
		text += fmt.Sprintf(" WHEN %s AND %s THEN 1", m.column, p.same(p.from, value, m.fill))
	}
	return text + " ELSE 0 END"
}

// headed is the rule of [passage.chosen] where the row itself is not at hand: whatever a row without a counterpart was
// given counts as given.
func (p passage) headed(own, neighbour string) string {
	as := p.as(p.to, p.from, own)
	untouched := p.same(p.from, neighbour, as)
	for _, m := range p.there {
		untouched += fmt.Sprintf(" OR (%s IS NULL AND %s)", as, p.same(p.from, neighbour, m.fill))
	}
	return fmt.Sprintf("CASE WHEN %s THEN %s ELSE %s END", untouched, own, p.as(p.from, p.to, neighbour))
}

// items: several values here and there, each with its own id. One that is not there any more was taken away, unless
// it never was, because it had no counterpart.
func (p passage) items(v relation, there spot) relation {
	lie := p.read(there)
	keys := append([]string{"id"}, p.keys[1:]...)
	mine, theirs := p.of("p", "value"), p.of("m", "value")
	var columns []string
	for _, c := range listColumns() {
		switch c {
		case "value":
			columns = append(columns, fmt.Sprintf("CASE WHEN %s IS NULL THEN %s WHEN %s IS NOT NULL THEN %s WHEN %s IS NULL THEN %s END AS %s",
				p.of("p", "id"), p.forth(theirs), p.of("m", "id"), p.chosen(mine, theirs), p.back(mine), mine, p.quote(c)))
		default:
			columns = append(columns, fmt.Sprintf("COALESCE(%s, %s) AS %s", p.of("m", c), p.of("p", c), p.quote(c)))
		}
	}
	all := fmt.Sprintf("SELECT %s FROM (%s) AS %s FULL JOIN %s ON %s",
		strings.Join(columns, ", "), lie.query, p.quote("p"), p.fixed(v.query, "m", listColumns()), p.match("m", keys, "p", keys))
	return relation{field: there.field, query: p.known(all)}
}
