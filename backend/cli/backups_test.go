package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"marain/backend/action"
	"marain/backend/coordinator"
)

const backupName = "20260304T150607Z-01JD3K6Z0P4N8V5X2T7QWERTYA.db"

func aBackup() coordinator.Backup {
	return coordinator.Backup{
		Name: backupName, ActionID: "01JD3K6Z0P4N8V5X2T7QWERTYA", Kind: "apply", Summary: "1 field removed in schemas/article.schema.yaml",
		By: "ann via window", TakenAt: "2026-03-04T15:06:07.000Z", Driver: "sqlite", Whole: true, Tables: []string{}, Size: 1_234_567, OK: true,
	}
}

func aRestore() coordinator.RestoreResult {
	return coordinator.RestoreResult{
		ActionID: "01JD3K6Z0P4N8V5X2T7QWERTYZ", Backup: aBackup(), Confirm: aBackup().ActionID, Saved: "20260305T101112Z-01JD3K6Z0P4N8V5X2T7QWERTYZ.db", DurationMS: 12.3,
		Batches: []coordinator.RestoredBatch{{ActionID: aBackup().ActionID, Kind: "apply", At: "2026-03-04T15:06:07.000Z", By: "ann via window", Summary: aBackup().Summary}},
		Files:   []coordinator.RestoredFile{{File: article, Now: 4, Then: 3}, {File: system, Now: 1}},
		Tables:  []coordinator.RestoredTable{{Name: "content_article", Now: 12, Then: 10}, {Name: "content_tag", Now: 3, Then: -1}},
	}
}

const look, put = "restore {Name: DryRun:true Confirm:} by 'ann' at command",
	"restore {Name:" + backupName + " DryRun:false Confirm:01JD3K6Z0P4N8V5X2T7QWERTYA} by 'ann' at command"

func someTombstones() []coordinator.Tombstone {
	return []coordinator.Tombstone{
		{
			ID: "01JD3K6Z0P4N8V5X2T7QWERTY1", Kind: "field", Name: "article.headline", Since: "2026-03-04T15:06:07.000Z", Rows: 12, Values: 10, Size: 1234, Counted: true,
			NeededBy: []coordinator.VersionRange{{File: article, From: 1, To: 3}, {File: article, From: 5, To: 5}},
		},
		{ID: "01JD3K6Z0P4N8V5X2T7QWERTY2", Kind: "entity", Name: "tag", Since: "2026-03-04T15:06:07.000Z", Rows: 1, Values: 5, Size: -1, Counted: true, Inside: []string{"x"}},
		{ID: "01JD3K6Z0P4N8V5X2T7QWERTY3", Kind: "displaced", Name: "article.lead", Since: "2026-03-04T15:06:07.000Z", Size: -1},
	}
}

func aPurge() coordinator.PurgeResult {
	return coordinator.PurgeResult{
		ActionID: "01JD3K6Z0P4N8V5X2T7QWERTYZ", Purged: someTombstones()[:2], SQL: []string{`ALTER TABLE "content_article" DROP COLUMN "_old_1_headline"`, `DROP TABLE "_old_2_content_tag"`},
		Confirm: "purge 2 7f3a", Backup: backupName, DurationMS: 12.3,
	}
}

func asked(ids string, dry bool, confirm, note, days string) string {
	return fmt.Sprintf("purge {IDs:[%s] OlderThanDays:<nil> DryRun:%t Confirm:%s Note:%s} days %s by 'ann' at command", ids, dry, confirm, note, days)
}

func purgeExamples() []example {
	return []example{
		{"tombstones none", nil, "tombstones", 0, []string{"tombstones"}},
		{"tombstones", func(e *engine) { e.tombs = coordinator.Tombstones{Items: someTombstones(), PurgeAfterDays: 365} }, "tombstones", 0, []string{"tombstones"}},
		{"tombstones json", func(e *engine) { e.tombs = coordinator.Tombstones{Items: someTombstones()[:1]} }, "tombstones --json", 0, []string{"tombstones"}},
		{"purge dry run", func(e *engine) { e.purge = aPurge() }, "purge a b --dry-run", 0, []string{asked("a b", true, "", "", "none")}},
		{"purge confirmed", func(e *engine) { e.purge = aPurge() }, "purge --older-than 365 --confirm 2 --note why", 0, []string{asked("", false, "2", "why", "365")}},
		{"purge json", func(e *engine) { e.purge = aPurge() }, "purge a --confirm 2 --json", 0, []string{asked("a", false, "2", "", "none")}},
		{"purge nothing", nil, "purge --older-than 0", 0, []string{asked("", true, "", "", "0")}},
		{"purge nobody to ask", func(e *engine) { e.purge = aPurge() }, "purge a", 2, []string{asked("a", true, "", "", "none")}},
		{"purge blocked", func(e *engine) {
			e.err = &coordinator.Error{Code: coordinator.CodeBlocked, Message: "content_article._old_1_headline cannot be purged: the view v uses _old_1_headline", Details: []any{
				action.Block{Key: "content_article._old_1_headline", Message: "the view v uses _old_1_headline", Hint: "Another program made it: drop or change it there first"},
			}}
		}, "purge a", 3, []string{asked("a", true, "", "", "none")}},
		{"usage purge nothing", nil, "purge", 2, nil},
		{"usage purge both", nil, "purge a --older-than 3", 2, nil},
		{"usage purge days", nil, "purge --older-than -3", 2, nil},
	}
}

