//go:build window

package window

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"
)

const article = "schemas/article.schema.yaml"

// program returns the built program.
func program(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../../build/bin/marain")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("the program is not built: %v; run make build", err)
	}
	return path
}

// sample is a copy of the sample project in which nothing is applied without asking.
type sample struct {
	t    *testing.T
	root string
}

// newSample copies the sample project and applies it as it is, so that a window finds it in sync.
func newSample(t *testing.T, name string) *sample {
	t.Helper()
	s := &sample{t: t, root: filepath.Join(t.TempDir(), name)}
	for _, folder := range []string{"schemas", "config"} {
		if err := os.CopyFS(filepath.Join(s.root, folder), os.DirFS(filepath.Join("../..", folder))); err != nil {
			t.Fatal(err)
		}
	}
	s.edit("config/config.hot_reload.yaml", "auto_apply: safe", "auto_apply: none")
	s.command("apply", "--approve", "breaking")
	return s
}

func (s *sample) path(file string) string { return filepath.Join(s.root, filepath.FromSlash(file)) }

func (s *sample) read(file string) []byte {
	s.t.Helper()
	data, err := os.ReadFile(s.path(file))
	if err != nil {
		s.t.Fatal(err)
	}
	return data
}

// save writes a file as careful editors do: beside it, then over it.
func (s *sample) save(file string, data []byte) {
	s.t.Helper()
	beside := s.path(file) + "~"
	if err := os.WriteFile(beside, data, 0o644); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(beside, s.path(file)); err != nil {
		s.t.Fatal(err)
	}
}

// edit replaces the one place where a text stands in a file.
func (s *sample) edit(file, old, new string) {
	s.t.Helper()
	data := s.read(file)
	if n := bytes.Count(data, []byte(old)); n != 1 {
		s.t.Fatalf("%q stands %d times in %s", old, n, file)
	}
	s.save(file, bytes.Replace(data, []byte(old), []byte(new), 1))
}

// addField saves the article's schema with one more optional field.
func (s *sample) addField(id string) {
	s.t.Helper()
	s.edit(article, "  - id: summary\n", fmt.Sprintf("  - id: %s\n    type: text\n    description: The line under the title\n  - id: summary\n", id))
}

// command runs a command on the project, in a process of its own, and returns what it printed.
func (s *sample) command(arguments ...string) string {
	s.t.Helper()
	cmd := exec.Command(program(s.t), append([]string{"--project", s.root}, arguments...)...)
	var out, messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &messages
	if err := cmd.Run(); err != nil {
		s.t.Fatalf("marain %s: %v\n%s%s", strings.Join(arguments, " "), err, &out, &messages)
	}
	return out.String()
}

// columns returns the columns of a live table, read by a connection of this process, which is none of Marain's.
func (s *sample) columns(table string) []string {
	s.t.Helper()
	db, err := sql.Open("sqlite", "file:"+s.path("data/content/marain.db")+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT name FROM pragma_table_info(?) ORDER BY cid", table)
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			s.t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		s.t.Fatal(err)
	}
	return names
}

// eventually polls until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(patience)
	for !holds() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("this did not come true: %s", what)
		}
	}
}

// open starts the window on a project, or on the last one.
func (d *desktop) open(arguments ...string) *process {
	d.t.Helper()
	p := d.prepare(program(d.t), arguments...)
	p.run()
	return p
}
