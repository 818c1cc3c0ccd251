// Package sqlite is the embedded database of Marain: one file, opened in one place only.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"marain/backend/action"
	"marain/backend/database"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// readers is how many connections may read at once.
const readers = 4

// settings are what every connection must run with, in the order in which they are set: the waiting time first, so
// that setting the others waits too. FULL, because NORMAL loses acknowledged versions when the power goes.
var settings = []struct{ name, set, want string }{
	{"busy_timeout", "5000", "5000"},
	{"journal_mode", "wal", "wal"},
	{"synchronous", "full", "2"},
	{"foreign_keys", "on", "1"},
}

// oldest is the oldest SQLite that has ALTER COLUMN SET and DROP NOT NULL, as a number.
const oldest = 3053000

// DB is one open SQLite database.
type DB struct {
	file    string
	opened  os.FileInfo
	read    *sql.DB
	write   *sql.DB
	version string
}

var _ database.Database = (*DB)(nil)

// Open opens a database file and makes it, with its folder, when it is not there. The file must not be on a network
// folder, where SQLite's locks do not hold.
func Open(ctx context.Context, file string) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, fmt.Errorf("make the database folder: %w", err)
	}
	if kind, err := networkFolder(filepath.Dir(file)); err != nil {
		return nil, err
	} else if kind != "" {
		return nil, fmt.Errorf("the database %s is on a network folder (%s), where its locks do not hold: move DATA_PATH to a local disk", file, kind)
	}
	if _, err := driver.OFDLocking(true); err != nil && !errors.Is(err, driver.ErrOFDLockingUnavailable) {
		return nil, fmt.Errorf("choose file locks: %w", err)
	}
	driver.StrictPragmas(true)
	db := &DB{file: file}
	db.write = sql.OpenDB(connector{dsn: dsn(file, "immediate", false)})
	db.write.SetMaxOpenConns(1)
	db.read = sql.OpenDB(connector{dsn: dsn(file, "deferred", true)})
	db.read.SetMaxOpenConns(readers)
	db.read.SetMaxIdleConns(readers)
	if err := db.begin(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// begin makes the first connection and looks at what was opened.
func (db *DB) begin(ctx context.Context) error {
	if err := db.write.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&db.version); err != nil {
		return fmt.Errorf("open database %s: %w", db.file, translate(err))
	}
	if err := recent(db.version); err != nil {
		return err
	}
	info, err := os.Stat(db.file)
	if err != nil {
		return fmt.Errorf("look at the database file: %w", err)
	}
	db.opened = info
	return nil
}

// recent refuses a version of SQLite that lacks what is needed, or that has the fault which a log that begins anew had
// until 3.51.2.
func recent(version string) error {
	var major, minor, patch int
	if _, err := fmt.Sscanf(version, "%d.%d.%d", &major, &minor, &patch); err != nil {
		return fmt.Errorf("read the version of SQLite: %w", err)
	}
	if major*1000000+minor*1000+patch < oldest {
		return fmt.Errorf("SQLite %s is too old: 3.53 or newer is needed", version)
	}
	return nil
}

// dsn names a file so that nothing in its name is taken for a setting.
func dsn(file, lock string, readOnly bool) string {
	query := url.Values{"_txlock": {lock}}
	for _, s := range settings {
		query.Add("_pragma", s.name+"("+s.set+")")
	}
	if readOnly {
		query.Add("_pragma", "query_only(on)")
	}
	return fileURI(file, query)
}

// Dialect returns SQLite's dialect.
func (db *DB) Dialect() action.Dialect { return Dialect{} }

// Location returns the file.
func (db *DB) Location() string { return db.file }

// Version returns the version of SQLite.
func (db *DB) Version() string { return db.version }

// Read runs fn in a transaction that sees one state. A writer does not wait for it, nor it for a writer.
func (db *DB) Read(ctx context.Context, fn func(database.Querier) error) error {
	if err := db.same(); err != nil {
		return err
	}
	tx, err := db.read.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin reading: %w", translate(err))
	}
	err = translate(fn(querier{tx}))
	if closing := tx.Rollback(); closing != nil && !errors.Is(closing, sql.ErrTxDone) {
		err = errors.Join(err, fmt.Errorf("end reading: %w", closing))
	}
	return err
}

