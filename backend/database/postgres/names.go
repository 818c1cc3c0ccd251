package postgres

import (
	"context"
	"errors"
	"fmt"

	"marain/backend/action"
	"marain/backend/database"
)

// holders lists what has one of some names in the current schema. The types that come with tables are those, and the
// server itself moves a type of arrays out of the way.
const holders = `SELECT c.relname::text, CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' WHEN 'S' THEN 'sequence'
	WHEN 'i' THEN 'index' WHEN 'I' THEN 'index' WHEN 'c' THEN 'composite type' ELSE 'table' END, coalesce(t.relname::text, '')
FROM pg_class AS c LEFT JOIN pg_index AS x ON x.indexrelid = c.oid LEFT JOIN pg_class AS t ON t.oid = x.indrelid
WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relname = ANY (?::name[])
UNION ALL
SELECT y.typname::text, '` + action.TypeHolder + `', ''
FROM pg_type AS y
WHERE y.typnamespace = quote_ident(current_schema())::regnamespace AND y.typname = ANY (?::name[]) AND y.typrelid = 0
	AND NOT EXISTS (SELECT 1 FROM pg_type AS e WHERE e.oid = y.typelem AND e.typarray = y.oid)`

// Names returns what has one of the names in the current schema, a type only where nothing else has it.
func (db *DB) Names(ctx context.Context, q database.Querier, names []string) (found map[string]action.Holder, err error) {
	rows, err := q.Query(ctx, holders, names, names)
	if err != nil {
		return nil, fmt.Errorf("look who has the names: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	found = map[string]action.Holder{}
	for rows.Next() {
		var h action.Holder
		if err := rows.Scan(&h.Name, &h.Kind, &h.Table); err != nil {
			return nil, fmt.Errorf("look who has the names: %w", err)
		}
		if had := found[h.Name]; had.Kind == "" || had.Kind == action.TypeHolder {
			found[h.Name] = h
		}
	}
	return found, rows.Err()
}
