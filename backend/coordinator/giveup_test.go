package coordinator_test

import (
	"context"
	"strings"
	"testing"

	"marain/backend/coordinator"
	"marain/backend/database"
)

// left is everything in the database but the audit chain, in which a batch that was cancelled is recorded, and all
// backups.
func (b *bench) left() string {
	b.t.Helper()
	var names []string
	for _, backup := range b.backups() {
		names = append(names, backup.Name)
	}
	var tables []string
	for _, part := range strings.Split(b.everything(), "\nmarain_") {
		if !strings.HasPrefix(part, "audit(") {
			tables = append(tables, part)
		}
	}
	return strings.Join(append(tables, names...), "\n")
}

// gaveUp proves that a batch was cancelled by ben, that nothing of it is left, and that the history says so.
func (b *bench) gaveUp(err error, before string) {
	b.t.Helper()
	if refusal := b.refused(err, coordinator.CodeCancelled); !strings.Contains(refusal.Message, ben.String()) {
		b.t.Error(refusal.Message)
	}
	if b.left() != before {
		b.t.Error("something of it is left")
	}
	if batch := b.newest(); batch.Status != "failed" || !strings.Contains(batch.Error, "cancelled by "+ben.String()) || batch.Backup != "" {
		b.t.Errorf("the history says %+v", batch)
	}
	b.sound()
}

func TestAPurgeIsCancelled(t *testing.T) {
	t.Parallel()
	b := graves(t)
	list := b.tombstones()
	request := coordinator.PurgeRequest{IDs: []string{list[0].ID, list[3].ID}, Confirm: "3", Note: "why"}
	before := b.left()
	db := b.slow(false, "DROP")
	start := func() <-chan error {
		done := make(chan error, 1)
		go func() {
			_, err := b.c.Purge(context.Background(), request, person)
			done <- err
		}()
		select {
		case <-db.reached:
		case err := <-done:
			t.Fatalf("it ended before: %v", err)
		}
		return done
	}
	done := start()
	running := b.c.Running()
	if running == nil || running.Kind != "purge" || running.Phase != "running" || running.Description == "" || running.By != person.String() {
		t.Fatalf("%+v", running)
	}
	if _, err := b.c.Cancel(context.Background(), coordinator.CancelRequest{ActionID: running.ActionID}, ben); err != nil {
		t.Fatal(err)
	}
	if b.c.Running() != nil {
		t.Error("it is still running")
	}
	b.gaveUp(<-done, before)
	if len(b.tombstones()) != len(list) {
		t.Error("something is not out of use any more")
	}
	// Once it is being committed it is too late.
	db.at.Store("")
	done = start()
	_, err := b.c.Cancel(context.Background(), coordinator.CancelRequest{ActionID: b.c.Running().ActionID}, ben)
	b.refused(err, coordinator.CodeConflict)
	db.remove()
	db.goOn <- struct{}{}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	b.inSync()
	if len(b.tombstones()) != len(list)-3 {
		t.Errorf("%+v", b.tombstones())
	}
}

// held stops a restore when the backup before it is taken, and before what is restored is recorded.
type held struct {
	database.Database
	reached chan string
	goOn    chan struct{}
}

func (h *held) Restore(ctx context.Context, file string, present []string, before, after func(database.Querier) error) error {
	stop := func(where string, fn func(database.Querier) error) func(database.Querier) error {
		return func(q database.Querier) error {
			if where == "after" {
				h.reached <- where
				<-h.goOn
			}
			err := fn(q)
			if where == "before" {
				h.reached <- where
				<-h.goOn
			}
			return err
		}
	}
	return h.Database.Restore(ctx, file, present, stop("before", before), stop("after", after))
}

func TestARestoreIsCancelled(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text"), f("b text"))})
	b.breaking()
	b.sql(`INSERT INTO content_note (id, a, b) VALUES ('1', 'x', 'y'), ('2', 'v', 'w')`)
	b.save(notePath, entity("note", f("a text")))
	b.sql(`UPDATE content_note SET a = 'written since'`)
	backup := b.backups()[0]
	for _, where := range []string{"before", "after"} {
		before := b.left()
		h := &held{reached: make(chan string), goOn: make(chan struct{})}
		c, err := b.tryOpen(func(o *coordinator.Options) {
			o.Alone = true
			o.WrapDatabase(func(db database.Database) database.Database { h.Database = db; return h })
		})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() {
			_, err := c.Restore(context.Background(), coordinator.RestoreRequest{Name: backup.Name, Confirm: backup.ActionID}, person)
			done <- err
		}()
		for at := range h.reached {
			if at == where {
				break
			}
			h.goOn <- struct{}{}
		}
		running := c.Running()
		if running == nil || running.Kind != "restore" {
			t.Fatalf("%+v", running)
		}
		cancelled := make(chan error, 1)
		go func() {
			_, err := c.Cancel(context.Background(), coordinator.CancelRequest{ActionID: running.ActionID}, ben)
			cancelled <- err
		}()
		go func() { // whatever it stops at on its way out, it goes on
			for range h.reached {
				h.goOn <- struct{}{}
			}
		}()
		eventually(t, "somebody wants it to end", c.Cancelled)
		h.goOn <- struct{}{}
		if err := <-cancelled; err != nil {
			t.Fatal(err)
		}
		err = <-done
		close(h.reached)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		b.gaveUp(err, before)
	}
	b.restore(backup)
	b.want(`SELECT a, b FROM content_note ORDER BY id`, "x|y", "v|w")
}
