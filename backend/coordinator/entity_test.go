package coordinator_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"marain/backend/coordinator"
)

const (
	notePath = "schemas/note.schema.yaml"
	userPath = "schemas/user.schema.yaml"
)

// noteText has a field of every kind that makes tables, columns or indexes of its own.
func noteText(versioned string) string {
	return "versioned: " + versioned + "\n" + entity("note",
		f("title text", "required: true"),
		f("code slug"),
		f("rank integer", "indexed: true"),
		f("tags text", "cardinality: -1"),
		f("marks integer", "cardinality: 3", "indexed: true"),
		f("part component", "fields:", "  - id: size", "    type: integer", "    default: 5", "  - id: share", "    type: float", "    default: 2"),
	)
}

func fillNotes(b *bench) {
	b.sql(
		`INSERT INTO content_note (id, title, code, rank, part) VALUES ('n1', 'one', 'c1', 1, '{"size":1}'), ('n2', 'two', NULL, NULL, NULL)`,
		`INSERT INTO field_note_tags (id, parent_id, value, sort_order) VALUES ('t1', 'n1', 'red', 0), ('t2', 'n1', 'blue', 1), ('t3', 'n2', 'red', 0)`,
		`INSERT INTO field_note_marks (id, parent_id, value) VALUES ('m1', 'n2', 7)`,
	)
}

func wantNotes(b *bench) {
	b.t.Helper()
	b.want(`SELECT id, title, code, rank, part FROM content_note ORDER BY id`, `n1|one|c1|1|{"size":1}`, `n2|two|∅|∅|∅`)
	b.want(`SELECT parent_id, value FROM field_note_tags ORDER BY id`, "n1|red", "n1|blue", "n2|red")
	b.want(`SELECT parent_id, value FROM field_note_marks`, "n2|7")
}

func TestRemovedEntityComesBackWithEveryRow(t *testing.T) {
	t.Parallel()
	for _, versioned := range []string{"true", "false"} {
		t.Run("versioned "+versioned, func(t *testing.T) {
			t.Parallel()
			text := noteText(versioned)
			b := newBench(t, "none", map[string]string{notePath: text})
			first := b.apply(coordinator.ReloadRequest{})
			fillNotes(b)
			if versioned == "true" {
				b.sql(`INSERT INTO content_revisions_note (id, rid, title) VALUES ('n1', 1, 'older')`,
					`INSERT INTO field_revisions_note_tags (id, rid, parent_id, value) VALUES ('t1', 1, 'n1', 'green')`)
			}
			tables := b.tables()
			b.remove(notePath)
			removed := b.breaking()
			b.inSync()
			if got := b.tables(); got != "" {
				t.Errorf("still in use:\n%s", got)
			}
			back := b.undo(removed)
			b.inSync()
			wantNotes(b)
			if got := b.tables(); got != tables {
				t.Errorf("other tables:\n%s\nwant\n%s", got, tables)
			}
			b.undo(back) // away again
			b.inSync()
			b.version(notePath, 1)
			b.inSync()
			wantNotes(b)
			if versioned == "true" {
				b.want(`SELECT title FROM content_revisions_note`, "older")
				b.want(`SELECT value FROM field_revisions_note_tags`, "green")
			}
			b.to(first)
			b.inSync()
			wantNotes(b)
		})
	}
}

func TestRecreatedEntityStartsEmptyOrRestored(t *testing.T) {
	t.Parallel()
	text := noteText("true")
	for _, answer := range []string{"", "empty", "restore"} {
		t.Run("answer "+answer, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "none", map[string]string{notePath: text})
			first := b.apply(coordinator.ReloadRequest{})
			fillNotes(b)
			b.remove(notePath)
			b.breaking()
			b.write(notePath, text)
			var answers []string
			if answer != "" {
				answers = []string{"restore:note", answer}
			}
			b.breaking(answers...)
			b.inSync()
			if answer == "restore" {
				wantNotes(b)
				return
			}
			if n := b.number(`SELECT count(*) FROM content_note`); n != 0 {
				t.Fatalf("%d rows in a content type that starts empty", n)
			}
			// Rows of the new life, then back to the old one: each life keeps its own.
			b.sql(`INSERT INTO content_note (id, title) VALUES ('n9', 'new life')`)
			back := b.to(first)
			b.inSync()
			wantNotes(b)
			b.undo(back)
			b.inSync()
			b.want(`SELECT id, title FROM content_note`, "n9|new life")
		})
	}
}

