package coordinator_test

import (
	"context"
	"fmt"
	"testing"

	"marain/backend/coordinator"
)

// TestGivenValuesWithRevisionsThatComeAndGo crosses a value that was given with revisions off and on.
func TestGivenValuesWithRevisionsThatComeAndGo(t *testing.T) {
	t.Parallel()
	on := "versioned: true\n"
	b := noted(t, on+entity("note", f("x text", "required: true")))
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', 'a')`, `INSERT INTO content_revisions_note (id, rid, x) VALUES ('1', 1, 'old')`)
	optional := b.save(notePath, entity("note", f("x text")))
	b.sql(`INSERT INTO content_note (id) VALUES ('2')`)
	values, revisions := `SELECT id, x FROM content_note ORDER BY id`, `SELECT id, x FROM content_revisions_note ORDER BY id`
	back := b.version(notePath, 1, "backfill:note.x", "z")
	b.inSync()
	b.want(values, "1|a", "2|z")
	b.want(revisions, "1|old")
	b.to(optional)
	b.inSync()
	b.want(values, "1|a", "2|∅")
	b.to(back)
	b.inSync()
	b.want(values, "1|a", "2|z")
	b.want(revisions, "1|old")
	// The same with another type between.
	b.save(notePath, entity("note", f("x integer")))
	b.sql(`INSERT INTO content_note (id, x) VALUES ('3', 4)`)
	b.to(back)
	b.inSync()
	b.want(values, "1|a", "2|z", "3|4")
	b.want(revisions, "1|old")
	b.to(optional)
	b.inSync()
	b.want(values, "1|a", "2|∅", "3|4")
}

// TestGivenValuesOfAContentTypeThatLeaves takes the content type away between.
func TestGivenValuesOfAContentTypeThatLeaves(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x text", "required: true"), f("l text", "cardinality: -1")))
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', 'a')`, `INSERT INTO field_note_l (id, parent_id, value, sort_order) VALUES ('a', '1', 'p', 0), ('b', '1', 'q', 1)`)
	optional := b.save(notePath, entity("note", f("x text"), f("l text")))
	b.sql(`INSERT INTO content_note (id) VALUES ('2')`, `UPDATE content_note SET l = NULL WHERE id = '1'`)
	values, list := `SELECT id, x FROM content_note ORDER BY id`, `SELECT value FROM field_note_l ORDER BY sort_order, id`
	back := b.version(notePath, 1, "backfill:note.x", "z")
	b.inSync()
	b.want(values, "1|a", "2|z")
	b.want(list, "q")
	b.remove(notePath)
	b.breaking()
	b.inSync()
	b.to(optional)
	b.inSync()
	b.want(`SELECT id, x, l FROM content_note ORDER BY id`, "1|a|∅", "2|∅|∅")
	b.to(back)
	b.inSync()
	b.want(values, "1|a", "2|z")
	b.want(list, "q")
	b.to(optional)
	b.sql(`UPDATE content_note SET l = 'n' WHERE id = '1'`)
	b.to(back)
	b.inSync()
	b.want(list, "n", "q")
}

// TestAPurgeBetweenAWayAndItsWayBack purges everything that is out of use between an undo and its undo.
func TestAPurgeBetweenAWayAndItsWayBack(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x text", "required: true")))
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', 'a')`)
	first := b.last()
	optional := b.save(notePath, entity("note", f("x text")))
	b.sql(`INSERT INTO content_note (id) VALUES ('2')`)
	back := b.undo(optional, "backfill:note.x", "z")
	n := len(b.tombstones())
	b.purge(coordinator.PurgeRequest{OlderThanDays: days(0), Confirm: fmt.Sprint(n)})
	b.inSync()
	b.want(`SELECT id, x FROM content_note ORDER BY id`, "1|a", "2|z")
	// What was before it is gone, and says so; nothing changes by asking.
	before := b.everything()
	for _, r := range []coordinator.RollbackRequest{{ActionID: back.ActionID}, {To: optional.ActionID}} {
		b.rollbackRefused(r, coordinator.CodeBlocked)
	}
	if b.everything() != before {
		t.Error("a refusal changed something")
	}
	_ = first
	b.save(notePath, entity("note", f("x text", "label: Other")))
	b.inSync()
}

