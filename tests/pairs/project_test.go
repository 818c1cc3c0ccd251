// Package pairs_test changes fields from every type to every other one, in every shape, on real projects with SQLite and
// with PostgreSQL, and proves after every step what became of each value. It also proves that nothing is left to plan
// after an apply, whatever the type, the cardinality and the flags of a field.
package pairs_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx
	driver "modernc.org/sqlite"

	"marain/backend/coordinator"
	"marain/backend/project"
	"marain/tests/cluster"
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run puts the projects in memory where the system offers that: none of these tests is about losing power.
func run(m *testing.M) int {
	if os.Getenv("TMPDIR") == "" {
		if folder, err := os.MkdirTemp("/dev/shm", "marain-test-"); err == nil {
			if err := os.Setenv("TMPDIR", folder); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
			defer os.RemoveAll(folder)
		}
	}
	// The tests open a database beside the engine, in the same process.
	if _, err := driver.OFDLocking(true); err != nil && !errors.Is(err, driver.ErrOFDLockingUnavailable) {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return cluster.Main(m)
}

// kinds are the databases that everything runs on.
func kinds() []string { return []string{project.SQLite, project.Postgres} }

// desk is one project on a real folder and a real database.
type desk struct {
	t       *testing.T
	kind    string // of database
	root    string
	address string // of the database on a server
	c       *coordinator.Coordinator
	db      *sql.DB // of another program
}

func person() coordinator.Actor { return coordinator.Actor{Name: "ann", Door: "code"} }

// newDesk opens a project with these files, nothing of which is applied yet.
func newDesk(t *testing.T, kind string, files map[string]string) *desk {
	t.Helper()
	d := &desk{t: t, kind: kind, root: t.TempDir()}
	if kind == project.Postgres {
		d.address = cluster.Database(t)
	}
	d.write(files)
	d.c = d.open()
	t.Cleanup(func() {
		if err := d.c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return d
}

func (d *desk) write(files map[string]string) {
	d.t.Helper()
	files["config/config.hot_reload.yaml"] = "id: hot_reload\nvalues:\n  auto_apply: none\n"
	for path, text := range files {
		full := filepath.Join(d.root, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			d.t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			d.t.Fatal(err)
		}
	}
}

// sameFiles proves that files are byte for byte what they were.
func (d *desk) sameFiles(files map[string]string) {
	d.t.Helper()
	for path, want := range files {
		got, err := os.ReadFile(filepath.Join(d.root, filepath.FromSlash(path)))
		if err != nil {
			d.t.Fatal(err)
		}
		if string(got) != want {
			d.t.Errorf("%s is not as it was: %q, want %q", path, got, want)
		}
	}
}

// open opens the project as one more program does.
func (d *desk) open() *coordinator.Coordinator {
	d.t.Helper()
	getenv := func(name string) string {
		if name == project.EnvDatabase {
			return d.address
		}
		return ""
	}
	p, err := project.Open(d.root, getenv)
	if err != nil {
		d.t.Fatal(err)
	}
	c, err := coordinator.Open(context.Background(), coordinator.Options{Project: p, Door: "code", Version: "test", Getenv: getenv, CheckLimit: time.Minute})
	if err != nil {
		d.t.Fatal(err)
	}
	return c
}

// reopen goes on as the project does after a restart.
func (d *desk) reopen() {
	d.t.Helper()
	if err := d.c.Close(); err != nil {
		d.t.Fatal(err)
	}
	d.c = d.open()
}

// apply applies everything that waits.
func (d *desk) apply(answers map[string]string) string {
	d.t.Helper()
	result, err := d.c.Reload(context.Background(), coordinator.ReloadRequest{Approve: "breaking", Answers: answers}, person())
	return d.done("apply", result, err)
}

// undo takes a batch back.
func (d *desk) undo(batch string, answers map[string]string) string {
	d.t.Helper()
	result, err := d.c.Rollback(context.Background(), coordinator.RollbackRequest{ActionID: batch, Answers: answers}, person())
	return d.done("rollback", result, err)
}

func (d *desk) done(what string, result coordinator.ApplyResult, err error) string {
	d.t.Helper()
	if own := (*coordinator.Error)(nil); errors.As(err, &own) {
		d.t.Fatalf("%s: %v\n%+v", what, err, own.Details)
	}
	if err != nil {
		d.t.Fatalf("%s: %v", what, err)
	}
	if len(result.Applied) == 0 || len(result.Pending)+len(result.Failed) > 0 {
		d.t.Fatalf("%s: applied %v, pending %v, failed %v", what, result.Applied, result.Pending, result.Failed)
	}
	return result.ActionID
}

// settled proves that nothing is left to do: planning again finds nothing, the tables are what the documents say, and so
// are history and audit chain.
func (d *desk) settled(when string) {
	d.t.Helper()
	ctx := context.Background()
	plan, err := d.c.Diff(ctx, coordinator.DiffRequest{})
	if err != nil {
		d.t.Fatalf("%s: plan again: %v", when, err)
	}
	for _, f := range plan.Files {
		d.t.Errorf("%s: planning again wants to change %s: %+v %+v", when, f.Path, f.Changes, f.Actions)
	}
	verified, err := d.c.Verify(ctx)
	if err != nil {
		d.t.Fatalf("%s: verify: %v", when, err)
	}
	for _, f := range verified.Faults {
		d.t.Errorf("%s: fault %s in %s: %s", when, f.Code, f.Subject, f.Message)
	}
	status, err := d.c.Status(ctx)
	if err != nil {
		d.t.Fatalf("%s: status: %v", when, err)
	}
	if !status.InSync {
		d.t.Errorf("%s: not in sync: %s %+v %+v", when, status.State, status.InvalidFiles, status.HeldFiles)
	}
	d.asDescribed(when)
}

// asDescribed proves that drift has nothing to say.
func (d *desk) asDescribed(when string) {
	d.t.Helper()
	drift, err := d.c.Drift(context.Background())
	if err != nil {
		d.t.Fatalf("%s: drift: %v", when, err)
	}
	for _, x := range drift.Differences {
		d.t.Errorf("%s: drift: %+v", when, x)
	}
	u := drift.Unmanaged
	if !drift.InSync || len(drift.Plan.Files)+len(drift.Adopt)+len(u.Tables)+len(u.Columns)+len(u.Objects) > 0 {
		d.t.Errorf("%s: drift: in sync %v, repairs %d files, adopts %d, unmanaged %+v", when, drift.InSync, len(drift.Plan.Files), len(drift.Adopt), u)
	}
}

// other is another program that reads and writes the tables with plain SQL.
func (d *desk) other() *sql.DB {
	d.t.Helper()
	if d.db != nil {
		return d.db
	}
	// Nothing is cached: the tables change under this program, which must not notice.
	name, address := "pgx", d.address+"&default_query_exec_mode=exec&timezone=UTC"
	if d.kind == project.SQLite {
		name, address = "sqlite", "file:"+filepath.Join(d.root, "data/content/marain.db")+"?_pragma=busy_timeout(20000)&_pragma=foreign_keys(on)"
	}
	db, err := sql.Open(name, address)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { db.Close() })
	d.db = db
	return db
}

// exec runs statements in one transaction.
func (d *desk) exec(statements []string) {
	d.t.Helper()
	ctx := context.Background()
	tx, err := d.other().BeginTx(ctx, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, s := range statements {
		if _, err := tx.ExecContext(ctx, s); err != nil {
			d.t.Fatalf("%.500s: %v", s, errors.Join(err, tx.Rollback()))
		}
	}
	if err := tx.Commit(); err != nil {
		d.t.Fatal(err)
	}
}

// query returns what the driver makes of each row.
func (d *desk) query(query string) [][]any {
	d.t.Helper()
	rows, err := d.other().QueryContext(context.Background(), query)
	if err != nil {
		d.t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		d.t.Fatal(err)
	}
	var list [][]any
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			d.t.Fatalf("%s: %v", query, err)
		}
		for i := range values {
			values[i] = plain(values[i])
		}
		list = append(list, values)
	}
	if err := rows.Err(); err != nil {
		d.t.Fatalf("%s: %v", query, err)
	}
	return list
}

// plain gives what drivers have different types for one of them, without a change of the value.
func plain(value any) any {
	switch v := value.(type) {
	case []byte:
		return string(v)
	case json.RawMessage:
		return string(v)
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	default:
		return value
	}
}

// outOfUse returns the names of the tables, and of a table's columns, that are out of use.
func (d *desk) outOfUse() (tables []string, columns map[string][]string) {
	d.t.Helper()
	query := `SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position`
	if d.kind == project.SQLite {
		query = `SELECT t.name, c.name FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c WHERE t.type = 'table' ORDER BY t.name, c.cid`
	}
	columns = map[string][]string{}
	for _, row := range d.query(query) {
		table, column := row[0].(string), row[1].(string)
		if strings.HasPrefix(table, "_old_") && !slices.Contains(tables, table) {
			tables = append(tables, table)
		}
		if strings.HasPrefix(column, "_old_") {
			columns[table] = append(columns[table], column)
		}
	}
	return tables, columns
}
