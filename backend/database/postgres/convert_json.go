package postgres

import (
	"strings"

	"marain/backend/action"
	"marain/backend/document"
)

// regex writes a regular expression as an SQL constant.
func regex(pattern string) string {
	return "E'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(pattern) + "'"
}

// The tokens of JSON. An escape is never U+0000 nor half of a surrogate pair, and an exponent has at most three digits.
const (
	jsonEscape = `\\(?:["\\/bfnrt]|u(?:[1-9A-CEFa-cef][0-9A-Fa-f]{3}|0[1-9A-Fa-f][0-9A-Fa-f]{2}|00[1-9A-Fa-f][0-9A-Fa-f]|000[1-9A-Fa-f]` +
		`|[Dd][0-7][0-9A-Fa-f]{2}|[Dd][89ABab][0-9A-Fa-f]{2}\\u[Dd][C-Fc-f][0-9A-Fa-f]{2}))`
	jsonString = `"(?:[^"\\\x01-\x1f]|` + jsonEscape + `)*"`
	jsonSimple = `"[^"\\\x01-\x1f]*"` // in a text without escapes
	jsonOther  = `true|false|null|-?(?:0|[1-9][0-9]*)(?:[.][0-9]+)?(?:[eE][-+]?0*[0-9]{1,3})?`

	// Once a string is U+0001 and every other value U+0002, a list or an object of such values is a value too.
	jsonNested = `\[(?:[\x01\x02](?:,[\x01\x02])*)?\]|\{(?:\x01:[\x01\x02](?:,\x01:[\x01\x02])*)?\}`
)

// textToComponent keeps a text that is a JSON object, with no key twice in one object and numbers within the range of
// floats. This is done in steps, each a query around the one before:
//
//	v  the text, if it begins like an object and has no U+0001 and no U+0002, which JSON does not know
//	p  v with U+0001 in place of every string
//	t  p with U+0002 in place of every other value, without white space, and then with U+0002 in place of lists and
//	   objects of such values, from the inside to the outside; what is JSON becomes one U+0002 and nothing else does
//	j  v as jsonb, if t is JSON of at most 1,000 levels
//
// A key that stood twice is missing from j, and a colon with it.
func textToComponent() string {
	replace := func(text, pattern, with string) string {
		return "regexp_replace(" + text + ", " + regex(pattern) + ", " + with + ", 'g')"
	}
	const (
		first, other = `E'\x01'`, `E'\x02'`
		escaped      = `strpos(v, E'\\') > 0`
		most         = `1.79769313486231580793728971405e308`
	)
	colons := func(p string) string { return "length(" + replace(p, `[^:]+`, "''") + ")" }
	v := `SELECT CASE WHEN octet_length({v}) <= 16777216 AND ({v}) COLLATE "C" ~ ` + regex(`^[ \t\n\r]*\{`) +
		` AND ({v}) COLLATE "C" !~ ` + regex(`[\x01\x02]`) + ` AND (strpos(({v}) COLLATE "C", E'\\u') = 0 OR getdatabaseencoding() = 'UTF8')` +
		` THEN {v} END COLLATE "C" AS v OFFSET 0`
	p := `SELECT v, CASE WHEN ` + escaped + ` THEN ` + replace("v", jsonString, first) + ` ELSE ` + replace("v", jsonSimple, first) + ` END AS p` +
		` FROM (` + v + `) AS s1 OFFSET 0`
	t := `SELECT v, p, ` + replace(replace(replace(replace("p", jsonOther, other), `[ \t\n\r]+`, "''"), jsonNested, other), jsonNested, other) + ` AS t` +
		` FROM (` + p + `) AS s2 WHERE octet_length(p) < 100 OR p !~ '[0-9]{100}' OFFSET 0`
	deeper := `(WITH RECURSIVE r(n, t) AS (SELECT 3, s3.t UNION ALL SELECT n + 1, u FROM (SELECT n, t, ` + replace("t", jsonNested, other) +
		` AS u FROM r OFFSET 0) AS s WHERE u <> t AND n <= 1000) SELECT bool_or(t = ` + other + `) FROM r)`
	j := `SELECT v, p, CAST(CASE WHEN t = ` + other + ` OR ` + deeper + ` THEN v END AS jsonb) AS j FROM (` + t + `) AS s3 OFFSET 0`
	return `(SELECT CASE WHEN CASE WHEN ` + escaped + ` THEN ` + colons("p") + ` = ` + colons(replace("CAST(j AS text)", jsonString, "''")) +
		` ELSE cardinality(string_to_array(v, ':')) = cardinality(string_to_array(CAST(j AS text), ':')) END` +
		` AND (p !~ '[0-9][eE][+]?0*[0-9]{2,3}' OR NOT jsonb_path_exists(j, '$.** ? (@ > ` + most + ` || @ < -` + most + `)'))` +
		` THEN j END FROM (` + j + `) AS s4)`
}

