package coordinator_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"marain/backend/coordinator"
)

// The content types of a project that another program has kept its tables for.
const (
	pagePath    = "schemas/page.schema.yaml"
	articlePath = "schemas/article.schema.yaml"
	personPath  = "schemas/person.schema.yaml"
)

func cmsFiles() map[string]string {
	return map[string]string{
		pagePath: entity("page", f("title text", "required: true"), f("body rich_text"), f("links text", "cardinality: -1")),
		articlePath: "versioned: true\n" + entity("article",
			f("title text", "required: true"), f("code slug"), f("author entity_reference", "target_entity: person"), f("editor entity_reference", "target_entity: person"),
			f("published datetime"), f("featured boolean"), f("rating float"), f("lead text"), f("tags text", "cardinality: -1")),
		personPath: entity("person", f("name text", "required: true"), f("age integer")),
		// Nothing of this one is in the database yet.
		"schemas/comment.schema.yaml": entity("comment", f("text text")),
	}
}

// cmsTables are the tables as that program made them: with its own declared types, names of rules, columns, indexes,
// views, triggers and tables.
func cmsTables() []string {
	const own = `id VARCHAR(26) NOT NULL PRIMARY KEY, "user" VARCHAR(26), rid INTEGER DEFAULT 1, last_cached DATETIME, cache_ttl INT DEFAULT 86400,
		content_hash CHAR(64), created_at DATETIME DEFAULT CURRENT_TIMESTAMP, updated_at DATETIME DEFAULT CURRENT_TIMESTAMP`
	return []string{
		// This one is all that its file asks for.
		`CREATE TABLE content_page (` + own + `, title VARCHAR(255) NOT NULL, body TEXT, theme VARCHAR(20) DEFAULT 'plain')`,
		`CREATE TABLE field_page_links (id TEXT PRIMARY KEY, "user" TEXT, rid INTEGER NOT NULL DEFAULT 1, parent_id TEXT NOT NULL REFERENCES content_page (id) ON DELETE CASCADE,
			value TEXT NOT NULL, sort_order INTEGER NOT NULL DEFAULT 0)`,
		`CREATE INDEX "idx_field_page_links__parent_id" ON field_page_links (parent_id)`,
		// This one has a reference under another name, one beside ours, another type, a rule too few and columns too few.
		`CREATE TABLE content_article (` + own + `, title VARCHAR(255), code VARCHAR(80), field_reference_author VARCHAR(26), editor VARCHAR(26), field_reference_editor VARCHAR(26),
			published DATETIME, featured BOOLEAN DEFAULT 0, rating DECIMAL(3,1), status VARCHAR(9) NOT NULL DEFAULT 'live', CONSTRAINT article_status CHECK (status IN ('live', 'dead')))`,
		`CREATE UNIQUE INDEX article_code ON content_article (code)`,
		`CREATE INDEX article_live ON content_article (published) WHERE status = 'live'`,
		`CREATE TABLE content_revisions_article (id TEXT NOT NULL, rid INTEGER NOT NULL, "user" TEXT, title TEXT, code TEXT, field_reference_author TEXT, published TEXT, PRIMARY KEY (id, rid))`,
		`CREATE TABLE field_article_tags (id TEXT PRIMARY KEY, content_id TEXT NOT NULL REFERENCES content_article (id), value VARCHAR(40) NOT NULL, sort_order INT)`,
		// This one lacks a column that holds nothing yet.
		`CREATE TABLE content_person (` + own + `, name TEXT NOT NULL, mail TEXT UNIQUE)`,
		`CREATE TABLE sessions (token TEXT PRIMARY KEY, person_id TEXT REFERENCES content_person (id), data BLOB)`,
		`CREATE VIEW live_articles AS SELECT id, title FROM content_article WHERE status = 'live'`,
		`CREATE TABLE article_log (id TEXT, title TEXT)`,
		`CREATE TRIGGER article_logged AFTER UPDATE OF title ON content_article BEGIN INSERT INTO article_log VALUES (old.id, old.title); END`,
		`INSERT INTO content_page (id, title, body, theme) VALUES ('p1', 'Home', '<p>', 'dark'), ('p2', 'About', NULL, 'plain')`,
		`INSERT INTO field_page_links (id, parent_id, value) VALUES ('l1', 'p1', 'a'), ('l2', 'p1', 'b')`,
		`INSERT INTO content_person (id, name, mail) VALUES ('u1', 'Ann', 'ann@x'), ('u2', 'Bo', NULL)`,
		`INSERT INTO content_article (id, title, code, field_reference_author, editor, field_reference_editor, published, featured, rating, status) VALUES
			('a1', 'One', 'one', 'u1', 'u2', 'u1', '2024-05-01 10:00:00', 1, 4.5, 'live'), ('a2', 'Two', 'two', NULL, NULL, 'u2', NULL, 0, NULL, 'dead'), ('a3', 'Three', NULL, 'gone', NULL, NULL, '2024-05-02', NULL, 10, 'live')`,
		`INSERT INTO content_revisions_article (id, rid, title, code, field_reference_author) VALUES ('a1', 1, 'Uno', 'uno', 'u2')`,
		`INSERT INTO field_article_tags VALUES ('t1', 'a1', 'red', 0), ('t2', 'a1', 'blue', 1), ('t3', 'a3', 'red', NULL)`,
		`INSERT INTO sessions VALUES ('s', 'u1', x'0102')`,
	}
}

