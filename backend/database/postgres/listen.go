package postgres

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
)

// reconnect is how long to wait before listening anew, at most; at least half of it.
const reconnect = 2 * time.Second

// Listen calls hint when another program has committed a batch in this schema, and whenever it has begun to listen
// anew: what was announced meanwhile nobody heard. Behind a connection pooler it returns at once.
func (db *DB) Listen(ctx context.Context, hint func()) {
	if db.pooler {
		return
	}
	for ctx.Err() == nil {
		// Why listening ended does not matter: who listens looks by itself too, and learns there when the server is away.
		_ = db.hear(ctx, hint)
		select {
		case <-ctx.Done():
		case <-time.After(reconnect/2 + rand.N(reconnect/2)):
		}
	}
}

// hear listens on a connection of its own until that ends.
func (db *DB) hear(ctx context.Context, hint func()) error {
	config := db.config.Copy()
	config.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.DeadlineContextWatcherHandler{Conn: c.Conn()}
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), db.limits.grace)
		defer cancel()
		_ = conn.Close(ctx) // nothing was written on it
	}()
	wait(conn, db.limits.read)
	if err := db.same(ctx, conn); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "LISTEN "+db.channel()); err != nil {
		return err
	}
	wait(conn, 0) // a silent server has nothing to tell; one that is gone is noticed by the connection itself
	for {
		hint()
		for {
			n, err := conn.WaitForNotification(ctx)
			if err != nil {
				return err
			}
			if n.Payload != db.id {
				break
			}
		}
	}
}
