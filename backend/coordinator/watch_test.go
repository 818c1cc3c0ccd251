package coordinator_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"marain/backend/coordinator"
	snapshot "marain/backend/state"
)

// watching makes a project whose applied state is the given files, and opens it as a window does.
func watching(t *testing.T, policy string, files map[string]string) *bench {
	t.Helper()
	b := newBench(t, policy, files)
	b.breaking()
	if err := b.c.Close(); err != nil {
		t.Fatal(err)
	}
	b.c = b.openWith(func(o *coordinator.Options) { o.Watch, o.Door = true, "window" })
	return b
}

// handled waits until the watcher's batch with that file was dealt with to its end: the file is applied, or its waiting
// version is noted, which happens last. It reports whether it was applied.
func (b *bench) handled(t *testing.T, path, text string) bool {
	t.Helper()
	hash := ""
	if text != "" {
		hash = sum(text)
	}
	status := ""
	eventually(t, path+" is dealt with", func() bool {
		list := b.rows(`SELECT status FROM file_versions WHERE file_path = ? AND file_hash = ? AND status <> 'rolled_back' ORDER BY version DESC LIMIT 1`, path, hash)
		if len(list) == 1 {
			status = list[0]
		}
		return status != ""
	})
	return status == "applied"
}

func TestWhatEachPolicyAppliesByItself(t *testing.T) {
	t.Parallel()
	base := entity("note", f("a text"), f("b text"), f("c integer"))
	const config = "id: x\nvalues:\n  size: 10\n  text: a\n  nested: {one: 1, two: 2}\n  port: 80\n"
	for _, c := range []struct {
		name, path, text string
		safe, all        bool
	}{
		{"optional field", notePath, base + "  - id: d\n    type: text\n", true, true},
		{"layout", notePath, "# a comment\n" + base, true, true},
		{"new entity", userPath, entity("user", f("a text")), true, true},
		{"new config", "config/config.y.yaml", "id: y\nvalues: {a: 1}\n", true, true},
		{"config value", "config/config.x.yaml", strings.Replace(config, "text: a", "text: b", 1), true, true},
		{"proved on the rows", notePath, strings.Replace(base, "id: a\n    type: text\n", "id: a\n    type: text\n    required: true\n    unique: true\n", 1), true, true},
		{"required with a default", notePath, base + "  - id: d\n    type: text\n    required: true\n    default: x\n", true, true},
		{"declared rename", notePath, strings.Replace(base, "id: b\n    type: text\n", "id: z\n    type: text\n    renamed_from: b\n", 1), false, true},
		{"config jumps", "config/config.x.yaml", strings.Replace(config, "size: 10", "size: 0", 1), false, true},
		{"config of a service", "config/config.x.yaml", strings.Replace(config, "port: 80", "port: 81", 1), false, true},
		{"duplicates", notePath, strings.Replace(base, "id: b\n    type: text\n", "id: b\n    type: text\n    unique: true\n", 1), false, false},
		{"a question", notePath, strings.Replace(base, "id: b\n", "id: z\n", 1), false, false},
		{"a backfill", notePath, base + "  - id: d\n    type: text\n    required: true\n", false, false},
		{"field removed", notePath, entity("note", f("a text"), f("b text")), false, false},
		{"field of a name that was out of use", "schemas/old.schema.yaml", entity("old", f("a text"), f("b text")), false, false},
		{"entity removed", notePath, "", false, false},
		{"entity id", notePath, strings.Replace(base, "id: note\n", "id: memo\n", 1), false, false},
		{"type", notePath, strings.Replace(base, "integer", "float", 1), false, false},
		{"config key removed", "config/config.x.yaml", strings.Replace(config, "  text: a\n", "", 1), false, false},
		{"config part removed", "config/config.x.yaml", strings.Replace(config, "two: 2", "", 1), false, false},
		{"config part replaced", "config/config.x.yaml", strings.Replace(config, "{one: 1, two: 2}", "7", 1), false, false},
		{"config part emptied", "config/config.x.yaml", strings.Replace(config, " {one: 1, two: 2}", "", 1), false, false},
		{"config removed", "config/config.x.yaml", "", false, false},
	} {
		for _, policy := range []string{"none", "safe", "all"} {
			if policy == "none" && c.name != "optional field" || policy == "safe" && !c.all || policy == "all" && c.safe {
				continue // none applies nothing, and all applies what safe does
			}
			t.Run(c.name+", "+policy, func(t *testing.T) {
				t.Parallel()
				b := watching(t, policy, map[string]string{notePath: base, "config/config.x.yaml": config, "schemas/old.schema.yaml": entity("old", f("a text"))})
				if c.name == "field of a name that was out of use" {
					b.save("schemas/old.schema.yaml", entity("old", f("a text"), f("b text")))
					b.save("schemas/old.schema.yaml", entity("old", f("a text"), f("c text")), "rename:old.c", "replaced")
					b.save("schemas/old.schema.yaml", entity("old", f("a text")))
				}
				b.sql(`INSERT INTO content_note (id, a, b, c) VALUES ('1', 'x', 'same', 1), ('2', 'y', 'same', 2)`)
				want := policy == "safe" && c.safe || policy == "all" && c.all
				text := c.text
				if c.name == "field of a name that was out of use" {
					text = "# another content\n" + text
				}
				if text == "" {
					b.remove(c.path)
				} else {
					b.write(c.path, text)
				}
				if got := b.handled(t, c.path, text); got != want {
					t.Errorf("applied by itself: %v\n%+v", got, b.status().PendingChanges)
				}
				b.sound()
				if want {
					b.want(`SELECT DISTINCT applied_by FROM file_versions WHERE file_path = '`+c.path+`' AND applied_by = 'auto'`, "auto")
				}
			})
		}
	}
}

