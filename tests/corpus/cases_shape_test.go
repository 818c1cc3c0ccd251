package corpus_test

func several() []change {
	const kind = "cardinality"
	return []change{
		{kind: kind, name: "one to many, no rows", was: "x text", now: "x text many", why: "there are no values", known: unhurt(warning)},
		{
			kind: kind, name: "one to many", was: "x text", now: "x text many", x: []string{"'a'", "NULL", "''", "'🎉'"},
			why: "each value becomes the first of a list", known: unhurt(warning),
		},
		{
			kind: kind, name: "one to many with revisions", was: "versioned; x integer", now: "versioned; x integer many", x: []string{"1"},
			sql: []string{`INSERT INTO content_revisions_note (id, rid, x) VALUES ('1', 1, 7)`},
			why: "each value becomes the first of a list, those of revisions too", known: unhurt(warning),
		},
		{
			kind: kind, name: "one to many, unique", was: "x text unique", now: "x text many unique", x: []string{"'a'", "'b'"},
			why: "each value becomes the first of a list, and no two are equal", known: unhurt(warning),
		},
		{
			kind: kind, name: "one to many of a component", was: "x component{n integer}", now: "x component many{n integer}", x: []string{`'{"n":1}'`},
			why: "each value becomes the first of a list", known: unhurt(warning),
		},
		{
			kind: kind, name: "one to three", was: "x datetime", now: "x datetime max=3", x: []string{"'2026-01-01T00:00:00Z'"},
			why: "each value becomes the first of a list", known: unhurt(warning),
		},
		{
			kind: kind, name: "a higher limit", was: "x text max=2", now: "x text max=5", list: []string{"1 'a'", "1 'b'"},
			why: "a rule becomes weaker", known: unhurt(warning),
		},
		{
			kind: kind, name: "no limit any more", was: "x text max=2", now: "x text many", list: []string{"1 'a'", "1 'b'"},
			why: "a rule falls", known: unhurt(warning),
		},
		{kind: kind, name: "a limit, no rows", was: "x text many", now: "x text max=2", why: "there are no values", known: unhurt(warning)},
		{
			kind: kind, name: "a limit that every row keeps exactly", was: "x text many", now: "x text max=2", list: []string{"1 'a'", "1 'b'", "2 'c'"},
			why: "no row has more than two", known: unhurt(warning),
		},
		{
			kind: kind, name: "a limit that a row is over", was: "x text many", now: "x text max=2", list: []string{"1 'a'", "1 'b'", "1 'c'", "2 'd'"},
			why: "one row has three and keeps them", known: broken(1, "cardinality_lowered 1"),
		},
		{
			kind: kind, name: "a lower limit that two rows are over", was: "x integer max=5", now: "x integer max=2",
			list: []string{"1 1", "1 2", "1 3", "2 4", "2 5", "2 6", "2 7"},
			why:  "two rows have more than two and keep them", known: broken(2, "cardinality_lowered 2"),
		},
		{kind: kind, name: "many to one, no rows", was: "x text many", now: "x text", why: "there are no values", known: unhurt(warning)},
		{
			kind: kind, name: "many to one, no row has more", was: "x text many", now: "x text", list: []string{"1 'a'", "2 'b'"},
			sql: []string{`INSERT INTO content_note (id) VALUES ('3')`},
			why: "the one value of each row goes on", known: unhurt(warning),
		},
		{
			kind: kind, name: "many to one, a row has three", was: "x text many", now: "x text", list: []string{"1 'a'", "1 'b'", "1 'c'", "2 'd'"},
			why: "the second and third go out of use", known: hidden(2, "cardinality_lowered 1", "x.1.1", gone, "x.1.2", gone),
		},
		{
			kind: kind, name: "many to one, the same value twice", was: "x integer many", now: "x integer", list: []string{"1 5", "1 5"},
			why: "the second goes out of use, equal or not", known: hidden(1, "cardinality_lowered 1", "x.1.1", gone),
		},
		{
			kind: kind, name: "many to one, only a revision has two", was: "versioned; x text many", now: "versioned; x text", list: []string{"1 'a'"},
			sql: []string{
				`INSERT INTO content_revisions_note (id, rid) VALUES ('1', 1)`,
				`INSERT INTO field_revisions_note_x (id, rid, parent_id, value, sort_order) VALUES ('r', 1, '1', 'was', 0)`,
				`INSERT INTO field_revisions_note_x (id, rid, parent_id, value, sort_order) VALUES ('s', 1, '1', 'too', 1)`,
			},
			why: "the second value of the revision goes out of use", known: hidden(1, "cardinality_lowered 1", "x.1@1.1", gone),
		},
		{
			kind: kind, orphans: true, name: "many to one, a value of no row", was: "x text many", now: "x text", list: []string{"1 'a'"},
			sql:   []string{`INSERT INTO field_note_x (id, parent_id, value) VALUES ('z', '9', 'lost')`},
			why:   "a value goes out of use, whose row is gone already",
			known: hidden(1, "cardinality_lowered 1", "x.9", gone),
		},
		{
			kind: kind, name: "many to one, required and a row has none", was: "x text many", now: "x text required", list: []string{"1 'a'"},
			sql: []string{`INSERT INTO content_note (id) VALUES ('2')`},
			why: "one row lacks a value", known: asked(1, "cardinality_lowered 1", "backfill:note.x=v", "x.2", "v"),
		},
		{
			kind: kind, name: "many to one, unique and equal firsts", was: "x text many", now: "x text unique", list: []string{"1 'a'", "2 'a'"},
			why: "both rows would have the same value", known: inTheWay(1, "cardinality_lowered 1"),
		},
	}
}