// cmsOnServer are the tables of that program on PostgreSQL.
func cmsOnServer() []string {
	const own = `id VARCHAR(26) NOT NULL PRIMARY KEY, "user" VARCHAR(26), rid INTEGER DEFAULT 1, last_cached TIMESTAMP, cache_ttl INTEGER DEFAULT 86400,
		content_hash CHAR(64), created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP`
	return []string{
		`CREATE TABLE content_page (` + own + `, title VARCHAR NOT NULL, body TEXT, theme VARCHAR(20) DEFAULT 'plain')`,
		`CREATE TABLE field_page_links (id TEXT PRIMARY KEY, "user" TEXT, rid INTEGER NOT NULL DEFAULT 1, parent_id VARCHAR(26) NOT NULL REFERENCES content_page ON DELETE CASCADE,
			value TEXT NOT NULL, sort_order INTEGER NOT NULL DEFAULT 0)`,
		`CREATE INDEX "idx_field_page_links__parent_id" ON field_page_links (parent_id)`,
		`CREATE TABLE content_article (` + own + `, title TEXT, code VARCHAR, field_reference_author TEXT, editor TEXT, field_reference_editor TEXT,
			published TIMESTAMPTZ, featured BOOLEAN DEFAULT false, rating NUMERIC(3,1), status VARCHAR(9) NOT NULL DEFAULT 'live', CONSTRAINT article_status CHECK (status IN ('live', 'dead')))`,
		`CREATE UNIQUE INDEX article_code ON content_article (code)`,
		`CREATE INDEX article_live ON content_article (published) WHERE status = 'live'`,
		`CREATE TABLE content_revisions_article (id TEXT NOT NULL, rid INTEGER NOT NULL, "user" TEXT, title TEXT, code TEXT, field_reference_author TEXT, published TIMESTAMPTZ, PRIMARY KEY (id, rid))`,
		`CREATE TABLE field_article_tags (id TEXT PRIMARY KEY, content_id VARCHAR NOT NULL REFERENCES content_article (id), value VARCHAR(40) NOT NULL, sort_order INTEGER)`,
		`CREATE TABLE content_person (` + own + `, name TEXT NOT NULL, mail TEXT UNIQUE)`,
		`CREATE TABLE sessions (token TEXT PRIMARY KEY, person_id TEXT REFERENCES content_person (id), data BYTEA)`,
		`CREATE VIEW live_articles AS SELECT id, title FROM content_article WHERE status = 'live'`,
		`CREATE TABLE article_log (id TEXT, title TEXT)`,
		`CREATE FUNCTION log_article() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO article_log VALUES (old.id, old.title); RETURN new; END $$`,
		`CREATE TRIGGER article_logged AFTER UPDATE OF title ON content_article FOR EACH ROW EXECUTE FUNCTION log_article()`,
		`INSERT INTO content_page (id, title, body, theme) VALUES ('p1', 'Home', '<p>', 'dark'), ('p2', 'About', NULL, 'plain')`,
		`INSERT INTO field_page_links (id, parent_id, value) VALUES ('l1', 'p1', 'a'), ('l2', 'p1', 'b')`,
		`INSERT INTO content_person (id, name, mail) VALUES ('u1', 'Ann', 'ann@x'), ('u2', 'Bo', NULL)`,
		`INSERT INTO content_article (id, title, code, field_reference_author, editor, field_reference_editor, published, featured, rating, status) VALUES
			('a1', 'One', 'one', 'u1', 'u2', 'u1', '2024-05-01 10:00:00', true, 4.5, 'live'), ('a2', 'Two', 'two', NULL, NULL, 'u2', NULL, false, NULL, 'dead'), ('a3', 'Three', NULL, 'gone', NULL, NULL, '2024-05-02', NULL, 10, 'live')`,
		`INSERT INTO content_revisions_article (id, rid, title, code, field_reference_author) VALUES ('a1', 1, 'Uno', 'uno', 'u2')`,
		`INSERT INTO field_article_tags VALUES ('t1', 'a1', 'red', 0), ('t2', 'a1', 'blue', 1), ('t3', 'a3', 'red', NULL)`,
		`INSERT INTO sessions VALUES ('s', 'u1', '\x0102')`,
	}
}

