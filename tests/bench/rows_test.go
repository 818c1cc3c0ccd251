package bench

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

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

// edit is one change of a content type with many rows, which is undone again.
type edit struct {
	name string
	back string // what its undo is called
	text string // what is saved; empty: the file is removed
	fill bool   // every row is written: measured against the bare UPDATE
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

const title, number, flag = "id: title, type: text, required: true", "id: number, type: text", "id: flag, type: integer"

func edits() []edit {
	return []edit{
		{name: "remove a field", back: "bring it back", text: big(title, number)},
		{name: "rename a field", back: "rename it back", text: big(title, number, "id: mark, type: integer, renamed_from: flag")},
		{name: "add a field with a default", back: "take it out again", text: big(title, number, flag, "id: extra, type: text, default: none")},
		{name: "make a field optional", back: "make it required again", text: big("id: title, type: text", number, flag)},
		{name: "remove the content type", back: "bring the content type back"},
		{name: "text to integer", back: "integer back to text", text: big(title, "id: number, type: integer", flag), fill: true},
	}
}

// BenchmarkRows changes a table of a million rows and undoes each change, once a round. Each line has the medians of the
// rounds: how long looking at the change took (plan, with its checks on the rows and the rehearsal of the way back), how
// long the approval took without the backup (apply), and the backup. What converts every row does so in the first round only, because
// later the type that was there comes back as it is: it is set against the bare UPDATE of that round, which any tool would need.
func BenchmarkRows(b *testing.B) {
	for _, kind := range databases(b) {
		b.Run(kind.name, func(b *testing.B) { changeRows(b, kind) })
	}
}

func changeRows(b *testing.B, kind storage) {
	root := b.TempDir()
	must(b, os.MkdirAll(filepath.Join(root, "schemas"), 0o755))
	must(b, os.MkdirAll(filepath.Join(root, "config"), 0o755))
	file := filepath.Join(root, filepath.FromSlash(bigFile))
	must(b, os.WriteFile(file, []byte(big(title, number, flag)), 0o644))
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
	m := &measured{times: map[string][]timing{}}
	for round := 1; b.Loop(); round++ {
		for _, e := range edits() {
			id := m.change(b, c, file, e, round, actor)
			m.undo(b, c, e, id, actor)
		}
		m.bare = append(m.bare, bare(b, db, kind, round))
	}
	m.print(kind.name, rows)
	must(b, db.Close())
}

// timing is what one change took.
type timing struct {
	plan, apply, backup float64 // milliseconds
}

// measured are the changes of all rounds.
type measured struct {
	times map[string][]timing // by the name of the change
	bare  []float64           // milliseconds
}

// change makes one change and returns its batch.
func (m *measured) change(b *testing.B, c *coordinator.Coordinator, file string, e edit, round int, actor coordinator.Actor) string {
	ctx := context.Background()
	if e.text == "" {
		must(b, os.Remove(file))
	} else {
		// A content that was rolled back would be held, so each round has one of its own.
		must(b, os.WriteFile(file, []byte(fmt.Sprintf("%s# round %d\n", e.text, round)), 0o644))
	}
	waiting(b, c) // the file comes to rest: settling is not what is measured
	began := time.Now()
	plan, err := c.Diff(ctx, coordinator.DiffRequest{Files: []string{bigFile}})
	must(b, err)
	planned := time.Since(began)
	began = time.Now()
	result, err := c.Reload(ctx, coordinator.ReloadRequest{Files: []string{bigFile}, PlanID: plan.ID, Approve: "breaking"}, actor)
	must(b, err)
	m.note(b, c, e.name, result.ActionID, planned, time.Since(began))
	return result.ActionID
}

// undo takes a change back.
func (m *measured) undo(b *testing.B, c *coordinator.Coordinator, e edit, id string, actor coordinator.Actor) {
	ctx := context.Background()
	began := time.Now()
	looked, err := c.Rollback(ctx, coordinator.RollbackRequest{ActionID: id, DryRun: true}, actor)
	must(b, err)
	planned := time.Since(began)
	began = time.Now()
	result, err := c.Rollback(ctx, coordinator.RollbackRequest{ActionID: id, PlanID: looked.Plan.ID}, actor)
	must(b, err)
	m.note(b, c, e.back, result.ActionID, planned, time.Since(began))
}

func (m *measured) note(b *testing.B, c *coordinator.Coordinator, name, id string, planned, applied time.Duration) {
	if id == "" {
		b.Fatalf("%s: nothing was applied", name)
	}
	detail, err := c.Batch(context.Background(), id, false)
	must(b, err)
	backup := detail.Timings["backup"]
	m.times[name] = append(m.times[name], timing{ms(planned), ms(applied) - backup, backup})
}

// print writes the medians, in the order of the changes.
func (m *measured) print(database string, rows int) {
	floor := m.bare[0]
	fmt.Printf("%s, %d rows, medians of %d in ms\n%-28s %10s %10s %10s\n", database, rows, len(m.bare), "", "plan", "apply", "backup")
	for _, e := range edits() {
		for _, name := range []string{e.name, e.back} {
			of := func(pick func(timing) float64) float64 {
				var list []float64
				for _, t := range m.times[name] {
					list = append(list, pick(t))
				}
				if e.fill {
					return list[0]
				}
				return median(list)
			}
			apply := of(func(t timing) float64 { return t.apply })
			fmt.Printf("%-28s %10.1f %10.1f %10.1f", name, of(func(t timing) float64 { return t.plan }), apply, of(func(t timing) float64 { return t.backup }))
			if e.fill && name == e.name {
				fmt.Printf("   %.2f times the bare UPDATE", apply/floor)
			}
			fmt.Println()
		}
	}
	fmt.Printf("%-28s %10s %10.1f\n", "the bare UPDATE", "", floor)
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// waiting waits until the saved file waits for an approval; one that is removed again was rolled back before, and is held.
func waiting(b *testing.B, c *coordinator.Coordinator) {
	events := c.Subscribe(0, true)
	defer events.Close()
	wait(b, events, func() bool {
		status, err := c.Status(context.Background())
		must(b, err)
		return len(status.PendingChanges)+len(status.HeldFiles) > 0
	})
}

// bare is what any tool would need for the same conversion: one column added and filled by one statement.
func bare(b *testing.B, db *sql.DB, kind storage, round int) float64 {
	column := fmt.Sprintf("bare_%d", round)
	_, err := db.Exec("ALTER TABLE content_big ADD COLUMN " + column + " " + kind.integer)
	must(b, err)
	began := time.Now()
	_, err = db.Exec("UPDATE content_big SET " + column + " = CAST(number AS " + kind.integer + ")")
	must(b, err)
	return ms(time.Since(began))
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
