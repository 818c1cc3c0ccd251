package pairs_test

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"marain/backend/document"
	"marain/backend/project"
	"marain/tests/oracle"
)

// value is one stored value: as the oracle knows it, and exactly as the database gives it. One that was worked out and
// not read yet has no exact form.
type value struct {
	plain any
	exact string
}

// item is one of the values of a field in a row. A single one has no id.
type item struct {
	id    string
	order int64
	value
}

// cell is what a field holds in a row, in order. Nothing is an empty one.
type cell []item

func (c cell) sort() {
	slices.SortFunc(c, func(a, b item) int {
		if a.order != b.order {
			return int(a.order - b.order)
		}
		return strings.Compare(a.id, b.id)
	})
}

// first is the first value, nil where there is none.
func (c cell) first() any {
	if len(c) == 0 {
		return nil
	}
	return c[0].plain
}

func (c cell) with(id string) int {
	return slices.IndexFunc(c, func(i item) bool { return i.id == id })
}

// words writes a cell for people.
func (c cell) words(f *document.Field) string {
	if len(c) == 0 {
		return "nothing"
	}
	var all []string
	for _, i := range c {
		text := fmt.Sprintf("%q", fmt.Sprint(i.plain))
		if i.exact != "" {
			text += " (" + i.exact + ")"
		}
		if f.Multiple() {
			text = fmt.Sprintf("%s at %d: %s", i.id, i.order, text)
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

// same reports whether two values of a field are the same to it.
func same(f *document.Field, a, b any) bool { return oracle.Plain(f, a) == oracle.Plain(f, b) }

// agrees reports whether a cell that was read is the expected one: exactly, where that is known.
func agrees(f *document.Field, want, got cell) bool {
	return slices.EqualFunc(want, got, func(w, g item) bool {
		return w.id == g.id && w.order == g.order && same(f, w.plain, g.plain) && (w.exact == "" || w.exact == g.exact)
	})
}

// stored is a value as the oracle knows it, from what the driver made of it.
func stored(f *document.Field, v any) value {
	known := v
	if n, ok := v.(int64); ok && f.Type == document.Boolean {
		known = n != 0
	}
	return value{plain: known, exact: fmt.Sprintf("%T %v", v, v)}
}

// literal writes a value in SQL.
func literal(kind string, v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		text := strconv.FormatFloat(v, 'e', -1, 64)
		if kind == project.Postgres {
			return "'" + text + "'" // a number would lose the sign of zero
		}
		return text
	case bool:
		if kind == project.SQLite {
			return map[bool]string{true: "1", false: "0"}[v]
		}
		return strconv.FormatBool(v)
	default:
		return "'" + strings.ReplaceAll(v.(string), "'", "''") + "'"
	}
}

// samples are values of a type: for every other type to which any converts some that do, and some that do not.
func samples(t document.FieldType) []any {
	switch t {
	case document.Slug:
		return []any{"42", "a-b", "007", "true", "0", "2024-01-02", "1e5", "false", "x", "1", "2024-02-30"}
	case document.Integer:
		return []any{int64(0), int64(1), int64(-5), int64(1704164645), int64(1<<53 + 1), int64(math.MaxInt64), int64(math.MinInt64), int64(42)}
	case document.Float:
		return []any{0.0, 1.0, 1.5, math.Copysign(0, -1), -5.0, 0.1 + 0.2, 1e19, 1704164645.0, 1704164645.5, 253402300800.0, 1.7e-5, 42.0}
	case document.Boolean:
		return []any{true, false}
	case document.Datetime:
		return []any{
			"2024-01-02T03:04:05Z", "1970-01-01T00:00:00Z", "1970-01-01T00:00:01Z", "2024-01-02T03:04:05.5Z", "9999-12-31T23:59:59.999999Z",
			"0001-01-01T00:00:00Z", "1969-12-31T23:59:59.25Z",
		}
	case document.Component:
		return []any{`{"a":"x"}`, `{}`, `{"a":"\u00e9","b":[1,{"c":null}]}`, ` { "a" : "spaced" } `, `{"a":12345678901234567890123}`, `{"a":true,"b":1.50}`}
	default:
		return []any{
			"a-b", "+007", "1.50e1", "TRUE", "2024-01-02T03:04:05.50+01:00", `{"a": "x", "b": [1.0]}`, "hello World", "42", "0", "", "2024-02-30",
			"false", "é'\"\\\n", " 7", `{"a":1,"a":2}`, "2024-01-02",
		}
	}
}

// sample is one of them, over and over again.
func sample(t document.FieldType, i int) any { return samples(t)[i%len(samples(t))] }

// filling is what rows without a value of a type are given, as it is answered and as it is then.
func filling(t document.FieldType) (answer string, v any) {
	switch t {
	case document.Integer:
		return "777", int64(777)
	case document.Float:
		return "777.25", 777.25
	case document.Boolean:
		return "true", true
	case document.Datetime:
		return "2001-02-03", "2001-02-03T00:00:00Z"
	case document.Component:
		return `{"a": "filled"}`, `{"a":"filled"}`
	default:
		return "filled", "filled"
	}
}
