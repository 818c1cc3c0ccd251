package action

import (
	"fmt"
	"strings"
)

// straight reports whether every incarnation on the way has one value for a row, or every one several.
func (r *replacement) straight() bool {
	for _, h := range r.hops {
		if h.to.field.Multiple() != r.from.Multiple() {
			return false
		}
	}
	return true
}

// stop is an incarnation on a straight way: where it lies, and an expression for what it holds.
type stop struct {
	node

	spot spot
	own  string
	id   string // of several values: that of the value, none where it has none
}

// straight is stations for a way on which all values can stand side by side. So whatever disagrees first is the newest,
// and is converted at once to what comes back: on a way through other types it might not come through. And the query
// does not grow with every hop as one would that is made of the ones before.
func (f *fields) straight(r *replacement, rows rowset, kept map[string]bool, present spot, where func(hop) spot, settled func(hop, relation) relation) ([]station, error) {
	var list []station
	var stops []stop
	if !rows.revisions || kept[r.tag] {
		stops = append(stops, rows.stop(node{tag: r.tag, field: r.from}, present, 0))
	}
	for i, h := range r.hops {
		last, lies := i == len(r.hops)-1, !rows.revisions || kept[h.to.tag]
		if !lies && !last {
			continue
		}
		if !lies && len(stops) == 0 {
			list = append(list, station{hop: h, empty: true})
			continue
		}
		next := stop{node: h.to}
		if lies {
			next = rows.stop(h.to, where(h), len(stops))
		} else {
			before := stops[len(stops)-1]
			next.own = rows.as(before.field, h.to.field, before.own)
		}
		text, err := rows.newest(stops, next, lies)
		if err != nil {
			return nil, err
		}
		s := station{hop: h, value: relation{field: h.to.field, expr: text}, lies: lies}
		if lies {
			stops = append(stops, next)
		}
		if h.to.field.Multiple() {
			s.value = relation{field: h.to.field, query: rows.known(rows.aside(stops, text))}
		}
		list = append(list, s)
		if settled != nil && !last {
			settled(h, s.value)
		}
	}
	return list, nil
}

// stop makes a stop of what lies in a spot.
func (r rowset) stop(n node, s spot, number int) stop {
	if !n.field.Multiple() {
		return stop{node: n, spot: s, own: r.column(s.column)}
	}
	name := fmt.Sprintf("n%d", number)
	return stop{node: n, spot: s, own: r.of(name, "value"), id: r.of(name, "id")}
}

// newest writes the value at the end of a way: its own, as long as each stop before agrees with the next one, else what
// the first stop that does not agree holds, converted.
func (r rowset) newest(before []stop, end stop, lies bool) (string, error) {
	text := end.own
	here, err := r.marks(end.node)
	if err != nil {
		return "", err
	}
	for i := len(before) - 1; i >= 0; i-- {
		if !lies && i+1 == len(before) {
			continue // the end was made of it and cannot disagree
		}
		rest := before[i+1 : len(before) : len(before)]
		if lies {
			rest = append(rest, end)
		}
		agree, err := r.onward(before[i], rest)
		if err != nil {
			return "", err
		}
		value, err := r.across(before[i:], end)
		if err != nil {
			return "", err
		}
		text = fmt.Sprintf("CASE WHEN %s THEN %s ELSE %s END", agree, text, given(value, here))
	}
	return text, nil
}

// across writes the value of the first of some stops, converted at once to what the end holds. One that does not convert
// may do so as the last of them holds it.
func (r rowset) across(stops []stop, end stop) (string, error) {
	first, last := stops[0], stops[len(stops)-1]
	direct := r.as(first.field, end.field, first.own)
	if len(stops) == 1 {
		return direct, nil
	}
	marks, err := r.marks(last.node)
	if err != nil {
		return "", err
	}
	between := given(r.as(first.field, last.field, first.own), marks)
	return fmt.Sprintf("COALESCE(%s, %s)", direct, r.as(last.field, end.field, between)), nil
}

