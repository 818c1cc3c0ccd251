package executor_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/diff"
	"marain/backend/document"
	"marain/backend/executor"
	"marain/backend/history"
	"marain/tests/engines"
)

var (
	background = context.Background()
	errFault   = errors.New("injected fault")
	loader     = document.Loader{SchemaDir: "schemas", ConfigDir: "config", Environment: "dev"}
)

// faulty is a database on which the statement number at fails.
type faulty struct {
	database.Database
	at    int
	calls int
}

var _ database.Database = (*faulty)(nil)

func (f *faulty) Write(ctx context.Context, fn func(database.Querier) error) error {
	return f.Database.Write(ctx, func(q database.Querier) error { return fn(faultyQuerier{q, f}) })
}

type faultyQuerier struct {
	database.Querier
	f *faulty
}

func (q faultyQuerier) fails() bool {
	q.f.calls++
	return q.f.calls == q.f.at
}

func (q faultyQuerier) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if q.fails() {
		return nil, errFault
	}
	return q.Querier.Exec(ctx, query, args...)
}

func (q faultyQuerier) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if q.fails() {
		return nil, errFault
	}
	return q.Querier.Query(ctx, query, args...)
}

func (q faultyQuerier) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	if q.fails() {
		// A row cannot be made here: one of a context that ended brings its error.
		ended, cancel := context.WithCancelCause(ctx)
		cancel(errFault)
		ctx = ended
	}
	return q.Querier.QueryRow(ctx, query, args...)
}

// bench is a real database with one applied batch and rows.
type bench struct {
	t     *testing.T
	db    database.Database
	store *history.Store
	lives map[string]action.Life
	tombs []action.Tombstone
}

const (
	notePath = "schemas/note.schema.yaml"
	mailPath = "config/config.mail.yaml"
	first    = "id: note\nname: N\nversioned: true\nfields:\n  - {id: a, type: slug, required: true}\n  - {id: b, type: text, cardinality: -1}\n"
	second   = "id: note\nname: N\nversioned: true\nfields:\n  - {id: c, type: integer, required: true, default: 3}\n  - {id: d, type: text, cardinality: 2}\n"
	mail     = "id: mail\nvalues:\n  password: secret\n"
)

// onEach runs a test on a bench with each kind of database.
func onEach(t *testing.T, run func(t *testing.T, b *bench)) {
	t.Helper()
	engines.Each(t, func(t *testing.T, db database.Database) { run(t, newBench(t, db)) })
}

func newBench(t *testing.T, db database.Database) *bench {
	t.Helper()
	vault, err := history.NewVault(filepath.Join(t.TempDir(), "key"), "")
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, db: db, store: history.New(vault), lives: map[string]action.Life{}}
	if err := db.Write(background, func(q database.Querier) error { return b.store.Prepare(background, q) }); err != nil {
		t.Fatal(err)
	}
	w := b.work(executor.File{Document: b.load(notePath, first)})
	if _, err := b.executor(db).Run(background, w); err != nil {
		t.Fatal(err)
	}
	b.lives["note"] = *w.NextLives()["note"]
	b.exec(`INSERT INTO content_note (id, a) VALUES ('1', 'x'), ('2', 'y')`, `INSERT INTO field_note_b (id, parent_id, value) VALUES ('1', '1', 'v')`)
	return b
}

func (b *bench) executor(db database.Database) *executor.Executor {
	return &executor.Executor{Database: db, Store: b.store}
}

func (b *bench) load(path, text string) *document.Document {
	b.t.Helper()
	doc, problems := loader.Load(path, []byte(text))
	if len(problems) > 0 {
		b.t.Fatal(problems)
	}
	return doc
}

