package coordinator_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"marain/backend/coordinator"
	snapshot "marain/backend/state"
)

func TestBrokenFilesDoNotStopAStart(t *testing.T) {
	t.Parallel()
	b := newBench(t, "all", map[string]string{
		notePath: entity("note", f("a text")), userPath: entity("user", f("a text")), "config/config.api.yaml": "id: api\nvalues:\n  limit: 7\n",
	})
	b.breaking()
	b.sql(`INSERT INTO content_note (id, a) VALUES ('1', 'v')`)
	tables := b.tables()
	b.write(notePath, "id: note\nfields: [")
	b.write("config/config.api.yaml", "")
	b.write("config/config.hot_reload.yaml", "id: hot_reload\nvalues: {auto_apply: {}}\n\x00")
	b.remove(userPath)
	b.open(false)
	s := b.c.Snapshot()
	if _, ok := s.Entity("note"); !ok {
		t.Error("the content type of the broken file is not live")
	}
	if _, ok := s.Entity("user"); !ok {
		t.Error("the content type of the removed file is not live")
	}
	if n, err := snapshot.Get[int](s, "api.limit"); err != nil || n != 7 {
		t.Errorf("api.limit is %d, %v", n, err)
	}
	status := b.status()
	broken := map[string]bool{}
	for _, p := range status.InvalidFiles {
		broken[p.File] = p.Line > 0 && p.Message != "" && p.Hint != ""
	}
	if len(broken) != 3 || !broken[notePath] || status.State != "invalid" || status.Project.Policy != "all" {
		t.Errorf("%s %s %+v", status.State, status.Project.Policy, status.InvalidFiles)
	}
	if b.tables() != tables {
		t.Error("broken files changed the tables")
	}
	b.sound()
	// The corrected files clear it.
	b.write(notePath, entity("note", f("a text")))
	b.write("config/config.api.yaml", "id: api\nvalues:\n  limit: 7\n")
	b.write("config/config.hot_reload.yaml", "id: hot_reload\nvalues:\n  auto_apply: all\n")
	b.write(userPath, entity("user", f("a text")))
	b.inSync()
}

const elsewhere = "id: system\nvalues:\n  database:\n    default: main\n    connections:\n      main: {driver: sqlite, file: other/place.db}\n"

func TestABrokenSystemFileOpensTheDatabaseOfBefore(t *testing.T) {
	t.Parallel()
	const path = "config/config.system.yaml"
	for name, damage := range map[string]func(b *bench){
		"broken":         func(b *bench) { b.write(path, "id: system\nvalues: [\n") },
		"empty":          func(b *bench) { b.write(path, "") },
		"wrong driver":   func(b *bench) { b.write(path, strings.Replace(elsewhere, "sqlite", "sqlit", 1)) },
		"folder is away": func(b *bench) { b.rename("config", "config.away") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &bench{t: t, root: t.TempDir(), onSQLite: true}
			b.write(path, elsewhere)
			b.write(notePath, entity("note", f("a text")))
			b.open(false)
			b.breaking()
			if !b.exists("data/other/place.db") || b.exists("data/content/marain.db") {
				t.Fatal("the database is not where the settings say")
			}
			if err := b.c.Close(); err != nil {
				t.Fatal(err)
			}
			damage(b)
			b.c = b.openWith(nil)
			if b.exists("data/content/marain.db") {
				t.Error("another, empty database was opened")
			}
			if _, ok := b.c.Snapshot().Entity("note"); !ok {
				t.Error("the applied state is not live")
			}
			b.sound()
		})
	}
}

func TestTheEnvironmentNamesTheDatabaseWhateverTheFilesSay(t *testing.T) {
	t.Parallel()
	b := &bench{t: t, root: t.TempDir(), onSQLite: true}
	b.write("config/config.system.yaml", elsewhere)
	b.open(false)
	b.breaking()
	for _, text := range []string{elsewhere, "id: ["} {
		b.write("config/config.system.yaml", text)
		c := b.openWith(func(o *coordinator.Options) {
			o.Getenv = func(name string) string {
				return map[string]string{"MARAIN_DATABASE_URL": "sqlite:third.db"}[name]
			}
		})
		if s, err := c.Status(context.Background()); err != nil || s.Database.Location != "data/third.db" {
			t.Errorf("opened %s, %v", s.Database.Location, err)
		}
	}
	// Without it, and with a broken file, it is the one that the file named last.
	c := b.openWith(nil)
	if s, err := c.Status(context.Background()); err != nil || s.Database.Location != "data/other/place.db" {
		t.Errorf("opened %s, %v", s.Database.Location, err)
	}
}

func TestNothingIsTakenFromTheFilesAtAStart(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text")), "config/config.api.yaml": "id: api\nvalues: {limit: 1}\n"})
	b.apply(coordinator.ReloadRequest{})
	b.write(notePath, entity("note", f("a text"), f("b text")))
	b.write("config/config.api.yaml", "id: api\nvalues: {limit: 2}\n")
	b.open(false)
	e, _ := b.c.Snapshot().Entity("note")
	if n, err := snapshot.Get[int](b.c.Snapshot(), "api.limit"); len(e.Fields) != 1 || n != 1 || err != nil {
		t.Errorf("%d fields, limit %d, %v", len(e.Fields), n, err)
	}
}