// TestReferencesThatLeaveTogether removes content types that refer to each other and brings them back, one of them with
// another type of field.
func TestReferencesThatLeaveTogether(t *testing.T) {
	t.Parallel()
	const other = "schemas/other.schema.yaml"
	note := entity("note", f("ref entity_reference", "target_entity: other"), f("x text"))
	b := newBench(t, "none", map[string]string{notePath: note, other: entity("other", f("refs entity_reference", "target_entity: note", "cardinality: -1"))})
	first := b.breaking()
	b.sql(`INSERT INTO content_other (id) VALUES ('o')`, `INSERT INTO content_note (id, ref, x) VALUES ('1', 'o', '07')`, `INSERT INTO field_other_refs (id, parent_id, value) VALUES ('r', 'o', '1')`)
	typed := b.save(notePath, entity("note", f("ref text"), f("x integer")))
	b.sql(`UPDATE content_note SET ref = 'free' WHERE id = '1'`)
	b.remove(notePath)
	b.remove(other)
	gone := b.breaking()
	b.inSync()
	b.to(first)
	b.inSync()
	b.want(`SELECT ref, x FROM content_note`, "free|07")
	b.want(`SELECT value FROM field_other_refs`, "1")
	b.to(gone)
	b.inSync()
	b.to(typed)
	b.inSync()
	b.want(`SELECT ref, x FROM content_note`, "free|7")
	b.want(`SELECT value FROM field_other_refs`, "1")
}

// TestARenamedContentTypeWithOtherTypes changes the id and a type in one save, and goes back and forth.
func TestARenamedContentTypeWithOtherTypes(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x text"), f("l text", "cardinality: -1")))
	first := b.last()
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', '07')`, `INSERT INTO field_note_l (id, parent_id, value) VALUES ('a', '1', 'p')`)
	memo := b.save(notePath, entity("memo", f("x integer"), f("l text")))
	b.inSync()
	b.sql(`INSERT INTO content_memo (id, x, l) VALUES ('2', 5, 'q')`)
	b.to(first)
	b.inSync()
	b.want(`SELECT id, x FROM content_note`, "1|07")
	b.want(`SELECT value FROM field_note_l`, "p")
	b.sql(`UPDATE content_note SET x = '08'`)
	b.to(memo)
	b.inSync()
	b.want(`SELECT id, x, l FROM content_memo`, "2|5|q")
	b.to(first)
	b.inSync()
	b.want(`SELECT id, x FROM content_note`, "1|08")
}

// TestAComponentThatChangesBackAndForth retypes what is inside of a component.
func TestAComponentThatChangesBackAndForth(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("c component", "fields: [{id: a, type: text}, {id: b, type: text}]")))
	b.sql(`INSERT INTO content_note (id, c) VALUES ('1', '{"a":"07","b":"x"}'), ('2', '{"a":"no"}'), ('3', NULL)`)
	read := `SELECT id, c FROM content_note ORDER BY id`
	had := b.rows(read)
	number := b.save(notePath, entity("note", f("c component", "fields: [{id: a, type: integer}, {id: b, type: text}]")))
	b.inSync()
	then := b.rows(read)
	back := b.undo(number)
	b.inSync()
	b.want(read, had...)
	b.undo(back)
	b.inSync()
	b.want(read, then...)
	b.sql(`UPDATE content_note SET c = '{"a":9}' WHERE id = '2'`)
	edited := b.rows(read)
	b.to(back)
	b.inSync()
	if got := b.rows(read); got[0] != had[0] || got[2] != had[2] || got[1] == had[1] {
		t.Errorf("%q", got)
	}
	b.to(number)
	b.inSync()
	b.want(read, edited...)
}

