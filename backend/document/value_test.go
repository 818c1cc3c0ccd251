package document

import (
	"reflect"
	"strings"
	"testing"
)

// TestScalars reads what the text of a value means in configs: the YAML 1.2 core schema with our exceptions.
func TestScalars(t *testing.T) {
	tests := map[string]any{
		"~": nil, "null": nil, "Null": nil, "NULL": nil, "nULL": "nULL", "": nil,
		"true": true, "True": true, "TRUE": true, "false": false, "tRUE": "tRUE",
		"no": "no", "NO": "NO", "yes": "yes", "on": "on", "off": "off", "y": "y", "n": "n",
		"0": int64(0), "12": int64(12), "-12": int64(-12), "+12": int64(12), "-0": int64(0),
		"0123": "0123", "-0123": "-0123", "00": "00", "1_000": "1_000", "0o14": int64(12), "0o19": "0o19", "0x1F": int64(31), "-0x1F": "-0x1F",
		"0b11": "0b11", "0x": "0x", "0o": "0o", "1:30": "1:30", "12:30:45": "12:30:45", "1,5": "1,5",
		"1.10": 1.1, "1.": 1.0, ".5": 0.5, "-.5": -0.5, "+1.5": 1.5, "1e3": 1000.0, "1E-2": 0.01, "1e+2": 100.0, "12.5e1": 125.0,
		"0e-400": 0.0, "0.0E400": 0.0, "3e-324": 5e-324,
		".": ".", "-": "-", "+": "+", "e3": "e3", ".e3": ".e3", "1e": "1e", "1e+": "1e+", "1.2.3": "1.2.3", "--1": "--1", "+-1": "+-1", "-.nan": "-.nan",
		"2024-01-01": "2024-01-01", "2024-1-1": "2024-1-1", "2024-01-01T00:00:00Z": "2024-01-01T00:00:00Z",
		"hello world": "hello world", "Infinity": "Infinity", "NaN": "NaN", "=": "=",
	}
	for raw, want := range tests {
		if got, fault := resolve(raw); !reflect.DeepEqual(got, want) || fault != faultNone {
			t.Errorf("%q is %#v (%s), want %#v", raw, got, fault, want)
		}
	}
	for raw, want := range map[string]fault{
		"9223372036854775808": faultInteger, "-9223372036854775809": faultInteger, "0xFFFFFFFFFFFFFFFF": faultInteger, "0o7777777777777777777777": faultInteger,
		"1e400": faultFloat, "-1e400": faultFloat, "1e-400": faultTiny, "-0.1E-400": faultTiny, ".inf": faultInfinite, "+.Inf": faultInfinite, "-.INF": faultInfinite, ".nan": faultInfinite,
	} {
		if got, fault := resolve(raw); got != raw || fault != want {
			t.Errorf("%q is %#v (%s), want %s", raw, got, fault, want)
		}
	}
}

