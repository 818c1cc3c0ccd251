package diff

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sergi/go-diff/diffmatchpatch"
)

// maxMatchWork is the largest product of lines of two blocks that are compared exactly. Larger blocks are first cut at
// lines that occur once on each side; one that cannot be cut counts as replaced whole.
const maxMatchWork = 16 << 20

// changed is a run of lines that differ. Ends are exclusive; one side may be empty.
type changed struct {
	oldStart, oldEnd int
	newStart, newEnd int
}

// changedBlocks returns the runs of lines in which two texts differ, in order. Between them the lines are equal.
func changedBlocks(a, b []string) []changed {
	oldRunes, newRunes, ok := encodeLines(a, b)
	if !ok {
		return []changed{{0, len(a), 0, len(b)}}
	}
	m := &matcher{}
	m.match(oldRunes, newRunes, 0, 0)
	var blocks []changed
	i, j := 0, 0
	for _, pair := range append(m.pairs, [2]int{len(a), len(b)}) {
		if pair[0] > i || pair[1] > j {
			blocks = append(blocks, changed{i, pair[0], j, pair[1]})
		}
		i, j = pair[0]+1, pair[1]+1
	}
	slide(blocks, a, b)
	return blocks
}

// encodeLines gives every different line a character of its own. It is false when there are more lines than characters.
func encodeLines(a, b []string) (oldRunes, newRunes []rune, ok bool) {
	codes := make(map[string]rune, len(a)+len(b))
	next := rune(1)
	encode := func(lines []string) []rune {
		out := make([]rune, len(lines))
		for i, text := range lines {
			code, known := codes[text]
			if !known {
				code = next
				codes[text] = code
				next++
				if next == 0xd800 {
					next = 0xe000 // surrogates are not characters
				}
				if next == utf8.RuneError {
					next++
				}
			}
			out[i] = code
		}
		return out
	}
	oldRunes, newRunes = encode(a), encode(b)
	return oldRunes, newRunes, next <= utf8.MaxRune
}

// matcher collects pairs of equal lines, in order on both sides.
type matcher struct {
	pairs [][2]int
}

// match finds equal lines of two blocks that start at the given lines.
func (m *matcher) match(a, b []rune, oldFrom, newFrom int) {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		m.pairs = append(m.pairs, [2]int{oldFrom, newFrom})
		a, b, oldFrom, newFrom = a[1:], b[1:], oldFrom+1, newFrom+1
	}
	end := 0
	for end < min(len(a), len(b)) && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	a, b = a[:len(a)-end], b[:len(b)-end]
	m.middle(a, b, oldFrom, newFrom)
	for k := range end {
		m.pairs = append(m.pairs, [2]int{oldFrom + len(a) + k, newFrom + len(b) + k})
	}
}

// middle matches two blocks that start and end with different lines. Lines that only one side has cannot match and are
// left out of the comparison.
func (m *matcher) middle(a, b []rune, oldFrom, newFrom int) {
	oldShared, newShared := shared(a, b), shared(b, a)
	if len(oldShared) == 0 {
		return
	}
	if len(oldShared)*len(newShared) > maxMatchWork {
		m.cut(a, b, oldFrom, newFrom)
		return
	}
	dmp := diffmatchpatch.New()
	dmp.DiffTimeout = 0 // the size is bounded instead: the same texts always give the same rows
	i, j := 0, 0
	for _, d := range dmp.DiffMainRunes(pick(a, oldShared), pick(b, newShared), false) {
		n := utf8.RuneCountInString(d.Text)
		switch d.Type {
		case diffmatchpatch.DiffDelete:
			i += n
		case diffmatchpatch.DiffInsert:
			j += n
		case diffmatchpatch.DiffEqual:
			for range n {
				m.pairs = append(m.pairs, [2]int{oldFrom + oldShared[i], newFrom + newShared[j]})
				i, j = i+1, j+1
			}
		}
	}
}

