// Package coordinator is the only package that knows the order of the pipeline: from a saved file to a plan, from an
// approval to a transaction, and from there to a published state, written files and announced events. It is the
// facade behind every door.
package coordinator

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/document"
	"marain/backend/event"
	"marain/backend/executor"
	"marain/backend/history"
	"marain/backend/project"
	"marain/backend/state"
	"marain/backend/watcher"
)

const (
	eventsKept  = 1024                   // how many events a client that was away can catch up on
	followEvery = 500 * time.Millisecond // how often another program's batches are looked for
	checkLimit  = 2 * time.Second        // how long one check on the real rows may take, unless the options say otherwise
)

// Options say what to open and how.
type Options struct {
	Project  *project.Project
	Watch    bool   // notice saved files and apply by policy; takes the project's lock
	Door     string // who opens: window, server, command or code
	ReadOnly bool   // must not create or change anything
	Alone    bool   // refuse to open beside a window or server, and keep them out
	Address  string // where a server will answer
	Version  string // of the program
	Getenv   func(string) string
	Logger   *slog.Logger

	wrap func(database.Database) database.Database // put around the database by tests
	Now  func() time.Time                          // for what is shown, and for how long things are kept; nil is the machine's clock
	// CheckLimit is how long one check on the real rows may take before it says that nothing is proved; 0 for the usual.
	CheckLimit time.Duration
	// FollowEvery is how often another program's batches are looked for, whether or not anything tells of them; 0 for the
	// usual.
	FollowEvery time.Duration
}

// Coordinator keeps one project's running system equal to its files. It is safe for concurrent use; operations that
// plan or change something run one after another, reading the status or the snapshot never waits.
type Coordinator struct {
	options    Options
	project    *project.Project
	files      *project.Files
	loader     document.Loader
	db         database.Database
	store      *history.Store
	executor   *executor.Executor
	states     *state.Store
	hub        *event.Hub
	heads      history.Heads
	lock       *project.Lock
	watcher    *watcher.Watcher
	log        *slog.Logger
	given      bool       // the environment names the database
	place      remembered // where the project says that the database is
	recalled   bool       // the project does not say it now: it is where it was last
	acquainted bool       // it was opened from this data folder before
	scratch    string     // a folder to remove on closing

	view    atomic.Pointer[Status]
	task    atomic.Pointer[task] // the batch that is being carried out
	closing sync.Once

	rehearsals rehearsals
	closed     error

	stop context.CancelFunc
	done sync.WaitGroup

	mu         sync.Mutex
	seq        int64                         // the newest link of the audit chain that is known here
	hash       string                        // of that link, when the chain was read last
	applied    map[string]*version           // by path: what the database and memory hold
	desired    map[string]*saved             // by path: what is on disk
	missing    []string                      // source folders that are gone
	waiting    map[string]*pending           // by path: what differs, and is neither invalid nor held
	held       map[string]Held               // by path
	holds      map[string]history.Held       // by path: what a person rejected
	cross      map[string][]document.Problem // by path: what is wrong between files
	between    []document.Problem            // all that is wrong between the files on disk
	lives      map[string]action.Life
	tombs      []action.Tombstone
	origins    map[string]action.Origin
	live       liveTables // where the live tables differ from what is applied
	last       *LastResult
	lastSync   time.Time
	parsed     parsed            // the settings as they were read last
	suspect    string            // why the database cannot be trusted any more
	failing    bool              // its storage failed: only opening it again makes it trusted
	offline    bool              // it cannot be reached, and is trusted again as soon as it can
	recovered  bool              // it is trusted again, and what was saved meanwhile is still to be looked at
	rows       map[string]string // pending version rows as written: path to hash
	rowsKnown  bool
	databaseID string  // names it among those of one data folder
	looked     *sealed // the plan that was looked at last
	dirty      bool    // what is known of the database may be incomplete: read it again
	leftover   bool    // the outbox holds file writes that could not be made
	unwritten  []action.Unwritten
	purged     time.Time         // when what is old was looked for
	refused    map[string]string // by path: the content that an automatic apply must not try again
}

// version is what is applied for one file.
type version struct {
	history.Version
	doc *document.Document // nil: the file is removed, or its text cannot be read by this program
}

// saved is a file on disk.
type saved struct {
	project.File
	doc      *document.Document // nil when it has problems
	problems []document.Problem
}

