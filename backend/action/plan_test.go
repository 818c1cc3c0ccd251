package action_test

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/database/sqlite"
	"marain/backend/diff"
	"marain/backend/document"
)

const path = "schemas/note.schema.yaml"

var (
	loader  = document.Loader{SchemaDir: "schemas", ConfigDir: "config", Environment: "dev"}
	dialect = sqlite.Dialect{}
)

func load(t *testing.T, text string) *document.Document {
	t.Helper()
	if text == "" {
		return nil
	}
	doc, problems := loader.Load(path, []byte(text))
	if len(problems) > 0 {
		t.Fatalf("%v\n%s", problems, text)
	}
	return doc
}

// note is a content type: each line is one field in flow style.
func note(fields ...string) string { return entity("note", false, fields...) }

func entity(id string, versioned bool, fields ...string) string {
	text := fmt.Sprintf("id: %s\nname: N\nversioned: %v\nfields:", id, versioned)
	if len(fields) == 0 {
		return text + " []\n"
	}
	for _, f := range fields {
		text += "\n  - {" + f + "}"
	}
	return text + "\n"
}

const (
	keep = "id: keep, type: text"
	ct   = `"content_note"`
)

// plans are changes with the exact statements that they take, and those that take them back. {x} stands for the tag of
// field x, {} for that of the content type, {!x} for the tag that a new field x gets.
var plans = []struct {
	name     string
	old, new string
	answers  map[string]string
	rows     int // how many rows there are, each without a value
	up, down []string
}{
	{
		name: "entity added", new: note("id: a, type: integer, required: true, default: 4", "id: b, type: slug", "id: c, type: text, cardinality: -1"),
		up: []string{
			"CREATE TABLE \"content_note\" (\n  \"id\" TEXT NOT NULL,\n  \"user\" TEXT DEFAULT '00000000000000000000000000',\n  \"rid\" INTEGER DEFAULT 1,\n  \"last_cached\" TIMESTAMP,\n" +
				"  \"cache_ttl\" INTEGER DEFAULT 86400,\n  \"content_hash\" TEXT,\n  \"created_at\" TIMESTAMP DEFAULT CURRENT_TIMESTAMP,\n  \"updated_at\" TIMESTAMP DEFAULT CURRENT_TIMESTAMP,\n" +
				"  \"a\" INTEGER NOT NULL DEFAULT 4,\n  \"b\" TEXT,\n  CONSTRAINT \"pk_content_note\" PRIMARY KEY (\"id\")\n)",
			`CREATE UNIQUE INDEX "uq_content_note__b" ON "content_note" ("b")`,
			"CREATE TABLE \"field_note_c\" (\n  \"id\" TEXT NOT NULL,\n  \"user\" TEXT DEFAULT '00000000000000000000000000',\n  \"rid\" INTEGER NOT NULL DEFAULT 1,\n  \"parent_id\" TEXT NOT NULL,\n" +
				"  \"value\" TEXT NOT NULL,\n  \"sort_order\" INTEGER NOT NULL DEFAULT 0,\n  CONSTRAINT \"pk_field_note_c\" PRIMARY KEY (\"id\"),\n" +
				"  CONSTRAINT \"fk_field_note_c__parent_id\" FOREIGN KEY (\"parent_id\") REFERENCES \"content_note\" (\"id\") ON DELETE CASCADE\n)",
			`CREATE INDEX "idx_field_note_c__parent_id" ON "field_note_c" ("parent_id")`,
		},
		down: []string{
			`DROP INDEX "uq_content_note__b"`, `ALTER TABLE "content_note" RENAME TO "_old_{!}_content_note"`,
			`DROP INDEX "idx_field_note_c__parent_id"`, `ALTER TABLE "field_note_c" RENAME TO "_old_{!}_field_note_c"`,
		},
	},
	{
		name: "entity removed", old: entity("note", true, "id: a, type: slug", "id: b, type: text, cardinality: 2, indexed: true"),
		up: []string{
			`DROP INDEX "uq_content_note__a"`, `ALTER TABLE "content_note" RENAME TO "_old_{}_content_note"`,
			`ALTER TABLE "content_revisions_note" RENAME TO "_old_{}_content_revisions_note"`,
			`DROP INDEX "idx_field_note_b__parent_id"`, `DROP INDEX "idx_field_note_b__value"`, `ALTER TABLE "field_note_b" RENAME TO "_old_{}_field_note_b"`,
			`ALTER TABLE "field_revisions_note_b" RENAME TO "_old_{}_field_revisions_note_b"`,
		},
		down: []string{
			`ALTER TABLE "_old_{}_content_note" RENAME TO "content_note"`, `CREATE UNIQUE INDEX "uq_content_note__a" ON "content_note" ("a")`,
			`ALTER TABLE "_old_{}_content_revisions_note" RENAME TO "content_revisions_note"`,
			`ALTER TABLE "_old_{}_field_note_b" RENAME TO "field_note_b"`, `CREATE INDEX "idx_field_note_b__parent_id" ON "field_note_b" ("parent_id")`, `CREATE INDEX "idx_field_note_b__value" ON "field_note_b" ("value")`,
			`ALTER TABLE "_old_{}_field_revisions_note_b" RENAME TO "field_revisions_note_b"`,
		},
	},
	{
		name: "optional field", old: entity("note", true, keep), new: entity("note", true, keep, `id: a, type: text, default: "it's"`),
		up:   []string{`ALTER TABLE ` + ct + ` ADD COLUMN "a" TEXT DEFAULT 'it''s'`, `ALTER TABLE "content_revisions_note" ADD COLUMN "a" TEXT`},
		down: []string{`ALTER TABLE ` + ct + ` RENAME COLUMN "a" TO "_old_{!a}_a"`, `ALTER TABLE "content_revisions_note" RENAME COLUMN "a" TO "_old_{!a}_a"`},
	},
	{
		name: "required field with a default", old: note(keep), new: note(keep, "id: a, type: float, required: true, default: 2, indexed: true"), rows: 3,
		up:   []string{`ALTER TABLE ` + ct + ` ADD COLUMN "a" REAL NOT NULL DEFAULT 2.0`, `CREATE INDEX "idx_content_note__a" ON ` + ct + ` ("a")`},
		down: []string{`DROP INDEX "idx_content_note__a"`, `ALTER TABLE ` + ct + ` ALTER COLUMN "a" DROP NOT NULL`, `ALTER TABLE ` + ct + ` RENAME COLUMN "a" TO "_old_{!a}_a"`},
	},
	{
		name: "required field with a backfill", old: note(keep), new: note(keep, "id: a, type: boolean, required: true"), rows: 2, answers: map[string]string{"backfill:note.a": "true"},
		up:   []string{`ALTER TABLE ` + ct + ` ADD COLUMN "a" INTEGER`, `UPDATE ` + ct + ` SET "a" = 1 WHERE "a" IS NULL`, `ALTER TABLE ` + ct + ` ALTER COLUMN "a" SET NOT NULL`},
		down: []string{`ALTER TABLE ` + ct + ` ALTER COLUMN "a" DROP NOT NULL`, `ALTER TABLE ` + ct + ` RENAME COLUMN "a" TO "_old_{!a}_a"`},
	},
	{
		name: "required field on no rows", old: note(keep), new: note(keep, "id: a, type: text, required: true, unique: true"),
		up:   []string{`ALTER TABLE ` + ct + ` ADD COLUMN "a" TEXT`, `ALTER TABLE ` + ct + ` ALTER COLUMN "a" SET NOT NULL`, `CREATE UNIQUE INDEX "uq_content_note__a" ON ` + ct + ` ("a")`},
		down: []string{`DROP INDEX "uq_content_note__a"`, `ALTER TABLE ` + ct + ` ALTER COLUMN "a" DROP NOT NULL`, `ALTER TABLE ` + ct + ` RENAME COLUMN "a" TO "_old_{!a}_a"`},
	},
	{
		name: "field removed", old: entity("note", true, keep, "id: a, type: slug, required: true, indexed: true"), new: entity("note", true, keep),
		up: []string{
			`DROP INDEX "uq_content_note__a"`, `DROP INDEX "idx_content_note__a"`, `ALTER TABLE ` + ct + ` ALTER COLUMN "a" DROP NOT NULL`,
			`ALTER TABLE ` + ct + ` RENAME COLUMN "a" TO "_old_{a}_a"`, `ALTER TABLE "content_revisions_note" RENAME COLUMN "a" TO "_old_{a}_a"`,
		},
		down: []string{
			`ALTER TABLE "content_revisions_note" RENAME COLUMN "_old_{a}_a" TO "a"`, `ALTER TABLE ` + ct + ` RENAME COLUMN "_old_{a}_a" TO "a"`,
			`ALTER TABLE ` + ct + ` ALTER COLUMN "a" SET NOT NULL`, `CREATE INDEX "idx_content_note__a" ON ` + ct + ` ("a")`, `CREATE UNIQUE INDEX "uq_content_note__a" ON ` + ct + ` ("a")`,
		},
	},
	{
		name: "field with many values removed", old: note(keep, "id: a, type: text, cardinality: -1, unique: true"), new: note(keep),
		up: []string{
			`DROP INDEX "uq_field_note_a__value"`, `DROP INDEX "idx_field_note_a__parent_id"`,
			`CREATE INDEX "_old_{a}_idx_field_note_a__parent_id" ON "field_note_a" ("parent_id")`, `ALTER TABLE "field_note_a" RENAME TO "_old_{a}_field_note_a"`,
		},
		down: []string{
			`ALTER TABLE "_old_{a}_field_note_a" RENAME TO "field_note_a"`, `DROP INDEX "_old_{a}_idx_field_note_a__parent_id"`,
			`CREATE INDEX "idx_field_note_a__parent_id" ON "field_note_a" ("parent_id")`, `CREATE UNIQUE INDEX "uq_field_note_a__value" ON "field_note_a" ("value")`,
		},
	},
	{
		name: "renamed", old: note("id: a, type: slug"), new: note("id: b, type: slug, renamed_from: a"),
		up:   []string{`DROP INDEX "uq_content_note__a"`, `ALTER TABLE ` + ct + ` RENAME COLUMN "a" TO "b"`, `CREATE UNIQUE INDEX "uq_content_note__b" ON ` + ct + ` ("b")`},
		down: []string{`DROP INDEX "uq_content_note__b"`, `ALTER TABLE ` + ct + ` RENAME COLUMN "b" TO "a"`, `CREATE UNIQUE INDEX "uq_content_note__a" ON ` + ct + ` ("a")`},
	},
	{
		name: "renamed with other rules", old: note("id: a, type: text, unique: true"), new: note("id: b, type: text, required: true, renamed_from: a"),
		up: []string{
			`DROP INDEX "uq_content_note__a"`, `ALTER TABLE ` + ct + ` RENAME COLUMN "a" TO "b"`, `CREATE UNIQUE INDEX "uq_content_note__b" ON ` + ct + ` ("b")`,
			`DROP INDEX "uq_content_note__b"`, `ALTER TABLE ` + ct + ` ALTER COLUMN "b" SET NOT NULL`,
		},
		down: []string{
			`ALTER TABLE ` + ct + ` ALTER COLUMN "b" DROP NOT NULL`, `CREATE UNIQUE INDEX "uq_content_note__b" ON ` + ct + ` ("b")`,
			`DROP INDEX "uq_content_note__b"`, `ALTER TABLE ` + ct + ` RENAME COLUMN "b" TO "a"`, `CREATE UNIQUE INDEX "uq_content_note__a" ON ` + ct + ` ("a")`,
		},
	},
	{
		name: "a field with many values renamed", old: entity("note", true, keep, "id: a, type: text, cardinality: 2"), new: entity("note", true, keep, "id: b, type: text, cardinality: 2, renamed_from: a"),
		up: []string{
			`DROP INDEX "idx_field_note_a__parent_id"`, `ALTER TABLE "field_note_a" RENAME TO "field_note_b"`, `CREATE INDEX "idx_field_note_b__parent_id" ON "field_note_b" ("parent_id")`,
			`ALTER TABLE "field_revisions_note_a" RENAME TO "field_revisions_note_b"`,
		},
		down: []string{
			`ALTER TABLE "field_revisions_note_b" RENAME TO "field_revisions_note_a"`,
			`DROP INDEX "idx_field_note_b__parent_id"`, `ALTER TABLE "field_note_b" RENAME TO "field_note_a"`, `CREATE INDEX "idx_field_note_a__parent_id" ON "field_note_a" ("parent_id")`,
		},
	},
	{
		name: "required", old: note("id: a, type: text"), new: note("id: a, type: text, required: true"),
		up: []string{`ALTER TABLE ` + ct + ` ALTER COLUMN "a" SET NOT NULL`}, down: []string{`ALTER TABLE ` + ct + ` ALTER COLUMN "a" DROP NOT NULL`},
	},
	{
		name: "optional", old: note("id: a, type: text, required: true"), new: note("id: a, type: text"),
		up: []string{`ALTER TABLE ` + ct + ` ALTER COLUMN "a" DROP NOT NULL`}, down: []string{`ALTER TABLE ` + ct + ` ALTER COLUMN "a" SET NOT NULL`},
	},
	{
		name: "unique", old: note("id: a, type: text"), new: note("id: a, type: text, unique: true"),
		up: []string{`CREATE UNIQUE INDEX "uq_content_note__a" ON ` + ct + ` ("a")`}, down: []string{`DROP INDEX "uq_content_note__a"`},
	},
	{
		name: "not unique", old: note("id: a, type: text, cardinality: -1, unique: true"), new: note("id: a, type: text, cardinality: -1"),
		up: []string{`DROP INDEX "uq_field_note_a__value"`}, down: []string{`CREATE UNIQUE INDEX "uq_field_note_a__value" ON "field_note_a" ("value")`},
	},
	{
		name: "indexed", old: note("id: a, type: text, cardinality: -1"), new: note("id: a, type: text, cardinality: -1, indexed: true"),
		up: []string{`CREATE INDEX "idx_field_note_a__value" ON "field_note_a" ("value")`}, down: []string{`DROP INDEX "idx_field_note_a__value"`},
	},
	{
		name: "not indexed", old: note("id: a, type: text, indexed: true"), new: note("id: a, type: text"),
		up: []string{`DROP INDEX "idx_content_note__a"`}, down: []string{`CREATE INDEX "idx_content_note__a" ON ` + ct + ` ("a")`},
	},
	{name: "required where there are many values", old: note("id: a, type: text, cardinality: -1"), new: note("id: a, type: text, cardinality: -1, required: true")},
	{name: "words", old: note("id: a, type: text"), new: note("id: a, type: text, label: Other, description: x, default: y")},
	{name: "layout", old: note("id: a, type: text"), new: "# why\n" + note("id: a, type: text")},
	{
		name: "another id", old: note("id: a, type: text"), new: entity("memo", false, "id: a, type: text"),
		up: []string{
			`ALTER TABLE ` + ct + ` RENAME TO "_old_{}_content_note"`,
			"CREATE TABLE \"content_memo\" (\n  \"id\" TEXT NOT NULL,\n  \"user\" TEXT DEFAULT '00000000000000000000000000',\n  \"rid\" INTEGER DEFAULT 1,\n  \"last_cached\" TIMESTAMP,\n" +
				"  \"cache_ttl\" INTEGER DEFAULT 86400,\n  \"content_hash\" TEXT,\n  \"created_at\" TIMESTAMP DEFAULT CURRENT_TIMESTAMP,\n  \"updated_at\" TIMESTAMP DEFAULT CURRENT_TIMESTAMP,\n" +
				"  \"a\" TEXT,\n  CONSTRAINT \"pk_content_memo\" PRIMARY KEY (\"id\")\n)",
		},
		down: []string{`ALTER TABLE "content_memo" RENAME TO "_old_{!}_content_memo"`, `ALTER TABLE "_old_{}_content_note" RENAME TO ` + ct},
	},
}

