package action

import (
	"context"
	"fmt"
	"slices"

	"marain/backend/diff"
	"marain/backend/document"
)

// startEmpty is the answer that makes a missing column anew.
const startEmpty = "empty"

// missingColumn plans a column that is not there. It gets its name back where it lies under another one, else it is
// added again.
func (m *mending) missingColumn(ctx context.Context, want Table, have LiveTable, d Difference) error {
	if m.first {
		return m.notYet(ctx, want, have, d)
	}
	if slices.Contains(want.Key, d.Column) || d.Column == "parent_id" {
		m.report(d, nil)
		m.block(d.key(), fmt.Sprintf("Column %s of %s is missing, and nothing else can say which row is which", d.Column, want.Name),
			"Bring the table back from a backup, or rename it away so that it is made again, empty")
		return nil
	}
	column := want.Columns[slices.IndexFunc(want.Columns, func(c Column) bool { return c.Name == d.Column })]
	f := m.fieldOf(want.Name, d.Column)
	if f != nil && m.life.Fields[f.ID] != "" {
		if name := OutOfUse(m.life.Fields[f.ID], d.Column); have.Column(name) != nil {
			d.Message += fmt.Sprintf(", and is there as %s: it gets its name back with its values", name)
			return m.renamed(ctx, want, have, d, column, name)
		}
	}
	others := m.strays(want, have, column)
	if len(others) == 0 {
		return m.addedAgain(ctx, want, d, column, f)
	}
	answer, ok := m.ask(Question{
		Key: "repair:" + d.key(),
		Text: fmt.Sprintf("Column %s of %s is missing, and no file describes %s. Is that the same column under another name, or is %s to start empty?",
			d.Column, want.Name, words(others), d.Column),
		Options: append([]string{startEmpty}, others...),
	})
	if ok && answer != startEmpty {
		return m.renamed(ctx, want, have, d, column, answer)
	}
	return m.addedAgain(ctx, want, d, column, f)
}

// strays returns the columns of a table that no document mentions and that could be the missing one under another name,
// those of its type first. Those of other types only could be when the missing one was there before.
func (m *mending) strays(want Table, have LiveTable, missing Column) []string {
	var same, others []string
	for _, c := range have.Columns {
		switch {
		case IsOutOfUse(c.Name) || slices.ContainsFunc(want.Columns, func(w Column) bool { return w.Name == c.Name }):
		case m.g.Dialect.SameType(missing.Type, c.Type):
			same = append(same, c.Name)
		case !m.first:
			others = append(others, c.Name)
		}
	}
	return append(same, others...)
}

// renamed gives a column its name back and mends what else differs in it.
func (m *mending) renamed(ctx context.Context, want Table, have LiveTable, d Difference, column Column, name string) error {
	err := m.mended(d, fmt.Sprintf("Give column %s of %s its name back", d.Column, want.Name),
		[]Step{RenameColumn{want.Name, name, d.Column}}, []Step{RenameColumn{want.Name, d.Column, name}})
	if err != nil {
		return err
	}
	m.columns[want.Name+"."+d.Column] = name
	for _, rest := range compareColumn(m.g.Dialect, want.Name, column, have.Column(name), m.fieldOf(want.Name, d.Column) != nil) {
		if err := m.difference(ctx, want, have, rest); err != nil {
			return err
		}
	}
	return nil
}

// column is the name under which a column can be read while the plan is made.
func (m *mending) column(table, column string) string {
	if name, ok := m.columns[table+"."+column]; ok {
		return name
	}
	return column
}

// addedAgain adds a column. Where it must not be empty, the rows that exist get its default or an answer.
func (m *mending) addedAgain(ctx context.Context, want Table, d Difference, column Column, f *document.Field) error {
	m.made[want.Name+"."+d.Column] = true
	description := fmt.Sprintf("Add column %s to %s", d.Column, want.Name)
	if m.first {
		d.Message += ": it is added"
	} else {
		d.Message += ": it is added again, without the values that it had" + m.formerly(f)
		description += " again"
	}
	up := []Step{AddColumn{want.Name, column}}
	down := []Step{RenameColumn{want.Name, d.Column, OutOfUse(m.tag(want.Name, d.Column), d.Column)}}
	if column.NotNull {
		down = append([]Step{DropNotNull{want.Name, d.Column}}, down...)
	}
	rows, proved, err := m.countRows(ctx, want, d, column)
	if err != nil {
		return err
	}
	switch {
	case column.NotNull && column.Default == nil:
		// Whatever the number of rows is now: it may be another one when the plan is applied.
		optional := column
		optional.NotNull = false
		up = []Step{AddColumn{want.Name, optional}}
		if f != nil && !(proved && rows == 0) {
			fill, err := m.askFill(d.key(), f, rows)
			if err != nil {
				return err
			}
			if fill != nil {
				up = append(up, Fill{want.Name, d.Column, column.Type, fill})
			}
		}
		up = append(up, SetNotNull{want.Name, d.Column})
	case f != nil && f.Unique && column.Default != nil && rows > 1:
		m.block(d.key(), fmt.Sprintf("%s is unique, and %s would get the same default", f.ID, rowCount(rows)), "Leave out the default or unique, then repair again")
	}
	return m.mended(d, description, up, down)
}