// At a terminal the text of the dry run must be typed, and exactly what was shown is destroyed.
func TestPurgeIsConfirmed(t *testing.T) {
	look, do := asked("a", true, "", "", "none"), asked("a", false, "purge 2 7f3a", "", "none")
	for typed, calls := range map[string][]string{"purge 2 7f3a\n": {look, do}, "2\n": {look}, "yes\n": {look}, "": {look}} {
		w := newWorld(t)
		w.engine.purge = aPurge()
		var out, messages bytes.Buffer
		env := w.env()
		env.Stdin, env.Stdout, env.Stderr = keyboard{strings.NewReader(typed)}, &out, &messages
		code := Run(context.Background(), []string{"purge", "a"}, env)
		if want := map[int]int{1: ExitWaiting, 2: ExitDone}[len(calls)]; code != want || !slices.Equal(w.engine.calls, calls) {
			t.Errorf("%q: status %d, asked %q\n%s", typed, code, w.engine.calls, &messages)
		}
		if !strings.Contains(messages.String(), "article.headline") || !strings.Contains(messages.String(), "Type purge 2 7f3a to go on") {
			t.Errorf("%s", &messages)
		}
	}
}

func backupsExamples() []example {
	return []example{
		{"backups none", nil, "backups", 0, []string{"backups"}},
		{"backups", func(e *engine) {
			broken := aBackup()
			broken.Name, broken.OK, broken.Message, broken.Size = "x.copy", false, "x.copy is a backup of another database\x1b than the one that is open", 12
			e.backups = coordinator.Backups{Items: []coordinator.Backup{aBackup(), broken}, Keep: 10, KeepDays: 30}
		}, "backups", 0, []string{"backups"}},
		{"backups json", func(e *engine) {
			e.backups = coordinator.Backups{Items: []coordinator.Backup{aBackup()}, Keep: 10, KeepDays: 30}
		}, "backups --json", 0, []string{"backups"}},
		{"restore-backup dry run", func(e *engine) { e.restore = aRestore() }, "restore-backup --dry-run", 0, []string{look}},
		{"restore-backup yes", func(e *engine) { e.restore = aRestore() }, "restore-backup --yes", 0, []string{look, put}},
		{"restore-backup named", func(e *engine) { e.restore = aRestore() }, "restore-backup --yes " + backupName + " --json", 0, []string{strings.Replace(look, "Name:", "Name:"+backupName, 1), put}},
		{"restore-backup nobody to ask", func(e *engine) { e.restore = aRestore() }, "restore-backup", 2, []string{look}},
		{"restore-backup refused", func(e *engine) {
			e.err = coordinator.Errorf(coordinator.CodeInvalid, "x.db has another checksum than when it was taken: the backup is damaged")
		}, "restore-backup x.db", 1, []string{strings.Replace(look, "Name:", "Name:x.db", 1)}},
		{"usage restore-backup", nil, "restore-backup a b", 2, nil},
	}
}

// keyboard is a terminal that a person types at.
type keyboard struct{ io.Reader }

func (keyboard) Size() (int, bool) { return 80, true }

// At a terminal the id must be typed; then and only then it happens.
func TestRestoreBackupIsConfirmed(t *testing.T) {
	for name, c := range map[string]struct {
		typed string
		code  int
		calls []string
	}{
		"the id":         {"01JD3K6Z0P4N8V5X2T7QWERTYA\n", ExitDone, []string{look, put}},
		"without a line": {"  01JD3K6Z0P4N8V5X2T7QWERTYA  ", ExitDone, []string{look, put}},
		"yes":            {"yes\n", ExitWaiting, []string{look}},
		"nothing":        {"\n", ExitWaiting, []string{look}},
		"the end":        {"", ExitWaiting, []string{look}},
		"a part":         {"01JD3K6Z0P4N8V5X2T7QWERTY\n", ExitWaiting, []string{look}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.engine.restore = aRestore()
			var out, messages bytes.Buffer
			env := w.env()
			env.Stdin, env.Stdout, env.Stderr = keyboard{strings.NewReader(c.typed)}, &out, &messages
			code := Run(context.Background(), []string{"restore-backup"}, env)
			if code != c.code || !slices.Equal(w.engine.calls, c.calls) {
				t.Errorf("status %d, asked %q\n%s", code, w.engine.calls, &messages)
			}
			if !w.engine.opened[0].Alone || !strings.Contains(messages.String(), "Type 01JD3K6Z0P4N8V5X2T7QWERTYA to go on") || !strings.Contains(messages.String(), "1 field removed") {
				t.Errorf("%+v\n%s", w.engine.opened, &messages)
			}
			if strings.Contains(out.String(), "Restored") != (c.code == ExitDone) {
				t.Errorf("%s", &out)
			}
		})
	}
}

// Who waits for an answer can be stopped.
func TestAnInterruptedQuestion(t *testing.T) {
	w := newWorld(t)
	w.engine.restore = aRestore()
	silent, never := io.Pipe()
	defer never.Close()
	var out, messages bytes.Buffer
	env := w.env()
	env.Stdin, env.Stdout, env.Stderr = keyboard{silent}, &out, &messages
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("stopped"))
	if code := Run(ctx, []string{"restore-backup"}, env); code != ExitError || !slices.Equal(w.engine.calls, []string{look}) {
		t.Errorf("status %d, asked %q", code, w.engine.calls)
	}
}

func TestBytesOf(t *testing.T) {
	for n, want := range map[int64]string{-1: "?", 0: "0 B", 999: "999 B", 1000: "1 kB", 1234567: "1.23 MB", 999_999: "1 MB", 5_000_000_000_000_000: "5e+03 TB"} {
		if got := bytesOf(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}
