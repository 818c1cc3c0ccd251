package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"marain/backend/database"
)

// Gone is an incarnation that was in use once, and nothing of it is there any more: it was purged, or an older backup
// was put back.
type Gone struct {
	Entity string
	Field  string
	Tag    string
	Since  int64 // the batch from which on it was in use
	Until  int64 // the batch that took it out of use
}

// Name is how people call it: the content type, or content type and field.
func (g Gone) Name() string {
	if g.Field == "" {
		return g.Entity
	}
	return g.Entity + "." + g.Field
}

// Gone returns what was in use once and can never come back, oldest first. In a project that never purged nor restored
// anything that is nothing, and costs nothing to know.
func (s *Store) Gone(ctx context.Context, q database.Querier) ([]Gone, error) {
	var lost int
	if err := q.QueryRow(ctx, `SELECT count(*) FROM marain_audit WHERE kind IN ('purge', 'restore')`).Scan(&lost); err != nil || lost == 0 {
		return nil, errors.Join(err)
	}
	there := map[string]bool{}
	present, err := s.Lives(ctx, q)
	if err != nil {
		return nil, err
	}
	for _, life := range present {
		for _, tag := range flat(life) {
			there[tag] = true
		}
	}
	tombs, err := s.Tombstones(ctx, q)
	if err != nil {
		return nil, err
	}
	for _, t := range tombs {
		there[t.Tag] = true
		for _, tag := range flat(t.Life) {
			there[tag] = true
		}
	}
	var list []Gone
	err = each(ctx, q, func(rows *sql.Rows) error {
		var g Gone
		err := rows.Scan(&g.Entity, &g.Field, &g.Tag, &g.Since, &g.Until)
		if !there[g.Tag] {
			list = append(list, g)
		}
		return err
	}, `SELECT entity, field, tag, since, until FROM marain_lives WHERE until IS NOT NULL ORDER BY since, entity, field`)
	if err != nil {
		return nil, fmt.Errorf("read what is gone: %w", err)
	}
	return list, nil
}

// Span is from which batch on an incarnation was in use, and which one took it out of use; 0 for none yet.
type Span struct{ Since, Until int64 }

// Spans returns when an incarnation was in use.
func (s *Store) Spans(ctx context.Context, q database.Querier, entity, field, tag string) ([]Span, error) {
	var list []Span
	err := each(ctx, q, func(rows *sql.Rows) error {
		var span Span
		err := rows.Scan(&span.Since, &span.Until)
		list = append(list, span)
		return err
	}, `SELECT since, coalesce(until, 0) FROM marain_lives WHERE entity = ? AND field = ? AND tag = ? ORDER BY since`, entity, field, tag)
	if err != nil {
		return nil, fmt.Errorf("read when %s was in use: %w", tag, err)
	}
	return list, nil
}

// Dated is a version with the number of its batch in the audit chain.
type Dated struct {
	Path   string
	Number int
	Hash   string
	Seq    int64
}

// Dated returns every version that has a text, by path and number.
func (s *Store) Dated(ctx context.Context, q database.Querier) ([]Dated, error) {
	var list []Dated
	err := each(ctx, q, func(rows *sql.Rows) error {
		var d Dated
		err := rows.Scan(&d.Path, &d.Number, &d.Hash, &d.Seq)
		list = append(list, d)
		return err
	}, `SELECT v.file_path, v.version, v.file_hash, a.seq FROM file_versions AS v JOIN marain_audit AS a ON a.action_id = v.action_id
WHERE v.status <> 'pending' AND v.file_hash <> '' ORDER BY v.file_path, v.version`)
	if err != nil {
		return nil, fmt.Errorf("read versions with their batches: %w", err)
	}
	return list, nil
}
