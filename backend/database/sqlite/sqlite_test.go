package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"marain/backend/action"
	"marain/backend/database"
)

func open(t *testing.T, name string) *DB {
	t.Helper()
	db, err := Open(context.Background(), filepath.Join(t.TempDir(), name))
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

func write(t *testing.T, db *DB, statements ...string) error {
	t.Helper()
	return db.Write(context.Background(), func(q database.Querier) error {
		for _, s := range statements {
			if _, err := q.Exec(context.Background(), s); err != nil {
				return err
			}
		}
		return nil
	})
}

func must(t *testing.T, db *DB, statements ...string) {
	t.Helper()
	if err := write(t, db, statements...); err != nil {
		t.Fatal(err)
	}
}

func number(t *testing.T, db *DB, query string) (n int) {
	t.Helper()
	err := db.Read(context.Background(), func(q database.Querier) error {
		return q.QueryRow(context.Background(), query).Scan(&n)
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func TestStatements(t *testing.T) {
	index := action.Index{Name: `i"x`, Table: "t", Columns: []string{"a", "b"}, Unique: true}
	for _, c := range []struct {
		step action.Step
		want []string
	}{
		{action.RenameTable{From: "a", To: `b"; DROP TABLE x; --`}, []string{`ALTER TABLE "a" RENAME TO "b""; DROP TABLE x; --"`}},
		{action.AddColumn{Table: "t", Column: action.Column{Name: "c", Type: action.ColumnText, NotNull: true, Default: "it's"}}, []string{`ALTER TABLE "t" ADD COLUMN "c" TEXT NOT NULL DEFAULT 'it''s'`}},
		{action.AddColumn{Table: "t", Column: action.Column{Name: "c", Type: action.ColumnTimestamp, DefaultNow: true}}, []string{`ALTER TABLE "t" ADD COLUMN "c" TIMESTAMP`}},
		{action.RenameColumn{Table: "t", From: "a", To: "b"}, []string{`ALTER TABLE "t" RENAME COLUMN "a" TO "b"`}},
		{action.SetNotNull{Table: "t", Column: "c"}, []string{`ALTER TABLE "t" ALTER COLUMN "c" SET NOT NULL`}},
		{action.DropNotNull{Table: "t", Column: "c"}, []string{`ALTER TABLE "t" ALTER COLUMN "c" DROP NOT NULL`}},
		{action.CreateIndex{Index: index}, []string{`CREATE UNIQUE INDEX "i""x" ON "t" ("a", "b")`}},
		{action.DropIndex{Index: index}, []string{`DROP INDEX "i""x"`}},
		{action.Fill{Table: "t", Column: "c", Type: action.ColumnFloat, Value: int64(2)}, []string{`UPDATE "t" SET "c" = 2.0 WHERE "c" IS NULL`}},
	} {
		got, err := Dialect{}.Statements(c.step)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%T: %q, %v", c.step, got, err)
		}
	}
	for _, step := range []action.Step{
		nil,
		action.Fill{Table: "t", Column: "c", Value: "a\x00b"},
		action.Fill{Table: "t", Column: "c", Value: math.NaN()},
		action.Fill{Table: "t", Column: "c", Value: math.Inf(-1)},
		action.Fill{Table: "t", Column: "c", Value: []byte("x")},
		action.AddColumn{Table: "t", Column: action.Column{Name: "c", Default: struct{}{}}},
	} {
		if got, err := (Dialect{}).Statements(step); err == nil {
			t.Errorf("%T %+v gives %q", step, step, got)
		}
	}
}

func TestConstantsComeBackAsTheyWere(t *testing.T) {
	db := open(t, "test.db")
	must(t, db, `CREATE TABLE t (k INTEGER PRIMARY KEY)`)
	for i, c := range []struct {
		kind  action.ColumnType
		value any
		want  string // as SQLite's quote() writes it
	}{
		{action.ColumnText, "", "''"},
		{action.ColumnText, "it's \"quoted\" \\ ; -- é \U0001F600\n", "'it''s \"quoted\" \\ ; -- é \U0001F600\n'"},
		{action.ColumnText, "0123", "'0123'"},
		{action.ColumnInteger, int64(math.MaxInt64), "9223372036854775807"},
		{action.ColumnInteger, int64(math.MinInt64), "-9223372036854775808"},
		{action.ColumnFloat, 0.1, "0.1"},
		{action.ColumnFloat, -2.5e300, "-2.5e+300"},
		{action.ColumnFloat, 5e-324, "4.9406564584124654e-324"},
		{action.ColumnFloat, 1e21, "1.0e+21"},
		{action.ColumnFloat, int64(3), "3.0"},
		{action.ColumnBoolean, true, "1"},
		{action.ColumnBoolean, false, "0"},
		{action.ColumnJSON, `{"a":[1,"'"]}`, `'{"a":[1,"''"]}'`},
	} {
		column := fmt.Sprintf("c%d", i)
		statements, err := Dialect{}.Statements(action.AddColumn{Table: "t", Column: action.Column{Name: column, Type: c.kind, Default: c.value}})
		if err != nil {
			t.Fatal(err)
		}
		must(t, db, append([]string{`DELETE FROM t`, `INSERT INTO t DEFAULT VALUES`}, statements...)...)
		var got string
		var same bool
		equal, err := Dialect{}.Equal(column, c.kind, c.value)
		if err != nil {
			t.Fatal(err)
		}
		err = db.Read(context.Background(), func(q database.Querier) error {
			return q.QueryRow(context.Background(), `SELECT quote(`+column+`), `+equal+` FROM t`).Scan(&got, &same)
		})
		if err != nil || got != c.want || !same {
			t.Errorf("%v is %s, want %s, equal %v, %v", c.value, got, c.want, same, err)
		}
	}
}

func FuzzQuote(f *testing.F) {
	for _, name := range []string{`a"; DROP TABLE t; --`, `"`, `""`, "a'b", "[x]", "`", "select", "é", "a b", "\\"} {
		f.Add(name, name)
	}
	f.Fuzz(func(t *testing.T, name, text string) {
		if name == "" || strings.ContainsRune(name+text, 0) || strings.ToValidUTF8(name+text, "") != name+text || strings.EqualFold(name, "k") {
			return
		}
		db := open(t, "test.db")
		statements, err := Dialect{}.Statements(action.AddColumn{Table: "t", Column: action.Column{Name: name, Type: action.ColumnText, Default: text}})
		if err != nil {
			t.Fatal(err)
		}
		must(t, db, `CREATE TABLE t (k)`, `INSERT INTO t VALUES (1)`)
		must(t, db, statements...)
		err = db.Read(context.Background(), func(q database.Querier) error {
			tables, err := db.Inspect(context.Background(), q, []string{"t"})
			if err != nil || len(tables) != 1 || len(tables["t"].Columns) != 2 || tables["t"].Columns[1].Name != name {
				return fmt.Errorf("tables %+v, %w", tables, err)
			}
			var got string
			if err := q.QueryRow(context.Background(), `SELECT `+Dialect{}.Quote(name)+` FROM t`).Scan(&got); err != nil || got != text {
				return fmt.Errorf("%q, %w", got, err)
			}
			return nil
		})
		if err != nil {
			t.Errorf("%q, %q: %v", name, text, err)
		}
	})
}

func TestEveryConnectionHasTheSettings(t *testing.T) {
	db := open(t, "test.db")
	check := func(pool *sql.DB, want map[string]string) {
		for name, value := range want {
			var got string
			if err := pool.QueryRow("PRAGMA " + name).Scan(&got); err != nil || got != value {
				t.Errorf("%s is %s, want %s, %v", name, got, value, err)
			}
		}
	}
	settings := map[string]string{"busy_timeout": "5000", "journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "query_only": "0"}
	check(db.write, settings)
	settings["query_only"] = "1"
	var held []*sql.Conn
	for range readers {
		conn, err := db.read.Conn(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, conn)
		for name, value := range settings {
			var got string
			if err := conn.QueryRowContext(context.Background(), "PRAGMA "+name).Scan(&got); err != nil || got != value {
				t.Errorf("%s is %s, want %s, %v", name, got, value, err)
			}
		}
	}
	for _, conn := range held {
		conn.Close()
	}
	if _, err := db.read.Exec(`CREATE TABLE x (a)`); err == nil {
		t.Error("a reading connection wrote")
	}
}

func TestNamesThatLookLikeSettings(t *testing.T) {
	for _, name := range []string{"a?mode=ro", "b#c", "d%20e", "f g", "é.db", "x&_pragma=foreign_keys(off)", "semi;colon", "q'uote"} {
		db := open(t, name)
		must(t, db, `CREATE TABLE x (a)`)
		if _, err := os.Stat(db.Location()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var on int
		if err := db.write.QueryRow("PRAGMA foreign_keys").Scan(&on); err != nil || on != 1 {
			t.Errorf("%s: foreign keys %d, %v", name, on, err)
		}
	}
}

func TestAFailedBatchLeavesNothing(t *testing.T) {
	db := open(t, "test.db")
	must(t, db, `CREATE TABLE x (a UNIQUE)`, `INSERT INTO x VALUES (1)`)
	// SQLite itself would go on after the statement that fails, and commit the rest.
	if err := write(t, db, `INSERT INTO x VALUES (2)`, `CREATE TABLE y (a)`, `INSERT INTO x VALUES (1)`); err == nil {
		t.Fatal("no error")
	}
	if number(t, db, `SELECT count(*) FROM x`) != 1 || number(t, db, `SELECT count(*) FROM sqlite_schema WHERE name = 'y'`) != 0 {
		t.Error("half of a batch is there")
	}
	must(t, db, `INSERT INTO x VALUES (3)`)
}

func TestAFullDiskLeavesNothing(t *testing.T) {
	db := open(t, "test.db")
	must(t, db, `CREATE TABLE x (a)`, `INSERT INTO x VALUES (1)`)
	if _, err := db.write.Exec(`PRAGMA max_page_count = 4`); err != nil {
		t.Fatal(err)
	}
	err := write(t, db, `INSERT INTO x VALUES (2)`, `INSERT INTO x VALUES (zeroblob(1000000))`)
	if !errors.Is(err, database.ErrFull) || errors.Is(err, database.ErrLocked) || errors.Is(err, database.ErrReplaced) {
		t.Fatalf("want a full disk, got %v", err)
	}
	if n := number(t, db, `SELECT count(*) FROM x`); n != 1 {
		t.Errorf("%d rows", n)
	}
	if _, err := db.write.Exec(`PRAGMA max_page_count = 100000`); err != nil {
		t.Fatal(err)
	}
	must(t, db, `INSERT INTO x VALUES (zeroblob(1000000))`)
	if err := db.Check(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestReadersDoNotWaitAndSeeOneState(t *testing.T) {
	db := open(t, "test.db")
	must(t, db, `CREATE TABLE x (a)`, `INSERT INTO x VALUES (0)`)
	err := db.Read(context.Background(), func(q database.Querier) error {
		var before, after int
		if err := q.QueryRow(context.Background(), `SELECT max(a) FROM x`).Scan(&before); err != nil {
			return err
		}
		must(t, db, `INSERT INTO x VALUES (1)`)
		if err := q.QueryRow(context.Background(), `SELECT max(a) FROM x`).Scan(&after); err != nil {
			return err
		}
		if before != after {
			t.Errorf("a reader saw %d and then %d", before, after)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWritersTakeTurns(t *testing.T) {
	file := filepath.Join(t.TempDir(), "test.db")
	one, err := Open(context.Background(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	two, err := Open(context.Background(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	must(t, one, `CREATE TABLE x (a)`, `INSERT INTO x VALUES (0)`)
	var wg sync.WaitGroup
	for i := range 40 {
		db := one
		if i%2 == 1 {
			db = two
		}
		wg.Go(func() {
			// Read, then write: with a lock that comes late this loses updates, or fails.
			err := db.Write(context.Background(), func(q database.Querier) error {
				var n int
				if err := q.QueryRow(context.Background(), `SELECT a FROM x`).Scan(&n); err != nil {
					return err
				}
				_, err := q.Exec(context.Background(), `UPDATE x SET a = ?`, n+1)
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := number(t, one, `SELECT a FROM x`); n != 40 {
		t.Errorf("%d of 40 updates", n)
	}
}

func TestTheFileIsReplaced(t *testing.T) {
	db := open(t, "test.db")
	must(t, db, `CREATE TABLE x (a)`)
	if err := os.Rename(db.Location(), db.Location()+"2"); err != nil {
		t.Fatal(err)
	}
	read := func() error { return db.Read(context.Background(), func(database.Querier) error { return nil }) }
	for name, err := range map[string]error{"write": write(t, db, `INSERT INTO x VALUES (1)`), "read": read(), "check": db.Check(context.Background())} {
		if !errors.Is(err, database.ErrReplaced) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.Rename(db.Location()+"2", db.Location()); err != nil {
		t.Fatal(err)
	}
	must(t, db, `INSERT INTO x VALUES (1)`)
}

func TestInspect(t *testing.T) {
	db := open(t, "test.db")
	must(t, db, `CREATE TABLE "t""x" (id TEXT PRIMARY KEY, "a b" INTEGER NOT NULL DEFAULT 3, c REAL UNIQUE, g AS (c + 1))`,
		`CREATE UNIQUE INDEX u ON "t""x" ("a b", c)`, `CREATE INDEX partial ON "t""x" (c) WHERE c > 1`, `CREATE INDEX expression ON "t""x" (lower(id))`,
		`CREATE VIEW v AS SELECT 1`)
	before := ""
	err := db.Read(context.Background(), func(q database.Querier) (err error) {
		tables, err := db.Inspect(context.Background(), q, []string{`t"x`, "none", "v"})
		if err != nil {
			return err
		}
		got := fmt.Sprintf("%+v", tables)
		want := `map[t"x:{Name:t"x Columns:[{Name:id Type:TEXT NotNull:true Default:false} {Name:a b Type:INTEGER NotNull:true Default:true} {Name:c Type:REAL NotNull:false Default:false} {Name:g Type: NotNull:false Default:false}] ` +
			`Indexes:[{Name:expression Table:t"x Columns:[] Unique:false Special:true} {Name:partial Table:t"x Columns:[c] Unique:false Special:true} ` +
			`{Name:u Table:t"x Columns:[a b c] Unique:true Special:false}] Slots:0}]`
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		before, err = db.Stamp(context.Background(), q)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	must(t, db, `INSERT INTO "t""x" (id, "a b") VALUES ('1', 2)`)
	stamp := func() (s string) {
		err := db.Read(context.Background(), func(q database.Querier) (err error) {
			s, err = db.Stamp(context.Background(), q)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if stamp() != before {
		t.Error("a row changed the stamp")
	}
	other, err := sql.Open("sqlite", "file:"+db.Location())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.Exec(`ALTER TABLE "t""x" RENAME COLUMN c TO d`); err != nil {
		t.Fatal(err)
	}
	if stamp() == before {
		t.Error("another program's change did not change the stamp")
	}
}

// TestWhatATombstoneNeeds shows the behaviours of SQLite on which taking out of use relies.
func TestWhatATombstoneNeeds(t *testing.T) {
	db := open(t, "test.db")
	must(t, db,
		`CREATE TABLE p (id TEXT PRIMARY KEY, a TEXT NOT NULL)`, `CREATE UNIQUE INDEX ua ON p (a)`,
		`CREATE TABLE c (id TEXT PRIMARY KEY, parent_id TEXT REFERENCES p (id) ON DELETE CASCADE, value TEXT)`,
		`INSERT INTO p VALUES ('1', 'x')`, `INSERT INTO c VALUES ('1', '1', 'v')`)
	// A column out of use refuses nothing, and a new one may take its name and its index.
	must(t, db, `DROP INDEX ua`, `ALTER TABLE p ALTER COLUMN a DROP NOT NULL`, `ALTER TABLE p RENAME COLUMN a TO _old_1_a`,
		`ALTER TABLE p ADD COLUMN a TEXT`, `CREATE UNIQUE INDEX ua ON p (a)`, `INSERT INTO p (id, a) VALUES ('2', 'x')`)
	// A table out of use takes its references along, and a new one of its name gets none of its rows.
	must(t, db, `ALTER TABLE p RENAME TO _old_2_p`, `ALTER TABLE c RENAME TO _old_2_c`,
		`CREATE TABLE p (id TEXT PRIMARY KEY)`, `CREATE TABLE c (id TEXT PRIMARY KEY, parent_id TEXT REFERENCES p (id) ON DELETE CASCADE)`,
		`INSERT INTO p VALUES ('1')`, `DELETE FROM p`)
	if n := number(t, db, `SELECT count(*) FROM _old_2_c`); n != 1 {
		t.Fatalf("%d rows are left in a table out of use", n)
	}
	must(t, db, `ALTER TABLE p RENAME TO _old_3_p`, `ALTER TABLE c RENAME TO _old_3_c`, `ALTER TABLE _old_2_p RENAME TO p`, `ALTER TABLE _old_2_c RENAME TO c`,
		`DELETE FROM p WHERE id = '1'`)
	if n := number(t, db, `SELECT count(*) FROM c`); n != 0 {
		t.Error("what came back does not belong together any more")
	}
	if err := db.Check(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestCheckFindsBrokenReferences(t *testing.T) {
	db := open(t, "test.db")
	must(t, db, `CREATE TABLE p (id TEXT PRIMARY KEY)`, `CREATE TABLE c (p TEXT REFERENCES p (id))`)
	other, err := sql.Open("sqlite", "file:"+db.Location())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.Exec(`INSERT INTO c VALUES ('nobody')`); err != nil {
		t.Fatal(err)
	}
	if err := db.Check(context.Background()); err == nil || !strings.Contains(err.Error(), "1 row") {
		t.Errorf("%v", err)
	}
}

func TestTheDatabaseIsOnlyForItsOwner(t *testing.T) {
	file := filepath.Join(t.TempDir(), "made", "test.db")
	db, err := Open(context.Background(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	info, err := os.Stat(filepath.Dir(file))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if _, err := Open(context.Background(), filepath.Dir(file)); err == nil {
		t.Error("a folder was opened as a database")
	}
	text := filepath.Join(t.TempDir(), "text.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("this is no database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(context.Background(), text); err == nil {
		t.Error("a text was opened as a database")
	}
	if got, err := os.ReadFile(text); err != nil || len(got) != 2000 {
		t.Errorf("a file that is no database was changed: %d bytes, %v", len(got), err)
	}
}
