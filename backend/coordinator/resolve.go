package coordinator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"marain/backend/database"
	"marain/backend/executor"
	"marain/backend/history"
)

const (
	resolveFor  = 15 * time.Second       // how long to look for a batch whose commit had no answer
	resolveWait = 100 * time.Millisecond // between two looks
	reachFor    = 3 * time.Second        // how long a database that was away is waited for
)

// resolve finds out whether a batch whose commit had no answer is there. It looks under the writer's lock: what holds
// that no more is over, one way or the other. Nothing is repeated.
func (c *Coordinator) resolve(ctx context.Context, w executor.Work, cause error) (executor.Outcome, error) {
	c.dirty = true // whatever is found out: read everything again before the next plan
	c.log.Warn("the commit had no answer: looking for the batch", "action", w.ActionID, "error", cause)
	ctx, cancel := context.WithTimeout(ctx, resolveFor)
	defer cancel()
	for {
		found, there, err := c.find(ctx, w.ActionID)
		switch {
		case err == nil && there:
			return executor.Outcome{Seq: found.Seq, Hash: found.Hash, At: found.At}, nil
		case err == nil:
			return executor.Outcome{}, fmt.Errorf("%w, and the batch is not there: nothing was changed", errLost)
		}
		select {
		case <-ctx.Done():
			return executor.Outcome{}, errors.Join(cause, err)
		case <-time.After(resolveWait):
		}
	}
}

// errLost says that the connection was lost during the commit. It is known what became of the batch.
var errLost = errors.New("the connection to the database was lost during the commit")

// find looks for a batch while nobody else writes.
func (c *Coordinator) find(ctx context.Context, actionID string) (found history.Entry, there bool, err error) {
	err = c.db.Write(ctx, func(q database.Querier) (err error) {
		found, err = c.store.Entry(ctx, q, actionID)
		there = err == nil
		if errors.Is(err, history.ErrNotFound) {
			return nil
		}
		return err
	})
	return found, there, err
}

// undecided notes that nobody knows what became of a batch: when the database is back, everything is read from it.
func (c *Coordinator) undecided(w executor.Work, cause error) {
	c.log.Error("what became of the batch is not known", "action", w.ActionID, "error", cause)
	c.trust(database.ErrUnreachable)
	c.publishStatus()
	c.announce()
}

// reachable reports whether a database that was away answers again.
func (c *Coordinator) reachable() bool {
	ctx, cancel := context.WithTimeout(context.Background(), reachFor)
	defer cancel()
	return c.db.Read(ctx, func(database.Querier) error { return nil }) == nil
}
