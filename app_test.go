//go:build !headless

package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"marain/backend/coordinator"
	"marain/backend/event"
	"marain/backend/project"
)

// fakeEngine is an engine whose answers a test decides. What it does not define panics.
type fakeEngine struct {
	engine
	hub    *event.Hub
	status func() (coordinator.Status, error)
	closed chan struct{}
}

func newFakeEngine() *fakeEngine {
	return &fakeEngine{hub: event.NewHub(8), closed: make(chan struct{})}
}

func (f *fakeEngine) Status(context.Context) (coordinator.Status, error) { return f.status() }

func (f *fakeEngine) Subscribe(after uint64, fromNow bool) *event.Subscription {
	return f.hub.Subscribe(after, fromNow)
}

func (f *fakeEngine) Close() error {
	f.hub.Close()
	close(f.closed)
	return nil
}

// fakeShell notes what the app does to its window.
type fakeShell struct {
	picked string
	events chan event.Event

	mu       sync.Mutex
	title    string
	raised   int
	restarts int
}

var _ shell = (*fakeShell)(nil)

func newFakeShell() *fakeShell { return &fakeShell{events: make(chan event.Event, 64)} }

func (s *fakeShell) Emit(_ string, data any) {
	var e event.Event
	if json.Unmarshal(data.(json.RawMessage), &e) == nil {
		s.events <- e
	}
}

func (s *fakeShell) PickFolder(string, string) (string, error) { return s.picked, nil }

func (s *fakeShell) SetTitle(title string) { s.mu.Lock(); defer s.mu.Unlock(); s.title = title }
func (s *fakeShell) Raise()                { s.mu.Lock(); defer s.mu.Unlock(); s.raised++ }
func (s *fakeShell) Restart()              { s.mu.Lock(); defer s.mu.Unlock(); s.restarts++ }

// newTestApp returns an app that has not started, and the map of the projects that it can open, by folder.
func newTestApp(t *testing.T) (*App, *fakeShell, map[string]*fakeEngine) {
	t.Helper()
	projects := map[string]*fakeEngine{}
	native := newFakeShell()
	app := &App{
		shell: native, recent: project.Recent(t.TempDir()), sample: sampleFiles, user: "ann",
		log: slog.New(slog.DiscardHandler), ready: make(chan struct{}),
		open: func(_ context.Context, root string) (engine, error) {
			if found := projects[root]; found != nil {
				return found, nil
			}
			return nil, &coordinator.Error{Code: coordinator.CodeLocked, Message: "already open in a server"}
		},
	}
	t.Cleanup(app.stop)
	return app, native, projects
}

func (a *App) projectState(t *testing.T) projectState {
	t.Helper()
	data, err := a.ProjectState()
	if err != nil {
		t.Fatal(err)
	}
	var state projectState
	if err := json.Unmarshal(data, &state); err != nil {
		t.Fatal(err)
	}
	return state
}

func TestCallsWaitForTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app, _, projects := newTestApp(t)
		opened := newFakeEngine()
		opened.status = func() (coordinator.Status, error) { return coordinator.Status{State: "in_sync"}, nil }
		projects["/p"] = opened
		answered := make(chan error, 1)
		go func() {
			_, err := app.Status()
			answered <- err
		}()
		synctest.Wait()
		select {
		case err := <-answered:
			t.Fatalf("answered before the start: %v", err)
		default:
		}
		app.start(t.Context(), "/p")
		if err := <-answered; err != nil {
			t.Error(err)
		}
		app.stop()
	})
}

func TestStart(t *testing.T) {
	kept := t.TempDir()
	for _, test := range []struct {
		name, root, last, message string
		open                      bool
	}{
		{name: "the named project", root: "/p", open: true},
		{name: "the last project", last: kept, open: true},
		{name: "nothing to open"},
		{name: "the last project is gone", last: "/nowhere/at/all"},
		{name: "somebody else has it", root: "/q", message: "already open in a server"},
	} {
		t.Run(test.name, func(t *testing.T) {
			app, native, projects := newTestApp(t)
			projects["/p"], projects[kept] = newFakeEngine(), newFakeEngine()
			if test.last != "" {
				if err := app.recent.Remember(test.last); err != nil {
					t.Fatal(err)
				}
			}
			app.start(t.Context(), test.root)
			state := app.projectState(t)
			if state.Open != test.open || state.Message != test.message {
				t.Errorf("open %v, message %q, want %v, %q", state.Open, state.Message, test.open, test.message)
			}
			if test.open && !strings.HasPrefix(native.title, "Marain — ") {
				t.Errorf("the title is %q", native.title)
			}
		})
	}
}

