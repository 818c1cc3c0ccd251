package sqlite

import (
	"strings"

	"marain/backend/action"
	"marain/backend/document"
)

// textToComponent keeps a text that is a JSON object which PostgreSQL can hold too: no U+0000 and no half of a
// surrogate pair, no key twice in one object, numbers within the range of floats with no more than 99 digits in a row
// and three in the exponent.
func textToComponent() string {
	return `CASE WHEN typeof({v}) = 'text' AND instr({v}, char(0)) = 0 AND octet_length({v}) <= 16777216 AND json_valid({v})` +
		` THEN CASE WHEN json_type({v}) = 'object'` +
		` AND (instr({v}, '\u') = 0 OR (SELECT ` + wholeEscapes + ` FROM (SELECT ` + marked() + ` AS m)))` +
		` AND (` + mergesToItself + ` OR (SELECT count(*) = count(DISTINCT t.parent || '.' || t.key) FROM ` + nodes + ` WHERE t.parent IS NOT NULL))` +
		` AND ` + plainNumbers() + ` THEN {v} END END`
}

const (
	// mergesToItself is true for most objects without a key that stands twice: merging an object into nothing leaves one
	// of each key, except in lists and where keys are escaped. It leaves nulls out, so that it says nothing about them,
	// and takes long for many keys.
	mergesToItself = `CASE WHEN octet_length({v}) <= 2000 AND instr({v}, '\') = 0` +
		` THEN json_patch('{}', {v}) = json({v}) AND instr(json({v}), '[{') = 0 AND instr(json({v}), ',{') = 0 END`

	// nodes are the values of a JSON text s.j, and fractions are those of them that SQLite does not hold as integers.
	nodes     = `(SELECT {v} AS j) AS s, json_tree(s.j) AS t`
	fractions = nodes + ` WHERE (t.type = 'real' OR t.type = 'integer' AND typeof(t.value) = 'real')`
)

// plainNumbers is true when all numbers of a JSON text are in order. Numbers are only looked up by their path, which
// takes long for many, where the text has so many digits in a row or behind an e; of more than 1,000 none is.
func plainNumbers() string {
	digits := `'*` + strings.Repeat("[0-9]", 100) + `*'`
	return `CASE (SELECT CASE WHEN count(*) = 0 THEN 0 WHEN max(abs(t.value)) <= 1.7976931348623157e308 THEN 1 END FROM ` + fractions + `)` +
		` WHEN 0 THEN 1 WHEN 1 THEN CASE` +
		` WHEN (octet_length({v}) < 100 OR {v} NOT GLOB ` + digits + `) AND {v} NOT GLOB '*[0-9][eE][-+0-9][0-9][0-9][0-9]*' THEN 1` +
		` WHEN (SELECT count(*) FROM ` + fractions + `) <= 1000 THEN NOT EXISTS (SELECT 1 FROM ` + fractions +
		` AND (SELECT x GLOB ` + digits + ` OR instr(x, 'e') > 0 AND length(ltrim(substr(x, instr(x, 'e') + 1), '+-0')) > 3` +
		` FROM (SELECT lower(s.j -> t.fullkey) AS x))) END END`
}

// marked is the JSON text in lower case with the escape of a high surrogate as U+0001 and its last two digits, and that
// of a low one as U+0002 and two digits. JSON has no such characters outside escapes.
func marked() string {
	text := `lower(replace({v}, '\\', '/'))`
	for _, half := range []struct{ digits, mark string }{{"89ab", "char(1)"}, {"cdef", "char(2)"}} {
		for _, digit := range half.digits {
			text = `replace(` + text + `, '\ud` + string(digit) + `', ` + half.mark + `)`
		}
	}
	return `' ' || ` + text
}

// wholeEscapes is true for a marked text in which every high surrogate is followed by a low one, and every low one
// follows a high one.
const wholeEscapes = `m NOT GLOB '*\u0000*' AND m NOT GLOB '*' || char(1) || '??[^' || char(2) || ']*'` +
	` AND m NOT GLOB '*[^' || char(1) || ']??' || char(2) || '*'`

