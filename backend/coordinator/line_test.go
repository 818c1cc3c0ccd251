package coordinator_test

import (
	"context"
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
