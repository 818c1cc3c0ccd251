package cli

import (
	"context"
	"flag"
	"fmt"
	"strings"

	"marain/backend/coordinator"
)

// How many batches one page of history has.
const (
	defaultLimit = 50
	maxLimit     = 200
)

func historyCommand() command {
	return command{
		name:    "history",
		args:    "[ACTION_ID [--against-now]] | [--file PATH] [--status STATUS] [--limit N] [--before ID]",
		summary: "list what was applied, rolled back, rejected or failed",
		text: `Lists the batches by day, newest first: when, what, by whom and through which door, with the files
and their versions. With an ACTION_ID it shows that batch whole: texts, SQL and its inverse, checks
and timings. Nothing is changed.

Exit status: 0, or 1 when there is no such batch.`,
		examples: []string{
			"marain history --limit 5",
			"marain history --file schemas/article.schema.yaml",
			"marain history 01JD3K6Z0P4N8V5X2T7QWERTYA",
		},
		names:    1,
		readOnly: true,
		flags: func(set *flag.FlagSet, o *options) {
			set.StringVar(&o.file, "file", "", "only batches that touched the file `PATH`")
			set.StringVar(&o.status, "status", "", "only `STATUS`: applied, rolled_back, failed or rejected")
			set.IntVar(&o.limit, "limit", defaultLimit, "at most `N` batches, 1 to 200")
			set.StringVar(&o.before, "before", "", "go on before this `ID`, which the page before named")
			set.BoolVar(&o.againstNow, "against-now", false, "compare the batch's texts with what is on disk now")
		},
		run: runHistory,
	}
}

func runHistory(ctx context.Context, inv *invocation) (int, error) {
	o := inv.options
	if len(inv.names) == 1 {
		batch, err := ask(ctx, inv, func(e Engine) (coordinator.Batch, error) { return e.Batch(ctx, inv.names[0], o.againstNow) })
		if err != nil {
			return 0, err
		}
		return ExitDone, inv.show(batch, func(p *printer) { printBatch(p, batch) })
	}
	if o.limit < 1 || o.limit > maxLimit {
		return 0, usagef("", "--limit must be from 1 to %d", maxLimit)
	}
	switch o.status {
	case "", "applied", "rolled_back", "failed", "rejected":
	default:
		return 0, usagef("", "--status must be applied, rolled_back, failed or rejected")
	}
	if o.againstNow {
		return 0, usagef("marain history ACTION_ID --against-now", "--against-now needs a batch")
	}
	req := coordinator.HistoryRequest{Status: o.status, Limit: o.limit, Before: o.before}
	if o.file != "" {
		var err error
		if req.File, err = inv.namedFile(o.file); err != nil {
			return 0, err
		}
	}
	page, err := ask(ctx, inv, func(e Engine) (coordinator.History, error) { return e.History(ctx, req) })
	if err != nil {
		return 0, err
	}
	return ExitDone, inv.show(page, func(p *printer) { printHistory(p, page, req) })
}

// namedFile returns the project's path for the file that a flag names.
func (inv *invocation) namedFile(name string) (string, error) {
	if err := inv.withProject(); err != nil {
		return "", err
	}
	return inv.file(name)
}

func printHistory(p *printer, page coordinator.History, req coordinator.HistoryRequest) {
	if len(page.Items) == 0 {
		p.line("Nothing was applied yet, or nothing fits")
		return
	}
	day := ""
	for _, batch := range page.Items {
		if now := p.clock(batch.At, "Monday, 2 January 2006"); now != day {
			p.blank()
			p.line(bold.is("%s", now))
			day = now
		}
		printSummary(p, batch)
	}
	if page.Next != "" {
		p.blank()
		p.line("Older: ", p.command("history --before %s%s", page.Next, filters(req)))
	}
}

// filters returns the flags that the next page needs too.
func filters(req coordinator.HistoryRequest) string {
	text := ""
	if req.File != "" {
		text += " --file " + quoted(req.File)
	}
	if req.Status != "" {
		text += " --status " + req.Status
	}
	if req.Limit != defaultLimit {
		text += fmt.Sprintf(" --limit %d", req.Limit)
	}
	return text
}

// printSummary prints one batch of the timeline.
func printSummary(p *printer, batch coordinator.BatchSummary) {
	p.line("  ", p.clock(batch.At, "15:04:05"), "  ", kindPiece(batch), "  ", batch.Summary, "  ", categoryPiece(batch.Category))
	who := ""
	if batch.By != "" {
		who = "  " + batch.By
	}
	p.line("            ", dim.is("%s%s", batch.ActionID, who))
	if batch.Error != "" {
		p.line("            ", red.is("%s", batch.Error))
	}
	if batch.Note != "" {
		p.line("            ", fmt.Sprintf("%q", batch.Note))
	}
	if len(batch.Files) > 0 {
		p.line("            ", fileList(batch.Files))
	}
}

// kindPiece says what a batch did and what became of it, padded to a column.
func kindPiece(batch coordinator.BatchSummary) piece {
	switch {
	case batch.Status == "failed":
		return red.is("%-11s", "failed")
	case batch.Status == "rejected":
		return dim.is("%-11s", "rejected")
	case batch.Status == "rolled_back":
		return dim.is("%-11s", "rolled back")
	case batch.Kind == "rollback":
		return yellow.is("%-11s", "rollback")
	}
	return green.is("%-11s", "applied")
}

// fileList names files with their versions.
func fileList(files []coordinator.BatchFile) string {
	const most = 4
	var parts []string
	for i, file := range files {
		if i == most && len(files) > most+1 {
			return strings.Join(parts, ", ") + " and " + many(len(files)-most, "more file")
		}
		text := file.File
		if file.Version > 0 {
			text += fmt.Sprintf(" v%d", file.Version)
		}
		if file.Event == "removed" {
			text += " (removed)"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

// printBatch prints one batch, whole.
func printBatch(p *printer, batch coordinator.Batch) {
	p.line(bold.is("%s", batch.ActionID), "  ", kindPiece(batch.BatchSummary), "  ", batch.Summary)
	rows := [][]piece{
		{dim.is("When"), plain.is("%s", p.clock(batch.At, "Monday, 2 January 2006, 15:04:05"))},
		{dim.is("By"), plain.is("%s", batch.By)},
		{dim.is("Category"), categoryPiece(batch.Category)},
		{dim.is("Took"), plain.is("%s%s", milliseconds(batch.DurationMS), timings(batch.Timings))},
	}
	for _, extra := range [][2]string{{"Note", batch.Note}, {"Undid", batch.Target}, {"Error", batch.Error}} {
		if extra[1] != "" {
			rows = append(rows, []piece{dim.is("%s", extra[0]), plain.is("%s", extra[1])})
		}
	}
	p.table("  ", rows)
	for _, file := range batch.ChangedFiles {
		p.blank()
		printFile(p, file)
		printInverse(p, "  ", file.Actions)
	}
	p.blank()
	switch {
	case batch.CanUndo:
		p.line("Undo with: ", p.command("rollback --action %s", batch.ActionID))
	case len(batch.Conflicts) > 0:
		p.line("It cannot be undone on its own: later batches changed the same files: ", shortList(batch.Conflicts))
	}
}

// shortList joins the first few names and counts the rest; `--json` has them all.
func shortList(names []string) string {
	const shown = 6
	if len(names) <= shown+1 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
}

// timings lists how long each step took.
func timings(steps map[string]float64) string {
	var parts []string
	for _, name := range sortedKeys(steps) {
		parts = append(parts, name+" "+milliseconds(steps[name]))
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}
