package action

import (
	"context"
	"fmt"
	"slices"

	"marain/backend/diff"
	"marain/backend/document"
)

// retyping is a column of another type that gives its place to one of the right type.
type retyping struct {
	table    string
	field    *document.Field
	want     Column
	have     LiveColumn
	mine     []Index        // live indexes on it that have names of ours
	rules    []Index        // those that a document asks for
	from     document.Field // the field that the values are read as
	cast     bool           // its type is none of ours: the values are read as text
	alien    bool           // and none of them means what the field holds
	out      string         // what the column is called out of use
	required bool
}

// otherType plans a column of another type: it goes out of use with its values inside, and the right one is made and
// filled from it.
func (m *mending) otherType(ctx context.Context, want Table, have LiveTable, d Difference) error {
	m.settled[want.Name+"."+d.Column] = true
	r, ok := m.retyping(want, have, d)
	if !ok {
		m.report(d, nil)
		m.block(d.key(), fmt.Sprintf("%s: %s", want.Name, d.Message), "Put the column's type back")
		return nil
	}
	for _, index := range have.Indexes {
		if index.Unique && contains(index.Columns, m.column(want.Name, d.Column)) && !slices.ContainsFunc(r.mine, func(i Index) bool { return i.Name == index.Name }) {
			m.block(d.key(), fmt.Sprintf("The unique index %s, which no file describes, is on %s", index.Name, d.Column),
				"Drop that index first: out of use, the values would still refuse rows")
		}
	}
	fill, err := m.checkRetyping(ctx, r, d)
	if err != nil {
		return err
	}
	m.draft.Effects.Retired = append(m.draft.Effects.Retired, m.foreign(r, d))
	d.Message += fmt.Sprintf(": it goes out of use as %s with its values inside, and %s", r.out, r.fate())
	return m.mended(d, r.description(m.g.Dialect.DeclaredType(r.want.Type)), m.retype(r, fill), m.retypeBack(r, d))
}

// retyping finds out how the values of a column of another type are read.
func (m *mending) retyping(want Table, have LiveTable, d Difference) (retyping, bool) {
	r := retyping{table: want.Name, field: m.fieldOf(want.Name, d.Column)}
	if r.field == nil {
		return r, false
	}
	r.want = want.Columns[slices.IndexFunc(want.Columns, func(c Column) bool { return c.Name == d.Column })]
	r.have = *have.Column(m.column(want.Name, d.Column))
	r.required = r.want.NotNull
	r.out = OutOfUse(m.tag(want.Name, d.Column), d.Column)
	for _, index := range want.Indexes {
		if index.Columns[0] != d.Column {
			continue
		}
		r.rules = append(r.rules, index)
		if live := have.Index(index.Name); live != nil {
			r.mine = append(r.mine, *live)
		}
	}
	r.from = *r.field
	kind, known := fieldType(m.g.Dialect, r.have.Type)
	if r.cast = !known; r.cast {
		kind = document.Text
	}
	if Stored(kind) == ColumnText && Stored(r.field.Type) == ColumnText {
		kind = r.field.Type // as they lie: what is no slug was none before either
	}
	r.from.Type, r.from.Fields = kind, nil
	r.alien = r.cast && Stored(r.field.Type) != ColumnText && !m.g.Dialect.SaysAsText(r.have.Type)
	return r, true
}

// value writes a former value as it is read; column is qualified and quoted.
func (r retyping) value(column string) string {
	switch {
	case r.alien:
		return "CAST(NULL AS TEXT)"
	case r.cast:
		return "CAST(" + column + " AS TEXT)"
	}
	return column
}

// fate says what becomes of the values.
func (r retyping) fate() string {
	if r.alien {
		return "they stay there: none of that type converts"
	}
	return "they are converted"
}

// description says what the change of the type does.
func (r retyping) description(declared string) string {
	if r.alien {
		return fmt.Sprintf("Give %s a column %s of type %s", r.table, r.want.Name, declared)
	}
	return fmt.Sprintf("Convert %s of %s to %s", r.want.Name, r.table, declared)
}

// retype returns the steps that put the right column in the place of a former one.
func (m *mending) retype(r retyping, fill any) []Step {
	steps := dropIndexes(r.mine)
	if r.have.NotNull {
		steps = append(steps, DropNotNull{r.table, r.want.Name})
	}
	bare := Column{Name: r.want.Name, Type: r.want.Type}
	rows := m.g.rows(r.table, false)
	former := rows.column(r.out)
	steps = append(steps, RenameColumn{r.table, r.want.Name, r.out}, AddColumn{r.table, bare})
	if !r.alien {
		steps = append(steps, Update{
			Table: r.table, Set: []Assignment{{r.want.Name, rows.as(&r.from, r.field, r.value(former))}}, Where: former + " IS NOT NULL",
		})
	}
	if fill != nil {
		steps = append(steps, Fill{r.table, r.want.Name, r.want.Type, fill})
	}
	if r.required {
		steps = append(steps, SetNotNull{r.table, r.want.Name})
	}
	return append(steps, createIndexes(r.rules)...)
}

