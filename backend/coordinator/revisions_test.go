package coordinator_test

import (
	"testing"
)

// TestRevisionsWereOffInBetween goes back over a type that was in use while no revisions were kept.
func TestRevisionsWereOffInBetween(t *testing.T) {
	t.Parallel()
	b := noted(t, "versioned: true\n"+entity("note", f("x text")))
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', '1')`, `INSERT INTO content_revisions_note (id, rid, x) VALUES ('1', 1, '0')`)
	b.save(notePath, entity("note", f("x text")))
	b.save(notePath, entity("note", f("x integer")))
	b.save(notePath, entity("note", f("x boolean")))
	b.save(notePath, "versioned: true\n"+entity("note", f("x boolean")))
	b.inSync()
	b.version(notePath, 1)
	b.inSync()
	b.want(`SELECT x FROM content_revisions_note`, "0")
}

// TestAListComesBackWithoutItsRevisions brings a list back while no revisions are kept, and they come with the setting.
func TestAListComesBackWithoutItsRevisions(t *testing.T) {
	t.Parallel()
	y := f("y text", "cardinality: -1")
	b := noted(t, "versioned: true\n"+entity("note", f("x text"), y))
	b.sql(`INSERT INTO content_note (id) VALUES ('1')`, `INSERT INTO field_revisions_note_y (id, rid, parent_id, value) VALUES ('a', 1, '1', 'old')`)
	b.save(notePath, "versioned: true\n"+entity("note", f("x text")))
	b.save(notePath, entity("note", f("x text")))
	b.save(notePath, entity("note", f("x text"), y), "restore:note.y", "restore")
	b.inSync()
	b.save(notePath, "versioned: true\n"+entity("note", f("x text"), y))
	b.inSync()
	b.want(`SELECT value FROM field_revisions_note_y`, "old")
}

// TestAListGoesWhileNoRevisionsAreKept removes a list while no revisions are kept, and brings all of it back.
func TestAListGoesWhileNoRevisionsAreKept(t *testing.T) {
	t.Parallel()
	y := f("y text", "cardinality: -1")
	b := noted(t, "versioned: true\n"+entity("note", f("x text"), y))
	b.sql(`INSERT INTO content_note (id) VALUES ('1')`, `INSERT INTO field_revisions_note_y (id, rid, parent_id, value) VALUES ('a', 1, '1', 'old')`)
	b.save(notePath, entity("note", f("x text"), y))
	b.save(notePath, entity("note", f("x text")))
	b.save(notePath, "versioned: true\n"+entity("note", f("x text")))
	b.inSync()
	b.version(notePath, 1)
	b.inSync()
	b.want(`SELECT value FROM field_revisions_note_y`, "old")
}

// TestAListIsRenamedAndRemovedWithoutRevisions renames a list and removes it while no revisions are kept, and brings all of it back.
func TestAListIsRenamedAndRemovedWithoutRevisions(t *testing.T) {
	t.Parallel()
	b := noted(t, "versioned: true\n"+entity("note", f("x text"), f("y text", "cardinality: -1")))
	b.sql(`INSERT INTO content_note (id) VALUES ('1')`, `INSERT INTO field_revisions_note_y (id, rid, parent_id, value) VALUES ('a', 1, '1', 'old')`)
	b.save(notePath, entity("note", f("x text"), f("y text", "cardinality: -1")))
	b.save(notePath, entity("note", f("x text"), f("z text", "cardinality: -1", "renamed_from: y")))
	b.save(notePath, entity("note", f("x text")))
	b.save(notePath, "versioned: true\n"+entity("note", f("x text")))
	b.inSync()
	b.version(notePath, 1)
	b.inSync()
	b.want(`SELECT value FROM field_revisions_note_y`, "old")
}

// TestAFieldIsRenamedAndRemovedWithoutRevisions renames a field and removes it while no revisions are kept, and brings all of it back.
func TestAFieldIsRenamedAndRemovedWithoutRevisions(t *testing.T) {
	t.Parallel()
	b := noted(t, "versioned: true\n"+entity("note", f("x text"), f("y text")))
	b.sql(`INSERT INTO content_note (id, y) VALUES ('1', 'now')`, `INSERT INTO content_revisions_note (id, rid, y) VALUES ('1', 1, 'old')`)
	b.save(notePath, entity("note", f("x text"), f("y text")))
	b.save(notePath, entity("note", f("x text"), f("z text", "renamed_from: y")))
	b.save(notePath, entity("note", f("x text")))
	b.save(notePath, "versioned: true\n"+entity("note", f("x text")))
	b.inSync()
	b.version(notePath, 1)
	b.inSync()
	b.want(`SELECT y FROM content_revisions_note`, "old")
}

// TestAContentTypeGoesWithoutItsRevisions removes a content type while no revisions are kept, and brings all of it back.
func TestAContentTypeGoesWithoutItsRevisions(t *testing.T) {
	t.Parallel()
	one := "versioned: true\n" + entity("note", f("x text"), f("y text", "cardinality: -1"))
	b := noted(t, one)
	first := b.last()
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', 'a')`, `INSERT INTO content_revisions_note (id, rid, x) VALUES ('1', 1, 'was')`,
		`INSERT INTO field_revisions_note_y (id, rid, parent_id, value) VALUES ('v', 1, '1', 'old')`)
	b.save(notePath, entity("note", f("x integer"), f("y text", "cardinality: -1")))
	b.remove(notePath)
	b.breaking()
	b.inSync()
	b.save(notePath, "# again\n"+"versioned: true\n"+entity("note", f("x integer")), "restore:note", "restore")
	b.inSync()
	b.want(`SELECT id, x FROM content_revisions_note`, "1|∅")
	b.save("schemas/z.schema.yaml", entity("z", f("x text")))
	b.to(first)
	b.inSync()
	b.want(`SELECT x FROM content_revisions_note`, "was")
	b.want(`SELECT value FROM field_revisions_note_y`, "old")
}

// TestRevisionsOfAnotherShapeAreRehearsed brings revisions back that have another shape by now: the way back of that is proved.
func TestRevisionsOfAnotherShapeAreRehearsed(t *testing.T) {
	t.Parallel()
	b := noted(t, "versioned: true\n"+entity("note", f("x text"), f("k text")))
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', 'a')`)
	b.save(notePath, entity("note", f("x text"), f("k text")))
	b.save(notePath, entity("note", f("y text", "renamed_from: x"), f("n text")), "rename:note.n", "replaced")
	b.write(notePath, "versioned: true\n"+entity("note", f("y text"), f("n text")))
	if p := b.plan(); p.Rehearsal.State != "proved" {
		t.Errorf("rehearsal %+v", p.Rehearsal)
	}
}
