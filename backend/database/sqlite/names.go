package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"marain/backend/action"
	"marain/backend/database"
)

// Names returns the tables, views and indexes that have one of the names, in whatever letters. Triggers have names of
// their own.
func (db *DB) Names(ctx context.Context, q database.Querier, names []string) (map[string]action.Holder, error) {
	asked, args := map[string]string{}, make([]any, len(names))
	for i, name := range names {
		asked[Dialect{}.Fold(name)], args[i] = name, name
	}
	found := map[string]action.Holder{}
	err := each(ctx, q, func(rows *sql.Rows) error {
		var h action.Holder
		if err := rows.Scan(&h.Kind, &h.Name, &h.Table); err != nil {
			return err
		}
		found[asked[Dialect{}.Fold(h.Name)]] = h
		return nil
	}, `SELECT type, name, CASE type WHEN 'index' THEN tbl_name ELSE '' END FROM sqlite_schema
WHERE type IN ('table', 'view', 'index') AND name COLLATE NOCASE IN (`+placeholders(len(names))+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("look who has the names: %w", err)
	}
	return found, nil
}
