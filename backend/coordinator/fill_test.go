package coordinator_test

import (
	"testing"

	"marain/backend/coordinator"
)

// What rows get that lack a value which a way back needs is taken from them again by the next way.

// TestFillOfAWayBackInPlace goes back to a version that requires what stays where it lies.
func TestFillOfAWayBackInPlace(t *testing.T) {
	t.Parallel()
	b := noted(t, "versioned: true\n"+entity("note", f("x text", "required: true")))
	first := b.last()
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', 'a'), ('4', 'd')`, `INSERT INTO content_revisions_note (id, rid, x) VALUES ('1', 1, 'old'), ('2', 1, NULL)`)
	optional := b.save(notePath, "versioned: true\n"+entity("note", f("x text")))
	b.sql(`INSERT INTO content_note (id) VALUES ('2'), ('3')`)
	values, revisions := `SELECT id, x FROM content_note ORDER BY id`, `SELECT id, x FROM content_revisions_note ORDER BY id`
	back := b.undo(optional, "backfill:note.x", "z")
	b.inSync()
	b.want(values, "1|a", "2|z", "3|z", "4|d")
	b.want(revisions, "1|old", "2|∅")

	// Once more is nothing: it is that version already.
	for _, r := range []coordinator.ApplyResult{b.version(notePath, 1), b.to(first)} {
		if r.ActionID != "" {
			t.Errorf("the same way once more did something: %+v", r)
		}
	}
	b.sql(`UPDATE content_note SET x = 'w' WHERE id = '3'`, `UPDATE content_note SET x = 'e' WHERE id = '4'`)
	again := b.undo(back)
	b.inSync()
	b.want(values, "1|a", "2|∅", "3|w", "4|e")
	b.want(revisions, "1|old", "2|∅")

	// And what was given comes back with the state that had it, without asking.
	b.sql(`UPDATE content_note SET x = 'b' WHERE id = '1'`)
	b.undo(again)
	b.inSync()
	b.want(values, "1|b", "2|z", "3|w", "4|e")
	b.to(optional)
	b.inSync()
	b.want(values, "1|b", "2|∅", "3|w", "4|e")
}

// TestFillOfAWayBackFromAnotherType has the place of what comes back used by an earlier state that needed no value.
func TestFillOfAWayBackFromAnotherType(t *testing.T) {
	t.Parallel()
	for _, edit := range []string{"", `UPDATE content_note SET x = '6' WHERE id = '1'`} {
		b := noted(t, "versioned: true\n"+entity("note", f("x integer", "required: true")))
		b.sql(`INSERT INTO content_note (id, x) VALUES ('1', 5)`, `INSERT INTO content_revisions_note (id, rid, x) VALUES ('1', 1, 4)`)
		optional := b.save(notePath, "versioned: true\n"+entity("note", f("x integer")))
		b.sql(`INSERT INTO content_note (id) VALUES ('2'), ('3')`)
		text := b.save(notePath, "versioned: true\n"+entity("note", f("x text")))
		b.sql(`UPDATE content_note SET x = 'abc' WHERE id = '3'`)
		one := "1|5"
		if edit != "" {
			b.sql(edit)
			one = "1|6"
		}
		values, revisions := `SELECT id, x FROM content_note ORDER BY id`, `SELECT id, x FROM content_revisions_note ORDER BY id`
		back := b.version(notePath, 1, "backfill:note.x", "9")
		b.inSync()
		b.want(values, one, "2|9", "3|9")
		b.want(revisions, "1|4")
		if r := b.version(notePath, 1); r.ActionID != "" {
			t.Errorf("the same way once more did something: %+v", r)
		}
		b.to(optional)
		b.inSync()
		b.want(values, one, "2|∅", "3|∅")
		b.want(revisions, "1|4")
		b.to(back)
		b.inSync()
		b.want(values, one, "2|9", "3|9")
		b.to(text)
		b.inSync()
		b.want(values, one, "2|∅", "3|abc")
		b.want(revisions, "1|4")
	}
}

// TestFillOfAFieldThatComesBack removes a field between.
func TestFillOfAFieldThatComesBack(t *testing.T) {
	t.Parallel()
	b := noted(t, "versioned: true\n"+entity("note", f("x text", "required: true"), f("k text")))
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', 'a')`, `INSERT INTO content_revisions_note (id, rid, x) VALUES ('1', 1, 'old')`)
	optional := b.save(notePath, "versioned: true\n"+entity("note", f("x text"), f("k text")))
	b.sql(`INSERT INTO content_note (id) VALUES ('2')`)
	gone := b.save(notePath, "versioned: true\n"+entity("note", f("k text")))
	b.sql(`INSERT INTO content_note (id) VALUES ('3')`)
	values, revisions := `SELECT id, x FROM content_note ORDER BY id`, `SELECT id, x FROM content_revisions_note ORDER BY id`
	back := b.version(notePath, 1, "backfill:note.x", "z")
	b.inSync()
	b.want(values, "1|a", "2|z", "3|z")
	b.want(revisions, "1|old")
	b.to(optional)
	b.inSync()
	b.want(values, "1|a", "2|∅", "3|∅")
	b.to(gone)
	b.inSync()
	b.to(back)
	b.inSync()
	b.want(values, "1|a", "2|z", "3|z")
	b.want(revisions, "1|old")
	b.to(optional)
	b.inSync()
	b.want(values, "1|a", "2|∅", "3|∅")
}

// TestFillOfAnAnswerThatBringsBack restores a field by hand under a rule that its former rows do not keep.
func TestFillOfAnAnswerThatBringsBack(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x text"), f("k text")))
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', 'a'), ('2', NULL)`)
	optional := b.last()
	b.save(notePath, entity("note", f("k text")))
	b.save(notePath, entity("note", f("x text", "required: true"), f("k text")), "restore:note.x", "restore", "backfill:note.x", "z")
	b.inSync()
	b.want(`SELECT id, x FROM content_note ORDER BY id`, "1|a", "2|z")
	b.to(optional)
	b.inSync()
	b.want(`SELECT id, x FROM content_note ORDER BY id`, "1|a", "2|∅")
}
