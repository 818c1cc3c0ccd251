package telemetry

import (
	"maps"
	"sync"
	"time"
)

// The counters and the timings that the engine feeds.
const (
	CountApplies   = "applies"
	CountFailures  = "failures"
	CountRollbacks = "rollbacks"
	CountRejects   = "rejects"
	CountBatches   = "watcher_batches"
	TimePlan       = "plan"
	TimeApply      = "apply"
	TimeRollback   = "rollback"
	TimePublish    = "publish"
)

// Timing sums up how long one kind of step took.
type Timing struct {
	Count uint64        `json:"count"`
	Last  time.Duration `json:"last_ns"`
	Sum   time.Duration `json:"sum_ns"`
	Max   time.Duration `json:"max_ns"`
}

// Mean returns the average, or zero before the first.
func (t Timing) Mean() time.Duration {
	if t.Count == 0 {
		return 0
	}
	return t.Sum / time.Duration(t.Count)
}

// Metrics counts what happens and how long it takes, in memory, since the start of the process. Its zero value is
// ready, a nil one forgets everything, and all methods are safe for concurrent use.
type Metrics struct {
	mu      sync.Mutex
	counts  map[string]uint64
	timings map[string]Timing
}

// Values is what was measured up to one moment.
type Values struct {
	Counts  map[string]uint64 `json:"counts"`
	Timings map[string]Timing `json:"timings"`
}

// Count adds one.
func (m *Metrics) Count(name string) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.counts == nil {
		m.counts = map[string]uint64{}
	}
	m.counts[name]++
}

// Observe adds how long a step took.
func (m *Metrics) Observe(name string, took time.Duration) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.timings == nil {
		m.timings = map[string]Timing{}
	}
	t := m.timings[name]
	t.Count++
	t.Last = took
	t.Sum += took
	t.Max = max(t.Max, took)
	m.timings[name] = t
}

// Values returns a copy of what was measured so far.
func (m *Metrics) Values() Values {
	values := Values{Counts: map[string]uint64{}, Timings: map[string]Timing{}}
	if m == nil {
		return values
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.Copy(values.Counts, m.counts)
	maps.Copy(values.Timings, m.timings)
	return values
}
