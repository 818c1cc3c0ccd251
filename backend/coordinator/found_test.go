package coordinator_test

import (
	"strings"
	"testing"
)

// What the random sequences of TestNothingIsLost found, each as short as it can be.

// TestRevisionsOfAFormerListInAGrave takes a content type out of use whose list got its former values back when no
// revisions were kept any more: the former revisions still belong to it.
func TestRevisionsOfAFormerListInAGrave(t *testing.T) {
	t.Parallel()
	list := f("x text", "cardinality: -1")
	b := newBench(t, "none", map[string]string{notePath: "versioned: true\n" + entity("note", list)})
	first := b.breaking()
	b.sql(`INSERT INTO field_revisions_note_x (id, rid, parent_id, value) VALUES ('v', 1, '1', 'abc')`)
	b.save(notePath, "versioned: true\n"+entity("note", f("x integer", "cardinality: -1")))
	b.save(notePath, entity("note", list))
	b.remove(notePath)
	b.breaking()
	b.inSync()
	b.to(first)
	b.inSync()
	b.want(`SELECT value FROM field_revisions_note_x`, "abc")
}

// TestFormerValuesOfALineThatLeaves brings former values of a field back in the very plan that removes what they had
// become: what was written meanwhile comes along, and the way back finds everything.
func TestFormerValuesOfALineThatLeaves(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("x text"))})
	b.breaking()
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', '007')`)
	b.save(notePath, entity("note", f("x text", "cardinality: -1")))
	b.sql(`INSERT INTO content_note (id) VALUES ('2')`)
	b.sql(`INSERT INTO field_note_x (id, parent_id, value, sort_order) VALUES ('a', '2', 'a', 0), ('b', '2', 'b', 1)`)
	renamed := b.save(notePath, entity("note", f("y text", "cardinality: -1", "renamed_from: x")))
	list := `SELECT parent_id, value FROM field_note_y ORDER BY parent_id, sort_order, id`
	b.want(list, "1|007", "2|a", "2|b")
	b.save(notePath, entity("note", f("x text")), "restore:note.x", "restore")
	b.inSync()
	b.want(`SELECT id, x FROM content_note ORDER BY id`, "1|007", "2|a")
	b.to(renamed)
	b.inSync()
	b.want(list, "1|007", "2|a", "2|b")
}

// TestFormerValuesOfALineInUse adds a field under a name whose former values go on in another field: they are not
// offered, because two fields would be on one line.
func TestFormerValuesOfALineInUse(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("x text"))})
	b.breaking()
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', '007')`)
	b.save(notePath, entity("note", f("x integer")))
	b.save(notePath, entity("note", f("y integer", "renamed_from: x")))
	b.write(notePath, entity("note", f("y integer"), f("x text")))
	if plan := b.plan(); len(plan.Questions) > 0 {
		t.Errorf("it asks %+v", plan.Questions)
	}
	b.breaking()
	b.inSync()
	b.want(`SELECT id, x, y FROM content_note`, "1|∅|7")
}

// TestRevisionsOffWithALimit takes back at once that revisions are kept, a rename and a limit that some row was over.
func TestRevisionsOffWithALimit(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("x float", "cardinality: -1"))})
	b.breaking()
	b.sql(`INSERT INTO content_note (id) VALUES ('1')`)
	b.sql(`INSERT INTO field_note_x (id, parent_id, value, sort_order) VALUES ('a', '1', 1, 0), ('b', '1', 2, 1), ('c', '1', 3, 2)`)
	limited := b.save(notePath, "versioned: true\n"+entity("note", f("y float", "cardinality: 2", "renamed_from: x")))
	b.undo(limited)
	b.inSync()
	b.want(`SELECT value FROM field_note_x ORDER BY sort_order`, "1", "2", "3")
}

// TestAWayBackThroughOtherTypes writes a value that the type between cannot hold, and that of the end can; and one that
// no other can hold, where the end had another value.
func TestAWayBackThroughOtherTypes(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("x text"))})
	b.breaking()
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', '007'), ('2', 'abc'), ('3', '3')`)
	text := b.last()
	b.save(notePath, entity("note", f("x integer")))
	float := b.save(notePath, entity("note", f("x float")))
	b.want(`SELECT id, x FROM content_note ORDER BY id`, "1|7", "2|∅", "3|3")
	b.sql(`UPDATE content_note SET x = 1.5 WHERE id = '1'`, `UPDATE content_note SET x = 2.5 WHERE id = '2'`)
	b.to(text)
	b.inSync()
	b.want(`SELECT id, x FROM content_note ORDER BY id`, "1|1.5", "2|2.5", "3|3")
	b.sql(`UPDATE content_note SET x = 'none' WHERE id = '1'`)
	b.to(float)
	b.inSync()
	b.want(`SELECT id, x FROM content_note ORDER BY id`, "1|∅", "2|2.5", "3|3")
}

// TestALongWayBack goes back over many types of a list, and over single values and lists in turn: the database must
// still be able to read the query.
func TestALongWayBack(t *testing.T) {
	t.Parallel()
	for _, way := range [][]string{
		{"text -1", "integer -1", "float -1", "datetime -1", "slug -1", "boolean -1", "component -1"},
		{"text 1", "text -1", "integer -1", "integer 1", "float 1", "float -1", "datetime -1", "datetime 1", "slug 1", "slug -1"},
	} {
		b := newBench(t, "none", map[string]string{notePath: entity("note", f("x text"))})
		b.breaking()
		b.sql(`INSERT INTO content_note (id, x) VALUES ('1', '1'), ('2', '007'), ('3', 'abc'), ('4', NULL)`)
		start := b.last()
		for _, step := range way {
			kind, cardinality, _ := strings.Cut(step, " ")
			lines := []string{"unique: false", "cardinality: " + cardinality}
			if kind == "component" {
				lines = append(lines[1:], "fields: [{id: y, type: text}]")
			}
			b.write(notePath, entity("note", f("x "+kind, lines...)))
			b.breaking()
			b.inSync()
		}
		end := b.last()
		b.to(start)
		b.inSync()
		b.want(`SELECT id, x FROM content_note ORDER BY id`, "1|1", "2|007", "3|abc", "4|∅")
		b.to(end)
		b.inSync()
		b.sql(`UPDATE content_note SET cache_ttl = 1`)
		b.to(start)
		b.inSync()
		b.want(`SELECT id, x FROM content_note ORDER BY id`, "1|1", "2|007", "3|abc", "4|∅")
	}
}
