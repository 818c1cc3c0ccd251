package coordinator

import (
	"slices"

	"marain/backend/document"
)

// complete adds to the named files those that wait and without which they could not be applied: the content type that a
// reference points at, the file that lets a removed one go, the other half of a move. What cannot be mended that way
// stays as it is: the plan says what is wrong.
func (c *Coordinator) complete(paths []string) []string {
	for {
		more := c.needed(paths)
		if len(more) == 0 {
			return paths
		}
		paths = slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(paths), more...))))
	}
}

// needed returns the waiting files that would mend what is wrong after the given ones were applied.
func (c *Coordinator) needed(paths []string) []string {
	inputs := c.inputs(paths)
	var more []string
	for _, problem := range c.wrongAfter(inputs) {
		if c.waiting[problem.File] != nil && !slices.Contains(paths, problem.File) {
			more = append(more, problem.File)
			continue
		}
		doc := c.appliedDoc(problem.File)
		for _, in := range inputs {
			if in.Path == problem.File {
				doc = in.New
			}
		}
		for path, p := range c.waiting {
			if problem.Code == unknownEntity && !slices.Contains(paths, path) && pointsAt(doc, entityID(p.doc)) {
				more = append(more, path)
			}
		}
	}
	return more
}

// pointsAt reports whether a content type refers to another one.
func pointsAt(d *document.Document, id string) bool {
	if d == nil || d.Entity == nil || id == "" {
		return false
	}
	return slices.ContainsFunc(d.Entity.Fields, func(f document.Field) bool { return f.Target == id })
}
