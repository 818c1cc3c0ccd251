package coordinator_test

import (
	"context"
	"testing"

	"marain/backend/coordinator"
)

// TestRowsThatTheApprovedPlanDidNotKnow writes rows between a plan and its approval that change what the plan does.
func TestRowsThatTheApprovedPlanDidNotKnow(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x text", "cardinality: -1")))
	b.sql(`INSERT INTO content_note (id) VALUES ('1')`)
	b.write(notePath, entity("note", f("x text", "cardinality: 2")))
	plan := b.plan()
	b.sql(`INSERT INTO field_note_x (id, parent_id, value, sort_order) VALUES ('a','1','a',0),('b','1','b',1),('c','1','c',2)`)
	_, err := b.c.Reload(context.Background(), coordinator.ReloadRequest{PlanID: plan.ID, Approve: "breaking"}, person)
	b.refused(err, coordinator.CodeStale)
	b.want(`SELECT value FROM field_note_x ORDER BY sort_order`, "a", "b", "c")
}

// TestARowThatTheApprovedRollbackDidNotKnow writes a row between the plan of a rollback and its approval.
func TestARowThatTheApprovedRollbackDidNotKnow(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x text")))
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', '007')`)
	r := b.save(notePath, entity("note", f("x integer")))
	dry, err := b.c.Rollback(context.Background(), coordinator.RollbackRequest{ActionID: r.ActionID, DryRun: true}, person)
	if err != nil {
		t.Fatal(err)
	}
	b.sql(`UPDATE content_note SET x = 8`)
	_, err = b.c.Rollback(context.Background(), coordinator.RollbackRequest{ActionID: r.ActionID, PlanID: dry.Plan.ID}, person)
	b.refused(err, coordinator.CodeStale)
}

// TestAUniqueIndexOfAnotherProgram refuses to take values out of use that would go on refusing rows.
func TestAUniqueIndexOfAnotherProgram(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x text", "default: q"), f("y text")))
	b.sql(`INSERT INTO content_note (id, x, y) VALUES ('1', 'a', 'p')`, `CREATE UNIQUE INDEX theirs ON content_note (x)`)
	b.write(notePath, entity("note", f("x integer"), f("y text")))
	b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking"}, coordinator.CodeBlocked)
	b.sql(`DROP INDEX theirs`)
	b.breaking()
	b.inSync()
	b.sql(`INSERT INTO content_note (id, y) VALUES ('2', 'p'), ('3', 'p')`)
}
