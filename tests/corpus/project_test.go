package corpus_test

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"marain/backend/action"
	"marain/backend/coordinator"
	engine "marain/backend/project"
	"marain/tests/cluster"
)

// The kinds of database.
const (
	sqlite   = engine.SQLite
	postgres = engine.Postgres
)

var person = coordinator.Actor{Name: "ann", Door: "code"}

// project is one on a real folder and a real database, with several cases that have nothing to do with each other.
type project struct {
	t    *testing.T // the test that runs now
	kind string
	root string
	c    *coordinator.Coordinator
	db   *sql.DB // of another program, which writes and reads the rows
}

func newProject(t *testing.T, kind string) *project {
	t.Helper()
	p := &project{t: t, kind: kind, root: t.TempDir()}
	p.write("config/config.hot_reload.yaml", "id: hot_reload\nvalues:\n  auto_apply: none\n")
	driver, address := "sqlite", "file:"+filepath.Join(p.root, "data/content/marain.db")+"?_pragma=busy_timeout(5000)"
	server := ""
	if kind == postgres {
		server = cluster.Database(t)
		// Nothing is cached: the tables change under this program.
		driver, address = "pgx", server+"&default_query_exec_mode=exec&timezone=UTC"
	}
	p.open(func(name string) string {
		if name == engine.EnvDatabase {
			return server
		}
		return ""
	})
	var err error
	if p.db, err = sql.Open(driver, address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.db.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func (p *project) open(getenv func(string) string) {
	p.t.Helper()
	own, err := engine.Open(p.root, getenv)
	if err != nil {
		p.t.Fatal(err)
	}
	p.c, err = coordinator.Open(context.Background(), coordinator.Options{Project: own, Door: "code", Version: "test", Getenv: getenv, CheckLimit: time.Minute})
	if err != nil {
		p.t.Fatal(err)
	}
	t := p.t
	t.Cleanup(func() {
		if err := p.c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
}

// write gives a file a text; an empty one takes the file away.
func (p *project) write(path, text string) {
	p.t.Helper()
	full := filepath.Join(p.root, filepath.FromSlash(path))
	if text == "" {
		if err := os.Remove(full); err != nil && !errors.Is(err, fs.ErrNotExist) {
			p.t.Fatal(err)
		}
		return
	}
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// exec writes rows as another program does, which need not keep to references.
func (p *project) exec(statements ...string) {
	p.t.Helper()
	if len(statements) == 0 {
		return
	}
	tx, err := p.db.Begin()
	if err != nil {
		p.t.Fatal(err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to take back
	if p.kind == postgres {
		if _, err := tx.Exec(`SET LOCAL session_replication_role = replica`); err != nil {
			p.t.Fatal(err)
		}
	}
	for _, s := range statements {
		if _, err := tx.Exec(s); err != nil {
			p.t.Fatalf("%s: %v", s, err)
		}
	}
	if err := tx.Commit(); err != nil {
		p.t.Fatal(err)
	}
}

func (p *project) plan(files []string, answers map[string]string) action.Plan {
	p.t.Helper()
	plan, err := p.c.Diff(context.Background(), coordinator.DiffRequest{Files: files, Answers: answers})
	if err != nil {
		p.t.Fatalf("plan: %v", err)
	}
	return plan
}

func (p *project) apply(request coordinator.ReloadRequest) (coordinator.ApplyResult, error) {
	return p.c.Reload(context.Background(), request, person)
}

// sound fails the test when verify finds a fault.
func (p *project) sound() {
	p.t.Helper()
	result, err := p.c.Verify(context.Background())
	if err != nil {
		p.t.Fatal(err)
	}
	for _, f := range result.Faults {
		p.t.Errorf("fault %s in %s: %s", f.Code, f.Subject, f.Message)
	}
}

// own gives a text the names that a case's content types have in its project.
func own(text string, number int) string {
	n := strconv.Itoa(number)
	return strings.NewReplacer("note", "n"+n, "other", "o"+n).Replace(text)
}

// inserts are the statements for the rows of a case.
func (c *change) inserts(database string) []string {
	var all []string
	for i, value := range c.x {
		all = append(all, "INSERT INTO content_note (id, x) VALUES ('"+strconv.Itoa(i+1)+"', "+value+")")
	}
	made := map[string]bool{}
	for i, entry := range c.list {
		row, value, _ := strings.Cut(entry, " ")
		if !made[row] {
			made[row] = true
			all = append(all, "INSERT INTO content_note (id) VALUES ('"+row+"')")
		}
		place := strconv.Itoa(i)
		all = append(all, "INSERT INTO field_note_x (id, parent_id, value, sort_order) VALUES ('v"+place+"', '"+row+"', "+value+", "+place+")")
	}
	all = append(all, c.sql...)
	if database == postgres {
		return append(all, c.postgres...)
	}
	return append(all, c.sqlite...)
}
