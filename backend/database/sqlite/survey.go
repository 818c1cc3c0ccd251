package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"marain/backend/database"

	"ariga.io/atlas/sql/schema"
	"ariga.io/atlas/sql/sqlite"
)

// Survey reads each of the named tables that exist with another reader than Inspect. Those that it cannot read are left
// out: it takes names into its queries as they are, and knows neither a foreign key without columns nor a partial index
// in small letters.
func (db *DB) Survey(ctx context.Context, q database.Querier, tables []string) (map[string]database.Survey, error) {
	live, err := db.Inspect(ctx, q, tables)
	if err != nil {
		return nil, err
	}
	inspector := database.Inspector{
		Open:  sqlite.Open,
		Owned: func(i *schema.Index) bool { return strings.HasPrefix(i.Name, "sqlite_autoindex_") },
		Type:  func(t *schema.ColumnType) (string, error) { return t.Raw, nil },
	}
	all := map[string]database.Survey{}
	for name, table := range live {
		plain := !strings.Contains(name, "'")
		for _, index := range table.Indexes {
			plain = plain && !strings.Contains(index.Name, "'")
		}
		if !plain {
			continue
		}
		found, err := inspector.Survey(ctx, q, "main", []string{name})
		if ctx.Err() != nil {
			return nil, fmt.Errorf("survey the tables: %w", errors.Join(ctx.Err(), err))
		}
		if err == nil {
			all[name] = found[name]
		}
	}
	return all, nil
}