func TestPanicsAreErrors(t *testing.T) {
	app, _, projects := newTestApp(t)
	broken := newFakeEngine()
	broken.status = func() (coordinator.Status, error) { panic("oh no") }
	projects["/p"] = broken
	app.start(t.Context(), "/p")
	_, err := app.Status()
	if found, ok := errors.AsType[*coordinator.Error](err); !ok || found.Code != coordinator.CodeInternal {
		t.Errorf("a panic became %v", err)
	}
	if _, err := app.Status(); err == nil {
		t.Error("the second call did not fail as the first")
	}
}

func TestPanicWhileOpening(t *testing.T) {
	app, _, _ := newTestApp(t)
	app.open = func(context.Context, string) (engine, error) { panic("oh no") }
	app.start(t.Context(), "/p")
	if state := app.projectState(t); state.Open || !strings.Contains(state.Message, "oh no") {
		t.Errorf("the welcome page says %+v", state)
	}
}

func TestNoProject(t *testing.T) {
	app, _, _ := newTestApp(t)
	app.start(t.Context(), "")
	_, err := app.Status()
	if found, ok := errors.AsType[*coordinator.Error](err); !ok || found.Code != coordinator.CodeNotFound {
		t.Errorf("without a project: %v", err)
	}
}

func TestAnswersHaveNoNullLists(t *testing.T) {
	app, _, projects := newTestApp(t)
	opened := newFakeEngine()
	opened.status = func() (coordinator.Status, error) { return coordinator.Status{}, nil }
	projects["/p"] = opened
	app.start(t.Context(), "/p")
	data, err := app.Status()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), `"pending_changes":[]`) {
		t.Errorf("the status is %s", data)
	}
	if state, err := app.ProjectState(); err != nil || strings.Contains(string(state), "null") {
		t.Errorf("the project state is %s, %v", state, err)
	}
}

func TestSwitchKeepsTheOldProjectOnFailure(t *testing.T) {
	app, _, projects := newTestApp(t)
	first, second := newFakeEngine(), newFakeEngine()
	first.status = func() (coordinator.Status, error) { return coordinator.Status{State: "first"}, nil }
	projects["/first"] = first
	app.start(t.Context(), "/first")
	if err := app.switchTo(t.Context(), "/second"); err == nil {
		t.Fatal("a project that cannot be opened was opened")
	}
	if data, err := app.Status(); err != nil || !strings.Contains(string(data), "first") {
		t.Errorf("after the failure: %s, %v", data, err)
	}
	projects["/second"] = second
	if err := app.switchTo(t.Context(), "/second"); err != nil {
		t.Fatal(err)
	}
	<-first.closed
	if err := app.switchTo(t.Context(), "/second"); err != nil {
		t.Errorf("opening what is open: %v", err)
	}
}

func TestClosingWaitsForCalls(t *testing.T) {
	app, _, projects := newTestApp(t)
	slow, begun, finish := newFakeEngine(), make(chan struct{}), make(chan struct{})
	slow.status = func() (coordinator.Status, error) {
		close(begun)
		<-finish
		return coordinator.Status{}, nil
	}
	projects["/p"] = slow
	app.start(t.Context(), "/p")
	var calls sync.WaitGroup
	calls.Go(func() { _, _ = app.Status() })
	<-begun
	calls.Go(func() { _ = app.CloseProject() })
	for app.mu.TryRLock() { // until closing asks for the lock
		app.mu.RUnlock()
		runtime.Gosched()
	}
	select {
	case <-slow.closed:
		t.Error("the engine was closed under a call")
	default:
	}
	close(finish)
	calls.Wait()
	<-slow.closed
}

func TestEventsArriveInOrder(t *testing.T) {
	app, native, projects := newTestApp(t)
	opened := newFakeEngine()
	projects["/p"] = opened
	app.start(t.Context(), "/p")
	for range 5 {
		opened.hub.Publish(event.Changes, 1, nil)
	}
	var before uint64
	for range 5 {
		e := <-native.events
		if e.Type != event.Changes || e.Seq <= before {
			t.Errorf("event %d of type %s after %d", e.Seq, e.Type, before)
		}
		before = e.Seq
	}
}

