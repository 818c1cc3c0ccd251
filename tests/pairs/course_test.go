package pairs_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"marain/backend/document"
)

// course takes all pairs of types through one shape on one project.
type course struct {
	*desk
	shape shape
	pairs []*pair
	of    func(*pair) *side // the side in use
}

func before(p *pair) *side { return p.before }
func after(p *pair) *side  { return p.after }

func newCourse(t *testing.T, kind string, s shape, pairs []*pair) *course {
	t.Helper()
	return &course{desk: newDesk(t, kind, s.files(pairs, before)), shape: s, pairs: pairs, of: before}
}

// most is how many faults of one pair are reported.
const most = 3

// fail reports a fault of one pair, with how to see it again.
func (c *course) fail(p *pair, row, format string, args ...any) {
	c.t.Helper()
	if p.reported++; p.reported > most {
		c.t.Fail()
		return
	}
	f := p.before.field
	run := strings.Split(c.t.Name(), "/")
	c.t.Errorf("%s, %s, row %s: %s\n\tagain: %s=%s-%s go test ./tests/pairs -run '%s'", p, c.shape.name, row, fmt.Sprintf(format, args...),
		envPair, f.Type, p.after.field.Type, "^"+strings.Join(run[:3], "$/^")+"$")
}

// other is the side that is not in use.
func (c *course) away(p *pair) *side {
	if c.of(p) == p.before {
		return p.after
	}
	return p.before
}

// entities are the content types with their pairs.
func (c *course) entities() map[string][]*pair {
	all := map[string][]*pair{}
	for _, p := range c.pairs {
		all[p.entity] = append(all[p.entity], p)
	}
	return all
}

// read returns what every pair's rows hold in the tables.
func (c *course) read() map[*pair]map[string]cell {
	c.t.Helper()
	all := map[*pair]map[string]cell{}
	for _, p := range c.pairs {
		all[p] = map[string]cell{}
	}
	for entity, pairs := range c.entities() {
		c.readTables(entity, pairs, false, all)
		if c.shape.versioned {
			c.readTables(entity, pairs, true, all)
		}
	}
	for _, rows := range all {
		for _, held := range rows {
			held.sort()
		}
	}
	return all
}

func (c *course) readTables(entity string, pairs []*pair, revisions bool, all map[*pair]map[string]cell) {
	c.t.Helper()
	table, columns := document.ContentTable(entity), []string{"id", "NULL"}
	if revisions {
		table, columns[1] = document.RevisionsTable(entity), "rid"
	}
	var singles []*pair
	for _, p := range pairs {
		if c.of(p).field.Multiple() {
			c.readList(p, revisions, all[p])
			continue
		}
		columns, singles = append(columns, p.id()), append(singles, p)
	}
	for _, row := range c.query("SELECT " + strings.Join(columns, ", ") + " FROM " + table) {
		for i, p := range singles {
			if v := row[i+2]; v != nil {
				all[p][key(row)] = cell{{value: stored(c.of(p).field, v)}}
			}
		}
	}
}

// key names a row, or a revision of it, by the first two columns that were read.
func key(row []any) string {
	if row[1] == nil {
		return row[0].(string)
	}
	return fmt.Sprintf("%s#%d", row[0], row[1])
}

func (c *course) readList(p *pair, revisions bool, rows map[string]cell) {
	c.t.Helper()
	table, rid := document.FieldTable(p.entity, p.id()), "NULL"
	if revisions {
		table, rid = document.FieldRevisionsTable(p.entity, p.id()), "rid"
	}
	for _, row := range c.query("SELECT parent_id, " + rid + ", id, sort_order, value FROM " + table) {
		rows[key(row)] = append(rows[key(row)], item{id: row[2].(string), order: row[3].(int64), value: stored(c.of(p).field, row[4])})
	}
}

