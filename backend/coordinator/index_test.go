package coordinator_test

import (
	"context"
	"strings"
	"testing"

	"marain/backend/coordinator"
	"marain/backend/diff"
)

// TestTextsThatNoIndexHolds gives texts an index that one of them is too long for, in every way that an index comes.
func TestTextsThatNoIndexHolds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, before, between, after string }{
		{"indexed", entity("note", f("x long_text")), "", entity("note", f("x long_text", "indexed: true"))},
		{"unique", entity("note", f("x text")), "", entity("note", f("x text", "unique: true"))},
		{"another name too", entity("note", f("x text")), "", entity("note", f("y text", "indexed: true", "renamed_from: x"))},
		{"several", entity("note", f("x rich_text")), "", entity("note", f("x rich_text", "cardinality: -1", "indexed: true"))},
		{"it comes back", entity("note", f("x text"), f("k text")), entity("note", f("k text")), entity("note", f("x text", "indexed: true"), f("k text"))},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := noted(t, c.before)
			long := ""
			for i := range 1000 { // which nothing can compress
				long += string(rune('!'+i*7%90)) + string(rune('!'+i*i%91)) + string(rune('!'+i*i*i%89))
			}
			db := b.conn()
			if _, err := db.Exec(b.numbered(`INSERT INTO content_note (id, x) VALUES ('1', 'short'), ('2', ?)`), long); err != nil {
				t.Fatal(err)
			}
			var answers []string
			if c.between != "" {
				b.save(notePath, c.between)
				answers = []string{"restore:note.x", "restore"}
			}
			b.write(notePath, c.after)
			if b.postgres() {
				before := b.everything()
				refusal := b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking", Answers: pairs(answers)}, coordinator.CodeBlocked)
				if !strings.Contains(refusal.Message, "longer than 2,600 bytes") || b.everything() != before {
					t.Errorf("refused with %q", refusal.Message)
				}
				return
			}
			b.breaking(answers...)
			b.inSync()
		})
	}
}

// TestAnIndexOnLongTexts says that the index will refuse what is longer; short texts are safe.
func TestAnIndexOnLongTexts(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x long_text"), f("y text")))
	b.sql(`INSERT INTO content_note (id, x, y) VALUES ('1', 'short', 'short')`)
	b.write(notePath, entity("note", f("x long_text"), f("y text", "indexed: true")))
	if p := b.plan(); p.Category != diff.Safe {
		t.Errorf("an index on short texts is graded %s", p.Category)
	}
	b.write(notePath, entity("note", f("x long_text", "indexed: true"), f("y text")))
	p, err := b.c.Diff(context.Background(), coordinator.DiffRequest{})
	if err != nil {
		t.Fatal(err)
	}
	want := diff.Safe
	if b.postgres() {
		want = diff.Warning
	}
	if p.Category != want {
		t.Errorf("graded %s, not %s: %+v", p.Category, want, p.Files[0].Checks)
	}
	b.breaking()
	b.inSync()
}
