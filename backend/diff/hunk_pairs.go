package diff

import (
	"hash/maphash"
	"slices"
	"strings"
)

// maxPairWork bounds how many pairs of lines of one comparison are looked at for resemblance.
const maxPairWork = 200000

// alike is the resemblance, from 0 to 1, from which two lines stand side by side.
const alike = 0.5

// pairBudget is what is left of maxPairWork.
type pairBudget struct {
	left int
}

// pairBlock returns the rows of one changed run. Lines that resemble each other share a row, in order on both sides;
// the others stand alone, removed ones before added ones.
func pairBlock(a, b []string, block changed, budget *pairBudget) []line {
	var rows []line
	i, j := block.oldStart, block.newStart
	alone := func(toOld, toNew int) {
		for ; i < toOld; i++ {
			rows = append(rows, line{rowRemoved, i, -1, a[i], ""})
		}
		for ; j < toNew; j++ {
			rows = append(rows, line{rowAdded, -1, j, "", b[j]})
		}
	}
	for _, pair := range resembling(a[block.oldStart:block.oldEnd], b[block.newStart:block.newEnd], budget) {
		alone(block.oldStart+pair[0], block.newStart+pair[1])
		rows = append(rows, line{rowChanged, i, j, a[i], b[j]})
		i, j = i+1, j+1
	}
	alone(block.oldEnd, block.newEnd)
	return rows
}

// resembling pairs lines so that the sum of their resemblances is largest, without crossing. A run too large for that
// is paired in order.
func resembling(a, b []string, budget *pairBudget) [][2]int {
	if len(a) == 0 || len(b) == 0 {
		return nil
	}
	if len(a)*len(b) > budget.left {
		return inOrder(min(len(a), len(b)))
	}
	budget.left -= len(a) * len(b)
	seed := maphash.MakeSeed()
	oldFaces, newFaces := faces(a, seed), faces(b, seed)
	// best[i][j] is the largest sum for the lines from i and j on.
	best := make([][]float64, len(a)+1)
	for i := range best {
		best[i] = make([]float64, len(b)+1)
	}
	weights := make([][]float64, len(a))
	for i := len(a) - 1; i >= 0; i-- {
		weights[i] = make([]float64, len(b))
		for j := len(b) - 1; j >= 0; j-- {
			w := resemblance(&oldFaces[i], &newFaces[j])
			weights[i][j] = w
			best[i][j] = max(best[i+1][j], best[i][j+1])
			if w >= alike {
				best[i][j] = max(best[i][j], w+best[i+1][j+1])
			}
		}
	}
	var pairs [][2]int
	for i, j := 0, 0; i < len(a) && j < len(b); {
		w := weights[i][j]
		switch {
		case w >= alike && best[i][j] == w+best[i+1][j+1]:
			pairs = append(pairs, [2]int{i, j})
			i, j = i+1, j+1
		case best[i][j] == best[i+1][j]:
			i++
		default:
			j++
		}
	}
	return pairs
}

func inOrder(n int) [][2]int {
	pairs := make([][2]int, n)
	for i := range pairs {
		pairs[i] = [2]int{i, i}
	}
	return pairs
}

// face is what a line is recognised by.
type face struct {
	key   string   // what stands before a colon, with its list marker
	words []uint64 // hashes of its words and signs, sorted; of a long line the first ones
}

func faces(lines []string, seed maphash.Seed) []face {
	const mostWords = 100
	out := make([]face, len(lines))
	for i, text := range lines {
		text = strings.TrimSpace(text)
		if key, _, ok := strings.Cut(text, ":"); ok && !strings.HasPrefix(key, "#") {
			out[i].key = key
		}
		for _, token := range tokens(text, mostWords) {
			if strings.TrimSpace(token) != "" {
				out[i].words = append(out[i].words, maphash.String(seed, token))
			}
		}
		slices.Sort(out[i].words)
	}
	return out
}

// resemblance is the share of words that two lines have in common; the same key counts for much.
func resemblance(a, b *face) float64 {
	if len(a.words)+len(b.words) == 0 {
		return 1
	}
	common, i, j := 0, 0, 0
	for i < len(a.words) && j < len(b.words) {
		switch {
		case a.words[i] == b.words[j]:
			common, i, j = common+1, i+1, j+1
		case a.words[i] < b.words[j]:
			i++
		default:
			j++
		}
	}
	share := float64(2*common) / float64(len(a.words)+len(b.words))
	switch {
	case a.key == "" && b.key == "":
		return share
	case a.key == b.key:
		return max(share, alike) + 1
	}
	return share * 0.8
}
