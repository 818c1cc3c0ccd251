package cli

import (
	"context"
	"flag"
	"slices"

	"marain/backend/action"
	"marain/backend/coordinator"
)

func rejectCommand() command {
	return command{
		name:    "reject",
		args:    "FILE... [--restore] [--note TEXT]",
		summary: "hold files back, or put their applied text back",
		text: `Holds the files back: they are listed apart and not applied until they are named in an apply or their
content changes. With --restore the applied text is put back on disk instead; the rejected text is
kept as a draft (marain drafts).

Exit status: 0 done, 1 an error, or a file could not be written back yet.`,
		examples: []string{
			"marain reject schemas/article.schema.yaml --note \"not before May\"",
			"marain reject --restore schemas/article.schema.yaml",
		},
		names: -1,
		flags: func(set *flag.FlagSet, o *options) {
			set.BoolVar(&o.restore, "restore", false, "put the applied text back on disk")
			set.StringVar(&o.note, "note", "", "`TEXT` for the history")
		},
		run: runReject,
	}
}

func runReject(ctx context.Context, inv *invocation) (int, error) {
	if len(inv.names) == 0 {
		return 0, usagef("marain reject FILE...", "which files to reject is missing")
	}
	if err := inv.withProject(); err != nil {
		return 0, err
	}
	files, err := inv.files()
	if err != nil {
		return 0, err
	}
	req := coordinator.RejectRequest{Files: files, Restore: inv.options.restore, Note: inv.options.note}
	result, err := ask(ctx, inv, func(e Engine) (coordinator.RejectResult, error) { return e.Reject(ctx, req, inv.actor()) })
	if err != nil {
		return 0, err
	}
	code := ExitDone
	if len(result.Unwritten) > 0 {
		code = ExitError
	}
	return code, inv.show(result, func(p *printer) {
		if len(result.Held)+len(result.Restored)+len(result.Unwritten) == 0 {
			p.line(green.is("Nothing to do"))
		}
		for _, file := range result.Held {
			p.line(yellow.is("Held"), "      ", file)
		}
		for _, file := range result.Restored {
			if !slices.ContainsFunc(result.Unwritten, func(u action.Unwritten) bool { return u.File == file }) {
				p.line(green.is("Restored"), "  ", file)
			}
		}
		printUnwritten(p, result.Unwritten)
	})
}
