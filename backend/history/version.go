package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"marain/backend/database"
)

// The states of a version.
const (
	Pending    = "pending"
	Applied    = "applied"
	RolledBack = "rolled_back"
)

// Version is one version of one file. A removed file has an empty hash.
type Version struct {
	ID        string
	Path      string
	Number    int
	Hash      string
	ActionID  string
	AppliedAt string
	AppliedBy string
	Executed  string // JSON: what was run
	Rollback  string // JSON: its inverse
	Status    string
}

const versionColumns = "v.id, v.file_path, v.version, v.file_hash, v.action_id, v.applied_at, v.applied_by, v.actions_executed, v.rollback_actions, v.status"

func scanVersion(row interface{ Scan(...any) error }) (Version, error) {
	var v Version
	err := row.Scan(&v.ID, &v.Path, &v.Number, &v.Hash, &v.ActionID, &v.AppliedAt, &v.AppliedBy, &v.Executed, &v.Rollback, &v.Status)
	return v, err
}

func versions(ctx context.Context, q database.Querier, query string, args ...any) ([]Version, error) {
	var list []Version
	err := each(ctx, q, func(rows *sql.Rows) error {
		v, err := scanVersion(rows)
		list = append(list, v)
		return err
	}, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read versions: %w", err)
	}
	return list, nil
}

// Applied returns the newest applied version of each file, removed files included, by path.
func (s *Store) Applied(ctx context.Context, q database.Querier) ([]Version, error) {
	return versions(ctx, q, `SELECT `+versionColumns+` FROM file_versions AS v
JOIN (SELECT file_path, max(version) AS version FROM file_versions WHERE status = 'applied' GROUP BY file_path) AS newest
ON newest.file_path = v.file_path AND newest.version = v.version ORDER BY v.file_path`)
}

// PendingVersions returns what waits, by path.
func (s *Store) PendingVersions(ctx context.Context, q database.Querier) ([]Version, error) {
	return versions(ctx, q, `SELECT `+versionColumns+` FROM file_versions AS v WHERE v.status = 'pending' ORDER BY v.file_path`)
}

// VersionsAfter returns the versions of one file above a number, oldest first, without what waits.
func (s *Store) VersionsAfter(ctx context.Context, q database.Querier, path string, number int) ([]Version, error) {
	return versions(ctx, q, `SELECT `+versionColumns+` FROM file_versions AS v
WHERE v.file_path = ? AND v.version > ? AND v.status <> 'pending' ORDER BY v.version`, path, number)
}

// VersionsOf returns the versions that one batch wrote, by path.
func (s *Store) VersionsOf(ctx context.Context, q database.Querier, actionID string) ([]Version, error) {
	return versions(ctx, q, `SELECT `+versionColumns+` FROM file_versions AS v WHERE v.action_id = ? AND v.status <> 'pending' ORDER BY v.file_path`, actionID)
}

// Strays returns versions whose batch is not in the audit chain.
func (s *Store) Strays(ctx context.Context, q database.Querier) ([]Version, error) {
	return versions(ctx, q, `SELECT `+versionColumns+` FROM file_versions AS v WHERE v.status <> 'pending'
AND v.action_id NOT IN (SELECT action_id FROM marain_audit WHERE kind IN ('apply', 'rollback', 'restore')) ORDER BY v.file_path, v.version`)
}

// Needed returns the hashes of every content that a version, a draft or the outbox refers to, each with words for
// where.
func (s *Store) Needed(ctx context.Context, q database.Querier) (map[string]string, error) {
	needed := map[string]string{}
	err := each(ctx, q, func(rows *sql.Rows) error {
		var hash, subject string
		err := rows.Scan(&hash, &subject)
		needed[hash] = subject
		return err
	}, `SELECT file_hash, 'version ' || version || ' of ' || file_path FROM file_versions WHERE status <> 'pending' AND file_hash <> ''
UNION ALL SELECT file_hash, 'the draft of ' || file_path FROM marain_drafts
UNION ALL SELECT body_hash, 'what is still to be written to ' || file_path FROM marain_outbox WHERE body_hash <> ''`)
	if err != nil {
		return nil, fmt.Errorf("read which contents are needed: %w", err)
	}
	return needed, nil
}

