package sqlite

import (
	"strings"

	"marain/backend/action"
	"marain/backend/document"
)

// SQLite columns hold any type of value, whatever they are declared as, and other programs write to them. So each
// expression looks at the type of the value first. SQLite's own casts never fail but read what they can: 12 from
// '12abc'. A cast counts here only where its result, written as text again, is what was read.
//
// In the templates {v} stands for the value. Functions that stop at U+0000 (GLOB, substr, length, json_valid) are only
// asked about texts without it.

// Convert writes the expression that turns a value of one field type into another.
func (d Dialect) Convert(from, to *document.Field, value string) string {
	if action.SameStorage(from, to) {
		return value
	}
	if from.Type == document.Component && to.Type == document.Component {
		return d.reshape(from, to, value)
	}
	source, target := action.Stored(from.Type), action.Stored(to.Type)
	converted := "NULL"
	switch template := conversions(source)[target]; {
	case source == target:
		converted = value
	case template != "":
		converted = fill(template, value)
	}
	if to.Type == document.Slug && converted != "NULL" {
		return slug(source, converted)
	}
	return converted
}

// Same writes the condition that two expressions hold the same value of a field.
func (Dialect) Same(f *document.Field, a, b string) string {
	switch action.Stored(f.Type) {
	case action.ColumnJSON:
		return "CASE WHEN json_valid(" + a + ") AND json_valid(" + b + ") THEN json(" + a + ") IS json(" + b + ") ELSE (" + a + ") IS (" + b + ") END"
	case action.ColumnText, action.ColumnDatetime:
		return "((" + a + ") COLLATE BINARY IS (" + b + "))"
	default:
		return "((" + a + ") IS (" + b + "))"
	}
}

// fill puts a value into a template.
func fill(template, value string) string { return strings.ReplaceAll(template, "{v}", enclosed(value)) }

// enclosed puts an expression that is more than a name in parentheses.
func enclosed(value string) string {
	if strings.ContainsRune(value, ' ') {
		return "(" + value + ")"
	}
	return value
}

// conversions are the templates from one kind of column to the others; what is not there has no counterpart.
func conversions(from action.ColumnType) map[action.ColumnType]string {
	switch from {
	case action.ColumnText:
		return map[action.ColumnType]string{
			action.ColumnInteger: textToInteger, action.ColumnFloat: textToFloat, action.ColumnBoolean: textToBoolean,
			action.ColumnDatetime: textToDatetime, action.ColumnJSON: textToComponent(),
		}
	case action.ColumnInteger:
		return map[action.ColumnType]string{
			action.ColumnText: integerToText, action.ColumnFloat: integerToFloat, action.ColumnBoolean: integerToBoolean,
			action.ColumnDatetime: integerToDatetime,
		}
	case action.ColumnFloat:
		return map[action.ColumnType]string{
			action.ColumnText: floatToText, action.ColumnInteger: floatToInteger, action.ColumnBoolean: floatToBoolean,
			action.ColumnDatetime: floatToDatetime,
		}
	case action.ColumnBoolean:
		return map[action.ColumnType]string{
			action.ColumnText: booleanToText, action.ColumnInteger: booleanToInteger, action.ColumnFloat: booleanToFloat,
		}
	case action.ColumnDatetime:
		return map[action.ColumnType]string{
			action.ColumnText: datetimeToText(), action.ColumnInteger: datetimeToInteger(), action.ColumnFloat: datetimeToFloat(),
		}
	case action.ColumnJSON:
		return map[action.ColumnType]string{action.ColumnText: componentToText}
	default:
		return nil
	}
}

// slug keeps a text that is one: lower-case letters and digits, with single hyphens between them.
func slug(source action.ColumnType, text string) string {
	switch source {
	case action.ColumnText:
		return fill(textToSlug, text)
	case action.ColumnInteger:
		return "CASE WHEN " + text + " NOT GLOB '-*' THEN " + text + " END"
	case action.ColumnBoolean:
		return text
	case action.ColumnFloat:
		return "(SELECT " + fill(textToSlug, "x") + " FROM (SELECT " + text + " AS x))"
	default: // the text of a datetime holds a T, that of a component a brace
		return "NULL"
	}
}

