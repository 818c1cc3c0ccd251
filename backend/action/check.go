package action

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"marain/backend/diff"
	"marain/backend/document"
)

// sampleRows is how many rows a check shows.
const sampleRows = 5

// probe is a question to the real rows: query returns one row with the columns n (what offends) and total.
type probe struct {
	key   string
	rule  diff.Rule
	query string
	// sample returns rows that offend; empty for none.
	sample string
	// more takes further figures of the row; nil for none.
	more func(row map[string]any)
	// judge says what the figures mean.
	judge func(n, total int64) (Verdict, diff.Category, string)
}

// unknown is the count of a check that could not finish.
const unknown = -1

// check runs a probe within its time limit and records it. A check that cannot finish says not proved: it never makes
// anything safer, and its count is unknown.
func (w *work) check(ctx context.Context, p probe) (n int64, proved bool, err error) {
	began := time.Now()
	c := Check{
		Key: p.key, Rule: p.rule, SQL: p.query, Samples: []map[string]any{},
		Verdict: NotProved, TextCategory: p.rule.TextCategory(), Category: max(p.rule.TextCategory(), diff.Warning),
		Message: fmt.Sprintf("Not proved for %s: the rows could not be read in time", w.subject(p.key)),
	}
	limited, cancel := context.WithTimeout(ctx, w.g.CheckLimit)
	defer cancel()
	rows, err := w.read(limited, p.query, 1)
	switch {
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
	case errors.Is(err, ErrTooLong):
		c.Message = fmt.Sprintf("Not proved for %s: the field has had too many types for one question", w.subject(p.key))
	case err != nil:
		return 0, false, fmt.Errorf("check %s: %w", p.key, err)
	case len(rows) == 1:
		c.Count, c.Total = whole(rows[0]["n"]), whole(rows[0]["total"])
		if p.more != nil {
			p.more(rows[0])
		}
		c.Verdict, c.Category, c.Message = p.judge(c.Count, c.Total)
		proved = true
		if c.Verdict == Risk && p.sample != "" {
			c.Samples = w.samples(limited, p.sample)
		}
	}
	c.DurationMS = float64(time.Since(began).Microseconds()) / 1000
	w.draft.File.Checks = append(w.draft.File.Checks, c)
	if !proved {
		return unknown, false, nil
	}
	return c.Count, true, nil
}

// subject names what a check with a key is about: a field of a content type, a column, or the content type as a whole.
func (w *work) subject(key string) string {
	e := entityOf(w.in.New)
	if e == nil {
		e = entityOf(w.in.Old)
	}
	path := strings.Split(key, ".")
	switch {
	case e == nil:
		return key
	case len(path) > 1 && path[0] == "fields":
		return e.ID + "." + path[1]
	case len(path) > 1:
		return key
	}
	return e.ID
}

// read runs a query unless nothing can be read at all, as in a plan made away from a database.
func (w *work) read(ctx context.Context, query string, limit int) ([]map[string]any, error) {
	if w.g.Rows == nil {
		return nil, context.DeadlineExceeded
	}
	return w.g.Rows.Read(ctx, query, limit)
}

// samples are shown for orientation only: when they cannot be read the verdict still stands.
func (w *work) samples(ctx context.Context, query string) []map[string]any {
	rows, err := w.read(ctx, query, sampleRows)
	if err != nil {
		return []map[string]any{}
	}
	for _, row := range rows {
		for column, value := range row {
			row[column] = short(value)
		}
	}
	return rows
}

func (w *work) sampleValues(ctx context.Context, e *document.Entity, f *document.Field) []string {
	table, column := place(e, f)
	q := w.g.Dialect.Quote
	query := fmt.Sprintf("SELECT %s AS value FROM %s WHERE %s IS NOT NULL ORDER BY id", q(column), w.now(table), q(column))
	limited, cancel := context.WithTimeout(ctx, w.g.CheckLimit)
	defer cancel()
	rows, err := w.read(limited, query, 3)
	if err != nil {
		return nil
	}
	var values []string
	for _, row := range rows {
		values = append(values, fmt.Sprint(short(row["value"])))
	}
	return values
}

// now returns, quoted, the name that a table has at this moment: those of a content type that comes back in this plan
// still have the one they got when they went out of use.
func (w *work) now(table string) string {
	if name, ok := w.physical[table]; ok {
		table = name
	}
	return w.g.Dialect.Quote(table)
}

// place returns the table and the column that hold a field's values.
func place(e *document.Entity, f *document.Field) (table, column string) {
	if f.Multiple() {
		return document.FieldTable(e.ID, f.ID), "value"
	}
	return document.ContentTable(e.ID), f.ID
}

