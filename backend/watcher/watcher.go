// Package watcher turns what happens in the source folders of a project into settled batches of changed files.
//
// Events of the file system are hints only: the content's hash decides whether a file has changed. A file counts when
// it came to rest and two reads of it were equal; whatever comes to rest together is one batch. Regular rescans find
// what events missed, and where there are no events the folders are polled.
package watcher

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"marain/backend/project"

	"github.com/fsnotify/fsnotify"
)

// What a watcher does when its options say nothing else.
const (
	DefaultQuiet       = 20 * time.Millisecond
	DefaultMaxWait     = 200 * time.Millisecond
	DefaultShrinkWait  = 200 * time.Millisecond
	DefaultVanishWait  = 500 * time.Millisecond
	DefaultRescanEvery = time.Minute
	DefaultPollEvery   = time.Second
)

const (
	retryEvery = time.Minute      // how often a watcher that polls asks for events again
	busyLimit  = 30 * time.Second // how long another program may keep everything waiting
	restPause  = 100 * time.Millisecond
)

// Options say what to watch, and how patiently.
type Options struct {
	Files *project.Files
	Root  string                 // the project's folder, absolute
	Dirs  []string               // the source folders, relative to Root, with forward slashes
	Match func(path string) bool // which files count, by their path relative to Root

	Quiet       time.Duration // without events for this long, a file is at rest
	MaxWait     time.Duration // files at rest wait this long for others that are not
	ShrinkWait  time.Duration // a file that became shorter in place may be half written
	VanishWait  time.Duration // a file that is gone may be on its way back
	RescanEvery time.Duration // everything is read again this often
	PollEvery   time.Duration // and this often without events

	// Busy reports whether another program is in the middle of changing many files; everything waits for it, at most
	// 30 seconds. The default asks whether git holds its lock on the work tree.
	Busy   func() bool
	Logger *slog.Logger // default: none
}

// Batch is what came to rest together.
type Batch struct {
	Files    []project.File // what differs from what was delivered before, sorted by path; Exists is false for what vanished
	Missing  []string       // source folders that are gone; nothing is said about the files in them
	Full     bool           // the batch holds every file there is: the first one
	Detected time.Time      // when the first sign of it was seen
}

// The names of states.
const (
	Watching    = "watching"    // events arrive
	Polling     = "polling"     // there are no events: files are read every so often
	Degraded    = "degraded"    // events were lost, and what they were about is still being looked for
	Unavailable = "unavailable" // a source folder is gone
	Off         = "off"         // not open
)

// State says how changes are noticed now.
type State struct {
	Name      string
	Message   string // why, in words for a person; empty when all is well
	Folders   []string
	Files     int       // how many are known
	LastEvent time.Time // the last sign of a change; zero before the first
}

// Watcher watches the source folders of one project. Its methods are safe for concurrent use.
type Watcher struct {
	options Options
	backend backend
	log     *slog.Logger

	batches chan Batch
	changed chan struct{}
	ask     chan struct{}
	knows   chan struct{} // has a value when the consumer has read files itself
	inbox   *inbox

	mu        sync.Mutex
	known     map[string]known
	overtaken map[string]bool // what the consumer has read itself since the newest batch was made
	state     State
	first     bool    // the first batch is delivered
	tuning    *tuning // nil when there is none to take over
	cancel    context.CancelFunc
	done      sync.WaitGroup
}

// backend is what the watcher needs from the system, and what tests put something else in place of.
type backend struct {
	notifier   func() (notifier, error)
	remote     func(dir string) string // the kind of a file system without reliable events, or nothing
	retryEvery time.Duration
	busyLimit  time.Duration
	gate       func() // runs before each event is taken
	step       func() // runs before each step of the loop
}

// known is what the consumer has of a file.
type known struct {
	file project.File // without Data
	size int
}

// New returns a watcher that is off.
func New(options Options) *Watcher {
	defaults := []struct {
		value *time.Duration
		of    time.Duration
	}{
		{&options.Quiet, DefaultQuiet},
		{&options.MaxWait, DefaultMaxWait},
		{&options.ShrinkWait, DefaultShrinkWait},
		{&options.VanishWait, DefaultVanishWait},
		{&options.RescanEvery, DefaultRescanEvery},
		{&options.PollEvery, DefaultPollEvery},
	}
	for _, d := range defaults {
		if *d.value <= 0 {
			*d.value = d.of
		}
	}
	if options.Busy == nil {
		options.Busy = gitBusy(options.Root)
	}
	log := options.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	options.Dirs = slices.Clone(options.Dirs)
	return &Watcher{
		options: options,
		backend: backend{notifier: newNotifier, remote: remoteFileSystem, retryEvery: retryEvery, busyLimit: busyLimit, gate: func() {}, step: func() {}},
		log:     log,
		batches: make(chan Batch),
		changed: make(chan struct{}, 1),
		ask:     make(chan struct{}, 1),
		inbox:   newInbox(),
		knows:   make(chan struct{}, 1),
		known:   map[string]known{}, overtaken: map[string]bool{},
		state: State{Name: Off, Folders: options.Dirs},
	}
}

// Open starts watching. The first batch follows soon. It ends when the context does, or with Close.
func (w *Watcher) Open(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cancel != nil {
		return errors.New("the watcher was opened before")
	}
	if w.options.Files == nil || w.options.Match == nil || w.options.Root == "" {
		return errors.New("the watcher needs files, a root and a match")
	}
	ctx, w.cancel = context.WithCancel(ctx)
	w.done.Go(func() {
		defer close(w.batches)
		defer w.setState(Off, "")
		w.supervise(ctx)
	})
	return nil
}

