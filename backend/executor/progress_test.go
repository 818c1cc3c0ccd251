package executor_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/executor"
	"marain/backend/history"
)

// rows is how many rows the tests of progress walk through, part how many at a time.
const (
	rows = 1000
	part = 100
)

// office is what running a batch on a stage takes.
func (s *stage) office() *executor.Executor {
	s.t.Helper()
	vault, err := history.NewVault(filepath.Join(s.t.TempDir(), "key"), "")
	if err != nil {
		s.t.Fatal(err)
	}
	store := history.New(vault)
	if err := s.db.Write(background, func(q database.Querier) error { return store.Prepare(background, q) }); err != nil {
		s.t.Fatal(err)
	}
	return &executor.Executor{Database: s.db, Store: store, RangeRows: part}
}

// batch is a batch of one file as it was planned.
func (s *stage) batch(draft action.Draft, text string) executor.Work {
	return executor.Work{
		ActionID: history.NewID(), Kind: history.KindApply, Actor: "ann via code", Began: time.Now(),
		Tables: []string{}, LiveSeal: action.Fingerprint(nil, nil), Lives: map[string]action.Life{"note": s.life},
		Files: []executor.File{{Draft: draft, Version: 2, Document: s.load(text)}},
	}
}

// crowd makes a content type with many rows and plans another type for one of its fields.
func (s *stage) crowd() (draft action.Draft, text string) {
	s.begin("id: note\nname: N\nfields:\n  - {id: n, type: integer}\n")
	s.exec(`INSERT INTO content_note (id, n) WITH RECURSIVE i (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i WHERE i < 1000) SELECT 'r' || i, i FROM i`)
	text = "id: note\nname: N\nfields:\n  - {id: n, type: text}\n"
	return s.plan(text, nil), text
}

func TestABatchTellsHowFarItIs(t *testing.T) {
	onBoth(t, func(t *testing.T, s *stage) {
		draft, text := s.crowd()
		w := s.batch(draft, text)
		var phases []string
		last := executor.Progress{}
		told := 0
		w.Progress = func(p executor.Progress) {
			if len(phases) == 0 || phases[len(phases)-1] != string(p.Phase) {
				phases = append(phases, string(p.Phase))
			}
			if p.ActionID != w.ActionID || p.Done < 0 || p.Done > p.Total {
				t.Errorf("%+v", p)
			}
			if p.Total > 0 {
				if p.Total != rows || p.File != notePath || !strings.Contains(p.Description, "n") || p.Description == last.Description && p.Done < last.Done {
					t.Errorf("%+v after %+v", p, last)
				}
				told++
				last = p
			}
		}
		before := s.dump()
		if _, err := s.office().Run(background, w); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(phases, " "); got != "waiting checking running verifying recording committing" {
			t.Error(got)
		}
		if told < rows/part || last.Done != rows {
			t.Errorf("told %d times, last %+v", told, last)
		}
		if s.dump() == before {
			t.Error("nothing was changed")
		}
		var wrong int
		err := s.db.Read(background, func(q database.Querier) error {
			return q.QueryRow(background, `SELECT count(*) FROM content_note WHERE n IS NULL OR 'r' || n <> id`).Scan(&wrong)
		})
		if err != nil || wrong != 0 {
			t.Errorf("%d rows were not converted, %v", wrong, err)
		}
	})
}

// A batch that is cancelled at any moment before its commit leaves nothing.
func TestACancelledBatchLeavesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, s *stage) {
		draft, text := s.crowd()
		office := s.office()
		before := s.dump()
		stop := errors.New("enough")
		for _, moment := range []func(executor.Progress) bool{
			func(p executor.Progress) bool { return p.Phase == executor.Waiting },
			func(p executor.Progress) bool { return p.Phase == executor.Checking },
			func(p executor.Progress) bool { return p.Phase == executor.Running && p.Total == 0 },
			func(p executor.Progress) bool { return p.Done > 0 },
			func(p executor.Progress) bool { return p.Done > rows/2 },
			func(p executor.Progress) bool { return p.Phase == executor.Verifying },
			func(p executor.Progress) bool { return p.Phase == executor.Recording },
		} {
			ctx, cancel := context.WithCancelCause(background)
			w := s.batch(draft, text)
			reached := executor.Progress{}
			w.Progress = func(p executor.Progress) {
				reached = p
				if moment(p) {
					cancel(stop)
				}
			}
			if _, err := office.Run(ctx, w); err == nil {
				t.Errorf("cancelled at %+v, and nothing failed", reached)
			}
			if s.dump() != before {
				t.Fatalf("cancelled at %+v, and something is left", reached)
			}
		}
		// The last moment is before the commit.
		w := s.batch(draft, text)
		w.Commit = func() error { return stop }
		if _, err := office.Run(background, w); !errors.Is(err, stop) || s.dump() != before {
			t.Errorf("%v", err)
		}
		w.Commit = func() error { return nil }
		if _, err := office.Run(background, w); err != nil {
			t.Error(err)
		}
	})
}

// What is shown is what is run: an action whose statements are not those of its steps is run as it is shown.
func TestStatementsThatAreShownAreRun(t *testing.T) {
	onBoth(t, func(t *testing.T, s *stage) {
		draft, text := s.crowd()
		for i := range draft.File.Actions {
			for k, statement := range draft.File.Actions[i].Up {
				if strings.HasPrefix(statement, "UPDATE") {
					draft.File.Actions[i].Up[k] = `UPDATE content_note SET n = 'shown'`
				}
			}
		}
		if _, err := s.office().Run(background, s.batch(draft, text)); err != nil {
			t.Fatal(err)
		}
		var n int
		err := s.db.Read(background, func(q database.Querier) error {
			return q.QueryRow(background, `SELECT count(*) FROM content_note WHERE n = 'shown'`).Scan(&n)
		})
		if err != nil || n != rows {
			t.Errorf("%d, %v", n, err)
		}
	})
}
