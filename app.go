//go:build !headless

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"

	"marain/backend/action"
	"marain/backend/api"
	"marain/backend/coordinator"
	"marain/backend/event"
	"marain/backend/project"
)

// engine is what the window needs of an open project.
type engine interface {
	Status(ctx context.Context) (coordinator.Status, error)
	Diff(ctx context.Context, request coordinator.DiffRequest) (action.Plan, error)
	Reload(ctx context.Context, request coordinator.ReloadRequest, actor coordinator.Actor) (coordinator.ApplyResult, error)
	History(ctx context.Context, request coordinator.HistoryRequest) (coordinator.History, error)
	Batch(ctx context.Context, actionID string, againstNow bool) (coordinator.Batch, error)
	Rollback(ctx context.Context, request coordinator.RollbackRequest, actor coordinator.Actor) (coordinator.ApplyResult, error)
	Cancel(ctx context.Context, request coordinator.CancelRequest, actor coordinator.Actor) (coordinator.CancelResult, error)
	Reject(ctx context.Context, request coordinator.RejectRequest, actor coordinator.Actor) (coordinator.RejectResult, error)
	Drift(ctx context.Context) (coordinator.Drift, error)
	Repair(ctx context.Context, request coordinator.RepairRequest, actor coordinator.Actor) (coordinator.ApplyResult, error)
	Adopt(ctx context.Context, request coordinator.AdoptRequest, actor coordinator.Actor) (coordinator.ApplyResult, error)
	Drafts(ctx context.Context) ([]coordinator.Draft, error)
	RestoreDraft(ctx context.Context, id string, actor coordinator.Actor) (coordinator.Draft, error)
	Tombstones(ctx context.Context) (coordinator.Tombstones, error)
	Purge(ctx context.Context, request coordinator.PurgeRequest, actor coordinator.Actor) (coordinator.PurgeResult, error)
	Backups(ctx context.Context) (coordinator.Backups, error)
	Subscribe(after uint64, fromNow bool) *event.Subscription
	Close() error
}

// shell is the native side of the window. Its methods may be called from any goroutine once the window has started.
type shell interface {
	Emit(name string, data any)                   // sends an event to the page
	PickFolder(title, dir string) (string, error) // asks for a folder; empty when the person cancels
	SetTitle(title string)                        // of the window
	Raise()                                       // brings the window to the front
	Restart()                                     // loads the page afresh
}

// eventName is the one event that the page listens to.
const eventName = "marain"

// App is what the page can call: every exported method is bound. Each of them waits until the start has decided which
// project is open, recovers from panics (a panic would leave the page waiting for ever) and answers with JSON, with
// errors as text that holds {code, message, details}. They may be called concurrently.
type App struct {
	open   func(ctx context.Context, root string) (engine, error)
	shell  shell
	recent *project.RecentList
	sample fs.FS
	user   string
	log    *slog.Logger

	ready     chan struct{} // closed once the start has decided what to show
	readyOnce sync.Once

	switching sync.Mutex   // one project is opened or closed at a time
	mu        sync.RWMutex // held for reading while a call is in the engine, so that nothing closes under it
	current   *session     // nil: no project is open
	message   string       // why the last attempt to open one did not work
}

// session is one open project.
type session struct {
	engine
	root      string
	name      string
	forwarded sync.WaitGroup
}

// projectState is the JSON of [App.ProjectState].
type projectState struct {
	Open    bool            `json:"open"`
	Recent  []recentProject `json:"recent"`
	Message string          `json:"message"`
}

type recentProject struct {
	Root string `json:"root"`
	Name string `json:"name"`
}

// start opens the project of the command line, or else the one that was open last, and lets the page's calls in. A
// project that cannot be opened leaves its reason for the welcome page.
func (a *App) start(ctx context.Context, root string) {
	defer a.readyOnce.Do(func() { close(a.ready) })
	if root == "" {
		last := a.recent.Load()
		if len(last) == 0 {
			return
		}
		root = last[0].Root
		if _, err := os.Stat(root); err != nil {
			return // it was moved away; the welcome page shows the others
		}
	}
	a.tryOpen(ctx, root)
}

// tryOpen opens a project that nobody on the page asked for; the welcome page says why it did not work.
func (a *App) tryOpen(ctx context.Context, root string) {
	err := safely(func() error { return a.switchTo(ctx, root) })
	if err == nil {
		return
	}
	a.log.Error("open the project", "root", root, "error", err)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.message = err.Error()
}

// safely turns a panic into an error: it must not take the window along.
func safely(deed func() error) (err error) {
	defer func() {
		if thrown := recover(); thrown != nil {
			err = fmt.Errorf("the project could not be opened, which is a fault of this program: %v", thrown)
		}
	}()
	return deed()
}

