package cli

import (
	"testing"

	"marain/backend/coordinator"
)

// Where only the tables differ, the line says what is to be done about it; beside anything else it is one more thing.
func TestTheStatusBeginsWithWhatIsToBeDone(t *testing.T) {
	t.Parallel()
	drift := coordinator.DriftStatus{Differences: 2, Message: "m"}
	for want, status := range map[string]coordinator.Status{
		"In sync": {InSync: true},
		"Repair or adopt 2 differences in the live tables":   {State: "degraded", Drift: drift},
		"1 change waiting, 2 differences in the live tables": {State: "pending", Drift: drift, PendingChanges: []coordinator.PendingChange{{File: "a"}}},
		"1 file held, 2 differences in the live tables":      {State: "held", Drift: drift, HeldFiles: []coordinator.Held{{File: "a"}}},
		"Not available, 2 differences in the live tables":    {State: "suspect", Drift: drift},
	} {
		if got := stateLine(status).text; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
