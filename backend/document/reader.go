package document

import (
	"fmt"
	"slices"
	"strconv"
)

// reader takes typed values out of one mapping and reports what is wrong with them. Where a value is wrong it returns
// the zero value: the problem keeps the document from being used.
type reader struct {
	*report
	at   *Node  // the mapping
	what string // names the mapping in messages: an entity, a field, a config
}

// knownKeys reports the keys that are not in the list.
func (r reader) knownKeys(keys []string) {
	for i := range r.at.Entries {
		e := &r.at.Entries[i]
		if !slices.Contains(keys, e.Key) {
			r.add(e.Line, e.Column, "unknown_key", fmt.Sprintf("%s is not a key of %s", quote(e.Key), r.what),
				didYouMean(e.Key, keys, "the keys are "+oneOf(keys)))
		}
	}
}

// require reports the keys that the mapping lacks, at its first line.
func (r reader) require(keys ...string) {
	for _, key := range keys {
		if !r.has(key) {
			r.report.at(r.at, "missing_key", fmt.Sprintf("%s needs the key %q", r.what, key), "add "+key)
		}
	}
}

// has reports whether the mapping has a key.
func (r reader) has(key string) bool { return r.at.Entry(key) != nil }

// value returns the value of a key, nil when the key is missing or its value was refused.
func (r reader) value(key string) *Node {
	if n := r.at.Lookup(key); n != nil && !n.refused {
		return n
	}
	return nil
}

// given returns the value of a key, nil when the key is missing or its value is null.
func (r reader) given(key string) *Node {
	if n := r.value(key); n != nil && !n.isNull() {
		return n
	}
	return nil
}

// text returns a text, read as it is written: 1.0 is the text 1.0. A missing or null one is empty.
func (r reader) text(key string) string {
	n := r.given(key)
	if n == nil {
		return ""
	}
	if n.Kind != Scalar {
		r.wrongType(n, key, "text")
		return ""
	}
	return n.Raw
}

// filled returns a text that may not be empty where it is given.
func (r reader) filled(key string) string {
	text := r.text(key)
	if n := r.value(key); n != nil && n.Kind == Scalar && text == "" {
		r.report.at(n, "empty_value", fmt.Sprintf("%q is empty", key), "write a text after the colon")
	}
	return text
}

// boolean returns true or false; a missing one is byDefault.
func (r reader) boolean(key string, byDefault bool) bool {
	n := r.value(key)
	if n == nil {
		return byDefault
	}
	switch {
	case n.Kind != Scalar || n.Quoted, n.Raw != "true" && n.Raw != "false":
		r.wrongType(n, key, "true or false")
		return byDefault
	}
	return n.Raw == "true"
}

// integer returns a whole number written in plain decimal digits; a missing one is byDefault.
func (r reader) integer(key string, byDefault int) int {
	n := r.value(key)
	if n == nil {
		return byDefault
	}
	if n.Kind == Scalar && !n.Quoted && isInteger(n.Raw) {
		if number, err := strconv.Atoi(n.Raw); err == nil {
			return number
		}
	}
	r.wrongType(n, key, "a whole number")
	return byDefault
}

// wrongType reports a value that is not what its key needs.
func (r reader) wrongType(n *Node, key, want string) {
	is := n.shape()
	if n.Kind == Scalar && !n.isNull() {
		is = quote(n.Raw)
		if n.Quoted {
			is += " in quotes"
		}
	}
	hint := "write " + want
	switch {
	case n.Kind == Scalar && n.Quoted && want != "text":
		hint += " without quotes"
	case want == "true or false":
		hint += " in small letters"
	case want == "a whole number":
		hint += " in plain digits, such as 10"
	case n.isNull():
		hint += ", or remove the key"
	}
	r.report.at(n, "wrong_type", fmt.Sprintf("%q must be %s, and is %s", key, want, is), hint)
}

// isInteger reports whether a text is a whole number in plain decimal digits without leading zeros.
func isInteger(text string) bool {
	if text != "" && text[0] == '-' {
		text = text[1:]
	}
	return only(text, "0123456789") && (text == "0" || text[0] != '0')
}
