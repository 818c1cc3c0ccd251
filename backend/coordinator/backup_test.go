package coordinator_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"marain/backend/coordinator"
	"marain/backend/database"
	"marain/backend/database/sqlite"
)

// backups lists the backups, newest first.
func (b *bench) backups() []coordinator.Backup {
	b.t.Helper()
	list, err := b.c.Backups(context.Background())
	if err != nil {
		b.t.Fatal(err)
	}
	return list.Items
}

// alone opens the project for one command that needs it for itself, and lets go of it afterwards.
func (b *bench) alone(do func(c *coordinator.Coordinator)) {
	b.t.Helper()
	c, err := b.tryOpen(func(o *coordinator.Options) { o.Alone = true })
	if err != nil {
		b.t.Fatal(err)
	}
	do(c)
	if err := c.Close(); err != nil {
		b.t.Fatal(err)
	}
}

// restore puts a backup back as a command does.
func (b *bench) restore(backup coordinator.Backup) (result coordinator.RestoreResult) {
	b.t.Helper()
	b.alone(func(c *coordinator.Coordinator) {
		var err error
		result, err = c.Restore(context.Background(), coordinator.RestoreRequest{Name: backup.Name, Confirm: backup.ActionID}, person)
		if err != nil {
			b.t.Fatalf("restore: %v", err)
		}
	})
	return result
}

// restoreRefused expects that a restore is refused and changes nothing.
func (b *bench) restoreRefused(request coordinator.RestoreRequest, code coordinator.Code) *coordinator.Error {
	b.t.Helper()
	before := b.everything()
	var refusal *coordinator.Error
	b.alone(func(c *coordinator.Coordinator) {
		_, err := c.Restore(context.Background(), request, person)
		refusal = b.refused(err, code)
	})
	if b.everything() != before {
		b.t.Error("a refused restore changed something")
	}
	return refusal
}

// removal is a project whose newest batch took a field out of use, which is breaking.
func removal(t *testing.T) (*bench, coordinator.ApplyResult) {
	t.Helper()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text"), f("b text")), userPath: entity("user", f("a text"))})
	b.apply(coordinator.ReloadRequest{})
	b.sql(`INSERT INTO content_note (id, a, b) VALUES ('1', 'a1', 'b1'), ('2', 'a2', 'b2')`, `INSERT INTO content_user (id, a) VALUES ('u', 'ann')`)
	return b, b.save(notePath, entity("note", f("a text")))
}