// reshape writes a component with the fields whose type changed converted in place. A value that does not convert is
// left out, a null stays, everything else stays as it is. A value that is no object stays as it is too.
func (d Dialect) reshape(from, to *document.Field, value string) string {
	value = enclosed(value)
	object := "CASE WHEN jsonb_typeof(" + value + ") = 'object' THEN " + value + " END"
	for _, r := range action.RetypedFields(from, to) {
		at := "'{" + strings.Join(r.Path, ",") + "}'"
		raw := "(" + value + " #> " + at + ")"
		path := "CAST(" + at + " AS text[])"
		if parents := r.Path[:len(r.Path)-1]; len(parents) > 0 { // a list has numbers for keys, and anything else would be an error
			path = "CASE WHEN jsonb_typeof(" + value + " #> '{" + strings.Join(parents, ",") + "}') = 'object' THEN " + path + " ELSE '{}' END"
		}
		converted := "(SELECT " + toJSON(d.Convert(r.From, r.To, "x"), r.To) + " FROM (SELECT " + fromJSON(raw, r.From) + " AS x OFFSET 0) AS s)"
		if r.From.Type == document.Datetime && action.SameStorage(&document.Field{Type: document.Text}, r.To) {
			// A text that is no time stays as it is, as it would in a column of SQLite.
			converted = "coalesce(" + converted + ", to_jsonb(" + fromJSON(raw, &document.Field{Type: document.Text}) + "))"
		}
		object = "jsonb_set(" + object + ", " + path + ", coalesce(" + converted + ", 'null'), false)" +
			" #- CASE WHEN " + converted + " IS NULL AND jsonb_typeof(" + raw + ") <> 'null' THEN " + path + " ELSE '{}' END"
	}
	return "coalesce(" + object + ", " + value + ")"
}

// fromJSON reads a value inside a component as a column of its type would hold it, NULL for a value of another type.
// jsonb writes numbers without an exponent.
func fromJSON(raw string, f *document.Field) string {
	text := func(kind string) string {
		return "CASE WHEN jsonb_typeof(" + raw + ") = '" + kind + "' THEN " + raw + " #>> '{}' END"
	}
	switch action.Stored(f.Type) {
	case action.ColumnInteger:
		return "(SELECT " + fill(textToInteger, "w") + " FROM (SELECT CASE WHEN w COLLATE \"C\" ~ '^-?[0-9]+(?:[.]0+)?$' THEN split_part(w, '.', 1) END AS w" +
			" FROM (SELECT CASE WHEN octet_length(w) <= 2000 THEN w END AS w FROM (SELECT " + text("number") + " AS w OFFSET 0) AS a OFFSET 0) AS b OFFSET 0) AS c)"
	case action.ColumnFloat:
		return "(SELECT " + fill(textToFloat(), "w") + " FROM (SELECT " + text("number") + " AS w OFFSET 0) AS a)"
	case action.ColumnBoolean:
		return "CASE " + raw + " WHEN 'true' THEN true WHEN 'false' THEN false END"
	case action.ColumnDatetime:
		return "(SELECT " + fill(textToDatetime, "w") + " FROM (SELECT " + text("string") + " AS w OFFSET 0) AS a)"
	case action.ColumnJSON:
		return "CASE WHEN jsonb_typeof(" + raw + ") = 'object' THEN " + raw + " END"
	default:
		return text("string")
	}
}

// toJSON writes a value of a column as JSON.
func toJSON(value string, f *document.Field) string {
	switch action.Stored(f.Type) {
	case action.ColumnFloat:
		return "(SELECT CAST(" + fill(floatToText, "y") + " AS jsonb) FROM (SELECT " + value + " AS y OFFSET 0) AS a)"
	case action.ColumnDatetime:
		return "(SELECT to_jsonb(" + fill(datetimeToText, "y") + ") FROM (SELECT " + value + " AS y OFFSET 0) AS a)"
	case action.ColumnJSON:
		return value
	default:
		return "to_jsonb(" + value + ")"
	}
}

// inJSON writes what is at a path of keys.
func inJSON(value string, path []string) string {
	return "(" + enclosed(value) + " #> '{" + strings.Join(path, ",") + "}')"
}

// Holds writes the condition that a component has something else than null at a path.
func (Dialect) Holds(value string, path []string) string {
	return "coalesce(jsonb_typeof" + inJSON(value, path) + " <> 'null', false)"
}

// Inside writes what a component has at a path as a column of the field's type holds it.
func (Dialect) Inside(f *document.Field, value string, path []string) string {
	return "(" + fromJSON(inJSON(value, path), f) + ")"
}
