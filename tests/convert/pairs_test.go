package convert_test

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"marain/backend/document"
	"marain/tests/oracle"
)

// field is a field of a type; a component has one text.
func field(t document.FieldType) *document.Field {
	f := &document.Field{ID: "f", Type: t, Cardinality: 1}
	if t == document.Component {
		f.Fields = []document.Field{{ID: "a", Type: document.Text, Cardinality: 1}}
	}
	return f
}

// tricky are values of each kind of field that both databases can hold.
func tricky(t document.FieldType) []any {
	switch t {
	case document.Integer:
		return []any{
			nil, int64(0), int64(1), int64(-1), int64(2), int64(42), int64(1 << 53), int64(1<<53 + 1), int64(-1<<53 - 1), int64(1<<53 + 2),
			int64(math.MaxInt64), int64(math.MinInt64), int64(math.MaxInt64 - 1), int64(math.MinInt64 + 1), int64(9223372036854774784), int64(9223372036854774785),
			int64(9223372036854775296), int64(1704164645), int64(-62135596800), int64(-62135596801), int64(253402300799), int64(253402300800), int64(1e15), int64(1e17),
		}
	case document.Float:
		return []any{
			nil, 0.0, math.Copysign(0, -1), 1.0, -1.0, 1.7, 0.1, 0.1 + 0.2, 1e15, 1e14, 999999999999999.0, 1e16, 1e17, 1e20, 1e21, 1e22, 123456789012345680.0,
			1234567890123456.7, 12345.678, -0.5, 5e-324, 2.2250738585072014e-308, math.MaxFloat64, -math.MaxFloat64, 1e-4, 1e-5, 1.5e-5, 9007199254740992.0,
			9223372036854775808.0, -9223372036854775808.0, 9223372036854774784.0, 4.35, 0.3, 2.5e-8, 1704164645.0, 1704164645.5, -62135596800.0, 253402300799.0,
			253402300800.0, -62135596801.0, 100.0, 1e300, 9.5367431640625e-07, 5.684341886080802e-14, 8.41e21,
		}
	case document.Boolean:
		return []any{nil, true, false}
	case document.Datetime:
		return []any{
			nil, "2024-01-02T03:04:05Z", "1970-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z",
			"9999-12-31T23:59:59Z", "2024-02-29T12:00:00.5Z", "2024-01-02T03:04:05.123456Z", "2024-01-02T03:04:05.1Z", "2024-01-02T03:04:05.000001Z",
			"1900-03-01T00:00:00Z", "0400-02-29T00:00:00Z", "2255-06-05T23:47:34.740993Z", "2255-06-05T23:47:34Z", "2300-01-01T00:00:00.1Z", "2300-01-01T00:00:00.5Z",
			"2300-01-01T00:00:00.25Z", "9999-12-31T23:59:59.5Z", "0001-01-01T00:00:00.000001Z", "1970-01-01T00:00:00.999999Z", "1970-01-01T00:00:01.000001Z",
			"0001-06-01T00:00:00.5Z", "1582-10-10T00:00:00Z", "1600-01-01T00:00:00.75Z",
		}
	case document.Component:
		return []any{
			nil, `{}`, `{"a":"x"}`, `{"a":1}`, `{"a":null}`, `{"a":[1,2]}`, `{"b":{"c":1.5}}`, `{"a":"x","b":1e2}`, ` { "a" : "x" } `, `{"a":"\u00e9"}`, `{"a":"é"}`,
			`{"a":"\ud83d\ude00"}`, `[]`, `[1,"a"]`, `5`, `"text"`, `true`, `null`, `{"":1}`, `{"a":{"b":{"c":[{}]}}}`, `{"a":12345678901234567890123}`,
		}
	case document.Text:
		return texts()
	default: // the other kinds of text are no different
		var some []any
		for i, value := range short(texts()) {
			if i%5 == 0 {
				some = append(some, value)
			}
		}
		return append(some, "0", "-5", "007", "1.5", "true", "2024-01-02", "2024-01-02T03:04:05.5+01:00", `{"a":1}`, "a-b", "A")
	}
}