func TestABackupComesBeforeWhatIsRisky(t *testing.T) {
	t.Parallel()
	b, removed := removal(t)
	list := b.backups()
	if len(list) != 1 || list[0].ActionID != removed.ActionID || !list[0].OK || list[0].Kind != "apply" || list[0].By != "ann via code" || list[0].Driver != b.either("sqlite", "postgres") || list[0].Whole == b.postgres() {
		t.Fatalf("%+v", list)
	}
	file := filepath.Join(b.root, "data/backups", list[0].Name)
	for path, want := range map[string]os.FileMode{file: 0o600, file + ".json": 0o600, filepath.Dir(file): 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
	if b.postgres() {
		if !slices.Equal(list[0].Tables, []string{"content_note"}) {
			t.Errorf("%v", list[0].Tables)
		}
	} else {
		opensByItself(t, file)
	}
	// The history names it, and nothing safe and nothing without SQL makes one.
	h, err := b.c.Batch(context.Background(), removed.ActionID, false)
	if err != nil || h.Backup != list[0].Name || h.Timings["backup"] <= 0 {
		t.Errorf("%+v, %v", h, err)
	}
	b.write("config/config.x.yaml", "id: x\nvalues:\n  a: 1\n")
	b.apply(coordinator.ReloadRequest{})
	b.write("config/config.x.yaml", "id: x\nvalues:\n  b: 1\n")
	b.breaking()
	b.save(notePath, entity("note", f("a text"), f("c integer")))
	b.sql(`UPDATE content_note SET c = 1`)
	if b.write(notePath, entity("note", f("a text"))); len(b.plan().Files) != 1 || b.plan().Category.String() != "breaking" {
		t.Error("this was to be risky")
	}
	b.apply(coordinator.ReloadRequest{Approve: "breaking", DryRun: true})
	if n := len(b.backups()); n != 1 {
		t.Errorf("%d backups", n)
	}
	b.breaking()
	if n := len(b.backups()); n != 2 {
		t.Errorf("%d backups", n)
	}
}

// opensByItself proves that a backup is a database that any program can open, as it was before the batch.
func opensByItself(t *testing.T, file string) {
	t.Helper()
	old, err := sqlite.Open(context.Background(), copyOf(t, file))
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	err = old.Read(context.Background(), func(q database.Querier) error {
		var values string
		if err := q.QueryRow(context.Background(), `SELECT group_concat(b) FROM content_note`).Scan(&values); err != nil || values != "b1,b2" {
			t.Errorf("%q, %v", values, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// copyOf copies a file, so that opening it changes nothing of the original.
func copyOf(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(to, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestWithoutABackupNothingIsChanged(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text"), f("b text"))})
	b.apply(coordinator.ReloadRequest{})
	b.sql(`INSERT INTO content_note (id, b) VALUES ('1', 'value')`)
	// A file where the folder should be: nothing can be written into it, whoever tries.
	if err := os.WriteFile(filepath.Join(b.root, "data/backups"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tables := b.tables()
	b.write(notePath, entity("note", f("a text")))
	refusal := b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking"}, coordinator.CodeInternal)
	if !strings.Contains(refusal.Message, "nothing was changed, because the backup before it could not be taken") {
		t.Error(refusal.Message)
	}
	if b.tables() != tables {
		t.Error("something was changed")
	}
	b.sound()
	if err := os.Remove(filepath.Join(b.root, "data/backups")); err != nil {
		t.Fatal(err)
	}
	b.breaking()
	b.inSync()
}

// refuseVersions makes the database refuse the new version when everything else of a batch is done.
func (b *bench) refuseVersions() {
	b.sql(b.either(`SELECT 1`, `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken'; END $$`),
		b.either(`CREATE TRIGGER broken BEFORE INSERT ON file_versions WHEN new.status = 'applied' BEGIN SELECT RAISE(ABORT, 'broken'); END`,
			`CREATE TRIGGER broken BEFORE INSERT ON file_versions FOR EACH ROW WHEN (new.status = 'applied') EXECUTE FUNCTION refuse()`))
}

func TestABackupOfAFailedBatchGoesAway(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text"), f("b text"))})
	b.apply(coordinator.ReloadRequest{})
	b.refuseVersions()
	b.write(notePath, entity("note", f("a text")))
	b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking"}, coordinator.CodeInternal)
	if list := b.backups(); len(list) != 0 {
		t.Errorf("%+v", list)
	}
	if left, _ := os.ReadDir(filepath.Join(b.root, "data/backups")); len(left) != 0 {
		t.Errorf("%v", left)
	}
	b.want(`SELECT count(*) FROM marain_audit WHERE kind = 'failed' AND record LIKE '%"backup":%'`, "0")
}

func TestRestore(t *testing.T) {
	t.Parallel()
	b, removed := removal(t)
	b.sql(`UPDATE content_note SET a = 'edited' WHERE id = '1'`, `DELETE FROM content_user`)
	b.save(userPath, entity("user", f("a text"), f("z integer")))
	b.write("config/config.x.yaml", "id: x\nvalues:\n  a: 1\n")
	b.apply(coordinator.ReloadRequest{})
	files, backup := b.files(), b.backups()[0]

	var looked coordinator.RestoreResult
	before := b.everything()
	looked, err := b.c.Restore(context.Background(), coordinator.RestoreRequest{DryRun: true}, person)
	if err != nil || b.everything() != before {
		t.Fatalf("looking at it: %v", err)
	}
	changed := []coordinator.RestoredFile{{File: "config/config.x.yaml", Now: 1}, {File: notePath, Now: 2, Then: 1}, {File: userPath, Now: 2, Then: 1}}
	tables := []coordinator.RestoredTable{{Name: "content_note", Now: 2, Then: 2}, {Name: "content_user", Now: 0, Then: 1}}
	if b.postgres() { // it holds the tables of the batch
		changed, tables = changed[1:2], tables[:1]
	}
	if looked.Backup.Name != backup.Name || looked.Confirm != removed.ActionID || len(looked.Batches) != 3 || looked.ActionID != "" ||
		!slices.Equal(looked.Files, changed) || !slices.Equal(looked.Tables, tables) {
		t.Errorf("%+v", looked)
	}

	done := b.restore(backup)
	b.sound()
	b.sameFiles(files)
	b.want(`SELECT id, a, b FROM content_note ORDER BY id`, "1|a1|b1", "2|a2|b2")
	b.want(`SELECT version, status FROM file_versions WHERE status <> 'pending' AND file_path = '`+notePath+`' ORDER BY 1`, "1|applied", "2|rolled_back", "3|applied")
	others, user := []string{"1|applied", "2|rolled_back", "3|applied"}, []string{"ann"}
	if b.postgres() {
		others, user = others[:1:1], user[:0]
		others = append(others, "2|applied")
	}
	b.want(`SELECT version, status FROM file_versions WHERE status <> 'pending' AND file_path = '`+userPath+`' ORDER BY 1`, others...)
	b.want(`SELECT a FROM content_user`, user...)
	// What is on disk waits: it was taken back, so nobody applies it without asking.
	s := b.status()
	if s.State != "held" || len(s.HeldFiles) != len(changed) || s.LastResult == nil || s.LastResult.Kind != "restore" || s.LastResult.ActionID != done.ActionID {
		t.Errorf("%+v", s)
	}
	page, err := b.c.History(context.Background(), coordinator.HistoryRequest{})
	if err != nil || page.Items[0].Kind != "restore" || page.Items[0].Target != removed.ActionID || page.Items[0].Backup != done.Saved || (page.Items[1].Status == "rolled_back") == b.postgres() {
		t.Errorf("%+v, %v", page.Items[:2], err)
	}
	// A rollback does not undo it, the backup that it made does.
	if refusal := b.rollbackRefused(coordinator.RollbackRequest{ActionID: done.ActionID}, coordinator.CodeInvalid); !strings.Contains(refusal.Message, done.Saved) {
		t.Error(refusal.Message)
	}
	// From here on everything goes on as always.
	b.apply(coordinator.ReloadRequest{Files: []string{notePath, userPath, "config/config.x.yaml"}, Approve: "breaking"})
	b.inSync()
	b.undo(b.last())
	b.sound()
	b.want(`SELECT b FROM content_note ORDER BY id`, "b1", "b2")
	b.to(coordinator.ApplyResult{ActionID: done.ActionID})
	b.sound()
}

func TestRestoreOlderThenNewerThenAgain(t *testing.T) {
	t.Parallel()
	b, _ := removal(t) // the first backup: with b
	b.sql(`INSERT INTO content_note (id, a) VALUES ('3', 'a3')`)
	b.save(notePath, entity("note", f("c integer"))) // the second: a alone, three rows
	b.sql(`UPDATE content_note SET c = 7`)
	list := b.backups()
	older, newer := list[1], list[0]
	states := map[string][]string{older.Name: {"1|a1|b1", "2|a2|b2"}, newer.Name: {"1|a1", "2|a2", "3|a3"}}
	columns := map[string]string{older.Name: "id, a, b", newer.Name: "id, a"}
	var present string // of the state with c
	for i, backup := range []coordinator.Backup{older, newer, older, older, newer} {
		done := b.restore(backup)
		if i == 0 {
			present = done.Saved
		}
		b.sound()
		b.want(`SELECT `+columns[backup.Name]+` FROM content_note ORDER BY id`, states[backup.Name]...)
	}
	i := slices.IndexFunc(b.backups(), func(x coordinator.Backup) bool { return x.Name == present })
	b.restore(b.backups()[i])
	b.inSync() // the files on disk are those of that state
	b.want(`SELECT id, c FROM content_note ORDER BY id`, "1|7", "2|7", "3|7")
	// What was out of use then is there again, and comes back.
	b.save(notePath, entity("note", f("c integer"), f("a text"), f("b text")), "restore:note.a", "restore", "restore:note.b", "restore")
	b.inSync()
	b.want(`SELECT id, a, b FROM content_note ORDER BY id`, "1|a1|b1", "2|a2|b2", "3|a3|∅")
}

func TestWhatIsNoBackupIsNotRestored(t *testing.T) {
	t.Parallel()
	b, removed := removal(t)
	backup := b.backups()[0]
	file := filepath.Join(b.root, "data/backups", backup.Name)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	note, err := os.ReadFile(file + ".json")
	if err != nil {
		t.Fatal(err)
	}
	flipped := slices.Clone(whole)
	flipped[len(flipped)/2] ^= 1
	other := func(old, new string) []byte { return []byte(strings.Replace(string(note), old, new, 1)) }
	for name, c := range map[string]struct {
		file, note []byte
		code       coordinator.Code
		message    string
	}{
		"cut short":            {whole[:len(whole)-1], note, coordinator.CodeInvalid, "damaged"},
		"a flipped bit":        {flipped, note, coordinator.CodeInvalid, "checksum"},
		"empty":                {nil, note, coordinator.CodeInvalid, "damaged"},
		"longer":               {append(slices.Clone(whole), 0), note, coordinator.CodeInvalid, "damaged"},
		"no note":              {whole, nil, coordinator.CodeInvalid, "no note"},
		"a broken note":        {whole, note[:40], coordinator.CodeInvalid, "cannot be read"},
		"of a newer program":   {whole, other(`"format": 1`, `"format": 2`), coordinator.CodeInvalid, "newer version"},
		"of another database":  {whole, other(`"database_id": "`, `"database_id": "X`), coordinator.CodeInvalid, "another database"},
		"of another history":   {whole, other(`"head": "`, `"head": "0`), coordinator.CodeConflict, "history"},
		"of a later history":   {whole, other(`"seq": 1`, `"seq": 99`), coordinator.CodeConflict, "history"},
		"another one's note":   {whole, other(`"name": "2`, `"name": "3`), coordinator.CodeInvalid, "cannot be read"},
		"another checksum":     {whole, other(`"sha256": "`, `"sha256": "0`), coordinator.CodeInvalid, "checksum"},
		"the copy is not here": {nil, note, coordinator.CodeNotFound, "no such backup"},
	} {
		for path, data := range map[string][]byte{file: c.file, file + ".json": c.note} {
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if c.note == nil {
			os.Remove(file + ".json")
		}
		if c.code == coordinator.CodeNotFound {
			os.Remove(file)
		}
		refusal := b.restoreRefused(coordinator.RestoreRequest{Name: backup.Name, Confirm: removed.ActionID}, c.code)
		if !strings.Contains(refusal.Message, c.message) {
			t.Errorf("%s: %s", name, refusal.Message)
		}
	}
	for _, name := range []string{"none.db", "../content/marain.db", "../backups/" + backup.Name, ".", "/etc/passwd", backup.Name + ".json"} {
		b.restoreRefused(coordinator.RestoreRequest{Name: name, Confirm: removed.ActionID}, coordinator.CodeNotFound)
	}
	for path, data := range map[string][]byte{file: whole, file + ".json": note} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.restoreRefused(coordinator.RestoreRequest{Name: backup.Name}, coordinator.CodeInvalid)
	b.restoreRefused(coordinator.RestoreRequest{Name: backup.Name, Confirm: "yes"}, coordinator.CodeInvalid)
	if n := len(b.backups()); n != 1 {
		t.Errorf("%d backups: a refused restore makes none", n)
	}
	b.restore(backup)
	b.sound()
}

func TestARestoreIsAlone(t *testing.T) {
	t.Parallel()
	b, removed := removal(t)
	request := coordinator.RestoreRequest{Confirm: removed.ActionID}
	// Not beside others, and not by who watches.
	_, err := b.c.Restore(context.Background(), request, person)
	b.refused(err, coordinator.CodeLocked)
	server := b.openWith(func(o *coordinator.Options) { o.Watch = true })
	_, err = server.Restore(context.Background(), request, person)
	b.refused(err, coordinator.CodeLocked)
	if _, err := b.tryOpen(func(o *coordinator.Options) { o.Alone = true }); err == nil {
		t.Fatal("it was opened beside a server")
	} else {
		b.refused(err, coordinator.CodeLocked)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	// While it is restored, no server starts.
	b.alone(func(*coordinator.Coordinator) {
		_, err := b.tryOpen(func(o *coordinator.Options) { o.Watch = true })
		b.refused(err, coordinator.CodeLocked)
	})
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	before := b.everything()
	b.alone(func(c *coordinator.Coordinator) {
		if _, err := c.Restore(ended, request, person); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
	if b.everything() != before {
		t.Error("a cancelled restore changed something")
	}
}

// Another program that has the database open sees a restore like any other commit.
func TestARestoreUnderOpenConnections(t *testing.T) {
	t.Parallel()
	b, _ := removal(t)
	reading, err := b.conn().Begin()
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := reading.QueryRow(`SELECT count(*) FROM content_note WHERE a LIKE 'a%'`).Scan(&n); err != nil || n != 2 {
		t.Fatal(n, err)
	}
	if b.postgres() { // a server lets nobody empty a table that somebody reads
		b.alone(func(c *coordinator.Coordinator) {
			_, err := c.Restore(context.Background(), coordinator.RestoreRequest{Confirm: b.backups()[0].ActionID}, person)
			b.refused(err, coordinator.CodeLocked)
		})
	} else {
		b.restore(b.backups()[0])
	}
	if _, err := reading.Exec(`SELECT b FROM content_note`); err == nil {
		t.Error("a reader that had begun before sees what came later")
	}
	if err := reading.Rollback(); err != nil {
		t.Fatal(err)
	}
	if b.postgres() {
		b.restore(b.backups()[0])
	}
	b.want(`SELECT b FROM content_note ORDER BY 1`, "b1", "b2")
	b.sound()
	// The other program of ours follows.
	b.status()
	b.write(notePath, entity("note", f("a text"), f("b text"), f("c text")))
	b.breaking()
	b.sound()
}

func TestRetentionOfBackups(t *testing.T) {
	t.Parallel()
	b, _ := removal(t)
	b.write("config/config.hot_reload.yaml", "id: hot_reload\nvalues:\n  auto_apply: none\n  retention: {backups: 2, backup_days: 30}\n")
	b.breaking()
	var made []string
	for _, name := range []string{"c", "d", "e"} {
		b.save(notePath, entity("note", f("a text"), f(name+" integer")))
		b.sql(`UPDATE content_note SET ` + name + ` = 1`)
		b.save(notePath, entity("note", f("a text")))
		made = append([]string{b.backups()[0].Name}, made...)
	}
	names := func() (list []string) {
		for _, x := range b.backups() {
			list = append(list, x.Name)
		}
		return list
	}
	if got := names(); !slices.Equal(got, made[:2]) {
		t.Errorf("%v, want %v", got, made[:2])
	}
	// One that fails removes none, although there are too many by now.
	b.write("config/config.hot_reload.yaml", "id: hot_reload\nvalues:\n  auto_apply: none\n  retention: {backups: 1, backup_days: 30}\n")
	b.breaking()
	b.refuseVersions()
	b.write(notePath, entity("note"))
	b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking"}, coordinator.CodeInternal)
	if got := names(); !slices.Equal(got, made[:2]) {
		t.Errorf("%v, want %v", got, made[:2])
	}
}
