package project

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// canary is a password that must never be shown.
const canary = "hunter2-Xk9"

// system makes the values of the configuration with the id system, with one connection.
func system(connection map[string]any) map[string]any {
	return map[string]any{"logging": map[string]any{"level": "info"}, "database": map[string]any{"default": "main", "connections": map[string]any{"main": connection}}}
}

func TestConnection(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "password")
	must(t, os.WriteFile(secret, []byte(canary+"\n"), 0o600))
	pg := func(change func(*Connection)) Connection {
		c := Connection{Driver: Postgres, Host: "localhost", Port: 5432, Database: "cms"}
		change(&c)
		return c
	}
	for _, c := range []struct {
		name   string
		system map[string]any
		env    map[string]string
		want   Connection // File relative to the data folder unless absolute
		shown  string     // location
	}{
		{"nothing said", nil, nil, Connection{Driver: SQLite, File: "content/marain.db"}, "DATA/content/marain.db"},
		{"no database", map[string]any{"logging": 1}, nil, Connection{Driver: SQLite, File: "content/marain.db"}, "DATA/content/marain.db"},
		{"sqlite", system(map[string]any{"driver": "sqlite3", "file": "a/../b.db", "prefix": "x"}), nil, Connection{Driver: SQLite, File: "b.db"}, "DATA/b.db"},
		{"sqlite elsewhere", system(map[string]any{"driver": "sqlite", "file": "/srv/x.db", "pool": 4}), nil, Connection{Driver: SQLite, File: "/srv/x.db", Pool: 4}, "/srv/x.db"},
		{"one connection needs no default", map[string]any{"database": map[string]any{"connections": map[string]any{"only": map[string]any{"driver": "sqlite", "file": "o.db"}}}}, nil, Connection{Driver: SQLite, File: "o.db"}, "DATA/o.db"},
		{"postgres with little", system(map[string]any{"driver": "postgres", "database": "cms"}), nil, pg(func(*Connection) {}), "localhost:5432/cms"},
		{
			"postgres with everything",
			system(map[string]any{"driver": "postgresql", "host": "::1", "port": int64(6543), "database": "cms", "username": "ann", "password": canary, "sslmode": "verify-full", "pool": "9"}), nil,
			pg(func(c *Connection) {
				c.Host, c.Port, c.Username, c.Password, c.SSLMode, c.Pool = "::1", 6543, "ann", canary, "verify-full", 9
			}), "[::1]:6543/cms",
		},
		{
			"password of the environment", system(map[string]any{"driver": "postgres", "database": "cms", "password": map[string]any{"source": "env", "name": "DB_PASS"}}),
			map[string]string{"DB_PASS": canary},
			pg(func(c *Connection) { c.Password = canary }), "localhost:5432/cms",
		},
		{
			"password of .env", system(map[string]any{"driver": "postgres", "database": "cms", "password": map[string]any{"source": "env", "name": "FROM_FILE"}}), nil,
			pg(func(c *Connection) { c.Password = canary }), "localhost:5432/cms",
		},
		{
			"password of a file", system(map[string]any{"driver": "postgres", "database": "cms", "password": map[string]any{"source": "file", "path": secret}}), nil,
			pg(func(c *Connection) { c.Password = canary }), "localhost:5432/cms",
		},
		{
			"password of a file in the project", system(map[string]any{"driver": "postgres", "database": "cms", "password": map[string]any{"source": "file", "path": "secrets/db"}}), nil,
			pg(func(c *Connection) { c.Password = canary + " " }), "localhost:5432/cms",
		},
		{
			"url", system(map[string]any{"driver": "sqlite"}),
			map[string]string{EnvDatabase: "postgres://ann:" + canary + "@db.example.org:77/cms?sslmode=require&x=1"},
			Connection{Driver: Postgres, Host: "db.example.org", Port: 77, Database: "cms", Username: "ann", Password: canary, SSLMode: "require"},
			"db.example.org:77/cms",
		},
		{"short url", nil, map[string]string{EnvDatabase: "postgresql:///cms"}, pg(func(*Connection) {}), "localhost:5432/cms"},
		{"sqlite url", nil, map[string]string{EnvDatabase: "sqlite:x/y.db"}, Connection{Driver: SQLite, File: "x/y.db"}, "DATA/x/y.db"},
		{"sqlite url with slashes", nil, map[string]string{EnvDatabase: "sqlite:///srv/y.db"}, Connection{Driver: SQLite, File: "/srv/y.db"}, "/srv/y.db"},
		{"sqlite url, absolute", nil, map[string]string{EnvDatabase: "sqlite:/srv/y.db"}, Connection{Driver: SQLite, File: "/srv/y.db"}, "/srv/y.db"},
		{"a wrong configuration does not matter with a url", system(map[string]any{"driver": "oracle"}), map[string]string{EnvDatabase: "sqlite:y.db"}, Connection{Driver: SQLite, File: "y.db"}, "DATA/y.db"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			put(t, root, ".env", "FROM_FILE="+canary+"\n")
			put(t, root, "secrets/db", canary+" \r\n")
			p, err := Open(root, none)
			must(t, err)
			got, err := p.Connection(c.system, env(c.env))
			must(t, err)
			if c.want.File != "" && !filepath.IsAbs(c.want.File) {
				c.want.File = filepath.Join(p.DataDir, c.want.File)
			}
			c.want.URL = c.env[EnvDatabase]
			if got != c.want {
				t.Errorf("got %+v of %q, want %+v", got, got.Password, c.want)
			}
			if want := strings.Replace(c.shown, "DATA", p.DataDir, 1); got.Location() != want {
				t.Errorf("the location is %s, want %s", got.Location(), want)
			}
			encoded, err := json.Marshal(got)
			must(t, err)
			for _, text := range []string{fmt.Sprint(got), fmt.Sprintf("%v %+v %#v %s", got, &got, got, got), string(encoded), got.LogValue().String()} {
				if strings.Contains(text, canary) {
					t.Errorf("the password is shown: %s", text)
				}
			}
		})
	}
}

