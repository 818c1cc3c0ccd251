package watcher

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// maxHints is how many paths the inbox holds; with more, everything is looked at.
const maxHints = 100_000

// notifier is a source of events.
type notifier interface {
	Add(path string) error
	Remove(path string) error
	Events() <-chan fsnotify.Event
	Errors() <-chan error
	Close() error
}

// system is the operating system's events.
type system struct{ *fsnotify.Watcher }

// Events returns where events arrive.
func (s system) Events() <-chan fsnotify.Event { return s.Watcher.Events }

// Errors returns where errors arrive, also that events were lost.
func (s system) Errors() <-chan error { return s.Watcher.Errors }

// newNotifier asks the operating system for events.
func newNotifier() (notifier, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	return system{w}, nil
}

// hint says that something happened to a path.
type hint struct {
	op fsnotify.Op
	at time.Time // the last time
}

// inbox collects hints until the loop takes them.
type inbox struct {
	wake chan struct{} // has a value when there is something to take

	mu    sync.Mutex
	hints map[string]hint // by absolute path
	lost  bool            // events were lost
	dead  error           // no more events will come
}

// newInbox returns an empty inbox.
func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1), hints: map[string]hint{}} }

// put adds an event.
func (b *inbox) put(e fsnotify.Event) {
	b.mu.Lock()
	if len(b.hints) >= maxHints {
		clear(b.hints)
		b.lost = true
	}
	b.hints[e.Name] = hint{op: b.hints[e.Name].op | e.Op, at: time.Now()}
	b.mu.Unlock()
	b.signal()
}

// lose notes that events were lost.
func (b *inbox) lose() {
	b.mu.Lock()
	b.lost = true
	b.mu.Unlock()
	b.signal()
}

// die notes that no more events will come.
func (b *inbox) die(err error) {
	b.mu.Lock()
	b.dead = err
	b.mu.Unlock()
	b.signal()
}

// signal wakes the loop up.
func (b *inbox) signal() {
	select {
	case b.wake <- struct{}{}:
	default: // it is awake
	}
}

// take returns what is there and empties the inbox.
func (b *inbox) take() (hints map[string]hint, lost bool, dead error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.hints) > 0 {
		hints, b.hints = b.hints, map[string]hint{}
	}
	lost, dead = b.lost, b.dead
	b.lost, b.dead = false, nil
	return hints, lost, dead
}

// drain moves events into the inbox, and does nothing else: the queue of the operating system is short, and reading
// files in between makes it run over.
func drain(ctx context.Context, n notifier, into *inbox, gate func()) {
	defer func() {
		if r := recover(); r != nil {
			into.die(fmt.Errorf("draining events stopped: %v", r))
		}
	}()
	for {
		gate()
		select {
		case <-ctx.Done():
			return
		case e, open := <-n.Events():
			if !open {
				end(ctx, into)
				return
			}
			into.put(e)
		case err, open := <-n.Errors():
			switch {
			case !open:
				end(ctx, into)
				return
			case err != nil:
				// An overflow, and whatever else it is: something may have been missed.
				into.lose()
			}
		}
	}
}

// end says that no more events will come, unless that is what was wanted.
func end(ctx context.Context, into *inbox) {
	if ctx.Err() == nil {
		into.die(errors.New("the operating system's events ended"))
	}
}
