package action

import (
	"context"
	"errors"
	"fmt"

	"marain/backend/diff"
	"marain/backend/document"
)

// checkReplacement proves on the rows what becomes of the values of a field that is filled anew.
func (f *fields) checkReplacement(ctx context.Context, r *replacement) error {
	rows := f.g.rows(f.nowName(document.ContentTable(f.new.ID)), false)
	lie := f.today(r.from, false)
	if r.rule == diff.ComponentChanged {
		if err := f.checkShape(ctx, r.from, r.to); err != nil {
			return err
		}
	}
	if r.rule == diff.TypeChanged && r.to.Type == document.EntityReference && SameStorage(r.from, r.to) {
		if err := f.checkTarget(ctx, r.key, r.rule, r.from, r.to); err != nil {
			return err
		}
	}
	for _, revisions := range f.both() {
		if SameStorage(r.from, r.to) {
			break
		}
		of := f.g.rows(f.nowName(rowTable(f.new.ID, revisions)), revisions)
		if err := f.checkConversion(ctx, r, of, f.today(r.from, revisions)); err != nil {
			return err
		}
	}
	if r.from.Multiple() && !r.to.Multiple() {
		if err := f.checkFirst(ctx, r); err != nil {
			return err
		}
	}
	return f.checkRules(ctx, r, rows, rows.convert(rows.read(lie), r.to))
}

// checkFirst proves what becomes of several values of which one is left.
func (f *fields) checkFirst(ctx context.Context, r *replacement) error {
	if err := errors.Join(f.checkLimit(ctx, r.key, r.rule, r.from, r.to), f.checkStray(ctx, r)); err != nil || !f.old.Versioned {
		return err
	}
	return f.checkRevisionLimit(ctx, r)
}

// checkConversion asks which values do not come back from the other type exactly as they were.
func (f *fields) checkConversion(ctx context.Context, r *replacement, rows rowset, lie spot) error {
	table, value, id := rows.table, rows.column(lie.column), "id"
	if r.from.Multiple() {
		table, id = lie.table, "parent_id"
		value = rows.of(table, "value")
	}
	as := rows.as(r.from, r.to, value)
	survives := RoundTrip(f.g.Dialect, r.from, r.to, value)
	what := r.to.ID
	if rows.revisions {
		what += " in revisions"
	}
	var lost int64
	_, _, err := f.check(ctx, probe{
		key: r.key, rule: r.rule,
		query: fmt.Sprintf("SELECT count(CASE WHEN %s IS NOT NULL AND NOT (%s) THEN 1 END) AS n, count(%s) AS total, count(CASE WHEN %s IS NOT NULL AND %s IS NULL THEN 1 END) AS lost FROM %s",
			value, survives, value, value, as, rows.quote(table)),
		sample: fmt.Sprintf("SELECT %s AS id, %s AS value, %s AS becomes FROM %s WHERE %s IS NOT NULL AND NOT (%s) ORDER BY %s",
			rows.of(table, id), value, as, rows.quote(table), value, survives, rows.of(table, id)),
		more: func(row map[string]any) { lost = whole(row["lost"]) },
		judge: func(n, total int64) (Verdict, diff.Category, string) {
			switch {
			case n == 0:
				return ProvedSafe, diff.Warning, fmt.Sprintf("All %s of %s convert, and back again exactly", count(total, "value"), what)
			case lost == 0:
				return Risk, diff.Breaking, fmt.Sprintf("%s of %s of %s are written differently afterwards; going back gives the originals back", group(n), count(total, "value"), what)
			}
			return Risk, diff.Breaking, fmt.Sprintf("%s of %s of %s do not convert and become empty; the originals are kept and come back with a rollback", group(lost), count(total, "value"), what)
		},
	})
	return err
}

