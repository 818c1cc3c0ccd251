package postgres

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"marain/backend/action"
	"marain/backend/database"
	"marain/tests/cluster"

	"github.com/jackc/pgx/v5"
)

// backUp copies tables as a batch does: under the lock.
func backUp(t *testing.T, db *DB, file string, tables ...string) error {
	t.Helper()
	return db.Write(background, func(q database.Querier) error {
		names, err := db.Backup(background, q, tables, file)
		if err == nil && names == nil {
			t.Error("it says that it holds everything")
		}
		return err
	})
}

// state describes all tables of the schema: shapes, rules, indexes, triggers and rows.
func state(t *testing.T, db *DB) string {
	t.Helper()
	var out strings.Builder
	err := db.Read(background, func(q database.Querier) error {
		names, err := db.TableNames(background, q)
		if err != nil {
			return err
		}
		shapes, err := db.shapes(background, q, names)
		if err != nil {
			return err
		}
		for _, s := range shapes {
			slices.SortFunc(s.Columns, func(a, b column) int { return strings.Compare(a.Name, b.Name) })
			slices.SortFunc(s.Constraints, func(a, b constraint) int { return strings.Compare(a.Name, b.Name) })
			slices.Sort(s.Indexes)
			s.ID = 0
			fmt.Fprintf(&out, "%+v\n", s)
			var list []string
			for _, c := range s.Columns {
				list = append(list, Dialect{}.Quote(c.Name)+"::text")
			}
			rows, err := (database.Reader{Querier: q}).Read(background, "SELECT concat_ws('|', "+strings.Join(list, ", ")+") AS row FROM "+Dialect{}.Quote(s.Name)+" ORDER BY 1", 10000)
			if err != nil {
				return err
			}
			fmt.Fprintln(&out, rows)
		}
		triggers, err := (database.Reader{Querier: q}).Read(background, `SELECT tgrelid::regclass::text AS t, tgname::text AS n, tgenabled::text AS e FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2`, 1000)
		fmt.Fprintln(&out, triggers)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func nothing(database.Querier) error { return nil }

// strange makes tables with everything that a table can have, and rows that are hard to write down.
func strange(t *testing.T) *DB {
	t.Helper()
	db := connect(t, cluster.Database(t))
	must(t, db,
		`CREATE TYPE mood AS ENUM ('so''so', 'fine')`, `CREATE SEQUENCE counted`,
		`CREATE TABLE content_x (id TEXT NOT NULL, a TEXT COLLATE "C" DEFAULT 'd''e', n BIGINT, f DOUBLE PRECISION, b BOOLEAN, at TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP, j JSONB,
			"odd ""name" TEXT, list TEXT[], m mood, raw BYTEA, d NUMERIC(20, 10), long INTERVAL, twice BIGINT GENERATED ALWAYS AS (n / 2) STORED,
			own BIGINT GENERATED ALWAYS AS IDENTITY, serial BIGINT NOT NULL DEFAULT nextval('counted'), CONSTRAINT pk_content_x PRIMARY KEY (id), CONSTRAINT positive CHECK (n <> 13))`,
		`CREATE TABLE field_x_t (id TEXT NOT NULL, parent_id TEXT NOT NULL, value TEXT, CONSTRAINT pk_field_x_t PRIMARY KEY (id),
			CONSTRAINT fk_field_x_t__parent_id FOREIGN KEY (parent_id) REFERENCES content_x (id) ON DELETE CASCADE)`,
		`CREATE UNIQUE INDEX uq_content_x__a ON content_x (a)`, `CREATE INDEX part ON content_x (lower(a)) WHERE n > 1`, `CREATE INDEX idx_field_x_t__parent_id ON field_x_t (parent_id)`,
		`INSERT INTO content_x (id, a, n, f, b, at, j, "odd ""name", list, m, raw, d, long) VALUES
			('1', E'tab\t, \\ backslash, "quotes", line\nend, \\N, \\.', 9223372036854775807, 0.1, true, '2024-02-29 23:59:59.999999+05', '{"a": [1, "\n"]}', 'é😀', '{"a,b",NULL,"c\"d"}', 'so''so', '\x00ff', 1.0000000001, '1 year 2 days'),
			('2', '', -9223372036854775808, 'NaN', false, 'infinity', 'null', NULL, '{}', 'fine', '', NULL, NULL),
			('3', NULL, NULL, 5e-324, NULL, '0001-01-01 BC', NULL, '\N', NULL, NULL, NULL, 'NaN', '-3 hours'),
			('4', E'\\N', 0, '-Infinity', true, '4714-11-24 00:00:00+00 BC', '"\\u00e9"', E'\\.', '{{1,2},{3,4}}', 'fine', '\xdeadbeef', 0, '0')`,
		`INSERT INTO field_x_t VALUES ('a', '1', 'one'), ('b', '1', NULL), ('c', '4', '')`,
		`CREATE TABLE log (what TEXT)`,
		`CREATE FUNCTION logs() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES (TG_OP); RETURN NULL; END $$`,
		`CREATE TRIGGER fires AFTER INSERT OR DELETE ON content_x FOR EACH ROW EXECUTE FUNCTION logs()`,
		`CREATE TRIGGER sleeps AFTER INSERT ON content_x FOR EACH ROW EXECUTE FUNCTION logs()`, `ALTER TABLE content_x DISABLE TRIGGER sleeps`,
		`CREATE TRIGGER always AFTER INSERT ON field_x_t FOR EACH ROW EXECUTE FUNCTION logs()`, `ALTER TABLE field_x_t ENABLE ALWAYS TRIGGER always`)
	return db
}

var mine = []string{"content_x", "field_x_t", "content_revisions_x"}

func TestEverythingComesBack(t *testing.T) {
	t.Parallel()
	for name, change := range map[string][]string{
		"nothing changed": {},
		"rows":            {`DELETE FROM field_x_t`, `UPDATE content_x SET a = id, n = 1`, `DELETE FROM content_x WHERE id = '2'`},
		"columns": {
			`ALTER TABLE content_x DROP COLUMN twice`, `ALTER TABLE content_x RENAME COLUMN n TO _old_0123456789_n`, `ALTER TABLE content_x ADD COLUMN n TEXT NOT NULL DEFAULT 'x'`,
			`UPDATE content_x SET a = id`, `ALTER TABLE content_x ALTER COLUMN a SET NOT NULL`, `ALTER TABLE content_x DROP COLUMN own, DROP COLUMN list, ADD COLUMN more TEXT`,
		},
		"defaults": {`ALTER TABLE content_x ALTER COLUMN a SET DEFAULT 'other', ALTER COLUMN at DROP DEFAULT, ALTER COLUMN n SET DEFAULT 3, ALTER COLUMN serial DROP NOT NULL`},
		"rules": {
			`ALTER TABLE content_x DROP CONSTRAINT positive, ADD CONSTRAINT another CHECK (n IS NULL OR n <> 14)`, `DROP INDEX uq_content_x__a`, `CREATE INDEX uq_content_x__a ON content_x (n)`,
			`ALTER TABLE field_x_t DROP CONSTRAINT fk_field_x_t__parent_id`, `ALTER TABLE content_x DROP CONSTRAINT pk_content_x, ADD CONSTRAINT other PRIMARY KEY (id)`,
		},
		"out of use": {
			`ALTER TABLE field_x_t RENAME TO _old_0123456789_field_x_t`, `ALTER TABLE content_x RENAME TO _old_0123456789_content_x`,
			`CREATE TABLE content_x (id TEXT PRIMARY KEY, other TEXT)`, `CREATE TABLE field_x_more (id TEXT PRIMARY KEY, parent_id TEXT REFERENCES content_x (id))`,
			`INSERT INTO content_x VALUES ('9')`, `INSERT INTO field_x_more VALUES ('9', '9')`,
		},
		"gone": {`DROP TRIGGER fires ON content_x`, `DROP TRIGGER sleeps ON content_x`, `DROP TRIGGER always ON field_x_t`, `DROP TABLE field_x_t, content_x`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := strange(t)
			if strings.HasPrefix(name, "gone") { // what is gone takes its triggers along
				must(t, db, change[:3]...)
			}
			must(t, db, `DELETE FROM log`)
			before := state(t, db)
			file := filepath.Join(t.TempDir(), "x.copy")
			if err := backUp(t, db, file, mine...); err != nil {
				t.Fatal(err)
			}
			if name == "gone" {
				change = change[3:]
			}
			must(t, db, change...)
			must(t, db, `DELETE FROM log`)
			present := []string{"content_x", "field_x_t", "field_x_more", "_old_0123456789_content_x", "_old_0123456789_field_x_t"}
			for range 2 {
				if err := db.Restore(background, file, present, nothing, nothing); err != nil {
					t.Fatal(err)
				}
				if after := state(t, db); after != before {
					t.Fatalf("got\n%s\nwant\n%s", after, before)
				}
			}
			// The tables work as they did.
			must(t, db, `INSERT INTO content_x (id, n) VALUES ('new', 4)`)
			if err := write(t, db, `INSERT INTO content_x (id, n) VALUES ('new', 5)`); err == nil {
				t.Error("the key is gone")
			}
			if err := write(t, db, `INSERT INTO field_x_t (id, parent_id) VALUES ('x', 'nobody')`); err == nil {
				t.Error("the reference is gone")
			}
		})
	}
}

func TestContentsAndDamage(t *testing.T) {
	t.Parallel()
	db := strange(t)
	file := filepath.Join(t.TempDir(), "x.copy")
	if err := backUp(t, db, file, mine...); err != nil {
		t.Fatal(err)
	}
	rows, err := db.Contents(background, file)
	if err != nil || len(rows) != 2 || rows["content_x"] != 4 || rows["field_x_t"] != 3 {
		t.Errorf("%v, %v", rows, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if err := backUp(t, db, file, mine...); err == nil {
		t.Error("it was written over")
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before := state(t, db)
	damaged := filepath.Join(t.TempDir(), "damaged.copy")
	for n := range whole { // cut short anywhere
		if err := os.WriteFile(damaged, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if rows, err := db.Contents(background, damaged); err == nil {
			t.Fatalf("cut to %d of %d: %v", n, len(whole), rows)
		}
		if n%97 == 0 {
			if err := db.Restore(background, damaged, mine, nothing, nothing); err == nil {
				t.Fatalf("cut to %d of %d: restored", n, len(whole))
			}
		}
	}
	if err := os.WriteFile(damaged, append(slices.Clone(whole), 0), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := db.Restore(background, damaged, mine, nothing, nothing); err == nil {
		t.Error("something follows its end")
	}
	if after := state(t, db); after != before {
		t.Errorf("something was changed:\n%s\n%s", before, after)
	}
}

func TestARestoreThatEndsEarlyChangesNothing(t *testing.T) {
	t.Parallel()
	db := strange(t)
	file := filepath.Join(t.TempDir(), "x.copy")
	if err := backUp(t, db, file, mine...); err != nil {
		t.Fatal(err)
	}
	must(t, db, `UPDATE content_x SET a = id`, `ALTER TABLE content_x ADD COLUMN later TEXT`)
	fault := errors.New("fault")
	fails := func(database.Querier) error { return fault }
	refused := func(name string, before, after func(database.Querier) error) {
		t.Helper()
		was := state(t, db)
		if err := db.Restore(background, file, mine, before, after); err == nil {
			t.Errorf("%s: no error", name)
		}
		if now := state(t, db); now != was {
			t.Errorf("%s changed something:\n%s\n%s", name, was, now)
		}
	}
	refused("before fails", fails, nothing)
	refused("after fails", nothing, fails)
	refused("after breaks", nothing, func(q database.Querier) error {
		_, err := q.Exec(background, `INSERT INTO nowhere VALUES (1)`)
		return err
	})
	// What another program built on it stands in the way, and stays.
	for drop, make := range map[string]string{
		`DROP VIEW v`:   `CREATE VIEW v AS SELECT later FROM content_x`,
		`DROP TABLE r`:  `CREATE TABLE r (x TEXT REFERENCES content_x (id) ON DELETE CASCADE)`,
		`DROP VIEW gen`: `CREATE MATERIALIZED VIEW gen AS SELECT later FROM content_x`,
	} {
		must(t, db, make)
		refused(make, nothing, nothing)
		must(t, db, strings.Replace(drop, "VIEW gen", "MATERIALIZED VIEW gen", 1))
	}
	if err := db.Restore(background, file, mine, nothing, nothing); err != nil {
		t.Fatal(err)
	}
}

// While a backup is taken, and until the batch ends, nobody else writes to those tables; other programs read them, and
// write to others.
func TestABackupKeepsWritersOut(t *testing.T) {
	t.Parallel()
	db := strange(t)
	other, err := pgx.ConnectConfig(background, db.config)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(background)
	must(t, db, `SELECT set_config('lock_timeout', '10', false)`)
	if _, err := other.Exec(background, `SET lock_timeout = 10`); err != nil {
		t.Fatal(err)
	}
	err = db.Write(background, func(q database.Querier) error {
		if _, err := db.Backup(background, q, mine, filepath.Join(t.TempDir(), "x.copy")); err != nil {
			return err
		}
		for statement, works := range map[string]bool{
			`SELECT count(*) FROM content_x`: true, `INSERT INTO log VALUES ('x')`: true,
			`INSERT INTO field_x_t VALUES ('x', '1', '')`: false, `UPDATE content_x SET n = 1`: false, `TRUNCATE content_x, field_x_t`: false,
		} {
			if _, err := other.Exec(background, statement); (err == nil) != works {
				t.Errorf("%s: %v", statement, err)
			}
		}
		// What the settings of a copy were is forgotten: the batch goes on under its own, in which no policy hides rows.
		var zone, style string
		if err := q.QueryRow(background, `SELECT current_setting('extra_float_digits'), current_setting('row_security')`).Scan(&zone, &style); err != nil || zone == "3" || style != "off" {
			t.Errorf("%s %s, %v", zone, style, err)
		}
		_, err := q.Exec(background, `ALTER TABLE content_x ADD COLUMN later TEXT`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A writer who does not let go delays a backup, and nothing else happens.
func TestABackupBehindAWriter(t *testing.T) {
	t.Parallel()
	address := cluster.Database(t)
	l := usual()
	l.lock, l.tries, l.pause = 20*time.Millisecond, 2, time.Millisecond
	db := connectWith(t, address, l)
	must(t, db, `CREATE TABLE content_x (id TEXT PRIMARY KEY)`)
	other, err := pgx.ConnectConfig(background, db.config)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(background)
	if _, err := other.Exec(background, `BEGIN; INSERT INTO content_x VALUES ('1')`); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "x.copy")
	if err := backUp(t, db, file, "content_x"); !errors.Is(err, database.ErrLocked) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if _, err := other.Exec(background, `COMMIT`); err != nil {
		t.Fatal(err)
	}
	if err := backUp(t, db, file, "content_x"); err != nil {
		t.Fatal(err)
	}
	rows, err := db.Contents(background, file)
	if err != nil || rows["content_x"] != 1 {
		t.Errorf("%v, %v", rows, err)
	}
}

// Rows that a policy hides are not left out without a word.
func TestRowsThatAPolicyHides(t *testing.T) {
	t.Parallel()
	db := connect(t, cluster.Database(t))
	must(t, db, `CREATE TABLE content_x (id TEXT PRIMARY KEY)`, `INSERT INTO content_x VALUES ('1')`, `ALTER TABLE content_x ENABLE ROW LEVEL SECURITY`, `ALTER TABLE content_x FORCE ROW LEVEL SECURITY`,
		`CREATE ROLE keeper_`+strings.ToLower(db.id[:10])+` NOSUPERUSER`, `GRANT ALL ON content_x TO keeper_`+strings.ToLower(db.id[:10]))
	err := db.Write(background, func(q database.Querier) error {
		if _, err := q.Exec(background, `SET LOCAL ROLE keeper_`+strings.ToLower(db.id[:10])); err != nil {
			return err
		}
		_, err := db.Backup(background, q, []string{"content_x"}, filepath.Join(t.TempDir(), "x.copy"))
		return err
	})
	if err == nil {
		t.Error("a backup without rows was taken")
	}
	must(t, db, `DROP OWNED BY keeper_`+strings.ToLower(db.id[:10]), `DROP ROLE keeper_`+strings.ToLower(db.id[:10]))
}

func TestMeasureAndDependents(t *testing.T) {
	t.Parallel()
	db := strange(t)
	must(t, db, `ALTER TABLE content_x RENAME COLUMN d TO _old_1_d`, `CREATE INDEX later ON content_x (_old_1_d)`, `CREATE VIEW v AS SELECT _old_1_d FROM content_x`, `CREATE TABLE r (x TEXT REFERENCES content_x (id))`)
	err := db.Read(background, func(q database.Querier) error {
		m, err := db.Measure(background, q, action.Place{Table: "content_x", Column: "_old_1_d"})
		if err != nil || m.Rows != 4 || m.Values != 3 || m.Bytes <= 0 {
			t.Errorf("column: %+v, %v", m, err)
		}
		m, err = db.Measure(background, q, action.Place{Table: "content_x"})
		if err != nil || m.Rows != 4 || m.Values != 4 || m.Bytes < 8192 {
			t.Errorf("table: %+v, %v", m, err)
		}
		if _, err := db.Measure(background, q, action.Place{Table: "none"}); err == nil {
			t.Error("no error")
		}
		for place, c := range map[action.Place]struct{ going, want string }{
			{Table: "content_x", Column: "_old_1_d"}: {"", "the view v uses _old_1_d; an index uses _old_1_d: CREATE INDEX later ON public.content_x USING btree (_old_1_d)"},
			{Table: "content_x"}:                     {"content_x", "the table field_x_t refers to content_x; the table r refers to content_x; the view v uses content_x"},
			{Table: "field_x_t"}:                     {"content_x", ""},
		} {
			found, err := db.Dependents(background, q, place, strings.Split(c.going, ","))
			if got := strings.Join(found, "; "); err != nil || got != c.want {
				t.Errorf("%v: %q, %v", place, got, err)
			}
		}
		found, err := db.Dependents(background, q, action.Place{Table: "content_x"}, []string{"content_x", "field_x_t", "r"})
		if err != nil || len(found) != 1 {
			t.Errorf("%v, %v", found, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
