// Package bench measures the way from a saved file to a visible plan and to a live change, beside the raw floor: the
// same work done by hand with the same libraries and nothing else. Run it with: make bench.
package bench

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"marain/backend/coordinator"
	"marain/backend/event"
	"marain/backend/project"

	"github.com/fsnotify/fsnotify"
	"gopkg.in/yaml.v3"
	driver "modernc.org/sqlite"
)

// limit is how long one save may take before the benchmark gives up.
const limit = 30 * time.Second

// sizes are the projects that are measured: the size of the saved file and how many content types there are.
var sizes = []struct {
	name     string
	bytes    int
	entities int
}{
	{"1KB-5entities", 1 << 10, 5},
	{"10KB-5entities", 10 << 10, 5},
	{"10KB-200entities", 10 << 10, 200},
}

// BenchmarkFloor is an atomic save, its event, reading and hashing, parsing to nodes, one durable transaction with
// ADD COLUMN and a version row that holds the file, and a pointer swap.
func BenchmarkFloor(b *testing.B) {
	for _, size := range sizes {
		b.Run(size.name, func(b *testing.B) { floor(b, size.bytes, size.entities) })
	}
}

func floor(b *testing.B, bytes, entities int) {
	if _, err := driver.OFDLocking(true); err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "floor.db")+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)&_txlock=immediate")
	must(b, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	_, err = db.Exec("CREATE TABLE versions (id INTEGER PRIMARY KEY, hash TEXT, body TEXT)")
	must(b, err)
	for i := range entities {
		_, err = db.Exec(fmt.Sprintf("CREATE TABLE t%d (id TEXT PRIMARY KEY)", i))
		must(b, err)
	}
	byHand(b, dir, bytes, func(i int, hash, raw string) {
		tx, err := db.Begin()
		must(b, err)
		_, err = tx.Exec(fmt.Sprintf("ALTER TABLE t0 ADD COLUMN c%d TEXT", i))
		must(b, err)
		_, err = tx.Exec("INSERT INTO versions (hash, body) VALUES (?, ?)", hash, raw)
		must(b, err)
		must(b, tx.Commit())
	})
}

// byHand measures saves that are read, hashed, parsed, written and swapped in, and nothing else.
func byHand(b *testing.B, dir string, bytes int, write func(i int, hash, raw string)) {
	folder := filepath.Join(dir, "schemas")
	must(b, os.Mkdir(folder, 0o755))
	watcher, err := fsnotify.NewWatcher()
	must(b, err)
	defer watcher.Close()
	must(b, watcher.Add(folder))
	file := filepath.Join(folder, "saved.schema.yaml")
	var live atomic.Pointer[yaml.Node]
	times := make([]time.Duration, 0, b.N)
	for i := 0; b.Loop(); i++ {
		save(b, file, entity("saved", bytes, i))
		began := time.Now()
		for e := range watcher.Events {
			if e.Name == file {
				break
			}
		}
		raw, err := os.ReadFile(file)
		must(b, err)
		hash := sha256.Sum256(raw)
		var node yaml.Node
		must(b, yaml.Unmarshal(raw, &node))
		write(i, hex.EncodeToString(hash[:]), string(raw))
		live.Store(&node)
		times = append(times, time.Since(began))
	}
	report(b, times)
}

// BenchmarkSaveToPlan is the time from the end of the write until status shows the change. Settling is part of it.
func BenchmarkSaveToPlan(b *testing.B) {
	for _, size := range sizes {
		b.Run(size.name, func(b *testing.B) {
			visible := func(c *coordinator.Coordinator, field string) bool {
				status, err := c.Status(context.Background())
				must(b, err)
				return slices.ContainsFunc(status.PendingChanges, func(p coordinator.PendingChange) bool { return p.Key == "fields."+field })
			}
			engine(b, onFile(b), size.bytes, size.entities, "none", visible)
		})
	}
}

// BenchmarkSaveToLive is the time from the end of the write until the column is there and the snapshot has the field.
// Settling is part of it, and most of it; apply-ms is what planning, applying and publishing take of it.
func BenchmarkSaveToLive(b *testing.B) {
	for _, size := range sizes {
		b.Run(size.name, func(b *testing.B) {
			engine(b, onFile(b), size.bytes, size.entities, "all", live)
		})
	}
}

// live reports whether the published state has the field.
func live(c *coordinator.Coordinator, field string) bool {
	e, ok := c.Snapshot().Entity("saved")
	return ok && e.Field(field) != nil
}

// place is where a project lies, and what names its database.
type place struct {
	root   string
	getenv func(string) string
	driver string // for a connection of somebody else
	source string
	column string // the query that counts the columns of that name
}

func onFile(b *testing.B) place {
	root := b.TempDir()
	return place{
		root: root, getenv: func(string) string { return "" }, driver: "sqlite",
		source: "file:" + filepath.Join(root, "data/content/marain.db") + "?_pragma=busy_timeout(5000)",
		column: "SELECT count(*) FROM pragma_table_info('content_saved') WHERE name = '%s'",
	}
}

