package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"regexp"
	"time"

	"marain/backend/database"

	"github.com/jackc/pgx/v5"
)

// querier is a transaction as the rest of Marain sees it. Like any transaction it must not be used by two at once.
type querier struct {
	db      *DB
	conn    *sql.Conn
	reading bool
	wrote   bool    // something may have been changed
	queue   []*held // what is not sent yet
	failure error   // of a held statement, which somebody else ran into
	sent    bool    // the commit is on its way
	done    bool    // committed, or taken back by the server
}

var _ database.Querier = (*querier)(nil)

// Exec runs one statement, or keeps it until something comes that has to be sent at once.
func (q *querier) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	q.wrote = true
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if h, ok := q.hold(ctx, query, args); ok {
		return h, nil
	}
	var result driver.RowsAffected
	err := raw(q.conn, func(c *pgx.Conn) error {
		if err := q.ready(ctx, c, args); err != nil {
			return err
		}
		if len(args) == 0 {
			// The driver would send this in a way that lets several statements pass as one.
			tag, err := c.PgConn().ExecParams(ctx, query, nil, nil, nil, nil).Close()
			result = driver.RowsAffected(tag.RowsAffected())
			return err
		}
		tag, err := c.Exec(ctx, numbered(query), q.how(query, args)...)
		result = driver.RowsAffected(tag.RowsAffected())
		return err
	})
	return result, err
}

// Query runs a query. Its rows must be closed before the next statement.
func (q *querier) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := q.prepare(ctx, args); err != nil {
		return nil, err
	}
	return q.conn.QueryContext(ctx, text(query, args), q.how(query, args)...)
}

// QueryRow runs a query for one row.
func (q *querier) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	if err := q.prepare(ctx, args); ctx.Err() != nil && err != nil {
		// A row carries only the error of a query. The pool knows that this one came too late without asking anybody. After
		// any other failure the query fails too.
		return q.db.read.QueryRowContext(ctx, query)
	}
	return q.conn.QueryRowContext(ctx, text(query, args), q.how(query, args)...)
}

// text is a query as the server wants it. One without parameters is left as it is: its question marks are operators.
func text(query string, args []any) string {
	if len(args) == 0 {
		return query
	}
	return numbered(query)
}

// fixed recognises the statements whose tables never change: those of the bookkeeping and of the catalog. No content
// type can have such a table.
var fixed = regexp.MustCompile(`(?:^|[^a-zA-Z0-9_"])(?:marain_[a-z]+|file_versions|pg_class)\b`)

// how adds to the arguments of a statement that the server may keep it prepared. Anything else is prepared anew each
// time: a plan that is kept does not survive a change of its table.
func (q *querier) how(query string, args []any) []any {
	if q.db.pooler || !fixed.MatchString(query) {
		return args
	}
	return append([]any{pgx.QueryExecModeCacheStatement}, args...)
}

func (q *querier) prepare(ctx context.Context, args []any) error {
	return raw(q.conn, func(c *pgx.Conn) error { return q.ready(ctx, c, args) })
}

// ready makes the connection fit for the next statement: what was held is sent before it. In a reading transaction a statement that failed is forgotten.
// One that comes too late is not sent: the driver would give up the connection for it.
func (q *querier) ready(ctx context.Context, c *pgx.Conn, args []any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.IsClosed() {
		return errClosed
	}
	if q.reading && c.PgConn().TxStatus() == 'E' {
		wait(c, q.db.limits.grace)
		if _, err := c.PgConn().Exec(ctx, "ROLLBACK TO SAVEPOINT "+mark).ReadAll(); err != nil {
			return err
		}
	}
	wait(c, q.patience(args))
	_, err := q.flush(ctx, c)
	return err
}

// patience is how long the next answer may take. Changes of tables come without parameters and may take long; books
// are kept with them and never do.
func (q *querier) patience(args []any) time.Duration {
	if q.reading || len(args) > 0 {
		return q.db.limits.read + q.db.limits.grace
	}
	return q.db.limits.statement + q.db.limits.grace
}
