package coordinator_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"marain/backend/coordinator"
	"marain/backend/diff"
)

// odd texts are valid files whose bytes a careless writer would not give back.
var odd = map[string]string{
	"schemas/crlf.schema.yaml":    "id: crlf\r\nname: Crlf\r\nfields:\r\n  - id: a # the first\r\n    type: text\r\n",
	"schemas/no_end.schema.yaml":  "# no line end at the end\nid: no_end\nname: 'No end'\nfields:\n  - {id: a, type: text}",
	"schemas/bom.schema.yaml":     "\ufeffid: bom\nname: Bom\nfields:\n  - id: a\n    type: text\n",
	"schemas/sparse.schema.yaml":  "\n\n# first\n\nname:    \"Sparse\"   # after\nid: sparse\n\nfields:\n\n\n  -   type: text\n      id: a\n\n\n# last\n\n",
	"config/config.site.yaml":     "id: site\nvalues:\n  # the name\n  name: |\n    two\n    lines\n  list: [1, 2,\n    3]\n",
	"config/config.plain.yml":     "id: plain\nvalues: {a: 1}   ",
	"schemas/something_else.yaml": "any:\n  - \"\\u00e9\"\n  - é\n",
}

func TestABatchOfFilesComesBackByteForByte(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", odd)
	b.breaking()
	files := b.files()
	for path, text := range odd {
		switch {
		case strings.Contains(text, "fields:\r\n"):
			text += "  - id: b\r\n    type: text\r\n"
		case strings.Contains(text, "{id: a"):
			text += "\n  - {id: b, type: text}"
		case strings.HasPrefix(path, "schemas/") && strings.Contains(text, "fields"):
			text = strings.Replace(text, "fields:", "fields:\n  - id: b\n    type: text\n", 1)
		default:
			text = strings.NewReplacer("two", "three", "a: 1", "a: 2", "any", "some").Replace(text)
		}
		b.write(path, text)
	}
	edited := b.files()
	r := b.breaking()
	if r.ActionID == "" || len(r.Applied) != len(odd) {
		t.Fatalf("applied %v as %s", r.Applied, r.ActionID)
	}
	b.want(`SELECT DISTINCT action_id FROM file_versions WHERE version = 2`, r.ActionID)
	b.inSync()
	b.undo(r)
	b.inSync()
	b.sameFiles(files)
	b.undo(b.last())
	b.inSync()
	b.sameFiles(edited)
}

func TestTheVeryFirstBatchCanBeTakenBack(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", odd)
	files := b.files()
	first := b.breaking()
	b.sql(`INSERT INTO content_bom (id, a) VALUES ('1', 'v')`)
	back := b.undo(first)
	b.inSync()
	b.sameFiles(map[string]string{})
	if got := b.tables(); got != "" {
		t.Errorf("still in use:\n%s", got)
	}
	b.undo(back)
	b.inSync()
	b.sameFiles(files)
	b.want(`SELECT a FROM content_bom`, "v")
}

func TestARollbackOfARollback(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text"))})
	b.apply(coordinator.ReloadRequest{})
	b.sql(`INSERT INTO content_note (id, a) VALUES ('1', 'va')`)
	more := entity("note", f("a text"), f("b text"))
	r := b.save(notePath, more)
	b.sql(`UPDATE content_note SET b = 'vb'`)
	for i := range 6 {
		r = b.undo(r)
		b.inSync()
		if i%2 == 1 {
			b.want(`SELECT a, b FROM content_note`, "va|vb")
		} else {
			b.without("content_note", "b")
		}
	}
	if b.read(notePath) != more {
		t.Error("an even number of times back is not forward")
	}
}

