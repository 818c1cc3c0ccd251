//go:build screenshots

package window

import (
	"bytes"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
)

// photographs is where the pictures go, from here.
const photographs = "../../build/screenshots"

// TestScreenshots photographs every view in both themes. It is no test of what is on them: people look at them.
func TestScreenshots(t *testing.T) {
	for _, theme := range []struct{ name, gtk string }{{"light", "Adwaita"}, {"dark", "Adwaita:dark"}} {
		t.Run(theme.name, func(t *testing.T) {
			photographAll(t, theme.name, theme.gtk)
		})
	}
}

func photographAll(t *testing.T, theme, gtk string) {
	s := newSample(t, "magazine")
	s.fill()
	d := openDesktop(t, "GTK_THEME="+gtk)
	shot := func(view string) {
		t.Helper()
		d.still()
		d.photograph(filepath.Join(photographs, fmt.Sprintf("%s-%s.png", view, theme)))
	}
	window := d.open()
	d.see("button", "Open a folder")
	shot("welcome")
	if err := window.end(); err != nil {
		t.Fatal(err)
	}
	d.open("--project", s.root)
	d.status("In sync")
	shot("in-sync")

	s.addField("subtitle")
	s.edit("config/config.api.yaml", "page_size: 20 ", "page_size: 25 ")
	d.status("2 changes waiting")
	d.ask("find", map[string]any{"role": "button", "name": "Approve", "contains": "Approve"})
	d.ask("press", map[string]any{"role": "any", "contains": "article.schema.yaml", "nth": -1})
	shot("changes")
	d.ask("press", map[string]any{"role": "tab", "contains": "SQL"})
	shot("changes-sql")
	d.ask("press", map[string]any{"role": "tab", "contains": "YAML"})
	d.press("Reject")
	shot("reject")
	d.press("Cancel")
	d.press("Approve")
	d.status("In sync")
	shot("approved")

	s.edit("schemas/event.schema.yaml", "  - id: seats\n    type: integer\n", "")
	s.edit("schemas/author.schema.yaml", "  - id: email\n    type: text\n    unique: true\n", "  - id: email\n    type: text\n    unique: true\n    required: true\n")
	d.status("2 changes waiting")
	d.see("any", "Answer the open question first.")
	shot("breaking")
	d.ask("press", map[string]any{"role": "tab", "contains": "Checks"})
	shot("breaking-checks")

	s.edit("schemas/page.schema.yaml", "type: boolean", "type: bolean")
	s.edit("config/config.content.yaml", "language: en", "language: [en")
	d.status("2 invalid files")
	d.ask("press", map[string]any{"role": "any", "contains": "page.schema.yaml", "nth": -1})
	d.see("heading", "page.schema.yaml")
	shot("invalid")
	s.edit("schemas/page.schema.yaml", "type: bolean", "type: boolean")
	s.edit("config/config.content.yaml", "language: [en", "language: en")
	d.status("2 changes waiting")
	d.press("Reject")
	d.press("Hold")
	d.status("0 changes waiting · 2 files held")
	shot("held")

	d.press("History")
	d.see("button", "field added")
	shot("history")
	d.ask("press", map[string]any{"role": "button", "contains": "field added"})
	d.ask("find", map[string]any{"role": "button", "name": "Roll back"})
	shot("history-batch")
	d.press("Roll back")
	d.see("any", "Rolled back in")
	shot("rolled-back")
	photographTables(s, d, shot)
	d.press("Shortcuts")
	shot("shortcuts")
}

// photographTables photographs what is about tables: a proved removal, what is out of use, backups, and drift.
func photographTables(s *sample, d *desktop, shot func(string)) {
	d.press("Changes")
	s.edit("schemas/author.schema.yaml", "    unique: true\n    required: true\n", "    unique: true\n")
	s.edit("schemas/event.schema.yaml", "  - id: online\n", "  - id: seats\n    type: integer\n  - id: online\n")
	d.status("In sync")
	s.write("UPDATE content_event SET place = CASE WHEN seats = 41 THEN 'Hall B' ELSE '7' END")
	s.edit("schemas/event.schema.yaml", "  - id: place\n    type: text\n", "  - id: place\n    type: integer\n")
	d.status("1 change waiting")
	d.see("any", "Rolling back was proved")
	shot("rehearsed")
	d.ask("press", map[string]any{"role": "check box", "contains": "I understand"})
	d.press("Approve")
	d.status("In sync")
	s.edit("schemas/article.schema.yaml", "id: summary\n", "id: synopsis\n")
	d.status("2 changes waiting")
	d.see("any", "A question first")
	shot("question")

	d.press("Storage")
	d.see("any", "Destroy it for good")
	shot("storage")
	d.press("Purge…")
	d.see("any", "This cannot be taken back")
	shot("purge")
	d.press("Cancel")
	d.press("Drift")
	shot("no-drift")
	s.write("DROP INDEX idx_content_category__parent; ALTER TABLE content_author RENAME COLUMN joined TO joined_on")
	d.see("any", "What differs")
	shot("drift")
	d.ask("press", map[string]any{"role": "button", "contains": "category.schema.yaml"})
	d.ask("press", map[string]any{"role": "tab", "contains": "Change the file"})
	d.see("any", "Proposed")
	shot("drift-adopt")
}

// fill writes some content, as a site would: with plain SQL.
func (s *sample) fill() {
	s.t.Helper()
	s.write(`INSERT INTO content_author (id, name, handle, email) VALUES
		('a1', 'Jo Okafor', 'jo-okafor', 'jo@example.org'), ('a2', 'Ines Lind', 'ines-lind', 'ines@example.org'),
		('a3', 'Sam Reyes', 'sam-reyes', NULL), ('a4', 'Mika Aalto', 'mika-aalto', NULL)`)
	s.write(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 240)
		INSERT INTO content_event (id, title, address, starts, seats)
		SELECT printf('e%03d', i), 'Reading ' || i, 'reading-' || i, '2026-03-01T19:00:00Z', 40 + i % 7 FROM n`)
}

// write changes content with plain SQL, as other programs do.
func (s *sample) write(statement string) {
	s.t.Helper()
	db, err := sql.Open("sqlite", "file:"+s.path("data/content/marain.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		s.t.Fatal(err)
	}
}

// still waits until two pictures in a row are the same: nothing moves any more.
func (d *desktop) still() {
	d.t.Helper()
	var before []byte
	eventually(d.t, "the window stands still", func() bool {
		now := d.pixels()
		same := bytes.Equal(before, now)
		before = now
		return same
	})
}

// pixels returns what is on screen.
func (d *desktop) pixels() []byte {
	d.t.Helper()
	picture, err := d.capture("rgb:-")
	if err != nil {
		d.t.Fatalf("look at the screen: %v", err)
	}
	return picture
}
