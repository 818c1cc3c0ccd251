package pairs_test

import (
	"fmt"
	"slices"
	"strings"

	"marain/backend/document"
)

// Rows of each kind, for each content type. Those of another kind are written to when the letter says so.
const (
	number    = 16   // of rows of a kind
	untouched = "u"  // never written to again
	edited    = "e"  // written to after the change
	later     = "x"  // written to after the first way back
	empty     = "z0" // hold nothing, where that is allowed
	gone      = "d"  // deleted after the change, or after the first way back
)

func row(kind string, i int) string { return fmt.Sprintf("%s%02d", kind, i) }

func rows(kind string) []string {
	all := make([]string, number)
	for i := range all {
		all[i] = row(kind, i)
	}
	return all
}

// alive are the rows that there are, in the order of their ids. Every field has them all.
func (c *course) alive() []string {
	var all []string
	entity := c.pairs[0].entity
	for _, r := range c.query("SELECT id FROM " + document.ContentTable(entity)) {
		all = append(all, r[0].(string))
	}
	slices.Sort(all)
	return all
}

// content are the rows that are there from the beginning, and what each holds in a field.
func (c *course) content() []string {
	var all []string
	for _, kind := range []string{untouched, edited, later, gone} {
		all = append(all, rows(kind)...)
	}
	return append(all, empty)
}

// insert makes rows, each with values that the side in use of every pair can hold.
func (c *course) insert(rows []string) {
	c.t.Helper()
	var statements []string
	for entity, pairs := range c.entities() {
		statements = append(statements, c.inserts(entity, pairs, rows, "")...)
		if c.shape.versioned {
			statements = append(statements, c.inserts(entity, pairs, rows, "1")...)
		}
	}
	c.exec(statements)
}

// inserts are the statements for one content type; rid is that of revisions, empty for the rows themselves. Lists come
// after the rows that they belong to.
func (c *course) inserts(entity string, pairs []*pair, rows []string, rid string) []string {
	table, columns := document.ContentTable(entity), "id"
	if rid != "" {
		table, columns = document.RevisionsTable(entity), "id, rid"
	}
	tuples := make([]string, len(rows))
	for i, id := range rows {
		tuples[i] = "'" + id + "'"
		if rid != "" {
			tuples[i] += ", " + rid
		}
	}
	var lists []string
	for _, p := range pairs {
		f := c.of(p).field
		if f.Multiple() {
			lists = append(lists, c.insertList(p, rows, rid))
			continue
		}
		columns += ", " + f.ID
		for i, id := range rows {
			var v any
			if id != empty || f.Required {
				v = sample(f.Type, i+len(rid))
			}
			tuples[i] += ", " + literal(c.kind, v)
		}
	}
	return append([]string{fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", table, columns, strings.Join(tuples, "), ("))}, lists...)
}

// insertList makes one to three values for each row, some of them in another order than that of their ids.
func (c *course) insertList(p *pair, rows []string, rid string) string {
	f := c.of(p).field
	var tuples []string
	for i, id := range rows {
		if id == empty {
			continue
		}
		for n := range 1 + i%3 {
			order := n
			if i%4 == 3 {
				order = 5 - n
			}
			tuples = append(tuples, c.listed(id, fmt.Sprintf("%s_%d", id, n), rid, sample(f.Type, i+n+len(rid)), order))
		}
	}
	table := document.FieldTable(p.entity, f.ID)
	if rid != "" {
		table = document.FieldRevisionsTable(p.entity, f.ID)
	}
	return fmt.Sprintf("INSERT INTO %s (id, rid, parent_id, value, sort_order) VALUES %s", table, strings.Join(tuples, ", "))
}

// listed is one value of several, as a tuple.
func (c *course) listed(parent, id, rid string, v any, order int) string {
	if rid == "" {
		rid = "1"
	}
	return fmt.Sprintf("('%s', %s, '%s', %s, %d)", id, rid, parent, literal(c.kind, v), order)
}

// edit writes to the rows of a kind on the side in use, and to their revisions.
func (c *course) edit(kind string) {
	c.t.Helper()
	var statements []string
	for _, p := range c.pairs {
		for i := range number {
			for _, r := range []string{row(kind, i), row(kind, i) + "#1"} {
				if strings.Contains(r, "#") && (!c.shape.versioned || c.shape.from && !c.shape.to) {
					continue // a first value that is taken away is remembered of rows only: nobody writes revisions twice
				}
				if c.of(p).field.Multiple() {
					statements = append(statements, c.editList(p, r, i)...)
				} else {
					statements = append(statements, c.editSingle(p, r, i))
				}
			}
		}
	}
	c.exec(statements)
}

// editSingle writes one value, now and then none.
func (c *course) editSingle(p *pair, r string, i int) string {
	f := c.of(p).field
	v := sample(f.Type, i)
	if i%4 == 3 && !f.Required {
		v = nil
	}
	id, rid := owner(r)
	if rid != "" {
		return fmt.Sprintf("UPDATE %s SET %s = %s WHERE id = '%s' AND rid = %s", document.RevisionsTable(p.entity), f.ID, literal(c.kind, v), id, rid)
	}
	return fmt.Sprintf("UPDATE %s SET %s = %s WHERE id = '%s'", document.ContentTable(p.entity), f.ID, literal(c.kind, v), id)
}

// editList writes to a list in one of the ways that there are.
func (c *course) editList(p *pair, r string, i int) []string {
	f, held := c.of(p).field, c.of(p).cells[r]
	id, rid := owner(r)
	table, where := document.FieldTable(p.entity, f.ID), ""
	if rid != "" {
		table, where = document.FieldRevisionsTable(p.entity, f.ID), " AND rid = "+rid
	}
	v := literal(c.kind, sample(f.Type, i))
	add := fmt.Sprintf("INSERT INTO %s (id, rid, parent_id, value, sort_order) VALUES %s", table, c.listed(id, "new_"+r, rid, sample(f.Type, i+1), 7))
	if len(held) == 0 {
		return []string{add}
	}
	first := fmt.Sprintf(" WHERE id = '%s'%s", held[0].id, where)
	switch i % 6 {
	case 0:
		return []string{fmt.Sprintf("UPDATE %s SET value = %s%s", table, v, first)}
	case 1:
		return []string{add}
	case 2:
		return []string{fmt.Sprintf("DELETE FROM %s%s", table, first)}
	case 3:
		return []string{fmt.Sprintf("UPDATE %s SET sort_order = 99%s", table, first)}
	case 4:
		return []string{fmt.Sprintf("DELETE FROM %s WHERE parent_id = '%s'%s", table, id, where)}
	default:
		return []string{fmt.Sprintf("UPDATE %s SET value = %s%s", table, v, first), add}
	}
}

// remove deletes rows, some before and some after the first way back. Their revisions stay.
func (c *course) remove(rows ...string) {
	c.t.Helper()
	var statements []string
	for entity := range c.entities() {
		statements = append(statements, fmt.Sprintf("DELETE FROM %s WHERE id IN ('%s')", document.ContentTable(entity), strings.Join(rows, "', '")))
	}
	c.exec(statements)
	for _, p := range c.pairs {
		for _, r := range rows {
			p.forget(r)
		}
	}
}