func referring() []change {
	const kind = "reference"
	rows := []string{`INSERT INTO content_other (id) VALUES ('a')`, `INSERT INTO content_other (id) VALUES ('b')`}
	return []change{
		{
			kind: kind, name: "another target, no rows", was: "x entity_reference to=note", now: "x entity_reference to=other", other: "y text",
			why: "nothing points anywhere", known: unhurt(warning),
		},
		{
			kind: kind, name: "another target that has every row", was: "x entity_reference to=note", now: "x entity_reference to=other", other: "y text",
			x: []string{"'a'", "'b'", "NULL"}, sql: rows, why: "every value is the id of a row there", known: unhurt(warning),
		},
		{
			kind: kind, name: "another target that lacks a row", was: "x entity_reference to=note", now: "x entity_reference to=other", other: "y text",
			x: []string{"'a'", "'1'", "NULL"}, sql: rows, why: "one value is the id of no row there, and stays", known: broken(1, "target_changed 1"),
		},
		{
			kind: kind, name: "another target, upper case", was: "x entity_reference to=note", now: "x entity_reference to=other", other: "y text",
			x: []string{"'A'"}, sql: rows, why: "an id is its bytes: A is not a", known: broken(1, "target_changed 1"),
		},
		{
			kind: kind, name: "another target of a list", was: "x entity_reference to=note many", now: "x entity_reference to=other many", other: "y text",
			list: []string{"1 'a'", "1 'gone'", "2 'b'"}, sql: rows, why: "one value is the id of no row there, and stays", known: broken(1, "target_changed 1"),
		},
		{
			kind: kind, name: "a text that is ids", was: "x text", now: "x entity_reference to=other", other: "y text",
			x: []string{"'a'", "NULL"}, sql: rows, why: "every text is the id of a row", known: unhurt(warning),
		},
		{
			kind: kind, name: "a text that is none", was: "x text", now: "x entity_reference to=other", other: "y text",
			x: []string{"'a'", "'words'", "''"}, sql: rows, why: "two texts are the id of no row, and stay", known: broken(2, "type_changed 2, target_changed 2"),
		},
		{
			kind: kind, name: "a reference as a text", was: "x entity_reference to=other", now: "x text", other: "y text",
			x: []string{"'a'", "'gone'"}, sql: rows, why: "every id is a text as it is", known: unhurt(warning),
		},
		{
			kind: kind, name: "a number that is ids", was: "x integer", now: "x entity_reference to=note", x: []string{"1", "2"},
			why: "every number is written as the id of a row", known: unhurt(warning),
		},
		{
			kind: kind, name: "a number that is none", was: "x integer", now: "x entity_reference to=note", x: []string{"1", "7"},
			why: "one number is written as the id of no row, and goes on as a text", known: broken(1, "target_changed 1"),
		},
	}
}

