package diff

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"marain/backend/document"

	"github.com/sergi/go-diff/diffmatchpatch"
)

// maxSpanWork is the largest product of words of two lines that are compared word by word, and maxAllSpans that of
// all lines of one comparison together.
const (
	maxSpanWork = 1 << 20
	maxAllSpans = 16 << 20
)

// display makes rows ready to be shown.
type display struct {
	work       int  // what is left of maxAllSpans
	endsDiffer bool // one text has CRLF line ends and the other has not
	lastDiffer bool // one text ends with a line end and the other does not
}

func newDisplay(oldText, newText string) *display {
	both := oldText != "" && newText != ""
	return &display{
		work:       maxAllSpans,
		endsDiffer: both && strings.Contains(oldText, "\r\n") != strings.Contains(newText, "\r\n"),
		lastDiffer: both && strings.HasSuffix(oldText, "\n") != strings.HasSuffix(newText, "\n"),
	}
}

// hunk shows the rows from the given one on. The rows before it say where it starts.
func (d *display) hunk(rows []line, from int) Hunk {
	h := Hunk{Rows: make([]Row, 0, len(rows)-from)}
	for _, r := range rows[:from] {
		h.OldStart, h.NewStart = max(h.OldStart, r.oldIndex+1), max(h.NewStart, r.newIndex+1)
	}
	for _, r := range rows[from:] {
		if r.oldIndex >= 0 {
			h.OldLines++
		}
		if r.newIndex >= 0 {
			h.NewLines++
		}
		h.Rows = append(h.Rows, d.row(r))
	}
	if h.OldLines > 0 {
		h.OldStart++
	}
	if h.NewLines > 0 {
		h.NewStart++
	}
	return h
}

func (d *display) row(r line) Row {
	row := Row{Kind: r.kind}
	oldBody, oldEnd := cutEnd(r.oldText)
	newBody, newEnd := cutEnd(r.newText)
	var oldSpans, newSpans []Span
	switch r.kind {
	case rowChanged:
		oldSpans, newSpans = d.compare(oldBody, newBody)
		if oldEnd != newEnd {
			oldSpans, newSpans = append(oldSpans, endSpan(oldEnd, newEnd)...), append(newSpans, endSpan(newEnd, oldEnd)...)
		}
	case rowEqual:
		oldSpans, newSpans = spans(oldBody), spans(newBody)
	default:
		oldSpans, newSpans = append(spans(oldBody), d.aloneEnd(oldEnd)...), append(spans(newBody), d.aloneEnd(newEnd)...)
	}
	if r.oldIndex >= 0 {
		row.Old = &Side{Line: r.oldIndex + 1, Spans: oldSpans}
	}
	if r.newIndex >= 0 {
		row.New = &Side{Line: r.newIndex + 1, Spans: newSpans}
	}
	return row
}

// cutEnd separates a line from its end.
func cutEnd(text string) (body, end string) {
	body = strings.TrimSuffix(text, "\n")
	if len(body) < len(text) {
		body = strings.TrimSuffix(body, "\r")
	}
	return body, text[len(body):]
}

// endSpan shows a line end that differs from the one on the other side.
func endSpan(end, other string) []Span {
	switch {
	case end == "":
		return []Span{{Text: "⟨no newline⟩", Changed: true}}
	case end == "\r\n" && other == "\n":
		return []Span{{Text: "⟨CR⟩", Changed: true}}
	}
	return nil
}

// aloneEnd shows the end of a line that stands alone, where the two texts differ in it.
func (d *display) aloneEnd(end string) []Span {
	switch {
	case end == "" && d.lastDiffer:
		return []Span{{Text: "⟨no newline⟩", Changed: true}}
	case end == "\r\n" && d.endsDiffer:
		return []Span{{Text: "⟨CR⟩", Changed: true}}
	}
	return nil
}

// compare marks the words in which two lines differ.
func (d *display) compare(a, b string) (oldSpans, newSpans []Span) {
	oldTokens, newTokens := tokens(a, -1), tokens(b, -1)
	oldMarks, newMarks := make([]bool, len(oldTokens)), make([]bool, len(newTokens))
	from := 0
	for from < min(len(oldTokens), len(newTokens)) && oldTokens[from] == newTokens[from] {
		from++
	}
	oldTo, newTo := len(oldTokens), len(newTokens)
	for oldTo > from && newTo > from && oldTokens[oldTo-1] == newTokens[newTo-1] {
		oldTo, newTo = oldTo-1, newTo-1
	}
	work := (oldTo - from) * (newTo - from)
	if work <= maxSpanWork && work <= d.work {
		d.work -= work
		markChanged(oldTokens[from:oldTo], newTokens[from:newTo], oldMarks[from:oldTo], newMarks[from:newTo])
	} else {
		fill(oldMarks[from:oldTo])
		fill(newMarks[from:newTo])
	}
	return markedSpans(oldTokens, oldMarks), markedSpans(newTokens, newMarks)
}

func fill(marks []bool) {
	for i := range marks {
		marks[i] = true
	}
}

