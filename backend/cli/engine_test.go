package cli

import (
	"context"
	"fmt"

	"marain/backend/action"
	"marain/backend/coordinator"
	"marain/backend/event"
)

// engine is a coordinator that answers what a test put into it and writes down what it was asked.
type engine struct {
	status   coordinator.Status
	plan     action.Plan
	apply    coordinator.ApplyResult
	history  coordinator.History
	batch    coordinator.Batch
	reject   coordinator.RejectResult
	drafts   []coordinator.Draft
	tombs    coordinator.Tombstones
	purge    coordinator.PurgeResult
	backups  coordinator.Backups
	restore  coordinator.RestoreResult
	validate coordinator.ValidateResult
	verify   coordinator.VerifyResult
	drift    coordinator.Drift
	err      error // what every method fails with
	openErr  error // what opening fails with
	closeErr error // what closing fails with

	hub    *event.Hub
	opened []OpenOptions
	calls  []string
	closed int
}

var _ Engine = (*engine)(nil)

func (e *engine) open(_ context.Context, _ string, options OpenOptions) (Engine, error) {
	e.opened = append(e.opened, options)
	if e.openErr != nil {
		return nil, e.openErr
	}
	return e, nil
}

func (e *engine) asked(format string, args ...any) error {
	e.calls = append(e.calls, fmt.Sprintf(format, args...))
	return e.err
}

func (e *engine) Status(context.Context) (coordinator.Status, error) {
	return e.status, e.asked("status")
}

func (e *engine) Diff(_ context.Context, req coordinator.DiffRequest) (action.Plan, error) {
	return e.plan, e.asked("diff %+v", req)
}

func (e *engine) Reload(_ context.Context, req coordinator.ReloadRequest, by coordinator.Actor) (coordinator.ApplyResult, error) {
	return e.apply, e.asked("reload %+v by '%s' at %s", req, by.Name, by.Door)
}

func (e *engine) History(_ context.Context, req coordinator.HistoryRequest) (coordinator.History, error) {
	return e.history, e.asked("history %+v", req)
}

func (e *engine) Batch(_ context.Context, actionID string, againstNow bool) (coordinator.Batch, error) {
	return e.batch, e.asked("batch %s %v", actionID, againstNow)
}

func (e *engine) Rollback(_ context.Context, req coordinator.RollbackRequest, by coordinator.Actor) (coordinator.ApplyResult, error) {
	return e.apply, e.asked("rollback %+v by '%s' at %s", req, by.Name, by.Door)
}

func (e *engine) Cancel(_ context.Context, req coordinator.CancelRequest, by coordinator.Actor) (coordinator.CancelResult, error) {
	return coordinator.CancelResult(req), e.asked("cancel %+v by '%s' at %s", req, by.Name, by.Door)
}

func (e *engine) Reject(_ context.Context, req coordinator.RejectRequest, by coordinator.Actor) (coordinator.RejectResult, error) {
	return e.reject, e.asked("reject %+v by '%s' at %s", req, by.Name, by.Door)
}

func (e *engine) Drift(context.Context) (coordinator.Drift, error) {
	return e.drift, e.asked("drift")
}

func (e *engine) Repair(_ context.Context, req coordinator.RepairRequest, by coordinator.Actor) (coordinator.ApplyResult, error) {
	return e.apply, e.asked("repair %+v by '%s' at %s", req, by.Name, by.Door)
}

func (e *engine) Adopt(_ context.Context, req coordinator.AdoptRequest, by coordinator.Actor) (coordinator.ApplyResult, error) {
	return e.apply, e.asked("adopt %+v by '%s' at %s", req, by.Name, by.Door)
}

func (e *engine) Drafts(context.Context) ([]coordinator.Draft, error) {
	return e.drafts, e.asked("drafts")
}

func (e *engine) RestoreDraft(_ context.Context, id string, by coordinator.Actor) (coordinator.Draft, error) {
	return coordinator.Draft{ID: id, File: "config/config.system.yaml"}, e.asked("restore %s by '%s' at %s", id, by.Name, by.Door)
}

func (e *engine) Tombstones(context.Context) (coordinator.Tombstones, error) {
	return e.tombs, e.asked("tombstones")
}

func (e *engine) Purge(_ context.Context, req coordinator.PurgeRequest, by coordinator.Actor) (coordinator.PurgeResult, error) {
	days := "none"
	if req.OlderThanDays != nil {
		days = fmt.Sprint(*req.OlderThanDays)
		req.OlderThanDays = nil
	}
	return e.purge, e.asked("purge %+v days %s by '%s' at %s", req, days, by.Name, by.Door)
}

func (e *engine) Backups(context.Context) (coordinator.Backups, error) {
	return e.backups, e.asked("backups")
}

func (e *engine) Restore(_ context.Context, req coordinator.RestoreRequest, by coordinator.Actor) (coordinator.RestoreResult, error) {
	return e.restore, e.asked("restore %+v by '%s' at %s", req, by.Name, by.Door)
}

func (e *engine) Validate(_ context.Context, files []string) (coordinator.ValidateResult, error) {
	return e.validate, e.asked("validate %q", files)
}

func (e *engine) Verify(context.Context) (coordinator.VerifyResult, error) {
	return e.verify, e.asked("verify")
}

func (e *engine) Subscribe(after uint64, fromNow bool) *event.Subscription {
	return e.hub.Subscribe(after, fromNow)
}

func (e *engine) Close() error {
	e.closed++
	return e.closeErr
}
