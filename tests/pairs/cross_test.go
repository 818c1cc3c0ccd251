package pairs_test

import (
	"slices"

	"marain/backend/document"
	"marain/tests/oracle"
)

// side is one shape of a field, before or after the change, with what every row held when it was in use last.
type side struct {
	field *document.Field
	cells map[string]cell
	given map[string][]any // what rows without a value were given
}

// convert is what a value is on another side; rows that were given something there still have it for nothing.
func (s *side) convert(to *side, row string, v any) any {
	out := oracle.Convert(s.field, to.field, v)
	if out == nil && len(to.given[row]) > 0 {
		return to.given[row][0]
	}
	return out
}

// holds reports whether a value on this side is still exactly what another one has become here.
func (s *side) holds(from *side, row string, v, other any) bool {
	return same(s.field, v, from.convert(s, row, other))
}

// cross is what a row holds on a side that comes into use, going there from the side that was: what lies there stays
// while it is what the present value says, and what was written since wins.
func cross(from, to *side, row, id string) cell {
	present, lying := from.cells[row], to.cells[row]
	switch {
	case !from.field.Multiple() && !to.field.Multiple(), !to.field.Multiple():
		return from.toSingle(to, row, present.first(), lying)
	case !from.field.Multiple():
		return from.toList(to, row, id, present.first(), lying)
	default:
		return from.listToList(to, row, present, lying)
	}
}

// toSingle also says what becomes of several values: the first one goes on.
func (s *side) toSingle(to *side, row string, present any, lying cell) cell {
	if s.holds(to, row, present, lying.first()) {
		return lying
	}
	if v := s.convert(to, row, present); v != nil {
		return cell{{value: value{plain: v}}}
	}
	return nil
}

// toList gives several values back of which one had gone on: it is the first, and the others were never touched.
func (s *side) toList(to *side, row, id string, present any, lying cell) cell {
	if len(lying) == 0 {
		v := s.convert(to, row, present)
		if v == nil || s.wasGiven(row, present) {
			return nil
		}
		return cell{{id: id, value: value{plain: v}}}
	}
	head, rest := lying[0], lying[1:]
	if s.holds(to, row, present, head.plain) {
		return lying
	}
	v := s.convert(to, row, present)
	if v == nil {
		return rest
	}
	head.value = value{plain: v}
	return append(cell{head}, rest...)
}

// wasGiven reports whether a row had no value and still holds what it was given.
func (s *side) wasGiven(row string, v any) bool {
	return slices.ContainsFunc(s.given[row], func(fill any) bool { return same(s.field, v, fill) })
}

// listToList follows each value by its id. One that is not there any more was taken away, unless it never was, because
// it had no counterpart.
func (s *side) listToList(to *side, row string, present, lying cell) cell {
	var all cell
	for _, p := range present {
		next := item{id: p.id, order: p.order}
		if i := lying.with(p.id); i >= 0 && s.holds(to, row, p.plain, lying[i].plain) {
			next.value = lying[i].value
		} else {
			next.plain = s.convert(to, row, p.plain)
		}
		if next.plain != nil {
			all = append(all, next)
		}
	}
	for _, l := range lying {
		if present.with(l.id) < 0 && to.convert(s, row, l.plain) == nil {
			all = append(all, l)
		}
	}
	all.sort()
	return all
}
