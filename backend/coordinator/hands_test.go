package coordinator_test

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"marain/backend/coordinator"
)

// TestHandsInWhatIsWritten converts values while a trigger of another program is on the table: it could change others with
// them, or leave rows out. It is named, and nothing is done until it is gone.
func TestHandsInWhatIsWritten(t *testing.T) {
	t.Parallel()
	body := `BEGIN UPDATE content_note SET y = 'changed' WHERE id = NEW.id; END`
	lite := func(event string) []string {
		return []string{`CREATE TRIGGER hand ` + event + ` ON content_note ` + body}
	}
	server := func(event string) []string {
		return []string{
			`CREATE FUNCTION hand() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.y := 'changed'; RETURN NEW; END $$`,
			`CREATE TRIGGER hand BEFORE ` + event + ` ON content_note FOR EACH ROW EXECUTE FUNCTION hand()`,
		}
	}
	for _, c := range []struct {
		name, lite, server string
		more               []string
		blocked            bool
	}{
		{name: "any", lite: "AFTER UPDATE", server: "UPDATE", blocked: true},
		{name: "of the column that is made", lite: "AFTER UPDATE OF z, x", server: "UPDATE OF z, x", blocked: true},
		{name: "of another column", lite: "AFTER UPDATE OF z", server: "UPDATE OF z"},
		{name: "an insert", lite: "AFTER INSERT", server: "INSERT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := noted(t, entity("note", f("x text"), f("y text"), f("z text")))
			b.sql(`INSERT INTO content_note (id, x, y) VALUES ('1', '7', 'as it was')`)
			b.save(notePath, entity("note", f("x float"), f("y text"), f("z text")))
			if b.postgres() {
				b.sql(server(c.server)...)
			} else {
				b.sql(lite(c.lite)...)
			}
			b.write(notePath, entity("note", f("x integer"), f("y text"), f("z text")))
			if c.blocked {
				if refusal := b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking"}, coordinator.CodeBlocked); !strings.Contains(refusal.Message, "hand") {
					t.Errorf("%s", refusal.Message)
				}
				b.sql(`DROP TRIGGER hand` + b.either("", " ON content_note"))
			}
			b.breaking()
			b.inSync()
			b.want(`SELECT x, y FROM content_note`, "7|as it was")
		})
	}
}

// TestARuleThatLeavesRowsOut does the same with a rule of PostgreSQL, which can make an UPDATE do nothing.
func TestARuleThatLeavesRowsOut(t *testing.T) {
	t.Parallel()
	b := newServerBench(t, "none", map[string]string{notePath: entity("note", f("x text"), f("y text"))})
	b.open(false)
	b.breaking()
	b.sql(`INSERT INTO content_note (id, x, y) VALUES ('1', '7', 'open'), ('2', '8', 'locked')`, `CREATE RULE locked AS ON UPDATE TO content_note WHERE old.y = 'locked' DO INSTEAD NOTHING`)
	b.write(notePath, entity("note", f("x integer"), f("y text")))
	if refusal := b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking"}, coordinator.CodeBlocked); !strings.Contains(refusal.Message, "rule locked") {
		t.Errorf("%s", refusal.Message)
	}
	b.sql(`DROP RULE locked ON content_note`)
	b.breaking()
	b.want(`SELECT id, x FROM content_note ORDER BY id`, "1|7", "2|8")
}

// TestRowsThatAPolicyHides plans as a user from whom a policy hides rows: nothing may be proved, and nothing converted, of
// rows that are not seen.
func TestRowsThatAPolicyHides(t *testing.T) {
	t.Parallel()
	b := newServerBench(t, "none", map[string]string{notePath: entity("note", f("x text"))})
	u, err := url.Parse(b.server())
	if err != nil {
		t.Fatal(err)
	}
	role := "hidden_" + strings.TrimPrefix(u.Path, "/")
	b.sql(`CREATE ROLE `+role+` LOGIN PASSWORD 'p'`, `CREATE SCHEMA app AUTHORIZATION `+role, `ALTER ROLE `+role+` SET search_path = app`)
	all := b.address
	u.User = url.UserPassword(role, "p")
	b.disconnect()
	b.address = u.String()
	b.open(false)
	b.breaking()
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', '7'), ('2', '8')`, `ALTER TABLE content_note ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`, `CREATE POLICY seen ON content_note USING (id = '1')`)
	b.write(notePath, entity("note", f("x integer")))
	_, err = b.c.Reload(context.Background(), coordinator.ReloadRequest{Approve: "breaking"}, person)
	if err == nil || !strings.Contains(err.Error(), "row-level security") {
		t.Errorf("rows are hidden, and the apply said %v", err)
	}
	b.disconnect()
	b.address = all
	b.want(`SELECT id, x FROM app.content_note ORDER BY id`, "1|7", "2|8")
	b.disconnect()
	b.address = u.String()
	b.sql(`ALTER TABLE content_note DISABLE ROW LEVEL SECURITY`)
	b.breaking()
	b.want(`SELECT id, x FROM content_note ORDER BY id`, "1|7", "2|8")
}

