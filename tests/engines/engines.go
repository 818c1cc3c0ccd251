// Package engines opens empty databases of every kind for tests. A package whose tests use it has
//
//	func TestMain(m *testing.M) { os.Exit(cluster.Main(m)) }
package engines

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"marain/backend/database"
	"marain/backend/database/postgres"
	"marain/backend/database/sqlite"
	"marain/backend/project"
	"marain/tests/cluster"
)

// EnvDatabase is the environment variable that says which kind of database tests run on that run on one: sqlite, which
// is the default, or postgres.
const EnvDatabase = "MARAIN_TEST_DATABASE"

// OnPostgres reports whether such tests run on PostgreSQL.
func OnPostgres() bool { return os.Getenv(EnvDatabase) == project.Postgres }

// Chosen opens an empty database of the kind that the tests run on, until the test ends.
func Chosen(t testing.TB) database.Database {
	t.Helper()
	if OnPostgres() {
		return Postgres(t)
	}
	return SQLite(t)
}

// Each runs a test on an empty database of each kind, both at the same time as others.
func Each(t *testing.T, run func(t *testing.T, db database.Database)) {
	t.Helper()
	t.Run(project.SQLite, func(t *testing.T) {
		t.Parallel()
		run(t, SQLite(t))
	})
	t.Run(project.Postgres, func(t *testing.T) {
		t.Parallel()
		run(t, Postgres(t))
	})
}

// SQLite opens an empty database in a file, until the test ends.
func SQLite(t testing.TB) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(context.Background(), filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return db
}

// Postgres opens an empty database on the test server, until the test ends.
func Postgres(t testing.TB) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(context.Background(), Connection(t, cluster.Database(t)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return db
}

// Connection is what the project's settings say of an address.
func Connection(t testing.TB, address string) project.Connection {
	t.Helper()
	none := func(string) string { return "" }
	p, err := project.Open(t.TempDir(), none)
	if err != nil {
		t.Fatal(err)
	}
	connection, err := p.Connection(nil, func(name string) string {
		if name == project.EnvDatabase {
			return address
		}
		return ""
	})
	if err != nil {
		t.Fatal(err)
	}
	return connection
}