// StateAt returns the version that each file had right after the batch with that sequence number, whether or not it
// was undone since. Files that were not there yet are left out.
func (s *Store) StateAt(ctx context.Context, q database.Querier, seq int64) ([]Version, error) {
	return versions(ctx, q, `SELECT `+versionColumns+` FROM file_versions AS v
JOIN (SELECT w.file_path, max(w.version) AS version FROM file_versions AS w JOIN marain_audit AS a ON a.action_id = w.action_id
      WHERE w.status <> 'pending' AND a.seq <= ? GROUP BY w.file_path) AS state
ON state.file_path = v.file_path AND state.version = v.version ORDER BY v.file_path`, seq)
}

// VersionAt returns one version of one file.
func (s *Store) VersionAt(ctx context.Context, q database.Querier, path string, number int) (Version, error) {
	v, err := scanVersion(q.QueryRow(ctx, `SELECT `+versionColumns+` FROM file_versions AS v WHERE v.file_path = ? AND v.version = ? AND v.status <> 'pending'`, path, number))
	if errors.Is(err, sql.ErrNoRows) {
		return Version{}, fmt.Errorf("version %d of %s: %w", number, path, ErrNotFound)
	}
	if err != nil {
		return Version{}, fmt.Errorf("read version: %w", err)
	}
	return v, nil
}

// WasRolledBack reports whether a content of a file was taken back and not applied since, so that it is never applied
// automatically again.
func (s *Store) WasRolledBack(ctx context.Context, q database.Querier, path, hash string) (bool, error) {
	var status string
	err := q.QueryRow(ctx, `SELECT status FROM file_versions WHERE file_path = ? AND file_hash = ? AND status <> 'pending' ORDER BY version DESC LIMIT 1`, path, hash).Scan(&status)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for a rolled back content: %w", err)
	}
	return status == RolledBack, nil
}

// WriteVersion records an applied version. What waited for the same file under that number becomes it.
func (s *Store) WriteVersion(ctx context.Context, q database.Querier, v Version) error {
	if _, err := q.Exec(ctx, `DELETE FROM file_versions WHERE file_path = ? AND status = 'pending'`, v.Path); err != nil {
		return fmt.Errorf("replace what waited: %w", err)
	}
	return insertVersion(ctx, q, v)
}

func insertVersion(ctx context.Context, q database.Querier, v Version) error {
	_, err := q.Exec(ctx, `INSERT INTO file_versions (id, file_path, version, file_hash, action_id, applied_at, applied_by, actions_executed, rollback_actions, status)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, NewID(), v.Path, v.Number, v.Hash, v.ActionID, v.AppliedAt, v.AppliedBy, v.Executed, v.Rollback, v.Status)
	if err != nil {
		return fmt.Errorf("record version %d of %s: %w", v.Number, v.Path, err)
	}
	return nil
}

// SetPending makes the waiting versions equal to the given ones, by path: new ones are written, changed ones replaced,
// and those that wait no more are removed.
func (s *Store) SetPending(ctx context.Context, q database.Querier, wanted map[string]Version) error {
	present, err := s.PendingVersions(ctx, q)
	if err != nil {
		return err
	}
	kept := map[string]bool{}
	for _, v := range present {
		if w, ok := wanted[v.Path]; ok && w.Hash == v.Hash && w.Number == v.Number {
			kept[v.Path] = true
			continue
		}
		if _, err := q.Exec(ctx, `DELETE FROM file_versions WHERE id = ?`, v.ID); err != nil {
			return fmt.Errorf("remove what waited: %w", err)
		}
	}
	for path, v := range wanted {
		if kept[path] {
			continue
		}
		v.Path, v.Status, v.AppliedAt = path, Pending, s.stamp()
		if err := insertVersion(ctx, q, v); err != nil {
			return err
		}
	}
	return nil
}

// MarkRolledBack marks versions as taken back.
func (s *Store) MarkRolledBack(ctx context.Context, q database.Querier, list []Version) error {
	for _, v := range list {
		if _, err := q.Exec(ctx, `UPDATE file_versions SET status = 'rolled_back' WHERE id = ?`, v.ID); err != nil {
			return fmt.Errorf("mark version %d of %s as rolled back: %w", v.Number, v.Path, err)
		}
	}
	return nil
}
