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
and invalid files are not faults. Nothing is changed.

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
		if result.OK {
			p.line(green.is("Everything agrees"), ": ", many(result.Checked, "thing"), " compared in ", milliseconds(result.Duration))
			return
		}
		var rows [][]piece
		for _, fault := range result.Faults {
			rows = append(rows, []piece{bold.is("%s", fault.Subject), plain.is("%s", fault.Message), dim.is("[%s]", fault.Code)})
		}
		p.table("", rows)
		p.blank()
		p.line(red.is("%s", many(len(result.Faults), "fault")), " in ", many(result.Checked, "thing"), " compared")
	})
}
