package action

import (
	"context"
	"fmt"
	"strings"

	"marain/backend/document"
)

// takenOver begins the tag of a content type whose tables were there before it, or of a field whose column was: another
// program made them, and they stay when a rollback goes back to before they were taken over. Other tags are hexadecimal.
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

// letFieldGo plans that a rollback goes back to before a column was made a field: it stays, and no document describes it
// any more.
func (f *fields) letFieldGo(field *document.Field) bool {
	if f.g.Target == nil || !strings.HasPrefix(f.life.Fields[field.ID], takenOver) {
		return false
	}
	delete(f.life.Fields, field.ID)
	f.act(Action{Type: Notify, Description: fmt.Sprintf("Leave the column %s to other programs, as it is now", field.ID)})
	return true
}

// takeFieldBack plans a rollback to a field that was let go: its column was left where it is. It is false when that is
// not so, or not there any more as the field needs it.
func (f *fields) takeFieldBack(ctx context.Context, field *document.Field, tag string) (bool, error) {
	if !strings.HasPrefix(tag, takenOver) || field.Multiple() {
		return false, nil
	}
	names := []string{document.ContentTable(f.new.ID)}
	if f.new.Versioned {
		names = append(names, document.RevisionsTable(f.new.ID))
	}
	for _, name := range names {
		present := name
		if now, away := f.physical[name]; away {
			present = now
		}
		live, err := f.g.Inspect(ctx, []string{present})
		if err != nil {
			return false, fmt.Errorf("look at the live tables: %w", err)
		}
		want := fieldColumn(field)
		if name != names[0] {
			want = revisionColumn(field)
		}
		table := live[present]
		if len(compareColumn(f.g.Dialect, name, want, table.Column(field.ID), true)) > 0 {
			return false, nil
		}
	}
	f.life.Fields[field.ID] = tag
	f.act(Action{Type: Notify, Description: fmt.Sprintf("Take the column %s over as it is", field.ID)})
	return true, nil
}