func TestRestoredEntityTakesTheShapeThatItsFileAsksFor(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text"), f("b text"))})
	b.apply(coordinator.ReloadRequest{})
	b.sql(`INSERT INTO content_note (id, a, b) VALUES ('1', 'va', 'vb')`)
	b.remove(notePath)
	b.breaking()
	b.write(notePath, entity("note", f("a text", "required: true", "unique: true"), f("c integer"), f("d text", "cardinality: -1")))
	b.breaking("restore:note", "restore")
	b.inSync()
	b.want(`SELECT id, a, c FROM content_note`, "1|va|∅")
	b.version(notePath, 1)
	b.inSync()
	b.want(`SELECT id, a, b FROM content_note`, "1|va|vb")
}

func TestRequiredFieldReturnsWithAnEntityThatHasRowsWithoutIt(t *testing.T) {
	t.Parallel()
	full := entity("note", f("a text"), f("b text", "required: true"))
	b := newBench(t, "none", map[string]string{notePath: full})
	first := b.apply(coordinator.ReloadRequest{})
	b.sql(`INSERT INTO content_note (id, b) VALUES ('1', 'vb')`)
	b.save(notePath, entity("note", f("a text")))
	b.sql(`INSERT INTO content_note (id, a) VALUES ('2', 'va')`)
	b.remove(notePath)
	b.breaking()
	refusal := b.rollbackRefused(coordinator.RollbackRequest{To: first.ActionID}, coordinator.CodeBlocked)
	if !strings.Contains(refusal.Message, "backfill:note.b") {
		t.Errorf("the question is not named: %s", refusal.Message)
	}
	b.to(first, "backfill:note.b", "filled")
	b.inSync()
	b.want(`SELECT id, a, b FROM content_note ORDER BY id`, "1|∅|vb", "2|va|filled")
}

func TestEntityFileMovesToAnotherName(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: noteText("true")})
	first := b.apply(coordinator.ReloadRequest{})
	fillNotes(b)
	tables, files := b.tables(), b.files()
	b.rename(notePath, "schemas/memo.schema.yaml")
	plan := b.plan()
	for _, file := range plan.Files {
		for _, a := range file.Actions {
			if len(a.Up) > 0 {
				t.Errorf("a move changes tables: %v", a.Up)
			}
		}
	}
	moved := b.breaking()
	b.inSync()
	wantNotes(b)
	if b.tables() != tables {
		t.Error("a move changed the tables")
	}
	b.undo(moved)
	b.inSync()
	b.sameFiles(files)
	wantNotes(b)

	// Moved and edited at once, then back.
	b.rename(notePath, "schemas/memo.schema.yaml")
	b.write("schemas/memo.schema.yaml", noteText("true")+"  - id: more\n    type: text\n")
	both := b.breaking()
	if len(both.Applied) != 2 {
		t.Fatalf("a move has two halves: %v", both.Applied)
	}
	b.inSync()
	wantNotes(b)
	b.sql(`UPDATE content_note SET more = 'later' WHERE id = 'n1'`)
	b.to(first)
	b.inSync()
	b.sameFiles(files)
	wantNotes(b)
	b.undo(b.last())
	b.inSync()
	b.want(`SELECT more FROM content_note ORDER BY id`, "later", "∅")
}

