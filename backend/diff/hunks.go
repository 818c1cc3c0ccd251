package diff

import "strings"

// The kinds of a [Row].
const (
	rowEqual   = "equal"
	rowChanged = "changed"
	rowAdded   = "added"
	rowRemoved = "removed"
)

// Hunks compares two texts line by line for a side-by-side view. Around every run of changed lines stand up to context
// equal ones; runs that touch are one hunk. Equal texts have no hunks. A hunk without lines on one side starts there
// at the line after which the others stand, 0 for the top.
//
// Removed and added lines that resemble each other share a row of kind changed, with the words that differ marked.
// Control, bidirectional and zero-width characters are shown as ⟨U+202E⟩, so that what is seen is what is there; tabs
// stay. A line end that only one side has is shown as well: ⟨CR⟩ for CRLF against LF, ⟨no newline⟩ for a last line
// without its end. Spans are for showing: joined, they are the line only when nothing in it needed escaping.
//
// The result depends on the arguments only. The time is bounded: beyond fixed budgets, large blocks are shown as
// replaced whole, and long lines as changed from the first to the last difference.
func Hunks(oldText, newText string, context int) []Hunk {
	if oldText == newText {
		return []Hunk{}
	}
	rows := compareLines(oldText, newText)
	show := newDisplay(oldText, newText)
	hunks := []Hunk{}
	for _, span := range spread(rows, max(context, 0)) {
		hunks = append(hunks, show.hunk(rows[:span[1]], span[0]))
	}
	return hunks
}

// line is one row before it is made ready to be shown: indexes of the lines, counted from 0, -1 where there is none,
// and the lines themselves with their ends.
type line struct {
	kind             string
	oldIndex         int
	newIndex         int
	oldText, newText string
}

// compareLines returns one row for every line of both texts. The old texts joined are oldText exactly, and so with new.
func compareLines(oldText, newText string) []line {
	a, b := splitLines(oldText), splitLines(newText)
	rows := make([]line, 0, max(len(a), len(b)))
	budget := &pairBudget{left: maxPairWork}
	i, j := 0, 0
	for _, block := range changedBlocks(a, b) {
		for ; i < block.oldStart; i, j = i+1, j+1 {
			rows = append(rows, line{rowEqual, i, j, a[i], b[j]})
		}
		rows = append(rows, pairBlock(a, b, block, budget)...)
		i, j = block.oldEnd, block.newEnd
	}
	for ; i < len(a); i, j = i+1, j+1 {
		rows = append(rows, line{rowEqual, i, j, a[i], b[j]})
	}
	return rows
}

// splitLines splits a text after each \n. A last line without an end counts, an empty one does not.
func splitLines(text string) []string {
	lines := strings.SplitAfter(text, "\n")
	if last := len(lines) - 1; lines[last] == "" {
		lines = lines[:last]
	}
	return lines
}

// spread returns the ranges of rows that hunks show: changed rows with context rows around them.
func spread(rows []line, context int) [][2]int {
	context = min(context, len(rows))
	var ranges [][2]int
	for i := range rows {
		if rows[i].kind == rowEqual {
			continue
		}
		from, to := max(i-context, 0), min(i+context+1, len(rows))
		if n := len(ranges); n > 0 && from <= ranges[n-1][1] {
			ranges[n-1][1] = to
			continue
		}
		ranges = append(ranges, [2]int{from, to})
	}
	return ranges
}
