package action

import "marain/backend/document"

// Stored is what a column of a field type holds.
func Stored(t document.FieldType) ColumnType { return columnType(t) }

// SameStorage reports whether every value of one field type is a value of the other as it stands: nothing has to be
// converted. Cardinality is not looked at, that of a component's fields included. A slug is a text, but a text need not
// be a slug.
func SameStorage(from, to *document.Field) bool {
	switch {
	case from.Type == document.Component && to.Type == document.Component:
		return sameShape(from, to)
	case from.Type == to.Type:
		return true
	default:
		return Stored(from.Type) == ColumnText && Stored(to.Type) == ColumnText && to.Type != document.Slug
	}
}

// sameShape reports whether no field of a component has another type than before. Fields that came or went, and those
// with a list of values, change nothing that is stored.
func sameShape(from, to *document.Field) bool {
	for i := range to.Fields {
		now := &to.Fields[i]
		if was := SubField(from, now.ID); was != nil && !was.Multiple() && !now.Multiple() && !SameStorage(was, now) {
			return false
		}
	}
	return true
}

// SubField returns the field of a component with that id, or nil.
func SubField(component *document.Field, id string) *document.Field {
	for i := range component.Fields {
		if component.Fields[i].ID == id {
			return &component.Fields[i]
		}
	}
	return nil
}

// Retyped is a field inside a component that has one value before and after and whose values have to be converted.
type Retyped struct {
	Path     []string // the keys that lead to it, its own the last
	From, To *document.Field
}

// RetypedFields returns the fields inside a component whose values have to be converted, those of nested components
// included, in the order of the new shape. A list of values is left as it is.
func RetypedFields(from, to *document.Field) []Retyped {
	return retyped(nil, from, to)
}

func retyped(path []string, from, to *document.Field) []Retyped {
	var all []Retyped
	for i := range to.Fields {
		now := &to.Fields[i]
		was := SubField(from, now.ID)
		if was == nil || was.Multiple() || now.Multiple() || SameStorage(was, now) {
			continue
		}
		at := append(path[:len(path):len(path)], now.ID)
		if was.Type == document.Component && now.Type == document.Component {
			all = append(all, retyped(at, was, now)...)
			continue
		}
		all = append(all, Retyped{Path: at, From: was, To: now})
	}
	return all
}

// RoundTrip writes the condition that a value survives a conversion: it converts, and converting it back gives exactly
// the same value. The condition is false for NULL. value is as for [Dialect.Convert].
func RoundTrip(d Dialect, from, to *document.Field, value string) string {
	if SameStorage(from, to) && SameStorage(to, from) {
		return "(" + value + ") IS NOT NULL"
	}
	// Each step is a query around the one before, so that nothing is written, and little computed, more than once. No
	// column has such a name, and LIMIT keeps the queries apart.
	was, now, back := d.Quote("."), d.Quote("+"), d.Quote("-")
	converted := "SELECT " + value + " AS " + was + ", " + d.Convert(from, to, value) + " AS " + now + " LIMIT 1"
	returned := "SELECT " + was + ", " + d.Convert(to, from, now) + " AS " + back + " FROM (" + converted + ") AS s1 LIMIT 1"
	return "((" + value + ") IS NOT NULL AND (SELECT " + d.Same(from, was, back) + " FROM (" + returned + ") AS s2))"
}
