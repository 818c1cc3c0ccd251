package watcher

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"marain/backend/project"
)

// With folders comes what is in them, however fast it got there, and later changes in them are seen.
func TestNewFolders(t *testing.T) {
	t.Parallel()
	r := watch(t, map[string]string{"schemas/a.yaml": "a"})
	r.write("schemas/one/two/three/b.yaml", "b")
	r.settle(map[string]string{"schemas/a.yaml": "a", "schemas/one/two/three/b.yaml": "b"})
	r.write("schemas/one/two/three/b.yaml", "b2")
	r.write("schemas/one/two/c.yaml", "c")
	r.settle(map[string]string{"schemas/a.yaml": "a", "schemas/one/two/three/b.yaml": "b2", "schemas/one/two/c.yaml": "c"})
	// A folder that comes from elsewhere, full.
	r.write("elsewhere/deep/d.yaml", "d")
	r.must(os.Rename(r.full("elsewhere"), r.full("schemas/moved")))
	r.settle(map[string]string{"schemas/a.yaml": "a", "schemas/one/two/three/b.yaml": "b2", "schemas/one/two/c.yaml": "c", "schemas/moved/deep/d.yaml": "d"})
	r.write("schemas/moved/deep/d.yaml", "d2")
	wantNames(t, r.next(), "schemas/moved/deep/d.yaml")
	r.quiet()
}

// A folder that is renamed takes its files along, and is watched under its new name, with those below it.
func TestRenamedFolder(t *testing.T) {
	t.Parallel()
	r := watch(t, map[string]string{"schemas/old/a.yaml": "a", "schemas/old/deep/b.yaml": "b"})
	from, to := "old", "new"
	for n := range 3 {
		r.must(os.Rename(r.full("schemas/"+from), r.full("schemas/"+to)))
		wantNames(t, r.next(), sorted("-schemas/"+from+"/a.yaml", "-schemas/"+from+"/deep/b.yaml", "schemas/"+to+"/a.yaml", "schemas/"+to+"/deep/b.yaml")...)
		for _, path := range []string{"schemas/" + to + "/a.yaml", "schemas/" + to + "/deep/b.yaml"} {
			r.write(path, text(n))
			wantNames(t, r.next(), path)
		}
		from, to = to, from
	}
	r.quiet()
}

// sorted puts names in the order of a batch: by path, whatever happened.
func sorted(names ...string) []string {
	bare := func(name string) string { return filepath.ToSlash(filepath.Clean(trimMinus(name))) }
	slices.SortFunc(names, func(a, b string) int { return slices.Compare([]byte(bare(a)), []byte(bare(b))) })
	return names
}

// trimMinus returns a name without the sign that it vanished.
func trimMinus(name string) string {
	if name[0] == '-' {
		return name[1:]
	}
	return name
}

// A folder that is removed inside a source folder takes its files with it.
func TestRemovedFolder(t *testing.T) {
	t.Parallel()
	r := watch(t, map[string]string{"schemas/a.yaml": "a", "schemas/old/b.yaml": "b", "schemas/old/deep/c.yaml": "c"})
	r.must(os.RemoveAll(r.full("schemas/old")))
	wantNames(t, r.next(), "-schemas/old/b.yaml", "-schemas/old/deep/c.yaml")
	r.write("schemas/old/b.yaml", "b2")
	r.settle(map[string]string{"schemas/a.yaml": "a", "schemas/old/b.yaml": "b2"})
	r.write("schemas/old/b.yaml", "b3")
	wantNames(t, r.next(), "schemas/old/b.yaml")
}

// While a source folder is gone nothing is said about its files, and when it is back only what differs is.
func TestSourceFolderGone(t *testing.T) {
	for _, way := range []struct {
		name   string
		remove func(r *rig)
	}{
		{"removed", func(r *rig) { r.must(os.RemoveAll(r.full("schemas"))) }},
		{"renamed away", func(r *rig) { r.must(os.Rename(r.full("schemas"), r.full("schemas.old"))) }},
		{"a file in its place", func(r *rig) {
			r.must(os.RemoveAll(r.full("schemas")))
			r.must(os.WriteFile(r.full("schemas"), []byte("?"), 0o644))
		}},
	} {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			r := watch(t, map[string]string{"schemas/a.yaml": "a", "schemas/b.yaml": "b", "schemas/deep/c.yaml": "c", "config/d.yaml": "d"})
			way.remove(r)
			b := r.next()
			wantNames(t, b)
			if !slices.Equal(b.Missing, []string{"schemas"}) {
				t.Errorf("missing are %v", b.Missing)
			}
			state := r.becomes(Unavailable)
			if want := "schemas is gone; what it held stays live"; state.Message != want {
				t.Errorf("the state says %q, want %q", state.Message, want)
			}
			// The other folder goes on.
			r.write("config/d.yaml", "d2")
			b = r.next()
			wantNames(t, b, "config/d.yaml")
			if !slices.Equal(b.Missing, []string{"schemas"}) {
				t.Errorf("missing are %v", b.Missing)
			}
			r.quiet()

			if info, err := os.Stat(r.full("schemas")); err == nil && !info.IsDir() {
				r.must(os.Remove(r.full("schemas")))
			}
			for _, path := range []string{"schemas/a.yaml", "schemas/b.yaml", "schemas/deep/c.yaml"} {
				r.write(path, path[len(path)-6:len(path)-5]) // as they were, one by one, slower than the hold-off
				pause(300 * time.Millisecond)
			}
			b = r.next()
			wantNames(t, b)
			if len(b.Missing) != 0 {
				t.Errorf("missing are %v", b.Missing)
			}
			r.becomes(Watching)
			r.write("schemas/deep/c.yaml", "c2")
			wantNames(t, r.next(), "schemas/deep/c.yaml")
			r.quiet()
		})
	}
}

