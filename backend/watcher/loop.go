package watcher

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"marain/backend/project"

	"github.com/fsnotify/fsnotify"
)

// loop is one life of the watcher. One goroutine owns it.
type loop struct {
	*Watcher
	group *group
	tree  *tree
	live  context.CancelFunc // ends draining; nil while there are no events

	why     string               // there are no events, or they are not to be trusted; empty when all is well
	lost    bool                 // events were lost, and the folders were not looked at since
	failed  string               // why the last look at the folders failed
	unsure  time.Time            // when folders last came or went: what is watched must be made sure of; zero when it is
	absent  map[string]time.Time // source folders that are gone, and since when
	told    []string             // source folders that the consumer was told are gone
	held    time.Time            // since when another program is busy
	looked  time.Time            // the last look at everything
	tried   time.Time            // the last attempt to get events
	missed  int                  // looks in a row that found what no event told of
	pending bool                 // a look at everything is asked for
}

// newLoop returns a loop that has not begun.
func newLoop(w *Watcher) *loop {
	w.mu.Lock()
	defer w.mu.Unlock()
	return &loop{Watcher: w, group: newGroup(&w.options, !w.first), absent: map[string]time.Time{}}
}

// close gives back what the loop holds.
func (l *loop) close() { l.deaf() }

// run watches until the context ends. Only a panic ends it sooner.
func (l *loop) run(ctx context.Context) error {
	l.listen(ctx)
	l.look(time.Now(), false)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-l.inbox.wake:
		case <-l.ask:
			l.pending = true
		case <-timer.C:
		}
		l.backend.step()
		next := l.step(ctx, time.Now())
		l.report()
		timer.Reset(max(time.Until(next), time.Millisecond))
	}
}

// step does what there is to do now and returns when to be called again at the latest.
func (l *loop) step(ctx context.Context, now time.Time) time.Time {
	l.takeHints(ctx)
	l.tune()
	l.restore(ctx, now)
	if due := !now.Before(l.lookAt()); due || l.pending {
		l.look(now, !l.pending)
	}
	l.readTouched(time.Now())
	next := l.settle(ctx, time.Now())
	return earlier(next, l.lookAt())
}

// tune takes over new times. Only this goroutine reads them.
func (l *loop) tune() {
	l.mu.Lock()
	t := l.tuning
	l.tuning = nil
	l.mu.Unlock()
	if t == nil {
		return
	}
	set := func(into *time.Duration, value time.Duration) {
		if value > 0 {
			*into = value
		}
	}
	set(&l.options.Quiet, t.quiet)
	set(&l.options.MaxWait, t.maxWait)
	set(&l.options.RescanEvery, t.rescanEvery)
	l.group.quiet = l.options.Quiet
	if l.why != "" {
		l.distrust(l.why)
	}
}

// lookAt returns when everything is looked at next.
func (l *loop) lookAt() time.Time {
	every := l.options.RescanEvery
	if l.why != "" || l.failed != "" || len(l.absent) > 0 {
		every = min(every, l.options.PollEvery)
	}
	at := l.looked.Add(every)
	for _, since := range l.absent {
		// In time to say that a folder is gone.
		if due := since.Add(l.options.VanishWait); due.After(l.looked) {
			at = earlier(at, due)
		}
	}
	return at
}

// listen asks for events. Without them the folders are polled, and it is asked again later.
func (l *loop) listen(ctx context.Context) {
	l.tried = time.Now()
	l.tree = newTree(l.options.Files, l.options.Root, l.options.Dirs, l.options.Match)
	n, err := l.backend.notifier()
	if err != nil {
		l.poll(fmt.Errorf("the operating system has no file events left: %w", err))
		return
	}
	l.tree.notifier = n
	l.why, l.group.quiet = "", l.options.Quiet
	if kind := l.backend.remote(l.options.Root); kind != "" {
		l.distrust("the project lies on " + kind + ", which does not tell of every change")
	}
	ctx, l.live = context.WithCancel(ctx)
	gate, box := l.backend.gate, l.inbox
	l.done.Go(func() { drain(ctx, n, box, gate) })
}

// poll does without events.
func (l *loop) poll(err error) {
	l.deaf()
	l.log.Warn("watching by polling", slog.Any("error", err))
	l.distrust(err.Error())
}

// distrust looks at everything often, whether or not there are events.
func (l *loop) distrust(why string) {
	l.why = why
	// Between two looks nothing tells that a file is still being written.
	l.group.quiet = max(l.options.Quiet, l.options.MaxWait)
}

// deaf gives the events back.
func (l *loop) deaf() {
	if l.live != nil {
		l.live()
		l.live = nil
	}
	if l.tree != nil && l.tree.notifier != nil {
		if err := l.tree.notifier.Close(); err != nil {
			l.log.Warn("closing file events", slog.Any("error", err))
		}
		l.tree.notifier = nil
	}
}

// restore asks for events again, after a while without.
func (l *loop) restore(ctx context.Context, now time.Time) {
	if l.tree.notifier != nil || now.Before(l.tried.Add(l.backend.retryEvery)) {
		return
	}
	l.listen(ctx)
	l.missed = 0
	l.pending = true
}

