package project

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// EnvDatabase is the environment variable that overrides the connection of the configuration: postgres://... or
// sqlite:PATH, with the path absolute or relative to the data folder.
const EnvDatabase = "MARAIN_DATABASE_URL"

// The kinds of database.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

const (
	defaultSQLite   = "content/marain.db" // in the data folder
	defaultHost     = "localhost"
	defaultPort     = 5432
	maxPasswordFile = 64 << 10 // bytes
)

// Connection says which database holds the content. It prints as its location, never with a password.
type Connection struct {
	Driver   string // SQLite or Postgres
	File     string // SQLite: absolute
	Host     string
	Port     int
	Database string
	Username string
	Password string `json:"-"`
	SSLMode  string // empty for the driver's default
	Pool     int    // connections at most; 0 for the driver's default
	URL      string `json:"-"` // what the environment variable said, when it was that; may hold a password
}

// Location names the database without a password: the file, or host:port/name.
func (c Connection) Location() string {
	if c.Driver == SQLite {
		return c.File
	}
	return net.JoinHostPort(c.Host, strconv.Itoa(c.Port)) + "/" + c.Database
}

// String returns the location, so that printing a connection never shows a password.
func (c Connection) String() string { return c.Driver + " " + c.Location() }

// GoString is String.
func (c Connection) GoString() string { return c.String() }

// LogValue is String.
func (c Connection) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Connection decides which database to open: what [EnvDatabase] says, else the default connection of
// system.database, else a SQLite file in the data folder. system holds the values of the configuration with the id
// system, and may be nil. What is wrong with it is a [*SettingError]; no error shows a password.
func (p *Project) Connection(system map[string]any, getenv func(string) string) (Connection, error) {
	if text := p.lookup(getenv, EnvDatabase); text != "" {
		c, err := p.fromURL(text)
		if err != nil {
			return Connection{}, fmt.Errorf("%s: %w", EnvDatabase, err)
		}
		return c, nil
	}
	const root = "system.database"
	section, ok := system["database"]
	if !ok || section == nil {
		return Connection{Driver: SQLite, File: filepath.Join(p.DataDir, filepath.FromSlash(defaultSQLite))}, nil
	}
	database, ok := section.(map[string]any)
	if !ok {
		return Connection{}, &SettingError{Key: root, Message: "it is not a mapping", Hint: "give it default and connections"}
	}
	name, values, err := selected(root, database)
	if err != nil {
		return Connection{}, err
	}
	reader := &connectionReader{project: p, getenv: getenv, key: root + ".connections." + name, values: values}
	return reader.read()
}

// selected returns the default connection.
func selected(root string, database map[string]any) (string, map[string]any, error) {
	connections, ok := database["connections"].(map[string]any)
	if !ok || len(connections) == 0 {
		return "", nil, &SettingError{Key: root + ".connections", Message: "there are none", Hint: "give at least one connection"}
	}
	names := sortedKeys(connections)
	name, ok := database["default"].(string)
	switch {
	case !ok && database["default"] != nil:
		return "", nil, &SettingError{Key: root + ".default", Message: "it is not a name", Hint: "use " + strings.Join(names, ", ")}
	case !ok && len(names) == 1:
		name = names[0]
	case !ok:
		return "", nil, &SettingError{Key: root + ".default", Message: "it is missing", Hint: "use " + strings.Join(names, ", ")}
	}
	value, ok := connections[name]
	if !ok {
		return "", nil, &SettingError{Key: root + ".default", Message: fmt.Sprintf("there is no connection %q", name), Hint: suggest(name, names)}
	}
	values, ok := value.(map[string]any)
	if !ok {
		return "", nil, &SettingError{Key: root + ".connections." + name, Message: "it is not a mapping", Hint: "give it at least a driver"}
	}
	return name, values, nil
}

// sqliteFile returns the absolute path of a SQLite database. A path that the driver could take for a URI with
// parameters is refused.
func (p *Project) sqliteFile(path string) (string, error) {
	switch {
	case path == "":
		return "", errors.New("the file has no name")
	case strings.ContainsAny(path, "?\x00") || strings.HasPrefix(strings.ToLower(path), "file:"):
		return "", errors.New("the file must be a plain path: no file: and no question mark")
	case strings.HasPrefix(path, ":memory:"):
		return "", errors.New("a database in memory would lose everything: give a file")
	case strings.HasSuffix(path, "/"):
		return "", errors.New("the file is a folder")
	}
	path = filepath.FromSlash(path)
	if !filepath.IsAbs(path) {
		path = filepath.Join(p.DataDir, path)
	}
	return filepath.Clean(path), nil
}

// fromURL reads the value of EnvDatabase. Its errors do not repeat the value, which may hold a password.
func (p *Project) fromURL(text string) (Connection, error) {
	if rest, ok := strings.CutPrefix(text, "sqlite:"); ok {
		file, err := p.sqliteFile(strings.TrimPrefix(rest, "//"))
		return Connection{Driver: SQLite, File: file, URL: text}, err
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return Connection{}, errors.New("want postgres://user:password@host:port/database or sqlite:path")
	}
	c := Connection{Driver: Postgres, Host: u.Hostname(), Port: defaultPort, Database: strings.TrimPrefix(u.Path, "/"), Username: u.User.Username(), URL: text}
	c.Password, _ = u.User.Password()
	if c.Host == "" {
		c.Host = defaultHost
	}
	if text := u.Port(); text != "" {
		if c.Port, err = strconv.Atoi(text); err != nil || c.Port < 1 || c.Port > 65535 {
			return Connection{}, errors.New("the port is not a number from 1 to 65535")
		}
	}
	if c.Database == "" {
		return Connection{}, errors.New("the name of the database is missing")
	}
	c.SSLMode = u.Query().Get("sslmode")
	if c.SSLMode != "" && !slices.Contains(sslModes, c.SSLMode) {
		return Connection{}, errors.New("sslmode is none of " + strings.Join(sslModes, ", "))
	}
	return c, nil
}

// password reads a password: text, or where it stands.
func (p *Project) password(value any, getenv func(string) string) (string, error) {
	switch v := value.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case map[string]any:
		return p.reference(v, getenv)
	}
	return "", errors.New("it is not text: put quotes around it, or use source: env or source: file")
}

// reference reads a password that stands elsewhere.
func (p *Project) reference(ref map[string]any, getenv func(string) string) (string, error) {
	source, _ := ref["source"].(string)
	switch source {
	case "env":
		name, _ := ref["name"].(string)
		if name == "" {
			return "", errors.New("source env needs the name of a variable")
		}
		value := p.lookup(getenv, name)
		if value == "" {
			return "", fmt.Errorf("the environment variable %s is not set", name)
		}
		return value, nil
	case "file":
		path, _ := ref["path"].(string)
		if path == "" {
			return "", errors.New("source file needs a path")
		}
		return p.passwordFile(path)
	}
	return "", fmt.Errorf("the source %q is not supported: use env or file", source)
}

// passwordFile reads a file with a password, which usually lies outside the project. The path is absolute or relative
// to the project's folder; one line end at its end does not count.
func (p *Project) passwordFile(path string) (string, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(p.Root, filepath.FromSlash(path))
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Size() > maxPasswordFile {
		return "", fmt.Errorf("%s is not a small regular file", path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r"), nil
}
