package watcher

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"marain/backend/project"

	"github.com/fsnotify/fsnotify"
)

// The times are milliseconds after this one.
var start = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// after returns a time.
func after(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }

// sign is a hint and what is read right after it.
type sign struct {
	at   int
	path string
	op   fsnotify.Op
	text string // "-" for nothing there
}

// read makes what was read of a path.
func read(path, text string) project.File {
	if text == "-" {
		return project.File{Path: path}
	}
	return project.File{Path: path, Exists: true, Data: []byte(text), Hash: text}
}

// play gives a group the signs in turn and returns when it delivers what, like "20 a b", up to a time.
func play(initial bool, known map[string]string, signs []sign, until int) []string {
	options := New(Options{}).options
	g := newGroup(&options, initial)
	present := map[string]string{}
	var out []string
	for ms := 0; ms <= until; ms++ {
		for len(signs) > 0 && signs[0].at == ms {
			s := signs[0]
			signs = signs[1:]
			present[s.path] = s.text
			g.touch(s.path, s.op, after(ms), false)
		}
		for path, it := range g.items {
			if it.dirty && !g.readAt(it).After(after(ms)) {
				g.update(read(path, present[path]), base(known, path), after(ms))
			}
		}
		if len(g.items) == 0 {
			continue
		}
		ready, _, next := g.due(after(ms))
		if len(ready) == 0 {
			if !next.After(after(ms)) {
				out = append(out, fmt.Sprintf("%d asks again at once", ms))
			}
			continue
		}
		g.remove(ready, after(ms))
		g.initial = false
		out = append(out, fmt.Sprintf("%d %s", ms, strings.Join(ready, " ")))
	}
	return out
}

// base is what is known of a path.
func base(knowns map[string]string, path string) known {
	text, ok := knowns[path]
	if !ok {
		text = "-"
	}
	file := read(path, text)
	return known{file: file, size: len(file.Data)}
}

// often makes a sign every so often, with a text that differs each time and never gets shorter.
func often(path string, from, to, every int) []sign {
	var signs []sign
	for at := from; at <= to; at += every {
		signs = append(signs, sign{at, path, fsnotify.Write, fmt.Sprintf("%s%06d", path, at)})
	}
	return signs
}

// together puts signs in order.
func together(lists ...[]sign) []sign {
	all := slices.Concat(lists...)
	slices.SortStableFunc(all, func(a, b sign) int { return a.at - b.at })
	return all
}

// many makes a sign for a new path every so often.
func many(from, to, every int) []sign {
	var signs []sign
	for at := from; at <= to; at += every {
		signs = append(signs, sign{at, fmt.Sprintf("n%04d", at), fsnotify.Create, "new"})
	}
	return signs
}

