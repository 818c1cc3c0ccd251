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
	printDetails(p, coded.Details)
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
func printDetails(p *printer, details []any) {
	var problems []document.Problem
	var questions []action.Question
	var blocks []action.Block
	for _, detail := range details {
		switch detail := detail.(type) {
		case document.Problem:
			problems = append(problems, detail)
		case *document.Problem:
			problems = append(problems, *detail)
		case action.Question:
			questions = append(questions, detail)
		case *action.Question:
			questions = append(questions, *detail)
		case action.Block:
			blocks = append(blocks, detail)
		case *action.Block:
			blocks = append(blocks, *detail)
		case action.Plan:
			printNewPlan(p, detail)
		case *action.Plan:
			printNewPlan(p, *detail)
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
	printProblems(p, "  ", problems)
	printBlocks(p, "  ", blocks)
	printQuestions(p, "  ", questions)
}

// printNewPlan says which plan there is instead of a stale one.
func printNewPlan(p *printer, plan action.Plan) {
	if len(plan.Files) == 0 {
		p.line("  nothing waits any more")
		return
	}
	p.line("  the plan is now ", bold.is("%s", plan.ID), " (", many(len(plan.Files), "file"), ", ", plan.Category.String(), ")")
	p.line("  marain diff shows it")
	printQuestions(p, "  ", plan.Questions)
}
