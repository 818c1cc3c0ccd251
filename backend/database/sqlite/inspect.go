package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"marain/backend/action"
	"marain/backend/database"
)

// Inspect returns those of the named tables that exist, with their columns and the indexes that have a name of their
// own.
func (db *DB) Inspect(ctx context.Context, q database.Querier, names []string) (map[string]action.LiveTable, error) {
	tables := map[string]action.LiveTable{}
	if len(names) == 0 {
		return tables, nil
	}
	args := make([]any, len(names))
	for i, n := range names {
		args[i] = n
	}
	if err := inspectColumns(ctx, q, tables, args); err != nil {
		return nil, fmt.Errorf("inspect columns: %w", err)
	}
	if err := inspectIndexes(ctx, q, tables, args); err != nil {
		return nil, fmt.Errorf("inspect indexes: %w", err)
	}
	return tables, nil
}

// Stamp returns SQLite's own count of schema changes.
func (db *DB) Stamp(ctx context.Context, q database.Querier) (string, error) {
	var n int64
	if err := q.QueryRow(ctx, "PRAGMA schema_version").Scan(&n); err != nil {
		return "", fmt.Errorf("read the schema version: %w", err)
	}
	return strconv.FormatInt(n, 10), nil
}

func inspectColumns(ctx context.Context, q database.Querier, tables map[string]action.LiveTable, names []any) (err error) {
	rows, err := q.Query(ctx, `SELECT t.name, c.name, c.type, c."notnull" OR c.pk > 0, c.dflt_value IS NOT NULL
FROM sqlite_schema AS t JOIN pragma_table_xinfo(t.name) AS c
WHERE t.type = 'table' AND t.name IN (`+placeholders(len(names))+`) ORDER BY t.name, c.cid`, names...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var table string
		var c action.LiveColumn
		if err := rows.Scan(&table, &c.Name, &c.Type, &c.NotNull, &c.Default); err != nil {
			return err
		}
		t := tables[table]
		t.Name = table
		t.Columns = append(t.Columns, c)
		tables[table] = t
	}
	return rows.Err()
}

func inspectIndexes(ctx context.Context, q database.Querier, tables map[string]action.LiveTable, names []any) (err error) {
	rows, err := q.Query(ctx, `SELECT t.name, i.name, i."unique", i.partial OR c.cid < 0 OR c."desc" OR c.coll <> 'BINARY', coalesce(c.name, '')
FROM sqlite_schema AS t JOIN pragma_index_list(t.name) AS i JOIN pragma_index_xinfo(i.name) AS c
WHERE t.type = 'table' AND i.origin = 'c' AND c.key AND t.name IN (`+placeholders(len(names))+`)
ORDER BY t.name, i.name, c.seqno`, names...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var table, column string
		var index action.Index
		if err := rows.Scan(&table, &index.Name, &index.Unique, &index.Special, &column); err != nil {
			return err
		}
		index.Table = table
		t := tables[table]
		last := len(t.Indexes) - 1
		if last < 0 || t.Indexes[last].Name != index.Name {
			t.Indexes = append(t.Indexes, index)
			last++
		}
		t.Indexes[last].Special = t.Indexes[last].Special || index.Special
		if column != "" {
			t.Indexes[last].Columns = append(t.Indexes[last].Columns, column)
		}
		tables[table] = t
	}
	return rows.Err()
}
