package coordinator_test

import (
	"strings"
	"testing"

	"marain/backend/coordinator"
)

func TestWhatOthersKeepOnWhatGoesOutOfUse(t *testing.T) {
	t.Parallel()
	head := entity("note", f("title text", "required: true"))
	with := entity("note", f("title text", "required: true"), f("body text"), f("tags text", "cardinality: -1"))
	renamed := entity("note", f("title text", "required: true"), f("contents text", "renamed_from: body"), f("tags text", "cardinality: -1"))
	for _, c := range []struct {
		name    string
		theirs  []string
		server  []string // the same on PostgreSQL, where it is not written alike; none: there is no such thing
		onFile  bool     // whatever the tests run on: there is nothing like it on PostgreSQL
		text    string   // empty: the file is removed
		blocked string   // what the refusal names; empty: it goes through
		warned  string   // what a check names
	}{
		{name: "a view on the column", theirs: []string{`CREATE VIEW seen AS SELECT id, "body" FROM content_note`}, text: head, blocked: "view seen"},
		{name: "a view on another column", theirs: []string{`CREATE VIEW seen AS SELECT id, title FROM content_note -- body`}, text: head},
		{name: "a view on everything", theirs: []string{`CREATE VIEW seen AS SELECT * FROM content_note`}, onFile: true, text: head, warned: "view seen"},
		{name: "a rule of rows", server: []string{`CREATE POLICY own ON content_note USING (body = 'x')`}, text: head, blocked: "policy own"},
		{name: "a kept view", server: []string{`CREATE MATERIALIZED VIEW seen AS SELECT body FROM content_note`}, text: head, blocked: "view seen"},
		{name: "a check of two columns", theirs: []string{`ALTER TABLE content_note ADD COLUMN extra TEXT CHECK (extra <> body)`}, text: head, blocked: "on body"},
		{name: "a view on a renamed column", theirs: []string{`CREATE VIEW seen AS SELECT body FROM content_note`}, text: renamed, warned: "follows it to contents"},
		{name: "a view on the table", theirs: []string{`CREATE VIEW seen AS SELECT 1 FROM [content_note]`}, server: []string{`CREATE VIEW seen AS SELECT 1 AS one FROM content_note`}, blocked: "view seen"},
		{name: "a view on a table of values", theirs: []string{`CREATE VIEW seen AS SELECT value FROM field_note_tags`}, text: head, blocked: "view seen"},
		{name: "a trigger that writes the column", theirs: []string{`CREATE TRIGGER put AFTER INSERT ON content_note BEGIN UPDATE content_note SET body = 'x' WHERE id = new.id; END`}, server: []string{`CREATE FUNCTION put() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new.body := 'x'; RETURN new; END $$`, `CREATE TRIGGER put BEFORE INSERT ON content_note FOR EACH ROW EXECUTE FUNCTION put()`}, text: head, blocked: "trigger put"},
		{name: "a trigger on another column", theirs: []string{`CREATE TRIGGER put AFTER UPDATE OF title ON content_note BEGIN UPDATE content_note SET rid = rid + 1 WHERE id = new.id AND title <> 'body'; END`}, server: []string{`CREATE FUNCTION put() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new.rid := new.rid + 1; RETURN new; END $$`, `CREATE TRIGGER put BEFORE UPDATE OF title ON content_note FOR EACH ROW WHEN (new.title <> 'body') EXECUTE FUNCTION put()`}, text: head},
		{name: "a trigger on the table", theirs: []string{`CREATE TRIGGER put AFTER UPDATE OF title ON content_note BEGIN SELECT 1; END`}, server: []string{`CREATE FUNCTION put() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN  RETURN new; END $$`, `CREATE TRIGGER put BEFORE UPDATE OF title ON content_note FOR EACH ROW EXECUTE FUNCTION put()`}, blocked: "trigger put"},
		{name: "a reference to the table", theirs: []string{`CREATE TABLE theirs (n TEXT, note TEXT REFERENCES content_note (id))`}, blocked: "foreign key of theirs"},
		{name: "a reference to the table that stays", theirs: []string{`CREATE TABLE theirs (n TEXT, note TEXT REFERENCES content_note (id))`}, text: head},
		{name: "a reference from the column", theirs: []string{`CREATE TABLE theirs (id TEXT PRIMARY KEY, n TEXT)`, `ALTER TABLE content_note ADD COLUMN extra TEXT REFERENCES theirs (id)`}, blocked: "foreign key of content_note"},
		{name: "a broken view elsewhere", theirs: []string{`CREATE VIEW bad AS SELECT x FROM nowhere`}, onFile: true, text: head, blocked: "view bad is broken"},
		{name: "a broken trigger elsewhere", theirs: []string{`CREATE TABLE theirs (a, b)`, `CREATE TRIGGER bad AFTER UPDATE OF b ON theirs BEGIN INSERT INTO nowhere VALUES (1); END`}, onFile: true, text: head, blocked: "trigger bad is broken"},
		{name: "a broken view and nothing to rename", theirs: []string{`CREATE VIEW bad AS SELECT x FROM nowhere`}, onFile: true, text: with + "  - id: more\n    type: text\n"},
		{name: "a trigger that works", theirs: []string{`CREATE TABLE theirs (a INTEGER PRIMARY KEY, b NOT NULL)`, `CREATE TRIGGER good AFTER INSERT ON theirs BEGIN DELETE FROM theirs WHERE a < 0; END`}, onFile: true, text: head},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBenchOn(t, "none", c.onFile, map[string]string{notePath: with})
			b.breaking()
			switch {
			case b.postgres() && c.server != nil:
				b.sql(c.server...)
			case c.theirs == nil:
				return // of PostgreSQL alone
			default:
				b.sql(c.theirs...)
			}
			b.sql(`INSERT INTO content_note (id, title, body) VALUES ('1', 't', 'b')`)
			if c.text == "" {
				b.remove(notePath)
			} else {
				b.write(notePath, c.text)
			}
			before := b.everything()
			if c.blocked != "" {
				refusal := b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking"}, coordinator.CodeBlocked)
				if !strings.Contains(refusal.Message, c.blocked) || b.everything() != before {
					t.Errorf("refused with %q", refusal.Message)
				}
				return
			}
			warned := false
			for _, check := range b.plan().Files[0].Checks {
				warned = warned || c.warned != "" && strings.Contains(check.Message, c.warned)
			}
			if warned != (c.warned != "") {
				t.Errorf("%q is not said: %+v", c.warned, b.plan().Files[0].Checks)
			}
			b.breaking()
			b.inSync()
			if strings.Contains(c.name, "nothing to rename") {
				b.sql(`DROP VIEW bad`) // the way back renames
			}
			b.undo(b.last())
			b.inSync()
			b.want(`SELECT title, body FROM content_note`, "t|b")
		})
	}
}
