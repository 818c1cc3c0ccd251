package coordinator_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"marain/backend/coordinator"
	"marain/backend/database"
)

// failing is a database whose storage fails in the middle of a batch, and that counts what is written to it.
type failing struct {
	database.Database
	on     atomic.Bool
	writes atomic.Int64 // begun since
}

func (f *failing) Write(ctx context.Context, fn func(database.Querier) error) error {
	if !f.on.Load() {
		return f.Database.Write(ctx, fn)
	}
	f.writes.Add(1)
	return f.Database.Write(ctx, func(q database.Querier) error {
		if err := fn(q); err != nil {
			return err
		}
		return fmt.Errorf("%w: disk I/O error", database.ErrDamaged)
	})
}

// TestAStorageThatFails applies while the storage fails: nothing is applied, nothing more is written, and everything says
// that the database cannot be trusted until it was opened again and proved to be in order.
func TestAStorageThatFails(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x text")))
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', 'a')`)
	before := b.tables()
	broken := &failing{}
	b.through(false, func(db database.Database) database.Database { broken.Database = db; return broken })
	b.write(notePath, entity("note", f("x text"), f("y text")))
	broken.on.Store(true)
	refusal := b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking"}, coordinator.CodeInternal)
	if !strings.Contains(refusal.Message, "disk I/O error") || broken.writes.Load() != 1 {
		t.Errorf("%d writes: %s", broken.writes.Load(), refusal.Message)
	}
	if s := b.status(); s.State != "suspect" || s.LastResult.Result != "failed" {
		t.Errorf("%s, %+v", s.State, s.LastResult)
	}
	b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking"}, coordinator.CodeInternal)
	if broken.writes.Load() != 1 {
		t.Errorf("%d writes to a database that failed", broken.writes.Load())
	}
	if b.tables() != before {
		t.Error("something was changed")
	}
	if err := b.c.Close(); err != nil {
		t.Fatal(err)
	}
	b.c = b.openWith(nil)
	b.breaking()
	b.inSync()
	b.want(`SELECT x, y FROM content_note`, "a|∅")
}
