package action

import (
	"fmt"
	"strings"

	"marain/backend/document"
)

// spot is where the values of one incarnation lie at one moment: in a column of the rows' table, or in a table of
// their own when there may be several for a row.
type spot struct {
	field  *document.Field
	table  string // of several values
	column string // of a single one
	none   bool   // nowhere: it was never kept for these rows
}

// relation is the values of a field for all rows, in the storage of field: an expression over the rows' table, or a
// query. A query of single values gives the rows' keys and "value"; one of several gives the columns of their table.
type relation struct {
	field *document.Field
	expr  string
	plain bool   // expr is a column
	where string // rows for which expr can be something; empty for all
	query string
}

// rowset is the rows whose values are meant: those of a content type, or their revisions.
type rowset struct {
	g     *Generator
	table string // at that moment
	keys  []string
	// revisions says that these are the revisions of rows.
	revisions bool
	marked    map[string]bool // of revisions, by tag: the marks that lie beside them
}

func (g *Generator) rows(table string, revisions bool) rowset {
	r := rowset{g: g, table: table, keys: []string{"id"}, revisions: revisions}
	if revisions {
		r.keys = append(r.keys, "rid")
	}
	return r
}

// listColumns are the columns of a table of several values.
func listColumns() []string { return []string{"id", "user", "rid", "parent_id", "value", "sort_order"} }

func (r rowset) quote(name string) string { return r.g.Dialect.Quote(name) }

// of writes a column of something.
func (r rowset) of(name, column string) string { return r.quote(name) + "." + r.quote(column) }

// column writes a column of the rows' table.
func (r rowset) column(name string) string { return r.of(r.table, name) }

// list writes columns of something, comma separated.
func (r rowset) list(name string, columns ...string) string {
	all := make([]string, len(columns))
	for i, c := range columns {
		all[i] = r.of(name, c)
	}
	return strings.Join(all, ", ")
}

// parents are the columns of a table of several values that name the row they belong to, in the order of the keys.
func (r rowset) parents() []string {
	if len(r.keys) > 1 {
		return []string{"parent_id", "rid"}
	}
	return []string{"parent_id"}
}

// match writes the condition that columns of one thing equal columns of another.
func (r rowset) match(a string, columns []string, b string, others []string) string {
	all := make([]string, len(columns))
	for i := range columns {
		all[i] = r.of(a, columns[i]) + " = " + r.of(b, others[i])
	}
	return strings.Join(all, " AND ")
}

// read returns the values that lie in a spot.
func (r rowset) read(s spot) relation {
	if s.field.Multiple() {
		return relation{field: s.field, query: fmt.Sprintf("SELECT %s FROM %s", r.list(s.table, listColumns()...), r.quote(s.table))}
	}
	return relation{field: s.field, expr: r.column(s.column), plain: true}
}

// query writes a relation as one.
func (r rowset) query(v relation) string {
	if v.query != "" {
		return v.query
	}
	return fmt.Sprintf("SELECT %s, %s AS %s FROM %s", r.list(r.table, r.keys...), v.expr, r.quote("value"), r.quote(r.table))
}

// ranked writes a relation of several values with their place among those of their row, counted from 1.
func (r rowset) ranked(v relation) string {
	return fmt.Sprintf("SELECT %s, row_number() OVER (PARTITION BY %s ORDER BY %s) AS %s FROM (%s) AS %s",
		r.list("l", listColumns()...), r.list("l", r.parents()...), r.list("l", "sort_order", "id"), r.quote("place"), v.query, r.quote("l"))
}

// fixed writes a query under a name so that it is worked out once, however often its columns are used: taken apart and
// put into each use, a chain of conversions would cost more with every link than all links before.
func (r rowset) fixed(query, name string, columns []string) string {
	return fmt.Sprintf("(WITH %s AS MATERIALIZED (%s) SELECT %s FROM %s) AS %s", r.quote("q"), query, r.list("q", columns...), r.quote("q"), r.quote(name))
}

// values are the columns of a query of single values.
func (r rowset) values() []string { return append(append([]string{}, r.keys...), "value") }

// first writes the first of several values for each row that has one.
func (r rowset) first(v relation) string {
	return fmt.Sprintf("SELECT %s, %s FROM (%s) AS %s WHERE %s = 1",
		r.list("f", r.parents()...), r.of("f", "value"), r.ranked(v), r.quote("f"), r.of("f", "place"))
}

// known leaves values out that are none.
func (r rowset) known(query string) string {
	return fmt.Sprintf("SELECT %s FROM %s WHERE %s IS NOT NULL", r.list("k", listColumns()...), r.fixed(query, "k", listColumns()), r.of("k", "value"))
}

// convert returns values as another field holds them; what has no counterpart is left out.
func (r rowset) convert(v relation, to *document.Field) relation {
	as := func(value string) string { return r.as(v.field, to, value) }
	out := relation{field: to}
	switch from, into := v.field.Multiple(), to.Multiple(); {
	case !from && !into && v.query == "":
		out.expr = as(v.expr)
		if v.plain {
			out.where = v.expr + " IS NOT NULL"
		}
	case !from && !into:
		out.query = fmt.Sprintf("SELECT %s, %s AS %s FROM %s", r.list("m", r.keys...), as(r.of("m", "value")), r.quote("value"), r.fixed(v.query, "m", r.values()))
	case !from:
		out.query = r.known(r.single(v, as))
	case !into:
		out.query = fmt.Sprintf("SELECT %s, %s AS %s FROM %s",
			r.aliased("m", r.parents(), r.keys), as(r.of("m", "value")), r.quote("value"), r.fixed(r.first(v), "m", append(r.parents(), "value")))
	default:
		out.query = r.known(fmt.Sprintf("SELECT %s, %s AS %s, %s FROM %s",
			r.list("m", "id", "user", "rid", "parent_id"), as(r.of("m", "value")), r.quote("value"), r.of("m", "sort_order"), r.fixed(v.query, "m", listColumns())))
	}
	return out
}

// single writes single values as the first of several, with columns more. Their id is the row's: a row has but one of
// them.
func (r rowset) single(v relation, as func(string) string, more ...string) string {
	return fmt.Sprintf("SELECT %s, %s, COALESCE(%s, 1) AS %s, %s AS %s, %s AS %s, 0 AS %s%s FROM %s JOIN %s ON %s",
		r.column("id"), r.column("user"), r.column("rid"), r.quote("rid"), r.column("id"), r.quote("parent_id"),
		as(r.of("m", "value")), r.quote("value"), r.quote("sort_order"), strings.Join(append([]string{""}, more...), ", "),
		r.quote(r.table), r.fixed(r.query(v), "m", r.values()), r.match("m", r.keys, r.table, r.keys))
}

func (r rowset) aliased(name string, columns, names []string) string {
	all := make([]string, len(columns))
	for i := range columns {
		all[i] = r.of(name, columns[i]) + " AS " + r.quote(names[i])
	}
	return strings.Join(all, ", ")
}

// as writes the conversion of one value.
func (r rowset) as(from, to *document.Field, value string) string {
	if SameStorage(from, to) {
		return value
	}
	return r.g.Dialect.Convert(from, to, value)
}

// distinct writes the condition that two values of a field differ, where none is a value like any other.
func (r rowset) distinct(f *document.Field, a, b string) string {
	return "NOT (" + r.g.Dialect.Same(f, a, b) + ")"
}
