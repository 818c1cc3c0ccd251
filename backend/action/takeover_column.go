package action

import (
	"context"
	"fmt"
	"slices"

	"marain/backend/document"
)

// referenceColumn is what other programs with the same tables call the column of a reference.
func referenceColumn(field string) string { return "field_reference_" + field }

// notYet plans a column that a table of another program does not have. It is added, and takes the values of one of
// their columns when a person says so, or when its name does. Theirs stays as it is.
func (m *mending) notYet(ctx context.Context, want Table, have LiveTable, d Difference) error {
	column := want.Columns[slices.IndexFunc(want.Columns, func(c Column) bool { return c.Name == d.Column })]
	f := m.fieldOf(want.Name, d.Column)
	d.Message = fmt.Sprintf("column %s is not there yet", d.Column)
	if d.Column == "id" {
		m.report(d, nil)
		m.block(d.key(), fmt.Sprintf("%s has no column id, and nothing else can say which row is which", want.Name), "Rename that table or choose another id")
		return nil
	}
	var others []string
	if f != nil || d.Column == "parent_id" {
		others = m.strays(want, have, column)
	}
	if len(others) == 0 {
		return m.addedAgain(ctx, want, d, column, f)
	}
	source, err := m.source(ctx, want, d, f, others)
	if err != nil {
		return err
	}
	if source == startEmpty {
		return m.addedAgain(ctx, want, d, column, f)
	}
	return m.copied(ctx, want, d, column, source)
}

// source asks which of the columns that are there holds what a new one is for. What belongs to which row must be known
// as soon as there are rows.
func (m *mending) source(ctx context.Context, want Table, d Difference, f *document.Field, others []string) (string, error) {
	q := Question{
		Key: "source:" + d.key(),
		Text: fmt.Sprintf("%s has no column %s. Does it start empty, or with the values of one that is there (%s)?",
			want.Name, d.Column, words(others)),
		Options: append([]string{startEmpty}, others...),
	}
	def := startEmpty
	switch {
	case f != nil && slices.Contains(others, referenceColumn(f.ID)):
		def = referenceColumn(f.ID)
	case f == nil:
		rows, proved, err := m.countRows(ctx, want, d, Column{NotNull: true})
		if err != nil {
			return "", err
		}
		if !proved || rows > 0 {
			q.Options = others
			answer, _ := m.ask(q)
			return answer, nil
		}
	}
	q.Default = &def
	answer, _ := m.ask(q)
	return answer, nil
}

// copied adds a column with the values of another one.
func (m *mending) copied(ctx context.Context, want Table, d Difference, column Column, source string) error {
	if source == "" {
		m.report(d, nil) // the question is open
		return nil
	}
	m.columns[want.Name+"."+d.Column] = source
	d.Message += fmt.Sprintf(": it is added and takes the values of %s, which stays as it is", source)
	rows := m.g.rows(want.Name, false)
	up := []Step{
		AddColumn{want.Name, Column{Name: d.Column, Type: column.Type}},
		Update{Table: want.Name, Set: []Assignment{{d.Column, rows.column(source)}}, Where: rows.column(source) + " IS NOT NULL"},
	}
	down := []Step{RenameColumn{want.Name, d.Column, OutOfUse(m.tag(want.Name, d.Column), d.Column)}}
	if column.NotNull {
		fill, err := m.emptyValues(ctx, want, d)
		if err != nil {
			return err
		}
		up = append(append(up, fill...), SetNotNull{want.Name, d.Column})
		down = append([]Step{DropNotNull{want.Name, d.Column}}, down...)
	}
	return m.mended(d, fmt.Sprintf("Add column %s to %s with the values of %s", d.Column, want.Name, source), up, down)
}