func TestEveryPastPointIsStillThere(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text"))})
	type mark struct {
		batch  coordinator.ApplyResult
		files  map[string]string
		tables string
		rows   []string
	}
	var marks []mark
	note := func(r coordinator.ApplyResult) {
		b.inSync()
		m := mark{batch: r, files: b.files(), tables: b.tables()}
		if strings.Contains(m.tables, "content_note.b") {
			m.rows = b.rows(`SELECT b FROM content_note ORDER BY id`)
		}
		marks = append(marks, m)
	}
	note(b.apply(coordinator.ReloadRequest{}))
	b.sql(`INSERT INTO content_note (id, a) VALUES ('1', 'x'), ('2', 'y')`)
	note(b.save(notePath, entity("note", f("a text"), f("b text"))))
	b.sql(`UPDATE content_note SET b = 'first ' || id`)
	note(b.save(notePath, entity("note", f("a text"), f("b text", "required: true"))))
	note(b.save(notePath, entity("note", f("a text"))))
	note(b.undo(marks[3].batch))
	note(b.undo(marks[4].batch))
	note(b.save(notePath, entity("note", f("a text"), f("b text", "unique: true")), "restore:note.b", "empty"))
	b.sql(`UPDATE content_note SET b = 'second ' || id`)
	note(b.to(marks[1].batch))
	note(b.save(userPath, entity("user", f("name text"))))
	note(b.undo(marks[len(marks)-1].batch))
	for _, i := range []int{6, 2, 0, 8, 3, 1, 7, 4, 9, 5, 0} {
		m := marks[i]
		b.to(m.batch)
		b.inSync()
		b.sameFiles(m.files)
		if b.tables() != m.tables {
			t.Fatalf("point %d: the tables are\n%s\nand were\n%s", i, b.tables(), m.tables)
		}
		switch {
		case m.rows == nil:
		case i == 6:
			b.want(`SELECT b FROM content_note ORDER BY id`, "second 1", "second 2")
		default:
			b.want(`SELECT b FROM content_note ORDER BY id`, "first 1", "first 2")
		}
	}
}

func TestAFileAloneGoesBack(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text")), userPath: entity("user", f("a text"))})
	b.apply(coordinator.ReloadRequest{})
	b.write(notePath, entity("note", f("a text"), f("b text")))
	b.write(userPath, entity("user", f("a text"), f("b text")))
	both := b.breaking()
	user := b.read(userPath)
	alone := b.version(notePath, 1)
	if !slices.Equal(alone.Applied, []string{notePath}) {
		t.Errorf("went back: %v", alone.Applied)
	}
	b.inSync()
	if b.read(userPath) != user {
		t.Error("another file went back too")
	}
	// The batch is half undone now: undoing it whole names what came later.
	refusal := b.rollbackRefused(coordinator.RollbackRequest{ActionID: both.ActionID}, coordinator.CodeConflict)
	if !strings.Contains(refusal.Message, alone.ActionID) || fmt.Sprint(refusal.Details) != fmt.Sprint([]any{alone.ActionID}) {
		t.Errorf("the later batch is not named: %+v", refusal)
	}
	b.undo(alone)
	b.undo(both)
	b.inSync()
	b.rollbackRefused(coordinator.RollbackRequest{File: notePath, Version: 99}, coordinator.CodeNotFound)
	b.rollbackRefused(coordinator.RollbackRequest{File: "schemas/none.schema.yaml", Version: 1}, coordinator.CodeNotFound)
	b.rollbackRefused(coordinator.RollbackRequest{ActionID: "nothing"}, coordinator.CodeNotFound)
	b.rollbackRefused(coordinator.RollbackRequest{To: "nothing"}, coordinator.CodeNotFound)
	b.rollbackRefused(coordinator.RollbackRequest{}, coordinator.CodeInvalid)
	b.rollbackRefused(coordinator.RollbackRequest{To: both.ActionID, ActionID: both.ActionID}, coordinator.CodeInvalid)
	b.rollbackRefused(coordinator.RollbackRequest{File: notePath}, coordinator.CodeInvalid)
}

