package corpus_test

import "fmt"

// retyped is a field x that becomes of another type.
func retyped(name, was, now string, x []string, why string, k known) change {
	return change{kind: "type", name: was + " to " + now + ": " + name, was: "x " + was, now: "x " + now, x: x, why: why, known: k}
}

// differently is a case that is another one on PostgreSQL.
func differently(c change, onPostgres known) change {
	c.onPostgres = &onPostgres
	return c
}

// exclusively is a case that only one database can have.
func exclusively(database string, c change) change {
	c.only = database
	return c
}

func toNumbers() []change {
	return []change{
		retyped("no rows", "text", "integer", nil, "there are no values", unhurt(warning)),
		retyped("no values", "text", "integer", []string{"NULL", "NULL"}, "there are no values", unhurt(warning)),
		retyped("digits", "text", "integer", []string{"'12'", "'-7'", "'0'", "'9223372036854775807'", "NULL"},
			"every text is exactly how its number is written", unhurt(warning)),
		retyped("digits and letters", "text", "integer", []string{"'12'", "'12abc'"}, "one text only begins like a number",
			altered(1, "type_changed 1", "x.2", none)),
		retyped("an empty text and blanks", "text", "integer", []string{"''", "' 12'", "'12 '"}, "no number is written like that",
			altered(3, "type_changed 3", "x.1", none, "x.2", none, "x.3", none)),
		retyped("other ways to write a number", "text", "integer", []string{"'007'", "'+5'", "'-0'"}, "the number is kept and how it was written is not",
			altered(3, "type_changed 3", "x.1", "7", "x.2", "5", "x.3", "0")),
		retyped("more than 64 bits", "text", "integer", []string{"'9223372036854775808'", "'-9223372036854775808'"}, "one is larger than any such number",
			altered(1, "type_changed 1", "x.1", none)),
		retyped("fractions", "text", "integer", []string{"'1.0'", "'1e3'"}, "a whole number is not written like that",
			altered(2, "type_changed 2", "x.1", none, "x.2", none)),
		retyped("other digits", "text", "integer", []string{"'１２'", "'١٢'"}, "these are digits of other scripts",
			altered(2, "type_changed 2", "x.1", none, "x.2", none)),
		retyped("exact fractions", "text", "float", []string{"'1.5'", "'-0.1'", "'5'"}, "every text is exactly how its number is written", unhurt(warning)),
		retyped("other ways to write a number", "text", "float", []string{"'1e300'", "'1.10'"}, "the number is kept and how it was written is not",
			altered(2, "type_changed 2", "x.1", "1e+300", "x.2", "1.1")),
		retyped("more digits than a float has", "text", "float", []string{"'0.1000000000000000055'", "'9007199254740993'"}, "they become the nearest float",
			altered(2, "type_changed 2", "x.1", "0.1", "x.2", "9.007199254740992e+15")),
		retyped("no numbers", "text", "float", []string{"'NaN'", "'1e999'", "'.5'", "'1,5'"}, "none is written as a number",
			altered(4, "type_changed 4", "x.1", none, "x.2", none, "x.3", none, "x.4", none)),
		retyped("true and false", "text", "boolean", []string{"'true'", "'false'"}, "they are exactly how the two are written", unhurt(warning)),
		retyped("other ways to say it", "text", "boolean", []string{"'TRUE'", "'1'", "'0'"}, "what is meant is kept and how it was written is not",
			altered(3, "type_changed 3", "x.1", "true", "x.2", "true", "x.3", "false")),
		retyped("other words", "text", "boolean", []string{"'yes'", "'t'", "''", "'true'"}, "three texts say neither",
			altered(3, "type_changed 3", "x.1", none, "x.2", none, "x.3", none)),
	}
}