// short leaves long texts out, each of which takes its time.
func short(values []any) []any {
	return slices.DeleteFunc(values, func(value any) bool {
		text, ok := value.(string)
		return ok && len(text) > 100
	})
}

func texts() []any {
	all := []any{nil}
	for _, text := range []string{
		"", " ", "abc", "12abc", "0", "1", "-0", "+0", "-1", "+1", "007", "-007", "+-1", "--1", "-", "+", " 1", "1 ", "1\n", "\t1", "1_000", "1,000", "0x10", "1e3",
		"9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "+9223372036854775807", "+9223372036854775808",
		"00000000000000000000000000000000000009223372036854775807", "00000000000000000000000000000000000009223372036854775808", "99999999999999999999999999",
		strings.Repeat("0", 1999) + "1", strings.Repeat("0", 2000) + "1", strings.Repeat("9", 1000), "١٢", "１２", "¹", "12\u00a0", "٣",
		"1.0", "1.", ".5", "-.5", "1.5", "01.5", "00", "-1.5e3", "1E+3", "1e-3", "1e", "1e+", "1.e1", "1e400", "-1e400", "1e-400", "0e400", "0.0e-99999", "0e99999999999", "-0e5",
		"1e99999", "1e-99999", "1e0000000000001", "1.7976931348623157e308", "1.7976931348623158e308", "1.7976931348623159e308", "1.797693134862315807e308",
		"4.9e-324", "5e-324", "2.4703282292062328e-324", "2.4703282292062327e-324", "2e-324", "0.1", "0.30000000000000004", "9007199254740993",
		"123456789012345678901234567890", "Infinity", "inf", "NaN", "nan", "-Infinity", "1e5x", "0.1e1", "0." + strings.Repeat("0", 320) + "1", "0." + strings.Repeat("0", 330) + "1",
		"1" + strings.Repeat("0", 308), "1" + strings.Repeat("0", 309), "2" + strings.Repeat("0", 308), "0." + strings.Repeat("0", 1000) + "1e1001",
		strings.Repeat("1", 1500) + "e-1400", strings.Repeat("1", 1500) + "e-1900", "0.1" + strings.Repeat("3", 2000),
		"true", "TRUE", "True", "tRuE", "false", "FALSE", "FALSE ", "t", "yes", "no", "on", "ｔrue", "İ", "TRUE\x01", "00", "01",
		"2024-01-02", "2024-02-29", "2023-02-29", "1900-02-29", "2000-02-29", "0400-02-29", "0000-02-29", "2024-02-30", "2024-04-31", "2024-13-01", "2024-00-01", "2024-01-00",
		"2024-01-32", "0000-01-01", "0001-01-01", "9999-12-31", "10000-01-01", "24-01-02", "2024-1-2", "2024-01-02 ", " 2024-01-02", "20240102", "2024-01-02T03:04:05",
		"2024-01-02 03:04:05", "2024-01-02 03:04:05Z", "2024-01-02T03:04:05Z", "2024-01-02t03:04:05z", "2024-01-02T03:04:05z", "2024-01-02T03:04Z", "2024-01-02T24:00:00Z",
		"2024-01-02T23:59:60Z", "2024-01-02T23:60:00Z", "2024-01-02T03:04:05.Z", "2024-01-02T03:04:05.0Z", "2024-01-02T03:04:05.000000Z", "2024-01-02T03:04:05.120000Z",
		"2024-01-02T03:04:05.1234567Z", "2024-01-02T03:04:05.123456789Z", "2024-01-02T03:04:05,5Z", "2024-01-02T03:04:05+00:00", "2024-01-02T03:04:05-00:00",
		"2024-01-02T03:04:05+02:00", "2024-01-02T03:04:05.5+02:00", "2024-01-02T03:04:05.999999-05:30", "2024-01-02T03:04:05+23:59", "2024-01-02T03:04:05-23:59",
		"2024-01-02T03:04:05+24:00", "2024-01-02T03:04:05+16:00", "2024-01-02T03:04:05+02:60", "2024-01-02T03:04:05+0200", "2024-01-02T03:04:05+02", "2024-01-02T03:04:05+02:00:00",
		"2024-02-29T00:00:00+00:01", "2023-02-29T00:00:00+00:01", "2024-02-30T00:00:00+00:01", "0000-12-31T23:00:00-02:00", "0000-12-31T23:00:00-01:00", "0000-12-31T00:30:00.25-23:59",
		"0000-12-31T23:00:00+02:00", "0000-12-31T23:00:00Z", "0000-12-30T23:00:00-23:59", "0001-01-01T00:00:00+00:01", "0001-01-01T00:01:00+00:01", "9999-12-31T23:59:59-00:01",
		"9999-12-31T23:59:59.999999+00:00", "10000-01-01T00:00:00+01:00", "2024-01-02T03:04+01:00", "2024-01-02T03:04:5+01:00", "2024-01-02T03:04:05 Z", "now", "infinity", "epoch",
		"today", "2460000.5", "12:00", "1704164645", "2024-01-02T03:04:05Z\n", "x2024-01-02T03:04:05Z", "2024-01-02T03:04:05.5.5Z", "2024-01-02T03:04:05.-5Z", "-001-01-01",
		"a", "a-b", "a--b", "-a", "a-", "A", "a_b", "a b", "é", "a-é", "9-a", "a-1-b-2", "a\n", "1e-05",
	} {
		all = append(all, text)
	}
	for _, text := range jsonTexts() {
		all = append(all, text)
	}
	return all
}

