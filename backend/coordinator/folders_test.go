package coordinator_test

import (
	"testing"

	"marain/backend/coordinator"
)

// What a rollback on another machine has still to write there is none of this folder's: it is neither written here, where
// the file may be another one, nor forgotten, nor a fault.
func TestWhatIsToBeWrittenInAnotherFolder(t *testing.T) {
	t.Parallel()
	before, after := entity("note", f("a text"), f("b text")), entity("note", f("a text"))
	b := newBench(t, "none", map[string]string{notePath: after})
	b.apply(coordinator.ReloadRequest{})
	r := b.save(notePath, before)
	b.undo(r)
	b.write(notePath, before) // the checkout here
	b.sql(`INSERT INTO marain_outbox (id, action_id, file_path, expected_hash, body_hash, folder) VALUES (1, '` + b.last().ActionID + `', '` + notePath + `', '` +
		sum(before) + `', '` + sum(after) + `', 'another')`)
	b.c = b.openWith(nil)
	b.sound()
	if b.read(notePath) != before {
		t.Error("the file was written here")
	}
	b.want(`SELECT folder FROM marain_outbox`, "another")
	if result := b.apply(coordinator.ReloadRequest{Files: []string{notePath}, Approve: "breaking"}); len(result.Applied) != 1 {
		t.Errorf("%+v", result)
	}
	b.want(`SELECT count(*) FROM marain_outbox`, "0") // a newer version was decided
}
