package convert_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"marain/backend/document"
	"marain/tests/oracle"
)

// kinds are one field type for each way of conversion.
func kinds() []document.FieldType {
	return []document.FieldType{
		document.Text, document.Slug, document.Integer, document.Float, document.Boolean, document.Datetime, document.Component,
	}
}

func TestRandomValues(t *testing.T) {
	all := engines(t)
	rapid.Check(t, func(t *rapid.T) {
		from := field(rapid.SampledFrom([]document.FieldType{
			document.Text, document.Text, document.Text, document.Integer, document.Float, document.Datetime, document.Component,
		}).Draw(t, "type"))
		values := rapid.SliceOfN(valueOf(from.Type), 30, 30).Draw(t, "values")
		targets := rapid.SliceOfN(rapid.SampledFrom(kinds()), 2, 2).Draw(t, "to")
		for _, e := range all {
			e.store(t, from, values)
			for _, to := range targets {
				if to != from.Type {
					e.check(t, from, field(to), values)
				}
			}
		}
	})
}

// valueOf draws values that both databases can hold.
func valueOf(t document.FieldType) *rapid.Generator[any] {
	switch t {
	case document.Integer:
		return rapid.OneOf(
			rapid.Map(rapid.Int64(), anyOf[int64]),
			rapid.Map(rapid.Int64Range(-70_000_000_000, 260_000_000_000), anyOf[int64]),
			rapid.Map(rapid.Int64Range(1<<53-5, 1<<53+50), anyOf[int64]),
			rapid.Map(rapid.Int64Range(math.MaxInt64-3000, math.MaxInt64), anyOf[int64]),
			rapid.Map(rapid.Int64Range(math.MinInt64, math.MinInt64+3000), anyOf[int64]))
	case document.Float:
		return rapid.OneOf(
			rapid.Map(rapid.Uint64(), func(bits uint64) any {
				if f := math.Float64frombits(bits); !math.IsNaN(f) && !math.IsInf(f, 0) {
					return f
				}
				return 0.5
			}),
			rapid.Map(rapid.Int64Range(-1e12, 1e12), func(n int64) any { return float64(n) / 1000 }),
			rapid.Map(rapid.Int64(), func(n int64) any { return float64(n) }))
	case document.Datetime:
		return rapid.Map(rapid.Int64Range(-62135596800_000000, 253402300799_999999), func(micros int64) any {
			if micros%3 == 0 {
				micros -= micros % 1_000_000
			}
			if micros%5 == 0 {
				micros -= micros % 125_000
			}
			return time.UnixMicro(micros).UTC().Format(time.RFC3339Nano)
		})
	case document.Component:
		return rapid.Map(randomObject(3), anyOf[string])
	default:
		return rapid.Map(rapid.OneOf(changedText(), numberText(), timeText(), randomObject(3)), anyOf[string])
	}
}

func anyOf[T any](value T) any { return value }

// changedText is one of the tricky texts with a few characters changed.
func changedText() *rapid.Generator[string] {
	known := texts()[1:]
	characters := []rune(`0123456789+-.eE TZtz:,{}[]"\u/dDcC8fF0` + "\n\x01\x02abtrufls_é")
	return rapid.Custom(func(t *rapid.T) string {
		text := []rune(rapid.SampledFrom(known).Draw(t, "text").(string))
		if len(text) > 300 {
			return string(text)
		}
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			at := rapid.IntRange(0, len(text)).Draw(t, "at")
			c := rapid.SampledFrom(characters).Draw(t, "character")
			switch action := rapid.IntRange(0, 2).Draw(t, "action"); {
			case action == 0:
				text = append(text[:at:at], append([]rune{c}, text[at:]...)...)
			case at == len(text):
			case action == 1:
				text = append(text[:at:at], text[at+1:]...)
			default:
				text[at] = c
			}
		}
		return string(text)
	})
}

func numberText() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		var text strings.Builder
		text.WriteString(rapid.SampledFrom([]string{"", "-", "+", "-0", "00"}).Draw(t, "sign"))
		text.WriteString(rapid.StringMatching(`[0-9]{1,22}`).Draw(t, "whole"))
		text.WriteString(rapid.SampledFrom([]string{"", "", ".", ".0"}).Draw(t, "point"))
		text.WriteString(rapid.StringMatching(`[0-9]{0,20}`).Draw(t, "fraction"))
		text.WriteString(rapid.StringMatching(`|[eE][-+]?[0-9]{1,3}`).Draw(t, "exponent"))
		return text.String()
	})
}

func timeText() *rapid.Generator[string] {
	return rapid.StringMatching(`(00|09|1[69]|20|99)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])(T([01][0-9]|2[0-4]):[0-5][0-9]:[0-6][0-9](\.[0-9]{1,7})?(Z|[-+](0[0-9]|1[0-9]|2[0-4]):[0-5][0-9])?)?`)
}

// randomObject is a JSON object, written with spaces and escapes here and there.
func randomObject(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		space := rapid.SampledFrom([]string{"", "", " ", "\n\t"}).Draw(t, "space")
		members := []string{}
		for range rapid.IntRange(0, 4).Draw(t, "members") {
			members = append(members, space+jsonWord().Draw(t, "key")+space+":"+space+randomJSON(t, depth-1)+space)
		}
		return space + "{" + strings.Join(members, ",") + space + "}"
	}).Filter(func(text string) bool {
		return oracle.Convert(field(document.Text), field(document.Component), text) != nil
	})
}

func jsonWord() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{`"a"`, `"b"`, `"\u0061x"`, `""`, `"a.b"`, `"[0]"`, `"q\"s"`, `"\\"`, `"\ud83d\ude00"`, `"é😀"`, `"1e999"`, `":"`, `","`, `"{"`, `"$"`, `"#"`}),
		rapid.Map(rapid.StringN(0, 6, -1), func(s string) string {
			out, err := json.Marshal(strings.ReplaceAll(s, "\x00", ""))
			if err != nil {
				return `"?"`
			}
			return string(out)
		}))
}

func randomJSON(t *rapid.T, depth int) string {
	kind := rapid.IntRange(0, 5).Draw(t, "kind")
	switch {
	case kind == 0 && depth > 0:
		return randomObject(depth).Draw(t, "object")
	case kind == 1 && depth > 0:
		items := []string{}
		for range rapid.IntRange(0, 3).Draw(t, "items") {
			items = append(items, randomJSON(t, depth-1))
		}
		return "[" + strings.Join(items, " ,") + "]"
	case kind == 2:
		return rapid.SampledFrom([]string{"true", "false", "null"}).Draw(t, "word")
	case kind == 3:
		return rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][-+]?[0-9]{1,2})?`).Draw(t, "number")
	default:
		return jsonWord().Draw(t, "text")
	}
}
