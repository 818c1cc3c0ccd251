package history

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/diff"
)

// The kinds of batch.
const (
	KindApply    = "apply"
	KindRollback = "rollback"
	KindReject   = "reject"
	KindRepair   = "repair" // live tables were put back to what the applied versions say
	KindFailed   = "failed"
	KindPurge    = "purge"   // what was out of use was destroyed
	KindRestore  = "restore" // a backup was put back
)

// Record is what a batch says about itself. Secret values are masked before they come here.
type Record struct {
	Category   diff.Category      `json:"category"`
	Summary    string             `json:"summary"`
	Files      []RecordFile       `json:"files"`
	DurationMS float64            `json:"duration_ms"`
	Timings    map[string]float64 `json:"timings"`
	Error      string             `json:"error,omitempty"`
	Code       string             `json:"code,omitempty"`
	Target     string             `json:"target,omitempty"` // of a rollback: the batch it undid or went back to
	Undone     []VersionRef       `json:"undone,omitempty"` // of a rollback
	Answers    map[string]string  `json:"answers,omitempty"`
	Backup     string             `json:"backup,omitempty"`    // name of the one that was taken before
	Restored   string             `json:"restored,omitempty"`  // name of the backup that was put back
	Destroyed  []Destroyed        `json:"destroyed,omitempty"` // of a purge

	// What the batch began and ended (null), by entity, and what it filled from others: so that verify can prove it.
	Lives   map[string]*action.Life `json:"lives,omitempty"`
	Origins []action.Origin         `json:"origins,omitempty"`
}

// Destroyed is one tombstone that a purge destroyed: names and counts, no values.
type Destroyed struct {
	ID       string `json:"id"`
	Kind     string `json:"kind"`
	Name     string `json:"name"`
	Since    string `json:"since"`     // when it had been taken out of use
	ActionID string `json:"action_id"` // and by which batch
	Rows     int64  `json:"rows"`
	Values   int64  `json:"values"`
}

// RecordFile is one file of a batch: the plan as it was carried out, and the versions it went from and to.
type RecordFile struct {
	action.File
	Version int    `json:"version"`
	OldHash string `json:"old_hash"`
	NewHash string `json:"new_hash"`
}

// VersionRef names a version.
type VersionRef struct {
	Path   string `json:"file_path"`
	Number int    `json:"version"`
}

// Entry is one link of the audit chain.
type Entry struct {
	Seq      int64
	ActionID string
	Kind     string
	At       string
	Actor    string
	Note     string
	Record   Record
	Previous string
	Hash     string

	raw string // the record as stored: the hash covers these bytes
}

// Applies reports whether the batch gave files other versions.
func (e Entry) Applies() bool {
	return e.Kind == KindApply || e.Kind == KindRollback || e.Kind == KindRestore
}

// Head returns the number and hash of the newest link; zero and empty before the first.
func (s *Store) Head(ctx context.Context, q database.Querier) (seq int64, hash string, err error) {
	err = q.QueryRow(ctx, `SELECT seq, hash FROM marain_audit ORDER BY seq DESC LIMIT 1`).Scan(&seq, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, "", nil
	}
	if err != nil {
		return 0, "", fmt.Errorf("read the head of the audit chain: %w", err)
	}
	return seq, hash, nil
}

