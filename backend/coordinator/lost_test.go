package coordinator_test

import (
	"slices"
	"strings"
	"testing"

	"marain/backend/action"
	"marain/backend/coordinator"
)

// dropOld drops a column that is out of use, as another program would.
func (b *bench) dropOld(table string) {
	b.t.Helper()
	columns := b.columns(table)
	b.sql(`ALTER TABLE ` + table + ` DROP COLUMN "` + columns[slices.IndexFunc(columns, action.IsOutOfUse)] + `"`)
}

// hinted fails the test unless a way back is blocked with a hint that has these words.
func (b *bench) hinted(r coordinator.ApplyResult, words string) {
	b.t.Helper()
	refusal := b.rollbackRefused(coordinator.RollbackRequest{ActionID: r.ActionID}, coordinator.CodeBlocked)
	block, ok := refusal.Details[0].(action.Block)
	if !ok || !strings.Contains(block.Message, "not there any more") && !strings.Contains(block.Message, "not all there") || !strings.Contains(block.Hint, words) {
		b.t.Errorf("%+v", refusal.Details)
	}
}

// What is said when values of the past are gone can be done, and works: a new field with the same name.
func TestAFieldWhoseFormerValuesAreGone(t *testing.T) {
	t.Parallel()
	for _, repaired := range []bool{false, true} {
		b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text"), f("n integer"))})
		b.apply(coordinator.ReloadRequest{})
		b.sql(`INSERT INTO content_note (id, a, n) VALUES ('1', 'a1', 1)`)
		before := b.read(notePath)
		removed := b.save(notePath, entity("note", f("a text")))
		b.dropOld("content_note")
		if repaired {
			b.repair()
		}
		b.hinted(removed, "write the field into the file and apply that, and it starts empty")
		b.save(notePath, before)
		if !repaired {
			b.repair()
		}
		b.inSync()
		b.want(`SELECT id, a, n FROM content_note`, "1|a1|∅")
	}
}

// What revisions still have comes back with them.
func TestAFieldOfWhichOnlyRevisionsAreLeft(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: "versioned: true\n" + entity("note", f("a text"), f("n integer"))})
	b.apply(coordinator.ReloadRequest{})
	b.sql(`INSERT INTO content_note (id, a, n) VALUES ('1', 'a1', 1)`)
	removed := b.save(notePath, "versioned: true\n"+entity("note", f("a text")))
	b.dropOld("content_note")
	b.hinted(removed, "marain drift --repair makes a place for them again, empty; then go back")
	b.repair()
	b.undo(removed)
	b.inSync()
	b.want(`SELECT id, a, n FROM content_note`, "1|a1|∅")
}

// A field that is in use in another shape gets its former one by converting what there is.
func TestAShapeWhoseOriginalsAreGone(t *testing.T) {
	t.Parallel()
	for _, repaired := range []bool{false, true} {
		b := newBench(t, "none", map[string]string{notePath: entity("note", f("n text"))})
		b.apply(coordinator.ReloadRequest{})
		b.sql(`INSERT INTO content_note (id, n) VALUES ('1', '07')`)
		before := b.read(notePath)
		changed := b.save(notePath, entity("note", f("n integer")))
		b.dropOld("content_note")
		words := "marain drift --repair takes them off the list; then write the former shape into the file and apply that"
		if repaired {
			b.repair()
			words = "write the former shape into the file and apply that, and the present values are converted"
		}
		b.hinted(changed, words)
		if !repaired {
			b.repair()
		}
		b.save(notePath, before)
		b.inSync()
		b.want(`SELECT id, n FROM content_note`, "1|7")
	}
}

// A content type of which a table is gone starts anew.
func TestAContentTypeWhoseTablesAreGone(t *testing.T) {
	t.Parallel()
	for _, repaired := range []bool{false, true} {
		b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text"))})
		b.apply(coordinator.ReloadRequest{})
		before := b.read(notePath)
		b.remove(notePath)
		removed := b.breaking()
		tables := b.tableNames()
		b.sql(`DROP TABLE "` + tables[slices.IndexFunc(tables, action.IsOutOfUse)] + `"`)
		if repaired {
			b.repair()
		}
		b.hinted(removed, "write the file and apply that, to start with empty tables")
		b.save(notePath, before)
		if !repaired {
			b.repair()
		}
		b.inSync()
		b.want(`SELECT count(*) FROM content_note`, "0")
	}
}
