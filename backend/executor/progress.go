package executor

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"marain/backend/action"
	"marain/backend/database"
)

// Phase says what a batch is doing.
type Phase string

// The phases of a batch, in order.
const (
	Waiting    Phase = "waiting"    // for the database's lock
	Checking   Phase = "checking"   // that the plan is still true
	Saving     Phase = "saving"     // a backup, before anything changes
	Running    Phase = "running"    // its statements
	Verifying  Phase = "verifying"  // that the tables are what the documents say
	Recording  Phase = "recording"  // the history
	Committing Phase = "committing" // from here on it cannot be cancelled
)

// Progress says how far a batch is.
type Progress struct {
	ActionID    string `json:"action_id"`
	File        string `json:"file_path"`   // empty outside of the running phase
	Description string `json:"description"` // of the action that runs
	Done        int64  `json:"done"`        // rows
	Total       int64  `json:"total"`       // rows; 0 when they are not counted
	Phase       Phase  `json:"phase"`
}

// DefaultRangeRows is how many rows one part of a long statement changes: so many that its parts take about as long as
// the whole, and so few that one hears of them.
const DefaultRangeRows = 100_000

// report tells whoever wants to know how far the batch is.
func (r *run) report(p Progress) {
	if r.work.Progress != nil {
		p.ActionID = r.work.ActionID
		r.work.Progress(p)
	}
}

// enter begins a phase.
func (r *run) enter(phase Phase) { r.report(Progress{Phase: phase}) }

// act runs the statements of one action.
func (r *run) act(ctx context.Context, q database.Querier, path string, a action.Action) error {
	steps, err := r.walks(a)
	if err != nil {
		return err
	}
	for i, statement := range a.Up {
		now := Progress{Phase: Running, File: path, Description: a.Description}
		r.report(now)
		var err error
		if steps[i] == nil {
			_, err = q.Exec(ctx, statement)
		} else {
			err = r.walk(ctx, q, statement, steps[i], now)
		}
		if err != nil {
			return &StatementError{Path: path, Statement: statement, Err: err}
		}
	}
	return nil
}

// walks returns for each statement of an action the step behind it when that one walks through rows. What an action
// shows is what is run: where its statements are not those of its steps, none of them is.
func (r *run) walks(a action.Action) ([]action.Step, error) {
	none := make([]action.Step, len(a.Up))
	if !slices.ContainsFunc(a.Steps, func(s action.Step) bool { return action.Walked(s) != "" }) {
		return none, nil
	}
	var steps []action.Step
	var all []string
	for _, s := range a.Steps {
		statements, err := r.executor.Database.Dialect().Statements(s)
		if err != nil {
			return nil, fmt.Errorf("write the statements of %q: %w", a.Description, err)
		}
		for range statements {
			if action.Walked(s) == "" {
				steps = append(steps, nil)
			} else {
				steps = append(steps, s)
			}
		}
		all = append(all, statements...)
	}
	if !slices.Equal(all, a.Up) {
		return none, nil
	}
	return steps, nil
}

// walk runs a statement that changes rows one by one: in ranges when there are many, so that it can say how far it is.
func (r *run) walk(ctx context.Context, q database.Querier, statement string, s action.Step, now Progress) error {
	size := cmp.Or(r.executor.RangeRows, DefaultRangeRows)
	if _, separable, err := action.Within(r.executor.Database.Dialect(), s, ""); err != nil {
		return err
	} else if !separable {
		size = math.MaxInt64 - 1
	}
	parts, err := r.executor.Database.Ranges(ctx, q, action.Walked(s), size)
	if err != nil {
		return err
	}
	statements, err := r.parts(s, statement, parts)
	if err != nil {
		return err
	}
	for _, part := range parts {
		now.Total += part.Rows
	}
	r.report(now)
	for i, text := range statements {
		if _, err := q.Exec(ctx, text); err != nil {
			return err
		}
		if len(statements) == 1 {
			now.Done = now.Total
		} else {
			now.Done += parts[i].Rows
		}
		r.report(now)
	}
	return nil
}

// parts returns the statements that a step is run by: one for each range, or the whole.
func (r *run) parts(s action.Step, statement string, ranges []database.Range) ([]string, error) {
	if len(ranges) < 2 {
		return []string{statement}, nil
	}
	statements := make([]string, 0, len(ranges))
	for _, part := range ranges {
		text, ok, err := action.Within(r.executor.Database.Dialect(), s, part.Condition)
		if err != nil {
			return nil, err
		}
		if !ok {
			return []string{statement}, nil
		}
		statements = append(statements, text)
	}
	return statements, nil
}
