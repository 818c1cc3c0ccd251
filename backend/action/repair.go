package action

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"marain/backend/diff"
	"marain/backend/document"
)

// Drifted is one difference between a live table and its document, with the SQL that mends it. Differences that one
// action mends together share its SQL; without SQL the plan says why.
type Drifted struct {
	Difference
	Entity string
	SQL    []string
}

// Repair plans the way back from what is live to what an applied document says; in.Old and in.New are that document,
// and batch is the number that the repair will have in the audit chain. It takes nothing away: what does not fit is
// renamed out of use. A document whose tables are as they should be gives a draft without changes.
func (g *Generator) Repair(ctx context.Context, in Input, batch int64) (Draft, error) {
	w := g.begin(in)
	if e := entityOf(in.New); e != nil {
		if err := w.mending(e, g.Lives[e.ID], repairTag(in.Path, batch, e.ID)).all(ctx); err != nil {
			return Draft{}, fmt.Errorf("plan the repair of %s: %w", in.Path, err)
		}
		w.draft.Effects.Expect = append(w.draft.Effects.Expect, Tables(e)...)
	}
	for _, l := range in.Lost {
		if err := w.lost(l); err != nil {
			return Draft{}, fmt.Errorf("plan the repair of %s: %w", in.Path, err)
		}
	}
	w.grade()
	if err := errors.Join(w.room(ctx), w.names(ctx), w.bystanders(ctx)); err != nil {
		return Draft{}, err
	}
	return w.draft, nil
}

// repairTag names what one batch takes out of use because it does not fit.
func repairTag(path string, batch int64, entity string) func(table, column string) string {
	return func(table, column string) string { return Tag(path, int(batch), entity, "repair "+table+"."+column) }
}

// mending brings live tables to what a document says. The same steps repair drift and fit tables that were there before
// Marain was.
type mending struct {
	*fields
	first bool                              // the tables were there before the content type: nothing was lost, and their columns may be others'
	tag   func(table, column string) string // names what goes out of use
	live  map[string]LiveTable
	made  map[string]bool // columns and tables that the plan makes, so that there is nothing to check in them
	// settled has columns whose other differences the plan mends along with one.
	settled map[string]bool
	// columns has the present names of columns that the plan gives their name back.
	columns map[string]string
}

// mending begins to bring the live tables to those of e.
func (w *work) mending(e *document.Entity, life Life, tag func(table, column string) string) *mending {
	return &mending{
		fields: &fields{work: w, old: e, new: e, life: life}, tag: tag, made: map[string]bool{}, settled: map[string]bool{}, columns: map[string]string{},
	}
}