// retypeBack returns the inverse: the former column comes back, the one that took its place goes out of use.
func (m *mending) retypeBack(r retyping, d Difference) []Step {
	steps := dropIndexes(r.rules)
	if r.required {
		steps = append(steps, DropNotNull{r.table, r.want.Name})
	}
	steps = append(steps, RenameColumn{r.table, r.want.Name, OutOfUse(m.tag(r.table, d.Column+" back"), r.want.Name)}, RenameColumn{r.table, r.out, r.want.Name})
	if r.have.NotNull {
		steps = append(steps, SetNotNull{r.table, r.want.Name})
	}
	return append(steps, createIndexes(r.mine)...)
}

// foreign records a column of another type as being out of use.
func (m *mending) foreign(r retyping, d Difference) Tombstone {
	shape := *m.new
	shape.Name, shape.Fields = r.table, []document.Field{r.from}
	shape.Fields[0].Description = "a column of type " + typeWords(r.have.Type)
	return Tombstone{
		Kind: Foreign, Entity: m.new.ID, EntityTag: m.life.Tag, Field: r.field.ID, Tag: m.tag(r.table, d.Column), Shape: &shape,
		Life: Life{Fields: map[string]string{r.field.ID: m.life.Fields[r.field.ID]}},
	}
}

// checkRetyping asks which values do not come back from the right type exactly as they were, and whether the converted
// ones keep the field's rules. It returns what rows get that would have none.
func (m *mending) checkRetyping(ctx context.Context, r retyping, d Difference) (any, error) {
	rows := m.g.rows(m.nowName(r.table), false)
	column := rows.column(m.column(r.table, d.Column))
	value := r.value(column)
	as := rows.as(&r.from, r.field, value)
	survives := RoundTrip(m.g.Dialect, &r.from, r.field, value)
	var lost int64
	n, proved, err := m.check(ctx, probe{
		key: d.key(), rule: d.rule(),
		query: fmt.Sprintf("SELECT count(CASE WHEN %s IS NOT NULL AND NOT (%s) THEN 1 END) AS n, count(%s) AS total, count(CASE WHEN %s IS NOT NULL AND %s IS NULL THEN 1 END) AS lost FROM %s",
			column, survives, column, column, as, rows.quote(rows.table)),
		sample: fmt.Sprintf("SELECT %s, %s AS value, %s AS becomes FROM %s WHERE %s IS NOT NULL AND NOT (%s) ORDER BY 1",
			rows.column("id"), column, as, rows.quote(rows.table), column, survives),
		more: func(row map[string]any) { lost = whole(row["lost"]) },
		judge: func(n, total int64) (Verdict, diff.Category, string) {
			switch {
			case n == 0:
				return ProvedSafe, diff.Warning, fmt.Sprintf("All %s of %s convert, and back again exactly", count(total, "value"), r.field.ID)
			case lost == 0:
				return Risk, diff.Breaking, fmt.Sprintf("%s of %s of %s are written differently afterwards; the present ones are kept", group(n), count(total, "value"), r.field.ID)
			}
			return Risk, diff.Breaking, fmt.Sprintf("%s of %s of %s do not convert and become empty; the present ones are kept", group(lost), count(total, "value"), r.field.ID)
		},
	})
	if err != nil {
		return nil, err
	}
	unique := slices.ContainsFunc(r.rules, func(i Index) bool { return i.Unique })
	if unique {
		groups := fmt.Sprintf("SELECT %s AS value, count(*) AS number FROM %s WHERE %s IS NOT NULL GROUP BY %s HAVING count(*) > 1", as, rows.quote(rows.table), as, as)
		if err := m.refuseDuplicates(ctx, d.key(), d.rule(), r.field.ID, groups, rows.quote(rows.table)); err != nil {
			return nil, err
		}
	}
	if !r.required {
		return nil, nil
	}
	return m.fillRetyped(ctx, r, d, rows, as, proved && n == 0)
}

// fillRetyped asks what rows get that would have no value of the right type.
func (m *mending) fillRetyped(ctx context.Context, r retyping, d Difference, rows rowset, as string, exact bool) (any, error) {
	empty, proved, err := m.check(ctx, probe{
		key: d.key(), rule: d.rule(),
		query:  fmt.Sprintf("SELECT count(CASE WHEN %s IS NULL THEN 1 END) AS n, count(*) AS total FROM %s", as, rows.quote(rows.table)),
		sample: fmt.Sprintf("SELECT %s FROM %s WHERE %s IS NULL ORDER BY 1", rows.column("id"), rows.quote(rows.table), as),
		judge: func(n, total int64) (Verdict, diff.Category, string) {
			if n == 0 {
				return ProvedSafe, diff.Safe, fmt.Sprintf("0 of %s would be without %s", rowCount(total), r.field.ID)
			}
			return Risk, diff.Breaking, fmt.Sprintf("%s of %s would be without %s", group(n), rowCount(total), r.field.ID)
		},
	})
	if err != nil || proved && empty == 0 || exact && r.have.NotNull {
		return nil, err
	}
	return m.askFill(d.key(), r.field, empty)
}