func TestHeldAndRolledBackContentIsNeverAppliedByItself(t *testing.T) {
	t.Parallel()
	base := entity("note", f("a text"))
	edit := base + "  - id: b\n    type: text\n"
	b := watching(t, "all", map[string]string{notePath: base})
	b.write(notePath, edit)
	if !b.handled(t, notePath, edit) {
		t.Fatal("not applied by itself")
	}
	b.undo(b.last())
	if b.read(notePath) != base {
		t.Fatal("the file is not back")
	}
	// The very same content again: it waits for a person, whatever the policy, and also after a restart.
	b.write(notePath, edit)
	eventually(t, "the content is held", func() bool { return b.status().State == "held" })
	if held := b.status().HeldFiles; len(held) != 1 || held[0].Reason != "rolled_back" {
		t.Errorf("%+v", held)
	}
	b.without("content_note", "b")
	if err := b.c.Close(); err != nil {
		t.Fatal(err)
	}
	b.c = b.openWith(func(o *coordinator.Options) { o.Watch, o.Door = true, "window" })
	b.settled(t)
	b.without("content_note", "b")
	b.apply(coordinator.ReloadRequest{Files: []string{notePath}, Approve: "breaking", Answers: map[string]string{"restore:note.b": "restore"}})
	b.inSync()
}

// settled waits until the watcher has dealt with everything that was saved before.
func (b *bench) settled(t *testing.T) {
	t.Helper()
	text := fmt.Sprintf("mark: %d\n", len(b.rows(`SELECT 1 FROM file_versions WHERE file_path = 'schemas/mark.yaml'`)))
	b.write("schemas/mark.yaml", text)
	b.handled(t, "schemas/mark.yaml", text)
}

func TestTheWatcherProposesNothingAfterARollback(t *testing.T) {
	t.Parallel()
	files := map[string]string{notePath: entity("note", f("a text")), userPath: entity("user", f("a text")), "config/config.x.yaml": "id: x\nvalues: {a: 1}\n"}
	b := watching(t, "all", files)
	for path, text := range files {
		b.write(path, strings.Replace(strings.Replace(text, "a: 1", "a: 2", 1), "fields:", "fields:\n  - id: b\n    type: text", 1))
	}
	eventually(t, "all three are applied", func() bool {
		return b.status().InSync && b.number(`SELECT count(*) FROM file_versions WHERE version = 2`) == 3
	})
	for range 12 {
		b.undo(b.last())
	}
	b.settled(t)
	b.inSync()
	if n := b.number(`SELECT count(*) FROM marain_audit WHERE actor = 'auto' AND seq > (SELECT min(seq) FROM marain_audit WHERE kind = 'rollback') AND record NOT LIKE '%mark.yaml%'`); n != 0 {
		t.Errorf("%d batches were applied by themselves after a rollback", n)
	}
	b.want(`SELECT count(*) FROM marain_drafts`, "0")
}

