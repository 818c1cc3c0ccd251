package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/project"
	"marain/tests/cluster"
)

func migrate(t *testing.T, db *DB, steps ...action.Step) {
	t.Helper()
	statements, err := action.Statements(db.Dialect(), steps)
	if err != nil {
		t.Fatal(err)
	}
	must(t, db, statements...)
}

func TestOpen(t *testing.T) {
	t.Parallel()
	address := cluster.Database(t)
	given := connection(t, address)
	db := connect(t, address)
	if db.Location() != given.Location() || !strings.HasSuffix(db.Location(), "/"+given.Database) || db.Pooler() || len(db.Version()) < 2 {
		t.Errorf("%s %s %v", db.Location(), db.Version(), db.Pooler())
	}
	const canary = "CaNaRy"
	for name, change := range map[string]func(*project.Connection){
		"wrong password": func(c *project.Connection) { c.Password = canary },
		"no such user":   func(c *project.Connection) { c.Username, c.Password = "nobody_here", canary },
		"no such base":   func(c *project.Connection) { c.Database = "nothing_here" },
		"nobody answers": func(c *project.Connection) { c.Port = 1 },
		"no such host":   func(c *project.Connection) { c.Host = "host.invalid" },
		"bad ssl mode":   func(c *project.Connection) { c.SSLMode, c.Password = "what", canary },
		"encryption":     func(c *project.Connection) { c.SSLMode, c.Password = "require", canary },
	} {
		c := given
		c.URL = ""
		c.SSLMode = "disable"
		change(&c)
		began := time.Now()
		db, err := Open(context.Background(), c)
		if err == nil {
			db.Close()
		}
		if err == nil || strings.Contains(fmt.Sprintf("%+v", err), canary) || time.Since(began) > 15*time.Second {
			t.Errorf("%s: %v after %s", name, err, time.Since(began))
		}
	}
	// What the settings say leads to the same place as an address.
	c := given
	c.URL, c.SSLMode, c.Pool = "", "disable", 1
	other, err := Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	// One connection to read and one to write is the least: a batch may read beside its own transaction.
	err = other.Write(context.Background(), func(database.Querier) error {
		return other.Read(context.Background(), func(database.Querier) error { return nil })
	})
	if err != nil {
		t.Error(err)
	}
	if empty := another(t, address); true {
		says(t, empty, `DROP SCHEMA public`)
		if db, err := Open(context.Background(), given); err == nil || !strings.Contains(err.Error(), "search path") {
			t.Errorf("without a schema: %v", err)
			db.Close()
		}
	}
}

