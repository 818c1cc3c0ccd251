package action_test

import (
	"context"
	"testing"

	"marain/backend/action"
	"marain/backend/executor"
)

// Every plan of the tests above comes back on a copy: forward, back, and forward again.
func TestEveryPlanIsProvedByARehearsal(t *testing.T) {
	for _, c := range plans {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			old, new := load(t, c.old), load(t, c.new)
			w := newWorld(t, old, c.rows)
			draft := w.plan(t, old, new, func(g *action.Generator, _ *action.Input) { g.Answers = c.answers })
			e := &executor.Executor{Database: w.db}
			result, err := e.Rehearse(context.Background(), []action.Draft{draft}, nil, executor.RehearsalLimit)
			if err != nil {
				t.Fatal(err)
			}
			want := action.Proved
			if up, down := statements(draft); len(up)+len(down) == 0 {
				want = action.NotNeeded
			}
			if result.State != want {
				t.Errorf("%s: %s", result.State, result.Message)
			}
			t.Log(result.Message)
		})
	}
}
