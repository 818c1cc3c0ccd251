//go:build !windows

package project

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func TestWrite(t *testing.T) {
	p, files := open(t, map[string]string{"schemas/a.yaml": "old"})
	for _, path := range []string{"schemas/a.yaml", "schemas/new.yaml", "schemas/one/two/b.yaml", "fresh/c.yaml"} {
		before := files.Read(path)
		var checked File
		err := files.Write(path, []byte("new\r\n"), func(current File) error { checked = current; return nil })
		must(t, err)
		if !checked.Same(before) || checked.Path != path {
			t.Errorf("%s: checked %+v, want %+v", path, checked, before)
		}
		if got := files.Read(path); string(got.Data) != "new\r\n" || got.Mode.Perm() != 0o644 {
			t.Errorf("%s: got %+v", path, got)
		}
	}
	if left := leftOvers(t, p.Root); left != nil {
		t.Errorf("left over: %v", left)
	}
}

func TestWriteKeepsModeAndOwner(t *testing.T) {
	p, files := open(t, map[string]string{"schemas/a.yaml": "old"})
	full := filepath.Join(p.Root, "schemas", "a.yaml")
	uid, gid := os.Getuid(), os.Getgid()
	if uid == 0 {
		uid, gid = 12345, 54321 // only root can give files away
	}
	must(t, os.Chown(full, uid, gid))
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	for _, mode := range []fs.FileMode{0o640, 0o777, 0o400} {
		must(t, os.Chmod(full, mode))
		must(t, files.Write("schemas/a.yaml", []byte(mode.String()), nil))
		info, err := os.Stat(full)
		must(t, err)
		stat := info.Sys().(*syscall.Stat_t)
		if info.Mode() != mode || int(stat.Uid) != uid || int(stat.Gid) != gid {
			t.Errorf("got %v of %d:%d, want %v of %d:%d", info.Mode(), stat.Uid, stat.Gid, mode, uid, gid)
		}
	}
}

// A refused write leaves everything as it is, and returns the caller's own error.
func TestWriteIsRefused(t *testing.T) {
	p, files := open(t, map[string]string{"schemas/a.yaml": "old", "schemas/folder.yaml/x": ""})
	at := func(path string) string { return filepath.Join(p.Root, filepath.FromSlash(path)) }
	must(t, os.Symlink("a.yaml", at("schemas/link.yaml")))
	must(t, os.Symlink("nowhere.yaml", at("schemas/broken.yaml")))
	must(t, os.Symlink("/tmp", at("schemas/away")))
	makeFIFO(t, at("schemas/pipe.yaml"))
	mine := errors.New("mine")
	refuse := func(File) error { return mine }
	for _, c := range []struct {
		name, path string
		check      func(File) error
		want       error
	}{
		{"check says no", "schemas/a.yaml", refuse, mine},
		{"check says no to a new file", "schemas/new.yaml", refuse, mine},
		{"link", "schemas/link.yaml", nil, ErrLink},
		{"broken link", "schemas/broken.yaml", nil, ErrLink},
		{"folder", "schemas/folder.yaml", nil, ErrNotRegular},
		{"fifo", "schemas/pipe.yaml", nil, ErrNotRegular},
		{"up and out", "../x.yaml", nil, ErrOutside},
		{"absolute", "/tmp/x.yaml", nil, ErrOutside},
		{"through a link that leaves", "schemas/away/marain-test.yaml", nil, ErrOutside},
		{"the project itself", ".", nil, ErrOutside},
		{"nothing", "", nil, ErrOutside},
		{"below a file", "schemas/a.yaml/b.yaml", nil, syscall.ENOTDIR},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := files.Write(c.path, []byte("new"), c.check); !errors.Is(err, c.want) {
				t.Errorf("writing gave %v, want %v", err, c.want)
			}
			if errors.Is(c.want, syscall.ENOTDIR) {
				return // there is nothing to remove
			}
			check := c.check
			if err := files.Remove(c.path, check); !errors.Is(err, c.want) {
				t.Errorf("removing gave %v, want %v", err, c.want)
			}
		})
	}
	if got := files.Read("schemas/a.yaml"); string(got.Data) != "old" {
		t.Errorf("the file holds %q", got.Data)
	}
	if files.Read("schemas/new.yaml").Exists {
		t.Error("a refused file was made")
	}
	if left := leftOvers(t, p.Root); left != nil {
		t.Errorf("left over: %v", left)
	}
}

