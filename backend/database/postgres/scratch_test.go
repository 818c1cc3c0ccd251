package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"marain/backend/action"
	"marain/backend/database"
	"marain/tests/cluster"
)

var background = context.Background()

var errTest = errors.New("test")

// whole is a copy of everything there is.
func whole(tables ...string) database.Copy {
	return database.Copy{Tables: tables, Rows: 1000, Bytes: 16 << 20, Sample: 10}
}

// values reads a query exactly.
func values(t *testing.T, q database.Querier, query string) string {
	t.Helper()
	rows, err := database.Reader{Querier: q}.Read(background, query, 10_000)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return fmt.Sprint(rows)
}

func TestAScratchIsACopyThatNobodySees(t *testing.T) {
	db := connect(t, cluster.Database(t))
	must(t, db,
		`CREATE TYPE mood AS ENUM ('sad', 'ok')`, `CREATE FUNCTION half(n INTEGER) RETURNS INTEGER IMMUTABLE LANGUAGE sql AS 'SELECT n / 2'`,
		`CREATE TABLE "p""a" (id TEXT CONSTRAINT "p k" PRIMARY KEY, gone INTEGER, b DOUBLE PRECISION, m mood, n INTEGER NOT NULL DEFAULT 3 CONSTRAINT positive CHECK (n > 0),
at TIMESTAMPTZ, j JSONB, twice INTEGER GENERATED ALWAYS AS (n * 2) STORED, number INTEGER GENERATED ALWAYS AS IDENTITY, CONSTRAINT both_once UNIQUE (b, n))`,
		`ALTER TABLE "p""a" DROP COLUMN gone`,
		`CREATE TABLE "Child" (id BIGINT PRIMARY KEY, parent_id TEXT CONSTRAINT "f k" REFERENCES "p""a" (id) ON DELETE CASCADE)`,
		`CREATE TABLE plain (k TEXT, v NUMERIC)`, `CREATE TABLE other (a INTEGER)`, `INSERT INTO other VALUES (1)`,
		`CREATE UNIQUE INDEX "u""x" ON "p""a" (n, half(n), id)`, `CREATE INDEX part ON "Child" (parent_id) WHERE id > 1`,
		`INSERT INTO "p""a" (id, b, m, n, at, j) VALUES ('1', 1, 'sad', 1, '2024-01-01', '{"a": 1.0}'), ('2', '-0', NULL, 2, NULL, 'null'), ('3', 'NaN', 'ok', 3, 'infinity', NULL)`,
		`INSERT INTO "Child" VALUES (7, '1'), (3, '2'), (9, NULL)`, `INSERT INTO plain VALUES ('a', 1.50), ('a', 1.5)`)
	shape := func(schema string) string {
		return `SELECT c.relname::text AS t, a.attname::text AS c, format_type(a.atttypid, a.atttypmod) AS k, a.attnotnull AS n, pg_get_expr(d.adbin, d.adrelid) AS d FROM pg_class AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relkind = 'r' AND c.relname IN ('p"a', 'Child', 'plain') AND c.relnamespace = ` + schema + ` ORDER BY 1, 2`
	}
	rules := func(schema string) string {
		return `SELECT k.conname::text AS n, k.contype::text AS t, replace(replace(pg_get_constraintdef(k.oid), 'pg_temp.', ''), 'public.', '') AS d, NULL AS i FROM pg_constraint AS k
WHERE k.connamespace = ` + schema + ` UNION ALL SELECT i.relname::text, 'i', regexp_replace(pg_get_indexdef(x.indexrelid), 'ON [a-z_0-9]+\.', 'ON '), x.indisunique::text FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid
JOIN pg_class AS c ON c.oid = x.indrelid WHERE c.relnamespace = ` + schema + ` AND c.relname <> 'other' ORDER BY 1, 2`
	}
	const here, there = `'public'::regnamespace`, `pg_my_temp_schema()`
	err := db.Scratch(background, whole("Child", "plain", "none"), func(s database.Scratch) error {
		if s.Rows != 8 || s.Total != 8 || s.Sampled || s.More || !slices.Equal(s.Tables, []string{"Child", `p"a`, "plain"}) {
			t.Errorf("%d of %d rows, sampled %v, of %q", s.Rows, s.Total, s.Sampled, s.Tables)
		}
		err := db.Read(background, func(q database.Querier) error {
			for _, query := range []string{
				`SELECT id, b::text, m::text, n, at::text, j::text, twice, number FROM "p""a" ORDER BY id`,
				`SELECT * FROM "Child" ORDER BY id`, `SELECT k, v::text FROM plain ORDER BY v::text`,
			} {
				if want, got := values(t, q, query), values(t, s, query); got != want {
					t.Errorf("%s\n got %s\nwant %s", query, got, want)
				}
			}
			for _, query := range []func(string) string{shape, rules} {
				// A type or function of the schema has its name in full, because the search path does not lead there.
				if want, got := values(t, q, query(here)), strings.ReplaceAll(values(t, s, query(there)), "public.", ""); got != want || len(want) < 50 {
					t.Errorf("%s\n got %s\nwant %s", query(""), got, want)
				}
			}
			want, err := db.Inspect(background, q, []string{"Child", `p"a`, "plain"})
			if err != nil {
				return err
			}
			got, err := db.Inspect(background, s, []string{"Child", `p"a`, "plain", "other"})
			for _, tables := range []map[string]action.LiveTable{want, got} { // what was dropped before is no part of a copy
				for name, table := range tables {
					table.Slots = 0
					tables[name] = table
				}
			}
			if strings.ReplaceAll(fmt.Sprint(got), "PUBLIC.", "") != fmt.Sprint(want) {
				t.Errorf("\n got %+v\nwant %+v", got, want)
			}
			return err
		})
		if err != nil {
			return err
		}
		var exact string
		if err := s.QueryRow(background, `SELECT `+s.Exact(`"b"`)+` FROM "p""a" WHERE id = '2'`).Scan(&exact); err != nil || exact != "-0" {
			t.Errorf("%q, %v", exact, err)
		}
		if _, err := s.Exec(background, `DELETE FROM "p""a" WHERE id = '1'`); err != nil || values(t, s, `SELECT count(*)::int4 AS n FROM "Child"`) != "[map[n:2]]" {
			t.Errorf("a parent went and its children did not: %v", err)
		}
		names, err := db.TableNames(background, s)
		if !slices.Equal(names, []string{"Child", `p"a`, "plain"}) {
			t.Errorf("%q", names)
		}
		if err != nil {
			return err
		}
		// Names without a schema reach nothing else, and new tables lie here too.
		if _, err := s.Exec(background, `CREATE TABLE other (b TEXT)`); err != nil {
			return err
		}
		_, err = s.Exec(background, `ALTER TABLE other RENAME TO another`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, beyond := range []string{`UPDATE other SET a = 2`, `ALTER TABLE other ADD COLUMN b TEXT`, `SELECT half(1)`, `INSERT INTO "Child" VALUES (100, 'nobody')`} {
		err := db.Scratch(background, whole("Child"), func(s database.Scratch) error {
			_, err := s.Exec(background, beyond)
			return err
		})
		if err == nil {
			t.Errorf("%s reached something", beyond)
		}
	}
	// Writers and changes of other tables do not wait; what fn returns comes out.
	err = db.Scratch(background, whole("plain"), func(s database.Scratch) error {
		must(t, db, `UPDATE plain SET v = 7`, `ALTER TABLE other ADD COLUMN c TEXT`)
		if got := values(t, s, `SELECT count(*)::int4 AS n FROM plain WHERE v = 7`); got != "[map[n:0]]" {
			t.Error(got)
		}
		return errTest
	})
	if !errors.Is(err, errTest) {
		t.Errorf("%v", err)
	}
	if n := number(t, db, `SELECT (SELECT count(*) FROM "p""a") * 100 + (SELECT count(*) FROM "Child") * 10 + (SELECT count(*) FROM other)`); n != 331 {
		t.Errorf("the tables themselves changed: %d", n)
	}
	nothingLeft(t, db)
}

// nothingLeft proves that no temporary table is left by anybody.
func nothingLeft(t *testing.T, db *DB) {
	t.Helper()
	if n := number(t, db, `SELECT count(*) FROM pg_class WHERE relpersistence = 't' OR relname LIKE '%another%'`); n != 0 {
		t.Errorf("%d temporary tables are left", n)
	}
}

func TestAScratchOfManyRowsIsAPart(t *testing.T) {
	db := connect(t, cluster.Database(t))
	must(t, db, `CREATE TABLE p (id TEXT PRIMARY KEY, up TEXT REFERENCES p (id))`, `CREATE TABLE c (id TEXT PRIMARY KEY, parent_id TEXT REFERENCES p (id), v TEXT)`,
		`CREATE TABLE w (v TEXT)`, `CREATE TABLE few (id TEXT)`, `CREATE TABLE two (a INTEGER, b INTEGER, PRIMARY KEY (b, a))`,
		`INSERT INTO p SELECT to_char(i, 'FM00000'), nullif(to_char(i / 2, 'FM00000'), '00000') FROM generate_series(1, 2000) AS i`,
		`INSERT INTO c SELECT 'c' || id, to_char(2001 - id::int, 'FM00000'), id FROM p`, `INSERT INTO w SELECT id FROM p`, `INSERT INTO few SELECT id FROM p LIMIT 7`,
		`INSERT INTO two SELECT i, i % 3 FROM generate_series(1, 2000) AS i`)
	copy := whole("c", "w", "few", "two")
	copy.IDs = []string{"00777", "c00888", "it's \x00 no"}
	err := db.Scratch(background, copy, func(s database.Scratch) error {
		if !s.Sampled || s.Total != 8007 {
			t.Errorf("sampled %v of %d", s.Sampled, s.Total)
		}
		ids := values(t, s, `SELECT string_agg(id, ' ' ORDER BY id) AS ids FROM c`)
		want := "c00001 c00002 c00003 c00004 c00005 c00888 c01224 c01996 c01997 c01998 c01999 c02000" // 01224 is the child of 00777
		if ids != "[map[ids:"+want+"]]" {
			t.Errorf("%s", ids)
		}
		for query, want := range map[string]int{
			`SELECT count(*) FROM c WHERE parent_id NOT IN (SELECT id FROM p)`:             0,
			`SELECT count(*) FROM p WHERE up IS NOT NULL AND up NOT IN (SELECT id FROM p)`: 0,
			`SELECT count(*) FROM p WHERE id IN ('00001', '00777', '01113', '00556')`:      4,
			`SELECT count(*) FROM w`:   10,
			`SELECT count(*) FROM few`: 7,
			`SELECT count(*) FROM two WHERE (b = 0 AND a <= 15) OR (b = 2 AND a > 1984)`: 10,
			`SELECT count(*) FROM two`: 10,
			fmt.Sprintf(`SELECT %d - (SELECT count(*) FROM c) - (SELECT count(*) FROM w) - (SELECT count(*) FROM few) - (SELECT count(*) FROM p) - (SELECT count(*) FROM two)`, s.Rows): 0,
		} {
			var n int
			if err := s.QueryRow(background, query).Scan(&n); err != nil || n != want {
				t.Errorf("%s: %d, want %d, %v", query, n, want, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAScratchHasBounds(t *testing.T) {
	db := connect(t, cluster.Database(t))
	must(t, db, `CREATE TABLE big (id INTEGER PRIMARY KEY, v BYTEA)`, `ALTER TABLE big ALTER COLUMN v SET STORAGE EXTERNAL`,
		`INSERT INTO big SELECT i, decode(repeat('00', 100000), 'hex') FROM generate_series(1, 200) AS i`)
	copy := whole("big")
	copy.Bytes, copy.Sample = 1<<20, 1000
	err := db.Scratch(background, copy, func(s database.Scratch) error {
		if !s.Sampled || s.Rows < 2 || s.Rows > 12 || s.Total != 200 {
			t.Errorf("%d of %d rows, sampled %v", s.Rows, s.Total, s.Sampled)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(background, 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	err = db.Scratch(ctx, whole("big"), func(s database.Scratch) error {
		_, err := s.Exec(ctx, `SELECT pg_sleep(60)`)
		return err
	})
	if err == nil || time.Since(began) > 10*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
	must(t, db, `DROP TABLE big`)
	nothingLeft(t, db)
}

// A process that is killed while it has a copy leaves nothing of it on the server.
func TestAKilledProcessLeavesNoScratch(t *testing.T) {
	const variable = "MARAIN_TEST_SCRATCH"
	if address := os.Getenv(variable); address != "" {
		db := connect(t, address)
		err := db.Scratch(background, whole("x"), func(s database.Scratch) error {
			if _, err := s.Exec(background, `ALTER TABLE x RENAME TO another`); err != nil {
				return err
			}
			fmt.Println("ready")
			select {} // until it is killed
		})
		t.Fatal(err)
	}
	address := cluster.Database(t)
	db := connect(t, address)
	must(t, db, `CREATE TABLE x (a INTEGER)`, `INSERT INTO x VALUES (1)`)
	command := exec.Command(os.Args[0], "-test.run", "^TestAKilledProcessLeavesNoScratch$")
	command.Env = append(os.Environ(), variable+"="+address)
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 5)
	if _, err := out.Read(line); err != nil || string(line) != "ready" {
		t.Errorf("%q, %v", line, err)
	}
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err == nil {
		t.Error("it ended by itself")
	}
	// The server notices by itself; taking the table's strongest lock waits for just that.
	must(t, db, `LOCK TABLE x IN ACCESS EXCLUSIVE MODE`)
	nothingLeft(t, db)
	if n := number(t, db, `SELECT count(*) FROM x`); n != 1 {
		t.Errorf("%d rows", n)
	}
}

func TestRangesHoldEveryRowOnce(t *testing.T) {
	db := connect(t, cluster.Database(t))
	must(t, db,
		`CREATE TABLE "ma""ny" (id TEXT PRIMARY KEY, hit INTEGER DEFAULT 0, v TEXT DEFAULT repeat('x', 100))`, `INSERT INTO "ma""ny" (id) SELECT i FROM generate_series(1, 2000) AS i`,
		`CREATE TABLE holes (id TEXT, hit INTEGER DEFAULT 0, v TEXT DEFAULT repeat('x', 100))`, `INSERT INTO holes (id) SELECT i FROM generate_series(1, 4000) AS i`, `DELETE FROM holes WHERE id::int BETWEEN 500 AND 2500`,
		`CREATE TABLE cut (id INTEGER, hit INTEGER DEFAULT 0) PARTITION BY RANGE (id)`, `CREATE TABLE cut1 PARTITION OF cut FOR VALUES FROM (0) TO (1000)`, `CREATE TABLE cut2 PARTITION OF cut FOR VALUES FROM (1000) TO (5000)`,
		`INSERT INTO cut (id) SELECT i FROM generate_series(1, 2000) AS i`,
		`CREATE TABLE few (hit INTEGER DEFAULT 0)`, `INSERT INTO few VALUES (0), (0)`, `CREATE TABLE none (hit INTEGER DEFAULT 0)`)
	for table, parts := range map[string]int{`ma"ny`: 7, "holes": 7, "cut": 1, "few": 1, "none": 1} {
		err := db.Write(background, func(q database.Querier) error {
			ranges, err := db.Ranges(background, q, table, 300)
			if err != nil {
				return err
			}
			if len(ranges) != parts || parts == 1 && ranges[0].Condition != "" {
				t.Errorf("%s: %+v", table, ranges)
			}
			var told int64
			for _, part := range ranges {
				update := action.Update{Table: table, Set: []action.Assignment{{Column: "hit", Value: "1"}}, Where: "true OR false"}
				text := update.SQL(Dialect{})
				if part.Condition != "" {
					var ok bool
					if text, ok, err = action.Within(Dialect{}, update, part.Condition); err != nil || !ok {
						t.Fatal(ok, err)
					}
				}
				if _, err := q.Exec(background, text); err != nil {
					return err
				}
				told += part.Rows
			}
			var missed, all int64
			if err := q.QueryRow(background, `SELECT count(*) FILTER (WHERE hit = 0), count(*) FROM `+(Dialect{}).Quote(table)).Scan(&missed, &all); err != nil {
				return err
			}
			if missed != 0 || told != all {
				t.Errorf("%s: %d missed, %d told, of %d", table, missed, told, all)
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", table, err)
		}
	}
}

// A row that another program moves while a table is walked in ranges is not missed: it waits.
func TestRangesKeepOthersFromMovingRows(t *testing.T) {
	address := cluster.Database(t)
	db, other := connect(t, address), connect(t, address)
	must(t, db, `CREATE TABLE x (id INTEGER, v INTEGER)`, `INSERT INTO x SELECT i, 0 FROM generate_series(1, 2000) AS i`, `DELETE FROM x WHERE id < 100`)
	err := db.Write(background, func(q database.Querier) error {
		if _, err := db.Ranges(background, q, "x", 300); err != nil {
			return err
		}
		// Without the engine's own lock, as another program does it.
		return other.Read(background, func(r database.Querier) error {
			if got := values(t, r, `SELECT count(*)::int4 AS n FROM x`); got != "[map[n:1901]]" {
				t.Error(got) // readers go on
			}
			var held bool
			err := r.QueryRow(background, `SELECT EXISTS (SELECT 1 FROM pg_locks WHERE relation = 'x'::regclass AND mode = 'ShareRowExclusiveLock' AND granted)`).Scan(&held)
			if !held {
				t.Error("others may write")
			}
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}
