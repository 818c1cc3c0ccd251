package action

import (
	"context"
	"fmt"
	"strings"

	"marain/backend/diff"
	"marain/backend/document"
)

// revisionsOf writes a query of every revision of a content type by id and rid, also of those that only the table of a
// list knows.
func (w *work) revisionsOf(e *document.Entity) string {
	q := w.g.Dialect.Quote
	all := []string{fmt.Sprintf("SELECT %s, %s FROM %s", q("id"), q("rid"), w.now(document.RevisionsTable(e.ID)))}
	for i := range e.Fields {
		if field := &e.Fields[i]; field.Multiple() {
			all = append(all, fmt.Sprintf("SELECT %s, %s FROM %s", q("parent_id"), q("rid"), w.now(document.FieldRevisionsTable(e.ID, field.ID))))
		}
	}
	return strings.Join(all, " UNION ")
}

// checkRevisionsLeave asks how many revisions leave together with a content type.
func (w *work) checkRevisionsLeave(ctx context.Context, key string, e *document.Entity) error {
	if !e.Versioned {
		return nil
	}
	_, _, err := w.check(ctx, probe{
		key: key, rule: diff.EntityRemovedRule,
		query:  fmt.Sprintf("SELECT count(*) AS n, count(*) AS total FROM (%s) AS r", w.revisionsOf(e)),
		sample: fmt.Sprintf("SELECT * FROM (%s) AS r ORDER BY 1, 2", w.revisionsOf(e)),
		judge: func(n, _ int64) (Verdict, diff.Category, string) {
			if n == 0 {
				return ProvedSafe, diff.Warning, fmt.Sprintf("%s has no revisions", e.ID)
			}
			return Risk, diff.Breaking, fmt.Sprintf("%s of %s go out of use; they are kept and can be brought back", count(n, "revision"), e.ID)
		},
	})
	return err
}

// checkRevisionValues asks how many values of a field that is about to leave stand in revisions.
func (f *fields) checkRevisionValues(ctx context.Context, c diff.FieldRemoved) error {
	if !f.old.Versioned {
		return nil
	}
	q := f.g.Dialect.Quote
	s := f.today(c.Field, true)
	table, column, id := f.now(document.RevisionsTable(f.old.ID)), q(s.column), q("id")
	if c.Field.Multiple() {
		table, column, id = q(s.table), q("value"), q("parent_id")
	}
	_, _, err := f.check(ctx, probe{
		key: c.Key, rule: c.Rule,
		query:  fmt.Sprintf("SELECT count(%s) AS n, count(*) AS total FROM %s", column, table),
		sample: fmt.Sprintf("SELECT %s AS id, %s AS value FROM %s WHERE %s IS NOT NULL ORDER BY 1", id, column, table, column),
		judge: func(n, _ int64) (Verdict, diff.Category, string) {
			if n == 0 {
				return ProvedSafe, diff.Warning, fmt.Sprintf("No revision holds a value of %s", c.Field.ID)
			}
			return Risk, diff.Breaking, fmt.Sprintf("%s of %s stand in revisions; they are kept and can be brought back", count(n, "value"), c.Field.ID)
		},
	})
	return err
}

// checkRevisionLimit asks how many revisions have more values than the single one that is left of them.
func (f *fields) checkRevisionLimit(ctx context.Context, r *replacement) error {
	rows := f.g.rows(f.nowName(document.RevisionsTable(f.new.ID)), true)
	s := f.today(r.from, true)
	over := fmt.Sprintf("SELECT %s AS id, %s, count(*) AS number FROM %s GROUP BY %s HAVING count(*) > 1",
		rows.of(s.table, "parent_id"), rows.of(s.table, "rid"), rows.quote(s.table), rows.list(s.table, rows.parents()...))
	_, _, err := f.check(ctx, probe{
		key: r.key, rule: r.rule,
		query:  fmt.Sprintf("SELECT (SELECT count(*) FROM (%s) AS o) AS n, (SELECT count(*) FROM %s) AS total", over, rows.quote(rows.table)),
		sample: over + " ORDER BY 1, 2",
		judge: func(n, total int64) (Verdict, diff.Category, string) {
			if n == 0 {
				return ProvedSafe, diff.Warning, fmt.Sprintf("0 of %s have more than 1 value of %s", count(total, "revision"), r.to.ID)
			}
			return Risk, diff.Breaking, fmt.Sprintf("%s of %s have more than 1 value of %s; the others go out of use and are kept", group(n), count(total, "revision"), r.to.ID)
		},
	})
	return err
}

// checkStray asks for values of a list whose row is not there: with one value for a row there is no place for them.
func (f *fields) checkStray(ctx context.Context, r *replacement) error {
	q := f.g.Dialect.Quote
	table, rows := f.now(document.FieldTable(f.new.ID, r.from.ID)), f.now(document.ContentTable(f.new.ID))
	stray := fmt.Sprintf("FROM %s AS v WHERE NOT EXISTS (SELECT 1 FROM %s AS p WHERE p.%s = v.%s)", table, rows, q("id"), q("parent_id"))
	_, _, err := f.check(ctx, probe{
		key: r.key, rule: r.rule,
		query:  fmt.Sprintf("SELECT count(*) AS n, (SELECT count(*) FROM %s) AS total %s", table, stray),
		sample: fmt.Sprintf("SELECT v.%s AS id, v.%s AS value %s ORDER BY 1", q("parent_id"), q("value"), stray),
		judge: func(n, total int64) (Verdict, diff.Category, string) {
			if n == 0 {
				return ProvedSafe, diff.Warning, fmt.Sprintf("All %s of %s belong to a row", count(total, "value"), r.to.ID)
			}
			return Risk, diff.Breaking, fmt.Sprintf("%s of %s of %s belong to no row; they go out of use and are kept", group(n), count(total, "value"), r.to.ID)
		},
	})
	return err
}

// checkKept asks how many values go on as they are under another type, or point at nothing from now on.
func (f *fields) checkKept(ctx context.Context, c diff.FieldAltered) error {
	table, column := place(f.new, c.From)
	q := f.g.Dialect.Quote
	_, _, err := f.check(ctx, probe{
		key: c.Key, rule: c.Rule,
		query: fmt.Sprintf("SELECT 0 AS n, count(%s) AS total FROM %s", q(column), f.now(table)),
		judge: func(_, total int64) (Verdict, diff.Category, string) {
			if c.Rule == diff.TargetChanged {
				return ProvedSafe, diff.Warning, fmt.Sprintf("%s of %s point at nothing any more and need not", count(total, "value"), c.To.ID)
			}
			return ProvedSafe, diff.Warning, fmt.Sprintf("All %s of %s stay as they are", count(total, "value"), c.To.ID)
		},
	})
	return err
}
