package watcher

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// More events than the operating system keeps: everything is looked at, and the state says so meanwhile.
func TestOverflow(t *testing.T) {
	const events, count = 30_000, 300 // far more than the usual queue of 16,384 and what is read ahead of it
	r := prepare(t, map[string]string{"schemas/a.yaml": "a", "schemas/b.yaml": "b"}, nil)
	var stalled atomic.Bool
	gate := make(chan struct{})
	r.watcher.backend.gate = func() {
		if stalled.Load() {
			<-gate
		}
	}
	r.start()
	stalled.Store(true)
	for n := range events {
		// In turns, because the operating system counts an event that repeats the one before once.
		r.must(os.Chmod(r.full([]string{"schemas/a.yaml", "schemas/b.yaml"}[n%2]), 0o644))
	}
	// Nothing tells of these any more.
	want := map[string]string{"schemas/a.yaml": "a2"}
	for n := range count {
		path := fmt.Sprintf("schemas/new%d/e%03d.yaml", n%3, n)
		want[path] = text(n)
		r.write(path, text(n))
	}
	r.must(os.Remove(r.full("schemas/b.yaml")))
	r.save("schemas/a.yaml", "a2")
	stalled.Store(false)
	close(gate)
	state := r.becomes(Degraded)
	if want := "file events were lost; every file is being looked at"; state.Message != want {
		t.Errorf("the state says %q, want %q", state.Message, want)
	}
	r.settle(want)
	r.becomes(Watching)
	r.save("schemas/new1/e001.yaml", "seen")
	wantNames(t, r.next(), "schemas/new1/e001.yaml")
}

// exhausted is set in the child process that uses up the events of a user of its own.
const exhausted = "MARAIN_TEST_EXHAUST"