// world is a real database with the tables of a content type.
type world struct {
	db   *sqlite.DB
	life action.Life
}

func newWorld(t *testing.T, old *document.Document, rows int) *world {
	t.Helper()
	db, err := sqlite.Open(context.Background(), filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w := &world{db: db}
	if old == nil {
		return w
	}
	w.life = action.Life{Tag: "ee", Fields: map[string]string{}}
	for _, f := range old.Entity.Fields {
		w.life.Fields[f.ID] = "ff" + f.ID
	}
	for _, table := range action.Tables(old.Entity) {
		statements, err := dialect.Statements(action.CreateTable{Table: table})
		if err != nil {
			t.Fatal(err)
		}
		w.exec(t, statements...)
	}
	for i := range rows {
		w.exec(t, fmt.Sprintf(`INSERT INTO "content_%s" (id) VALUES ('%d')`, old.Entity.ID, i))
	}
	return w
}

func (w *world) exec(t *testing.T, statements ...string) {
	t.Helper()
	err := w.db.Write(context.Background(), func(q database.Querier) error {
		for _, s := range statements {
			if _, err := q.Exec(context.Background(), s); err != nil {
				return fmt.Errorf("%s: %w", s, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// plan makes the plan of a change on the real tables and rows.
func (w *world) plan(t *testing.T, old, new *document.Document, change func(*action.Generator, *action.Input)) action.Draft {
	t.Helper()
	var draft action.Draft
	err := w.db.Read(context.Background(), func(q database.Querier) (err error) {
		g := &action.Generator{
			Dialect: dialect, Rows: database.Reader{Querier: q}, Environment: "dev", CheckLimit: time.Minute, Lives: map[string]action.Life{},
			Inspect: func(ctx context.Context, names []string) (map[string]action.LiveTable, error) {
				return w.db.Inspect(ctx, q, names)
			},
		}
		in := action.Input{Path: path, Kind: document.KindEntity, Event: diff.FileModified, BaseVersion: 1, NextVersion: 2, Old: old, New: new}
		if old != nil {
			g.Lives[old.Entity.ID] = w.life
		}
		if change != nil {
			change(g, &in)
		}
		draft, err = g.File(context.Background(), in)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return draft
}

func (w *world) compare(t *testing.T, when string, e *document.Document) {
	t.Helper()
	var want []action.Table
	if e != nil {
		want = action.Tables(e.Entity)
	}
	err := w.db.Read(context.Background(), func(q database.Querier) error {
		live, err := w.db.Inspect(context.Background(), q, action.TableNames(want))
		for _, d := range action.Compare(dialect, want, live) {
			t.Errorf("%s: %s: %s", when, d.Table, d.Message)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// inUse describes everything that is in use, in no order of columns.
func (w *world) inUse(t *testing.T) string {
	t.Helper()
	var out string
	err := w.db.Read(context.Background(), func(q database.Querier) error {
		names, err := w.db.TableNames(context.Background(), q)
		if err != nil {
			return err
		}
		names = slices.DeleteFunc(names, action.IsOutOfUse)
		live, err := w.db.Inspect(context.Background(), q, names)
		for name, t := range live {
			t.Columns = slices.DeleteFunc(t.Columns, func(c action.LiveColumn) bool { return action.IsOutOfUse(c.Name) })
			live[name] = t
		}
		out = strings.Join(names, " ") + " " + action.Fingerprint(names, live)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func statements(d action.Draft) (up, down []string) {
	for _, a := range d.File.Actions {
		up = append(up, a.Up...)
	}
	for _, a := range slices.Backward(d.File.Actions) {
		down = append(down, a.Down...)
	}
	return up, down
}

func TestPlans(t *testing.T) {
	for _, c := range plans {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			old, new := load(t, c.old), load(t, c.new)
			w := newWorld(t, old, c.rows)
			before := w.inUse(t)
			draft := w.plan(t, old, new, func(g *action.Generator, _ *action.Input) { g.Answers = c.answers })
			if len(draft.File.Blocked) > 0 {
				t.Fatalf("blocked: %+v", draft.File.Blocked)
			}
			up, down := statements(draft)
			same(t, "up", up, w.named(c.up, new))
			same(t, "down", down, w.named(c.down, new))
			for _, a := range draft.File.Actions {
				if a.Description == "" || (a.Type == action.DatabaseMigration) != (len(a.Up) > 0) {
					t.Errorf("action %+v", a)
				}
			}
			// And it is true: forward gives what the file says, back what was there, and forward again.
			w.exec(t, up...)
			w.compare(t, "forward", new)
			w.exec(t, down...)
			w.compare(t, "back", old)
			if after := w.inUse(t); after != before {
				t.Errorf("back is not as before:\n%s\n%s", before, after)
			}
		})
	}
}

// named puts the tags in place.
func (w *world) named(list []string, new *document.Document) []string {
	pairs := []string{"{}", w.life.Tag}
	for id, tag := range w.life.Fields {
		pairs = append(pairs, "{"+id+"}", tag)
	}
	if new != nil {
		pairs = append(pairs, "{!}", action.Tag(path, 2, new.Entity.ID, ""))
		for _, f := range new.Entity.Fields {
			pairs = append(pairs, "{!"+f.ID+"}", action.Tag(path, 2, new.Entity.ID, f.ID))
		}
	}
	var named []string
	for _, s := range list {
		named = append(named, strings.NewReplacer(pairs...).Replace(s))
	}
	return named
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d statements, want %d:\n%s", what, len(got), len(want), strings.Join(got, "\n"))
		return
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("%s %d\n got %s\nwant %s", what, i, got[i], want[i])
		}
	}
}

func TestTheSameInputGivesTheSamePlan(t *testing.T) {
	old := load(t, entity("note", true, keep, "id: a, type: slug", "id: b, type: text, cardinality: -1", "id: c, type: text"))
	new := load(t, entity("note", true, "id: c, type: text, unique: true", "id: d, type: slug", "id: e, type: text, cardinality: -1", "id: f, type: integer, required: true"))
	w := newWorld(t, old, 2)
	answers := map[string]string{"rename:note.d": "renamed", "rename:note.e": "replaced", "backfill:note.f": "7"}
	var first string
	for range 50 {
		draft := w.plan(t, old, new, func(g *action.Generator, _ *action.Input) { g.Answers = maps.Clone(answers) })
		text := fmt.Sprintf("%+v", draft.File.Actions) + fmt.Sprintf("%+v", draft.Questions)
		if first == "" {
			first = text
		}
		if text != first {
			t.Fatalf("another plan:\n%s\n%s", first, text)
		}
	}
}

func TestNothingInAPlanDestroys(t *testing.T) {
	for _, c := range plans {
		old, new := load(t, c.old), load(t, c.new)
		w := newWorld(t, old, c.rows)
		draft := w.plan(t, old, new, func(g *action.Generator, _ *action.Input) { g.Answers = c.answers })
		up, down := statements(draft)
		for _, s := range append(up, down...) {
			for _, word := range []string{"DROP TABLE", "DELETE", "TRUNCATE", "INSERT", "REPLACE"} {
				if strings.HasPrefix(s, word) || strings.Contains(s, "DROP COLUMN") {
					t.Errorf("%s: %s", c.name, s)
				}
			}
			if strings.HasPrefix(s, "UPDATE") && !strings.HasSuffix(s, "IS NULL") {
				t.Errorf("%s writes over values: %s", c.name, s)
			}
		}
	}
}

func TestNamesOutOfUse(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{
		"a", "content_note", strings.Repeat("x", 46), strings.Repeat("x", 47), strings.Repeat("x", 48), strings.Repeat("x", 63),
		strings.Repeat("x", 62) + "y", strings.Repeat("é", 31) + "a", strings.Repeat("é", 31) + "b",
	} {
		for _, tag := range []string{action.Tag("p", 1, "e", ""), action.Tag("p", 2, "e", ""), action.Tag("p", 1, "e", "f"), action.Tag("q", 1, "e", "")} {
			got := action.OutOfUse(tag, name)
			if len(got) > document.MaxName || !action.IsOutOfUse(got) || strings.ToValidUTF8(got, "") != got {
				t.Errorf("%q of %q", got, name)
			}
			if other, twice := seen[got]; twice {
				t.Errorf("%q stands for %q and %q", got, other, tag+name)
			}
			seen[got] = tag + name
		}
	}
}