// onward writes the condition that a stop holds exactly what the next one has become there. One that has no value may
// just not have been able to hold it, or what the one after it has: then the one after it counts too.
func (r rowset) onward(at stop, rest []stop) (string, error) {
	text := ""
	for i := len(rest) - 1; i >= 0; i-- {
		hop, err := r.between(at, rest[i])
		if err != nil {
			return "", err
		}
		agrees := hop.agrees(at, rest[i])
		if i > 0 && r.made(rest[i-1], rest[i]) {
			agrees = hop.orGiven(agrees, rest[i])
		}
		if text != "" {
			agrees = fmt.Sprintf("(%s OR %s IS NULL AND (%s IS NULL OR %s IS NULL) AND %s)", agrees, rest[i].own,
				r.as(at.field, rest[i].field, at.own), r.as(rest[i+1].field, rest[i].field, rest[i+1].own), text)
		}
		text = agrees
	}
	return text, nil
}

// between is the passage from one stop to another.
func (r rowset) between(at, next stop) (p passage, err error) {
	p = passage{rowset: r, from: at.field, to: next.field}
	if p.there, err = r.marks(at.node); err != nil {
		return p, err
	}
	p.here, err = r.marks(next.node)
	return p, err
}

// agrees writes the condition that a stop holds exactly what another one has become there. A value of several that is
// not there any more was taken away, unless it never was, because it had no counterpart. What was made from here also
// agrees while it is what this becomes. A row that was given a value there, and still has it, had none that converts.
func (p passage) agrees(at, next stop) string {
	back := p.back(next.own)
	same := p.same(p.from, at.own, back)
	if at.id != "" {
		if p.made(at, next) {
			same = fmt.Sprintf("(%s OR %s)", same, p.same(p.to, next.own, p.forth(at.own)))
		}
		return fmt.Sprintf("CASE WHEN %s IS NOT NULL AND %s IS NOT NULL THEN %s ELSE %s IS NULL AND %s IS NULL END", at.id, next.id, same, at.id, back)
	}
	if !p.made(at, next) {
		return same
	}
	same = fmt.Sprintf("(%s OR %s IS NOT NULL AND %s)", same, next.own, p.same(p.to, next.own, p.forth(at.own)))
	for _, m := range p.here {
		same = fmt.Sprintf("CASE WHEN %s AND %s THEN %s IS NULL ELSE %s END", m.column, p.same(p.to, next.own, m.fill), p.as(p.from, p.to, at.own), same)
	}
	return same
}

// orGiven adds to a condition that a stop still has what it was given, for those between had nothing.
func (p passage) orGiven(condition string, next stop) string {
	if next.id != "" {
		return condition
	}
	for _, m := range p.here {
		condition += fmt.Sprintf(" OR (%s AND %s)", m.column, p.same(p.to, next.own, m.fill))
	}
	return "(" + condition + ")"
}

// made reports whether the values of a stop were made from those of another.
func (r rowset) made(at, next stop) bool { return r.g.Origins[next.tag].From == at.tag }

// aside writes the values of a way with several for a row: one row for each id at any stop, and the text for its value.
func (r rowset) aside(stops []stop, text string) string {
	keys := append([]string{"id"}, r.keys[1:]...)
	var all, joins []string
	columns := map[string][]string{}
	for i, s := range stops {
		name := fmt.Sprintf("n%d", i)
		all = append(all, fmt.Sprintf("SELECT %s FROM %s", r.list(s.spot.table, keys...), r.quote(s.spot.table)))
		joins = append(joins, fmt.Sprintf("LEFT JOIN %s AS %s ON %s", r.quote(s.spot.table), r.quote(name), r.match(name, keys, "u", keys)))
		for _, c := range listColumns() {
			columns[c] = append(columns[c], r.of(name, c))
		}
	}
	var out []string
	for _, c := range listColumns() {
		value := columns[c][0]
		if c == "value" {
			value = text
		} else if len(stops) > 1 {
			value = "COALESCE(" + strings.Join(columns[c], ", ") + ")"
		}
		out = append(out, value+" AS "+r.quote(c))
	}
	return fmt.Sprintf("SELECT %s FROM (%s) AS %s %s", strings.Join(out, ", "), strings.Join(all, " UNION "), r.quote("u"), strings.Join(joins, " "))
}