// cms is a project with the database of that program, and no history of ours.
func cms(t *testing.T, policy string) *bench {
	t.Helper()
	b := &bench{t: t, root: t.TempDir()}
	b.write("config/config.hot_reload.yaml", "id: hot_reload\nvalues:\n  auto_apply: "+policy+"\n")
	for path, text := range cmsFiles() {
		b.write(path, text)
	}
	if err := os.MkdirAll(filepath.Join(b.root, "data/content"), 0o755); err != nil {
		t.Fatal(err)
	}
	if b.postgres() {
		b.sql(cmsOnServer()...)
	} else {
		b.sql(cmsTables()...)
	}
	return b
}

// theirTables returns the tables that are neither bookkeeping nor new.
func (b *bench) theirTables() []string {
	return slices.DeleteFunc(b.tableNames(), func(name string) bool {
		return strings.HasPrefix(name, "marain_") || name == "file_versions" || strings.Contains(name, "comment")
	})
}

// theirs is everything that the other program has in the database: definitions and rows.
func (b *bench) theirs() string {
	b.t.Helper()
	var out strings.Builder
	definitions := b.either(`SELECT name || ': ' || coalesce(sql, '') FROM sqlite_schema ORDER BY name`,
		`SELECT tablename || ' ' || indexdef FROM pg_indexes WHERE schemaname = current_schema() UNION ALL
		SELECT viewname || ' ' || definition FROM pg_views WHERE schemaname = current_schema() UNION ALL
		SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = current_schema()::regnamespace UNION ALL
		SELECT format('%s.%s %s %s %s', table_name, column_name, data_type, is_nullable, column_default) FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY 1`)
	for _, line := range b.rows(definitions) {
		if !strings.Contains(line, "marain_") && !strings.Contains(line, "file_versions") && !strings.Contains(line, "comment") {
			fmt.Fprintln(&out, line)
		}
	}
	for _, table := range b.theirTables() {
		fmt.Fprintf(&out, "%s %s\n", table, strings.Join(b.rows(`SELECT * FROM "`+table+`" ORDER BY 1`), "\n"))
	}
	return out.String()
}

// values counts every value of the other program's columns, wherever it lies: under the name of its column, or out of
// use under that name's end.
func (b *bench) values() map[string]int {
	b.t.Helper()
	all := map[string]int{}
	for _, table := range b.theirTables() {
		columns := b.columns(table)
		for _, name := range columns {
			column := name
			if strings.HasPrefix(name, "_old_") {
				column = name[len("_old_0123456789_"):]
			}
			text := b.either(`quote("`+name+`")`, `quote_literal("`+name+`"::text)`)
			for _, row := range b.rows(`SELECT "` + columns[0] + `" || ' ' || ` + text + ` FROM "` + table + `" WHERE "` + name + `" IS NOT NULL`) {
				all[table+" "+column+" "+row]++
			}
		}
	}
	return all
}

func TestADatabaseOfAnotherProgramOpensWithoutHarm(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{"none", "safe", "all"} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			b := cms(t, policy)
			before := b.theirs()
			b.open(true)
			eventually(t, "the policy has done what it may", func() bool {
				return policy == "none" || b.number(`SELECT count(*) FROM file_versions WHERE file_path = 'schemas/comment.schema.yaml' AND status = 'applied'`) == 1
			})
			if b.theirs() != before {
				t.Errorf("opening changed\n%s\ninto\n%s", before, b.theirs())
			}
			// What equals its file is in use, the rest waits.
			b.want(`SELECT file_path || ' ' || version || ' ' || applied_by FROM file_versions WHERE status = 'applied' AND file_path IN ('`+pagePath+`', '`+articlePath+`', '`+personPath+`')`, pagePath+" 1 auto")
			if policy == "none" {
				if _, there := b.c.Snapshot().Entity("page"); !there {
					t.Error("the content type that was taken over is not live")
				}
				page, err := b.c.History(context.Background(), coordinator.HistoryRequest{})
				if err != nil || len(page.Items) != 1 || page.Items[0].Kind != "apply" || !strings.HasPrefix(page.Items[0].Summary, "Take over 1 content type") {
					t.Errorf("history: %+v, %v", page.Items, err)
				}
			}
			b.sound()
			d := b.drift()
			if !d.InSync || !slices.Contains(d.Unmanaged.Tables, "sessions") || !slices.ContainsFunc(d.Unmanaged.Columns, func(u coordinator.UnmanagedColumn) bool {
				return u.Table == "content_page" && u.Column == "theme" && *u.RowsWithValue == 2
			}) {
				t.Errorf("unmanaged: %+v", d.Unmanaged)
			}
			waits := []string{}
			for _, p := range b.status().PendingChanges {
				if !slices.Contains(waits, p.File) && strings.HasPrefix(p.File, "schemas/") {
					waits = append(waits, p.File)
				}
			}
			want := []string{articlePath, "schemas/comment.schema.yaml", personPath}
			if policy != "none" {
				want = []string{articlePath, personPath}
			}
			if !slices.Equal(waits, want) {
				t.Errorf("what waits is %v, want %v", waits, want)
			}
		})
	}
}