// checkLimit asks how many rows have more values than they may have from now on. A single value is taken from them; a
// list stays as it is until somebody writes it.
func (f *fields) checkLimit(ctx context.Context, key string, rule diff.Rule, from, to *document.Field) error {
	table := f.now(document.FieldTable(f.new.ID, from.ID))
	parent := f.g.Dialect.Quote("parent_id")
	over := fmt.Sprintf("SELECT %s AS id, count(*) AS number FROM %s GROUP BY %s HAVING count(*) > %d", parent, table, parent, to.Cardinality)
	what, fate := count(int64(to.Cardinality), "value"), "they keep them until they are written"
	if !to.Multiple() {
		fate = "the others go out of use and are kept"
	}
	_, _, err := f.check(ctx, probe{
		key: key, rule: rule,
		query:  fmt.Sprintf("SELECT (SELECT count(*) FROM (%s) AS o) AS n, (SELECT count(*) FROM %s) AS total", over, f.now(document.ContentTable(f.new.ID))),
		sample: over + " ORDER BY 1",
		judge: func(n, total int64) (Verdict, diff.Category, string) {
			if n == 0 {
				return ProvedSafe, diff.Warning, fmt.Sprintf("0 of %s have more than %s of %s", rowCount(total), what, to.ID)
			}
			return Risk, diff.Breaking, fmt.Sprintf("%s of %s have more than %s of %s; %s", group(n), rowCount(total), what, to.ID, fate)
		},
	})
	return err
}

// checkRules asks whether the values that a field will have keep its rules, and for what empty rows get.
func (f *fields) checkRules(ctx context.Context, r *replacement, rows rowset, v relation) error {
	if r.to.Unique {
		if err := f.checkDistinct(ctx, r, rows, v); err != nil {
			return err
		}
	}
	if _, limited := f.longest(r.to); limited {
		values := fmt.Sprintf("(%s) AS %s", rows.query(v), rows.quote("u"))
		if err := f.checkLength(ctx, r.key, r.rule, r.to, values, rows.of("u", "value")); err != nil {
			return err
		}
	}
	if !r.to.Required || r.to.Multiple() || r.fill != nil {
		return nil
	}
	q := rows.quote
	without := fmt.Sprintf("SELECT %s FROM %s LEFT JOIN (%s) AS %s ON %s WHERE %s IS NULL", rows.column("id"), q(rows.table),
		rows.query(v), q("e"), rows.match("e", rows.keys, rows.table, rows.keys), rows.of("e", "value"))
	empty, proved, err := f.check(ctx, probe{
		key: r.key, rule: r.rule,
		query:  fmt.Sprintf("SELECT (SELECT count(*) FROM (%s) AS n) AS n, (SELECT count(*) FROM %s) AS total", without, q(rows.table)),
		sample: without + " ORDER BY 1",
		judge: func(n, total int64) (Verdict, diff.Category, string) {
			if n == 0 {
				return ProvedSafe, diff.Safe, fmt.Sprintf("0 of %s would be without %s", rowCount(total), r.to.ID)
			}
			return Risk, diff.Breaking, fmt.Sprintf("%s of %s would be without %s", group(n), rowCount(total), r.to.ID)
		},
	})
	if err != nil || proved && empty == 0 {
		return err
	}
	if r.fill = f.askText(r.key, r.to, empty); r.fill == nil {
		return nil
	}
	if !r.to.Unique {
		return nil
	}
	return f.checkFree(ctx, r, rows, v)
}

// checkDistinct blocks the file when values that must be unique would not be.
func (f *fields) checkDistinct(ctx context.Context, r *replacement, rows rowset, v relation) error {
	value := rows.of("u", "value")
	groups := fmt.Sprintf("SELECT %s AS value, count(*) AS number FROM (%s) AS %s WHERE %s IS NOT NULL GROUP BY %s HAVING count(*) > 1",
		value, rows.query(v), rows.quote("u"), value, value)
	return f.refuseDuplicates(ctx, r.key, r.rule, r.to.ID, groups, rows.quote(rows.table))
}

