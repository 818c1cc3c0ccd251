package cli

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"slices"

	"marain/backend/action"
	"marain/backend/coordinator"
	"marain/backend/diff"
)

func applyCommand() command {
	return command{
		name:    "apply",
		args:    "[FILE...] [--approve safe|warning|breaking] [--plan ID] [--answer KEY=VALUE] [--note TEXT] [--dry-run]",
		summary: "apply what waits, up to a category",
		text: `Applies what waits, or the named files of it, in one transaction. Only what is at or under the
approved category is applied (default: safe); the rest stays pending. A held file is applied when
it is named. With --plan exactly that plan is applied, or nothing when it is not the plan any more.

What nobody looked at yet is rehearsed first: forward, back and forward again on a copy. A way back
that would lose something blocks the apply. Ctrl+C cancels it before it is committed; nothing of it
is left then, and the history says who cancelled it. Pressed again it ends the program.

Exit status: 0 applied or nothing to do, 1 something failed or was cancelled and nothing of it was
changed, 4 a file is invalid, 3 something of it is left pending, blocked by a question or by its
rehearsal, or the plan is stale. With --dry-run it is the status that the same command without it would end with.`,
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
	result, err := ask(ctx, inv, func(e Engine) (coordinator.ApplyResult, error) {
		defer inv.follow(e)()
		return e.Reload(ctx, req, inv.actor())
	})
	if err != nil {
		return 0, err
	}
	what := applyOutcome(result, o, files)
	return what.exit(), inv.show(result, func(p *printer) { what.print(p, "Applied") })
}

// outcome is what an apply or a rollback did, or with a dry run what it would do.
type outcome struct {
	result coordinator.ApplyResult
	dryRun bool
	done   []string // applied
	left   []string // of what was asked for, still pending
	others []string // pending, and not asked for
}

// applyOutcome sorts an apply's answer. The answer lists everything that waits; of that, only what was asked for counts
// as left. A dry run has applied nothing, its plan says what would be.
func applyOutcome(result coordinator.ApplyResult, o options, named []string) outcome {
	what := outcome{result: result, dryRun: o.dryRun, done: result.Applied}
	if o.dryRun && result.Plan != nil {
		approved, err := diff.ParseCategory(o.approve)
		for _, file := range result.Plan.Files {
			if err == nil && file.Category <= approved {
				what.done = append(what.done, file.Path)
			} else {
				what.left = append(what.left, file.Path)
			}
		}
		return what
	}
	for _, file := range result.Pending {
		if len(named) == 0 || slices.Contains(named, file) {
			what.left = append(what.left, file)
		} else {
			what.others = append(what.others, file)
		}
	}
	return what
}

// exit returns the exit status; with a dry run the one that the same command without it would end with.
func (w outcome) exit() int {
	code := ExitDone
	if len(w.left)+len(w.result.Unwritten) > 0 {
		code = ExitWaiting
	}
	for _, failure := range w.result.Failed {
		if failure.Code != coordinator.CodeInvalid {
			return ExitError
		}
		code = ExitInvalid
	}
	return code
}

// failed returns the files that failed, without those that are only not written back yet: they are told by themselves.
func (w outcome) failed() []coordinator.Failure {
	return slices.DeleteFunc(slices.Clone(w.result.Failed), func(f coordinator.Failure) bool {
		return slices.ContainsFunc(w.result.Unwritten, func(u action.Unwritten) bool { return u.File == f.File })
	})
}

// print says what was done, with a word for it.
func (w outcome) print(p *printer, done string) {
	if w.dryRun {
		p.line(bold.is("Dry run"), ": nothing was changed")
		if w.result.Plan != nil {
			printPlan(p, *w.result.Plan)
		}
		p.blank()
	}
	switch {
	case len(w.done) > 0 && w.dryRun:
		p.line(green.is("Would be %s", lower(done)), ": ", many(len(w.done), "file"))
	case len(w.done) > 0:
		p.line(green.is("%s", done), " ", many(len(w.done), "file"), " in ", milliseconds(w.result.DurationMS))
	case len(w.left)+len(w.result.Failed)+len(w.result.Unwritten) == 0 && !w.dryRun:
		p.line(green.is("Nothing to do"))
	}
	printFiles(p, w.done)
	if failed := w.failed(); len(failed) > 0 {
		p.line(red.is("Failed"), ": ", many(len(failed), "file"))
		for _, failure := range failed {
			p.line("  ", bold.is("%s", failure.File), ": ", failure.Message, dim.is(" [%s]", failure.Code))
		}
	}
	if !w.dryRun { // there its plan has said it
		printUnwritten(p, w.result.Unwritten)
	}
	w.printLeft(p)
	if len(w.done) > 0 && !w.dryRun && w.result.ActionID != "" {
		p.line("Undo with: ", p.command("rollback --action %s", w.result.ActionID))
	}
}

// printLeft says what still waits.
func (w outcome) printLeft(p *printer) {
	if len(w.left) > 0 {
		word := "Left pending"
		if w.dryRun {
			word = "Would be left pending"
		}
		p.line(yellow.is("%s", word), ": ", many(len(w.left), "file"))
		printFiles(p, w.left)
		p.line(dim.is("  marain diff shows why; --approve warning or --approve breaking applies more"))
	}
	if len(w.others) > 0 {
		p.line(dim.is("%s waiting: marain status lists them", many(len(w.others), "other file")))
	}
}

// printFiles lists files.
func printFiles(p *printer, files []string) {
	for _, file := range files {
		p.line("  ", file)
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
