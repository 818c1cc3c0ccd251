// Package oracle says what becomes of a value when the type of its field changes. It knows the rules of the
// documentation and nothing of the expressions that the databases run, so that tests can compare the two.
package oracle

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"

	"marain/backend/document"
)

// IsText reports whether values of a type are stored as text.
func IsText(t document.FieldType) bool {
	switch t {
	case document.Text, document.LongText, document.RichText, document.Slug, document.EntityReference:
		return true
	default:
		return false
	}
}

var slugRule = regexp.MustCompile(`\A[a-z0-9]+(-[a-z0-9]+)*\z`)

// Convert returns what a value of one field is in another one, nil when it has no counterpart. A value is a string, an
// int64, a float64 or a bool; a datetime is RFC 3339 text in UTC, a component its JSON text; nil is no value.
func Convert(from, to *document.Field, value any) any {
	switch {
	case value == nil, from.Type == document.Component && to.Type == document.Slug:
		return nil
	case IsText(to.Type):
		text, ok := toText(value)
		if !ok || to.Type == document.Slug && from.Type != document.Slug && !slugRule.MatchString(text) {
			return nil
		}
		return text
	case IsText(from.Type):
		return fromText(to, value.(string))
	case from.Type == document.Component && to.Type == document.Component:
		return reshape(from, to, value.(string))
	case from.Type == to.Type:
		return value
	}
	switch from.Type {
	case document.Integer:
		return fromInteger(to.Type, value.(int64))
	case document.Float:
		return fromFloat(to.Type, value.(float64))
	case document.Boolean:
		return fromBoolean(to.Type, value.(bool))
	case document.Datetime:
		return fromDatetime(to.Type, value.(string))
	default:
		return nil
	}
}

func toText(value any) (string, bool) {
	switch v := value.(type) {
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		return floatText(v)
	case bool:
		return strconv.FormatBool(v), true
	default:
		return v.(string), true
	}
}

func floatText(v float64) (string, bool) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "", false
	}
	if v == 0 {
		return "0", true
	}
	scientific := strconv.FormatFloat(v, 'e', -1, 64)
	_, exponent, _ := strings.Cut(scientific, "e")
	if n, _ := strconv.Atoi(exponent); n < -4 || n >= 15 {
		return scientific, true
	}
	return strconv.FormatFloat(v, 'f', -1, 64), true
}

var (
	integerRule = regexp.MustCompile(`\A[-+]?[0-9]+\z`)
	numberRule  = regexp.MustCompile(`\A-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?\z`)
)

func fromText(to *document.Field, text string) any {
	switch to.Type {
	case document.Integer:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || !integerRule.MatchString(text) || len(text) > 2000 {
			return nil
		}
		return n
	case document.Float:
		return numberOf(text)
	case document.Boolean:
		switch strings.ToLower(text) {
		case "true", "1":
			return true
		case "false", "0":
			return false
		}
		return nil
	case document.Datetime:
		return timeOf(text)
	case document.Component:
		return objectOf(text)
	default:
		panic(to.Type)
	}
}

func numberOf(text string) any {
	if !numberRule.MatchString(text) || len(text) > 2000 {
		return nil
	}
	v, err := strconv.ParseFloat(text, 64)
	mantissa, _, _ := strings.Cut(strings.ToLower(text), "e")
	if err != nil || v == 0 && strings.ContainsAny(mantissa, "123456789") {
		return nil
	}
	return v + 0
}

var timeRule = regexp.MustCompile(`\A(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:Z|([-+])(\d\d):(\d\d)))?\z`)

func timeOf(text string) any {
	parts := timeRule.FindStringSubmatch(text)
	if parts == nil {
		return nil
	}
	number := func(i int) int {
		n, _ := strconv.Atoi(parts[i])
		return n
	}
	micros := number(7)
	for i := len(parts[7]); i < 6; i++ {
		micros *= 10
	}
	local := time.Date(number(1), time.Month(number(2)), number(3), number(4), number(5), number(6), micros*1000, time.UTC)
	if local.Format("2006-01-02") != text[:10] || number(4) > 23 || number(5) > 59 || number(6) > 59 || number(9) > 23 || number(10) > 59 {
		return nil
	}
	shift := time.Duration(number(9))*time.Hour + time.Duration(number(10))*time.Minute
	if parts[8] == "+" {
		shift = -shift
	}
	utc := local.Add(shift)
	if utc.Year() < 1 || utc.Year() > 9999 {
		return nil
	}
	return utc.Format(time.RFC3339Nano)
}

