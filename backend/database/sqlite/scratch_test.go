package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"marain/backend/action"
	"marain/backend/database"
)

var background = context.Background()

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
	for _, encoding := range []string{"UTF-8", "UTF-16le"} {
		t.Run(encoding, func(t *testing.T) {
			db := open(t, "odd name?mode=memory&x.db")
			if encoding != "UTF-8" {
				file := filepath.Join(t.TempDir(), "wide.db")
				wide, err := sql.Open("sqlite", "file:"+file)
				if err != nil {
					t.Fatal(err)
				}
				for _, s := range []string{"PRAGMA encoding = '" + encoding + "'", "CREATE TABLE x (y)"} {
					if _, err := wide.Exec(s); err != nil {
						t.Fatal(err)
					}
				}
				wide.Close()
				if db, err = Open(background, file); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { db.Close() })
			}
			testScratch(t, db)
		})
	}
}

func testScratch(t *testing.T, db *DB) {
	must(t, db,
		`CREATE TABLE "p""a" (id TEXT, b, n INTEGER NOT NULL DEFAULT 3, at TIMESTAMP, twice AS (n * 2), CONSTRAINT pk PRIMARY KEY (id))`,
		`CREATE TABLE Child (id INTEGER PRIMARY KEY, parent_id TEXT REFERENCES "p""a" ON DELETE CASCADE)`,
		`CREATE TABLE plain (k TEXT, r INTEGER, v, PRIMARY KEY (k, r)) WITHOUT ROWID`,
		`CREATE TABLE other (a)`,
		`CREATE UNIQUE INDEX "u""x" ON "p""a" (b)`, `CREATE INDEX part ON Child (parent_id) WHERE id > 1`,
		`INSERT INTO "p""a" (id, b, at) VALUES ('1', 1, '2024-01-01'), ('2', '1', '2024-01-01 00:00:00'), ('3', 1.5, NULL), ('4', x'31', 'x'), ('5', NULL, ''), ('6', 'é' || char(0) || 'z', 7)`,
		`INSERT INTO Child VALUES (7, '1'), (3, '2'), (9, NULL)`, `INSERT INTO plain VALUES ('a', 1, 2), ('a', 2, 1.0)`)
	err := db.Scratch(background, whole("Child", "plain", "none"), func(s database.Scratch) error {
		if s.Rows != 11 || s.Total != 11 || s.Sampled || !slices.Equal(s.Tables, []string{"Child", "plain", `p"a`}) {
			t.Errorf("%d of %d rows, sampled %v, of %q", s.Rows, s.Total, s.Sampled, s.Tables)
		}
		err := db.Read(background, func(q database.Querier) error {
			for _, query := range []string{
				`SELECT rowid, typeof(b), quote(b), hex(b), typeof(at), quote(at), id, n, twice FROM "p""a" ORDER BY rowid`,
				`SELECT * FROM Child ORDER BY id`, `SELECT *, typeof(v) FROM plain ORDER BY k, r`,
				`SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE tbl_name IN ('p"a', 'Child', 'plain') ORDER BY name`,
			} {
				if want, got := values(t, q, query), values(t, s, query); got != want {
					t.Errorf("%s\n got %s\nwant %s", query, got, want)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		var at any
		if err := s.QueryRow(background, `SELECT `+s.Exact("at")+` FROM "p""a" WHERE id = '1'`).Scan(&at); err != nil || at != "2024-01-01" {
			t.Errorf("%#v, %v", at, err)
		}
		if _, err := s.Exec(background, `INSERT INTO Child VALUES (100, 'nobody')`); err == nil {
			t.Error("a row without its parent")
		}
		if _, err := s.Exec(background, `DELETE FROM "p""a" WHERE id = '1'`); err != nil || values(t, s, `SELECT count(*) AS n FROM Child`) != "[map[n:2]]" {
			t.Errorf("a parent went and its children did not: %v", err)
		}
		for _, beyond := range []string{`INSERT INTO other VALUES (1)`, `DELETE FROM live.other`, `SELECT * FROM live.Child`} {
			if _, err := s.Exec(background, beyond); err == nil {
				t.Errorf("%s reached something", beyond)
			}
		}
		names, err := db.TableNames(background, s)
		if !slices.Equal(names, []string{"Child", `p"a`, "plain"}) {
			t.Errorf("%q", names)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := number(t, db, `SELECT (SELECT count(*) FROM "p""a") * 100 + (SELECT count(*) FROM Child)`); n != 603 {
		t.Errorf("the tables themselves changed: %d", n)
	}
	// What fn returns comes out, and nobody is kept waiting meanwhile.
	err = db.Scratch(background, whole("plain"), func(database.Scratch) error {
		must(t, db, `INSERT INTO other VALUES (1)`, `ALTER TABLE plain RENAME COLUMN v TO w`, `ALTER TABLE plain RENAME COLUMN w TO v`)
		return errTest
	})
	if !errors.Is(err, errTest) {
		t.Errorf("%v", err)
	}
}

var errTest = errors.New("test")

func TestAScratchOfManyRowsIsAPart(t *testing.T) {
	db := open(t, "test.db")
	must(t, db, `CREATE TABLE p (id TEXT PRIMARY KEY, up TEXT REFERENCES p (id))`, `CREATE TABLE c (id TEXT PRIMARY KEY, parent_id TEXT REFERENCES p (id), v)`,
		`CREATE TABLE w (id TEXT PRIMARY KEY) WITHOUT ROWID`, `CREATE TABLE few (id TEXT)`,
		`INSERT INTO p WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT printf('%05d', i), nullif(printf('%05d', i / 2), '00000') FROM n`,
		`INSERT INTO c SELECT 'c' || id, printf('%05d', 2001 - id), id FROM p`, `INSERT INTO w SELECT id FROM p`, `INSERT INTO few SELECT id FROM p LIMIT 7`)
	copy := whole("c", "w", "few")
	copy.IDs = []string{"00777", "c00888"}
	err := db.Scratch(background, copy, func(s database.Scratch) error {
		if !s.Sampled || s.Total != 6007 {
			t.Errorf("sampled %v of %d", s.Sampled, s.Total)
		}
		ids := values(t, s, `SELECT group_concat(id, ' ') AS ids FROM (SELECT id FROM c ORDER BY id)`)
		want := "c00001 c00002 c00003 c00004 c00005 c00888 c01224 c01996 c01997 c01998 c01999 c02000" // 01224 is the child of 00777
		if ids != "[map[ids:"+want+"]]" {
			t.Errorf("%s", ids)
		}
		for query, want := range map[string]int{
			`SELECT count(*) FROM c WHERE parent_id NOT IN (SELECT id FROM p)`:             0,
			`SELECT count(*) FROM p WHERE up IS NOT NULL AND up NOT IN (SELECT id FROM p)`: 0,
			`SELECT count(*) FROM p WHERE id IN ('00001', '00777', '01113', '00556')`:      4,
			`SELECT count(*) FROM w`:   11,
			`SELECT count(*) FROM few`: 7,
			`SELECT (SELECT count(*) FROM p) - (SELECT count(DISTINCT id) FROM p)`:                                                                         0,
			`SELECT count(*) FROM pragma_foreign_key_check`:                                                                                                0,
			fmt.Sprintf(`SELECT %d - (SELECT count(*) FROM c) - (SELECT count(*) FROM w) - (SELECT count(*) FROM few) - (SELECT count(*) FROM p)`, s.Rows): 0,
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
	db := open(t, "test.db")
	must(t, db, `CREATE TABLE big (id INTEGER PRIMARY KEY, v)`,
		`INSERT INTO big WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) SELECT i, zeroblob(100000) FROM n`)
	copy := whole("big")
	copy.Bytes = 1 << 20
	err := db.Scratch(background, copy, func(s database.Scratch) error {
		if !s.Sampled || s.Rows < 2 || s.Rows > 10 || s.Total != 200 {
			t.Errorf("%d of %d rows, sampled %v", s.Rows, s.Total, s.Sampled)
		}
		_, err := s.Exec(background, `INSERT INTO big SELECT id + 1000 + x.n, v FROM big, (WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 100) SELECT n FROM n) AS x`)
		return err
	})
	if !errors.Is(err, database.ErrScratchFull) {
		t.Errorf("%v", err)
	}
	// Neither a copy nor what is done with it goes on after its time.
	ctx, cancel := context.WithTimeout(background, 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	err = db.Scratch(ctx, whole("big"), func(s database.Scratch) error {
		_, err := s.Exec(ctx, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n`)
		return err
	})
	if err == nil || time.Since(began) > 10*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
	must(t, db, `DELETE FROM big`)
}

// A process that is killed while it has a copy leaves no file of it, here and in the folder for temporary files.
func TestAKilledProcessLeavesNoScratch(t *testing.T) {
	const variable = "MARAIN_TEST_SCRATCH"
	if file := os.Getenv(variable); file != "" {
		db, err := Open(background, file)
		if err != nil {
			t.Fatal(err)
		}
		err = db.Scratch(background, whole("x"), func(s database.Scratch) error {
			// More than fits into a cache, and a sort that would like a file.
			if _, err := s.Exec(background, `INSERT INTO x WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i, zeroblob(500) FROM n`); err != nil {
				return err
			}
			if _, err := s.Exec(background, `CREATE INDEX i ON x (v, a DESC)`); err != nil {
				return err
			}
			fmt.Println("ready")
			select {} // until it is killed
		})
		t.Fatal(err)
	}
	project, temporary := t.TempDir(), t.TempDir()
	file := filepath.Join(project, "test.db")
	db, err := Open(background, file)
	if err != nil {
		t.Fatal(err)
	}
	must(t, db, `CREATE TABLE x (a, v)`, `INSERT INTO x VALUES (1, 2)`)
	db.Close()
	before := listed(t, project)
	command := exec.Command(os.Args[0], "-test.run", "^TestAKilledProcessLeavesNoScratch$")
	command.Env = append(os.Environ(), variable+"="+file, "TMPDIR="+temporary, "SQLITE_TMPDIR="+temporary)
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
	if left := listed(t, temporary); left != "" {
		t.Errorf("left in the temporary folder: %s", left)
	}
	if db, err = Open(background, file); err != nil {
		t.Fatal(err)
	}
	if n := number(t, db, `SELECT count(*) FROM x`); n != 1 {
		t.Errorf("%d rows", n)
	}
	db.Close()
	if after := listed(t, project); after != before {
		t.Errorf("the project has %s and had %s", after, before)
	}
}

func listed(t *testing.T, folder string) string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func TestRangesHoldEveryRowOnce(t *testing.T) {
	db := open(t, "test.db")
	fill := `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT `
	must(t, db,
		`CREATE TABLE "de""nse" (id TEXT PRIMARY KEY, hit INTEGER DEFAULT 0)`, `INSERT INTO "de""nse" (id) `+fill+`i FROM n`,
		`CREATE TABLE gaps (a INTEGER PRIMARY KEY, hit INTEGER DEFAULT 0)`, `INSERT INTO gaps (a) `+fill+`i * i * i FROM n`,
		`CREATE TABLE far (a INTEGER PRIMARY KEY, hit INTEGER DEFAULT 0)`, `INSERT INTO far (a) `+fill+`i FROM n`,
		`INSERT INTO far (a) VALUES (-9223372036854775808), (9223372036854775807)`,
		`CREATE TABLE named (rowid TEXT, oid TEXT, hit INTEGER DEFAULT 0)`, `INSERT INTO named (rowid) `+fill+`'x' FROM n`,
		`CREATE TABLE all3 (rowid TEXT, oid TEXT, _rowid_ TEXT, hit INTEGER DEFAULT 0)`, `INSERT INTO all3 (rowid) `+fill+`'x' FROM n`,
		`CREATE TABLE without (a TEXT PRIMARY KEY, hit INTEGER DEFAULT 0) WITHOUT ROWID`, `INSERT INTO without (a) `+fill+`i FROM n`,
		`CREATE TABLE few (a TEXT, hit INTEGER DEFAULT 0)`, `INSERT INTO few (a) VALUES (1), (2)`,
		`CREATE TABLE none (a TEXT, hit INTEGER DEFAULT 0)`)
	for table, parts := range map[string]int{`de"nse`: 4, "gaps": 4, "far": 4, "named": 4, "all3": 1, "without": 1, "few": 1, "none": 1} {
		err := db.Write(background, func(q database.Querier) error {
			ranges, err := db.Ranges(background, q, table, 300)
			if err != nil {
				return err
			}
			if len(ranges) < parts || len(ranges) > parts+1 || parts == 1 && (len(ranges) != 1 || ranges[0].Condition != "") {
				t.Errorf("%s: %+v", table, ranges)
			}
			var told, total int64
			for _, part := range ranges {
				update := action.Update{Table: table, Set: []action.Assignment{{Column: "hit", Value: "1"}}, Where: "true OR false"}
				text := update.SQL(Dialect{})
				if part.Condition != "" {
					var ok bool
					if text, ok, err = action.Within(Dialect{}, update, part.Condition); err != nil || !ok {
						t.Fatal(ok, err)
					}
				}
				result, err := q.Exec(background, text)
				if err != nil {
					return err
				}
				n, err := result.RowsAffected()
				if err != nil || n > 600 && len(ranges) > 1 {
					t.Errorf("%s: %d rows in a range of %d", table, n, part.Rows)
				}
				told, total = told+part.Rows, total+n
			}
			var missed, all int64
			if err := q.QueryRow(background, `SELECT count(*) FILTER (WHERE hit = 0), count(*) FROM `+(Dialect{}).Quote(table)).Scan(&missed, &all); err != nil {
				return err
			}
			if missed != 0 || total != all || told != all {
				t.Errorf("%s: %d missed, %d updated, %d told, of %d", table, missed, total, told, all)
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", table, err)
		}
	}
}
