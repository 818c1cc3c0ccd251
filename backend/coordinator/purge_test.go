package coordinator_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"marain/backend/coordinator"
)

func (b *bench) tombstones() []coordinator.Tombstone {
	b.t.Helper()
	list, err := b.c.Tombstones(context.Background())
	if err != nil {
		b.t.Fatal(err)
	}
	return list.Items
}

func (b *bench) purge(request coordinator.PurgeRequest) coordinator.PurgeResult {
	b.t.Helper()
	r, err := b.c.Purge(context.Background(), request, person)
	if err != nil {
		b.t.Fatalf("purge: %v", err)
	}
	return r
}

// purgeRefused expects that a purge is refused and destroys nothing.
func (b *bench) purgeRefused(request coordinator.PurgeRequest, code coordinator.Code) *coordinator.Error {
	b.t.Helper()
	before := b.everything()
	_, err := b.c.Purge(context.Background(), request, person)
	refusal := b.refused(err, code)
	if b.everything() != before {
		b.t.Error("a refused purge changed something")
	}
	return refusal
}

func days(n int) *int { return &n }

// graves is a project with a field, a list, a content type with a removed field of its own, all out of use.
func graves(t *testing.T) *bench {
	t.Helper()
	b := newBench(t, "none", map[string]string{
		notePath: "versioned: true\n" + entity("note", f("a text"), f("b text", "required: true"), f("tags text", "cardinality: -1")),
		userPath: entity("user", f("a text"), f("mails text", "cardinality: -1"), f("old integer")),
	})
	b.apply(coordinator.ReloadRequest{})
	b.sql(`INSERT INTO content_note (id, a, b) VALUES ('1', 'a1', 'b1'), ('2', 'a2', '')`,
		`INSERT INTO field_note_tags (id, parent_id, value) VALUES ('1', '1', 'x'), ('2', '1', 'y'), ('3', '2', 'z')`,
		`INSERT INTO content_user (id, a, old) VALUES ('u', 'ann', 7)`, `INSERT INTO field_user_mails (id, parent_id, value) VALUES ('m', 'u', 'a@b')`)
	b.save(notePath, "versioned: true\n"+entity("note", f("a text"), f("tags text", "cardinality: -1")))
	b.save(notePath, "versioned: true\n"+entity("note", f("a text")))
	b.save(userPath, entity("user", f("a text"), f("mails text", "cardinality: -1")))
	b.remove(userPath)
	b.breaking()
	b.inSync()
	return b
}