// TestParseValue reads values by the declared type.
func TestParseValue(t *testing.T) {
	box := &Field{ID: "box", Type: Component, Cardinality: 1, Fields: []Field{
		{ID: "w", Type: Integer, Cardinality: 1, Required: true}, {ID: "tags", Type: Text, Cardinality: Unlimited},
	}}
	tests := []struct {
		field *Field
		text  string
		want  any // an error's text when it is not nil
		fails bool
	}{
		{&Field{Type: Text}, "0123", "0123", false},
		{&Field{Type: Text}, "", "", false},
		{&Field{Type: LongText}, "null", "null", false},
		{&Field{Type: EntityReference}, "01H8", "01H8", false},
		{&Field{Type: Text}, "a\x00b", "it must be text without the character U+0000", true},
		{&Field{Type: Text}, "\xff", "it must be text without the character U+0000", true},
		{&Field{Type: Integer}, "-12", int64(-12), false},
		{&Field{Type: Integer}, "0", int64(0), false},
		{&Field{Type: Integer}, "9223372036854775807", int64(9223372036854775807), false},
		{&Field{Type: Integer}, "9223372036854775808", "it must be a whole number in plain digits", true},
		{&Field{Type: Integer}, "012", "it must be a whole number in plain digits", true},
		{&Field{Type: Integer}, "+1", "it must be a whole number in plain digits", true},
		{&Field{Type: Integer}, " 1", "it must be a whole number in plain digits", true},
		{&Field{Type: Integer}, "", "it must be a whole number in plain digits", true},
		{&Field{Type: Float}, "1", 1.0, false},
		{&Field{Type: Float}, "-.5e-3", -0.0005, false},
		{&Field{Type: Float}, "0.10", 0.1, false},
		{&Field{Type: Float}, "00.1", "it must be a decimal number such as 1.5", true},
		{&Field{Type: Float}, "NaN", "it must be a decimal number such as 1.5", true},
		{&Field{Type: Float}, "1e400", "it must be a decimal number such as 1.5", true},
		{&Field{Type: Float}, "1e-400", "it must be a decimal number such as 1.5", true},
		{&Field{Type: Float}, "-0.001E-400", "it must be a decimal number such as 1.5", true},
		{&Field{Type: Float}, "2e-324", "it must be a decimal number such as 1.5", true},
		{&Field{Type: Float}, "3e-324", 5e-324, false},
		{&Field{Type: Float}, "0.0e-400", 0.0, false},
		{&Field{Type: Boolean}, "true", true, false},
		{&Field{Type: Boolean}, "no", "it must be true or false", true},
		{&Field{Type: Datetime}, "2024-02-29", "2024-02-29T00:00:00Z", false},
		{&Field{Type: Datetime}, "2024-01-31T23:30:00.250-01:00", "2024-02-01T00:30:00.25Z", false},
		{&Field{Type: Datetime}, "2024-01-31T12:00:00.123456Z", "2024-01-31T12:00:00.123456Z", false},
		{&Field{Type: Datetime}, "2024-01-31T12:00:00.123456000000+01:00", "2024-01-31T11:00:00.123456Z", false},
		{&Field{Type: Datetime}, "2024-01-31T12:00:00.0000000Z", "2024-01-31T12:00:00Z", false},
		{&Field{Type: Datetime}, "2024-01-31T12:00:00.1234567Z", "it must be a time with at most six digits after the point, such as 2024-01-31T12:00:00.123456Z", true},
		{&Field{Type: Datetime}, "2024-01-31T12:00:00.0000000000001-05:30", "it must be a time with at most six digits after the point, such as 2024-01-31T12:00:00.123456Z", true},
		{&Field{Type: Datetime}, "2023-02-29", "it must be a date such as 2024-01-31 or 2024-01-31T12:00:00Z", true},
		{&Field{Type: Datetime}, "0001-01-01T00:00:00+01:00", "it must be a date such as 2024-01-31 or 2024-01-31T12:00:00Z", true},
		{&Field{Type: Datetime}, "2024-01-31T1:00:00Z", "it must be a date such as 2024-01-31 or 2024-01-31T12:00:00Z", true},
		{&Field{Type: Datetime}, "2024-01-31T12:00:00,5Z", "it must be a date such as 2024-01-31 or 2024-01-31T12:00:00Z", true},
		{&Field{Type: Datetime}, "2024-01-31T24:00:00Z", "it must be a date such as 2024-01-31 or 2024-01-31T12:00:00Z", true},
		{box, `{"w": 3, "tags": ["a"]}`, `{"tags":["a"],"w":3}`, false},
		{box, "w: 3", `{"w":3}`, false},
		{box, `{"tags": []}`, `this component needs the key "w" (add w)`, true},
		{box, "3", "the default of a component must be a mapping, and is a whole number (write its fields as keys with values)", true},
		{box, "", "incomplete file: there is nothing in it but comments or white space (write the document, or delete the file if it is not wanted any more)", true},
		{box, "w: 3\nw: 4", `the key "w" is given twice, on lines 1 and 2 (keep one of them)`, true},
		{box, "w: !x 4", "a tag (!) is not allowed (remove it; put quotes around a value to make it text)", true},
	}
	for _, tt := range tests {
		got, err := ParseValue(tt.field, tt.text)
		switch {
		case tt.fails != (err != nil), !tt.fails && !reflect.DeepEqual(got, tt.want):
			t.Errorf("%s %q: %#v, %v", tt.field.Type, tt.text, got, err)
		case tt.fails && err.Error() != tt.want:
			t.Errorf("%s %q: error %q", tt.field.Type, tt.text, err)
		}
	}
}

