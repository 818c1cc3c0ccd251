package coordinator

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"marain/backend/event"
	"marain/backend/executor"
)

// tellEvery is how often subscribers hear how far a batch is. A batch that is over sooner is announced by its end alone.
const tellEvery = 100 * time.Millisecond

// task is the batch that is being carried out. It has a lock of its own, so that looking at it and cancelling it never
// wait for the operation.
type task struct {
	id     string
	cancel context.CancelCauseFunc
	ended  chan struct{}
	tell   func(executor.Progress) // how far it is

	mu         sync.Mutex
	view       Running
	told       time.Time
	committing bool
	by         *cancelled // who cancelled it; nil: nobody
}

// cancelled is the error of a batch that a person cancelled.
type cancelled struct{ by string }

func (e *cancelled) Error() string { return "cancelled by " + e.by }

// begin makes a batch the one that runs: it can be looked at and cancelled from now on, until its commit is asked for.
// The caller ends it.
func (c *Coordinator) begin(ctx context.Context, id, kind, by string) (context.Context, *task) {
	ctx, cancel := context.WithCancelCause(ctx)
	now := time.Now()
	t := &task{
		id: id, cancel: cancel, ended: make(chan struct{}), told: now,
		view: Running{Progress: executor.Progress{ActionID: id, Phase: executor.Waiting}, Kind: kind, Since: timestamp(now), By: by},
	}
	t.tell = func(p executor.Progress) {
		if t.progress(p) {
			c.hub.Publish(event.Progress, c.Snapshot().Version(), p)
		}
	}
	c.task.Store(t)
	return ctx, t
}

// end lets go of a batch, with its outcome recorded.
func (c *Coordinator) end(t *task) {
	c.task.Store(nil)
	t.cancel(nil)
	close(t.ended)
}

// running returns what is being carried out, nil for nothing. It never waits for it.
func (c *Coordinator) running() *Running {
	t := c.task.Load()
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	view := t.view
	return &view
}

// progress notes how far the batch is and reports whether it is time to tell.
func (t *task) progress(p executor.Progress) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.view.Progress = p
	if now := time.Now(); now.Sub(t.told) >= tellEvery {
		t.told = now
		return true
	}
	return false
}

// commit decides between a cancel and the commit: whichever comes first.
func (t *task) commit() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.by != nil {
		return t.by
	}
	t.committing = true
	return nil
}

// reason returns why a batch failed: when somebody cancelled it, that and not what the database made of it. A command
// that is interrupted cancels its own batch.
func (t *task) reason(ctx context.Context, err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.by != nil {
		return t.by
	}
	if ctx.Err() != nil && errors.Is(context.Cause(ctx), context.Canceled) && t.view.By != auto {
		return &cancelled{by: t.view.By}
	}
	return err
}

// Cancel ends the batch with that id before it is committed, and returns when nothing of it is left and the history
// says who did so. It waits for no operation but that one. [CodeNotFound] when it is not running (any more),
// [CodeConflict] when it is being committed.
func (c *Coordinator) Cancel(ctx context.Context, request CancelRequest, actor Actor) (CancelResult, error) {
	if request.ActionID == "" {
		return CancelResult{}, Errorf(CodeInvalid, "action_id is missing: the status says what is running")
	}
	t := c.task.Load()
	if t == nil || !strings.EqualFold(t.id, request.ActionID) {
		return CancelResult{}, Errorf(CodeNotFound, "batch %s is not running: it has ended, or it runs in another program", request.ActionID)
	}
	if err := t.stop(actor); err != nil {
		return CancelResult{}, err
	}
	select {
	case <-t.ended:
		return CancelResult(request), nil
	case <-ctx.Done():
		return CancelResult{}, coded(ctx.Err())
	}
}

// stop asks the batch to end, unless it is being committed. The first who does so is the one who did.
func (t *task) stop(actor Actor) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.committing {
		return Errorf(CodeConflict, "batch %s is being committed and can only be rolled back now", t.id)
	}
	if t.by == nil {
		t.by = &cancelled{by: actor.String()}
		t.cancel(t.by)
	}
	return nil
}

// givenUp records a purge or a restore that somebody cancelled. One that failed otherwise is told to who asked for it.
func (c *Coordinator) givenUp(ctx context.Context, w executor.Work, err error) {
	if stopped := new(cancelled); errors.As(err, &stopped) {
		c.failed(ctx, w, err)
	}
}