// TestARestoredBackupAndThenBack restores a backup and goes back from there.
func TestARestoredBackupAndThenBack(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x text"), f("k text")))
	first := b.last()
	b.sql(`INSERT INTO content_note (id, x, k) VALUES ('1', '07', 'k'), ('2', 'abc', NULL)`)
	b.save(notePath, entity("note", f("x integer"), f("k text")))
	b.save(notePath, entity("note", f("x integer")))
	b.sql(`UPDATE content_note SET x = 8 WHERE id = '1'`)
	backups := b.backups()
	b.restore(backups[0]) // the newest: right before the removal
	b.want(`SELECT id, x FROM content_note ORDER BY id`, "1|7", "2|∅")
	b.open(false)
	if _, err := b.c.Rollback(context.Background(), coordinator.RollbackRequest{To: first.ActionID}, person); err != nil {
		t.Fatal(err)
	}
	b.sound()
	b.want(`SELECT id, x FROM content_note ORDER BY id`, "1|07", "2|abc")
}

// TestATextInThePlaceOfASlug changes a slug back to a text by hand: what was written meanwhile needs not be a slug.
func TestATextInThePlaceOfASlug(t *testing.T) {
	t.Parallel()
	for _, cardinality := range []string{"1", "-1"} {
		b := noted(t, entity("note", f("x slug", "unique: false", "cardinality: "+cardinality)))
		read := `SELECT id, x FROM content_note ORDER BY id`
		b.sql(`INSERT INTO content_note (id) VALUES ('1'), ('2')`)
		edit := `UPDATE content_note SET x = 1.5 WHERE id = '1'`
		if cardinality == "1" {
			b.sql(`UPDATE content_note SET x = '15'`)
		} else {
			b.sql(`INSERT INTO field_note_x (id, parent_id, value) VALUES ('1', '1', '15'), ('2', '2', '15')`)
			read, edit = `SELECT id, value FROM field_note_x ORDER BY id`, `UPDATE field_note_x SET value = 1.5 WHERE id = '1'`
		}
		b.save(notePath, entity("note", f("x float", "cardinality: "+cardinality)))
		b.sql(edit)
		b.save(notePath, entity("note", f("x text", "cardinality: "+cardinality)))
		b.inSync()
		b.want(read, "1|1.5", "2|15")
	}
}

// TestASlugThatBecomesATextOnAWay makes a text of a slug by hand that was made from what no slug can say: a row without a
// slug is no row whose text was taken away.
func TestASlugThatBecomesATextOnAWay(t *testing.T) {
	t.Parallel()
	other := "schemas/other.schema.yaml"
	for freer, cardinalities := range map[string][]string{"text": {"1"}, "rich_text": {"-1"}, "entity_reference": {"1"}} {
		for _, cardinality := range cardinalities {
			b := newBench(t, "none", map[string]string{notePath: entity("note", f("x float", "cardinality: "+cardinality)), other: entity("other", f("y text"))})
			first, read := b.breaking(), `SELECT id, x FROM content_note ORDER BY id`
			b.sql(`INSERT INTO content_note (id) VALUES ('1'), ('2')`)
			edit := `UPDATE content_note SET x = NULL WHERE id = '2'`
			if cardinality == "1" {
				b.sql(`UPDATE content_note SET x = 40.5 WHERE id = '1'`, `UPDATE content_note SET x = 7 WHERE id = '2'`)
			} else {
				b.sql(`INSERT INTO field_note_x (id, parent_id, value) VALUES ('1', '1', 40.5), ('2', '2', 7)`)
				read, edit = `SELECT id, value FROM field_note_x ORDER BY id`, `DELETE FROM field_note_x WHERE id = '2'`
			}
			b.save(notePath, entity("note", f("x slug", "unique: false", "cardinality: "+cardinality)))
			lines := []string{"cardinality: " + cardinality}
			if freer == "entity_reference" {
				lines = append(lines, "target_entity: other")
			}
			b.save(notePath, entity("note", f("x "+freer, lines...)))
			b.inSync()
			b.sql(edit)
			b.save(notePath, entity("note", f("x float", "cardinality: "+cardinality)))
			b.inSync()
			gone := []string{"1|40.5", "2|∅"}
			if cardinality != "1" {
				gone = gone[:1]
			}
			b.want(read, gone...)
			b.to(first)
			b.inSync()
			b.want(read, gone...)
		}
	}
}

