package project

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// sslModes are what PostgreSQL knows.
var sslModes = []string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}

// connectionKeys are the keys of a connection that are read.
var connectionKeys = []string{"database", "driver", "file", "host", "password", "pool", "port", "sslmode", "username"}

// connectionReader reads one connection of the configuration.
type connectionReader struct {
	project *Project
	getenv  func(string) string
	key     string // of the connection
	values  map[string]any
}

// problem is one thing that is wrong with a key of the connection.
func (r *connectionReader) problem(key, message, hint string) error {
	return &SettingError{Key: r.key + "." + key, Message: message, Hint: hint}
}

// read returns the connection.
func (r *connectionReader) read() (Connection, error) {
	for _, key := range sortedKeys(r.values) {
		// Other programs may keep keys of their own here; what looks like a slip of the pen is none of those.
		if near := nearest(key, connectionKeys); near != "" && near != key {
			return Connection{}, r.problem(key, "this setting does not exist", "did you mean "+near+"?")
		}
	}
	driver, _ := r.values["driver"].(string)
	switch driver {
	case "sqlite", "sqlite3":
		return r.sqlite()
	case "postgres", "postgresql":
		return r.postgres()
	case "":
		return Connection{}, r.problem("driver", "it is missing", "use sqlite or postgres")
	}
	return Connection{}, r.problem("driver", fmt.Sprintf("%q is not supported", driver), "use sqlite or postgres")
}

// sqlite reads a connection to a file.
func (r *connectionReader) sqlite() (Connection, error) {
	path, err := r.text("file", defaultSQLite)
	if err != nil {
		return Connection{}, err
	}
	file, err := r.project.sqliteFile(path)
	if err != nil {
		return Connection{}, r.problem("file", err.Error(), "use a path relative to the data folder")
	}
	pool, err := r.number("pool", 0, 1, 1000)
	if err != nil {
		return Connection{}, err
	}
	return Connection{Driver: SQLite, File: file, Pool: pool}, nil
}

// postgres reads a connection to a server.
func (r *connectionReader) postgres() (c Connection, err error) {
	c.Driver = Postgres
	for _, field := range []struct {
		key, otherwise string
		into           *string
	}{
		{"host", defaultHost, &c.Host}, {"database", "", &c.Database}, {"username", "", &c.Username}, {"sslmode", "", &c.SSLMode},
	} {
		if *field.into, err = r.text(field.key, field.otherwise); err != nil {
			return Connection{}, err
		}
	}
	if c.Database == "" {
		return Connection{}, r.problem("database", "it is missing", "give the name of the database")
	}
	if c.SSLMode != "" && !slices.Contains(sslModes, c.SSLMode) {
		return Connection{}, r.problem("sslmode", fmt.Sprintf("%q does not exist", c.SSLMode), "use "+strings.Join(sslModes, ", "))
	}
	if c.Port, err = r.number("port", defaultPort, 1, 65535); err != nil {
		return Connection{}, err
	}
	if c.Pool, err = r.number("pool", 0, 1, 1000); err != nil {
		return Connection{}, err
	}
	if c.Password, err = r.project.password(r.values["password"], r.getenv); err != nil {
		return Connection{}, r.problem("password", err.Error(), "give text, or source: env with name, or source: file with path")
	}
	return c, nil
}

// text reads a key that holds text.
func (r *connectionReader) text(key, otherwise string) (string, error) {
	switch v := r.values[key].(type) {
	case nil:
		return otherwise, nil
	case string:
		if v == "" {
			return otherwise, nil
		}
		return v, nil
	}
	return "", r.problem(key, "it is not text", "put quotes around it")
}

// number reads a key that holds a whole number, also as text.
func (r *connectionReader) number(key string, otherwise, least, most int) (int, error) {
	value := r.values[key]
	if value == nil {
		return otherwise, nil
	}
	count, ok := whole(value)
	if text, isText := value.(string); isText {
		parsed, err := strconv.ParseInt(text, 10, 32)
		count, ok = parsed, err == nil
	}
	if !ok || count < int64(least) || count > int64(most) {
		return 0, r.problem(key, fmt.Sprintf("%v is not possible", value), fmt.Sprintf("use a whole number from %d to %d", least, most))
	}
	return int(count), nil
}
