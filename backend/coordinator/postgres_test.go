package coordinator_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"marain/backend/action"
	"marain/backend/coordinator"
	snapshot "marain/backend/state"
	"marain/tests/cluster"
)

// What only a server can show. These tests run on PostgreSQL whatever the others run on.

func newServerBench(t *testing.T, policy string, files map[string]string) *bench {
	t.Helper()
	b := &bench{t: t, root: t.TempDir(), onServer: true}
	b.write("config/config.hot_reload.yaml", "id: hot_reload\nvalues:\n  auto_apply: "+policy+"\n")
	for path, text := range files {
		b.write(path, text)
	}
	return b
}

// system is a configuration that names a database on a server. The password stands elsewhere.
func system(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("id: system\nvalues:\n  database:\n    default: main\n    connections:\n      main:\n        driver: postgres\n        host: %s\n        port: %s\n"+
		"        database: %s\n        username: %s\n        sslmode: disable\n        pool: 3\n        password: {source: file, path: secret.txt}\n",
		u.Hostname(), u.Port(), strings.TrimPrefix(u.Path, "/"), u.User.Username())
}

func TestTheSettingsNameAServer(t *testing.T) {
	t.Parallel()
	const path = "config/config.system.yaml"
	b := newServerBench(t, "none", map[string]string{notePath: entity("note", f("a text"))})
	b.bySettings = true
	b.write(path, system(t, b.server()))
	u, _ := url.Parse(b.server())
	password, _ := u.User.Password()
	b.write("secret.txt", password+"\n")
	said := &loud{}
	logged := func(o *coordinator.Options) {
		o.Logger = slog.New(slog.NewJSONHandler(said, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	b.c = b.openWith(logged)
	b.breaking()
	b.inSync()
	want := u.Host + u.Path
	if d := b.status().Database; d.Driver != "postgres" || d.Location != want || !d.OK {
		t.Errorf("the database is %+v, want %s", d, want)
	}
	remembered := b.read("data/connection.json")
	said.say("remembered", remembered)
	said.say("status", b.status())
	if b.exists("data/content") || strings.Contains(said.text(), password) || strings.Contains(remembered, password) {
		t.Errorf("a file was made, or the password is told: %s", said.text())
	}
	// A file that cannot be read opens no other database, least of all an empty one.
	if err := b.c.Close(); err != nil {
		t.Fatal(err)
	}
	b.write(path, "id: system\nvalues: [\n")
	_, err := b.tryOpen(logged)
	if refusal := b.refused(err, coordinator.CodeInvalid); !strings.Contains(refusal.Message, want) {
		t.Errorf("it is not said what is missing: %s", refusal.Message)
	}
	if b.exists("data/content") {
		t.Error("another database was opened")
	}
	// Another database in the place of the former is not filled.
	b.write(path, system(t, b.server()))
	b.disconnect()
	server := &bench{t: t, onServer: true}
	server.sql(`DROP DATABASE `+strings.TrimPrefix(u.Path, "/"), `CREATE DATABASE `+strings.TrimPrefix(u.Path, "/"))
	b.c = b.openWith(logged)
	if s := b.status(); s.State != "suspect" || s.Database.OK {
		t.Errorf("%s %+v", s.State, s.Database)
	}
	b.reloadRefused(coordinator.ReloadRequest{}, coordinator.CodeInternal)
}

func TestLookingAtAServerOnlyWritesNothing(t *testing.T) {
	t.Parallel()
	b := newServerBench(t, "none", map[string]string{notePath: entity("note", f("a text"))})
	b.sql(`CREATE TABLE theirs (a TEXT)`)
	before := b.everything()
	b.c = b.openWith(func(o *coordinator.Options) { o.ReadOnly = true })
	if s := b.status(); s.State != "pending" || len(b.plan().Files) != 2 {
		t.Errorf("%s", s.State)
	}
	b.sound()
	b.reloadRefused(coordinator.ReloadRequest{}, coordinator.CodeForbidden)
	if b.everything() != before || b.exists("data") {
		t.Error("looking wrote something")
	}
}

// TestTheAnswerToACommitIsLost cuts the connection around the commit of an apply.
func TestTheAnswerToACommitIsLost(t *testing.T) {
	t.Parallel()
	b := newServerBench(t, "none", map[string]string{notePath: entity("note", f("a text"))})
	direct := b.server()
	proxy := cluster.NewProxy(t, direct)
	b.address = proxy.URL
	b.open(false)
	b.address = direct
	b.breaking()
	b.write(notePath, entity("note", f("a text"), f("b text")))
	// Before the server heard of it: nothing happened, and that is known.
	hit := proxy.On("COMMIT\x00", cluster.CutBefore, 1)
	refusal := b.reloadRefused(coordinator.ReloadRequest{}, coordinator.CodeInternal)
	<-hit
	if !strings.Contains(refusal.Message, "nothing was changed") {
		t.Errorf("the message does not say what became of it: %s", refusal.Message)
	}
	b.without("content_note", "b")
	b.sound()
	if s := b.status(); s.LastResult.Result != "failed" || len(s.PendingChanges) == 0 {
		t.Errorf("%+v", s.LastResult)
	}
	// After: it happened, and is live as if nothing had been.
	hit = proxy.On("COMMIT\x00", cluster.CutAfter, 1)
	r := b.apply(coordinator.ReloadRequest{})
	<-hit
	b.inSync()
	if e, _ := b.c.Snapshot().Entity("note"); len(r.Applied) != 1 || len(e.Fields) != 2 {
		t.Errorf("%+v, %d fields", r, len(e.Fields))
	}
	b.want(`SELECT count(*) FROM file_versions WHERE file_path = '`+notePath+`' AND status = 'applied'`, "2")
	// A rollback alike: its files are written too.
	hit = proxy.On("COMMIT\x00", cluster.CutAfter, 1)
	b.undo(r)
	<-hit
	b.inSync()
	if b.read(notePath) != entity("note", f("a text")) {
		t.Error("the file was not written back")
	}
}

// TestNobodyKnowsWhatBecameOfACommit has the server go away for good around a commit, and come back.
func TestNobodyKnowsWhatBecameOfACommit(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]cluster.Fault{"it happened": cluster.CutAfter, "it did not": cluster.CutBefore} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newServerBench(t, "none", map[string]string{notePath: entity("note", f("a text"))})
			direct := b.server()
			proxy := cluster.NewProxy(t, direct)
			b.address = proxy.URL
			b.open(false)
			b.address = direct
			b.breaking()
			b.write(notePath, entity("note", f("a text"), f("b text")))
			var wg sync.WaitGroup
			hit := proxy.On("COMMIT\x00", fault, 1)
			wg.Go(func() {
				<-hit
				proxy.Refuse(true)
			})
			refusal := b.reloadRefused(coordinator.ReloadRequest{}, coordinator.CodeInternal)
			wg.Wait()
			if !strings.Contains(refusal.Message, "not known") {
				t.Errorf("the message is %s", refusal.Message)
			}
			if again := b.reloadRefused(coordinator.ReloadRequest{}, coordinator.CodeInternal); !strings.Contains(again.Message, "cannot be reached") {
				t.Errorf("the message is %s", again.Message)
			}
			proxy.Refuse(false)
			// Whatever became of it, the next request goes on from there.
			b.apply(coordinator.ReloadRequest{})
			b.inSync()
			b.want(`SELECT count(*) FROM file_versions WHERE file_path = '`+notePath+`' AND version = 2 AND status = 'applied'`, "1")
			b.want(`SELECT count(*) FROM file_versions WHERE file_path = '`+notePath+`'`, "2")
		})
	}
}

