package action

import (
	"context"
	"slices"

	"marain/backend/document"
)

// Origin says that the values of an incarnation were made from those of another one: a type, a cardinality or a rule
// changed. Both belong to one line, so that a way back knows which values are still what they were made from.
type Origin struct {
	Tag  string // the incarnation that was filled
	From string // the one it was filled from
	// Fill is what rows got that had no value or none that converts, as it was answered; nil for nothing.
	Fill *string
	// Limit is how many values of a list were taken; 0 for all.
	Limit int
}

// node is one incarnation on a line: what it is, and where its values lie.
type node struct {
	tag       string
	field     *document.Field // its type and whether it takes more than one value
	tombstone *Tombstone      // nil: in use
}

// hop leads from one incarnation of a line to the next; made says that to was made from the one before, not the other
// way round.
type hop struct {
	to     node
	origin Origin
	made   bool
}

// route returns how to get along the line from one incarnation to another; false when they are of different lines.
// Incarnations that were purged are stepped over: what they alone knew is gone with them.
func (w *work) route(from node, to Tombstone) ([]hop, bool) {
	path, ok := w.links(from.tag, to.Tag)
	if !ok {
		return nil, false
	}
	var hops []hop
	for i, h := range path {
		t, there := w.lying(h.to.tag)
		if h.to.tag == to.Tag {
			t, there = to, true
		}
		if !there {
			continue
		}
		if i > 0 && (len(hops) == 0 || hops[len(hops)-1].to.tag != path[i-1].to.tag) {
			h.origin, h.made = Origin{Tag: h.to.tag}, true // the neighbour is gone: only the types say how to convert
		}
		h.to.tombstone, h.to.field = &t, &t.Shape.Fields[0]
		hops = append(hops, h)
	}
	return hops, true
}

// links finds the shortest chain of origins between two tags.
func (w *work) links(from, to string) ([]hop, bool) {
	before := map[string]hop{}
	prior := map[string]string{from: ""}
	queue := []string{from}
	for len(queue) > 0 && from != to {
		at := queue[0]
		queue = queue[1:]
		for _, h := range w.neighbours(at) {
			if _, seen := prior[h.to.tag]; !seen {
				prior[h.to.tag], before[h.to.tag] = at, h
				queue = append(queue, h.to.tag)
			}
		}
	}
	if _, found := prior[to]; !found || from == to {
		return nil, false
	}
	var path []hop
	for tag := to; tag != from; tag = prior[tag] {
		path = append(path, before[tag])
	}
	slices.Reverse(path)
	return path, true
}

// neighbours returns the hops from one tag, in a fixed order.
func (w *work) neighbours(tag string) []hop {
	var list []hop
	if o, ok := w.g.Origins[tag]; ok {
		list = append(list, hop{to: node{tag: o.From}, origin: o})
	}
	for child, o := range w.g.Origins {
		if o.From == tag {
			list = append(list, hop{to: node{tag: child}, origin: o, made: true})
		}
	}
	slices.SortFunc(list, func(a, b hop) int {
		if a.to.tag < b.to.tag {
			return -1
		}
		return 1
	})
	return list
}

// lying returns the field of that incarnation that is out of use.
func (w *work) lying(tag string) (Tombstone, bool) {
	for _, t := range w.g.Tombstones {
		if t.Field != "" && t.Kind == Whole && t.Tag == tag && tag != "" {
			return t, true
		}
	}
	return Tombstone{}, false
}

// earlier returns the newest incarnation out of use on the line of a field in use that has exactly the storage that to
// asks for: a type that is changed back gets its originals back.
func (f *fields) earlier(from node, to *document.Field) (Tombstone, bool) {
	for i := len(f.g.Tombstones) - 1; i >= 0; i-- {
		t := f.g.Tombstones[i]
		if t.Field == "" || t.Kind != Whole || t.EntityTag != f.life.Tag || !sameStorage(&t.Shape.Fields[0], to) || t.Shape.Fields[0].Type != to.Type {
			continue
		}
		if _, related := f.links(from.tag, t.Tag); related {
			return t, true
		}
	}
	return Tombstone{}, false
}

// sameStorage reports whether values of one field can lie where those of the other do, unchanged.
func sameStorage(a, b *document.Field) bool {
	return a.Multiple() == b.Multiple() && SameStorage(a, b) && SameStorage(b, a)
}

// present is what exists of tables that may be out of use.
func (w *work) present(ctx context.Context, names ...string) (map[string]LiveTable, error) {
	return w.g.Inspect(ctx, names)
}
