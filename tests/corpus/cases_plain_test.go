package corpus_test

import "strings"

// corpus is every case.
func corpus() []*change {
	var list []*change
	for _, part := range [][]change{
		formatted(), added(), removed(), renamed(), recreated(),
		required(), unique(), indexed(),
		several(), referring(), components(), versions(),
		toNumbers(), toWords(), fromNumbers(), storage(), together(), many(),
	} {
		for i := range part {
			list = append(list, &part[i])
		}
	}
	return list
}

func formatted() []change {
	const kind = "text only"
	values := []string{"'a'", "NULL", "''"}
	return []change{
		{
			kind: kind, name: "a comment", was: "x text", now: "x text", x: values,
			edit:  func(text string) string { return "# for the editors\n" + text },
			why:   "a comment is not part of the definition",
			known: unhurt(safe),
		},
		{
			kind: kind, name: "quotes and blank lines", was: "x text", now: "x text", x: values,
			edit:  func(text string) string { return strings.Replace(text, "type: text", "type: 'text'\n", 1) },
			why:   "the same definition in another spelling",
			known: unhurt(safe),
		},
		{
			kind: kind, name: "fields in another order", was: "x text; y integer", now: "y integer; x text", x: values,
			why:   "the place of a field in the file is not stored",
			known: unhurt(safe),
		},
		{
			kind: kind, name: "a label", was: "x text", now: "x text label=Title", x: values,
			why: "a label is for people", known: unhurt(safe),
		},
		{
			kind: kind, name: "a description", was: "x text", now: "x text about=words", x: values,
			why: "a description is for people", known: unhurt(safe),
		},
		{
			kind: kind, name: "another name", was: "x text", now: "name=Paper; x text", x: values,
			why: "the tables are named after the id, not the name", known: unhurt(safe),
		},
		{
			kind: kind, name: "reads pull references in", was: "x text", now: "recursive; x text", x: values,
			why: "how rows are read is not stored with them", known: unhurt(safe),
		},
		{
			kind: kind, name: "a default for rows without a value", was: "x text", now: "x text default=d", x: values,
			why: "a default is for what is written from now on: NULL stays NULL", known: unhurt(safe),
		},
		{
			kind: kind, name: "another default", was: "x integer default=1", now: "x integer default=2", x: []string{"1", "NULL"},
			why: "rows that got the former default keep it", known: unhurt(safe),
		},
		{
			kind: kind, name: "no default any more", was: "x boolean default=true", now: "x boolean", x: []string{"true", "false"},
			why: "rows that got the default keep it", known: unhurt(safe),
		},
		{
			kind: kind, name: "another file", was: "x text; y integer many", now: "x text; y integer many", moved: true, x: values,
			sql: []string{`INSERT INTO field_note_y (id, parent_id, value) VALUES ('a', '1', 7)`},
			why: "the tables belong to the content type, whatever file it is in", known: unhurt(warning),
		},
		{
			kind: kind, name: "another file and a label", was: "x text", now: "x text label=Title", moved: true, x: values,
			why: "neither the file nor the label is stored with the rows", known: unhurt(warning),
		},
	}
}

