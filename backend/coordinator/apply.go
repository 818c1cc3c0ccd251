package coordinator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"marain/backend/action"
	"marain/backend/diff"
	"marain/backend/executor"
	"marain/backend/history"
)

// attempts is how often a batch is planned anew when another program was faster.
const attempts = 3

// auto is who applies what the policy allows.
const auto = "auto"

// Reload applies what waits and is at or under the approved category; the rest stays pending. With a plan id it applies
// exactly that plan, or answers stale with the new one.
func (c *Coordinator) Reload(ctx context.Context, request ReloadRequest, actor Actor) (ApplyResult, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	result, err := c.apply(ctx, request, actor)
	if err != nil {
		return ApplyResult{}, coded(err)
	}
	return result, nil
}

func (c *Coordinator) apply(ctx context.Context, request ReloadRequest, actor Actor) (ApplyResult, error) {
	approved := diff.Safe
	if request.Approve != "" {
		var err error
		if approved, err = diff.ParseCategory(request.Approve); err != nil {
			return ApplyResult{}, Errorf(CodeInvalid, "approve: %v", err)
		}
	}
	if err := c.writable(); err != nil {
		return ApplyResult{}, err
	}
	began := time.Now()
	return c.insist(ctx, func(made map[string]action.Rehearsal) (ApplyResult, error) {
		return c.applyOnce(ctx, request, actor, approved, began, made)
	})
}

// insist carries a request out, and again when somebody else was faster: it is planned anew on what is there now. With a
// plan id the new plan must be the same. What is not rehearsed yet is rehearsed first, without the lock, so that nobody
// who approves has to look at the plan before; made are the rehearsals of the request.
func (c *Coordinator) insist(ctx context.Context, once func(made map[string]action.Rehearsal) (ApplyResult, error)) (ApplyResult, error) {
	made := map[string]action.Rehearsal{}
	for late, rehearsed := 1, 0; ; {
		result, err := once(made)
		var first *unproved
		switch {
		case errors.As(err, &first) && rehearsed < attempts:
			rehearsed++
			if err := c.aside(ctx, first.trial, made); err != nil {
				return ApplyResult{}, err
			}
		case !errors.Is(err, executor.ErrStale):
			return result, err
		case first == nil && late < attempts:
			late++
		default:
			return ApplyResult{}, &Error{
				Code: CodeStale, Message: "the database keeps changing; nothing was changed by this: try again in a moment (" + err.Error() + ")", Details: []any{}, Cause: err,
			}
		}
	}
}

func (c *Coordinator) writable() error {
	if c.options.ReadOnly {
		return Errorf(CodeForbidden, "the project was opened to look at only")
	}
	if c.offline && c.reachable() {
		c.trust(nil)
	}
	if c.offline {
		return Errorf(CodeInternal, "%s: try again when it is back", c.suspect)
	}
	if c.suspect != "" {
		return Errorf(CodeInternal, "the database cannot be trusted, so nothing more is written: %s; mend it, then open the project again", c.suspect)
	}
	return nil
}

func (c *Coordinator) applyOnce(ctx context.Context, request ReloadRequest, actor Actor, approved diff.Category, began time.Time, made map[string]action.Rehearsal) (ApplyResult, error) {
	if err := c.refresh(ctx, true); err != nil {
		return ApplyResult{}, err
	}
	if err := c.present(); err != nil {
		return ApplyResult{}, err
	}
	paths, err := c.named(request.Files)
	if err != nil {
		return ApplyResult{}, err
	}
	s, err := c.plan(ctx, wish{inputs: c.inputs(paths), answers: request.Answers, name: applyName}, request.PlanID)
	if err != nil {
		return ApplyResult{}, err
	}
	if same, err := c.meant(ctx, s, request.PlanID); err != nil {
		return ApplyResult{}, err
	} else if !same {
		showHunks(s)
		return ApplyResult{}, &Error{
			Code: CodeStale, Message: "the files or the database changed since this plan was made; the new plan is in the details",
			Details: []any{s.plan},
		}
	}
	if err := checkAnswers(s, request.Answers); err != nil {
		return ApplyResult{}, err
	}
	chosen, err := choose(s, approved, request.PlanID != "")
	if err != nil {
		return ApplyResult{}, err
	}
	if err := c.fits(s, chosen); err != nil {
		return ApplyResult{}, err
	}
	if err := c.proved(s, chosen, applyName, made); err != nil {
		return ApplyResult{}, withPlan(err, s, request.DryRun)
	}
	result := ApplyResult{Applied: []string{}, Pending: []string{}, Failed: c.failures(request.Files)}
	if len(chosen) > 0 {
		work := c.work(s, chosen, actor, began)
		work.Kind, work.Note, work.DryRun, work.Record.Answers = history.KindApply, request.Note, request.DryRun, request.Answers
		if result.ActionID, err = c.run(ctx, s, work); err != nil {
			return ApplyResult{}, err
		}
	}
	if request.DryRun {
		result.ActionID = ""
		showHunks(s)
		s.plan.Unwritten, result.Plan = c.unwritten, &s.plan
	} else {
		for _, i := range chosen {
			result.Applied = append(result.Applied, s.inputs[i].Path)
		}
		slices.Sort(result.Applied)
		c.notePending(ctx)
	}
	result.Pending, result.Unwritten = append(result.Pending, slices.Sorted(maps.Keys(c.waiting))...), c.unwritten
	result.DurationMS = milliseconds(began)
	return result, nil
}