func TestHalfOfAMoveBringsTheOther(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: noteText("false")})
	b.apply(coordinator.ReloadRequest{})
	b.rename(notePath, "schemas/memo.schema.yaml")
	r := b.apply(coordinator.ReloadRequest{Approve: "breaking", Files: []string{"schemas/memo.schema.yaml"}})
	if fmt.Sprint(r.Applied) != "[schemas/memo.schema.yaml schemas/note.schema.yaml]" {
		t.Errorf("applied %v", r.Applied)
	}
	b.inSync()
}

// TestANamedFileBringsWhatItNeeds names a file that refers to a content type which waits too.
func TestANamedFileBringsWhatItNeeds(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("x text"))})
	b.apply(coordinator.ReloadRequest{})
	b.write(notePath, entity("note", f("x text"), f("by entity_reference", "target_entity: user")))
	b.write(userPath, entity("user", f("a text")))
	b.write("schemas/other.schema.yaml", entity("other", f("a text")))
	r := b.apply(coordinator.ReloadRequest{Files: []string{notePath}})
	if fmt.Sprint(r.Applied) != "[schemas/note.schema.yaml schemas/user.schema.yaml]" || len(r.Pending) != 1 {
		t.Errorf("applied %v, pending %v", r.Applied, r.Pending)
	}
	// The removal of what is referred to brings the file that lets the reference go.
	b.remove(userPath)
	b.write(notePath, entity("note", f("x text")))
	r = b.apply(coordinator.ReloadRequest{Files: []string{userPath}, Approve: "breaking"})
	if fmt.Sprint(r.Applied) != "[schemas/note.schema.yaml schemas/user.schema.yaml]" {
		t.Errorf("applied %v", r.Applied)
	}
	b.sound()
}

func TestEntityIDChanges(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: noteText("true")})
	first := b.apply(coordinator.ReloadRequest{})
	fillNotes(b)
	files := b.files()
	changed := b.save(notePath, strings.Replace(noteText("true"), "id: note\n", "id: memo\n", 1))
	b.inSync()
	b.sql(`INSERT INTO content_memo (id, title) VALUES ('x', 'new')`)
	b.undo(changed)
	b.inSync()
	b.sameFiles(files)
	wantNotes(b)
	b.undo(b.last())
	b.inSync()
	b.want(`SELECT id, title FROM content_memo`, "x|new")
	b.to(first)
	b.inSync()
	wantNotes(b)
}

func TestContentTypesThatSwapTheirFiles(t *testing.T) {
	t.Parallel()
	x, y := entity("x", f("a text")), entity("y", f("a text"))
	b := newBench(t, "none", map[string]string{"schemas/a.schema.yaml": x, "schemas/b.schema.yaml": y})
	b.apply(coordinator.ReloadRequest{})
	files := b.files()
	b.sql(`INSERT INTO content_x (id, a) VALUES ('1', 'of x')`, `INSERT INTO content_y (id, a) VALUES ('1', 'of y')`)
	b.write("schemas/a.schema.yaml", y)
	b.write("schemas/b.schema.yaml", x)
	swapped := b.breaking()
	b.inSync()
	b.want(`SELECT a FROM content_x UNION ALL SELECT a FROM content_y`, "of x", "of y")
	b.undo(swapped)
	b.inSync()
	b.sameFiles(files)
	b.want(`SELECT a FROM content_x UNION ALL SELECT a FROM content_y`, "of x", "of y")
}

func TestContentTypesThatFollowEachOther(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{
		"schemas/a.schema.yaml": entity("x", f("a text")), "schemas/b.schema.yaml": entity("y", f("a text")),
	})
	first := b.apply(coordinator.ReloadRequest{})
	files := b.files()
	b.sql(`INSERT INTO content_x (id, a) VALUES ('1', 'of x')`, `INSERT INTO content_y (id, a) VALUES ('1', 'of y')`)
	// b becomes a third content type, and a takes b's former id.
	b.write("schemas/a.schema.yaml", entity("y", f("a text")))
	b.write("schemas/b.schema.yaml", entity("z", f("a text")))
	b.breaking()
	b.inSync()
	b.want(`SELECT a FROM content_y`, "of y")
	b.to(first)
	b.inSync()
	b.sameFiles(files)
	b.want(`SELECT a FROM content_x UNION ALL SELECT a FROM content_y`, "of x", "of y")
}