// TestATableWithHeirs has a table of another program inherit from one of a content type.
func TestATableWithHeirs(t *testing.T) {
	t.Parallel()
	b := newServerBench(t, "none", map[string]string{notePath: entity("note", f("x text"), f("y text"))})
	b.open(false)
	b.breaking()
	b.sql(`CREATE TABLE heir (more INT) INHERITS (content_note)`, `INSERT INTO heir (id, x, y, more) VALUES ('h', '7', 'mine', 1)`, `INSERT INTO content_note (id, x, y) VALUES ('1', '8', 'y')`)
	for _, text := range []string{entity("note", f("x text")), entity("note", f("x integer"), f("y text"))} {
		b.write(notePath, text)
		if refusal := b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking"}, coordinator.CodeBlocked); !strings.Contains(refusal.Message, "heir inherits") {
			t.Errorf("%s", refusal.Message)
		}
	}
	b.sql(`ALTER TABLE heir NO INHERIT content_note`)
	b.breaking()
	b.want(`SELECT id, x FROM content_note`, "1|8")
	b.want(`SELECT id, x, y, more FROM heir`, "h|7|mine|1")
}

// TestRowsWithoutAnId takes tables over in which rows have no id, as SQLite allows it: nothing could be told to belong to
// them.
func TestRowsWithoutAnId(t *testing.T) {
	t.Parallel()
	text := entity("note", f("a text"), f("l text", "cardinality: -1"))
	b := &bench{t: t, root: t.TempDir(), onSQLite: true}
	b.write("config/config.hot_reload.yaml", "id: hot_reload\nvalues:\n  auto_apply: none\n")
	b.write(notePath, text)
	if err := os.MkdirAll(filepath.Join(b.root, "data/content"), 0o755); err != nil {
		t.Fatal(err)
	}
	built := `user TEXT DEFAULT '0', rid INTEGER DEFAULT 1, `
	b.sql(`CREATE TABLE content_note (id TEXT PRIMARY KEY, `+built+`last_cached TIMESTAMP, cache_ttl INTEGER, content_hash TEXT, created_at TIMESTAMP, updated_at TIMESTAMP, a TEXT)`,
		`CREATE TABLE field_note_l (id TEXT PRIMARY KEY, `+built+`parent_id TEXT REFERENCES content_note (id), value TEXT NOT NULL, sort_order INTEGER DEFAULT 0)`,
		`CREATE INDEX ix_field_note_l__parent_id ON field_note_l (parent_id)`,
		`INSERT INTO content_note (id, a) VALUES ('1', 'one'), (NULL, '17')`, `INSERT INTO field_note_l (id, parent_id, value) VALUES ('v', '1', 'one')`)
	b.open(false)
	refusal := b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking"}, coordinator.CodeBlocked)
	if !strings.Contains(refusal.Message, "content_note has 1 row without id") {
		t.Errorf("%s", refusal.Message)
	}
	b.sql(`UPDATE content_note SET id = '2' WHERE id IS NULL`)
	b.breaking()
	b.inSync()
	taken := b.last()
	many := entity("note", f("a text", "cardinality: -1"), f("l integer", "cardinality: -1"))
	for _, empty := range []string{`INSERT INTO content_note (a) VALUES ('late')`, `INSERT INTO field_note_l (parent_id, value) VALUES ('2', 'late')`, `INSERT INTO field_note_l (id, value) VALUES ('n', 'late')`} {
		b.sql(empty)
		b.write(notePath, many)
		before := b.everything()
		b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking"}, coordinator.CodeBlocked)
		if b.everything() != before {
			t.Error("a refusal changed something")
		}
		b.sql(`DELETE FROM content_note WHERE id IS NULL`, `DELETE FROM field_note_l WHERE id IS NULL OR parent_id IS NULL`)
	}
	b.save(notePath, many)
	b.want(`SELECT parent_id, value FROM field_note_a ORDER BY 1`, "1|one", "2|17")
	b.to(taken)
	b.want(`SELECT id, a FROM content_note ORDER BY 1`, "1|one", "2|17")
}

// TestAPlanOfAnotherGoal approves the plan of a rollback to one version as one to another: both would put the same text
// back, with other values.
func TestAPlanOfAnotherGoal(t *testing.T) {
	t.Parallel()
	with, without := entity("note", f("t text"), f("a text")), entity("note", f("t text"))
	b := noted(t, with)
	b.sql(`INSERT INTO content_note (id, a) VALUES ('1', 'first life')`)
	b.save(notePath, without)
	b.save(notePath, with, "restore:note.a", "empty")
	b.sql(`UPDATE content_note SET a = 'second life'`)
	b.save(notePath, without)
	looked, err := b.c.Rollback(context.Background(), coordinator.RollbackRequest{File: notePath, Version: 3, DryRun: true}, person)
	if err != nil {
		t.Fatal(err)
	}
	b.rollbackRefused(coordinator.RollbackRequest{File: notePath, Version: 1, PlanID: looked.Plan.ID}, coordinator.CodeStale)
	if _, err := b.c.Rollback(context.Background(), coordinator.RollbackRequest{File: notePath, Version: 3, PlanID: looked.Plan.ID}, person); err != nil {
		t.Fatal(err)
	}
	b.want(`SELECT a FROM content_note`, "second life")
}