func toWords() []change {
	return []change{
		retyped("freer texts", "text", "long_text", []string{"'a'", "''", "NULL"}, "both are texts as they are", unhurt(safe)),
		retyped("shorter texts", "rich_text", "text", []string{"'<b>a</b>'"}, "both are texts as they are", unhurt(safe)),
		{kind: "type", name: "slug to text: words", was: "x slug", now: "x text", x: []string{"'a-b'"}, why: "a slug is a text as it is, and a rule falls", known: unhurt(safe)},
		retyped("slugs", "text", "slug ununique", []string{"'a-b'", "'42'"}, "every text is a slug", unhurt(warning)),
		retyped("no slugs", "text", "slug ununique", []string{"'a-b'", "'A'", "'a--b'", "'a b'", "'é'"}, "four texts are none",
			altered(4, "type_changed 4", "x.2", none, "x.3", none, "x.4", none, "x.5", none)),
		retyped("times in UTC", "text", "datetime", []string{"'2024-02-29T12:00:00Z'", "'2024-01-02T03:04:05.5Z'"}, "they are exactly how the time is written", unhurt(warning)),
		retyped("other ways to write a time", "text", "datetime", []string{"'2024-01-02'", "'2024-01-02T03:04:05+01:00'", "'2024-01-02T03:04:05.50Z'"},
			"the moment is kept and how it was written is not",
			altered(3, "type_changed 3", "x.1", "2024-01-02T00:00:00Z", "x.2", "2024-01-02T02:04:05Z", "x.3", "2024-01-02T03:04:05.5Z")),
		retyped("days that there are not", "text", "datetime", []string{"'2023-02-29'", "'2024-13-01'", "'10000-01-01'", "'2024-01-02 03:04:05'", "'now'"},
			"no time is written like that",
			altered(5, "type_changed 5", "x.1", none, "x.2", none, "x.3", none, "x.4", none, "x.5", none)),
		retyped("the 23:59:60 of some years", "text", "datetime", []string{"'2016-12-31T23:59:60Z'"}, "no column holds a leap second",
			altered(1, "type_changed 1", "x.1", none)),
		retyped("objects", "text", "component{a integer}", []string{`'{"a": 1}'`, `'{}'`}, "every text is exactly how the object is written", unhurt(warning, "x.1", `={"a":1}`)),
		differently(retyped("objects without a blank", "text", "component{a integer}", []string{`'{"a":1}'`}, "PostgreSQL does not keep the white space of an object",
			unhurt(warning)), altered(1, "type_changed 1")),
		retyped("no objects", "text", "component{a integer}", []string{`'{a}'`, `'[1]'`, `'{"a":1,"a":2}'`, `''`, `'null'`}, "none is an object",
			altered(5, "type_changed 5", "x.1", none, "x.2", none, "x.3", none, "x.4", none, "x.5", none)),
	}
}

func fromNumbers() []change {
	return []change{
		retyped("every number", "integer", "text", []string{"0", "-5", "9223372036854775807"}, "every number has one way to be written", unhurt(warning)),
		retyped("numbers that a float holds", "integer", "float", []string{"1", "9007199254740992"}, "a float holds them exactly",
			unhurt(warning, "x.2", "=9.007199254740992e+15")),
		retyped("a number that no float holds", "integer", "float", []string{"9007199254740993", "2"}, "the nearest float is another number",
			altered(1, "type_changed 1", "x.1", none)),
		retyped("zero and one", "integer", "boolean", []string{"0", "1"}, "they are how false and true are counted", unhurt(warning, "x.1", "=false", "x.2", "=true")),
		retyped("two", "integer", "boolean", []string{"1", "2", "-1"}, "two numbers are neither", altered(2, "type_changed 2", "x.1", "=true", "x.2", none, "x.3", none)),
		retyped("seconds", "integer", "datetime", []string{"1704164645"}, "it counts the seconds since 1970", unhurt(warning, "x.1", "=2024-01-02T03:04:05Z")),
		retyped("seconds out of range", "integer", "datetime", []string{"253402300800"}, "it is a second after the year 9999", altered(1, "type_changed 1", "x.1", none)),
		retyped("a number as an object", "integer", "component{n integer}", []string{"1"}, "no number is an object", altered(1, "type_changed 1", "x.1", none)),
		retyped("whole numbers", "float", "integer", []string{"5.0", "-3.0"}, "they have no fraction", unhurt(warning)),
		retyped("fractions", "float", "integer", []string{"1.7", "2.0"}, "one has a fraction: it is neither 1 nor 2", altered(1, "type_changed 1", "x.1", none)),
		retyped("more than 64 bits", "float", "integer", []string{"1e300", "9223372036854775808.0"}, "both are larger than any such number",
			altered(2, "type_changed 2", "x.1", none, "x.2", none)),
		differently(retyped("minus zero", "float", "integer", []string{"-0.0"}, "it equals zero", unhurt(warning, "x.1", "=0")), unhurt(warning, "x.1", "=0")),
		retyped("every number", "float", "text", []string{"0.1", "1e300", "2.0"}, "every float has a shortest way to be written", unhurt(warning)),
		exclusively(sqlite, retyped("infinity", "float", "text", []string{"9e999", "1.0"}, "it is no number that can be written", altered(1, "type_changed 1", "x.1", none))),
		exclusively(postgres, retyped("infinite", "float", "text", []string{"'-Infinity'", "1.0"}, "it is no number that can be written",
			altered(1, "type_changed 1", "x.1", none))),
		exclusively(postgres, retyped("not a number", "float", "text", []string{"'NaN'"}, "it is no number that can be written", altered(1, "type_changed 1", "x.1", none))),
		retyped("a half", "float", "boolean", []string{"0.5", "1.0"}, "it is neither", altered(1, "type_changed 1", "x.1", none, "x.2", "=true")),
		retyped("both", "boolean", "text", []string{"true", "false", "NULL"}, "each has one way to be written", unhurt(warning)),
		retyped("both", "boolean", "integer", []string{"true", "false"}, "they are counted 1 and 0", unhurt(warning, "x.1", "=1", "x.2", "=0")),
		retyped("both", "boolean", "datetime", []string{"true", "NULL"}, "true is no time", altered(1, "type_changed 1", "x.1", none)),
		retyped("times in UTC", "datetime", "text", []string{"'2024-02-29T12:00:00Z'", "'2024-01-02T03:04:05.5Z'"}, "each has one way to be written", unhurt(warning)),
		differently(retyped("a time with an offset", "datetime", "text", []string{"'2024-01-02T03:04:05+01:00'"},
			"SQLite has the text of another program, which becomes one in UTC; PostgreSQL has the moment",
			altered(1, "type_changed 1", "x.1", "2024-01-02T02:04:05Z")), unhurt(warning)),
		retyped("whole seconds", "datetime", "integer", []string{"'2024-01-02T03:04:05Z'"}, "they can be counted", unhurt(warning, "x.1", "=1704164645")),
		retyped("half a second", "datetime", "integer", []string{"'2024-01-02T03:04:05.5Z'"}, "no whole number is half a second", altered(1, "type_changed 1", "x.1", none)),
		retyped("objects", "component{n integer}", "text", []string{`'{"n": 1}'`}, "an object has a text", unhurt(warning, "x.1", `={"n": 1}`)),
		retyped("objects", "component{n integer}", "boolean", []string{`'{"n": 1}'`}, "no object is true or false", altered(1, "type_changed 1", "x.1", none)),
	}
}