func TestReferencedEntityCannotBeRemoved(t *testing.T) {
	t.Parallel()
	user := entity("user", f("name text"))
	note := entity("note", f("author entity_reference", "target_entity: user"))
	b := newBench(t, "none", map[string]string{userPath: user, notePath: note})
	b.breaking()
	b.sql(`INSERT INTO content_user (id, name) VALUES ('u', 'ann')`)
	b.remove(userPath)
	status := b.status()
	if len(status.InvalidFiles) != 0 {
		t.Errorf("the referring file became invalid: %+v", status.InvalidFiles)
	}
	before := b.everything()
	refusal := b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking"}, coordinator.CodeBlocked)
	if !strings.Contains(refusal.Message, notePath) {
		t.Errorf("the referring file is not named: %s", refusal.Message)
	}
	if b.everything() != before {
		t.Error("a refused apply changed something")
	}
	// Together with the reference it can go, and both come back.
	b.write(notePath, entity("note", f("title text")))
	both := b.breaking()
	b.inSync()
	b.undo(both)
	b.inSync()
	b.want(`SELECT name FROM content_user`, "ann")
	if b.read(notePath) != note || b.read(userPath) != user {
		t.Error("the files are not as they were")
	}
}

func TestCyclesOfReferences(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{
		"schemas/a.schema.yaml": entity("a", f("next entity_reference", "target_entity: b")),
		"schemas/b.schema.yaml": entity("b", f("next entity_reference", "target_entity: a"), f("self entity_reference", "target_entity: b", "cardinality: -1")),
	})
	made := b.apply(coordinator.ReloadRequest{})
	b.inSync()
	b.sql(`INSERT INTO content_a (id, next) VALUES ('1', '2')`, `INSERT INTO content_b (id, next) VALUES ('2', '1')`)
	b.undo(made)
	b.sound()
	b.undo(b.last())
	b.inSync()
	b.want(`SELECT next FROM content_a UNION ALL SELECT next FROM content_b`, "2", "1")
}

func TestManyVanishAtOnce(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	for _, id := range []string{"a", "b", "c", "d"} {
		files["schemas/"+id+".schema.yaml"] = entity(id, f("x text"))
	}
	b := newBench(t, "none", files)
	b.breaking()
	for path := range files {
		b.remove(path)
	}
	if r := b.apply(coordinator.ReloadRequest{Approve: "warning"}); len(r.Applied) != 0 {
		t.Errorf("applied without being approved as breaking: %v", r.Applied)
	}
	plan := b.plan()
	if plan.Category.String() != "breaking" {
		t.Errorf("category %s", plan.Category)
	}
	marked := slices.ContainsFunc(plan.Files, func(f planFile) bool {
		return slices.ContainsFunc(f.Changes, func(h planHead) bool { return h.Rule == "most_files_vanished" })
	})
	if !marked {
		t.Error("no change says that most files vanished")
	}
	gone := b.breaking()
	b.inSync()
	b.undo(gone)
	b.inSync()
}

func TestMissingFolderIsNoRemoval(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: noteText("true")})
	b.apply(coordinator.ReloadRequest{})
	fillNotes(b)
	b.rename("schemas", "elsewhere")
	status := b.status()
	if status.State != "unavailable" || len(status.PendingChanges) != 0 || !strings.Contains(status.Watcher.Message, "schemas cannot be read") {
		t.Errorf("state %s, %d changes wait", status.State, len(status.PendingChanges))
	}
	if _, err := b.c.Reload(context.Background(), coordinator.ReloadRequest{Approve: "breaking"}, person); err == nil {
		t.Error("an apply went on while the folder was away")
	}
	b.sound()
	b.rename("elsewhere", "schemas")
	b.inSync()
	wantNotes(b)
}
