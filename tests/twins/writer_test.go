package twins

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"marain/backend/document"
)

// cell is a value in a row, wherever it lies.
type cell struct{ row, value string }

// writer is another program that writes content with plain SQL. Its rows are its own: nobody else changes or deletes
// them.
type writer struct {
	t     *testing.T
	name  string
	db    *sql.DB
	shape string // the query for what can be written to
	r     *rand.Rand

	next  int
	rows  []ownRow
	alive map[cell]bool // written, and neither overwritten nor deleted with its row
	wrote int
	late  int // refused, because the tables had just become others
}

// ownRow is a row that a writer has made.
type ownRow struct{ table, id string }

// column is where a value can be written to.
type column struct {
	table, name, kind string
	needed            bool
}

const (
	shapeInFile = `SELECT t.name, c.name, c.type, c."notnull" FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c WHERE t.type = 'table'`
	shapeOnHost = `SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 1 ELSE 0 END
		FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace`
)

// run writes until the context ends, some fifty times a second.
func (w *writer) run(ctx context.Context, done *sync.WaitGroup) {
	done.Go(func() {
		for ctx.Err() == nil {
			if err := w.write(ctx); err != nil && ctx.Err() == nil && !w.expected(err) {
				w.t.Errorf("%s: %v", w.name, err)
			}
			pause := time.NewTimer(time.Duration(w.r.IntN(40)) * time.Millisecond)
			select {
			case <-ctx.Done():
			case <-pause.C:
			}
			pause.Stop()
		}
	})
}

// expected reports whether an error only says that the engines changed the tables since they were looked at, that rows
// of the content forbid it, or that an engine has the database for the moment.
func (w *writer) expected(err error) bool {
	w.late++
	return slices.ContainsFunc([]string{
		"no such column", "no such table", "has no column", "does not exist", "is of type", "out of range", "invalid input", "schema has changed",
		"NOT NULL", "not-null", "UNIQUE", "unique", "FOREIGN KEY", "foreign key", "database is locked", "SQLITE_BUSY",
	}, func(words string) bool { return strings.Contains(err.Error(), words) })
}

