package coordinator_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"marain/backend/coordinator"
)

// TestVerifyKnowsWhatWasMadeFromWhat changes by hand what is noted about incarnations.
func TestVerifyKnowsWhatWasMadeFromWhat(t *testing.T) {
	t.Parallel()
	for _, tamper := range []string{
		`DELETE FROM marain_origins`,
		`UPDATE marain_origins SET origin = 'aaaaaaaaaa'`,
		`UPDATE marain_lives SET tag = 'aaaaaaaaaa' WHERE field = 'x' AND until IS NULL`,
		`UPDATE marain_lives SET tag = 'aaaaaaaaaa' WHERE field = 'x' AND until IS NOT NULL`,
	} {
		b := noted(t, entity("note", f("x text")))
		b.sql(`INSERT INTO content_note (id, x) VALUES ('1', '007')`)
		b.save(notePath, entity("note", f("x integer")))
		b.sound()
		b.sql(tamper)
		result, err := b.c.Verify(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, fault := range result.Faults {
			found = found || fault.Code == "incarnation"
		}
		if !found || result.OK {
			t.Errorf("%s: verify finds %+v", tamper, result.Faults)
		}
	}
}

// TestReferencesThatPointAtNothing counts them, of one value and of several, as something to know and no fault.
func TestReferencesThatPointAtNothing(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("r entity_reference", "target_entity: note"), f("l entity_reference", "target_entity: note", "cardinality: -1"), f("x text")))
	b.sql(`INSERT INTO content_note (id, r) VALUES ('1', '2'), ('2', 'away'), ('3', NULL)`,
		`INSERT INTO field_note_l (id, parent_id, value) VALUES ('a', '1', '1'), ('b', '1', 'away'), ('c', '2', 'gone')`)
	result, err := b.c.Verify(context.Background())
	want := []coordinator.Fault{
		{Code: "dangling_reference", Subject: "note.r", Message: "1 of 2 values point at no row of note"},
		{Code: "dangling_reference", Subject: "note.l", Message: "2 of 3 values point at no row of note"},
	}
	if err != nil || !result.OK || !slices.Equal(result.Notes, want) {
		t.Errorf("%+v, %v", result, err)
	}
	b.sql(`UPDATE content_note SET r = NULL WHERE id = '2'`, `DELETE FROM field_note_l WHERE id <> 'a'`)
	if result, err = b.c.Verify(context.Background()); err != nil || !result.OK || len(result.Notes) > 0 {
		t.Errorf("%+v, %v", result, err)
	}
}

// TestVerifyWhileAnotherEngineApplies verifies again and again while a content type goes out of use and comes back: what is
// compared is of one moment.
func TestVerifyWhileAnotherEngineApplies(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x text"), f("y text")))
	looking := b.openWith(nil)
	done := make(chan error, 1)
	go func() {
		var err error
		for i := 0; i < 6 && err == nil; i++ {
			text := entity("note", f("x text"), f(fmt.Sprintf("y%d text", i)))
			if err = os.WriteFile(filepath.Join(b.root, notePath), []byte(text), 0o600); err != nil {
				break
			}
			var r coordinator.ApplyResult
			request := coordinator.ReloadRequest{Approve: "breaking", Answers: map[string]string{}}
			request.Answers[fmt.Sprintf("rename:note.y%d", i)] = "replaced"
			if r, err = b.c.Reload(context.Background(), request, person); err == nil {
				_, err = b.c.Rollback(context.Background(), coordinator.RollbackRequest{ActionID: r.ActionID}, person)
			}
		}
		done <- err
	}()
	for n := 0; ; n++ {
		select {
		case err := <-done:
			if err != nil || n == 0 {
				t.Errorf("after %d times: %v", n, err)
			}
			return
		default:
		}
		result, err := looking.Verify(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, fault := range result.Faults {
			if fault.Code != "outbox" { // a file that is just being written back
				t.Errorf("%+v", fault)
			}
		}
	}
}