// all plans every difference.
func (m *mending) all(ctx context.Context) error {
	tables := Tables(m.new)
	names := TableNames(tables)
	for _, t := range tables {
		names = append(names, m.outOfUse(t.Name)...)
	}
	live, err := m.g.Inspect(ctx, names)
	if err != nil {
		return fmt.Errorf("look at the live tables: %w", err)
	}
	m.live = maps.Clone(live)
	for _, t := range tables {
		if m.retires(t.Name) {
			delete(m.live, t.Name) // this plan takes it out of use first
		}
	}
	for _, t := range tables {
		if err := m.table(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// table plans the differences of one table.
func (m *mending) table(ctx context.Context, want Table) error {
	have, there := m.live[want.Name]
	if !there {
		var err error
		if have, there, err = m.missingTable(want); err != nil || !there {
			return err
		}
	}
	for _, d := range compareTable(m.g.Dialect, want, have) {
		if err := m.difference(ctx, want, have, d); err != nil {
			return err
		}
	}
	return nil
}

// outOfUse returns the names that a table in use would have if it had been taken out of use: a half restored database
// has it under one of them.
func (m *mending) outOfUse(table string) []string {
	names := []string{OutOfUse(m.life.Tag, table)}
	if f := m.fieldOf(table, ""); f != nil {
		names = append(names, OutOfUse(m.life.Fields[f.ID], table))
	}
	return names
}

// missingTable plans a table that is not there: it is renamed back where it lies under the name of what is out of use,
// else it is made again, empty. It returns the table that is renamed back.
func (m *mending) missingTable(want Table) (LiveTable, bool, error) {
	if m.first {
		m.made[want.Name] = true
		return LiveTable{}, false, m.migrate(fmt.Sprintf("Create table %s", want.Name), []Step{CreateTable{want}}, retireTables([]Table{want}, m.tag(want.Name, "")))
	}
	d := Difference{Kind: MissingTable, Table: want.Name}
	for _, name := range m.outOfUse(want.Name) {
		if have, there := m.live[name]; there {
			d.Message = fmt.Sprintf("the table is missing, and is there as %s: it gets its name back with its rows", name)
			m.physical[want.Name] = name
			return have, true, m.mended(d, fmt.Sprintf("Give table %s its name back", want.Name),
				[]Step{RenameTable{name, want.Name}}, []Step{RenameTable{want.Name, name}})
		}
	}
	d.Message = "the table is missing, and ITS ROWS ARE GONE with it: it is made again, empty; only a backup may have them"
	m.made[want.Name] = true
	return LiveTable{}, false, m.mended(d, fmt.Sprintf("Make table %s again, empty", want.Name),
		[]Step{CreateTable{want}}, retireTables([]Table{want}, m.tag(want.Name, "")))
}

// difference plans one difference of a table that is there.
func (m *mending) difference(ctx context.Context, want Table, have LiveTable, d Difference) error {
	if d.Column != "" && m.settled[want.Name+"."+d.Column] {
		m.report(d, nil)
		return nil
	}
	switch d.Kind {
	case MissingColumn:
		return m.missingColumn(ctx, want, have, d)
	case OtherType:
		return m.otherType(ctx, want, have, d)
	case AllowsEmpty:
		fill, err := m.emptyValues(ctx, want, d)
		if err != nil {
			return err
		}
		up := append(fill, SetNotNull{want.Name, d.Column})
		return m.mended(d, fmt.Sprintf("Refuse empty values in %s of %s", d.Column, want.Name), up, []Step{DropNotNull{want.Name, d.Column}})
	case RefusesEmpty:
		return m.mended(d, fmt.Sprintf("Allow empty values in %s of %s", d.Column, want.Name),
			[]Step{DropNotNull{want.Name, d.Column}}, []Step{SetNotNull{want.Name, d.Column}})
	case MissingIndex, OtherIndex:
		return m.index(ctx, want, have, d)
	default:
		m.report(d, nil)
		m.block(d.key(), fmt.Sprintf("%s: %s, and this cannot be repaired", d.Table, d.Message), "Put it back as it was")
		return nil
	}
}

// index plans an index that is missing or another one.
func (m *mending) index(ctx context.Context, want Table, have LiveTable, d Difference) error {
	i := slices.IndexFunc(want.Indexes, func(index Index) bool { return index.Name == d.Index })
	index := want.Indexes[i]
	if f := m.fieldOf(want.Name, d.Column); f != nil && !m.made[want.Name] && !m.made[want.Name+"."+d.Column] {
		if err := m.checkLength(ctx, d.key(), d.rule(), f, m.now(want.Name), m.g.Dialect.Quote(m.column(want.Name, d.Column))); err != nil {
			return err
		}
	}
	if index.Unique && !m.made[want.Name] && !m.made[want.Name+"."+d.Column] {
		field := d.Column
		if f := m.fieldOf(want.Name, d.Column); f != nil {
			field = f.ID
		}
		if err := m.checkDuplicates(ctx, d.key(), diff.LiveUniqueDiffers, field, m.now(want.Name), m.column(want.Name, d.Column)); err != nil {
			return err
		}
	}
	up, down := []Step{CreateIndex{index}}, []Step{DropIndex{index}}
	if other := have.Index(d.Index); other != nil {
		up = append([]Step{DropIndex{*other}}, up...)
		if !other.Special {
			down = append(down, CreateIndex{*other})
		}
	}
	return m.mended(d, fmt.Sprintf("Make index %s again", d.Index), up, down)
}

// fieldOf returns the field that a column of a table holds, or that the table as a whole holds; nil for a built-in one.
func (m *mending) fieldOf(table, column string) *document.Field {
	for i := range m.new.Fields {
		f := &m.new.Fields[i]
		switch {
		case f.Multiple() && (table == document.FieldTable(m.new.ID, f.ID) || table == document.FieldRevisionsTable(m.new.ID, f.ID)):
			if column == "" || column == "value" {
				return f
			}
		case !f.Multiple() && column == f.ID && (table == document.ContentTable(m.new.ID) || table == document.RevisionsTable(m.new.ID)):
			return f
		}
	}
	return nil
}

// mended records a difference with the steps that mend it.
func (m *mending) mended(d Difference, description string, up, down []Step) error {
	if err := m.migrate(description, up, down); err != nil {
		return err
	}
	m.report(d, m.draft.File.Actions[len(m.draft.File.Actions)-1].Up)
	return nil
}

// report records a difference.
func (m *mending) report(d Difference, sql []string) {
	line := 1
	if f := m.fieldOf(d.Table, d.Column); f != nil {
		line = f.Line
	}
	m.differ(d, m.new.ID, line, sql)
}

// differ records a difference of a content type, with what mends it.
func (w *work) differ(d Difference, entity string, line int, sql []string) {
	if sql == nil {
		sql = []string{}
	}
	rule, op := d.rule(), diff.Modify
	if strings.HasPrefix(string(d.Kind), "missing_") {
		op = diff.Add
	}
	w.change(diff.EntityAltered{Head: diff.Head{
		Op: op, Key: d.key(), Category: rule.TextCategory(), Rule: rule, Message: d.Table + ": " + d.Message, Line: line,
	}})
	w.draft.Drift = append(w.draft.Drift, Drifted{Difference: d, Entity: entity, SQL: sql})
}

// Key names what differs: a table, or a column or an index of one.
func (d Difference) Key() string { return d.key() }

func (d Difference) key() string {
	switch {
	case d.Index != "":
		return d.Table + "." + d.Index
	case d.Column != "":
		return d.Table + "." + d.Column
	}
	return d.Table
}

// rule is the rule under which the mending of a difference is graded.
func (d Difference) rule() diff.Rule {
	switch d.Kind {
	case MissingTable:
		return diff.LiveTableMissing
	case MissingColumn:
		return diff.LiveColumnMissing
	case OtherType:
		return diff.LiveTypeDiffers
	case AllowsEmpty:
		return diff.LiveAllowsEmpty
	case RefusesEmpty:
		return diff.LiveRefusesEmpty
	case MissingIndex, OtherIndex:
		if d.Unique {
			return diff.LiveUniqueDiffers
		}
		return diff.LiveIndexDiffers
	case LostValues:
		return diff.ValuesLost
	default:
		return diff.UnknownRule
	}
}

// words joins names for a sentence.
func words(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = strconv.Quote(n)
	}
	return strings.Join(quoted, ", ")
}
