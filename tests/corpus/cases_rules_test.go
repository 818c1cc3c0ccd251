package corpus_test

func required() []change {
	const kind = "required"
	return []change{
		{kind: kind, name: "no rows", was: "x text", now: "x text required", why: "nothing lacks it", known: unhurt(safe)},
		{kind: kind, name: "every row has a value", was: "x text", now: "x text required", x: []string{"'a'", "'b'"}, why: "nothing lacks it", known: unhurt(safe)},
		{
			kind: kind, name: "empty texts and blanks", was: "x text", now: "x text required", x: []string{"''", "' '"},
			why: "an empty text is a value", known: unhurt(safe),
		},
		{
			kind: kind, name: "zero and false", was: "x boolean; y integer", now: "x boolean required; y integer required", x: []string{"false"},
			sql: []string{`UPDATE content_note SET y = 0`}, why: "zero and false are values", known: unhurt(safe),
		},
		{
			kind: kind, name: "an empty row", was: "x text", now: "x text required", x: []string{"'a'", "NULL", "NULL"},
			why:   "two rows lack a value",
			known: asked(2, "optional_to_required 2", "backfill:note.x=v", "x.2", "v", "x.3", "v"),
		},
		{
			kind: kind, name: "an empty row and a default", was: "x integer", now: "x integer required default=5", x: []string{"1", "NULL"},
			why: "the default is taken for the row without a value", known: altered(1, "optional_to_required 1", "x.2", "5"),
		},
		{
			kind: kind, name: "an empty component", was: "x component{n integer}", now: "x component required{n integer}", x: []string{"NULL", `'{}'`},
			why: "one row has no component, not even an empty one", known: asked(1, "optional_to_required 1", `backfill:note.x={"n":1}`, "x.1", `{"n":1}`),
		},
		{
			kind: kind, name: "an empty truth", was: "x boolean", now: "x boolean required", x: []string{"true", "NULL"},
			why: "one row is neither true nor false", known: asked(1, "optional_to_required 1", "backfill:note.x=false", "x.2", "false"),
		},
		{
			kind: kind, name: "only a revision is empty", was: "versioned; x text", now: "versioned; x text required", x: []string{"'a'"},
			sql: []string{`INSERT INTO content_revisions_note (id, rid, x) VALUES ('1', 1, NULL)`},
			why: "a revision may have been written under other rules", known: unhurt(safe),
		},
		{
			kind: kind, name: "a list of every row", was: "x text many", now: "x text many required", list: []string{"1 'a'", "2 ''"},
			why: "every row has a value", known: unhurt(safe),
		},
		{
			kind: kind, name: "a list that a row lacks", was: "x text many", now: "x text many required", list: []string{"1 'a'", "1 'b'"},
			sql: []string{`INSERT INTO content_note (id) VALUES ('2')`},
			why: "one row has no value of it and stays as it is", known: broken(1, "optional_to_required 1"),
		},
		{
			kind: kind, orphans: true, name: "a list whose only value is of no row", was: "x text many", now: "x text many required",
			sql: []string{`INSERT INTO content_note (id) VALUES ('2')`, `INSERT INTO field_note_x (id, parent_id, value) VALUES ('a', '9', 'lost')`},
			why: "a value of another row is none of this one", known: broken(1, "optional_to_required 1"),
		},
		{
			kind: kind, name: "and unique, one row is empty", was: "x text", now: "x text required unique", x: []string{"'a'", "NULL"},
			why: "one row lacks a value", known: asked(1, "optional_to_required 1", "backfill:note.x=b", "x.2", "b"),
		},
		{kind: kind, name: "not any more", was: "x text required", now: "x text", x: []string{"'a'"}, why: "a rule falls", known: unhurt(safe)},
		{kind: kind, name: "a list not any more", was: "x text many required", now: "x text many", list: []string{"1 'a'"}, why: "a rule falls", known: unhurt(safe)},
	}
}

