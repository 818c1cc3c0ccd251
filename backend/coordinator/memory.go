package coordinator

import (
	"context"
	"time"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/document"
	"marain/backend/event"
	"marain/backend/history"
)

// memory is what is known of the database. It is read as a whole or not at all: half of a new state beside half of an
// old one would pass every guard.
type memory struct {
	seq      int64
	hash     string
	lives    map[string]action.Life
	tombs    []action.Tombstone
	origins  map[string]action.Origin
	holds    map[string]history.Held
	applied  map[string]*version
	leftover bool // the outbox holds file writes
	due      []action.Unwritten
	last     *LastResult
	lastSync time.Time
}

// reload reads the applied state from the database and publishes it. Nothing comes from the files: after a crash the
// last committed batch is what is live.
func (c *Coordinator) reload(ctx context.Context) error {
	if c.unprepared(ctx) {
		return nil
	}
	err := c.db.Read(ctx, func(q database.Querier) error { return c.remember(ctx, q) })
	if err == nil && len(c.live.files) > 0 && c.overtaken(ctx) {
		c.live = liveTables{} // what differs may be what the other program has just changed
	}
	return err
}

// remember does that in a transaction that sees one state, so that what is applied and the live tables are of one moment.
func (c *Coordinator) remember(ctx context.Context, q database.Querier) error {
	m := memory{origins: map[string]action.Origin{}, applied: map[string]*version{}, holds: map[string]history.Held{}}
	if err := c.recall(ctx, q, &m); err != nil {
		return err
	}
	c.seq, c.hash = m.seq, m.hash
	c.lives, c.tombs, c.origins, c.holds = m.lives, m.tombs, m.origins, m.holds
	c.leftover, c.unwritten = m.leftover, m.due
	c.last, c.lastSync = m.last, m.lastSync
	c.rowsKnown, c.dirty = false, false
	c.adopt(m.applied)
	return c.look(ctx, q)
}

func (c *Coordinator) recall(ctx context.Context, q database.Querier, m *memory) (err error) {
	if m.seq, m.hash, err = c.store.Head(ctx, q); err != nil {
		return err
	}
	if c.databaseID, err = c.store.DatabaseID(ctx, q); err != nil {
		return err
	}
	if m.lives, err = c.store.Lives(ctx, q); err != nil {
		return err
	}
	if m.tombs, err = c.store.Tombstones(ctx, q); err != nil {
		return err
	}
	if m.origins, err = c.store.Origins(ctx, q); err != nil {
		return err
	}
	holds, err := c.store.HeldFiles(ctx, q)
	if err != nil {
		return err
	}
	for _, h := range holds {
		m.holds[h.Path] = h
	}
	writes, err := c.store.Outbox(ctx, q)
	if err != nil {
		return err
	}
	m.leftover, m.due = len(writes) > 0, c.due(writes)
	if err := c.lastEntry(ctx, q, m); err != nil {
		return err
	}
	list, err := c.store.Applied(ctx, q)
	if err != nil {
		return err
	}
	for _, v := range list {
		if m.applied[v.Path], err = c.load(ctx, q, v); err != nil {
			return err
		}
	}
	return nil
}

// lastEntry finds how the newest attempt ended.
func (c *Coordinator) lastEntry(ctx context.Context, q database.Querier, m *memory) error {
	const look = 20
	entries, err := c.store.Entries(ctx, q, history.Filter{Limit: look})
	if err != nil {
		return err
	}
	for _, e := range entries {
		result := resultOf(e)
		if m.last == nil && result != nil {
			m.last = result
		}
		if result != nil && result.Result == "applied" && m.lastSync.IsZero() {
			if at, err := time.Parse(time.RFC3339, e.At); err == nil {
				m.lastSync = at
			}
		}
	}
	return nil
}

func resultOf(e history.Entry) *LastResult {
	switch e.Kind {
	case history.KindApply, history.KindRollback, history.KindRepair, history.KindRestore:
		return &LastResult{ActionID: e.ActionID, Kind: e.Kind, Result: "applied", At: e.At, Message: e.Record.Summary}
	case history.KindFailed:
		return &LastResult{ActionID: e.ActionID, Kind: e.Kind, Result: "failed", At: e.At, Message: e.Record.Error}
	}
	return nil
}

// load reads one applied version's document.
func (c *Coordinator) load(ctx context.Context, q database.Querier, v history.Version) (*version, error) {
	if v.Hash == "" {
		return &version{Version: v}, nil
	}
	if known := c.applied[v.Path]; known != nil && known.Hash == v.Hash && known.doc != nil {
		return &version{Version: v, doc: known.doc}, nil
	}
	raw, err := c.store.Content(ctx, q, v.Hash)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	problem := ""
	var doc *document.Document
	if err != nil {
		problem = err.Error() // a lost key, or damage: verify tells more
	} else if loaded, problems := c.loader.Load(v.Path, raw); len(problems) > 0 {
		problem = problems[0].Message // the rules may have become stricter since
	} else {
		doc = loaded
	}
	if problem != "" {
		// The version stays recorded, nothing is built on it, and everything else starts.
		c.log.Error("an applied version cannot be read", "file", v.Path, "version", v.Number, "problem", problem)
	}
	return &version{Version: v, doc: doc}, nil
}

// adopt makes an applied state the live one.
func (c *Coordinator) adopt(applied map[string]*version) {
	changed := map[string]*document.Document{}
	for path, v := range applied {
		if old := c.applied[path]; old == nil || old.Hash != v.Hash || old.Number != v.Number {
			changed[path] = v.doc
		}
	}
	for path := range c.applied {
		if applied[path] == nil {
			changed[path] = nil
		}
	}
	c.applied = applied
	c.publish(changed)
}

// publish swaps the snapshot and tells everybody.
func (c *Coordinator) publish(changed map[string]*document.Document) {
	if len(changed) == 0 && c.Snapshot().Version() == uint64(c.seq) {
		return
	}
	next := c.Snapshot().Next(uint64(c.seq), changed)
	c.states.Publish(next)
	if c.watcher != nil {
		s := c.settings()
		c.watcher.Tune(s.Debounce, s.MaxDebounce, s.RescanEvery)
	}
	c.hub.Publish(event.Snapshot, next.Version(), map[string]any{"version": next.Version()})
}
