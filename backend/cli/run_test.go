package cli

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"marain/backend/event"
)

// update rewrites the golden files: go test ./backend/cli -update, then read the difference.
var update = flag.Bool("update", false, "rewrite the golden files")

// terminal is a writer that says it is a terminal.
type terminal struct {
	bytes.Buffer
	columns int
}

func (t *terminal) Size() (int, bool) { return t.columns, true }

// world is a project folder and an engine for one test.
type world struct {
	root   string
	dir    string // where the person stands, relative to the root's parent
	engine *engine
	vars   map[string]string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	root := filepath.Join(t.TempDir(), "blog")
	for _, file := range []string{article, system} {
		path := filepath.Join(root, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("id: x\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return &world{root: root, dir: "blog", engine: &engine{hub: event.NewHub(8)}, vars: map[string]string{}}
}

// env returns the environment; the outputs are the caller's.
func (w *world) env() Env {
	return Env{
		Getenv: func(name string) string { return w.vars[name] }, Dir: filepath.Join(filepath.Dir(w.root), w.dir), User: "ann",
		Version: "1.2.3", Location: time.UTC, Open: w.engine.open,
	}
}

// run runs a command and returns its status and outputs, with the project's folder replaced.
func (w *world) run(args ...string) (code int, stdout, stderr string) {
	var out, messages bytes.Buffer
	env := w.env()
	env.Stdout, env.Stderr = &out, &messages
	code = Run(context.Background(), args, env)
	clean := strings.NewReplacer(w.root, "PROJECT", filepath.Dir(w.root), "PARENT")
	return code, clean.Replace(out.String()), clean.Replace(messages.String())
}

// golden compares a text with its golden file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", strings.ReplaceAll(name, " ", "_")+".golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is\n%s\nwant\n%s", path, got, want)
	}
}

// TestHelp prints the help of every command: before a flag's name there is always an example.
func TestHelp(t *testing.T) {
	for _, c := range commands() {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			code, stdout, stderr := w.run(c.name, "--help")
			if code != 0 || stderr != "" {
				t.Errorf("exit status %d, messages %q", code, stderr)
			}
			golden(t, "help "+c.name, stdout)
			if len(w.engine.opened) > 0 {
				t.Error("asking for help opened the project")
			}
			for line := range strings.Lines(stdout) {
				if len([]rune(line)) > 140 {
					t.Errorf("a line of help is too long: %s", line)
				}
			}
			if len(c.examples) == 0 {
				t.Error("there is no example")
			}
		})
	}
}

// TestOpenOptions checks how each command has the project opened: what only looks must not change anything.
func TestOpenOptions(t *testing.T) {
	for args, readOnly := range map[string]bool{
		"status": true, "validate": true, "diff": true, "history": true, "verify": true,
		"apply": false, "rollback --action 01A": false, "reject " + article: false, "drafts --restore 01D": false,
		"drift": true, "drift --repair": false,
	} {
		w := newWorld(t)
		w.run(strings.Fields(args)...)
		if len(w.engine.opened) != 1 {
			t.Fatalf("%s opened the project %d times", args, len(w.engine.opened))
		}
		if got := w.engine.opened[0]; got.ReadOnly != readOnly || got.Watch || got.Door != "command" || got.Version != "1.2.3" || got.Logger == nil {
			t.Errorf("%s opened with %+v, want read only %v", args, got, readOnly)
		}
	}
}

// TestFlagsAnywhere puts flags and file names in every order.
func TestFlagsAnywhere(t *testing.T) {
	want := "reload {Files:[" + article + " " + system + "] DryRun:true Approve:warning PlanID: Answers:map[] Note:-n}" + byAnn
	for _, args := range []string{
		"apply --dry-run --approve warning --note=-n A S", "apply A S --dry-run --approve=warning --note -n", "apply A --approve warning S --note -n --dry-run",
		"--json apply A S -dry-run -approve warning -note -n", "--project . apply --dry-run=true --approve warning --note -n -- A S", "apply --approve warning --dry-run A --note -n -- S",
	} {
		w := newWorld(t)
		code, stdout, stderr := w.run(strings.Fields(strings.NewReplacer("A", article, "S", system).Replace(args))...)
		if code != 0 || !slices.Equal(w.engine.calls, []string{want}) {
			t.Errorf("%s: exit status %d, asked %q\n%s%s", args, code, w.engine.calls, stdout, stderr)
		}
		if isJSON := strings.HasPrefix(stdout, "{"); isJSON != strings.Contains(args, "json") {
			t.Errorf("%s: printed %s", args, stdout)
		}
	}
}