func (w *writer) write(ctx context.Context) error {
	tables, err := w.look(ctx)
	if err != nil {
		return err
	}
	var names []string
	for name := range tables {
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	table := names[w.r.IntN(len(names))]
	switch what := w.r.IntN(20); {
	case strings.HasPrefix(table, "field_"):
		return w.item(ctx, table, tables[table])
	case what == 0 && len(w.rows) > 0:
		return w.delete(ctx)
	case what < 10 && len(w.rows) > 0:
		return w.update(ctx, tables)
	}
	return w.insert(ctx, table, tables[table])
}

// look returns the tables of content in use, by name.
func (w *writer) look(ctx context.Context) (tables map[string][]column, err error) {
	rows, err := w.db.QueryContext(ctx, w.shape)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	tables = map[string][]column{}
	for rows.Next() {
		var c column
		if err := rows.Scan(&c.table, &c.name, &c.kind, &c.needed); err != nil {
			return nil, err
		}
		single := strings.HasPrefix(c.table, "content_") && !document.ReservedColumn(c.name)
		item := strings.HasPrefix(c.table, "field_") && c.name == "value"
		if (single || item) && !strings.Contains(c.table, "_revisions_") && !strings.HasPrefix(c.name, "_old_") {
			tables[c.table] = append(tables[c.table], c)
		}
	}
	return tables, rows.Err()
}

// value makes a value that is written nowhere else, and the text that it is found by; empty for what cannot be told
// from others.
func (w *writer) value(kind string) (value any, text string) {
	w.next++
	n := w.r.IntN(900)*1_000_000 + 1_000_000_000 + w.next
	switch strings.ToUpper(kind) {
	case "INTEGER", "BIGINT":
		return int64(n), strconv.Itoa(n)
	case "REAL", "DOUBLE PRECISION":
		return float64(n) + 0.5, strconv.FormatFloat(float64(n)+0.5, 'f', -1, 64)
	case "BOOLEAN":
		return w.r.IntN(2) == 1, ""
	case "TIMESTAMP WITH TIME ZONE":
		at := time.Unix(int64(n), 0).UTC()
		return at, at.Format(time.RFC3339Nano)
	}
	switch w.r.IntN(3) {
	case 0:
		return strconv.Itoa(n), strconv.Itoa(n) // this one can become a number
	case 1:
		text = time.Unix(int64(n), 0).UTC().Format(time.RFC3339)
		return text, text
	}
	text = fmt.Sprintf("%s-%d", w.name, n)
	return text, text
}

// spelled writes what a database gives the way value does. A time that comes just when its column has become one of texts
// lies there the way that the driver writes it.
func spelled(v any) string {
	switch v := v.(type) {
	case string:
		if at, err := time.Parse("2006-01-02 15:04:05Z07:00", v); err == nil {
			return at.UTC().Format(time.RFC3339Nano)
		}
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	case []byte:
		return string(v)
	case nil:
		return ""
	}
	return fmt.Sprint(v)
}

func (w *writer) insert(ctx context.Context, table string, columns []column) error {
	w.next++
	id := fmt.Sprintf("%s-%d", w.name, w.next)
	names, values, texts := []string{`"id"`}, []any{id}, []string{}
	for _, c := range columns {
		if !c.needed && w.r.IntN(3) == 0 {
			continue
		}
		value, text := w.value(c.kind)
		names, values = append(names, `"`+c.name+`"`), append(values, value)
		if text != "" {
			texts = append(texts, text)
		}
	}
	marks := make([]string, len(values))
	for i := range marks {
		marks[i] = "$" + strconv.Itoa(i+1)
	}
	_, err := w.db.ExecContext(ctx, `INSERT INTO "`+table+`" (`+strings.Join(names, ", ")+`) VALUES (`+strings.Join(marks, ", ")+`)`, values...)
	if err != nil {
		return err
	}
	w.wrote++
	w.rows = append(w.rows, ownRow{table, id})
	for _, text := range texts {
		w.alive[cell{id, text}] = true
	}
	return nil
}

// item adds one of several values to a row.
func (w *writer) item(ctx context.Context, table string, columns []column) error {
	var own []ownRow
	for _, row := range w.rows {
		if strings.HasPrefix(table, "field_"+strings.TrimPrefix(row.table, "content_")+"_") {
			own = append(own, row)
		}
	}
	if len(own) == 0 {
		return nil
	}
	row := own[w.r.IntN(len(own))]
	value, text := w.value(columns[0].kind)
	w.next++
	_, err := w.db.ExecContext(ctx, `INSERT INTO "`+table+`" (id, parent_id, value, sort_order) VALUES ($1, $2, $3, $4)`,
		fmt.Sprintf("%s-%d", w.name, w.next), row.id, value, w.next)
	if err != nil {
		return err
	}
	w.wrote++
	if text != "" {
		w.alive[cell{row.id, text}] = true
	}
	return nil
}

// update replaces one value, of which it knows what it was.
func (w *writer) update(ctx context.Context, tables map[string][]column) error {
	row := w.rows[w.r.IntN(len(w.rows))]
	columns := tables[row.table]
	if len(columns) == 0 {
		return nil
	}
	c := columns[w.r.IntN(len(columns))]
	var before sql.NullString
	err := w.db.QueryRowContext(ctx, `SELECT CAST("`+c.name+`" AS TEXT) FROM "`+c.table+`" WHERE id = $1`, row.id).Scan(&before)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	} else if err != nil {
		return err
	}
	var shown any
	if err := w.db.QueryRowContext(ctx, `SELECT "`+c.name+`" FROM "`+c.table+`" WHERE id = $1`, row.id).Scan(&shown); err != nil {
		return err
	}
	value, text := w.value(c.kind)
	condition, given := ` IS NULL`, []any{value, row.id}
	if before.Valid {
		condition, given = ` = $3`, append(given, before.String)
	}
	result, err := w.db.ExecContext(ctx, `UPDATE "`+c.table+`" SET "`+c.name+`" = $1 WHERE id = $2 AND CAST("`+c.name+`" AS TEXT)`+condition, given...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err
	}
	w.wrote++
	delete(w.alive, cell{row.id, spelled(shown)})
	if text != "" {
		w.alive[cell{row.id, text}] = true
	}
	return nil
}

// delete removes a row of its own where it is in use, and with it all that was ever written to it.
func (w *writer) delete(ctx context.Context) error {
	i := w.r.IntN(len(w.rows))
	row := w.rows[i]
	result, err := w.db.ExecContext(ctx, `DELETE FROM "`+row.table+`" WHERE id = $1`, row.id)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err
	}
	w.rows = slices.Delete(w.rows, i, i+1)
	for c := range w.alive {
		if c.row == row.id {
			delete(w.alive, c)
		}
	}
	return nil
}

// lost returns what the writer wrote and cannot be found in any table, in use or out of use.
func (w *writer) lost(found map[cell]bool) []cell {
	var list []cell
	for c := range w.alive {
		if !found[c] {
			list = append(list, c)
		}
	}
	return list
}

// everywhere returns every value that lies in any table of content.
func everywhere(t *testing.T, db *sql.DB, shape string) map[cell]bool {
	t.Helper()
	all := map[string]bool{}
	rows, err := db.Query(shape)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var c column
		if err := rows.Scan(&c.table, &c.name, &c.kind, &c.needed); err != nil {
			t.Fatal(err)
		}
		all[c.table] = true
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	found := map[cell]bool{}
	for table := range all {
		if table != "file_versions" && !strings.HasPrefix(table, "marain_") {
			inTable(t, db, table, found)
		}
	}
	return found
}

func inTable(t *testing.T, db *sql.DB, table string, found map[cell]bool) {
	t.Helper()
	rows, err := db.Query(`SELECT * FROM "` + table + `"`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	key := max(slices.Index(names, "id"), slices.Index(names, "parent_id"))
	for rows.Next() {
		values, into := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			found[cell{spelled(values[key]), spelled(v)}] = true
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}