// A file that somebody makes after the check is not overwritten.
func TestWriteDoesNotOverwriteANewFile(t *testing.T) {
	p, files := open(t, nil)
	err := files.Write("schemas/a.yaml", []byte("ours"), func(File) error {
		put(t, p.Root, "schemas/a.yaml", "theirs")
		return nil
	})
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v", err)
	}
	if got := files.Read("schemas/a.yaml"); string(got.Data) != "theirs" {
		t.Errorf("the file holds %q", got.Data)
	}
	if left := leftOvers(t, p.Root); left != nil {
		t.Errorf("left over: %v", left)
	}
}

// A link that somebody makes in the file's place after the look at it is not replaced.
func TestWriteDoesNotReplaceANewLink(t *testing.T) {
	p, files := open(t, map[string]string{"schemas/b.yaml": "b"})
	temporary, err := files.temporary(filepath.FromSlash("schemas/a.yaml"), []byte("x"), nil)
	must(t, err)
	must(t, os.Symlink("b.yaml", filepath.Join(p.Root, "schemas", "a.yaml")))
	if err := files.replace("schemas/a.yaml", filepath.FromSlash("schemas/a.yaml"), temporary, nil); !errors.Is(err, ErrLink) {
		t.Errorf("got %v", err)
	}
	if !files.Read("schemas/a.yaml").Link {
		t.Error("the link was replaced")
	}
}

func TestRemove(t *testing.T) {
	_, files := open(t, map[string]string{"schemas/a.yaml": "old"})
	var checked []File
	check := func(current File) error { checked = append(checked, current); return nil }
	for range 2 {
		must(t, files.Remove("schemas/a.yaml", check))
	}
	if len(checked) != 2 || string(checked[0].Data) != "old" || checked[1].Exists {
		t.Errorf("checked %+v", checked)
	}
	if files.Read("schemas/a.yaml").Exists {
		t.Error("the file is still there")
	}
}

// Somebody saves all the time while we write what is based on an older text: whatever they saved last stays, or was
// seen and accepted by the check.
func TestWriteRacesWithAnEditor(t *testing.T) {
	p, files := open(t, map[string]string{"schemas/a.yaml": "theirs 0"})
	at := filepath.Join(p.Root, "schemas", "a.yaml")
	stale := errors.New("stale")
	var saved atomic.Int64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for n := int64(1); ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			temporary := at + ".editor"
			if err := errors.Join(os.WriteFile(temporary, fmt.Appendf(nil, "theirs %d", n), 0o644), os.Rename(temporary, at)); err != nil {
				t.Error(err)
				return
			}
			saved.Store(n)
		}
	}()
	var wrote, refused int
	for range 400 {
		accepted := int64(-1)
		before := saved.Load()
		err := files.Write("schemas/a.yaml", []byte("ours"), func(current File) error {
			var n int64
			if _, err := fmt.Sscanf(string(current.Data), "theirs %d", &n); err != nil {
				n = before // ours, from the round before
			}
			if accepted >= 0 && n > accepted {
				return stale
			}
			accepted = n
			return nil
		})
		switch {
		case err == nil:
			wrote++
		case errors.Is(err, stale):
			refused++
			// What they saved is there, or something newer of theirs.
			if got := files.Read("schemas/a.yaml"); !strings.HasPrefix(string(got.Data), "theirs ") {
				t.Fatalf("a refused write left %q", got.Data)
			}
		default:
			t.Fatal(err)
		}
	}
	close(stop)
	<-stopped
	t.Logf("%d written, %d refused", wrote, refused)
	if left := leftOvers(t, p.Root); left != nil {
		t.Errorf("left over: %v", left)
	}
}

