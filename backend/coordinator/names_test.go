package coordinator_test

import (
	"fmt"
	"strings"
	"testing"

	"marain/backend/coordinator"
)

// TestNamesOfTheGeneratedSQL has fields with the names that the statements use themselves, through every change.
func TestNamesOfTheGeneratedSQL(t *testing.T) {
	t.Parallel()
	names := []string{"value", "parent_id", "n", "m", "place", "number", "sort_order", "total", "lost", "becomes", "select", "group", "content_order", "x", "l", "t"}
	build := func(kind, more string) string {
		var list [][]string
		for _, n := range names {
			one := f(n + " " + kind)
			if more != "" {
				one = append(one, more)
			}
			list = append(list, one)
		}
		return entity("order", list...)
	}
	b := noted(t, build("text", ""))
	b.sql(`INSERT INTO content_order (id, ` + `"` + strings.Join(names, `","`) + `"` + `) VALUES ('1'` + strings.Repeat(`,'1'`, len(names)) + `), ('2'` + strings.Repeat(`,'abc'`, len(names)) + `)`)
	one, two := "1"+strings.Repeat("|1", len(names)-1), "abc"+strings.Repeat("|abc", len(names)-1)
	query := `SELECT "` + strings.Join(names, `","`) + `" FROM content_order ORDER BY id`
	b.save(notePath, build("text", "cardinality: -1"))
	b.inSync()
	b.save(notePath, build("integer", "cardinality: -1"))
	b.inSync()
	b.save(notePath, build("integer", ""))
	b.inSync()
	b.save(notePath, build("boolean", "required: true"), func() []string {
		var a []string
		for _, n := range names {
			a = append(a, "backfill:order."+n, "false")
		}
		return a
	}()...)
	b.inSync()
	b.version(notePath, 1)
	b.inSync()
	b.want(query, one, two)
	b.save(notePath, build("text", "unique: true"))
	b.inSync()
}

// TestNamesAsLongAsTheyGo swaps lists whose tables have names of the greatest length.
func TestNamesAsLongAsTheyGo(t *testing.T) {
	t.Parallel()
	e := "e234567890123456789012345"
	a, c := "a123456789012345678x", "a123456789012345678y" // with the revisions of the first these are 62 bytes
	one := "versioned: true\n" + entity(e, f(a+" text", "cardinality: -1"), f(c+" text", "cardinality: -1"))
	b := noted(t, one)
	b.sql(`INSERT INTO content_` + e + ` (id) VALUES ('1')`)
	b.sql(`INSERT INTO field_` + e + `_` + a + ` (id, parent_id, value) VALUES ('a','1','a')`)
	b.sql(`INSERT INTO field_` + e + `_` + c + ` (id, parent_id, value) VALUES ('c','1','c')`)
	b.save(notePath, "versioned: true\n"+entity(e, f("z text", "cardinality: -1", "renamed_from: "+a), f(c+" text", "cardinality: -1")))
	b.save(notePath, "versioned: true\n"+entity(e, f("z text", "cardinality: -1"), f(a+" text", "cardinality: -1", "renamed_from: "+c)))
	b.save(notePath, "versioned: true\n"+entity(e, f(c+" text", "cardinality: -1", "renamed_from: z"), f(a+" text", "cardinality: -1")))
	b.inSync()
	b.version(notePath, 1)
	b.inSync()
	b.want(`SELECT value FROM field_`+e+`_`+a, "a")
	b.version(notePath, 4)
	b.want(`SELECT value FROM field_`+e+`_`+a, "c")
	b.inSync()
}

// TestAContentTypeIsRenamedAndBack changes the id of a content type and changes it back by hand, with a type in between.
func TestAContentTypeIsRenamedAndBack(t *testing.T) {
	t.Parallel()
	b := noted(t, "versioned: true\n"+entity("note", f("x text")))
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', '01')`)
	b.save(notePath, "versioned: true\n"+entity("note", f("x integer")))
	b.save(notePath, "versioned: true\n"+entity("memo", f("x integer")))
	b.save(notePath, "# back\n"+"versioned: true\n"+entity("note", f("x text")), "restore:note", "restore")
	b.inSync()
	b.want(`SELECT x FROM content_note`, "01")
	b.version(notePath, 3)
	b.version(notePath, 2)
	b.inSync()
	b.want(`SELECT x FROM content_note`, "1")
}

// TestANameThatIsTaken refuses a rename to the id of a field that is there.
func TestANameThatIsTaken(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("a text"), f("b integer")))
	b.sql(`INSERT INTO content_note (id, a, b) VALUES ('1', 'was a', 5)`)
	b.write(notePath, entity("note", f("a integer", "renamed_from: b")))
	b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking"}, coordinator.CodeBlocked)
	b.want(`SELECT a, b FROM content_note`, "was a|5")
	b.save(notePath, entity("note", f("b integer")))
	b.save(notePath, entity("note", f("a integer", "renamed_from: b")))
	b.inSync()
	b.want(`SELECT a FROM content_note`, "5")
}

