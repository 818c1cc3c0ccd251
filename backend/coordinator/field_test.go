package coordinator_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"marain/backend/coordinator"
)

// shapes are fields that make different columns, tables and indexes, each with three values that it takes.
var shapes = []struct {
	name   string
	field  []string
	values [3]string
}{
	{"text", f("x text"), [3]string{"'a'", "'b''c'", "NULL"}},
	{"required", f("x text", "required: true"), [3]string{"'a'", "'b'", "''"}},
	{"unique", f("x slug"), [3]string{"'a'", "'b'", "NULL"}},
	{"required and unique", f("x integer", "required: true", "unique: true"), [3]string{"1", "-2", "9223372036854775807"}},
	{"indexed", f("x float", "indexed: true"), [3]string{"0.1", "-2.5e300", "NULL"}},
	{"everything", f("x datetime", "required: true", "unique: true", "indexed: true"), [3]string{"'2026-01-01T00:00:00Z'", "'2026-01-02T00:00:00Z'", "'2026-01-03T04:05:06.789Z'"}},
	{"default", f("x boolean", "default: true"), [3]string{"true", "false", "NULL"}},
	{"component", f("x component", "fields:", "  - id: n", "    type: integer", "    default: 3"), [3]string{`'{"n":1}'`, `'{"n":2}'`, "NULL"}},
	{"reference", f("x entity_reference", "target_entity: note"), [3]string{"'1'", "'2'", "NULL"}},
	{"multi", f("x text", "cardinality: -1"), [3]string{"'a'", "'b'", "'c'"}},
	{"multi with rules", f("x text", "cardinality: 5", "required: true", "unique: true", "indexed: true"), [3]string{"'a'", "'b'", "'c'"}},
}

func TestRemovedFieldOfEveryShape(t *testing.T) {
	t.Parallel()
	for i, s := range shapes {
		versioned := i%2 == 0 // the random sequences combine the two freely
		t.Run(fmt.Sprintf("%s, versioned %v", s.name, versioned), func(t *testing.T) {
			t.Parallel()
			roundTrip(t, s.field, s.values, versioned)
		})
	}
}

// roundTrip removes a field with rows, writes meanwhile, and goes back and forth.
func roundTrip(t *testing.T, field []string, values [3]string, versioned bool) {
	multi := slices.ContainsFunc(field, func(l string) bool { return strings.HasPrefix(l, "cardinality") })
	required := slices.Contains(field, "required: true") && !multi
	head := fmt.Sprintf("versioned: %v\n", versioned)
	with, without := head+entity("note", f("title text"), field), head+entity("note", f("title text"))
	b := newBench(t, "none", map[string]string{notePath: with})
	b.apply(coordinator.ReloadRequest{})
	read := `SELECT id, x FROM content_note WHERE id < '4' ORDER BY id`
	for i, v := range values {
		id := fmt.Sprint(i + 1)
		if multi {
			b.sql(`INSERT INTO content_note (id) VALUES ('`+id+`')`, `INSERT INTO field_note_x (id, parent_id, value) VALUES ('x`+id+`', '`+id+`', `+v+`)`)
			read = `SELECT parent_id, value FROM field_note_x WHERE parent_id < '4' ORDER BY parent_id`
		} else {
			b.sql(`INSERT INTO content_note (id, x) VALUES ('` + id + `', ` + v + `)`)
		}
		if versioned && !multi {
			b.sql(`INSERT INTO content_revisions_note (id, rid, x) VALUES ('` + id + `', 7, ` + v + `)`)
		}
	}
	tables, had := b.tables(), b.rows(read)
	removed := b.save(notePath, without)
	b.inSync()
	// The rows live on: one comes, one changes, one goes. Nothing about the removed field stands in the way.
	b.sql(`INSERT INTO content_note (id, title) VALUES ('4', 'new')`, `INSERT INTO content_note (id, title) VALUES ('5', 'new')`,
		`UPDATE content_note SET title = 'changed' WHERE id = '1'`, `DELETE FROM content_note WHERE id = '2'`, `DELETE FROM content_note WHERE id = '5'`)
	had = slices.DeleteFunc(had, func(row string) bool { return strings.HasPrefix(row, "2|") })
	var answers []string
	if required {
		question := b.rollbackRefused(coordinator.RollbackRequest{ActionID: removed.ActionID}, coordinator.CodeBlocked)
		if !strings.Contains(question.Message, "backfill:note.x") {
			t.Fatalf("the question is not named: %s", question.Message)
		}
		answers = []string{"backfill:note.x", fill(field[0])}
	}
	back := b.undo(removed, answers...)
	b.inSync()
	b.want(read, had...)
	if b.tables() != tables {
		t.Errorf("the tables are\n%s\nand were\n%s", b.tables(), tables)
	}
	b.want(`SELECT title FROM content_note ORDER BY id`, "changed", "∅", "new")
	forward := b.undo(back)
	b.inSync()
	b.version(notePath, 1)
	b.inSync()
	b.want(read, had...)
	b.to(forward)
	b.inSync()
	b.undo(b.last())
	b.inSync()
	b.want(read, had...)
	if versioned && !multi {
		if n := b.number(`SELECT count(*) FROM content_revisions_note WHERE x IS NOT NULL`); n != len(had)+1-strings.Count(strings.Join(had, ""), "∅") {
			t.Errorf("%d revisions have a value: %v", n, b.rows(`SELECT id, x FROM content_revisions_note`))
		}
	}
}