// engine measures a running coordinator. The database is asked on a connection of its own that the column is there.
func engine(b *testing.B, at place, bytes, entities int, policy string, visible func(c *coordinator.Coordinator, field string) bool) {
	root := at.root
	must(b, os.MkdirAll(filepath.Join(root, "schemas"), 0o755))
	must(b, os.MkdirAll(filepath.Join(root, "config"), 0o755))
	for i := range entities - 1 {
		id := fmt.Sprintf("other_%d", i)
		must(b, os.WriteFile(filepath.Join(root, "schemas", id+".schema.yaml"), []byte(entity(id, 1<<10, 0)), 0o644))
	}
	file := filepath.Join(root, "schemas/saved.schema.yaml")
	must(b, os.WriteFile(file, []byte(entity("saved", bytes, 0)), 0o644))
	setting := "id: hot_reload\nvalues:\n  auto_apply: " + policy + "\n"
	must(b, os.WriteFile(filepath.Join(root, "config/config.hot_reload.yaml"), []byte(setting), 0o644))
	p, err := project.Open(root, at.getenv)
	must(b, err)
	applies := &applyLog{}
	c, err := coordinator.Open(context.Background(), coordinator.Options{Project: p, Watch: true, Door: "code", Getenv: at.getenv, Logger: slog.New(applies)})
	must(b, err)
	defer func() { must(b, c.Close()) }()
	_, err = c.Reload(context.Background(), coordinator.ReloadRequest{Approve: "breaking"}, coordinator.Actor{Door: "code"})
	must(b, err)
	events := c.Subscribe(0, true)
	defer events.Close()
	times := make([]time.Duration, 0, b.N)
	for i := 1; b.Loop(); i++ {
		field := fmt.Sprintf("added_%d", i)
		save(b, file, entity("saved", bytes, i))
		began := time.Now()
		wait(b, events, func() bool { return visible(c, field) })
		times = append(times, time.Since(began))
		if policy == "all" {
			at.proveColumn(b, field)
		}
		rest(b, c, events, policy)
	}
	report(b, times)
	if policy == "all" {
		b.ReportMetric(applies.median(), "apply-ms")
	}
}

// applyLog is a log that keeps how long each apply took.
type applyLog struct {
	mu    sync.Mutex
	times []float64
}

// Enabled reports that everything of importance is logged.
func (l *applyLog) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// Handle keeps the time of an apply.
func (l *applyLog) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if r.Message == "applied" && a.Key == "took_ms" {
			l.mu.Lock()
			l.times = append(l.times, a.Value.Float64())
			l.mu.Unlock()
		}
		return true
	})
	return nil
}

// WithAttrs and WithGroup have nothing to add.
func (l *applyLog) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l *applyLog) WithGroup(string) slog.Handler      { return l }

// median is that of all applies but the first, which makes everything.
func (l *applyLog) median() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.times) < 2 {
		return 0
	}
	rest := slices.Sorted(slices.Values(l.times[1:]))
	return rest[len(rest)/2]
}

// wait looks at each event until the condition holds.
func wait(b *testing.B, events *event.Subscription, done func() bool) {
	b.Helper()
	deadline := time.After(limit)
	for !done() {
		select {
		case <-events.C():
		case <-deadline:
			b.Fatal("the change did not become visible")
		}
	}
}

// rest waits until the engine has nothing more to do for this save, so that one save does not slow the next.
func rest(b *testing.B, c *coordinator.Coordinator, events *event.Subscription, policy string) {
	b.Helper()
	if policy == "none" {
		_, err := c.Reload(context.Background(), coordinator.ReloadRequest{}, coordinator.Actor{Door: "code"})
		must(b, err)
	}
	wait(b, events, func() bool {
		status, err := c.Status(context.Background())
		must(b, err)
		return status.InSync
	})
}

func (p place) proveColumn(b *testing.B, field string) {
	b.Helper()
	db, err := sql.Open(p.driver, p.source)
	must(b, err)
	defer db.Close()
	var n int
	must(b, db.QueryRow(fmt.Sprintf(p.column, field)).Scan(&n))
	if n != 1 {
		b.Fatalf("the column %s is not there", field)
	}
}

// save replaces a file the way careful editors do.
func save(b *testing.B, file, text string) {
	b.Helper()
	temp := filepath.Join(filepath.Dir(file), ".saving")
	must(b, os.WriteFile(temp, []byte(text), 0o644))
	must(b, os.Rename(temp, file))
}

// entity writes a content type of about that many bytes, and behind them the fields that the first n saves add.
func entity(id string, bytes, n int) string {
	var text strings.Builder
	fmt.Fprintf(&text, "id: %s\nname: Saved\nfields:\n", id)
	for i := 0; text.Len() < bytes; i++ {
		fmt.Fprintf(&text, "  - id: field_%d\n    type: text\n    label: Field number %d\n    description: One of the fields of a large content type\n", i, i)
	}
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&text, "  - {id: added_%d, type: text}\n", i)
	}
	return text.String()
}

// report prints the median and the 99th percentile in milliseconds instead of the mean.
func report(b *testing.B, times []time.Duration) {
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "median-ms")
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(0, "ns/op")
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