// TestNamesThatOthersHave adds what needs a name that something of another program has: the plan says so, instead of the
// database in the middle of an apply. As soon as the name is free it goes through, and back.
func TestNamesThatOthersHave(t *testing.T) {
	t.Parallel()
	book := "schemas/book.schema.yaml"
	whole, plain := "versioned: true\n"+entity("book", f("code slug"), f("tags text", "cardinality: -1")), entity("note", f("x text"))
	with := func(fields ...[]string) string { return entity("note", append([][]string{f("x text")}, fields...)...) }
	for _, c := range []struct {
		name   string
		theirs []string
		server bool // there is nothing like it on SQLite
		onFile bool // PostgreSQL tells the two names from each other
		path   string
		text   string
		says   string
		free   []string
	}{
		{name: "an index", theirs: []string{`CREATE TABLE other (x TEXT)`, `CREATE INDEX uq_content_book__code ON other (x)`}, path: book, text: whole, says: "The name uq_content_book__code is taken: there is the index uq_content_book__code of other", free: []string{`DROP INDEX uq_content_book__code`}},
		{name: "an index for one more rule", theirs: []string{`CREATE INDEX idx_content_note__x ON content_note (created_at)`}, path: notePath, text: entity("note", f("x text", "indexed: true")), says: "there is the index idx_content_note__x of content_note", free: []string{`DROP INDEX idx_content_note__x`}},
		{name: "a table in place of an index", theirs: []string{`CREATE TABLE uq_content_note__x (y TEXT)`}, path: notePath, text: entity("note", f("x text", "unique: true")), says: "there is the table uq_content_note__x", free: []string{`ALTER TABLE uq_content_note__x RENAME TO aside`}},
		{name: "a view", theirs: []string{`CREATE VIEW content_book AS SELECT 1 AS one`}, path: book, text: whole, says: "there is the view content_book", free: []string{`DROP VIEW content_book`}},
		{name: "a view for a list", theirs: []string{`CREATE VIEW field_note_tags AS SELECT 1 AS one`}, path: notePath, text: with(f("tags text", "cardinality: -1")), says: "there is the view field_note_tags", free: []string{`DROP VIEW field_note_tags`}},
		{name: "a view for another id", theirs: []string{`CREATE VIEW content_book AS SELECT 1 AS one`}, path: notePath, text: entity("book", f("x text")), says: "there is the view content_book", free: []string{`DROP VIEW content_book`}},
		{name: "a table in other letters", theirs: []string{`CREATE TABLE Content_Book (x TEXT)`}, onFile: true, path: book, text: whole, says: "there is the table Content_Book, and this database does not tell capital letters from small ones", free: []string{`ALTER TABLE Content_Book RENAME TO aside`}},
		{name: "a column in other letters", theirs: []string{`ALTER TABLE content_note ADD COLUMN "Tag" TEXT`}, onFile: true, path: notePath, text: with(f("tag text")), says: "content_note cannot get a column tag: it has a column Tag, and", free: []string{`ALTER TABLE content_note RENAME COLUMN "Tag" TO aside`}},
		{name: "a column", theirs: []string{`ALTER TABLE content_note ADD COLUMN tag TEXT`}, path: notePath, text: with(f("tag text")), says: "content_note already has a place for tag", free: []string{`ALTER TABLE content_note RENAME COLUMN tag TO aside`}},
		{name: "a column for another name", theirs: []string{`ALTER TABLE content_note ADD COLUMN tag TEXT`}, path: notePath, text: entity("note", f("tag text", "renamed_from: x")), says: "content_note cannot get a column tag: it has a column tag", free: []string{`ALTER TABLE content_note RENAME COLUMN tag TO aside`}},
		{name: "a materialized view", theirs: []string{`CREATE MATERIALIZED VIEW content_book AS SELECT 1 AS one`}, server: true, path: book, text: whole, says: "there is the materialized view content_book", free: []string{`DROP MATERIALIZED VIEW content_book`}},
		{name: "a sequence", theirs: []string{`CREATE SEQUENCE content_revisions_book`}, server: true, path: book, text: whole, says: "there is the sequence content_revisions_book", free: []string{`DROP SEQUENCE content_revisions_book`}},
		{name: "a composite type", theirs: []string{`CREATE TYPE content_book AS (x TEXT)`}, server: true, path: book, text: whole, says: "there is the composite type content_book", free: []string{`DROP TYPE content_book`}},
		{name: "another type", theirs: []string{`CREATE TYPE content_book AS ENUM ('x')`}, server: true, path: book, text: whole, says: "there is the type content_book", free: []string{`DROP TYPE content_book`}},
		{name: "the key of another table", theirs: []string{`CREATE TABLE other (x TEXT, CONSTRAINT pk_content_book PRIMARY KEY (x))`}, server: true, path: book, text: whole, says: "there is the index pk_content_book of other", free: []string{`ALTER INDEX pk_content_book RENAME TO aside`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBenchOn(t, "safe", c.onFile, map[string]string{notePath: plain})
			if c.server && !b.postgres() {
				return
			}
			b.breaking()
			first := b.last()
			b.sql(c.theirs...)
			b.sql(`INSERT INTO content_note (id, x) VALUES ('1', 'a')`)
			b.write(c.path, c.text)
			before := b.everything()
			refusal := b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking"}, coordinator.CodeBlocked)
			if !strings.Contains(refusal.Message, c.says) || b.everything() != before {
				t.Errorf("refused with %q", refusal.Message)
			}
			for _, file := range b.plan().Files {
				if len(file.Blocked) != 1 || file.Blocked[0].Hint == "" {
					t.Errorf("blocked %+v", file.Blocked)
				}
			}
			b.sql(c.free...)
			b.breaking()
			b.inSync()
			b.to(first)
			b.inSync()
			b.want(`SELECT x FROM content_note`, "a")
		})
	}
}

