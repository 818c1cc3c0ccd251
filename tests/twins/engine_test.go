package twins

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"marain/backend/coordinator"
	"marain/backend/project"
)

// patience is how long one request may take: what takes longer hangs.
const patience = 2 * time.Minute

// engine is one program on the database, whatever door it is asked through.
type engine struct {
	name string
	root string // its project folder
	ask  func(ctx context.Context, operation string, request any) ([]byte, error)
	stop func() error
}

// refusal is an error of a door.
type refusal struct {
	Code    string            `json:"code"`
	Message string            `json:"message"`
	Details []json.RawMessage `json:"details"`
}

// call asks for an operation. An error is none of the door's: the program is gone, or answers nonsense.
func (e *engine) call(operation string, request, result any) (*refusal, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	answer, err := e.ask(ctx, operation, request)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", e.name, operation, err)
	}
	var refused struct {
		Error *refusal `json:"error"`
	}
	if err := json.Unmarshal(answer, &refused); err != nil {
		return nil, fmt.Errorf("%s: %s answers %q: %w", e.name, operation, answer, err)
	}
	if refused.Error != nil {
		return refused.Error, nil
	}
	return nil, json.Unmarshal(answer, result)
}

// The requests are the coordinator's own: every door has the same.
type (
	reloadRequest   = coordinator.ReloadRequest
	rollbackRequest = coordinator.RollbackRequest
	rejectRequest   = coordinator.RejectRequest
	diffRequest     = coordinator.DiffRequest
)

// inside is an engine in this program.
func inside(t *testing.T, name, root, address string) *engine {
	t.Helper()
	getenv := func(name string) string {
		if name == project.EnvDatabase {
			return address
		}
		return ""
	}
	p, err := project.Open(root, getenv)
	if err != nil {
		t.Fatal(err)
	}
	c, err := coordinator.Open(context.Background(), coordinator.Options{Project: p, Door: "code", Version: "test", Getenv: getenv, CheckLimit: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	actor := coordinator.Actor{Name: name, Door: "code"}
	ask := func(ctx context.Context, _ string, request any) ([]byte, error) {
		var result any
		var err error
		switch r := request.(type) {
		case diffRequest:
			result, err = c.Diff(ctx, r)
		case reloadRequest:
			result, err = c.Reload(ctx, r, actor)
		case rollbackRequest:
			result, err = c.Rollback(ctx, r, actor)
		case rejectRequest:
			result, err = c.Reject(ctx, r, actor)
		case history:
			result, err = c.History(ctx, coordinator.HistoryRequest{Limit: r.limit})
		case verify:
			result, err = c.Verify(ctx)
		case status:
			result, err = c.Status(ctx)
		default:
			return nil, fmt.Errorf("no such request: %T", request)
		}
		var own *coordinator.Error
		if errors.As(err, &own) {
			result, err = map[string]any{"error": own}, nil
		}
		if err != nil {
			return nil, err
		}
		return json.Marshal(result)
	}
	return &engine{name: name, root: root, ask: ask, stop: c.Close}
}

// What asks for something that has no body.
type (
	history struct{ limit int }
	verify  struct{}
	status  struct{}
)

// program makes a command of the real program ready.
func program(root, address string, arguments ...string) *exec.Cmd {
	cmd := exec.Command(binary, append(arguments, "--project", root)...)
	cmd.Env = []string{"HOME=" + root, "PATH=" + os.Getenv("PATH"), "USER=ann"}
	if address != "" {
		cmd.Env = append(cmd.Env, project.EnvDatabase+"="+address)
	}
	return cmd
}

var listening = regexp.MustCompile(`http://127\.0\.0\.1:\d+/`)

// served is a server in a process of its own.
func served(t *testing.T, name, root, address string) *engine {
	t.Helper()
	cmd := program(root, address, "serve", "--listen", "127.0.0.1:0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	messages := &bytes.Buffer{}
	cmd.Stderr = messages
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill() // a test that failed did not stop it
			_ = cmd.Wait()
		}
	})
	url, printed := "", ""
	for buffer := make([]byte, 4096); url == ""; url = listening.FindString(printed) {
		n, err := out.Read(buffer)
		printed += string(buffer[:n])
		if err != nil {
			t.Fatalf("serve ended: %s%s", printed, messages)
		}
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	token, err := os.ReadFile(filepath.Join(root, "data", "api.token"))
	if err != nil {
		t.Fatal(err)
	}
	ask := func(ctx context.Context, operation string, request any) ([]byte, error) {
		method, body := http.MethodPost, []byte(nil)
		switch r := request.(type) {
		case history:
			method, operation = http.MethodGet, operation+"?limit="+strconv.Itoa(r.limit)
		case verify, status:
			method = http.MethodGet
		default:
			if body, err = json.Marshal(r); err != nil {
				return nil, err
			}
		}
		return exchange(ctx, method, url+"api/v1/hot-reload/"+operation, strings.TrimSpace(string(token)), body)
	}
	end := func() error {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			return err
		}
		if err := cmd.Wait(); err != nil {
			return fmt.Errorf("the server ended with %w: %s", err, messages)
		}
		return nil
	}
	return &engine{name: name, root: root, ask: ask, stop: end}
}

func exchange(ctx context.Context, method, url, token string, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return io.ReadAll(response.Body)
}

// commands is an engine that is a new process for each request.
func commands(name, root, address string) *engine {
	ask := func(ctx context.Context, operation string, request any) ([]byte, error) {
		cmd := program(root, address, append(flags(operation, request), "--json")...)
		var out, messages bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &messages
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		defer context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })()
		var exit *exec.ExitError
		if err := cmd.Wait(); err != nil && !errors.As(err, &exit) || out.Len() == 0 {
			return nil, fmt.Errorf("%v: %w: %s", cmd.Args, err, &messages)
		}
		return out.Bytes(), nil
	}
	return &engine{name: name, root: root, ask: ask, stop: func() error { return nil }}
}

// flags writes a request as the arguments of a command.
func flags(operation string, request any) []string {
	var list []string
	add := func(name, value string) {
		if value != "" {
			list = append(list, "--"+name, value)
		}
	}
	answers := func(given map[string]string) {
		for key, value := range given {
			add("answer", key+"="+value)
		}
	}
	switch r := request.(type) {
	case diffRequest:
		answers(r.Answers)
		return slices.Concat([]string{"diff"}, r.Files, list)
	case reloadRequest:
		add("approve", r.Approve)
		add("plan", r.PlanID)
		add("note", r.Note)
		answers(r.Answers)
		return slices.Concat([]string{"apply"}, r.Files, list)
	case rollbackRequest:
		add("action", r.ActionID)
		add("to", r.To)
		add("file", r.File)
		if r.Version > 0 {
			add("version", strconv.Itoa(r.Version))
		}
		add("note", r.Note)
		answers(r.Answers)
		return append([]string{"rollback"}, list...)
	case rejectRequest:
		add("note", r.Note)
		if r.Restore {
			list = append(list, "--restore")
		}
		return slices.Concat([]string{"reject"}, r.Files, list)
	case history:
		add("limit", strconv.Itoa(r.limit))
		return append([]string{"history"}, list...)
	default:
		return []string{operation}
	}
}