// reshape writes a component with the fields whose type changed converted in place. A value that does not convert is
// left out, a null stays, everything else stays as it is. A text that is no JSON object stays as it is too.
func (d Dialect) reshape(from, to *document.Field, value string) string {
	value = enclosed(value)
	replaced, removed := "json_replace("+value, ""
	for _, r := range action.RetypedFields(from, to) {
		path := inJSON(r.Path)
		converted := "(SELECT " + toJSON(d.Convert(r.From, r.To, "x"), r.To) + " FROM (SELECT " + fromJSON(value, path, r.From) + " AS x))"
		replaced += ", " + path + ", json(coalesce(" + converted + ", 'null'))"
		// '$[0]' is nothing in an object.
		removed += ", CASE WHEN " + converted + " IS NULL AND json_type(" + value + ", " + path + ") <> 'null' THEN " + path + " ELSE '$[0]' END"
	}
	return "CASE WHEN typeof(" + value + ") = 'text' THEN CASE WHEN NOT json_valid(" + value + ") THEN " + value +
		" WHEN json_type(" + value + ") <> 'object' THEN " + value +
		" ELSE json_remove(" + replaced + ")" + removed + ") END END"
}

// fromJSON reads a field inside a component as a column of its type would hold it, NULL for a value of another type.
func fromJSON(value, path string, f *document.Field) string {
	kind, raw, text := "json_type("+value+", "+path+")", "("+value+" -> "+path+")", "("+value+" ->> "+path+")"
	switch action.Stored(f.Type) {
	case action.ColumnInteger:
		// 5.0 and 5e0 are whole numbers too. 15 digits of a float are those that were written.
		return "CASE " + kind + " WHEN 'integer' THEN " + fill(textToInteger, raw) +
			" WHEN 'real' THEN CASE WHEN length(" + raw + ") <= 16 THEN " + fill(floatToInteger, text) + " END END"
	case action.ColumnFloat:
		return "CASE WHEN " + kind + " IN ('integer', 'real') THEN " + fill(textToFloat, raw) + " END"
	case action.ColumnBoolean:
		return "CASE " + kind + " WHEN 'true' THEN 1 WHEN 'false' THEN 0 END"
	case action.ColumnJSON:
		return "CASE " + kind + " WHEN 'object' THEN " + raw + " END"
	default:
		return "CASE " + kind + " WHEN 'text' THEN " + text + " END"
	}
}

// toJSON writes a value of a column as JSON text.
func toJSON(value string, f *document.Field) string {
	switch action.Stored(f.Type) {
	case action.ColumnInteger:
		return "CAST(" + value + " AS TEXT)"
	case action.ColumnFloat:
		return "(SELECT " + fill(floatToText, "y") + " FROM (SELECT " + value + " AS y))"
	case action.ColumnBoolean:
		return "CASE " + value + " WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"
	case action.ColumnJSON:
		return value
	default: // joined with nothing, a JSON text is a text like any other, and is quoted; a NULL would become a null
		return "(SELECT CASE WHEN y IS NOT NULL THEN json_quote(y) END FROM (SELECT (" + value + ") || '' AS y))"
	}
}

// inJSON writes the path of keys in SQLite's own way.
func inJSON(path []string) string { return "'$." + strings.Join(path, ".") + "'" }

// Holds writes the condition that a component has something else than null at a path.
func (Dialect) Holds(value string, path []string) string {
	value = enclosed(value)
	kind := "json_type(" + value + ", " + inJSON(path) + ")"
	return "(CASE WHEN typeof(" + value + ") = 'text' THEN CASE WHEN json_valid(" + value + ") THEN coalesce(" + kind + " <> 'null', 0) ELSE 0 END ELSE 0 END)"
}

// Inside writes what a component has at a path as a column of the field's type holds it.
func (Dialect) Inside(f *document.Field, value string, path []string) string {
	value = enclosed(value)
	inside := fromJSON(value, inJSON(path), f)
	if action.Stored(f.Type) == action.ColumnDatetime {
		inside = "(SELECT " + fill(textToDatetime, "x") + " FROM (SELECT " + inside + " AS x))"
	}
	return "(CASE WHEN typeof(" + value + ") = 'text' THEN CASE WHEN json_valid(" + value + ") THEN " + inside + " END END)"
}
