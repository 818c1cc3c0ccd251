package postgres

import (
	"strings"

	"marain/backend/action"
	"marain/backend/document"
)

// PostgreSQL's casts raise an error for what they cannot read, and round what they can. So a cast only ever sees a text
// whose grammar and range were tested: its argument is a CASE that is NULL for everything else. Written this way no
// order of evaluation and no folding of constants can reach a cast first. Every test of a text uses the collation "C",
// because others have no regular expressions or other ideas of equality, and a limit of its length. Nothing depends on
// a setting of the session.
//
// In the templates {v} stands for the value. No template holds a backslash outside E'', which standard_conforming_strings
// would change.

// Convert writes the expression that turns a value of one field type into another.
func (d Dialect) Convert(from, to *document.Field, value string) string {
	if action.SameStorage(from, to) {
		return value
	}
	if from.Type == document.Component && to.Type == document.Component {
		return d.reshape(from, to, value)
	}
	source, target := action.Stored(from.Type), action.Stored(to.Type)
	converted := ""
	switch template := conversions(source)[target]; {
	case source == target:
		converted = value
	case template != "":
		converted = fill(template, value)
	default:
		return "CAST(NULL AS " + nullType(target) + ")"
	}
	if to.Type == document.Slug {
		return slug(source, converted)
	}
	return converted
}

