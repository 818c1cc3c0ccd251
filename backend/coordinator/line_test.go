package coordinator_test

import (
	"context"
	"slices"
	"testing"

	"marain/backend/action"
	"marain/backend/coordinator"
)

// TestASlugBecomesTextAndASlug brings back a slug that another program wrote; the same rollback once more does nothing.
func TestASlugBecomesTextAndASlug(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x slug")))
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', 'Hello World'), ('2', 'ok')`)
	b.save(notePath, entity("note", f("x text")))
	b.version(notePath, 1)
	b.inSync()
	b.want(`SELECT x FROM content_note ORDER BY id`, "Hello World", "ok")
	n := b.number(`SELECT count(*) FROM marain_audit`)
	b.version(notePath, 1)
	if m := b.number(`SELECT count(*) FROM marain_audit`); m != n {
		t.Errorf("the second rollback to the same version wrote %d links", m-n)
	}
	b.want(`SELECT x FROM content_note ORDER BY id`, "Hello World", "ok")
}

// TestABackfillOfARollback answers a rollback with a value for a row that has none then, and takes the rollback back.
func TestABackfillOfARollback(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x integer", "required: true")))
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', 1)`)
	r := b.save(notePath, entity("note", f("x text", "required: true")))
	b.sql(`INSERT INTO content_note (id, x) VALUES ('2', 'abc')`)
	back := b.undo(r, "backfill:note.x", "9")
	b.want(`SELECT x FROM content_note ORDER BY id`, "1", "9")
	b.undo(back)
	b.inSync()
	b.want(`SELECT x FROM content_note ORDER BY id`, "1", "abc")
}

// TestARowWithTheValueOfABackfill keeps a row apart that was written with the very value that others were given.
func TestARowWithTheValueOfABackfill(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x text")))
	b.sql(`INSERT INTO content_note (id) VALUES ('1')`)
	r := b.save(notePath, entity("note", f("x text", "required: true")), "backfill:note.x", "z")
	b.sql(`INSERT INTO content_note (id, x) VALUES ('2', 'z')`)
	b.undo(r)
	b.inSync()
	b.want(`SELECT x FROM content_note ORDER BY id`, "∅", "z")
}

// TestBackPastTheNewest brings an earlier incarnation back past a later one that is out of use too, with what was written in that.
func TestBackPastTheNewest(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x text"), f("k text")))
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', '5')`)
	b.save(notePath, entity("note", f("x integer"), f("k text")))
	b.sql(`UPDATE content_note SET x = 8`, `INSERT INTO content_note (id, x) VALUES ('2', 9)`)
	b.save(notePath, entity("note", f("k text")))
	b.version(notePath, 1)
	b.inSync()
	b.want(`SELECT x FROM content_note ORDER BY id`, "8", "9")
	b.version(notePath, 2)
	b.inSync()
	b.want(`SELECT x FROM content_note ORDER BY id`, "8", "9")
}

// TestWhatLiesBetweenIsBroughtUpToDate goes past an incarnation that cannot hold a value, and back.
func TestWhatLiesBetweenIsBroughtUpToDate(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x text")))
	b.save(notePath, entity("note", f("x integer")))
	b.save(notePath, entity("note", f("x boolean")))
	b.version(notePath, 1)
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', '5')`)
	b.version(notePath, 3) // 5 is no boolean
	b.version(notePath, 4) // the state with '5' in it: nobody edited it since
	b.inSync()
	b.want(`SELECT x FROM content_note ORDER BY id`, "5")
}

// TestAnEditIsBroughtPastWhatLiesBetween goes past an incarnation that holds an edit in other words, and back.
func TestAnEditIsBroughtPastWhatLiesBetween(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x text")))
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', '1')`)
	b.save(notePath, entity("note", f("x integer")))
	b.save(notePath, entity("note", f("x boolean")))
	b.version(notePath, 1)
	b.sql(`UPDATE content_note SET x = '007'`)
	b.version(notePath, 3) // 7 is no boolean
	b.want(`SELECT x FROM content_note ORDER BY id`, "∅")
	b.version(notePath, 4)
	b.inSync()
	b.want(`SELECT x FROM content_note ORDER BY id`, "007")
}

// TestTwoFieldsWantOneTombstone gives a field its former type back and adds another with its former name: only one of them gets the values.
func TestTwoFieldsWantOneTombstone(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x text")))
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', '5')`)
	b.save(notePath, entity("note", f("x integer")))
	b.save(notePath, entity("note", f("y integer", "renamed_from: x")))
	b.save(notePath, entity("note", f("y text"), f("x text")))
	b.inSync()
	b.want(`SELECT x, y FROM content_note`, "∅|5")
}

