package project

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
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
	must(t, os.MkdirAll(filepath.Dir(full), 0o755))
	must(t, os.WriteFile(full, []byte(text), 0o644))
}

// must ends the test on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// leftOvers returns the temporary files in a project.
func leftOvers(t *testing.T, root string) []string {
	t.Helper()
	var found []string
	must(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if strings.HasPrefix(d.Name(), ".marain-") {
			found = append(found, path)
		}
		return err
	}))
	return found
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

func TestReadWhatIsNoPlainFile(t *testing.T) {
	p, files := open(t, map[string]string{"schemas/a.yaml": "a", "schemas/folder.yaml/x": "", "schemas/empty.yaml": ""})
	at := func(path string) string { return filepath.Join(p.Root, filepath.FromSlash(path)) }
	elsewhere := filepath.Join(t.TempDir(), "secret.yaml")
	must(t, os.WriteFile(elsewhere, []byte("secret"), 0o644))
	for name, target := range map[string]string{
		"link": "a.yaml", "up": "../schemas/a.yaml", "broken": "nowhere", "loop": "loop.yaml", "out": "../../x.yaml", "absolute": elsewhere, "inside": at("schemas/a.yaml"),
	} {
		must(t, os.Symlink(target, at("schemas/"+name+".yaml")))
	}
	makeFIFO(t, at("schemas/pipe.yaml"))
	for _, size := range []int64{MaxFileSize, MaxFileSize + 1, 2 << 30} {
		must(t, os.WriteFile(at(fmt.Sprintf("schemas/%d.yaml", size)), nil, 0o644))
		must(t, os.Truncate(at(fmt.Sprintf("schemas/%d.yaml", size)), size))
	}
	for _, c := range []struct {
		path   string
		exists bool
		data   string
		is     error
		text   string
	}{
		{"schemas/a.yaml", true, "a", nil, ""},
		{"schemas/empty.yaml", true, "", nil, ""},
		{"schemas/none.yaml", false, "", nil, ""},
		{"schemas/a.yaml/below.yaml", false, "", nil, ""},
		{"nowhere/none.yaml", false, "", nil, ""},
		{"schemas/link.yaml", true, "a", nil, ""},
		{"schemas/up.yaml", true, "a", nil, ""},
		{"schemas/broken.yaml", false, "", nil, ""},
		{"schemas/loop.yaml", true, "", ErrUnreadable, "schemas/loop.yaml: it cannot be read: too many levels of symbolic links"},
		{"schemas/out.yaml", true, "", ErrOutside, "schemas/out.yaml: it lies outside the project folder"},
		{"schemas/absolute.yaml", true, "", ErrOutside, "schemas/absolute.yaml: it lies outside the project folder"},
		{"schemas/inside.yaml", true, "", ErrOutside, "schemas/inside.yaml: it lies outside the project folder"},
		{"schemas/folder.yaml", true, "", ErrNotRegular, "schemas/folder.yaml: it is a folder, not a file"},
		{"schemas/pipe.yaml", true, "", ErrNotRegular, "schemas/pipe.yaml: it is a FIFO, not a file"},
		{"schemas/1048577.yaml", true, "", ErrTooLarge, "schemas/1048577.yaml: file is too large: 1048577 bytes, at most 1048576 are read"},
		{"schemas/2147483648.yaml", true, "", ErrTooLarge, "schemas/2147483648.yaml: file is too large: 2147483648 bytes, at most 1048576 are read"},
		{"../" + filepath.Base(p.Root) + "/schemas/a.yaml", false, "", ErrOutside, ""},
		{"schemas/../../x.yaml", false, "", ErrOutside, ""},
		{elsewhere, false, "", ErrOutside, ""},
		{"", false, "", ErrOutside, ""},
	} {
		t.Run(c.path, func(t *testing.T) {
			got := files.Read(c.path)
			if got.Path != c.path || got.Exists != c.exists || string(got.Data) != c.data || !errors.Is(got.Err, c.is) || (got.Hash == "") != (got.Data == nil) {
				t.Errorf("got %+v", got)
			}
			var problem *FileError
			if c.is == nil {
				return
			}
			if !errors.As(got.Err, &problem) || problem.Path != c.path || problem.Code == "" || problem.Hint == "" || c.text != "" && problem.Error() != c.text {
				t.Errorf("got %+v, want %q", problem, c.text)
			}
		})
	}
	if got := files.Read("schemas/1048576.yaml"); got.Err != nil || len(got.Data) != MaxFileSize {
		t.Errorf("a file at the limit: %d bytes, %v", len(got.Data), got.Err)
	}
	if got := files.Read("schemas/link.yaml"); !got.Link || got.Mode&fs.ModeSymlink != 0 {
		t.Errorf("a link reads as %v, %v", got.Link, got.Mode)
	}
}