// With all of the system's event queues used up, the folders are polled, and events are used as soon as there are some.
func TestNoEventsLeft(t *testing.T) {
	t.Parallel()
	if os.Getenv(exhausted) != "" {
		exhaust(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestNoEventsLeft$", "-test.v")
	cmd.Env = append(os.Environ(), exhausted+"=1", "TMPDIR="+open777(t))
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestNoEventsLeft") {
		t.Fatalf("%v\n%s", err, out)
	}
}

// open777 makes a folder for temporary files that every user can use.
func open777(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "marain-exhaust-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// exhaust runs in the child. The limit counts by user: root becomes another one, so that nobody else runs short.
func exhaust(t *testing.T) {
	if os.Getuid() == 0 {
		if err := syscall.Setuid(60_000 + os.Getpid()%5_000); err != nil {
			t.Fatal(err)
		}
	}
	var taken []*fsnotify.Watcher
	for len(taken) < 10_000 {
		w, err := fsnotify.NewWatcher()
		if err != nil {
			t.Logf("after %d: %v", len(taken), err)
			break
		}
		taken = append(taken, w)
	}
	r := prepare(t, map[string]string{"schemas/a.yaml": "a"}, func(o *Options) { o.PollEvery = 100 * time.Millisecond })
	r.watcher.backend.retryEvery = 300 * time.Millisecond
	r.start()
	state := r.becomes(Polling)
	if !strings.Contains(state.Message, "no file events left") || !strings.Contains(state.Message, "too many open files") {
		t.Errorf("the state says %q", state.Message)
	}
	r.save("schemas/a.yaml", "a2")
	wantNames(t, r.next(), "schemas/a.yaml")
	r.write("schemas/new/b.yaml", "b")
	r.settle(map[string]string{"schemas/a.yaml": "a2", "schemas/new/b.yaml": "b"})
	r.must(os.RemoveAll(r.full("schemas/new")))
	wantNames(t, r.next(), "-schemas/new/b.yaml")
	for _, w := range taken {
		r.must(w.Close())
	}
	r.becomes(Watching)
	r.watcher.Rescan()
	r.save("schemas/a.yaml", "a3")
	r.settle(map[string]string{"schemas/a.yaml": "a3"})
}

// fake is a source of events that a test makes.
type fake struct {
	events chan fsnotify.Event
	errors chan error
	add    func(path string) error
	once   sync.Once
}

var _ notifier = (*fake)(nil)

// newFake returns a source without events.
func newFake() *fake {
	return &fake{events: make(chan fsnotify.Event), errors: make(chan error), add: func(string) error { return nil }}
}

// Add watches a folder, or not.
func (f *fake) Add(path string) error { return f.add(path) }

// Remove gives a folder up.
func (f *fake) Remove(string) error { return fsnotify.ErrNonExistentWatch }

// Events is where events arrive.
func (f *fake) Events() <-chan fsnotify.Event { return f.events }

// Errors is where errors arrive.
func (f *fake) Errors() <-chan error { return f.errors }

// Close ends both.
func (f *fake) Close() error {
	f.once.Do(func() { close(f.events); close(f.errors) })
	return nil
}

// A folder that cannot be watched, because the system has no watches left, makes everything be polled.
func TestNoWatchesLeft(t *testing.T) {
	t.Parallel()
	r := prepare(t, map[string]string{"schemas/deep/a.yaml": "a"}, func(o *Options) { o.PollEvery = 100 * time.Millisecond })
	var tries atomic.Int32
	r.watcher.backend.retryEvery = 500 * time.Millisecond
	r.watcher.backend.notifier = func() (notifier, error) {
		if tries.Add(1) > 2 {
			return newNotifier()
		}
		f := newFake()
		f.add = func(path string) error {
			if filepath.Base(path) == "deep" {
				return os.NewSyscallError("inotify_add_watch", syscall.ENOSPC)
			}
			return nil
		}
		return f, nil
	}
	r.start()
	if state := r.becomes(Polling); !strings.Contains(state.Message, "watching schemas/deep: ") {
		t.Errorf("the state says %q", state.Message)
	}
	r.save("schemas/deep/a.yaml", "a2")
	wantNames(t, r.next(), "schemas/deep/a.yaml")
	r.becomes(Watching)
	if n := tries.Load(); n != 3 {
		t.Errorf("events were asked for %d times, want 3", n)
	}
	r.save("schemas/deep/a.yaml", "a3")
	wantNames(t, r.next(), "schemas/deep/a.yaml")
}

// Where changes come without events, regular looks find them, and then more often.
func TestNoEvents(t *testing.T) {
	t.Parallel()
	r := prepare(t, map[string]string{"schemas/a.yaml": "a"}, func(o *Options) { o.RescanEvery, o.PollEvery = 200*time.Millisecond, 50*time.Millisecond })
	r.watcher.backend.notifier = func() (notifier, error) { return newFake(), nil }
	r.start()
	r.becomes(Watching)
	for n := range 3 {
		r.save("schemas/a.yaml", text(n))
		wantNames(t, r.next(), "schemas/a.yaml")
	}
	if state := r.becomes(Polling); state.Message != "files change here without an event" {
		t.Errorf("the state says %q", state.Message)
	}
	r.save("schemas/a.yaml", "last")
	wantNames(t, r.next(), "schemas/a.yaml")
}

// On a file system that other machines change too, the folders are polled from the start.
func TestRemoteFileSystem(t *testing.T) {
	t.Parallel()
	r := prepare(t, map[string]string{"schemas/a.yaml": "a"}, func(o *Options) { o.PollEvery = 50 * time.Millisecond })
	r.watcher.backend.notifier = func() (notifier, error) { return newFake(), nil }
	r.watcher.backend.remote = func(string) string { return "NFS" }
	r.start()
	if state := r.becomes(Polling); state.Message != "the project lies on NFS, which does not tell of every change" {
		t.Errorf("the state says %q", state.Message)
	}
	r.save("schemas/a.yaml", "a2")
	wantNames(t, r.next(), "schemas/a.yaml")
	if kind := remoteFileSystem(t.TempDir()); kind != "" {
		t.Errorf("the folder for temporary files is said to lie on %s", kind)
	}
}

// Events that end are asked for again, and what happened meanwhile is found.
func TestEventsEnd(t *testing.T) {
	t.Parallel()
	r := prepare(t, map[string]string{"schemas/a.yaml": "a"}, nil)
	first := newFake()
	var tries atomic.Int32
	r.watcher.backend.notifier = func() (notifier, error) {
		if tries.Add(1) == 1 {
			return first, nil
		}
		return newNotifier()
	}
	r.start()
	r.save("schemas/a.yaml", "a2") // nobody tells
	r.must(first.Close())
	wantNames(t, r.next(), "schemas/a.yaml")
	r.becomes(Watching)
	r.save("schemas/a.yaml", "a3")
	wantNames(t, r.next(), "schemas/a.yaml")
	r.quiet()
	if n := tries.Load(); n != 2 {
		t.Errorf("events were asked for %d times, want 2", n)
	}
}

// A loop or a drain that dies is started again, and what happened meanwhile is found.
func TestSupervisor(t *testing.T) {
	for _, part := range []string{"loop", "drain"} {
		t.Run(part, func(t *testing.T) {
			t.Parallel()
			r := prepare(t, map[string]string{"schemas/a.yaml": "a"}, nil)
			var deaths atomic.Int32
			die := func() {
				if deaths.Load() > 0 && deaths.Add(-1) >= 0 {
					panic("killed by the test")
				}
			}
			if part == "loop" {
				r.watcher.backend.step = die
			} else {
				r.watcher.backend.gate = die
			}
			r.start()
			for n := range 3 {
				deaths.Store(1)
				r.save("schemas/a.yaml", text(n))
				wantNames(t, r.next(), "schemas/a.yaml")
				r.save("schemas/a.yaml", text(n+100))
				wantNames(t, r.next(), "schemas/a.yaml")
				if deaths.Load() != 0 {
					t.Error("nothing was killed")
				}
			}
			r.becomes(Watching)
			r.quiet()
		})
	}
}

// A look that fails does not make files vanish; the state says why, and it is tried again.
func TestLookFails(t *testing.T) {
	t.Parallel()
	r := prepare(t, map[string]string{"schemas/a.yaml": "a"}, func(o *Options) { o.PollEvery = 50 * time.Millisecond })
	r.start()
	r.must(r.watcher.options.Files.Close())
	r.watcher.Rescan()
	if state := r.becomes(Degraded); !strings.Contains(state.Message, "closed") {
		t.Errorf("the state says %q", state.Message)
	}
	r.quiet()
}

func TestOpenAndClose(t *testing.T) {
	t.Parallel()
	r := prepare(t, map[string]string{"schemas/a.yaml": "a"}, nil)
	if state := r.watcher.State(); state.Name != Off {
		t.Errorf("before Open the state is %+v", state)
	}
	r.must(r.watcher.Close()) // nothing to end
	ctx, cancel := context.WithCancel(context.Background())
	r.must(r.watcher.Open(ctx))
	if err := r.watcher.Open(ctx); err == nil {
		t.Error("it can be opened twice")
	}
	r.next()
	cancel()
	if b, open := <-r.watcher.Batches(); open {
		t.Errorf("got %+v after the end", b)
	}
	r.must(r.watcher.Close())
	r.must(r.watcher.Close())
	if state := r.watcher.State(); state.Name != Off {
		t.Errorf("after Close the state is %+v", state)
	}
	if err := New(Options{}).Open(context.Background()); err == nil {
		t.Error("a watcher of nothing can be opened")
	}
	// It also ends while a batch waits to be taken.
	other := prepare(t, map[string]string{"schemas/a.yaml": "a"}, nil)
	other.must(other.watcher.Open(context.Background()))
	pause(100 * time.Millisecond)
	other.must(other.watcher.Close())
}

// Nothing is delivered before two reads of it are equal, even if no event tells that it is still being written.
func TestTwoEqualReads(t *testing.T) {
	t.Parallel()
	r := prepare(t, map[string]string{"schemas/a.yaml": "a"}, func(o *Options) { o.Quiet = 300 * time.Millisecond })
	f := newFake()
	r.watcher.backend.notifier = func() (notifier, error) { return f, nil }
	r.start()
	r.write("schemas/a.yaml", "a new beginning")
	f.events <- fsnotify.Event{Name: r.full("schemas/a.yaml"), Op: fsnotify.Write}
	pause(100 * time.Millisecond) // it is read now
	r.write("schemas/a.yaml", "a new beginning and its end")
	began := time.Now()
	wantNames(t, r.next(), "schemas/a.yaml")
	if got := r.texts()["schemas/a.yaml"]; got != "a new beginning and its end" {
		t.Errorf("delivered %q", got)
	}
	if took := time.Since(began); took < 400*time.Millisecond {
		t.Errorf("delivered %s after the last write, which is no second read", took)
	}
}

// Nothing stays behind when a watcher is closed: no goroutine and no handle.
func TestNothingLeaks(t *testing.T) {
	r := prepare(t, map[string]string{"schemas/a.yaml": "a"}, nil)
	handles := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		r.must(err)
		return len(entries)
	}
	cycle := func() {
		w := New(r.watcher.options)
		r.must(w.Open(context.Background()))
		<-w.Batches()
		r.must(w.Close())
	}
	cycle() // what is made once and kept
	goroutines, before := runtime.NumGoroutine(), handles()
	for range 20 {
		cycle()
	}
	deadline := time.Now().Add(patience)
	for runtime.NumGoroutine() > goroutines && time.Now().Before(deadline) {
		runtime.Gosched() // the last ones are on their way out
	}
	if after := runtime.NumGoroutine(); after > goroutines {
		t.Errorf("%d goroutines, before there were %d", after, goroutines)
	}
	if after := handles(); after > before {
		t.Errorf("%d handles, before there were %d", after, before)
	}
}
