//go:build !headless

package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"

	"marain/backend/action"
	"marain/backend/coordinator"
	"marain/backend/project"
)

// historyRequest is [coordinator.HistoryRequest] as the page writes it.
type historyRequest struct {
	File   string `json:"file_path"`
	Status string `json:"status"`
	Limit  int    `json:"limit"`
	Before string `json:"before"`
}

// Status returns the whole state, as REST does.
func (a *App) Status() (json.RawMessage, error) {
	return ask(a, "status", func(ctx context.Context, e engine) (coordinator.Status, error) { return e.Status(ctx) })
}

// Diff returns a plan.
func (a *App) Diff(request coordinator.DiffRequest) (json.RawMessage, error) {
	return ask(a, "diff", func(ctx context.Context, e engine) (action.Plan, error) { return e.Diff(ctx, request) })
}

// Reload applies what waits.
func (a *App) Reload(request coordinator.ReloadRequest) (json.RawMessage, error) {
	return ask(a, "reload", func(ctx context.Context, e engine) (coordinator.ApplyResult, error) {
		return e.Reload(ctx, request, a.actor())
	})
}

// History returns a page of batches, the newest first.
func (a *App) History(request historyRequest) (json.RawMessage, error) {
	return ask(a, "history", func(ctx context.Context, e engine) (coordinator.History, error) {
		return e.History(ctx, coordinator.HistoryRequest(request))
	})
}

// Batch returns one batch, compared with the version before it or with what is applied now.
func (a *App) Batch(id string, againstNow bool) (json.RawMessage, error) {
	return ask(a, "batch", func(ctx context.Context, e engine) (coordinator.Batch, error) {
		return e.Batch(ctx, id, againstNow)
	})
}

// Rollback goes a way back, or plans it.
func (a *App) Rollback(request coordinator.RollbackRequest) (json.RawMessage, error) {
	return ask(a, "rollback", func(ctx context.Context, e engine) (coordinator.ApplyResult, error) {
		return e.Rollback(ctx, request, a.actor())
	})
}

// Cancel ends a batch that runs, before it is committed.
func (a *App) Cancel(request coordinator.CancelRequest) (json.RawMessage, error) {
	return ask(a, "cancel", func(ctx context.Context, e engine) (coordinator.CancelResult, error) {
		return e.Cancel(ctx, request, a.actor())
	})
}

// Reject holds files back, or puts their applied text back.
func (a *App) Reject(request coordinator.RejectRequest) (json.RawMessage, error) {
	return ask(a, "reject", func(ctx context.Context, e engine) (coordinator.RejectResult, error) {
		return e.Reject(ctx, request, a.actor())
	})
}

// Drift says where the live tables differ from what is applied.
func (a *App) Drift() (json.RawMessage, error) {
	return ask(a, "drift", func(ctx context.Context, e engine) (coordinator.Drift, error) { return e.Drift(ctx) })
}

// Repair puts the live tables back to what is applied, or plans it.
func (a *App) Repair(request coordinator.RepairRequest) (json.RawMessage, error) {
	return ask(a, "repair", func(ctx context.Context, e engine) (coordinator.ApplyResult, error) {
		return e.Repair(ctx, request, a.actor())
	})
}

// Adopt writes into files what is live, or plans it.
func (a *App) Adopt(request coordinator.AdoptRequest) (json.RawMessage, error) {
	return ask(a, "adopt", func(ctx context.Context, e engine) (coordinator.ApplyResult, error) {
		return e.Adopt(ctx, request, a.actor())
	})
}

// Drafts returns the texts that a rollback or a reject replaced.
func (a *App) Drafts() (json.RawMessage, error) {
	return ask(a, "drafts", func(ctx context.Context, e engine) ([]coordinator.Draft, error) { return e.Drafts(ctx) })
}

// RestoreDraft writes a draft back to its file.
func (a *App) RestoreDraft(id string) (json.RawMessage, error) {
	return ask(a, "restore draft", func(ctx context.Context, e engine) (coordinator.Draft, error) {
		return e.RestoreDraft(ctx, id, a.actor())
	})
}

