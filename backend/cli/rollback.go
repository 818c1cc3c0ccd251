package cli

import (
	"context"
	"flag"

	"marain/backend/coordinator"
)

func rollbackCommand() command {
	return command{
		name: "rollback",
		args: "(--action ID | --file PATH --version N | --to ID) [--plan ID] [--answer KEY=VALUE] [--note TEXT] [--dry-run]",

		summary: "take a batch back, or go back to a version or a point",
		text: `Goes back, as a new step that can be taken back itself; nothing is lost:
  --action ID               undoes that batch
  --file PATH --version N   puts one file back to a version
  --to ID                   puts the whole project back to the state right after that batch
The old text is written back to the files; edits that were not applied are kept as drafts
(marain drafts). Going back to the present state does nothing. It is rehearsed on a copy first, and
Ctrl+C cancels it before it is committed, as in apply.

Exit status: 0 done or nothing to do, 1 an error, such as later batches that stand in the way or a file
that could not be written back yet, 3 blocked by a question or by its rehearsal, or the plan is stale.`,
		examples: []string{
			"marain rollback --action 01JD3K6Z0P4N8V5X2T7QWERTYA",
			"marain rollback --file schemas/article.schema.yaml --version 3 --dry-run",
			"marain rollback --to 01JD3K6Z0P4N8V5X2T7QWERTYA --note \"before the launch\"",
		},
		flags: func(set *flag.FlagSet, o *options) {
			set.StringVar(&o.action, "action", "", "undo the batch with this `ID`")
			set.StringVar(&o.file, "file", "", "put the file `PATH` back, to --version")
			set.IntVar(&o.version, "version", 0, "the version `N` of --file")
			set.StringVar(&o.to, "to", "", "the whole project back to right after the batch with this `ID`")
			o.decision(set)
		},
		run: runRollback,
	}
}

func runRollback(ctx context.Context, inv *invocation) (int, error) {
	o := inv.options
	if err := oneTarget(o); err != nil {
		return 0, err
	}
	req := coordinator.RollbackRequest{
		ActionID: o.action, Version: o.version, To: o.to, DryRun: o.dryRun, PlanID: o.plan, Answers: o.answers, Note: o.note,
	}
	if o.file != "" {
		var err error
		if req.File, err = inv.namedFile(o.file); err != nil {
			return 0, err
		}
	}
	result, err := ask(ctx, inv, func(e Engine) (coordinator.ApplyResult, error) {
		defer inv.follow(e)()
		return e.Rollback(ctx, req, inv.actor())
	})
	if err != nil {
		return 0, err
	}
	what := rollbackOutcome(result, o)
	return what.exit(), inv.show(result, func(p *printer) { what.print(p, "Rolled back") })
}

// rollbackOutcome sorts a rollback's answer. It goes back whole or not at all, so what waits has nothing to do with it.
func rollbackOutcome(result coordinator.ApplyResult, o options) outcome {
	what := outcome{result: result, dryRun: o.dryRun, done: result.Applied, others: result.Pending}
	if o.dryRun && result.Plan != nil {
		for _, file := range result.Plan.Files {
			what.done = append(what.done, file.Path)
		}
		what.others = nil
	}
	return what
}

// oneTarget checks that there is exactly one way back.
func oneTarget(o options) error {
	const hint = "use one of --action ID, --file PATH --version N, --to ID"
	ways := 0
	for _, set := range []bool{o.action != "", o.file != "" || o.version != 0, o.to != ""} {
		if set {
			ways++
		}
	}
	switch {
	case ways == 0:
		return usagef(hint, "where to roll back to is missing")
	case ways > 1:
		return usagef(hint, "there is more than one way back")
	case o.file != "" && o.version < 1, o.file == "" && o.version != 0:
		return usagef(hint, "--file and --version belong together, and versions count from 1")
	}
	return nil
}