func TestCanonical(t *testing.T) {
	entity := entityText("a", "id: x, type: text, label: X", "id: y, type: integer, default: 1")
	tests := map[string]struct {
		path, a, b string
		same       bool
	}{
		"comments":                  {"schemas/a.schema.yaml", entity, "# hi\n" + entity, true},
		"order of keys":             {"schemas/a.schema.yaml", "id: a\nname: b\nfields: []\n", "name: b\nfields: []\nid: a\n", true},
		"order of fields":           {"schemas/a.schema.yaml", entity, entityText("a", "id: y, type: integer, default: 1", "id: x, type: text, label: X"), true},
		"quotes":                    {"schemas/a.schema.yaml", entity, strings.Replace(entity, "name: X", "name: 'X'", 1), true},
		"CRLF":                      {"schemas/a.schema.yaml", entity, strings.ReplaceAll(entity, "\n", "\r\n"), true},
		"written default":           {"schemas/a.schema.yaml", entity, strings.Replace(entity, "label: X", "required: false, cardinality: 1, indexed: false, label: null", 1), true},
		"block and flow":            {"schemas/a.schema.yaml", entity, "id: a\nname: X\nfields:\n  - id: x\n    type: text\n  - id: y\n    type: integer\n    default: 1\n", true},
		"default":                   {"schemas/a.schema.yaml", entity, strings.Replace(entity, "default: 1", "default: 2", 1), false},
		"label":                     {"schemas/a.schema.yaml", entity, strings.Replace(entity, "label: X", "label: Y", 1), false},
		"required":                  {"schemas/a.schema.yaml", entity, strings.Replace(entity, "label: X", "required: true", 1), false},
		"renamed":                   {"schemas/a.schema.yaml", entity, strings.Replace(entity, "label: X", "renamed_from: z", 1), false},
		"no default, empty default": {"schemas/a.schema.yaml", entityText("a", "id: x, type: text"), entityText("a", "id: x, type: text, default: ''"), false},
		"component fields": {
			"schemas/a.schema.yaml", entityText("a", "id: c, type: component, fields: [{id: x, type: text}, {id: y, type: text}]"),
			entityText("a", "id: c, type: component, fields: [{id: y, type: text}, {id: x, type: text}]"), true,
		},
		"component default": {
			"schemas/a.schema.yaml", entityText("a", "id: c, type: component, fields: [{id: x, type: text}, {id: y, type: text}], default: {x: 1, y: 2}"),
			entityText("a", "id: c, type: component, fields: [{id: x, type: text}, {id: y, type: text}], default: {y: '2', x: '1'}"), true,
		},
		"datetime": {"schemas/a.schema.yaml", entityText("a", "id: d, type: datetime, default: 2024-01-01"), entityText("a", `id: d, type: datetime, default: "2024-01-01T01:00:00+01:00"`), true},

		"config order":   {"config/config.a.yaml", "id: a\nvalues: {x: 1, y: 2}\n", "values: {y: 2, x: 1}\nid: a\n", true},
		"config nothing": {"config/config.a.yaml", "id: a\nvalues: {}\n", "id: a\nname:\ndescription: ''\nvalues: {}\n", true},
		"config text":    {"config/config.a.yaml", "id: a\nvalues: {x: 1}\n", "id: a\nvalues: {x: '1'}\n", false},
		"config null":    {"config/config.a.yaml", "id: a\nvalues: {x: }\n", "id: a\nvalues: {x: ''}\n", false},
		"config missing": {"config/config.a.yaml", "id: a\nvalues: {x: }\n", "id: a\nvalues: {}\n", false},
		"config float":   {"config/config.a.yaml", "id: a\nvalues: {x: 1}\n", "id: a\nvalues: {x: 1.0}\n", false},
		"config bool":    {"config/config.a.yaml", "id: a\nvalues: {x: true}\n", "id: a\nvalues: {x: 'true'}\n", false},
		"config hex":     {"config/config.a.yaml", "id: a\nvalues: {x: 16}\n", "id: a\nvalues: {x: 0x10}\n", true},
		"config version": {"config/config.a.yaml", "id: a\nversion: 1.0\nvalues: {}\n", "id: a\nversion: '1.0'\nvalues: {}\n", true},

		"list order":      {"config/m.yaml", "[1, 2]\n", "[2, 1]\n", false},
		"nested lists":    {"config/m.yaml", "[[1], 2]\n", "[[1, 2]]\n", false},
		"joined keys":     {"config/m.yaml", "{ab: c}\n", "{a: bc}\n", false},
		"list or mapping": {"config/m.yaml", "[]\n", "{}\n", false},
		"block text":      {"config/m.yaml", "a: |-\n  x\n  y\n", "a: \"x\\ny\"\n", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a, b := mustLoad(t, tt.path, tt.a), mustLoad(t, tt.path, tt.b)
			if (a.Canonical == b.Canonical) != tt.same {
				t.Errorf("same %v, want %v", !tt.same, tt.same)
			}
			if a.Hash == b.Hash {
				t.Error("the hashes of the bytes are equal")
			}
		})
	}
	if mustLoad(t, "config/config.a.yaml", "id: a\nvalues: {}\n").Canonical == mustLoad(t, "config/a.yaml", "id: a\nvalues: {}\n").Canonical {
		t.Error("documents of two kinds are equal")
	}
	x := mustLoad(t, "config/m.yaml", "a: {x: 1, y: [2]}\nb: {y: [2], x: 1}\nc: {y: [2, 3], x: 1}\n").Root
	if a, b, c := x.Lookup("a").CanonicalHash(), x.Lookup("b").CanonicalHash(), x.Lookup("c").CanonicalHash(); a != b || a == c {
		t.Errorf("subtrees: %s %s %s", a, b, c)
	}
}