// shared returns the indexes of a's lines that b has too.
func shared(a, b []rune) []int {
	in := make(map[rune]bool, len(b))
	for _, r := range b {
		in[r] = true
	}
	var indexes []int
	for i, r := range a {
		if in[r] {
			indexes = append(indexes, i)
		}
	}
	return indexes
}

func pick(runes []rune, indexes []int) []rune {
	out := make([]rune, len(indexes))
	for i, at := range indexes {
		out[i] = runes[at]
	}
	return out
}

// cut splits two large blocks at the lines that occur exactly once on each side, and matches what is between.
func (m *matcher) cut(a, b []rune, oldFrom, newFrom int) {
	anchors := uniquePairs(a, b)
	if len(anchors) == 0 {
		return
	}
	i, j := 0, 0
	for _, at := range append(anchors, [2]int{len(a), len(b)}) {
		m.match(a[i:at[0]], b[j:at[1]], oldFrom+i, newFrom+j)
		if at[0] < len(a) {
			m.pairs = append(m.pairs, [2]int{oldFrom + at[0], newFrom + at[1]})
		}
		i, j = at[0]+1, at[1]+1
	}
}

// uniquePairs returns the longest run, in order on both sides, of lines that occur once on each.
func uniquePairs(a, b []rune) [][2]int {
	inOld, inNew := once(a), once(b)
	var piles []int // index of the pair on top of each pile
	var pairs [][2]int
	var before []int
	for i, r := range a {
		j, ok := inNew[r]
		if _, unique := inOld[r]; !ok || !unique {
			continue
		}
		at, _ := slices.BinarySearchFunc(piles, j, func(pile, j int) int { return pairs[pile][1] - j })
		previous := -1
		if at > 0 {
			previous = piles[at-1]
		}
		pairs, before = append(pairs, [2]int{i, j}), append(before, previous)
		if at == len(piles) {
			piles = append(piles, len(pairs)-1)
		} else {
			piles[at] = len(pairs) - 1
		}
	}
	if len(piles) == 0 {
		return nil
	}
	run := make([][2]int, 0, len(piles))
	for at := piles[len(piles)-1]; at >= 0; at = before[at] {
		run = append(run, pairs[at])
	}
	slices.Reverse(run)
	return run
}

// once maps the lines that occur once to where they stand.
func once(runes []rune) map[rune]int {
	at, count := make(map[rune]int, len(runes)), make(map[rune]int, len(runes))
	for i, r := range runes {
		at[r] = i
		count[r]++
	}
	for r, n := range count {
		if n > 1 {
			delete(at, r)
		}
	}
	return at
}

// slide moves runs of only added or only removed lines, where equal lines around them allow it, to start at the line
// that is indented least: then a new list item or key is shown as one, and not as the end of one and the start of the
// next.
func slide(blocks []changed, a, b []string) {
	const farthest = 200
	for k := range blocks {
		block := &blocks[k]
		lines, start, end := b, block.newStart, block.newEnd
		if block.newStart == block.newEnd {
			lines, start, end = a, block.oldStart, block.oldEnd
		} else if block.oldStart != block.oldEnd {
			continue
		}
		room := block.oldStart
		if k > 0 {
			room = block.oldStart - blocks[k-1].oldEnd - 1
		}
		best, least := 0, indentation(lines[start])
		for up := 1; up <= min(room, farthest) && start-up >= 0 && lines[start-up] == lines[end-up]; up++ {
			if n := indentation(lines[start-up]); n < least {
				best, least = up, n
			}
		}
		block.oldStart, block.oldEnd = block.oldStart-best, block.oldEnd-best
		block.newStart, block.newEnd = block.newStart-best, block.newEnd-best
	}
}

// indentation counts the white space before a line; an empty line counts as indented most.
func indentation(text string) int {
	trimmed := strings.TrimLeft(text, " \t")
	if strings.TrimRight(trimmed, "\r\n") == "" {
		return len(text) + 1<<20
	}
	return len(text) - len(trimmed)
}
