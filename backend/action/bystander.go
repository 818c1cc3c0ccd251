package action

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"marain/backend/diff"
)

// BystanderKind is what something of another program is.
type BystanderKind string

// The kinds of bystanders.
const (
	View       BystanderKind = "view"
	Trigger    BystanderKind = "trigger"
	ForeignKey BystanderKind = "foreign key"
	CheckRule  BystanderKind = "check"
	UniqueRule BystanderKind = "unique constraint"
	Policy     BystanderKind = "policy"
)

// Bystander is something that another program keeps on a table: what is renamed below it changes what it does.
type Bystander struct {
	Kind    BystanderKind
	Name    string
	Table   string          // the table that it depends on
	Child   string          // of a foreign key: the table that has it
	Parent  string          // and the one that it points at
	Columns map[string]bool // of the table, in small letters; a star: all of them
	Broken  string          // why the database cannot run it; then nothing can be renamed
}

// Bystanders returns what other programs keep on tables, and whatever is broken.
type Bystanders func(ctx context.Context, tables []string) ([]Bystander, error)

// moved is a table or a column that a plan renames, under its present names.
type moved struct {
	table, column, to string
	retired           bool // out of use
}

// bystanders blocks the file when a view, a trigger or a foreign key of another program would go on working with what
// goes out of use, and says so when they follow something to its new name.
func (w *work) bystanders(ctx context.Context) error {
	list, any := w.movements()
	if !any || w.g.Bystanders == nil {
		return nil
	}
	var tables []string
	gone := map[string]bool{}
	for _, m := range list {
		tables = append(tables, m.table)
		gone[m.table] = gone[m.table] || m.retired && m.column == ""
	}
	slices.Sort(tables)
	found, err := w.g.Bystanders(ctx, slices.Compact(tables))
	if err != nil {
		return fmt.Errorf("look for what depends on %s: %w", strings.Join(tables, ", "), err)
	}
	said := map[string]bool{}
	for _, d := range found {
		if d.Broken != "" {
			w.block("", fmt.Sprintf("The %s %s is broken (%s), and nothing can be renamed while it is there", d.Kind, d.Name, d.Broken), "Mend or drop it, then try again")
			continue
		}
		for _, m := range list {
			if line := fmt.Sprint(d.Kind, d.Name, m.table, m.column); m.table == d.Table && !said[line] && w.depends(d, m, gone) {
				said[line] = true
			}
		}
	}
	return nil
}

// movements returns what the plan renames away, and whether it renames anything.
func (w *work) movements() (list []moved, any bool) {
	present := map[string]string{} // the present names of tables that an earlier step renamed
	name := func(table string) string {
		if before, ok := present[table]; ok {
			return before
		}
		return table
	}
	for _, a := range w.draft.File.Actions {
		for _, step := range a.Steps {
			switch s := step.(type) {
			case RenameTable:
				any = true
				before := name(s.From)
				present[s.To] = before
				if !IsOutOfUse(s.From) {
					list = append(list, moved{table: before, to: s.To, retired: IsOutOfUse(s.To)})
				}
			case RenameColumn:
				any = true
				if !IsOutOfUse(s.From) {
					list = append(list, moved{table: name(s.Table), column: s.From, to: s.To, retired: IsOutOfUse(s.To)})
				}
			}
		}
	}
	return list, any
}

// depends says what a movement means for one of them, and whether it means anything.
func (w *work) depends(d Bystander, m moved, gone map[string]bool) bool {
	touches := m.column == "" || d.Columns[strings.ToLower(m.column)]
	what := m.table
	if m.column != "" {
		what = m.column + " of " + m.table
	}
	switch {
	case d.Kind == ForeignKey && d.along(gone):
		return false
	case !touches && !(d.Columns["*"] && m.retired):
		return false
	case d.Kind == ForeignKey && m.retired:
		w.block("", fmt.Sprintf("A foreign key of %s, which no file describes, is on %s", d.Child, what), "Drop it first: rows out of use would still decide which rows may be written or deleted")
	case (d.Kind == View || d.Kind == Trigger || d.Kind == Policy) && m.retired && touches:
		w.block("", fmt.Sprintf("The %s %s uses %s", d.Kind, d.Name, what), fmt.Sprintf("Drop the %s or change it first: it would go on with what is out of use", d.Kind))
	case m.retired && d.Kind == View:
		w.remark(fmt.Sprintf("The view %s takes all columns of %s, also %s when it is out of use", d.Name, m.table, m.column))
	case m.retired:
		w.remark(fmt.Sprintf("The %s %s stays on %s when it is out of use", d.Kind, d.Name, what))
	default:
		w.remark(fmt.Sprintf("The %s %s uses %s and follows it to %s", d.Kind, d.Name, what, m.to))
	}
	return true
}

// Ours reports whether it is the reference from the values of a field to their row, which Marain makes itself.
func (d Bystander) Ours() bool {
	return d.Kind == ForeignKey && strings.HasPrefix(d.Child, "field_") && strings.HasPrefix(d.Parent, "content_") && (d.Columns["parent_id"] || d.Table == d.Parent)
}

// along reports whether a foreign key is ours, or goes out of use together with what it points at.
func (d Bystander) along(gone map[string]bool) bool {
	if d.Table == d.Parent && d.Table != d.Child {
		return gone[d.Child] || IsOutOfUse(d.Child)
	}
	return d.Ours() || gone[d.Parent] || IsOutOfUse(d.Parent)
}

// remark adds what a person should know before an approval.
func (w *work) remark(message string) {
	f := &w.draft.File
	f.Checks = append(f.Checks, Check{
		Rule: diff.OthersDepend, Message: message, Verdict: Risk, TextCategory: diff.Warning, Category: diff.Warning, Samples: []map[string]any{},
	})
	f.Category = max(f.Category, diff.Warning)
}
