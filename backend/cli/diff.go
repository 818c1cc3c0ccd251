package cli

import (
	"context"
	"flag"
	"strings"

	"marain/backend/action"
	"marain/backend/coordinator"
	"marain/backend/diff"
)

func diffCommand() command {
	return command{
		name:    "diff",
		args:    "[FILE...] [--answer KEY=VALUE]",
		summary: "show what the files would change, with the exact SQL",
		text: `Shows the plan for everything that waits, or for the named files: each change with its category,
the text before and after, the SQL that would run, what the checks on the real rows found, and
the questions that must be answered first. Nothing is applied.

A held file is planned when it is named. --answer tries an answer out.

Exit status: 0 nothing waits, 3 changes are pending or a file is not written back yet, 4 a file is
invalid.`,
		examples: []string{
			"marain diff",
			"marain diff schemas/article.schema.yaml --answer rename:article.headline=renamed",
		},
		names:    -1,
		readOnly: true,
		flags: func(set *flag.FlagSet, o *options) {
			set.Var(&o.answers, "answer", "plan with this answer to a question: `KEY=VALUE`; may be repeated")
		},
		run: runDiff,
	}
}

func runDiff(ctx context.Context, inv *invocation) (int, error) {
	if err := inv.withProject(); err != nil {
		return 0, err
	}
	files, err := inv.files()
	if err != nil {
		return 0, err
	}
	req := coordinator.DiffRequest{Files: files, Answers: inv.options.answers}
	plan, err := ask(ctx, inv, func(e Engine) (action.Plan, error) { return e.Diff(ctx, req) })
	if err != nil {
		return 0, err
	}
	return exitOfPlan(plan), inv.show(plan, func(p *printer) {
		printPlan(p, plan)
		printNext(p, plan, req)
	})
}

// exitOfPlan returns the exit status for a plan that was only looked at.
func exitOfPlan(plan action.Plan) int {
	switch {
	case len(plan.Invalid) > 0:
		return ExitInvalid
	case len(plan.Files)+len(plan.Unwritten) > 0:
		return ExitWaiting
	}
	return ExitDone
}

// printNext says how to apply a plan, or why it cannot be.
func printNext(p *printer, plan action.Plan, req coordinator.DiffRequest) {
	if len(plan.Files) == 0 {
		return
	}
	p.blank()
	p.line("Plan ", bold.is("%s", plan.ID), "  ", categoryPiece(plan.Category), "  ", many(len(plan.Files), "file"))
	for _, file := range plan.Files {
		if len(file.Blocked) > 0 {
			p.line(yellow.is("It cannot be applied as it stands."))
			return
		}
	}
	again := approval(plan) + answers(req.Answers).flags()
	for _, file := range req.Files {
		again += " " + quoted(file)
	}
	if open := openQuestions(plan); open != "" {
		p.line("Answer the questions, then apply: ", p.command("apply%s%s", again, open))
		return
	}
	p.line("Apply exactly this: ", p.command("apply --plan %s%s", plan.ID, again))
}

// approval is the flag that a plan needs.
func approval(plan action.Plan) string {
	if plan.Category == diff.Safe {
		return ""
	}
	return " --approve " + plan.Category.String()
}

// openQuestions returns the flags that answer the questions which block a plan.
func openQuestions(plan action.Plan) string {
	var flags strings.Builder
	for _, question := range plan.Questions {
		if question.Default == nil && !question.Answered {
			flags.WriteString(" --answer " + quoted(question.Key+"=") + "...")
		}
	}
	return flags.String()
}