func jsonTexts() []string {
	return []string{
		`{}`, ` {} `, `{"a":1}`, `{"a": 1}`, "\t\r\n{\"a\" : [ 1 , 2 , {} ] }\n", `{"a":1,}`, `{a:1}`, `{'a':1}`, `{"a":01}`, `{"a":1.}`, `{"a":.5}`, `{"a":+1}`, `{"a":NaN}`, `{"a":Infinity}`, `{"a":-}`,
		`{"a":--1}`, `{"a":1 2}`, `{"a":truefalse}`, `{"a":1true}`, `{"a":tru}`, `{"a":"x" "y"}`, `{"a":fal"x"e}`, `{"a"}`, `{"a":}`, `{:1}`, `{1:1}`, `{null:1}`, `{,}`, `{"a":1 "b":2}`,
		`{"a":1}{}`, `{"a":1}x`, `x{"a":1}`, `{"a":1`, `"a":1}`, `{"a":[}`, `{"a":[1,]}`, `{"a":[,1]}`, `{"a":[1 2]}`, `{"a":[[[]]]}`, `{"a":{"a":{"a":{}}}}`, `[]`, `[{}]`, `"x"`, `5`, `null`, `true`,
		`{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"a":{"b":1,"b":1}}`, `{"a":[{"b":1},{"b":1}],"b":{"a":1}}`, `{"a":"\u0000"}`, `{"\u0000":1}`, `{"a":"\\u0000"}`, `{"a":"\\\u0000"}`,
		`{"a":"\ud83d\ude00"}`, `{"a":"\uD83D\uDE00"}`, `{"a":"\ud83d"}`, `{"a":"\ude00"}`, `{"\ude00":1}`, `{"a":"\ude00\ud83d"}`, `{"a":"\ud83d\ud83d\ude00"}`, `{"a":"\ud83d x \ude00"}`,
		`{"a":"\ud83d\n"}`, `{"a":"\ud83d\\ude00"}`, `{"a":"\\ud83d"}`, `{"a":"\ud83d\ude00\ud83d\ude00\ude00"}`, `{"a":"\ud7ff\ue000"}`, `{"a":"\u00e9\u0041\/\b\f\n\r\t\"\\"}`, `{"a":"\x"}`, `{"a":"\u12"}`,
		`{"a":"\u12G4"}`, `{"a":"\"}`, `{"a":"é😀"}`, "{\"a\":\"\x01\"}", "{\"a\":\"\t\"}", "{\"a\":\"\n\"}", "{\"a\":\"\x7f\"}", "{\"a\":\x01}", "{\x01:\x02}", "{\"a\":\x02}", `{"a":1e2}`, `{"a":1E+02}`, `{"a":1e308}`,
		`{"a":1e309}`, `{"a":-1e309}`, `{"a":[1e400]}`, `{"a":1e-400}`, `{"a":1e999}`, `{"a":1e1000}`, `{"a":1e-999}`, `{"a":1e-1000}`, `{"a":0e1000}`, `{"a":0e999}`, `{"a":1e0001}`, `{"a":1e00000308}`, `{"a":"1e400"}`,
		`{"a":"x1e99999"}`, `{"a":` + strings.Repeat("9", 99) + `}`, `{"a":` + strings.Repeat("9", 100) + `}`, `{"a":"` + strings.Repeat("9", 200) + `"}`, `{"a":0.` + strings.Repeat("1", 99) + `}`,
		`{"a":0.` + strings.Repeat("1", 100) + `}`, `{"` + strings.Repeat("1", 100) + `":1}`, `{"a b":1,"c\"d":2,"":3,".":4,"[0]":5}`, `{"a":1e2,"c\"d":1e3,"\u00e9":1e400}`, `{"a":1.10}`, `{"a":-0}`, `{"a":-0.0e0}`,
		`{"a":` + strings.Repeat("[", 998) + strings.Repeat("]", 998) + `}`, `{"a":` + strings.Repeat("[", 999) + strings.Repeat("]", 999) + `}`, `{"a":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`,
		`{"a":` + strings.Repeat("[", 1001) + strings.Repeat("]", 1001) + `}`, `{"a":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`, strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40),
		"\u00a0{}", "\ufeff{}", "\v{}", "{}\f", `{"a":/**/1}`, `{"a":1}//`, `{"a":"` + strings.Repeat("x", 5000) + `"}`,
	}
}

