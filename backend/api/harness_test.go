package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const testToken = "f00dfeedf00dfeedf00dfeedf00dfeedf00dfeedf00dfeedf00dfeedf00dfeed"

// patience is how long a test waits for what must happen at once.
const patience = 10 * time.Second

// door is a server that runs for one test.
type door struct {
	t      *testing.T
	engine *engine
	server *Server
	client *http.Client
	addr   string // host:port
	logs   *logs
}

// logs is a buffer that many goroutines write to.
type logs struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (l *logs) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.Write(data)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.String()
}

// open starts a server; change sets its fields first.
func open(t *testing.T, change func(*Server)) *door {
	t.Helper()
	d := &door{t: t, engine: newEngine(), logs: &logs{}, client: &http.Client{Transport: &http.Transport{}}}
	server, err := New(d.engine, testToken)
	if err != nil {
		t.Fatal(err)
	}
	server.Logger = slog.New(slog.NewTextHandler(d.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if change != nil {
		change(server)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d.server, d.addr = server, listener.Addr().String()
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(context.Background(), listener) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
		d.client.CloseIdleConnections()
		if strings.Contains(d.logs.String(), testToken) {
			t.Error("the token is in the log")
		}
	})
	return d
}

// request builds a request with the token. Headers are pairs of name and value; "-" as value removes one, and the name
// Host sets the host.
func (d *door) request(method, path, body string, headers ...string) *http.Request {
	d.t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, "http://"+d.addr+path, reader)
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+testToken)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for pair := range slices.Chunk(headers, 2) {
		value := strings.ReplaceAll(pair[1], "ADDR", d.addr)
		switch {
		case pair[0] == "Host":
			req.Host = value
		case pair[1] == "-":
			req.Header.Del(pair[0])
		default:
			req.Header.Add(pair[0], value)
		}
	}
	return req
}

// do sends a request and returns the answer with its body.
func (d *door) do(req *http.Request) (*http.Response, string) {
	d.t.Helper()
	res, err := d.client.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return res, string(body)
}

// scenario is one request and what must come of it.
type scenario struct {
	name    string
	method  string
	path    string
	body    string
	headers []string // pairs; see request
	status  int
	want    []string // the body contains
	not     []string // the body does not contain
	calls   []string // what the engine was asked, and no more
}

// run plays a scenario on a server.
func (s scenario) run(d *door) *http.Response {
	d.t.Helper()
	d.engine.took()
	res, body := d.do(d.request(s.method, s.path, s.body, s.headers...))
	if res.StatusCode != s.status {
		d.t.Errorf("status %d, want %d\n%s", res.StatusCode, s.status, body)
	}
	for _, text := range s.want {
		if !strings.Contains(body, text) {
			d.t.Errorf("the body lacks %s\n%s", text, body)
		}
	}
	for _, text := range append(s.not, testToken) {
		if strings.Contains(body, text) {
			d.t.Errorf("the body has %s\n%s", text, body)
		}
	}
	if calls := d.engine.took(); !slices.Equal(calls, s.calls) {
		d.t.Errorf("the engine was asked %q, want %q", calls, s.calls)
	}
	for header := range res.Header {
		if strings.HasPrefix(header, "Access-Control-") {
			d.t.Errorf("there is a CORS header %s", header)
		}
	}
	return res
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// errText is an error that no caller may see.
var errText = errors.New("row (42, secret-value) violates a constraint")
