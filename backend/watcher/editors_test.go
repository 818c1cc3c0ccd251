package watcher

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// text is a file of some size that is easy to tell from others.
func text(n int) string { return fmt.Sprintf("id: v%d\n", n) + strings.Repeat("# padding\n", 40) }

// Every way in which an editor saves a file is one batch with one file, nothing in between, and nothing after it.
func TestEditorsSave(t *testing.T) {
	const path = "schemas/article.schema.yaml"
	for _, editor := range []struct {
		name string
		save func(r *rig, text string)
	}{
		{"in place", func(r *rig, text string) { r.write(path, text) }},
		{"vs code: truncate, then write", func(r *rig, text string) {
			f, err := os.OpenFile(r.full(path), os.O_WRONLY|os.O_TRUNC, 0)
			r.must(err)
			_, err = f.WriteString(text)
			r.must(err)
			r.must(f.Close())
		}},
		{"truncate, pause, then write", func(r *rig, text string) {
			f, err := os.OpenFile(r.full(path), os.O_WRONLY|os.O_TRUNC, 0)
			r.must(err)
			pause(100 * time.Millisecond)
			_, err = f.WriteString(text)
			r.must(err)
			r.must(f.Close())
		}},
		{"in two halves with a pause", func(r *rig, text string) {
			f, err := os.OpenFile(r.full(path), os.O_WRONLY|os.O_TRUNC, 0)
			r.must(err)
			_, err = f.WriteString(text[:len(text)/2])
			r.must(err)
			pause(80 * time.Millisecond)
			_, err = f.WriteString(text[len(text)/2:])
			r.must(err)
			r.must(f.Close())
		}},
		{"beside it, then over it", func(r *rig, text string) { r.save(path, text) }},
		{"vim", saveLikeVim(path)},
		{"emacs", func(r *rig, text string) {
			r.write("schemas/.#article.schema.yaml", "lock")
			r.write("schemas/#article.schema.yaml#", text)
			r.must(os.Rename(r.full(path), r.full(path+"~")))
			r.write(path, text)
			r.must(os.Remove(r.full("schemas/.#article.schema.yaml")))
			r.must(os.Remove(r.full("schemas/#article.schema.yaml#")))
		}},
		{"jetbrains", saveLikeJetBrains(path, 0)},
		{"jetbrains with a pause of 50 ms", saveLikeJetBrains(path, 50*time.Millisecond)},
		{"jetbrains with a pause of 350 ms", saveLikeJetBrains(path, 350*time.Millisecond)},
	} {
		t.Run(editor.name, func(t *testing.T) {
			t.Parallel()
			r := watch(t, map[string]string{path: text(0), "schemas/other.schema.yaml": "other"})
			for n := 1; n <= 3; n++ {
				editor.save(r, text(n))
				b := r.next()
				wantNames(t, b, path)
				if string(b.Files[0].Data) != text(n) {
					t.Errorf("save %d delivered %q", n, b.Files[0].Data)
				}
			}
			r.quiet()
		})
	}
}

// pause is part of what an editor does; nothing is waited for.
func pause(d time.Duration) { <-time.After(d) }

