package project

import (
	"slices"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Collisions returns the groups of paths that are one file on some systems: equal but for upper and lower case, or for
// how an accented letter is written. Groups and the paths in them are sorted.
func Collisions(paths []string) [][]string {
	fold := cases.Fold()
	groups := map[string][]string{}
	for _, path := range paths {
		key := norm.NFC.String(fold.String(norm.NFC.String(path)))
		if !slices.Contains(groups[key], path) {
			groups[key] = append(groups[key], path)
		}
	}
	var found [][]string
	for _, key := range sortedKeys(groups) {
		if group := groups[key]; len(group) > 1 {
			slices.Sort(group)
			found = append(found, group)
		}
	}
	return found
}