const (
	textToSlug = `CASE WHEN typeof({v}) = 'text' AND {v} NOT GLOB '*[^-a-z0-9]*' AND {v} GLOB '[a-z0-9]*' AND substr({v}, -1) <> '-'` +
		` AND instr({v}, '--') = 0 AND instr({v}, char(0)) = 0 AND octet_length({v}) <= 16777216 THEN {v} END`

	// Most numbers are written as SQLite writes them. The rest is a sign, zeros and the same digits.
	textToInteger = `CASE WHEN CAST(CAST({v} AS INTEGER) AS TEXT) = {v} COLLATE BINARY THEN CAST({v} AS INTEGER)` +
		` WHEN typeof({v}) = 'text' AND length({v}) <= 2000 AND {v} NOT IN ('', '+', '-') AND rtrim({v}, '0123456789') IN ('', '+', '-')` +
		` AND ltrim({v}, '+-0') = ltrim(CAST(CAST({v} AS INTEGER) AS TEXT), '-0') THEN CAST({v} AS INTEGER) END`

	// A JSON number starts with a digit or a minus and ends with a digit, which leaves other JSON and white space out.
	// Adding 0.0 makes zero of minus zero, which a table would not keep.
	textToFloat = `CASE WHEN CAST(CAST({v} AS REAL) AS TEXT) = {v} COLLATE BINARY THEN CAST({v} AS REAL)` +
		` WHEN typeof({v}) = 'text' AND length({v}) <= 2000 AND {v} GLOB '[-0-9]*' AND {v} GLOB '*[0-9]' AND instr({v}, char(0)) = 0` +
		` AND json_valid({v}) AND CAST({v} AS REAL) BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308` +
		` AND (CAST({v} AS REAL) <> 0.0 OR substr({v}, 1, instr(lower({v}) || 'e', 'e')) NOT GLOB '*[1-9]*')` +
		` THEN CAST({v} AS REAL) + 0.0 END`

	textToBoolean = `CASE {v} COLLATE BINARY WHEN 'true' THEN 1 WHEN 'false' THEN 0 WHEN '1' THEN 1 WHEN '0' THEN 0` +
		` ELSE CASE WHEN typeof({v}) = 'text' THEN CASE lower({v}) WHEN 'true' THEN 1 WHEN 'false' THEN 0 END END END`

	integerToText = `CASE WHEN typeof({v}) = 'integer' THEN CAST({v} AS TEXT) END`

	// The last number is the largest below 2^63 that a float holds: casting a greater float back would stop at 2^63-1.
	integerToFloat = `CASE WHEN typeof({v}) = 'integer' AND ({v} BETWEEN -9007199254740992 AND 9007199254740992` +
		` OR {v} <= 9223372036854774784 AND CAST(CAST({v} AS REAL) AS INTEGER) = {v}) THEN CAST({v} AS REAL) END`

	integerToBoolean = `CASE WHEN typeof({v}) = 'integer' AND {v} IN (0, 1) THEN {v} END`

	integerToDatetime = `CASE WHEN typeof({v}) = 'integer' AND {v} BETWEEN -62135596800 AND 253402300799` +
		` THEN replace(datetime({v}, 'unixepoch'), ' ', 'T') || 'Z' END`

	// Whole numbers are written without a fraction and large ones with an exponent, as PostgreSQL does, with the fewest
	// digits that read back as the same number: 15, 16 or 17, and less only for numbers so small that they hold less.
	floatToText = `CASE WHEN typeof({v}) <> 'real' OR {v} NOT BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 THEN NULL` +
		` WHEN abs({v}) < 1e15 AND {v} = CAST({v} AS INTEGER) THEN CAST(CAST({v} AS INTEGER) AS TEXT)` +
		` WHEN abs({v}) < 2.2250738585072014e-308 THEN (WITH RECURSIVE d("#") AS (SELECT 0 UNION ALL SELECT "#" + 1 FROM d WHERE "#" < 16)` +
		` SELECT replace(printf('%!.*e', "#", {v}), '.0e', 'e') FROM d WHERE CAST(printf('%!.*e', "#", {v}) AS REAL) = {v} LIMIT 1)` +
		` WHEN abs({v}) >= 1e15 THEN replace(CASE WHEN CAST(printf('%!.14e', {v}) AS REAL) = {v} THEN printf('%!.14e', {v})` +
		` WHEN CAST(printf('%!.15e', {v}) AS REAL) = {v} THEN printf('%!.15e', {v}) ELSE printf('%!.16e', {v}) END, '.0e', 'e')` +
		` ELSE replace(CASE WHEN CAST(printf('%!.15g', {v}) AS REAL) = {v} THEN printf('%!.15g', {v})` +
		` WHEN CAST(printf('%!.16g', {v}) AS REAL) = {v} THEN printf('%!.16g', {v}) ELSE printf('%!.17g', {v}) END, '.0e', 'e') END`

	floatToInteger = `CASE WHEN typeof({v}) = 'real' AND {v} >= -9223372036854775808.0 AND {v} < 9223372036854775808.0` +
		` AND {v} = CAST({v} AS INTEGER) THEN CAST({v} AS INTEGER) END`

	floatToBoolean = `CASE WHEN typeof({v}) = 'real' AND {v} IN (0.0, 1.0) THEN CAST({v} AS INTEGER) END`

	floatToDatetime = `CASE WHEN typeof({v}) = 'real' AND {v} BETWEEN -62135596800.0 AND 253402300799.0 AND {v} = CAST({v} AS INTEGER)` +
		` THEN replace(datetime(CAST({v} AS INTEGER), 'unixepoch'), ' ', 'T') || 'Z' END`

	booleanToText    = `CASE WHEN typeof({v}) = 'integer' THEN CASE {v} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END END`
	booleanToInteger = `CASE WHEN typeof({v}) = 'integer' AND {v} IN (0, 1) THEN {v} END`
	booleanToFloat   = `CASE WHEN typeof({v}) = 'integer' AND {v} IN (0, 1) THEN CAST({v} AS REAL) END`

	componentToText = `CASE WHEN typeof({v}) = 'text' THEN {v} END`
)
