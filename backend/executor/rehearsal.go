package executor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"marain/backend/action"
	"marain/backend/database"
)

// The bounds of a rehearsal.
const (
	RehearsalLimit  = 5 * time.Second // how long it may take, the copy included
	rehearsalRows   = 20_000          // a table with more rows is rehearsed on a part
	rehearsalBytes  = 32 << 20        // and so are tables that are larger
	rehearsalSample = 2_000           // rows of such a part
	rehearsalIDs    = 100             // rows that a part has because a check found them
)

// Rehearse runs drafts forward, back and forward again on a copy of the tables that they touch, and compares shapes and
// values: after the way back everything must be as it was, but for what is out of use, and the second way forward must
// lead to where the first one did. Tables are the names of what the plan looked at. The error is that of the context:
// whatever else went wrong is the outcome. Safe for concurrent use.
func (e *Executor) Rehearse(ctx context.Context, drafts []action.Draft, tables []string, limit time.Duration) (action.Rehearsal, error) {
	r := &rehearsal{executor: e, drafts: drafts, seed: maphash.MakeSeed(), result: action.Rehearsal{Legs: []action.Leg{}}}
	if !slices.ContainsFunc(drafts, Touches) {
		return r.ended(action.NotNeeded, "No table is touched, so there is nothing to rehearse."), nil
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := r.prepare(limited, tables)
	if err == nil {
		err = e.Database.Scratch(limited, r.copy, func(s database.Scratch) error { return r.run(limited, s) })
	}
	return r.outcome(ctx, limited, limit, err)
}

// rehearsal is one on its way.
type rehearsal struct {
	executor *Executor
	drafts   []action.Draft
	seed     maphash.Seed
	copy     database.Copy
	scratch  database.Scratch
	result   action.Rehearsal
	filled   map[place]string // what rows without a value are given, by where
	kept     int64            // how many values that are
}

// disproof says what a rehearsal found wrong with the plan itself.
type disproof struct {
	message string
	cause   error // the database's; nil for a difference
}

func (e *disproof) Error() string { return e.message }

func (e *disproof) Unwrap() error { return e.cause }

func disprove(format string, args ...any) error {
	return &disproof{message: fmt.Sprintf(format, args...)}
}

func (r *rehearsal) ended(state action.RehearsalState, format string, args ...any) action.Rehearsal {
	r.result.State, r.result.Message = state, fmt.Sprintf(format, args...)
	return r.result
}

// outcome says what came of it.
func (r *rehearsal) outcome(ctx, limited context.Context, limit time.Duration, err error) (action.Rehearsal, error) {
	var wrong *disproof
	switch {
	case err == nil:
		return r.ended(action.Proved, "Rolling back was proved on %s: %s.%s", r.extent(), r.times(), r.keeps()), nil
	case ctx.Err() != nil:
		return action.Rehearsal{}, ctx.Err()
	case limited.Err() != nil:
		return r.ended(action.TimedOut, "The rehearsal took longer than %s and was given up, so rolling back is not proved.", limit), nil
	case errors.As(err, &wrong) && !absent(err):
		return r.ended(action.Failed, "%s", wrong.message), nil
	case errors.Is(err, database.ErrScratchFull):
		return r.ended(action.NotRun, "The rows are too large to rehearse on a copy of them, so rolling back is not proved."), nil
	}
	return r.ended(action.NotRun, "The rehearsal could not be made, so rolling back is not proved: %v.", err), nil
}

// absent reports whether an error says nothing about a plan, because the database did not get to it.
func absent(err error) bool {
	return errors.Is(err, database.ErrUnreachable) || errors.Is(err, database.ErrLocked) || errors.Is(err, database.ErrDamaged)
}

// extent says on how many rows it ran.
func (r *rehearsal) extent() string {
	switch {
	case r.result.Rows == 0:
		return "empty tables"
	case r.result.Sampled:
		more := ""
		if r.scratch.More {
			more = "more than "
		}
		return fmt.Sprintf("a sample of %s of %s%s", number(r.result.Rows), more, action.RowCount(r.scratch.Total))
	case r.result.Rows == 1:
		return "the one row"
	default:
		return "all " + action.RowCount(r.result.Rows)
	}
}

// keeps says what the way back leaves as a person answered it.
func (r *rehearsal) keeps() string {
	switch r.kept {
	case 0:
		return ""
	case 1:
		return " One row keeps the value that it was given."
	}
	return fmt.Sprintf(" %s keep the value that they were given.", action.RowCount(r.kept))
}

func (r *rehearsal) times() string {
	words := map[string]string{action.Forward: "forward", action.Back: "back", action.ForwardAgain: "forward again"}
	parts := make([]string, len(r.result.Legs))
	for i, leg := range r.result.Legs {
		parts[i] = fmt.Sprintf("%s %s", words[leg.Name], spoken(leg.DurationMS))
	}
	return strings.Join(parts, ", ")
}

// spoken is a duration for people.
func spoken(ms float64) string {
	switch {
	case ms < 1:
		return "under 1 ms"
	case ms < 1000:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.1f s", ms/1000)
}

// Touches reports whether a draft has any statement that a rehearsal would run.
func Touches(d action.Draft) bool {
	return slices.ContainsFunc(d.File.Actions, func(a action.Action) bool { return len(a.Up)+len(a.Down) > 0 })
}

// prepare works out what to copy: every table that a statement names, that the plan looked at, or that must be there
// afterwards.
func (r *rehearsal) prepare(ctx context.Context, tables []string) error {
	var all []string
	err := r.executor.Database.Read(ctx, func(q database.Querier) (err error) {
		all, err = r.executor.Database.TableNames(ctx, q)
		return err
	})
	if err != nil {
		return err
	}
	if r.filled, err = filled(r.executor.Database.Dialect(), r.drafts); err != nil {
		return err
	}
	quote := r.executor.Database.Dialect().Quote
	var text strings.Builder
	for _, d := range r.drafts {
		for _, a := range d.File.Actions {
			text.WriteString(strings.Join(a.Up, ";") + ";" + strings.Join(a.Down, ";") + ";")
		}
		tables = append(slices.Clone(tables), action.TableNames(d.Effects.Expect)...)
		for _, c := range d.File.Checks {
			r.offenders(c)
		}
	}
	statements := text.String()
	r.copy = database.Copy{Rows: rehearsalRows, Bytes: rehearsalBytes, Sample: rehearsalSample, IDs: r.copy.IDs}
	for _, name := range all {
		if slices.Contains(tables, name) || strings.Contains(statements, quote(name)) {
			r.copy.Tables = append(r.copy.Tables, name)
		}
	}
	return nil
}

// offenders notes the rows that a check found.
func (r *rehearsal) offenders(c action.Check) {
	for _, sample := range c.Samples {
		if id, ok := sample["id"].(string); ok && len(r.copy.IDs) < rehearsalIDs {
			r.copy.IDs = append(r.copy.IDs, id)
		}
	}
}

// run makes the three legs on the copy.
func (r *rehearsal) run(ctx context.Context, s database.Scratch) error {
	r.scratch, r.result.Rows, r.result.Sampled = s, s.Rows, s.Sampled
	if err := r.given(ctx); err != nil {
		return err
	}
	before, err := r.look(ctx, s.Tables, shape{}, true)
	if err != nil {
		return err
	}
	if err := r.forward(ctx, action.Forward); err != nil {
		return err
	}
	names, err := r.executor.Database.TableNames(ctx, s)
	if err != nil {
		return err
	}
	there, err := r.look(ctx, names, shape{}, false)
	if err != nil {
		return err
	}
	if err := r.inert(before, there, "Applying this"); err != nil {
		return err
	}
	if err := r.back(ctx, before); err != nil {
		return err
	}
	if err := r.forward(ctx, action.ForwardAgain); err != nil {
		return err
	}
	if names, err = r.executor.Database.TableNames(ctx, s); err != nil {
		return err
	}
	again, err := r.look(ctx, names, there, false)
	if err != nil {
		return err
	}
	return r.same(there, again, "Applying this again after a rollback would not lead to the same tables")
}

// forward runs every statement and proves that the tables are then what the documents say.
func (r *rehearsal) forward(ctx context.Context, name string) error {
	err := r.leg(name, func() error {
		for _, d := range r.drafts {
			for _, a := range d.File.Actions {
				if err := r.exec(ctx, d, a.Up); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	var want []action.Table
	for _, d := range r.drafts {
		want = append(want, d.Effects.Expect...)
	}
	live, err := r.executor.Database.Inspect(ctx, r.scratch, action.TableNames(want))
	if err != nil {
		return err
	}
	for _, d := range action.Compare(r.executor.Database.Dialect(), want, live) {
		return disprove("Applying this would not make the tables what the files say: %s: %s.", d.Table, d.Message)
	}
	return nil
}

// back runs every inverse in the opposite order and proves that everything is as it was before.
func (r *rehearsal) back(ctx context.Context, before shape) error {
	err := r.leg(action.Back, func() error {
		for _, d := range slices.Backward(r.drafts) {
			for _, a := range slices.Backward(d.File.Actions) {
				if err := r.exec(ctx, d, a.Down); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	names, err := r.executor.Database.TableNames(ctx, r.scratch)
	if err != nil {
		return err
	}
	now, err := r.look(ctx, names, before, false)
	if err != nil {
		return err
	}
	if err := r.inert(before, now, "Rolling this back"); err != nil {
		return err
	}
	return r.same(before, now, "Rolling this back would not restore everything")
}

func (r *rehearsal) leg(name string, run func() error) error {
	began := time.Now()
	err := run()
	r.result.Legs = append(r.result.Legs, action.Leg{Name: name, DurationMS: float64(time.Since(began).Microseconds()) / 1000})
	return err
}

// exec runs statements on the copy. One that the database refuses there disproves the plan.
func (r *rehearsal) exec(ctx context.Context, d action.Draft, statements []string) error {
	for _, statement := range statements {
		_, err := r.scratch.Exec(ctx, statement)
		if err == nil {
			continue
		}
		if ctx.Err() != nil || errors.Is(err, database.ErrScratchFull) {
			return err
		}
		way := "Applying this"
		if legs := len(r.result.Legs); legs == 1 {
			way = "Rolling this back"
		} else if legs == 2 {
			way = "Applying this again after a rollback"
		}
		return &disproof{message: fmt.Sprintf("%s would fail: %s: the database refuses %q: %v.", way, d.File.Path, shortened(statement), err), cause: err}
	}
	return nil
}

// shortened cuts a long statement: a sentence is for people, the plan shows the whole.
func shortened(statement string) string {
	const most = 160
	if text := []rune(statement); len(text) > most {
		return string(text[:most]) + "…"
	}
	return statement
}

// sortedNames returns the names of tables in order, so that the same difference is told first every time.
func sortedNames(tables map[string]action.LiveTable) []string {
	names := make([]string, 0, len(tables))
	for name := range tables {
		names = append(names, name)
	}
	slices.SortFunc(names, cmp.Compare)
	return names
}
