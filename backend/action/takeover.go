package action

import (
	"context"
	"fmt"
	"strings"

	"marain/backend/document"
)

// takenOver begins the tag of a content type whose tables were there before it: another program made them, and they
// stay when a rollback goes back to before they were taken over. Other tags are hexadecimal.
const takenOver = "t"

// takeOver plans a new content type whose tables are there already, all of them or some: what equals the file is left as
// it is, the rest is brought to what the file says. It is false when none is there.
func (w *work) takeOver(ctx context.Context, e *document.Entity, life *Life) (bool, error) {
	live, err := w.inspect(ctx, Tables(e))
	if err != nil {
		return false, err
	}
	var there []string
	for _, t := range Tables(e) {
		if _, exists := live[t.Name]; exists && !w.retires(t.Name) {
			there = append(there, t.Name)
		}
	}
	if len(there) == 0 {
		return false, nil
	}
	if !strings.HasPrefix(life.Tag, takenOver) {
		life.Tag = takenOver + life.Tag
	}
	w.draft.Effects.Lives[e.ID] = life
	if len(there) == len(Tables(e)) && len(Compare(w.g.Dialect, Tables(e), live)) == 0 {
		w.draft.Adopts = true
		w.act(Action{Type: Notify, Description: fmt.Sprintf("Take %s over as it is: nothing to change", strings.Join(there, ", "))})
		return true, nil
	}
	w.act(Action{Type: Notify, Description: fmt.Sprintf("Take %s over with the rows inside", strings.Join(there, ", "))})
	w.draft.Removes = true // what another program made is changed only when a person says so
	m := w.mending(e, *life, func(table, column string) string {
		return Tag(w.in.Path, w.in.NextVersion, e.ID, "take over "+table+"."+column)
	})
	m.first = true
	return true, m.all(ctx)
}

// takeBack plans a rollback to a content type that was let go: its tables were left where they are.
func (w *work) takeBack(ctx context.Context, e *document.Entity, target Life) (bool, error) {
	if !strings.HasPrefix(target.Tag, takenOver) {
		return false, nil
	}
	life := target.Clone()
	return w.takeOver(ctx, e, &life)
}

// letGo plans that a rollback goes back to before a content type was taken over: its tables stay, and no document
// describes them any more.
func (w *work) letGo(e *document.Entity) bool {
	if w.g.Target == nil || w.in.New != nil || !strings.HasPrefix(w.g.Lives[e.ID].Tag, takenOver) {
		return false
	}
	w.draft.Effects.Lives[e.ID] = nil
	w.act(Action{Type: Notify, Description: fmt.Sprintf("Leave the tables of %s to other programs, as they are now", e.ID)})
	return true
}