func TestTombstones(t *testing.T) {
	t.Parallel()
	b := graves(t)
	list := b.tombstones()
	var got []string
	for _, x := range list {
		var places []string
		for _, p := range x.Places {
			places = append(places, strings.TrimSuffix(p.Table+"."+p.Column, "."))
		}
		slices.Sort(places)
		undo := x.Undo != ""
		got = append(got, fmt.Sprintf("%s %s %q %d rows %d values counted %t needed %v undo %t inside %d places %d purge %q by %s",
			x.Kind, x.Name, x.Type, x.Rows, x.Values, x.Counted, x.NeededBy, undo, len(x.Inside), len(places), x.PurgeAt, x.By))
		if x.Size <= 0 || x.ActionID == "" || x.Since == "" || !strings.Contains(x.Summary, "removed") {
			t.Errorf("%+v", x)
		}
	}
	want := []string{
		`field note.b "text" 2 rows 2 values counted true needed [{` + notePath + ` 1 1}] undo false inside 0 places 2 purge "" by ann via code`,
		`field note.tags "text" 3 rows 3 values counted true needed [{` + notePath + ` 1 2}] undo true inside 0 places 2 purge "" by ann via code`,
		`field user.old "integer" 1 rows 1 values counted true needed [{` + userPath + ` 1 1}] undo false inside 0 places 1 purge "" by ann via code`,
		`entity user "" 1 rows 2 values counted true needed [{` + userPath + ` 1 2}] undo true inside 1 places 2 purge "" by ann via code`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if list[3].Inside[0] != list[2].ID {
		t.Errorf("inside of %s is %v", list[3].Name, list[3].Inside)
	}
}

func TestPurge(t *testing.T) {
	t.Parallel()
	b := graves(t)
	list := b.tombstones()
	request := coordinator.PurgeRequest{IDs: []string{list[0].ID, list[3].ID}, DryRun: true, Note: "why"}
	before := b.everything()
	dry := b.purge(request)
	if b.everything() != before || dry.ActionID != "" || dry.Backup != "" || len(dry.Purged) != 3 || !strings.HasPrefix(dry.Confirm, "purge 3 ") || len(dry.SQL) != 4 {
		t.Fatalf("%+v", dry)
	}
	for _, s := range dry.SQL {
		if !strings.HasPrefix(s, `DROP TABLE "_old_`) && !strings.Contains(s, ` DROP COLUMN "_old_`) {
			t.Errorf("%s", s)
		}
	}
	request.DryRun = false
	for _, wrong := range []string{"", "yes", "2", "4", "purge 3", "purge 3 0000", dry.Confirm + "0"} {
		request.Confirm = wrong
		if refusal := b.purgeRefused(request, coordinator.CodeInvalid); !strings.Contains(refusal.Message, `"`+dry.Confirm+`"`) {
			t.Error(refusal.Message)
		}
	}
	request.Confirm = dry.Confirm
	backups := len(b.backups())
	done := b.purge(request)
	b.inSync()
	if len(b.backups()) != backups+1 || b.backups()[0].Name != done.Backup || b.backups()[0].Kind != "purge" || b.backups()[0].ActionID != done.ActionID {
		t.Errorf("%+v", b.backups()[0])
	}
	for _, name := range b.tableNames() {
		if strings.HasPrefix(name, "_old_") && strings.Contains(name, "user") {
			t.Errorf("%s is there", name)
		}
	}
	b.want(`SELECT id, a FROM content_note ORDER BY 1`, "1|a1", "2|a2")
	if left := b.tombstones(); len(left) != 1 || left[0].Name != "note.tags" {
		t.Errorf("%+v", left)
	}
	// The history says what was destroyed, without a value.
	h, err := b.c.Batch(context.Background(), done.ActionID, false)
	if err != nil || h.Kind != "purge" || h.Note != "why" || h.Status != "applied" || h.CanUndo || len(h.Destroyed) != 3 || h.Destroyed[0].Name != "note.b" || h.Destroyed[0].Values != 2 || h.Backup != done.Backup {
		t.Errorf("%+v, %v", h, err)
	}
	b.want(`SELECT count(*) FROM marain_audit WHERE kind = 'purge' AND (record LIKE '%a@b%' OR record LIKE '%"b1%')`, "0")
	page, err := b.c.History(context.Background(), coordinator.HistoryRequest{Status: "applied"})
	if err != nil || page.Items[0].ActionID != done.ActionID {
		t.Errorf("%+v, %v", page.Items[0], err)
	}
	// Nothing more to purge of it.
	b.purgeRefused(request, coordinator.CodeNotFound)
	// What was not named still comes back.
	b.save(notePath, "versioned: true\n"+entity("note", f("a text"), f("tags text", "cardinality: -1")), "restore:note.tags", "restore")
	b.want(`SELECT value FROM field_note_tags ORDER BY id`, "x", "y", "z")
	b.inSync()
}

// What cannot be gone back to any more says so: in the history, and in the plan before anybody tries.
func TestVersionsThatWerePurged(t *testing.T) {
	t.Parallel()
	b := graves(t)
	list := b.tombstones()
	if page, _ := b.c.History(context.Background(), coordinator.HistoryRequest{}); slices.ContainsFunc(page.Items, func(s coordinator.BatchSummary) bool { return len(s.Purged) > 0 }) {
		t.Errorf("%+v", page.Items)
	}
	done := b.purge(coordinator.PurgeRequest{IDs: []string{list[0].ID}, Confirm: "1"})
	page, err := b.c.History(context.Background(), coordinator.HistoryRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range page.Items {
		got = append(got, fmt.Sprintf("%s %v", s.Kind, s.Purged))
	}
	if want := []string{"purge []", "apply []", "apply []", "apply []", "apply [note.b]", "apply [note.b]"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	first := page.Items[len(page.Items)-1]
	before := b.everything()
	refusal := b.rollbackRefused(coordinator.RollbackRequest{File: notePath, Version: 1, DryRun: true}, coordinator.CodeBlocked)
	if !strings.Contains(refusal.Message, "not there any more") {
		t.Error(refusal.Message)
	}
	b.rollbackRefused(coordinator.RollbackRequest{To: first.ActionID}, coordinator.CodeBlocked)
	b.rollbackRefused(coordinator.RollbackRequest{ActionID: done.ActionID}, coordinator.CodeInvalid)
	if b.everything() != before {
		t.Error("a refused rollback changed something")
	}
	// A version from after that is as good as ever, and so is the point of the purge itself.
	b.version(notePath, 2)
	b.to(coordinator.ApplyResult{ActionID: done.ActionID})
	b.inSync()
	// The backup that the purge made brings everything back.
	i := slices.IndexFunc(b.backups(), func(x coordinator.Backup) bool { return x.Name == done.Backup })
	b.restore(b.backups()[i])
	b.sound()
	if page, _ := b.c.History(context.Background(), coordinator.HistoryRequest{}); len(page.Items[len(page.Items)-1].Purged) != 0 {
		t.Errorf("%+v", page.Items[len(page.Items)-1])
	}
	b.version(notePath, 1)
	b.want(`SELECT id, b FROM content_note ORDER BY 1`, "1|b1", "2|")
	b.sound()
}

func TestWhatAPurgeRefuses(t *testing.T) {
	t.Parallel()
	b := graves(t)
	ids := map[string]string{}
	column, table := "", ""
	for _, x := range b.tombstones() {
		ids[x.Name] = x.ID
		if x.Name == "note.b" {
			column = x.Places[0].Column
		}
		if x.Name == "note.tags" {
			table = x.Places[0].Table
		}
	}
	b.purgeRefused(coordinator.PurgeRequest{}, coordinator.CodeInvalid)
	b.purgeRefused(coordinator.PurgeRequest{IDs: []string{ids["note.b"]}, OlderThanDays: days(1)}, coordinator.CodeInvalid)
	b.purgeRefused(coordinator.PurgeRequest{OlderThanDays: days(-1), Confirm: "4"}, coordinator.CodeInvalid)
	b.purgeRefused(coordinator.PurgeRequest{IDs: []string{"x"}, Confirm: "1"}, coordinator.CodeNotFound)
	if r := b.purge(coordinator.PurgeRequest{OlderThanDays: days(1), Confirm: "4"}); r.ActionID != "" || len(r.Purged) != 0 {
		t.Errorf("%+v", r)
	}
	// What another program made on it stands in its way, until it is gone.
	for drop, make := range map[string]string{
		`DROP VIEW v`: `CREATE VIEW v AS SELECT "` + column + `" FROM content_note`,
		b.either(`DROP TRIGGER r`, `DROP FUNCTION r CASCADE`): b.either(
			`CREATE TRIGGER r AFTER INSERT ON content_note BEGIN UPDATE content_note SET "`+column+`" = 1 WHERE id = 'none'; END`,
			`CREATE FUNCTION r() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new."`+column+`" = 1; RETURN new; END $$; CREATE TRIGGER r BEFORE INSERT ON content_note FOR EACH ROW EXECUTE FUNCTION r()`),
		`DROP INDEX i`: `CREATE INDEX i ON content_note ("` + column + `")`,
		`DROP INDEX p`: `CREATE INDEX p ON content_note (a) WHERE "` + column + `" = 'x'`,
	} {
		b.sql(make)
		refusal := b.purgeRefused(coordinator.PurgeRequest{IDs: []string{ids["note.b"]}, Confirm: "1"}, coordinator.CodeBlocked)
		b.purgeRefused(coordinator.PurgeRequest{IDs: []string{ids["note.b"]}, DryRun: true}, coordinator.CodeBlocked)
		if len(refusal.Details) == 0 || !strings.Contains(refusal.Message, " uses ") || !strings.Contains(refusal.Message, column) {
			t.Errorf("%s: %+v", make, refusal)
		}
		b.sql(drop)
	}
	for drop, make := range map[string]string{
		`DROP VIEW v`:  `CREATE VIEW v AS SELECT * FROM "` + table + `"`,
		`DROP TABLE o`: `CREATE TABLE o (id TEXT, x TEXT REFERENCES "` + table + `" (id) ON DELETE CASCADE)`,
	} {
		b.sql(make)
		refusal := b.purgeRefused(coordinator.PurgeRequest{IDs: []string{ids["note.tags"]}, Confirm: "1"}, coordinator.CodeBlocked)
		if !strings.Contains(refusal.Message, table) {
			t.Error(refusal.Message)
		}
		b.sql(drop)
	}
	// A name that only begins alike is another one, and what is on the table itself goes with it.
	b.sql(`CREATE VIEW v AS SELECT 1 AS "`+column+`x"`, `CREATE INDEX own ON "`+table+`" (value)`)
	if n := len(b.purge(coordinator.PurgeRequest{OlderThanDays: days(0), Confirm: "4"}).Purged); n != 4 {
		t.Errorf("%d", n)
	}
	b.inSync()
	for _, name := range b.tableNames() {
		if columns := b.columns(name); strings.Contains(name+strings.Join(columns, " "), "_old_") {
			t.Errorf("left over: %s %v", name, columns)
		}
	}
	if len(b.tombstones()) != 0 {
		t.Errorf("%+v", b.tombstones())
	}
}

func TestAPurgeWithoutABackupDestroysNothing(t *testing.T) {
	t.Parallel()
	b := graves(t)
	if err := os.RemoveAll(filepath.Join(b.root, "data/backups")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.root, "data/backups"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b.purgeRefused(coordinator.PurgeRequest{OlderThanDays: days(0), Confirm: "4"}, coordinator.CodeInternal)
	b.inSync()
}

// Two programs on one database: what one of them purges the other one knows.
func TestPurgeBesideAnotherProgram(t *testing.T) {
	t.Parallel()
	b := graves(t)
	other := b.openWith(nil)
	id := b.tombstones()[0].ID
	if _, err := other.Purge(context.Background(), coordinator.PurgeRequest{IDs: []string{id}, Confirm: "1"}, person); err != nil {
		t.Fatal(err)
	}
	b.purgeRefused(coordinator.PurgeRequest{IDs: []string{id}, Confirm: "1"}, coordinator.CodeNotFound)
	b.purge(coordinator.PurgeRequest{OlderThanDays: days(0), Confirm: "3"})
	b.inSync()
}

// Purging without asking happens only where the settings say so, at the start and once a day: not the moment they are
// saved.
func TestRetentionOfTombstones(t *testing.T) {
	t.Parallel()
	b := graves(t)
	settings := func(retention string) {
		b.write("config/config.hot_reload.yaml", "id: hot_reload\nvalues:\n  auto_apply: none\n"+retention)
		b.breaking()
	}
	now := time.Now().AddDate(0, 0, 100)
	clock := func(o *coordinator.Options) { o.Now = func() time.Time { return now } }
	daily := b.openWith(clock)
	look := func(want int) {
		t.Helper()
		if err := daily.PurgeOld(context.Background()); err != nil {
			t.Fatal(err)
		}
		if n := len(b.tombstones()); n != want {
			t.Fatalf("%d tombstones, want %d", n, want)
		}
	}
	look(4) // nothing is said
	settings("  retention: {tombstone_days: 99}\n")
	look(4) // a new setting waits for the next day
	settings("  retention: {tombstone_days: 200}\n")
	now = now.Add(24 * time.Hour)
	look(4) // they are not old enough
	settings("  retention: {tombstone_days: 99}\n")
	now = now.Add(23 * time.Hour)
	look(4)
	if at := b.tombstones()[0].PurgeAt; at == "" || at > now.Format(time.RFC3339) {
		t.Errorf("%q", at)
	}
	now = now.Add(time.Hour)
	look(0)
	b.sound()
	b.want(`SELECT kind, actor, note FROM marain_audit ORDER BY seq DESC LIMIT 1`, "purge|auto|older than 99 days")
	if x := b.backups()[0]; x.Kind != "purge" || x.By != "auto" {
		t.Errorf("%+v", x)
	}
	// A server looks at its start.
	b.save(notePath, entity("note"))
	if n := len(b.tombstones()); n == 0 {
		t.Fatal("nothing is out of use")
	}
	b.openWith(func(o *coordinator.Options) { clock(o); o.Watch = true })
	eventually(t, "a purge at the start", func() bool { return len(b.tombstones()) == 0 })
	b.sound()
}
