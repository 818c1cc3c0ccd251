package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"marain/backend/action"
	"marain/backend/database"
)

// inspect lists the columns, and after them the indexes, of tables in the current schema. Indexes that belong to a
// constraint are not those of a document.
const inspect = `SELECT c.relname::text, '', coalesce(a.attname::text, ''), format_type(a.atttypid, a.atttypmod), coalesce(a.attnotnull, false), coalesce(a.atthasdef, false), coalesce(a.attnum, 0)::int4
FROM pg_class AS c LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY (?::name[]) AND c.relkind IN ('r', 'p')
UNION ALL
SELECT c.relname::text, i.relname::text, coalesce(a.attname::text, ''), '', x.indisunique,
	x.indpred IS NOT NULL OR a.attnum IS NULL OR NOT x.indisvalid OR x.indnullsnotdistinct OR m.amname <> 'btree'
	OR x.indoption[k.position - 1] <> 0 OR x.indcollation[k.position - 1] <> a.attcollation OR NOT p.opcdefault,
	k.position::int4
FROM pg_class AS c JOIN pg_index AS x ON x.indrelid = c.oid JOIN pg_class AS i ON i.oid = x.indexrelid JOIN pg_am AS m ON m.oid = i.relam
CROSS JOIN LATERAL unnest(x.indkey::int2[]) WITH ORDINALITY AS k (number, position)
JOIN pg_opclass AS p ON p.oid = x.indclass[k.position - 1]
LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.number AND k.number > 0
WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY (?::name[]) AND c.relkind IN ('r', 'p') AND k.position <= x.indnkeyatts
	AND NOT EXISTS (SELECT 1 FROM pg_constraint AS o WHERE o.conrelid = c.oid AND o.conindid = x.indexrelid AND o.contype IN ('p', 'u', 'x'))
ORDER BY 1, 2, 7`

// Inspect returns those of the named tables that exist in the current schema, with their columns and the indexes that
// have a name of their own.
func (db *DB) Inspect(ctx context.Context, q database.Querier, names []string) (tables map[string]action.LiveTable, err error) {
	tables = map[string]action.LiveTable{}
	if len(names) == 0 {
		return tables, nil
	}
	rows, err := q.Query(ctx, inspect, names, names)
	if err != nil {
		return nil, fmt.Errorf("inspect tables: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var table, index, column string
		var kind sql.NullString
		var first, second bool // NOT NULL and a default; unique and special
		var position int
		if err := rows.Scan(&table, &index, &column, &kind, &first, &second, &position); err != nil {
			return nil, fmt.Errorf("inspect tables: %w", err)
		}
		t := tables[table]
		t.Name = table
		switch {
		case index != "":
			t.Indexes = withIndex(t.Indexes, action.Index{Name: index, Table: table, Unique: first, Special: second}, column)
		case position > 0: // a table can have no column at all
			t.Columns = append(t.Columns, action.LiveColumn{Name: column, Type: spelling(kind.String), NotNull: first, Default: second})
		}
		tables[table] = t
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("inspect tables: %w", err)
	}
	return tables, nil
}

// withIndex adds a column to the last index, or begins another one with it. A part that is computed has no column.
func withIndex(indexes []action.Index, index action.Index, column string) []action.Index {
	last := len(indexes) - 1
	if last < 0 || indexes[last].Name != index.Name {
		indexes = append(indexes, index)
		last++
	}
	indexes[last].Special = indexes[last].Special || index.Special
	if column != "" {
		indexes[last].Columns = append(indexes[last].Columns, column)
	}
	return indexes
}

// Stamp returns nothing: PostgreSQL keeps no count of schema changes that every program takes part in.
func (db *DB) Stamp(context.Context, database.Querier) (string, error) { return "", nil }

// TableNames returns the names of all tables of the current schema, in the order of their bytes.
func (db *DB) TableNames(ctx context.Context, q database.Querier) (names []string, err error) {
	rows, err := q.Query(ctx, `SELECT c.relname::text FROM pg_class AS c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') ORDER BY c.relname`)
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, fmt.Errorf("list tables: %w", err)
		}
		names = append(names, name)
	}
	return names, rows.Err()
}
