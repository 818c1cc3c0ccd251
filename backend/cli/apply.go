package cli

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"slices"

	"marain/backend/coordinator"
)

func applyCommand() command {
	return command{
		name:    "apply",
		args:    "[FILE...] [--approve safe|warning|breaking] [--plan ID] [--answer KEY=VALUE] [--note TEXT] [--dry-run]",
		summary: "apply what waits, up to a category",
		text: `Applies what waits, or the named files of it, in one transaction. Only what is at or under the
approved category is applied (default: safe); the rest stays pending. A held file is applied when
it is named. With --plan exactly that plan is applied, or nothing when it is not the plan any more.

Exit status: 0 applied or nothing to do, 1 something failed and nothing of it was changed,
4 a file is invalid, 3 something is left pending, blocked by a question, or the plan is stale.`,
		examples: []string{
			"marain apply",
			"marain apply schemas/article.schema.yaml --approve warning --note \"subtitles\"",
			"marain apply --answer rename:article.headline=renamed --approve warning",
		},
		names: -1,
		flags: func(set *flag.FlagSet, o *options) {
			o.approve = "safe"
			set.Var(category{&o.approve}, "approve", "apply up to this `CATEGORY`: safe (default), warning or breaking")
			o.decision(set)
		},
		run: runApply,
	}
}

func runApply(ctx context.Context, inv *invocation) (int, error) {
	if err := inv.withProject(); err != nil {
		return 0, err
	}
	files, err := inv.files()
	if err != nil {
		return 0, err
	}
	o := inv.options
	req := coordinator.ReloadRequest{
		Files: files, DryRun: o.dryRun, Approve: o.approve, PlanID: o.plan, Answers: o.answers, Note: o.note,
	}
	result, err := ask(ctx, inv, func(e Engine) (coordinator.ApplyResult, error) { return e.Reload(ctx, req, inv.actor()) })
	if err != nil {
		return 0, err
	}
	return exitOfApply(result), inv.show(result, func(p *printer) { printApply(p, result, o, "Applied") })
}

// exitOfApply returns the exit status for what an apply or a rollback did.
func exitOfApply(result coordinator.ApplyResult) int {
	invalid := result.Plan != nil && len(result.Plan.Invalid) > 0
	for _, failure := range result.Failed {
		if failure.Code != coordinator.CodeInvalid {
			return ExitError
		}
		invalid = true
	}
	switch {
	case invalid:
		return ExitInvalid
	case len(result.Pending) > 0:
		return ExitWaiting
	}
	return ExitDone
}

// printApply prints what an apply or a rollback did, or with a dry run what it would do.
func printApply(p *printer, result coordinator.ApplyResult, o options, done string) {
	if o.dryRun {
		p.line(bold.is("Dry run"), ": nothing was changed")
		if result.Plan != nil {
			printPlan(p, *result.Plan)
		}
		p.blank()
		done = "Would be " + lower(done)
	}
	switch {
	case len(result.Applied) > 0 && o.dryRun:
		p.line(green.is("%s", done), ": ", many(len(result.Applied), "file"))
	case len(result.Applied) > 0:
		p.line(green.is("%s", done), " ", many(len(result.Applied), "file"), " in ", milliseconds(result.DurationMS))
	case len(result.Pending) == 0 && len(result.Failed) == 0:
		p.line(green.is("Nothing to do"))
	}
	for _, file := range result.Applied {
		p.line("  ", file)
	}
	if len(result.Failed) > 0 {
		p.line(red.is("Failed"), ": ", many(len(result.Failed), "file"))
		for _, failure := range result.Failed {
			p.line("  ", bold.is("%s", failure.File), ": ", failure.Message, dim.is(" [%s]", failure.Code))
		}
	}
	if len(result.Pending) > 0 {
		p.line(yellow.is("Left pending"), ": ", many(len(result.Pending), "file"))
		for _, file := range result.Pending {
			p.line("  ", file)
		}
		p.line(dim.is("  marain diff shows why; --approve warning or --approve breaking applies more"))
	}
	if len(result.Applied) > 0 && !o.dryRun && result.ActionID != "" {
		p.line("Undo with: ", cyan.is("marain rollback --action %s", result.ActionID))
	}
}

// milliseconds is a duration for people.
func milliseconds(ms float64) string {
	switch {
	case ms < 10:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 1000:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.1f s", ms/1000)
}

// sortedKeys returns the keys of a map, the id first.
func sortedKeys[T any](m map[string]T) []string {
	keys := slices.Sorted(maps.Keys(m))
	if i := slices.Index(keys, "id"); i > 0 {
		keys = slices.Insert(slices.Delete(keys, i, i+1), 0, "id")
	}
	return keys
}

// lower returns a word with a small first letter.
func lower(word string) string { return string(word[0]|0x20) + word[1:] }