func components() []change {
	const kind = "component"
	rows := []string{`'{"n":1,"m":"a"}'`, `'{"n":2}'`, "NULL"}
	return []change{
		{kind: kind, name: "a field more, no rows", was: "x component{n integer}", now: "x component{n integer, m text}", why: "there are no values", known: unhurt(safe)},
		{
			kind: kind, name: "a field more", was: "x component{n integer}", now: "x component{n integer, k text}", x: rows,
			why: "a component may be without it", known: unhurt(safe),
		},
		{
			kind: kind, name: "a field more that other programs wrote already", was: "x component{n integer}", now: "x component{n integer, m integer}", x: rows,
			why: "one component has a text there, which is no number", known: broken(1, "component_changed 1"),
		},
		{kind: kind, name: "a required field more, no rows", was: "x component{n integer}", now: "x component{n integer, k text required}", why: "nothing lacks it", known: unhurt(safe)},
		{
			kind: kind, name: "a required field more", was: "x component{n integer}", now: "x component{n integer, k text required}", x: rows,
			why: "two components lack it and stay as they are", known: broken(2, "component_changed 2"),
		},
		{
			kind: kind, name: "a field less without values", was: "x component{n integer, k text}", now: "x component{n integer}", x: rows,
			why: "no component has a value there", known: unhurt(warning),
		},
		{
			kind: kind, name: "a field less with values", was: "x component{n integer, m text}", now: "x component{n integer}", x: rows,
			why: "one component has a value there, which no reader shows any more", known: hidden(1, "component_changed 1"),
		},
		{
			kind: kind, name: "a label inside", was: "x component{n integer}", now: "x component{n integer label=Number}", x: rows,
			why: "a label is for people", known: unhurt(safe),
		},
		{
			kind: kind, name: "a field that becomes required, all have it", was: "x component{n integer}", now: "x component{n integer required}", x: rows,
			why: "no component lacks it", known: unhurt(safe),
		},
		{
			kind: kind, name: "a field that becomes required, one lacks it", was: "x component{n integer, m text}", now: "x component{n integer, m text required}", x: rows,
			why: "one component lacks it and stays as it is", known: broken(1, "component_changed 1"),
		},
		{
			kind: kind, name: "a field of another type that fits", was: "x component{n integer}", now: "x component{n text}", x: []string{`'{"n":12}'`, "NULL"},
			why: "the number is exactly how the text is written", known: unhurt(warning, "x.1", `={"n":"12"}`),
		},
		{
			kind: kind, name: "a field of another type that does not fit", was: "x component{n text}", now: "x component{n integer}",
			x: []string{`'{"n":"12"}'`, `'{"n":"12abc"}'`}, why: "one text is no number and is left out",
			known: altered(1, "component_changed 1", "x.1", `={"n":12}`, "x.2", `{}`),
		},
		{
			kind: kind, name: "a required field more, inside a component", was: "x component{n integer, c component(a integer)}",
			now: "x component{n integer, c component(a integer|b text required)}",
			x:   []string{`'{"c":{"a":1}}'`, `'{"c":{"b":"x"}}'`, `'{"n":1}'`, `'{"c":null}'`},
			why: "one inner component lacks it, and where there is none nothing lacks it", known: broken(1, "component_changed 1"),
		},
		{
			kind: kind, name: "a field less, inside a component", was: "x component{c component(a integer|b text)}", now: "x component{c component(a integer)}",
			x:   []string{`'{"c":{"a":1}}'`, `'{"c":{"b":"x"}}'`, `'{"b":"x"}'`},
			why: "one inner component has a value there", known: hidden(1, "component_changed 1"),
		},
		{
			kind: kind, name: "a field less in a list of components", was: "x component many{n integer, m text}", now: "x component many{n integer}",
			list: []string{`1 '{"n":1}'`, `1 '{"m":"a"}'`, `2 '{"m":null}'`},
			why:  "one component of a list has a value there", known: hidden(1, "component_changed 1"),
		},
		{
			kind: kind, name: "a list inside that has one value from now on", was: "x component{n integer many}", now: "x component{n integer}",
			x:   []string{`'{"n":[1,2]}'`, `'{}'`},
			why: "one component has a list where a number is expected, and keeps it", known: broken(1, "component_changed 1"),
		},
		{
			kind: kind, name: "one field fits another type, one leaves", was: "x component{n integer, m text}", now: "x component{n text}",
			x:          []string{`'{"n":12,"m":"a"}'`},
			why:        "the number is exactly how the text is written; the other value has no place any more",
			known:      hidden(1, "component_changed 1", "x.1", `={"n":"12","m":"a"}`),
			onPostgres: &known{fate: hides, n: 1, grade: breaking, risks: []string{"component_changed 1"}, becomes: map[string]string{"x.1": `={"m":"a","n":"12"}`}},
		},
		{
			kind: kind, name: "a text in its place", was: "x component{n text}", now: "x component{n integer}", only: sqlite,
			x: []string{`'{"n":"12"}'`, `'no json'`}, why: "what is no component stays as it is",
			known: unhurt(warning, "x.1", `={"n":12}`),
		},
	}
}

