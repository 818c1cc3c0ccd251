package corpus_test

import (
	"fmt"
	"slices"
	"testing"

	"marain/backend/coordinator"
)

// shares is how many projects the cases of a database are spread over: SQLite reads the whole schema again after every
// change of it, PostgreSQL takes its time to make a database.
func shares(kind string) int {
	if kind == postgres {
		return 10
	}
	return 40
}

// TestCorpus judges every case on both databases and prints the figures.
func TestCorpus(t *testing.T) {
	cases := corpus()
	if least := 120; len(cases) < least {
		t.Errorf("%d cases, want %d", len(cases), least)
	}
	results := &table{}
	t.Run("on", func(t *testing.T) {
		for _, kind := range []string{sqlite, postgres} {
			for i := range shares(kind) {
				t.Run(fmt.Sprintf("%s/%d", kind, i+1), func(t *testing.T) {
					t.Parallel()
					share(t, kind, i, cases, results)
				})
			}
		}
	})
	t.Log("\n" + results.print())
	if n := results.misses(); n > 0 {
		t.Errorf("%d changes that alter rows or cannot be applied were graded safe", n)
	}
}

// share judges the cases that fall to one of the projects, after all of their files were applied in one batch.
func share(t *testing.T, kind string, part int, cases []*change, results *table) {
	p := newProject(t, kind)
	var subjects []*subject
	for i, c := range cases {
		if _, possible := c.on(kind); possible && i%shares(kind) == part {
			s := p.subject(c, i+1)
			s.save(s.before, false)
			subjects = append(subjects, s)
		}
	}
	if _, err := p.apply(coordinator.ReloadRequest{Approve: "breaking"}); err != nil {
		t.Fatalf("apply what was before: %v", err)
	}
	for _, s := range subjects {
		t.Run(s.title(), func(t *testing.T) {
			p.t = t
			s.prepare()
			results.add(kind, s.judge())
			s.tidy()
		})
	}
	p.t = t
	p.sound()
}

// prepare writes the rows of a case, and applies what its files were in between.
func (s *subject) prepare() {
	s.t.Helper()
	for _, statement := range s.inserts(s.project.kind) {
		s.exec(own(statement, s.number))
	}
	if s.change.mid == "" {
		return
	}
	s.save(s.start, false)
	if _, err := s.apply(coordinator.ReloadRequest{Files: []string{s.path(0, false)}, Approve: "breaking"}); err != nil {
		s.t.Fatalf("apply what was in between: %v", err)
	}
	for _, statement := range s.midSQL {
		s.exec(own(statement, s.number))
	}
}

// tidy takes values away that belong to no row: verify takes them for the fault that they are.
func (s *subject) tidy() {
	s.t.Helper()
	if s.orphans {
		s.exec(own(`DELETE FROM field_note_x WHERE parent_id NOT IN (SELECT id FROM content_note)`, s.number))
	}
}

// TestCorpusIsWhole checks the cases themselves: every one says why, and its numbers agree with its values.
func TestCorpusIsWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range corpus() {
		if c.why == "" || seen[c.title()] {
			t.Errorf("%s: no reason, or there twice", c.title())
		}
		seen[c.title()] = true
		for _, kind := range []string{sqlite, postgres} {
			if k, possible := c.on(kind); possible && slices.Contains([]fate{alters, hides, breaks, asks, refused}, k.fate) != (k.n > 0) {
				t.Errorf("%s: %s, and the number is %d", c.title(), k.fate, k.n)
			}
		}
	}
}
