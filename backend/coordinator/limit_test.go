package coordinator_test

import (
	"testing"

	"marain/backend/coordinator"
)

// noted opens a project with one content type in [notePath], which is applied.
func noted(t *testing.T, text string) *bench {
	t.Helper()
	b := newBench(t, "none", map[string]string{notePath: text})
	b.apply(coordinator.ReloadRequest{})
	return b
}

// TestAnEarlierListIsNotCut brings a list back by hand under a lower limit, and then without one.
func TestAnEarlierListIsNotCut(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x text", "cardinality: -1")))
	b.sql(`INSERT INTO content_note (id) VALUES ('1')`)
	b.sql(`INSERT INTO field_note_x (id, parent_id, value, sort_order) VALUES ('a','1','a',0),('b','1','b',1),('c','1','c',2)`)
	b.save(notePath, entity("note", f("x text")))
	b.save(notePath, entity("note", f("x text", "cardinality: 2")))
	b.inSync()
	b.version(notePath, 1)
	b.inSync()
	b.want(`SELECT value FROM field_note_x ORDER BY sort_order`, "a", "b", "c")
}

// TestALimitComesBackOverMore rolls back to a limit that was raised since: what is there stays, and comes along again.
func TestALimitComesBackOverMore(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x text", "cardinality: 2")))
	b.sql(`INSERT INTO content_note (id) VALUES ('1')`)
	b.sql(`INSERT INTO field_note_x (id, parent_id, value, sort_order) VALUES ('a','1','a',0),('b','1','b',1)`)
	b.save(notePath, entity("note", f("x text", "cardinality: -1")))
	b.sql(`INSERT INTO field_note_x (id, parent_id, value, sort_order) VALUES ('c','1','c',2)`)
	b.save(notePath, entity("note", f("x text")))
	b.version(notePath, 1)
	b.inSync()
	b.want(`SELECT value FROM field_note_x ORDER BY sort_order`, "a", "b", "c")
	b.version(notePath, 2)
	b.inSync()
	b.want(`SELECT value FROM field_note_x ORDER BY sort_order`, "a", "b", "c")
}

// TestALimitWithAType changes a limit together with a type, and goes back and forth.
func TestALimitWithAType(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x text", "cardinality: -1")))
	b.sql(`INSERT INTO content_note (id) VALUES ('1')`)
	b.sql(`INSERT INTO field_note_x (id, parent_id, value, sort_order) VALUES ('a','1','x',0),('b','1','5',1),('c','1','6',2)`)
	r := b.save(notePath, entity("note", f("x integer", "cardinality: 2")))
	b.want(`SELECT value FROM field_note_x ORDER BY sort_order`, "5", "6")
	b.undo(b.undo(r))
	b.inSync()
	b.want(`SELECT value FROM field_note_x ORDER BY sort_order`, "5", "6")
}

// TestTheSameRollbackTwiceUnderALimit rolls back to a lower limit twice: the second time nothing is left to do.
func TestTheSameRollbackTwiceUnderALimit(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x text", "cardinality: 2")))
	b.sql(`INSERT INTO content_note (id) VALUES ('1')`)
	b.sql(`INSERT INTO field_note_x (id, parent_id, value, sort_order) VALUES ('a','1','a',0),('b','1','b',1)`)
	b.save(notePath, entity("note", f("x text", "cardinality: -1")))
	b.sql(`INSERT INTO field_note_x (id, parent_id, value, sort_order) VALUES ('c','1','c',2)`)
	b.version(notePath, 1)
	b.inSync()
	b.want(`SELECT value FROM field_note_x ORDER BY sort_order`, "a", "b", "c")
	n := b.number(`SELECT count(*) FROM marain_audit`)
	b.version(notePath, 1)
	if m := b.number(`SELECT count(*) FROM marain_audit`); m != n {
		t.Errorf("the second rollback to the same version wrote %d links", m-n)
	}
	b.version(notePath, 2)
	b.inSync()
	b.want(`SELECT value FROM field_note_x ORDER BY sort_order`, "a", "b", "c")
}

// TestAListOverItsLimit takes a list that another program made longer than its limit through a type and back.
func TestAListOverItsLimit(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x text", "cardinality: 2")))
	b.sql(`INSERT INTO content_note (id) VALUES ('1')`)
	b.sql(`INSERT INTO field_note_x (id, parent_id, value, sort_order) VALUES ('a','1','1',0),('b','1','2',1),('c','1','3',2)`)
	r := b.save(notePath, entity("note", f("x integer", "cardinality: 2")))
	b.want(`SELECT value FROM field_note_x ORDER BY sort_order`, "1", "2", "3")
	b.undo(r)
	b.inSync()
	b.want(`SELECT value FROM field_note_x ORDER BY sort_order`, "1", "2", "3")
}