// TestFileNames names files from different places.
func TestFileNames(t *testing.T) {
	tests := []struct{ dir, flag, name, want string }{
		{"blog", "", article, article},
		{"blog", "", "./" + article, article},
		{"blog", "", "schemas/../schemas/article.schema.yaml", article},
		{"blog/schemas", "..", "article.schema.yaml", article},
		{"blog/schemas", "..", article, article},
		{"blog/schemas", "..", "../config/config.system.yaml", system},
		{"blog/schemas", "..", "removed.schema.yaml", "schemas/removed.schema.yaml"},
		{"blog/schemas", "..", "schemas/removed.schema.yaml", "schemas/removed.schema.yaml"},
		{"blog/schemas", "..", "config/removed.yaml", "config/removed.yaml"},
		{".", "blog", "blog/" + article, article},
		{".", "blog", article, article},
		{".", "blog", "schemas/removed.schema.yaml", "schemas/removed.schema.yaml"},
		{".", "blog", "ROOT/" + article, article},
		{"blog", "", "ROOT/schemas/removed.schema.yaml", "schemas/removed.schema.yaml"},
	}
	for _, test := range tests {
		w := newWorld(t)
		w.dir = test.dir
		args := []string{"diff", strings.ReplaceAll(test.name, "ROOT", w.root)}
		if test.flag != "" {
			args = append(args, "--project", test.flag)
		}
		_, _, stderr := w.run(args...)
		want := []string{"diff {Files:[" + test.want + "] Contents:map[] Answers:map[]}"}
		if !slices.Equal(w.engine.calls, want) {
			t.Errorf("%s in %s: asked %q, want %q\n%s", test.name, test.dir, w.engine.calls, want, stderr)
		}
	}
}

// TestTerminal prints to terminals: colours unless NO_COLOR, texts side by side where there is room.
func TestTerminal(t *testing.T) {
	for _, test := range []struct {
		name    string
		columns int
		vars    map[string]string
		colour  bool
	}{
		{"narrow", 90, nil, true},
		{"wide", 140, nil, true},
		{"no colour", 140, map[string]string{"NO_COLOR": "1"}, false},
		{"dumb", 90, map[string]string{"TERM": "dumb"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.vars = test.vars
			w.engine.plan = plan()
			out := &terminal{columns: test.columns}
			env := w.env()
			env.Stdout, env.Stderr = out, &bytes.Buffer{}
			if code := Run(context.Background(), []string{"diff"}, env); code != ExitWaiting {
				t.Errorf("exit status %d", code)
			}
			if got := strings.Contains(out.String(), "\x1b["); got != test.colour {
				t.Errorf("colours: %v, want %v", got, test.colour)
			}
			if strings.Contains(out.String(), "\x1b[2J") || strings.Contains(out.String(), "\u202e") {
				t.Error("a value of a file drives the terminal")
			}
			golden(t, "terminal "+test.name, strings.ReplaceAll(out.String(), "\x1b", "ESC"))
		})
	}
}

// brokenWriter is an output that nobody reads.
type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// TestBrokenOutput cannot print its result: that is an error.
func TestBrokenOutput(t *testing.T) {
	for _, args := range [][]string{{"status"}, {"status", "--json"}, {"help"}, {"apply", "--help"}, {"version"}} {
		w := newWorld(t)
		w.engine.status = inSync()
		var messages bytes.Buffer
		env := w.env()
		env.Stdout, env.Stderr = brokenWriter{}, &messages
		if code := Run(context.Background(), args, env); code != ExitError || !strings.Contains(messages.String(), "broken pipe") {
			t.Errorf("%v: exit status %d, messages %q", args, code, messages.String())
		}
		env.Stderr = brokenWriter{}
		if code := Run(context.Background(), args, env); code != ExitError {
			t.Errorf("%v with no output at all: exit status %d", args, code)
		}
	}
}

// TestVersion prints the version.
func TestVersion(t *testing.T) {
	for _, args := range [][]string{{"version"}, {"--version"}} {
		if code, stdout, _ := newWorld(t).run(args...); code != 0 || !strings.HasPrefix(stdout, "marain 1.2.3 (go1.") {
			t.Errorf("%v: exit status %d, printed %q", args, code, stdout)
		}
	}
	if code, stdout, _ := newWorld(t).run("version", "--json"); code != 0 || !strings.HasPrefix(stdout, `{"version":"1.2.3","go":"go1.`) {
		t.Errorf("exit status %d, printed %q", code, stdout)
	}
}

// TestNearest finds what was meant.
func TestNearest(t *testing.T) {
	names := []string{"serve", "validate", "status", "diff", "apply", "history", "rollback", "reject", "drafts", "verify", "version", "help"}
	for word, want := range map[string]string{
		"stauts": "status", "STATUS": "status", "aply": "apply", "hist": "history", "roll": "rollback", "dif": "diff", "valdate": "validate", "x": "", "deploy": "", "serv": "serve",
	} {
		if got := nearest(word, names); got != want {
			t.Errorf("nearest(%q) = %q, want %q", word, got, want)
		}
	}
}
