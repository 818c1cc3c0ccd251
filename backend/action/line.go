package action

import (
	"slices"

	"marain/backend/document"
)

// Origin says that the values of an incarnation were made from those of another one: a type, a cardinality or a rule
// changed. Both belong to one line, so that a way back knows which values are still what they were made from.
type Origin struct {
	Tag  string // the incarnation that was filled
	From string // the one it was filled from
}

// node is one incarnation on a line: what it is, and where its values lie.
type node struct {
	tag       string
	field     *document.Field // its type and whether it takes more than one value
	tombstone *Tombstone      // nil: in use
}

// hop leads from one incarnation of a line to the next.
type hop struct{ from, to node }

// route returns how to get along the line from one incarnation to another; false when they are of different lines.
// Incarnations that were purged are stepped over: what they alone knew is gone with them.
func (w *work) route(from node, to Tombstone) ([]hop, bool) {
	path, ok := w.links(from.tag, to.Tag)
	if !ok {
		return nil, false
	}
	var hops []hop
	for _, tag := range path {
		t, there := w.lying(tag)
		if tag == to.Tag {
			t, there = to, true
		}
		if !there {
			continue
		}
		next := node{tag: tag, field: &t.Shape.Fields[0], tombstone: &t}
		hops = append(hops, hop{from: from, to: next})
		from = next
	}
	return hops, true
}

// links finds the shortest chain of origins between two tags: those to pass, the last one included.
func (w *work) links(from, to string) ([]string, bool) {
	if from == to || from == "" || to == "" {
		return nil, false
	}
	before := map[string]string{from: ""}
	queue := []string{from}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, next := range w.neighbours(at) {
			if _, seen := before[next]; !seen {
				before[next] = at
				queue = append(queue, next)
			}
		}
	}
	if _, found := before[to]; !found {
		return nil, false
	}
	var path []string
	for tag := to; tag != from; tag = before[tag] {
		path = append(path, tag)
	}
	slices.Reverse(path)
	return path, true
}

// neighbours returns what an incarnation was made from and what was made from it, in a fixed order.
func (w *work) neighbours(tag string) []string {
	var list []string
	if o, ok := w.g.Origins[tag]; ok {
		list = append(list, o.From)
	}
	for child, o := range w.g.Origins {
		if o.From == tag {
			list = append(list, child)
		}
	}
	slices.Sort(list)
	return list
}

// kin reports whether something that is out of use is on the line of an incarnation.
func (w *work) kin(tag string) bool {
	return slices.ContainsFunc(w.g.Tombstones, func(t Tombstone) bool {
		_, related := w.links(tag, t.Tag)
		return related && t.Kind == Whole && t.Field != ""
	})
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
// asks for, while the one in use has not: a type that is changed back gets its originals back, whichever kind of text it
// was.
func (f *fields) earlier(from node, to *document.Field) (Tombstone, bool) {
	for i := len(f.g.Tombstones) - 1; i >= 0; i-- {
		t := f.g.Tombstones[i]
		if t.Field == "" || t.Kind != Whole || t.EntityTag != f.life.Tag || f.used[t.Tag] || !sameStorage(&t.Shape.Fields[0], to) || sameStorage(&t.Shape.Fields[0], from.field) {
			continue
		}
		if _, related := f.links(from.tag, t.Tag); related {
			return t, true
		}
	}
	return Tombstone{}, false
}

// sameStorage reports whether values of two fields can lie in each other's place.
func sameStorage(a, b *document.Field) bool {
	return a.Multiple() == b.Multiple() && SameStorage(a, b) && SameStorage(b, a)
}
