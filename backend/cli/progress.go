package cli

import (
	"fmt"
	"io"
	"sync"

	"marain/backend/event"
	"marain/backend/executor"
)

// follow shows on a terminal how far a batch is, in one line that it takes away again, until the returned function is
// called. Anywhere else it shows nothing.
func (inv *invocation) follow(e Engine) (stop func()) {
	columns, terminal := size(inv.env.Stderr)
	if !terminal || inv.options.json {
		return func() {}
	}
	subscription := e.Subscribe(0, true)
	var done sync.WaitGroup
	done.Go(func() {
		shown := false
		for ev := range subscription.C() {
			if p, ok := ev.Data.(executor.Progress); ok && ev.Type == event.Progress {
				rewrite(inv.env.Stderr, cut(progressLine(p), max(columns-1, 1)))
				shown = true
			}
		}
		if shown {
			rewrite(inv.env.Stderr, "")
		}
	})
	return func() {
		subscription.Close()
		done.Wait()
	}
}

// rewrite replaces the line that the cursor is on. A terminal that is gone shows nothing, which is no reason to stop.
func rewrite(w io.Writer, text string) { _, _ = io.WriteString(w, "\r\x1b[K"+text) }

// progressLine says in words how far a batch is.
func progressLine(p executor.Progress) string {
	switch p.Phase {
	case executor.Waiting:
		return "Waiting for the database"
	case executor.Checking:
		return "Checking that the plan is still true"
	case executor.Saving:
		return "Making a backup"
	case executor.Verifying:
		return "Checking the tables"
	case executor.Recording:
		return "Writing the history"
	case executor.Committing:
		return "Committing"
	}
	if p.Total == 0 {
		return p.Description
	}
	return fmt.Sprintf("%s: %d %% of %d rows", p.Description, 100*p.Done/p.Total, p.Total)
}
