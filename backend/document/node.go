package document

import "strconv"

// Entry returns the entry with that key, or nil; it is nil for everything but a mapping.
func (n *Node) Entry(key string) *Entry {
	if n == nil || n.Kind != Mapping {
		return nil
	}
	for i := range n.Entries {
		if n.Entries[i].Key == key {
			return &n.Entries[i]
		}
	}
	return nil
}

// Lookup follows keys through mappings, and positions counted from 0 through lists. It returns nil when there is
// nothing there, and n itself for an empty path.
func (n *Node) Lookup(path ...string) *Node {
	for _, step := range path {
		switch {
		case n == nil:
			return nil
		case n.Kind == Sequence:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(n.Items) {
				return nil
			}
			n = n.Items[i]
		default:
			e := n.Entry(step)
			if e == nil {
				return nil
			}
			n = e.Value
		}
	}
	return n
}

// Interface returns the value as map[string]any, []any, or a scalar: nil, bool, int64, float64 or string. The maps and
// lists are new with every call, so that the caller may change them.
func (n *Node) Interface() any {
	if n == nil {
		return nil
	}
	switch n.Kind {
	case Mapping:
		m := make(map[string]any, len(n.Entries))
		for i := range n.Entries {
			m[n.Entries[i].Key] = n.Entries[i].Value.Interface()
		}
		return m
	case Sequence:
		list := make([]any, len(n.Items))
		for i, item := range n.Items {
			list[i] = item.Interface()
		}
		return list
	case Scalar:
	}
	return n.Value
}

// isNull reports whether the node is an empty value, ~ or null.
func (n *Node) isNull() bool { return n.Kind == Scalar && !n.Quoted && n.Value == nil }

// shape names what a node is, for messages.
func (n *Node) shape() string {
	switch n.Kind {
	case Mapping:
		return "a mapping"
	case Sequence:
		return "a list"
	case Scalar:
	}
	switch n.Value.(type) {
	case nil:
		return "empty"
	case bool:
		return "true or false"
	case int64:
		return "a whole number"
	case float64:
		return "a number"
	}
	return "text"
}