func TestNode(t *testing.T) {
	root := mustLoad(t, "config/m.yaml", "a:\n  b: [x, {c: 1}]\n  é: z\n  q: \"1\"\n").Root
	tests := []struct {
		path         []string
		line, column int
		value        any
	}{
		{[]string{"a", "b", "0"}, 2, 7, "x"},
		{[]string{"a", "b", "1", "c"}, 2, 14, int64(1)},
		{[]string{"a", "é"}, 3, 6, "z"},
		{[]string{"a", "q"}, 4, 6, "1"},
	}
	for _, tt := range tests {
		n := root.Lookup(tt.path...)
		if n == nil || n.Line != tt.line || n.Column != tt.column || n.Interface() != tt.value {
			t.Errorf("%v is %+v", tt.path, n)
		}
	}
	for _, path := range [][]string{{"b"}, {"a", "b", "2"}, {"a", "b", "-1"}, {"a", "b", "x"}, {"a", "é", "x"}, {"a", "b", "0", "0"}} {
		if n := root.Lookup(path...); n != nil {
			t.Errorf("%v is %+v", path, n)
		}
	}
	if e := root.Lookup("a").Entry("é"); e == nil || e.Line != 3 || e.Column != 3 {
		t.Errorf("the entry is %+v", e)
	}
	var none *Node
	if root.Lookup() != root || none.Lookup("a") != nil || none.Entry("a") != nil || none.Interface() != nil {
		t.Error("empty look-ups")
	}
	if q := root.Lookup("a", "q"); !q.Quoted || q.Raw != "1" || root.Lookup("a", "é").Quoted {
		t.Errorf("quotes: %+v", q)
	}
}

func TestDidYouMean(t *testing.T) {
	words := []string{"required", "renamed_from", "type", "id", "label", "fields"}
	for word, want := range map[string]string{
		"requird": "required", "reqiured": "required", "Required": "required", "lable": "label", "typ": "type", "feilds": "fields",
		"renamedfrom": "renamed_from", "xyz": "", "i": "", "ide": "id", "q": "", "": "", strings.Repeat("x", 1000): "",
	} {
		if got, _ := closest(word, words); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

func TestHidden(t *testing.T) {
	for _, r := range "\x00\t\n\x1b\x7f\u0085\u00ad\u061c\u200b\u200d\u200e\u202a\u202e\u2028\u2060\u2066\ufeff\ufe0f\U000e0041" {
		if !Hidden(r) {
			t.Errorf("%U is shown", r)
		}
	}
	for _, r := range " aé中🚀\u00a0\u0301…⟨" {
		if Hidden(r) {
			t.Errorf("%U is hidden", r)
		}
	}
}
