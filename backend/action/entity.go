package action

import (
	"context"
	"fmt"
	"strings"

	"marain/backend/diff"
	"marain/backend/document"
)

// entity plans the change from one version of a content type to another; either may be nil.
func (w *work) entity(ctx context.Context, old, new *document.Entity) error {
	switch {
	case old == nil && new == nil:
		return nil
	case old == nil:
		w.changes(nil, w.in.New)
		return w.addEntity(ctx, new)
	case new == nil:
		w.changes(w.in.Old, nil)
		return w.removeEntity(ctx, old)
	}
	target, back := w.target(new.ID)
	if old.ID == new.ID && !(back && w.g.Lives[old.ID].Tag != target.Tag) {
		return w.alterEntity(ctx, old, new, w.g.Lives[old.ID].Clone())
	}
	// Another id, or another incarnation under the same one: the tables in use go as a whole.
	if old.ID == new.ID {
		w.changes(w.in.Old, nil)
		w.changes(nil, w.in.New)
	} else {
		w.changes(w.in.Old, w.in.New)
	}
	if err := w.removeEntity(ctx, old); err != nil {
		return err
	}
	return w.addEntity(ctx, new)
}

// target returns the incarnation that a rollback goes back to.
func (w *work) target(entity string) (Life, bool) {
	life, ok := w.g.Target[entity]
	return life, ok
}

// changes records what changed from one document to another.
func (w *work) changes(old, new *document.Document) {
	for _, c := range diff.Documents(old, new, diff.Hints{}) {
		w.change(c)
	}
}

// addEntity brings a content type into use: new tables, or those of an incarnation that was taken out of use.
func (w *work) addEntity(ctx context.Context, e *document.Entity) error {
	w.draft.Effects.Expect = append(w.draft.Effects.Expect, Tables(e)...)
	if target, back := w.target(e.ID); back {
		for _, t := range w.g.Tombstones {
			if t.Field == "" && t.Kind == Whole && t.Tag == target.Tag {
				return w.bringBackEntity(ctx, e, t)
			}
		}
		if back, err := w.takeBack(ctx, e, target); back || err != nil {
			return err
		}
		w.block("", fmt.Sprintf("The tables of %s from that time are not there any more", e.ID), "They were purged or removed by another program: "+writeFile)
		return nil
	}
	if t, ok := w.formerEntity(e.ID); ok {
		def := "empty"
		answer, ok := w.ask(Question{
			Key:     "restore:" + e.ID,
			Text:    fmt.Sprintf("A content type %s was taken out of use before. Start with empty tables, or bring the former rows back?", e.ID),
			Options: []string{"empty", "restore"}, Default: &def,
		})
		if ok && answer == "restore" {
			return w.bringBackEntity(ctx, e, t)
		}
	}
	w.checkDefaults(&document.Entity{}, e)
	life := Life{Tag: Tag(w.in.Path, w.in.NextVersion, e.ID, ""), Fields: map[string]string{}}
	for i := range e.Fields {
		life.Fields[e.Fields[i].ID] = Tag(w.in.Path, w.in.NextVersion, e.ID, e.Fields[i].ID)
	}
	if there, err := w.takeOver(ctx, e, &life); there || err != nil {
		return err
	}
	w.draft.Effects.Lives[e.ID] = &life
	var up []Step
	for _, t := range Tables(e) {
		t.Like = "" // all of them are new
		up = append(up, CreateTable{t})
	}
	return w.migrate(fmt.Sprintf("Create the tables of content type %s", e.ID), up, retireEntity(e, life.Tag))
}

// retires reports whether this file takes a table of that name out of use before it makes one.
func (w *work) retires(table string) bool { return contains(w.draft.Effects.Gone, table) }

