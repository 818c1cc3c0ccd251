package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"marain/backend/database"

	"github.com/jackc/pgx/v5"
)

// errClosed says that the connection was closed in the middle of a transaction.
var errClosed = errors.New("the connection to the database was lost")

// mark is the savepoint of a reading transaction: a statement that failed or took too long is forgotten by going back
// to it, which loses nothing because nothing is written.
const mark = "marain_read"

// Read runs fn in a read-only transaction that sees one state. It waits for nobody who writes.
func (db *DB) Read(ctx context.Context, fn func(database.Querier) error) error {
	conn, err := db.begin(ctx, db.read, db.reading())
	if err != nil {
		return fmt.Errorf("begin reading: %w", db.translate(ctx, err))
	}
	q := &querier{db: db, conn: conn, reading: true}
	defer func() { db.end(ctx, q) }()
	return db.translate(ctx, fn(q))
}

// Write runs fn in the one writing transaction that may exist at a time in this schema, whatever program it is in.
func (db *DB) Write(ctx context.Context, fn func(database.Querier) error) error {
	for try := 1; ; try++ {
		err := db.translate(ctx, db.once(ctx, fn))
		if !errors.Is(err, database.ErrLocked) || try == db.limits.tries {
			return err
		}
		// Nothing is held here, so those who queued behind our request go on.
		pause := db.limits.pause/2 + rand.N(db.limits.pause/2+1)
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(pause):
		}
	}
}

// once runs a writing transaction one time.
func (db *DB) once(ctx context.Context, fn func(database.Querier) error) error {
	conn, err := db.begin(ctx, db.write, db.writing())
	if err != nil {
		return fmt.Errorf("begin writing: %w", err)
	}
	q := &querier{db: db, conn: conn}
	defer func() { db.end(ctx, q) }()
	if err := fn(q); q.failure != nil && !errors.Is(err, q.failure) {
		return errors.Join(q.failure, err)
	} else if err != nil {
		return err
	}
	return db.commit(ctx, q)
}

// unhidden makes a policy that hides rows from this user an error: a check that did not see them would prove what is not
// so, and a conversion would leave them out.
const unhidden = "; SET LOCAL row_security = off"

// reading are the statements that begin a reading transaction.
func (db *DB) reading() string {
	return "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL search_path TO " + db.schema + unhidden +
		fmt.Sprintf("; SET LOCAL statement_timeout = %d; SAVEPOINT "+mark, db.limits.read.Milliseconds())
}

// writing are the statements that begin a writing transaction. The lock comes last: what is read afterwards is what
// the former holder committed. Read committed, because a lock on a table must show what was written before it. A server
// that does not wait for its disk would lose what it acknowledged.
func (db *DB) writing() string {
	l := db.limits
	return "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL search_path TO " + db.schema + unhidden +
		fmt.Sprintf("; SET LOCAL lock_timeout = %d; SET LOCAL statement_timeout = %d; SET LOCAL idle_in_transaction_session_timeout = %d",
			l.lock.Milliseconds(), l.statement.Milliseconds(), l.idle.Milliseconds()) +
		"; SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') IN ('off', 'local')" +
		fmt.Sprintf("; SELECT pg_advisory_xact_lock(%d)", db.key)
}

// begin takes a connection of a pool and begins a transaction on it. A connection that broke while nobody used it is
// replaced once: nothing has happened on it yet.
func (db *DB) begin(ctx context.Context, pool *sql.DB, statements string) (*sql.Conn, error) {
	for try := 1; ; try++ {
		conn, err := pool.Conn(ctx)
		if err != nil {
			return nil, err
		}
		err = raw(conn, func(c *pgx.Conn) error {
			wait(c, db.limits.read)
			_, err := c.PgConn().Exec(ctx, statements).ReadAll()
			return err
		})
		if err == nil {
			return conn, nil
		}
		db.end(ctx, &querier{db: db, conn: conn})
		if !lost(err) || ctx.Err() != nil || try > 1 {
			return nil, err
		}
	}
}

// commit ends a writing transaction. Any answer but a clear one leaves the result unknown: the driver would call a
// commit that happened safe to repeat. The context of the request does not count here, since giving up in the middle
// would only make it unknown.
func (db *DB) commit(ctx context.Context, q *querier) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), db.limits.commit)
	defer cancel()
	texts := []string{"COMMIT"}
	if q.wrote {
		texts = []string{fmt.Sprintf("SELECT pg_notify('%s', '%s')", db.channel(), db.id), "COMMIT"}
	}
	var ending string
	err := raw(q.conn, func(c *pgx.Conn) (err error) {
		if c.IsClosed() {
			return errClosed
		}
		wait(c, db.limits.commit+db.limits.grace)
		q.sent = true
		ending, err = q.flush(ctx, c, texts...)
		return err
	})
	switch {
	case err == nil && strings.HasPrefix(ending, "COMMIT"):
		q.done = true
		return nil
	case err == nil:
		q.done = true
		return fmt.Errorf("commit: a statement had failed, so the server took everything back (%s)", ending)
	case !q.sent:
		return fmt.Errorf("commit: %w", err)
	case codeOf(err) != "" && !fatal(err):
		return fmt.Errorf("commit: %w", err) // the server refused it
	}
	return fmt.Errorf("commit: %w: %w", database.ErrUnknown, err)
}

// end takes back what was not committed and gives the connection back, or away when it is of no more use.
func (db *DB) end(ctx context.Context, q *querier) {
	if !q.done {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), db.limits.grace)
		defer cancel()
		// What went wrong is known by now. A connection that cannot roll back is closed, which makes the server do it.
		_ = raw(q.conn, func(c *pgx.Conn) error {
			if c.IsClosed() {
				return driver.ErrBadConn
			}
			wait(c, db.limits.grace)
			if _, err := c.PgConn().Exec(ctx, "ROLLBACK").ReadAll(); err != nil {
				return driver.ErrBadConn
			}
			return nil
		})
	}
	_ = q.conn.Close() // gives it back to the pool; it is closed already when it was of no more use
}
