package coordinator_test

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"

	"marain/backend/coordinator"
	"marain/backend/event"
)

// drift returns what differs.
func (b *bench) drift() coordinator.Drift {
	b.t.Helper()
	d, err := b.c.Drift(context.Background())
	if err != nil {
		b.t.Fatalf("drift: %v", err)
	}
	return d
}

// repair puts the tables right.
func (b *bench) repair(answers ...string) coordinator.ApplyResult {
	b.t.Helper()
	r, err := b.c.Repair(context.Background(), coordinator.RepairRequest{Answers: pairs(answers)}, person)
	if err != nil {
		b.t.Fatalf("repair: %v", err)
	}
	return r
}

func (b *bench) repairRefused(request coordinator.RepairRequest, code coordinator.Code) *coordinator.Error {
	b.t.Helper()
	_, err := b.c.Repair(context.Background(), request, person)
	return b.refused(err, code)
}

// drifting is a content type with something of everything, and rows.
func drifting(t *testing.T) *bench {
	t.Helper()
	b := newBench(t, "none", map[string]string{notePath: "versioned: true\n" + entity("note",
		f("title text", "required: true"), f("code slug"), f("rank integer", "indexed: true"), f("body text"), f("tags text", "cardinality: -1"))})
	b.breaking()
	b.sql(`INSERT INTO content_note (id, title, code, rank, body) VALUES ('1', 't1', 'c1', 1, 'b1'), ('2', 't2', 'c2', 2, NULL)`,
		`INSERT INTO field_note_tags (id, parent_id, value) VALUES ('x', '1', 'red'), ('y', '1', 'blue')`,
		`INSERT INTO content_revisions_note (id, rid, title) VALUES ('1', 1, 'earlier')`)
	return b
}

// typeof is how SQLite asks for the type of a value.
var typeof = regexp.MustCompile(`typeof\((\w+)\)`)