// A source folder that is made anew at once is not missed, and is watched again.
func TestSourceFolderReplaced(t *testing.T) {
	t.Parallel()
	r := watch(t, map[string]string{"schemas/a.yaml": "a", "schemas/b.yaml": "b"})
	for n := range 3 {
		r.must(os.Rename(r.full("schemas"), filepath.Join(t.TempDir(), "away")))
		r.write("schemas/a.yaml", "a")
		r.write("schemas/b.yaml", text(n))
		wantNames(t, r.next(), "schemas/b.yaml")
	}
	r.must(os.RemoveAll(r.full("schemas")))
	r.write("schemas/a.yaml", "a")
	wantNames(t, r.next(), "-schemas/b.yaml")
	r.quiet()
}

// Folders that were never there are missing from the start, and are found when they come, with those above them.
func TestSourceFolderComesLater(t *testing.T) {
	t.Parallel()
	r := prepare(t, nil, func(o *Options) { o.Dirs = []string{"lib/cms/schemas", "config"} })
	r.start()
	if b := r.batches[0]; !slices.Equal(b.Missing, []string{"lib/cms/schemas"}) || len(b.Files) != 0 {
		t.Errorf("the first batch is %+v", b)
	}
	r.becomes(Unavailable)
	r.write("lib/cms/schemas/a.yaml", "a")
	r.settle(map[string]string{"lib/cms/schemas/a.yaml": "a"})
	if last := r.batches[len(r.batches)-1]; len(last.Missing) != 0 {
		t.Errorf("missing are %v", last.Missing)
	}
	r.becomes(Watching)
	r.must(os.Rename(r.full("lib"), r.full("lib2")))
	if b := r.next(); !slices.Equal(b.Missing, []string{"lib/cms/schemas"}) || len(b.Files) != 0 {
		t.Errorf("got %+v", b)
	}
	r.must(os.Rename(r.full("lib2"), r.full("lib")))
	if b := r.next(); len(b.Missing) != 0 || len(b.Files) != 0 {
		t.Errorf("got %+v", b)
	}
	r.write("lib/cms/schemas/a.yaml", "a2")
	wantNames(t, r.next(), "lib/cms/schemas/a.yaml")
}

// The versions of a mounted Kubernetes volume: files are links through ..data, which is swapped as a whole.
func TestConfigMapSwap(t *testing.T) {
	t.Parallel()
	r := prepare(t, map[string]string{"config/..v1/config.a.yaml": "a1", "config/..v1/config.b.yaml": "b1"}, nil)
	r.must(os.Symlink("..v1", r.full("config/..data")))
	for _, name := range []string{"config.a.yaml", "config.b.yaml"} {
		r.must(os.Symlink("..data/"+name, r.full("config/"+name)))
	}
	r.start()
	wantNames(t, r.batches[0], "config/config.a.yaml", "config/config.b.yaml")
	r.write("config/..v2/config.a.yaml", "a2")
	r.write("config/..v2/config.b.yaml", "b2")
	r.must(os.Symlink("..v2", r.full("config/..data_tmp")))
	r.must(os.Rename(r.full("config/..data_tmp"), r.full("config/..data")))
	r.must(os.RemoveAll(r.full("config/..v1")))
	wantNames(t, r.next(), "config/config.a.yaml", "config/config.b.yaml")
	r.settle(map[string]string{"config/config.a.yaml": "a2", "config/config.b.yaml": "b2"})
	r.quiet()
}

