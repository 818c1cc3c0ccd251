package coordinator_test

import (
	"context"
	"errors"

	"marain/backend/coordinator"

	"pgregory.net/rapid"
)

// purgeNothing purges what is old, while all is young, looks at what a purge of everything would destroy, and confirms
// that in a wrong way: none of it changes anything.
func (m *machine) purgeNothing(t *rapid.T) {
	before, places := m.state(), m.physical()
	ctx, young, all := context.Background(), 1, 0
	result, err := m.b.c.Purge(ctx, coordinator.PurgeRequest{OlderThanDays: &young}, person)
	if err != nil || result.ActionID != "" || len(result.Purged) > 0 {
		t.Fatalf("a purge of what is a day old: %+v, %v", result, err)
	}
	looked, err := m.b.c.Purge(ctx, coordinator.PurgeRequest{OlderThanDays: &all, DryRun: true}, person)
	if err != nil || looked.ActionID != "" {
		t.Fatalf("what a purge of everything would destroy: %+v, %v", looked, err)
	}
	listed, err := m.b.c.Tombstones(ctx)
	if err != nil || len(listed.Items) != len(looked.Purged) {
		t.Fatalf("%d are out of use, and a purge would destroy %d: %v", len(listed.Items), len(looked.Purged), err)
	}
	if len(listed.Items) > 0 {
		_, err = m.b.c.Purge(ctx, coordinator.PurgeRequest{OlderThanDays: &all, Confirm: "0"}, person)
		var own *coordinator.Error
		if !errors.As(err, &own) || own.Code != coordinator.CodeInvalid {
			t.Fatalf("a purge that nobody confirmed: %v", err)
		}
		m.tally["purges not confirmed"]++
	}
	m.unchanged(before, places)
}
