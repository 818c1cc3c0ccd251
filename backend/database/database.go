// Package database opens, locks and reads databases for Marain. Each kind of database is a package below this one
// that implements [Database]; nothing else in the process may open the same database.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"marain/backend/action"
)

// Errors that every database returns, wrapped.
var (
	// ErrLocked says that another connection has the database and did not let go in time.
	ErrLocked = errors.New("the database is locked by somebody else")
	// ErrReplaced says that the database file is not the one that was opened.
	ErrReplaced = errors.New("the database file was removed or replaced while it was open")
	// ErrUnknown says that the connection was lost around the commit, so that it may or may not have happened.
	ErrUnknown = errors.New("the result of the commit is unknown")
	// ErrUnreachable says that there is no connection to the database, or none any more. Nothing was changed.
	ErrUnreachable = errors.New("the database cannot be reached")
	// ErrDamaged says that the storage of the database fails, so that what it says may not be what is on the disk.
	ErrDamaged = errors.New("the storage of the database fails")
	// ErrFull says that there is no room left where the database is. Nothing was changed.
	ErrFull = errors.New("the disk of the database is full")
)

// Querier runs statements in one transaction. Parameters are written as ? on every database.
type Querier interface {
	Exec(ctx context.Context, query string, args ...any) (sql.Result, error)
	Query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRow(ctx context.Context, query string, args ...any) *sql.Row
}

// Database is one open database. It is safe for concurrent use.
type Database interface {
	// Dialect writes the SQL of this kind of database.
	Dialect() action.Dialect
	// Location says which database it is, without a password.
	Location() string
	// Read runs fn in a read-only transaction that sees one state of all rows. On a server the tables themselves are those
	// of each moment: another program may change them meanwhile.
	Read(ctx context.Context, fn func(Querier) error) error
	// Write runs fn in the one writing transaction that may exist at a time and commits when fn returns nil. Whatever
	// fn returned is in the error's chain. [ErrLocked] when the lock was not to be had in time, [ErrUnknown] when the
	// commit may have happened. When a lock inside the transaction was not to be had, everything is taken back and fn
	// runs again from its start: what it leaves outside of the transaction must be the same after any number of runs.
	Write(ctx context.Context, fn func(Querier) error) error
	// Inspect returns those of the named tables that exist.
	Inspect(ctx context.Context, q Querier, names []string) (map[string]action.LiveTable, error)
	// Stamp is a text that changes whenever any table, column or index does, by whatever program; empty when the database
	// has none to offer, so that everything must be looked at.
	Stamp(ctx context.Context, q Querier) (string, error)
	// Survey reads those of the named tables that exist in another way than Inspect, and all of them. A table that it cannot
	// read may be left out.
	Survey(ctx context.Context, q Querier, tables []string) (map[string]Survey, error)
	// Bystanders returns the views, triggers, foreign keys and rules that mention one of the tables, and whatever of that
	// kind is broken so that nothing can be renamed. Those that Marain made itself are among them.
	Bystanders(ctx context.Context, q Querier, tables []string) ([]action.Bystander, error)
	// Names returns what has names that tables and indexes are to have, by the name that was asked for; what is free is left
	// out. Names that the database takes for the same are the same.
	Names(ctx context.Context, q Querier, names []string) (map[string]action.Holder, error)
	// TableNames returns the names of all tables, in order.
	TableNames(ctx context.Context, q Querier) ([]string, error)
	// Listen calls hint whenever another program may have committed something, until the context ends; hint must not
	// wait. A database that cannot tell returns at once, and none tells for sure: look from time to time too.
	Listen(ctx context.Context, hint func())
	// Check proves that the database is whole and is still the one that was opened.
	Check(ctx context.Context) error
	Ranger
	Copier
	Keeper
	// Version is what the database calls itself.
	Version() string
	// Close lets go of the database. It waits for what runs.
	Close() error
}

// Marker is a [Database] that has no stamp and can tell a little later that a table, column or index changed.
type Marker interface {
	// Mark is a text that changes some seconds after a change of the tables, and sometimes without one. It costs next to
	// nothing, and proves nothing.
	Mark(ctx context.Context, q Querier) (string, error)
}

// Locker is a [Database] on which others can write to tables while the engine's one writing transaction goes on.
type Locker interface {
	// Lock keeps everybody else from writing to those of the tables that exist until the transaction ends, so that what
	// is proved of their rows stays true. Alone keeps them from reading too, which changing the tables takes anyway: then
	// nothing has to be waited for with a lock in hand. [ErrLocked] when somebody uses one of them for too long.
	Lock(ctx context.Context, q Querier, tables []string, alone bool) error
}

// Bookkeeping returns the statements that make Marain's own tables, each idempotent. The same SQL serves every
// database.
func Bookkeeping() []string { return bookkeeping }

// IsBookkeeping reports whether a table is one of Marain's own.
func IsBookkeeping(table string) bool {
	return table == "file_versions" || strings.HasPrefix(table, "marain_")
}

// Reader reads rows for checks through a Querier. It is an [action.Rows].
type Reader struct{ Querier Querier }

var _ action.Rows = Reader{}

// Read runs a query and returns at most limit rows by column name.
func (r Reader) Read(ctx context.Context, query string, limit int) (result []map[string]any, err error) {
	rows, err := r.Querier.Query(ctx, query)
	if err != nil {
		return nil, tooLong(timeout(ctx, err))
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns, err := rows.Columns()
	if err != nil {
		return nil, fmt.Errorf("read columns: %w", err)
	}
	for len(result) < limit && rows.Next() {
		row, err := scan(rows, columns)
		if err != nil {
			return nil, err
		}
		result = append(result, row)
	}
	return result, timeout(ctx, rows.Err())
}

// tooLong recognises the refusals of a question in which too much is nested. SQLite has no code of its own for them.
func tooLong(err error) error {
	for _, words := range []string{"nested too deep", "Expression tree is too large", "parser stack overflow", "SQLSTATE 54001"} {
		if strings.Contains(err.Error(), words) {
			return fmt.Errorf("%w: %w", action.ErrTooLong, err)
		}
	}
	return err
}

func scan(rows *sql.Rows, columns []string) (map[string]any, error) {
	values := make([]any, len(columns))
	targets := make([]any, len(columns))
	for i := range values {
		targets[i] = &values[i]
	}
	if err := rows.Scan(targets...); err != nil {
		return nil, fmt.Errorf("read row: %w", err)
	}
	row := make(map[string]any, len(columns))
	for i, name := range columns {
		row[name] = plain(values[i])
	}
	return row, nil
}

// plain turns what a driver returns into what can be written as JSON: numbers, texts, booleans and nil. Times are RFC
// 3339 in UTC.
func plain(value any) any {
	switch v := value.(type) {
	case []byte:
		return string(v)
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return strconv.FormatFloat(v, 'g', -1, 64)
		}
	}
	return value
}

// timeout gives an interrupted query the error of its context: drivers have their own words for it.
func timeout(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return errors.Join(ctx.Err(), err)
	}
	return err
}