func unique() []change {
	const kind = "unique"
	one := func(name string, values []string, why string, k known) change {
		return change{kind: kind, name: name, was: "x text", now: "x text unique", x: values, why: why, known: k}
	}
	times := []string{"'2026-01-01T00:00:00Z'", "'2026-01-01T01:00:00+01:00'"}
	instant := inTheWay(1, "unique_added 1")
	return []change{
		one("no rows", nil, "there are no values", unhurt(safe)),
		one("one row", []string{"'a'"}, "there is one value", unhurt(safe)),
		one("different values", []string{"'a'", "'b'", "'c'"}, "no two are equal", unhurt(safe)),
		one("equal values", []string{"'a'", "'b'", "'a'", "'b'"}, "two values stand twice", inTheWay(2, "unique_added 2")),
		one("no values", []string{"NULL", "NULL", "'a'"}, "no value is no equal value", unhurt(safe)),
		one("empty texts", []string{"''", "''"}, "an empty text is a value", inTheWay(1, "unique_added 1")),
		one("upper and lower case", []string{"'a'", "'A'"}, "they are different bytes", unhurt(safe)),
		one("a blank at the end", []string{"'a'", "'a '"}, "they are different bytes", unhurt(safe)),
		one("composed and decomposed", []string{"'caf\u00e9'", "'cafe\u0301'"}, "they look the same and are different bytes", unhurt(safe)),
		one("letters that some languages take for one", []string{"'straße'", "'strasse'"}, "they are different bytes", unhurt(safe)),
		one("the same emoji", []string{"'🎉'", "'🎉'"}, "one value stands twice", inTheWay(1, "unique_added 1")),
		{kind: kind, name: "not any more", was: "x slug", now: "x slug ununique", x: []string{"'a'", "'b'"}, why: "a rule falls", known: unhurt(safe)},
		{
			kind: kind, name: "large numbers that differ by one", was: "x integer", now: "x integer unique", x: []string{"9007199254740992", "9007199254740993"},
			why: "a whole number is not rounded", known: unhurt(safe),
		},
		{
			kind: kind, name: "zero and minus zero", was: "x float", now: "x float unique", x: []string{"0.0", "-0.0"},
			why: "both databases take them for equal", known: inTheWay(1, "unique_added 1"),
		},
		{
			kind: kind, name: "floats that are the same number", was: "x float", now: "x float unique", x: []string{"0.1", "0.10000000000000001"},
			why: "both are written as the same float", known: inTheWay(1, "unique_added 1"),
		},
		{
			kind: kind, name: "no number twice", was: "x float", now: "x float unique", only: postgres, x: []string{"'NaN'", "'NaN'"},
			why: "PostgreSQL takes NaN for equal to itself", known: inTheWay(1, "unique_added 1"),
		},
		{
			kind: kind, name: "one moment in two zones", was: "x datetime", now: "x datetime unique", x: times,
			why:   "SQLite stores the texts, which differ; PostgreSQL stores the moment, which is the same",
			known: unhurt(safe), onPostgres: &instant,
		},
		{
			kind: kind, name: "a text and the same bytes that are none", was: "x text", now: "x text unique", only: sqlite, x: []string{"'a'", "x'61'"},
			why: "SQLite never takes a text and bytes for equal", known: unhurt(safe),
		},
		{
			kind: kind, name: "a number that is written as a text", was: "x integer", now: "x integer unique", only: sqlite, x: []string{"1", "'1'"},
			why: "the column makes a number of the text when it is written", known: inTheWay(1, "unique_added 1"),
		},
		{
			kind: kind, name: "only revisions are equal", was: "versioned; x text", now: "versioned; x text unique", x: []string{"'a'"},
			sql: []string{`INSERT INTO content_revisions_note (id, rid, x) VALUES ('1', 1, 'a')`, `INSERT INTO content_revisions_note (id, rid, x) VALUES ('1', 2, 'a')`},
			why: "a revision may have been written under other rules", known: unhurt(safe),
		},
		{
			kind: kind, name: "a list of different values", was: "x text many", now: "x text many unique", list: []string{"1 'a'", "1 'b'", "2 'c'"},
			why: "no two are equal", known: unhurt(safe),
		},
		{
			kind: kind, name: "a list, equal in two rows", was: "x text many", now: "x text many unique", list: []string{"1 'a'", "2 'a'"},
			why: "one value stands twice", known: inTheWay(1, "unique_added 1"),
		},
		{
			kind: kind, orphans: true, name: "a list, equal to a value of no row", was: "x text many", now: "x text many unique", list: []string{"1 'a'"},
			sql: []string{`INSERT INTO field_note_x (id, parent_id, value) VALUES ('z', '9', 'a')`},
			why: "the table holds it twice, whoever it belongs to", known: inTheWay(1, "unique_added 1"),
		},
		{
			kind: kind, name: "a field with a default, different values", was: "z text", mid: "z text; x integer default=5", now: "z text; x integer unique default=5",
			sql: []string{`INSERT INTO content_note (id) VALUES ('1')`}, midSQL: []string{`INSERT INTO content_note (id, x) VALUES ('2', 6)`},
			why: "no two are equal", known: unhurt(safe),
		},
		{
			kind: kind, name: "a field with a default, equal values", was: "z text", mid: "z text; x integer default=5", now: "z text; x integer unique default=5",
			sql: []string{`INSERT INTO content_note (id) VALUES ('1')`, `INSERT INTO content_note (id) VALUES ('2')`},
			why: "both rows got the default when the field came", known: inTheWay(1, "unique_added 1"),
		},
	}
}

