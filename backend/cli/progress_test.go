package cli

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"

	"marain/backend/coordinator"
	"marain/backend/event"
	"marain/backend/executor"
)

// shared is a terminal that several goroutines may write to.
type shared struct {
	mu   sync.Mutex
	text terminal
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *shared) Size() (int, bool) { return 40, true }

// telling is an engine that tells how far it is while it applies.
type telling struct {
	*engine
	steps []executor.Progress
}

func (e telling) Reload(ctx context.Context, req coordinator.ReloadRequest, by coordinator.Actor) (coordinator.ApplyResult, error) {
	for _, p := range e.steps {
		e.hub.Publish(event.Progress, 1, p)
	}
	e.hub.Publish(event.Changes, 1, nil)
	return e.engine.Reload(ctx, req, by)
}

func TestProgressOnATerminal(t *testing.T) {
	w := newWorld(t)
	w.engine.apply = coordinator.ApplyResult{ActionID: "01A", Applied: []string{article}}
	steps := []executor.Progress{
		{Phase: executor.Waiting},
		{Phase: executor.Running, Description: "Convert \x1b[31mn"},
		{Phase: executor.Running, Description: "Convert n", Done: 250, Total: 1000},
		{Phase: executor.Committing},
	}
	for _, c := range []struct {
		name     string
		args     []string
		terminal bool
		want     string
	}{
		{"terminal", []string{"apply"}, true, "\r\x1b[KWaiting for the database\r\x1b[KConvert \\x1b[31mn\r\x1b[KConvert n: 25 % of 1000 rows\r\x1b[KCommitting\r\x1b[K"},
		{"file", []string{"apply"}, false, ""},
		{"json", []string{"apply", "--json"}, true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, messages bytes.Buffer
			screen := &shared{}
			env := w.env()
			env.Stdout, env.Stderr = &out, io.Writer(&messages)
			if c.terminal {
				env.Stderr = screen
			}
			env.Open = func(context.Context, string, OpenOptions) (Engine, error) { return telling{w.engine, steps}, nil }
			if code := Run(context.Background(), c.args, env); code != ExitDone || !strings.Contains(out.String(), "01A") {
				t.Errorf("status %d: %s", code, &out)
			}
			if got := screen.text.String() + messages.String(); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
