package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// connector makes the connections of a pool. Whatever goes wrong on them says nothing of the rows: see [discreet].
type connector struct{ driver.Connector }

// Connect makes one connection.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, discreet(err)
	}
	own, ok := inner.(*stdlib.Conn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the connection is a %T", inner), inner.Close())
	}
	return conn{own}, nil
}

type conn struct{ *stdlib.Conn }

// QueryContext runs a query.
func (c conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	found, err := c.Conn.QueryContext(ctx, query, args)
	if err != nil {
		return nil, discreet(err)
	}
	return rows{found}, nil
}

type rows struct{ driver.Rows }

// Next reads one row.
func (r rows) Next(row []driver.Value) error { return discreet(r.Rows.Next(row)) }

// Close ends the query.
func (r rows) Close() error { return discreet(r.Rows.Close()) }

// discreet removes from an error of the server what holds values of rows, before anything else sees it: the detail, the
// hint, where it happened, and in a message about a value the value itself.
func discreet(err error) error {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return err
	}
	e.Detail, e.Hint, e.Where, e.InternalQuery = "", "", "", ""
	if strings.HasPrefix(e.Code, classData) {
		e.Message = inQuotes.ReplaceAllString(e.Message, "…")
	}
	return err
}

// inQuotes is everything between the first and the last quote of a message.
var inQuotes = regexp.MustCompile(`(?s)".*"`)