// Append links an entry to the chain and returns it as it stands there.
func (s *Store) Append(ctx context.Context, q database.Querier, e Entry) (Entry, error) {
	seq, previous, err := s.Head(ctx, q)
	if err != nil {
		return Entry{}, err
	}
	raw, err := json.Marshal(e.Record)
	if err != nil {
		return Entry{}, fmt.Errorf("write the record: %w", err)
	}
	e.Seq, e.Previous, e.raw = seq+1, previous, string(raw)
	e.Hash = e.sum()
	_, err = q.Exec(ctx, `INSERT INTO marain_audit (seq, action_id, kind, at, actor, note, record, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		e.Seq, e.ActionID, e.Kind, e.At, e.Actor, e.Note, e.raw, e.Previous, e.Hash)
	if err != nil {
		return Entry{}, fmt.Errorf("append to the audit chain: %w", err)
	}
	return e, nil
}

// sum is the hash of an entry: each part with its length, so that no text can pass for another.
func (e Entry) sum() string {
	h := sha256.New()
	for _, part := range []string{e.Previous, strconv.FormatInt(e.Seq, 10), e.ActionID, e.Kind, e.At, e.Actor, e.Note, e.raw} {
		// Writing to a hash never fails.
		_, _ = io.WriteString(h, strconv.Itoa(len(part))+":"+part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Whole reports whether the entry's hash is that of what it says.
func (e Entry) Whole() bool { return e.Hash == e.sum() }

// Filter selects entries of the chain.
type Filter struct {
	Path   string // only batches that touched this file
	Status string // applied, rolled_back, failed or rejected
	Before int64  // only those below this sequence number; 0 for all
	Limit  int
}

// Entries returns entries, newest first.
func (s *Store) Entries(ctx context.Context, q database.Querier, f Filter) ([]Entry, error) {
	query := `SELECT a.seq, a.action_id, a.kind, a.at, a.actor, a.note, a.record, a.previous, a.hash FROM marain_audit AS a WHERE 1 = 1`
	var args []any
	if f.Before > 0 {
		query += ` AND a.seq < ?`
		args = append(args, f.Before)
	}
	if f.Path != "" {
		needle, err := json.Marshal(f.Path)
		if err != nil {
			return nil, fmt.Errorf("write the file name: %w", err)
		}
		query += ` AND (EXISTS (SELECT 1 FROM file_versions AS v WHERE v.action_id = a.action_id AND v.file_path = ? AND v.status <> 'pending')
	OR (a.kind IN ('failed', 'reject', 'repair') AND a.record LIKE ? ESCAPE '!'))`
		args = append(args, f.Path, "%"+likeEscape(`"file_path":`+string(needle))+"%")
	}
	switch f.Status {
	case "":
	case RolledBack:
		query += ` AND EXISTS (SELECT 1 FROM file_versions AS v WHERE v.action_id = a.action_id AND v.status = 'rolled_back')`
	case Applied:
		query += ` AND (a.kind IN ('repair', 'purge') OR EXISTS (SELECT 1 FROM file_versions AS v WHERE v.action_id = a.action_id AND v.status = 'applied'))`
	case "failed":
		query += ` AND a.kind = 'failed'`
	case "rejected":
		query += ` AND a.kind = 'reject'`
	default:
		return nil, fmt.Errorf("%q is no status of a batch", f.Status)
	}
	query += ` ORDER BY a.seq DESC LIMIT ?`
	return s.entries(ctx, q, query, append(args, f.Limit)...)
}

func likeEscape(text string) string {
	var out []rune
	for _, r := range text {
		if r == '%' || r == '_' || r == '!' {
			out = append(out, '!')
		}
		out = append(out, r)
	}
	return string(out)
}

// EntriesAfter returns the entries above a sequence number, newest first.
func (s *Store) EntriesAfter(ctx context.Context, q database.Querier, seq int64) ([]Entry, error) {
	return s.entries(ctx, q, `SELECT a.seq, a.action_id, a.kind, a.at, a.actor, a.note, a.record, a.previous, a.hash
FROM marain_audit AS a WHERE a.seq > ? ORDER BY a.seq DESC`, seq)
}

// Link returns the hash of the link with that sequence number; empty for 0, [ErrNotFound] when there is none.
func (s *Store) Link(ctx context.Context, q database.Querier, seq int64) (hash string, err error) {
	if seq == 0 {
		return "", nil
	}
	err = q.QueryRow(ctx, `SELECT hash FROM marain_audit WHERE seq = ?`, seq).Scan(&hash)
	if errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("link %d of the audit chain: %w", seq, ErrNotFound)
	}
	if err != nil {
		return "", fmt.Errorf("read a link of the audit chain: %w", err)
	}
	return hash, nil
}

// Chain hands every entry of the chain to fn, oldest first.
func (s *Store) Chain(ctx context.Context, q database.Querier, fn func(Entry) error) error {
	const page = 500
	for last := int64(0); ; {
		list, err := s.entries(ctx, q, `SELECT a.seq, a.action_id, a.kind, a.at, a.actor, a.note, a.record, a.previous, a.hash
FROM marain_audit AS a WHERE a.seq > ? ORDER BY a.seq LIMIT ?`, last, page)
		if err != nil {
			return err
		}
		for _, e := range list {
			if err := fn(e); err != nil {
				return err
			}
			last = e.Seq
		}
		if len(list) < page {
			return nil
		}
	}
}

// Entry returns the entry of one batch.
func (s *Store) Entry(ctx context.Context, q database.Querier, actionID string) (Entry, error) {
	list, err := s.entries(ctx, q, `SELECT a.seq, a.action_id, a.kind, a.at, a.actor, a.note, a.record, a.previous, a.hash
FROM marain_audit AS a WHERE a.action_id = ?`, actionID)
	if err != nil {
		return Entry{}, err
	}
	if len(list) == 0 {
		return Entry{}, fmt.Errorf("batch %s: %w", actionID, ErrNotFound)
	}
	return list[0], nil
}

func (s *Store) entries(ctx context.Context, q database.Querier, query string, args ...any) ([]Entry, error) {
	var list []Entry
	err := each(ctx, q, func(rows *sql.Rows) error {
		var e Entry
		if err := rows.Scan(&e.Seq, &e.ActionID, &e.Kind, &e.At, &e.Actor, &e.Note, &e.raw, &e.Previous, &e.Hash); err != nil {
			return err
		}
		// A record that cannot be read was tampered with: the entry is kept, and verify finds it by its hash.
		if err := json.Unmarshal([]byte(e.raw), &e.Record); err != nil {
			e.Record = Record{Summary: "The record cannot be read", Error: err.Error()}
		}
		list = append(list, e)
		return nil
	}, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read the audit chain: %w", err)
	}
	return list, nil
}
