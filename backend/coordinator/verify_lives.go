package coordinator

import (
	"context"
	"maps"
	"slices"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/history"
)

// incarnations proves that what is in use, and what was filled from what, is what the batches recorded, and that
// everything that was in use once is known.
func (v *verification) incarnations(ctx context.Context, q database.Querier) error {
	recorded := map[string]*action.Life{}
	var origins []action.Origin
	restored, began := map[int64]bool{}, map[string]bool{}
	err := v.c.store.Chain(ctx, q, func(e history.Entry) error {
		if e.Kind == history.KindRestore { // which put former incarnations back, without saying which
			clear(recorded)
			restored[e.Seq] = true
		}
		for entity, life := range e.Record.Lives {
			recorded[entity] = life
			if life != nil {
				began[life.Tag] = true
				for _, tag := range life.Fields {
					began[tag] = true
				}
			}
		}
		origins = append(origins, e.Record.Origins...)
		return nil
	})
	if err != nil {
		return err
	}
	for _, entity := range slices.Sorted(maps.Keys(recorded)) {
		v.check()
		want, have := recorded[entity], v.c.lives[entity]
		if want == nil {
			want = &action.Life{}
		}
		if want.Tag != have.Tag || !maps.Equal(want.Fields, have.Fields) {
			v.fault("incarnation", entity, "its incarnations are not what the last batch recorded")
		}
	}
	for _, o := range origins {
		v.check()
		if have, ok := v.c.origins[o.Tag]; !ok || have != o {
			v.fault("incarnation", o.Tag, "a batch recorded that it was made from %s, and that is not noted any more", o.From)
		}
	}
	return v.former(ctx, q, began, restored)
}

// former proves that a batch began everything that was in use once, or that it left something that says what it was.
func (v *verification) former(ctx context.Context, q database.Querier, began map[string]bool, restored map[int64]bool) error {
	known, err := v.c.store.Tags(ctx, q)
	if err != nil {
		return err
	}
	maps.Copy(known, began)
	ended, err := v.c.store.Ended(ctx, q)
	if err != nil {
		return err
	}
	for _, g := range ended {
		v.check()
		if !known[g.Tag] && !restored[g.Until] {
			v.fault("incarnation", g.Name(), "incarnation %s was in use, and what became of it is recorded nowhere", g.Tag)
		}
	}
	for tag, o := range v.c.origins {
		if from := o.From; !known[from] && len(restored) == 0 {
			v.fault("incarnation", tag, "it was made from %s, of which nothing is known", from)
		}
	}
	return nil
}
