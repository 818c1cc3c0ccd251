package coordinator_test

import (
	"fmt"
	"testing"

	"marain/backend/coordinator"
)

// found proves that the database finds the values of a row in every table of several values, in use or not: whoever
// deletes rows would wait for all of such a table at each of them otherwise.
func (b *bench) found() {
	b.t.Helper()
	for _, table := range b.rows(b.either(`SELECT t.name FROM sqlite_schema AS t JOIN pragma_foreign_key_list(t.name) AS k WHERE t.type = 'table' AND k."table" = 'content_note' ORDER BY 1`,
		`SELECT conrelid::regclass FROM pg_constraint WHERE contype = 'f' AND confrelid = to_regclass('content_note') ORDER BY 1`)) {
		n := b.number(b.either(`SELECT count(*) FROM pragma_index_list(?) AS i JOIN pragma_index_info(i.name) AS c WHERE c.seqno = 0 AND c.name = 'parent_id'`,
			`SELECT count(*) FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] WHERE i.indrelid = to_regclass(?) AND a.attname = 'parent_id'`), table)
		if n != 1 {
			b.t.Errorf("%d indexes find the values of a row in %s", n, table)
		}
	}
}

// TestDeletesBesideListsOutOfUse takes lists out of use in every way, and back.
func TestDeletesBesideListsOutOfUse(t *testing.T) {
	t.Parallel()
	list := f("x text", "cardinality: -1", "indexed: true")
	b := noted(t, entity("note", f("k text"), list))
	first := b.last()
	b.sql(`INSERT INTO content_note (id) VALUES ('1'), ('2')`, `INSERT INTO field_note_x (id, parent_id, value, sort_order) VALUES ('a', '1', '7', 0), ('b', '1', '8', 1), ('c', '2', 'c', 0)`)
	step := func(r coordinator.ApplyResult) coordinator.ApplyResult {
		t.Helper()
		b.inSync()
		b.found()
		return r
	}
	step(b.save(notePath, entity("note", f("k text"))))
	step(b.undo(b.last()))
	b.want(`SELECT id, value FROM field_note_x ORDER BY id`, "a|7", "b|8", "c|c")
	numbers := step(b.save(notePath, entity("note", f("k text"), f("x integer", "cardinality: -1"))))
	b.sql(`UPDATE field_note_x SET value = 9 WHERE id = 'a'`)
	step(b.save(notePath, entity("note", f("k text"), f("x integer"))))
	b.sql(`UPDATE content_note SET x = 10 WHERE id = '2'`)
	step(b.to(first)) // over what lies between
	b.want(`SELECT parent_id, value FROM field_note_x ORDER BY parent_id, sort_order, id`, "1|9", "1|8", "2|10", "2|c")
	step(b.to(numbers))
	step(b.save(notePath, entity("note", f("k text", "label: A"))))
	step(b.save(notePath, entity("note", f("k text", "label: B"), list), "restore:note.x", "empty"))
	step(b.save(notePath, entity("note", f("k text", "label: C"))))
	step(b.to(first))
	b.want(`SELECT parent_id, value FROM field_note_x ORDER BY parent_id, sort_order, id`, "1|9", "1|8", "2|10", "2|c")
	b.remove(notePath)
	step(b.breaking())
	step(b.undo(b.last()))
	b.sql(`DELETE FROM content_note WHERE id = '1'`)
	for _, x := range b.tombstones() {
		b.purge(coordinator.PurgeRequest{IDs: []string{x.ID}, Confirm: fmt.Sprint(1 + len(x.Inside))})
		break
	}
	b.inSync()
}

// TestAListOutOfUseThatNothingFindsIn brings a list back whose index is gone.
func TestAListOutOfUseThatNothingFindsIn(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x text", "cardinality: -1"), f("k text")))
	gone := b.save(notePath, entity("note", f("k text")))
	for _, name := range b.rows(b.either(`SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name LIKE '\_old%' ESCAPE '\' AND sql IS NOT NULL`,
		`SELECT indexname FROM pg_indexes WHERE tablename LIKE '\_old%' AND indexname NOT LIKE '%pk%'`)) {
		b.sql(`DROP INDEX "` + name + `"`)
	}
	b.undo(gone)
	b.inSync()
	b.found()
}
