// Package engine tests the real program from outside: the binary without a window, real files, a real database, real
// signals. Nothing here imports the engine.
package engine

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
	"strings"
	"testing"
	"time"

	"marain/tests/cluster"
)

// patience is how long anything may take before a test gives up on it.
const patience = 30 * time.Second

// binary is built once for all tests.
var binary string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "marain-engine-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		if err := os.RemoveAll(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	binary = filepath.Join(dir, "marain")
	build := exec.Command("go", "build", "-tags", "headless", "-o", binary, "../..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	return cluster.Main(m)
}

// place is a project of a test's own.
type place struct {
	t        *testing.T
	root     string
	database string // its address, when it is on a server
}

// onBoth runs a test with a database in a file, and with one on a server.
func onBoth(t *testing.T, policy string, run func(t *testing.T, p *place)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { run(t, newPlace(t, policy)) })
	t.Run("postgres", func(t *testing.T) {
		p := newPlace(t, policy)
		p.database = cluster.Database(t)
		run(t, p)
	})
}

const articleFile = "schemas/article.schema.yaml"

const article = `id: article
name: Article
fields:
  - id: title
    type: text
    required: true
  - id: body
    type: long_text
`

func newPlace(t *testing.T, policy string) *place {
	t.Helper()
	p := &place{t: t, root: t.TempDir()}
	p.write("config/config.hot_reload.yaml", "id: hot_reload\nvalues:\n  auto_apply: "+policy+"\n")
	p.write(articleFile, article)
	return p
}

func (p *place) path(name string) string { return filepath.Join(p.root, filepath.FromSlash(name)) }

func (p *place) write(name, text string) {
	p.t.Helper()
	if err := os.MkdirAll(filepath.Dir(p.path(name)), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(p.path(name), []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) read(name string) string {
	p.t.Helper()
	text, err := os.ReadFile(p.path(name))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

func (p *place) command(args ...string) *exec.Cmd {
	cmd := exec.Command(binary, append(args, "--project", p.root)...)
	cmd.Env = []string{"HOME=" + p.root, "PATH=" + os.Getenv("PATH"), "USER=ann"}
	if p.database != "" {
		cmd.Env = append(cmd.Env, "MARAIN_DATABASE_URL="+p.database)
	}
	return cmd
}

// marain runs a command and returns its exit status and, decoded, what it printed with --json.
func (p *place) marain(result any, args ...string) int {
	p.t.Helper()
	cmd := p.command(append(args, "--json")...)
	var out, messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &messages
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatalf("marain %v: %v", args, err)
	}
	if result != nil {
		if err := json.Unmarshal(out.Bytes(), result); err != nil {
			p.t.Fatalf("marain %v printed no JSON: %v\n%s%s", args, err, out.String(), messages.String())
		}
	}
	return cmd.ProcessState.ExitCode()
}

// applied is the part of an answer to apply and rollback that tests look at.
type applied struct {
	ActionID string   `json:"action_id"`
	Applied  []string `json:"applied"`
	Pending  []string `json:"pending"`
	Error    *struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

type verdict struct {
	OK     bool `json:"ok"`
	Faults []struct {
		Code    string `json:"code"`
		Subject string `json:"subject"`
		Message string `json:"message"`
	} `json:"faults"`
}

// sound fails the test unless verify finds nothing wrong.
func (p *place) sound(when string) {
	p.t.Helper()
	var v verdict
	if exit := p.marain(&v, "verify"); exit != 0 || !v.OK {
		p.t.Fatalf("%s: verify says %d: %+v", when, exit, v.Faults)
	}
}

type problem struct {
	File    string `json:"file_path"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

type status struct {
	InSync  bool   `json:"in_sync"`
	State   string `json:"state"`
	Pending []struct {
		File  string `json:"file_path"`
		Op    string `json:"op"`
		Key   string `json:"key"`
		Event string `json:"event"`
	} `json:"pending_changes"`
	Invalid []problem `json:"invalid_files"`
	Held    []struct {
		File string `json:"file_path"`
	} `json:"held_files"`
	Snapshot uint64 `json:"snapshot_version"`
}

type past struct {
	Items []struct {
		ActionID string `json:"action_id"`
		Kind     string `json:"kind"`
		Status   string `json:"status"`
		Files    []struct {
			File  string `json:"file_path"`
			Event string `json:"event"`
		} `json:"files"`
	} `json:"items"`
	Next string `json:"next"`
}

// server is a running marain serve.
type server struct {
	*place
	cmd   *exec.Cmd
	url   string
	token string
}

var address = regexp.MustCompile(`http://127\.0\.0\.1:\d+/`)

// serve starts a server and waits until it answers.
func (p *place) serve() *server {
	p.t.Helper()
	s := &server{place: p, cmd: p.command("serve", "--listen", "127.0.0.1:0")}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	messages := &bytes.Buffer{}
	s.cmd.Stderr = messages
	if err := s.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(s.kill)
	var printed strings.Builder
	buffer := make([]byte, 4096)
	for s.url == "" {
		n, err := out.Read(buffer)
		printed.Write(buffer[:n])
		s.url = address.FindString(printed.String())
		if err != nil && s.url == "" {
			p.t.Fatalf("serve ended: %s%s", printed.String(), messages.String())
		}
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	s.token = strings.TrimSpace(p.read("data/api.token"))
	return s
}

// kill ends the server at once, as a crash would.
func (s *server) kill() {
	if s.cmd.ProcessState == nil {
		_ = s.cmd.Process.Kill() // it may have ended by itself
		_ = s.cmd.Wait()
	}
}

func (s *server) call(method, path, body string, result any) int {
	s.t.Helper()
	request, err := http.NewRequest(method, s.url+"api/v1/hot-reload/"+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	if result != nil {
		if err := json.NewDecoder(response.Body).Decode(result); err != nil {
			s.t.Fatalf("%s %s: %v", method, path, err)
		}
	}
	return response.StatusCode
}

func (s *server) status() status {
	s.t.Helper()
	var st status
	if code := s.call("GET", "status", "", &st); code != 200 {
		s.t.Fatalf("status answers %d", code)
	}
	return st
}

func (s *server) history() past {
	s.t.Helper()
	var h past
	if code := s.call("GET", "history?limit=200", "", &h); code != 200 {
		s.t.Fatalf("history answers %d", code)
	}
	return h
}

// until asks for the status until the condition holds.
func (s *server) until(what string, done func(status) bool) status {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		st := s.status()
		if done(st) {
			return st
		}
		select {
		case <-ctx.Done():
			s.t.Fatalf("%s did not happen: %+v", what, st)
		case <-ticker.C:
		}
	}
}

func inSync(st status) bool { return st.InSync }
