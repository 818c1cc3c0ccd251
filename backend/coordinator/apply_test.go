package coordinator_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"marain/backend/coordinator"
)

func TestFiftyApprovalsOfOnePlan(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text"))})
	b.apply(coordinator.ReloadRequest{})
	b.write(notePath, entity("note", f("a text"), f("b text")))
	plan := b.plan()
	// Half of them through another program on the same database.
	other := b.openWith(nil)
	var wg sync.WaitGroup
	results, errs := make([]coordinator.ApplyResult, 50), make([]error, 50)
	for i := range results {
		c := b.c
		if i%2 == 1 {
			c = other
		}
		wg.Go(func() {
			results[i], errs[i] = c.Reload(context.Background(), coordinator.ReloadRequest{PlanID: plan.ID}, person)
		})
	}
	wg.Wait()
	won := 0
	for i, err := range errs {
		var own *coordinator.Error
		switch {
		case err == nil && len(results[i].Applied) == 1:
			won++
		case errors.As(err, &own) && own.Code == coordinator.CodeStale:
		default:
			t.Errorf("approval %d: %+v, %v", i, results[i], err)
		}
	}
	if won != 1 {
		t.Errorf("%d approvals won", won)
	}
	b.inSync()
	b.want(`SELECT version, status FROM file_versions WHERE file_path = '`+notePath+`' ORDER BY 1`, "1|applied", "2|applied")
}

func TestAPlanGoesStale(t *testing.T) {
	t.Parallel()
	base, more := entity("note", f("a text")), entity("note", f("a text"), f("b text"))
	for name, change := range map[string]func(b *bench){
		"the file changed":             func(b *bench) { b.write(notePath, more+"# one more comment\n") },
		"another file came":            func(b *bench) { b.write(userPath, entity("user", f("a text"))) },
		"the file is as it was":        func(b *bench) { b.write(notePath, base) },
		"the live table changed":       func(b *bench) { b.sql(`ALTER TABLE content_note ADD COLUMN other TEXT`) },
		"an index came":                func(b *bench) { b.sql(`CREATE INDEX other ON content_note (a)`) },
		"another program applied it":   func(b *bench) { b.reload(b.openWith(nil), coordinator.ReloadRequest{}) },
		"it was applied and undone":    func(b *bench) { b.undo(b.apply(coordinator.ReloadRequest{})); b.write(notePath, more) },
		"the file became invalid":      func(b *bench) { b.write(notePath, "id: [") },
		"the file is gone":             func(b *bench) { b.remove(notePath) },
		"another one waits for longer": func(b *bench) { b.write("config/config.x.yaml", "id: x\nvalues: {}\n") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "none", map[string]string{notePath: base})
			b.apply(coordinator.ReloadRequest{})
			b.write(notePath, more)
			plan := b.plan()
			change(b)
			b.status()
			before := b.everything()
			refusal := b.reloadRefused(coordinator.ReloadRequest{PlanID: plan.ID, Approve: "breaking"}, coordinator.CodeStale)
			if len(refusal.Details) != 1 {
				t.Errorf("the new plan is not in the details: %+v", refusal.Details)
			}
			if b.everything() != before {
				t.Error("a refused apply changed something")
			}
		})
	}
}

func (b *bench) reload(c *coordinator.Coordinator, request coordinator.ReloadRequest) coordinator.ApplyResult {
	b.t.Helper()
	r, err := c.Reload(context.Background(), request, person)
	if err != nil {
		b.t.Fatalf("apply: %v", err)
	}
	return r
}

func TestAPlanOfARollbackGoesStale(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text"))})
	first := b.apply(coordinator.ReloadRequest{})
	r := b.save(notePath, entity("note", f("a text"), f("b text")))
	plan := b.rollback(coordinator.RollbackRequest{ActionID: r.ActionID, DryRun: true}).Plan
	b.rollbackRefused(coordinator.RollbackRequest{ActionID: first.ActionID, PlanID: plan.ID}, coordinator.CodeConflict)
	b.save(userPath, entity("user", f("a text")))
	b.rollbackRefused(coordinator.RollbackRequest{To: first.ActionID, PlanID: plan.ID}, coordinator.CodeStale)
	b.sql(`CREATE INDEX other ON content_note (b)`)
	b.rollbackRefused(coordinator.RollbackRequest{ActionID: r.ActionID, PlanID: plan.ID}, coordinator.CodeStale)
	b.sql(`DROP INDEX other`)
	b.rollback(coordinator.RollbackRequest{ActionID: r.ActionID, PlanID: plan.ID})
	b.inSync()
	// The plan of a rollback is never one of an apply.
	b.write(notePath, entity("note", f("a text"), f("b text")))
	b.reloadRefused(coordinator.ReloadRequest{PlanID: plan.ID, Files: []string{notePath}}, coordinator.CodeStale)
}

