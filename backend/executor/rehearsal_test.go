package executor_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/diff"
	"marain/backend/document"
	"marain/backend/executor"
	"marain/tests/cluster"
	"marain/tests/engines"
)

func TestMain(m *testing.M) { os.Exit(cluster.Main(m)) }

// onBoth runs a test on an empty database of each kind.
func onBoth(t *testing.T, run func(t *testing.T, s *stage)) {
	t.Helper()
	engines.Each(t, func(t *testing.T, db database.Database) { run(t, &stage{t: t, db: db}) })
}

// stage is a database with one content type.
type stage struct {
	t     *testing.T
	db    database.Database
	doc   *document.Document
	life  action.Life
	tombs []action.Tombstone
}

func (s *stage) exec(statements ...string) {
	s.t.Helper()
	err := s.db.Write(background, func(q database.Querier) error {
		for _, text := range statements {
			if _, err := q.Exec(background, text); err != nil {
				return fmt.Errorf("%s: %w", text, err)
			}
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) load(text string) *document.Document {
	s.t.Helper()
	doc, problems := loader.Load(notePath, []byte(text))
	if len(problems) > 0 {
		s.t.Fatal(problems)
	}
	return doc
}

// begin makes the tables of a content type.
func (s *stage) begin(text string) {
	s.t.Helper()
	s.doc, s.life = s.load(text), action.Life{Tag: "ee", Fields: map[string]string{}}
	for _, f := range s.doc.Entity.Fields {
		s.life.Fields[f.ID] = "ff" + f.ID
	}
	for _, table := range action.Tables(s.doc.Entity) {
		statements, err := s.db.Dialect().Statements(action.CreateTable{Table: table})
		if err != nil {
			s.t.Fatal(err)
		}
		s.exec(statements...)
	}
}

// plan plans another text of the content type; an empty one removes it.
func (s *stage) plan(text string, answers map[string]string) action.Draft {
	s.t.Helper()
	in := action.Input{Path: notePath, Kind: document.KindEntity, Event: diff.FileModified, BaseVersion: 1, NextVersion: 2, Old: s.doc}
	if text != "" {
		in.New = s.load(text)
	}
	return s.draft(answers, func(g *action.Generator) (action.Draft, error) { return g.File(background, in) })
}

// repair plans the way back to the text.
func (s *stage) repair(answers map[string]string) action.Draft {
	s.t.Helper()
	in := action.Input{Path: notePath, Kind: document.KindEntity, Event: diff.FileModified, BaseVersion: 1, NextVersion: 2, Old: s.doc, New: s.doc}
	return s.draft(answers, func(g *action.Generator) (action.Draft, error) { return g.Repair(background, in, 2) })
}

func (s *stage) draft(answers map[string]string, plan func(*action.Generator) (action.Draft, error)) action.Draft {
	s.t.Helper()
	var draft action.Draft
	err := s.db.Read(background, func(q database.Querier) (err error) {
		g := &action.Generator{
			Dialect: s.db.Dialect(), Rows: database.Reader{Querier: q}, Environment: "dev", CheckLimit: time.Minute,
			Lives: map[string]action.Life{}, Tombstones: s.tombs, Origins: map[string]action.Origin{}, Answers: answers,
			Inspect: func(ctx context.Context, names []string) (map[string]action.LiveTable, error) {
				return s.db.Inspect(ctx, q, names)
			},
		}
		if s.doc != nil {
			g.Lives[s.doc.Entity.ID] = s.life
		}
		draft, err = plan(g)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if len(draft.File.Blocked) > 0 {
		s.t.Fatalf("blocked: %+v", draft.File.Blocked)
	}
	return draft
}

func (s *stage) rehearse(drafts ...action.Draft) action.Rehearsal {
	s.t.Helper()
	e := &executor.Executor{Database: s.db}
	result, err := e.Rehearse(background, drafts, nil, time.Minute)
	if err != nil {
		s.t.Fatal(err)
	}
	return result
}

// dump describes every table with its rows.
func (s *stage) dump() string {
	s.t.Helper()
	var out strings.Builder
	err := s.db.Read(background, func(q database.Querier) error {
		names, err := s.db.TableNames(background, q)
		if err != nil {
			return err
		}
		live, err := s.db.Inspect(background, q, names)
		if err != nil {
			return err
		}
		for _, name := range names {
			rows, err := database.Reader{Querier: q}.Read(background, `SELECT * FROM "`+name+`" ORDER BY 1`, 1000)
			if err != nil {
				return err
			}
			fmt.Fprintf(&out, "%s %+v %v\n", name, live[name], rows)
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return out.String()
}

const (
	before = "id: note\nname: N\nversioned: true\nfields:\n  - {id: a, type: slug, required: true, indexed: true}\n  - {id: b, type: text, cardinality: -1}\n  - {id: c, type: text}\n  - {id: n, type: integer}\n"
	// after takes a and b out of use, gives n another type, and adds a required field and one with several values.
	after = "id: note\nname: N\nversioned: true\nfields:\n  - {id: c, type: text}\n  - {id: n, type: text}\n  - {id: d, type: integer, required: true, default: 3, indexed: true}\n  - {id: e, type: float, cardinality: 2}\n"
)

// furnish makes tables with rows, a tombstone and a column and a table of another program.
func (s *stage) furnish() {
	s.t.Helper()
	s.begin(before)
	s.exec(
		`ALTER TABLE content_note ADD COLUMN "_old_gone_x" TEXT`, `ALTER TABLE content_note ADD COLUMN theirs TEXT`,
		`INSERT INTO content_note (id, a, c, n, "_old_gone_x", theirs) VALUES ('01', 'x', 'secret-value', 1, 'kept', '1'), ('02', 'y', 'other', NULL, NULL, NULL), ('03', 'z', NULL, 3, '', 'free')`,
		`INSERT INTO field_note_b (id, parent_id, value, sort_order) VALUES ('b1', '01', 'v1', 0), ('b2', '01', 'v2', 1)`,
		`INSERT INTO content_revisions_note (id, rid, a, c) VALUES ('01', 1, 'before', 'secret-value')`,
	)
}

// without leaves out the statements that hold a text; it must be there.
func without(t *testing.T, list []string, text string) []string {
	t.Helper()
	rest := slices.DeleteFunc(slices.Clone(list), func(s string) bool { return strings.Contains(s, text) })
	if len(rest) == len(list) {
		t.Errorf("no statement has %s: %q", text, list)
	}
	return rest
}

// Every kind of wrong inverse is found on both databases, whatever it loses.
func TestABrokenInverseIsFound(t *testing.T) {
	type change func(t *testing.T, a *action.Action)
	lacking := func(text string) change {
		return func(t *testing.T, a *action.Action) { a.Down = without(t, a.Down, text) }
	}
	adding := func(statements ...string) change {
		return func(_ *testing.T, a *action.Action) { a.Down = append(slices.Clone(a.Down), statements...) }
	}
	cases := []struct {
		name   string
		on     string // what the action says that is changed
		change change
		want   []string
	}{
		{"forgets a column", "Take field a out of use", lacking(`RENAME COLUMN "_old_ffa_a" TO "a"`), []string{"Rolling this back would fail", "content_note"}},
		{"forgets a table", "Take field b out of use", lacking(`RENAME TO "field_note_b"`), []string{"Rolling this back would", "field_note_b"}},
		{"forgets an index", "Take field a out of use", lacking(`CREATE INDEX "idx_content_note__a"`), []string{"content_note: index idx_content_note__a is missing"}},
		{"forgets a unique rule", "Take field a out of use", lacking(`CREATE UNIQUE INDEX`), []string{"index uq_content_note__a is missing"}},
		{"forgets that it was required", "Take field a out of use", lacking(`SET NOT NULL`), []string{"column a allows empty values and did not"}},
		{"leaves a NOT NULL", "Add field d", lacking(`DROP NOT NULL`), []string{"would leave a rule behind: content_note._old_", "_d is out of use and refuses empty values"}},
		{"leaves an index", "Add field d", lacking(`DROP INDEX`), []string{"index idx_content_note__d is still there"}},
		{"leaves a column", "Add field d", lacking(`ALTER TABLE "content_note" RENAME COLUMN`), []string{"content_note: column d is still in use"}},
		{"leaves a table", "Add field e", lacking(`ALTER TABLE "field_note_e" RENAME`), []string{"table field_note_e is still in use"}},
		{"keeps a name", "Add field e", lacking(`INDEX "idx_field_note_e__parent_id"`), []string{"Applying this again after a rollback would fail", "idx_field_note_e__parent_id"}},
		{"loses a value", "Take field a out of use", adding(`UPDATE content_note SET c = NULL WHERE id = '01'`), []string{"content_note: 1 of 3 rows differs in c (id 01)."}},
		{"makes up a value", "Take field a out of use", adding(`UPDATE content_note SET c = '' WHERE id = '03'`), []string{"1 of 3 rows differs in c (id 03)."}},
		{"swaps values", "Take field a out of use", adding(`UPDATE content_note SET c = CASE id WHEN '01' THEN 'other' ELSE 'secret-value' END WHERE id < '03'`), []string{"2 of 3 rows differ in c (id 01, 02)."}},
		{"converts back wrongly", "Set the present values of n aside", adding(`UPDATE content_note SET n = n + 1 WHERE n > 2`), []string{"differs in n (id 03)"}},
		{"loses a row", "Take field a out of use", adding(`DELETE FROM content_note WHERE id = '02'`), []string{"1 of 3 rows is missing or differs (id 02)"}},
		{"loses a row of a list", "Take field b out of use", adding(`DELETE FROM field_note_b WHERE id = 'b2'`), []string{"field_note_b", "(id b2)"}},
		{"loses a revision", "Take field a out of use", adding(`UPDATE content_revisions_note SET c = 'x'`), []string{"content_revisions_note: 1 of 1 row differs in c (id 01)"}},
		{"adds a row", "Take field a out of use", adding(`INSERT INTO content_note (id, a) VALUES ('09', 'new')`), []string{"1 row is too many (id 09)"}},
		{"touches a tombstone", "Take field a out of use", adding(`UPDATE content_note SET "_old_gone_x" = NULL WHERE id = '03'`), []string{"differs in _old_gone_x (id 03)"}},
		{"touches another program's column", "Take field a out of use", adding(`UPDATE content_note SET theirs = 'mine' WHERE id = '02'`), []string{"differs in theirs (id 02)"}},
		{"moves a tombstone", "Take field a out of use", adding(`ALTER TABLE content_note RENAME COLUMN "_old_gone_x" TO "_old_other_x"`), []string{"column _old_gone_x is missing"}},
		{"changes a type", "Take field a out of use", adding(`ALTER TABLE content_note RENAME COLUMN theirs TO "_old_t_theirs"`, `ALTER TABLE content_note ADD COLUMN theirs INTEGER`), []string{"column theirs is INTEGER and was TEXT"}},
		{"is refused", "Take field a out of use", adding(`ALTER TABLE nobody RENAME TO x`), []string{"Rolling this back would fail: schemas/note.schema.yaml: the database refuses", "nobody"}},
		{"applies too little", "Add field d", func(t *testing.T, a *action.Action) { a.Up = without(t, a.Up, "CREATE INDEX") }, []string{"would not make the tables what the files say", "idx_content_note__d"}},
		{"applies what is refused", "Add field d", func(_ *testing.T, a *action.Action) { a.Up = append(slices.Clone(a.Up), `UPDATE nobody SET x = 1`) }, []string{"Applying this would fail"}},
		{"leads elsewhere the second time", "Add field d", func(_ *testing.T, a *action.Action) {
			a.Up = append(slices.Clone(a.Up), `UPDATE content_note SET d = 1000000000 * random()`)
			a.Steps = nil
		}, []string{"Applying this again after a rollback would not lead to the same tables: content_note: 3 of 3 rows differ in d (id 01, 02, 03)"}},
	}
	onBoth(t, func(t *testing.T, s *stage) {
		s.furnish()
		draft := s.plan(after, nil)
		before := s.dump()
		if result := s.rehearse(draft); result.State != action.Proved || result.Rows != 6 || result.Sampled || len(result.Legs) != 3 {
			t.Fatalf("as it is: %+v", result)
		}
		for _, c := range cases {
			broken := draft
			broken.File.Actions = slices.Clone(draft.File.Actions)
			i := slices.IndexFunc(broken.File.Actions, func(a action.Action) bool { return strings.HasPrefix(a.Description, c.on) })
			if i < 0 {
				t.Fatalf("%s: no action %q", c.name, c.on)
			}
			c.change(t, &broken.File.Actions[i])
			result := s.rehearse(broken)
			if result.State != action.Failed {
				t.Errorf("%s: %s: %s", c.name, result.State, result.Message)
			}
			for _, want := range c.want {
				if !strings.Contains(result.Message, want) {
					t.Errorf("%s: %s\nwant %s", c.name, result.Message, want)
				}
			}
			if c.name != "swaps values" && strings.Contains(result.Message, "secret-value") {
				t.Errorf("%s shows a value: %s", c.name, result.Message)
			}
		}
		if s.dump() != before {
			t.Error("a rehearsal changed the tables themselves")
		}
	})
}

// Values that look alike are told apart.
func TestChecksumsSeeTypes(t *testing.T) {
	t.Parallel()
	s := &stage{t: t, db: engines.SQLite(t)}
	s.begin("id: note\nname: N\nfields:\n  - {id: c, type: text, indexed: true}\n")
	s.exec(`ALTER TABLE content_note ADD COLUMN theirs`, `ALTER TABLE content_note ADD COLUMN at TIMESTAMP`)
	draft := s.plan("id: note\nname: N\nfields:\n  - {id: c, type: text}\n", nil)
	alike := []string{"1", "'1'", "1.0", "NULL", "''", "x'31'", "'1' || char(0)", "'NULL'", "9007199254740993", "9007199254740992.0", "'é'", "'e' || char(769)"}
	for i, from := range alike {
		for k, to := range alike[:i+1] {
			s.exec(`DELETE FROM content_note`, `INSERT INTO content_note (id, theirs) VALUES ('1', `+from+`), ('2', 7)`)
			broken := draft
			broken.File.Actions = slices.Clone(draft.File.Actions)
			broken.File.Actions[0].Down = append(slices.Clone(broken.File.Actions[0].Down), `UPDATE content_note SET theirs = `+to+` WHERE id = '1'`)
			want := action.Failed
			if i == k {
				want = action.Proved
			}
			if result := s.rehearse(broken); result.State != want {
				t.Errorf("%s for %s: %s", to, from, result.Message)
			}
		}
	}
	// Times that a driver would read as the same.
	s.exec(`UPDATE content_note SET at = '2024-01-01'`)
	draft.File.Actions[0].Down = append(draft.File.Actions[0].Down, `UPDATE content_note SET at = '2024-01-01 00:00:00' WHERE id = '1'`)
	if result := s.rehearse(draft); result.State != action.Failed || !strings.Contains(result.Message, "differs in at (id 1)") {
		t.Error(result.Message)
	}
}

func TestManyRowsThatDifferAreNotAllNamed(t *testing.T) {
	onBoth(t, func(t *testing.T, s *stage) {
		s.begin(before)
		var rows []string
		for i := range 1234 {
			rows = append(rows, fmt.Sprintf("('%05d', 'slug-%d', 'text')", i, i))
		}
		s.exec(`INSERT INTO content_note (id, a, c) VALUES ` + strings.Join(rows, ", "))
		draft := s.plan(after, nil)
		draft.File.Actions[0].Down = append(draft.File.Actions[0].Down, `UPDATE content_note SET c = 'other' WHERE id >= '00200'`)
		want := "Rolling this back would not restore everything: content_note: 1,034 of 1,234 rows differ in c (id 00200, 00201, 00202, 00203, 00204 and others)."
		if result := s.rehearse(draft); result.Message != want {
			t.Error(result.Message)
		}
	})
}

// What a person gave rows without a value stays, and is said; anything else that changes there is found.
func TestWhatAPersonFilledInStays(t *testing.T) {
	onBoth(t, func(t *testing.T, s *stage) {
		s.begin("id: note\nname: N\nfields:\n  - {id: a, type: text, required: true}\n")
		s.exec(`ALTER TABLE content_note ALTER COLUMN a DROP NOT NULL`, `INSERT INTO content_note (id, a) VALUES ('1', 'one'), ('2', NULL), ('3', NULL)`)
		draft := s.repair(map[string]string{"backfill:note.a": "filled"})
		if result := s.rehearse(draft); result.State != action.Proved || !strings.HasSuffix(result.Message, " 2 rows keep the value that they were given.") {
			t.Error(result.Message)
		}
		for change, want := range map[string]string{
			`UPDATE content_note SET a = 'filled' WHERE id = '1'`: "(id 1)",
			`UPDATE content_note SET a = 'else' WHERE id = '2'`:   "(id 2)",
		} {
			broken := draft
			broken.File.Actions = slices.Clone(draft.File.Actions)
			broken.File.Actions[0].Down = append(slices.Clone(broken.File.Actions[0].Down), change)
			if result := s.rehearse(broken); result.State != action.Failed || !strings.Contains(result.Message, want) {
				t.Errorf("%s: %s", change, result.Message)
			}
		}
	})
}

func TestManyRowsAreRehearsedInPart(t *testing.T) {
	onBoth(t, func(t *testing.T, s *stage) {
		s.begin("id: note\nname: N\nfields:\n  - {id: b, type: text, cardinality: -1}\n  - {id: c, type: text}\n")
		s.exec(`INSERT INTO content_note (id) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20500) SELECT 'r' || (100000 + i) FROM n`,
			`INSERT INTO field_note_b (id, parent_id, value) SELECT 'b' || id, id, 'v' FROM content_note WHERE id >= 'r110000' AND id < 'r110100'`,
			`UPDATE content_note SET c = 'long' WHERE id = 'r112345'`)
		draft := s.plan("id: note\nname: N\nfields:\n  - {id: c, type: text}\n  - {id: d, type: text, default: x}\n", map[string]string{"rename:note.d": "replaced"})
		result := s.rehearse(draft)
		if result.State != action.Proved || !result.Sampled || result.Rows != 2200 || !strings.Contains(result.Message, "a sample of 2,200 of 20,600 rows: forward ") {
			t.Errorf("%+v", result)
		}
		t.Log(result.Message)
		// A row that a check found is among them, wherever it lies.
		draft.File.Checks = append(draft.File.Checks, action.Check{Samples: []map[string]any{{"id": "r112345"}}})
		draft.File.Actions[0].Down = append(draft.File.Actions[0].Down, `UPDATE content_note SET c = 'short' WHERE c IS NOT NULL`)
		if result := s.rehearse(draft); result.State != action.Failed || !strings.Contains(result.Message, "(id r112345)") {
			t.Error(result.Message)
		}
	})
}

func TestARehearsalHasAnEnd(t *testing.T) {
	onBoth(t, func(t *testing.T, s *stage) {
		s.furnish()
		draft := s.plan(after, nil)
		draft.File.Actions[0].Up = append(draft.File.Actions[0].Up, `UPDATE content_note SET c = 'x' WHERE (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000000000) SELECT count(*) FROM n) = 0`)
		e := &executor.Executor{Database: s.db}
		began := time.Now()
		result, err := e.Rehearse(background, []action.Draft{draft}, nil, 200*time.Millisecond)
		if err != nil || result.State != action.TimedOut || !strings.Contains(result.Message, "longer than 200ms") {
			t.Errorf("%+v, %v", result, err)
		}
		ctx, cancel := context.WithTimeout(background, 200*time.Millisecond)
		defer cancel()
		if _, err := e.Rehearse(ctx, []action.Draft{draft}, nil, time.Hour); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

func TestWhatNeedsNoRehearsal(t *testing.T) {
	onBoth(t, func(t *testing.T, s *stage) {
		s.furnish()
		if result := s.rehearse(s.plan(strings.Replace(before, "name: N", "name: M", 1), nil)); result.State != action.NotNeeded {
			t.Errorf("%+v", result)
		}
		// A whole content type goes and comes.
		if result := s.rehearse(s.plan("", nil)); result.State != action.Proved {
			t.Errorf("%+v", result)
		}
		if err := s.db.Close(); err != nil {
			t.Fatal(err)
		}
		draft := action.Draft{File: action.File{Actions: []action.Action{{Up: []string{"SELECT 1"}}}}}
		if result := s.rehearse(draft); result.State != action.NotRun || !strings.Contains(result.Message, "could not be made") {
			t.Errorf("%+v", result)
		}
	})
}
