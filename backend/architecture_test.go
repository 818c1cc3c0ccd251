// Package backend_test holds the rules that keep the packages apart: who may import whom.
package backend_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	module  = "marain"
	backend = module + "/backend/"
	wails   = "github.com/wailsapp/wails"
)

// rows are the packages in the order in which they may import each other: a later one an earlier one, never the reverse.
var rows = []string{
	"project", "document", "event", "telemetry", "watcher", "diff", "action", "database", "history", "backup", "executor", "state",
	"content", "coordinator", "api", "cli",
}

// pkg is what go list says of a package.
type pkg struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	CgoFiles   []string
	Imports    []string
	Standard   bool
}

// list runs go list.
func list(t *testing.T, environment []string, arguments ...string) []pkg {
	t.Helper()
	command := exec.Command("go", append([]string{"list", "-json=ImportPath,Dir,GoFiles,CgoFiles,Imports,Standard"}, arguments...)...)
	command.Dir = ".."
	command.Env = append(os.Environ(), environment...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var all []pkg
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// row is the place of a package in the order; below database the dialects have the row of their parent.
func row(importPath string) int {
	first, _, _ := strings.Cut(strings.TrimPrefix(importPath, backend), "/")
	return slices.Index(rows, first)
}

func TestImportsPointUp(t *testing.T) {
	packages := list(t, nil, "./backend/...")
	if len(packages) < 13 {
		t.Fatalf("only %d packages", len(packages))
	}
	for _, p := range packages {
		if !strings.HasPrefix(p.ImportPath, backend) {
			continue // this folder itself, which holds tests only
		}
		mine := row(p.ImportPath)
		if mine < 0 {
			t.Errorf("%s has no place in the order of packages", p.ImportPath)
		}
		for _, imported := range p.Imports {
			if imported == module || strings.HasPrefix(imported, module+"/") && !strings.HasPrefix(imported, backend) {
				t.Errorf("%s imports %s, which is outside of the backend", p.ImportPath, imported)
			}
			if !strings.HasPrefix(imported, backend) {
				continue
			}
			switch theirs := row(imported); {
			case theirs < mine:
			case theirs == mine && imported == path.Dir(p.ImportPath): // a dialect and the interface that it implements
			default:
				t.Errorf("%s imports %s, which comes later or stands beside it", p.ImportPath, imported)
			}
		}
	}
}

func TestWhoImportsWhatFromOutside(t *testing.T) {
	allowed := map[string][]string{
		wails:                          {module},
		"modernc.org/sqlite":           {backend + "database/sqlite"},
		"github.com/jackc/pgx":         {backend + "database/postgres"},
		"gopkg.in/yaml":                {backend + "document"},
		"ariga.io/atlas":               {backend + "database"},
		"github.com/fsnotify":          {backend + "watcher"},
		"github.com/klauspost":         {backend + "history"},
		"github.com/sergi/go-diff":     {backend + "diff"},
		"marain/backend/coordinator":   {module, backend + "api", backend + "cli"},
		"marain/backend/database/sqli": {backend + "coordinator"},
	}
	found := map[string]bool{}
	for _, p := range list(t, nil, ".", "./backend/...") {
		for _, imported := range p.Imports {
			for prefix, who := range allowed {
				if !strings.HasPrefix(imported, prefix) {
					continue
				}
				found[prefix] = true
				ours := slices.ContainsFunc(who, func(w string) bool { return p.ImportPath == w || strings.HasPrefix(p.ImportPath, w+"/") && w != module })
				if !ours {
					t.Errorf("%s imports %s, which is for %v", p.ImportPath, imported, who)
				}
			}
		}
	}
	for prefix := range allowed {
		if !found[prefix] {
			t.Errorf("nobody imports %s: this rule checks nothing", prefix)
		}
	}
}

// TestTheEngineNeedsNoWindow looks at everything that the program without a window is built from.
func TestTheEngineNeedsNoWindow(t *testing.T) {
	all := list(t, []string{"CGO_ENABLED=0"}, "-deps", "-tags", "headless", ".")
	for _, p := range all {
		if strings.HasPrefix(p.ImportPath, wails) {
			t.Errorf("the program without a window needs %s", p.ImportPath)
		}
		if len(p.CgoFiles) > 0 {
			t.Errorf("%s needs a C compiler", p.ImportPath)
		}
	}
	if !slices.ContainsFunc(all, func(p pkg) bool { return p.ImportPath == backend+"coordinator" }) {
		t.Error("the program without a window has no engine")
	}
	for _, p := range list(t, nil, "-deps", "./backend/...") {
		if strings.HasPrefix(p.ImportPath, wails) {
			t.Errorf("the backend needs %s", p.ImportPath)
		}
	}
}

// TestDoorsTalkThroughInterfacesOfTheirOwn lets the doors use the coordinator's requests and answers, never the
// coordinator itself: only what puts the program together does.
func TestDoorsTalkThroughInterfacesOfTheirOwn(t *testing.T) {
	files := []string{filepath.Join("..", "app.go"), filepath.Join("..", "bindings.go")}
	for _, dir := range []string{"api", "cli"} {
		found, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v, %v", dir, found, err)
		}
		files = append(files, found...)
	}
	names := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for name := range coordinatorNames(t, file) {
			names++
			if name == "Coordinator" || name == "Open" || name == "Options" {
				t.Errorf("%s uses coordinator.%s", filepath.ToSlash(file), name)
			}
		}
	}
	if names < 10 {
		t.Errorf("only %d uses found: this rule checks nothing", names)
	}
}

// coordinatorNames returns what a file uses of the coordinator's package.
func coordinatorNames(t *testing.T, file string) map[string]bool {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("%s is not there", file)
	}
	if err != nil {
		t.Fatal(err)
	}
	local := ""
	for _, spec := range tree.Imports {
		if strings.Trim(spec.Path.Value, `"`) == backend+"coordinator" {
			local = "coordinator"
			if spec.Name != nil {
				local = spec.Name.Name
			}
		}
	}
	names := map[string]bool{}
	if local == "" {
		return names
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		if selector, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := selector.X.(*ast.Ident); ok && x.Name == local {
				names[selector.Sel.Name] = true
			}
		}
		return true
	})
	return names
}

// TestOnlyTheWindowImportsTheWindow names the files of the program that may.
func TestOnlyTheWindowImportsTheWindow(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	using := 0
	for _, file := range files {
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, file, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		uses := slices.ContainsFunc(tree.Imports, func(s *ast.ImportSpec) bool { return strings.Contains(s.Path.Value, wails) })
		if !uses {
			continue
		}
		using++
		tagged := false
		for _, group := range tree.Comments {
			for _, c := range group.List {
				tagged = tagged || strings.HasPrefix(c.Text, "//go:build") && strings.Contains(c.Text, "!headless")
			}
		}
		if !tagged {
			t.Errorf("%s imports Wails and is also part of the program without a window", filepath.Base(file))
		}
	}
	if using == 0 {
		t.Error("nobody imports Wails: this rule checks nothing")
	}
}