func TestSecondStart(t *testing.T) {
	app, native, projects := newTestApp(t)
	projects["/first"], projects["/second"] = newFakeEngine(), newFakeEngine()
	app.start(t.Context(), "/first")
	app.raise(t.Context(), "")
	if native.raised != 1 || native.restarts != 0 {
		t.Errorf("raised %d times, restarted %d times", native.raised, native.restarts)
	}
	app.raise(t.Context(), "/second")
	if native.raised != 2 || native.restarts != 1 || native.title != "Marain — second" {
		t.Errorf("raised %d times, restarted %d times, the title is %q", native.raised, native.restarts, native.title)
	}
}

func TestFormatError(t *testing.T) {
	for _, test := range []struct {
		name string
		err  error
		want string
	}{
		{"coded", coordinator.Errorf(coordinator.CodeStale, "old"), `{"code":"stale","message":"old","details":[]}`},
		{"without details", &coordinator.Error{Code: coordinator.CodeBlocked, Message: "x"}, `{"code":"blocked","message":"x","details":[]}`},
		{"any other", errors.New("disk"), `{"code":"internal","message":"disk","details":[]}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := formatError(test.err); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestOpenFolder(t *testing.T) {
	app, native, projects := newTestApp(t)
	app.start(t.Context(), "")
	if err := app.OpenFolder(); err != nil {
		t.Errorf("cancelled: %v", err)
	}
	native.picked = t.TempDir()
	if err := app.OpenFolder(); err == nil || !strings.Contains(err.Error(), "schemas") {
		t.Errorf("a folder that is no project: %v", err)
	}
	if err := os.Mkdir(filepath.Join(native.picked, "schemas"), 0o755); err != nil {
		t.Fatal(err)
	}
	projects[native.picked] = newFakeEngine()
	if err := app.OpenFolder(); err != nil {
		t.Error(err)
	}
	state := app.projectState(t)
	if !state.Open || len(state.Recent) != 1 || state.Recent[0].Root != native.picked {
		t.Errorf("afterwards: %+v", state)
	}
}

func TestOpenRecentThatIsGone(t *testing.T) {
	app, _, _ := newTestApp(t)
	gone := filepath.Join(t.TempDir(), "gone")
	if err := app.recent.Remember(gone); err != nil {
		t.Fatal(err)
	}
	app.start(t.Context(), "")
	if err := app.OpenRecent(gone); err == nil {
		t.Error("a folder that is gone was opened")
	}
	if state := app.projectState(t); len(state.Recent) != 0 {
		t.Errorf("it is still on the list: %+v", state.Recent)
	}
}

func TestCreateSample(t *testing.T) {
	app, native, projects := newTestApp(t)
	app.start(t.Context(), "")
	native.picked = t.TempDir()
	for _, name := range []string{"marain-sample", "marain-sample-2"} {
		folder := filepath.Join(native.picked, name)
		projects[folder] = newFakeEngine()
		if err := app.CreateSample(); err != nil {
			t.Fatal(err)
		}
		if native.title != "Marain — "+name {
			t.Errorf("the title is %q, want %s in it", native.title, name)
		}
		sameFiles(t, sampleFiles, os.DirFS(folder))
	}
}

func sameFiles(t *testing.T, want, got fs.FS) {
	t.Helper()
	err := fs.WalkDir(want, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		before, err := fs.ReadFile(want, path)
		if err != nil {
			return err
		}
		after, err := fs.ReadFile(got, path)
		if err == nil && string(before) != string(after) {
			t.Errorf("%s differs", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// The page and the program must agree on what is bound.
func TestBindingsMatchThePage(t *testing.T) {
	source, err := os.ReadFile("frontend/src/lib/backend/wails.ts")
	if err != nil {
		t.Fatal(err)
	}
	_, body, found := strings.Cut(string(source), "export interface App {")
	body, _, closed := strings.Cut(body, "\n}")
	if !found || !closed {
		t.Fatal("the page has no interface App")
	}
	var page, bound []string
	for _, match := range regexp.MustCompile(`(?m)^\s+(\w+)\(([^)]*)\)`).FindAllStringSubmatch(body, -1) {
		page = append(page, match[1])
		method, ok := reflect.TypeFor[*App]().MethodByName(match[1])
		if !ok {
			continue // said below
		}
		if want := len(strings.FieldsFunc(match[2], func(r rune) bool { return r == ',' })); method.Type.NumIn()-1 != want {
			t.Errorf("%s takes %d arguments, and the page gives %d", match[1], method.Type.NumIn()-1, want)
		}
	}
	for method := range reflect.TypeFor[*App]().Methods() {
		bound = append(bound, method.Name)
	}
	slices.Sort(page)
	slices.Sort(bound)
	if !slices.Equal(page, bound) {
		t.Errorf("the page calls %v\nand the program binds %v", page, bound)
	}
}
