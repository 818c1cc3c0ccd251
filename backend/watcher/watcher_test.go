package watcher

import (
	"context"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"marain/backend/project"
)

// TestMain lets many tests wait at the same time: waiting is most of what they do.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "24"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// patience is how long a test waits for something that must happen.
const patience = 20 * time.Second

// rig is a watched project folder.
type rig struct {
	t       testing.TB
	root    string
	watcher *Watcher
	applied map[string]project.File // what all batches together say
	batches []Batch
}

// yaml is the match of the tests.
func yaml(path string) bool {
	return strings.HasSuffix(path, ".yaml") || strings.HasSuffix(path, ".yml")
}

// testLog writes the watcher's log to the test's.
type testLog struct{ t testing.TB }

// Write writes one record.
func (l testLog) Write(p []byte) (int, error) {
	l.t.Logf("%s", strings.TrimSpace(string(p)))
	return len(p), nil
}

// prepare makes a project folder with files, and a watcher on it that is off.
func prepare(t testing.TB, files map[string]string, change func(*Options)) *rig {
	t.Helper()
	r := &rig{t: t, root: t.TempDir(), applied: map[string]project.File{}}
	for _, dir := range []string{"schemas", "config"} {
		r.must(os.MkdirAll(r.full(dir), 0o755))
	}
	for path, text := range files {
		r.write(path, text)
	}
	p, err := project.Open(r.root, func(string) string { return "" })
	r.must(err)
	f, err := p.Files()
	r.must(err)
	t.Cleanup(func() { r.must(f.Close()) })
	options := Options{Files: f, Root: p.Root, Dirs: p.Dirs(), Match: yaml}
	if testing.Verbose() {
		options.Logger = slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if change != nil {
		change(&options)
	}
	r.watcher = New(options)
	return r
}

// start opens the watcher and takes the first batch.
func (r *rig) start() *rig {
	r.t.Helper()
	r.must(r.watcher.Open(context.Background()))
	// Before the files are closed: cleanups run in reverse.
	r.t.Cleanup(func() { r.must(r.watcher.Close()) })
	if b := r.next(); !b.Full {
		r.t.Fatalf("the first batch is %+v, want a full one", b)
	}
	return r
}

// watch is prepare and start.
func watch(t testing.TB, files map[string]string) *rig {
	t.Helper()
	return prepare(t, files, nil).start()
}

// must ends the test on an error.
func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// full returns an absolute path.
func (r *rig) full(path string) string { return filepath.Join(r.root, filepath.FromSlash(path)) }

// write writes a file in place, and the folders above it.
func (r *rig) write(path, text string) {
	r.t.Helper()
	r.must(os.MkdirAll(filepath.Dir(r.full(path)), 0o755))
	r.must(os.WriteFile(r.full(path), []byte(text), 0o644))
}

// save writes a file the way that careful programs do: beside it, then over it.
func (r *rig) save(path, text string) {
	r.t.Helper()
	temporary := path + ".tmp-4711"
	r.write(temporary, text)
	r.must(os.Rename(r.full(temporary), r.full(path)))
}

// next waits for a batch.
func (r *rig) next() Batch {
	r.t.Helper()
	select {
	case b, open := <-r.watcher.Batches():
		if !open {
			r.t.Fatal("the watcher ended")
		}
		r.take(b)
		return b
	case <-time.After(patience):
		r.t.Fatalf("no batch after %s; the state is %+v", patience, r.watcher.State())
	}
	return Batch{}
}

// take adds a batch to what was delivered.
func (r *rig) take(b Batch) {
	r.t.Helper()
	r.batches = append(r.batches, b)
	if !slices.IsSortedFunc(b.Files, func(x, y project.File) int { return strings.Compare(x.Path, y.Path) }) {
		r.t.Errorf("the batch is not sorted: %v", names(b))
	}
	for _, file := range b.Files {
		if old, ok := r.applied[file.Path]; ok && old.Same(file) {
			r.t.Errorf("%s was delivered again", file.Path)
		}
		if file.Exists {
			r.applied[file.Path] = file
		} else {
			delete(r.applied, file.Path)
		}
	}
}

// settle waits until what was delivered is what is on disk, and returns the batches that it took.
func (r *rig) settle(want map[string]string) []Batch {
	r.t.Helper()
	before := len(r.batches)
	deadline := time.After(patience)
	for !r.is(want) {
		select {
		case b := <-r.watcher.Batches():
			r.take(b)
		case <-deadline:
			r.t.Fatalf("%d batches later there is %v, want %v; the state is %+v", len(r.batches)-before, r.texts(), want, r.watcher.State())
		}
	}
	return r.batches[before:]
}

// is reports whether what was delivered is exactly this.
func (r *rig) is(want map[string]string) bool {
	if len(r.applied) != len(want) {
		return false
	}
	for path, text := range want {
		if file, ok := r.applied[path]; !ok || string(file.Data) != text {
			return false
		}
	}
	return true
}

// texts returns what was delivered.
func (r *rig) texts() map[string]string {
	texts := map[string]string{}
	for path, file := range r.applied {
		texts[path] = string(file.Data)
	}
	return texts
}

// quiet proves that nothing is delivered: whatever was under way would come before a file that is saved now, and
// after a wait that is longer than the longest hold-off.
func (r *rig) quiet() {
	r.t.Helper()
	select {
	case b := <-r.watcher.Batches():
		r.t.Errorf("a batch that nobody expects: %v, missing %v", names(b), b.Missing)
	case <-time.After(DefaultVanishWait + DefaultMaxWait + 100*time.Millisecond):
	}
}

// becomes waits for a state.
func (r *rig) becomes(name string) State {
	r.t.Helper()
	deadline := time.After(patience)
	for {
		state := r.watcher.State()
		if state.Name == name {
			return state
		}
		select {
		case <-r.watcher.Changed():
		case b := <-r.watcher.Batches():
			r.take(b)
		case <-deadline:
			r.t.Fatalf("the state is %+v, want %s", state, name)
		}
	}
}

// names returns the paths of a batch, with a minus before those that vanished.
func names(b Batch) []string {
	list := []string{}
	for _, file := range b.Files {
		if file.Exists {
			list = append(list, file.Path)
		} else {
			list = append(list, "-"+file.Path)
		}
	}
	return list
}

// wantNames compares the paths of a batch.
func wantNames(t *testing.T, b Batch, want ...string) {
	t.Helper()
	if got := names(b); !slices.Equal(got, want) {
		t.Errorf("the batch holds %v, want %v", got, want)
	}
}

func TestFirstBatchHoldsEverything(t *testing.T) {
	t.Parallel()
	r := watch(t, map[string]string{"schemas/a.schema.yaml": "a", "schemas/deep/er/b.schema.yml": "b", "config/c.yaml": "", "schemas/notes.txt": "no"})
	wantNames(t, r.batches[0], "config/c.yaml", "schemas/a.schema.yaml", "schemas/deep/er/b.schema.yml")
	state := r.becomes(Watching)
	if state.Files != 3 || !slices.Equal(state.Folders, []string{"schemas", "config"}) || !state.LastEvent.IsZero() {
		t.Errorf("the state is %+v", state)
	}
	r.quiet()
}

func TestAtomicSave(t *testing.T) {
	t.Parallel()
	r := watch(t, map[string]string{"schemas/a.yaml": "one"})
	for _, text := range []string{"two", "three", "4"} {
		r.save("schemas/a.yaml", text)
		b := r.next()
		wantNames(t, b, "schemas/a.yaml")
		if string(b.Files[0].Data) != text || b.Full || b.Files[0].Hash == "" {
			t.Errorf("got %+v, want %q", b, text)
		}
	}
	r.quiet()
}

// BenchmarkSave measures the time from the end of an atomic save to its batch; the quiet time is most of it.
func BenchmarkSave(b *testing.B) {
	r := watch(b, map[string]string{"schemas/a.yaml": "0"})
	var took []time.Duration
	for n := 1; b.Loop(); n++ {
		r.save("schemas/a.yaml", text(n))
		saved := time.Now()
		r.next()
		took = append(took, time.Since(saved))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "median-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}
