package action

import (
	"fmt"

	"marain/backend/document"
)

// passage is one hop with everything that decides about a value: how the neighbour's values were made from these, or
// these from the neighbour's.
type passage struct {
	rowset
	from, to *document.Field
	hop      hop
	fill     string // a constant, or empty
}

// forth writes what a value of the neighbour becomes here.
func (p passage) forth(value string) string {
	text := p.as(p.from, p.to, value)
	if p.hop.made && p.fill != "" {
		return fmt.Sprintf("COALESCE(%s, %s)", text, p.fill)
	}
	return text
}

// back writes what a value from here was at the neighbour.
func (p passage) back(value string) string {
	text := p.as(p.to, p.from, value)
	if !p.hop.made && p.fill != "" {
		return fmt.Sprintf("COALESCE(%s, %s)", text, p.fill)
	}
	return text
}

// chosen writes the rule of every way back: while the neighbour still holds exactly what this value was there, nobody
// has touched it since, and it stays; otherwise what was written there wins.
func (p passage) chosen(own, neighbour string) string {
	return fmt.Sprintf("CASE WHEN %s THEN %s ELSE %s END", p.g.Dialect.Same(p.from, neighbour, p.back(own)), own, p.forth(neighbour))
}

// follow returns the values of a relation at the next incarnation on its line: those that lie there where the relation
// still agrees with them, else the relation's own, converted.
func (r rowset) follow(v relation, h hop, there spot) (relation, error) {
	fill, err := r.fill(v.field, h)
	if err != nil {
		return relation{}, err
	}
	p := passage{rowset: r, from: v.field, to: there.field, hop: h, fill: fill}
	if there.none {
		return r.convert(v, there.field), nil
	}
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

// fill writes the constant that rows without a value got on this hop.
func (r rowset) fill(from *document.Field, h hop) (string, error) {
	filled := from
	if h.made {
		filled = h.to.field
	}
	if h.origin.Fill == nil || filled.Multiple() {
		return "", nil
	}
	value, err := document.ParseValue(filled, *h.origin.Fill)
	if err != nil {
		return "", fmt.Errorf("read what %s was filled with: %w", filled.ID, err)
	}
	return r.g.Dialect.Literal(columnType(filled.Type), value)
}

// singles: one value here, one value there.
func (p passage) singles(v relation, there spot) relation {
	own := p.column(there.column)
	if v.plain {
		return relation{field: there.field, expr: p.chosen(own, v.expr)}
	}
	return relation{field: there.field, query: fmt.Sprintf("SELECT %s, %s AS %s FROM %s JOIN (%s) AS %s ON %s",
		p.list(p.table, p.keys...), p.chosen(own, p.of("m", "value")), p.quote("value"),
		p.quote(p.table), p.query(v), p.quote("m"), p.same("m", p.keys, p.table, p.keys))}
}

// firsts: there was one value, of which several were made or the other way round. The first one counts.
func (p passage) firsts(v relation, there spot) relation {
	return relation{field: there.field, query: fmt.Sprintf("SELECT %s, %s AS %s FROM %s LEFT JOIN (%s) AS %s ON %s",
		p.list(p.table, p.keys...), p.chosen(p.column(there.column), p.of("m", "value")), p.quote("value"),
		p.quote(p.table), p.first(v), p.quote("m"), p.same("m", p.parents(), p.table, p.keys))}
}

// lists: there were several values, and one is left. The first of them follows it; the others were never touched.
func (p passage) lists(v relation, there spot) relation {
	several := p.read(there)
	value, single := p.of("r", "value"), p.query(v)
	rest := fmt.Sprintf("SELECT %s FROM (%s) AS %s WHERE %s > 1", p.list("r", listColumns()...), p.ranked(several), p.quote("r"), p.of("r", "place"))
	head := fmt.Sprintf("SELECT %s, CASE WHEN %s IS NULL THEN %s ELSE %s END AS %s, %s FROM (%s) AS %s LEFT JOIN (%s) AS %s ON %s WHERE %s = 1",
		p.list("r", "id", "user", "rid", "parent_id"), p.of("m", "id"), value, p.chosen(value, p.of("m", "value")), p.quote("value"), p.of("r", "sort_order"),
		p.ranked(several), p.quote("r"), single, p.quote("m"), p.same("m", p.keys, "r", p.parents()), p.of("r", "place"))
	fresh := fmt.Sprintf("%s LEFT JOIN (%s) AS %s ON %s WHERE %s IS NULL", p.rowset.single(v, p.forth),
		several.query, p.quote("x"), p.same("x", p.parents(), p.table, p.keys), p.of("x", "id"))
	if p.fill != "" && !p.hop.made {
		fresh += " AND " + p.distinct(p.from, p.of("m", "value"), p.fill) // filled in for a row that had none
	}
	return relation{field: there.field, query: p.known(rest + " UNION ALL " + head + " UNION ALL " + fresh)}
}

// items: several values here and there, each with its own id. One that is not there any more was taken away, unless
// it never was: because it had no counterpart, or was beyond the limit.
func (p passage) items(v relation, there spot) relation {
	lie := p.read(there)
	keys := append([]string{"id"}, p.keys[1:]...)
	value := p.of("p", "value")
	both := fmt.Sprintf("SELECT %s, %s AS %s, %s FROM (%s) AS %s JOIN (%s) AS %s ON %s",
		p.list("p", "id", "user", "rid", "parent_id"), p.chosen(value, p.of("m", "value")), p.quote("value"), p.of("m", "sort_order"),
		lie.query, p.quote("p"), v.query, p.quote("m"), p.same("m", keys, "p", keys))
	never := p.back(value) + " IS NULL"
	if p.hop.origin.Limit > 0 && !p.hop.made {
		never = fmt.Sprintf("(%s OR %s > %d)", never, p.of("p", "place"), p.hop.origin.Limit)
	}
	kept := fmt.Sprintf("SELECT %s FROM (%s) AS %s LEFT JOIN (%s) AS %s ON %s WHERE %s AND %s IS NULL",
		p.list("p", listColumns()...), p.ranked(lie), p.quote("p"), v.query, p.quote("x"), p.same("x", keys, "p", keys), never, p.of("x", "id"))
	fresh := fmt.Sprintf("SELECT %s, %s AS %s, %s FROM (%s) AS %s LEFT JOIN (%s) AS %s ON %s WHERE %s IS NULL",
		p.list("m", "id", "user", "rid", "parent_id"), p.forth(p.of("m", "value")), p.quote("value"), p.of("m", "sort_order"),
		v.query, p.quote("m"), lie.query, p.quote("x"), p.same("x", keys, "m", keys), p.of("x", "id"))
	return relation{field: there.field, query: p.known(both + " UNION ALL " + kept + " UNION ALL " + fresh)}
}
