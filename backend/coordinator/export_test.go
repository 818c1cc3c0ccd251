package coordinator

import (
	"context"
	"time"

	"marain/backend/database"
)

// PurgeOld does what a server does at its start and once a day.
func (c *Coordinator) PurgeOld(ctx context.Context) error { return c.purgeOld(ctx) }

// WrapDatabase puts something between a coordinator that is about to be opened and its database.
func (o *Options) WrapDatabase(wrap func(database.Database) database.Database) { o.wrap = wrap }

// Running is what is being carried out.
func (c *Coordinator) Running() *Running { return c.running() }

// Cancelled reports whether somebody has cancelled what is being carried out.
func (c *Coordinator) Cancelled() bool {
	t := c.task.Load()
	if t == nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.by != nil
}

// Overdue makes the batch that runs one that was not told of for a while.
func (c *Coordinator) Overdue() {
	t := c.task.Load()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.told = time.Time{}
}