func added() []change {
	const kind = "added"
	two := []string{"'a'", "'b'"}
	return []change{
		{kind: kind, name: "a content type", was: "-", now: "x text required", why: "there are no rows yet", known: unhurt(safe)},
		{kind: kind, name: "an optional field, no rows", was: "x text", now: "x text; y integer", why: "there are no rows", known: unhurt(safe)},
		{kind: kind, name: "an optional field", was: "x text", now: "x text; y integer", x: two, why: "rows may be without it", known: unhurt(safe)},
		{
			kind: kind, name: "an optional field with a default", was: "x text", now: "x text; y integer default=5", x: two,
			why: "rows get the default, and no value that was there changes", known: unhurt(safe, "y.1", "5", "y.2", "5"),
		},
		{
			kind: kind, name: "an optional field beside revisions", was: "versioned; x text", now: "versioned; x text; y integer", x: two,
			sql: []string{`INSERT INTO content_revisions_note (id, rid, x) VALUES ('1', 1, 'was')`},
			why: "rows and revisions may be without it", known: unhurt(safe),
		},
		{kind: kind, name: "a list", was: "x text", now: "x text; y text many", x: two, why: "a row may have no values", known: unhurt(safe)},
		{kind: kind, name: "a unique field", was: "x text", now: "x text; y text unique", x: two, why: "no value is no equal value", known: unhurt(safe)},
		{
			kind: kind, name: "a unique default for one row", was: "x text", now: "x text; y integer unique default=5", x: two[:1],
			why: "one row may have it", known: unhurt(safe, "y.1", "5"),
		},
		{
			kind: kind, name: "a unique default for two rows", was: "x text", now: "x text; y integer unique default=5", x: two,
			why: "both would get the same value", known: inTheWay(2, "field_added_optional 2"),
		},
		{kind: kind, name: "a required field, no rows", was: "x text", now: "x text; y integer required", why: "nothing lacks it", known: unhurt(safe)},
		{
			kind: kind, name: "a required field with a default", was: "x text", now: "x text; y boolean required default=false", x: two,
			why: "rows get the default", known: unhurt(safe, "y.1", "false", "y.2", "false"),
		},
		{
			kind: kind, name: "a required field", was: "x text", now: "x text; y integer required", x: two,
			why: "two rows lack it", known: asked(2, "field_added_required 2", "backfill:note.y=7", "y.1", "7", "y.2", "7"),
		},
		{
			kind: kind, name: "a required field, only revisions", was: "versioned; x text", now: "versioned; x text; y integer required",
			sql: []string{`INSERT INTO content_revisions_note (id, rid, x) VALUES ('1', 1, 'was')`},
			why: "no row lacks it, and a revision may have been written under other rules", known: unhurt(safe),
		},
		{kind: kind, name: "a required list, no rows", was: "x text", now: "x text; y text many required", why: "nothing lacks it", known: unhurt(safe)},
		{
			kind: kind, name: "a required list", was: "x text", now: "x text; y text many required", x: two,
			why: "two rows have no value of it and stay as they are", known: broken(2, "field_added_required 2"),
		},
		{
			kind: kind, name: "a required unique field for one row", was: "x text", now: "x text; y slug required", x: two[:1],
			why: "one row lacks it", known: asked(1, "field_added_required 1", "backfill:note.y=one", "y.1", "one"),
		},
		{
			kind: kind, name: "a reference", was: "x text", now: "x text; y entity_reference to=other", other: "x text", x: two,
			why: "rows may point at nothing", known: unhurt(safe),
		},
	}
}