// Open opens a project: the last applied state is live before any file is looked at, so broken files never stop a
// start. The context bounds opening only; Close ends what runs afterwards. Errors are of type [*Error].
func Open(ctx context.Context, options Options) (*Coordinator, error) {
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	if options.Getenv == nil {
		options.Getenv = os.Getenv
	}
	if options.CheckLimit <= 0 {
		options.CheckLimit = checkLimit
	}
	if options.FollowEvery <= 0 {
		options.FollowEvery = followEvery
	}
	p := options.Project
	c := &Coordinator{
		options: options, project: p, log: options.Logger,
		loader:  document.Loader{SchemaDir: p.SchemaDir, ConfigDir: p.ConfigDir, Environment: p.Environment},
		states:  state.NewStore(),
		hub:     event.NewHub(eventsKept),
		heads:   history.Heads{File: filepath.Join(p.DataDir, "audit.head")},
		applied: map[string]*version{}, desired: map[string]*saved{}, waiting: map[string]*pending{},
		refused: map[string]string{}, origins: map[string]action.Origin{},
		held: map[string]Held{}, holds: map[string]history.Held{}, cross: map[string][]document.Problem{},
	}
	if err := c.open(ctx); err != nil {
		return nil, coded(errors.Join(err, c.Close()))
	}
	return c, nil
}

func (c *Coordinator) open(ctx context.Context) (err error) {
	if c.files, err = c.project.Files(); err != nil {
		return err
	}
	if err := c.plausible(); err != nil {
		return err
	}
	if c.options.Watch || c.options.Alone {
		if c.lock, err = c.project.Lock(c.options.Door, c.options.Address); err != nil {
			return err
		}
		if err := c.files.Sweep(c.project.Dirs()); err != nil {
			c.log.Warn("remove what an interrupted write left", "error", err)
		}
	}
	if err := c.openDatabase(ctx); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.reload(ctx); err != nil {
		return err
	}
	c.recognise()
	c.witness(c.seq, c.hash)
	if !c.options.ReadOnly && c.suspect == "" {
		if err := c.drain(ctx); err != nil {
			c.log.Error("write files that were left over", "error", err)
		}
	}
	if err := c.scan(ctx, false); err != nil && ctx.Err() != nil {
		return err
	} else if err != nil {
		// A folder that cannot be read says nothing about the files in it, and stops no start.
		c.log.Error("look at the files", "error", err)
		c.missing = c.project.Dirs()
		c.evaluate(ctx)
	}
	c.takeOver(ctx)
	if c.options.Watch {
		return c.watch()
	}
	return nil
}

// plausible refuses a folder that has nothing of a project: a mistyped name must not look like an empty project.
func (c *Coordinator) plausible() error {
	for _, dir := range c.project.Dirs() {
		if c.files.Exists(dir) {
			return nil
		}
	}
	if _, err := os.Stat(c.project.DataDir); err == nil {
		return nil
	}
	return Errorf(CodeNotFound, "%s has none of the folders %s: is this a Marain project?", c.project.Root, strings.Join(c.project.Dirs(), " and "))
}

// watch starts what runs until Close: the watcher and the two loops that follow it and the database.
func (c *Coordinator) watch() error {
	settings := c.settings()
	c.watcher = watcher.New(watcher.Options{
		Files: c.files, Root: c.project.Root, Dirs: c.project.Dirs(),
		Match: func(path string) bool { _, ok := c.loader.Kind(path); return ok },
		Quiet: settings.Debounce, MaxWait: settings.MaxDebounce, RescanEvery: settings.RescanEvery,
		Logger: c.log,
	})
	ctx, cancel := context.WithCancel(context.Background())
	c.stop = cancel
	if err := c.watcher.Open(ctx); err != nil {
		return err
	}
	hints := make(chan struct{}, 1)
	c.done.Go(func() { c.listen(ctx) })
	c.done.Go(func() { c.follow(ctx, hints) })
	c.done.Go(func() { c.db.Listen(ctx, func() { hint(hints) }) })
	return nil
}

// Close ends everything and lets go of the database and the project. It may be called again.
func (c *Coordinator) Close() error {
	c.closing.Do(func() { c.closed = c.close() })
	return c.closed
}

func (c *Coordinator) close() error {
	var errs []error
	if c.stop != nil {
		c.stop()
	}
	if c.watcher != nil {
		errs = append(errs, c.watcher.Close())
	}
	c.done.Wait()
	c.hub.Close()
	if c.db != nil {
		errs = append(errs, c.db.Close())
	}
	if c.files != nil {
		errs = append(errs, c.files.Close())
	}
	if c.lock != nil {
		errs = append(errs, c.lock.Close())
	}
	if c.scratch != "" {
		errs = append(errs, os.RemoveAll(c.scratch))
	}
	return errors.Join(errs...)
}

// Snapshot returns the live state. Reading it never waits.
func (c *Coordinator) Snapshot() *state.Snapshot { return c.states.Current() }

// Observe calls fn after each published snapshot until the returned function is called.
func (c *Coordinator) Observe(fn func(old, new *state.Snapshot)) (cancel func()) {
	return c.states.Subscribe(fn)
}

// Subscribe returns the events after a sequence number, or those from now on.
func (c *Coordinator) Subscribe(after uint64, fromNow bool) *event.Subscription {
	return c.hub.Subscribe(after, fromNow)
}

// Announce tells others who ask for the project's lock where this server answers.
func (c *Coordinator) Announce(address string) error {
	if c.lock == nil {
		return nil
	}
	return c.lock.Announce(address)
}