func TestGroup(t *testing.T) {
	const create, write, remove = fsnotify.Create, fsnotify.Write, fsnotify.Remove
	known := map[string]string{"a": "aaaa", "b": "bbbb"}
	for _, c := range []struct {
		name    string
		initial bool
		signs   []sign
		until   int
		want    []string
	}{
		{"one save", false, []sign{{0, "a", create, "new!"}}, 1000, []string{"20 a"}},
		{"two saves of two files", false, []sign{{0, "a", create, "new!"}, {15, "b", create, "new!"}}, 1000, []string{"35 a b"}},
		{"two apart", false, []sign{{0, "a", create, "new!"}, {25, "b", create, "new!"}}, 1000, []string{"20 a", "45 b"}},
		{"written in pieces", false, []sign{{0, "a", write, "aaaaa"}, {10, "a", write, "aaaaaa"}, {25, "a", write, "aaaaaaa"}}, 1000, []string{"45 a"}},
		{"replaced by a shorter one", false, []sign{{0, "a", create, "s"}}, 1000, []string{"20 a"}},
		{"shorter in place", false, []sign{{0, "a", write, "s"}}, 1000, []string{"200 a"}},
		{"truncated, then written", false, []sign{{0, "a", write, ""}, {3, "a", write, "aaaaa"}}, 1000, []string{"23 a"}},
		{"truncated, then written late", false, []sign{{0, "a", write, ""}, {150, "a", write, "aaaaa"}}, 1000, []string{"170 a"}},
		{"truncated for good", false, []sign{{0, "a", write, ""}}, 1000, []string{"200 a"}},
		{"new and empty", false, []sign{{0, "n", create | write, ""}}, 1000, []string{"200 n"}},
		{"longer, then shorter than that", false, []sign{{0, "a", write, "aaaaaaaa"}, {10, "a", write, "aaaaa"}}, 1000, []string{"210 a"}},
		{"gone", false, []sign{{0, "a", remove, "-"}}, 1000, []string{"500 a"}},
		{"gone and back", false, []sign{{0, "a", remove, "-"}, {450, "a", create, "new!"}}, 1000, []string{"470 a"}},
		{"renamed", false, []sign{{0, "a", remove, "-"}, {0, "n", create, "aaaa"}}, 1000, []string{"500 a n"}},
		{"a save while another is gone", false, []sign{{0, "a", remove, "-"}, {300, "b", create, "new!"}}, 1000, []string{"500 a b"}},
		{"a save just before the other counts as gone", false, []sign{{0, "a", remove, "-"}, {490, "b", create, "new!"}}, 1000, []string{"510 a b"}},
		{"many that go, one by one", false, together([]sign{{0, "a", remove, "-"}}, often("b", 10, 900, 10)), 1500, []string{"920 a b"}},
		{"one that never rests", false, together([]sign{{0, "b", create, "new!"}}, often("a", 0, 1000, 5)), 1500, []string{"200 b", "1020 a"}},
		{"a storm of new paths", false, many(0, 1000, 10), 2000, []string{"1020 " + strings.Join(paths(many(0, 1000, 10)), " ")}},
		{"a trickle of new paths", false, many(0, 100, 50), 2000, []string{"20 n0000", "70 n0050", "120 n0100"}},
		{"the first batch, with an empty file", true, []sign{{0, "n", write, ""}, {0, "m", write, "m"}}, 1000, []string{"20 m n"}},
		{"the first batch waits for all", true, together([]sign{{0, "b", create, "new!"}}, often("a", 0, 1000, 5)), 1500, []string{"1020 a b"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := play(c.initial, known, c.signs, c.until); !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

// paths returns the paths of signs.
func paths(signs []sign) []string {
	var list []string
	for _, s := range signs {
		list = append(list, s.path)
	}
	return list
}

// A storm that does not end is cut into pieces.
func TestGroupEndlessStorm(t *testing.T) {
	got := play(false, nil, many(0, 5000, 10), 6000)
	if len(got) < 2 || len(got) > 4 {
		t.Fatalf("%d batches for five seconds", len(got))
	}
	var count int
	for _, batch := range got {
		count += strings.Count(batch, "n")
	}
	if count != 501 {
		t.Errorf("%d paths were delivered, want 501", count)
	}
}

// The same content again and again counts as rest.
func TestGroupSameContent(t *testing.T) {
	var signs []sign
	for at := 0; at < 1000; at += 5 {
		signs = append(signs, sign{at, "a", fsnotify.Chmod, "new!"})
	}
	if got := play(false, map[string]string{"a": "aaaa"}, signs[:80], 1000); len(got) == 0 || got[0] != "200 a" {
		t.Errorf("got %q", got)
	}
}

// While another program is busy the group waits, and then for the quiet time again.
func TestGroupHold(t *testing.T) {
	options := New(Options{}).options
	g := newGroup(&options, false)
	g.touch("a", fsnotify.Create, after(0), false)
	g.update(read("a", "new"), known{}, after(0))
	if ready, _, _ := g.due(after(5000)); len(ready) != 1 {
		t.Fatal("not at rest after five seconds")
	}
	g.hold(after(5000))
	if ready, _, next := g.due(after(5019)); len(ready) != 0 || next != after(5020) {
		t.Errorf("got %v, and again at %v", ready, next)
	}
	if ready, all, _ := g.due(after(5020)); len(ready) != 1 || !all {
		t.Errorf("got %v, %v", ready, all)
	}
}