func TestOnlyTheApprovedCategoryIsApplied(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{
		"schemas/s.schema.yaml": entity("s", f("a text")), "schemas/w.schema.yaml": entity("w", f("a text")), "schemas/x.schema.yaml": entity("x", f("a text")),
	})
	b.breaking()
	for _, id := range []string{"s", "w", "x"} {
		b.sql(`INSERT INTO content_` + id + ` (id, a) VALUES ('1', 'v')`)
	}
	b.write("schemas/s.schema.yaml", entity("s", f("a text"), f("b text")))
	b.write("schemas/w.schema.yaml", entity("w", f("b text", "renamed_from: a")))
	b.write("schemas/x.schema.yaml", entity("x", f("b integer")))
	b.write("schemas/bad.schema.yaml", "id: bad\n")
	r := b.apply(coordinator.ReloadRequest{})
	if !slices.Equal(r.Applied, []string{"schemas/s.schema.yaml"}) || len(r.Pending) != 2 || len(r.Failed) != 1 || r.Failed[0].File != "schemas/bad.schema.yaml" {
		t.Errorf("safe: %+v", r)
	}
	r = b.apply(coordinator.ReloadRequest{Approve: "warning"})
	if !slices.Equal(r.Applied, []string{"schemas/w.schema.yaml"}) || len(r.Pending) != 1 {
		t.Errorf("warning: %+v", r)
	}
	plan := b.plan()
	b.reloadRefused(coordinator.ReloadRequest{PlanID: plan.ID, Approve: "warning"}, coordinator.CodeBlocked)
	b.reloadRefused(coordinator.ReloadRequest{Approve: "everything"}, coordinator.CodeInvalid)
	r = b.apply(coordinator.ReloadRequest{PlanID: plan.ID, Approve: "breaking"})
	if !slices.Equal(r.Applied, []string{"schemas/x.schema.yaml"}) {
		t.Errorf("breaking: %+v", r)
	}
	b.sound()
	b.want(`SELECT file_path, count(*) FROM file_versions WHERE status = 'pending' GROUP BY 1`)
}

func TestPendingVersionsFollowTheFiles(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text"))})
	b.apply(coordinator.ReloadRequest{})
	query := `SELECT version, status, file_hash = '' FROM file_versions WHERE file_path = '` + notePath + `' ORDER BY version`
	b.write(notePath, entity("note", f("b text")))
	b.apply(coordinator.ReloadRequest{})
	b.want(query, "1|applied|0", "2|pending|0")
	b.remove(notePath)
	b.apply(coordinator.ReloadRequest{})
	b.want(query, "1|applied|0", "2|pending|1")
	b.write(notePath, entity("note", f("a text")))
	b.apply(coordinator.ReloadRequest{})
	b.want(query, "1|applied|0")
	b.inSync()
}

func TestFailureInTheDatabaseLeavesEverythingAndIsRecorded(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text")), userPath: entity("user", f("a text"))})
	b.apply(coordinator.ReloadRequest{})
	// The database refuses the new version when everything else of the batch is done.
	b.sql(b.either(`SELECT 1`, `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken'; END $$`),
		b.either(`CREATE TRIGGER broken BEFORE INSERT ON file_versions WHEN new.status = 'applied' BEGIN SELECT RAISE(ABORT, 'broken'); END`,
			`CREATE TRIGGER broken BEFORE INSERT ON file_versions FOR EACH ROW WHEN (new.status = 'applied') EXECUTE FUNCTION refuse()`))
	b.write(notePath, entity("note", f("b integer"), f("c text")))
	b.write(userPath, entity("user", f("a text"), f("b text")))
	before := b.state()
	refusal := b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking", Answers: map[string]string{"rename:note.c": "replaced"}, Note: "try"}, coordinator.CodeInternal)
	if !strings.Contains(refusal.Message, "broken") {
		t.Errorf("the reason is not named: %s", refusal.Message)
	}
	if b.state() != before {
		t.Error("a failed apply changed something")
	}
	b.sound()
	if s := b.status(); s.LastResult == nil || s.LastResult.Result != "failed" || len(s.PendingChanges) == 0 || s.State != "pending" {
		t.Errorf("status after a failure: %+v", s)
	}
	page, err := b.c.History(context.Background(), coordinator.HistoryRequest{Status: "failed"})
	if err != nil || len(page.Items) != 1 || page.Items[0].Note != "try" || !strings.Contains(page.Items[0].Error, "broken") {
		t.Errorf("%+v, %v", page.Items, err)
	}
	b.sql(b.either(`DROP TRIGGER broken`, `DROP TRIGGER broken ON file_versions`))
	b.breaking("rename:note.c", "replaced")
	b.inSync()
}

