package document

import (
	"fmt"
	"unicode/utf8"
)

// didYouMean returns a hint: the candidate that a person probably meant, or otherwise.
func didYouMean(word string, candidates []string, otherwise string) string {
	if best, ok := closest(word, candidates); ok {
		return fmt.Sprintf("did you mean %s?", best)
	}
	return otherwise
}

// closest returns the candidate with the fewest slips (a character more, less or other, or two swapped) from word, if
// those are few enough to be slips: one for each three characters, none for shorter words.
func closest(word string, candidates []string) (string, bool) {
	const longest = 80
	if len(word) > longest {
		return "", false
	}
	a := []rune(word)
	best, fewest := "", len(a)/3+1
	for _, candidate := range candidates {
		n := utf8.RuneCountInString(candidate)
		if candidate == word || n-len(a) >= fewest || len(a)-n >= fewest {
			continue
		}
		if d := distance(a, []rune(candidate)); d < fewest {
			best, fewest = candidate, d
		}
	}
	return best, best != ""
}

// distance is the optimal string alignment distance.
func distance(a, b []rune) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