func TestWrongConnection(t *testing.T) {
	const at = "system.database.connections.main."
	const passwordHint = " (give text, or source: env with name, or source: file with path)"
	postgres := func(key string, value any) map[string]any {
		return system(map[string]any{"driver": "postgres", "database": "cms", key: value})
	}
	sqlite := func(file any) map[string]any { return system(map[string]any{"driver": "sqlite", "file": file}) }
	for _, c := range []struct {
		name   string
		system map[string]any
		url    string
		want   string
	}{
		{"not a mapping", map[string]any{"database": "x"}, "", "system.database: it is not a mapping (give it default and connections)"},
		{"no connections", map[string]any{"database": map[string]any{"default": "x"}}, "", "system.database.connections: there are none (give at least one connection)"},
		{"no default", map[string]any{"database": map[string]any{"connections": map[string]any{"b": 1, "a": 1}}}, "", "system.database.default: it is missing (use a, b)"},
		{"a default that is no name", map[string]any{"database": map[string]any{"default": 1, "connections": map[string]any{"b": 1, "a": 1}}}, "", "system.database.default: it is not a name (use a, b)"},
		{"another default", map[string]any{"database": map[string]any{"default": "mian", "connections": map[string]any{"main": 1, "other": 1}}}, "", `system.database.default: there is no connection "mian" (did you mean main?)`},
		{"a connection that is no mapping", map[string]any{"database": map[string]any{"default": "main", "connections": map[string]any{"main": 1}}}, "", "system.database.connections.main: it is not a mapping (give it at least a driver)"},
		{"no driver", system(map[string]any{"file": "x"}), "", at + "driver: it is missing (use sqlite or postgres)"},
		{"another driver", system(map[string]any{"driver": "mysql"}), "", at + `driver: "mysql" is not supported (use sqlite or postgres)`},
		{"a slip of the pen", system(map[string]any{"driver": "postgres", "pasword": canary}), "", at + "pasword: this setting does not exist (did you mean password?)"},
		{"uri", sqlite("file:x.db"), "", at + "file: the file must be a plain path: no file: and no question mark (use a path relative to the data folder)"},
		{"parameters", sqlite("x.db?_pragma=x"), "", at + "file: the file must be a plain path: no file: and no question mark (use a path relative to the data folder)"},
		{"memory", sqlite(":memory:"), "", at + "file: a database in memory would lose everything: give a file (use a path relative to the data folder)"},
		{"a folder", sqlite("x/"), "", at + "file: the file is a folder (use a path relative to the data folder)"},
		{"a file that is no text", sqlite(5), "", at + "file: it is not text (put quotes around it)"},
		{"no name", postgres("database", ""), "", at + "database: it is missing (give the name of the database)"},
		{"port", postgres("port", 70000), "", at + "port: 70000 is not possible (use a whole number from 1 to 65535)"},
		{"port in words", postgres("port", "many"), "", at + "port: many is not possible (use a whole number from 1 to 65535)"},
		{"pool", postgres("pool", 0), "", at + "pool: 0 is not possible (use a whole number from 1 to 1000)"},
		{"sslmode", postgres("sslmode", "on"), "", at + `sslmode: "on" does not exist (use disable, allow, prefer, require, verify-ca, verify-full)`},
		{"a password that is a number", postgres("password", 12345678), "", at + "password: it is not text: put quotes around it, or use source: env or source: file" + passwordHint},
		{"vault", postgres("password", map[string]any{"source": "vault", "path": "x"}), "", at + `password: the source "vault" is not supported: use env or file` + passwordHint},
		{"env without a name", postgres("password", map[string]any{"source": "env"}), "", at + "password: source env needs the name of a variable" + passwordHint},
		{"env that is not set", postgres("password", map[string]any{"source": "env", "name": "NOPE"}), "", at + "password: the environment variable NOPE is not set" + passwordHint},
		{"file without a path", postgres("password", map[string]any{"source": "file"}), "", at + "password: source file needs a path" + passwordHint},
		{"file that is a folder", postgres("password", map[string]any{"source": "file", "path": "/"}), "", at + "password: / is not a small regular file" + passwordHint},
		{"url of another database", nil, "mysql://a:" + canary + "@h/x", "MARAIN_DATABASE_URL: want postgres://user:password@host:port/database or sqlite:path"},
		{"broken url", nil, "postgres://a:" + canary + "@h:%zz/x", "MARAIN_DATABASE_URL: want postgres://user:password@host:port/database or sqlite:path"},
		{"url without a database", nil, "postgres://a:" + canary + "@h", "MARAIN_DATABASE_URL: the name of the database is missing"},
		{"url with a wrong port", nil, "postgres://a:" + canary + "@h:99999/x", "MARAIN_DATABASE_URL: the port is not a number from 1 to 65535"},
		{"url with a wrong sslmode", nil, "postgres://a:" + canary + "@h/x?sslmode=on", "MARAIN_DATABASE_URL: sslmode is none of disable, allow, prefer, require, verify-ca, verify-full"},
		{"sqlite url with parameters", nil, "sqlite:x.db?a=b", "MARAIN_DATABASE_URL: the file must be a plain path: no file: and no question mark"},
		{"sqlite url of nothing", nil, "sqlite:", "MARAIN_DATABASE_URL: the file has no name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, _ := open(t, nil)
			_, err := p.Connection(c.system, env(map[string]string{EnvDatabase: c.url}))
			if err == nil || err.Error() != c.want {
				t.Fatalf("got  %v\nwant %s", err, c.want)
			}
			var setting *SettingError
			if strings.Contains(err.Error(), canary) || c.url == "" && !errors.As(err, &setting) {
				t.Errorf("got %#v", err)
			}
		})
	}
}