func TestADatabaseOfAnotherProgramIsTakenOver(t *testing.T) {
	t.Parallel()
	b := cms(t, "none")
	before, values := b.theirs(), b.values()
	b.open(false)
	refusal := b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking"}, coordinator.CodeBlocked)
	if !strings.Contains(refusal.Message, "source:field_article_tags.parent_id") {
		t.Errorf("the question is not asked: %s", refusal.Message)
	}
	if b.theirs() != before {
		t.Error("a refused apply changed something")
	}
	// A view on a column that must go out of use stands in the way.
	b.sql(`CREATE VIEW rated AS SELECT id, rating FROM content_article`)
	refusal = b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking", Answers: map[string]string{"source:field_article_tags.parent_id": "content_id"}}, coordinator.CodeBlocked)
	if !strings.Contains(refusal.Message, "rated") || !strings.Contains(refusal.Message, "rating") {
		t.Errorf("the view is not named: %s", refusal.Message)
	}
	b.sql(`DROP VIEW rated`)
	taken := b.breaking("source:field_article_tags.parent_id", "content_id")
	b.inSync()
	if missing := lost(values, b.values()); len(missing) > 0 {
		t.Errorf("values are lost: %q", missing)
	}
	b.want(`SELECT id, author, editor, rating, title FROM content_article ORDER BY id`, "a1|u1|u2|4.5|One", "a2|∅|∅|∅|Two", "a3|gone|∅|10|Three")
	b.want(`SELECT parent_id, value, sort_order FROM field_article_tags ORDER BY id`, "a1|red|0", "a1|blue|1", "a3|red|∅")
	b.want(`SELECT id, rid, title, author FROM content_revisions_article`, "a1|1|Uno|u2")
	// The other program goes on as before.
	b.sql(`INSERT INTO content_article (id, title, code, field_reference_author, rating, status) VALUES ('a4', 'Four', 'four', 'u1', 1.5, 'live')`,
		`UPDATE content_article SET title = 'One more' WHERE id = 'a1'`, `DELETE FROM content_page WHERE id = 'p1'`)
	b.want(`SELECT * FROM article_log`, "a1|One")
	b.want(`SELECT id FROM live_articles ORDER BY id`, "a1", "a3", "a4")
	b.open(false)
	b.inSync()
	d := b.drift()
	for _, name := range []string{"content_article.field_reference_author", "content_article.field_reference_editor", "content_article.status", "content_person.mail", "field_article_tags.content_id"} {
		if !slices.ContainsFunc(d.Unmanaged.Columns, func(u coordinator.UnmanagedColumn) bool { return u.Table+"."+u.Column == name }) {
			t.Errorf("%s is not listed", name)
		}
	}
	// Going back to before they were taken over leaves the tables where they are.
	rows := b.rows(`SELECT id, title FROM content_article ORDER BY id`)
	back := b.undo(taken)
	b.sound()
	b.want(`SELECT id, title FROM content_article ORDER BY id`, rows...)
	b.undo(back)
	b.inSync()
	b.want(`SELECT id, title FROM content_article ORDER BY id`, rows...)
}

// lost returns what was there before and is nowhere afterwards.
func lost(before, after map[string]int) []string {
	var missing []string
	for value := range before {
		if after[value] == 0 {
			missing = append(missing, value)
		}
	}
	slices.Sort(missing)
	return missing
}

func TestLookingAtADatabaseOfAnotherProgramWritesNothing(t *testing.T) {
	t.Parallel()
	b := cms(t, "all")
	before := b.everything()
	c := b.openWith(func(o *coordinator.Options) { o.ReadOnly = true })
	d, err := c.Drift(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if !d.InSync || len(d.Differences) > 0 || !slices.Contains(d.Unmanaged.Tables, "content_article") || !slices.Contains(d.Unmanaged.Tables, "sessions") {
		t.Errorf("%+v", d)
	}
	if s, err := c.Status(context.Background()); err != nil || s.State != "pending" || s.Drift.Differences != 0 {
		t.Errorf("%s %+v, %v", s.State, s.Drift, err)
	}
	if _, err := c.Diff(context.Background(), coordinator.DiffRequest{}); err != nil {
		t.Errorf("diff: %v", err)
	}
	if _, err := c.Repair(context.Background(), coordinator.RepairRequest{}, person); err == nil {
		t.Error("repaired while only looking")
	}
	if b.everything() != before {
		t.Error("looking changed the database")
	}
}