// TestAnOlderTombstoneOfTheRightTypeIsOffered adds a field again with a type that it had before its last one.
func TestAnOlderTombstoneOfTheRightTypeIsOffered(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x text"), f("k text")))
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', 'abc')`)
	b.save(notePath, entity("note", f("x integer"), f("k text")))
	b.save(notePath, entity("note", f("k text")))
	b.write(notePath, entity("note", f("x text"), f("k text")))
	if p := b.plan(); len(p.Questions) != 1 || p.Questions[0].Key != "restore:note.x" {
		t.Errorf("questions %+v", p.Questions)
	}
	b.breaking("restore:note.x", "restore")
	b.inSync()
	b.want(`SELECT x FROM content_note`, "abc")
}

// TestALongLine goes back over seven types at once.
func TestALongLine(t *testing.T) {
	t.Parallel()
	kinds := []string{"text", "integer", "float", "boolean", "long_text", "datetime", "rich_text", "slug"}
	b := noted(t, entity("note", f("x text")))
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', 'abc'), ('2', '1'), ('3', '01'), ('4', '2024-01-01'), ('5', '0')`)
	for _, k := range kinds[1:] {
		b.save(notePath, entity("note", f("x "+k, "unique: false")))
		b.inSync()
	}
	p, err := b.c.Rollback(context.Background(), coordinator.RollbackRequest{File: notePath, Version: 1, DryRun: true}, person)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range p.Plan.Files[0].Checks {
		if c.Verdict == action.NotProved {
			t.Errorf("a check over five rows took too long: %+v", c)
		}
	}
	b.version(notePath, 1)
	b.inSync()
	b.want(`SELECT x FROM content_note ORDER BY id`, "abc", "1", "01", "2024-01-01", "0")
}

// TestDefaultsAreOfferedAsBackfills makes fields required whose defaults are no plain words.
func TestDefaultsAreOfferedAsBackfills(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x float"), f("c component", "fields: [{id: a, type: text}]")))
	b.sql(`INSERT INTO content_note (id) VALUES ('1')`)
	b.save(notePath, entity("note", f("x float", "required: true", "default: 15000000000000000000000.0"), f("c component", "fields: [{id: a, type: text}]", "required: true", "default: {a: '1: x'}")))
	b.inSync()
	b.want(`SELECT x, c FROM content_note`, `1.5e+22|{"a":"1: x"}`)
}

// TestASlugBecomesTextAgainByHand brings the texts back that were no slugs, though slugs could stay as they lie.
func TestASlugBecomesTextAgainByHand(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x text", "required: true")))
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', 'Hello World'), ('2', 'ok'), ('3', 'old')`)
	b.save(notePath, entity("note", f("x slug", "required: true", "unique: false")), "backfill:note.x", "none")
	b.want(`SELECT x FROM content_note ORDER BY id`, "none", "ok", "old")
	b.sql(`UPDATE content_note SET x = 'new' WHERE id = '3'`)
	b.save(notePath, entity("note", f("x text", "required: true")))
	b.inSync()
	b.want(`SELECT x FROM content_note ORDER BY id`, "Hello World", "ok", "new")
}

// TestAnotherKindOfTextComesBack asks for a kind of text that the field never had, after it was no text at all.
func TestAnotherKindOfTextComesBack(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x text")))
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', 'abc'), ('2', '5')`)
	b.save(notePath, entity("note", f("x integer")))
	b.sql(`UPDATE content_note SET x = 6 WHERE id = '2'`)
	b.save(notePath, entity("note", f("x long_text")))
	b.inSync()
	b.want(`SELECT x FROM content_note ORDER BY id`, "abc", "6")
}

// TestBackAndForthPastWhatDoesNotConvert goes over a type that holds nothing of a row: what is in use is not lost on the
// way, and comes back as it was.
func TestBackAndForthPastWhatDoesNotConvert(t *testing.T) {
	t.Parallel()
	for _, shape := range []string{"cardinality: 1", "cardinality: -1"} {
		t.Run(shape, func(t *testing.T) {
			t.Parallel()
			b := noted(t, entity("note", f("x text", shape)))
			query := `SELECT x FROM content_note ORDER BY id`
			put := func(id, value string) {
				if shape == "cardinality: 1" {
					b.sql(`INSERT INTO content_note (id, x) VALUES ('` + id + `', ` + value + `)`)
					return
				}
				b.sql(`INSERT INTO content_note (id) VALUES ('`+id+`')`, `INSERT INTO field_note_x (id, parent_id, value, sort_order) VALUES ('`+id+`', '`+id+`', `+value+`, 0)`)
			}
			if shape != "cardinality: 1" {
				query = `SELECT f.value FROM content_note n LEFT JOIN field_note_x f ON f.parent_id = n.id ORDER BY n.id`
			}
			put("1", "'9'")
			put("2", "'true'")
			b.save(notePath, entity("note", f("x boolean", shape)))
			b.save(notePath, entity("note", f("x float", shape)))
			b.version(notePath, 1)
			b.want(query, "9", "true")
			put("3", "'55e3'")
			b.version(notePath, 3)
			b.want(query, "9", "1", "55000") // at the time there was nothing of 1; it is in use now and converts
			b.version(notePath, 1)
			b.inSync()
			b.want(query, "9", "true", "55e3")
		})
	}
}

