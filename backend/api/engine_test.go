package api

import (
	"context"
	"fmt"
	"sync"

	"marain/backend/action"
	"marain/backend/coordinator"
	"marain/backend/event"
)

// engine is a coordinator that answers what a test put into it and writes down what it was asked.
type engine struct {
	hub *event.Hub

	status coordinator.Status
	plan   action.Plan
	apply  coordinator.ApplyResult
	err    error                                              // what every method fails with
	during func(ctx context.Context, call string) (err error) // runs inside every method

	mu    sync.Mutex
	calls []string
}

var _ Engine = (*engine)(nil)

func newEngine() *engine { return &engine{hub: event.NewHub(64)} }

// asked notes a call.
func (e *engine) asked(ctx context.Context, format string, args ...any) error {
	call := fmt.Sprintf(format, args...)
	e.mu.Lock()
	e.calls = append(e.calls, call)
	e.mu.Unlock()
	if e.during != nil {
		if err := e.during(ctx, call); err != nil {
			return err
		}
	}
	return e.err
}

// took returns the calls since the last time.
func (e *engine) took() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	calls := e.calls
	e.calls = nil
	return calls
}

func (e *engine) Status(ctx context.Context) (coordinator.Status, error) {
	return e.status, e.asked(ctx, "status")
}

func (e *engine) Diff(ctx context.Context, req coordinator.DiffRequest) (action.Plan, error) {
	return e.plan, e.asked(ctx, "diff %+v", req)
}

func (e *engine) Reload(ctx context.Context, req coordinator.ReloadRequest, by coordinator.Actor) (coordinator.ApplyResult, error) {
	return e.apply, e.asked(ctx, "reload %+v by '%s' at %s", req, by.Name, by.Door)
}

func (e *engine) History(ctx context.Context, req coordinator.HistoryRequest) (coordinator.History, error) {
	return coordinator.History{}, e.asked(ctx, "history %+v", req)
}

func (e *engine) Batch(ctx context.Context, actionID string, againstNow bool) (coordinator.Batch, error) {
	return coordinator.Batch{BatchSummary: coordinator.BatchSummary{ActionID: actionID}}, e.asked(ctx, "batch %s %v", actionID, againstNow)
}

func (e *engine) Rollback(ctx context.Context, req coordinator.RollbackRequest, by coordinator.Actor) (coordinator.ApplyResult, error) {
	return e.apply, e.asked(ctx, "rollback %+v by '%s' at %s", req, by.Name, by.Door)
}

func (e *engine) Cancel(ctx context.Context, req coordinator.CancelRequest, by coordinator.Actor) (coordinator.CancelResult, error) {
	return coordinator.CancelResult(req), e.asked(ctx, "cancel %+v by '%s' at %s", req, by.Name, by.Door)
}

func (e *engine) Reject(ctx context.Context, req coordinator.RejectRequest, by coordinator.Actor) (coordinator.RejectResult, error) {
	return coordinator.RejectResult{}, e.asked(ctx, "reject %+v by '%s' at %s", req, by.Name, by.Door)
}

func (e *engine) Drift(ctx context.Context) (coordinator.Drift, error) {
	return coordinator.Drift{}, e.asked(ctx, "drift")
}

func (e *engine) Repair(ctx context.Context, req coordinator.RepairRequest, by coordinator.Actor) (coordinator.ApplyResult, error) {
	return e.apply, e.asked(ctx, "repair %+v by '%s' at %s", req, by.Name, by.Door)
}

func (e *engine) Adopt(ctx context.Context, req coordinator.AdoptRequest, by coordinator.Actor) (coordinator.ApplyResult, error) {
	return e.apply, e.asked(ctx, "adopt %+v by '%s' at %s", req, by.Name, by.Door)
}

func (e *engine) Drafts(ctx context.Context) ([]coordinator.Draft, error) {
	return nil, e.asked(ctx, "drafts")
}

func (e *engine) RestoreDraft(ctx context.Context, id string, by coordinator.Actor) (coordinator.Draft, error) {
	return coordinator.Draft{ID: id}, e.asked(ctx, "restore %s by '%s' at %s", id, by.Name, by.Door)
}

func (e *engine) Tombstones(ctx context.Context) (coordinator.Tombstones, error) {
	return coordinator.Tombstones{}, e.asked(ctx, "tombstones")
}

func (e *engine) Purge(ctx context.Context, req coordinator.PurgeRequest, by coordinator.Actor) (coordinator.PurgeResult, error) {
	days := "none"
	if req.OlderThanDays != nil {
		days = fmt.Sprint(*req.OlderThanDays)
		req.OlderThanDays = nil
	}
	return coordinator.PurgeResult{ActionID: "01A"}, e.asked(ctx, "purge %+v days %s by '%s' at %s", req, days, by.Name, by.Door)
}

func (e *engine) Backups(ctx context.Context) (coordinator.Backups, error) {
	return coordinator.Backups{}, e.asked(ctx, "backups")
}

func (e *engine) Validate(ctx context.Context, files []string) (coordinator.ValidateResult, error) {
	return coordinator.ValidateResult{OK: true}, e.asked(ctx, "validate %q", files)
}

func (e *engine) Verify(ctx context.Context) (coordinator.VerifyResult, error) {
	return coordinator.VerifyResult{OK: true}, e.asked(ctx, "verify")
}

func (e *engine) Subscribe(after uint64, fromNow bool) *event.Subscription {
	_ = e.asked(context.Background(), "subscribe %d %v", after, fromNow) // has no error to return
	return e.hub.Subscribe(after, fromNow)
}