func TestDriftIsSeenAndRepaired(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		damage  []string
		kinds   string // of the differences, joined
		answers []string
		after   string // a query
		want    []string
	}{
		{name: "nothing", after: `SELECT title FROM content_note`, want: []string{"t1", "t2"}},
		{
			name: "a rule is gone", damage: []string{`ALTER TABLE content_note ALTER COLUMN title DROP NOT NULL`}, kinds: "allows_empty",
			after: `SELECT title FROM content_note`, want: []string{"t1", "t2"},
		},
		{
			name:   "a rule is gone and a value too",
			damage: []string{`ALTER TABLE content_note ALTER COLUMN title DROP NOT NULL`, `UPDATE content_note SET title = NULL WHERE id = '2'`},
			kinds:  "allows_empty", answers: []string{"backfill:note.title", "filled"},
			after: `SELECT title FROM content_note`, want: []string{"t1", "filled"},
		},
		{
			name: "a rule too many", damage: []string{`UPDATE content_note SET body = 'b2' WHERE id = '2'`, `ALTER TABLE content_note ALTER COLUMN body SET NOT NULL`},
			kinds: "refuses_empty", after: `SELECT body FROM content_note`, want: []string{"b1", "b2"},
		},
		{
			name: "indexes are gone", damage: []string{`DROP INDEX "uq_content_note__code"`, `DROP INDEX "idx_content_note__rank"`, `DROP INDEX "idx_field_note_tags__parent_id"`},
			kinds: "missing_index missing_index missing_index", after: `SELECT code FROM content_note`, want: []string{"c1", "c2"},
		},
		{
			name:   "an index is another one",
			damage: []string{`DROP INDEX "uq_content_note__code"`, `CREATE UNIQUE INDEX "uq_content_note__code" ON content_note (code) WHERE rank > 1`},
			kinds:  "other_index", after: `SELECT code FROM content_note`, want: []string{"c1", "c2"},
		},
		{
			name: "a column is gone", damage: []string{`ALTER TABLE content_note DROP COLUMN body`}, kinds: "missing_column",
			after: `SELECT id, body FROM content_note`, want: []string{"1|∅", "2|∅"},
		},
		{
			name: "a required column is gone", damage: []string{`ALTER TABLE content_note DROP COLUMN title`}, kinds: "missing_column",
			answers: []string{"backfill:note.title", "again"}, after: `SELECT id, title FROM content_note`, want: []string{"1|again", "2|again"},
		},
		{
			name: "a column and its unique index are gone", damage: []string{`DROP INDEX "uq_content_note__code"`, `ALTER TABLE content_note DROP COLUMN code`},
			kinds: "missing_column missing_index", after: `SELECT id, code FROM content_note`, want: []string{"1|∅", "2|∅"},
		},
		{
			name: "a column has another name", damage: []string{`ALTER TABLE content_note RENAME COLUMN body TO contents`}, kinds: "missing_column",
			answers: []string{"repair:content_note.body", "contents"}, after: `SELECT body FROM content_note`, want: []string{"b1", "∅"},
		},
		{
			name: "a column has another name that stays", damage: []string{`ALTER TABLE content_note RENAME COLUMN body TO contents`}, kinds: "missing_column",
			answers: []string{"repair:content_note.body", "empty"}, after: `SELECT body, contents FROM content_note`, want: []string{"∅|b1", "∅|∅"},
		},
		{
			name: "a required column has another name", damage: []string{`ALTER TABLE content_note RENAME COLUMN title TO heading`, `ALTER TABLE content_note ALTER COLUMN heading DROP NOT NULL`},
			kinds: "missing_column", answers: []string{"repair:content_note.title", "heading"},
			after: `SELECT title FROM content_note`, want: []string{"t1", "t2"},
		},
		{
			name: "built-in columns are gone", damage: []string{`ALTER TABLE content_note DROP COLUMN created_at`, `ALTER TABLE content_note DROP COLUMN content_hash`},
			kinds: "missing_column missing_column", after: `SELECT id, created_at FROM content_note`, want: []string{"1|∅", "2|∅"},
		},
		{
			name: "a table of values is gone", damage: []string{`DROP TABLE field_note_tags`}, kinds: "missing_table",
			after: `SELECT count(*) FROM field_note_tags`, want: []string{"0"},
		},
		{
			name: "all tables are gone", damage: []string{`DROP TABLE field_note_tags`, `DROP TABLE field_revisions_note_tags`, `DROP TABLE content_revisions_note`, `DROP TABLE content_note`},
			kinds: "missing_table missing_table missing_table missing_table", after: `SELECT count(*) FROM content_note`, want: []string{"0"},
		},
		{
			name: "another type that converts", damage: []string{
				`ALTER TABLE content_note DROP COLUMN body`, `ALTER TABLE content_note ADD COLUMN body INTEGER`,
				`UPDATE content_note SET body = 7 WHERE id = '1'`,
			},
			kinds: "other_type", after: `SELECT body, typeof(body) FROM content_note ORDER BY id`, want: []string{"7|text", "∅|null"},
		},
		{
			name: "another type with an index", damage: []string{
				`DROP INDEX "idx_content_note__rank"`, `ALTER TABLE content_note DROP COLUMN rank`, `ALTER TABLE content_note ADD COLUMN rank TEXT NOT NULL DEFAULT '12'`,
				`UPDATE content_note SET rank = 'x' WHERE id = '2'`, `CREATE INDEX "idx_content_note__rank" ON content_note (rank)`,
			},
			kinds: "other_type refuses_empty", after: `SELECT rank FROM content_note ORDER BY id`, want: []string{"12", "∅"},
		},
		{
			name: "another type with a unique rule", damage: []string{
				`DROP INDEX "uq_content_note__code"`, `ALTER TABLE content_note DROP COLUMN code`, `ALTER TABLE content_note ADD COLUMN code NUMERIC`,
				`UPDATE content_note SET code = CAST(id AS NUMERIC)`,
			},
			kinds: "other_type missing_index", after: `SELECT code FROM content_note`, want: []string{"1", "2"},
		},
		{
			name: "another type that must not be empty", damage: []string{
				`ALTER TABLE content_note DROP COLUMN title`, `ALTER TABLE content_note ADD COLUMN title {blob}`,
				`UPDATE content_note SET title = 1.5 WHERE id = '1'`,
			},
			kinds: "other_type allows_empty", answers: []string{"backfill:note.title", "none"}, after: `SELECT title FROM content_note`, want: []string{"1.5", "none"},
		},
		{
			name: "another type of revisions", damage: []string{
				`ALTER TABLE content_revisions_note DROP COLUMN title`, `ALTER TABLE content_revisions_note ADD COLUMN title REAL`,
				`UPDATE content_revisions_note SET title = 2.5`,
			},
			kinds: "other_type", after: `SELECT title FROM content_revisions_note`, want: []string{"2.5"},
		},
		{
			name: "another type of many values", damage: []string{
				`ALTER TABLE field_note_tags RENAME COLUMN value TO v`, `ALTER TABLE field_note_tags ADD COLUMN value INTEGER NOT NULL DEFAULT 3`,
				`ALTER TABLE field_note_tags DROP COLUMN v`,
			},
			kinds: "other_type", after: `SELECT value, typeof(value) FROM field_note_tags`, want: []string{"3|text", "3|text"},
		},
		{
			name: "a table of revisions", damage: []string{`ALTER TABLE content_revisions_note DROP COLUMN rank`, `ALTER TABLE content_revisions_note ALTER COLUMN title SET NOT NULL`},
			kinds: "refuses_empty missing_column", after: `SELECT id, title, rank FROM content_revisions_note`, want: []string{"1|earlier|∅"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := drifting(t)
			tables, files := b.tables(), b.files()
			for i := range c.damage {
				c.damage[i] = strings.Replace(c.damage[i], "{blob}", b.either("BLOB", "NUMERIC"), 1)
			}
			b.sql(c.damage...)
			d := b.drift()
			var kinds []string
			for _, one := range d.Differences {
				kinds = append(kinds, string(one.Kind))
				along := strings.HasPrefix(c.kinds, "other_type ") && one.Kind != "other_type" // mended by its SQL
				if one.File != notePath || one.Entity != "note" || one.Message == "" || one.Key == "" || (len(one.SQL) == 0) != along {
					t.Errorf("difference %+v", one)
				}
			}
			if got := strings.Join(kinds, " "); got != c.kinds || d.InSync != (c.kinds == "") {
				t.Fatalf("differences %q, want %q", got, c.kinds)
			}
			status := b.status()
			if status.Drift.Differences != len(kinds) || status.InSync != (c.kinds == "") || (status.Drift.Message == "") != (c.kinds == "") {
				t.Errorf("the status says %+v, in sync %v", status.Drift, status.InSync)
			}
			if len(c.answers) > 0 {
				if refusal := b.repairRefused(coordinator.RepairRequest{}, coordinator.CodeBlocked); !strings.Contains(refusal.Message, c.answers[0]) {
					t.Errorf("the question is not named: %s", refusal.Message)
				}
			}
			before := b.everything()
			dry, err := b.c.Repair(context.Background(), coordinator.RepairRequest{DryRun: true, Answers: pairs(c.answers)}, person)
			if err != nil || dry.Plan == nil || b.everything() != before {
				t.Fatalf("a dry run changed something, or has no plan: %v", err)
			}
			r := b.repair(c.answers...)
			if (r.ActionID == "") != (c.kinds == "") {
				t.Errorf("batch %q", r.ActionID)
			}
			b.inSync()
			b.sameFiles(files)
			b.want(b.either(c.after, typeof.ReplaceAllString(c.after, "CASE WHEN $1 IS NULL THEN 'null' ELSE pg_typeof($1)::text END")), c.want...)
			if b.tables() != tables && !strings.Contains(c.name, "that stays") && !strings.Contains(c.name, "built-in") {
				t.Errorf("the tables are\n%s\nand were\n%s", b.tables(), tables)
			}
			if c.kinds == "" {
				return
			}
			if strings.Contains(c.name, "another type with") { // what was there lies in a column out of use
				old := outOfUse(b.columns("content_note"), "")
				if b.number(`SELECT count("`+old+`") FROM content_note`) != 2 {
					t.Errorf("the values of another type are lost: %v", old)
				}
				b.sql(`INSERT INTO content_note (id, title) VALUES ('9', 'new')`, `INSERT INTO content_note (id, title) VALUES ('10', 'new')`)
			}
			page, err := b.c.History(context.Background(), coordinator.HistoryRequest{Status: "applied"})
			if err != nil || page.Items[0].Kind != "repair" || page.Items[0].ActionID != r.ActionID || page.Items[0].Files[0].Version != 1 {
				t.Errorf("history: %+v, %v", page.Items, err)
			}
			refusal := b.rollbackRefused(coordinator.RollbackRequest{ActionID: r.ActionID}, coordinator.CodeInvalid)
			backup := b.newest().Backup
			if !strings.Contains(refusal.Message, "there is nothing to undo") || backup != "" && !strings.Contains(refusal.Message, "marain restore-backup "+backup) {
				t.Error(refusal.Message)
			}
			b.open(false) // a new start finds nothing either
			b.inSync()
		})
	}
}

