package coordinator_test

import (
	"fmt"
	"strings"
	"testing"

	"marain/backend/coordinator"
)

func TestRenamedField(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name         string
		was, now     []string
		write, read  string // %s stands for the field
		answers      []string
		wantQuestion string
	}{
		{name: "declared", was: f("a text", "indexed: true"), now: f("b text", "indexed: true", "renamed_from: a"), write: `INSERT INTO content_note (id, a) VALUES ('1', 'v')`, read: `SELECT %s FROM content_note`},
		{
			name: "confirmed", was: f("a text", "unique: true"), now: f("b text", "unique: true"), write: `INSERT INTO content_note (id, a) VALUES ('1', 'v')`, read: `SELECT %s FROM content_note`,
			answers: []string{"rename:note.b", "renamed"}, wantQuestion: "rename:note.b",
		},
		{
			name: "with other rules", was: f("a text", "required: true", "indexed: true"), now: f("b text", "unique: true"), write: `INSERT INTO content_note (id, a) VALUES ('1', 'v')`, read: `SELECT %s FROM content_note`,
			answers: []string{"rename:note.b", "renamed"}, wantQuestion: "rename:note.b",
		},
		{
			name: "many values", was: f("a text", "cardinality: -1", "unique: true"), now: f("b text", "cardinality: -1", "unique: true"),
			write: `INSERT INTO field_note_a (id, parent_id, value) VALUES ('x', '0', 'v')`, read: `SELECT value FROM field_note_%s`,
			answers: []string{"rename:note.b", "renamed"}, wantQuestion: "rename:note.b",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "none", map[string]string{notePath: "versioned: true\n" + entity("note", f("title text"), c.was)})
			first := b.apply(coordinator.ReloadRequest{})
			b.sql(`INSERT INTO content_note (id` + map[bool]string{true: ", a", false: ""}[strings.Contains(strings.Join(c.was, ""), "required")] + `) VALUES ('0'` + map[bool]string{true: ", 'w'", false: ""}[strings.Contains(strings.Join(c.was, ""), "required")] + `)`)
			b.sql(c.write)
			before := b.rows(strings.ReplaceAll(c.read, "%s", "a"))
			tables := b.tables()
			b.write(notePath, "versioned: true\n"+entity("note", f("title text"), c.now))
			if c.wantQuestion != "" {
				refusal := b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking"}, coordinator.CodeBlocked)
				if !strings.Contains(refusal.Message, c.wantQuestion) || !strings.Contains(fmt.Sprint(refusal.Details), "v]") {
					t.Errorf("the refusal names neither the question nor a value: %s %v", refusal.Message, refusal.Details)
				}
			}
			renamed := b.breaking(c.answers...)
			b.inSync()
			b.want(strings.ReplaceAll(c.read, "%s", "b"), before...)
			b.undo(renamed)
			b.inSync()
			b.want(strings.ReplaceAll(c.read, "%s", "a"), before...)
			if b.tables() != tables {
				t.Errorf("the tables are\n%s\nand were\n%s", b.tables(), tables)
			}
			// Forward, then removed under the new name, then back to the old one.
			b.undo(b.last())
			b.inSync()
			b.want(strings.ReplaceAll(c.read, "%s", "b"), before...)
			b.save(notePath, "versioned: true\n"+entity("note", f("title text")))
			b.inSync()
			b.to(first)
			b.inSync()
			b.want(strings.ReplaceAll(c.read, "%s", "a"), before...)
		})
	}
}

func TestReplacedFieldStartsEmpty(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("title text"), f("a text"))})
	b.apply(coordinator.ReloadRequest{})
	b.sql(`INSERT INTO content_note (id, title, a) VALUES ('1', 't', 'v')`)
	r := b.save(notePath, entity("note", f("title text"), f("b text")), "rename:note.b", "replaced")
	b.inSync()
	b.want(`SELECT title, b FROM content_note`, "t|∅")
	b.undo(r)
	b.inSync()
	b.want(`SELECT title, a FROM content_note`, "t|v")
}

