package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"marain/backend/action"
	"marain/backend/database"
)

// backUp copies a database as a batch does: under the lock.
func backUp(t *testing.T, db *DB, file string) error {
	t.Helper()
	return db.Write(context.Background(), func(q database.Querier) error {
		tables, err := db.Backup(context.Background(), q, []string{"x"}, file)
		if len(tables) > 0 {
			t.Errorf("it is not only %v", tables)
		}
		return err
	})
}

// state describes a database.
func state(t *testing.T, db *DB) string {
	t.Helper()
	var out strings.Builder
	err := db.Read(context.Background(), func(q database.Querier) error {
		names, err := db.TableNames(context.Background(), q)
		if err != nil {
			return err
		}
		for _, name := range names {
			rows, err := (database.Reader{Querier: q}).Read(context.Background(), "SELECT * FROM "+Dialect{}.Quote(name), 1000)
			if err != nil {
				return err
			}
			fmt.Fprintln(&out, name, rows)
		}
		schema, err := (database.Reader{Querier: q}).Read(context.Background(), "SELECT name, sql FROM sqlite_schema ORDER BY name", 1000)
		fmt.Fprintln(&out, schema)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func nothing(database.Querier) error { return nil }

// kept makes a database with rows, a bookkeeping table and a backup of it, and then changes everything.
func kept(t *testing.T, name string) (db *DB, file string) {
	t.Helper()
	db = open(t, name)
	must(t, db, `CREATE TABLE x (a)`, `CREATE INDEX xi ON x (a)`, `INSERT INTO x VALUES ('old')`, `CREATE TABLE marain_log (n)`, `CREATE INDEX log_old ON marain_log (n)`,
		`INSERT INTO marain_log VALUES (1)`, `CREATE TABLE file_versions (v)`)
	file = filepath.Join(t.TempDir(), "backup of "+name)
	if err := backUp(t, db, file); err != nil {
		t.Fatal(err)
	}
	must(t, db, `INSERT INTO marain_log VALUES (2)`, `ALTER TABLE marain_log ADD COLUMN m`, `DROP INDEX log_old`, `CREATE INDEX log_new ON marain_log (m, n)`,
		`CREATE TABLE marain_more (k)`, `INSERT INTO marain_more VALUES ('kept')`, `INSERT INTO file_versions VALUES ('v1')`,
		`UPDATE x SET a = 'new'`, `ALTER TABLE x ADD COLUMN b`, `DROP INDEX xi`, `CREATE TABLE y (c)`, `INSERT INTO y VALUES ('gone')`)
	return db, file
}

func TestABackupHasWhatIsNotInTheFileYet(t *testing.T) {
	db := open(t, "a?b#c d.db")
	must(t, db, `CREATE TABLE x (a)`)
	// Nothing of this is in the file itself: it is all in the write-ahead log.
	must(t, db, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO x SELECT 'row ' || i FROM n`)
	file := filepath.Join(t.TempDir(), "copy?mode=ro#.db")
	if err := backUp(t, db, file); err != nil {
		t.Fatal(err)
	}
	rows, err := db.Contents(context.Background(), file)
	if err != nil || rows["x"] != 20000 || len(rows) != 1 {
		t.Errorf("%v, %v", rows, err)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(file), "*")); err != nil || len(left) != 1 {
		t.Errorf("beside it: %v, %v", left, err)
	}
	if err := backUp(t, db, file); err == nil {
		t.Error("it was written over")
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	err = db.Write(context.Background(), func(q database.Querier) error {
		_, err := db.Backup(ended, q, nil, file+"2")
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if err := backUp(t, db, filepath.Join(t.TempDir(), "no", "folder.db")); err == nil {
		t.Error("no error")
	}
	must(t, db, `INSERT INTO x VALUES ('it goes on')`)
}

// While a backup is taken nobody else writes: what it holds is what the batch found.
func TestABackupKeepsWritersOut(t *testing.T) {
	db := open(t, "test.db")
	must(t, db, `CREATE TABLE x (a)`)
	other, err := sql.Open("sqlite", "file:"+db.Location()+"?_pragma=busy_timeout(1)")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	err = db.Write(context.Background(), func(q database.Querier) error {
		if _, err := db.Backup(context.Background(), q, nil, filepath.Join(t.TempDir(), "b.db")); err != nil {
			return err
		}
		if _, err := other.Exec(`INSERT INTO x VALUES (1)`); err == nil {
			t.Error("another program wrote")
		}
		_, err := q.Exec(context.Background(), `INSERT INTO x VALUES (2)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRestore(t *testing.T) {
	db, file := kept(t, "a?b#c d.db")
	original, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		err := db.Restore(context.Background(), file, nil,
			func(q database.Querier) error {
				var n int
				if err := q.QueryRow(context.Background(), `SELECT count(*) FROM x WHERE a = 'new' OR ? > 0`, i).Scan(&n); err != nil || n != 1 {
					t.Errorf("before: %d, %v", n, err)
				}
				return nil
			},
			func(q database.Querier) error {
				_, err := q.Exec(context.Background(), `INSERT INTO marain_log VALUES (?, 'restored')`, 10+i)
				return err
			})
		if err != nil {
			t.Fatal(err)
		}
		if number(t, db, `SELECT count(*) FROM x WHERE a = 'old'`) != 1 || number(t, db, `SELECT count(*) FROM sqlite_schema WHERE name IN ('y', 'log_old')`) != 0 ||
			number(t, db, `SELECT count(*) FROM sqlite_schema WHERE name IN ('xi', 'log_new', 'marain_more')`) != 3 {
			t.Error(state(t, db))
		}
		if number(t, db, `SELECT count(*) FROM marain_log WHERE n IN (1, 2) OR m = 'restored'`) != 3+i || number(t, db, `SELECT count(*) FROM file_versions`) != 1 || number(t, db, `SELECT count(*) FROM marain_more`) != 1 {
			t.Error("the bookkeeping is not what it was: ", state(t, db))
		}
		must(t, db, `UPDATE x SET a = 'newer'`, `CREATE TABLE y (c)`)
	}
	if err := db.Check(context.Background()); err != nil {
		t.Error(err)
	}
	if again, err := os.ReadFile(file); err != nil || string(again) != string(original) {
		t.Errorf("the backup was changed: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(file), "*")); err != nil || len(left) != 1 {
		t.Errorf("left over: %v, %v", left, err)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(file), ".*")); err != nil || len(left) != 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

func TestARestoreThatEndsEarlyChangesNothing(t *testing.T) {
	db, file := kept(t, "test.db")
	before := state(t, db)
	fault := errors.New("fault")
	fails := func(database.Querier) error { return fault }
	damaged := filepath.Join(t.TempDir(), "damaged.db")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	broken := append([]byte(nil), whole...)
	copy(broken[4096:], strings.Repeat("x", 4096)) // the second page
	if err := os.WriteFile(damaged, broken, 0o600); err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(t.TempDir(), "text.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("this is no database\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(context.Background())
	for name, restore := range map[string]func() error{
		"before fails": func() error { return db.Restore(context.Background(), file, nil, fails, nothing) },
		"after fails":  func() error { return db.Restore(context.Background(), file, nil, nothing, fails) },
		"after breaks": func() error {
			return db.Restore(context.Background(), file, nil, nothing, func(q database.Querier) error {
				_, err := q.Exec(context.Background(), `INSERT INTO nowhere VALUES (1)`)
				return err
			})
		},
		"damaged": func() error { return db.Restore(context.Background(), damaged, nil, nothing, nothing) },
		"a text":  func() error { return db.Restore(context.Background(), text, nil, nothing, nothing) },
		"no file": func() error { return db.Restore(context.Background(), file+"x", nil, nothing, nothing) },
		"is stopped": func() error {
			return db.Restore(ended, file, nil, func(database.Querier) error { cancel(); return nil }, nothing)
		},
	} {
		if err := restore(); err == nil {
			t.Errorf("%s: no error", name)
		}
		if after := state(t, db); after != before {
			t.Errorf("%s changed something:\n%s\n%s", name, before, after)
		}
		must(t, db, `UPDATE x SET a = 'still here'`, `UPDATE x SET a = 'new'`)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(file), ".*")); err != nil || len(left) != 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
	if err := db.Restore(context.Background(), file, nil, nothing, nothing); err != nil {
		t.Fatal(err)
	}
	if number(t, db, `SELECT count(*) FROM x WHERE a = 'old'`) != 1 {
		t.Error("the rows are not back")
	}
}

func TestARestoreWaitsForWritersAndNotForReaders(t *testing.T) {
	db, file := kept(t, "test.db")
	other, err := sql.Open("sqlite", "file:"+db.Location()+"?_pragma=busy_timeout(1)")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	reading, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	count := func() (n int) {
		if err := reading.QueryRow(`SELECT count(*) FROM y`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	count()
	err = db.Restore(context.Background(), file, nil, func(database.Querier) error {
		if _, err := other.Exec(`INSERT INTO x VALUES (1, 2)`); err == nil {
			t.Error("another program wrote in the middle of it")
		}
		return nil
	}, nothing)
	if err != nil {
		t.Fatal(err)
	}
	if count() != 1 {
		t.Error("a reader that had begun before sees what came later")
	}
	if err := reading.Rollback(); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec(`SELECT * FROM y`); err == nil {
		t.Error("the other program does not see what was restored")
	}
}

func TestMeasureAndDependents(t *testing.T) {
	db := open(t, "test.db")
	must(t, db, `CREATE TABLE t (id TEXT PRIMARY KEY, a, _old_1_b)`, `INSERT INTO t VALUES ('1', 1, 'éé'), ('2', 2, NULL), ('3', 3, 12), ('4', 4, '')`,
		`CREATE TABLE c (t TEXT REFERENCES t (id))`, `CREATE INDEX i ON t (_old_1_b)`, `CREATE INDEX like_it ON t (a)`,
		`CREATE VIEW v AS SELECT _OLD_1_B FROM t`, `CREATE VIEW w AS SELECT 1 AS _old_1_bc, 2 AS x_old_1_b`, `CREATE TRIGGER r AFTER INSERT ON c BEGIN DELETE FROM t WHERE "_old_1_b" = 1; END`)
	err := db.Read(context.Background(), func(q database.Querier) error {
		m, err := db.Measure(context.Background(), q, action.Place{Table: "t", Column: "_old_1_b"})
		if err != nil || m != (database.Measure{Rows: 4, Values: 3, Bytes: 6}) {
			t.Errorf("column: %+v, %v", m, err)
		}
		m, err = db.Measure(context.Background(), q, action.Place{Table: "t"})
		if err != nil || m.Rows != 4 || m.Values != 4 || m.Bytes < 4*4096 {
			t.Errorf("table: %+v, %v", m, err)
		}
		if _, err := db.Measure(context.Background(), q, action.Place{Table: "none"}); err == nil {
			t.Error("no error")
		}
		for place, c := range map[action.Place]struct{ going, want string }{
			{Table: "t", Column: "_old_1_b"}: {"", "the index i uses _old_1_b; the trigger r uses _old_1_b; the view v uses _old_1_b"},
			{Table: "t"}:                     {"t", "the trigger r uses t; the view v uses t; the table c refers to t"},
			{Table: "T"}:                     {"t,c", "the view v uses T"},
		} {
			found, err := db.Dependents(context.Background(), q, place, strings.Split(c.going, ","))
			if got := strings.Join(found, "; "); err != nil || got != c.want {
				t.Errorf("%v: %q, %v", place, got, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