// Tombstones returns what is out of use.
func (a *App) Tombstones() (json.RawMessage, error) {
	return ask(a, "tombstones", func(ctx context.Context, e engine) (coordinator.Tombstones, error) { return e.Tombstones(ctx) })
}

// Purge destroys what is out of use, or with a dry run says what it would destroy and how that is confirmed.
func (a *App) Purge(request coordinator.PurgeRequest) (json.RawMessage, error) {
	return ask(a, "purge", func(ctx context.Context, e engine) (coordinator.PurgeResult, error) {
		return e.Purge(ctx, request, a.actor())
	})
}

// Backups returns the copies that were taken before something risky.
func (a *App) Backups() (json.RawMessage, error) {
	return ask(a, "backups", func(ctx context.Context, e engine) (coordinator.Backups, error) { return e.Backups(ctx) })
}

// ProjectState says whether a project is open, which ones were, and why the last attempt to open one did not work.
func (a *App) ProjectState() (json.RawMessage, error) {
	return call(a, "project state", func() (projectState, error) {
		a.mu.RLock()
		defer a.mu.RUnlock()
		state := projectState{Open: a.current != nil, Message: a.message}
		for _, opened := range a.recent.Load() {
			state.Recent = append(state.Recent, recentProject{Root: opened.Root, Name: opened.Name})
		}
		return state, nil
	})
}

// OpenFolder asks for a folder and opens it. Nothing happens when the person cancels.
func (a *App) OpenFolder() error {
	return do(a, "open a folder", func(ctx context.Context) error {
		folder, err := a.shell.PickFolder("Open a project folder", a.startFolder())
		if err != nil || folder == "" {
			return err
		}
		if err := looksLikeProject(folder); err != nil {
			return err
		}
		return a.switchTo(ctx, folder)
	})
}

// OpenRecent opens a project that was open before.
func (a *App) OpenRecent(root string) error {
	return do(a, "open a project", func(ctx context.Context) error {
		if _, err := os.Stat(root); os.IsNotExist(err) {
			if err := a.recent.Forget(root); err != nil {
				return err
			}
			return coordinator.Errorf(coordinator.CodeNotFound, "%s is not there any more; it was taken off the list", root)
		}
		return a.switchTo(ctx, root)
	})
}

// CreateSample asks where, copies the sample project there and opens it. Nothing happens when the person cancels.
func (a *App) CreateSample() error {
	return do(a, "create the sample project", func(ctx context.Context) error {
		parent, err := a.shell.PickFolder("Where should the sample project go?", a.startFolder())
		if err != nil || parent == "" {
			return err
		}
		folder, err := createSample(a.sample, parent)
		if err != nil {
			return err
		}
		return a.switchTo(ctx, folder)
	})
}

// CloseProject closes the open project; the welcome page is next.
func (a *App) CloseProject() error {
	return do(a, "close the project", func(context.Context) error {
		err := a.leave()
		a.shell.SetTitle("Marain")
		return err
	})
}

// startFolder is where a folder dialog begins: beside the project that was open last, or at home.
func (a *App) startFolder() string {
	for _, opened := range a.recent.Load() {
		parent := filepath.Dir(opened.Root)
		if _, err := os.Stat(parent); err == nil {
			return parent
		}
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return home
}

// looksLikeProject refuses a folder that was picked by mistake, before anything is written into it.
func looksLikeProject(folder string) error {
	found, err := project.Open(folder, os.Getenv)
	if err != nil {
		return &coordinator.Error{Code: coordinator.CodeInvalid, Message: err.Error(), Details: []any{}, Cause: err}
	}
	for _, dir := range found.Dirs() {
		if _, err := os.Stat(filepath.Join(found.Root, filepath.FromSlash(dir))); err == nil {
			return nil
		}
	}
	return coordinator.Errorf(coordinator.CodeInvalid,
		"%s has neither a %s nor a %s folder: choose a project's folder, or make one of the two in it first",
		found.Name, found.SchemaDir, found.ConfigDir)
}