// checkRows asks how many rows a content type has that is about to leave.
func (w *work) checkRows(ctx context.Context, e *document.Entity) error {
	table := w.now(document.ContentTable(e.ID))
	key := ""
	for _, h := range w.draft.File.Changes {
		if h.Rule == diff.EntityRemovedRule {
			key = h.Key
		}
	}
	_, _, err := w.check(ctx, probe{
		key: key, rule: diff.EntityRemovedRule,
		query:  fmt.Sprintf("SELECT count(*) AS n, count(*) AS total FROM %s", table),
		sample: fmt.Sprintf("SELECT id FROM %s ORDER BY id", table),
		judge: func(n, _ int64) (Verdict, diff.Category, string) {
			if n == 0 {
				return ProvedSafe, diff.Warning, fmt.Sprintf("%s has no rows", e.ID)
			}
			return Risk, diff.Breaking, fmt.Sprintf("%s of %s go out of use; they are kept and can be brought back", rowCount(n), e.ID)
		},
	})
	if err != nil {
		return err
	}
	return w.checkRevisionsLeave(ctx, key, e)
}

// checkValues asks how many rows hold a value of a field that is about to leave.
func (w *work) checkValues(ctx context.Context, e *document.Entity, c diff.FieldRemoved) error {
	table, column := place(e, c.Field)
	q := w.g.Dialect.Quote
	_, _, err := w.check(ctx, probe{
		key: c.Key, rule: c.Rule,
		query:  fmt.Sprintf("SELECT count(%s) AS n, count(*) AS total FROM %s", q(column), w.now(table)),
		sample: fmt.Sprintf("SELECT id, %s FROM %s WHERE %s IS NOT NULL ORDER BY id", q(column), w.now(table), q(column)),
		judge: func(n, total int64) (Verdict, diff.Category, string) {
			if n == 0 {
				return ProvedSafe, diff.Warning, fmt.Sprintf("0 of %s hold a value of %s", rowCount(total), c.Field.ID)
			}
			return Risk, diff.Breaking, fmt.Sprintf("%s of %s hold a value of %s; the values are kept and can be brought back", group(n), rowCount(total), c.Field.ID)
		},
	})
	return err
}

// checkEmpty asks how many rows lack a value that is about to be required, and for a value to give them.
func (f *fields) checkEmpty(ctx context.Context, c diff.FieldAltered) (*string, error) {
	q := f.g.Dialect.Quote
	content := f.now(document.ContentTable(f.new.ID))
	was := c.From.ID // the checks read the tables as they are now
	condition := q(was) + " IS NULL"
	if c.To.Multiple() {
		condition = fmt.Sprintf("NOT EXISTS (SELECT 1 FROM %s v WHERE v.parent_id = %s.id)", f.now(document.FieldTable(f.new.ID, was)), content)
	}
	empty, proved, err := f.check(ctx, probe{
		key: c.Key, rule: c.Rule,
		query:  fmt.Sprintf("SELECT (SELECT count(*) FROM %s WHERE %s) AS n, (SELECT count(*) FROM %s) AS total", content, condition, content),
		sample: fmt.Sprintf("SELECT id FROM %s WHERE %s ORDER BY id", content, condition),
		judge: func(n, total int64) (Verdict, diff.Category, string) {
			if n == 0 {
				return ProvedSafe, diff.Safe, fmt.Sprintf("0 of %s are empty", rowCount(total))
			}
			return Risk, diff.Breaking, fmt.Sprintf("%s of %s have no %s", group(n), rowCount(total), c.To.ID)
		},
	})
	if err != nil || c.To.Multiple() || (proved && empty == 0) {
		return nil, err
	}
	return f.freeText(ctx, c.Key, c.To, was, empty)
}

// backfill asks what the rows that exist get for a new required field.
func (f *fields) backfill(ctx context.Context, c diff.FieldAdded) (any, error) {
	content := f.now(document.ContentTable(f.new.ID))
	rows, proved, err := f.check(ctx, probe{
		key: c.Key, rule: c.Rule,
		query: fmt.Sprintf("SELECT count(*) AS n, count(*) AS total FROM %s", content),
		judge: func(n, _ int64) (Verdict, diff.Category, string) {
			switch {
			case n == 0:
				return ProvedSafe, diff.Safe, "The table is empty"
			case c.Field.Default != nil:
				return ProvedSafe, diff.Safe, fmt.Sprintf("%s get the default", rowCount(n))
			}
			return Risk, diff.Breaking, fmt.Sprintf("%s have no %s yet", rowCount(n), c.Field.ID)
		},
	})
	if err != nil || c.Field.Multiple() || c.Field.Default != nil || (proved && rows == 0) {
		return nil, err
	}
	return f.askFill(c.Key, c.Field, rows)
}

