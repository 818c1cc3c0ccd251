package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"marain/backend/project"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
)

// configure turns the settings of a project into those of the driver. No error repeats them: they may hold a password.
func configure(connection project.Connection, l limits) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(address(connection))
	if err != nil {
		return nil, fmt.Errorf("the connection to %s is described in a way that PostgreSQL does not know", connection.Location())
	}
	config.ConnectTimeout = l.connect
	// Nothing is kept on a connection that a change of tables could make wrong, and a pooler gets along with it.
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	config.DialFunc = dialer(l)
	config.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: l.grace}
	}
	for name, value := range map[string]string{
		"application_name": "marain", "standard_conforming_strings": "on", "client_encoding": "UTF8", "DateStyle": "ISO, MDY", "TimeZone": "UTC",
	} {
		config.RuntimeParams[name] = value
	}
	return config, nil
}

// address writes a connection as the driver reads it.
func address(c project.Connection) string {
	if c.URL != "" {
		return c.URL
	}
	query := url.Values{"host": {c.Host}, "port": {strconv.Itoa(c.Port)}}
	if c.SSLMode != "" {
		query.Set("sslmode", c.SSLMode)
	}
	u := url.URL{Scheme: "postgres", Path: "/" + c.Database, RawQuery: query.Encode()}
	switch {
	case c.Password != "":
		u.User = url.UserPassword(c.Username, c.Password)
	case c.Username != "":
		u.User = url.User(c.Username)
	}
	return u.String()
}

// dialer makes connections that notice when the other side is gone without a word.
func dialer(l limits) pgconn.DialFunc {
	d := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3}}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := d.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		patient := &patientConn{Conn: conn}
		patient.patience.Store(int64(l.connect))
		return patient, nil
	}
}

// patientConn is a connection on which no answer is waited for forever, whatever the caller's context says. How long
// it waits is set before each request.
type patientConn struct {
	net.Conn
	patience atomic.Int64 // nanoseconds; 0: as long as it takes

	mu    sync.Mutex
	fixed bool // the driver has set a time limit of its own
}

// Read waits for the other side until the patience ends.
func (c *patientConn) Read(p []byte) (int, error) {
	c.mu.Lock()
	var err error
	if !c.fixed {
		var end time.Time
		if limit := c.patience.Load(); limit > 0 {
			end = time.Now().Add(time.Duration(limit))
		}
		err = c.Conn.SetReadDeadline(end)
	}
	c.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

// SetDeadline sets the driver's own time limit, or takes it away.
func (c *patientConn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fixed = !t.IsZero()
	return c.Conn.SetDeadline(t)
}

// SetReadDeadline sets the driver's own time limit for reading, or takes it away.
func (c *patientConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fixed = !t.IsZero()
	return c.Conn.SetReadDeadline(t)
}

// wait sets how long the next answers on a connection may take.
func wait(conn *pgx.Conn, d time.Duration) {
	for c := conn.PgConn().Conn(); c != nil; {
		switch inner := c.(type) {
		case *patientConn:
			inner.patience.Store(int64(d))
			return
		case interface{ NetConn() net.Conn }: // encrypted
			c = inner.NetConn()
		default:
			return
		}
	}
}

// on runs fn on a connection of a pool.
func (db *DB) on(ctx context.Context, pool *sql.DB, fn func(*pgx.Conn) error) (err error) {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	return raw(conn, fn)
}

// raw runs fn on the driver's connection behind one of a pool.
func raw(c *sql.Conn, fn func(*pgx.Conn) error) error {
	return c.Raw(func(inner any) error {
		own, ok := inner.(conn)
		if !ok {
			return fmt.Errorf("the connection is a %T", inner)
		}
		return discreet(fn(own.Conn.Conn()))
	})
}