// TestAValueThatOneTypeBetweenCannotHold goes back over a type that can hold what the one in use has, and not what lies
// behind it.
func TestAValueThatOneTypeBetweenCannotHold(t *testing.T) {
	t.Parallel()
	for _, cardinality := range []string{"1", "-1"} {
		b := noted(t, entity("note", f("x integer", "cardinality: "+cardinality)))
		first, read := b.last(), `SELECT id, x FROM content_note ORDER BY id`
		b.sql(`INSERT INTO content_note (id) VALUES ('1'), ('2'), ('3')`)
		b.save(notePath, entity("note", f("x float", "cardinality: "+cardinality)))
		b.save(notePath, entity("note", f("x text", "cardinality: "+cardinality)))
		edit := `UPDATE content_note SET x = 9 WHERE id = '2'`
		if cardinality == "1" {
			b.sql(`UPDATE content_note SET x = '0080'`)
		} else {
			b.sql(`INSERT INTO field_note_x (id, parent_id, value) VALUES ('1', '1', '0080'), ('2', '2', '0080'), ('3', '3', '0080')`)
			read, edit = `SELECT id, value FROM field_note_x ORDER BY id`, `UPDATE field_note_x SET value = 9 WHERE id = '2'`
		}
		b.to(first)
		b.inSync()
		b.want(read, "1|80", "2|80", "3|80")
		b.sql(edit)
		b.save(notePath, entity("note", f("x rich_text", "cardinality: "+cardinality)))
		b.inSync()
		b.want(read, "1|0080", "2|9", "3|0080")
	}
}

// TestSeveralValuesOverASingleOne goes back from several values to several of another type by way of a single one: those
// that the single one could not hold come along.
func TestSeveralValuesOverASingleOne(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x integer")))
	single, read := b.last(), `SELECT id, parent_id, value, sort_order FROM field_note_x ORDER BY parent_id, sort_order, id`
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', 7), ('2', 8), ('3', NULL), ('4', NULL)`)
	texts := b.save(notePath, entity("note", f("x text", "cardinality: -1")))
	b.sql(`INSERT INTO field_note_x (id, parent_id, value, sort_order) VALUES ('t', '2', 'late', 1)`)
	b.to(single)
	numbers := b.save(notePath, entity("note", f("x integer", "cardinality: -1")))
	b.sql(`INSERT INTO field_note_x (id, parent_id, value, sort_order) VALUES ('a', '1', 17, 1), ('b', '2', 18, 1), ('c', '3', 19, 0), ('d', '3', 20, 1)`)
	b.save(notePath, entity("note", f("x text", "cardinality: -1", "label: Texts")))
	b.inSync()
	had := []string{"1|1|7|0", "a|1|17|1", "2|2|8|0", "b|2|18|1", "t|2|late|1", "3|3|19|0", "d|3|20|1"}
	b.want(read, had...)
	// The way back is the same, and what is written on it comes along too.
	b.sql(`UPDATE field_note_x SET value = '21' WHERE id = 'd'`, `INSERT INTO field_note_x (id, parent_id, value, sort_order) VALUES ('e', '4', '22', 0), ('f', '4', '23', 1)`)
	b.to(numbers)
	b.inSync()
	b.want(read, "1|1|7|0", "a|1|17|1", "2|2|8|0", "b|2|18|1", "c|3|19|0", "d|3|21|1", "4|4|22|0", "f|4|23|1")
	b.to(texts)
	b.inSync()
	b.want(read, "1|1|7|0", "a|1|17|1", "2|2|8|0", "b|2|18|1", "t|2|late|1", "3|3|19|0", "d|3|21|1", "e|4|22|0", "f|4|23|1")
}