// markChanged compares word by word, drops matches that mean nothing, and marks every word with a difference in it.
func markChanged(a, b []string, oldMarks, newMarks []bool) {
	oldRunes, newRunes, ok := encodeLines(a, b)
	if !ok {
		fill(oldMarks)
		fill(newMarks)
		return
	}
	dmp := diffmatchpatch.New()
	dmp.DiffTimeout = 0 // the size is bounded instead
	var texts []diffmatchpatch.Diff
	i, j := 0, 0
	for _, d := range dmp.DiffMainRunes(oldRunes, newRunes, false) {
		n := utf8.RuneCountInString(d.Text)
		switch d.Type {
		case diffmatchpatch.DiffDelete:
			d.Text = strings.Join(a[i:i+n], "")
			i += n
		case diffmatchpatch.DiffInsert:
			d.Text = strings.Join(b[j:j+n], "")
			j += n
		case diffmatchpatch.DiffEqual:
			d.Text = strings.Join(a[i:i+n], "")
			i, j = i+n, j+n
		}
		texts = append(texts, d)
	}
	texts = dmp.DiffCleanupSemantic(texts)
	markTouched(a, b, texts, oldMarks, newMarks)
}

// markTouched marks the words that a difference touches. The clean-up may have moved an edge into a word; then the
// whole word is marked, on both sides.
func markTouched(a, b []string, texts []diffmatchpatch.Diff, oldMarks, newMarks []bool) {
	oldSide, newSide := &cursor{words: a, marks: oldMarks}, &cursor{words: b, marks: newMarks}
	var same [][2]int // words that stand against each other, in whole or in part
	for _, d := range texts {
		for n := len(d.Text); n > 0; {
			step := n
			switch d.Type {
			case diffmatchpatch.DiffDelete:
				step = oldSide.take(n, true)
			case diffmatchpatch.DiffInsert:
				step = newSide.take(n, true)
			case diffmatchpatch.DiffEqual:
				if step = min(n, oldSide.left(), newSide.left()); step == 0 {
					break
				}
				same = append(same, [2]int{oldSide.word, newSide.word})
				oldSide.take(step, false)
				newSide.take(step, false)
			}
			if step == 0 {
				return
			}
			n -= step
		}
	}
	for again := true; again; {
		again = false
		for _, pair := range same {
			if oldMarks[pair[0]] != newMarks[pair[1]] {
				oldMarks[pair[0]], newMarks[pair[1]], again = true, true, true
			}
		}
	}
}

// cursor walks the bytes of one side's words.
type cursor struct {
	words []string
	marks []bool
	word  int
	used  int // bytes of the word that are behind
}

// left returns how many bytes of the word are ahead, 0 at the end.
func (c *cursor) left() int {
	if c.word == len(c.words) {
		return 0
	}
	return len(c.words[c.word]) - c.used
}

// take moves over at most n bytes of the word, marks it if told so, and returns how many those were.
func (c *cursor) take(n int, mark bool) int {
	n = min(n, c.left())
	if n == 0 {
		return 0
	}
	if mark {
		c.marks[c.word] = true
	}
	if c.used += n; c.used == len(c.words[c.word]) {
		c.word, c.used = c.word+1, 0
	}
	return n
}

// markedSpans joins neighbouring words with the same mark.
func markedSpans(words []string, marks []bool) []Span {
	out := []Span{}
	for i := 0; i < len(words); {
		j := i + 1
		for j < len(words) && marks[j] == marks[i] {
			j++
		}
		out = append(out, Span{Text: escape(strings.Join(words[i:j], "")), Changed: marks[i]})
		i = j
	}
	return out
}

// spans shows a line without marks.
func spans(text string) []Span {
	if text == "" {
		return []Span{}
	}
	return []Span{{Text: escape(text)}}
}

// tokens splits a line into words (letters, digits and underscores), runs of white space, and single other characters.
// At most most of them are returned, all when it is negative; then joined they are the line.
func tokens(text string, most int) []string {
	var out []string
	for text != "" && len(out) != most {
		first, size := utf8.DecodeRuneInString(text)
		end := size
		if class := charClass(first); class != classOther {
			for end < len(text) {
				r, n := utf8.DecodeRuneInString(text[end:])
				if charClass(r) != class {
					break
				}
				end += n
			}
		}
		out = append(out, text[:end])
		text = text[end:]
	}
	return out
}

type class uint8

const (
	classOther class = iota
	classWord
	classSpace
)

func charClass(r rune) class {
	switch {
	case r == '_', unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r):
		return classWord
	case r == ' ', r == '\t':
		return classSpace
	}
	return classOther
}

// escape shows hidden characters by their number, and bytes that are not UTF-8 by their value.
func escape(text string) string {
	plain := true
	for i := 0; i < len(text) && plain; i++ {
		plain = text[i] >= 0x20 && text[i] < 0x7f || text[i] == '\t'
	}
	if plain {
		return text
	}
	var out strings.Builder
	previous := rune(0)
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&out, "⟨0x%02X⟩", text[i])
		case r == '\t', !document.Hidden(r), r == 0xfe0f && previous > 0x7f:
			out.WriteRune(r)
		default:
			fmt.Fprintf(&out, "⟨U+%04X⟩", r)
		}
		previous = r
		i += size
	}
	return out.String()
}