func milliseconds(since time.Time) float64 { return float64(time.Since(since).Microseconds()) / 1000 }

// checkAnswers refuses answers to questions that the plan does not ask: a typo must not look like an answer.
func checkAnswers(s *sealed, answers map[string]string) error {
	for _, key := range slices.Sorted(maps.Keys(answers)) {
		if !slices.ContainsFunc(s.plan.Questions, func(q action.Question) bool { return q.Key == key }) {
			var known []string
			for _, q := range s.plan.Questions {
				known = append(known, q.Key)
			}
			message := fmt.Sprintf("the plan has no question %q", key)
			if len(known) > 0 {
				message += ": it asks " + strings.Join(known, ", ")
			}
			return Errorf(CodeInvalid, "%s", message)
		}
	}
	return nil
}

// choose returns the indexes of the files that an approval covers. A covered file that cannot be applied as it stands
// blocks the whole request: what was approved happens together or not at all. With whole set, every file must be
// covered.
func choose(s *sealed, approved diff.Category, whole bool) ([]int, error) {
	var chosen []int
	var details []any
	for i, d := range s.drafts {
		switch {
		case d.File.Category > approved && !whole:
			continue
		case d.File.Category > approved:
			details = append(details, action.Block{
				File: d.File.Path, Message: fmt.Sprintf("it is %s, and only %s was approved", d.File.Category, approved),
				Hint: fmt.Sprintf("Approve %s after you have looked at it", d.File.Category),
			})
		}
		for _, q := range open(d) {
			details = append(details, q)
		}
		for _, b := range d.File.Blocked {
			details = append(details, b)
		}
		chosen = append(chosen, i)
	}
	if len(details) > 0 {
		return nil, &Error{Code: CodeBlocked, Message: blockedMessage(details), Details: details}
	}
	return withHalves(s, chosen)
}

func blockedMessage(details []any) string {
	switch d := details[0].(type) {
	case action.Question:
		return fmt.Sprintf("a question must be answered first: %s (%s)", d.Text, d.Key)
	case action.Block:
		return fmt.Sprintf("%s cannot be applied: %s", d.File, d.Message)
	}
	return "the plan cannot be applied as it stands"
}

// open returns the questions of a file that have no answer and no default.
func open(d action.Draft) []action.Question {
	var list []action.Question
	for _, q := range d.Questions {
		if q.Default == nil && !q.Answered {
			list = append(list, q)
		}
	}
	return list
}

// withHalves makes sure that a content type that moves to another file moves whole.
func withHalves(s *sealed, chosen []int) ([]int, error) {
	for _, i := range chosen {
		in := s.inputs[i]
		for _, other := range []string{in.MovedFrom, in.MovedTo} {
			if other == "" || slices.ContainsFunc(chosen, func(k int) bool { return s.inputs[k].Path == other }) {
				continue
			}
			return nil, &Error{Code: CodeBlocked, Message: fmt.Sprintf("%s and %s hold the same content type and can only be applied together", in.Path, other), Details: []any{}}
		}
	}
	return chosen, nil
}

// failures lists the invalid files that a request is about.
func (c *Coordinator) failures(named []string) []Failure {
	list := []Failure{}
	for _, p := range c.invalid(named) {
		if n := len(list); n > 0 && list[n-1].File == p.File {
			continue
		}
		list = append(list, Failure{File: p.File, Code: CodeInvalid, Message: fmt.Sprintf("line %d: %s", p.Line, p.Message)})
	}
	return list
}

// fits proves that the applied files go together after a part of a plan was applied: what an approval leaves out may be
// what the rest needs.
func (c *Coordinator) fits(s *sealed, chosen []int) error {
	if len(chosen) == len(s.inputs) {
		return nil // the plan as a whole was looked at when it was made
	}
	var details []any
	for _, p := range c.wrongAfter(picked(s, chosen)) {
		details = append(details, action.Block{
			File: p.File, Message: fmt.Sprintf("line %d: %s", p.Line, p.Message), Hint: "Approve the files that belong together in one apply, or leave them all out",
		})
	}
	if len(details) > 0 {
		return &Error{Code: CodeBlocked, Message: "without the files that are left out, " + blockedMessage(details), Details: details}
	}
	return nil
}

func picked(s *sealed, chosen []int) []action.Input {
	inputs := make([]action.Input, 0, len(chosen))
	for _, i := range chosen {
		inputs = append(inputs, s.inputs[i])
	}
	return inputs
}