// storage is what other programs can leave in a column of SQLite, which holds any type of value.
func storage() []change {
	return []change{
		exclusively(sqlite, retyped("a text among numbers", "integer", "text", []string{"1", "'abc'"}, "a text in place of a number is none",
			altered(1, "type_changed 1", "x.2", none))),
		exclusively(sqlite, retyped("a fraction among whole numbers", "integer", "float", []string{"1", "1.5"}, "a fraction in place of a whole number is none",
			altered(1, "type_changed 1", "x.2", none))),
		exclusively(sqlite, retyped("bytes among texts", "text", "integer", []string{"'1'", "x'32'"}, "bytes in place of a text are none",
			altered(1, "type_changed 1", "x.2", none))),
		exclusively(sqlite, retyped("a number among truths", "boolean", "text", []string{"1", "2"}, "two is neither true nor false",
			altered(1, "type_changed 1", "x.1", "=true", "x.2", none))),
		exclusively(sqlite, retyped("words among times", "datetime", "text", []string{"'2024-01-02 03:04:05'", "'soon'"},
			"a text in place of a time stays as it is; that it would not become a time again is said", unhurt(warning).risky("type_changed 2"))),
		exclusively(sqlite, retyped("words among components", "component{n integer}", "text", []string{"'no json'"},
			"a text in place of a component stays as it is; that it would not become a component again is said", unhurt(warning).risky("type_changed 1"))),
		exclusively(sqlite, retyped("bytes in a freer text", "text", "rich_text", []string{"x'00ff'"}, "the column stays as it is", unhurt(safe))),
		{
			kind: "required", name: "bytes and texts are values", was: "x integer", now: "x integer required", only: sqlite, x: []string{"1", "'abc'", "x''"},
			why: "whatever they are, they are not NULL", known: unhurt(safe),
		},
		{
			kind: "cardinality", name: "one to many, a text among numbers", was: "x integer", now: "x integer many", only: sqlite, x: []string{"1", "'abc'"},
			why: "values go on as they are", known: unhurt(warning),
		},
	}
}

