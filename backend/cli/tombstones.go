package cli

import (
	"context"
	"flag"
	"fmt"
	"strconv"
	"strings"

	"marain/backend/coordinator"
)

func tombstonesCommand() command {
	return command{
		name:    "tombstones",
		summary: "list what is out of use, with its data inside",
		text: `Lists what was taken out of use, oldest first: what it is, since when, what is inside, and whether a way
back needs it. It comes back by a rollback, or by declaring it again and answering "restore"; it goes for
good only by marain purge.

Exit status: 0 done, 1 an error.`,
		examples: []string{"marain tombstones", "marain tombstones --json"},
		readOnly: true,
		run:      runTombstones,
	}
}

func runTombstones(ctx context.Context, inv *invocation) (int, error) {
	list, err := ask(ctx, inv, func(e Engine) (coordinator.Tombstones, error) { return e.Tombstones(ctx) })
	if err != nil {
		return 0, err
	}
	return ExitDone, inv.show(list, func(p *printer) {
		if len(list.Items) == 0 {
			p.line("Nothing is out of use")
			return
		}
		printTombstones(p, list.Items)
		p.blank()
		if list.PurgeAfterDays > 0 {
			p.line(yellow.is("What is older than %d days is purged without asking.", list.PurgeAfterDays))
		}
		p.line("Destroy some of it for good with ", p.command("purge ID..."))
	})
}

// printTombstones prints what is out of use as a table.
func printTombstones(p *printer, list []coordinator.Tombstone) {
	rows := [][]piece{{dim.is("ID"), dim.is("What"), dim.is("Since"), dim.is("Inside"), dim.is("Needed to go back to")}}
	for _, t := range list {
		rows = append(rows, []piece{
			plain.is("%s", t.ID), bold.is("%s", tombstoneName(t)), plain.is("%s", p.clock(t.Since, "2 Jan 2006 15:04")), plain.is("%s", insideOf(t)), plain.is("%s", neededFor(t)),
		})
	}
	p.table("", rows)
}

// tombstoneName says what something out of use is.
func tombstoneName(t coordinator.Tombstone) string {
	switch t.Kind {
	case "entity":
		return "content type " + t.Name
	case "foreign":
		return "another program's " + t.Name
	case "filled":
		return "rows that were given " + t.Name
	case "cleared":
		return "rows whose first " + t.Name + " was taken away"
	case "displaced":
		return "displaced values of " + t.Name
	}
	return t.Kind + " " + t.Name
}

// insideOf says what lies inside of something out of use.
func insideOf(t coordinator.Tombstone) string {
	if !t.Counted {
		return "not counted in time"
	}
	text := many(int(t.Values), "value")
	if t.Kind == "entity" {
		text = many(int(t.Rows), "row")
	}
	if t.Size >= 0 {
		text += ", " + bytesOf(t.Size)
	}
	if len(t.Inside) > 0 {
		text += fmt.Sprintf(", %d more inside", len(t.Inside))
	}
	return text
}

// neededFor says which ways back need something.
func neededFor(t coordinator.Tombstone) string {
	var parts []string
	for _, r := range t.NeededBy {
		versions := "version " + strconv.Itoa(r.From)
		if r.To != r.From {
			versions = fmt.Sprintf("versions %d to %d", r.From, r.To)
		}
		parts = append(parts, versions+" of "+r.File)
	}
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, ", ")
}