// fill is a value for rows that have none.
func fill(head string) string {
	_, kind, _ := strings.Cut(head, " ")
	return map[string]string{"text": "filled", "slug": "filled", "integer": "77", "datetime": "2026-03-04T05:06:07Z"}[kind]
}

func TestTheSameNameTwentyTimes(t *testing.T) {
	t.Parallel()
	const times = 20
	for _, field := range [][]string{f("x text"), f("x text", "cardinality: -1")} {
		t.Run(strings.Join(field, " "), func(t *testing.T) {
			t.Parallel()
			with, without := entity("note", f("title text"), field), entity("note", f("title text"))
			b := newBench(t, "none", map[string]string{notePath: without})
			b.apply(coordinator.ReloadRequest{})
			b.sql(`INSERT INTO content_note (id) VALUES ('1')`)
			multi := len(field) > 1
			read := `SELECT x FROM content_note`
			if multi {
				read = `SELECT value FROM field_note_x`
			}
			var made []coordinator.ApplyResult
			for i := range times {
				made = append(made, b.save(notePath, with)) // the default answer is empty
				b.sql(map[bool]string{
					true:  fmt.Sprintf(`INSERT INTO field_note_x (id, parent_id, value) VALUES ('x', '1', 'life %d')`, i),
					false: fmt.Sprintf(`UPDATE content_note SET x = 'life %d'`, i),
				}[multi])
				b.save(notePath, without)
			}
			b.inSync()
			if n := b.number(`SELECT count(*) FROM marain_tombstones WHERE ended IS NULL`); n != times {
				t.Errorf("%d of %d lives are kept", n, times)
			}
			// Each life can be gone back to, in any order.
			for _, i := range []int{0, times - 1, times / 2, 3, 3, times / 2} {
				b.to(made[i])
				b.inSync()
				b.want(read, fmt.Sprintf("life %d", i))
			}
		})
	}
}

