package coordinator_test

import (
	"fmt"
	"testing"

	"marain/backend/coordinator"
)

// TestATypeAndBack changes a type and goes back and forth: originals that nobody touched come back as they were, what
// was written since wins.
func TestATypeAndBack(t *testing.T) {
	t.Parallel()
	for _, versioned := range []string{"", "versioned: true\n"} {
		b := newBench(t, "none", map[string]string{notePath: versioned + entity("note", f("x text"), f("y text"))})
		b.apply(coordinator.ReloadRequest{})
		b.sql(`INSERT INTO content_note (id, x, y) VALUES ('1', '007', 'a'), ('2', 'abc', 'b'), ('3', NULL, 'c'), ('4', '12', 'd')`)
		if versioned != "" {
			b.sql(`INSERT INTO content_revisions_note (id, rid, x) VALUES ('1', 1, '006'), ('2', 1, 'abb')`)
		}
		tables := b.tables()
		typed := b.save(notePath, versioned+entity("note", f("x integer"), f("y text")))
		b.inSync()
		b.want(`SELECT id, x FROM content_note ORDER BY id`, "1|7", "2|∅", "3|∅", "4|12")
		if versioned != "" {
			b.want(`SELECT id, x FROM content_revisions_note ORDER BY id`, "1|6", "2|∅")
		}
		back := b.undo(typed)
		b.inSync()
		b.want(`SELECT id, x FROM content_note ORDER BY id`, "1|007", "2|abc", "3|∅", "4|12")
		if b.tables() != tables {
			t.Errorf("the tables are\n%s\nand were\n%s", b.tables(), tables)
		}
		forth := b.undo(back)
		b.inSync()
		b.want(`SELECT id, x FROM content_note ORDER BY id`, "1|7", "2|∅", "3|∅", "4|12")
		b.sql(`UPDATE content_note SET x = 8 WHERE id = '2'`, `UPDATE content_note SET x = NULL WHERE id = '4'`, `INSERT INTO content_note (id, x) VALUES ('5', 55)`)
		back = b.undo(forth)
		b.inSync()
		b.want(`SELECT id, x FROM content_note ORDER BY id`, "1|007", "2|8", "3|∅", "4|∅", "5|55")
		b.sql(`UPDATE content_note SET x = 'new' WHERE id = '1'`)
		b.undo(back)
		b.inSync()
		b.want(`SELECT id, x FROM content_note ORDER BY id`, "1|∅", "2|8", "3|∅", "4|∅", "5|55")
		// The type that the file gives back by hand brings the originals back too.
		b.write(notePath, versioned+entity("note", f("x text"), f("y text")))
		b.apply(coordinator.ReloadRequest{Files: []string{notePath}, Approve: "breaking"})
		b.inSync()
		b.want(`SELECT id, x FROM content_note ORDER BY id`, "1|new", "2|8", "3|∅", "4|∅", "5|55")
		if versioned != "" {
			b.want(`SELECT id, x FROM content_revisions_note ORDER BY id`, "1|006", "2|abb")
		}
		b.to(typed)
		b.inSync()
		b.want(`SELECT id, x FROM content_note ORDER BY id`, "1|∅", "2|8", "3|∅", "4|∅", "5|55")
		b.sound()
	}
}

// TestSeveralValuesAndBack changes the cardinality and goes back and forth.
func TestSeveralValuesAndBack(t *testing.T) {
	t.Parallel()
	for _, versioned := range []string{"", "versioned: true\n"} {
		one := versioned + entity("note", f("x text", "indexed: true"))
		many := versioned + entity("note", f("x text", "cardinality: -1"))
		b := newBench(t, "none", map[string]string{notePath: one})
		b.apply(coordinator.ReloadRequest{})
		b.sql(`INSERT INTO content_note (id, x) VALUES ('1', 'a'), ('2', NULL), ('3', 'c')`)
		raised := b.save(notePath, many)
		b.inSync()
		list := `SELECT parent_id, value FROM field_note_x ORDER BY parent_id, sort_order, id`
		b.want(list, "1|a", "3|c")
		back := b.undo(raised)
		b.inSync()
		b.want(`SELECT id, x FROM content_note ORDER BY id`, "1|a", "2|∅", "3|c")
		b.undo(back)
		b.inSync()
		b.sql(`INSERT INTO field_note_x (id, parent_id, value, sort_order) VALUES ('n', '1', 'b', 1), ('m', '2', 'z', 0)`, `UPDATE field_note_x SET value = 'C' WHERE parent_id = '3'`)
		lowered := b.save(notePath, versioned+entity("note", f("x text")))
		b.inSync()
		b.want(`SELECT id, x FROM content_note ORDER BY id`, "1|a", "2|z", "3|C")
		b.undo(lowered)
		b.inSync()
		b.want(list, "1|a", "1|b", "2|z", "3|C")
		forth := b.undo(b.last())
		b.inSync()
		b.sql(`UPDATE content_note SET x = 'A' WHERE id = '1'`, `UPDATE content_note SET x = NULL WHERE id = '2'`, `INSERT INTO content_note (id, x) VALUES ('4', 'd')`)
		b.undo(forth)
		b.inSync()
		b.want(list, "1|A", "1|b", "3|C", "4|d")
		two := b.save(notePath, versioned+entity("note", f("x text", "cardinality: 1")))
		b.undo(two)
		b.inSync()
		b.want(list, "1|A", "1|b", "3|C", "4|d")
		b.sound()
	}
}