func TestUndoingWhatIsNotTheNewestNamesTheLaterBatches(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text"))})
	b.apply(coordinator.ReloadRequest{})
	one := b.save(notePath, entity("note", f("a text"), f("b text")))
	two := b.save(notePath, entity("note", f("a text"), f("b text"), f("c text")))
	three := b.save(notePath, entity("note", f("a text"), f("c text")))
	before := b.everything()
	refusal := b.rollbackRefused(coordinator.RollbackRequest{ActionID: one.ActionID}, coordinator.CodeConflict)
	if len(refusal.Details) != 2 || !strings.Contains(refusal.Message, two.ActionID) || !strings.Contains(refusal.Message, three.ActionID) {
		t.Errorf("%+v", refusal)
	}
	if b.everything() != before {
		t.Error("a refused rollback changed something")
	}
	b.undo(three)
	b.undo(two)
	b.undo(one)
	b.inSync()
	// All of it was taken back, so none of these texts is applied again without being named.
	for _, text := range []string{
		entity("note", f("a text"), f("b text")), entity("note", f("a text"), f("b text"), f("c text")), entity("note", f("a text"), f("c text")),
	} {
		b.write(notePath, text)
		if s := b.status(); len(s.HeldFiles) != 1 || s.HeldFiles[0].Reason != "rolled_back" || s.State != "held" {
			t.Errorf("not held: %s %+v %+v", s.State, s.HeldFiles, s.PendingChanges)
		}
		if r := b.breaking(); len(r.Applied) != 0 {
			t.Errorf("what was rolled back was applied without being named: %v", r.Applied)
		}
	}
	b.apply(coordinator.ReloadRequest{Files: []string{notePath}, Approve: "breaking"})
	b.inSync()
}

func TestRollbackToThePresentDoesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text"))})
	r := b.apply(coordinator.ReloadRequest{})
	before := b.everything()
	for _, request := range []coordinator.RollbackRequest{{To: r.ActionID}, {File: notePath, Version: 1}, {To: r.ActionID, DryRun: true}} {
		if got := b.rollback(request); got.ActionID != "" || len(got.Applied) != 0 {
			t.Errorf("%+v did something: %+v", request, got)
		}
	}
	if b.everything() != before {
		t.Error("going back to the present changed something")
	}
}

// TestAVersionThatStillHoldsIsNotTakenBack goes to a point at which a file was already what it is now.
func TestAVersionThatStillHoldsIsNotTakenBack(t *testing.T) {
	t.Parallel()
	x, y := entity("note", f("a text")), entity("note", f("a text"), f("b text"))
	b := newBench(t, "none", map[string]string{notePath: x})
	first := b.apply(coordinator.ReloadRequest{})
	b.save(notePath, y)
	b.save(notePath, x) // by hand
	b.save(userPath, entity("user", f("a text")))
	b.to(first)
	b.inSync()
	b.open(false)
	b.inSync()
	b.save(notePath, y+"# again\n", "restore:note.b", "empty")
	b.inSync()
	b.save(userPath, entity("user", f("c text")))
	b.inSync()
}

func TestADryRunChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: noteText("true")})
	b.apply(coordinator.ReloadRequest{})
	fillNotes(b)
	b.save(notePath, strings.Replace(noteText("true"), "  - id: rank\n    type: integer\n    indexed: true\n", "", 1))
	r := b.last()
	b.write(notePath, noteText("true"))
	b.write("config/config.secret.yaml", "id: secret\nvalues:\n  password: hunter2\n")
	b.status()
	before, files := b.everything(), b.files()
	plan := b.apply(coordinator.ReloadRequest{DryRun: true, Approve: "breaking"})
	if plan.ActionID != "" || len(plan.Applied) != 0 || plan.Plan == nil || len(plan.Plan.Files) != 2 {
		t.Errorf("dry run: %+v", plan)
	}
	back := b.rollback(coordinator.RollbackRequest{ActionID: r.ActionID, DryRun: true})
	if back.ActionID != "" || back.Plan == nil || len(back.Plan.Files) != 1 {
		t.Errorf("dry run: %+v", back)
	}
	if after := b.everything(); after != before {
		t.Errorf("a dry run changed the database:\n%s", firstDifference(before, after))
	}
	b.sameFiles(files)
	if strings.Contains(b.everything(), "hunter2") {
		t.Error("a dry run left a secret in the database")
	}
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return "- " + x[i] + "\n+ " + y[i]
		}
	}
	return fmt.Sprintf("%d lines become %d", len(x), len(y))
}

