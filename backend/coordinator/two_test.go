package coordinator_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"marain/backend/coordinator"
)

// TestTwoEnginesOnOneDatabase has two programs apply at random on one database, MARAIN_APPLIES times each. Every version
// is applied once, by one of them, nothing that was written is lost, and a plan that is not true any more is refused.
func TestTwoEnginesOnOneDatabase(t *testing.T) {
	t.Parallel()
	applies := setting(t, "MARAIN_APPLIES", 12)
	common := "schemas/common.schema.yaml"
	b := newBench(t, "none", map[string]string{
		"schemas/one.schema.yaml": entity("one", f("a text")), "schemas/two.schema.yaml": entity("two", f("a text")), common: entity("common", f("a text")),
	})
	b.breaking()
	b.conn()
	engines := map[string]*coordinator.Coordinator{"one": b.c, "two": b.openWith(nil)}
	batches := struct {
		sync.Mutex
		done  map[string]string // action id to who
		stale int
	}{done: map[string]string{}}
	var wg sync.WaitGroup
	for who, c := range engines {
		random := rand.New(rand.NewPCG(uint64(len(who)), uint64(who[0])))
		wg.Go(func() {
			own := "schemas/" + who + ".schema.yaml"
			for i := range applies {
				path, id := own, who
				if random.IntN(3) == 0 { // both write this one; the last save wins, and who applies it is open
					path, id = common, "common"
				}
				fields := [][]string{f("a text")}
				for k := range random.IntN(4) {
					fields = append(fields, f(fmt.Sprintf("%s_%d text", who, k)))
				}
				fields = append(fields, f(fmt.Sprintf("%s_%d_new integer", who, i)))
				b.write(path, entity(id, fields...))
				request := coordinator.ReloadRequest{Files: []string{path}, Approve: "breaking", Answers: map[string]string{}}
				if random.IntN(4) == 0 { // approve exactly what was looked at
					if plan, err := c.Diff(context.Background(), coordinator.DiffRequest{Files: []string{path}}); err == nil {
						request.PlanID = plan.ID
					}
				}
				r, err := c.Reload(context.Background(), request, coordinator.Actor{Name: who, Door: "code"})
				for range 3 { // a field that went and one that came: it is another one
					var refusal *coordinator.Error
					if !errors.As(err, &refusal) || refusal.Code != coordinator.CodeBlocked {
						break
					}
					request.PlanID = ""
					request.Answers = replaced(refusal)
					r, err = c.Reload(context.Background(), request, coordinator.Actor{Name: who, Door: "code"})
				}
				batches.Lock()
				var refusal *coordinator.Error
				switch {
				case err == nil && r.ActionID != "":
					if other, twice := batches.done[r.ActionID]; twice {
						t.Errorf("batch %s was applied by %s and by %s", r.ActionID, other, who)
					}
					batches.done[r.ActionID] = who
				case errors.As(err, &refusal) && (refusal.Code == coordinator.CodeStale || refusal.Code == coordinator.CodeLocked || refusal.Code == coordinator.CodeBlocked || refusal.Code == coordinator.CodeConflict || refusal.Code == coordinator.CodeInvalid):
					batches.stale++
				case err != nil:
					t.Errorf("%s: %v", who, err)
				}
				batches.Unlock()
			}
		})
		wg.Go(func() { // somebody writes content meanwhile, into columns that stay
			for i := range applies {
				b.trySQL(fmt.Sprintf(`INSERT INTO content_%s (id, a) VALUES ('%s-%d', 'value %d')`, who, who, i, i))
			}
		})
	}
	wg.Wait()
	for _, c := range engines {
		b.c = c
		if _, err := c.Status(context.Background()); err != nil {
			t.Fatal(err)
		}
		b.sound()
	}
	for path, id := range map[string]string{"schemas/one.schema.yaml": "one", "schemas/two.schema.yaml": "two", common: "common"} {
		b.want(`SELECT count(*) - max(version), count(DISTINCT version) - max(version) FROM file_versions WHERE status <> 'pending' AND file_path = '`+path+`'`, "0|0")
		b.write(path, entity(id, f("a text"), f("last text")))
	}
	b.want(`SELECT count(*) - max(seq), count(DISTINCT action_id) - max(seq) FROM marain_audit`, "0|0")
	if n := b.number(`SELECT count(*) FROM marain_audit WHERE kind = 'apply'`); n != len(batches.done)+1 {
		t.Errorf("%d batches are recorded, %d were answered", n-1, len(batches.done))
	}
	if len(batches.done) < applies {
		t.Errorf("only %d of %d applies got through, %d were refused", len(batches.done), 2*applies, batches.stale)
	}
	for who := range engines {
		written := b.number(`SELECT count(*) FROM content_` + who)
		if kept := b.number(`SELECT count(*) FROM content_` + who + ` WHERE a = 'value ' || substr(id, ` + fmt.Sprint(len(who)+2) + `)`); kept != written || written == 0 {
			t.Errorf("%d of %d values of %s are what was written", kept, written, who)
		}
	}
}

// replaced answers every question of a refusal: a field that came is another one than the one that went.
func replaced(refusal *coordinator.Error) map[string]string {
	answers := map[string]string{}
	for _, d := range refusal.Details {
		if q, ok := d.(planQuestion); ok && strings.HasPrefix(q.Key, "rename:") {
			answers[q.Key] = "replaced"
		}
	}
	return answers
}

// trySQL runs a statement of another program, again and again while the engine has the table.
func (b *bench) trySQL(statement string) {
	for range 200 {
		_, err := b.conn().Exec(statement)
		if err == nil {
			return
		}
		if text := err.Error(); !strings.Contains(text, "locked") && !strings.Contains(text, "busy") && !strings.Contains(text, "deadlock") {
			b.t.Errorf("%s: %v", statement, err)
			return
		}
	}
}
