package action_test

import (
	"testing"

	"marain/backend/action"
)

func TestStepsWithinARange(t *testing.T) {
	const within = `"t".rowid < 7`
	set := func(column, value string) []action.Assignment {
		return []action.Assignment{{Column: column, Value: value}}
	}
	for _, c := range []struct {
		step   action.Step
		walked string
		want   string // empty: it must run as a whole
	}{
		{action.Update{Table: "t", Set: set("a", `"t"."b"`)}, "t", `UPDATE "t" SET "a" = "t"."b" WHERE "t".rowid < 7`},
		{action.Update{Table: "t", Set: set("a", "1"), Where: "x OR y"}, "t", `UPDATE "t" SET "a" = 1 WHERE (x OR y) AND "t".rowid < 7`},
		{action.Fill{Table: "t", Column: "a", Type: action.ColumnText, Value: "it's"}, "t", `UPDATE "t" SET "a" = 'it''s' WHERE "a" IS NULL AND "t".rowid < 7`},
		// Each range would see what another one set.
		{action.Update{Table: "t", Set: set("a", `"t"."a" + 1`)}, "t", ""},
		{action.Update{Table: "t", Set: []action.Assignment{{Column: "a", Value: `"b"`}, {Column: "b", Value: "2"}}}, "t", ""},
		// Each range would cost as much as the whole.
		{action.Update{Table: "t", Set: set("a", "m.v"), From: "m", Where: "m.id = t.id"}, "t", ""},
		{action.Update{Table: "t", Set: set("a", "1"), Where: "id IN (select id FROM m)"}, "t", ""},
		{action.Insert{Table: "t", Columns: []string{"a"}, Select: "SELECT 1"}, "", ""},
		{action.RenameTable{From: "a", To: "b"}, "", ""},
	} {
		text, ok, err := action.Within(dialect, c.step, within)
		if err != nil || text != c.want || ok != (c.want != "") || action.Walked(c.step) != c.walked {
			t.Errorf("%+v: %q %v %v, walks %q", c.step, text, ok, err, action.Walked(c.step))
		}
	}
	if _, _, err := action.Within(dialect, action.Fill{Table: "t", Column: "a", Value: []byte("x")}, within); err == nil {
		t.Error("a constant that cannot be written")
	}
}
