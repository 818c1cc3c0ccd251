package cli

import (
	"context"
	"flag"
	"strconv"

	"marain/backend/coordinator"
)

func draftsCommand() command {
	return command{
		name:    "drafts",
		args:    "[--restore ID]",
		summary: "list texts that a rollback or a reject replaced, or bring one back",
		text: `Lists the texts that were on disk, not applied, when a rollback or a reject put another text in their
place. --restore writes one back to its file, where it waits like any edit.

Exit status: 0 done, 1 an error.`,
		examples: []string{"marain drafts", "marain drafts --restore 01JD3K6Z0P4N8V5X2T7QWERTYA"},
		flags: func(set *flag.FlagSet, o *options) {
			set.StringVar(&o.restoreID, "restore", "", "write the draft with this `ID` back to its file")
		},
		run: runDrafts,
	}
}

// draftList is the JSON of the list.
type draftList struct {
	Items []coordinator.Draft `json:"items"`
}

func runDrafts(ctx context.Context, inv *invocation) (int, error) {
	if id := inv.options.restoreID; id != "" {
		draft, err := ask(ctx, inv, func(e Engine) (coordinator.Draft, error) { return e.RestoreDraft(ctx, id, inv.actor()) })
		if err != nil {
			return 0, err
		}
		return ExitDone, inv.show(draft, func(p *printer) {
			p.line(green.is("Brought back"), "  ", draft.File)
			p.line(dim.is("It waits now: marain diff shows what it would do"))
		})
	}
	list, err := ask(ctx, inv, func(e Engine) (draftList, error) {
		items, err := e.Drafts(ctx)
		return draftList{Items: items}, err
	})
	if err != nil {
		return 0, err
	}
	return ExitDone, inv.show(list, func(p *printer) {
		if len(list.Items) == 0 {
			p.line("There are no drafts")
			return
		}
		rows := [][]piece{{dim.is("ID"), dim.is("When"), dim.is("Bytes"), dim.is("File")}}
		for _, draft := range list.Items {
			rows = append(rows, []piece{
				plain.is("%s", draft.ID), plain.is("%s", p.clock(draft.At, "2 Jan 2006 15:04")),
				plain.is("%s", strconv.Itoa(draft.Size)), plain.is("%s", draft.File),
			})
		}
		p.table("", rows)
	})
}