// formerly says where values of a field lie that are out of use.
func (m *mending) formerly(f *document.Field) string {
	if f == nil {
		return ""
	}
	for _, t := range m.g.Tombstones {
		if t.Kind == Whole && t.EntityTag == m.life.Tag && t.Field == f.ID && t.Tag != m.life.Fields[f.ID] {
			return fmt.Sprintf(" (those of an earlier field %s are out of use in %s, and stay there)", f.ID, OutOfUse(t.Tag, f.ID))
		}
	}
	return ""
}

// countRows asks how many rows a table has that lost a column, or never had it.
func (m *mending) countRows(ctx context.Context, want Table, d Difference, column Column) (int64, bool, error) {
	return m.check(ctx, probe{
		key: d.key(), rule: d.rule(),
		query: fmt.Sprintf("SELECT count(*) AS n, count(*) AS total FROM %s", m.now(want.Name)),
		judge: func(n, _ int64) (Verdict, diff.Category, string) {
			switch {
			case n == 0:
				return ProvedSafe, diff.Safe, fmt.Sprintf("%s has no rows", want.Name)
			case m.first && column.NotNull && column.Default == nil:
				return Risk, diff.Breaking, fmt.Sprintf("%s of %s have no %s yet", rowCount(n), want.Name, d.Column)
			case m.first:
				return ProvedSafe, diff.Safe, fmt.Sprintf("%s of %s have no %s yet, and need none", rowCount(n), want.Name, d.Column)
			}
			return Risk, diff.Warning, fmt.Sprintf("%s of %s lost what they had in %s", rowCount(n), want.Name, d.Column)
		},
	})
}

// emptyValues returns the steps that fill what is empty in a column which must not be, by its default or an answer.
func (m *mending) emptyValues(ctx context.Context, want Table, d Difference) ([]Step, error) {
	column := want.Columns[slices.IndexFunc(want.Columns, func(c Column) bool { return c.Name == d.Column })]
	f := m.fieldOf(want.Name, d.Column)
	name := m.g.Dialect.Quote(m.column(want.Name, d.Column))
	empty, proved, err := m.check(ctx, probe{
		key: d.key(), rule: d.rule(),
		query:  fmt.Sprintf("SELECT count(*) - count(%s) AS n, count(*) AS total FROM %s", name, m.now(want.Name)),
		sample: fmt.Sprintf("SELECT id FROM %s WHERE %s IS NULL ORDER BY id", m.now(want.Name), name),
		judge: func(n, total int64) (Verdict, diff.Category, string) {
			if n == 0 {
				return ProvedSafe, diff.Safe, fmt.Sprintf("0 of %s are empty", rowCount(total))
			}
			return Risk, diff.Breaking, fmt.Sprintf("%s of %s have no %s", group(n), rowCount(total), d.Column)
		},
	})
	switch {
	case err != nil || proved && empty == 0:
		return nil, err
	case f == nil && column.Default != nil:
		return []Step{Fill{want.Name, d.Column, column.Type, column.Default}}, nil
	case f == nil:
		number := "Rows"
		if proved {
			number = rowCount(empty)
		}
		m.block(d.key(), fmt.Sprintf("%s of %s have no %s", number, want.Name, d.Column), "Give them one, or delete them, then repair again")
		return nil, nil
	}
	fill, err := m.askFill(d.key(), f, empty)
	if err != nil || fill == nil {
		return nil, err
	}
	if !f.Multiple() && want.Name == document.ContentTable(m.new.ID) {
		err = m.checkFillFree(ctx, d.key(), f, m.column(want.Name, d.Column), fill)
	}
	return []Step{Fill{want.Name, d.Column, column.Type, fill}}, err
}