func TestRollbackKeepsUnappliedEditsAsDrafts(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]string{
		"valid":     entity("note", f("a text"), f("b text"), f("mine text")),
		"invalid":   "id: note\nfields: [oops\n",
		"no text":   "",
		"no UTF-8":  "id: note\nname: \"\xff\xfe\"\n",
		"only CRLF": "\r\n\r\n",
		"too deep":  strings.Repeat("[", 100),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text"))})
			b.apply(coordinator.ReloadRequest{})
			first := b.read(notePath)
			r := b.save(notePath, entity("note", f("a text"), f("b text")))
			b.write(notePath, edit)
			b.undo(r)
			b.inSync()
			if b.read(notePath) != first {
				t.Error("the file is not as it was")
			}
			drafts, err := b.c.Drafts(context.Background())
			if err != nil || len(drafts) != 1 || drafts[0].File != notePath || drafts[0].Size != len(edit) {
				t.Fatalf("drafts %+v, %v", drafts, err)
			}
			// The draft comes back byte for byte, and what it replaces is a draft in its turn.
			b.write(notePath, first+"# another edit\n")
			if _, err := b.c.RestoreDraft(context.Background(), drafts[0].ID, person); err != nil {
				t.Fatal(err)
			}
			if b.read(notePath) != edit {
				t.Errorf("the draft came back as %q", b.read(notePath))
			}
			b.sound()
			if drafts, err = b.c.Drafts(context.Background()); err != nil || len(drafts) != 2 || drafts[0].Size != len(first)+len("# another edit\n") {
				t.Errorf("drafts %+v, %v", drafts, err)
			}
			if _, err := b.c.RestoreDraft(context.Background(), "none", person); err == nil {
				t.Error("a draft that is not there was restored")
			}
		})
	}
}

