// Package state holds what application code reads: an immutable snapshot of the applied documents, published by one
// atomic pointer swap. Readers never lock and never see a mix of two states.
package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"marain/backend/document"
)

// Errors of reads, wrapped.
var (
	// ErrNotFound says that the snapshot has no such configuration or key.
	ErrNotFound = errors.New("no such key")
	// ErrType says that a value is there and does not fit the type that was asked for.
	ErrType = errors.New("the value has another type")
)

// Snapshot is one state of the whole project. It never changes.
type Snapshot struct {
	version  uint64
	entities map[string]*document.Entity
	configs  map[string]*document.Config
	files    map[string]*document.Document
}

// Empty is the state of a project in which nothing was applied yet.
func Empty() *Snapshot {
	return &Snapshot{
		entities: map[string]*document.Entity{}, configs: map[string]*document.Config{}, files: map[string]*document.Document{},
	}
}

// Next returns a snapshot with the given version in which some files are other documents; nil takes a file out. All
// that did not change is shared with s.
func (s *Snapshot) Next(version uint64, changed map[string]*document.Document) *Snapshot {
	next := &Snapshot{
		version: version, entities: maps.Clone(s.entities), configs: maps.Clone(s.configs), files: maps.Clone(s.files),
	}
	// First everything that leaves: a content type may go on in another file of the same change.
	for path := range changed {
		old := s.files[path]
		delete(next.files, path)
		if old == nil {
			continue
		}
		if old.Entity != nil {
			delete(next.entities, old.Entity.ID)
		}
		if old.Config != nil && old.Config.Live {
			delete(next.configs, old.Config.ID)
		}
	}
	for path, doc := range changed {
		if doc == nil {
			continue
		}
		next.files[path] = doc
		if doc.Entity != nil {
			next.entities[doc.Entity.ID] = doc.Entity
		}
		if doc.Config != nil && doc.Config.Live {
			next.configs[doc.Config.ID] = doc.Config
		}
	}
	return next
}

// Version is the number of the batch that made this state; it only grows.
func (s *Snapshot) Version() uint64 { return s.version }

// Entity returns the content type with that id. It must not be modified.
func (s *Snapshot) Entity(id string) (*document.Entity, bool) {
	e, ok := s.entities[id]
	return e, ok
}

// Entities returns the ids of all content types, in order.
func (s *Snapshot) Entities() []string { return slices.Sorted(maps.Keys(s.entities)) }

// Document returns the applied document of a file, or nil. It must not be modified.
func (s *Snapshot) Document(path string) *document.Document { return s.files[path] }

// Files returns the paths of all applied files, in order.
func (s *Snapshot) Files() []string { return slices.Sorted(maps.Keys(s.files)) }

// LiveConfig returns a live configuration, or nil. It must not be modified.
func (s *Snapshot) LiveConfig(id string) *document.Config { return s.configs[id] }

// Config returns the values of a live configuration as maps, lists and scalars of its own: changing them changes
// nothing else.
func (s *Snapshot) Config(id string) (map[string]any, bool) {
	c, ok := s.configs[id]
	if !ok {
		return nil, false
	}
	values, ok := c.Values.Interface().(map[string]any)
	return values, ok
}

// node finds a value by its key: the id of a configuration, then the path inside of it.
func (s *Snapshot) node(key string) (*document.Node, error) {
	id, path, _ := strings.Cut(key, ".")
	c, ok := s.configs[id]
	if !ok {
		return nil, fmt.Errorf("configuration %s: %w", id, ErrNotFound)
	}
	node := c.Values
	for path != "" && node != nil {
		var part string
		part, path, _ = strings.Cut(path, ".")
		node = node.Lookup(part)
	}
	if node == nil {
		return nil, fmt.Errorf("%s: %w", key, ErrNotFound)
	}
	return node, nil
}

// Get returns a configuration value such as system.logging.level. [ErrNotFound] when it is not there, [ErrType] when
// it does not fit T: a number with a fraction is no int, text is never a number. Structs, maps and slices are decoded
// by their json names, and a key that the struct does not have is an error.
func Get[T any](s *Snapshot, key string) (T, error) {
	var value T
	node, err := s.node(key)
	if err != nil {
		return value, err
	}
	plain := node.Interface()
	if direct, ok := plain.(T); ok {
		return direct, nil
	}
	text, err := json.Marshal(plain)
	if err != nil {
		return value, fmt.Errorf("%s: %w", key, errors.Join(ErrType, err))
	}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&value); err != nil || plain == nil {
		var zero T
		return zero, fmt.Errorf("%s is not a %T: %w", key, zero, errors.Join(ErrType, err))
	}
	return value, nil
}

// Store publishes snapshots. Reading is one pointer load; publishing is for one goroutine at a time.
type Store struct {
	current atomic.Pointer[Snapshot]

	mu          sync.Mutex
	subscribers map[int]func(old, new *Snapshot)
	next        int
}

// NewStore returns a store that holds the empty snapshot.
func NewStore() *Store {
	s := &Store{subscribers: map[int]func(old, new *Snapshot){}}
	s.current.Store(Empty())
	return s
}

// Current returns the newest snapshot.
func (s *Store) Current() *Snapshot { return s.current.Load() }

// Publish makes a snapshot the current one and then tells the subscribers, one after another.
func (s *Store) Publish(next *Snapshot) {
	old := s.current.Swap(next)
	s.mu.Lock()
	list := make([]func(old, new *Snapshot), 0, len(s.subscribers))
	for _, id := range slices.Sorted(maps.Keys(s.subscribers)) {
		list = append(list, s.subscribers[id])
	}
	s.mu.Unlock()
	for _, tell := range list {
		tell(old, next)
	}
}

// Subscribe calls fn after each publication until the returned function is called. fn must return quickly; it runs on
// the publisher's goroutine and may read both snapshots for as long as it likes.
func (s *Store) Subscribe(fn func(old, new *Snapshot)) (cancel func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.next
	s.next++
	s.subscribers[id] = fn
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.subscribers, id)
	}
}
