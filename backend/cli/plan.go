package cli

import (
	"fmt"
	"strings"

	"marain/backend/action"
	"marain/backend/diff"
)

// printPlan prints what a plan would do.
func printPlan(p *printer, plan action.Plan) {
	if len(plan.Files) == 0 && len(plan.Invalid) == 0 {
		if len(plan.Unwritten) == 0 {
			p.line(green.is("Nothing waits"), ": the files and what is applied are equal")
			return
		}
		p.line(yellow.is("Nothing waits for an apply"), ", and the files are not what is applied")
	}
	for _, file := range plan.Files {
		p.blank()
		printFile(p, file)
	}
	if len(plan.Questions) > 0 {
		p.blank()
		p.line(bold.is("Questions"))
		printQuestions(p, plan.Questions)
	}
	if len(plan.Invalid) > 0 {
		p.blank()
		p.line(bold.is("Invalid"), dim.is("  these files are not part of the plan"))
		printProblems(p, "  ", plan.Invalid)
	}
	printUnwritten(p, plan.Unwritten)
	if plan.Rehearsal.State != action.NotNeeded && plan.Rehearsal.Message != "" {
		p.blank()
		p.line(bold.is("Rehearsal"), "  ", plan.Rehearsal.Message)
	}
}

// printUnwritten prints the files whose applied text is not on disk yet, and why.
func printUnwritten(p *printer, files []action.Unwritten) {
	if len(files) == 0 {
		return
	}
	p.blank()
	p.line(red.is("Not written back yet"), dim.is("  what is applied is live; on disk is still another text"))
	for _, file := range files {
		p.line("  ", bold.is("%s", file.File), ": ", file.Message)
	}
}

// printFile prints one file of a plan or of a batch.
func printFile(p *printer, file action.File) {
	version := dim.is("  new")
	if file.BaseVersion > 0 {
		version = dim.is("  on version %d", file.BaseVersion)
	}
	held := piece{}
	if file.Held {
		held = yellow.is("  held")
	}
	p.line(bold.is("%s", file.Path), dim.is("  %s %s  ", file.Event, file.Kind), categoryPiece(file.Category), version, held)
	printChanges(p, "  ", file.Changes)
	printHunks(p, "  ", file.Hunks)
	printActions(p, "  ", file.Actions)
	printChecks(p, "  ", file.Checks)
	printBlocks(p, "  ", file.Blocked)
}

// printActions prints the sentences of the actions and their SQL.
func printActions(p *printer, indent string, actions []action.Action) {
	if len(actions) == 0 {
		return
	}
	p.line(indent, bold.is("Does"))
	for _, a := range actions {
		p.line(indent, "  ", a.Description)
		printSQL(p, indent+"    ", a.Up)
	}
}

// printSQL prints statements, their lines kept.
func printSQL(p *printer, indent string, statements []string) {
	for _, statement := range statements {
		text := strings.TrimRight(statement, "\n")
		if !strings.HasSuffix(text, ";") {
			text += ";"
		}
		for line := range strings.Lines(text) {
			p.line(indent, cyan.is("%s", strings.TrimRight(line, "\r\n")))
		}
	}
}

// printChecks prints what the real rows say.
func printChecks(p *printer, indent string, checks []action.Check) {
	if len(checks) == 0 {
		return
	}
	p.line(indent, bold.is("Checks"))
	for _, check := range checks {
		mark := yellow.is("? ")
		switch check.Verdict {
		case action.ProvedSafe:
			mark = green.is("✓ ")
		case action.Risk:
			mark = red.is("! ")
		}
		p.line(indent, "  ", mark, check.Message)
		for _, sample := range check.Samples {
			p.line(indent, "      ", dim.is("%s", sampleText(sample, p.width)))
		}
	}
}

// sampleText is a row in one line, its id first.
func sampleText(sample map[string]any, width int) string {
	var parts []string
	for _, name := range sortedKeys(sample) {
		value := sample[name]
		if value == nil {
			value = "nothing"
		}
		parts = append(parts, fmt.Sprintf("%s: %v", name, value))
	}
	return cut(strings.Join(parts, "  "), max(20, width-12))
}

// printBlocks prints why files cannot be applied.
func printBlocks(p *printer, indent string, blocks []action.Block) {
	if len(blocks) == 0 {
		return
	}
	p.line(indent, bold.is("Blocked"))
	for _, block := range blocks {
		where := block.File
		if block.Key != "" {
			where += " " + block.Key
		}
		p.line(indent, "  ", red.is("✗ "), where, ": ", block.Message)
		if block.Hint != "" {
			p.line(indent, "    ", cyan.is("%s", block.Hint))
		}
	}
}