// Same writes the condition that two expressions hold the same value of a field.
func (Dialect) Same(f *document.Field, a, b string) string {
	if action.Stored(f.Type) == action.ColumnText {
		a = "(" + a + `) COLLATE "C"`
	}
	return "(" + a + " IS NOT DISTINCT FROM " + b + ")"
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

func nullType(t action.ColumnType) string {
	switch t {
	case action.ColumnInteger:
		return "bigint"
	case action.ColumnFloat:
		return "double precision"
	case action.ColumnBoolean:
		return "boolean"
	case action.ColumnDatetime:
		return "timestamptz"
	case action.ColumnJSON:
		return "jsonb"
	default:
		return "text"
	}
}

// conversions are the templates from one kind of column to the others; what is not there has no counterpart.
func conversions(from action.ColumnType) map[action.ColumnType]string {
	switch from {
	case action.ColumnText:
		return map[action.ColumnType]string{
			action.ColumnInteger: textToInteger, action.ColumnFloat: textToFloat(), action.ColumnBoolean: textToBoolean,
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
			action.ColumnText: datetimeToText, action.ColumnInteger: datetimeToInteger, action.ColumnFloat: datetimeToFloat,
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
	case action.ColumnText, action.ColumnInteger:
		return fill(textToSlug, text)
	case action.ColumnBoolean:
		return text
	case action.ColumnFloat:
		return "(SELECT " + fill(textToSlug, "x") + " FROM (SELECT " + text + " AS x OFFSET 0) AS s)"
	default: // the text of a datetime holds a T, that of a component a brace
		return "CAST(NULL AS text)"
	}
}

const (
	textToSlug = `CASE WHEN octet_length({v}) <= 16777216 AND ({v}) COLLATE "C" ~ '^[a-z0-9]+(?:-[a-z0-9]+)*$' THEN {v} END`

	// 18 digits always fit.
	textToInteger = `CAST(CASE WHEN octet_length({v}) > 2000 THEN NULL WHEN ({v}) COLLATE "C" ~ '^[-+]?[0-9]{1,18}$' THEN {v}` +
		` WHEN CAST(CASE WHEN octet_length({v}) <= 2000 AND ({v}) COLLATE "C" ~ '^[-+]?[0-9]+$' THEN {v} END AS numeric)` +
		` BETWEEN -9223372036854775808 AND 9223372036854775807 THEN {v} END AS bigint)`

	textToBoolean = `CASE WHEN octet_length({v}) <= 5 THEN CASE lower(({v}) COLLATE "C")` +
		` WHEN 'true' THEN true WHEN '1' THEN true WHEN 'false' THEN false WHEN '0' THEN false END END`

	integerToText = `CAST({v} AS text) COLLATE "C"`

	// The last number is the largest below 2^63 that a float holds.
	integerToFloat = `CASE WHEN {v} BETWEEN -9007199254740992 AND 9007199254740992` +
		` OR CAST(CAST(CASE WHEN {v} <= 9223372036854774784 THEN {v} END AS double precision) AS bigint) = {v}` +
		` THEN CAST({v} AS double precision) END`

	integerToBoolean = `CASE {v} WHEN 0 THEN false WHEN 1 THEN true END`

	integerToDatetime = `to_timestamp(CAST(CASE WHEN {v} BETWEEN -62135596800 AND 253402300799 THEN {v} END AS double precision))`

	// A session may have set extra_float_digits so low that digits are lost; 1, where none is, is what it is by itself.
	// Adding 0 makes zero of minus zero, which SQLite does not keep.
	floatToText = `CASE WHEN {v} BETWEEN CAST('-1.7976931348623157e308' AS double precision) AND CAST('1.7976931348623157e308' AS double precision)` +
		` AND ((SELECT CAST(current_setting('extra_float_digits') AS integer) > 0)` +
		` OR CAST(CAST(CASE WHEN {v} BETWEEN -1e300 AND 1e300 THEN {v} END AS text) AS double precision) = {v})` +
		` THEN CAST({v} + 0 AS text) COLLATE "C" END`

	floatToInteger = `CAST(CASE WHEN {v} >= CAST('-9223372036854775808' AS double precision) AND {v} < CAST('9223372036854775808' AS double precision)` +
		` AND {v} = floor({v}) THEN {v} END AS bigint)`

	floatToBoolean = `CASE {v} WHEN 0 THEN false WHEN 1 THEN true END`

	floatToDatetime = `to_timestamp(CASE WHEN {v} BETWEEN -62135596800 AND 253402300799 AND {v} = floor({v}) THEN {v} END)`

	booleanToText    = `CASE {v} WHEN true THEN 'true' WHEN false THEN 'false' END COLLATE "C"`
	booleanToInteger = `CASE {v} WHEN true THEN CAST(1 AS bigint) WHEN false THEN CAST(0 AS bigint) END`
	booleanToFloat   = `CASE {v} WHEN true THEN CAST(1 AS double precision) WHEN false THEN CAST(0 AS double precision) END`

	componentToText = `CAST({v} AS text) COLLATE "C"`
)

// textToFloat tests the grammar of a JSON number. Without an exponent and with at most 300 characters it is within the
// range; everything else is compared as a decimal number: at least half of the way to the next float above the largest
// it is infinite, at half of the smallest or less it is zero, and both are errors.
func textToFloat() string {
	const (
		number = `({v}) COLLATE "C" ~ '^-?(?:0|[1-9][0-9]*)(?:[.][0-9]+)?(?:[eE][-+]?0*[0-9]{1,4})?$'`
		zero   = `({v}) COLLATE "C" ~ '^-?0(?:[.]0+)?(?:[eE][-+]?[0-9]+)?$'`
		least  = `2.47032822920623272088284396434110686183e-324`
		most   = `1.79769313486231580793728971405303415079e308`
	)
	return `(CAST(CASE WHEN octet_length({v}) > 2000 THEN NULL` +
		` WHEN octet_length({v}) <= 300 AND ({v}) COLLATE "C" ~ '^-?(?:0|[1-9][0-9]*)(?:[.][0-9]+)?$' THEN {v}` +
		` WHEN ` + zero + ` THEN '0'` +
		` WHEN abs(CAST(CASE WHEN octet_length({v}) <= 2000 AND ` + number + ` THEN {v} END AS numeric)) BETWEEN ` + least + ` AND ` + most +
		` THEN {v} END AS double precision) + 0)`
}
