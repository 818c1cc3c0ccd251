package coordinator_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"marain/backend/coordinator"
)

// adopted is a project whose one table another program made, with more in it than a document asks for.
func adopted(t *testing.T, text, fields, options string, more ...string) *bench {
	t.Helper()
	b := &bench{t: t, root: t.TempDir()}
	b.write("config/config.hot_reload.yaml", "id: hot_reload\nvalues:\n  auto_apply: none\n")
	b.write(notePath, text)
	if err := os.MkdirAll(filepath.Join(b.root, "data/content"), 0o755); err != nil {
		t.Fatal(err)
	}
	built := `"user" TEXT DEFAULT '00000000000000000000000000', rid {int} DEFAULT 1, last_cached {time}, cache_ttl {int} DEFAULT 86400, content_hash TEXT, created_at {time}, updated_at {time}`
	kinds := strings.NewReplacer("{int}", b.either("INTEGER", "BIGINT"), "{time}", b.either("TEXT", "TIMESTAMPTZ"))
	b.sql(append([]string{kinds.Replace(`CREATE TABLE content_note (id TEXT NOT NULL, ` + built + `, ` + fields + `) ` + options)}, more...)...)
	b.open(false)
	return b
}

// TestRulesOfATableThatWasThere takes a field out of use whose column is under a rule of its own table, which nothing
// drops: where it would go on to refuse rows, the field stays; else everybody writes as before.
func TestRulesOfATableThatWasThere(t *testing.T) {
	t.Parallel()
	both := entity("note", f("x text"), f("y text"))
	for _, c := range []struct {
		name    string
		text    string // both of them when empty
		fields  string
		options string
		more    string
		onFile  bool
		blocked string
	}{
		{name: "unique", fields: `x TEXT UNIQUE, y TEXT, PRIMARY KEY (id)`},
		{name: "unique with another", fields: `x TEXT, y TEXT, PRIMARY KEY (id), CONSTRAINT two UNIQUE (x, y)`, blocked: "on x"},
		{name: "unique with a default", fields: `x TEXT DEFAULT 'd' UNIQUE, y TEXT, PRIMARY KEY (id)`, blocked: "on x"},
		{name: "never empty", fields: `x TEXT CHECK (x IS NOT NULL), y TEXT, PRIMARY KEY (id)`, blocked: "on x"},
		{name: "never empty, with a default", fields: `x TEXT DEFAULT 'd' CHECK (x IS NOT NULL), y TEXT, PRIMARY KEY (id)`},
		{name: "a check that an empty value passes", fields: `x TEXT CHECK (length(x) > 0), y TEXT, PRIMARY KEY (id)`},
		{name: "a check with another", fields: `x TEXT, y TEXT, PRIMARY KEY (id), CONSTRAINT differ CHECK (x <> y)`, blocked: "on x"},
		{name: "a generated column", fields: `x TEXT, y TEXT, g TEXT GENERATED ALWAYS AS (x || '!') STORED, PRIMARY KEY (id)`, blocked: "generated column g"},
		{name: "a unique index on what is made of it", fields: `x TEXT, y TEXT, PRIMARY KEY (id)`, more: `CREATE UNIQUE INDEX low ON content_note (lower(x))`},
		{name: "a unique index that asks for it", fields: `x TEXT, y TEXT, PRIMARY KEY (id)`, more: `CREATE UNIQUE INDEX part ON content_note (y) WHERE x = 'x1'`, blocked: "unique index part"},
		{name: "a primary key", text: entity("note", f("x text", "required: true"), f("y text")), fields: `x TEXT NOT NULL, y TEXT, PRIMARY KEY (id, x)`, blocked: "on x"},
		{name: "no row numbers", fields: `x TEXT UNIQUE, y TEXT, PRIMARY KEY (id)`, options: `WITHOUT ROWID`, onFile: true},
		{name: "no row numbers, and the key", text: entity("note", f("x text", "required: true"), f("y text")), fields: `x TEXT NOT NULL, y TEXT, PRIMARY KEY (id, x)`, options: `WITHOUT ROWID`, onFile: true, blocked: "on x"},
		{name: "strict", fields: `x TEXT UNIQUE, y TEXT, PRIMARY KEY (id)`, options: `STRICT`, onFile: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := c.text
			if text == "" {
				text = both
			}
			var more []string
			if c.more != "" {
				more = append(more, c.more)
			}
			if c.onFile && (&bench{t: t}).postgres() {
				return // there is no such table
			}
			b := adopted(t, text, c.fields, c.options, more...)
			b.breaking()
			b.inSync()
			b.sql(`INSERT INTO content_note (id, x, y) VALUES ('1', 'x1', 'y1'), ('2', 'x2', 'y2')`)
			third := "3|∅|y2"
			if c.blocked == "" && strings.Contains(c.fields, "DEFAULT") {
				third = "3|d|y2"
			}
			for i, after := range []string{entity("note", f("y text")), strings.Replace(text, "id: x\n    type: text", "id: x\n    type: integer", 1)} {
				b.write(notePath, after)
				before := b.everything()
				if c.blocked != "" {
					request := coordinator.ReloadRequest{Approve: "breaking"}
					if i == 1 && text != both {
						request.Answers = map[string]string{"backfill:note.x": "7"}
					}
					refusal := b.reloadRefused(request, coordinator.CodeBlocked)
					if !strings.Contains(refusal.Message, c.blocked) || b.everything() != before {
						t.Errorf("refused with %q", refusal.Message)
					}
					continue
				}
				applied := b.breaking()
				b.inSync()
				b.sql(`INSERT INTO content_note (id, y) VALUES ('3', 'y2'), ('4', 'y2')`, `UPDATE content_note SET y = 'y2'`, `DELETE FROM content_note WHERE id = '4'`)
				again := b.undo(applied)
				b.inSync()
				b.want(`SELECT id, x, y FROM content_note ORDER BY id`, "1|x1|y2", "2|x2|y2", third)
				b.undo(b.undo(again))
				b.inSync()
				b.want(`SELECT id, x, y FROM content_note ORDER BY id`, "1|x1|y2", "2|x2|y2", third)
				b.sql(`DELETE FROM content_note WHERE id = '3'`)
			}
		})
	}
}

