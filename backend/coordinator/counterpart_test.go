package coordinator_test

import (
	"context"
	"testing"

	"marain/backend/coordinator"
)

// TestAValueWithoutCounterpartAndBack goes from several values to one of another type, writes some that the list cannot
// hold, and goes back and forth: the second value, which is the first then, does not take their place.
func TestAValueWithoutCounterpartAndBack(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("x integer", "cardinality: -1"))})
	b.apply(coordinator.ReloadRequest{})
	b.sql(`INSERT INTO content_note (id) VALUES ('1'), ('2'), ('3'), ('4')`)
	b.sql(`INSERT INTO field_note_x (id, parent_id, value, sort_order) VALUES ('a', '1', 1, 0), ('b', '1', 2, 1), ('c', '2', 1, 0), ('d', '2', 2, 1), ('e', '3', 1, 0), ('f', '4', 1, 0), ('g', '4', 2, 1)`)
	changed := b.save(notePath, entity("note", f("x text")))
	b.sql(`UPDATE content_note SET x = 'one' WHERE id IN ('1', '3')`, `UPDATE content_note SET x = NULL WHERE id = '2'`)
	single, several := `SELECT id, x FROM content_note ORDER BY id`, `SELECT parent_id, id, value FROM field_note_x ORDER BY parent_id, sort_order, id`
	batch := changed
	for range 2 {
		batch = b.undo(batch)
		b.inSync()
		b.want(several, "1|b|2", "2|d|2", "4|f|1", "4|g|2")
		batch = b.undo(batch)
		b.inSync()
		b.want(single, "1|one", "2|∅", "3|one", "4|1")
	}
	// Another one is still none, and what has a counterpart comes first.
	b.sql(`UPDATE content_note SET x = 'two' WHERE id = '1'`, `UPDATE content_note SET x = '7' WHERE id = '2'`)
	batch = b.undo(batch)
	b.inSync()
	if got := b.rows(`SELECT parent_id, value FROM field_note_x ORDER BY parent_id, sort_order, id`); len(got) != 5 {
		t.Errorf("the lists are %q", got)
	}
	b.want(`SELECT value FROM field_note_x WHERE parent_id = '2' ORDER BY sort_order, id`, "7", "2")
	b.undo(batch)
	b.inSync()
	b.want(single, "1|two", "2|7", "3|one", "4|1")
	b.undo(b.last())
	b.sql(`UPDATE field_note_x SET value = 8 WHERE id = 'b'`) // what was written since wins
	b.undo(b.last())
	b.inSync()
	b.want(single, "1|8", "2|7", "3|one", "4|1")
}

// TestRevisionsAreNoForeignRule asks for drift of tables that all are ours.
func TestRevisionsAreNoForeignRule(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: "versioned: true\n" + entity("note", f("x text"), f("y text", "cardinality: -1"))})
	b.apply(coordinator.ReloadRequest{})
	drift, err := b.c.Drift(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if u := drift.Unmanaged; len(u.Tables)+len(u.Columns)+len(u.Objects) > 0 {
		t.Errorf("nobody else made %+v", u)
	}
}