func TestWhatACrashLeftInTheOutbox(t *testing.T) {
	t.Parallel()
	before, after, other := entity("note", f("a text"), f("b text")), entity("note", f("a text")), entity("note", f("z text"))
	for _, c := range []struct {
		name         string
		onDisk       string // empty: no file
		removes      bool   // the write that is left over removes the file
		wantFile     string
		wantLeftOver bool
	}{
		{name: "not written yet", onDisk: before, wantFile: after},
		{name: "written already", onDisk: after, wantFile: after},
		{name: "edited meanwhile", onDisk: other, wantFile: other},
		{name: "removed meanwhile", onDisk: "", wantFile: ""},
		{name: "broken meanwhile", onDisk: "id: [", wantFile: "id: ["},
		{name: "not removed yet", onDisk: before, removes: true, wantFile: ""},
		{name: "removed already", onDisk: "", removes: true, wantFile: ""},
		{name: "edited instead", onDisk: other, removes: true, wantFile: other},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "none", nil)
			b.apply(coordinator.ReloadRequest{})
			if !c.removes {
				b.save(notePath, after)
			}
			r := b.save(notePath, before)
			b.undo(r)
			if err := b.c.Close(); err != nil {
				t.Fatal(err)
			}
			// As if the program had died between the commit and the file.
			if c.onDisk == "" {
				os.Remove(filepath.Join(b.root, notePath))
			} else {
				b.write(notePath, c.onDisk)
			}
			body := ""
			if !c.removes {
				body = sum(after)
			}
			b.sql(`INSERT INTO marain_outbox (id, action_id, file_path, expected_hash, body_hash) VALUES (1, '` + b.last().ActionID + `', '` + notePath + `', '` + sum(before) + `', '` + body + `')`)
			b.c = b.openWith(nil)
			got := ""
			if b.exists(notePath) {
				got = b.read(notePath)
			}
			if got != c.wantFile {
				t.Errorf("the file is %q, want %q", got, c.wantFile)
			}
			b.sound() // nothing is left over
			b.want(`SELECT count(*) FROM marain_outbox`, "0")
			b.c = b.openWith(nil)
			if b.exists(notePath) != (c.wantFile != "") || got != "" && b.read(notePath) != got {
				t.Error("a second start did something else")
			}
			b.sound()
		})
	}
}

func sum(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:])
}

func TestAnOldFileWriteDoesNotReplaceANewerDecision(t *testing.T) {
	t.Parallel()
	x, y := entity("note", f("a text")), entity("note", f("a text"), f("b text"))
	b := newBench(t, "none", map[string]string{notePath: x})
	b.apply(coordinator.ReloadRequest{})
	r := b.save(notePath, y)
	b.undo(r)
	// As if the file could not be written: the text that was rolled back is still there, and is then applied by name.
	b.write(notePath, y)
	b.sql(`INSERT INTO marain_outbox (id, action_id, file_path, expected_hash, body_hash) VALUES (1, '` + b.last().ActionID + `', '` + notePath + `', '` + sum(y) + `', '` + sum(x) + `')`)
	b.apply(coordinator.ReloadRequest{Files: []string{notePath}, Approve: "breaking"})
	b.open(false)
	if b.read(notePath) != y {
		t.Error("an old rollback wrote over a newer apply")
	}
	b.inSync()
}

func TestAFileThatCannotBeWrittenIsTriedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text"))})
	b.apply(coordinator.ReloadRequest{})
	first := b.read(notePath)
	gone := b.rollback(coordinator.RollbackRequest{ActionID: b.last().ActionID})
	if b.exists(notePath) {
		t.Fatal("the file is still there")
	}
	// The folder cannot be made, because a file has its name.
	if err := os.RemoveAll(filepath.Join(b.root, "schemas")); err != nil {
		t.Fatal(err)
	}
	b.write("schemas", "in the way")
	back := b.undo(gone)
	if len(back.Failed) != 1 || back.Failed[0].File != notePath {
		t.Errorf("what could not be written is not said: %+v", back)
	}
	result, err := b.c.Verify(context.Background())
	if err != nil || !slices.ContainsFunc(result.Faults, func(f coordinator.Fault) bool { return f.Code == "outbox" }) {
		t.Errorf("verify does not say that a write is left over: %+v, %v", result, err)
	}
	if err := os.Remove(filepath.Join(b.root, "schemas")); err != nil {
		t.Fatal(err)
	}
	b.open(false)
	if b.read(notePath) != first {
		t.Error("the file was not written at the next start")
	}
	b.inSync()
}