func together() []change {
	const kind = "several at once"
	return []change{
		{
			kind: kind, name: "a type and required, all fit", was: "x text", now: "x integer required", x: []string{"'1'", "'2'"},
			why: "every text is a number, and no row lacks one", known: unhurt(warning),
		},
		{
			kind: kind, name: "a type and required, one does not fit", was: "x text required", now: "x integer required", x: []string{"'1'", "'a'"},
			why: "one text is no number, and its row needs a value", known: asked(1, "type_changed 1, type_changed 1", "backfill:note.x=7", "x.2", "7"),
		},
		{
			kind: kind, name: "a type and unique, different numbers", was: "x text", now: "x integer unique", x: []string{"'1'", "'2'"},
			why: "every text is a number, and no two are equal", known: unhurt(warning),
		},
		{
			kind: kind, name: "a type and unique, the same number", was: "x text unique", now: "x integer unique", x: []string{"'1'", "'01'"},
			why: "two texts are the same number", known: inTheWay(1, "type_changed 1, type_changed 1"),
		},
		{
			kind: kind, name: "a type and a list", was: "x text", now: "x integer many", x: []string{"'1'", "'a'", "NULL"},
			why: "one text is no number", known: altered(1, "type_changed 1", "x.2", gone),
		},
		{
			kind: kind, name: "a list of another type that fits", was: "x text many", now: "x integer many", list: []string{"1 '1'", "1 '2'"},
			why: "every text is a number", known: unhurt(warning),
		},
		{
			kind: kind, name: "a list of another type that does not fit", was: "x text many", now: "x integer many", list: []string{"1 'a'", "1 '2'"},
			why: "one text is no number and leaves the list", known: altered(1, "type_changed 1", "x.1", "2", "x.1.1", gone),
		},
		{
			kind: kind, name: "a list of another type that becomes one", was: "x text many", now: "x integer", list: []string{"1 '1'", "1 'a'"},
			why:   "the second value goes out of use, whatever it is",
			known: hidden(1, "type_changed 1, type_changed 1", "x.1.1", gone),
		},
		{
			kind: kind, name: "a new field and a label", was: "x text", now: "x text label=Title; y text", x: []string{"'a'"},
			why: "neither touches a value", known: unhurt(safe),
		},
		{
			kind: kind, name: "required here, removed there", was: "x text; y text", now: "x text required", x: []string{"'a'"},
			sql: []string{`UPDATE content_note SET y = 'b'`}, why: "one value goes out of use", known: hidden(1, "field_removed 1", "y.1", gone),
		},
		{
			kind: kind, name: "two fields, one is harmless", was: "x text; y text", now: "x text unique; y integer", x: []string{"'a'", "'b'"},
			sql: []string{`UPDATE content_note SET y = '1'`}, why: "different texts, and texts that are numbers", known: unhurt(warning),
		},
		{
			kind: kind, name: "unique falls and required comes", was: "x text unique", now: "x text required", x: []string{"'a'", "'b'"},
			why: "no row lacks a value", known: unhurt(safe),
		},
		{
			kind: kind, name: "a new type, empty, beside a reference to it", was: "x text", now: "x text; r entity_reference to=other", otherNow: "y text",
			x: []string{"'a'"}, why: "nothing points anywhere yet", known: unhurt(safe),
		},
	}
}

// many are tables of 10,000 rows of which one is different. Where every one of them is read
// and written several times, or is in order, SQLite has 1,000.
func many() []change {
	const kind = "many rows"
	of := func(name, was, now, value, odd, why string, rows int, k known) change {
		pick := fmt.Sprintf("CASE WHEN i = 777 THEN %s ELSE %s END", odd, value)
		return change{
			kind: kind, name: name, was: was, now: now, why: why, known: k,
			sqlite: []string{fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
				INSERT INTO content_note (id, x) SELECT i, %s FROM n`, rows, pick)},
			postgres: []string{`INSERT INTO content_note (id, x) SELECT i::text, ` + pick + ` FROM generate_series(1, 10000) AS n(i)`},
		}
	}
	return []change{
		of("all are numbers", "x text", "x integer", "CAST(i AS TEXT)", "'777'", "every text is a number", 1000, unhurt(warning)),
		of("one is no number", "x text", "x integer", "CAST(i AS TEXT)", "'777x'", "one text is no number", 1000, altered(1, "type_changed 1", "x.777", none)),
		of("one is empty", "x text", "x text required", "'a'", "NULL", "one row lacks a value", 10000,
			asked(1, "optional_to_required 1", "backfill:note.x=v", "x.777", "v")),
		of("none is empty", "x text", "x text required", "'a'", "''", "no row lacks a value", 1000, unhurt(safe)),
		of("one stands twice", "x text", "x text unique", "CAST(i AS TEXT)", "'778'", "one value stands twice", 10000, inTheWay(1, "unique_added 1")),
		of("none stands twice", "x text", "x text unique", "CAST(i AS TEXT)", "'X'", "no two are equal", 1000, unhurt(safe)),
		of("one has a value", "x text; y text", "y text", "NULL", "'a'", "one value goes out of use", 1000, hidden(1, "field_removed 1", "x.777", gone)),
	}
}