// TestLimitedTextsOfATableThatWasThere takes over columns of texts with a limit, which a document's have none of: on
// PostgreSQL they are copied, on SQLite such a limit says nothing. Every value stays, and longer ones fit.
func TestLimitedTextsOfATableThatWasThere(t *testing.T) {
	t.Parallel()
	b := adopted(t, entity("note", f("x text", "unique: true"), f("y text", "required: true"), f("z slug", "unique: false")),
		`x VARCHAR(5), y VARCHAR(200) NOT NULL DEFAULT 'none', z CHAR(4), CONSTRAINT note_key PRIMARY KEY (id)`, "",
		`CREATE UNIQUE INDEX "uq_content_note__x" ON content_note (x)`, `CREATE INDEX theirs ON content_note (y)`,
		`INSERT INTO content_note (id, x, y, z) VALUES ('1', 'abc', 'y', 'zzzz'), ('2', NULL, ' ', 'zz  '), ('3', 'é€ü', '', NULL)`)
	rows, read := []string{"1|abc|y|zzzz", "2|∅| |zz  ", "3|é€ü||∅"}, `SELECT id, x, y, z FROM content_note ORDER BY id`
	taken := b.breaking()
	b.inSync()
	if b.postgres() {
		rows[1] = "2|∅| |zz" // which is what the spaces of a fixed length mean there
	}
	b.want(read, rows...)
	b.sql(`INSERT INTO content_note (id, x, y) VALUES ('4', 'more than five', 'y')`)
	b.undo(b.undo(taken))
	b.inSync()
	b.want(read, append(rows, "4|more than five|y|∅")...)
}