// saveLikeVim does what vim does with its default settings when it cannot write in place.
func saveLikeVim(path string) func(r *rig, text string) {
	return func(r *rig, text string) {
		r.write("schemas/.article.schema.yaml.swp", "swap")
		r.write("schemas/4913", "")
		r.must(os.Remove(r.full("schemas/4913")))
		r.must(os.Rename(r.full(path), r.full(path+"~")))
		f, err := os.OpenFile(r.full(path), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
		r.must(err)
		_, err = f.WriteString(text)
		r.must(err)
		r.must(f.Sync())
		r.must(f.Close())
		r.must(os.Chmod(r.full(path), 0o644))
		r.must(os.Remove(r.full(path + "~")))
		r.must(os.Remove(r.full("schemas/.article.schema.yaml.swp")))
	}
}

// saveLikeJetBrains does what a "safe write" does; the file is missing for a while.
func saveLikeJetBrains(path string, gap time.Duration) func(r *rig, text string) {
	return func(r *rig, text string) {
		r.write(path+"___jb_tmp___", text)
		r.must(os.Rename(r.full(path), r.full(path+"___jb_old___")))
		pause(gap)
		r.must(os.Rename(r.full(path+"___jb_tmp___"), r.full(path)))
		r.must(os.Remove(r.full(path + "___jb_old___")))
	}
}

// A writer that truncates and writes without end: whatever is delivered is something that was saved, never a part.
func TestNothingHalfWritten(t *testing.T) {
	t.Parallel()
	const path, saves = "schemas/a.yaml", 1500
	// The whole length says whether a text is whole.
	version := func(n int) string { return fmt.Sprintf("%d\n%s%d\n", n, strings.Repeat("x", n*7%900), n) }
	r := watch(t, map[string]string{path: version(0)})
	go func() {
		for n := 1; n <= saves; n++ {
			// No fatal error outside of the test's goroutine.
			if err := os.WriteFile(r.full(path), []byte(version(n)), 0o644); err != nil {
				t.Error(err)
				return
			}
			pause(2 * time.Millisecond)
			if n%100 == 0 {
				pause(60 * time.Millisecond) // now and then it rests, so that there is something to deliver
			}
		}
	}()
	for !r.is(map[string]string{path: version(saves)}) {
		b := r.next()
		wantNames(t, b, path)
		got := string(b.Files[0].Data)
		var n int
		if _, err := fmt.Sscanf(got, "%d\n", &n); err != nil || got != version(n) {
			t.Fatalf("delivered %q, which nobody saved", got)
		}
	}
	t.Logf("%d batches for %d saves", len(r.batches)-1, saves)
}

// A slow writer rests longer than anybody waits. What is delivered in between is overtaken by the whole file.
func TestSlowWriter(t *testing.T) {
	t.Parallel()
	const path = "schemas/a.yaml"
	r := watch(t, map[string]string{path: "old"})
	f, err := os.Create(r.full(path))
	r.must(err)
	for part := range 3 {
		_, err := fmt.Fprintf(f, "part %d of something longer\n", part)
		r.must(err)
		r.next()
	}
	r.must(f.Close())
	if got := r.texts()[path]; strings.Count(got, "part") != 3 {
		t.Errorf("got %q", got)
	}
	r.quiet()
}

// What editors and tools leave lying around is never delivered.
func TestDroppings(t *testing.T) {
	t.Parallel()
	r := watch(t, map[string]string{"schemas/x.yaml": "x"})
	for _, name := range []string{
		".x.yaml.swp", ".x.yaml.swo", ".x.yaml", "4913", ".#x.yaml", "#x.yaml#", "x.yaml~", "x.yaml.bak", "x.yaml.orig", "x.yaml.tmp",
		"x.yaml___jb_tmp___", ".marain-0123456789abcdef.tmp", ".git/x.yaml", ".idea/x.yaml", "x.yaml.1234.tmp", ".DS_Store", "x.yamlx",
	} {
		r.write("schemas/"+name, "left over")
	}
	r.quiet()
	r.watcher.Rescan()
	r.quiet()
}

// Neither a new mode nor a new time is a change.
func TestSameContent(t *testing.T) {
	t.Parallel()
	const path = "schemas/a.yaml"
	r := watch(t, map[string]string{path: "same"})
	r.must(os.Chmod(r.full(path), 0o600))
	r.must(os.Chtimes(r.full(path), time.Now(), time.Now()))
	r.write(path, "same")
	r.save(path, "same")
	r.quiet()
}

// A change that keeps the size and goes back in time is a change.
func TestSameSizeOldTime(t *testing.T) {
	t.Parallel()
	const path = "schemas/a.yaml"
	old := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	r := watch(t, map[string]string{path: "aaaa"})
	r.must(os.Chtimes(r.full(path), old, old))
	r.write(path, "bbbb")
	r.must(os.Chtimes(r.full(path), old, old))
	wantNames(t, r.next(), path)
	// Even when no event tells of it: a look at everything compares the content.
	r.write(path, "cccc")
	r.must(os.Chtimes(r.full(path), old, old))
	r.watcher.Rescan()
	r.settle(map[string]string{path: "cccc"})
	r.quiet()
}

// A file that is away for less than the hold-off was never away; one that stays away is.
func TestRemoved(t *testing.T) {
	t.Parallel()
	const path = "schemas/a.yaml"
	r := watch(t, map[string]string{path: "a", "schemas/b.yaml": "b"})
	r.must(os.Remove(r.full(path)))
	pause(300 * time.Millisecond)
	r.write(path, "a")
	r.quiet()

	began := time.Now()
	r.must(os.Remove(r.full(path)))
	b := r.next()
	wantNames(t, b, "-"+path)
	if took := time.Since(began); took < DefaultVanishWait {
		t.Errorf("the removal was delivered after %s", took)
	}
	if b.Files[0].Hash != "" || b.Files[0].Data != nil {
		t.Errorf("the removed file has content: %+v", b.Files[0])
	}
	r.write(path, "again")
	wantNames(t, r.next(), path)
	r.quiet()
}

// A renamed file is one change, not a removal and an addition apart.
func TestRenamed(t *testing.T) {
	t.Parallel()
	r := watch(t, map[string]string{"schemas/a.yaml": "a", "schemas/b.yaml": "b"})
	r.must(os.Rename(r.full("schemas/a.yaml"), r.full("schemas/z.yaml")))
	wantNames(t, r.next(), "-schemas/a.yaml", "schemas/z.yaml")
	r.quiet()
}

// A file that becomes shorter in place waits; one that is replaced as a whole does not.
func TestShorter(t *testing.T) {
	t.Parallel()
	const path = "schemas/a.yaml"
	r := watch(t, map[string]string{path: text(1)})
	began := time.Now()
	r.write(path, "id: short\n")
	r.next()
	if took := time.Since(began); took < DefaultShrinkWait {
		t.Errorf("a shorter file was delivered after %s", took)
	}
	r.write(path, "")
	r.next()
	if got := r.applied[path]; !got.Exists || len(got.Data) != 0 {
		t.Errorf("got %+v, want an empty file", got)
	}
	r.quiet()
}

// A file that comes and goes within one wait holds nothing up.
func TestCameAndWent(t *testing.T) {
	t.Parallel()
	r := prepare(t, map[string]string{"schemas/a.yaml": "a"}, func(o *Options) { o.VanishWait = time.Minute }).start()
	for n := range 5 {
		r.write("schemas/short-lived.yaml", "x")
		r.must(os.Remove(r.full("schemas/short-lived.yaml")))
		r.save("schemas/a.yaml", text(n))
		wantNames(t, r.next(), "schemas/a.yaml")
	}
	r.quiet()
}
