package watcher

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"marain/backend/project"
)

// git runs git in the project's folder, without anybody's settings.
func (r *rig) git(args ...string) {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = r.root
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.org")
	if out, err := cmd.CombinedOutput(); err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// A checkout of hundreds of files is one batch, whatever it changes, adds and removes. Storms are not parallel to other
// tests, which would stretch their pauses.
func TestGitCheckout(t *testing.T) {
	const count, rounds = 500, 6
	r := prepare(t, nil, nil)
	// Branch main has all files, branch other changes some, lacks some and has some more, also whole folders.
	trees := map[string]map[string]string{"main": {}, "other": {}}
	for n := range count {
		path := fmt.Sprintf("schemas/group%d/e%03d.schema.yaml", n%7, n)
		trees["main"][path] = text(n)
		switch n % 7 {
		case 5:
			trees["other"][path] = text(n)
		case 6:
			trees["other"][strings.Replace(path, "group6", "fresh/deep", 1)] = text(n)
		default:
			trees["other"][path] = text(n + count)
		}
	}
	r.git("init", "-q", "-b", "main")
	for _, branch := range []string{"main", "other"} {
		if branch != "main" {
			r.git("checkout", "-q", "-b", branch)
			r.must(os.RemoveAll(r.full("schemas")))
		}
		for path, text := range trees[branch] {
			r.write(path, text)
		}
		r.git("add", "-A")
		r.git("commit", "-q", "-m", branch)
	}
	r.start()
	if !r.is(trees["other"]) {
		t.Fatal("the first batch is not what the branch holds")
	}
	for round := range rounds {
		branch := []string{"main", "other"}[round%2]
		r.git("checkout", "-q", branch)
		if batches := r.settle(trees[branch]); len(batches) != 1 {
			t.Errorf("round %d: %d batches, want one", round, len(batches))
			for _, b := range batches {
				t.Logf("%d files, missing %v", len(b.Files), b.Missing)
			}
		}
	}
	r.quiet()
}

// While git holds its lock nothing is delivered, however quiet it is.
func TestGitLock(t *testing.T) {
	t.Parallel()
	r := prepare(t, map[string]string{"schemas/a.yaml": "a", "schemas/b.yaml": "b"}, nil)
	r.git("init", "-q")
	r.start()
	r.write(".git/index.lock", "")
	r.write("schemas/a.yaml", "a2")
	r.quiet()
	r.write("schemas/b.yaml", "b2")
	r.quiet()
	r.must(os.Remove(r.full(".git/index.lock")))
	wantNames(t, r.next(), "schemas/a.yaml", "schemas/b.yaml")
	r.quiet()
}

// A lock that somebody left behind does not stop everything for ever.
func TestForgottenLock(t *testing.T) {
	t.Parallel()
	r := prepare(t, map[string]string{"schemas/a.yaml": "a"}, nil)
	r.watcher.backend.busyLimit = 300 * time.Millisecond
	r.git("init", "-q")
	r.write(".git/index.lock", "")
	began := time.Now()
	r.start()
	if took := time.Since(began); took < 300*time.Millisecond {
		t.Errorf("the lock was waited for %s", took)
	}
	r.write("schemas/a.yaml", "a2")
	wantNames(t, r.next(), "schemas/a.yaml")
}

// The lock of a linked work tree lies elsewhere, and so does that of a project in a part of a work tree.
func TestGitBusy(t *testing.T) {
	t.Parallel()
	r := prepare(t, map[string]string{"main/sub/project/x": "", "main/.gitignore": ""}, nil)
	main := &rig{t: t, root: r.full("main")}
	main.git("init", "-q")
	main.git("add", "-A")
	main.git("commit", "-q", "-m", "one")
	main.git("worktree", "add", "-q", "../linked")
	for _, c := range []struct{ name, project, lock string }{
		{"at the top", "main", "main/.git/index.lock"},
		{"in a part", "main/sub/project", "main/.git/index.lock"},
		{"linked work tree", "linked", "main/.git/worktrees/linked/index.lock"},
		{"in a part of a linked one", "linked/sub/project", "main/.git/worktrees/linked/index.lock"},
	} {
		busy := gitBusy(r.full(c.project))
		if busy() {
			t.Errorf("%s: busy without a lock", c.name)
		}
		r.write(c.lock, "")
		if !busy() {
			t.Errorf("%s: not busy with a lock", c.name)
		}
		r.must(os.Remove(r.full(c.lock)))
	}
	if gitBusy(t.TempDir())() {
		t.Error("busy without a work tree")
	}
}

// Two hundred files that are unpacked one after another, without any lock, are one batch too.
func TestUnpack(t *testing.T) {
	const count = 200
	// The pauses are far below the quiet time, so that a slow machine does not stretch them beyond it.
	r := prepare(t, nil, func(o *Options) { o.Quiet, o.MaxWait = 250*time.Millisecond, 300*time.Millisecond }).start()
	want := map[string]string{}
	for n := range count {
		path := fmt.Sprintf("schemas/e%03d.yaml", n)
		want[path] = text(n)
		r.write(path, want[path])
		pause(3 * time.Millisecond)
	}
	if batches := r.settle(want); len(batches) != 1 {
		t.Errorf("%d batches, want one", len(batches))
	}
}

// One file that never comes to rest does not hold up the others.
func TestNoisyNeighbour(t *testing.T) {
	t.Parallel()
	r := watch(t, map[string]string{"schemas/a.yaml": "a", "schemas/noisy.yaml": "n"})
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			case <-time.After(4 * time.Millisecond):
				// It grows, so that only never coming to rest keeps it back.
				if err := os.WriteFile(r.full("schemas/noisy.yaml"), []byte(strings.Repeat("n", n+2)), 0o644); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	for n := range 3 {
		began := time.Now()
		r.save("schemas/a.yaml", text(n))
		for string(r.applied["schemas/a.yaml"].Data) != text(n) {
			r.next()
		}
		t.Logf("delivered after %s", time.Since(began))
	}
	close(stop)
	<-stopped
	data, err := os.ReadFile(r.full("schemas/noisy.yaml"))
	r.must(err)
	r.settle(map[string]string{"schemas/a.yaml": text(2), "schemas/noisy.yaml": string(data)})
}

// A file that is touched for ever without a new content does not hold up anything either.
func TestTouchedForEver(t *testing.T) {
	t.Parallel()
	r := watch(t, map[string]string{"schemas/a.yaml": "a"})
	r.save("schemas/a.yaml", "a2")
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(3 * time.Millisecond):
				if err := os.Chmod(r.full("schemas/a.yaml"), 0o644); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	wantNames(t, r.next(), "schemas/a.yaml")
	close(stop)
	<-stopped
	r.quiet()
}

// While nobody takes a batch the next ones gather, and nothing is lost.
func TestSlowConsumer(t *testing.T) {
	t.Parallel()
	r := watch(t, map[string]string{"schemas/a.yaml": "a"})
	want := map[string]string{}
	for n := range 30 {
		r.save("schemas/a.yaml", text(n))
		path := fmt.Sprintf("schemas/new%d.yaml", n)
		r.write(path, "new")
		want["schemas/a.yaml"], want[path] = text(n), "new"
		pause(10 * time.Millisecond)
	}
	pause(300 * time.Millisecond)
	if batches := r.settle(want); len(batches) > 3 {
		t.Errorf("%d batches for a consumer that was away", len(batches))
	}
	r.quiet()
}

// What the consumer has read itself is not reported to it.
func TestKnown(t *testing.T) {
	t.Parallel()
	r := watch(t, map[string]string{"schemas/a.yaml": "a", "schemas/gone.yaml": "g"})
	for n := range 50 {
		r.save("schemas/a.yaml", text(n))
		r.watcher.Known([]project.File{r.watcher.options.Files.Read("schemas/a.yaml")})
	}
	r.must(os.Remove(r.full("schemas/gone.yaml")))
	r.watcher.Known([]project.File{{Path: "schemas/gone.yaml"}})
	r.quiet()
	if n := r.watcher.State().Files; n != 1 {
		t.Errorf("%d files are known", n)
	}
	r.save("schemas/a.yaml", "mine")
	wantNames(t, r.next(), "schemas/a.yaml")
}

// A batch that waits to be taken loses what the consumer has read itself meanwhile, which may be newer.
func TestKnownOvertakesBatch(t *testing.T) {
	t.Parallel()
	r := watch(t, map[string]string{"schemas/a.yaml": "a", "schemas/b.yaml": "b"})
	r.save("schemas/a.yaml", "a2")
	r.save("schemas/b.yaml", "b2")
	pause(300 * time.Millisecond) // nobody takes the batch
	r.save("schemas/a.yaml", "a3")
	r.watcher.Known([]project.File{r.watcher.options.Files.Read("schemas/a.yaml")})
	pause(100 * time.Millisecond)
	wantNames(t, r.next(), "schemas/b.yaml")
	r.quiet()
	// All of it: then there is no batch.
	r.save("schemas/a.yaml", "a4")
	pause(100 * time.Millisecond)
	r.watcher.Known([]project.File{r.watcher.options.Files.Read("schemas/a.yaml")})
	pause(100 * time.Millisecond)
	r.quiet()
}

// What the consumer has read may be out of date when it says so: the newer content arrives.
func TestKnownTooLate(t *testing.T) {
	t.Parallel()
	r := watch(t, map[string]string{"schemas/a.yaml": "a"})
	r.save("schemas/a.yaml", "a2")
	old := r.watcher.options.Files.Read("schemas/a.yaml")
	r.next()
	r.save("schemas/a.yaml", "a3")
	wantNames(t, r.next(), "schemas/a.yaml")
	r.watcher.Known([]project.File{old})
	r.applied["schemas/a.yaml"] = old
	wantNames(t, r.next(), "schemas/a.yaml")
	if got := r.texts()["schemas/a.yaml"]; got != "a3" {
		t.Errorf("got %q", got)
	}
}

// A batch that was taken but not used yet gives way too.
func TestFresh(t *testing.T) {
	t.Parallel()
	r := watch(t, map[string]string{"schemas/a.yaml": "a", "schemas/b.yaml": "b", "schemas/c.yaml": "c"})
	if b := r.watcher.Fresh(r.batches[0]); len(b.Files) != 3 {
		t.Errorf("got %v", names(b))
	}
	r.must(os.Rename(r.full("schemas/c.yaml"), r.full("schemas/d.yaml")))
	r.save("schemas/a.yaml", "a2")
	r.save("schemas/b.yaml", "b2")
	taken := r.next()
	wantNames(t, r.watcher.Fresh(taken), "schemas/a.yaml", "schemas/b.yaml", "-schemas/c.yaml", "schemas/d.yaml")
	r.save("schemas/a.yaml", "a3")
	r.save("schemas/c.yaml", "c2")
	r.must(os.Remove(r.full("schemas/d.yaml")))
	for _, path := range []string{"schemas/a.yaml", "schemas/b.yaml", "schemas/c.yaml", "schemas/d.yaml"} {
		r.watcher.Known([]project.File{r.watcher.options.Files.Read(path)})
	}
	wantNames(t, r.watcher.Fresh(taken), "schemas/b.yaml")
	// The first batch holds every file, also those that were read since.
	first := r.watcher.Fresh(r.batches[0])
	wantNames(t, first, "schemas/a.yaml", "schemas/b.yaml", "schemas/c.yaml")
	if got := string(first.Files[0].Data); got != "a3" {
		t.Errorf("got %q", got)
	}
	r.quiet()
}

// The times can be changed while it watches.
func TestTune(t *testing.T) {
	t.Parallel()
	r := watch(t, map[string]string{"schemas/a.yaml": "a"})
	r.watcher.Tune(400*time.Millisecond, 800*time.Millisecond, 0)
	began := time.Now()
	r.save("schemas/a.yaml", "a2")
	r.next()
	if took := time.Since(began); took < 400*time.Millisecond {
		t.Errorf("delivered after %s", took)
	}
}
