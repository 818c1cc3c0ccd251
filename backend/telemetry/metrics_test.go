package telemetry

import (
	"sync"
	"testing"
	"time"
)

func TestMetrics(t *testing.T) {
	var m Metrics
	for _, d := range []time.Duration{3, 9, 6} {
		m.Observe(TimeApply, d)
		m.Count(CountApplies)
	}
	values := m.Values()
	want := Timing{Count: 3, Last: 6, Sum: 18, Max: 9}
	if values.Timings[TimeApply] != want || values.Counts[CountApplies] != 3 || want.Mean() != 6 || (Timing{}).Mean() != 0 {
		t.Errorf("got %+v", values)
	}
	m.Count(CountApplies)
	if values.Counts[CountApplies] != 3 {
		t.Error("the copy changes")
	}
	var none *Metrics
	none.Count(CountApplies)
	none.Observe(TimeApply, 1)
	if len(none.Values().Counts) != 0 {
		t.Error("nil remembers")
	}
}

func TestMetricsConcurrently(t *testing.T) {
	var m Metrics
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				m.Count(CountFailures)
				m.Observe(TimePlan, time.Millisecond)
				m.Values()
			}
		})
	}
	all.Wait()
	if v := m.Values(); v.Counts[CountFailures] != 800 || v.Timings[TimePlan].Sum != 800*time.Millisecond {
		t.Errorf("got %+v", v)
	}
}
