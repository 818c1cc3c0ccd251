package coordinator_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"marain/backend/coordinator"
)

// adopt writes into the files what is live.
func (b *bench) adopt(request coordinator.AdoptRequest) coordinator.ApplyResult {
	b.t.Helper()
	r, err := b.c.Adopt(context.Background(), request, person)
	if err != nil {
		b.t.Fatalf("adopt: %v", err)
	}
	return r
}

func TestAdopt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		changes []string
		request coordinator.AdoptRequest
		old     string // what of the text becomes
		new     string // what
		rows    []string
	}{
		{
			name: "a rule that is gone", changes: []string{`ALTER TABLE content_note ALTER COLUMN title DROP NOT NULL`, `UPDATE content_note SET title = NULL WHERE id = '2'`},
			old: "required: true # always", new: "required: false # always", rows: []string{"1|t1", "2|∅"},
		},
		{
			name: "a rule that came", changes: []string{`UPDATE content_note SET body = 'b2' WHERE id = '2'`, `ALTER TABLE content_note ALTER COLUMN body SET NOT NULL`},
			old: "  - id: body\n    type: text\n", new: "  - id: body\n    type: text\n    required: true\n", rows: []string{"1|t1", "2|t2"},
		},
		{
			name: "indexes that are gone", changes: []string{`DROP INDEX "uq_content_note__code"`, `DROP INDEX "idx_content_note__rank"`},
			old: "    type: slug\n  - id: rank\n    type: integer\n    indexed: true\n",
			new: "    type: slug\n    unique: false\n  - id: rank\n    type: integer\n    indexed: false\n", rows: []string{"1|t1", "2|t2"},
		},
		{
			name: "a column that nobody described", changes: []string{`ALTER TABLE content_note ADD COLUMN extra {integer} NOT NULL DEFAULT 4`},
			request: coordinator.AdoptRequest{Keys: []string{"content_note.extra"}},
			old:     "cardinality: -1\n", new: "cardinality: -1\n  - id: extra\n    type: integer\n    required: true\n", rows: []string{"1|t1", "2|t2"},
		},
		{
			name: "one thing of two", changes: []string{`DROP INDEX "idx_content_note__rank"`, `CREATE INDEX "idx_content_note__body" ON content_note (body)`},
			request: coordinator.AdoptRequest{Files: []string{notePath}},
			old:     "indexed: true\n", new: "indexed: false\n", rows: []string{"1|t1", "2|t2"},
		},
		{
			name: "what a file cannot say is repaired", changes: []string{`DROP INDEX "idx_content_note__rank"`, `DROP INDEX "idx_field_note_tags__parent_id"`},
			old: "indexed: true\n", new: "indexed: false\n", rows: []string{"1|t1", "2|t2"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := drifting(t)
			b.save(notePath, strings.Replace(b.read(notePath), "required: true", "required: true # always", 1))
			text := b.read(notePath)
			for i := range c.changes {
				c.changes[i] = strings.Replace(c.changes[i], "{integer}", b.either("INTEGER", "BIGINT"), 1)
			}
			b.sql(c.changes...)
			want := strings.Replace(text, c.old, c.new, 1)
			d := b.drift()
			i := slices.IndexFunc(d.Adopt, func(a coordinator.Adoption) bool { return a.File == notePath })
			if i < 0 || len(d.Adopt[i].Edits) == 0 {
				t.Fatalf("nothing to adopt: %+v", d.Adopt)
			}
			if len(c.request.Keys) == 0 && d.Adopt[i].Text != want {
				t.Errorf("the proposed text is\n%s\nwant\n%s", d.Adopt[i].Text, want)
			}
			before := b.everything()
			dry := c.request
			dry.DryRun = true
			if r := b.adopt(dry); b.everything() != before || b.read(notePath) != text || len(r.Plan.Files) != 1 || len(r.Plan.Files[0].Hunks) == 0 {
				t.Errorf("a dry run changed something, or shows nothing: %+v", r.Plan)
			}
			r := b.adopt(c.request)
			if b.read(notePath) != want {
				t.Errorf("the file is\n%s\nwant\n%s", b.read(notePath), want)
			}
			b.inSync()
			b.want(`SELECT id, title FROM content_note ORDER BY id`, c.rows...)
			if more := b.drift(); !more.InSync {
				t.Errorf("there is drift left: %+v", more.Differences)
			}
			b.open(false)
			b.inSync()
			// It is an ordinary version: going back and forth works.
			if len(c.rows) > 0 && !strings.Contains(c.rows[1], "∅") {
				back := b.undo(r)
				b.inSync()
				if c.name == "a column that nobody described" { // it was there before, and stays
					b.want(`SELECT extra FROM content_note ORDER BY id`, "4", "4")
				}
				if b.read(notePath) != text {
					t.Error("the way back gave another text")
				}
				b.undo(back)
				b.inSync()
				b.want(`SELECT id, title FROM content_note ORDER BY id`, c.rows...)
			}
		})
	}
}

func TestWhatCannotBeAdopted(t *testing.T) {
	t.Parallel()
	b := drifting(t)
	b.sql(`DROP INDEX "idx_content_note__rank"`)
	refuse := func(request coordinator.AdoptRequest, code coordinator.Code) {
		t.Helper()
		_, err := b.c.Adopt(context.Background(), request, person)
		b.refused(err, code)
	}
	refuse(coordinator.AdoptRequest{Keys: []string{"content_note.nothing"}}, coordinator.CodeNotFound)
	refuse(coordinator.AdoptRequest{Files: []string{"schemas/none.schema.yaml"}}, coordinator.CodeNotFound)
	refuse(coordinator.AdoptRequest{PlanID: "other"}, coordinator.CodeStale)
	text := b.read(notePath)
	b.write(notePath, text+"  - id: waiting\n    type: text\n")
	refuse(coordinator.AdoptRequest{}, coordinator.CodeConflict)
	if b.read(notePath) != text+"  - id: waiting\n    type: text\n" {
		t.Error("an edit that waits was replaced")
	}
	b.write(notePath, text)
	b.adopt(coordinator.AdoptRequest{})
	b.inSync()
	if r := b.adopt(coordinator.AdoptRequest{}); r.ActionID != "" || len(r.Applied) != 0 {
		t.Errorf("adopted again: %+v", r)
	}
}