// printQuestions prints the questions and how to answer them.
func printQuestions(p *printer, questions []action.Question) {
	for _, question := range questions {
		if question.Answered {
			p.line("  ", green.is("✓ "), question.Text, dim.is("  answered"))
			continue
		}
		p.line("  ", yellow.is("? "), question.Text)
		if len(question.Samples) > 0 {
			p.line("  ", "    ", dim.is("values such as %s", quotedList(question.Samples)))
		}
		if len(question.Options) == 0 {
			p.line("  ", "    ", cyan.is("--answer %s", quoted(question.Key+"=VALUE")), defaultPiece(question, ""))
		}
		for _, option := range question.Options {
			p.line("  ", "    ", cyan.is("--answer %s", quoted(question.Key+"="+option)), defaultPiece(question, option))
		}
	}
}

// quotedList puts each value in quotes, so that spaces in it show.
func quotedList(values []string) string {
	list := make([]string, len(values))
	for i, value := range values {
		list[i] = fmt.Sprintf("%q", value)
	}
	return strings.Join(list, ", ")
}

// defaultPiece marks the answer that counts without one.
func defaultPiece(question action.Question, option string) piece {
	switch {
	case question.Default == nil:
		return piece{}
	case len(question.Options) == 0:
		return dim.is("  default %q", *question.Default)
	case *question.Default == option:
		return dim.is("  default")
	}
	return piece{}
}

// quoted puts an argument in quotes where a shell needs them.
func quoted(argument string) string {
	special := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-.:=/,@%+", r))
	}
	if argument != "" && !strings.ContainsFunc(argument, special) {
		return argument
	}
	return "'" + strings.ReplaceAll(argument, "'", `'\''`) + "'"
}

// printHunks prints the texts before and after: side by side where the terminal is wide enough, else below each other.
func printHunks(p *printer, indent string, hunks []diff.Hunk) {
	for _, hunk := range hunks {
		p.line(indent, dim.is("@@ -%d,%d +%d,%d @@", hunk.OldStart, hunk.OldLines, hunk.NewStart, hunk.NewLines))
		if p.terminal && p.width >= sideBySide {
			printBeside(p, indent, hunk.Rows)
		} else {
			printBelow(p, indent, hunk.Rows)
		}
	}
}

// printBelow prints the removed lines of each run above the added ones.
func printBelow(p *printer, indent string, rows []diff.Row) {
	var old, added []*diff.Side
	flush := func() {
		for _, side := range old {
			p.line(append([]any{indent, red.is("- ")}, spans(side, red)...)...)
		}
		for _, side := range added {
			p.line(append([]any{indent, green.is("+ ")}, spans(side, green)...)...)
		}
		old, added = nil, nil
	}
	for _, row := range rows {
		if row.Kind == "equal" {
			flush()
			p.line(append([]any{indent, "  "}, spans(either(row), plain)...)...)
			continue
		}
		if row.Old != nil {
			old = append(old, row.Old)
		}
		if row.New != nil {
			added = append(added, row.New)
		}
	}
	flush()
}

// printBeside prints the old text on the left and the new one on the right.
func printBeside(p *printer, indent string, rows []diff.Row) {
	half := (p.width - len(indent) - 3) / 2
	for _, row := range rows {
		left, right := red, green
		if row.Kind == "equal" {
			left, right = plain, plain
		}
		before, after := sideText(row.Old, half), sideText(row.New, half)
		p.line(indent, left.is("%s", before), strings.Repeat(" ", half-columns(before)), dim.is(" │ "), right.is("%s", after))
	}
}

// sideText is one side of a row with its line number, cut to a width.
func sideText(side *diff.Side, limit int) string {
	if side == nil {
		return ""
	}
	var text strings.Builder
	for _, span := range side.Spans {
		text.WriteString(span.Text)
	}
	return cut(fmt.Sprintf("%4d  %s", side.Line, text.String()), limit)
}

// spans returns the text of a side; what changed within the line stands out.
func spans(side *diff.Side, s style) []any {
	if side == nil {
		return nil
	}
	var parts []any
	for _, span := range side.Spans {
		if span.Changed && s != plain {
			parts = append(parts, (s+";4").is("%s", span.Text))
		} else {
			parts = append(parts, s.is("%s", span.Text))
		}
	}
	return parts
}

// either returns the side that an equal row has.
func either(row diff.Row) *diff.Side {
	if row.New != nil {
		return row.New
	}
	return row.Old
}

// printInverse prints the SQL that takes actions back.
func printInverse(p *printer, indent string, actions []action.Action) {
	var down []string
	for i := len(actions) - 1; i >= 0; i-- {
		down = append(down, actions[i].Down...)
	}
	if len(down) > 0 {
		p.line(indent, bold.is("Back"))
		printSQL(p, indent+"    ", down)
	}
}