// objectOf reads a JSON object that both databases can hold.
func objectOf(text string) any {
	if len(text) > 16<<20 || !json.Valid([]byte(text)) || !strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") {
		return nil
	}
	if !wholeEscapes(text) || !plainNumbers(text) || !uniqueKeys(text) {
		return nil
	}
	return text
}

var escapeRule = regexp.MustCompile(`\\(\\|u[0-9a-fA-F]{4}|.)`)

// wholeEscapes reports whether no escape is U+0000 or half of a surrogate pair.
func wholeEscapes(text string) bool {
	high := -1 // where a high surrogate ended
	for _, at := range escapeRule.FindAllStringIndex(text, -1) {
		escape := text[at[0]:at[1]]
		if len(escape) != 6 {
			continue
		}
		code, _ := strconv.ParseUint(escape[2:], 16, 32)
		switch {
		case code == 0, code >= 0xdc00 && code < 0xe000 && high != at[0], (code < 0xdc00 || code >= 0xe000) && high == at[0]:
			return false
		}
		if high >= 0 && (high != at[0] || code < 0xdc00 || code >= 0xe000) {
			return false
		}
		high = -1
		if code >= 0xd800 && code < 0xdc00 {
			high = at[1]
		}
	}
	return high < 0
}

func plainNumbers(text string) bool {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return true
		}
		if err != nil {
			return false
		}
		number, ok := token.(json.Number)
		if !ok {
			continue
		}
		mantissa, exponent, _ := strings.Cut(strings.ToLower(string(number)), "e")
		for _, run := range strings.FieldsFunc(mantissa+"e"+exponent, func(r rune) bool { return r < '0' || r > '9' }) {
			if len(run) >= 100 {
				return false
			}
		}
		if _, err := strconv.ParseFloat(string(number), 64); err != nil || len(strings.TrimLeft(exponent, "+-0")) > 3 {
			return false
		}
	}
}

// uniqueKeys reports whether no object has a key twice, and whether nothing is nested too deep.
func uniqueKeys(text string) bool {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var walk func(depth int) bool
	walk = func(depth int) bool {
		token, err := decoder.Token()
		if err != nil {
			return false
		}
		delim, ok := token.(json.Delim)
		if !ok {
			return true
		}
		if depth >= 1000 {
			return false
		}
		seen := map[string]bool{}
		for decoder.More() {
			if delim == '{' {
				key, err := decoder.Token()
				if err != nil || seen[fmt.Sprint(key)] {
					return false
				}
				seen[fmt.Sprint(key)] = true
			}
			if !walk(depth + 1) {
				return false
			}
		}
		_, err = decoder.Token()
		return err == nil
	}
	return walk(0)
}

func fromInteger(to document.FieldType, v int64) any {
	switch to {
	case document.Float:
		f := float64(v)
		if exact, _ := new(big.Float).SetFloat64(f).Int(nil); exact.Cmp(big.NewInt(v)) != 0 {
			return nil
		}
		return f
	case document.Boolean:
		if v != 0 && v != 1 {
			return nil
		}
		return v == 1
	case document.Datetime:
		if v < -62135596800 || v > 253402300799 {
			return nil
		}
		return time.Unix(v, 0).UTC().Format(time.RFC3339Nano)
	default:
		return nil
	}
}

func fromFloat(to document.FieldType, v float64) any {
	if v != math.Trunc(v) || math.IsInf(v, 0) {
		return nil
	}
	whole, _ := new(big.Float).SetFloat64(v).Int(nil)
	if !whole.IsInt64() {
		return nil
	}
	if to == document.Integer {
		return whole.Int64()
	}
	return fromInteger(to, whole.Int64())
}

func fromBoolean(to document.FieldType, v bool) any {
	n := int64(0)
	if v {
		n = 1
	}
	switch to {
	case document.Integer:
		return n
	case document.Float:
		return float64(n)
	default:
		return nil
	}
}

func fromDatetime(to document.FieldType, text string) any {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	micros := t.UnixMicro()
	switch to {
	case document.Integer:
		if micros%1e6 != 0 {
			return nil
		}
		return t.Unix()
	case document.Float:
		f, _ := new(big.Rat).SetFrac64(micros, 1e6).Float64()
		back := new(big.Rat).SetFloat64(f)
		back.Mul(back, big.NewRat(1e6, 1))
		if back.Sub(back, new(big.Rat).SetInt64(micros)).Abs(back).Cmp(big.NewRat(1, 2)) >= 0 {
			return nil
		}
		return f
	default:
		return nil
	}
}
