package diff

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"marain/backend/document"
)

// configs compares two versions of a configuration.
func configs(old, new *document.Config, root *document.Node) []Change {
	var changes []Change
	property := func(key, from, to string, rule Rule, message string) {
		if from == to {
			return
		}
		changes = append(changes, ConfigAltered{
			Head: head(Modify, key, from, to, rule, message, lineOf(root, key)), Config: new,
		})
	}
	property("id", old.ID, new.ID, ConfigIDChanged, fmt.Sprintf("The configuration is called %s instead of %s: code that reads %s finds nothing", new.ID, old.ID, old.ID))
	property("name", old.Name, new.Name, ConfigLabelled, "The name changes")
	property("description", old.Description, new.Description, ConfigLabelled, "The description changes")
	property("provider", old.Provider, new.Provider, ConfigLabelled, "The provider changes")
	property("version", old.Version, new.Version, ConfigLabelled, "The version changes")
	build := func(h Head) Change { return ConfigAltered{Head: graded(h), Config: new} }
	return append(changes, trees("values", old.Values, new.Values, build)...)
}

func lineOf(root *document.Node, key string) int {
	if node := root.Lookup(key); node != nil {
		return node.Line
	}
	return 1
}

func generic(h Head) Change {
	if h.Op == Remove {
		h.Rule = GenericRemoved
	} else {
		h.Rule = GenericChanged
	}
	h.Category = h.Rule.TextCategory()
	return GenericAltered{h}
}

// trees compares two values key by key and reports each key that was added, removed or changed. Lists are one value:
// their order counts, so a changed list is shown whole.
func trees(path string, old, new *document.Node, build func(Head) Change) []Change {
	if equal(old, new) {
		return nil
	}
	// A secret is one value: what is inside of it is never shown key by key.
	if old == nil || new == nil || old.Kind != document.Mapping || new.Kind != document.Mapping || document.SecretKey(secretPart(path)) {
		return []Change{build(valueChange(path, old, new))}
	}
	var changes []Change
	for _, entry := range new.Entries {
		was := old.Lookup(entry.Key)
		changes = append(changes, trees(join(path, entry.Key), was, entry.Value, build)...)
	}
	for _, entry := range old.Entries {
		if new.Lookup(entry.Key) == nil {
			changes = append(changes, trees(join(path, entry.Key), entry.Value, nil, build)...)
		}
	}
	return changes
}

func valueChange(path string, old, new *document.Node) Head {
	name := strings.TrimPrefix(path, "values.")
	switch {
	case old == nil:
		return head(Add, path, nil, masked(path, new), ConfigKeyAdded, fmt.Sprintf("%s is added", name), new.Line)
	case new == nil:
		return head(Remove, path, masked(path, old), nil, ConfigKeyRemoved, fmt.Sprintf("%s is removed", name), old.Line)
	}
	h := head(Modify, path, masked(path, old), masked(path, new), ConfigValueChanged, fmt.Sprintf("%s changes", name), new.Line)
	from, to := shapeOf(old), shapeOf(new)
	if from == to && !sameShape(old, new) {
		h.Rule, h.Message = ConfigTypeChanged, fmt.Sprintf("%s changes its inner structure: code that reads it may not expect that", name)
	} else if from != to {
		h.Rule, h.Message = ConfigTypeChanged, fmt.Sprintf("%s changes from %s to %s: code that reads it may not expect that", name, from, to)
	} else if jumped(old.Value, new.Value) {
		h.Rule, h.Message = ConfigValueJumped, fmt.Sprintf("%s moves by ten times or more, or to zero", name)
	}
	h.Category = h.Rule.TextCategory()
	return h
}

// graded raises what is more than a plain value: keys whose service is started anew, and secrets in plain text.
func graded(h Head) Head {
	path := strings.TrimPrefix(h.Key, "values.")
	if h.Op == Remove {
		return h
	}
	if h.Rule.TextCategory() < Warning && service(path) && h.Op == Modify {
		h.Rule = ConfigServiceKey
		h.Message = fmt.Sprintf("%s changes: the service that reads it starts anew", path)
	}
	if h.Rule.TextCategory() < Warning && holdsMask(h.New) {
		h.Rule = PlainTextSecret
		h.Message = fmt.Sprintf("%s holds a secret in plain text; a reference such as {source: env, name: …} keeps it out of the file", path)
	}
	h.Category = h.Rule.TextCategory()
	return h
}

// holdsMask reports whether a masked value hides a secret anywhere.
func holdsMask(value any) bool {
	switch v := value.(type) {
	case string:
		return strings.Contains(v, document.Mask)
	case map[string]any:
		for _, inner := range v {
			if holdsMask(inner) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, holdsMask)
	}
	return false
}

// sameShape reports whether code that reads the old value can read the new one: no key of it is gone and nothing in it
// has another type. Lists may grow and shrink.
func sameShape(old, new *document.Node) bool {
	if shapeOf(old) != shapeOf(new) {
		return false
	}
	for _, e := range old.Entries {
		if inner := new.Lookup(e.Key); inner == nil || !sameShape(e.Value, inner) {
			return false
		}
	}
	for i := range min(len(old.Items), len(new.Items)) {
		if !sameShape(old.Items[i], new.Items[i]) {
			return false
		}
	}
	return true
}

// service reports whether a key is one that a running service is built from.
func service(path string) bool {
	if path == "auto_apply" {
		return true // it decides what is applied without asking, itself included
	}
	for _, segment := range strings.Split(path, ".") {
		switch segment {
		case "host", "port", "listen", "address", "database", "connections":
			return true
		}
	}
	return false
}

// masked is the value as a change shows it, with secrets hidden.
func masked(path string, n *document.Node) any { return document.MaskedValue(secretPart(path), n) }

// secretPart returns the part of a key path that makes its value a secret, or its last one. A key may itself have dots
// in it, so the last part need not be a whole key.
func secretPart(path string) string {
	for part := range strings.SplitSeq(path, ".") {
		if document.SecretKey(part) {
			return part
		}
	}
	return lastKey(path)
}

func lastKey(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func shapeOf(n *document.Node) string {
	switch n.Kind {
	case document.Mapping:
		return "a mapping"
	case document.Sequence:
		return "a list"
	}
	switch n.Value.(type) {
	case nil:
		return "nothing"
	case bool:
		return "true or false"
	case int64, float64:
		return "a number"
	default:
		return "text"
	}
}

func jumped(old, new any) bool {
	from, ok := number(old)
	to, isNumber := number(new)
	if !ok || !isNumber {
		return false
	}
	if (from == 0) != (to == 0) {
		return to == 0
	}
	ratio := math.Abs(to) / math.Abs(from)
	return from != 0 && (ratio >= 10 || ratio <= 0.1 || (from < 0) != (to < 0))
}

func number(v any) (float64, bool) {
	switch n := v.(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

// equal compares two values by meaning: positions, quoting and the order of keys do not count.
func equal(a, b *document.Node) bool {
	if a == nil || b == nil {
		return a == b
	}
	if a.Kind != b.Kind || len(a.Entries) != len(b.Entries) || len(a.Items) != len(b.Items) {
		return false
	}
	for _, entry := range a.Entries {
		other := b.Lookup(entry.Key)
		if other == nil || !equal(entry.Value, other) {
			return false
		}
	}
	for i := range a.Items {
		if !equal(a.Items[i], b.Items[i]) {
			return false
		}
	}
	return a.Kind != document.Scalar || a.Value == b.Value
}