// TestWhatAnotherKindBetweenCannotHold crosses from several values to a single one and on, or the other way round, where
// the one between can hold none of what was written.
func TestWhatAnotherKindBetweenCannotHold(t *testing.T) {
	t.Parallel()
	t.Run("several", func(t *testing.T) {
		t.Parallel()
		b := noted(t, entity("note", f("x rich_text", "cardinality: -1")))
		first, read := b.last(), `SELECT id, parent_id, value FROM field_note_x ORDER BY parent_id, sort_order, id`
		b.sql(`INSERT INTO content_note (id) VALUES ('1'), ('2')`, `INSERT INTO field_note_x (id, parent_id, value) VALUES ('a', '1', '07')`)
		b.save(notePath, entity("note", f("x integer")))
		b.save(notePath, entity("note", f("x datetime", "cardinality: -1")))
		b.sql(`INSERT INTO field_note_x (id, parent_id, value, sort_order) VALUES ('b', '2', '2024-01-01T00:00:00.5Z', 0), ('c', '2', '2024-01-01T00:00:01.5Z', 1)`)
		b.to(first)
		b.inSync()
		b.want(read, "a|1|07", "b|2|2024-01-01T00:00:00.5Z", "c|2|2024-01-01T00:00:01.5Z")
	})
	t.Run("one", func(t *testing.T) {
		t.Parallel()
		b := noted(t, entity("note", f("x rich_text")))
		first, read := b.last(), `SELECT id, x FROM content_note ORDER BY id`
		b.sql(`INSERT INTO content_note (id, x) VALUES ('1', '07'), ('2', '08'), ('3', 'no number')`)
		b.save(notePath, entity("note", f("x integer", "cardinality: -1")))
		b.save(notePath, entity("note", f("x float")))
		b.sql(`UPDATE content_note SET x = 1.5 WHERE id IN ('1', '3')`)
		b.to(first)
		b.inSync()
		b.want(read, "1|1.5", "2|08", "3|1.5")
	})
}

// TestATypeBetweenOnAWayOverOneAndSeveral crosses from several values to a single one where one of the types with several
// cannot hold what the others say alike.
func TestATypeBetweenOnAWayOverOneAndSeveral(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x text", "cardinality: -1")))
	b.sql(`INSERT INTO content_note (id) VALUES ('1')`)
	list, one := `SELECT value FROM field_note_x ORDER BY sort_order, id`, `SELECT x FROM content_note`
	b.save(notePath, entity("note", f("x integer", "cardinality: -1")))
	times := b.save(notePath, entity("note", f("x datetime", "cardinality: -1")))
	b.sql(`INSERT INTO field_note_x (id, parent_id, value) VALUES ('a', '1', '2024-01-01T00:00:48Z')`)
	b.save(notePath, entity("note", f("x text", "cardinality: -1", "label: Texts")))
	b.want(list, "2024-01-01T00:00:48Z")
	b.save(notePath, entity("note", f("x text")))
	b.want(one, "2024-01-01T00:00:48Z")
	b.to(times)
	b.want(list, "2024-01-01T00:00:48Z")
	b.save(notePath, entity("note", f("x text", "label: Text")))
	b.inSync()
	b.want(one, "2024-01-01T00:00:48Z")
	b.sql(`UPDATE content_note SET x = '2025-05-05T00:00:00Z'`)
	b.to(times)
	b.inSync()
	b.want(list, "2025-05-05T00:00:00Z")
	b.save(notePath, entity("note", f("x text", "cardinality: -1", "label: Several")))
	b.inSync()
	b.want(list, "2025-05-05T00:00:00Z")
}