func TestEveryPrefixOfAFileIsHarmless(t *testing.T) {
	t.Parallel()
	text := entity("note", f("a text", "required: true"), f("b text", "unique: true"), f("c text", "cardinality: -1"))
	b := watching(t, "all", map[string]string{notePath: text})
	b.sql(`INSERT INTO content_note (id, a, b) VALUES ('1', 'x', 'y')`)
	tables := b.tables()
	for range 2 {
		for i := range len(text) {
			b.write(notePath, text[:i])
		}
		b.write(notePath, text)
	}
	b.settled(t)
	eventually(t, "it is in sync", func() bool { return b.status().InSync })
	b.sound()
	if b.tables() != tables || b.number(`SELECT count(*) FROM marain_tombstones`) != 0 {
		t.Error("a prefix of the file was applied")
	}
}

func TestAFolderThatGoesAndComesBack(t *testing.T) {
	t.Parallel()
	b := watching(t, "all", map[string]string{notePath: entity("note", f("a text")), userPath: entity("user", f("a text"))})
	tables := b.tables()
	b.rename("schemas", "away")
	eventually(t, "the folder is missed", func() bool { return b.status().State == "unavailable" })
	if waits := b.status().PendingChanges; len(waits) != 0 {
		t.Errorf("waits: %+v", waits)
	}
	b.rename("away", "schemas")
	eventually(t, "it is in sync", func() bool { return b.status().InSync })
	b.sound()
	if b.tables() != tables {
		t.Error("the tables changed")
	}
}

func TestManyFilesVanishUnderTheWatcher(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		files["schemas/"+id+".schema.yaml"] = entity(id, f("x text"))
	}
	b := watching(t, "all", files)
	tables := b.tables()
	for path := range files {
		b.remove(path)
	}
	for path := range files {
		if b.handled(t, path, "") {
			t.Errorf("the removal of %s was applied by itself", path)
		}
	}
	if b.tables() != tables {
		t.Error("the tables changed")
	}
	if s := b.status(); s.State != "pending" || len(s.PendingChanges) < len(files) {
		t.Errorf("%s %+v", s.State, s.PendingChanges)
	}
}

func TestACommandBesideAWindow(t *testing.T) {
	t.Parallel()
	base := entity("note", f("a text"))
	b := watching(t, "none", map[string]string{notePath: base, "config/config.x.yaml": "id: x\nvalues: {n: 0}\n"})
	events := b.c.Subscribe(0, true)
	defer events.Close()
	command := b.openWith(func(o *coordinator.Options) { o.Door = "command" })
	b.write("config/config.x.yaml", "id: x\nvalues: {n: 5}\n")
	r := b.reload(command, coordinator.ReloadRequest{Approve: "breaking"})
	eventually(t, "the window follows", func() bool {
		n, err := snapshot.Get[int](b.c.Snapshot(), "x.n")
		return err == nil && n == 5 && b.status().InSync
	})
	// And the other way round: the command knows at once what the window did.
	b.undo(r)
	if status, err := command.Status(context.Background()); err != nil || !status.InSync {
		t.Errorf("%+v, %v", status, err)
	}
	if n, err := snapshot.Get[int](command.Snapshot(), "x.n"); err != nil || n != 0 {
		t.Errorf("n = %d, %v", n, err)
	}
	seen := map[string]bool{}
	for len(events.C()) > 0 {
		e := <-events.C()
		seen[string(e.Type)] = true
	}
	if !seen["snapshot"] || !seen["rolled_back"] {
		t.Errorf("events %v", seen)
	}
}

// TestPoliciesAndCommandsRace saves while the window applies by itself and commands apply too.
func TestPoliciesAndCommandsRace(t *testing.T) {
	t.Parallel()
	b := watching(t, "all", map[string]string{notePath: entity("note", f("f0 text"))})
	commands := []*coordinator.Coordinator{b.openWith(nil), b.openWith(nil)}
	fields := [][]string{f("f0 text")}
	var texts []string
	for i := range 6 {
		fields = append(fields, f(fmt.Sprintf("f%d text", i+1)))
		text := entity("note", fields...)
		texts = append(texts, text)
		b.write(notePath, text)
		var wg sync.WaitGroup
		for _, c := range commands {
			wg.Go(func() {
				if _, err := c.Reload(context.Background(), coordinator.ReloadRequest{Approve: "breaking"}, person); err != nil {
					t.Errorf("apply: %v", err)
				}
			})
		}
		wg.Wait()
	}
	b.settled(t)
	eventually(t, "it is in sync", func() bool { return b.status().InSync })
	b.sound()
	for i, text := range texts {
		b.want(`SELECT count(*) FROM file_versions WHERE file_hash = '`+sum(text)+`'`, "1")
		if t.Failed() {
			t.Fatalf("text %d was applied twice or never", i)
		}
	}
}

