package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"marain/backend/database"
)

// Write is a file still to be written. An empty BodyHash removes it.
type Write struct {
	ID       int64
	ActionID string
	Path     string
	Expected string // hash of what was there when it was decided; empty: nothing
	BodyHash string
}

// Enqueue adds a file of this folder to the outbox, in place of an earlier write of the same file.
func (s *Store) Enqueue(ctx context.Context, q database.Querier, w Write) error {
	if _, err := q.Exec(ctx, `DELETE FROM marain_outbox WHERE file_path = ? AND folder IN ('', ?)`, w.Path, s.Folder); err != nil {
		return fmt.Errorf("clear an older file write: %w", err)
	}
	var id int64
	if err := q.QueryRow(ctx, `SELECT coalesce(max(id), 0) + 1 FROM marain_outbox`).Scan(&id); err != nil {
		return fmt.Errorf("number a file write: %w", err)
	}
	_, err := q.Exec(ctx, `INSERT INTO marain_outbox (id, action_id, file_path, expected_hash, body_hash, folder) VALUES (?, ?, ?, ?, ?, ?)`,
		id, w.ActionID, w.Path, w.Expected, w.BodyHash, s.Folder)
	if err != nil {
		return fmt.Errorf("record a file write: %w", err)
	}
	return nil
}

// Dequeue removes what is still to be written to a file, in whatever folder: a newer version of it was applied.
func (s *Store) Dequeue(ctx context.Context, q database.Querier, path string) error {
	if _, err := q.Exec(ctx, `DELETE FROM marain_outbox WHERE file_path = ?`, path); err != nil {
		return fmt.Errorf("clear an older file write: %w", err)
	}
	return nil
}

// Outbox returns the files of this folder that are still to be written, oldest first.
func (s *Store) Outbox(ctx context.Context, q database.Querier) ([]Write, error) {
	var list []Write
	err := each(ctx, q, func(rows *sql.Rows) error {
		var w Write
		err := rows.Scan(&w.ID, &w.ActionID, &w.Path, &w.Expected, &w.BodyHash)
		list = append(list, w)
		return err
	}, `SELECT id, action_id, file_path, expected_hash, body_hash FROM marain_outbox WHERE folder IN ('', ?) ORDER BY id`, s.Folder)
	if err != nil {
		return nil, fmt.Errorf("read the outbox: %w", err)
	}
	return list, nil
}

// Written removes a write from the outbox, unless another one has taken its number.
func (s *Store) Written(ctx context.Context, q database.Querier, w Write) error {
	if _, err := q.Exec(ctx, `DELETE FROM marain_outbox WHERE id = ? AND action_id = ? AND file_path = ?`, w.ID, w.ActionID, w.Path); err != nil {
		return fmt.Errorf("clear a file write: %w", err)
	}
	return nil
}

// Held is a file that a person rejected, with the content that was rejected.
type Held struct {
	Path     string
	Hash     string
	ActionID string
	At       string
	Actor    string
	Note     string
}

// HeldFiles returns what is held, by path.
func (s *Store) HeldFiles(ctx context.Context, q database.Querier) ([]Held, error) {
	var list []Held
	err := each(ctx, q, func(rows *sql.Rows) error {
		var h Held
		err := rows.Scan(&h.Path, &h.Hash, &h.ActionID, &h.At, &h.Actor, &h.Note)
		list = append(list, h)
		return err
	}, `SELECT file_path, file_hash, action_id, at, actor, note FROM marain_held ORDER BY file_path`)
	if err != nil {
		return nil, fmt.Errorf("read held files: %w", err)
	}
	return list, nil
}

// Hold keeps a content of a file out until it is named in an apply or changes.
func (s *Store) Hold(ctx context.Context, q database.Querier, h Held) error {
	if err := s.Release(ctx, q, h.Path); err != nil {
		return err
	}
	_, err := q.Exec(ctx, `INSERT INTO marain_held (file_path, file_hash, action_id, at, actor, note) VALUES (?, ?, ?, ?, ?, ?)`,
		h.Path, h.Hash, h.ActionID, h.At, h.Actor, h.Note)
	if err != nil {
		return fmt.Errorf("hold %s: %w", h.Path, err)
	}
	return nil
}

// Release lets a held file go.
func (s *Store) Release(ctx context.Context, q database.Querier, path string) error {
	if _, err := q.Exec(ctx, `DELETE FROM marain_held WHERE file_path = ?`, path); err != nil {
		return fmt.Errorf("release %s: %w", path, err)
	}
	return nil
}

// Draft is a text that an edit had before a rollback or a reject replaced it.
type Draft struct {
	ID       string
	Path     string
	Hash     string
	Size     int
	ActionID string
	At       string
}

// Drafts returns the discarded drafts, newest first.
func (s *Store) Drafts(ctx context.Context, q database.Querier) ([]Draft, error) {
	var list []Draft
	err := each(ctx, q, func(rows *sql.Rows) error {
		var d Draft
		err := rows.Scan(&d.ID, &d.Path, &d.Hash, &d.Size, &d.ActionID, &d.At)
		list = append(list, d)
		return err
	}, `SELECT id, file_path, file_hash, size, action_id, at FROM marain_drafts ORDER BY id DESC`)
	if err != nil {
		return nil, fmt.Errorf("read drafts: %w", err)
	}
	return list, nil
}

// Draft returns one draft.
func (s *Store) Draft(ctx context.Context, q database.Querier, id string) (Draft, error) {
	var d Draft
	err := q.QueryRow(ctx, `SELECT id, file_path, file_hash, size, action_id, at FROM marain_drafts WHERE id = ?`, id).
		Scan(&d.ID, &d.Path, &d.Hash, &d.Size, &d.ActionID, &d.At)
	if errors.Is(err, sql.ErrNoRows) {
		return Draft{}, fmt.Errorf("draft %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return Draft{}, fmt.Errorf("read draft: %w", err)
	}
	return d, nil
}

// KeepDraft keeps an edit that is about to be replaced.
func (s *Store) KeepDraft(ctx context.Context, q database.Querier, d Draft) error {
	_, err := q.Exec(ctx, `INSERT INTO marain_drafts (id, file_path, file_hash, size, action_id, at) VALUES (?, ?, ?, ?, ?, ?)`,
		NewID(), d.Path, d.Hash, d.Size, d.ActionID, s.stamp())
	if err != nil {
		return fmt.Errorf("keep a draft of %s: %w", d.Path, err)
	}
	return nil
}
