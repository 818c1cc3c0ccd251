package coordinator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"marain/backend/database"
	"marain/backend/event"
)

// listen takes what the watcher delivers.
func (c *Coordinator) listen(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case batch, ok := <-c.watcher.Batches():
			if !ok {
				return
			}
			c.receive(ctx, batch)
		case <-c.watcher.Changed():
			c.mu.Lock()
			c.publishStatus()
			c.mu.Unlock()
			c.hub.Publish(event.Watcher, c.Snapshot().Version(), c.watcherStatus())
		}
	}
}

// hint wakes up who follows the database, unless somebody has done so already.
func hint(hints chan<- struct{}) {
	select {
	case hints <- struct{}{}:
	default:
	}
}

// follow notices batches that another program applied to the same database: at once where the database tells, and in
// any case a moment later.
func (c *Coordinator) follow(ctx context.Context, hints <-chan struct{}) {
	ticker := time.NewTicker(c.options.FollowEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-hints:
		}
		if err := c.catchUp(ctx); err != nil && ctx.Err() == nil {
			c.log.Error("follow the database", "error", err)
		}
		if err := c.purgeOld(ctx); err != nil && ctx.Err() == nil {
			c.log.Error("purge what is old", "error", err)
		}
	}
}

func (c *Coordinator) catchUp(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	moved, err := c.moved(ctx)
	if err == nil && moved {
		if err = c.reload(ctx); err == nil {
			c.witness(c.seq, c.hash)
			c.evaluate(ctx)
			c.announce()
		}
	}
	if err == nil {
		err = c.lookAgain(ctx)
	}
	if err == nil && c.leftover {
		err = c.drain(ctx)
		c.evaluate(ctx)
	}
	if err == nil && len(c.missing) > 0 && !slices.ContainsFunc(c.missing, func(dir string) bool { return !c.files.Exists(dir) }) {
		// A folder that was away for less than the watcher waits is back without a word.
		err = c.scan(ctx, false)
	}
	changed := c.trust(err)
	if changed && err != nil {
		c.log.Error("the database cannot be trusted", "error", err)
	}
	if c.recovered && err == nil {
		c.recovered, changed = false, true
		c.evaluate(ctx)
		c.automatic(ctx) // what was saved while the database was away
		c.notePending(ctx)
	}
	if changed {
		c.publishStatus()
		c.announce()
	}
	if c.suspect != "" {
		return nil // it is said already
	}
	return err
}

// trust notes whether the database can be relied on and reports whether that has changed. A storage that failed once
// stays suspect until the project is opened again: what it says may not be what is on the disk.
func (c *Coordinator) trust(err error) bool {
	before := c.suspect
	switch {
	case errors.Is(err, database.ErrDamaged):
		c.suspect, c.failing = err.Error(), true
	case c.failing, errors.Is(err, context.Canceled), errors.Is(err, database.ErrLocked):
	case errors.Is(err, database.ErrUnreachable):
		c.suspect, c.offline = fmt.Sprintf("the database %s cannot be reached", c.location()), true
	case errors.Is(err, database.ErrReplaced):
		c.suspect, c.offline = err.Error(), false
	case err == nil:
		c.recovered = c.recovered || before != ""
		c.suspect, c.offline = "", false
	}
	return before != c.suspect
}

// moved reports whether the database has batches that are not known here.
func (c *Coordinator) moved(ctx context.Context) (bool, error) {
	if c.unprepared(ctx) {
		return false, nil
	}
	moved := false
	err := c.db.Read(ctx, func(q database.Querier) error {
		seq, _, err := c.store.Head(ctx, q)
		moved = seq != c.seq || c.dirty
		return err
	})
	return moved, err
}

// unprepared reports whether a database that is only looked at has no history of ours.
func (c *Coordinator) unprepared(ctx context.Context) bool {
	if !c.options.ReadOnly || c.scratch != "" {
		return false
	}
	there := false
	err := c.db.Read(ctx, func(q database.Querier) error {
		names, err := c.db.TableNames(ctx, q)
		there = slices.Contains(names, "marain_audit")
		return err
	})
	return err == nil && !there
}
