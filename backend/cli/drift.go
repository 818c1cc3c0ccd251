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
		args:    "[--repair | --adopt] [FILE...] [--key KEY] [--plan ID] [--answer KEY=VALUE] [--note TEXT] [--dry-run]",
		summary: "show where live tables differ from what is applied, and mend it",
		text: `Compares the live tables with what the applied files say, and shows each difference with the exact
SQL that mends it. What other programs keep in the same database is listed, and left alone.

--repair puts the tables right: what is missing is made again, what does not fit is renamed out of use
with its data inside, and nothing is taken away. With FILEs only their tables are repaired. A repair
is a batch of its own in the history; no file gets a new version by it.

--adopt goes the other way: it writes into the files what is live, and makes that their applied
versions. --key adopts one edit alone, also a column that no file mentions.

Exit status: 0 the tables are right, or were put right; 3 they differ, or the repair is blocked.`,
		examples: []string{
			"marain drift",
			"marain drift --repair --dry-run",
			"marain drift --repair --answer backfill:article.title=Untitled",
			"marain drift --adopt schemas/article.schema.yaml",
			"marain drift --adopt --key content_article.subtitle",
		},
		names:    -1,
		readOnly: true,
		flags: func(set *flag.FlagSet, o *options) {
			set.BoolVar(&o.repair, "repair", false, "put the live tables back to what is applied")
			set.BoolVar(&o.adopt, "adopt", false, "write into the files what is live")
			set.Var(&o.keys, "key", "adopt the edit with this `KEY`; may be repeated")
			o.decision(set)
		},
		run: runDrift,
	}
}

func runDrift(ctx context.Context, inv *invocation) (int, error) {
	o := inv.options
	switch {
	case o.repair && o.adopt:
		return 0, usagef("use one of --repair and --adopt", "the tables can follow the files, or the files the tables, not both")
	case len(o.keys) > 0 && !o.adopt:
		return 0, usagef("use --adopt --key", "--key belongs to --adopt")
	}
	if !o.repair && !o.adopt && (len(inv.names) > 0 || o.plan != "" || o.note != "" || len(o.answers) > 0 || o.dryRun) {
		return 0, usagef("marain drift --repair puts the tables right", "without --repair or --adopt nothing is changed, so only the whole can be looked at")
	}
	if err := inv.withProject(); err != nil {
		return 0, err
	}
	if o.repair || o.adopt {
		return runMend(ctx, inv)
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

// runMend makes the tables equal to the files, or the files to the tables.
func runMend(ctx context.Context, inv *invocation) (int, error) {
	o := inv.options
	inv.command.readOnly = false
	files, err := inv.files()
	if err != nil {
		return 0, err
	}
	result, err := ask(ctx, inv, func(e Engine) (coordinator.ApplyResult, error) {
		defer inv.follow(e)()
		if o.adopt {
			return e.Adopt(ctx, coordinator.AdoptRequest{
				Files: files, Keys: o.keys, DryRun: o.dryRun, PlanID: o.plan, Answers: o.answers, Note: o.note,
			}, inv.actor())
		}
		return e.Repair(ctx, coordinator.RepairRequest{Files: files, DryRun: o.dryRun, PlanID: o.plan, Answers: o.answers, Note: o.note}, inv.actor())
	})
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
		case result.ActionID == "" && o.adopt:
			p.line(green.is("Nothing to adopt"))
		case o.adopt:
			p.line(green.is("Adopted"), " into ", many(len(result.Applied), "file"), " in ", milliseconds(result.DurationMS))
			printFiles(p, result.Applied)
			p.line("Undo with: ", p.command("rollback --action %s", result.ActionID))
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
	printQuestions(p, drift.Plan.Questions)
	printUnmanaged(p, drift.Unmanaged)
	printAdoptions(p, drift.Adopt)
	if !drift.InSync {
		p.blank()
		p.line("Put the tables right: ", p.command("drift --repair"))
	}
}

// printAdoptions says what files could say instead.
func printAdoptions(p *printer, adopt []coordinator.Adoption) {
	if len(adopt) == 0 {
		return
	}
	p.blank()
	p.line(bold.is("What the files could say"))
	for _, one := range adopt {
		p.line("  ", bold.is("%s", one.File))
		for _, edit := range one.Edits {
			flag := "drift --adopt --key " + quoted(edit.Key)
			p.line("    ", plain.is("%s", edit.Message), "   ", p.command("%s", flag))
		}
		printHunks(p, "    ", one.Hunks)
	}
}

// printUnmanaged lists what no file mentions.
func printUnmanaged(p *printer, u coordinator.Unmanaged) {
	if len(u.Tables)+len(u.Columns)+len(u.Objects) == 0 {
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
	for _, object := range u.Objects {
		rows = append(rows, []piece{plain.is("%s", object.Name), dim.is("%s", object.Kind), dim.is("on %s", object.Table)})
	}
	p.table("  ", rows)
}