// state describes tables in use, their rows, and the applied files, without bookkeeping.
func (b *bench) state() string {
	var out strings.Builder
	out.WriteString(b.tables())
	for _, table := range b.tableNames() {
		if !strings.HasPrefix(table, "content") && !strings.HasPrefix(table, "field_") && !strings.HasPrefix(table, "_old") {
			continue
		}
		out.WriteString(table + ": " + strings.Join(b.rows(`SELECT * FROM "`+table+`"`), "\n") + "\n")
	}
	out.WriteString(strings.Join(b.rows(`SELECT file_path, version, file_hash, status FROM file_versions WHERE status <> 'pending' ORDER BY 1, 2`), "\n"))
	return out.String()
}

func TestDriftIsNotBuiltOn(t *testing.T) {
	t.Parallel()
	for name, statement := range map[string]string{
		"column gone":       `ALTER TABLE content_note DROP COLUMN a`,
		"column renamed":    `ALTER TABLE content_note RENAME COLUMN a TO z`,
		"index gone":        `DROP INDEX uq_content_note__c`,
		"NOT NULL gone":     `ALTER TABLE content_note ALTER COLUMN b DROP NOT NULL`,
		"NOT NULL added":    `ALTER TABLE content_note ALTER COLUMN a SET NOT NULL`,
		"table gone":        `DROP TABLE field_note_many; DROP TABLE content_note`,
		"field table gone":  `DROP TABLE field_note_many`,
		"index of another":  `DROP INDEX uq_content_note__c; CREATE UNIQUE INDEX uq_content_note__c ON content_note (a)`,
		"index not unique":  `DROP INDEX uq_content_note__c; CREATE INDEX uq_content_note__c ON content_note (c)`,
		"column other type": `ALTER TABLE content_note DROP COLUMN a; ALTER TABLE content_note ADD COLUMN a INTEGER`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := entity("note", f("a text"), f("b text", "required: true"), f("c slug"), f("many text", "cardinality: -1"))
			b := newBench(t, "none", map[string]string{notePath: text})
			b.apply(coordinator.ReloadRequest{})
			b.sql(strings.Split(statement, "; ")...)
			result, err := b.c.Verify(context.Background())
			if err != nil || result.OK || !slices.ContainsFunc(result.Faults, func(f coordinator.Fault) bool { return f.Code == "drift" }) {
				t.Errorf("verify: %+v, %v", result, err)
			}
			b.write(notePath, text+"  - id: more\n    type: text\n")
			before := b.everything()
			b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking"}, coordinator.CodeBlocked)
			b.remove(notePath)
			b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking"}, coordinator.CodeBlocked)
			if b.everything() != before {
				t.Error("a refused apply changed something")
			}
		})
	}
}

func TestUnmanagedThingsAreLeftAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text"))})
	b.apply(coordinator.ReloadRequest{})
	b.sql(`ALTER TABLE content_note ADD COLUMN theirs TEXT`, `CREATE TABLE theirs (x TEXT)`, `CREATE INDEX their_index ON content_note (a)`,
		`INSERT INTO content_note (id, a, theirs) VALUES ('1', 'v', 'w')`)
	b.inSync()
	b.save(notePath, entity("note", f("b text")), "rename:note.b", "renamed")
	b.inSync()
	b.want(`SELECT b, theirs FROM content_note`, "v|w")
	// A name that another program took is no column of ours.
	b.write(notePath, entity("note", f("b text"), f("theirs text")))
	b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking"}, coordinator.CodeBlocked)
}

func TestATableThatIsThereIsTakenOver(t *testing.T) {
	t.Parallel()
	text := entity("note", f("a text"))
	planned := newBench(t, "none", map[string]string{notePath: text}).plan()
	same := ""
	for _, f := range planned.Files {
		if f.Path == notePath {
			same = f.Actions[0].Up[0]
		}
	}
	for name, create := range map[string]string{
		"the same":       same,
		"another column": `CREATE TABLE content_note (id TEXT PRIMARY KEY, b TEXT)`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "none", nil)
			b.apply(coordinator.ReloadRequest{})
			b.sql(create, `INSERT INTO content_note (id) VALUES ('theirs')`)
			b.write(notePath, text)
			b.apply(coordinator.ReloadRequest{})
			b.inSync()
			b.want(`SELECT id FROM content_note`, "theirs")
		})
	}
}