func indexed() []change {
	const kind = "indexed"
	long := inTheWay(1, "index_added 1")
	mayGrow := unhurt(warning)
	return []change{
		{kind: kind, name: "short texts", was: "x text", now: "x text indexed", x: []string{"'a'", "'a'", "NULL"}, why: "an index changes no value", known: unhurt(safe)},
		{kind: kind, name: "numbers", was: "x integer", now: "x integer indexed", x: []string{"1", "1"}, why: "an index changes no value", known: unhurt(safe)},
		{kind: kind, name: "a list", was: "x text many", now: "x text many indexed", list: []string{"1 'a'", "1 'a'"}, why: "an index changes no value", known: unhurt(safe)},
		{kind: kind, name: "not any more", was: "x text indexed", now: "x text", x: []string{"'a'"}, why: "an index changes no value", known: unhurt(safe)},
		{
			kind: kind, name: "a long text of few words", was: "x long_text", now: "x long_text indexed", x: []string{"'a'"},
			why:   "an index changes no value; on PostgreSQL it refuses longer ones from then on, which is said",
			known: unhurt(safe), onPostgres: &mayGrow,
		},
		{
			kind: kind, name: "a text of 2,600 bytes", was: "x text", now: "x text indexed",
			sqlite:   []string{`INSERT INTO content_note (id, x) VALUES ('1', substr(hex(randomblob(1300)), 1, 2600))`},
			postgres: []string{`INSERT INTO content_note (id, x) SELECT '1', left(string_agg(md5(i::text), ''), 2600) FROM generate_series(1, 90) AS i`},
			why:      "an index of PostgreSQL holds 2,600 bytes, and one of SQLite any number", known: unhurt(safe),
		},
		{
			kind: kind, name: "a text of 3,000 bytes", was: "x text", now: "x text indexed",
			sqlite:   []string{`INSERT INTO content_note (id, x) VALUES ('1', hex(randomblob(1500)))`},
			postgres: []string{`INSERT INTO content_note (id, x) SELECT '1', left(string_agg(md5(i::text), ''), 3000) FROM generate_series(1, 99) AS i`},
			why:      "no index of PostgreSQL holds 3,000 bytes, and one of SQLite any number", known: unhurt(safe), onPostgres: &long,
		},
		{
			kind: kind, name: "1,300 letters of two bytes", was: "x text", now: "x text indexed",
			sqlite:   []string{`INSERT INTO content_note (id, x) VALUES ('1', replace(hex(zeroblob(650)), '0', 'é'))`},
			postgres: []string{`INSERT INTO content_note (id, x) VALUES ('1', repeat('é', 1300))`},
			why:      "bytes count: they are 2,600", known: unhurt(safe),
		},
		{
			kind: kind, name: "1,500 letters of two bytes", was: "x text", now: "x text indexed",
			sqlite:   []string{`INSERT INTO content_note (id, x) VALUES ('1', replace(hex(zeroblob(750)), '0', 'é'))`},
			postgres: []string{`INSERT INTO content_note (id, x) SELECT '1', string_agg(chr(192 + (hashtext(i::text) & 1023)), '') FROM generate_series(1, 1500) AS i`},
			why:      "bytes count: they are 3,000, too many for PostgreSQL", known: unhurt(safe), onPostgres: &long,
		},
	}
}
