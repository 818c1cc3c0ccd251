package bench

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"marain/backend/action"
	"marain/backend/coordinator"
	"marain/backend/project"
	"marain/tests/cluster"

	_ "github.com/jackc/pgx/v5/stdlib"
)

// rowCount is how many rows the changed table has: a million, or what MARAIN_ROWS says.
func rowCount(b *testing.B) int {
	text := os.Getenv("MARAIN_ROWS")
	if text == "" {
		return 1_000_000
	}
	n, err := strconv.Atoi(text)
	must(b, err)
	return n
}

// edit is one change of a content type with many rows.
type edit struct {
	name    string
	text    string // what is saved; empty: the file is removed
	back    bool   // undo the batch before instead
	answers map[string]string
}

const bigFile = "schemas/big.schema.yaml"

// big is a content type, with revisions off; each line is one field in flow style.
func big(fields ...string) string {
	text := "id: big\nname: Big\nfields:\n"
	for _, f := range fields {
		text += "  - {" + f + "}\n"
	}
	return text
}

func edits() []edit {
	const title, number, flag = "id: title, type: text, required: true", "id: number, type: text", "id: flag, type: integer"
	return []edit{
		{name: "remove a field", text: big(title, number)},
		{name: "bring it back", back: true},
		{name: "rename a field", text: big(title, number, "id: mark, type: integer, renamed_from: flag")},
		{name: "rename it back", back: true},
		{name: "add a field with a default", text: big(title, number, flag, "id: extra, type: text, default: none")},
		{name: "make a field optional", text: big("id: title, type: text", number, flag, "id: extra, type: text, default: none")},
		{name: "remove the content type", text: ""},
		{name: "bring the content type back", back: true},
		{name: "text to integer", text: big("id: title, type: text", "id: number, type: integer", flag, "id: extra, type: text, default: none")},
		{name: "integer back to text", back: true},
	}
}

// BenchmarkRows changes a table of a million rows. Each line says how long looking at the change took (plan, with its
// checks on the rows and the rehearsal of the way back), how long the approval took (apply), and how much of that the
// database was locked (locked).
func BenchmarkRows(b *testing.B) {
	for _, kind := range databases(b) {
		fmt.Println(kind.name)
		b.Run(kind.name, func(b *testing.B) { changeRows(b, kind) })
	}
}

func changeRows(b *testing.B, kind storage) {
	root := b.TempDir()
	must(b, os.MkdirAll(filepath.Join(root, "schemas"), 0o755))
	must(b, os.MkdirAll(filepath.Join(root, "config"), 0o755))
	file := filepath.Join(root, filepath.FromSlash(bigFile))
	must(b, os.WriteFile(file, []byte(big("id: title, type: text, required: true", "id: number, type: text", "id: flag, type: integer")), 0o644))
	must(b, os.WriteFile(filepath.Join(root, "config/config.hot_reload.yaml"), []byte("id: hot_reload\nvalues:\n  auto_apply: none\n"), 0o644))
	p, err := project.Open(root, kind.getenv)
	must(b, err)
	ctx := context.Background()
	c, err := coordinator.Open(ctx, coordinator.Options{Project: p, Watch: true, Door: "code", Getenv: kind.getenv})
	must(b, err)
	defer func() { must(b, c.Close()) }()
	actor := coordinator.Actor{Door: "code"}
	_, err = c.Reload(ctx, coordinator.ReloadRequest{Approve: "breaking"}, actor)
	must(b, err)
	db := kind.open(b, root)
	rows := rowCount(b)
	_, err = db.Exec(fmt.Sprintf(kind.fill, rows))
	must(b, err)
	_, err = db.Exec(kind.settle) // what filling left to do is not what is measured
	must(b, err)
	for b.Loop() {
		var last string
		for _, e := range edits() {
			last = measure(b, c, file, e, last, actor)
		}
	}
	bare(b, db, kind)
	must(b, db.Close())
}