// Write runs fn in an immediate transaction: the lock is taken at once, so that nothing fn read can change before it
// writes.
func (db *DB) Write(ctx context.Context, fn func(database.Querier) error) error {
	if err := db.same(); err != nil {
		return err
	}
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin writing: %w", translate(err))
	}
	if err := fn(querier{tx}); err != nil {
		// SQLite goes on after a failed statement, so the way back is ours to take.
		if back := tx.Rollback(); back != nil && !errors.Is(back, sql.ErrTxDone) {
			err = errors.Join(err, fmt.Errorf("roll back: %w", back))
		}
		return translate(err)
	}
	if err := tx.Commit(); err != nil {
		err = fmt.Errorf("commit: %w", translate(err))
		if back := tx.Rollback(); back != nil && !errors.Is(back, sql.ErrTxDone) {
			err = errors.Join(err, fmt.Errorf("roll back: %w", back))
		}
		return err
	}
	return db.same()
}

// same proves that the file under its name is still the one that is open.
func (db *DB) same() error {
	info, err := os.Stat(db.file)
	if err != nil || !os.SameFile(info, db.opened) {
		return fmt.Errorf("%s: %w", db.file, errors.Join(database.ErrReplaced, err))
	}
	return nil
}

// Listen returns at once: SQLite does not tell what other programs do.
func (db *DB) Listen(context.Context, func()) {}

// Check runs SQLite's own quick check and its check of references.
func (db *DB) Check(ctx context.Context) error {
	if err := db.same(); err != nil {
		return err
	}
	return db.Read(ctx, func(q database.Querier) error {
		if err := intact(ctx, q); err != nil {
			return err
		}
		var broken int
		if err := q.QueryRow(ctx, "SELECT count(*) FROM pragma_foreign_key_check").Scan(&broken); err != nil {
			return fmt.Errorf("check references: %w", err)
		}
		if broken > 0 {
			return fmt.Errorf("%d rows refer to rows that are not there", broken)
		}
		return nil
	})
}

// whole runs the quick check alone.
func (db *DB) whole(ctx context.Context) error {
	return db.Read(ctx, func(q database.Querier) error { return intact(ctx, q) })
}

func intact(ctx context.Context, q database.Querier) error {
	var verdict string
	if err := q.QueryRow(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return fmt.Errorf("check the database: %w", err)
	}
	if verdict != "ok" {
		return fmt.Errorf("the database is damaged: %s", verdict)
	}
	return nil
}

// Close closes every connection; the last one merges the write-ahead log into the file.
func (db *DB) Close() error { return errors.Join(db.read.Close(), db.write.Close()) }

// TableNames returns the names of all tables but SQLite's own.
func (db *DB) TableNames(ctx context.Context, q database.Querier) (names []string, err error) {
	rows, err := q.Query(ctx, `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, fmt.Errorf("list tables: %w", err)
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

// translate gives SQLite's errors the names that every database has for them.
func translate(err error) error {
	var coded *driver.Error
	if !errors.As(err, &coded) || errors.Is(err, database.ErrLocked) || errors.Is(err, database.ErrDamaged) || errors.Is(err, database.ErrFull) {
		return err
	}
	if coded.Code() == lib.SQLITE_IOERR_SHMSIZE { // the first thing that needs room when a database is opened
		return fmt.Errorf("%w: %w", database.ErrFull, err)
	}
	switch coded.Code() & 0xff {
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return fmt.Errorf("%w: %w", database.ErrLocked, err)
	case lib.SQLITE_IOERR, lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		return fmt.Errorf("%w: %w", database.ErrDamaged, err)
	case lib.SQLITE_FULL:
		return fmt.Errorf("%w: %w", database.ErrFull, err)
	}
	return err
}

// querier is a transaction as the rest of Marain sees it.
type querier struct{ tx *sql.Tx }

func (q querier) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return q.tx.ExecContext(ctx, query, args...)
}

func (q querier) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return q.tx.QueryContext(ctx, query, args...)
}

func (q querier) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return q.tx.QueryRowContext(ctx, query, args...)
}

// placeholders returns n comma-separated question marks.
func placeholders(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }
