package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"marain/backend/action"
	"marain/backend/database"
)

// Measure counts what lies in a place.
func (db *DB) Measure(ctx context.Context, q database.Querier, place action.Place) (database.Measure, error) {
	var m database.Measure
	table, column := Dialect{}.Quote(place.Table), Dialect{}.Quote(place.Column)
	if place.Column != "" {
		query := fmt.Sprintf("SELECT count(*), count(%[2]s), coalesce(sum(octet_length(%[2]s)), 0) FROM %[1]s", table, column)
		if err := q.QueryRow(ctx, query).Scan(&m.Rows, &m.Values, &m.Bytes); err != nil {
			return m, fmt.Errorf("count the values of %s.%s: %w", place.Table, place.Column, err)
		}
		return m, nil
	}
	if err := q.QueryRow(ctx, "SELECT count(*) FROM "+table).Scan(&m.Rows); err != nil {
		return m, fmt.Errorf("count the rows of %s: %w", place.Table, err)
	}
	m.Values = m.Rows
	if err := q.QueryRow(ctx, "SELECT coalesce(sum(pgsize), -1) FROM dbstat WHERE name IN (SELECT name FROM sqlite_schema WHERE tbl_name = ?)", place.Table).Scan(&m.Bytes); err != nil {
		return m, fmt.Errorf("measure %s: %w", place.Table, err)
	}
	return m, nil
}

// Dependents finds what mentions a place. SQLite drops a column that a trigger still writes, and every insert fails from
// then on; dropping a table runs the actions of the references to it. Both must be found before.
func (db *DB) Dependents(ctx context.Context, q database.Querier, place action.Place, going []string) ([]string, error) {
	mentions, err := db.mentions(ctx, q, place, going)
	if err != nil || place.Column != "" {
		return mentions, err
	}
	references, err := texts(ctx, q, `SELECT DISTINCT 'the table ' || t.name || ' refers to ' || r."table", t.name
FROM sqlite_schema AS t JOIN pragma_foreign_key_list(t.name) AS r WHERE t.type = 'table' AND lower(r."table") = lower(?) ORDER BY 1`, place.Table)
	if err != nil {
		return nil, fmt.Errorf("look for references to %s: %w", place.Table, err)
	}
	for _, r := range references {
		if !slices.Contains(going, r[1]) {
			mentions = append(mentions, r[0])
		}
	}
	return mentions, nil
}

// mentions finds views, triggers and indexes whose text has the name of a place in it. A name that is out of use is
// nobody's word for anything else.
func (db *DB) mentions(ctx context.Context, q database.Querier, place action.Place, going []string) ([]string, error) {
	name := place.Table
	if place.Column != "" {
		name = place.Column
	}
	found, err := texts(ctx, q, `SELECT type, name, tbl_name, sql FROM sqlite_schema
WHERE sql IS NOT NULL AND type <> 'table' AND instr(lower(sql), lower(?)) > 0 ORDER BY name`, name)
	if err != nil {
		return nil, fmt.Errorf("look for what uses %s: %w", name, err)
	}
	var list []string
	for _, f := range found {
		kind, table := f[0], f[2]
		// What is on the table itself goes with it.
		goes := place.Column == "" && kind != "view" && (strings.EqualFold(table, place.Table) || slices.Contains(going, table))
		if !goes && database.Words(f[3])[strings.ToLower(name)] {
			list = append(list, fmt.Sprintf("the %s %s uses %s", kind, f[1], name))
		}
	}
	return list, nil
}

// texts returns rows of texts.
func texts(ctx context.Context, q database.Querier, query string, args ...any) (list [][]string, err error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		row := make([]string, len(columns))
		into := make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		list = append(list, row)
	}
	return list, rows.Err()
}
