package project

import (
	"os"
	"path/filepath"
	"testing"
)

// none is an environment without variables.
func none(string) string { return "" }

// open makes a project folder with some files and opens it.
func open(t *testing.T, files map[string]string) (*Project, *Files) {
	t.Helper()
	root := t.TempDir()
	for path, text := range files {
		put(t, root, path, text)
	}
	p, err := Open(root, none)
	if err != nil {
		t.Fatal(err)
	}
	f, err := p.Files()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return p, f
}

// put writes a file of a project, and the folders above it.
func put(t *testing.T, root, path, text string) {
	t.Helper()
	full := filepath.Join(root, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestRead(t *testing.T) {
	_, files := open(t, map[string]string{"schemas/a.schema.yaml": "id: a\n"})
	got := files.Read("schemas/a.schema.yaml")
	if got.Err != nil || !got.Exists || string(got.Data) != "id: a\n" {
		t.Fatalf("got %+v", got)
	}
	// printf 'id: a\n' | sha256sum
	const want = "32848b63caee2b356871054d84e60643683ed636c46ba010d11f04e367325f45"
	if got.Hash != want || got.Link || got.Mode.Perm() != 0o644 {
		t.Errorf("got %s, %v and link %v, want %s", got.Hash, got.Mode, got.Link, want)
	}
}
