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

// TestADefaultThatNoIndexHolds gives an indexed field a default that is too long for its index, in every way.
func TestADefaultThatNoIndexHolds(t *testing.T) {
	t.Parallel()
	long := ""
	for i := range 1000 {
		long += string(rune('a'+i*7%26)) + string(rune('a'+i*i%23)) + string(rune('a'+i*i*i%25))
	}
	k := f("k text")
	for _, c := range []struct{ name, before, after string }{
		{"a new field", entity("note", k), entity("note", k, f("x text", "indexed: true", "default: "+long))},
		{"a new content type", "", entity("note", k, f("x text", "indexed: true", "default: "+long))},
		{"a new default", entity("note", k, f("x text", "indexed: true")), entity("note", k, f("x text", "indexed: true", "default: "+long))},
		{"a new index", entity("note", k, f("x text", "default: "+long)), entity("note", k, f("x text", "indexed: true", "default: "+long))},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "none", nil)
			if c.before != "" {
				b.save(notePath, c.before)
				b.sql(`INSERT INTO content_note (id) VALUES ('1')`)
			}
			b.write(notePath, c.after)
			if !b.postgres() {
				b.breaking()
				b.inSync()
				return
			}
			before := b.everything()
			refusal := b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking"}, coordinator.CodeBlocked)
			if !strings.Contains(refusal.Message, "The default of x is longer than 2,600 bytes") || b.everything() != before {
				t.Errorf("refused with %q", refusal.Message)
			}
		})
	}
}

// TestARepairOfAnIndexThatTextsAreTooLongFor drops an index, writes what it would have refused, and repairs.
func TestARepairOfAnIndexThatTextsAreTooLongFor(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("x text", "indexed: true"), f("y text", "cardinality: -1", "indexed: true")))
	long := ""
	for i := range 1000 {
		long += string(rune('!'+i*7%90)) + string(rune('!'+i*i%91)) + string(rune('!'+i*i*i%89))
	}
	b.sql(`DROP INDEX "idx_content_note__x"`, `DROP INDEX "idx_field_note_y__value"`)
	for _, statement := range []string{`INSERT INTO content_note (id, x) VALUES ('1', ?)`, `INSERT INTO field_note_y (id, parent_id, value) VALUES ('2', '1', ?)`} {
		if _, err := b.conn().Exec(b.numbered(statement), long); err != nil {
			t.Fatal(err)
		}
	}
	if !b.postgres() {
		b.repair()
		b.inSync()
		return
	}
	refusal := b.repairRefused(coordinator.RepairRequest{}, coordinator.CodeBlocked)
	if !strings.Contains(refusal.Message, "longer than 2,600 bytes") {
		t.Errorf("refused with %q", refusal.Message)
	}
	b.sql(`UPDATE content_note SET x = NULL`, `UPDATE field_note_y SET value = 'short'`)
	b.repair()
	b.inSync()
}