func TestWhatARepairCannotDo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		damage []string
		words  string
	}{
		{"two rows have one value", []string{`DROP INDEX "uq_content_note__code"`, `UPDATE content_note SET code = 'same'`}, "more than once"},
		{"no key", []string{`DROP TABLE field_note_tags`, `CREATE TABLE field_note_tags (id TEXT PRIMARY KEY, "user" TEXT, rid INTEGER NOT NULL DEFAULT 1, value TEXT NOT NULL, sort_order INTEGER NOT NULL DEFAULT 0)`}, "parent_id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := drifting(t)
			b.sql(c.damage...)
			before := b.everything()
			if refusal := b.repairRefused(coordinator.RepairRequest{}, coordinator.CodeBlocked); !strings.Contains(refusal.Message, c.words) {
				t.Errorf("refused with %q", refusal.Message)
			}
			if b.everything() != before {
				t.Error("a refused repair changed something")
			}
		})
	}
}

func TestDriftOfAnotherProgramIsNoticed(t *testing.T) {
	t.Parallel()
	b := drifting(t)
	b.open(true)
	if s := b.status(); !s.InSync {
		t.Fatalf("not in sync at the start: %+v", s)
	}
	b.sql(`DROP INDEX "uq_content_note__code"`)
	eventually(t, "the status says so", func() bool { return b.status().Drift.Differences == 1 })
	if s := b.status(); s.InSync || s.State != "degraded" || !strings.Contains(s.Drift.Message, "uq_content_note__code") {
		t.Errorf("%s %+v", s.State, s.Drift)
	}
	b.sql(`CREATE UNIQUE INDEX "uq_content_note__code" ON content_note (code)`)
	eventually(t, "it is in sync again", func() bool { return b.status().InSync })
}