// Links inside the project are followed, those that leave it are refused, and what a link leads to is looked at
// regularly.
func TestLinks(t *testing.T) {
	t.Parallel()
	r := prepare(t, map[string]string{"shared/real.yaml": "r", "shared/sub/x.yaml": "x"}, func(o *Options) { o.RescanEvery = 300 * time.Millisecond })
	outside := filepath.Join(t.TempDir(), "secret.yaml")
	r.must(os.WriteFile(outside, []byte("secret"), 0o644))
	r.must(os.Symlink("../shared/real.yaml", r.full("schemas/link.yaml")))
	r.must(os.Symlink("../shared/sub", r.full("schemas/folder")))
	r.must(os.Symlink(".", r.full("schemas/loop")))
	r.must(os.Symlink(outside, r.full("schemas/out.yaml")))
	r.must(os.Symlink(filepath.Dir(outside), r.full("schemas/outside")))
	r.must(os.Symlink("nowhere.yaml", r.full("schemas/broken.yaml")))
	r.start()
	if file := r.applied["schemas/out.yaml"]; file.Err == nil || file.Data != nil {
		t.Errorf("a link out of the project gave %+v", file)
	}
	for path, want := range map[string]string{"schemas/link.yaml": "r", "schemas/folder/x.yaml": "x"} {
		if got := string(r.applied[path].Data); got != want {
			t.Errorf("%s holds %q, want %q", path, got, want)
		}
	}
	for path := range r.applied {
		if path == "schemas/outside/secret.yaml" || path == "schemas/broken.yaml" {
			t.Errorf("%s was delivered", path)
		}
	}
	r.write("shared/real.yaml", "r2")
	wantNames(t, r.next(), "schemas/link.yaml")
	r.write("shared/sub/x.yaml", "x2")
	r.next()
	if got := string(r.applied["schemas/folder/x.yaml"].Data); got != "x2" {
		t.Errorf("got %q through the linked folder", got)
	}
	r.must(os.WriteFile(outside, []byte("changed"), 0o644))
	r.quiet()
	r.becomes(Watching)
}

// What cannot be read is an error of that file alone, and nothing hangs.
func TestUnusableFiles(t *testing.T) {
	t.Parallel()
	r := prepare(t, map[string]string{"schemas/good.yaml": "good", "schemas/folder.yaml/inside.yaml": "?"}, nil)
	makeFIFO(t, r.full("schemas/pipe.yaml"))
	huge, err := os.Create(r.full("schemas/huge.yaml"))
	r.must(err)
	r.must(huge.Truncate(2 << 30)) // a file with a hole: it takes no room
	r.must(huge.Close())
	r.start()
	wantNames(t, r.batches[0], "schemas/folder.yaml", "schemas/good.yaml", "schemas/huge.yaml", "schemas/pipe.yaml")
	for path, want := range map[string]string{
		"schemas/folder.yaml": "not_regular", "schemas/pipe.yaml": "not_regular", "schemas/huge.yaml": "too_large", "schemas/good.yaml": "",
	} {
		if got := code(r.applied[path]); got != want {
			t.Errorf("%s has the code %q, want %q", path, got, want)
		}
	}
	// One that becomes unusable while it is watched, and is mended.
	r.must(os.Truncate(r.full("schemas/good.yaml"), project.MaxFileSize+1))
	if b := r.next(); code(b.Files[0]) != "too_large" {
		t.Errorf("got %+v", b)
	}
	r.save("schemas/good.yaml", "good again")
	wantNames(t, r.next(), "schemas/good.yaml")
	r.quiet()
}

// code returns the code of a file's error.
func code(file project.File) string {
	var coded *project.FileError
	if !errors.As(file.Err, &coded) {
		return ""
	}
	return coded.Code
}

// forgetful is the system's events, from which a test can take a watch away without anybody noticing.
type forgetful struct{ system }

// rob takes a watch away.
func (f forgetful) rob(path string) error { return f.Watcher.Remove(path) }

// After folders came or went every watch is made sure of.
func TestLostWatch(t *testing.T) {
	t.Parallel()
	r := prepare(t, map[string]string{"schemas/deep/a.yaml": "a"}, nil)
	made := make(chan forgetful, 1)
	r.watcher.backend.notifier = func() (notifier, error) {
		n, err := newNotifier()
		if err != nil {
			return nil, err
		}
		f := forgetful{n.(system)}
		made <- f
		return f, nil
	}
	r.start()
	r.must((<-made).rob(r.full("schemas/deep")))
	r.save("schemas/deep/a.yaml", "a2")
	r.quiet() // nobody knows
	r.write("schemas/new/b.yaml", "b")
	r.settle(map[string]string{"schemas/deep/a.yaml": "a2", "schemas/new/b.yaml": "b"})
	r.save("schemas/deep/a.yaml", "a3")
	wantNames(t, r.next(), "schemas/deep/a.yaml")
}
