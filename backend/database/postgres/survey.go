package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"marain/backend/database"

	"ariga.io/atlas/sql/postgres"
	"ariga.io/atlas/sql/schema"
)

// Survey reads those of the named tables of the current schema that exist with another reader than Inspect. When it
// stumbles over one, they are read one by one and that one is left out.
func (db *DB) Survey(ctx context.Context, q database.Querier, tables []string) (map[string]database.Survey, error) {
	if len(tables) == 0 {
		return map[string]database.Survey{}, nil
	}
	inspector := database.Inspector{
		Open: postgres.Open,
		Owned: func(i *schema.Index) bool {
			for _, a := range i.Attrs {
				if _, constraint := a.(*postgres.Constraint); constraint {
					return true
				}
			}
			return false
		},
		Type: func(t *schema.ColumnType) (string, error) {
			name, err := postgres.FormatType(t.Type)
			if name == "timestamptz" {
				name = "timestamp with time zone"
			}
			return spelling(name), err
		},
	}
	all, err := inspector.Survey(ctx, q, "", tables)
	if err == nil {
		return all, nil
	}
	all = map[string]database.Survey{}
	for _, name := range tables {
		one, err := inspector.Survey(ctx, q, "", []string{name})
		if ctx.Err() != nil {
			return nil, fmt.Errorf("survey the tables: %w", errors.Join(ctx.Err(), err))
		}
		if err == nil {
			maps.Copy(all, one)
		}
	}
	return all, nil
}
