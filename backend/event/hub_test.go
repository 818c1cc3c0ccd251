package event

import (
	"encoding/json"
	"sync"
	"testing"
	"time"
)

// take receives what is there, up to the close of the channel or the moment when nothing is left.
func take(s *Subscription) (events []Event, closed bool) {
	for {
		select {
		case e, ok := <-s.C():
			if !ok {
				return events, true
			}
			events = append(events, e)
		default:
			return events, false
		}
	}
}

// wantData compares the payloads of events, with "reset" for a reset.
func wantData(t *testing.T, got []Event, want ...any) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d events %v, want %v", len(got), got, want)
	}
	for i, e := range got {
		if e.Type == Reset && want[i] == "reset" {
			continue
		}
		if e.Data != want[i] {
			t.Errorf("event %d is %v, want %v", i, e.Data, want[i])
		}
		if i > 0 && got[i-1].Type != Reset && e.Seq != got[i-1].Seq+1 {
			t.Errorf("event %d has the number %d after %d", i, e.Seq, got[i-1].Seq)
		}
	}
}

func TestSubscribeResumes(t *testing.T) {
	hub := NewHub(3)
	early := hub.Subscribe(0, false)
	var published []Event
	for i := range 5 {
		published = append(published, hub.Publish(Changes, uint64(i), i))
	}
	for _, c := range []struct {
		name    string
		after   uint64
		fromNow bool
		want    []any
	}{
		{"from now", 0, true, nil},
		{"after the newest", published[4].Seq, false, nil},
		{"after the one before", published[3].Seq, false, []any{4}},
		{"after the last one that is gone", published[1].Seq, false, []any{2, 3, 4}},
		{"one of the wanted is gone", published[0].Seq, false, []any{"reset"}},
		{"from the start, which is gone", 0, false, []any{"reset"}},
		{"a number of an earlier life", 7, false, []any{"reset"}},
		{"a number that is yet to come", published[4].Seq + 1, false, []any{"reset"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := hub.Subscribe(c.after, c.fromNow)
			defer s.Close()
			got, _ := take(s)
			wantData(t, got, c.want...)
		})
	}
	got, _ := take(early)
	wantData(t, got, 0, 1, 2, 3, 4)
}

func TestResetGoesOnFromHere(t *testing.T) {
	hub := NewHub(2)
	last := hub.Publish(Applied, 9, "a")
	s := hub.Subscribe(last.Seq+100, false)
	hub.Publish(Changes, 9, "b")
	got, _ := take(s)
	wantData(t, got, "reset", "b")
	if got[0].Seq != last.Seq || got[0].SnapshotVersion != 9 {
		t.Errorf("the reset is %+v, want the number %d and version 9", got[0], last.Seq)
	}
	again := hub.Subscribe(got[0].Seq, false)
	resumed, _ := take(again)
	wantData(t, resumed, "b")
}

func TestSlowSubscriberIsDropped(t *testing.T) {
	const capacity = 4
	hub := NewHub(capacity)
	slow, fast := hub.Subscribe(0, true), hub.Subscribe(0, true)
	var seen int
	for i := range 3 * capacity {
		hub.Publish(Changes, 0, i)
		events, closed := take(fast)
		if closed {
			t.Fatal("the fast subscriber was dropped")
		}
		seen += len(events)
	}
	if seen != 3*capacity {
		t.Errorf("the fast subscriber got %d events, want %d", seen, 3*capacity)
	}
	got, closed := take(slow)
	if !closed {
		t.Error("the slow subscriber's channel is open")
	}
	if last := got[len(got)-1]; last.Type != Reset {
		t.Errorf("the last event is %v, want a reset", last)
	}
	for i, e := range got[:len(got)-1] {
		if e.Data != i {
			t.Errorf("event %d is %v", i, e.Data)
		}
	}
	slow.Close() // again: nothing happens
}

func TestClose(t *testing.T) {
	hub := NewHub(2)
	s := hub.Subscribe(0, true)
	hub.Close()
	hub.Close()
	hub.Publish(Changes, 0, nil)
	if got, closed := take(s); len(got) != 0 || !closed {
		t.Errorf("got %v, closed %v", got, closed)
	}
	if _, closed := take(hub.Subscribe(0, false)); !closed {
		t.Error("a subscription after the end is open")
	}
	s.Close()
}

// Many publishers and subscribers at once: everybody who keeps up gets every event once and in order.
func TestConcurrent(t *testing.T) {
	const publishers, each, subscribers = 4, 200, 8
	hub := NewHub(publishers * each)
	var ready, publishing, receiving sync.WaitGroup
	for range subscribers {
		ready.Add(1)
		receiving.Go(func() {
			s := hub.Subscribe(0, true)
			defer s.Close()
			ready.Done()
			var last uint64
			for range publishers * each {
				e := <-s.C()
				if e.Type == Reset || last != 0 && e.Seq != last+1 {
					t.Errorf("got %v after %d", e, last)
					return
				}
				last = e.Seq
			}
		})
	}
	ready.Wait()
	for range publishers {
		publishing.Go(func() {
			for i := range each {
				hub.Publish(Progress, 0, i)
			}
		})
	}
	publishing.Wait()
	receiving.Wait()
}

func TestJSON(t *testing.T) {
	e := Event{Seq: 12, Type: RolledBack, At: time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC), SnapshotVersion: 3, Data: map[string]int{"n": 1}}
	data, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"seq":12,"type":"rolled_back","at":"2024-05-06T07:08:09Z","snapshot_version":3,"data":{"n":1}}`
	if string(data) != want {
		t.Errorf("got %s, want %s", data, want)
	}
}

// A number survives a JavaScript client, which counts in doubles.
func TestSequenceIsExactInJavaScript(t *testing.T) {
	if e := NewHub(1).Publish(Changes, 0, nil); uint64(float64(e.Seq)) != e.Seq || e.Seq >= 1<<53 {
		t.Errorf("%d is not exact as a double", e.Seq)
	}
}
