package executor

import (
	"context"
	"fmt"

	"marain/backend/action"
)

// place is a column as it is called before a plan.
type place struct{ table, column string }

// filled finds the columns that are there before a plan and in which it gives rows without a value one that a person
// answered. That value is theirs, so it stays on the way back, as one that was written does; all others are compared
// exactly. It returns the constants as SQL.
func filled(d action.Dialect, drafts []action.Draft) (map[place]string, error) {
	names := naming{tables: map[string]string{}, columns: map[place]string{}}
	found := map[place]string{}
	for _, draft := range drafts {
		for _, a := range draft.File.Actions {
			for _, s := range a.Steps {
				fill, ok := s.(action.Fill)
				if !ok {
					names.follow(s)
					continue
				}
				table := names.table(fill.Table)
				column := names.column(table, fill.Column)
				if made(table) || made(column) {
					continue
				}
				literal, err := d.Literal(fill.Type, fill.Value)
				if err != nil {
					return nil, fmt.Errorf("write what %s is filled with: %w", fill.Column, err)
				}
				found[place{table, column}] = literal
			}
		}
	}
	return found, nil
}

// naming follows what tables and columns are called through the steps of a plan. What the plan itself makes has a name
// that begins with a mark.
type naming struct {
	tables  map[string]string // present name to the one before
	columns map[place]string  // by the table's name before and the present one of the column: its name before
}

// mark begins the names of what a plan makes. No name in a database can begin with it.
const mark = "\x00"

func made(name string) bool { return name[:1] == mark }

func (n naming) table(name string) string {
	if before, ok := n.tables[name]; ok {
		return before
	}
	return name
}

func (n naming) column(table, name string) string {
	if before, ok := n.columns[place{table, name}]; ok {
		return before
	}
	return name
}

func (n naming) follow(s action.Step) {
	switch s := s.(type) {
	case action.CreateTable:
		n.tables[s.Table.Name] = mark + s.Table.Name
	case action.RenameTable:
		n.tables[s.To], n.tables[s.From] = n.table(s.From), mark+s.From
	case action.AddColumn:
		n.columns[place{n.table(s.Table), s.Column.Name}] = mark + s.Column.Name
	case action.RenameColumn:
		table := n.table(s.Table)
		n.columns[place{table, s.To}], n.columns[place{table, s.From}] = n.column(table, s.From), mark+s.From
	}
}

// given counts the rows that get a value of a person's on the way forward.
func (r *rehearsal) given(ctx context.Context) error {
	quote := r.executor.Database.Dialect().Quote
	for p := range r.filled {
		var n int64
		query := fmt.Sprintf("SELECT count(*) FROM %s WHERE %s IS NULL", quote(p.table), quote(p.column))
		if err := r.scratch.QueryRow(ctx, query).Scan(&n); err != nil {
			return fmt.Errorf("count the rows of %s without %s: %w", p.table, p.column, err)
		}
		r.kept += n
	}
	return nil
}