// expect is what the oracle says about values, in the form in which they are compared.
func expect(t failer, from, to *document.Field, values []any) []any {
	t.Helper()
	all := make([]any, len(values))
	for i, value := range values {
		all[i] = oracle.Convert(from, to, value)
		if text, ok := all[i].(string); ok && (from.Type == document.Component || to.Type == document.Component) {
			plain, err := object(text)
			if err != nil {
				t.Fatalf("%s to %s: %v", from.Type, to.Type, err)
			}
			all[i] = plain
		}
	}
	return all
}

// agrees reports whether a converted value is the expected one. The shortest text of a float is not the same everywhere
// where two are equally short or it is exactly between two floats: it only has to be read as the same number. SQLite
// reads 19 digits of a number, so that one with more may become the neighbour of the nearest float.
func agrees(from *document.Field, value, got, want any) bool {
	if reflect.DeepEqual(got, want) {
		return true
	}
	switch a := got.(type) {
	case string:
		b, ok := want.(string)
		if !ok || from.Type != document.Float {
			return false
		}
		x, err := strconv.ParseFloat(a, 64)
		y, other := strconv.ParseFloat(b, 64)
		return err == nil && other == nil && x == y && len(a) <= 24 && json.Valid([]byte(a))
	case float64:
		text, ok := value.(string)
		b, also := want.(float64)
		return ok && also && len(text) > 19 && (a == math.Nextafter(b, math.Inf(1)) || a == math.Nextafter(b, math.Inf(-1)))
	default:
		return false
	}
}

// check converts the rows of v to another type and compares them with what the oracle says.
func (e *engine) check(t failer, from, to *document.Field, values []any) {
	t.Helper()
	want := expect(t, from, to, values)
	for i, got := range e.converted(t, from, to) {
		if !agrees(from, values[i], got, want[i]) {
			t.Fatalf("%s: %s to %s: %.120q (%T) gives %.120q, want %.120q", e.Name(), from.Type, to.Type, values[i], values[i], got, want[i])
		}
	}
}

func TestEveryPair(t *testing.T) {
	for _, e := range engines(t) {
		e.pairs(t)
	}
}

// pairs checks every ordered pair of field types with its tricky values.
func (e *engine) pairs(t *testing.T) {
	t.Helper()
	for _, fromType := range document.FieldTypes() {
		from, values := field(fromType), tricky(fromType)
		e.store(t, from, values)
		for _, toType := range document.FieldTypes() {
			if toType == fromType {
				continue // nothing is converted
			}
			t.Run(fmt.Sprintf("%s/%s-%s", e.Name(), fromType, toType), func(t *testing.T) { e.check(t, from, field(toType), values) })
		}
	}
}
