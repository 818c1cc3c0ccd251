package action

import (
	"fmt"
	"strings"

	"marain/backend/document"
)

// stop is an incarnation on a straight way: where it lies, and an expression for what it holds.
type stop struct {
	node

	source string // of several values: the table, or a query of them
	own    string
	id     string // of several values: that of the value, none where it has none
	join   string // of a single value that is a query: what the expression needs
}

// start is where hops begin: at what lies somewhere, or at what the way has become. Without a field nothing is known.
type start struct {
	node

	value relation
}

// alike returns how many hops lead to incarnations with as many values for a row as a field has.
func alike(field *document.Field, hops []hop) int {
	for i, h := range hops {
		if h.to.field.Multiple() != field.Multiple() {
			return i
		}
	}
	return len(hops)
}

// straight is stations for some of the hops of a way on which all values can stand side by side. So whatever disagrees
// first is the newest, and is converted at once to what comes back: on a way through other types it might not come through.
// And the query does not grow with every hop as one would that is made of the ones before.
func (f *fields) straight(hops []hop, end Tombstone, rows rowset, kept map[string]bool, from start, where func(hop) spot, settled func(hop, relation) relation) ([]station, error) {
	var list []station
	var stops []stop
	if from.value.field != nil {
		stops = append(stops, rows.head(from))
	}
	for _, h := range hops {
		last, lies := h.to.tag == end.Tag, !rows.revisions || kept[h.to.tag]
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
		switch {
		case h.to.field.Multiple():
			s.value = relation{field: h.to.field, query: rows.known(rows.aside(stops, text))}
		case stops[0].join != "":
			s.value = relation{field: h.to.field, query: fmt.Sprintf("SELECT %s, %s AS %s FROM %s %s", rows.list(rows.table, rows.keys...), text, rows.quote("value"), rows.quote(rows.table), stops[0].join)}
		}
		if settled != nil && !last {
			s.value = settled(h, s.value)
		}
		list = append(list, s)
	}
	return list, nil
}

// stop makes a stop of what lies in a spot.
func (r rowset) stop(n node, s spot, number int) stop {
	if !n.field.Multiple() {
		return stop{node: n, own: r.column(s.column)}
	}
	name := fmt.Sprintf("n%d", number)
	return stop{node: n, source: r.quote(s.table), own: r.of(name, "value"), id: r.of(name, "id")}
}

// head makes the first stop of what a way begins with.
func (r rowset) head(s start) stop {
	switch {
	case s.field.Multiple():
		return stop{node: s.node, source: "(" + s.value.query + ")", own: r.of("n0", "value"), id: r.of("n0", "id")}
	case s.value.query == "":
		return stop{node: s.node, own: s.value.expr}
	default:
		return stop{
			node: s.node, own: r.of("h", "value"),
			join: fmt.Sprintf("JOIN %s ON %s", r.fixed(s.value.query, "h", r.values()), r.match("h", r.keys, r.table, r.keys)),
		}
	}
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
// may do so as the last of them holds it; but what rows were given there does not lead back to where they had nothing.
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
	if r.made(end, last) {
		marks = nil
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
		all = append(all, fmt.Sprintf("SELECT %s FROM %s AS %s", r.list(name, keys...), s.source, r.quote(name)))
		joins = append(joins, fmt.Sprintf("LEFT JOIN %s AS %s ON %s", s.source, r.quote(name), r.match(name, keys, "u", keys)))
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
