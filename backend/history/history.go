// Package history keeps what happened: versions of files and their contents, the audit chain, incarnations,
// tombstones, held files, drafts and the outbox of files still to be written. It runs inside the transaction of its
// caller, so that what it records commits with the change itself.
package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"marain/backend/database"

	"github.com/oklog/ulid/v2"
)

// Errors of this package, wrapped.
var (
	// ErrNotFound says that there is no such batch, version, content or draft.
	ErrNotFound = errors.New("not found")
	// ErrNewer says that a newer program wrote this database.
	ErrNewer = errors.New("the database was written by a newer version of Marain")
)

// Store reads and writes history. It is safe for concurrent use.
type Store struct {
	vault *Vault
	Now   func() time.Time // for display only: the order comes from the audit chain
	// Folder names the project's folder among those whose programs share the database: files are written back in the one
	// in which that was decided, and in no other. It is set before the store is used.
	Folder string
}

// New returns a store that seals contents with the vault.
func New(vault *Vault) *Store { return &Store{vault: vault, Now: time.Now} }

// NewID returns a new id for a batch, a version or a draft.
func NewID() string { return ulid.Make().String() }

// Prepare makes the bookkeeping tables where they are missing. [ErrNewer] when a newer program wrote them.
func (s *Store) Prepare(ctx context.Context, q database.Querier) error {
	for _, statement := range database.Bookkeeping() {
		if _, err := q.Exec(ctx, statement); err != nil {
			return fmt.Errorf("prepare bookkeeping: %w", err)
		}
	}
	if _, err := q.Exec(ctx, "INSERT INTO marain_meta (name, value) VALUES ('database_id', ?) ON CONFLICT (name) DO NOTHING", NewID()); err != nil {
		return fmt.Errorf("name the database: %w", err)
	}
	_, err := q.Exec(ctx, "INSERT INTO marain_meta (name, value) VALUES ('schema_version', ?) ON CONFLICT (name) DO NOTHING", strconv.Itoa(database.SchemaVersion))
	if err != nil {
		return fmt.Errorf("record the bookkeeping version: %w", err)
	}
	return s.Known(ctx, q)
}

// Known proves that this program knows the bookkeeping tables. [ErrNewer] when a newer program wrote them.
func (s *Store) Known(ctx context.Context, q database.Querier) error {
	version, err := s.SchemaVersion(ctx, q)
	if err != nil {
		return err
	}
	if version > database.SchemaVersion {
		return fmt.Errorf("bookkeeping version %d, this program knows %d: %w", version, database.SchemaVersion, ErrNewer)
	}
	return nil
}

// DatabaseID returns the name that the database got when its bookkeeping was made.
func (s *Store) DatabaseID(ctx context.Context, q database.Querier) (string, error) {
	var id string
	if err := q.QueryRow(ctx, "SELECT value FROM marain_meta WHERE name = 'database_id'").Scan(&id); err != nil {
		return "", fmt.Errorf("read the database's name: %w", err)
	}
	return id, nil
}

// SchemaVersion returns the version of the bookkeeping tables, [ErrNotFound] before the first.
func (s *Store) SchemaVersion(ctx context.Context, q database.Querier) (int, error) {
	var text string
	err := q.QueryRow(ctx, "SELECT value FROM marain_meta WHERE name = 'schema_version'").Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, ErrNotFound
	}
	if err != nil {
		return 0, fmt.Errorf("read the bookkeeping version: %w", err)
	}
	version, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("read the bookkeeping version: %w", err)
	}
	return version, nil
}

func (s *Store) stamp() string { return Timestamp(s.Now()) }

// Timestamp is how times are written: RFC 3339 in UTC with milliseconds.
func Timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// each runs a query and hands every row to scan.
func each(ctx context.Context, q database.Querier, scan func(*sql.Rows) error, query string, args ...any) (err error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
