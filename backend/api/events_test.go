package api

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"marain/backend/event"
)

// stream is an open event stream.
type stream struct {
	t        *testing.T
	response *http.Response
	lines    *bufio.Reader
	cancel   context.CancelFunc
}

// follow opens the event stream and reads its greeting.
func (d *door) follow(headers ...string) *stream {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	d.t.Cleanup(cancel)
	res, err := d.client.Do(d.request("GET", Prefix+"events", "", headers...).WithContext(ctx))
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { res.Body.Close() })
	s := &stream{t: d.t, response: res, lines: bufio.NewReader(res.Body), cancel: cancel}
	if res.StatusCode == http.StatusOK {
		if got := s.block(); got != ": connected\nretry: 1000\n" {
			d.t.Fatalf("greeting %q", got)
		}
	}
	return s
}

// block reads up to the next empty line.
func (s *stream) block() string {
	s.t.Helper()
	var block strings.Builder
	for {
		line, err := s.lines.ReadString('\n')
		if err != nil {
			s.t.Fatalf("read the stream: %v after %q", err, block.String())
		}
		if line == "\n" {
			return block.String()
		}
		block.WriteString(line)
	}
}

// TestEvents follows events live and after a break.
func TestEvents(t *testing.T) {
	d := open(t, nil)
	first := d.follow()
	for header, want := range map[string]string{"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store"} {
		if got := first.response.Header.Get(header); got != want {
			t.Errorf("%s is %q, want %q", header, got, want)
		}
	}
	applied := d.engine.hub.Publish(event.Applied, 7, map[string]any{"files": []string(nil), "text": "a\nb"})
	block := first.block()
	want := fmt.Sprintf("id: %d\nevent: applied\ndata: {\"seq\":%d,\"type\":\"applied\",\"at\":", applied.Seq, applied.Seq)
	if !strings.HasPrefix(block, want) || !strings.HasSuffix(block, `"snapshot_version":7,"data":{"files":[],"text":"a\nb"}}`+"\n") {
		t.Errorf("event is\n%swant\n%s...", block, want)
	}
	first.cancel()

	d.engine.hub.Publish(event.Changes, 7, nil)
	d.engine.hub.Publish(event.RolledBack, 8, nil)
	second := d.follow("Last-Event-ID", fmt.Sprint(applied.Seq))
	for _, name := range []string{"changes", "rolled_back"} {
		if block := second.block(); !strings.Contains(block, "event: "+name+"\n") {
			t.Errorf("after the break came %q, want %s", block, name)
		}
	}
	third := d.follow("Last-Event-ID", "1")
	if block := third.block(); !strings.Contains(block, "event: reset\n") {
		t.Errorf("after an unknown number came %q, want a reset", block)
	}
	if calls, want := d.engine.took(), []string{"subscribe 0 true", fmt.Sprintf("subscribe %d false", applied.Seq), "subscribe 1 false"}; !slices.Equal(calls, want) {
		t.Errorf("the engine was asked %q, want %q", calls, want)
	}
}

// TestEventsHeartbeat waits for comments on a quiet stream, past the time that a request may take to arrive.
func TestEventsHeartbeat(t *testing.T) {
	d := open(t, func(s *Server) {
		s.Heartbeat = 30 * time.Millisecond
		s.ReadTimeout = 50 * time.Millisecond
		s.WriteTimeout = 50 * time.Millisecond
	})
	s := d.follow()
	for range 8 {
		if got := s.block(); got != ": still here\n" {
			t.Fatalf("heartbeat is %q", got)
		}
	}
	d.engine.hub.Publish(event.Changes, 1, nil)
	for got := s.block(); !strings.Contains(got, "event: changes"); got = s.block() {
		if got != ": still here\n" {
			t.Fatalf("there came %q", got)
		}
	}
}

// TestEventsLimit opens one stream too many; closing one makes room.
func TestEventsLimit(t *testing.T) {
	d := open(t, func(s *Server) { s.MaxStreams = 2 })
	first := d.follow()
	d.follow()
	refused := scenario{method: "GET", path: Prefix + "events", status: 503, want: []string{`"code":"conflict"`, "2 event streams"}}
	if res := refused.run(d); res.Header.Get("Retry-After") == "" {
		t.Error("a 503 without Retry-After")
	}
	first.cancel()
	eventually(t, "a free stream", func() bool { return d.follow().response.StatusCode == http.StatusOK })
}

// TestEventsSlowReader opens a stream and never reads it: it must not keep its place.
func TestEventsSlowReader(t *testing.T) {
	d := open(t, func(s *Server) {
		s.MaxStreams = 1
		s.WriteTimeout = 50 * time.Millisecond
	})
	conn, err := net.Dial("tcp", d.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET %sevents HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", Prefix, d.addr, testToken)
	eventually(t, "the subscription", func() bool { return slices.Contains(d.engine.took(), "subscribe 0 true") })
	megabyte := strings.Repeat("x", 1<<20)
	for range 32 { // more than the buffers of two sockets hold
		d.engine.hub.Publish(event.Progress, 1, megabyte)
	}
	eventually(t, "the slow reader to be cut", func() bool { return d.follow().response.StatusCode == http.StatusOK })
}

// TestEventsEnd closes the hub and then the server under open streams.
func TestEventsEnd(t *testing.T) {
	d := open(t, nil)
	s := d.follow()
	closed := make(chan error, 1)
	go func() { closed <- d.server.Close() }()
	if _, err := s.lines.ReadString('\n'); err == nil {
		t.Error("the stream goes on after the server closed")
	}
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("an open stream holds the server up")
	}

	other := open(t, nil)
	s = other.follow()
	other.engine.hub.Close()
	if _, err := s.lines.ReadString('\n'); err == nil {
		t.Error("the stream goes on after the hub closed")
	}
}
