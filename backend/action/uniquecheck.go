package action

import (
	"context"
	"fmt"

	"marain/backend/diff"
	"marain/backend/document"
)

// checkReturningUnique refuses to put a unique rule on former values that are not.
func (f *fields) checkReturningUnique(ctx context.Context, c diff.FieldAdded, t Tombstone) error {
	if !c.Field.Unique || t.Shape.Fields[0].Unique {
		return nil
	}
	table, column := f.now(document.ContentTable(f.new.ID)), OutOfUse(t.Tag, t.Field)
	if c.Field.Multiple() {
		table, column = f.g.Dialect.Quote(OutOfUse(t.Tag, document.FieldTable(f.new.ID, t.Field))), "value"
	}
	return f.checkDuplicates(ctx, c.Key, c.Rule, c.Field.ID, table, column)
}

// checkUnique asks for equal values before a rule refuses them.
func (f *fields) checkUnique(ctx context.Context, c diff.FieldAltered, table, column string) error {
	now := table
	was := column
	if c.From.ID != c.To.ID { // renamed in the same plan: the tables still have the former name
		now, was = place(f.new, c.From)
	}
	return f.checkDuplicates(ctx, c.Key, c.Rule, c.To.ID, f.now(now), was)
}

// checkDuplicates blocks the file when a column holds a value twice. The table comes quoted.
func (f *fields) checkDuplicates(ctx context.Context, key string, rule diff.Rule, field, table, column string) error {
	name := f.g.Dialect.Quote(column)
	groups := fmt.Sprintf("SELECT %s AS value, count(*) AS number FROM %s WHERE %s IS NOT NULL GROUP BY %s HAVING count(*) > 1", name, table, name, name)
	return f.refuseDuplicates(ctx, key, rule, field, groups, table)
}

// checkUniqueDefault refuses a unique field whose default would give every row the same value.
func (f *fields) checkUniqueDefault(ctx context.Context, c diff.FieldAdded) error {
	if !c.Field.Unique || c.Field.Default == nil {
		return nil
	}
	n, proved, err := f.check(ctx, probe{
		key: c.Key, rule: c.Rule,
		query: fmt.Sprintf("SELECT count(*) AS n, count(*) AS total FROM %s", f.now(document.ContentTable(f.new.ID))),
		judge: func(n, _ int64) (Verdict, diff.Category, string) {
			if n <= 1 {
				return ProvedSafe, diff.Safe, fmt.Sprintf("%s get the default", rowCount(n))
			}
			return Risk, diff.Breaking, fmt.Sprintf("%s would get the same default", rowCount(n))
		},
	})
	if err != nil {
		return err
	}
	if proved && n > 1 {
		f.block(c.Key, fmt.Sprintf("%s is unique, and %s would get the same default", c.Field.ID, rowCount(n)), "Leave out the default or unique")
	}
	return nil
}
