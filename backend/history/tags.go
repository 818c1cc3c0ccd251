package history

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"marain/backend/action"
	"marain/backend/database"
)

// Tags returns the incarnations that are in use or have, or had, a tombstone.
func (s *Store) Tags(ctx context.Context, q database.Querier) (map[string]bool, error) {
	known := map[string]bool{}
	present, err := s.Lives(ctx, q)
	if err != nil {
		return nil, err
	}
	for _, life := range present {
		for _, tag := range flat(life) {
			known[tag] = true
		}
	}
	err = each(ctx, q, func(rows *sql.Rows) error {
		var tag, text string
		if err := rows.Scan(&tag, &text); err != nil {
			return err
		}
		var life action.Life
		if err := json.Unmarshal([]byte(text), &life); err != nil {
			return err
		}
		known[tag] = true
		for _, tag := range flat(life) {
			known[tag] = true
		}
		return nil
	}, `SELECT tag, life FROM marain_tombstones`)
	if err != nil {
		return nil, fmt.Errorf("read known incarnations: %w", err)
	}
	return known, nil
}

// Ended returns every incarnation that was taken out of use, oldest first. It may be in use again.
func (s *Store) Ended(ctx context.Context, q database.Querier) ([]Gone, error) {
	var list []Gone
	err := each(ctx, q, func(rows *sql.Rows) error {
		var g Gone
		err := rows.Scan(&g.Entity, &g.Field, &g.Tag, &g.Since, &g.Until)
		list = append(list, g)
		return err
	}, `SELECT entity, field, tag, since, until FROM marain_lives WHERE until IS NOT NULL ORDER BY since, entity, field`)
	if err != nil {
		return nil, fmt.Errorf("read ended incarnations: %w", err)
	}
	return list, nil
}
