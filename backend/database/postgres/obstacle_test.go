package postgres

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"marain/backend/database"
)

// errTaken takes a restore back that worked.
var errTaken = errors.New("taken back")

// obstacles says what stands in the way of a restore, as "key: message".
func obstacles(t *testing.T, db *DB, file string, present ...string) string {
	t.Helper()
	var list []string
	err := db.Read(background, func(q database.Querier) error {
		found, err := db.Obstacles(background, q, file, present)
		for _, b := range found {
			list = append(list, b.Key+": "+b.Message)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(list, "; ")
}

// What the server would refuse a restore for is said before, and nothing else is.
func TestObstacles(t *testing.T) {
	t.Parallel()
	db := strange(t)
	file := filepath.Join(t.TempDir(), "x.copy")
	must(t, db, `CREATE SCHEMA more`)
	if err := backUp(t, db, file, mine...); err != nil {
		t.Fatal(err)
	}
	must(t, db, `ALTER TABLE content_x ADD COLUMN later TEXT, ADD COLUMN reckoned TEXT GENERATED ALWAYS AS (a || 'x') STORED`, `ALTER TABLE content_x DROP CONSTRAINT positive`,
		`CREATE TABLE field_x_more (id TEXT PRIMARY KEY, parent_id TEXT REFERENCES content_x (id))`, `CREATE FUNCTION yes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$`)
	present := append([]string{"field_x_more"}, mine...)
	for _, c := range []struct{ name, make, drop, want string }{
		{
			"a reference", `CREATE TABLE r (x TEXT REFERENCES content_x (id) ON DELETE CASCADE)`, `DROP TABLE r`,
			"content_x: the foreign key r_x_fkey of the table r refers to content_x",
		},
		{
			"a reference of another schema", `CREATE TABLE more."R s" (x TEXT CONSTRAINT "to x" REFERENCES field_x_more)`, `DROP TABLE more."R s"`,
			`field_x_more: the foreign key "to x" of the table more."R s" refers to field_x_more`,
		},
		{"a view of a column that goes", `CREATE VIEW v AS SELECT later FROM content_x`, `DROP VIEW v`, "content_x.later: the view v uses later"},
		{"a view of what is computed", `CREATE VIEW more.v AS SELECT twice FROM content_x`, `DROP VIEW more.v`, "content_x.twice: the view more.v uses twice"},
		{"a materialized view", `CREATE MATERIALIZED VIEW m AS SELECT later FROM content_x`, `DROP MATERIALIZED VIEW m`, "content_x.later: the materialized view m uses later"},
		{"a view of a table that goes", `CREATE VIEW v AS SELECT count(*) FROM field_x_more`, `DROP VIEW v`, "field_x_more: the view v uses field_x_more"},
		{"a view that counts on the key", `CREATE VIEW v AS SELECT id, a FROM content_x GROUP BY id`, `DROP VIEW v`, "content_x: the view v uses pk_content_x"},
		{"a policy", `CREATE POLICY p ON content_x USING (later IS NULL)`, `DROP POLICY p ON content_x`, "content_x.later: the policy p on public.content_x uses later"},
		{
			"a trigger", `CREATE TRIGGER g BEFORE UPDATE OF later ON content_x FOR EACH ROW EXECUTE FUNCTION yes()`, `DROP TRIGGER g ON content_x`,
			"content_x.later: the trigger g on public.content_x uses later",
		},
		{
			"a function", `CREATE FUNCTION takes(x field_x_more) RETURNS TEXT LANGUAGE sql AS 'SELECT 1::text'`, `DROP FUNCTION takes`,
			"field_x_more: the function public.takes(public.field_x_more) uses field_x_more",
		},
		{"an heir of a table that goes", `CREATE TABLE h () INHERITS (field_x_more)`, `DROP TABLE h`, "field_x_more: the table public.h uses field_x_more"},
		{"nothing", `SELECT 1`, `SELECT 1`, ""},
		{"a view of what stays", `CREATE VIEW v AS SELECT a, n FROM content_x`, `DROP VIEW v`, ""},
		{"what goes along", `CREATE TRIGGER g BEFORE UPDATE OF id ON field_x_more FOR EACH ROW WHEN (new.id IS NULL) EXECUTE FUNCTION yes()`, `DROP TRIGGER g ON field_x_more`, ""},
		{"a policy of a table that goes", `CREATE POLICY p ON field_x_more USING (id IS NULL)`, `DROP POLICY p ON field_x_more`, ""},
		{"an index and statistics", `CREATE INDEX i ON content_x (later); CREATE STATISTICS s ON later, a FROM content_x`, `DROP INDEX i; DROP STATISTICS s`, ""},
		{"an heir", `CREATE TABLE h () INHERITS (content_x)`, `DROP TABLE h`, "content_x.twice: the table h inherits from content_x, and the column twice cannot come back in it"},
	} {
		must(t, db, strings.Split(c.make, "; ")...)
		got := obstacles(t, db, file, present...)
		if got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
		// The server says the same, as far as it says anything; what it would do is taken back.
		err := db.Restore(background, file, present, nothing, func(database.Querier) error { return errTaken })
		if refused := err == nil || !strings.Contains(err.Error(), errTaken.Error()); refused != (c.want != "") && c.name != "an heir" {
			t.Errorf("%s: %v", c.name, err)
		}
		must(t, db, strings.Split(c.drop, "; ")...)
	}
}

// A table that inherits from one keeps its rows, which the file has none of, and their values.
func TestRowsOfAnHeirSurviveARestore(t *testing.T) {
	t.Parallel()
	db := strange(t)
	must(t, db, `ALTER TABLE content_x DROP COLUMN twice, DROP COLUMN own`, `CREATE TABLE h (own_part TEXT) INHERITS (content_x)`, `INSERT INTO h (id, a, n, own_part) VALUES ('h', 'kept', 7, 'more')`)
	file := filepath.Join(t.TempDir(), "x.copy")
	if err := backUp(t, db, file, mine...); err != nil {
		t.Fatal(err)
	}
	must(t, db, `DELETE FROM ONLY content_x WHERE id = '2'`, `INSERT INTO h (id, a) VALUES ('i', 'new')`, `ALTER TABLE content_x ADD COLUMN later TEXT`, `UPDATE h SET later = 'then'`,
		`ALTER TABLE content_x RENAME COLUMN n TO _old_0123456789_n`)
	if found := obstacles(t, db, file, mine...); found != "" {
		t.Fatal(found)
	}
	for range 2 {
		if err := db.Restore(background, file, mine, nothing, nothing); err != nil {
			t.Fatal(err)
		}
	}
	err := db.Read(background, func(q database.Querier) error {
		var rows, all string
		err := q.QueryRow(background, `SELECT (SELECT string_agg(concat_ws('|', id, a, _old_0123456789_n, later, own_part), ' ' ORDER BY id) FROM h),
			(SELECT string_agg(id, ' ' ORDER BY id) FROM content_x)`).Scan(&rows, &all)
		if rows != "h|kept|7|then|more i|new|then" || all != "1 2 3 4 h i" {
			t.Errorf("%s; %s", rows, all)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	// One that must have a value could not come back.
	must(t, db, `ALTER TABLE content_x DROP COLUMN serial`)
	if found := obstacles(t, db, file, mine...); found != "content_x.serial: the table h inherits from content_x, and the column serial cannot come back in it" {
		t.Error(found)
	}
}