// TestRowsThatComeBetweenAPlanAndItsApproval adds a second row without a value: both would get the same unique one.
func TestRowsThatComeBetweenAPlanAndItsApproval(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x text")))
	b.sql(`INSERT INTO content_note (id) VALUES ('1')`)
	b.write(notePath, entity("note", f("x text", "required: true", "unique: true")))
	answers := map[string]string{"backfill:note.x": "a"}
	plan, err := b.c.Diff(context.Background(), coordinator.DiffRequest{Answers: answers})
	if err != nil {
		t.Fatal(err)
	}
	b.sql(`INSERT INTO content_note (id) VALUES ('2')`)
	b.reloadRefused(coordinator.ReloadRequest{PlanID: plan.ID, Approve: "breaking", Answers: answers}, coordinator.CodeStale)
	b.want(`SELECT x FROM content_note ORDER BY id`, "∅", "∅")
	if failed := b.number(`SELECT count(*) FROM marain_audit WHERE kind = 'failed'`); failed != 0 {
		t.Errorf("%d failed attempts are recorded; it only came too late", failed)
	}
}

// TestAColumnOfAnotherProgramFollowsItsList renames and removes a list whose column of values another program had built
// anew: what is out of use with it goes along, and is known.
func TestAColumnOfAnotherProgramFollowsItsList(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x text", "cardinality: -1"), f("k text")))
	b.sql(`INSERT INTO content_note (id) VALUES ('1')`, `INSERT INTO field_note_x (id, parent_id, value, sort_order) VALUES ('a', '1', 'one', 0)`,
		`ALTER TABLE field_note_x RENAME COLUMN value TO aside`, b.either(`ALTER TABLE field_note_x ADD COLUMN value`, `ALTER TABLE field_note_x ADD COLUMN value varchar(300)`),
		`UPDATE field_note_x SET value = aside`, `ALTER TABLE field_note_x DROP COLUMN aside`)
	b.repair()
	kept := func(table string) {
		t.Helper()
		b.sound()
		i := slices.IndexFunc(b.tombstones(), func(s coordinator.Tombstone) bool { return s.Kind == string(action.Foreign) })
		if i < 0 {
			t.Fatal("the column of the other program is not listed")
		}
		columns := b.columns(table)
		i = slices.IndexFunc(columns, action.IsOutOfUse)
		if i < 0 {
			t.Fatalf("%s has the columns %v", table, columns)
		}
		b.want(`SELECT "`+columns[i]+`" FROM `+table, "one")
	}
	kept("field_note_x")
	b.save(notePath, entity("note", f("y text", "cardinality: -1", "renamed_from: x"), f("k text")))
	kept("field_note_y")
	removed := b.save(notePath, entity("note", f("k text")))
	b.sound()
	b.undo(removed)
	kept("field_note_y")
	b.remove(notePath)
	gone := b.breaking()
	b.sound()
	b.undo(gone)
	kept("field_note_y")
	b.version(notePath, 1)
	kept("field_note_x")
}

// TestGivenValuesStayWhenOnlyTheKindOfTextChanges makes texts of slugs that rows were given: they are what is in use.
func TestGivenValuesStayWhenOnlyTheKindOfTextChanges(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x slug", "unique: false")))
	b.sql(`INSERT INTO content_note (id) VALUES ('1')`)
	b.save(notePath, entity("note", f("x slug", "unique: false", "required: true")), "backfill:note.x", "given")
	b.save(notePath, entity("note", f("x rich_text")))
	b.inSync()
	b.want(`SELECT x FROM content_note`, "given")
}

// TestAnEditAfterTwoBackfills writes to a row that was given a value twice, and goes back to the first time.
func TestAnEditAfterTwoBackfills(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x rich_text")))
	b.sql(`INSERT INTO content_note (id) VALUES ('1'), ('2')`)
	first := b.save(notePath, entity("note", f("x rich_text", "required: true")), "backfill:note.x", "first")
	b.version(notePath, 1)
	b.want(`SELECT x FROM content_note`, "∅", "∅")
	b.save(notePath, entity("note", f("x text", "required: true")), "backfill:note.x", "second")
	b.sql(`UPDATE content_note SET x = 'mine' WHERE id = '2'`)
	b.to(first)
	b.inSync()
	b.want(`SELECT x FROM content_note ORDER BY id`, "first", "mine")
}
