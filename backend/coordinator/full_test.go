package coordinator_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"marain/backend/coordinator"
	"marain/backend/database"
)

// crowded is a database on a disk that is full as far as tables and backups go.
type crowded struct {
	database.Database
	tables, backups atomic.Bool
}

var _ database.Database = (*crowded)(nil)

func (c *crowded) Write(ctx context.Context, fn func(database.Querier) error) error {
	return c.Database.Write(ctx, func(q database.Querier) error { return fn(crowdedQuerier{q, c}) })
}

func (c *crowded) Backup(ctx context.Context, q database.Querier, tables []string, file string) ([]string, error) {
	if c.backups.Load() {
		return nil, &os.PathError{Op: "write", Path: file, Err: syscall.ENOSPC}
	}
	return c.Database.Backup(ctx, q.(crowdedQuerier).Querier, tables, file)
}

type crowdedQuerier struct {
	database.Querier
	c *crowded
}

func (q crowdedQuerier) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if q.c.tables.Load() && strings.HasPrefix(query, "ALTER") {
		return nil, fmt.Errorf("%w: no room", database.ErrFull)
	}
	return q.Querier.Exec(ctx, query, args...)
}

// A full disk is said to be one, with what to do; nothing is changed, and it works as soon as there is room.
func TestAFullDiskSaysSo(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text"), f("b text"))})
	b.apply(coordinator.ReloadRequest{})
	b.sql(`INSERT INTO content_note (id, b) VALUES ('1', 'b1')`)
	c := &crowded{}
	b.through(false, func(db database.Database) database.Database { c.Database = db; return c })
	tables := b.tables()
	b.write(notePath, entity("note", f("a text")))
	for words, full := range map[string]*atomic.Bool{
		"the disk is full; nothing was changed: make room":                                                      &c.tables,
		"the disk is full, so the backup before it could not be taken and nothing was changed: make room, then": &c.backups,
	} {
		full.Store(true)
		refusal := b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking"}, coordinator.CodeInternal)
		if !strings.Contains(refusal.Message, words) {
			t.Error(refusal.Message)
		}
		if s := b.status(); s.State == "suspect" || s.LastResult.Message != refusal.Message {
			t.Errorf("%+v", s)
		}
		if errors.Is(refusal, database.ErrDamaged) || b.tables() != tables {
			t.Error("something was changed")
		}
		full.Store(false)
	}
	b.sound()
	b.breaking()
	b.inSync()
}
