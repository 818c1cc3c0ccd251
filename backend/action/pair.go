package action

import (
	"context"
	"fmt"
	"strings"

	"marain/backend/diff"
	"marain/backend/document"
)

// pair says which old field each new one carries on. A rollback knows by incarnation; an apply knows what the file
// declares and asks about the rest: a field that went and one of the same type that came may be one.
func (w *work) pair(ctx context.Context, old, new *document.Entity, life Life) diff.Hints {
	if target, back := w.target(new.ID); back {
		return w.pairByTag(old, new, life, target)
	}
	hints := diff.Hints{Renamed: diff.Declared(old, new)}
	w.refuseOver(old, new)
	taken := map[string]bool{}
	for _, source := range hints.Renamed {
		taken[source] = true
	}
	for i := range new.Fields {
		to := &new.Fields[i]
		if old.Field(to.ID) != nil || hints.Renamed[to.ID] != "" {
			continue
		}
		from := candidate(old, new, to, taken)
		if from == nil {
			continue
		}
		taken[from.ID] = true
		if w.askRenamed(ctx, new, from, to) {
			hints.Renamed[to.ID] = from.ID
		}
	}
	return hints
}

// refuseOver blocks a rename to a name that another field has: which of the two goes on is not for anybody to guess.
func (w *work) refuseOver(old, new *document.Entity) {
	for i := range new.Fields {
		f := &new.Fields[i]
		was := old.Field(f.ID)
		if was != nil && f.RenamedFrom != "" && f.RenamedFrom != was.RenamedFrom && old.Field(f.RenamedFrom) != nil && new.Field(f.RenamedFrom) == nil {
			w.block("fields."+f.ID, fmt.Sprintf("%s cannot take the name %s: there is a field %s already", f.RenamedFrom, f.ID, f.ID),
				fmt.Sprintf("Remove %s in an apply of its own first, or choose another name", f.ID))
		}
	}
}

// pairByTag says by incarnation which field goes on: the very same one, else one of the same line, whose values were
// made from those of the other.
func (w *work) pairByTag(old, new *document.Entity, life, target Life) diff.Hints {
	hints := diff.Hints{Renamed: map[string]string{}, Replaced: map[string]bool{}}
	byTag := map[string]string{}
	for i := range old.Fields {
		id := old.Fields[i].ID
		byTag[life.Fields[id]] = id
	}
	taken := map[string]bool{}
	for _, tag := range target.Fields {
		if id, inUse := byTag[tag]; inUse {
			taken[id] = true
		}
	}
	for i := range new.Fields {
		id := new.Fields[i].ID
		current, goes := byTag[target.Fields[id]]
		if !goes {
			current, goes = w.relative(old, life, target.Fields[id], taken)
		}
		taken[current] = true
		switch {
		case goes && current != id:
			hints.Renamed[id] = current
		case !goes && old.Field(id) != nil:
			hints.Replaced[id] = true
		}
	}
	return hints
}

// relative returns the field in use whose values were made from those of an incarnation, or these from its.
func (w *work) relative(old *document.Entity, life Life, tag string, taken map[string]bool) (string, bool) {
	if _, there := w.lying(tag); !there {
		return "", false
	}
	for i := range old.Fields {
		id := old.Fields[i].ID
		if taken[id] {
			continue
		}
		if _, related := w.links(life.Fields[id], tag); related {
			return id, true
		}
	}
	return "", false
}

// candidate returns the removed field that to most likely carries on: one of the same type and shape, the most alike
// in name and label.
func candidate(old, new *document.Entity, to *document.Field, taken map[string]bool) *document.Field {
	var best *document.Field
	bestScore := -1
	for i := range old.Fields {
		from := &old.Fields[i]
		if new.Field(from.ID) != nil || taken[from.ID] || from.Type != to.Type || from.Multiple() != to.Multiple() || from.Target != to.Target {
			continue
		}
		if score := likeness(from, to); score > bestScore {
			best, bestScore = from, score
		}
	}
	return best
}

func likeness(a, b *document.Field) int {
	score := 0
	if a.Label == b.Label {
		score += 4
	}
	if a.Description == b.Description && a.Description != "" {
		score += 4
	}
	if strings.Contains(a.ID, b.ID) || strings.Contains(b.ID, a.ID) {
		score += 2
	}
	if a.Required == b.Required && a.Unique == b.Unique {
		score++
	}
	return score
}

// askRenamed asks whether a field was renamed or replaced, with some of its values to go by.
func (w *work) askRenamed(ctx context.Context, e *document.Entity, from, to *document.Field) bool {
	answer, ok := w.ask(Question{
		Key:     "rename:" + e.ID + "." + to.ID,
		Text:    fmt.Sprintf("Is %s the new name of %s, or another field?", to.ID, from.ID),
		Options: []string{"renamed", "replaced"},
		Samples: w.sampleValues(ctx, e, from),
	})
	return ok && answer == "renamed"
}
