package action

import (
	"context"
	"fmt"

	"marain/backend/diff"
	"marain/backend/document"
)

// IndexLimited is a dialect whose indexes refuse long texts.
type IndexLimited interface {
	// LongestIndexed is how long a text may be that an index holds, in bytes.
	LongestIndexed() int
}

// longest returns how long the texts of a field may be because of its index; false when nothing limits them.
func (w *work) longest(field *document.Field) (bytes int, limited bool) {
	d, ok := w.g.Dialect.(IndexLimited)
	if !ok || !field.Indexed && !field.Unique || columnType(field.Type) != ColumnText {
		return 0, false
	}
	return d.LongestIndexed(), true
}

// checkLength blocks the file when a field that gets an index has texts that no index can hold. Values is a query or a
// quoted table; the column comes quoted. Where long texts are usual, it says that the index will refuse them.
func (w *work) checkLength(ctx context.Context, key string, rule diff.Rule, field *document.Field, values, column string) error {
	limit, limited := w.longest(field)
	if !limited {
		return nil
	}
	grade, later := diff.Safe, ""
	if field.Type == document.LongText || field.Type == document.RichText {
		grade, later = diff.Warning, "; from now on the index refuses longer ones"
	}
	long := fmt.Sprintf("octet_length(%s) > %d", column, limit)
	n, _, err := w.check(ctx, probe{
		key: key, rule: rule,
		query:  fmt.Sprintf("SELECT count(CASE WHEN %s THEN 1 END) AS n, count(*) AS total FROM %s", long, values),
		sample: fmt.Sprintf("SELECT id, octet_length(%s) AS bytes FROM %s WHERE %s ORDER BY id", column, values, long),
		judge: func(n, total int64) (Verdict, diff.Category, string) {
			if n == 0 {
				return ProvedSafe, grade, fmt.Sprintf("0 of %s of %s are longer than %s bytes%s", count(total, "value"), field.ID, group(int64(limit)), later)
			}
			return Risk, diff.Breaking, fmt.Sprintf("%s of %s of %s are longer than %s bytes, which no index can hold", group(n), count(total, "value"), field.ID, group(int64(limit)))
		},
	})
	if err == nil && n > 0 {
		w.block(key, fmt.Sprintf("%s of %s are longer than %s bytes, which no index can hold", count(n, "value"), field.ID, group(int64(limit))),
			"Leave out indexed and unique, or shorten these values first")
	}
	return err
}

// checkDefaults blocks the file when a default is longer than the index of its field holds: no row could be written with
// it. What the applied version said already is not looked at again.
func (w *work) checkDefaults(old, new *document.Entity) {
	for i := range new.Fields {
		field := &new.Fields[i]
		limit, limited := w.longest(field)
		text, ok := field.Default.(string)
		if !limited || !ok || len(text) <= limit {
			continue
		}
		if was := old.Field(field.ID); was != nil && was.Default == field.Default && (was.Indexed || was.Unique) {
			continue
		}
		w.block("fields."+field.ID+".default", fmt.Sprintf("The default of %s is longer than %s bytes, which no index can hold", field.ID, group(int64(limit))),
			"Leave out indexed and unique, or give a shorter default")
	}
}

// checkReturningLength refuses to index former values that are too long for it.
func (f *fields) checkReturningLength(ctx context.Context, c diff.FieldAdded, t Tombstone) error {
	table, column := f.now(document.ContentTable(f.new.ID)), OutOfUse(t.Tag, t.Field)
	if c.Field.Multiple() {
		table, column = f.g.Dialect.Quote(OutOfUse(t.Tag, document.FieldTable(f.new.ID, t.Field))), "value"
	}
	return f.checkLength(ctx, c.Key, c.Rule, c.Field, table, f.g.Dialect.Quote(column))
}