func removed() []change {
	const kind = "removed"
	return []change{
		{kind: kind, name: "a field, no rows", was: "x text; y text", now: "y text", why: "there are no values", known: unhurt(warning)},
		{
			kind: kind, name: "a field without values", was: "x text; y text", now: "y text", x: []string{"NULL", "NULL"},
			why: "no row has a value", known: unhurt(warning),
		},
		{
			kind: kind, name: "a field with values", was: "x text; y text", now: "y text", x: []string{"'a'", "NULL", "'c'"},
			why: "two values go out of use", known: hidden(2, "field_removed 2", "x.1", gone, "x.3", gone),
		},
		{
			kind: kind, name: "a field with an empty text", was: "x text; y text", now: "y text", x: []string{"''", "NULL"},
			why: "an empty text is a value", known: hidden(1, "field_removed 1", "x.1", gone),
		},
		{
			kind: kind, name: "a required unique field", was: "x slug required; y text", now: "y text", x: []string{"'a'"},
			why: "one value goes out of use", known: hidden(1, "field_removed 1", "x.1", gone),
		},
		{
			kind: kind, name: "a field that only revisions have", was: "versioned; x text; y text", now: "versioned; y text", x: []string{"NULL"},
			sql: []string{`INSERT INTO content_revisions_note (id, rid, x) VALUES ('1', 1, 'was')`},
			why: "the value of a revision goes out of use", known: hidden(1, "field_removed 1", "x.1@1", gone),
		},
		{
			kind: kind, name: "a list without values", was: "x text many; y text", now: "y text", sql: []string{`INSERT INTO content_note (id) VALUES ('1')`},
			why: "no row has a value", known: unhurt(warning),
		},
		{
			kind: kind, name: "a list with values", was: "x text many; y text", now: "y text", list: []string{"1 'a'", "1 'b'", "2 'c'"},
			why: "three values go out of use", known: hidden(3, "field_removed 3", "x.1", gone, "x.1.1", gone, "x.2", gone),
		},
		{
			kind: kind, orphans: true, name: "a list with values of no row", was: "x text many; y text", now: "y text",
			sql: []string{`INSERT INTO field_note_x (id, parent_id, value) VALUES ('a', '9', 'lost')`},
			why: "a value goes out of use, whose row is gone already", known: hidden(1, "field_removed 1", "x.9", gone),
		},
		{kind: kind, name: "a content type without rows", was: "x text", now: "-", why: "there are no rows", known: unhurt(warning, all, gone)},
		{
			kind: kind, name: "a content type with rows", was: "x text", now: "-", x: []string{"'a'", "NULL"},
			why: "two rows go out of use", known: hidden(2, "entity_removed 2", all, gone),
		},
		{
			kind: kind, name: "a content type with revisions only", was: "versioned; x text", now: "-",
			sql: []string{`INSERT INTO content_revisions_note (id, rid, x) VALUES ('1', 1, 'was')`},
			why: "a revision goes out of use", known: hidden(1, "entity_removed 1", all, gone),
		},
		{
			kind: kind, name: "a content type that others point at", was: "x text", now: "-", other: "r entity_reference to=note", x: []string{"'a'"},
			why: "the other content type would point at nothing", known: inTheWay(1, "entity_removed 1"),
		},
		{
			kind: kind, name: "a content type with those that pointed at it", was: "x text", now: "-", x: []string{"'a'"},
			other: "r entity_reference to=note; x text", otherNow: "x text",
			why: "one row goes out of use, and nothing points at it any more", known: hidden(1, "entity_removed 1", all, gone),
		},
		{
			kind: kind, name: "another id in the same file", was: "x text", now: "x text", x: []string{"'a'", "'b'"},
			edit: func(text string) string { return strings.Replace(text, "id: n", "id: m", 1) },
			why:  "another id means other tables: two rows go out of use", known: hidden(2, "entity_removed 2", all, gone),
		},
	}
}

func renamed() []change {
	const kind = "renamed"
	y := map[string]string{"y": "x"}
	return []change{
		{kind: kind, name: "a field, no rows", was: "x text", now: "y text from=x", renamed: y, why: "there are no values", known: unhurt(warning)},
		{
			kind: kind, name: "a field with values", was: "x text", now: "y text from=x", renamed: y, x: []string{"'a'", "NULL", "'🎉 é'"},
			why: "the values go on under the other name", known: unhurt(warning),
		},
		{
			kind: kind, name: "a list", was: "x integer many", now: "y integer many from=x", renamed: y, list: []string{"1 1", "1 2", "2 3"},
			why: "the values go on under the other name", known: unhurt(warning),
		},
		{
			kind: kind, name: "a field with revisions", was: "versioned; x text", now: "versioned; y text from=x", renamed: y, x: []string{"'a'"},
			sql: []string{`INSERT INTO content_revisions_note (id, rid, x) VALUES ('1', 1, 'was')`},
			why: "values and revisions go on under the other name", known: unhurt(warning),
		},
		{
			kind: kind, name: "a field whose note of it is taken back", was: "x text from=w", now: "x text", x: []string{"'a'"},
			why: "the note has done its work", known: unhurt(safe),
		},
		{
			kind: kind, name: "a required unique field", was: "x slug required", now: "y slug required from=x", renamed: y, x: []string{"'a'", "'b'"},
			why: "values and rules go on under the other name", known: unhurt(warning),
		},
		{
			kind: kind, name: "perhaps, and it is", was: "x text", now: "y text", renamed: y, x: []string{"'a'", "'b'"},
			why: "one field went and one of the same type came: only a person knows", known: asked(2, "field_removed 2", "rename:note.y=renamed"),
		},
		{
			kind: kind, name: "perhaps, and it is not", was: "x text", now: "y text", x: []string{"'a'", "'b'"},
			why:   "one field went and one of the same type came: only a person knows",
			known: asked(2, "field_removed 2", "rename:note.y=replaced", "x.1", gone, "x.2", gone),
		},
		{
			kind: kind, name: "not, for the type is another", was: "x text", now: "y integer", x: []string{"'a'"},
			why: "a text cannot go on as a number without being told: one value goes out of use", known: hidden(1, "field_removed 1", "x.1", gone),
		},
		{
			kind: kind, name: "with another type that fits", was: "x text", now: "y integer from=x", renamed: y, x: []string{"'12'", "'-3'"},
			why: "every text is exactly how its number is written", known: unhurt(warning),
		},
		{
			kind: kind, name: "with another type that does not fit", was: "x text", now: "y integer from=x", renamed: y, x: []string{"'12'", "'a'"},
			why: "one text is no number", known: altered(1, "type_changed 1", "x.2", none),
		},
		{
			kind: kind, name: "and required with an empty row", was: "x text", now: "y text required from=x", renamed: y, x: []string{"'a'", "NULL"},
			why: "one row lacks a value", known: asked(1, "optional_to_required 1", "backfill:note.y=v", "x.2", "v"),
		},
		{
			kind: kind, name: "onto a field that there is", was: "x text; y text", now: "y text from=x", x: []string{"'a'"},
			sql: []string{`UPDATE content_note SET y = 'b'`},
			why: "two fields cannot become one", known: inTheWay(1, "field_removed 1"),
		},
	}
}

