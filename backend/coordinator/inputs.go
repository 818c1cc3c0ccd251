package coordinator

import (
	"cmp"
	"maps"
	"slices"

	"marain/backend/action"
	"marain/backend/document"
)

// inputs turns waiting or held files into what the generator takes.
func (c *Coordinator) inputs(paths []string) []action.Input {
	var list []action.Input
	for _, path := range paths {
		p := c.waiting[path]
		isHeld := false
		if p == nil {
			if _, isHeld = c.held[path]; isHeld {
				p = c.difference(path)
			}
		}
		if p == nil {
			continue
		}
		n := c.number(path)
		base := n
		if v := c.applied[path]; v != nil && v.Hash == "" {
			base = 0
		}
		list = append(list, action.Input{
			Path: path, Kind: p.kind, Event: p.event, BaseVersion: base, NextVersion: n + 1,
			Old: c.appliedDoc(path), New: p.doc, Held: isHeld,
		})
	}
	pairMoves(list)
	return list
}

// pairMoves finds content types that leave one file and come in another: their tables stay as they are.
func pairMoves(list []action.Input) {
	leaving := map[string]int{}
	for i, in := range list {
		if id := entityID(in.Old); id != "" && id != entityID(in.New) {
			leaving[id] = i
		}
	}
	for i, in := range list {
		id := entityID(in.New)
		if from, ok := leaving[id]; ok && id != entityID(in.Old) {
			list[i].Carried, list[i].MovedFrom = list[from].Old, list[from].Path
			list[from].MovedTo = in.Path
		}
	}
}

// entityID is the id of the content type that a document describes, or empty.
func entityID(d *document.Document) string {
	if d == nil || d.Entity == nil {
		return ""
	}
	return d.Entity.ID
}

// order puts files in the order in which they are carried out: what leaves first, then content types after those that
// they refer to, then everything else, equal ones by path. The same files always give the same plan.
func (c *Coordinator) order(list []action.Input) {
	slices.SortFunc(list, func(a, b action.Input) int { return cmp.Compare(a.Path, b.Path) })
	depth := depths(list)
	slices.SortStableFunc(list, func(a, b action.Input) int { return cmp.Compare(depth[a.Path], depth[b.Path]) })
}

// depths numbers files: 0 for what leaves, 1 and up for content types by the longest chain of references to others of
// the same plan, and the highest for the rest. A cycle is cut where it was entered.
func depths(list []action.Input) map[string]int {
	byID := map[string]action.Input{}
	for _, in := range list {
		if in.New != nil && in.New.Entity != nil {
			byID[in.New.Entity.ID] = in
		}
	}
	depth := map[string]int{}
	var visit func(in action.Input) int
	visit = func(in action.Input) int {
		if d, ok := depth[in.Path]; ok {
			return d
		}
		depth[in.Path] = 1
		deepest := 1
		for _, f := range in.New.Entity.Fields {
			if other, ok := byID[f.Target]; ok && other.Path != in.Path {
				deepest = max(deepest, visit(other)+1)
			}
		}
		depth[in.Path] = deepest
		return deepest
	}
	for _, in := range list {
		switch {
		case in.New == nil:
			depth[in.Path] = 0
		case in.New.Entity != nil:
			visit(in)
		default:
			depth[in.Path] = len(list) + 1
		}
	}
	return depth
}

// named returns the files that a request is about: those it names with what they need, or all that wait. A named file must be one that
// waits, is held, is invalid or is in sync.
func (c *Coordinator) named(files []string) ([]string, error) {
	if len(files) == 0 {
		return slices.Sorted(maps.Keys(c.waiting)), nil
	}
	list := slices.Clone(files)
	slices.Sort(list)
	list = slices.Compact(list)
	for _, path := range list {
		if c.desired[path] == nil && c.applied[path] == nil {
			return nil, Errorf(CodeNotFound, "there is no file %s in this project", path)
		}
	}
	return c.complete(list), nil
}
