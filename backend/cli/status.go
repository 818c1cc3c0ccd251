package cli

import (
	"context"
	"strings"

	"marain/backend/coordinator"
	"marain/backend/diff"
	"marain/backend/document"
)

func statusCommand() command {
	return command{
		name:    "status",
		summary: "say whether the running system equals the files",
		text: `Says in one line whether what is applied equals the files on disk, and lists the changes
that wait, the files that are invalid, the files that are held back, and those that could not be
written back yet; also whether the live tables are what is applied. Nothing is changed.

Exit status: 0 in sync, 4 invalid files, 3 changes pending, files held or not written back, or live
tables that differ, 1 the database or the folders cannot be reached.`,
		examples: []string{"marain status", "marain status --json"},
		readOnly: true,
		run:      runStatus,
	}
}

func runStatus(ctx context.Context, inv *invocation) (int, error) {
	status, err := ask(ctx, inv, func(e Engine) (coordinator.Status, error) { return e.Status(ctx) })
	if err != nil {
		return 0, err
	}
	return exitOfStatus(status), inv.show(status, func(p *printer) { printStatus(p, status) })
}

// exitOfStatus returns the exit status for a state.
func exitOfStatus(status coordinator.Status) int {
	switch {
	case !status.Database.OK, status.State == "unavailable", status.State == "suspect":
		return ExitError
	case len(status.InvalidFiles) > 0:
		return ExitInvalid
	case !status.InSync:
		return ExitWaiting
	}
	return ExitDone
}

func printStatus(p *printer, status coordinator.Status) {
	headline := []any{stateLine(status)}
	project := status.Project
	headline = append(headline, dim.is("   %s (%s), auto_apply %s", project.Name, project.Environment, project.Policy))
	p.line(headline...)
	if !status.Database.OK {
		p.line(red.is("The database cannot be used: "), status.Database.Message)
	}
	if n := status.Drift.Differences; n > 0 {
		p.line(yellow.is("Drift: "), status.Drift.Message, dim.is("   marain drift shows it, --repair mends the tables, --adopt the file"))
	}
	switch status.Watcher.State {
	case "polling", "degraded", "unavailable":
		p.line(yellow.is("Watching: "), status.Watcher.Message)
	case "off":
		if status.State == "unavailable" && status.Watcher.Message != "" {
			p.line(red.is("Missing: "), status.Watcher.Message)
		}
	}
	if last := status.LastResult; last != nil && last.Result == "failed" {
		p.line(red.is("The last attempt failed"), " on ", p.clock(last.At, "2 Jan 15:04"), ": ", last.Message)
	}
	printPending(p, status.PendingChanges)
	if len(status.InvalidFiles) > 0 {
		p.blank()
		p.line(bold.is("Invalid"))
		printProblems(p, "  ", status.InvalidFiles)
	}
	printHeld(p, status.HeldFiles)
	printUnwritten(p, status.Unwritten)
	if len(status.PendingChanges) > 0 {
		p.blank()
		p.line(dim.is("marain diff shows what this would do, marain apply applies it"))
	}
}

// stateLine is the state in one line, worst first.
func stateLine(status coordinator.Status) piece {
	var parts []string
	if n := len(invalidFiles(status.InvalidFiles)); n > 0 {
		parts = append(parts, many(n, "invalid file"))
	}
	if n := len(status.PendingChanges); n > 0 {
		parts = append(parts, many(n, "change")+" waiting")
	}
	if n := len(status.HeldFiles); n > 0 {
		parts = append(parts, many(n, "file")+" held")
	}
	if n := len(status.Unwritten); n > 0 {
		parts = append(parts, many(n, "file")+" not written back yet")
	}
	unusable := status.State == "unavailable" || status.State == "suspect"
	if n := status.Drift.Differences; n > 0 && len(parts) == 0 && !unusable {
		parts = append(parts, "Repair or adopt "+many(n, "difference")+" in the live tables") // nothing else is to be done
	} else if n > 0 {
		parts = append(parts, many(n, "difference")+" in the live tables")
	}
	switch {
	case unusable:
		return red.is("%s", strings.Join(append([]string{"Not available"}, parts...), ", "))
	case len(status.InvalidFiles) > 0:
		return red.is("%s", strings.Join(parts, ", "))
	case len(parts) > 0:
		return yellow.is("%s", strings.Join(parts, ", "))
	case !status.InSync:
		return yellow.is("Not in sync")
	}
	return green.is("In sync")
}

// printPending prints the changes that wait, by file.
func printPending(p *printer, pending []coordinator.PendingChange) {
	for i := 0; i < len(pending); {
		first := pending[i]
		var changes []diff.Head
		for ; i < len(pending) && pending[i].File == first.File; i++ {
			changes = append(changes, pending[i].Head)
		}
		p.blank()
		p.line(bold.is("%s", first.File), dim.is("  %s", first.Event))
		printChanges(p, "  ", changes)
	}
}

// printChanges prints changes with their category and line.
func printChanges(p *printer, indent string, changes []diff.Head) {
	var rows [][]piece
	for _, change := range changes {
		text := change.Message
		if text == "" {
			text = change.Key
		}
		row := []piece{sign(change.Op), categoryPiece(change.Category), plain.is("%s", text)}
		if change.Line > 0 {
			row = append(row, dim.is("line %d", change.Line))
		}
		rows = append(rows, row)
	}
	p.table(indent, rows)
}

// sign is the mark of an operation.
func sign(op diff.Op) piece {
	switch op {
	case diff.Add:
		return green.is("+")
	case diff.Remove:
		return red.is("-")
	case diff.Modify:
		return yellow.is("~")
	case diff.Format:
		return dim.is("=")
	}
	return dim.is("?")
}

// categoryPiece is a category in its colour.
func categoryPiece(c diff.Category) piece {
	switch c {
	case diff.Safe:
		return green.is("%s", c)
	case diff.Warning:
		return yellow.is("%s", c)
	}
	return red.is("%s", c)
}

func printHeld(p *printer, held []coordinator.Held) {
	if len(held) == 0 {
		return
	}
	p.blank()
	p.line(bold.is("Held back"), dim.is("  marain apply FILE applies one after all"))
	var rows [][]piece
	for _, h := range held {
		reason := "rejected"
		if h.Reason == "rolled_back" {
			reason = "rolled back before"
		}
		if h.By != "" {
			reason += " by " + h.By
		}
		row := []piece{plain.is("%s", h.File), plain.is("%s", reason), dim.is("%s", p.clock(h.At, "2 Jan 15:04"))}
		if h.Note != "" {
			row = append(row, plain.is("%q", h.Note))
		}
		rows = append(rows, row)
	}
	p.table("  ", rows)
}

// printProblems prints what is wrong with files, one problem a line that editors and terminals can jump to, and the
// hint below.
func printProblems(p *printer, indent string, problems []document.Problem) {
	for _, problem := range problems {
		p.line(indent, bold.is("%s:%d:%d:", problem.File, problem.Line, problem.Column), " ", problem.Message, dim.is(" [%s]", problem.Code))
		if problem.Hint != "" {
			p.line(indent, "  ", cyan.is("%s", problem.Hint))
		}
	}
}

// invalidFiles returns the files that have problems, each once.
func invalidFiles(problems []document.Problem) []string {
	seen := map[string]bool{}
	var files []string
	for _, problem := range problems {
		if !seen[problem.File] {
			seen[problem.File] = true
			files = append(files, problem.File)
		}
	}
	return files
}