func purgeCommand() command {
	return command{
		name:    "purge",
		args:    "(ID... | --older-than DAYS) [--confirm TEXT] [--note TEXT] [--dry-run]",
		summary: "destroy what is out of use, for good",
		text: `Destroys what is out of use: the named tombstones (marain tombstones lists them), or all that went out of
use more than a number of days ago. What lies inside of something goes with it. This is the one command
that destroys data: no rollback brings it back. A backup is taken before, and the history says what was
destroyed. At a terminal a text must be typed; scripts give it with --confirm, from the dry run. Ctrl+C
cancels it before it is committed; nothing is destroyed then.

Exit status: 0 done or nothing to do, 1 an error, 2 no terminal to ask at, 3 not confirmed, or something
else in the database needs what would go.`,
		examples: []string{
			"marain purge 01JD3K6Z0P4N8V5X2T7QWERTYA --dry-run",
			"marain purge --older-than 365",
			"marain purge --older-than 365 --confirm \"purge 3 7f3a\"",
		},
		names: -1,
		flags: func(set *flag.FlagSet, o *options) {
			set.IntVar(&o.olderThan, "older-than", -1, "all that went out of use more than this number of `DAYS` ago; 0 for all")
			set.StringVar(&o.confirm, "confirm", "", "the `TEXT` that the dry run gave, or the number of tombstones; do not ask")
			set.StringVar(&o.note, "note", "", "`TEXT` for the history")
			set.BoolVar(&o.dryRun, "dry-run", false, "show what would be destroyed and change nothing")
		},
		run: runPurge,
	}
}

func runPurge(ctx context.Context, inv *invocation) (int, error) {
	request, err := purgeRequest(inv)
	if err != nil {
		return 0, err
	}
	result, err := ask(ctx, inv, func(e Engine) (coordinator.PurgeResult, error) { return purge(ctx, inv, e, request) })
	if err != nil {
		return 0, err
	}
	return ExitDone, inv.show(result, func(p *printer) {
		switch {
		case len(result.Purged) == 0:
			p.line("There is nothing to purge")
		case inv.options.dryRun:
			printPurge(p, result)
			p.line("Nothing was changed. To destroy exactly this, confirm with ", bold.is("%s", result.Confirm))
		default:
			p.line(green.is("Purged"), "  ", many(len(result.Purged), "tombstone"), dim.is("  (%s)", milliseconds(result.DurationMS)))
			p.line("  ", bold.is("%s", result.ActionID))
			p.line("A backup from before is ", result.Backup)
		}
	})
}

// purgeRequest reads what is to be destroyed.
func purgeRequest(inv *invocation) (coordinator.PurgeRequest, error) {
	o := inv.options
	request := coordinator.PurgeRequest{IDs: inv.names, DryRun: o.dryRun, Confirm: o.confirm, Note: o.note}
	const hint = "use IDs from marain tombstones, or --older-than DAYS"
	switch {
	case o.olderThan < -1:
		return request, usagef(hint, "--older-than is a number of days from 0 on")
	case len(inv.names) == 0 && o.olderThan < 0:
		return request, usagef(hint, "what to purge is missing")
	case len(inv.names) > 0 && o.olderThan >= 0:
		return request, usagef(hint, "name tombstones or give --older-than, not both")
	case o.olderThan >= 0:
		request.OlderThanDays = &o.olderThan
	}
	return request, nil
}

// purge looks at what would go, has it confirmed, and destroys exactly that.
func purge(ctx context.Context, inv *invocation, e Engine, request coordinator.PurgeRequest) (coordinator.PurgeResult, error) {
	if request.DryRun || request.Confirm != "" {
		defer inv.follow(e)()
		return e.Purge(ctx, request, inv.actor())
	}
	dry := request
	dry.DryRun = true
	looked, err := e.Purge(ctx, dry, inv.actor())
	if err != nil || len(looked.Purged) == 0 {
		return looked, err
	}
	if err := inv.confirm(ctx, looked.Confirm, "--confirm", func(p *printer) { printPurge(p, looked) }); err != nil {
		return looked, err
	}
	request.Confirm = looked.Confirm
	defer inv.follow(e)()
	return e.Purge(ctx, request, inv.actor())
}

// printPurge says what a purge destroys.
func printPurge(p *printer, r coordinator.PurgeResult) {
	printTombstones(p, r.Purged)
	p.blank()
	for _, statement := range r.SQL {
		p.line("  ", dim.is("%s", statement))
	}
	p.blank()
	p.line(red.is("This destroys %s for good.", many(len(r.Purged), "tombstone")), " No rollback brings it back.")
}