func TestAServerThatIsAwayForAWhile(t *testing.T) {
	t.Parallel()
	b := newServerBench(t, "safe", map[string]string{notePath: entity("note", f("a text"))})
	direct := b.server()
	proxy := cluster.NewProxy(t, direct)
	b.address = proxy.URL
	b.open(true)
	b.address = direct
	eventually(t, "the file is applied", func() bool { _, ok := b.c.Snapshot().Entity("note"); return ok })
	proxy.Refuse(true)
	eventually(t, "the status says so", func() bool {
		s := b.status()
		return s.State == "suspect" && !s.Database.OK && strings.Contains(s.Database.Message, "cannot be reached")
	})
	if _, ok := b.c.Snapshot().Entity("note"); !ok {
		t.Error("what is applied is not live any more")
	}
	text := entity("note", f("a text"), f("b text"))
	b.write(notePath, text)
	b.reloadRefused(coordinator.ReloadRequest{}, coordinator.CodeInternal)
	proxy.Refuse(false)
	// It comes back by itself, with what was saved meanwhile.
	eventually(t, "it is applied by itself", func() bool { e, _ := b.c.Snapshot().Entity("note"); return len(e.Fields) == 2 })
	eventually(t, "the status is good again", func() bool { s := b.status(); return s.InSync && s.Database.OK })
}

