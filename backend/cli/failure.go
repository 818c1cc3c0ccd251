package cli

import (
	"encoding/json"
	"errors"

	"marain/backend/action"
	"marain/backend/api"
	"marain/backend/coordinator"
	"marain/backend/document"
	"marain/backend/project"
)

// report prints an error for people on standard error and, with JSON, in the shape of the REST door on standard
// output. It returns the exit status.
func report(env Env, asJSON bool, err error) int {
	coded, code := classify(err)
	p := newPrinter(env, env.Stderr)
	p.line(red.is("marain: "), coded.Message)
	if wrong, ok := errors.AsType[*usageError](err); ok && wrong.hint != "" {
		p.line("  ", wrong.hint)
	}
	printDetails(p, coded)
	if p.flush() != nil {
		return ExitError // nobody is listening
	}
	if !asJSON {
		return code
	}
	data, err := api.MarshalError(coded)
	if err == nil {
		err = writeAll(env.Stdout, append(data, '\n'))
	}
	if err != nil {
		p = newPrinter(env, env.Stderr)
		p.line(red.is("marain: "), err.Error())
		_ = p.flush() // both outputs are gone
		return ExitError
	}
	return code
}

// classify gives an error its code and its exit status. The text of an error without a code is shown: whoever runs a
// command may read the project's files and log anyway.
func classify(err error) (*coordinator.Error, int) {
	if wrong, ok := errors.AsType[*usageError](err); ok {
		return coordinator.Errorf(coordinator.CodeInvalid, "%s", wrong.message), ExitUsage
	}
	if coded, ok := errors.AsType[*coordinator.Error](err); ok {
		return coded, exitOf(coded)
	}
	if _, ok := errors.AsType[*project.LockedError](err); ok {
		return coordinator.Errorf(coordinator.CodeLocked, "%s", err), ExitError
	}
	return coordinator.Errorf(coordinator.CodeInternal, "%s", err), ExitError
}

// exitOf returns the exit status for a coded error.
func exitOf(err *coordinator.Error) int {
	switch err.Code {
	case coordinator.CodeBlocked, coordinator.CodeStale:
		return ExitWaiting
	case coordinator.CodeInvalid:
		for _, detail := range err.Details {
			switch detail.(type) {
			case document.Problem, *document.Problem:
				return ExitInvalid
			}
		}
	}
	return ExitError
}

// printDetails prints what comes with an error: problems of files, questions, blocks, plans, names of batches.
func printDetails(p *printer, err *coordinator.Error) {
	var found details
	for _, detail := range err.Details {
		found.add(p, detail)
	}
	printProblems(p, "  ", found.problems)
	if found.plan != nil && err.Code != coordinator.CodeStale {
		printPlan(p, *found.plan) // with its own questions and blocks
		return
	}
	if found.plan != nil {
		printNewPlan(p, *found.plan)
	}
	printBlocks(p, "  ", found.blocks)
	printQuestions(p, found.questions)
}

// details are the details of an error, by what they are.
type details struct {
	problems  []document.Problem
	questions []action.Question
	blocks    []action.Block
	plan      *action.Plan
}

// add sorts one detail in; what is no more than a line is printed at once.
func (d *details) add(p *printer, detail any) {
	switch detail := detail.(type) {
	case document.Problem:
		d.problems = append(d.problems, detail)
	case *document.Problem:
		d.problems = append(d.problems, *detail)
	case action.Question:
		d.questions = append(d.questions, detail)
	case *action.Question:
		d.questions = append(d.questions, *detail)
	case action.Block:
		d.blocks = append(d.blocks, detail)
	case *action.Block:
		d.blocks = append(d.blocks, *detail)
	case action.Plan:
		d.plan = &detail
	case *action.Plan:
		d.plan = detail
	case coordinator.BatchSummary:
		p.line("  ", bold.is("%s", detail.ActionID), "  ", detail.Summary)
	case string:
		p.line("  ", detail)
	default:
		if data, err := json.Marshal(detail); err == nil {
			p.line("  ", string(data))
		}
	}
}

// printNewPlan says which plan there is instead of a stale one.
func printNewPlan(p *printer, plan action.Plan) {
	if len(plan.Files) == 0 {
		p.line("  nothing waits any more")
		return
	}
	p.line("  the plan is now ", bold.is("%s", plan.ID), " (", many(len(plan.Files), "file"), ", ", plan.Category.String(), ")")
	p.line("  marain diff shows it")
	printQuestions(p, plan.Questions)
}