func TestTheDatabaseIsReplacedUnderUs(t *testing.T) {
	t.Parallel()
	b := newBenchOn(t, "none", true, map[string]string{notePath: entity("note", f("a text"))})
	b.apply(coordinator.ReloadRequest{})
	file := filepath.Join(b.root, "data/content/marain.db")
	if err := os.Rename(file, file+".away"); err != nil {
		t.Fatal(err)
	}
	b.write(notePath, entity("note", f("a text"), f("b text")))
	for _, there := range []bool{false, true} {
		if there {
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, err := b.c.Reload(context.Background(), coordinator.ReloadRequest{}, person)
		if refusal := b.refused(err, coordinator.CodeInternal); !strings.Contains(refusal.Message, "replaced") {
			t.Errorf("the message does not say why: %s", refusal.Message)
		}
	}
	if err := os.Rename(file+".away", file); err != nil {
		t.Fatal(err)
	}
	b.apply(coordinator.ReloadRequest{})
	b.inSync()
}

func TestACancelledRequestChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text"))})
	b.apply(coordinator.ReloadRequest{})
	b.write(notePath, entity("note", f("a text"), f("b text")))
	b.status()
	before := b.everything()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := b.c.Reload(ctx, coordinator.ReloadRequest{}, person); err == nil {
		t.Error("a cancelled apply succeeded")
	}
	if b.everything() != before {
		t.Error("a cancelled apply changed something")
	}
	b.apply(coordinator.ReloadRequest{})
	b.inSync()
}

func TestReadersSeeWholeStates(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{
		notePath: entity("note", f("f0 text")), "config/config.n.yaml": "id: n\nvalues: {n: 0}\n",
	})
	b.apply(coordinator.ReloadRequest{})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			last := uint64(0)
			for {
				select {
				case <-stop:
					return
				default:
				}
				s := b.c.Snapshot()
				e, _ := s.Entity("note")
				values, _ := s.Config("n")
				if n := values["n"].(int64); int(n) != len(e.Fields)-1 {
					t.Errorf("a mix: %d fields and n = %d", len(e.Fields), n)
					return
				}
				if s.Version() < last {
					t.Error("a reader went back in time")
					return
				}
				last = s.Version()
			}
		})
	}
	fields := [][]string{f("f0 text")}
	for i := 1; i <= 8; i++ {
		fields = append(fields, f("f"+string(rune('0'+i))+" text"))
		b.write(notePath, entity("note", fields...))
		b.write("config/config.n.yaml", "id: n\nvalues: {n: "+string(rune('0'+i))+"}\n")
		b.breaking()
	}
	close(stop)
	wg.Wait()
	b.inSync()
}

func TestTheSameFilesGiveTheSamePlan(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{
		"schemas/a.schema.yaml": entity("a", f("x entity_reference", "target_entity: c"), f("y entity_reference", "target_entity: b")),
		"schemas/b.schema.yaml": entity("b", f("x entity_reference", "target_entity: c")),
		"schemas/c.schema.yaml": entity("c", f("x entity_reference", "target_entity: c")),
		"schemas/d.schema.yaml": entity("d", f("x entity_reference", "target_entity: e")), "schemas/e.schema.yaml": entity("e", f("x entity_reference", "target_entity: d")),
		"config/config.z.yaml": "id: z\nvalues: {a: 1}\n", "schemas/free.yaml": "a: 1\n",
	})
	want := ""
	for range 20 {
		c := b.openWith(nil)
		plan, err := c.Diff(context.Background(), coordinator.DiffRequest{})
		if err != nil {
			t.Fatal(err)
		}
		got := plan.ID
		place := map[string]int{}
		for i, f := range plan.Files {
			place[f.Path] = i
			got += fmt.Sprintf("\n%s %+v %+v", f.Path, f.Changes, f.Actions)
		}
		if want == "" {
			want = got
		}
		if got != want {
			t.Fatalf("another plan:\n%s\n%s", want, got)
		}
		if place["schemas/c.schema.yaml"] > place["schemas/b.schema.yaml"] || place["schemas/b.schema.yaml"] > place["schemas/a.schema.yaml"] {
			t.Fatalf("not in the order of references: %v", place)
		}
	}
	b.breaking()
	b.inSync()
}