func versions() []change {
	const kind = "revisions"
	rows := []string{
		`INSERT INTO content_revisions_note (id, rid, x) VALUES ('1', 1, 'was')`, `INSERT INTO content_revisions_note (id, rid, x) VALUES ('1', 2, NULL)`,
	}
	return []change{
		{
			kind: kind, name: "on", was: "x text; y text many", now: "versioned; x text; y text many", x: []string{"'a'"},
			why: "there are none yet, and the rows stay", known: unhurt(warning),
		},
		{kind: kind, name: "off without any", was: "versioned; x text", now: "x text", x: []string{"'a'"}, why: "there are none", known: unhurt(safe)},
		{
			kind: kind, name: "off with two", was: "versioned; x text", now: "x text", x: []string{"'a'"}, sql: rows,
			why: "two revisions go out of use, and the rows stay", known: hidden(2, "versioned_changed 2", revisions, gone).graded(warning),
		},
		{
			kind: kind, name: "off with values of a list only", was: "versioned; x text; y text many", now: "x text; y text many", x: []string{"'a'"},
			sql: []string{`INSERT INTO field_revisions_note_y (id, rid, parent_id, value) VALUES ('r', 1, '1', 'was')`},
			why: "a value of a revision goes out of use", known: hidden(1, "versioned_changed 1", revisions, gone).graded(warning),
		},
		{
			kind: kind, name: "on again", was: "versioned; x text", mid: "x text", now: "versioned; x text", x: []string{"'a'"}, sql: rows,
			why: "those of before come back beside the rows", known: unhurt(warning, "row.1@1", all, "row.1@2", all, "x.1@1", "was"),
		},
		{
			kind: kind, name: "converted with the rows", was: "versioned; x text", now: "versioned; x integer", x: []string{"'1'"},
			sql: []string{`INSERT INTO content_revisions_note (id, rid, x) VALUES ('1', 1, '12')`},
			why: "every text is exactly how its number is written, that of the revision too", known: unhurt(warning),
		},
		{
			kind: kind, name: "not converted as the rows are", was: "versioned; x text", now: "versioned; x integer", x: []string{"'1'"}, sql: rows,
			why: "the text of one revision is no number", known: altered(1, "type_changed 1", "x.1@1", none),
		},
	}
}