// supervise runs the loop, and starts it again when it dies.
func (w *Watcher) supervise(ctx context.Context) {
	for ctx.Err() == nil {
		reason := w.runLoop(ctx)
		if ctx.Err() != nil {
			return
		}
		w.log.Error("the watcher stopped and is started again", slog.Any("reason", reason))
		w.setState(Degraded, "watching stopped and is being started again")
		select {
		case <-ctx.Done():
		case <-time.After(restPause):
		}
	}
}

// runLoop runs one life of the loop and returns why it ended.
func (w *Watcher) runLoop(ctx context.Context) (reason any) {
	loop := newLoop(w)
	defer loop.close()
	defer func() {
		if r := recover(); r != nil {
			reason = r
		}
	}()
	return loop.run(ctx)
}

// Batches is where batches arrive. It is closed when the watcher ends. While nobody takes a batch, the next ones
// gather.
func (w *Watcher) Batches() <-chan Batch { return w.batches }

// Rescan asks for a look at every file now. What differs arrives as a batch.
func (w *Watcher) Rescan() {
	select {
	case w.ask <- struct{}{}:
	default: // it is asked for already
	}
}

// Known tells the watcher what the consumer has read itself, so that it is not reported again. A batch that waits to
// be taken loses these files too, because it may hold older ones. They are looked at once more soon, in case they have
// changed since the consumer read them.
func (w *Watcher) Known(files []project.File) {
	w.mu.Lock()
	var news []string
	for _, file := range files {
		if !w.has(file.Path).Same(file) {
			news = append(news, file.Path)
		}
		w.record(file)
		w.overtaken[file.Path] = true
	}
	w.state.Files = len(w.known)
	w.mu.Unlock()
	for _, path := range news {
		w.inbox.put(fsnotify.Event{Name: filepath.Join(w.options.Root, filepath.FromSlash(path)), Op: fsnotify.Chmod})
	}
	select {
	case w.knows <- struct{}{}:
	default: // it will look anyway
	}
}

// Fresh returns a batch without the files that the consumer has read itself since the batch was made: what it read may
// be newer. In the first batch, which holds every file, they are read again. A consumer that also reads files on its
// own asks, under the same lock as its reading, before it uses a batch that it has taken.
func (w *Watcher) Fresh(batch Batch) Batch {
	w.mu.Lock()
	defer w.mu.Unlock()
	batch.Files = w.overtake(batch, func(file project.File) bool { return !w.has(file.Path).Same(file) })
	return batch
}

// overtake returns the files of a batch without those that are overtaken; in the first batch, which holds every file,
// these are read again. The caller holds the lock.
func (w *Watcher) overtake(batch Batch, overtaken func(project.File) bool) []project.File {
	files := make([]project.File, 0, len(batch.Files))
	for _, file := range batch.Files {
		if overtaken(file) {
			if file = w.options.Files.Read(file.Path); !batch.Full || !file.Exists {
				continue
			}
			w.record(file)
		}
		files = append(files, file)
	}
	return files
}

// has returns what the consumer has of a file. The caller holds the lock.
func (w *Watcher) has(path string) project.File {
	if k, ok := w.known[path]; ok {
		return k.file
	}
	return project.File{Path: path}
}

// Tune changes how patient the watcher is, from now on. Zero keeps what was.
func (w *Watcher) Tune(quiet, maxWait, rescanEvery time.Duration) {
	w.mu.Lock()
	w.tuning = &tuning{quiet: quiet, maxWait: maxWait, rescanEvery: rescanEvery}
	w.mu.Unlock()
	w.inbox.signal()
}

// tuning is a change of the times.
type tuning struct{ quiet, maxWait, rescanEvery time.Duration }

// record notes what the consumer has. The caller holds the lock.
func (w *Watcher) record(file project.File) {
	if !file.Exists {
		delete(w.known, file.Path)
		return
	}
	size := len(file.Data)
	file.Data = nil
	w.known[file.Path] = known{file: file, size: size}
}

// base returns what the consumer has of a file.
func (w *Watcher) base(path string) known {
	w.mu.Lock()
	defer w.mu.Unlock()
	if k, ok := w.known[path]; ok {
		return k
	}
	return known{file: project.File{Path: path}}
}

// State returns the present state.
func (w *Watcher) State() State {
	w.mu.Lock()
	defer w.mu.Unlock()
	state := w.state
	state.Folders = slices.Clone(state.Folders)
	return state
}

// Changed receives a value after the state's name or message changed, one for several changes in a row.
func (w *Watcher) Changed() <-chan struct{} { return w.changed }

// setState notes how changes are noticed now, and announces it when it is new.
func (w *Watcher) setState(name, message string) {
	w.mu.Lock()
	same := w.state.Name == name && w.state.Message == message
	w.state.Name, w.state.Message, w.state.Files = name, message, len(w.known)
	w.mu.Unlock()
	if same {
		return
	}
	select {
	case w.changed <- struct{}{}:
	default: // somebody will look anyway
	}
}

// Close ends watching and waits for it. It may be called again.
func (w *Watcher) Close() error {
	w.mu.Lock()
	cancel := w.cancel
	w.mu.Unlock()
	if cancel != nil {
		cancel()
	}
	w.done.Wait()
	return nil
}