// A file that is saved between the check and the replacing is not lost.
func TestWriteAfterTheCheck(t *testing.T) {
	p, files := open(t, map[string]string{"schemas/a.yaml": "old"})
	stale := errors.New("stale")
	for _, c := range []struct {
		name    string
		meddle  func(at string) error
		want    error
		content string
	}{
		{"saved again", func(at string) error { return os.WriteFile(at, []byte("theirs"), 0o644) }, stale, "theirs"},
		{"replaced", func(at string) error {
			return errors.Join(os.WriteFile(at+"~", []byte("theirs 2"), 0o644), os.Rename(at+"~", at))
		}, stale, "theirs 2"},
		{"touched", func(at string) error { return os.Chmod(at, 0o600) }, nil, "ours"},
		{"removed", os.Remove, fs.ErrNotExist, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			put(t, p.Root, "schemas/a.yaml", "old")
			err := files.Write("schemas/a.yaml", []byte("ours"), func(current File) error {
				if string(current.Data) != "old" {
					return stale
				}
				return c.meddle(filepath.Join(p.Root, "schemas", "a.yaml"))
			})
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if got := files.Read("schemas/a.yaml"); string(got.Data) != c.content {
				t.Errorf("the file holds %q, want %q", got.Data, c.content)
			}
			if left := leftOvers(t, p.Root); left != nil {
				t.Errorf("left over: %v", left)
			}
		})
	}
}

// full is set in the child process that cannot write a whole file.
const full = "MARAIN_TEST_FULL"

// When there is no room for the new file, the old one is whole and nothing is left over. The child has a limit on the
// size of files, which ends a write in the middle as a full disk does.
func TestWriteWithoutRoom(t *testing.T) {
	if root := os.Getenv(full); root != "" {
		writeWithoutRoom(t, root)
		return
	}
	old := strings.Repeat("old\n", 4000)
	p, files := open(t, map[string]string{"schemas/a.yaml": old})
	cmd := exec.Command(os.Args[0], "-test.run=^TestWriteWithoutRoom$", "-test.v")
	cmd.Env = append(os.Environ(), full+"="+p.Root)
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestWriteWithoutRoom")) {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := files.Read("schemas/a.yaml"); string(got.Data) != old {
		t.Errorf("the old file has %d bytes, want %d", len(got.Data), len(old))
	}
	if files.Read("schemas/new.yaml").Exists {
		t.Error("a part of a new file is there")
	}
	if left := leftOvers(t, p.Root); left != nil {
		t.Errorf("left over: %v", left)
	}
}

// writeWithoutRoom runs in the child.
func writeWithoutRoom(t *testing.T, root string) {
	signal.Ignore(syscall.SIGXFSZ)
	must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 8192, Max: 8192}))
	p, err := Open(root, none)
	must(t, err)
	files, err := p.Files()
	must(t, err)
	defer files.Close()
	for _, path := range []string{"schemas/a.yaml", "schemas/new.yaml"} {
		if err := files.Write(path, bytes.Repeat([]byte("new\n"), 5000), nil); !errors.Is(err, syscall.EFBIG) {
			t.Errorf("%s: got %v", path, err)
		}
	}
}

// What a killed program left behind goes away, and nothing else does.
func TestSweep(t *testing.T) {
	const left, young = "schemas/deep/.marain-0123456789abcdef.tmp", "schemas/.marain-00000000000000ff.tmp"
	keep := []string{young, "schemas/a.yaml", "schemas/.marain-x.tmp", "schemas/marain-0123456789abcdef.tmp", "data/.marain-0123456789abcdef.tmp"}
	p, files := open(t, map[string]string{left: "half"})
	old := time.Now().Add(-time.Hour)
	for _, path := range append(keep, left) {
		put(t, p.Root, path, "x")
		must(t, os.Chtimes(filepath.Join(p.Root, path), old, old))
	}
	now := time.Now()
	must(t, os.Chtimes(filepath.Join(p.Root, young), now, now))
	must(t, files.Sweep([]string{"schemas", "gone"}))
	if files.Read(left).Exists {
		t.Error("the left-over file is still there")
	}
	for _, path := range keep {
		if !files.Read(path).Exists {
			t.Errorf("%s is gone", path)
		}
	}
}
