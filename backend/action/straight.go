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
		next := end
		if i+1 < len(before) {
			next = before[i+1]
		} else if !lies {
			continue // it was made of the one before and cannot disagree
		}
		there, err := r.marks(before[i].node)
		if err != nil {
			return "", err
		}
		given, err := r.marks(next.node)
		if err != nil {
			return "", err
		}
		hop := passage{rowset: r, from: before[i].field, to: next.field, there: there, here: given}
		whole := passage{rowset: r, from: before[i].field, to: end.field, here: here}
		text = fmt.Sprintf("CASE WHEN %s THEN %s ELSE %s END", hop.agrees(before[i], next, whole.held(before[i], end)), text, whole.forth(before[i].own))
	}
	return text, nil
}

// agrees writes the condition that a stop holds exactly what the next one has become there. A value of several that is
// not there any more was taken away, unless it never was, because it had no counterpart. Where the next one was made
// from it, the two also agree while that is what it becomes: what does not convert has nothing else to come back from.
// Where that is nothing at all, what is held at the end must not say otherwise.
func (p passage) agrees(at, next stop, held string) string {
	back, forth := p.back(next.own), p.forth(at.own)
	same := p.same(p.from, at.own, back)
	made := p.g.Origins[next.tag].From == at.tag
	if made {
		same = fmt.Sprintf("(%s OR %s AND (%s IS NOT NULL OR %s))", same, p.same(p.to, next.own, forth), forth, held)
	}
	if at.id == "" {
		return same
	}
	alone := fmt.Sprintf("%s IS NULL AND %s IS NULL", at.id, back)
	if made {
		alone = fmt.Sprintf("(%s OR %s IS NULL AND %s IS NULL AND %s)", alone, next.id, forth, held)
	}
	return fmt.Sprintf("CASE WHEN %s IS NOT NULL AND %s IS NOT NULL THEN %s ELSE %s END", at.id, next.id, same, alone)
}

// held writes the condition that the end of a way has nothing, or what a stop is there: then nobody wrote at the stop what
// the end would hide.
func (p passage) held(at, end stop) string {
	return fmt.Sprintf("(%s IS NULL OR %s)", end.own, p.same(p.to, end.own, p.forth(at.own)))
}

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
