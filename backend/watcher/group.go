package watcher

import (
	"slices"
	"time"

	"marain/backend/project"

	"github.com/fsnotify/fsnotify"
)

// stormFactor is how many times the longest wait a storm of new paths may last.
const stormFactor = 10

// item is a file that has changed and is not at rest yet.
type item struct {
	file    project.File // as it was read last
	size    int
	peak    int       // the largest size that was known or seen
	touched time.Time // the last hint
	changed time.Time // when a read last differed from the one before
	gone    time.Time // since when it is missing; zero while it is there
	read    time.Time
	dirty   bool // there was a hint since it was read
	inPlace bool // it was written to, not just put in place as a whole
	blind   bool // no event told of it
}

// group is the files that are to be delivered together. It decides by the times that it is given, and reads nothing.
//
// How long it waits: a file is at rest when nothing happened to it for the quiet time. The group is delivered when all
// of its files are at rest. One that never rests holds the others up for the longest wait only, counted from the last
// time that a new path joined: while new paths keep joining faster than the quiet time, somebody is unpacking, copying
// or checking out a whole tree, which is one change and not many; that may take ten times as long. (git has a lock of
// its own that says so, and is waited for by the loop.) A file that is shorter than it was, or gone, waits for its own
// longer time, and the group waits with it: a file that was renamed is one change, not two.
type group struct {
	options *Options
	quiet   time.Duration
	initial bool // the first batch: there is nothing to compare with
	patient bool // a source folder came back, and its files may follow one by one
	items   map[string]*item
	first   time.Time // the first hint, for people
	began   time.Time
	grew    time.Time // the last time that a new path joined
	last    time.Time // the last hint
}

// newGroup returns an empty group.
func newGroup(options *Options, initial bool) *group {
	return &group{options: options, quiet: options.Quiet, initial: initial, items: map[string]*item{}}
}

// touch notes a hint about a file. blind is for one that no event told of.
func (g *group) touch(path string, op fsnotify.Op, at time.Time, blind bool) {
	it := g.items[path]
	if it == nil {
		if len(g.items) == 0 {
			g.first, g.began = at, at
		}
		it = &item{blind: blind, file: project.File{Path: path}}
		g.items[path] = it
		g.grew = at
	}
	if !blind {
		it.blind = false
	}
	it.touched, it.dirty = at, true
	it.inPlace = it.inPlace || blind || op.Has(fsnotify.Write)
	g.last = later(g.last, at)
}

// update notes what was read of a file, and what was known of it, and reports whether it is what was read before.
func (g *group) update(file project.File, base known, now time.Time) bool {
	it := g.items[file.Path]
	again := !it.read.IsZero() && it.file.Same(file)
	if !again {
		it.changed = now
	}
	switch {
	case file.Exists:
		it.gone = time.Time{}
	case it.gone.IsZero():
		it.gone = now
	}
	it.peak = max(it.peak, it.size, base.size)
	it.file, it.size = file, len(file.Data)
	it.read, it.dirty = now, false
	return again
}

// slow reports whether a file looks as if it were only half done.
func (g *group) slow(it *item) bool {
	if g.initial {
		return false
	}
	if !it.file.Exists {
		return true
	}
	// An empty file is one that somebody is about to fill, also when it is new or in the place of another.
	return it.file.Err == nil && (it.size == 0 || it.inPlace && it.size < it.peak)
}

// readyAt returns when a file will be at rest if nothing happens any more.
func (g *group) readyAt(it *item) time.Time {
	rest := it.touched.Add(g.quiet)
	switch {
	case g.slow(it) && !it.file.Exists:
		// Removals wait for all others too: a folder that is being removed is not a removal of its files.
		pause := g.quiet
		if g.patient {
			pause = max(pause, g.options.VanishWait)
		}
		rest = later(rest, g.last.Add(pause))
		rest = earlier(rest, it.gone.Add(busyLimit))
		return later(rest, it.gone.Add(g.options.VanishWait))
	case g.slow(it):
		return later(rest, it.changed.Add(g.options.ShrinkWait))
	}
	// Touched again and again without a change of content: it is at rest nevertheless.
	return earlier(rest, it.changed.Add(max(g.quiet, g.options.MaxWait)))
}

// readAt returns when a file with a new hint should be read: at once, but not again and again while it is written.
func (g *group) readAt(it *item) time.Time {
	if it.read.IsZero() {
		return it.touched
	}
	return it.read.Add(g.quiet / 4)
}

// due returns the files to deliver now, sorted, or when to ask again. all reports that the whole group is at rest.
func (g *group) due(now time.Time) (ready []string, all bool, next time.Time) {
	var slowUntil time.Time
	ask := func(at time.Time) {
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	for path, it := range g.items {
		if it.dirty {
			ask(g.readAt(it))
			continue
		}
		at := g.readyAt(it)
		if !at.After(now) {
			ready = append(ready, path)
			continue
		}
		ask(at)
		if g.slow(it) {
			slowUntil = later(slowUntil, at)
		}
	}
	slices.Sort(ready)
	if len(ready) == len(g.items) {
		if quiet := earlier(g.last.Add(g.quiet), g.limit(slowUntil)); quiet.After(now) {
			return nil, false, quiet
		}
		return ready, true, now
	}
	limit := g.limit(slowUntil)
	if limit.After(now) {
		ask(limit)
		return nil, false, next
	}
	return ready, false, next
}

// limit returns when the files at rest stop waiting for the others.
func (g *group) limit(slowUntil time.Time) time.Time {
	storm := g.began.Add(stormFactor * g.options.MaxWait)
	if g.initial {
		return storm
	}
	limit := earlier(g.grew.Add(g.options.MaxWait), storm)
	if slowUntil.IsZero() {
		return limit
	}
	return later(limit, earlier(slowUntil, g.began.Add(g.options.MaxWait+g.options.VanishWait)))
}

// hold makes the whole group wait for the quiet time again.
func (g *group) hold(now time.Time) { g.began, g.grew, g.last = now, now, now }

// remove takes files out; the others begin a new group.
func (g *group) remove(paths []string, now time.Time) {
	for _, path := range paths {
		delete(g.items, path)
	}
	g.first, g.began, g.grew = now, now, now
	g.patient = g.patient && len(g.items) > 0
}

// later returns the later of two times.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// earlier returns the earlier of two times.
func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
