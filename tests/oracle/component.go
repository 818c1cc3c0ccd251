package oracle

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"

	"marain/backend/document"
)

// reshape converts the fields of a component whose type changed, and leaves everything else as it is. A value that
// does not convert is left out.
func reshape(from, to *document.Field, text string) any {
	value, err := parse(text)
	object, ok := value.(map[string]any)
	if err != nil || !ok || !retype(from, to, object) {
		return text
	}
	out, err := json.Marshal(object)
	if err != nil {
		panic(err) // it was JSON a moment ago
	}
	return string(out)
}

// retype converts the fields of an object in place and reports whether any had to be.
func retype(from, to *document.Field, object map[string]any) bool {
	changed := false
	for i := range to.Fields {
		now := &to.Fields[i]
		was := sub(from, now.ID)
		value, there := object[now.ID]
		if was == nil || was.Multiple() || now.Multiple() || Fits(was, now) || !there || value == nil {
			continue
		}
		changed = true
		inner, nested := value.(map[string]any)
		if nested && was.Type == document.Component && now.Type == document.Component {
			retype(was, now, inner)
			continue
		}
		plain := fromJSON(was, value)
		if plain != nil {
			plain = Convert(was, now, plain)
		}
		if plain == nil {
			delete(object, now.ID)
			continue
		}
		object[now.ID] = toJSON(now, plain)
	}
	return changed
}

// Fits reports whether every value of one field is one of the other as it stands.
func Fits(from, to *document.Field) bool {
	switch {
	case from.Type == document.Component && to.Type == document.Component:
		for i := range to.Fields {
			now := &to.Fields[i]
			if was := sub(from, now.ID); was != nil && !was.Multiple() && !now.Multiple() && !Fits(was, now) {
				return false
			}
		}
		return true
	case from.Type == to.Type:
		return true
	default:
		return IsText(from.Type) && IsText(to.Type) && to.Type != document.Slug
	}
}

func sub(component *document.Field, id string) *document.Field {
	for i := range component.Fields {
		if component.Fields[i].ID == id {
			return &component.Fields[i]
		}
	}
	return nil
}

// fromJSON reads a field inside a component as a column of its type holds it, nil for a value of another type.
func fromJSON(f *document.Field, value any) any {
	switch v := value.(type) {
	case string:
		if f.Type == document.Datetime {
			return timeOf(v)
		}
		if IsText(f.Type) {
			return v
		}
	case json.Number:
		if f.Type == document.Float {
			return numberOf(string(v))
		}
		r, ok := new(big.Rat).SetString(string(v))
		if f.Type == document.Integer && ok && r.IsInt() && r.Num().IsInt64() {
			return r.Num().Int64()
		}
	case bool:
		if f.Type == document.Boolean {
			return v
		}
	case map[string]any:
		if out, err := json.Marshal(v); f.Type == document.Component && err == nil {
			return string(out)
		}
	}
	return nil
}

// toJSON writes a value of a column as it stands inside a component.
func toJSON(f *document.Field, value any) any {
	switch v := value.(type) {
	case float64:
		if text, ok := floatText(v); ok {
			return json.Number(text)
		}
	case string:
		if object, err := parse(v); f.Type == document.Component && err == nil {
			return object
		}
	}
	return value
}

func parse(text string) (any, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	err := decoder.Decode(&value)
	return value, err
}

// Plain writes a value of a field in the one form in which values of both databases can be compared: a component by
// its content, everything else as it is. No value is empty.
func Plain(f *document.Field, value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case float64:
		return fmt.Sprintf("float %v", v+0)
	case string:
		if f.Type == document.Component {
			return "component " + canonical(v)
		}
		return "text " + v
	default:
		return fmt.Sprintf("%T %v", v, v)
	}
}

// canonical writes a JSON text with its keys sorted and its numbers as fractions.
func canonical(text string) string {
	value, err := parse(text)
	if err != nil {
		return "not JSON: " + text
	}
	out, err := json.Marshal(fractions(value))
	if err != nil {
		panic(err) // it was JSON a moment ago
	}
	return string(out)
}

func fractions(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key := range v {
			v[key] = fractions(v[key])
		}
	case []any:
		for i := range v {
			v[i] = fractions(v[i])
		}
	case json.Number:
		if r, ok := new(big.Rat).SetString(string(v)); ok {
			return "number " + r.String()
		}
	}
	return value
}