// measure makes one change and reports what it took.
func measure(b *testing.B, c *coordinator.Coordinator, file string, e edit, last string, actor coordinator.Actor) string {
	ctx := context.Background()
	began := time.Now()
	var plan action.Plan
	var err error
	if e.back {
		looked, err := c.Rollback(ctx, coordinator.RollbackRequest{ActionID: last, DryRun: true}, actor)
		must(b, err)
		plan = *looked.Plan
	} else {
		if e.text == "" {
			must(b, os.Remove(file))
		} else {
			must(b, os.WriteFile(file, []byte(e.text), 0o644))
		}
		waiting(b, c) // the file comes to rest: settling is not what is measured
		began = time.Now()
		plan, err = c.Diff(ctx, coordinator.DiffRequest{Files: []string{bigFile}})
		must(b, err)
	}
	planned := time.Since(began)
	began = time.Now()
	var result coordinator.ApplyResult
	if e.back {
		result, err = c.Rollback(ctx, coordinator.RollbackRequest{ActionID: last, PlanID: plan.ID}, actor)
	} else {
		result, err = c.Reload(ctx, coordinator.ReloadRequest{Files: []string{bigFile}, PlanID: plan.ID, Approve: "breaking", Answers: e.answers}, actor)
	}
	must(b, err)
	applied := time.Since(began)
	detail, err := c.Batch(ctx, result.ActionID, false)
	must(b, err)
	backup := detail.Timings["backup"]
	fmt.Printf("%-28s plan %8.1f ms   apply %8.1f ms   backup %8.1f ms\n", e.name, ms(planned), ms(applied)-backup, backup)
	return result.ActionID
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// waiting waits until the saved file waits for an approval.
func waiting(b *testing.B, c *coordinator.Coordinator) {
	events := c.Subscribe(0, true)
	defer events.Close()
	wait(b, events, func() bool {
		status, err := c.Status(context.Background())
		must(b, err)
		return len(status.PendingChanges) > 0
	})
}

// bare is what any tool would need for the same conversion: one column added and filled by one statement.
func bare(b *testing.B, db *sql.DB, kind storage) {
	_, err := db.Exec("ALTER TABLE content_big ADD COLUMN bare " + kind.integer)
	must(b, err)
	began := time.Now()
	_, err = db.Exec("UPDATE content_big SET bare = CAST(number AS " + kind.integer + ")")
	must(b, err)
	fmt.Printf("%-28s %8.1f ms\n", "the bare UPDATE", ms(time.Since(began)))
}

// storage is a kind of database to measure on.
type storage struct {
	name    string
	integer string
	fill    string // puts rows in
	settle  string
	getenv  func(string) string
	open    func(b *testing.B, root string) *sql.DB
}

func databases(b *testing.B) []storage {
	return []storage{sqliteStorage(), postgresStorage(b)}
}

func sqliteStorage() storage {
	return storage{
		name: "sqlite", integer: "INTEGER", settle: "PRAGMA wal_checkpoint(TRUNCATE)", getenv: func(string) string { return "" },
		fill: `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
INSERT INTO content_big (id, title, number, flag) SELECT printf('01J%%023d', i), 'title ' || i, CAST(i AS TEXT), i %% 7 FROM n`,
		open: func(b *testing.B, root string) *sql.DB {
			db, err := sql.Open("sqlite", "file:"+filepath.Join(root, "data/content/marain.db")+"?_pragma=busy_timeout(5000)")
			must(b, err)
			return db
		},
	}
}

func postgresStorage(b *testing.B) storage {
	url := cluster.Database(b)
	return storage{
		name: "postgres", integer: "BIGINT", settle: "VACUUM ANALYZE content_big",
		getenv: func(name string) string {
			if name == "MARAIN_DATABASE_URL" {
				return url
			}
			return ""
		},
		fill: `INSERT INTO content_big (id, title, number, flag) SELECT '01J' || lpad(i::text, 23, '0'), 'title ' || i, i::text, i %% 7 FROM generate_series(1, %d) AS i`,
		open: func(b *testing.B, _ string) *sql.DB {
			db, err := sql.Open("pgx", url)
			must(b, err)
			return db
		},
	}
}
