package action

import (
	"context"

	"marain/backend/diff"
	"marain/backend/document"
)

// former returns the newest incarnation of a field of that name and kind, in the same life of its content type, that is
// out of use. One whose line goes on in another field is none: two fields would follow each other's values.
func (f *fields) former(field *document.Field) (Tombstone, bool) {
	for i := len(f.g.Tombstones) - 1; i >= 0; i-- {
		t := f.g.Tombstones[i]
		if t.Kind == Whole && t.EntityTag == f.life.Tag && t.Field == field.ID && !f.used[t.Tag] && t.Shape.Fields[0].Type == field.Type && sameStorage(&t.Shape.Fields[0], field) &&
			!f.continued(t) {
			return t, true
		}
	}
	return Tombstone{}, false
}

// continued reports whether the line of an incarnation is that of a field that stays.
func (f *fields) continued(t Tombstone) bool {
	for _, tag := range f.life.Fields {
		if _, related := f.links(tag, t.Tag); related {
			return true
		}
	}
	for _, r := range f.replaced {
		if _, related := f.links(r.tag, t.Tag); related {
			return true
		}
	}
	return false
}

// restore brings an incarnation back. What was written while a later one of its line was in use comes along.
func (f *fields) restore(ctx context.Context, c diff.FieldAdded, t Tombstone) error {
	last, leaves := f.leaving(t)
	if !leaves {
		last = f.latest(t)
		if last.Tag == t.Tag || f.used[last.Tag] {
			return f.bringBack(ctx, c, t)
		}
		switch has, err := f.lies(ctx, last); {
		case err != nil:
			return err
		case !has[0]:
			return f.bringBack(ctx, c, t) // what it knew is gone
		}
	}
	r, err := f.along(&replacement{from: &last.Shape.Fields[0], to: c.Field, tag: last.Tag, lying: !leaves, key: c.Key, rule: c.Rule}, t)
	if err != nil {
		return err
	}
	f.life.Fields[c.Field.ID] = r.next
	return f.comeBack(ctx, r)
}

// leaving returns the incarnation of a line that this very plan takes out of use.
func (f *fields) leaving(t Tombstone) (Tombstone, bool) {
	for _, gone := range f.draft.Effects.Retired {
		if gone.Kind != Whole || gone.Field == "" || gone.EntityTag != t.EntityTag {
			continue
		}
		if _, related := f.links(gone.Tag, t.Tag); related {
			return gone, true
		}
	}
	return Tombstone{}, false
}

// latest returns the incarnation of a line that was in use last, of those that are out of use.
func (f *fields) latest(t Tombstone) Tombstone {
	for i := len(f.g.Tombstones) - 1; i >= 0; i-- {
		other := f.g.Tombstones[i]
		if other.Kind != Whole || other.Field == "" || other.EntityTag != t.EntityTag {
			continue
		}
		if _, related := f.links(other.Tag, t.Tag); related || other.Tag == t.Tag {
			return other
		}
	}
	return t
}
