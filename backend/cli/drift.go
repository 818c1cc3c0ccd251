package cli

import (
	"context"
	"flag"
	"strconv"

	"marain/backend/action"
	"marain/backend/coordinator"
)

func driftCommand() command {
	return command{
		name:    "drift",
		args:    "[FILE...] [--repair] [--plan ID] [--answer KEY=VALUE] [--note TEXT] [--dry-run]",
		summary: "show where live tables differ from what is applied, and mend it",
		text: `Compares the live tables with what the applied files say, and shows each difference with the exact
SQL that mends it. What other programs keep in the same database is listed, and left alone.

--repair puts the tables right: what is missing is made again, what does not fit is renamed out of use
with its data inside, and nothing is taken away. With FILEs only their tables are repaired. A repair
is a batch of its own in the history; no file gets a new version by it.

Exit status: 0 the tables are right, or were put right; 3 they differ, or the repair is blocked.`,
		examples: []string{
			"marain drift",
			"marain drift --repair --dry-run",
			"marain drift --repair --answer backfill:article.title=Untitled",
		},
		names:    -1,
		readOnly: true,
		flags: func(set *flag.FlagSet, o *options) {
			set.BoolVar(&o.repair, "repair", false, "put the live tables back to what is applied")
			o.decision(set)
		},
		run: runDrift,
	}
}

func runDrift(ctx context.Context, inv *invocation) (int, error) {
	o := inv.options
	if !o.repair && (len(inv.names) > 0 || o.plan != "" || o.note != "" || len(o.answers) > 0 || o.dryRun) {
		return 0, usagef("marain drift --repair puts the tables right", "without --repair nothing is changed, so only the whole can be looked at")
	}
	if err := inv.withProject(); err != nil {
		return 0, err
	}
	if o.repair {
		return runRepair(ctx, inv)
	}
	drift, err := ask(ctx, inv, func(e Engine) (coordinator.Drift, error) { return e.Drift(ctx) })
	if err != nil {
		return 0, err
	}
	code := ExitDone
	if !drift.InSync {
		code = ExitWaiting
	}
	return code, inv.show(drift, func(p *printer) { printDrift(p, drift) })
}

func runRepair(ctx context.Context, inv *invocation) (int, error) {
	o := inv.options
	inv.command.readOnly = false
	files, err := inv.files()
	if err != nil {
		return 0, err
	}
	req := coordinator.RepairRequest{Files: files, DryRun: o.dryRun, PlanID: o.plan, Answers: o.answers, Note: o.note}
	result, err := ask(ctx, inv, func(e Engine) (coordinator.ApplyResult, error) { return e.Repair(ctx, req, inv.actor()) })
	if err != nil {
		return 0, err
	}
	code := ExitDone
	if result.Plan != nil && len(result.Plan.Files) > 0 {
		code = ExitWaiting
	}
	return code, inv.show(result, func(p *printer) {
		switch {
		case o.dryRun && code == ExitWaiting:
			p.line(bold.is("Dry run"), ": nothing was changed")
			printPlan(p, *result.Plan)
		case result.ActionID == "":
			p.line(green.is("Nothing to repair"), ": the live tables are what is applied")
		default:
			p.line(green.is("Repaired"), " the tables of ", many(len(result.Applied), "file"), " in ", milliseconds(result.DurationMS))
			printFiles(p, result.Applied)
		}
	})
}

// printDrift prints the differences with what mends them, then what is unmanaged.
func printDrift(p *printer, drift coordinator.Drift) {
	if drift.InSync {
		p.line(green.is("The live tables are what is applied"))
	} else {
		p.line(yellow.is("%s", many(len(drift.Differences), "difference")), " between the live tables and what is applied")
	}
	last := ""
	for _, d := range drift.Differences {
		if d.File != last {
			p.blank()
			p.line(bold.is("%s", d.File))
			last = d.File
		}
		p.line("  ", yellow.is("! "), d.Table, ": ", d.Message)
		printSQL(p, "      ", d.SQL)
	}
	var blocks []action.Block
	for _, file := range drift.Plan.Files {
		printChecks(p, "  ", file.Checks)
		blocks = append(blocks, file.Blocked...)
	}
	printBlocks(p, "  ", blocks)
	printQuestions(p, "  ", drift.Plan.Questions)
	printUnmanaged(p, drift.Unmanaged)
	if !drift.InSync {
		p.blank()
		p.line("Put the tables right: ", p.command("drift --repair"))
	}
}

// printUnmanaged lists what no file mentions.
func printUnmanaged(p *printer, u coordinator.Unmanaged) {
	if len(u.Tables)+len(u.Columns) == 0 {
		return
	}
	p.blank()
	p.line(bold.is("Unmanaged"), dim.is("  no file mentions these; they are left alone"))
	var rows [][]piece
	for _, table := range u.Tables {
		rows = append(rows, []piece{plain.is("%s", table), dim.is("table")})
	}
	for _, column := range u.Columns {
		held := piece{}
		if column.RowsWithValue != nil {
			held = dim.is("a value in %s rows", strconv.FormatInt(*column.RowsWithValue, 10))
		}
		rows = append(rows, []piece{plain.is("%s.%s", column.Table, column.Column), dim.is("column %s", column.Type), held})
	}
	p.table("  ", rows)
}
