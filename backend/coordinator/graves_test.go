package coordinator_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"marain/backend/coordinator"
)

// manyGraves is a project with every kind of thing out of use: a field whose type changed, a list that became one value,
// revisions, what a way back displaced, a field that was removed twice under one name.
func manyGraves(t *testing.T) *bench {
	t.Helper()
	b := newBench(t, "none", map[string]string{
		notePath: "versioned: true\n" + entity("note", f("a text"), f("n text"), f("list text", "cardinality: -1"), f("gone text")),
	})
	b.apply(coordinator.ReloadRequest{})
	b.sql(`INSERT INTO content_note (id, a, n, gone) VALUES ('1', 'a1', '12', 'g1'), ('2', 'a2', 'x', NULL)`,
		`INSERT INTO content_revisions_note (id, rid, a, n) VALUES ('1', 1, 'old', '11')`,
		`INSERT INTO field_note_list (id, parent_id, value) VALUES ('1', '1', 'x'), ('2', '1', 'y')`)
	b.save(notePath, "versioned: true\n"+entity("note", f("a text"), f("n integer"), f("list text", "cardinality: -1"), f("gone text")))
	b.save(notePath, "versioned: true\n"+entity("note", f("a text"), f("n integer"), f("list text"), f("gone text")))
	b.save(notePath, "versioned: true\n"+entity("note", f("a text"), f("n integer"), f("list text")))
	b.save(notePath, "versioned: true\n"+entity("note", f("a text"), f("n integer"), f("list text"), f("gone text")))
	b.sql(`UPDATE content_note SET gone = 'g2'`)
	b.save(notePath, "versioned: true\n"+entity("note", f("a text"), f("n integer"), f("list text")))
	b.save(notePath, entity("note", f("a text"), f("n integer"), f("list text")))
	b.sql(`UPDATE content_note SET n = 77 WHERE id = '1'`)
	b.version(notePath, 1) // which displaces what was written since
	b.version(notePath, 7)
	b.inSync()
	return b
}

func TestPurgingEveryKind(t *testing.T) {
	t.Parallel()
	b := manyGraves(t)
	kinds := map[string]int{}
	for _, x := range b.tombstones() {
		kinds[x.Kind]++
		if len(x.Places) == 0 || !x.Counted {
			t.Errorf("%+v", x)
		}
	}
	if kinds["field"] < 4 || kinds["revisions"] == 0 {
		t.Errorf("%v", kinds)
	}
	values := b.rows(`SELECT * FROM content_note ORDER BY id`)
	live := b.tables()
	// One at a time, the newest first, and after each everything agrees and what is in use is what it was.
	for left := b.tombstones(); len(left) > 0; left = b.tombstones() {
		last := left[len(left)-1]
		r := b.purge(coordinator.PurgeRequest{IDs: []string{last.ID}, Confirm: fmt.Sprint(1 + len(last.Inside))})
		if len(r.Purged) != 1+len(last.Inside) {
			t.Fatalf("%+v", r)
		}
		b.inSync()
		if b.tables() != live {
			t.Fatalf("purging %s changed a table in use:\n%s\n%s", last.Name, live, b.tables())
		}
	}
	for _, name := range b.tableNames() {
		if columns := b.columns(name); strings.Contains(name+" "+strings.Join(columns, " "), "_old_") {
			t.Errorf("left over: %s %v", name, columns)
		}
	}
	now := b.rows(`SELECT id, a, n, list FROM content_note ORDER BY id`)
	if len(now) != len(values) {
		t.Errorf("%v, %v", now, values)
	}
	// The project lives on.
	b.save(notePath, "versioned: true\n"+entity("note", f("a integer"), f("n integer"), f("list text", "cardinality: -1")))
	b.inSync()
}

// What can only be brought back through something that was purged cannot be gone back to, and says so; nothing else is
// lost by the attempt.
func TestWaysBackAfterAPurgeOfEverything(t *testing.T) {
	t.Parallel()
	b := manyGraves(t)
	n := len(b.tombstones())
	b.purge(coordinator.PurgeRequest{OlderThanDays: days(0), Confirm: fmt.Sprint(n)})
	b.inSync()
	before := b.everything()
	var blocked []int
	for version := 1; version <= 8; version++ {
		_, err := b.c.Rollback(t.Context(), coordinator.RollbackRequest{File: notePath, Version: version, DryRun: true}, person)
		if err != nil {
			b.refused(err, coordinator.CodeBlocked)
			blocked = append(blocked, version)
		}
	}
	if b.everything() != before {
		t.Error("looking changed something")
	}
	// Versions 1 to 3 had the removed field, 1 the former type, 2 and 3 the list.
	for _, version := range []int{1, 2, 3, 5} {
		if !slices.Contains(blocked, version) {
			t.Errorf("version %d can be gone back to, and what it held was purged: %v", version, blocked)
		}
	}
	b.write(notePath, entity("note", f("a text"), f("n integer"), f("list text"), f("gone text")))
	for _, q := range b.plan().Questions {
		if strings.HasPrefix(q.Key, "restore:") {
			t.Errorf("what was purged is offered: %+v", q)
		}
	}
	b.breaking()
	b.inSync()
	b.want(`SELECT gone FROM content_note ORDER BY id`, "∅", "∅")
}
