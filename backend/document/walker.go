package document

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

// walker turns the parser's nodes into ours and refuses everything that makes YAML unsafe or ambiguous: aliases,
// anchors, merge keys, tags, keys that are not text, keys given twice, hidden characters in keys, and sizes beyond
// the limits. Values of entities stay text here; the declared type of the field decides what they are.
type walker struct {
	*report
	kind    Kind
	src     *source
	tags    bool // there is a ! somewhere, so that tags are looked for
	keys    int
	stopped bool // a limit was passed: what was built is not whole
}

// root walks the whole document.
func (w *walker) root(n *yaml.Node) *Node { return w.node(n, 1, false) }

// node walks one value. A secret value is never quoted in a message.
func (w *walker) node(n *yaml.Node, depth int, secret bool) *Node {
	out := &Node{Line: n.Line, Column: n.Column}
	if w.stopped {
		return out
	}
	if n.Kind != yaml.ScalarNode && n.Kind != yaml.AliasNode && depth > MaxDepth {
		w.stopped = true
		w.add(n.Line, n.Column, "too_deep", fmt.Sprintf("more than %d levels inside each other", MaxDepth),
			"make it flatter, or split the file")
		return out
	}
	out.refused = w.checkFeatures(n)
	switch n.Kind {
	case yaml.MappingNode:
		out.Kind = Mapping
		w.mapping(n, out, depth, secret)
	case yaml.SequenceNode:
		out.Kind = Sequence
		out.Items = make([]*Node, len(n.Content))
		for i, item := range n.Content {
			out.Items[i] = w.node(item, depth+1, secret)
		}
	case yaml.ScalarNode:
		w.scalar(n, out, secret)
	case yaml.DocumentNode, yaml.AliasNode:
		// An alias was reported above; a document is never inside another.
	}
	return out
}

// checkFeatures reports an alias, an anchor or a tag, and whether there was one.
func (w *walker) checkFeatures(n *yaml.Node) bool {
	switch {
	case n.Kind == yaml.AliasNode:
		w.add(n.Line, n.Column, "alias_not_allowed", "an alias (*) is not allowed",
			"write the value out, or put quotes around a text that starts with *")
	case n.Anchor != "":
		w.add(n.Line, n.Column, "anchor_not_allowed", "an anchor (&) is not allowed",
			"remove it, or put quotes around a text that starts with &")
	case n.Style&yaml.TaggedStyle != 0 || w.bareTag(n):
		w.add(n.Line, n.Column, "tag_not_allowed", "a tag (!) is not allowed",
			"remove it; put quotes around a value to make it text")
	default:
		return false
	}
	return true
}

// bareTag finds a single ! before a value, which the parser drops.
func (w *walker) bareTag(n *yaml.Node) bool {
	if !w.tags {
		return false
	}
	at := w.src.at(n.Line, n.Column)
	return at < len(w.src.text) && w.src.text[at] == '!'
}

func (w *walker) mapping(n *yaml.Node, out *Node, depth int, secret bool) {
	out.Entries = make([]Entry, 0, len(n.Content)/2)
	lines := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content) && !w.stopped; i += 2 {
		key := n.Content[i]
		if w.keys++; w.keys > MaxKeys {
			w.stopped = true
			addTooManyKeys(w.report, key.Line, key.Column)
			return
		}
		ok := w.checkKey(key)
		value := w.node(n.Content[i+1], depth+1, secret || SecretKey(key.Value))
		if !ok {
			continue
		}
		if first, twice := lines[key.Value]; twice {
			w.add(key.Line, key.Column, "duplicate_key",
				fmt.Sprintf("the key %s is given twice, on lines %d and %d", quote(key.Value), first, key.Line),
				"keep one of them")
			continue
		}
		lines[key.Value] = key.Line
		out.Entries = append(out.Entries, Entry{Key: key.Value, Line: key.Line, Column: key.Column, Value: value})
	}
}

// checkKey reports a key that is not plain text; then it is false.
func (w *walker) checkKey(key *yaml.Node) bool {
	switch {
	case w.checkFeatures(key):
	case key.Kind != yaml.ScalarNode:
		w.add(key.Line, key.Column, "key_not_text", "a key must be text, not a list or a mapping",
			"put quotes around a text that starts with { or [")
	case key.Value == "<<" && key.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0:
		w.add(key.Line, key.Column, "merge_not_allowed", "a merge key (<<) is not allowed", "write the entries out")
	case key.Value == "":
		w.add(key.Line, key.Column, "empty_key", "a key is empty", "write a word before the colon")
	default:
		hidden, ok := firstHidden(key.Value)
		if ok {
			w.add(key.Line, key.Column, "hidden_character",
				fmt.Sprintf("the key %s holds the invisible character U+%04X", quote(key.Value), hidden), "type the key again")
		}
		return !ok
	}
	return false
}

func (w *walker) scalar(n *yaml.Node, out *Node, secret bool) {
	const quotes = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	out.Raw, out.Quoted = n.Value, n.Style&quotes != 0
	for _, char := range n.Value {
		if char == 0 {
			w.add(n.Line, n.Column, "nul_character", "a text holds the character U+0000, which databases refuse", "remove it")
			out.refused = true
			break
		}
	}
	if out.Quoted {
		out.Value = n.Value
		return
	}
	value, fault := resolve(n.Value)
	out.Value = value
	if fault == faultNone || w.kind == KindEntity {
		return
	}
	shown := "the value"
	if !secret {
		shown = quote(n.Value)
	}
	w.add(n.Line, n.Column, string(fault), shown+" "+fault.message(), "put quotes around it to make it text")
}