func TestAPlanThatFindsDriftTellsEverybody(t *testing.T) {
	t.Parallel()
	b := drifting(t)
	b.sql(`DROP INDEX "uq_content_note__code"`)
	events := b.c.Subscribe(0, true)
	defer events.Close()
	b.plan()
	if s := b.status(); s.InSync || s.Drift.Differences != 1 {
		t.Errorf("in sync %v, %+v", s.InSync, s.Drift)
	}
	select {
	case e := <-events.C():
		if e.Type != event.Changes {
			t.Errorf("the event is %q", e.Type)
		}
	default:
		t.Error("nobody was told")
	}
}

func TestAStartOnADriftedDatabaseIsHonest(t *testing.T) {
	t.Parallel()
	b := drifting(t)
	if err := b.c.Close(); err != nil {
		t.Fatal(err)
	}
	b.sql(`ALTER TABLE content_note DROP COLUMN body`)
	b.c = b.openWith(nil)
	if s := b.status(); s.InSync || s.Drift.Differences != 1 || !strings.Contains(s.Drift.Message, "body") {
		t.Errorf("in sync %v, %+v", s.InSync, s.Drift)
	}
	// A plan of that file names the way out.
	b.write(notePath, b.read(notePath)+"  - id: more\n    type: text\n")
	p := b.plan()
	if len(p.Files) != 1 || len(p.Files[0].Blocked) != 1 || !strings.Contains(p.Files[0].Blocked[0].Hint, "marain drift --repair") {
		t.Errorf("%+v", p.Files)
	}
	b.repair()
	b.breaking()
	b.inSync()
}