// TestALimitAndBack lowers how many values a row may have: what is there stays until somebody writes it.
func TestALimitAndBack(t *testing.T) {
	t.Parallel()
	many := entity("note", f("x text", "cardinality: -1"))
	b := newBench(t, "none", map[string]string{notePath: many})
	b.apply(coordinator.ReloadRequest{})
	b.sql(`INSERT INTO content_note (id) VALUES ('1'), ('2')`)
	b.sql(`INSERT INTO field_note_x (id, parent_id, value, sort_order) VALUES ('a', '1', 'a', 0), ('b', '1', 'b', 1), ('c', '1', 'c', 2), ('d', '2', 'd', 0)`)
	list := `SELECT id, value FROM field_note_x ORDER BY parent_id, sort_order, id`
	b.write(notePath, entity("note", f("x text", "cardinality: 2")))
	checks := b.plan().Files[0].Checks
	if len(checks) != 1 || checks[0].Count != 1 || fmt.Sprint(checks[0].Samples) != "[map[id:1 number:3]]" {
		t.Errorf("checks %+v", checks)
	}
	two := b.breaking()
	b.inSync()
	b.want(list, "a|a", "b|b", "c|c", "d|d")
	b.undo(two)
	b.inSync()
	b.want(list, "a|a", "b|b", "c|c", "d|d")
	b.sound()
}

// TestRevisionsOnAndOff turns revisions on and off while fields come and go.
func TestRevisionsOnAndOff(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: "versioned: true\n" + entity("note", f("x text"), f("y text", "cardinality: -1"), f("z text"))})
	first := b.apply(coordinator.ReloadRequest{})
	b.sql(`INSERT INTO content_note (id, x, z) VALUES ('1', 'a', '5')`, `INSERT INTO content_revisions_note (id, rid, x, z) VALUES ('1', 1, 'was', '4')`)
	b.sql(`INSERT INTO field_revisions_note_y (id, rid, parent_id, value) VALUES ('v', 1, '1', 'old')`)
	off := b.save(notePath, entity("note", f("x text"), f("y text", "cardinality: -1"), f("z text")))
	b.inSync()
	b.save(notePath, entity("note", f("w text", "renamed_from: x"), f("y text", "cardinality: -1"), f("z integer"), f("new text")))
	b.inSync()
	on := b.save(notePath, "versioned: true\n"+entity("note", f("w text"), f("y text", "cardinality: -1"), f("z integer"), f("new text")))
	b.inSync()
	b.want(`SELECT w, z, new FROM content_revisions_note`, "was|4|∅")
	b.want(`SELECT value FROM field_revisions_note_y`, "old")
	b.undo(on)
	b.inSync()
	b.to(off)
	b.inSync()
	b.to(first)
	b.inSync()
	b.want(`SELECT x, z FROM content_revisions_note`, "was|4")
	b.want(`SELECT value FROM field_revisions_note_y`, "old")
	b.to(on)
	b.inSync()
	b.want(`SELECT w, z, new FROM content_revisions_note`, "was|4|∅")
	b.sound()
}

// TestATypeTakenBackAfterABackfill takes a type back whose field had been given values for another rule before.
func TestATypeTakenBackAfterABackfill(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x float", "default: 1.25")))
	b.sql(`INSERT INTO content_note (id) VALUES ('1')`, `INSERT INTO content_note (id, x) VALUES ('2', 7.5)`)
	b.save(notePath, entity("note", f("x float", "required: true", "default: 1.25")))
	b.want(`SELECT x FROM content_note ORDER BY id`, "1.25", "7.5")
	r := b.save(notePath, entity("note", f("x boolean", "required: true")), "backfill:note.x", "false")
	b.undo(r)
	b.inSync()
	b.want(`SELECT x FROM content_note ORDER BY id`, "1.25", "7.5")
}

// TestARepairKeepsWhatIsNoSlug gives a column of slugs its type back: a value that is none stays as it lies.
func TestARepairKeepsWhatIsNoSlug(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x slug", "unique: false")))
	b.sql(`ALTER TABLE content_note RENAME COLUMN x TO aside`, b.either(`ALTER TABLE content_note ADD COLUMN x VARCHAR(300)`, `ALTER TABLE content_note ADD COLUMN x varchar(300)`),
		`ALTER TABLE content_note DROP COLUMN aside`, `INSERT INTO content_note (id, x) VALUES ('1', 'No Slug'), ('2', 'slug')`)
	b.repair()
	b.inSync()
	b.want(`SELECT x FROM content_note ORDER BY id`, "No Slug", "slug")
}