// takeHints takes what the inbox holds.
func (l *loop) takeHints(ctx context.Context) {
	hints, lost, dead := l.inbox.take()
	if dead != nil && ctx.Err() == nil && l.tree.notifier != nil {
		l.log.Error("file events ended and are asked for again", slog.Any("reason", dead))
		l.deaf()
		l.listen(ctx)
		lost = true
	}
	if lost {
		l.log.Warn("file events were lost: looking at everything")
		l.lost, l.pending = true, true
		l.report()
	}
	// What went away comes first: a folder that was renamed keeps its watch under the old name until that is given up.
	for path, h := range hints {
		if h.op.Has(fsnotify.Remove) || h.op.Has(fsnotify.Rename) {
			l.gone(l.tree.relative(path), h)
		}
	}
	for path, h := range hints {
		l.hint(l.tree.relative(path), h)
	}
}

// gone follows up on a path that was removed or renamed, which may have been a folder with files.
func (l *loop) gone(path string, h hint) {
	if !l.tree.forget(path) {
		return
	}
	l.unsure = h.at
	l.mu.Lock()
	defer l.mu.Unlock()
	for at := range l.known {
		if within(at, path) {
			l.group.touch(at, h.op, h.at, false)
		}
	}
}

// hint follows up on an event.
func (l *loop) hint(path string, h hint) {
	kind := l.tree.kind(path)
	switch {
	case kind == foreign:
		return
	case kind == source:
		l.unsure, l.pending = h.at, true
	case kind == hidden:
		// The name that a link leads through may have been given to another folder.
		for _, link := range l.tree.links {
			l.group.touch(link, h.op, h.at, false)
		}
	case kind == matching:
		l.group.touch(path, h.op, h.at, false)
	case h.op.Has(fsnotify.Create) && l.options.Files.Exists(path):
		l.adopt(path, h)
	}
	l.mu.Lock()
	l.state.LastEvent = later(l.state.LastEvent, h.at)
	l.mu.Unlock()
}

// adopt takes in a folder that has appeared, with everything that is in it already.
func (l *loop) adopt(path string, h hint) {
	l.unsure = h.at
	if l.options.Files.IsLink(path) {
		l.pending = true // what it leads to may be known by another name
		return
	}
	paths, _, err := l.tree.list([]string{path})
	if err != nil {
		l.log.Error("looking at a new folder", slog.Any("error", err))
		l.pending = true
		return
	}
	for _, at := range paths {
		l.group.touch(at, fsnotify.Write, h.at, false)
	}
}

// look looks at everything: it watches every folder there is, reads every file, and takes what differs from what is
// known into the group. routine says that there was no reason for it but the time.
func (l *loop) look(now time.Time, routine bool) {
	l.looked, l.pending = now, false
	files, missing, err := l.tree.look()
	if broken := l.tree.broken; broken != nil {
		l.tree.broken = nil
		l.poll(broken)
	}
	if err != nil {
		l.log.Error("looking at the source folders", slog.Any("error", err))
		l.failed = err.Error()
		return
	}
	l.failed = ""
	l.note(missing, now)
	there := make(map[string]bool, len(files))
	for _, file := range files {
		there[file.Path] = true
		l.seen(file, now, routine)
	}
	for _, path := range l.vanished(there) {
		if !l.tree.under(missing, path) {
			l.seen(project.File{Path: path}, now, routine)
		}
	}
}

// vanished returns the known files that are not there.
func (l *loop) vanished(there map[string]bool) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var paths []string
	for path := range l.known {
		if !there[path] {
			paths = append(paths, path)
		}
	}
	return paths
}

// seen takes a file that was read without a hint into the group, when there is anything new about it.
func (l *loop) seen(file project.File, now time.Time, routine bool) {
	base := l.base(file.Path)
	it := l.group.items[file.Path]
	if it == nil && base.file.Same(file) || it != nil && !it.dirty && it.file.Same(file) {
		return
	}
	// Nobody knows how it was written, so it counts as written in place.
	l.group.touch(file.Path, fsnotify.Write, now, routine)
	l.group.update(file, base, now)
}

// note remembers which source folders are gone, and since when.
func (l *loop) note(missing []string, now time.Time) {
	for dir := range l.absent {
		if !slices.Contains(missing, dir) {
			delete(l.absent, dir)
			l.unsure, l.group.patient = now, true
		}
	}
	for _, dir := range missing {
		if _, known := l.absent[dir]; !known {
			l.absent[dir] = now
		}
	}
}

// overdue returns the source folders that are gone for so long that the consumer must know, sorted.
func (l *loop) overdue(now time.Time) []string {
	var dirs []string
	for dir, since := range l.absent {
		if l.group.initial || !now.Before(since.Add(l.options.VanishWait)) {
			dirs = append(dirs, dir)
		}
	}
	slices.Sort(dirs)
	return dirs
}

// readTouched reads the files with new hints.
func (l *loop) readTouched(now time.Time) {
	for path, it := range l.group.items {
		if it.dirty && !l.group.readAt(it).After(now) {
			l.read(path, now)
		}
	}
}

// read reads a file of the group, and reports whether it is as it was.
func (l *loop) read(path string, now time.Time) bool {
	base := l.base(path)
	file := l.options.Files.Read(path)
	again := l.group.update(file, base, now)
	l.tree.linked(file)
	if !file.Exists && !base.file.Exists {
		delete(l.group.items, path) // it came and went: nobody has to know
	}
	return again
}

// report works out the state.
func (l *loop) report() {
	switch {
	case len(l.told) > 0:
		l.setState(Unavailable, strings.Join(l.told, ", ")+" is gone; what it held stays live")
	case l.failed != "":
		l.setState(Degraded, l.failed)
	case l.lost:
		l.setState(Degraded, "file events were lost; every file is being looked at")
	case l.why != "":
		l.setState(Polling, l.why)
	default:
		l.setState(Watching, "")
	}
}