// checkFree refuses a backfill of a unique field that another row will have.
func (f *fields) checkFree(ctx context.Context, r *replacement, rows rowset, v relation) error {
	value, err := document.ParseValue(r.to, *r.fill)
	if err != nil {
		return fmt.Errorf("read the value that rows of %s get: %w", r.to.ID, err)
	}
	text, err := f.g.Dialect.Literal(columnType(r.to.Type), value)
	if err != nil {
		return err
	}
	found, err := f.read(ctx, fmt.Sprintf("SELECT %s FROM (%s) AS %s WHERE %s = %s", rows.of("u", "id"), rows.query(v), rows.quote("u"), rows.of("u", "value"), text), 1)
	if err != nil {
		return fmt.Errorf("look for an equal value: %w", err)
	}
	if len(found) > 0 {
		f.block(r.key, fmt.Sprintf("%s is unique, and another row (%v) has the value %v already", r.to.ID, found[0]["id"], value), "Answer with a value that no row has")
	}
	return nil
}

// checkTarget asks how many values would point at nothing.
func (f *fields) checkTarget(ctx context.Context, key string, rule diff.Rule, from, to *document.Field) error {
	table, column := f.nowName(document.ContentTable(f.new.ID)), from.ID
	if from.Multiple() {
		table, column = f.nowName(document.FieldTable(f.new.ID, from.ID)), "value"
	}
	q := f.g.Dialect.Quote
	value := q(table) + "." + q(column)
	target := f.nowName(document.ContentTable(to.Target))
	live, err := f.g.Inspect(ctx, []string{target})
	if err != nil {
		return err
	}
	dangling := value + " IS NOT NULL"
	if _, there := live[target]; there {
		id := f.g.rows(table, false).as(from, to, value) // what will point there
		dangling += fmt.Sprintf(" AND NOT EXISTS (SELECT 1 FROM %s AS t WHERE t.id = %s)", q(target), id)
	}
	_, _, err = f.check(ctx, probe{
		key: key, rule: rule,
		query:  fmt.Sprintf("SELECT count(CASE WHEN %s THEN 1 END) AS n, count(%s) AS total FROM %s", dangling, value, q(table)),
		sample: fmt.Sprintf("SELECT %s.id, %s AS value FROM %s WHERE %s ORDER BY 1", q(table), value, q(table), dangling),
		judge: func(n, total int64) (Verdict, diff.Category, string) {
			if n == 0 {
				return ProvedSafe, diff.Warning, fmt.Sprintf("All %s of %s point at a row of %s", count(total, "value"), to.ID, to.Target)
			}
			return Risk, diff.Breaking, fmt.Sprintf("%s of %s of %s point at no row of %s; they are kept as they are", group(n), count(total, "value"), to.ID, to.Target)
		},
	})
	return err
}

// refuseDuplicates blocks the file when a query finds groups of equal values. The table comes quoted.
func (f *fields) refuseDuplicates(ctx context.Context, key string, rule diff.Rule, field, groups, table string) error {
	n, proved, err := f.check(ctx, probe{
		key: key, rule: rule,
		query:  fmt.Sprintf("SELECT (SELECT count(*) FROM (%s) AS g) AS n, (SELECT count(*) FROM %s) AS total", groups, table),
		sample: groups + " ORDER BY 1",
		judge: func(n, total int64) (Verdict, diff.Category, string) {
			if n == 0 {
				return ProvedSafe, diff.Safe, fmt.Sprintf("No value stands twice in %s", rowCount(total))
			}
			return Risk, diff.Breaking, fmt.Sprintf("%s of %s stand more than once", count(n, "value"), field)
		},
	})
	if err == nil && proved && n > 0 {
		f.block(key, fmt.Sprintf("%s of %s stand more than once", count(n, "value"), field), "Make them different first; the check shows which they are")
	}
	return err
}