// formerEntity returns the newest incarnation of that name that is out of use.
func (w *work) formerEntity(id string) (Tombstone, bool) {
	for i := len(w.g.Tombstones) - 1; i >= 0; i-- {
		if t := w.g.Tombstones[i]; t.Field == "" && t.Kind == Whole && t.Entity == id {
			return t, true
		}
	}
	return Tombstone{}, false
}

// bringBackEntity renames the tables of an incarnation back and then brings them to the shape that e asks for.
func (w *work) bringBackEntity(ctx context.Context, e *document.Entity, t Tombstone) error {
	renamed := make([]string, 0)
	for _, table := range Tables(t.Shape) {
		renamed = append(renamed, OutOfUse(t.Tag, table.Name))
		w.physical[table.Name] = OutOfUse(t.Tag, table.Name)
	}
	live, err := w.g.Inspect(ctx, renamed)
	if err != nil {
		return err
	}
	if len(live) != len(renamed) {
		hint := "answer with empty"
		if _, back := w.target(e.ID); back {
			hint = writeFile
		}
		w.block("", fmt.Sprintf("The former tables of %s are not all there any more", e.ID), "They were purged or removed by another program: "+hint)
		return nil
	}
	w.draft.Effects.Restored = append(w.draft.Effects.Restored, t.ID)
	description := fmt.Sprintf("Bring the tables of content type %s back with their rows", e.ID)
	if err := w.migrate(description, restoreEntity(t.Shape, t.Tag), retireEntity(t.Shape, t.Tag)); err != nil {
		return err
	}
	return w.alterFields(ctx, t.Shape, e, t.Life.Clone(), false)
}

// removeEntity takes a content type out of use with its rows inside.
func (w *work) removeEntity(ctx context.Context, e *document.Entity) error {
	if w.letGo(e) {
		return nil
	}
	if drifted, err := w.drifted(ctx, e); err != nil || drifted {
		return err
	}
	life := w.g.Lives[e.ID].Clone()
	if err := w.checkRows(ctx, e); err != nil {
		return err
	}
	w.draft.Effects.Lives[e.ID] = nil
	w.draft.Effects.Gone = append(w.draft.Effects.Gone, TableNames(Tables(e))...)
	w.draft.Effects.Retired = append(w.draft.Effects.Retired, Tombstone{Kind: Whole, Entity: e.ID, EntityTag: life.Tag, Tag: life.Tag, Shape: e, Life: life})
	return w.migrate(fmt.Sprintf("Take the tables of content type %s out of use; their rows stay inside", e.ID),
		retireEntity(e, life.Tag), restoreEntity(e, life.Tag))
}

// alterEntity plans the change of a content type that stays.
func (w *work) alterEntity(ctx context.Context, old, new *document.Entity, life Life) error {
	if drifted, err := w.drifted(ctx, old); err != nil || drifted {
		return err
	}
	w.draft.Effects.Expect = append(w.draft.Effects.Expect, Tables(new)...)
	return w.alterFields(ctx, old, new, life, true)
}

// drifted blocks the file when the live tables are not what its applied version says: nothing is built on sand.
func (w *work) drifted(ctx context.Context, e *document.Entity) (bool, error) {
	live, err := w.inspect(ctx, Tables(e))
	if err != nil {
		return false, err
	}
	differences := Compare(w.g.Dialect, Tables(e), live)
	if len(differences) == 0 {
		return false, nil
	}
	var words []string
	for _, d := range differences {
		words = append(words, d.Table+": "+d.Message)
	}
	w.changes(w.in.Old, w.in.New)
	w.block("", "The live tables are not what the applied version says: "+strings.Join(words, "; "),
		"Another program changed the database; marain drift shows how, and marain drift --repair puts the tables right")
	return true, nil
}

func (w *work) inspect(ctx context.Context, tables []Table) (map[string]LiveTable, error) {
	live, err := w.g.Inspect(ctx, TableNames(tables))
	if err != nil {
		return nil, fmt.Errorf("look at the live tables: %w", err)
	}
	return live, nil
}
