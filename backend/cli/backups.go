package cli

import (
	"context"
	"flag"
	"fmt"
	"strconv"
	"strings"

	"marain/backend/coordinator"
)

func backupsCommand() command {
	return command{
		name:    "backups",
		summary: "list the backups that were taken before something risky",
		text: `Lists the backups, newest first: each was taken before an apply, a rollback, a purge or a restore that is
breaking and changes tables. They lie in the folder backups of the project's data folder. How many are
kept, and for how long, is retention in the configuration hot_reload.

Exit status: 0 done, 1 an error.`,
		examples: []string{"marain backups", "marain backups --json"},
		readOnly: true,
		run:      runBackups,
	}
}

func runBackups(ctx context.Context, inv *invocation) (int, error) {
	list, err := ask(ctx, inv, func(e Engine) (coordinator.Backups, error) { return e.Backups(ctx) })
	if err != nil {
		return 0, err
	}
	return ExitDone, inv.show(list, func(p *printer) {
		if len(list.Items) == 0 {
			p.line("There are no backups")
			return
		}
		rows := [][]piece{{dim.is("Name"), dim.is("When"), dim.is("Size"), dim.is("Before")}}
		for _, b := range list.Items {
			before := plain.is("%s: %s", b.Kind, b.Summary)
			if !b.OK {
				before = red.is("%s", b.Message)
			}
			rows = append(rows, []piece{plain.is("%s", b.Name), plain.is("%s", p.clock(b.TakenAt, "2 Jan 2006 15:04")), plain.is("%s", bytesOf(b.Size)), before})
		}
		p.table("", rows)
		p.blank()
		p.line(dim.is("At most %d are kept, for %d days; the newest always is.", list.Keep, list.KeepDays))
		p.line("Put one back with ", p.command("restore-backup NAME"))
	})
}

// bytesOf writes a size for people.
func bytesOf(n int64) string {
	if n < 0 {
		return "?"
	}
	if n < 1000 {
		return strconv.FormatInt(n, 10) + " B"
	}
	value, unit := float64(n), 0
	units := []string{"B", "kB", "MB", "GB", "TB"}
	for value >= 999.5 && unit < len(units)-1 {
		value, unit = value/1000, unit+1
	}
	return fmt.Sprintf("%.3g %s", value, units[unit])
}

func restoreBackupCommand() command {
	return command{
		name:    "restore-backup",
		args:    "[NAME] [--dry-run] [--yes]",
		summary: "put a backup back: rows and tables as they were then",
		text: `Puts a backup back, the newest one without a NAME: rows and tables become what they were when it was
taken. This takes back everything that was written since, also by other programs; the present state is
backed up first. The history goes on, with the restore in it. The YAML files stay as they are: those
that differ wait, and are applied when they are named.

Nothing else may have the project open: close its window and its server. At a terminal the id of the
batch that the backup was taken before must be typed. Ctrl+C cancels it before it is committed, and then
everything is as it was. Backups of a whole SQLite database are plain database files. On PostgreSQL,
what another program made on the tables and would be dropped with them is named, and nothing is done.

Exit status: 0 done, 1 an error, 2 no terminal to ask at, 3 not confirmed, or something else in the
database rests on what would go.`,
		examples: []string{
			"marain restore-backup --dry-run",
			"marain restore-backup 20260304T150607Z-01JD3K6Z0P4N8V5X2T7QWERTYA.db",
		},
		names: 1,
		alone: true,
		flags: func(set *flag.FlagSet, o *options) {
			set.BoolVar(&o.dryRun, "dry-run", false, "show what would change and change nothing")
			set.BoolVar(&o.yes, "yes", false, "do not ask, for scripts")
		},
		run: runRestoreBackup,
	}
}

func runRestoreBackup(ctx context.Context, inv *invocation) (int, error) {
	request := coordinator.RestoreRequest{DryRun: true}
	if len(inv.names) > 0 {
		request.Name = inv.names[0]
	}
	result, err := ask(ctx, inv, func(e Engine) (coordinator.RestoreResult, error) {
		looked, err := e.Restore(ctx, request, inv.actor())
		if err != nil || inv.options.dryRun {
			return looked, err
		}
		if !inv.options.yes {
			err := inv.confirm(ctx, looked.Confirm, "--yes", func(p *printer) { printRestore(p, looked) })
			if err != nil {
				return looked, err
			}
		}
		defer inv.follow(e)()
		return e.Restore(ctx, coordinator.RestoreRequest{Name: looked.Backup.Name, Confirm: looked.Confirm}, inv.actor())
	})
	if err != nil {
		return 0, err
	}
	return ExitDone, inv.show(result, func(p *printer) {
		if inv.options.dryRun {
			printRestore(p, result)
			p.line("Nothing was changed. Put it back with ", p.command("restore-backup %s", result.Backup.Name))
			return
		}
		p.line(green.is("Restored"), "  ", result.Backup.Name, dim.is("  (%s)", milliseconds(result.DurationMS)))
		p.line("The state before is in ", bold.is("%s", result.Saved))
		p.line(dim.is("Files on disk stay as they are: "), p.command("status"), dim.is(" shows which differ"))
	})
}

// printRestore says what putting a backup back would change.
func printRestore(p *printer, r coordinator.RestoreResult) {
	p.line(bold.is("%s", r.Backup.Name))
	p.line("  taken ", p.clock(r.Backup.TakenAt, "2 Jan 2006 15:04:05"), " before ", r.Backup.Kind, " ", r.Backup.ActionID)
	p.line("  ", r.Backup.Summary)
	p.blank()
	if len(r.Batches) > 0 {
		p.line("Done since then, and taken back:")
		var rows [][]piece
		for _, b := range r.Batches {
			rows = append(rows, []piece{plain.is("%s", p.clock(b.At, "2 Jan 15:04")), plain.is("%s", b.Kind), plain.is("%s", b.Summary)})
		}
		p.table("  ", rows)
		p.blank()
	}
	printRestoredFiles(p, r.Files)
	rows := [][]piece{{dim.is("Table"), dim.is("Rows now"), dim.is("Rows then")}}
	for _, t := range r.Tables {
		rows = append(rows, []piece{plain.is("%s", t.Name), plain.is("%s", rowCount(t.Now)), plain.is("%s", rowCount(t.Then))})
	}
	p.table("  ", rows)
	p.line(yellow.is("Everything that was written since then is taken back, also by other programs."))
	p.blank()
}

func printRestoredFiles(p *printer, files []coordinator.RestoredFile) {
	if len(files) == 0 {
		return
	}
	p.line("Applied versions that change (the files on disk do not):")
	var rows [][]piece
	for _, f := range files {
		rows = append(rows, []piece{plain.is("%s", f.File), plain.is("%s", strings.Join([]string{versionWord(f.Now), versionWord(f.Then)}, " -> "))})
	}
	p.table("  ", rows)
	p.blank()
}

func versionWord(n int) string {
	if n == 0 {
		return "none"
	}
	return "version " + strconv.Itoa(n)
}

// rowCount writes how many rows a table has.
func rowCount(n int64) string {
	if n < 0 {
		return "-"
	}
	return strconv.FormatInt(n, 10)
}
