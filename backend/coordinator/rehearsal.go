package coordinator

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"marain/backend/action"
	"marain/backend/executor"
)

const (
	// proofLasts is how long a rehearsal counts for a plan that does not change: the rows it ran on do.
	proofLasts = 10 * time.Minute
	// proofsKept is how many of them are remembered.
	proofsKept = 32
)

// rehearsals remembers what rehearsals came to, so that a plan that was looked at is not rehearsed again when it is
// approved. It has locks of its own: a rehearsal never holds up anything else.
type rehearsals struct {
	turn  sync.Mutex // one runs at a time
	mu    sync.Mutex
	known map[string]proof        // by what was run on which tables
	end   context.CancelCauseFunc // of the one that runs; nil: none
}

// errMadeWay ends a rehearsal that somebody would wait for.
var errMadeWay = errors.New("the rehearsal made way for an apply")

// makeWay ends the rehearsal that runs: what is applied without asking waits for no look at something else. The
// rehearsal begins anew.
func (r *rehearsals) makeWay() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.end != nil {
		r.end(errMadeWay)
	}
}

func (r *rehearsals) running(end context.CancelCauseFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.end = end
}

type proof struct {
	result action.Rehearsal
	at     time.Time
}

// get returns what is known.
func (r *rehearsals) get(key string) (action.Rehearsal, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, ok := r.known[key]
	return p.result, ok && time.Since(p.at) < proofLasts
}

// put remembers an outcome that another attempt would not change. After a failure somebody may mend the rows, and what
// kept a rehearsal from being made may be over.
func (r *rehearsals) put(key string, result action.Rehearsal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil || len(r.known) >= proofsKept {
		r.known = map[string]proof{}
	}
	if result.State == action.Proved || result.State == action.TimedOut {
		r.known[key] = proof{result: result, at: time.Now()}
	}
}

// trial is a rehearsal that is still to be made. It is made of copies, so that it can run without any lock.
type trial struct {
	key    string
	drafts []action.Draft
	tables []string
}

// unproved is the error of a plan that must be rehearsed before it can be approved.
type unproved struct{ trial *trial }

func (e *unproved) Error() string { return "the plan became another one each time it was rehearsed" }

// Unwrap says that such a plan is not true any more: when it is still not rehearsed after several tries, then because
// it became another one each time.
func (e *unproved) Unwrap() error { return executor.ErrStale }

// forecast returns what is known of a rehearsal of some files of a plan without making it, or the trial to make.
func (c *Coordinator) forecast(s *sealed, chosen []int, name string) (action.Rehearsal, *trial) {
	none := func(state action.RehearsalState, format string, args ...any) (action.Rehearsal, *trial) {
		return action.Rehearsal{State: state, Message: fmt.Sprintf(format, args...), Legs: []action.Leg{}}, nil
	}
	var touching []int
	for _, i := range chosen {
		if draft := s.drafts[i]; len(draft.File.Blocked) > 0 {
			return none(action.NotRun, "Not rehearsed: %s cannot be applied as it stands.", draft.File.Path)
		} else if len(open(draft)) > 0 {
			return none(action.NotRun, "Not rehearsed: a question must be answered first.")
		} else if executor.Touches(draft) {
			touching = append(touching, i)
		}
	}
	switch {
	case len(touching) == 0:
		return none(action.NotNeeded, "No table is touched, so there is nothing to rehearse.")
	case name == repairName:
		return none(action.NotNeeded, "A repair leads to what the files say and is not taken back, so there is nothing to rehearse.")
	case name == previewName:
		return none(action.NotRun, "Not rehearsed: the text is not on disk.")
	case name == applyName && c.byItself(s, touching):
		return none(action.NotNeeded, "This is applied without asking, so it is not rehearsed.")
	}
	t := &trial{tables: s.tables}
	for _, i := range touching {
		t.drafts = append(t.drafts, s.drafts[i])
	}
	t.key = t.hash(s.seal)
	if known, ok := c.rehearsals.get(t.key); ok {
		return known, nil
	}
	result, _ := none(action.NotRun, "Not rehearsed yet.")
	return result, t
}

// byItself reports whether the policy applies all of these files without a person.
func (c *Coordinator) byItself(s *sealed, chosen []int) bool {
	limit, any := c.policyLimit()
	if !any {
		return false
	}
	alone := allowed(s, limit)
	return !slices.ContainsFunc(chosen, func(i int) bool { return !slices.Contains(alone, i) })
}

// hash names what a trial runs, and on which tables.
func (t *trial) hash(seal string) string {
	type part struct {
		Path     string
		Up, Down []string
	}
	var parts []part
	for _, d := range t.drafts {
		for _, a := range d.File.Actions {
			parts = append(parts, part{d.File.Path, a.Up, a.Down})
		}
	}
	// Only texts go in: writing them as JSON cannot fail.
	text, _ := json.Marshal(struct {
		Seal  string
		Parts []part
	}{seal, parts})
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// rehearse makes a trial, unless somebody else just did. It must be called without the coordinator's lock.
func (c *Coordinator) rehearse(ctx context.Context, t *trial) (action.Rehearsal, error) {
	c.rehearsals.turn.Lock()
	defer c.rehearsals.turn.Unlock()
	if known, ok := c.rehearsals.get(t.key); ok {
		return known, nil
	}
	result, err := c.attempt(ctx, t)
	for try := 1; errors.Is(err, errMadeWay) && try < attempts; try++ {
		result, err = c.attempt(ctx, t)
	}
	if err != nil {
		return result, err
	}
	if result.State != action.Proved {
		c.log.Info("rehearsal", "state", string(result.State), "message", result.Message)
	}
	c.rehearsals.put(t.key, result)
	return result, nil
}

// attempt makes a trial once.
func (c *Coordinator) attempt(ctx context.Context, t *trial) (action.Rehearsal, error) {
	limited, end := context.WithCancelCause(ctx)
	defer end(nil)
	c.rehearsals.running(end)
	defer c.rehearsals.running(nil)
	result, err := c.executor.Rehearse(limited, t.drafts, t.tables, executor.RehearsalLimit)
	if err != nil && ctx.Err() == nil {
		err = context.Cause(limited)
	}
	return result, err
}

// proved refuses what a rehearsal disproved, and asks for the rehearsal where there is none yet. Made are those of this
// request, by key.
func (c *Coordinator) proved(s *sealed, chosen []int, name string, made map[string]action.Rehearsal) error {
	result, t := c.forecast(s, chosen, name)
	if t != nil {
		var ok bool
		if result, ok = made[t.key]; !ok {
			return &unproved{trial: t}
		}
	}
	s.plan.Rehearsal = result
	if result.State != action.Failed {
		return nil
	}
	var details []any
	for _, i := range chosen {
		if executor.Touches(s.drafts[i]) {
			details = append(details, action.Block{
				File: s.drafts[i].File.Path, Message: result.Message, Hint: "Nothing was changed; look at the rows that it names, or change the file",
			})
		}
	}
	return &Error{Code: CodeBlocked, Message: "the rehearsal failed: " + result.Message, Details: details}
}

// aside makes a trial while the coordinator's lock, which the caller holds, is let go.
func (c *Coordinator) aside(ctx context.Context, t *trial, made map[string]action.Rehearsal) error {
	c.mu.Unlock()
	defer c.mu.Lock()
	result, err := c.rehearse(ctx, t)
	if err == nil {
		made[t.key] = result
	}
	return err
}

// everyFile returns the indexes of all files of a plan.
func everyFile(s *sealed) []int {
	all := make([]int, len(s.drafts))
	for i := range all {
		all[i] = i
	}
	return all
}
