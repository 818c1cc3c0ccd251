// Package postgres is Marain on a PostgreSQL server, version 15 or newer. It uses the schema that the connection's
// search path names first, and no other.
package postgres

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/project"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

const (
	oldest  = 150000 // the oldest server, as it numbers itself
	readers = 4      // connections that may read at once, when the settings do not say
)

// limits are how long things may take.
type limits struct {
	connect   time.Duration // making a connection
	lock      time.Duration // waiting for one lock; then everything is let go
	tries     int           // how often a batch is begun anew because of a lock
	pause     time.Duration // between two tries, at most; at least half of it
	read      time.Duration // one statement that reads, or that keeps the books
	statement time.Duration // one statement that changes tables or their rows
	commit    time.Duration // the commit
	idle      time.Duration // between two statements of a writing transaction, before the server ends it
	grace     time.Duration // for the answer to a cancelled statement
}

func usual() limits {
	return limits{
		connect: 10 * time.Second, lock: time.Second, tries: 5, pause: 300 * time.Millisecond, read: time.Minute,
		statement: time.Hour, commit: time.Minute, idle: time.Hour, grace: 2 * time.Second,
	}
}

// DB is one schema of one database on a server.
type DB struct {
	location string
	config   *pgx.ConnConfig
	limits   limits
	read     *sql.DB // several connections
	write    *sql.DB // one, so that reading while writing never waits for it
	id       string  // of this process, to know its own notifications

	schema  string // quoted
	version string
	oid     uint32 // of the database
	key     int64  // of the lock that lets one writer in
	// deadlock is how long the server lets somebody wait for a lock before it looks why.
	deadlock time.Duration
	pooler   bool // something between here and the server hands out its connections
}

var (
	_ database.Database = (*DB)(nil)
	_ database.Marker   = (*DB)(nil)
	_ database.Locker   = (*DB)(nil)
)

// Open connects to a server and looks at what it finds. The database must exist; its tables are made by others.
func Open(ctx context.Context, connection project.Connection) (*DB, error) {
	db, err := open(ctx, connection, usual())
	if err != nil {
		return nil, err
	}
	db.limits.lock = patience(db.limits.lock, db.deadlock)
	return db, nil
}

// patience is how long one lock is waited for on a server that looks for deadlocks after some time. Only then does it end
// an automatic vacuum that holds the lock, as one does after every large conversion: whoever gives up before waits in vain
// until the vacuum is done. A server that takes very long to look is not waited for.
func patience(lock, deadlock time.Duration) time.Duration {
	const margin, most = 250 * time.Millisecond, 2 * time.Second
	if longer := deadlock + margin; longer > lock && longer <= most {
		return longer
	}
	return lock
}

func open(ctx context.Context, connection project.Connection, l limits) (*DB, error) {
	config, err := configure(connection, l)
	if err != nil {
		return nil, err
	}
	db := &DB{location: connection.Location(), config: config, limits: l, id: rand.Text()}
	size := connection.Pool - 1
	if connection.Pool <= 0 {
		size = readers
	}
	db.write = db.pool(1)
	db.read = db.pool(max(size, 1))
	if err := db.look(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open the database %s: %w", db.location, db.translate(ctx, err)), db.Close())
	}
	return db, nil
}

func (db *DB) pool(size int) *sql.DB {
	pool := sql.OpenDB(connector{stdlib.GetConnector(*db.config, stdlib.OptionAfterConnect(db.same))})
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	return pool
}

// look makes the first connection and learns what it leads to.
func (db *DB) look(ctx context.Context) error {
	return db.on(ctx, db.read, func(conn *pgx.Conn) error {
		var number, pid uint32
		var schema *string
		var encoding string
		var deadlock int64
		err := conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::int4, current_setting('server_version'), current_schema()::text,
(SELECT oid FROM pg_database WHERE datname = current_database()), pg_backend_pid(), current_setting('server_encoding'),
(SELECT setting::int8 FROM pg_settings WHERE name = 'deadlock_timeout')`).
			Scan(&number, &db.version, &schema, &db.oid, &pid, &encoding, &deadlock)
		db.deadlock = time.Duration(deadlock) * time.Millisecond
		switch {
		case err != nil:
			return err
		case number < oldest:
			return fmt.Errorf("PostgreSQL %s is too old: 15 or newer is needed", db.version)
		case encoding != "UTF8":
			return fmt.Errorf("the database has the encoding %s: UTF8 is needed", encoding)
		case schema == nil:
			return errors.New("the search path names no schema that is there: create one, or set search_path for this user")
		}
		db.schema = Dialect{}.Quote(*schema)
		db.pooler = conn.PgConn().PID() != pid
		if err := db.settle(ctx, conn); err != nil {
			return err
		}
		sum := sha256.Sum256([]byte("marain\x00" + *schema))
		db.key = int64(binary.BigEndian.Uint64(sum[:8]))
		return nil
	})
}

// same proves that a new connection leads to the database that was opened: one of the same name may have taken its
// place.
func (db *DB) same(ctx context.Context, conn *pgx.Conn) error {
	if db.oid == 0 {
		return nil // this is the first one
	}
	var oid uint32
	if err := conn.QueryRow(ctx, `SELECT oid FROM pg_database WHERE datname = current_database()`).Scan(&oid); err != nil {
		return errors.Join(err, conn.Close(ctx))
	}
	if oid != db.oid {
		return errors.Join(database.ErrReplaced, conn.Close(ctx))
	}
	return db.settle(ctx, conn)
}

// settle makes the server plan what it keeps prepared once, and not anew for each value: these statements find rows by
// their key, and planning them takes longer than running them. Behind a pooler nothing is kept.
func (db *DB) settle(ctx context.Context, conn *pgx.Conn) error {
	if db.pooler {
		return nil
	}
	_, err := conn.Exec(ctx, "SET plan_cache_mode = force_generic_plan")
	return err
}

// Dialect returns PostgreSQL's dialect.
func (db *DB) Dialect() action.Dialect { return Dialect{} }

// Location returns host:port/name.
func (db *DB) Location() string { return db.location }

// Version returns the version of the server.
func (db *DB) Version() string { return db.version }

// Pooler reports whether a connection pooler stands between this program and the server, so that nothing may be kept
// on a connection from one transaction to the next.
func (db *DB) Pooler() bool { return db.pooler }

// channel is where batches are announced: one for each schema that Marain uses in a database.
func (db *DB) channel() string {
	sum := sha256.Sum256([]byte(db.schema))
	return "marain_" + hex.EncodeToString(sum[:8])
}

// Check proves that the server answers, that the database is the one that was opened, and that every index can be
// relied on.
func (db *DB) Check(ctx context.Context) error {
	return db.Read(ctx, func(q database.Querier) error {
		var oid uint32
		var broken int
		err := q.QueryRow(ctx, `SELECT (SELECT oid FROM pg_database WHERE datname = current_database()),
(SELECT count(*) FROM pg_index AS x JOIN pg_class AS c ON c.oid = x.indrelid
 WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND NOT x.indisvalid)`).Scan(&oid, &broken)
		switch {
		case err != nil:
			return fmt.Errorf("check the database: %w", err)
		case oid != db.oid:
			return fmt.Errorf("%s: %w", db.location, database.ErrReplaced)
		case broken > 0:
			return fmt.Errorf("%d indexes were not finished and are not used: REINDEX or drop them", broken)
		}
		return nil
	})
}

// Close closes every connection.
func (db *DB) Close() error { return errors.Join(db.read.Close(), db.write.Close()) }
