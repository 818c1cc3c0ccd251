package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	engine "modernc.org/sqlite"
)

// connector opens connections and refuses one whose settings did not take: by default references are not kept and
// nobody waits for a lock, and a setting that cannot be made is ignored silently.
type connector struct{ dsn string }

// Connect opens one connection and checks its settings.
func (c connector) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.Driver().Open(c.dsn)
	if err != nil {
		return nil, err
	}
	for _, s := range settings {
		value, err := pragma(conn, s.name)
		if err == nil && value != s.want {
			err = fmt.Errorf("setting %s is %s, not %s", s.name, value, s.want)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("check the connection: %w", err), conn.Close())
		}
	}
	return conn, nil
}

// Driver returns SQLite's driver.
func (connector) Driver() driver.Driver { return &engine.Driver{} }

func pragma(conn driver.Conn, name string) (value string, err error) {
	query, ok := conn.(driver.QueryerContext)
	if !ok {
		return "", fmt.Errorf("the connection cannot be queried")
	}
	rows, err := query.QueryContext(context.Background(), "PRAGMA "+name, nil)
	if err != nil {
		return "", fmt.Errorf("read setting %s: %w", name, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	row := make([]driver.Value, len(rows.Columns()))
	if err := rows.Next(row); err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read setting %s: %w", name, err)
	}
	return fmt.Sprint(row[0]), nil
}