// TestAnotherProgramIsFollowedAtOnce has two programs with folders of their own on one database.
func TestAnotherProgramIsFollowedAtOnce(t *testing.T) {
	t.Parallel()
	files := map[string]string{notePath: entity("note", f("a text")), "config/config.api.yaml": "id: api\nvalues: {limit: 0}\n"}
	one := newServerBench(t, "none", files)
	one.open(false)
	one.breaking()
	two := newServerBench(t, "none", files)
	two.address = one.server()
	two.c = two.openWith(func(o *coordinator.Options) { o.Watch, o.Door, o.FollowEvery = true, "server", time.Hour })
	two.inSync()
	for i := range 5 {
		published := make(chan struct{}, 10)
		version := two.c.Snapshot().Version()
		cancel := two.c.Observe(func(_, new *snapshot.Snapshot) {
			if new.Version() > version {
				published <- struct{}{}
			}
		})
		one.write("config/config.api.yaml", fmt.Sprintf("id: api\nvalues: {limit: %d}\n", i+1))
		one.breaking()
		select {
		case <-published:
		case <-time.After(deadline):
			t.Fatal("the other program does not follow")
		}
		cancel()
	}
	if one.c.Snapshot().Version() != two.c.Snapshot().Version() {
		t.Error("the two are not at the same point")
	}
}

func TestALongReaderDelaysAnApply(t *testing.T) {
	t.Parallel()
	b := newServerBench(t, "none", map[string]string{notePath: entity("note", f("a text"))})
	b.open(false)
	b.breaking()
	conn, err := b.conn().Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, s := range []string{`BEGIN`, `SELECT count(*) FROM content_note`} {
		if _, err := conn.ExecContext(context.Background(), s); err != nil {
			t.Fatal(err)
		}
	}
	b.write(notePath, entity("note", f("a text"), f("b text")))
	began := time.Now()
	refusal := b.reloadRefused(coordinator.ReloadRequest{}, coordinator.CodeLocked)
	if took := time.Since(began); took > 15*time.Second || !strings.Contains(refusal.Message, "nothing was changed") {
		t.Errorf("after %s: %s", took, refusal.Message)
	}
	if s := b.status(); s.State != "pending" || s.LastResult.Result != "applied" {
		t.Errorf("%s %+v", s.State, s.LastResult)
	}
	if _, err := conn.ExecContext(context.Background(), `COMMIT`); err != nil {
		t.Fatal(err)
	}
	b.apply(coordinator.ReloadRequest{})
	b.inSync()
}

// TestWhoMayReadMayReadNewTables gives another role rights to a content type.
func TestWhoMayReadMayReadNewTables(t *testing.T) {
	t.Parallel()
	b := newServerBench(t, "none", map[string]string{notePath: entity("note", f("a text"))})
	b.open(false)
	b.breaking()
	u, _ := url.Parse(b.server())
	role := "reader_" + strings.TrimPrefix(u.Path, "/")
	b.sql(`CREATE ROLE `+role, `GRANT SELECT, INSERT ON content_note TO `+role)
	t.Cleanup(func() { b.sql(`DROP OWNED BY `+role, `DROP ROLE `+role) })
	r := b.save(notePath, "versioned: true\n"+entity("note", f("a text"), f("many text", "cardinality: -1")))
	for _, table := range []string{"content_note", "field_note_many", "content_revisions_note", "field_revisions_note_many"} {
		b.want(`SELECT has_table_privilege('`+role+`', '`+table+`', 'SELECT'), has_table_privilege('`+role+`', '`+table+`', 'INSERT'), has_table_privilege('`+role+`', '`+table+`', 'DELETE')`, "1|1|0")
	}
	back := b.undo(r)
	b.undo(back)
	b.want(`SELECT has_table_privilege('`+role+`', 'field_note_many', 'SELECT')`, "1")
	b.inSync()
}