// TestOnlyTheFirstSchema has tables of the same name elsewhere, also where the search path would find them.
func TestOnlyTheFirstSchema(t *testing.T) {
	t.Parallel()
	address := cluster.Database(t)
	other := another(t, address)
	says(t, other, `CREATE TABLE theirs (a TEXT)`, `CREATE TABLE both_have (a TEXT)`, `CREATE SCHEMA "App one"`, `CREATE TABLE "App one".both_have (b TEXT)`)
	db := connect(t, address+"&search_path="+url.PathEscape(`"App one",public`))
	err := db.Read(context.Background(), func(q database.Querier) error {
		names, err := db.TableNames(context.Background(), q)
		if err != nil || !slices.Equal(names, []string{"both_have"}) {
			t.Errorf("%q, %v", names, err)
		}
		live, err := db.Inspect(context.Background(), q, []string{"both_have", "theirs"})
		if len(live) != 1 || live["both_have"].Columns[0].Name != "b" {
			t.Errorf("%+v", live)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := write(t, db, `ALTER TABLE theirs ADD COLUMN z TEXT`); err == nil {
		t.Error("a table of another schema was changed")
	}
	must(t, db, `CREATE TABLE content_a (id TEXT)`, `ALTER TABLE both_have ADD COLUMN z TEXT`)
	if n := number(t, connect(t, address), `SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public'`); n != 2 {
		t.Errorf("%d columns in the other schema", n)
	}
	// Two schemas are two places: neither waits for the other's writer.
	second := connectWith(t, address, quick())
	err = db.Write(context.Background(), func(database.Querier) error { return write(t, second, `CREATE TABLE elsewhere (a TEXT)`) })
	if err != nil {
		t.Error(err)
	}
}

// TestWhatIsOutOfUseHoldsNoName takes a table with everything out of use, makes another one of the same name, takes
// that out of use too, and brings the first one back.
func TestWhatIsOutOfUseHoldsNoName(t *testing.T) {
	t.Parallel()
	db := connect(t, cluster.Database(t))
	entity := "e" + strings.Repeat("x", 54) // so that names are as long as they may be, and some are shortened
	parent := action.Table{Name: "content_" + entity, Key: []string{"id"}, Columns: []action.Column{{Name: "id", Type: action.ColumnText, NotNull: true}}}
	child := action.Table{
		Name: "field_" + entity + "y", Key: []string{"id"}, Parent: parent.Name, Like: parent.Name,
		Columns: []action.Column{{Name: "id", Type: action.ColumnText, NotNull: true}, {Name: "parent_id", Type: action.ColumnText, NotNull: true}},
	}
	if len(parent.Name) != 63 || len(child.Name) != 62 {
		t.Fatalf("names of %d and %d bytes", len(parent.Name), len(child.Name))
	}
	retired := func(tag string) []action.Step {
		return []action.Step{
			action.RenameTable{From: parent.Name, To: action.OutOfUse(tag, parent.Name)}, action.RenameTable{From: child.Name, To: action.OutOfUse(tag, child.Name)},
		}
	}
	shape := func() (list []string) {
		err := db.Read(context.Background(), func(q database.Querier) error {
			rows, err := database.Reader{Querier: q}.Read(context.Background(), `SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) AS c FROM pg_constraint
WHERE connamespace = quote_ident(current_schema())::regnamespace AND conrelid::regclass::text NOT LIKE '%\_old\_%' ORDER BY conname`, 100)
			for _, row := range rows {
				list = append(list, fmt.Sprint(row["c"]))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	made := []action.Step{action.CreateTable{Table: parent}, action.CreateTable{Table: child}}
	migrate(t, db, made...)
	before := shape()
	must(t, db, `INSERT INTO `+parent.Name+` VALUES ('1')`, `INSERT INTO `+child.Name+` VALUES ('1', '1')`)
	migrate(t, db, retired("aaaaaaaaaa")...)
	migrate(t, db, made...)
	if after := shape(); !slices.Equal(after, before) {
		t.Errorf("the second tables have\n%q\nand the first had\n%q", after, before)
	}
	must(t, db, `INSERT INTO `+parent.Name+` VALUES ('1')`, `DELETE FROM `+parent.Name)
	migrate(t, db, retired("bbbbbbbbbb")...)
	migrate(t, db, action.RenameTable{From: action.OutOfUse("aaaaaaaaaa", parent.Name), To: parent.Name}, action.RenameTable{From: action.OutOfUse("aaaaaaaaaa", child.Name), To: child.Name})
	if after := shape(); !slices.Equal(after, before) {
		t.Errorf("what came back has\n%q\nand had\n%q", after, before)
	}
	if n := number(t, db, `SELECT count(*) FROM `+child.Name); n != 1 {
		t.Errorf("%d rows came back", n)
	}
	must(t, db, `DELETE FROM `+parent.Name)
	if n := number(t, db, `SELECT count(*) FROM `+child.Name); n != 0 {
		t.Error("what came back does not belong together any more")
	}
}

// TestATableWithAKeyOfAnotherName is one that Marain did not make.
func TestATableWithAKeyOfAnotherName(t *testing.T) {
	t.Parallel()
	db := connect(t, cluster.Database(t))
	must(t, db, `CREATE TABLE content_note (id TEXT PRIMARY KEY)`)
	migrate(t, db, action.RenameTable{From: "content_note", To: "_old_x_content_note"})
	migrate(t, db, action.CreateTable{Table: action.Table{Name: "content_note", Key: []string{"id"}, Columns: []action.Column{{Name: "id", Type: action.ColumnText}}}})
}

func TestGrants(t *testing.T) {
	t.Parallel()
	address := cluster.Database(t)
	db := connect(t, address)
	name := dbname(address)
	reader, writer, column := `reader "`+name+`"`, "writer_"+name, "column_"+name
	quote := Dialect{}.Quote
	must(t, db, `CREATE ROLE `+quote(reader), `CREATE ROLE `+writer, `CREATE ROLE `+column)
	t.Cleanup(func() {
		must(t, db, `DROP OWNED BY `+quote(reader)+`, `+writer+`, `+column, `DROP ROLE `+quote(reader), `DROP ROLE `+writer, `DROP ROLE `+column)
	})
	content := action.Table{Name: "content_note", Key: []string{"id"}, Columns: []action.Column{{Name: "id", Type: action.ColumnText}}}
	list := func(name string) action.Table {
		return action.Table{Name: name, Key: []string{"id"}, Columns: content.Columns, Like: content.Name}
	}
	migrate(t, db, action.CreateTable{Table: content}, action.CreateTable{Table: list("field_note_first")})
	must(t, db, `GRANT SELECT ON content_note TO `+quote(reader), `GRANT SELECT, INSERT, UPDATE ON content_note TO `+writer+` WITH GRANT OPTION`,
		`GRANT SELECT (id) ON content_note TO `+column, `GRANT SELECT ON content_note TO PUBLIC`)
	migrate(t, db, action.CreateTable{Table: list("field_note_second")})
	grants := func(table string) string {
		var text string
		err := db.Read(context.Background(), func(q database.Querier) error {
			return q.QueryRow(context.Background(), `SELECT coalesce(string_agg(CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END || ' ' || a.privilege_type || ' ' || a.is_grantable, ', ' ORDER BY a.grantee <> 0, pg_get_userbyid(a.grantee) COLLATE "C", a.privilege_type), '')
FROM pg_class AS c CROSS JOIN LATERAL aclexplode(c.relacl) AS a WHERE c.relname = ? AND a.grantee <> c.relowner`, table).Scan(&text)
		})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if first := grants("field_note_first"); first != "" {
		t.Errorf("before any grant: %s", first)
	}
	want := fmt.Sprintf(`PUBLIC SELECT false, %s SELECT false, %s INSERT true, %s SELECT true, %s UPDATE true`, reader, writer, writer, writer)
	if content, second := grants("content_note"), grants("field_note_second"); content != want || second != want {
		t.Errorf("\n have %s\n  got %s\n want %s", content, second, want)
	}
	migrate(t, db, action.RenameTable{From: "field_note_second", To: "_old_x_field_note_second"}, action.RenameTable{From: "_old_x_field_note_second", To: "field_note_second"})
	if second := grants("field_note_second"); second != want {
		t.Errorf("after it went and came back: %s", second)
	}
	// Where everyone sees only some rows, a new table without such rules shows nobody anything.
	must(t, db, `ALTER TABLE content_note ENABLE ROW LEVEL SECURITY`)
	migrate(t, db, action.CreateTable{Table: list("field_note_third")})
	if third := grants("field_note_third"); third != "" {
		t.Errorf("beside row level security: %s", third)
	}
}

func TestReaderReturnsPlainValues(t *testing.T) {
	t.Parallel()
	db := connect(t, cluster.Database(t))
	must(t, db, `CREATE TABLE x (a TEXT, b BIGINT, c DOUBLE PRECISION, d BOOLEAN, e TIMESTAMPTZ, f JSONB, g NUMERIC, h INTEGER, i UUID, j BYTEA, k DATE, l TEXT[])`,
		`INSERT INTO x VALUES ('t', 9223372036854775807, 0.1, true, '2024-02-29T23:59:59.123456+02:00', '{"a": [1, 2.50]}', 1.50, 7, '00000000-0000-0000-0000-000000000001', 'raw', '2024-02-29', '{a,b}')`,
		`INSERT INTO x (c, e) VALUES ('NaN', 'infinity')`)
	err := db.Read(context.Background(), func(q database.Querier) error {
		rows, err := database.Reader{Querier: q}.Read(context.Background(), `SELECT * FROM x ORDER BY a NULLS LAST`, 10)
		if err != nil {
			return err
		}
		got, err := json.Marshal(rows)
		want := `[{"a":"t","b":9223372036854775807,"c":0.1,"d":true,"e":"2024-02-29T21:59:59.123456Z","f":"{\"a\": [1, 2.50]}","g":"1.50","h":7,` +
			`"i":"00000000-0000-0000-0000-000000000001","j":"raw","k":"2024-02-29T00:00:00Z","l":"{a,b}"},` +
			`{"a":null,"b":null,"c":"NaN","d":null,"e":"infinity","f":null,"g":null,"h":null,"i":null,"j":null,"k":null,"l":null}]`
		if string(got) != want {
			t.Errorf("\n got %s\nwant %s", got, want)
		}
		if _, ok := rows[0]["b"].(int64); !ok {
			t.Errorf("an integer is a %T", rows[0]["b"])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestListen(t *testing.T) {
	t.Parallel()
	address := cluster.Database(t)
	proxy := cluster.NewProxy(t, address)
	listener, other := connect(t, proxy.URL), connect(t, address)
	must(t, other, `CREATE TABLE x (a TEXT)`)
	ctx, cancel := context.WithCancel(context.Background())
	hints, ended := make(chan struct{}, 100), make(chan struct{})
	go func() {
		defer close(ended)
		listener.Listen(ctx, func() { hints <- struct{}{} })
	}()
	hint := func(what string) {
		t.Helper()
		select {
		case <-hints:
		case <-time.After(20 * time.Second):
			t.Fatalf("no hint: %s", what)
		}
	}
	quiet := func(what string) {
		t.Helper()
		// A notification of our own would come before that of another, which is the mark to wait for.
		must(t, other, `INSERT INTO x VALUES ('mark')`)
		hint("the mark")
		if len(hints) > 0 {
			t.Errorf("a hint too many: %s", what)
		}
	}
	hint("listening began")
	must(t, other, `INSERT INTO x VALUES ('1')`)
	hint("another program wrote")
	must(t, listener, `INSERT INTO x VALUES ('2')`)
	quiet("our own batch")
	if err := write(t, other, `INSERT INTO x VALUES ('3')`, `nonsense`); err == nil {
		t.Fatal("no error")
	}
	quiet("a batch that failed")
	if err := other.Write(context.Background(), func(q database.Querier) error {
		var n int
		return q.QueryRow(context.Background(), `SELECT 1`).Scan(&n)
	}); err != nil {
		t.Fatal(err)
	}
	quiet("nothing was written")
	proxy.CutAll()
	hint("listening began anew") // what came meanwhile nobody heard, so it has to be looked for
	must(t, other, `INSERT INTO x VALUES ('4')`)
	hint("another program wrote after the connection was lost")
	cancel()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Error("listening does not end")
	}
}

func TestPooler(t *testing.T) {
	t.Parallel()
	proxy := cluster.NewProxy(t, cluster.Database(t))
	proxy.On("", cluster.Pooler, 0)
	db := connect(t, proxy.URL)
	if !db.Pooler() {
		t.Fatal("it is not noticed")
	}
	must(t, db, database.Bookkeeping()...)
	err := db.Read(context.Background(), func(q database.Querier) error {
		if _, err := db.Inspect(context.Background(), q, []string{"marain_audit"}); err != nil {
			return err
		}
		var kept int
		var mode string
		if err := q.QueryRow(context.Background(), `SELECT count(*), current_setting('plan_cache_mode') FROM pg_prepared_statements`).Scan(&kept, &mode); err != nil {
			return err
		}
		if kept != 0 || mode != "auto" {
			t.Errorf("%d statements and the setting %s are left on a connection that others get", kept, mode)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	db.Listen(context.Background(), func() { t.Error("a hint") }) // returns at once
}

func TestTheDatabaseIsReplaced(t *testing.T) {
	t.Parallel()
	address := cluster.Database(t)
	db := connect(t, address)
	must(t, db, `CREATE TABLE x (a TEXT)`)
	server := another(t, cluster.Database(t))
	name := dbname(address)
	says(t, server, `DROP DATABASE `+name+` WITH (FORCE)`, `CREATE DATABASE `+name)
	for what, err := range map[string]error{
		"write": write(t, db, `INSERT INTO x VALUES ('1')`), "check": db.Check(context.Background()),
		"read": db.Read(context.Background(), func(database.Querier) error { return nil }),
	} {
		if !errors.Is(err, database.ErrReplaced) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestALockIsWaitedForUntilAVacuumEnds compares how long a lock is waited for with when the server ends an automatic vacuum
// that is in the way.
func TestALockIsWaitedForUntilAVacuumEnds(t *testing.T) {
	for deadlock, want := range map[time.Duration]time.Duration{
		time.Second: 1250 * time.Millisecond, 500 * time.Millisecond: time.Second, 10 * time.Second: time.Second, 0: time.Second,
	} {
		if got := patience(time.Second, deadlock); got != want {
			t.Errorf("%s: %s, want %s", deadlock, got, want)
		}
	}
	db := connect(t, cluster.Database(t))
	if db.deadlock != time.Second {
		t.Errorf("the server looks after %s", db.deadlock)
	}
}
