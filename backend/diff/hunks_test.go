package diff

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var updateHunks = flag.Bool("update-hunks", false, "write the golden files of side-by-side hunks")

// render draws hunks as text: changed words in brackets.
func render(hunks []Hunk) string {
	var out strings.Builder
	side := func(s *Side) string {
		if s == nil {
			return "-"
		}
		text := fmt.Sprintf("%d ", s.Line)
		for _, span := range s.Spans {
			if span.Changed {
				text += "[" + span.Text + "]"
			} else {
				text += span.Text
			}
		}
		return text
	}
	for _, h := range hunks {
		fmt.Fprintf(&out, "@@ -%d,%d +%d,%d\n", h.OldStart, h.OldLines, h.NewStart, h.NewLines)
		for _, r := range h.Rows {
			fmt.Fprintf(&out, "%-8s| %-40s | %s\n", r.Kind, side(r.Old), side(r.New))
		}
	}
	return out.String()
}

func TestHunksGolden(t *testing.T) {
	olds, err := filepath.Glob("testdata/hunks/*.old")
	if err != nil || len(olds) == 0 {
		t.Fatalf("no cases found: %v", err)
	}
	for _, file := range olds {
		base := strings.TrimSuffix(file, ".old")
		t.Run(filepath.Base(base), func(t *testing.T) {
			read := func(name string) string {
				raw, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				return string(raw)
			}
			got := render(Hunks(read(file), read(base+".new"), 3))
			if *updateHunks {
				if err := os.WriteFile(base+".golden", []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want := read(base + ".golden"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestHunksSmall(t *testing.T) {
	tests := map[string]struct{ old, new, want string }{
		"equal":         {"a\n", "a\n", ""},
		"both empty":    {"", "", ""},
		"new file":      {"", "a\nb\n", "@@ -0,0 +1,2\nadded   | - | 1 a\nadded   | - | 2 b\n"},
		"removed file":  {"a\n", "", "@@ -1,1 +0,0\nremoved | 1 a | -\n"},
		"word":          {"level: info\n", "level: debug\n", "@@ -1,1 +1,1\nchanged | 1 level: [info] | 1 level: [debug]\n"},
		"part of word":  {"max_size: 10\n", "max_size: 100\n", "@@ -1,1 +1,1\nchanged | 1 max_size: [10] | 1 max_size: [100]\n"},
		"accents":       {"n: café\n", "n: cafe\n", "@@ -1,1 +1,1\nchanged | 1 n: [café] | 1 n: [cafe]\n"},
		"emoji":         {"n: 🚀 a\n", "n: 🛸 a\n", "@@ -1,1 +1,1\nchanged | 1 n: [🚀] a | 1 n: [🛸] a\n"},
		"no newline":    {"a: 1\n", "a: 1", "@@ -1,1 +1,1\nchanged | 1 a: 1 | 1 a: 1[⟨no newline⟩]\n"},
		"same no end":   {"a: 1\nb: 2", "a: 1\nb: 3", "@@ -1,2 +1,2\nequal   | 1 a: 1 | 1 a: 1\nchanged | 2 b: [2] | 2 b: [3]\n"},
		"line ends":     {"a: 1\r\n", "a: 1\n", "@@ -1,1 +1,1\nchanged | 1 a: 1[⟨CR⟩] | 1 a: 1\n"},
		"same CRLF":     {"a: 1\r\nb: 1\r\n", "a: 2\r\nb: 1\r\n", "@@ -1,2 +1,2\nchanged | 1 a: [1] | 1 a: [2]\nequal   | 2 b: 1 | 2 b: 1\n"},
		"bidi":          {"a: x\n", "a: \u202ex\n", "@@ -1,1 +1,1\nchanged | 1 a: x | 1 a: [⟨U+202E⟩]x\n"},
		"zero width":    {"a: x\u200by\n", "a: xy\n", "@@ -1,1 +1,1\nchanged | 1 a: [x⟨U+200B⟩y] | 1 a: [xy]\n"},
		"control":       {"a: \x1b[1m\n", "a:\n", "@@ -1,1 +1,1\nchanged | 1 a:[ ⟨U+001B⟩[1m] | 1 a:\n"},
		"not UTF-8":     {"a: \xff\n", "a: \xfe\n", "@@ -1,1 +1,1\nchanged | 1 a: [⟨0xFF⟩] | 1 a: [⟨0xFE⟩]\n"},
		"empty line in": {"a\nb\n", "a\n\nb\n", "@@ -1,2 +1,3\nequal   | 1 a | 1 a\nadded   | - | 2 \nequal   | 2 b | 3 b\n"},
		"nothing alike": {"x: 1\n", "- something else\n", "@@ -1,1 +1,1\nremoved | 1 x: 1 | -\nadded   | - | 1 - something else\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := render(Hunks(tt.old, tt.new, 3))
			if squeeze(got) != squeeze(tt.want) {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// squeeze makes runs of blanks one, so that tables of tests need no padding.
func squeeze(text string) string {
	var lines []string
	for text := range strings.SplitSeq(text, "\n") {
		lines = append(lines, strings.Join(strings.Fields(text), " "))
	}
	return strings.Join(lines, "\n")
}

func TestHunksContext(t *testing.T) {
	var a, b []string
	for i := range 40 {
		a, b = append(a, fmt.Sprintf("line %d", i)), append(b, fmt.Sprintf("line %d", i))
	}
	b[10], b[16], b[30] = "ten", "sixteen", "thirty"
	oldText, newText := strings.Join(a, "\n")+"\n", strings.Join(b, "\n")+"\n"
	tests := []struct {
		context, hunks int
		rows           []int
	}{
		{-1, 3, []int{2, 2, 2}}, {0, 3, []int{2, 2, 2}}, {2, 3, []int{6, 6, 6}}, {3, 2, []int{15, 8}}, {1 << 62, 1, []int{43}},
	}
	for _, tt := range tests {
		hunks := Hunks(oldText, newText, tt.context)
		if len(hunks) != tt.hunks {
			t.Errorf("context %d: %d hunks, want %d", tt.context, len(hunks), tt.hunks)
			continue
		}
		for i, h := range hunks {
			if len(h.Rows) != tt.rows[i] {
				t.Errorf("context %d: hunk %d has %d rows, want %d", tt.context, i, len(h.Rows), tt.rows[i])
			}
		}
	}
}

// checkWhole checks that the rows of two texts give them back exactly, and that shown rows agree with them.
func checkWhole(t interface{ Fatalf(string, ...any) }, oldText, newText string) {
	var oldBack, newBack strings.Builder
	oldNext, newNext := 0, 0
	rows := compareLines(oldText, newText)
	for _, r := range rows {
		oldBack.WriteString(r.oldText)
		newBack.WriteString(r.newText)
		if r.oldIndex >= 0 {
			if r.oldIndex != oldNext {
				t.Fatalf("old line %d where %d was due", r.oldIndex, oldNext)
			}
			oldNext++
		}
		if r.newIndex >= 0 {
			if r.newIndex != newNext {
				t.Fatalf("new line %d where %d was due", r.newIndex, newNext)
			}
			newNext++
		}
		if r.kind == rowEqual && r.oldText != r.newText || r.kind == rowChanged && r.oldText == r.newText {
			t.Fatalf("row %+v has the wrong kind", r)
		}
	}
	if oldBack.String() != oldText || newBack.String() != newText {
		t.Fatalf("%q and %q came back as %q and %q", oldText, newText, oldBack.String(), newBack.String())
	}
	hunks := Hunks(oldText, newText, 1<<40)
	if oldText == newText {
		if len(hunks) != 0 {
			t.Fatalf("%d hunks for equal texts", len(hunks))
		}
		return
	}
	if len(hunks) != 1 || len(hunks[0].Rows) != len(rows) {
		t.Fatalf("one hunk with %d rows expected, got %d hunks", len(rows), len(hunks))
	}
	for i, r := range hunks[0].Rows {
		checkSide(t, r.Old, rows[i].oldText, rows[i].oldIndex)
		checkSide(t, r.New, rows[i].newText, rows[i].newIndex)
	}
}

func checkSide(t interface{ Fatalf(string, ...any) }, side *Side, text string, index int) {
	if (side == nil) != (index < 0) {
		t.Fatalf("a side is missing or too many: %+v for %q", side, text)
	}
	if side == nil {
		return
	}
	shown := ""
	for _, s := range side.Spans {
		if s.Text == "" {
			t.Fatalf("an empty span in %+v", side)
		}
		shown += s.Text
	}
	shown = strings.TrimSuffix(strings.TrimSuffix(shown, "⟨no newline⟩"), "⟨CR⟩")
	if body, _ := cutEnd(text); side.Line != index+1 || shown != escape(body) {
		t.Fatalf("line %d shows %q for %q", side.Line, shown, text)
	}
}

func TestHunksGiveTheTextsBack(t *testing.T) {
	word := rapid.SampledFrom([]string{"a", "b: 1", "  - id: x", "    type: text", "", "\t", "é", "\u202e", "a b c", "\xff", "c: d e f", "\r"})
	end := rapid.SampledFrom([]string{"\n", "\n", "\n", "\r\n", ""})
	text := rapid.Custom(func(t *rapid.T) string {
		var out strings.Builder
		for range rapid.IntRange(0, 12).Draw(t, "lines") {
			out.WriteString(word.Draw(t, "line"))
			out.WriteString(end.Draw(t, "end"))
		}
		return out.String()
	})
	rapid.Check(t, func(t *rapid.T) {
		checkWhole(t, text.Draw(t, "old"), text.Draw(t, "new"))
	})
}

func FuzzHunks(f *testing.F) {
	f.Add("a: 1\nb: 2\n", "a: 1\nb: 3\nc: 4")
	f.Add("", "\r\n\x00\u200b")
	f.Add("  - id: a\n    type: text\n", "  - id: b\n    type: text\n  - id: a\n    type: text\n")
	f.Fuzz(func(t *testing.T, oldText, newText string) { checkWhole(t, oldText, newText) })
}

func TestHunksOfLargeTextsAreBounded(t *testing.T) {
	const size = 1 << 20
	numbered := func(format string, step int) string {
		var out strings.Builder
		for i := 0; out.Len() < size; i += step {
			fmt.Fprintf(&out, format, i)
		}
		return out.String()
	}
	tests := map[string][2]string{
		"nothing in common":    {numbered("old %d\n", 1), numbered("new %d\n", 1)},
		"one line repeated":    {strings.Repeat("a\n", size/2), "x\n" + strings.Repeat("a\n", size/4) + "y\n" + strings.Repeat("a\n", size/8)},
		"two lines in turn":    {strings.Repeat("a\nb\n", size/4), strings.Repeat("b\nb\na\n", size/6)},
		"every third changed":  {numbered("key_%d: value\n", 1), numbered("key_%d: value\n", 3)},
		"one long line":        {strings.Repeat("word ", size/5), strings.Repeat("sord ", size/5)},
		"one line of signs":    {strings.Repeat(":;", size/2), strings.Repeat(";:,", size/3)},
		"many lines alike":     {strings.Repeat("a: b c d e f\n", size/13), strings.Repeat("a: b c d e g\n", size/13)},
		"against nothing":      {numbered("line %d\n", 1), ""},
		"reversed":             {numbered("line %07d\n", 1), reversed(numbered("line %07d\n", 1))},
		"many different words": {numbered("w%d ", 1), numbered("w%d ", 2)},
	}
	for name, texts := range tests {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			hunks := Hunks(texts[0], texts[1], 3)
			took := time.Since(start)
			t.Logf("%d hunks in %v", len(hunks), took)
			// Generous: the race detector makes it about ten times slower. Without bounds these take minutes to hours.
			if took > 20*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func reversed(text string) string {
	lines := splitLines(text)
	var out strings.Builder
	for i := len(lines) - 1; i >= 0; i-- {
		out.WriteString(lines[i])
	}
	return out.String()
}

func BenchmarkHunks(b *testing.B) {
	var a strings.Builder
	for i := range 400 {
		fmt.Fprintf(&a, "  - id: field_%d\n    type: text\n    label: Field %d\n", i, i)
	}
	oldText := a.String()
	newText := strings.Replace(oldText, "label: Field 200\n", "label: The field 200\n    required: true\n", 1)
	b.SetBytes(int64(len(oldText)))
	for b.Loop() {
		if len(Hunks(oldText, newText, 3)) != 1 {
			b.Fatal("one hunk expected")
		}
	}
}