// TestWhatOnlyLooksLikeAValue repairs columns whose values, as texts, would be taken for what the field holds. They become
// texts where the field is one; else they stay where they are and are counted.
func TestWhatOnlyLooksLikeAValue(t *testing.T) {
	t.Parallel()
	b := newServerBench(t, "none", nil)
	b.open(false)
	b.sql(`CREATE TYPE digit AS ENUM ('1', '0')`)
	for i, c := range []struct{ field, column, value, want string }{
		{"integer", "bit(3)", "B'101'", "∅"},
		{"integer", "bit varying(3)", "B'101'", "∅"},
		{"boolean", "bit(1)", "B'1'", "∅"},
		{"float", "oid", "7", "∅"},
		{"boolean", `"char"`, "'1'", "∅"},
		{"integer", "digit", "'1'", "∅"},
		{"float", "money", "5", "∅"},
		{"integer", "interval", "'0'", "∅"},
		{"component", "integer[]", "'{}'", "∅"},
		{"component", "numeric(3,1)[]", "'{}'", "∅"},
		{"datetime", "bytea", "'2024-01-02'", "∅"},
		{"text", "bit(3)", "B'101'", "101"},
		{"text", "digit", "'1'", "1"},
		{"text", "numeric(3,1)[]", "'{1.5}'", "{1.5}"},
		{"integer", "smallint", "7", "7"},
		{"float", "numeric(3,1)", "1.5", "1.5"},
		{"float", "real", "0.5", "0.5"},
		{"boolean", "character varying(5)", "'true'", "1"},
		{"datetime", "date", "'2024-01-02'", "2024-01-02T00:00:00Z"},
		{"component", "json", `'{"a":1}'`, `{"a":1}`},
	} {
		path, id := fmt.Sprintf("schemas/note%d.schema.yaml", i), fmt.Sprintf("note%d", i)
		field := f("x " + c.field)
		if c.field == "component" {
			field = append(field, "fields: [{id: a, type: integer}]")
		}
		b.save(path, entity(id, field))
		b.sql(fmt.Sprintf(`ALTER TABLE content_%s DROP COLUMN x`, id), fmt.Sprintf(`ALTER TABLE content_%s ADD COLUMN x %s`, id, c.column),
			fmt.Sprintf(`INSERT INTO content_%s (id, x) VALUES ('1', %s)`, id, c.value))
		wrong := b.rows(`SELECT x::text FROM content_` + id)
		said := fmt.Sprint(b.drift().Differences)
		dry, err := b.c.Repair(context.Background(), coordinator.RepairRequest{DryRun: true}, person)
		if err != nil {
			t.Fatal(err)
		}
		counted := fmt.Sprint(dry.Plan.Files[0].Checks)
		b.repair()
		b.inSync()
		b.want(`SELECT x FROM content_`+id, c.want)
		stays := c.want == "∅"
		if strings.Contains(counted, "1 of 1 value of x do not convert") != stays || strings.Contains(said, "none of that type converts") != stays {
			t.Errorf("%s as %s: counted %s, and said %s", c.column, c.field, counted, said)
		}
		b.want(fmt.Sprintf(`SELECT %q::text FROM content_%s`, outOfUse(b.columns("content_"+id), "_x"), id), wrong...)
	}
}

// What another program built on a table stands in the way of a restore: it is named before anything is done, also by a
// dry run, and the restore works without it.
func TestARestoreThatAnotherProgramsTablesAreInTheWayOf(t *testing.T) {
	t.Parallel()
	b := newServerBench(t, "none", map[string]string{notePath: entity("note", f("a text"), f("b text"))})
	b.c = b.openWith(nil)
	b.breaking()
	b.sql(`INSERT INTO content_note (id, a, b) VALUES ('1', 'a1', 'b1')`)
	removed := b.save(notePath, entity("note", f("a text"), f("c integer")))
	b.sql(`CREATE TABLE likes (note TEXT CONSTRAINT likes_note REFERENCES content_note (id))`, `INSERT INTO likes VALUES ('1')`, `CREATE VIEW latest AS SELECT c FROM content_note`)
	for _, dry := range []bool{true, false} {
		refusal := b.restoreRefused(coordinator.RestoreRequest{DryRun: dry, Confirm: removed.ActionID}, coordinator.CodeBlocked)
		if len(refusal.Details) != 2 || !strings.Contains(refusal.Message, "the foreign key likes_note of the table likes refers to content_note") {
			t.Errorf("%s %+v", refusal.Message, refusal.Details)
		}
		if view, ok := refusal.Details[1].(action.Block); !ok || view.Key != "content_note.c" || view.Message != "the view latest uses c" || !strings.Contains(view.Hint, "drop it first, restore, and make it again") {
			t.Errorf("%+v", refusal.Details[1])
		}
	}
	if n := len(b.backups()); n != 1 {
		t.Errorf("%d backups: a refused restore makes none", n)
	}
	b.sql(`ALTER TABLE likes DROP CONSTRAINT likes_note`, `DROP VIEW latest`)
	b.restore(b.backups()[0])
	b.want(`SELECT b FROM content_note`, "b1")
	b.sound()
}