func TestAnAnswerThatIsNone(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text"))})
	b.apply(coordinator.ReloadRequest{})
	b.write(notePath, entity("note", f("b text")))
	before := b.everything()
	b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking", Answers: map[string]string{"rename:note.b": "perhaps"}}, coordinator.CodeBlocked)
	b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking", Answers: map[string]string{"rename:note.c": "renamed"}}, coordinator.CodeInvalid)
	// By every way of asking, an open question blocks.
	plan := b.plan()
	b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking", PlanID: plan.ID}, coordinator.CodeBlocked)
	b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking", Files: []string{notePath}}, coordinator.CodeBlocked)
	if b.everything() != before {
		t.Error("a refused apply changed something")
	}
	// The plan that asked is the plan that is approved with its answer.
	b.apply(coordinator.ReloadRequest{Approve: "breaking", PlanID: plan.ID, Answers: map[string]string{"rename:note.b": "renamed"}})
	b.inSync()
}

// TestFieldsThatSwappedTheirNames goes back over several renames after which the very same text stands for other values.
func TestFieldsThatSwappedTheirNames(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"single", "many"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			one := func(id string) []string {
				if kind == "many" {
					return f(id+" text", "cardinality: -1")
				}
				return f(id + " text")
			}
			text := func(x, y string) string { return entity("note", one(x), one(y)) }
			b := newBench(t, "none", map[string]string{notePath: text("a", "b")})
			first := b.apply(coordinator.ReloadRequest{})
			read := `SELECT a, b FROM content_note`
			if kind == "many" {
				b.sql(`INSERT INTO content_note (id) VALUES ('1')`, `INSERT INTO field_note_a (id, parent_id, value) VALUES ('1', '1', 'va')`,
					`INSERT INTO field_note_b (id, parent_id, value) VALUES ('1', '1', 'vb')`)
				read = `SELECT a.value, b.value FROM field_note_a AS a, field_note_b AS b`
			} else {
				b.sql(`INSERT INTO content_note (id, a, b) VALUES ('1', 'va', 'vb')`)
			}
			tables := b.tables()
			b.save(notePath, text("c", "b"), "rename:note.c", "renamed")
			b.save(notePath, text("c", "a"), "rename:note.a", "renamed")
			b.save(notePath, text("b", "a"), "rename:note.b", "renamed")
			b.save(notePath, text("a", "b")) // only the order: no effect
			b.inSync()
			b.want(read, "vb|va")
			swapped := b.last()
			b.to(first)
			b.inSync()
			b.want(read, "va|vb")
			if b.tables() != tables {
				t.Errorf("the tables are\n%s\nand were\n%s", b.tables(), tables)
			}
			b.to(swapped)
			b.inSync()
			b.want(read, "vb|va")
		})
	}
}

func TestARingOfNames(t *testing.T) {
	t.Parallel()
	text := func(ids ...string) string {
		var fields [][]string
		for _, id := range ids {
			fields = append(fields, f(id+" text", "unique: true", "indexed: true"))
		}
		return entity("note", fields...)
	}
	b := newBench(t, "none", map[string]string{notePath: text("a", "b", "c")})
	first := b.apply(coordinator.ReloadRequest{})
	b.sql(`INSERT INTO content_note (id, a, b, c) VALUES ('1', 'va', 'vb', 'vc')`)
	// a -> d, c -> a, b -> c, d -> b: every name holds another's values now.
	b.save(notePath, text("d", "b", "c"), "rename:note.d", "renamed")
	b.save(notePath, text("d", "b", "a"), "rename:note.a", "renamed")
	b.save(notePath, text("d", "c", "a"), "rename:note.c", "renamed")
	b.save(notePath, text("b", "c", "a"), "rename:note.b", "renamed")
	b.inSync()
	b.want(`SELECT a, b, c FROM content_note`, "vc|va|vb")
	b.to(first)
	b.inSync()
	b.want(`SELECT a, b, c FROM content_note`, "va|vb|vc")
	b.undo(b.last())
	b.inSync()
	b.want(`SELECT a, b, c FROM content_note`, "vc|va|vb")
}
