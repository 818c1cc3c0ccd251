package history

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/document"
)

// Lives returns the incarnations that are in use, by entity.
func (s *Store) Lives(ctx context.Context, q database.Querier) (map[string]action.Life, error) {
	return lives(ctx, q, `SELECT entity, field, tag FROM marain_lives WHERE until IS NULL`)
}

// LivesAt returns the incarnations that were in use right after the batch with that sequence number.
func (s *Store) LivesAt(ctx context.Context, q database.Querier, seq int64) (map[string]action.Life, error) {
	return lives(ctx, q, `SELECT entity, field, tag FROM marain_lives WHERE since <= ? AND (until IS NULL OR until > ?)`, seq, seq)
}

func lives(ctx context.Context, q database.Querier, query string, args ...any) (map[string]action.Life, error) {
	all := map[string]action.Life{}
	err := each(ctx, q, func(rows *sql.Rows) error {
		var entity, field, tag string
		if err := rows.Scan(&entity, &field, &tag); err != nil {
			return err
		}
		life, ok := all[entity]
		if !ok {
			life.Fields = map[string]string{}
		}
		if field == "" {
			life.Tag = tag
		} else {
			life.Fields[field] = tag
		}
		all[entity] = life
		return nil
	}, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read incarnations: %w", err)
	}
	return all, nil
}

// SetLife makes life the incarnation of an entity from the batch with that sequence number on; nil ends it.
func (s *Store) SetLife(ctx context.Context, q database.Querier, seq int64, entity string, before action.Life, after *action.Life) error {
	old, new := flat(before), map[string]string{}
	if after != nil {
		new = flat(*after)
	}
	for field, tag := range old {
		if new[field] == tag {
			continue
		}
		if _, err := q.Exec(ctx, `UPDATE marain_lives SET until = ? WHERE entity = ? AND field = ? AND until IS NULL`, seq, entity, field); err != nil {
			return fmt.Errorf("end an incarnation: %w", err)
		}
	}
	for field, tag := range new {
		if old[field] == tag {
			continue
		}
		if _, err := q.Exec(ctx, `INSERT INTO marain_lives (entity, field, tag, since) VALUES (?, ?, ?, ?)`, entity, field, tag, seq); err != nil {
			return fmt.Errorf("begin an incarnation: %w", err)
		}
	}
	return nil
}

func flat(l action.Life) map[string]string {
	all := map[string]string{}
	if l.Tag != "" {
		all[""] = l.Tag
	}
	for field, tag := range l.Fields {
		all[field] = tag
	}
	return all
}

// Tombstones returns what is out of use and still there, oldest first.
func (s *Store) Tombstones(ctx context.Context, q database.Querier) ([]action.Tombstone, error) {
	return tombstones(ctx, q, `ended IS NULL`)
}

// TombstonesAt returns what was out of use and there right after the batch with that sequence number, oldest first.
func (s *Store) TombstonesAt(ctx context.Context, q database.Querier, seq int64) ([]action.Tombstone, error) {
	return tombstones(ctx, q, `seq <= ? AND (ended IS NULL OR ended > ?)`, seq, seq)
}

func tombstones(ctx context.Context, q database.Querier, condition string, args ...any) ([]action.Tombstone, error) {
	var list []action.Tombstone
	err := each(ctx, q, func(rows *sql.Rows) (err error) {
		var t action.Tombstone
		var shape, life string
		if err := rows.Scan(&t.ID, &t.Kind, &t.Entity, &t.EntityTag, &t.Field, &t.Tag, &t.ActionID, &shape, &life, &t.Of, &t.Fill); err != nil {
			return err
		}
		if t.Shape, err = readShape(shape); err != nil {
			return fmt.Errorf("shape of tombstone %s: %w", t.ID, err)
		}
		if err := json.Unmarshal([]byte(life), &t.Life); err != nil {
			return fmt.Errorf("incarnations of tombstone %s: %w", t.ID, err)
		}
		list = append(list, t)
		return nil
	}, `SELECT id, kind, entity, entity_tag, field, tag, action_id, shape, life, of_tag, fill FROM marain_tombstones WHERE `+condition+` ORDER BY seq, id`, args...)
	if err != nil {
		return nil, fmt.Errorf("read tombstones: %w", err)
	}
	return list, nil
}

// readShape reads what a content type was. Defaults get back the Go types that their fields have: to JSON a number is
// just a number, and the shape would differ from a file that says the very same.
func readShape(text string) (*document.Entity, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var e document.Entity
	if err := decoder.Decode(&e); err != nil {
		return nil, err
	}
	return &e, exactDefaults(e.Fields)
}

func exactDefaults(fields []document.Field) (err error) {
	for i := range fields {
		f := &fields[i]
		if number, ok := f.Default.(json.Number); ok {
			if f.Type == document.Integer {
				f.Default, err = number.Int64()
			} else {
				f.Default, err = number.Float64()
			}
		}
		if err = errors.Join(err, exactDefaults(f.Fields)); err != nil {
			return err
		}
	}
	return nil
}

// Bury records what a batch took out of use.
func (s *Store) Bury(ctx context.Context, q database.Querier, seq int64, t action.Tombstone) error {
	shape, err := json.Marshal(t.Shape)
	if err != nil {
		return fmt.Errorf("write the shape of a tombstone: %w", err)
	}
	life, err := json.Marshal(t.Life)
	if err != nil {
		return fmt.Errorf("write the incarnations of a tombstone: %w", err)
	}
	_, err = q.Exec(ctx, `INSERT INTO marain_tombstones (id, kind, entity, entity_tag, field, tag, action_id, shape, life, of_tag, fill, seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		NewID(), string(t.Kind), t.Entity, t.EntityTag, t.Field, t.Tag, t.ActionID, string(shape), string(life), t.Of, t.Fill, seq)
	if err != nil {
		return fmt.Errorf("record a tombstone: %w", err)
	}
	return nil
}

// Origins returns from which incarnation others were filled, by the tag of what was filled.
func (s *Store) Origins(ctx context.Context, q database.Querier) (map[string]action.Origin, error) {
	all := map[string]action.Origin{}
	err := each(ctx, q, func(rows *sql.Rows) error {
		var o action.Origin
		if err := rows.Scan(&o.Tag, &o.From); err != nil {
			return err
		}
		all[o.Tag] = o
		return nil
	}, `SELECT tag, origin FROM marain_origins`)
	if err != nil {
		return nil, fmt.Errorf("read origins: %w", err)
	}
	return all, nil
}

// PutOrigin records from which incarnation another one was filled.
func (s *Store) PutOrigin(ctx context.Context, q database.Querier, o action.Origin) error {
	_, err := q.Exec(ctx, `INSERT INTO marain_origins (tag, origin) VALUES (?, ?)`, o.Tag, o.From)
	if err != nil {
		return fmt.Errorf("record an origin: %w", err)
	}
	return nil
}

// Revive records that a tombstone is in use again.
func (s *Store) Revive(ctx context.Context, q database.Querier, seq int64, id, actionID string) error {
	return s.EndTombstone(ctx, q, seq, id, actionID)
}

// EndTombstone records that a batch has left nothing of a tombstone: it is in use again, or it is gone.
func (s *Store) EndTombstone(ctx context.Context, q database.Querier, seq int64, id, actionID string) error {
	result, err := q.Exec(ctx, `UPDATE marain_tombstones SET ended = ?, ended_by = ? WHERE id = ? AND ended IS NULL`, seq, actionID, id)
	if err != nil {
		return fmt.Errorf("end a tombstone: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return fmt.Errorf("end tombstone %s: %w", id, ErrNotFound)
	}
	return nil
}
