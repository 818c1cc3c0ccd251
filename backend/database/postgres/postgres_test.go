package postgres

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/project"
	"marain/tests/cluster"
)

func TestMain(m *testing.M) { os.Exit(cluster.Main(m)) }

// connect opens a database as the environment variable names it.
func connect(t *testing.T, address string) *DB {
	t.Helper()
	return connectWith(t, address, usual())
}

func connectWith(t *testing.T, address string, l limits) *DB {
	t.Helper()
	db, err := open(context.Background(), connection(t, address), l)
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

func connection(t testing.TB, address string) project.Connection {
	t.Helper()
	p, err := project.Open(t.TempDir(), os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	c, err := p.Connection(nil, func(name string) string {
		if name == project.EnvDatabase {
			return address
		}
		return ""
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
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
	table := action.Table{
		Name: "field_a_b", Parent: "content_a", Key: []string{"id"},
		Columns: []action.Column{
			{Name: "id", Type: action.ColumnText, NotNull: true},
			{Name: "rid", Type: action.ColumnInteger, NotNull: true, Default: int64(1)},
			{Name: "parent_id", Type: action.ColumnText, NotNull: true},
			{Name: "value", Type: action.ColumnJSON},
		},
		Indexes: []action.Index{{Name: "idx_field_a_b__parent_id", Table: "field_a_b", Columns: []string{"parent_id"}}},
	}
	for _, c := range []struct {
		step action.Step
		want []string
	}{
		{action.CreateTable{Table: table}, []string{
			"CREATE TABLE \"field_a_b\" (\n  \"id\" TEXT NOT NULL,\n  \"rid\" BIGINT NOT NULL DEFAULT 1,\n  \"parent_id\" TEXT NOT NULL,\n  \"value\" JSONB,\n" +
				"  CONSTRAINT \"pk_field_a_b\" PRIMARY KEY (\"id\"),\n" +
				"  CONSTRAINT \"fk_field_a_b__parent_id\" FOREIGN KEY (\"parent_id\") REFERENCES \"content_a\" (\"id\") ON DELETE CASCADE\n)",
			`CREATE INDEX "idx_field_a_b__parent_id" ON "field_a_b" ("parent_id")`,
		}},
		{action.RenameTable{From: "a", To: `b"; DROP TABLE x; --`}, []string{
			`ALTER TABLE "a" RENAME TO "b""; DROP TABLE x; --"`,
			`ALTER INDEX IF EXISTS "pk_a" RENAME TO "pk_b""; DROP TABLE x; --"`,
		}},
		{action.AddColumn{Table: "t", Column: action.Column{Name: "c", Type: action.ColumnText, NotNull: true, Default: `it's \ this`}}, []string{`ALTER TABLE "t" ADD COLUMN "c" TEXT NOT NULL DEFAULT 'it''s \ this'`}},
		{action.AddColumn{Table: "t", Column: action.Column{Name: "c", Type: action.ColumnTimestamp, DefaultNow: true}}, []string{`ALTER TABLE "t" ADD COLUMN "c" TIMESTAMPTZ`, `ALTER TABLE "t" ALTER COLUMN "c" SET DEFAULT CURRENT_TIMESTAMP`}},
		{action.AddColumn{Table: "t", Column: action.Column{Name: "c", Type: action.ColumnBoolean, Default: false}}, []string{`ALTER TABLE "t" ADD COLUMN "c" BOOLEAN DEFAULT FALSE`}},
		{action.RenameColumn{Table: "t", From: "a", To: "b"}, []string{`ALTER TABLE "t" RENAME COLUMN "a" TO "b"`}},
		{action.SetNotNull{Table: "t", Column: "c"}, []string{`ALTER TABLE "t" ALTER COLUMN "c" SET NOT NULL`}},
		{action.DropNotNull{Table: "t", Column: "c"}, []string{`ALTER TABLE "t" ALTER COLUMN "c" DROP NOT NULL`}},
		{action.CreateIndex{Index: index}, []string{`CREATE UNIQUE INDEX "i""x" ON "t" ("a", "b")`}},
		{action.DropIndex{Index: index}, []string{`DROP INDEX "i""x"`}},
		{action.Fill{Table: "t", Column: "c", Type: action.ColumnFloat, Value: int64(2)}, []string{`UPDATE "t" SET "c" = '2'::double precision WHERE "c" IS NULL`}},
		{action.Update{Table: "t", Set: []action.Assignment{{Column: "c", Value: "1"}}, Where: "true"}, []string{`UPDATE "t" SET "c" = 1 WHERE true`}},
		{action.Insert{Table: "t", Columns: []string{"a", "b"}, Select: "SELECT 1, 2"}, []string{`INSERT INTO "t" ("a", "b") SELECT 1, 2`}},
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
	db := connect(t, cluster.Database(t))
	must(t, db, `CREATE TABLE t (k BIGINT PRIMARY KEY DEFAULT 1)`)
	for i, c := range []struct {
		kind  action.ColumnType
		value any
		want  string // as the server writes it
	}{
		{action.ColumnText, "", ""},
		{action.ColumnText, "it's \"quoted\" \\ \\' ; -- é \U0001F600\n $1 ? $$", "it's \"quoted\" \\ \\' ; -- é \U0001F600\n $1 ? $$"},
		{action.ColumnText, "0123", "0123"},
		{action.ColumnInteger, int64(math.MaxInt64), "9223372036854775807"},
		{action.ColumnInteger, int64(math.MinInt64), "-9223372036854775808"},
		{action.ColumnFloat, 0.1, "0.1"},
		{action.ColumnFloat, -2.5e300, "-2.5e+300"},
		{action.ColumnFloat, 5e-324, "5e-324"},
		{action.ColumnFloat, 1e21, "1e+21"},
		{action.ColumnFloat, 0.30000000000000004, "0.30000000000000004"},
		{action.ColumnFloat, int64(3), "3"},
		{action.ColumnBoolean, true, "true"},
		{action.ColumnBoolean, false, "false"},
		{action.ColumnDatetime, "2024-02-29T23:59:59.123456Z", "2024-02-29 23:59:59.123456+00"},
		{action.ColumnJSON, `{"a":[1,"'"]}`, `{"a": [1, "'"]}`},
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
			return q.QueryRow(context.Background(), `SELECT `+column+`::text, `+equal+` FROM t`).Scan(&got, &same)
		})
		if err != nil || got != c.want || !same {
			t.Errorf("%v is %s, want %s, equal %v, %v", c.value, got, c.want, same, err)
		}
	}
}

func FuzzQuote(f *testing.F) {
	for _, name := range []string{`a"; DROP TABLE t; --`, `"`, `""`, "a'b", "[x]", "`", "select", "é", "a b", "\\", "?", "$1", "Foo", "foo"} {
		f.Add(name, name)
	}
	db, err := Open(context.Background(), connection(f, cluster.Database(f)))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { db.Close() })
	f.Fuzz(func(t *testing.T, name, text string) {
		if name == "" || len(name) > 63 || strings.ContainsRune(name+text, 0) || strings.ToValidUTF8(name+text, "") != name+text || name == "k" {
			return
		}
		statements, err := Dialect{}.Statements(action.AddColumn{Table: "t", Column: action.Column{Name: name, Type: action.ColumnText, Default: text}})
		if err != nil {
			t.Fatal(err)
		}
		must(t, db, `DROP TABLE IF EXISTS t`, `CREATE TABLE t (k INTEGER)`, `INSERT INTO t VALUES (1)`)
		must(t, db, statements...)
		err = db.Read(context.Background(), func(q database.Querier) error {
			tables, err := db.Inspect(context.Background(), q, []string{"t"})
			if err != nil || len(tables) != 1 || len(tables["t"].Columns) != 2 || tables["t"].Columns[1].Name != name {
				return fmt.Errorf("tables %+v, %w", tables, err)
			}
			var got string
			if err := q.QueryRow(context.Background(), `SELECT `+Dialect{}.Quote(name)+` FROM t WHERE `+Dialect{}.Quote(name)+` = ?`, text).Scan(&got); err != nil || got != text {
				return fmt.Errorf("%q, %w", got, err)
			}
			return nil
		})
		if err != nil {
			t.Errorf("%q, %q: %v", name, text, err)
		}
	})
}

func TestNumbered(t *testing.T) {
	for query, want := range map[string]string{
		`SELECT 1`: `SELECT 1`,
		`SELECT ? + ?, '?', "?" FROM x WHERE a = ?`:     `SELECT $1 + $2, '?', "?" FROM x WHERE a = $3`,
		`'it''s ?' || ? || 'a\' || ?`:                   `'it''s ?' || $1 || 'a\' || $2`,
		`E'a\'?' || ? || e'\\' || ?`:                    `E'a\'?' || $1 || e'\\' || $2`,
		`E'a''?' || ?`:                                  `E'a''?' || $1`,
		`"a""?" = ?`:                                    `"a""?" = $1`,
		"? -- what?\n = ?":                              "$1 -- what?\n = $2",
		"? -- what?":                                    "$1 -- what?",
		`? /* ? /* ? */ ? */ ?`:                         `$1 /* ? /* ? */ ? */ $2`,
		`$$ ? $$ || ? || $a_1$ ? $$ ? $a$ $a_1$ || ?`:   `$$ ? $$ || $1 || $a_1$ ? $$ ? $a$ $a_1$ || $2`,
		`a$b$ = ? AND c$b$ = ?`:                         `a$b$ = $1 AND c$b$ = $2`,
		`case'?' when ? then type e'?\'?' else 1e2+? `:  `case'?' when $1 then type e'?\'?' else 1e2+$2 `,
		`date'2024-01-01' = ?`:                          `date'2024-01-01' = $1`,
		`'open ?`:                                       `'open ?`,
		`/* open ?`:                                     `/* open ?`,
		`$x$ open ?`:                                    `$x$ open ?`,
		`?::name[] @> ARRAY[?] AND é = ? AND "é?" <> ?`: `$1::name[] @> ARRAY[$2] AND é = $3 AND "é?" <> $4`,
	} {
		if got := numbered(query); got != want {
			t.Errorf("%s\n got %s\nwant %s", query, got, want)
		}
	}
}

// FuzzNumbered compares our reading of SQL with the server's: a parameter must stand where we see one, and nowhere else.
func FuzzNumbered(f *testing.F) {
	for _, text := range []string{"a", "'", "\\", "--", "/*", "$$", "$x$", "\n", "E'", "\"", "?"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		literal := "'" + strings.ReplaceAll(text, "'", "''") + "'"
		name := `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
		if got, want := numbered("? "+literal+" ? "+name+" ?"), "$1 "+literal+" $2 "+name+" $3"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

func TestAFailedBatchLeavesNothing(t *testing.T) {
	db := connect(t, cluster.Database(t))
	must(t, db, `CREATE TABLE x (a INTEGER UNIQUE)`, `INSERT INTO x VALUES (1)`)
	if err := write(t, db, `INSERT INTO x VALUES (2)`, `CREATE TABLE y (a TEXT)`, `INSERT INTO x VALUES (1)`); err == nil {
		t.Fatal("no error")
	}
	if number(t, db, `SELECT count(*) FROM x`) != 1 || number(t, db, `SELECT count(*) FROM pg_class WHERE relname = 'y'`) != 0 {
		t.Error("half of a batch is there")
	}
	must(t, db, `INSERT INTO x VALUES (3)`)
	// A batch that goes on after an error must not look committed.
	err := db.Write(context.Background(), func(q database.Querier) error {
		if _, err := q.Exec(context.Background(), `INSERT INTO x VALUES (4)`); err != nil {
			return err
		}
		if _, err := q.Exec(context.Background(), `INSERT INTO x VALUES (1)`); err == nil {
			t.Error("no error")
		}
		return nil
	})
	if err == nil || errors.Is(err, database.ErrUnknown) {
		t.Errorf("want a failure, got %v", err)
	}
	if n := number(t, db, `SELECT count(*) FROM x`); n != 2 {
		t.Errorf("%d rows", n)
	}
}

func TestOneStatementIsOne(t *testing.T) {
	db := connect(t, cluster.Database(t))
	must(t, db, `CREATE TABLE x (a INTEGER)`)
	if err := write(t, db, `INSERT INTO x VALUES (1); DROP TABLE x`); err == nil {
		t.Error("two statements passed as one")
	}
	if n := number(t, db, `SELECT count(*) FROM x`); n != 0 {
		t.Errorf("%d rows", n)
	}
}

func TestReadersDoNotWaitAndSeeOneState(t *testing.T) {
	db := connect(t, cluster.Database(t))
	must(t, db, `CREATE TABLE x (a INTEGER)`, `INSERT INTO x VALUES (0)`)
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
		if _, err := q.Exec(context.Background(), `INSERT INTO x VALUES (2)`); err == nil {
			t.Error("a reading transaction wrote")
		}
		// What failed is forgotten, and the state is still the same one.
		if err := q.QueryRow(context.Background(), `SELECT max(a) FROM x`).Scan(&after); err != nil || before != after {
			t.Errorf("after a failure: %d, %v", after, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWritersTakeTurns(t *testing.T) {
	address := cluster.Database(t)
	one, two := connect(t, address), connect(t, address)
	must(t, one, `CREATE TABLE x (a INTEGER)`, `INSERT INTO x VALUES (0)`)
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

func TestInspect(t *testing.T) {
	db := connect(t, cluster.Database(t))
	must(t, db, `CREATE TYPE "My Type" AS ENUM ('a')`,
		`CREATE TABLE "t""x" (id TEXT PRIMARY KEY, gone INTEGER, "a b" BIGINT NOT NULL DEFAULT 3, c DOUBLE PRECISION UNIQUE, at TIMESTAMPTZ, v VARCHAR(20), own "My Type", j JSONB, b BOOLEAN)`,
		`ALTER TABLE "t""x" DROP COLUMN gone`,
		`CREATE UNIQUE INDEX u ON "t""x" ("a b", c) INCLUDE (v)`, `CREATE INDEX partial ON "t""x" (c) WHERE c > 1`, `CREATE INDEX expression ON "t""x" ("a b", lower(id))`,
		`CREATE INDEX "A" ON "t""x" (c)`, `CREATE INDEX falling ON "t""x" (c DESC)`, `CREATE INDEX gin ON "t""x" USING gin (j)`, `CREATE INDEX pattern ON "t""x" (v varchar_pattern_ops)`,
		`CREATE VIEW v AS SELECT 1`, `CREATE TABLE nothing ()`, `CREATE TABLE "Nothing" ("A" TEXT)`,
		`CREATE SCHEMA other`, `CREATE TABLE other.elsewhere (a TEXT)`, `CREATE TABLE other."t""x" (a TEXT, d TEXT NOT NULL)`)
	err := db.Read(context.Background(), func(q database.Querier) (err error) {
		tables, err := db.Inspect(context.Background(), q, []string{`t"x`, "none", "v", "elsewhere", "nothing", "Nothing"})
		if err != nil {
			return err
		}
		got := fmt.Sprintf("%+v", tables)
		want := `map[Nothing:{Name:Nothing Columns:[{Name:A Type:TEXT NotNull:false Default:false}] Indexes:[] Slots:1} nothing:{Name:nothing Columns:[] Indexes:[] Slots:0} ` +
			`t"x:{Name:t"x Columns:[{Name:id Type:TEXT NotNull:true Default:false} {Name:a b Type:BIGINT NotNull:true Default:true} {Name:c Type:DOUBLE PRECISION NotNull:false Default:false} ` +
			`{Name:at Type:TIMESTAMPTZ NotNull:false Default:false} {Name:v Type:CHARACTER VARYING(20) NotNull:false Default:false} {Name:own Type:"My Type" NotNull:false Default:false} ` +
			`{Name:j Type:JSONB NotNull:false Default:false} {Name:b Type:BOOLEAN NotNull:false Default:false}] ` +
			`Indexes:[{Name:A Table:t"x Columns:[c] Unique:false Special:false} {Name:expression Table:t"x Columns:[a b] Unique:false Special:true} ` +
			`{Name:falling Table:t"x Columns:[c] Unique:false Special:true} {Name:gin Table:t"x Columns:[j] Unique:false Special:true} ` +
			`{Name:partial Table:t"x Columns:[c] Unique:false Special:true} {Name:pattern Table:t"x Columns:[v] Unique:false Special:true} ` +
			`{Name:u Table:t"x Columns:[a b c] Unique:true Special:false}] Slots:9}]`
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		names, err := db.TableNames(context.Background(), q)
		if !slices.Equal(names, []string{"Nothing", "nothing", `t"x`}) {
			t.Errorf("%q", names)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []action.ColumnType{action.ColumnText, action.ColumnInteger, action.ColumnFloat, action.ColumnBoolean, action.ColumnDatetime, action.ColumnTimestamp, action.ColumnJSON} {
		d := Dialect{}
		must(t, db, `DROP TABLE nothing`, `CREATE TABLE nothing (a `+d.DeclaredType(kind)+`)`)
		err := db.Read(context.Background(), func(q database.Querier) error {
			tables, err := db.Inspect(context.Background(), q, []string{"nothing"})
			if err == nil && !d.SameType(kind, tables["nothing"].Columns[0].Type) {
				t.Errorf("%s is inspected as %s", kind, tables["nothing"].Columns[0].Type)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestBookkeeping(t *testing.T) {
	db := connect(t, cluster.Database(t))
	for range 2 {
		must(t, db, database.Bookkeeping()...)
	}
	err := db.Read(context.Background(), func(q database.Querier) error {
		names, err := db.TableNames(context.Background(), q)
		if !slices.Contains(names, "file_versions") || !slices.Contains(names, "marain_audit") {
			t.Errorf("%q", names)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Check(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestAFullDiskHasItsName(t *testing.T) {
	t.Parallel()
	db := connect(t, cluster.Database(t))
	err := write(t, db, `CREATE TABLE x (a BIGINT)`, `DO $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END $$`)
	if !errors.Is(err, database.ErrFull) || errors.Is(err, database.ErrUnreachable) || errors.Is(err, database.ErrDamaged) {
		t.Errorf("%v", err)
	}
	must(t, db, `CREATE TABLE x (a BIGINT)`)
}