// rows are the keys of all rows that a pair has on a side, with those that hold nothing there.
func (p *pair) rows(held map[string]cell) []string {
	all := map[string]bool{}
	for _, rows := range []map[string]cell{held, p.before.cells, p.after.cells} {
		for row := range rows {
			all[row] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// written takes over what was written by hand.
func (c *course) written() {
	c.t.Helper()
	for p, held := range c.read() {
		s := c.of(p)
		for _, row := range p.rows(held) {
			p.wrote(row, s.cells[row], held[row])
		}
		s.cells = held
	}
}

// expect works out what every row holds when the other side comes into use, and what is asked for on the way.
func (c *course) expect() (want map[*pair]map[string]cell, answers map[string]string) {
	want, answers = map[*pair]map[string]cell{}, map[string]string{}
	for _, p := range c.pairs {
		from, to := c.of(p), c.away(p)
		want[p] = map[string]cell{}
		for _, row := range p.rows(nil) {
			id, _ := owner(row)
			switch {
			case p.one():
				want[p][row] = from.cells[row]
			case p.changed && !p.touched[row]:
				want[p][row] = to.cells[row] // exactly what it held then
			default:
				want[p][row] = cross(from, to, row, id)
			}
		}
	}
	for _, p := range c.pairs {
		if to := c.away(p); to.field.Required && !to.field.Multiple() {
			c.fill(p, to, want[p], answers)
		}
	}
	return want, answers
}

// fill gives rows that would be without a required value one.
func (c *course) fill(p *pair, to *side, want map[string]cell, answers map[string]string) {
	answer, v := filling(to.field.Type)
	for _, row := range c.alive() {
		if len(want[row]) > 0 {
			continue
		}
		want[row] = cell{{value: value{plain: v}}}
		to.given[row] = append(to.given[row], v)
		answers["backfill:"+p.entity+"."+p.id()] = answer
	}
}

// turned proves what became of every value after the other side came into use, and that nothing was lost.
func (c *course) turned(when string, want map[*pair]map[string]cell) {
	c.t.Helper()
	if c.t.Failed() {
		c.t.FailNow() // what follows from a fault says nothing more
	}
	former := c.of
	c.of = map[bool]func(*pair) *side{true: before, false: after}[c.of(c.pairs[0]) == c.pairs[0].after]
	c.settled(when)
	got := c.read()
	for _, p := range c.pairs {
		is, was := c.of(p), former(p)
		for _, row := range p.rows(got[p]) {
			if !agrees(is.field, want[p][row], got[p][row]) {
				c.fail(p, row, "%s it holds %s, and should %s: it held %s, and %s before that, and was written to since: %v", when,
					got[p][row].words(is.field), want[p][row].words(is.field), was.cells[row].words(was.field), is.cells[row].words(is.field), p.touched[row])
			}
			p.hold(row, got[p][row])
		}
		is.cells, p.changed = got[p], true
		clear(p.touched)
	}
	c.nothingLost(when)
}

// nothingLost proves that every value that was ever there, and that nobody took away, is in use or lies somewhere.
func (c *course) nothingLost(when string) {
	c.t.Helper()
	tables, columns := c.outOfUse()
	found := map[string]bool{}
	note := func(entity, field, row string, v any) {
		found[fmt.Sprintf("%s.%s %s %T %v", entity, field, row, v, v)] = true
	}
	for entity := range c.entities() {
		for _, table := range []string{document.ContentTable(entity), document.RevisionsTable(entity)} {
			c.lyingColumns(entity, table, columns[table], note)
		}
	}
	for _, p := range c.pairs {
		for _, table := range tables {
			switch formerly(table) {
			case document.FieldTable(p.entity, p.id()):
				c.lyingList(p, table, "NULL", note)
			case document.FieldRevisionsTable(p.entity, p.id()):
				c.lyingList(p, table, "rid", note)
			}
		}
		for _, row := range slices.Sorted(maps.Keys(p.kept)) {
			for exact := range p.kept[row] {
				if !p.here(c.of(p).cells[row], exact) && !found[fmt.Sprintf("%s.%s %s %s", p.entity, p.id(), row, exact)] {
					c.fail(p, row, "%s the value %q is nowhere any more", when, exact)
				}
			}
		}
	}
}

// formerly is the name that something had before it went out of use.
func formerly(name string) string { return name[min(len(name), len("_old_0123456789_")):] }

func (c *course) lyingColumns(entity, table string, columns []string, note func(entity, field, row string, v any)) {
	c.t.Helper()
	if len(columns) == 0 {
		return
	}
	rid := "NULL"
	if table == document.RevisionsTable(entity) {
		rid = "rid"
	}
	for _, row := range c.query("SELECT id, " + rid + ", " + strings.Join(columns, ", ") + " FROM " + table) {
		for i, column := range columns {
			if row[i+2] != nil {
				note(entity, formerly(column), key(row), row[i+2])
			}
		}
	}
}

func (c *course) lyingList(p *pair, table, rid string, note func(entity, field, row string, v any)) {
	c.t.Helper()
	for _, row := range c.query("SELECT parent_id, " + rid + ", value FROM " + table) {
		note(p.entity, p.id(), key(row), row[2])
	}
}
