package watcher

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"marain/backend/project"
)

// settle delivers what is at rest, and returns when to be called again.
func (l *loop) settle(ctx context.Context, now time.Time) time.Time {
	missing := l.overdue(now)
	if len(l.group.items) == 0 && slices.Equal(missing, l.told) && !l.group.initial {
		l.held, l.lost = time.Time{}, false
		return l.confirm(now)
	}
	if l.group.initial && l.failed != "" {
		return now.Add(l.options.PollEvery) // what is there is not known, so it cannot be delivered
	}
	ready, all, next := l.group.due(now)
	if len(ready) == 0 && len(l.group.items) > 0 {
		return next
	}
	if l.busy(now) {
		l.group.hold(now)
		return now.Add(l.group.quiet)
	}
	if !l.unsure.IsZero() {
		return l.confirm(now)
	}
	if !l.again(ready, now) && all {
		return now // something is still going on: the whole group waits
	}
	l.deliver(ctx, l.batch(ready, missing, now))
	return time.Now()
}

// confirm makes sure that everything is watched, and that nothing was missed, once folders that came or went are at
// rest: a folder that was renamed loses its watch a moment after it was set. It returns when to go on.
func (l *loop) confirm(now time.Time) time.Time {
	switch rest := l.unsure.Add(l.options.Quiet); {
	case l.unsure.IsZero():
		return now.Add(l.options.RescanEvery)
	case rest.After(now):
		return rest
	}
	l.unsure = time.Time{}
	l.tree.renew()
	l.look(now, false)
	return now
}

// again reads files that are at rest a second time, and reports whether all are as they were.
func (l *loop) again(ready []string, now time.Time) bool {
	same := true
	for _, path := range ready {
		if !l.read(path, now) {
			same = false
			if it := l.group.items[path]; it != nil {
				it.touched = now
				l.group.last = now
			}
		}
	}
	return same
}

// batch makes a batch of those of the files whose second read was equal, and takes them out of the group. The first
// batch holds every file: those that do not come to rest are in it as files that cannot be used yet.
func (l *loop) batch(ready, missing []string, now time.Time) Batch {
	batch := Batch{Missing: missing, Full: l.group.initial, Detected: l.group.first}
	if batch.Detected.IsZero() || len(ready) == 0 {
		batch.Detected = now
	}
	if batch.Full {
		ready = slices.Sorted(maps.Keys(l.group.items))
	}
	var done []string
	blind, sighted := false, false
	for _, path := range ready {
		it := l.group.items[path]
		if it == nil {
			continue
		}
		if it.dirty || l.group.readyAt(it).After(now) {
			if batch.Full {
				batch.Files = append(batch.Files, unfinished(it.file))
			}
			continue
		}
		done = append(done, path)
		if l.worth(it) {
			batch.Files = append(batch.Files, it.file)
			blind = blind || it.blind && !it.file.Link
			sighted = sighted || !it.blind
		}
	}
	l.group.remove(done, now)
	l.judge(blind, sighted)
	return batch
}

// worth reports whether the consumer must hear of a file.
func (l *loop) worth(it *item) bool {
	if l.group.initial {
		return it.file.Exists
	}
	if l.base(it.file.Path).file.Same(it.file) {
		return false
	}
	if it.file.Exists {
		return true
	}
	// Nothing is said about the files of a folder that is gone.
	for _, dir := range l.options.Dirs {
		if within(it.file.Path, dir) && !l.options.Files.Exists(dir) {
			l.pending = true
			return false
		}
	}
	return true
}

// judge counts the batches with a change that no event told of. After some in a row, events are not trusted here.
func (l *loop) judge(blind, sighted bool) {
	const enough = 3
	switch {
	case l.why != "" || l.group.initial:
	case sighted:
		l.missed = 0
	case blind:
		if l.missed++; l.missed >= enough {
			l.distrust("files change here without an event")
		}
	}
}

// unfinished is a file that does not come to rest.
func unfinished(file project.File) project.File {
	file.Err = &project.FileError{
		Path: file.Path, Code: "changing", Message: "it is being written without a pause",
		Hint: "it is read again when it comes to rest", Err: project.ErrChanging,
	}
	file.Data, file.Hash = nil, ""
	return file
}

// deliver gives a batch to the consumer, and waits until it is taken.
func (l *loop) deliver(ctx context.Context, batch Batch) {
	news := batch.Full || !slices.Equal(batch.Missing, l.told)
	if len(batch.Files) == 0 && !news {
		return
	}
	l.mu.Lock()
	for _, file := range batch.Files {
		l.record(file)
	}
	clear(l.overtaken)
	l.mu.Unlock()
	l.told, l.group.initial = batch.Missing, false
	l.report()
	for sent := false; !sent && (news || len(batch.Files) > 0); {
		select {
		case l.batches <- batch:
			sent = true
		case <-l.knows:
			batch.Files = l.withoutKnown(batch)
		case <-ctx.Done():
			return
		}
	}
	l.mu.Lock()
	l.first = true
	l.mu.Unlock()
	l.lost = l.lost && len(l.group.items) > 0
	l.log.Debug("files came to rest", slog.Int("files", len(batch.Files)), slog.Any("missing", batch.Missing), slog.Bool("full", batch.Full))
}

// withoutKnown returns the files of a batch without those that the consumer has read itself since.
func (l *loop) withoutKnown(batch Batch) []project.File {
	l.mu.Lock()
	defer l.mu.Unlock()
	files := l.overtake(batch, func(file project.File) bool { return l.overtaken[file.Path] })
	clear(l.overtaken)
	return files
}

// busy reports whether another program is in the middle of changing many files. It is waited for so long only.
func (l *loop) busy(now time.Time) bool {
	if !l.options.Busy() {
		l.held = time.Time{}
		return false
	}
	if l.held.IsZero() {
		l.held = now
	}
	return now.Before(l.held.Add(l.backend.busyLimit))
}