func TestRestoreAnswers(t *testing.T) {
	t.Parallel()
	with := entity("note", f("title text"), f("x text", "unique: true"))
	for _, c := range []struct {
		name    string
		answers []string
		code    coordinator.Code
		want    []string
	}{
		{"no answer", nil, "", []string{"∅", "∅"}},
		{"empty", []string{"restore:note.x", "empty"}, "", []string{"∅", "∅"}},
		{"restore", []string{"restore:note.x", "restore"}, "", []string{"one", "∅"}},
		{"another word", []string{"restore:note.x", "yes"}, coordinator.CodeBlocked, nil},
		{"another question", []string{"restore:note.y", "restore"}, coordinator.CodeInvalid, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "none", map[string]string{notePath: with})
			b.apply(coordinator.ReloadRequest{})
			b.sql(`INSERT INTO content_note (id, x) VALUES ('1', 'one')`)
			b.save(notePath, entity("note", f("title text")))
			b.sql(`INSERT INTO content_note (id) VALUES ('2')`)
			b.write(notePath, with)
			request := coordinator.ReloadRequest{Approve: "breaking", Answers: pairs(c.answers)}
			if c.code != "" {
				before := b.everything()
				b.reloadRefused(request, c.code)
				if b.everything() != before {
					t.Error("a refused apply changed something")
				}
				return
			}
			b.apply(request)
			b.inSync()
			b.want(`SELECT x FROM content_note ORDER BY id`, c.want...)
			// Whatever was answered, what was there can be gone back to.
			b.version(notePath, 1)
			b.inSync()
			b.want(`SELECT x FROM content_note ORDER BY id`, "one", "∅")
		})
	}
}

func TestFormerValuesThatBreakANewRule(t *testing.T) {
	t.Parallel()
	unique := entity("note", f("title text"), f("x text", "unique: true"))
	b := newBench(t, "none", map[string]string{notePath: unique})
	first := b.apply(coordinator.ReloadRequest{})
	b.save(notePath, entity("note", f("title text"), f("x text")))
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', 'same'), ('2', 'same')`)
	loose := b.last()
	b.save(notePath, entity("note", f("title text")))
	before := b.everything()
	b.rollbackRefused(coordinator.RollbackRequest{To: first.ActionID}, coordinator.CodeBlocked)
	if b.everything() != before {
		t.Error("a refused rollback changed something")
	}
	b.to(loose)
	b.inSync()
	b.want(`SELECT x FROM content_note`, "same", "same")
}

func TestRequiredFieldAskedForWhenThereAreRows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, was, now, answer string
		code                   coordinator.Code
		want                   []string
	}{
		{"added, no answer", "", "x text required", "", coordinator.CodeBlocked, nil},
		{"added", "", "x text required", "it's", "", []string{"it's", "it's"}},
		{"added, wrong type", "", "x integer required", "many", coordinator.CodeBlocked, nil},
		{"added, all but zero", "", "x float required", "1e-400", coordinator.CodeBlocked, nil},
		{"added, parts of a microsecond", "", "x datetime required", "2024-01-31T12:00:00.1234567Z", coordinator.CodeBlocked, nil},
		{"added, zeros after a microsecond", "", "x datetime required", "2024-01-31T12:00:00.123456000Z", "", []string{"2024-01-31T12:00:00.123456Z", "2024-01-31T12:00:00.123456Z"}},
		{"added, number", "", "x integer required", "-12", "", []string{"-12", "-12"}},
		{"added, boolean", "", "x boolean required", "true", "", []string{"1", "1"}},
		{"added, unique", "", "x text required unique", "same", coordinator.CodeBlocked, nil},
		{"made required, no answer", "x text", "x text required", "", coordinator.CodeBlocked, nil},
		{"made required", "x text", "x text required", "filled", "", []string{"there", "filled"}},
		{"made required and unique", "x text", "x text required unique", "filled", "", []string{"there", "filled"}},
		{"made required and unique, taken", "x text", "x text required unique", "there", coordinator.CodeBlocked, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "none", map[string]string{notePath: entity("note", fieldsOf(c.was)...)})
			b.apply(coordinator.ReloadRequest{})
			if c.was == "" {
				b.sql(`INSERT INTO content_note (id) VALUES ('1'), ('2')`)
			} else {
				b.sql(`INSERT INTO content_note (id, x) VALUES ('1', 'there'), ('2', NULL)`)
			}
			b.write(notePath, entity("note", fieldsOf(c.now)...))
			request := coordinator.ReloadRequest{Approve: "breaking"}
			if c.answer != "" {
				request.Answers = map[string]string{"backfill:note.x": c.answer}
			}
			if c.code != "" {
				before := b.everything()
				b.reloadRefused(request, c.code)
				if b.everything() != before {
					t.Error("a refused apply changed something")
				}
				return
			}
			r := b.apply(request)
			b.inSync()
			b.want(`SELECT x FROM content_note ORDER BY id`, c.want...)
			b.undo(r)
			b.inSync()
			b.undo(b.last())
			b.inSync()
			b.want(`SELECT x FROM content_note ORDER BY id`, c.want...)
		})
	}
}

