package coordinator_test

import (
	"context"
	"testing"
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