func recreated() []change {
	const kind = "re-created"
	return []change{
		{
			kind: kind, name: "a field, empty", was: "x text; z text", mid: "z text", now: "x text; z text", x: []string{"'a'", "'b'"},
			why: "it starts empty, and what it had stays out of use", known: unhurt(safe),
		},
		{
			kind: kind, name: "a field, with its values", was: "x text; z text", mid: "z text", now: "x text; z text", x: []string{"'a'", "NULL"},
			why: "values come back where there are none", known: with(unhurt(safe, "x.1", "a"), "restore:note.x", "restore"),
		},
		{
			kind: kind, name: "a unique field over equal former values", was: "x text; z text", mid: "z text", now: "x text unique; z text", x: []string{"'a'", "'a'"},
			why: "it starts empty: what is out of use follows no rule", known: unhurt(safe),
		},
		{
			kind: kind, name: "a list, with its values", was: "x text many; z text", mid: "z text", now: "x text many; z text", list: []string{"1 'a'", "1 'b'"},
			why: "values come back where there are none", known: with(unhurt(safe, "x.1", "a", "x.1.1", "b"), "restore:note.x", "restore"),
		},
		{
			kind: kind, name: "a required field, empty", was: "x text; z text", mid: "z text", now: "x text required; z text", x: []string{"'a'"},
			why: "it starts empty, and the row lacks a value", known: asked(1, "field_added_required 1", "backfill:note.x=v", "x.1", "v"),
		},
		{
			kind: kind, name: "a content type, empty", was: "x text", mid: "-", now: "x text", x: []string{"'a'"},
			why: "it starts empty, and what it had stays out of use", known: unhurt(safe),
		},
		{
			kind: kind, name: "a content type, with its rows", was: "x text", mid: "-", now: "x text",
			why: "it had no rows", known: with(unhurt(safe), "restore:note", "restore"),
		},
		{
			kind: kind, name: "unique beside equal values out of use", was: "x text", mid: "x integer", now: "x integer unique", x: []string{"'a'", "'a'"},
			why: "the equal texts are out of use, and no value is no equal value", known: unhurt(safe),
		},
		{
			kind: kind, name: "unique after values became equal", was: "x text", mid: "x integer", now: "x integer unique", x: []string{"'1'", "'01'"},
			why: "both rows have the number 1", known: inTheWay(1, "unique_added 1"),
		},
		{
			kind: kind, name: "required after a value was lost", was: "x text", mid: "x integer", now: "x integer required", x: []string{"'1'", "'a'"},
			why: "a text that was no number left its row without a value", known: asked(1, "optional_to_required 1", "backfill:note.x=2", "x.2", "2"),
		},
	}
}

// with is the same outcome with an answer to a question that has a default.
func with(k known, question, answer string) known {
	k.answers = map[string]string{question: answer}
	return k
}
