package cli

import (
	"context"

	"marain/backend/coordinator"
)

func verifyCommand() command {
	return command{
		name:    "verify",
		summary: "check that tables, versions, history and audit chain agree",
		text: `Checks that the live tables are what the applied versions say, that the history is whole, that the audit
chain was neither edited nor cut, and that no file write is left over. Changes that wait, held files
and invalid files are not faults; nor are references that point at no row, which are counted. Nothing is
changed.

Exit status: 0 everything agrees, 1 faults were found.`,
		examples: []string{"marain verify", "marain verify --json"},
		readOnly: true,
		run:      runVerify,
	}
}

func runVerify(ctx context.Context, inv *invocation) (int, error) {
	result, err := ask(ctx, inv, func(e Engine) (coordinator.VerifyResult, error) { return e.Verify(ctx) })
	if err != nil {
		return 0, err
	}
	code := ExitDone
	if !result.OK {
		code = ExitError
	}
	return code, inv.show(result, func(p *printer) {
		if len(result.Notes) > 0 {
			p.table("", told(result.Notes))
			p.blank()
		}
		if result.OK {
			p.line(green.is("Everything agrees"), ": ", many(result.Checked, "thing"), " compared in ", milliseconds(result.Duration))
			return
		}
		p.table("", told(result.Faults))
		p.blank()
		p.line(red.is("%s", many(len(result.Faults), "fault")), " in ", many(result.Checked, "thing"), " compared")
	})
}

// told are the lines of faults or notes.
func told(list []coordinator.Fault) [][]piece {
	var rows [][]piece
	for _, fault := range list {
		rows = append(rows, []piece{bold.is("%s", fault.Subject), plain.is("%s", fault.Message), dim.is("[%s]", fault.Code)})
	}
	return rows
}