// TestNamesThatDoNotClash has names of others that are none of those that tables and indexes share.
func TestNamesThatDoNotClash(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x text")))
	b.sql(b.either(`CREATE TRIGGER content_book AFTER INSERT ON content_note BEGIN SELECT 1; END`, `CREATE TABLE "Content_Book" (x TEXT)`),
		b.either(`CREATE TABLE other (content_book TEXT)`, `CREATE TYPE uq_content_book__code AS ENUM ('x')`),
		b.either(`CREATE TABLE more (field_book_tags TEXT)`, `CREATE TYPE content_revisions_book_row AS (x TEXT)`))
	if b.postgres() {
		b.sql(`CREATE SCHEMA elsewhere`, `CREATE VIEW elsewhere.content_book AS SELECT 1 AS one`, `ALTER TABLE content_note ADD COLUMN "Tag" TEXT`)
	}
	b.save("schemas/book.schema.yaml", "versioned: true\n"+entity("book", f("code slug"), f("tags text", "cardinality: -1")))
	b.save(notePath, entity("note", f("x text"), f("tag text")))
	b.inSync()
}

// TestARepairMeetsATakenName makes a table again whose name a view has by now, and an index whose name another one has.
func TestARepairMeetsATakenName(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x slug"), f("tags text", "cardinality: -1")))
	b.sql(`DROP TABLE field_note_tags`, `CREATE VIEW field_note_tags AS SELECT 1 AS one`, `DROP INDEX uq_content_note__x`,
		`CREATE TABLE other (x TEXT)`, `CREATE INDEX uq_content_note__x ON other (x)`)
	refusal := b.repairRefused(coordinator.RepairRequest{}, coordinator.CodeBlocked)
	for _, words := range []string{"there is the view field_note_tags", "there is the index uq_content_note__x of other"} {
		if !strings.Contains(refusal.Message+fmt.Sprint(refusal.Details...), words) {
			t.Errorf("refused with %q", refusal.Message)
		}
	}
	b.sql(`DROP VIEW field_note_tags`, `DROP TABLE other`)
	b.repair()
	b.inSync()
}

// TestANameThatTheFileBeforeLetsGo goes back to where the list of one content type has the name that the list of another one
// has by now: its file is carried out first, and lets the name go.
func TestANameThatTheFileBeforeLetsGo(t *testing.T) {
	t.Parallel()
	one, two := "schemas/b.schema.yaml", "schemas/a.schema.yaml"
	list := f("b_c text", "cardinality: -1")
	b := newBench(t, "none", map[string]string{one: entity("a", f("x text"), list), two: entity("a_b", f("x text"))})
	b.breaking()
	first := b.last()
	b.sql(`INSERT INTO content_a (id) VALUES ('1')`, `INSERT INTO field_a_b_c (id, parent_id, value) VALUES ('v', '1', 'of a')`)
	b.save(one, entity("a", f("x text")))
	b.save(two, entity("a_b", f("x text"), f("c integer", "cardinality: -1")))
	b.sql(`INSERT INTO content_a_b (id) VALUES ('1')`, `INSERT INTO field_a_b_c (id, parent_id, value) VALUES ('v', '1', 7)`)
	b.to(first)
	b.inSync()
	b.want(`SELECT value FROM field_a_b_c`, "of a")
}