func (b *bench) exec(statements ...string) {
	b.t.Helper()
	err := b.db.Write(background, func(q database.Querier) error {
		for _, s := range statements {
			if _, err := q.Exec(background, s); err != nil {
				return fmt.Errorf("%s: %w", s, err)
			}
		}
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// work plans files on the database as it is now. A file with a version above 1 changes the first batch's.
func (b *bench) work(files ...executor.File) executor.Work {
	b.t.Helper()
	w := executor.Work{ActionID: history.NewID(), Kind: history.KindApply, Actor: "ann via code", Lives: b.lives, Began: time.Now()}
	err := b.db.Read(background, func(q database.Querier) (err error) {
		if w.BaseSeq, _, err = b.store.Head(background, q); err != nil {
			return err
		}
		live := map[string]action.LiveTable{}
		g := &action.Generator{
			Dialect: b.db.Dialect(), Rows: database.Reader{Querier: q}, Lives: b.lives, Tombstones: b.tombs, CheckLimit: time.Minute,
			Inspect: func(ctx context.Context, names []string) (map[string]action.LiveTable, error) {
				found, err := b.db.Inspect(ctx, q, names)
				w.Tables = append(w.Tables, names...)
				for name, t := range found {
					live[name] = t
				}
				return found, err
			},
		}
		for _, f := range files {
			in := action.Input{Path: f.Document.Path, Kind: f.Document.Kind, Event: diff.FileAdded, NextVersion: max(f.Version, 1), New: f.Document}
			if f.Version > 1 {
				in.Event, in.BaseVersion, in.Old = diff.FileModified, f.Version-1, b.load(notePath, first)
				f.OldHash = in.Old.Hash
			}
			f.Version = in.NextVersion
			if f.Draft, err = g.File(background, in); err != nil {
				return err
			}
			if len(f.Draft.File.Blocked) > 0 {
				b.t.Fatalf("blocked: %+v", f.Draft.File.Blocked)
			}
			w.Files = append(w.Files, f)
		}
		w.LiveSeal = action.Fingerprint(w.Tables, live)
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return w
}

// everything is a batch that touches everything that a batch can touch.
func (b *bench) everything() executor.Work {
	w := b.work(executor.File{Document: b.load(notePath, second), Version: 2}, executor.File{Document: b.load(mailPath, mail)})
	text := []byte("an edit")
	sum := sha256.Sum256(text)
	hash := hex.EncodeToString(sum[:])
	w.Texts = []executor.Text{{Hash: hash, Raw: text, Sealed: true}}
	w.Drafts = []history.Draft{{Path: notePath, Hash: hash, Size: len(text)}}
	w.Writes = []history.Write{{Path: notePath, Expected: hash, BodyHash: w.Files[0].Document.Hash}}
	err := b.db.Read(background, func(q database.Querier) (err error) {
		w.Undo, err = b.store.VersionsAfter(background, q, notePath, 0)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return w
}

// dump describes the whole database.
func (b *bench) dump() string {
	b.t.Helper()
	var out strings.Builder
	err := b.db.Read(background, func(q database.Querier) error {
		reader := database.Reader{Querier: q}
		names, err := b.db.TableNames(background, q)
		if err != nil {
			return err
		}
		schema, err := b.db.Inspect(background, q, names)
		if err != nil {
			return err
		}
		fmt.Fprintln(&out, schema)
		for _, name := range names {
			rows, err := reader.Read(background, `SELECT * FROM "`+name+`" ORDER BY 1, 2`, 1000)
			if err != nil {
				return err
			}
			fmt.Fprintln(&out, name, rows)
		}
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return out.String()
}

func TestAFaultAtAnyStatementLeavesEverythingAsItWas(t *testing.T) {
	t.Parallel()
	onEach(t, faultAtAnyStatement)
}

func faultAtAnyStatement(t *testing.T, b *bench) {
	w := b.everything()
	before := b.dump()
	for at := 1; ; at++ {
		f := &faulty{Database: b.db, at: at}
		_, err := b.executor(f).Run(background, w)
		if err == nil {
			if f.calls >= at {
				t.Fatalf("statement %d of %d failed, and the batch did not", at, f.calls)
			}
			if at < 25 {
				t.Fatalf("only %d statements: this batch does not touch everything", at)
			}
			break
		}
		if !errors.Is(err, errFault) && !errors.Is(err, context.Canceled) {
			t.Fatalf("statement %d: %v", at, err)
		}
		if after := b.dump(); after != before {
			t.Fatalf("statement %d failed and left something behind:\n%s\n%s", at, before, after)
		}
	}
	after := b.dump()
	for _, want := range []string{"rolled_back", notePath, mailPath, "_old_", w.ActionID} {
		if !strings.Contains(after, want) {
			t.Errorf("the batch did not leave %s", want)
		}
	}
}

func TestADryRunLeavesEverythingAsItWas(t *testing.T) {
	t.Parallel()
	onEach(t, dryRun)
}

func dryRun(t *testing.T, b *bench) {
	w := b.everything()
	w.DryRun = true
	before := b.dump()
	for range 2 {
		if _, err := b.executor(b.db).Run(background, w); err != nil {
			t.Fatal(err)
		}
		if b.dump() != before {
			t.Fatal("a dry run left something behind")
		}
	}
	// It does run the statements: one that the database refuses shows in a dry run too.
	w.Files[0].Draft.File.Actions[0].Up = append(w.Files[0].Draft.File.Actions[0].Up, `ALTER TABLE nobody RENAME TO x`)
	var refusal *executor.StatementError
	if _, err := b.executor(b.db).Run(background, w); !errors.As(err, &refusal) || refusal.Path != notePath || !strings.Contains(refusal.Error(), "nobody") {
		t.Errorf("%v", err)
	}
	if b.dump() != before {
		t.Error("a dry run that failed left something behind")
	}
}

func TestWhatAPlanWasMadeFromIsProvedAgain(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*bench, *executor.Work){
		"another batch":       func(_ *bench, w *executor.Work) { w.BaseSeq-- },
		"a column":            func(b *bench, _ *executor.Work) { b.exec(`ALTER TABLE content_note ADD COLUMN z TEXT`) },
		"an index":            func(b *bench, _ *executor.Work) { b.exec(`CREATE INDEX z ON content_note (a)`) },
		"a table":             func(b *bench, _ *executor.Work) { b.exec(`CREATE TABLE field_note_d (z TEXT, y TEXT)`) },
		"a rule":              func(b *bench, _ *executor.Work) { b.exec(`ALTER TABLE content_note ALTER COLUMN a DROP NOT NULL`) },
		"a row, proved empty": func(b *bench, _ *executor.Work) { b.exec(`INSERT INTO content_note (id, a) VALUES ('3', 'z')`) },
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, b *bench) {
				if name == "a row, proved empty" {
					b.exec(`DELETE FROM content_note`)
				}
				w := b.everything()
				change(b, &w)
				before := b.dump()
				if _, err := b.executor(b.db).Run(background, w); !errors.Is(err, executor.ErrStale) {
					t.Errorf("%v", err)
				}
				if b.dump() != before {
					t.Error("a stale plan changed something")
				}
			})
		})
	}
}

func TestTablesThatWouldNotBeWhatTheFilesSay(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*executor.Work){
		"a statement is missing": func(w *executor.Work) {
			for i, a := range w.Files[0].Draft.File.Actions {
				if len(a.Up) > 0 && strings.Contains(a.Up[0], "ADD COLUMN") {
					w.Files[0].Draft.File.Actions[i].Up = nil
				}
			}
		},
		"a statement too many": func(w *executor.Work) {
			a := &w.Files[0].Draft.File.Actions[len(w.Files[0].Draft.File.Actions)-1]
			a.Up = append(a.Up, `ALTER TABLE content_note DROP COLUMN c`)
		},
		"a table that should be gone": func(w *executor.Work) {
			w.Files[0].Draft.Effects.Gone = append(w.Files[0].Draft.Effects.Gone, "file_versions")
		},
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, b *bench) {
				w := b.everything()
				change(&w)
				before := b.dump()
				if _, err := b.executor(b.db).Run(background, w); err == nil {
					t.Error("no error")
				}
				if b.dump() != before {
					t.Error("a batch that was refused changed something")
				}
			})
		})
	}
}