func TestEnvironmentsSelectConfigs(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{
		"config/config.api.dev.yaml": "id: api\nvalues: {limit: 1}\n",
		"config/config.api.prd.yaml": "id: api\nvalues: {limit: 2}\n",
	})
	b.breaking()
	b.inSync()
	for environment, want := range map[string]int{"": 1, "dev": 1, "prd": 2} {
		c := b.openWith(func(o *coordinator.Options) {
			o.Getenv = func(name string) string {
				return map[string]string{"ENVIRONMENT": environment}[name]
			}
		})
		if n, err := snapshot.Get[int](c.Snapshot(), "api.limit"); n != want || err != nil {
			t.Errorf("environment %q: limit %d, %v", environment, n, err)
		}
	}
	c := b.openWith(func(o *coordinator.Options) {
		o.Getenv = func(name string) string { return map[string]string{"ENVIRONMENT": "tst"}[name] }
	})
	if _, err := snapshot.Get[int](c.Snapshot(), "api.limit"); err == nil {
		t.Error("a configuration of another environment is live")
	}
	// Two that are live at once are refused, and what was live stays.
	b.write("config/config.api.yaml", "id: api\nvalues: {limit: 3}\n")
	status := b.status()
	if len(status.InvalidFiles) != 2 || status.InvalidFiles[0].Code != "duplicate_config" {
		t.Errorf("%+v", status.InvalidFiles)
	}
	b.breaking()
	if n, err := snapshot.Get[int](b.c.Snapshot(), "api.limit"); n != 1 || err != nil {
		t.Errorf("limit %d, %v", n, err)
	}
}

func TestADatabaseOfANewerProgramIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text"))})
	b.apply(coordinator.ReloadRequest{})
	b.sql(`UPDATE marain_meta SET value = '999' WHERE name = 'schema_version'`)
	before := b.everything()
	for _, readOnly := range []bool{false, true} {
		_, err := b.tryOpen(func(o *coordinator.Options) { o.ReadOnly = readOnly })
		b.refused(err, coordinator.CodeForbidden)
	}
	if b.everything() != before {
		t.Error("a refused database was changed")
	}
}

func TestLookingOnlyWritesNothing(t *testing.T) {
	t.Parallel()
	b := &bench{t: t, root: t.TempDir()}
	b.write(notePath, entity("note", f("a text")))
	look := func(o *coordinator.Options) { o.ReadOnly = true }
	b.c = b.openWith(look)
	if s := b.status(); s.State != "pending" || len(s.PendingChanges) != 1 {
		t.Errorf("%+v", s)
	}
	if len(b.plan().Files) != 1 {
		t.Error("no plan")
	}
	b.reloadRefused(coordinator.ReloadRequest{}, coordinator.CodeForbidden)
	b.rollbackRefused(coordinator.RollbackRequest{To: "x"}, coordinator.CodeForbidden)
	_, err := b.c.Reject(context.Background(), coordinator.RejectRequest{Files: []string{notePath}}, person)
	b.refused(err, coordinator.CodeForbidden)
	if b.exists("data") {
		t.Error("looking made a data folder")
	}
	// Beside a project that is in use.
	b.open(false)
	b.apply(coordinator.ReloadRequest{})
	b.write(notePath, entity("note", f("a text"), f("b text")))
	before := b.everything()
	b.c = b.openWith(look)
	if s := b.status(); s.State != "pending" {
		t.Errorf("%+v", s)
	}
	b.sound()
	b.plan()
	if b.everything() != before {
		t.Error("looking changed the database")
	}
}

func TestASecondServerOnAProjectIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text"))})
	b.c = b.openWith(func(o *coordinator.Options) { o.Watch, o.Door = true, "window" })
	_, err := b.tryOpen(func(o *coordinator.Options) { o.Watch, o.Door = true, "server" })
	if refusal := b.refused(err, coordinator.CodeLocked); !strings.Contains(refusal.Message, "window") {
		t.Errorf("the message does not say who has it: %s", refusal.Message)
	}
	// A command works beside it.
	b.openWith(nil)
}

func TestADamagedVersionIsFoundAndNothingIsBuiltOnIt(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text")), userPath: entity("user", f("a text"))})
	b.apply(coordinator.ReloadRequest{})
	b.sql(`INSERT INTO content_note (id, a) VALUES ('1', 'v')`)
	b.sql(`UPDATE marain_contents SET body = 'AAAA' WHERE hash = '` + sum(b.read(notePath)) + `'`)
	b.open(false)
	if _, ok := b.c.Snapshot().Entity("user"); !ok {
		t.Error("everything else does not start")
	}
	result, err := b.c.Verify(context.Background())
	if err != nil || !slices.ContainsFunc(result.Faults, func(f coordinator.Fault) bool { return f.Code == "content" && strings.Contains(f.Subject, notePath) }) {
		t.Errorf("%+v, %v", result, err)
	}
	before := b.state()
	b.write(notePath, entity("note", f("a text", "label: Other")))
	b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking"}, coordinator.CodeBlocked)
	b.remove(notePath)
	b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking"}, coordinator.CodeBlocked)
	if b.state() != before {
		t.Error("something was built on a version that cannot be read")
	}
}
