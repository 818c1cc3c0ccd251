package action_test

import (
	"testing"
	"time"

	"marain/backend/action"
)

// A check that runs out of time says what it was about, and what is asked then names no number.
func TestAChecksTimeIsUp(t *testing.T) {
	for _, c := range []struct{ name, old, new, message, question string }{
		{
			"made required", entity("note", false, "id: title, type: text"), entity("note", false, "id: title, type: text, required: true"),
			"Not proved for note.title: the rows could not be read in time", "Which value of title (text) do the rows get that have none?",
		},
		{
			"new and required", entity("note", false, keep), entity("note", false, keep, "id: title, type: text, required: true"),
			"Not proved for note.title: the rows could not be read in time", "Which value of title (text) do the rows get that have none?",
		},
		{"content type removed", entity("note", false, keep), "", "Not proved for note: the rows could not be read in time", ""},
	} {
		old := load(t, c.old)
		w := newWorld(t, old, 2)
		limit := func(g *action.Generator, _ *action.Input) { g.CheckLimit = time.Nanosecond }
		new := load(t, c.new)
		draft := w.plan(t, old, new, limit)
		if len(draft.File.Checks) == 0 || draft.File.Checks[0].Message != c.message || draft.File.Checks[0].Count != 0 {
			t.Errorf("%s: %+v", c.name, draft.File.Checks)
		}
		if asked := draft.Questions; (len(asked) > 0) != (c.question != "") || len(asked) > 0 && asked[0].Text != c.question {
			t.Errorf("%s: %+v", c.name, asked)
		}
	}
}