// fillReturning asks what rows get that were written while a required field was out of use.
func (f *fields) fillReturning(ctx context.Context, c diff.FieldAdded, t Tombstone) (*string, error) {
	q := f.g.Dialect.Quote
	table := f.now(document.ContentTable(f.new.ID))
	column := q(OutOfUse(t.Tag, t.Field))
	empty, proved, err := f.check(ctx, probe{
		key: c.Key, rule: c.Rule,
		query:  fmt.Sprintf("SELECT count(*) - count(%s) AS n, count(*) AS total FROM %s", column, table),
		sample: fmt.Sprintf("SELECT id FROM %s WHERE %s IS NULL ORDER BY id", table, column),
		judge: func(n, total int64) (Verdict, diff.Category, string) {
			if n == 0 {
				return ProvedSafe, diff.Safe, fmt.Sprintf("All %s have their value", rowCount(total))
			}
			return Risk, diff.Breaking, fmt.Sprintf("%s of %s were written since and have no %s", group(n), rowCount(total), c.Field.ID)
		},
	})
	if err != nil || (proved && empty == 0) {
		return nil, err
	}
	return f.freeText(ctx, c.Key, c.Field, OutOfUse(t.Tag, t.Field), empty)
}

// freeText is askText for rows of which none may have the value already when the field is unique.
func (f *fields) freeText(ctx context.Context, key string, field *document.Field, column string, rows int64) (*string, error) {
	fill := f.askText(key, field, rows)
	if fill == nil {
		return nil, nil
	}
	value, err := document.ParseValue(field, *fill)
	if err != nil {
		return nil, fmt.Errorf("read the value that rows of %s get: %w", field.ID, err)
	}
	return fill, f.checkFillFree(ctx, key, field, column, value)
}

// askFill asks for the value that rows without one get.
func (f *fields) askFill(key string, field *document.Field, rows int64) (any, error) {
	text := f.askText(key, field, rows)
	if text == nil {
		return nil, nil
	}
	value, err := document.ParseValue(field, *text)
	if err != nil {
		return nil, fmt.Errorf("read the value that rows of %s get: %w", field.ID, err)
	}
	return value, nil
}

// askText asks for the value that rows without one get, as a person writes it. A default of the field is offered. Nil
// means that there is none yet, or none that will do.
func (f *fields) askText(key string, field *document.Field, rows int64) *string {
	number := "the rows"
	if rows != unknown {
		number = rowCount(rows)
	}
	q := Question{
		Key:  "backfill:" + f.new.ID + "." + field.ID,
		Text: fmt.Sprintf("Which value of %s (%s) do %s get that have none?", field.ID, field.Type, number),
		Type: string(field.Type),
	}
	if field.Default != nil {
		def := fmt.Sprint(field.Default)
		q.Default = &def
	}
	answer, ok := f.ask(q)
	if !ok {
		return nil
	}
	_, err := document.ParseValue(field, answer)
	if err != nil {
		f.block(key, fmt.Sprintf("%s cannot be %q: %s", field.ID, short(answer), err), fmt.Sprintf("Give a value of type %s", field.Type))
		return nil
	}
	if field.Unique && rows > 1 {
		f.block(key, fmt.Sprintf("%s is unique, and %s would get the same value", field.ID, rowCount(rows)), "Give these rows different values first, or leave out unique")
		return nil
	}
	return &answer
}

// checkFillFree refuses a backfill of a unique field that another row has already.
func (f *fields) checkFillFree(ctx context.Context, key string, field *document.Field, column string, fill any) error {
	if fill == nil || !field.Unique {
		return nil
	}
	table := document.ContentTable(f.new.ID)
	if present, ok := f.physical[table]; ok {
		table = present
	}
	same, err := f.g.Dialect.Equal(column, columnType(field.Type), fill)
	if err != nil {
		return err
	}
	rows, err := f.read(ctx, fmt.Sprintf("SELECT id FROM %s WHERE %s", f.g.Dialect.Quote(table), same), 1)
	if err != nil {
		return fmt.Errorf("look for an equal value: %w", err)
	}
	if len(rows) > 0 {
		f.block(key, fmt.Sprintf("%s is unique, and another row (%v) has the value %v already", field.ID, rows[0]["id"], fill), "Answer with a value that no row has")
	}
	return nil
}

// checkIndexed asks for texts that are too long for the index that a field gets.
func (f *fields) checkIndexed(ctx context.Context, c diff.FieldAltered, table, column string) error {
	now := column
	if c.From.ID != c.To.ID {
		table, now = place(f.new, c.From)
	}
	return f.checkLength(ctx, c.Key, c.Rule, c.To, f.now(table), f.g.Dialect.Quote(now))
}

func whole(v any) int64 {
	switch n := v.(type) {
	case int64:
		return n
	case int32:
		return int64(n)
	case int:
		return int64(n)
	}
	return 0
}

// short cuts a long text so that a sample stays a sample.
func short(v any) any {
	const limit = 200
	text, ok := v.(string)
	if !ok || utf8.RuneCountInString(text) <= limit {
		return v
	}
	return string([]rune(text)[:limit]) + "…"
}

// RowCount writes a number of rows for people: 1 row, 12,400 rows.
func RowCount(n int64) string { return rowCount(n) }

func rowCount(n int64) string { return count(n, "row") }

func count(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return group(n) + " " + noun + "s"
}

// group writes a number with commas between the thousands.
func group(n int64) string {
	digits := fmt.Sprint(n)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 && digits[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}