// TestARevisionWhoseSingleValueWasTakenAway takes the single value of a revision away, and goes to several values and back:
// what was second is the first there, and was never the single one.
func TestARevisionWhoseSingleValueWasTakenAway(t *testing.T) {
	t.Parallel()
	on := "versioned: true\n"
	b := noted(t, on+entity("note", f("x text", "cardinality: -1")))
	several := b.last()
	b.sql(`INSERT INTO content_note (id) VALUES ('1')`, `INSERT INTO content_revisions_note (id, rid) VALUES ('1', 1), ('1', 2)`)
	for _, rid := range []string{"1", "2"} {
		b.sql(`INSERT INTO field_revisions_note_x (id, rid, parent_id, value, sort_order) VALUES ('a', ` + rid + `, '1', 'p', 0), ('b', ` + rid + `, '1', 'q', 1)`)
	}
	one := b.save(notePath, on+entity("note", f("x text")))
	list, read := `SELECT rid, value FROM field_revisions_note_x ORDER BY rid, sort_order, id`, `SELECT rid, x FROM content_revisions_note ORDER BY rid`
	b.sql(`UPDATE content_revisions_note SET x = NULL WHERE rid = 1`)
	for range 2 {
		b.to(several)
		b.inSync()
		b.want(list, "1|q", "2|p", "2|q")
		b.to(one)
		b.inSync()
		b.want(read, "1|∅", "2|p")
	}
	// With revisions left off for a while, and other marks made meanwhile.
	off := b.save(notePath, entity("note", f("x text")))
	b.to(several)
	b.to(off)
	b.to(one)
	b.inSync()
	b.want(read, "1|∅", "2|p")
}

// TestWhatWasGivenStaysWhereItWasGiven goes back over a place in which rows were given a value, from one that they cannot
// hold: what was there before had none, and has none afterwards.
func TestWhatWasGivenStaysWhereItWasGiven(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x float")))
	first, read := b.last(), `SELECT x FROM content_note`
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', 8.25)`)
	b.save(notePath, entity("note", f("x slug", "unique: false")))
	b.save(notePath, entity("note", f("x slug", "unique: false", "required: true")), "backfill:note.x", "s-60")
	text := b.save(notePath, entity("note", f("x text", "required: true")))
	b.sql(`UPDATE content_note SET x = 'No slug'`)
	b.to(first)
	b.inSync()
	b.to(text)
	b.inSync()
	b.want(read, "No slug")
	list := b.save(notePath, entity("note", f("x rich_text", "cardinality: -1")))
	b.sql(`UPDATE field_note_x SET value = 'Another'`)
	b.to(first)
	b.inSync()
	b.to(list)
	b.inSync()
	b.want(`SELECT value FROM field_note_x`, "Another")
}

// TestATextThatWasASlugBetween changes a text to a slug and on, and back to a text by hand: that is the first one.
func TestATextThatWasASlugBetween(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x rich_text")))
	first, read := b.last(), `SELECT id, x FROM content_note ORDER BY id`
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', 'No slug'), ('2', 'slug')`)
	b.save(notePath, entity("note", f("x slug", "unique: false")))
	b.save(notePath, entity("note", f("x integer")))
	b.save(notePath, entity("note", f("x long_text")))
	b.inSync()
	b.want(read, "1|No slug", "2|slug")
	b.to(first)
	b.inSync()
	b.want(read, "1|No slug", "2|slug")
}

// TestAGivenValueAtTheEndOfAWay gives a value where a type between could hold none, and goes back and forth: the first
// one would convert to the last at once.
func TestAGivenValueAtTheEndOfAWay(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x text")))
	first, read := b.last(), `SELECT id, x FROM content_note ORDER BY id`
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', '4e3'), ('2', '7')`)
	b.save(notePath, entity("note", f("x integer")))
	end := b.save(notePath, entity("note", f("x float", "required: true")), "backfill:note.x", "1166.25")
	b.want(read, "1|1166.25", "2|7")
	b.to(first)
	b.want(read, "1|4e3", "2|7")
	b.to(end)
	b.inSync()
	b.want(read, "1|1166.25", "2|7")
}