func TestSame(t *testing.T) {
	a := File{Path: "a", Exists: true, Hash: "1"}
	failed := File{Path: "a", Exists: true, Err: tooLarge(5)}
	for _, c := range []struct {
		name string
		x, y File
		want bool
	}{
		{"itself", a, a, true},
		{"another mode", a, File{Exists: true, Hash: "1", Mode: 0o600}, true},
		{"another content", a, File{Exists: true, Hash: "2"}, false},
		{"gone", a, File{}, false},
		{"both gone", File{Path: "a"}, File{Path: "a"}, true},
		{"the same error", failed, File{Exists: true, Err: tooLarge(5)}, true},
		{"another error", failed, File{Exists: true, Err: tooLarge(6)}, false},
		{"an error now", a, failed, false},
	} {
		if c.x.Same(c.y) != c.want || c.y.Same(c.x) != c.want {
			t.Errorf("%s: want %v", c.name, c.want)
		}
	}
}

func TestScan(t *testing.T) {
	p, files := open(t, map[string]string{
		"schemas/b.yaml": "b", "schemas/a.yaml": "a", "schemas/z/deep/c.yaml": "c", "schemas/.hidden/x.yaml": "", "schemas/.x.yaml": "",
		"schemas/x.yaml~": "", "schemas/readme.md": "", "config/d.yaml": "d", "shared/e.yaml": "e", "data/f.yaml": "", "schemas/sub.yaml/g.yaml": "",
	})
	at := func(path string) string { return filepath.Join(p.Root, filepath.FromSlash(path)) }
	must(t, os.Symlink("../shared", at("schemas/linked")))
	must(t, os.Symlink("../schemas/z", at("config/again")))     // walked by its real path already
	must(t, os.Symlink("..", at("schemas/z/loop")))             // leads back up
	must(t, os.Symlink("../../elsewhere", at("schemas/away")))  // leaves the project
	must(t, os.Symlink("b.yaml", at("schemas/alias.yaml")))     // a file
	must(t, os.Symlink("nowhere.yaml", at("schemas/no.yaml")))  // nothing
	must(t, os.Symlink("circle", at("schemas/circle")))         // itself
	must(t, os.Symlink("../config/d.yaml", at("schemas/text"))) // a file whose name does not match
	match := func(path string) bool { return strings.HasSuffix(path, ".yaml") }

	got, missing, err := files.Scan([]string{"schemas", "gone", "config", "schemas", "schemas/a.yaml"}, match)
	must(t, err)
	var paths []string
	for _, file := range got {
		paths = append(paths, file.Path)
	}
	want := []string{"config/d.yaml", "schemas/a.yaml", "schemas/alias.yaml", "schemas/b.yaml", "schemas/linked/e.yaml", "schemas/sub.yaml", "schemas/z/deep/c.yaml"}
	if !slices.Equal(paths, want) {
		t.Errorf("got  %v\nwant %v", paths, want)
	}
	if !slices.Equal(missing, []string{"gone", "schemas/a.yaml"}) {
		t.Errorf("missing are %v", missing)
	}
	for _, file := range got {
		if wrong := file.Path == "schemas/sub.yaml"; wrong != (file.Err != nil) {
			t.Errorf("%s has the error %v", file.Path, file.Err)
		}
	}
	// Folders within folders are walked once.
	again, _, err := files.Scan([]string{"schemas/z", "schemas"}, match)
	must(t, err)
	if n := len(again); n != 6 {
		t.Errorf("got %d files, want 6", n)
	}
}

func TestScanOfEverything(t *testing.T) {
	_, files := open(t, map[string]string{"schemas/a.yaml": "", "top.yaml": ""})
	got, _, err := files.Scan([]string{"."}, func(path string) bool { return strings.HasSuffix(path, ".yaml") })
	must(t, err)
	if len(got) != 2 || got[0].Path != "schemas/a.yaml" || got[1].Path != "top.yaml" {
		t.Errorf("got %+v", got)
	}
}

// Reading while somebody replaces the file gives one of its contents, whole.
func TestReadWhileReplaced(t *testing.T) {
	_, files := open(t, map[string]string{"schemas/a.yaml": strings.Repeat("0", 100)})
	var writing sync.WaitGroup
	stop := make(chan struct{})
	writing.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			text := strings.Repeat(fmt.Sprint(n%10), 100+n%900)
			if err := files.Write("schemas/a.yaml", []byte(text), nil); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 300 {
		got := files.Read("schemas/a.yaml")
		text := string(got.Data)
		if got.Err != nil || len(text) < 100 || strings.Trim(text, text[:1]) != "" {
			t.Errorf("got %+v", got)
			break
		}
	}
	close(stop)
	writing.Wait()
}
