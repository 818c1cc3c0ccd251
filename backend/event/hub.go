package event

import (
	"sync"
	"time"
)

// Hub gives every event to every subscriber, in order, and keeps the newest ones. All methods are safe for concurrent
// use, and none waits for a subscriber.
type Hub struct {
	mu          sync.Mutex
	capacity    int
	first       uint64 // before the first event of this life
	seq         uint64 // of the newest event
	version     uint64 // of the newest snapshot that was mentioned
	ring        []Event
	subscribers map[*Subscription]struct{}
	closed      bool
}

// NewHub returns a hub that keeps the newest capacity events; a subscriber may be as many behind before it is dropped.
//
// Sequence numbers start at the time of day in microseconds, so that a client that comes back to another life of the
// process is told that it missed something instead of being given the wrong events. They stay exact in JavaScript.
func NewHub(capacity int) *Hub {
	start := uint64(time.Now().UnixMicro())
	return &Hub{capacity: max(capacity, 1), first: start, seq: start, subscribers: map[*Subscription]struct{}{}}
}

// Publish gives an event to every subscriber and returns it. A subscriber that has no room left is dropped. After
// Close it reaches nobody.
func (h *Hub) Publish(t Type, snapshotVersion uint64, data any) Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seq++
	h.version = max(h.version, snapshotVersion)
	event := Event{Seq: h.seq, Type: t, At: time.Now().UTC(), SnapshotVersion: snapshotVersion, Data: data}
	if h.closed {
		return event
	}
	h.ring = append(h.ring, event)
	if len(h.ring) > 2*h.capacity {
		h.ring = append([]Event(nil), h.newest()...)
	}
	for s := range h.subscribers {
		// Only the hub sends, under its lock, so the room can only grow meanwhile. The last place is for the reset.
		if len(s.events) < cap(s.events)-1 {
			s.events <- event
			continue
		}
		s.events <- h.reset()
		h.drop(s)
	}
	return event
}

// Subscribe begins to receive. With fromNow only new events come; otherwise those after the sequence number come
// first, where 0 stands for the start of this life. When some of these are gone, or the number is not from this life,
// the first event is a reset. After Close the channel is closed from the start.
func (h *Hub) Subscribe(after uint64, fromNow bool) *Subscription {
	h.mu.Lock()
	defer h.mu.Unlock()
	// Room for a whole ring to resume from, as many again to fall behind by, and the reset.
	s := &Subscription{hub: h, events: make(chan Event, 2*h.capacity+1)}
	if h.closed {
		close(s.events)
		return s
	}
	h.subscribers[s] = struct{}{}
	if fromNow {
		return s
	}
	if after == 0 {
		after = h.first
	}
	kept := h.newest()
	oldest := h.seq - uint64(len(kept)) // before the oldest that is kept
	if after < oldest || after > h.seq {
		s.events <- h.reset()
		return s
	}
	for _, event := range kept[after-oldest:] {
		s.events <- event
	}
	return s
}

// Close ends every subscription.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for s := range h.subscribers {
		h.drop(s)
	}
}

// newest returns the events that are kept.
func (h *Hub) newest() []Event { return h.ring[max(0, len(h.ring)-h.capacity):] }

// reset is the event that says that others were missed. It has the newest number, so that resuming goes on from here.
func (h *Hub) reset() Event {
	return Event{Seq: h.seq, Type: Reset, At: time.Now().UTC(), SnapshotVersion: h.version}
}

// drop ends a subscription, once.
func (h *Hub) drop(s *Subscription) {
	if _, ok := h.subscribers[s]; ok {
		delete(h.subscribers, s)
		close(s.events)
	}
}

// Subscription receives events.
type Subscription struct {
	hub    *Hub
	events chan Event
}

// C is where events arrive, in order. It is closed when the subscription ends: by Close, by the hub's Close, or, after
// a reset as the last event, because the receiver was too slow.
func (s *Subscription) C() <-chan Event { return s.events }

// Close ends the subscription. It may be called again and from any goroutine.
func (s *Subscription) Close() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	s.hub.drop(s)
}
