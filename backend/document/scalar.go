package document

import (
	"math"
	"strconv"
	"strings"
)

// fault says why a plain scalar is not a value; it is the code of the problem.
type fault string

const (
	faultNone     fault = ""
	faultInteger  fault = "integer_too_big"
	faultFloat    fault = "number_too_big"
	faultTiny     fault = "number_too_small"
	faultInfinite fault = "not_a_finite_number"
)

func (f fault) message() string {
	switch f {
	case faultInteger:
		return "does not fit a whole number of 64 bits"
	case faultFloat:
		return "is beyond the range of numbers"
	case faultTiny:
		return "is too close to zero for a number"
	case faultInfinite:
		return "is not a number that can be stored"
	case faultNone:
	}
	return "is fine"
}

// resolve returns the value of a plain scalar by the YAML 1.2 core schema, with the exceptions that a number with
// leading zeros (0123) is text, and that .inf and .nan are faults. With a fault the value is the text itself.
func resolve(raw string) (any, fault) {
	switch raw {
	case "", "~", "null", "Null", "NULL":
		return nil, faultNone
	case "true", "True", "TRUE":
		return true, faultNone
	case "false", "False", "FALSE":
		return false, faultNone
	}
	switch c := raw[0]; {
	case c == '.', c == '+', c == '-', c >= '0' && c <= '9':
		return resolveNumber(raw)
	}
	return raw, faultNone
}

func resolveNumber(raw string) (any, fault) {
	unsigned := strings.TrimLeft(raw[:1], "+-") + raw[1:]
	switch unsigned {
	case ".inf", ".Inf", ".INF":
		return raw, faultInfinite
	case ".nan", ".NaN", ".NAN":
		if unsigned == raw {
			return raw, faultInfinite
		}
		return raw, faultNone
	}
	switch {
	case strings.HasPrefix(raw, "0x") && only(raw[2:], "0123456789abcdefABCDEF"):
		return parseInteger(raw, raw[2:], 16)
	case strings.HasPrefix(raw, "0o") && only(raw[2:], "01234567"):
		return parseInteger(raw, raw[2:], 8)
	case only(unsigned, "0123456789"):
		if unsigned[0] == '0' && len(unsigned) > 1 {
			return raw, faultNone
		}
		return parseInteger(raw, raw, 10)
	case isDecimal(unsigned):
		f, err := strconv.ParseFloat(raw, 64)
		if err != nil || math.IsInf(f, 0) {
			return raw, faultFloat
		}
		if vanishes(raw, f) {
			return raw, faultTiny
		}
		return f, faultNone
	}
	return raw, faultNone
}

func parseInteger(raw, digits string, base int) (any, fault) {
	n, err := strconv.ParseInt(digits, base, 64)
	if err != nil {
		return raw, faultInteger
	}
	return n, faultNone
}

// vanishes reports whether a decimal number that is not zero became zero.
func vanishes(text string, number float64) bool {
	mantissa, _, _ := strings.Cut(strings.ToLower(text), "e")
	return number == 0 && strings.ContainsAny(mantissa, "123456789")
}

// only reports whether a text is not empty and made of these bytes.
func only(text, bytes string) bool {
	for i := range len(text) {
		if strings.IndexByte(bytes, text[i]) < 0 {
			return false
		}
	}
	return text != ""
}

// isDecimal reports whether a text without its sign is a decimal number: digits with an optional point, at least one
// digit on either side of it, and an optional exponent.
func isDecimal(text string) bool {
	mantissa := text
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		exponent := text[i+1:]
		if exponent != "" && (exponent[0] == '+' || exponent[0] == '-') {
			exponent = exponent[1:]
		}
		if !only(exponent, "0123456789") {
			return false
		}
		mantissa = text[:i]
	}
	whole, fraction, point := strings.Cut(mantissa, ".")
	if !point {
		return only(whole, "0123456789")
	}
	if whole == "" {
		return only(fraction, "0123456789")
	}
	return only(whole, "0123456789") && (fraction == "" || only(fraction, "0123456789"))
}
