package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// fieldDefault reads a field's default, which is not null.
func (r reader) fieldDefault(f *Field, n *Node) any {
	switch {
	case f.Type == "":
		return nil
	case f.Multiple():
		e := r.at.Entry("default")
		r.add(e.Line, e.Column, "default_for_many", "a field with more than one value cannot have a default",
			"remove default, or make the cardinality 1")
		return nil
	}
	if f.Type == Component {
		return r.componentDefault(f, n)
	}
	value, ok := r.fieldValue(f, n)
	if !ok {
		return nil
	}
	return value
}

// componentDefault reads the value of a component as its canonical JSON text, nil with a problem reported.
func (r reader) componentDefault(f *Field, n *Node) any {
	value, ok := r.componentValue(f, n)
	if !ok {
		return nil
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		r.report.at(n, "wrong_type", "the default cannot be stored as JSON", "use plain texts, numbers, true and false")
		return nil
	}
	return string(bytes.TrimSuffix(text.Bytes(), []byte("\n")))
}

// ParseValue reads one value that a person gave for a field, by the field's type: the Go value is as for
// [Field.Default]. A component takes a mapping, as JSON or YAML. The error says in words what the type wants.
func ParseValue(f *Field, text string) (any, error) {
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return nil, errors.New("it must be text without the character U+0000")
	}
	if f.Type != Component {
		value, want, ok := scalarValue(f.Type, &Node{Kind: Scalar, Raw: text, Value: text})
		if !ok {
			return nil, fmt.Errorf("it must be %s", want)
		}
		return value, nil
	}
	rep := &report{}
	if root := read(rep, KindEntity, []byte(text)); root != nil {
		value := (reader{report: rep, at: root}).componentDefault(f, root)
		if value != nil && len(rep.problems) == 0 {
			return value, nil
		}
	}
	for _, p := range rep.sorted() {
		return nil, fmt.Errorf("%s (%s)", p.Message, p.Hint)
	}
	return nil, errors.New("it must be a mapping")
}

// fieldValue reads one value by the type of its field.
func (r reader) fieldValue(f *Field, n *Node) (any, bool) {
	if n.refused {
		return nil, false
	}
	if f.Type == Component {
		return r.componentValue(f, n)
	}
	value, want, ok := scalarValue(f.Type, n)
	if !ok {
		is := n.shape()
		if n.Kind == Scalar && !n.isNull() {
			is = quote(n.Raw)
			if n.Quoted {
				is += " in quotes"
			}
		}
		hint := "write " + want + ", or remove it"
		if _, err := strconv.ParseInt(n.Raw, 10, 64); f.Type == Integer && errors.Is(err, strconv.ErrRange) {
			hint = "use a number of at most 64 bits, or the type text"
		}
		r.report.at(n, "invalid_default", fmt.Sprintf("the default of a field of type %s must be %s, and is %s", f.Type, want, is), hint)
	}
	return value, ok
}

// scalarValue reads the text of a scalar by a declared type, and says in words what that type wants.
func scalarValue(t FieldType, n *Node) (value any, want string, ok bool) {
	plain := n.Kind == Scalar && !n.Quoted
	switch t {
	case Text, LongText, RichText, Slug, EntityReference:
		return n.Raw, "text", n.Kind == Scalar
	case Integer:
		number, err := strconv.ParseInt(n.Raw, 10, 64)
		return number, "a whole number in plain digits", plain && err == nil && isInteger(n.Raw)
	case Float:
		number, ok := parseFloat(n.Raw)
		return number, "a decimal number such as 1.5", plain && ok
	case Boolean:
		return n.Raw == "true", "true or false", plain && (n.Raw == "true" || n.Raw == "false")
	case Datetime:
		text, ok := parseDatetime(n.Raw)
		if ok && tooFine(n.Raw) {
			return nil, "a time with at most six digits after the point, such as 2024-01-31T12:00:00.123456Z", false
		}
		return text, "a date such as 2024-01-31 or 2024-01-31T12:00:00Z", n.Kind == Scalar && ok
	case Component:
	}
	return nil, "nothing", false
}

// parseFloat reads a finite decimal number without leading zeros. One that is too close to zero to be another number is
// none.
func parseFloat(text string) (float64, bool) {
	unsigned := text
	if text != "" && text[0] == '-' {
		unsigned = text[1:]
	}
	if !isDecimal(unsigned) || len(unsigned) > 1 && unsigned[0] == '0' && unsigned[1] >= '0' && unsigned[1] <= '9' {
		return 0, false
	}
	number, err := strconv.ParseFloat(text, 64)
	return number, err == nil && !math.IsInf(number, 0) && !vanishes(text, number)
}

// tooFine reports whether a time has parts of a microsecond: one database would round them, and the other keep some.
// Zeros at the end are none.
func tooFine(text string) bool {
	_, fraction, _ := strings.Cut(text, ".")
	digits := len(fraction) - len(strings.TrimLeft(fraction, "0123456789"))
	const microseconds = 6
	return len(strings.TrimRight(fraction[:digits], "0")) > microseconds
}

// parseDatetime reads RFC 3339, or a date alone which means its midnight in UTC, and returns RFC 3339 in UTC.
func parseDatetime(text string) (string, bool) {
	const dateLength = len("2024-01-31")
	if len(text) == dateLength {
		text += "T00:00:00Z"
	}
	const zoneless = len("2024-01-31T12:00:00")
	if len(text) <= zoneless || text[zoneless] == ',' {
		return "", false
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return "", false
	}
	if t = t.UTC(); t.Year() < 1 || t.Year() > 9999 {
		return "", false
	}
	return t.Format(time.RFC3339Nano), true
}

// componentValue reads the value of a component: a mapping with the component's fields as keys.
func (r reader) componentValue(f *Field, n *Node) (any, bool) {
	if n.refused {
		return nil, false
	}
	if n.Kind != Mapping {
		r.report.at(n, "invalid_default", "the default of a component must be a mapping, and is "+n.shape(), "write its fields as keys with values")
		return nil, false
	}
	ids := make([]string, len(f.Fields))
	for i := range f.Fields {
		ids[i] = f.Fields[i].ID
	}
	in := reader{report: r.report, at: n, what: "this component"}
	in.knownKeys(ids)
	values, whole := make(map[string]any, len(ids)), true
	for i := range f.Fields {
		sub := &f.Fields[i]
		value := in.given(sub.ID)
		if sub.ID == "" || sub.Type == "" {
			continue
		}
		if value == nil {
			if sub.Required && sub.Default == nil {
				in.require(sub.ID)
				whole = false
			}
			continue
		}
		read, ok := in.subValue(sub, value)
		values[sub.ID] = read
		whole = whole && ok
	}
	return values, whole && !slices.Contains(ids, "")
}

// subValue reads one field of a component's value: a list where the field takes more than one.
func (r reader) subValue(f *Field, n *Node) (any, bool) {
	if !f.Multiple() {
		return r.fieldValue(f, n)
	}
	if n.Kind != Sequence {
		r.report.at(n, "invalid_default", fmt.Sprintf("%q takes several values, and this is %s", f.ID, n.shape()), "write a list")
		return nil, false
	}
	if f.Cardinality != Unlimited && len(n.Items) > f.Cardinality {
		r.report.at(n, "invalid_default", fmt.Sprintf("%q takes at most %d values, and this is %d", f.ID, f.Cardinality, len(n.Items)), "remove some")
		return nil, false
	}
	list, whole := make([]any, len(n.Items)), true
	for i, item := range n.Items {
		value, ok := r.fieldValue(f, item)
		list[i] = value
		whole = whole && ok
	}
	return list, whole
}
