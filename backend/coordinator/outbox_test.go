package coordinator_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"marain/backend/action"
	"marain/backend/coordinator"
)

// deepPath is a file in a folder of its own, which can be made impossible to write to, whoever tries.
const deepPath = "schemas/deep/note.schema.yaml"

// blockFolder puts a file where the folder of deepPath was.
func (b *bench) blockFolder() {
	b.t.Helper()
	folder := filepath.Join(b.root, filepath.Dir(deepPath))
	if err := os.RemoveAll(folder); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(folder, nil, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// owed fails the test unless the file is told as not written back, with the reason when it was just tried.
func (b *bench) owed(where string, list []action.Unwritten, tried bool) {
	b.t.Helper()
	if len(list) != 1 || list[0].File != deepPath || strings.Contains(list[0].Message, "not a directory") != tried || strings.Contains(list[0].Message, b.root) {
		b.t.Errorf("%s: %+v", where, list)
	}
}

// While a file is not written back, nobody says that the files are what is applied; and as soon as it can be, it is.
func (b *bench) untilWritten(text string) {
	b.t.Helper()
	b.owed("status", b.status().Unwritten, true)
	if b.status().InSync {
		b.t.Error("it says that it is in sync")
	}
	b.owed("diff", b.plan().Unwritten, true)
	b.owed("a dry run", b.apply(coordinator.ReloadRequest{DryRun: true}).Plan.Unwritten, true)
	b.owed("apply", b.apply(coordinator.ReloadRequest{}).Unwritten, true)
	looking := b.openWith(func(o *coordinator.Options) { o.ReadOnly = true })
	s, err := looking.Status(context.Background())
	if err != nil {
		b.t.Fatal(err)
	}
	b.owed("status of a program that only looks", s.Unwritten, false)
	if err := os.Remove(filepath.Join(b.root, filepath.Dir(deepPath))); err != nil {
		b.t.Fatal(err)
	}
	b.c = b.openWith(nil)
	if got := b.read(deepPath); got != text {
		b.t.Errorf("the file is %q", got)
	}
	b.inSync()
	if s := b.status(); len(s.Unwritten) != 0 {
		b.t.Errorf("%+v", s.Unwritten)
	}
	b.sound()
}

func TestARejectThatCannotWriteSaysSo(t *testing.T) {
	t.Parallel()
	text := entity("note", f("a text"))
	b := newBench(t, "none", map[string]string{deepPath: text})
	b.apply(coordinator.ReloadRequest{})
	b.blockFolder()
	r, err := b.c.Reject(context.Background(), coordinator.RejectRequest{Files: []string{deepPath}, Restore: true}, person)
	if err != nil || r.ActionID == "" || len(r.Restored) != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	b.owed("reject", r.Unwritten, true)
	b.untilWritten(text)
}

func TestARollbackThatCannotWriteSaysSo(t *testing.T) {
	t.Parallel()
	text := entity("note", f("a text"))
	b := newBench(t, "none", map[string]string{deepPath: text})
	b.apply(coordinator.ReloadRequest{})
	b.remove(deepPath)
	removed := b.breaking()
	b.blockFolder()
	r := b.undo(removed)
	b.owed("rollback", r.Unwritten, true)
	if len(r.Failed) != 1 || r.Failed[0].Message != r.Unwritten[0].Message || len(r.Applied) != 1 {
		t.Errorf("%+v", r)
	}
	b.untilWritten(text)
}

// What is decided anew about a file is not owed any more.
func TestAFileThatIsDecidedAnewIsNotOwed(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{deepPath: entity("note", f("a text"))})
	b.apply(coordinator.ReloadRequest{})
	b.blockFolder()
	if _, err := b.c.Reject(context.Background(), coordinator.RejectRequest{Files: []string{deepPath}, Restore: true}, person); err != nil {
		t.Fatal(err)
	}
	r := b.apply(coordinator.ReloadRequest{Files: []string{deepPath}, Approve: "breaking"})
	if len(r.Applied) != 1 || len(r.Unwritten) != 0 {
		t.Errorf("%+v", r)
	}
	b.inSync()
	b.sound()
}

// What was rejected and could not be put back yet is not applied by the policy meanwhile.
func TestWhatIsToBePutBackIsNotAppliedByItself(t *testing.T) {
	t.Parallel()
	text, edit := entity("note", f("a text")), entity("note", f("a text"), f("b text"))
	b := newBench(t, "none", map[string]string{notePath: text})
	b.apply(coordinator.ReloadRequest{})
	b.write(notePath, edit)
	b.c = b.openWith(func(o *coordinator.Options) { o.Watch = true })
	// The text cannot be read while it is away, so nothing can be written.
	b.sql(`UPDATE marain_contents SET hash = 'away' WHERE hash = '` + sum(text) + `'`)
	r, err := b.c.Reject(context.Background(), coordinator.RejectRequest{Files: []string{notePath}, Restore: true}, person)
	if err != nil || len(r.Unwritten) != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	b.write("config/config.hot_reload.yaml", "id: hot_reload\nvalues:\n  auto_apply: all\n")
	b.apply(coordinator.ReloadRequest{Files: []string{"config/config.hot_reload.yaml"}, Approve: "breaking"})
	b.write(userPath, entity("user", f("a text")))
	eventually(t, "the other file is applied", func() bool { return len(b.rows(`SELECT 1 FROM file_versions WHERE file_path = '`+userPath+`'`)) > 0 })
	if len(b.status().Unwritten) != 1 {
		t.Errorf("%+v", b.status())
	}
	b.want(`SELECT version FROM file_versions WHERE status = 'applied' AND file_path = '`+notePath+`'`, "1")
	b.sql(`UPDATE marain_contents SET hash = '` + sum(text) + `' WHERE hash = 'away'`)
	eventually(t, "the file is put back", func() bool { return b.read(notePath) == text })
}

// A file that cannot be read at the moment, or whose folder is away, is still owed: nobody has edited it.
func TestAFileThatIsAwayIsStillOwed(t *testing.T) {
	t.Parallel()
	before, after := entity("note", f("a text"), f("b text")), entity("note", f("a text"))
	for _, gone := range []string{"schemas", notePath} {
		t.Run(gone, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "none", nil)
			b.apply(coordinator.ReloadRequest{})
			b.save(notePath, after)
			b.undo(b.save(notePath, before))
			if err := b.c.Close(); err != nil {
				t.Fatal(err)
			}
			// As it is when a program ends between its commit and the file.
			b.write(notePath, before)
			b.sql(`INSERT INTO marain_outbox (id, action_id, file_path, expected_hash, body_hash) VALUES (1, '` + b.last().ActionID + `', '` + notePath + `', '` + sum(before) + `', '` + sum(after) + `')`)
			b.rename(gone, "away")
			if gone == notePath {
				if err := os.Mkdir(filepath.Join(b.root, notePath), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			b.c = b.openWith(nil)
			if list := b.status().Unwritten; len(list) != 1 || list[0].File != notePath {
				t.Errorf("status: %+v", list)
			}
			b.want(`SELECT count(*) FROM marain_outbox`, "1")
			if err := b.c.Close(); err != nil {
				t.Fatal(err)
			}
			if err := os.RemoveAll(filepath.Join(b.root, gone)); err != nil {
				t.Fatal(err)
			}
			b.rename("away", gone)
			b.c = b.openWith(nil)
			if b.read(notePath) != after {
				t.Error("the file was never written back")
			}
			b.want(`SELECT count(*) FROM marain_outbox`, "0")
			b.inSync()
		})
	}
}