func TestAnOldRepairPlanIsStale(t *testing.T) {
	t.Parallel()
	b := drifting(t)
	b.sql(`DROP INDEX "uq_content_note__code"`)
	id := b.drift().Plan.ID
	b.sql(`DROP INDEX "idx_content_note__rank"`)
	b.repairRefused(coordinator.RepairRequest{PlanID: id}, coordinator.CodeStale)
	if _, err := b.c.Repair(context.Background(), coordinator.RepairRequest{PlanID: b.drift().Plan.ID}, person); err != nil {
		t.Fatal(err)
	}
	b.inSync()
}

func TestUnmanagedIsListedAndLeftAlone(t *testing.T) {
	t.Parallel()
	b := drifting(t)
	b.sql(`ALTER TABLE content_note ADD COLUMN extra VARCHAR(9)`, `UPDATE content_note SET extra = 'e' WHERE id = '1'`,
		`CREATE TABLE theirs (id INTEGER PRIMARY KEY)`)
	// What we took out of use ourselves is no other program's.
	b.save(notePath, strings.Replace(b.read(notePath), "  - id: body\n    type: text\n", "", 1))
	d := b.drift()
	if !d.InSync || !slices.Equal(d.Unmanaged.Tables, []string{"theirs"}) || len(d.Unmanaged.Columns) != 1 {
		t.Fatalf("%+v", d.Unmanaged)
	}
	if u := d.Unmanaged.Columns[0]; u.Table != "content_note" || u.Column != "extra" || u.Type != b.either("VARCHAR(9)", "CHARACTER VARYING(9)") || u.RowsWithValue == nil || *u.RowsWithValue != 1 {
		t.Errorf("%+v", u)
	}
	if d.Plan.ID == "" || len(d.Plan.Files) != 0 {
		t.Errorf("the plan is %+v", d.Plan)
	}
	b.inSync()
	b.want(`SELECT extra FROM content_note ORDER BY id`, "e", "∅")
}

func TestWhatWasOutOfUseIsGone(t *testing.T) {
	t.Parallel()
	b := drifting(t)
	b.save(notePath, strings.Replace(b.read(notePath), "  - id: body\n    type: text\n", "", 1))
	b.save(userPath, entity("user", f("a text")))
	b.remove(userPath)
	b.breaking()
	b.inSync()
	column := b.columns("content_note")[slices.IndexFunc(b.columns("content_note"), func(c string) bool { return strings.HasPrefix(c, "_old_") })]
	table := b.tableNames()[slices.IndexFunc(b.tableNames(), func(n string) bool { return strings.HasPrefix(n, "_old_") })]
	b.sql(`ALTER TABLE content_note DROP COLUMN "`+column+`"`, `DROP TABLE "`+table+`"`)
	d := b.drift()
	if d.InSync || len(d.Differences) != 2 || d.Differences[0].Kind != "lost_values" || d.Differences[1].Kind != "lost_values" {
		t.Fatalf("%+v", d.Differences)
	}
	if s := b.status(); s.InSync || s.Drift.Differences != 2 {
		t.Errorf("the status says %+v", s.Drift)
	}
	b.repair()
	b.inSync()
	if d := b.drift(); !d.InSync {
		t.Errorf("%+v", d.Differences)
	}
	b.open(false)
	b.inSync()
	// What needs the lost values says so; what does not goes on.
	b.sql(`DROP TABLE field_note_tags`, `DROP TABLE content_note`)
	b.repair()
	b.inSync()
	b.save(notePath, b.read(notePath)+"  - id: body\n    type: text\n")
	b.inSync()
}

func TestAMissingColumnNamesWhatIsOutOfUse(t *testing.T) {
	t.Parallel()
	b := drifting(t)
	text := b.read(notePath)
	b.save(notePath, strings.Replace(text, "  - id: body\n    type: text\n", "", 1))
	b.save(notePath, text, "restore:note.body", "empty")
	b.sql(`ALTER TABLE content_note DROP COLUMN body`)
	if d := b.drift(); len(d.Differences) != 1 || !strings.Contains(d.Differences[0].Message, "_old_") {
		t.Errorf("%+v", d.Differences)
	}
	b.repair()
	b.inSync()
}