// fieldsOf reads "x text required unique".
func fieldsOf(text string) [][]string {
	list := [][]string{f("title text")}
	words := strings.Fields(text)
	if len(words) < 2 {
		return list
	}
	field := f(words[0] + " " + words[1])
	for _, w := range words[2:] {
		field = append(field, w+": true")
	}
	return append(list, field)
}

func TestProofsOnTheRealRows(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("x text"), f("y text"))})
	b.apply(coordinator.ReloadRequest{})
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', 'same'), ('2', 'same'), ('3', NULL), ('4', NULL)`)

	b.write(notePath, entity("note", f("x text", "unique: true"), f("y text")))
	refusal := b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking"}, coordinator.CodeBlocked)
	if !strings.Contains(refusal.Message, "more than once") {
		t.Errorf("the message does not say why: %s", refusal.Message)
	}
	checks := b.plan().Files[0].Checks
	if len(checks) == 0 || checks[0].Count != 1 || checks[0].Total != 4 || fmt.Sprint(checks[0].Samples) != "[map[number:2 value:same]]" {
		t.Errorf("checks %+v", checks)
	}
	// Proved safe: the text says warning, the rows say that nothing can happen.
	b.sql(`UPDATE content_note SET x = id, y = id`)
	b.write(notePath, entity("note", f("x text", "unique: true"), f("y text", "required: true")))
	plan := b.plan()
	if plan.Category.String() != "safe" {
		t.Errorf("category %s: %+v", plan.Category, plan.Files[0].Checks)
	}
	b.apply(coordinator.ReloadRequest{PlanID: plan.ID})
	b.inSync()
}

func TestRowsThatChangeAfterThePlan(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("x text"))})
	b.apply(coordinator.ReloadRequest{})
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', 'a')`)
	b.write(notePath, entity("note", f("x text", "required: true")))
	plan := b.plan()
	b.sql(`INSERT INTO content_note (id) VALUES ('2')`)
	before := b.everything()
	b.reloadRefused(coordinator.ReloadRequest{PlanID: plan.ID}, coordinator.CodeStale)       // it is another plan by now
	b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking"}, coordinator.CodeBlocked) // one that asks
	if b.everything() != before {
		t.Error("a refused apply changed something")
	}
}

func TestDefaultsReachRowsThatExist(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("x text"))})
	b.apply(coordinator.ReloadRequest{})
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', 'a')`)
	b.save(notePath, entity("note", f("x text"),
		f("a text", "required: true", `default: "it's; DROP TABLE content_note; --"`), f("b integer", "default: -5"),
		f("c float", "default: 2"), f("d boolean", "default: false", "required: true"), f("e datetime", `default: "2026-01-01T10:00:00+02:00"`)))
	b.inSync()
	b.want(b.either(`SELECT a, b, typeof(c), c, d, e FROM content_note`, `SELECT a, b, 'real', c, d, e FROM content_note`),
		"it's; DROP TABLE content_note; --|-5|real|2|0|2026-01-01T08:00:00Z")
}

// TestARuleThatFallsDoesNotRefuseAFill drops a unique rule and fills rows with equal values in one change.
func TestARuleThatFallsDoesNotRefuseAFill(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("x text", "unique: true"))})
	b.apply(coordinator.ReloadRequest{})
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', 'same'), ('2', NULL), ('3', NULL)`)
	r := b.save(notePath, entity("note", f("x text", "required: true")), "backfill:note.x", "same")
	b.inSync()
	b.want(`SELECT x FROM content_note`, "same", "same", "same")
	// Back, the rows that were filled are empty again, so the unique rule holds.
	b.undo(r)
	b.inSync()
	b.want(`SELECT x FROM content_note ORDER BY id`, "same", "∅", "∅")
	b.undo(b.last())
	b.inSync()
	b.want(`SELECT x FROM content_note`, "same", "same", "same")
}