func TestSettingsAreLiveAtOnce(t *testing.T) {
	t.Parallel()
	base := entity("note", f("a text"))
	b := watching(t, "none", map[string]string{notePath: base})
	one := base + "  - id: b\n    type: text\n"
	b.write(notePath, one)
	if b.handled(t, notePath, one) {
		t.Fatal("applied under the policy none")
	}
	// The policy itself is no safe change: nobody gives himself more rights by a save.
	b.write("config/config.hot_reload.yaml", "id: hot_reload\nvalues:\n  auto_apply: all\n")
	b.apply(coordinator.ReloadRequest{Files: []string{"config/config.hot_reload.yaml"}, Approve: "warning"})
	if s := b.status(); s.Project.Policy != "all" {
		t.Errorf("policy %s", s.Project.Policy)
	}
	two := one + "  - id: c\n    type: text\n"
	b.write(notePath, two)
	if !b.handled(t, notePath, two) {
		t.Error("not applied under the policy all")
	}
	// A setting that is wrong changes nothing else.
	b.write("config/config.hot_reload.yaml", "id: hot_reload\nvalues:\n  auto_apply: everything\n  debounce: never\n")
	b.apply(coordinator.ReloadRequest{Files: []string{"config/config.hot_reload.yaml"}, Approve: "breaking"})
	if s := b.status(); s.Project.Policy != "safe" {
		t.Errorf("policy %s", s.Project.Policy)
	}
}

func TestAFileThatBreaksAndIsMended(t *testing.T) {
	t.Parallel()
	base := entity("note", f("a text"))
	b := watching(t, "all", map[string]string{notePath: base})
	for _, broken := range []string{"id: note\nfields: [\n", "", "id: note\nfields:\n  - id: a\n    type: sting\n"} {
		b.write(notePath, broken)
		eventually(t, "the file is invalid", func() bool { return b.status().State == "invalid" })
		for _, p := range b.status().InvalidFiles {
			if p.File != notePath || p.Line < 1 || p.Column < 1 || p.Message == "" {
				t.Errorf("%+v", p)
			}
		}
		if _, ok := b.c.Snapshot().Entity("note"); !ok {
			t.Fatal("a broken file took its content type away")
		}
	}
	b.write(notePath, base)
	eventually(t, "it is in sync", func() bool { return b.status().InSync })
	b.sound()
	b.want(`SELECT max(version) FROM file_versions WHERE file_path = '`+notePath+`'`, "1")
}

func TestAnEditDuringARollbackIsNotOverwritten(t *testing.T) {
	t.Parallel()
	base := entity("note", f("a text"))
	b := watching(t, "none", map[string]string{notePath: base})
	const saves = 6
	text, done := "", make(chan struct{})
	go func() {
		defer close(done)
		for i := range saves {
			<-time.After(50 * time.Millisecond)
			text = fmt.Sprintf("%s# mine %d\n", base, i)
			temp := filepath.Join(b.root, "schemas", ".mine")
			if err := os.WriteFile(temp, []byte(text), 0o644); err != nil {
				t.Error(err)
				return
			}
			if err := os.Rename(temp, filepath.Join(b.root, notePath)); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for going := true; going; {
		select {
		case <-done:
			going = false
		default:
		}
		_, err := b.c.Rollback(context.Background(), coordinator.RollbackRequest{ActionID: b.last().ActionID}, person)
		if err != nil {
			b.refused(err, coordinator.CodeConflict) // the file never came to rest
		}
	}
	b.sound()
	// The newest save is where it was saved, or among the drafts.
	if b.exists(notePath) && b.read(notePath) == text {
		return
	}
	b.want(`SELECT count(*) FROM marain_drafts WHERE file_hash = '`+sum(text)+`'`, "1")
}