func TestRejectHoldsOrPutsBack(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text"))})
	b.apply(coordinator.ReloadRequest{})
	first := b.read(notePath)
	edit := entity("note", f("a text"), f("b text"))
	b.write(notePath, edit)
	reject := func(request coordinator.RejectRequest) coordinator.RejectResult {
		t.Helper()
		r, err := b.c.Reject(context.Background(), request, person)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := reject(coordinator.RejectRequest{Files: []string{notePath}, Note: "not yet"}); !slices.Equal(r.Held, []string{notePath}) {
		t.Errorf("%+v", r)
	}
	b.sound()
	for range 2 {
		s := b.status()
		if s.State != "held" || len(s.HeldFiles) != 1 || s.HeldFiles[0].Note != "not yet" || s.HeldFiles[0].By != "ann via code" {
			t.Errorf("%s %+v", s.State, s.HeldFiles)
		}
		if r := b.breaking(); len(r.Applied) != 0 {
			t.Errorf("applied %v", r.Applied)
		}
		b.open(false) // holding survives a restart
	}
	// Another content is another matter; the held one comes back held.
	b.write(notePath, edit+"# changed\n")
	if s := b.status(); len(s.HeldFiles) != 0 || len(s.PendingChanges) != 1 {
		t.Errorf("%+v %+v", s.HeldFiles, s.PendingChanges)
	}
	if r := reject(coordinator.RejectRequest{Files: []string{notePath}, Restore: true}); !slices.Equal(r.Restored, []string{notePath}) {
		t.Errorf("%+v", r)
	}
	b.inSync()
	if b.read(notePath) != first {
		t.Error("the applied text is not back")
	}
	if drafts, err := b.c.Drafts(context.Background()); err != nil || len(drafts) != 1 {
		t.Errorf("drafts %+v, %v", drafts, err)
	}
	// A new file that was never applied goes away, and is a draft.
	b.write(userPath, entity("user", f("a text")))
	reject(coordinator.RejectRequest{Files: []string{userPath}, Restore: true})
	b.inSync()
	if b.exists(userPath) {
		t.Error("a new file that was put back is still there")
	}
	// A removal that is put back.
	b.remove(notePath)
	reject(coordinator.RejectRequest{Files: []string{notePath}, Restore: true})
	b.inSync()
	if b.read(notePath) != first {
		t.Error("the removed file is not back")
	}
	_, err := b.c.Reject(context.Background(), coordinator.RejectRequest{Files: []string{"../outside"}}, person)
	b.refused(err, coordinator.CodeNotFound)
	_, err = b.c.Reject(context.Background(), coordinator.RejectRequest{}, person)
	b.refused(err, coordinator.CodeInvalid)
}

func TestHistoryTellsWhatHappened(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text"))})
	b.apply(coordinator.ReloadRequest{Note: "the first"})
	r := b.save(notePath, entity("note", f("a text"), f("b text")))
	b.undo(r)
	page, err := b.c.History(context.Background(), coordinator.HistoryRequest{Limit: 2})
	if err != nil || len(page.Items) != 2 || page.Next == "" {
		t.Fatalf("%+v, %v", page, err)
	}
	if page.Items[0].Kind != "rollback" || page.Items[0].Target != r.ActionID || page.Items[1].Status != "rolled_back" || page.Items[1].ActionID != r.ActionID {
		t.Errorf("%+v", page.Items)
	}
	page, err = b.c.History(context.Background(), coordinator.HistoryRequest{Limit: 2, Before: page.Next})
	if err != nil || len(page.Items) != 1 || page.Next != "" || page.Items[0].Note != "the first" {
		t.Fatalf("%+v, %v", page, err)
	}
	for status, want := range map[string]int{"applied": 2, "rolled_back": 1, "failed": 0, "rejected": 0} {
		if page, err := b.c.History(context.Background(), coordinator.HistoryRequest{Status: status, File: notePath}); err != nil || len(page.Items) != want {
			t.Errorf("%s: %d batches, %v", status, len(page.Items), err)
		}
	}
	batch, err := b.c.Batch(context.Background(), r.ActionID, false)
	if err != nil || batch.CanUndo || len(batch.ChangedFiles) != 1 || len(batch.ChangedFiles[0].Hunks) != 1 || batch.ChangedFiles[0].Changes[0].Rule != diff.FieldAddedOptional {
		t.Errorf("%+v, %v", batch, err)
	}
	if up := fmt.Sprint(batch.ChangedFiles[0].Actions[0].Up); up != `[ALTER TABLE "content_note" ADD COLUMN "b" TEXT]` {
		t.Errorf("ran %s", up)
	}
	_, err = b.c.Batch(context.Background(), "nothing", false)
	b.refused(err, coordinator.CodeNotFound)
	_, err = b.c.History(context.Background(), coordinator.HistoryRequest{Before: "x"})
	b.refused(err, coordinator.CodeInvalid)
}

func TestWritingBackKeepsWhatAFileIs(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text"))})
	b.apply(coordinator.ReloadRequest{})
	full := filepath.Join(b.root, notePath)
	r := b.save(notePath, entity("note", f("a text"), f("b text")))
	if err := os.Chmod(full, 0o640); err != nil {
		t.Fatal(err)
	}
	b.undo(r)
	if info, err := os.Stat(full); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the mode is %v, %v", info.Mode(), err)
	}
	// A link is not replaced by a file, nor written through.
	b.undo(b.last())
	text := b.read(notePath)
	b.rename(notePath, "real.yaml")
	if err := os.Symlink("../real.yaml", full); err != nil {
		t.Fatal(err)
	}
	before := b.everything()
	b.rollbackRefused(coordinator.RollbackRequest{File: notePath, Version: 1}, coordinator.CodeBlocked)
	if b.everything() != before || b.read("real.yaml") != text {
		t.Error("a refused rollback changed something")
	}
	if info, err := os.Lstat(full); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", info.Mode(), err)
	}
}