// stop closes the project when the window goes, after the calls that are under way.
func (a *App) stop() {
	if err := a.leave(); err != nil {
		a.log.Error("close the project", "error", err)
	}
}

// switchTo opens a project and closes the one before it. When it cannot be opened, the one before stays.
func (a *App) switchTo(ctx context.Context, root string) error {
	a.switching.Lock()
	defer a.switching.Unlock()
	root, err := filepath.Abs(root)
	if err != nil {
		return fmt.Errorf("project folder: %w", err)
	}
	a.mu.RLock()
	same := a.current != nil && a.current.root == root
	a.mu.RUnlock()
	if same {
		return nil
	}
	opened, err := a.open(ctx, root)
	if err != nil {
		return err
	}
	next := &session{engine: opened, root: root, name: filepath.Base(root)}
	before := a.swap(next)
	a.forward(next)
	a.shell.SetTitle("Marain — " + next.name)
	if err := a.recent.Remember(root); err != nil {
		a.log.Warn("remember the project", "error", err) // it only makes the next start less comfortable
	}
	return before.end()
}

// leave closes the open project, if there is one.
func (a *App) leave() error {
	a.switching.Lock()
	defer a.switching.Unlock()
	before := a.swap(nil)
	if before == nil {
		return nil
	}
	return before.end()
}

// swap makes a session the current one once no call is in the engine, and returns the one before.
func (a *App) swap(next *session) *session {
	a.mu.Lock()
	defer a.mu.Unlock()
	before := a.current
	a.current, a.message = next, ""
	return before
}

// end closes a session's engine and waits for its events to be passed on.
func (s *session) end() error {
	if s == nil {
		return nil
	}
	err := s.Close()
	s.forwarded.Wait()
	if err != nil {
		return fmt.Errorf("close the project %s: %w", s.name, err)
	}
	return nil
}

// forward passes a session's events to the page until the engine is closed.
func (a *App) forward(s *session) {
	subscription := s.Subscribe(0, true)
	s.forwarded.Go(func() {
		for {
			reset := false
			for e := range subscription.C() {
				reset = e.Type == event.Reset
				a.emit(e)
			}
			if !reset {
				return // the engine was closed
			}
			subscription = s.Subscribe(0, true) // the page was too slow; the reset told it to fetch everything again
		}
	})
}

func (a *App) emit(e event.Event) {
	data, err := api.Marshal(e)
	if err != nil {
		a.log.Error("encode an event", "type", e.Type, "error", err)
		return
	}
	a.shell.Emit(eventName, json.RawMessage(data))
}

// raise brings the window to the front because the program was started again, and opens the project that was asked for
// then, if any.
func (a *App) raise(ctx context.Context, root string) {
	<-a.ready
	a.shell.Raise()
	if root == "" {
		return
	}
	a.tryOpen(ctx, root)
	a.shell.Restart()
}

// call answers a call that needs no open project.
func call[T any](a *App, what string, answer func() (T, error)) (result json.RawMessage, err error) {
	defer func() {
		if thrown := recover(); thrown != nil {
			a.log.Error("a call from the page panicked", "call", what, "panic", thrown, "stack", string(debug.Stack()))
			result, err = nil, coordinator.Errorf(coordinator.CodeInternal, "%s ended unexpectedly; the log says more", what)
		}
	}()
	<-a.ready
	value, err := answer()
	if err != nil {
		return nil, err
	}
	return api.Marshal(value)
}

// ask answers a call with the engine of the open project.
func ask[T any](a *App, what string, question func(ctx context.Context, e engine) (T, error)) (json.RawMessage, error) {
	return call(a, what, func() (answer T, err error) {
		a.mu.RLock()
		defer a.mu.RUnlock()
		if a.current == nil {
			return answer, coordinator.Errorf(coordinator.CodeNotFound, "no project is open")
		}
		return question(context.Background(), a.current.engine)
	})
}

// do answers a call that has no result.
func do(a *App, what string, deed func(ctx context.Context) error) error {
	_, err := call(a, what, func() (any, error) { return nil, deed(context.Background()) })
	return err
}

func (a *App) actor() coordinator.Actor {
	return coordinator.Actor{Name: a.user, Door: "window"}
}

// formatError turns an error into the text that the page reads: JSON {code, message, details}. An object would arrive
// as "[object Object]". A person at the window may read the project and its log, so the text of any error is shown.
func formatError(err error) any {
	found, ok := errors.AsType[*coordinator.Error](err)
	if !ok {
		found = coordinator.Errorf(coordinator.CodeInternal, "%s", err)
	}
	data, err := api.Marshal(found)
	if err != nil {
		return fmt.Sprintf(`{"code":"internal","message":%q,"details":[]}`, "the error cannot be shown")
	}
	return string(data)
}
