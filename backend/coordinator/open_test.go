package coordinator_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"marain/backend/coordinator"
	"marain/backend/project"
)

const article = `id: article
name: Article
versioned: true
fields:
  - id: title
    type: text
    required: true
  - id: body
    type: long_text
  - id: tags
    type: text
    cardinality: -1
`

// tester is what a bench needs of a test, random or not.
type tester interface {
	Helper()
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// bench is one project on a real folder and a real database.
type bench struct {
	t    tester
	root string
	c    *coordinator.Coordinator
	db   *sql.DB // of another program

	onSQLite   bool   // whatever the tests run on
	onServer   bool   // whatever the tests run on
	bySettings bool   // the project's own settings name the database
	address    string // of the database on a server, once it is made
}

var person = coordinator.Actor{Name: "ann", Door: "code"}

func newBench(t *testing.T, policy string, files map[string]string) *bench {
	t.Helper()
	return newBenchOn(t, policy, false, files)
}

// newBenchOn is newBench for a test of something that only one kind of database has.
func newBenchOn(t *testing.T, policy string, onSQLite bool, files map[string]string) *bench {
	t.Helper()
	b := &bench{t: t, root: t.TempDir(), onSQLite: onSQLite}
	b.write("config/config.hot_reload.yaml", "id: hot_reload\nvalues:\n  auto_apply: "+policy+"\n")
	for path, text := range files {
		b.write(path, text)
	}
	b.open(false)
	return b
}

func (b *bench) write(path, text string) {
	b.t.Helper()
	full := filepath.Join(b.root, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) read(path string) string {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join(b.root, filepath.FromSlash(path)))
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

func (b *bench) open(watch bool) {
	b.t.Helper()
	getenv := b.getenv(nil)
	p, err := project.Open(b.root, getenv)
	if err != nil {
		b.t.Fatal(err)
	}
	b.c, err = coordinator.Open(context.Background(), coordinator.Options{
		Project: p, Watch: watch, Door: "code", Version: "test", Getenv: getenv, CheckLimit: patience,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	c := b.c
	b.t.Cleanup(func() {
		if err := c.Close(); err != nil {
			b.t.Errorf("close: %v", err)
		}
	})
}

func (b *bench) apply(request coordinator.ReloadRequest) coordinator.ApplyResult {
	b.t.Helper()
	result, err := b.c.Reload(context.Background(), request, person)
	if err != nil {
		b.t.Fatalf("apply: %v", err)
	}
	return result
}

func (b *bench) rollback(request coordinator.RollbackRequest) coordinator.ApplyResult {
	b.t.Helper()
	result, err := b.c.Rollback(context.Background(), request, person)
	if err != nil {
		b.t.Fatalf("rollback: %v", err)
	}
	return result
}

// sound fails the test unless verify finds nothing and planning again finds nothing to do.
func (b *bench) sound() {
	b.t.Helper()
	result, err := b.c.Verify(context.Background())
	if err != nil {
		b.t.Fatal(err)
	}
	for _, f := range result.Faults {
		b.t.Errorf("fault %s in %s: %s", f.Code, f.Subject, f.Message)
	}
}

func (b *bench) inSync() {
	b.t.Helper()
	b.sound()
	status, err := b.c.Status(context.Background())
	if err != nil {
		b.t.Fatal(err)
	}
	if !status.InSync {
		b.t.Errorf("not in sync: %s, %+v %+v %+v", status.State, status.PendingChanges, status.InvalidFiles, status.HeldFiles)
	}
}

func TestFirst(t *testing.T) {
	b := newBench(t, "none", map[string]string{"schemas/article.schema.yaml": article})
	first := b.apply(coordinator.ReloadRequest{})
	if len(first.Applied) != 2 {
		t.Fatalf("applied %v", first.Applied)
	}
	b.inSync()
	more := article + "  - id: lead\n    type: text\n"
	b.write("schemas/article.schema.yaml", more)
	second := b.apply(coordinator.ReloadRequest{})
	b.inSync()
	b.rollback(coordinator.RollbackRequest{ActionID: second.ActionID})
	b.inSync()
	if b.read("schemas/article.schema.yaml") != article {
		t.Error("the file is not as it was")
	}
}

// sql runs statements as another program would.
func (b *bench) sql(statements ...string) {
	b.t.Helper()
	db := b.conn()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			b.t.Fatalf("%s: %v", s, err)
		}
	}
}

// number returns the one number that a query finds.
func (b *bench) number(query string, args ...any) int {
	b.t.Helper()
	db := b.conn()
	var n int
	if err := db.QueryRow(b.numbered(query), args...).Scan(&n); err != nil {
		b.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// conn is the other program's connection, which stays open as long as the test runs.
func (b *bench) conn() *sql.DB {
	b.t.Helper()
	if b.db == nil {
		b.db = b.other()
		b.t.Cleanup(b.disconnect)
	}
	return b.db
}

// disconnect ends the other program.
func (b *bench) disconnect() {
	if b.db != nil {
		b.db.Close()
		b.db = nil
	}
}

func TestRemovedFieldComesBackWithEveryValue(t *testing.T) {
	b := newBench(t, "none", map[string]string{"schemas/article.schema.yaml": article})
	b.apply(coordinator.ReloadRequest{})
	b.sql(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
		INSERT INTO content_article (id, title, body) SELECT 'a' || i, 'title ' || i, 'body ' || i FROM n`)
	without := strings.Replace(article, "  - id: body\n    type: long_text\n", "", 1)
	b.write("schemas/article.schema.yaml", without)
	if r := b.apply(coordinator.ReloadRequest{}); len(r.Applied) != 0 {
		t.Fatalf("a removal was applied as safe: %+v", r)
	}
	removed := b.apply(coordinator.ReloadRequest{Approve: "breaking"})
	b.inSync()
	if slices.Contains(b.columns("content_article"), "body") {
		t.Fatal("the column is still in use")
	}
	back := b.rollback(coordinator.RollbackRequest{ActionID: removed.ActionID})
	b.inSync()
	if n := b.number(`SELECT count(*) FROM content_article WHERE body = 'body ' || substr(id, 2)`); n != 1000 {
		t.Fatalf("%d of 1000 values came back", n)
	}
	b.rollback(coordinator.RollbackRequest{ActionID: back.ActionID})
	b.inSync()
	b.rollback(coordinator.RollbackRequest{File: "schemas/article.schema.yaml", Version: 1})
	b.inSync()
	if n := b.number(`SELECT count(*) FROM content_article WHERE body = 'body ' || substr(id, 2)`); n != 1000 {
		t.Fatalf("%d of 1000 values came back the second time", n)
	}
}
