package action

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// nameless blocks the file when rows have no id of their own, while values are to move or the tables are taken over:
// whatever goes on in another place finds its row by the id. Only a table that another program made can have such rows.
func (w *work) nameless(ctx context.Context) error {
	e := entityOf(w.in.Old)
	switch {
	case w.draft.Adopts || w.in.Old == nil && w.draft.Removes:
		e = entityOf(w.in.New) // taken over
	case !w.movesValues():
		return nil
	}
	if e == nil || w.g.Rows == nil {
		return nil
	}
	tables := Tables(e)
	live, err := w.g.Inspect(ctx, TableNames(tables))
	if err != nil {
		return fmt.Errorf("look for rows without an id: %w", err)
	}
	for i, t := range tables {
		there, ok := live[t.Name]
		if !ok {
			continue
		}
		for _, name := range []string{"id", "parent_id"} {
			c := there.Column(name)
			if c == nil || name == "parent_id" && !strings.HasPrefix(t.Name, "field_") { // a field may be called so
				continue
			}
			// SQLite lets a key be empty. Only a key can be asked for equal ones for nothing.
			if err := w.countNameless(ctx, t.Name, name, !c.NotNull && i == 0 && name == "id"); err != nil {
				return err
			}
		}
	}
	return nil
}

// countNameless blocks the file when a column that names rows is empty, or not their own where it must be.
func (w *work) countNameless(ctx context.Context, table, column string, own bool) error {
	q := w.g.Dialect.Quote
	query := fmt.Sprintf("SELECT count(*) AS n FROM %s WHERE %s IS NULL", q(table), q(column))
	if own {
		query = fmt.Sprintf("SELECT count(*) - count(DISTINCT %s) AS n FROM %s", q(column), q(table))
	}
	limited, cancel := context.WithTimeout(ctx, w.g.CheckLimit)
	defer cancel()
	rows, err := w.read(limited, query, 1)
	hint := fmt.Sprintf("Give each of them one, and forbid empty ones in %s of %s", column, table)
	switch {
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
		w.block("", fmt.Sprintf("Whether every row of %s has its own %s could not be read in time", table, column), hint)
	case err != nil:
		return fmt.Errorf("look for rows of %s without %s: %w", table, column, err)
	case len(rows) == 1 && whole(rows[0]["n"]) > 0:
		what := "without " + column
		if own {
			what += ", or with one that another row has too"
		}
		w.block("", fmt.Sprintf("%s has %s %s", table, rowCount(whole(rows[0]["n"])), what), hint)
	}
	return nil
}

// movesValues reports whether the plan writes rows, or makes them of others.
func (w *work) movesValues() bool {
	for _, a := range w.draft.File.Actions {
		for _, step := range a.Steps {
			switch step.(type) {
			case Update, Insert, Fill:
				return true
			}
		}
	}
	return false
}
