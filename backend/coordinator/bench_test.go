package coordinator_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"marain/backend/action"
	"marain/backend/coordinator"
	"marain/backend/diff"
	"marain/backend/project"
)

// deadline is how long a test waits for something that must happen. It is never what a test measures.
const deadline = 20 * time.Second

// entity returns the text of a content type. Each field is "id type", then any lines of its own, such as
// "required: true".
func entity(id string, fields ...[]string) string {
	text := "id: " + id + "\nname: " + id + "\n"
	if len(fields) == 0 {
		return text + "fields: []\n"
	}
	text += "fields:\n"
	for _, f := range fields {
		name, kind, _ := strings.Cut(f[0], " ")
		text += "  - id: " + name + "\n    type: " + kind + "\n"
		for _, line := range f[1:] {
			text += "    " + line + "\n"
		}
	}
	return text
}

// f is one field of entity.
func f(head string, lines ...string) []string { return append([]string{head}, lines...) }

// patience is how long a check may take in tests: what it finds must not depend on how busy the machine is.
const patience = time.Minute

// openWith opens the project as it is on disk, as one more program, and closes it at the end of the test.
func (b *bench) openWith(change func(*coordinator.Options)) *coordinator.Coordinator {
	b.t.Helper()
	c, err := b.tryOpen(change)
	if err != nil {
		b.t.Fatalf("open: %v", err)
	}
	return c
}

func (b *bench) tryOpen(change func(*coordinator.Options)) (*coordinator.Coordinator, error) {
	b.t.Helper()
	o := coordinator.Options{Door: "code", Version: "test", CheckLimit: patience}
	if change != nil {
		change(&o)
	}
	o.Getenv = b.getenv(o.Getenv)
	p, err := project.Open(b.root, o.Getenv)
	if err != nil {
		b.t.Fatal(err)
	}
	o.Project = p
	c, err := coordinator.Open(context.Background(), o)
	if err == nil {
		b.t.Cleanup(func() {
			if err := c.Close(); err != nil {
				b.t.Errorf("close: %v", err)
			}
		})
	}
	return c, err
}

func (b *bench) remove(path string) {
	b.t.Helper()
	if err := os.Remove(filepath.Join(b.root, filepath.FromSlash(path))); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) rename(from, to string) {
	b.t.Helper()
	if err := os.Rename(filepath.Join(b.root, from), filepath.Join(b.root, to)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) exists(path string) bool {
	_, err := os.Lstat(filepath.Join(b.root, filepath.FromSlash(path)))
	return err == nil
}

// breaking applies everything that waits, whatever its category, with answers given as key, value, key, value.
func (b *bench) breaking(answers ...string) coordinator.ApplyResult {
	b.t.Helper()
	return b.apply(coordinator.ReloadRequest{Approve: "breaking", Answers: pairs(answers)})
}

func pairs(list []string) map[string]string {
	m := map[string]string{}
	for i := 0; i+1 < len(list); i += 2 {
		m[list[i]] = list[i+1]
	}
	return m
}

// save writes a file and applies it as breaking.
func (b *bench) save(path, text string, answers ...string) coordinator.ApplyResult {
	b.t.Helper()
	b.write(path, text)
	r := b.breaking(answers...)
	if !slices.Contains(r.Applied, path) {
		b.t.Fatalf("%s was not applied: %+v", path, r)
	}
	return r
}

func (b *bench) undo(r coordinator.ApplyResult, answers ...string) coordinator.ApplyResult {
	b.t.Helper()
	return b.rollback(coordinator.RollbackRequest{ActionID: r.ActionID, Answers: pairs(answers)})
}

func (b *bench) to(r coordinator.ApplyResult, answers ...string) coordinator.ApplyResult {
	b.t.Helper()
	return b.rollback(coordinator.RollbackRequest{To: r.ActionID, Answers: pairs(answers)})
}

func (b *bench) version(path string, n int, answers ...string) coordinator.ApplyResult {
	b.t.Helper()
	return b.rollback(coordinator.RollbackRequest{File: path, Version: n, Answers: pairs(answers)})
}

func (b *bench) status() coordinator.Status {
	b.t.Helper()
	s, err := b.c.Status(context.Background())
	if err != nil {
		b.t.Fatalf("status: %v", err)
	}
	return s
}

// refused fails the test unless err has the code, and returns it.
func (b *bench) refused(err error, code coordinator.Code) *coordinator.Error {
	b.t.Helper()
	var own *coordinator.Error
	if !errors.As(err, &own) {
		b.t.Fatalf("want a refusal with code %s, got %v", code, err)
	}
	if own.Code != code {
		b.t.Fatalf("want code %s, got %s: %s", code, own.Code, own.Message)
	}
	return own
}

func (b *bench) reloadRefused(request coordinator.ReloadRequest, code coordinator.Code) *coordinator.Error {
	b.t.Helper()
	_, err := b.c.Reload(context.Background(), request, person)
	return b.refused(err, code)
}

func (b *bench) rollbackRefused(request coordinator.RollbackRequest, code coordinator.Code) *coordinator.Error {
	b.t.Helper()
	_, err := b.c.Rollback(context.Background(), request, person)
	return b.refused(err, code)
}

// want fails the test unless a query finds exactly these rows.
func (b *bench) want(query string, want ...string) {
	b.t.Helper()
	if got := b.rows(query); !slices.Equal(got, want) {
		b.t.Errorf("%s\n got %q\nwant %q", query, got, want)
	}
}

// files returns every file of the project but those in the data folder.
func (b *bench) files() map[string]string {
	b.t.Helper()
	all := map[string]string{}
	for _, dir := range []string{"schemas", "config"} {
		err := filepath.WalkDir(filepath.Join(b.root, dir), func(path string, d os.DirEntry, err error) error {
			if errors.Is(err, os.ErrNotExist) {
				return nil
			}
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			name, _ := filepath.Rel(b.root, path)
			all[filepath.ToSlash(name)] = string(text)
			return err
		})
		if err != nil {
			b.t.Fatal(err)
		}
	}
	return all
}

// sameFiles fails the test unless the files are byte for byte the given ones.
func (b *bench) sameFiles(want map[string]string) {
	b.t.Helper()
	got := b.files()
	for path, text := range want {
		if !bytes.Equal([]byte(got[path]), []byte(text)) {
			b.t.Errorf("%s is not as it was:\n got %q\nwant %q", path, got[path], text)
		}
	}
	for path := range got {
		if _, ok := want[path]; !ok {
			b.t.Errorf("%s was not there", path)
		}
	}
}

// eventually waits until what holds, looking again every few milliseconds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	end := time.Now().Add(deadline)
	for !holds() {
		if time.Now().After(end) {
			t.Fatalf("it did not happen in time: %s", what)
		}
		<-time.After(3 * time.Millisecond)
	}
}

type (
	planFile = action.File
	planHead = diff.Head
)

// plan returns the plan of what waits.
func (b *bench) plan() action.Plan {
	b.t.Helper()
	plan, err := b.c.Diff(context.Background(), coordinator.DiffRequest{})
	if err != nil {
		b.t.Fatalf("diff: %v", err)
	}
	return plan
}

// last is the newest batch that changed something, as if just returned.
func (b *bench) last() coordinator.ApplyResult {
	b.t.Helper()
	list := b.rows(`SELECT action_id FROM marain_audit WHERE kind IN ('apply', 'rollback') ORDER BY seq DESC LIMIT 1`)
	if len(list) == 0 {
		b.t.Fatal("no batch")
	}
	return coordinator.ApplyResult{ActionID: list[0]}
}
