package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"marain/backend/action"
	"marain/backend/database"

	"github.com/jackc/pgx/v5"
)

var _ database.Keeper = (*DB)(nil)

// exact are the settings under which values are written and read as they are, whatever those of the session say.
var exact = []struct{ name, value string }{
	{"datestyle", "'ISO, YMD'"},
	{"intervalstyle", "'postgres'"},
	{"extra_float_digits", "3"},
	{"bytea_output", "'hex'"},
	{"timezone", "'UTC'"},
	{"xmloption", "'content'"},
}

// copying is the savepoint that takes those settings back.
const copying = "marain_copy"

// Backup copies the named tables with their shapes. They are locked against writing until the transaction ends, so that
// the copy is what the batch finds, also of what other programs write.
func (db *DB) Backup(ctx context.Context, q database.Querier, tables []string, file string) (names []string, err error) {
	own, ok := q.(*querier)
	if !ok || own.reading {
		return nil, fmt.Errorf("back up: %T is no writing transaction of this database", q)
	}
	// Columns may change until the lock is there.
	if names, err = db.lockTables(ctx, q, tables); err != nil {
		return nil, fmt.Errorf("back up: %w", db.translate(ctx, err))
	}
	shapes, err := db.shapes(ctx, q, names)
	if err != nil {
		return nil, fmt.Errorf("back up: %w", db.translate(ctx, err))
	}
	out, err := createCopy(file, copyHeader{Server: db.version, Tables: shapes})
	if err != nil {
		return nil, fmt.Errorf("back up: %w", db.translate(ctx, err))
	}
	err = db.copyOut(ctx, own, out, shapes)
	if err = errors.Join(err, out.close()); err != nil {
		return nil, fmt.Errorf("back up: %w", db.translate(ctx, err))
	}
	return names, nil
}

// lockTables keeps others from writing to those tables that are there, and returns their names.
func (db *DB) lockTables(ctx context.Context, q database.Querier, tables []string) ([]string, error) {
	live, err := db.Inspect(ctx, q, tables)
	if err != nil {
		return nil, err
	}
	names, quoted := []string{}, []string{}
	for _, name := range tables {
		if _, there := live[name]; there {
			names, quoted = append(names, name), append(quoted, Dialect{}.Quote(name))
		}
	}
	if len(names) == 0 {
		return names, nil
	}
	_, err = q.Exec(ctx, "LOCK TABLE "+strings.Join(quoted, ", ")+" IN SHARE ROW EXCLUSIVE MODE")
	return names, err
}

// copyOut writes the rows of tables.
func (db *DB) copyOut(ctx context.Context, q *querier, out *copyWriter, shapes []shape) error {
	if _, err := q.Exec(ctx, "SAVEPOINT "+copying); err != nil {
		return err
	}
	for _, s := range exact {
		if _, err := q.Exec(ctx, "SET LOCAL "+s.name+" = "+s.value); err != nil {
			return err
		}
	}
	for _, s := range shapes {
		var rows int64
		err := q.copying(ctx, func(c *pgx.Conn) error {
			tag, err := c.PgConn().CopyTo(ctx, out, "COPY "+Dialect{}.Quote(s.Name)+" ("+s.written()+") TO STDOUT")
			rows = tag.RowsAffected()
			return err
		})
		if err == nil {
			err = out.end(rows)
		}
		if err != nil {
			return fmt.Errorf("copy %s: %w", s.Name, err)
		}
	}
	if _, err := q.Exec(ctx, "ROLLBACK TO SAVEPOINT "+copying); err != nil {
		return err
	}
	_, err := q.Exec(ctx, "RELEASE SAVEPOINT "+copying)
	return err
}

// copying runs a COPY.
func (q *querier) copying(ctx context.Context, fn func(*pgx.Conn) error) error {
	return raw(q.conn, func(c *pgx.Conn) error {
		if err := q.ready(ctx, c, nil); err != nil {
			return err
		}
		return fn(c)
	})
}

// Contents reads a file with copied rows to its end and returns how many each table has.
func (db *DB) Contents(ctx context.Context, file string) (rows map[string]int64, err error) {
	in, err := openCopy(file)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, in.close()) }()
	rows = map[string]int64{}
	for _, s := range in.header.Tables {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := in.next(); err != nil {
			return nil, fmt.Errorf("read the rows of %s: %w", s.Name, err)
		}
		rows[s.Name] = in.rows
	}
	return rows, in.over()
}

// Measure counts what lies in a place.
func (db *DB) Measure(ctx context.Context, q database.Querier, place action.Place) (database.Measure, error) {
	var m database.Measure
	table, column := Dialect{}.Quote(place.Table), Dialect{}.Quote(place.Column)
	if place.Column != "" {
		query := fmt.Sprintf("SELECT count(*), count(%[2]s), coalesce(sum(pg_column_size(%[2]s)), 0)::bigint FROM %[1]s", table, column)
		if err := q.QueryRow(ctx, query).Scan(&m.Rows, &m.Values, &m.Bytes); err != nil {
			return m, fmt.Errorf("count the values of %s.%s: %w", place.Table, place.Column, err)
		}
		return m, nil
	}
	query := fmt.Sprintf("SELECT count(*), pg_total_relation_size(?::text::regclass) FROM %s", table)
	if err := q.QueryRow(ctx, query, table).Scan(&m.Rows, &m.Bytes); err != nil {
		return m, fmt.Errorf("count the rows of %s: %w", place.Table, err)
	}
	m.Values = m.Rows
	return m, nil
}

// Dependents finds what mentions a place. The server would refuse to drop what a view is on; an index or a rule on a
// column it would drop without a word.
func (db *DB) Dependents(ctx context.Context, q database.Querier, place action.Place, going []string) ([]string, error) {
	bystanders, err := db.Bystanders(ctx, q, []string{place.Table})
	if err != nil {
		return nil, err
	}
	leaves := map[string]bool{place.Table: place.Column == ""}
	for _, name := range going {
		leaves[name] = true
	}
	name := place.Table
	if place.Column != "" {
		name = place.Column
	}
	var list []string
	for _, b := range bystanders {
		switch {
		case b.Kind == action.UniqueIndex: // told as an index
		case place.Column != "" && b.Columns[strings.ToLower(place.Column)]:
			list = append(list, fmt.Sprintf("the %s %s uses %s", b.Kind, b.Name, name))
		case b.Kind == action.Heir:
			list = append(list, fmt.Sprintf("the table %s inherits from %s", b.Name, place.Table))
		case place.Column == "" && b.Kind == action.View:
			list = append(list, fmt.Sprintf("the view %s uses %s", b.Name, name))
		case place.Column == "" && b.Kind == action.ForeignKey && b.Parent == place.Table && !leaves[b.Child]:
			list = append(list, fmt.Sprintf("the table %s refers to %s", b.Child, name))
		}
	}
	if place.Column == "" {
		return list, nil
	}
	found, err := db.shapes(ctx, q, []string{place.Table})
	if err != nil || len(found) == 0 {
		return list, err
	}
	for _, definition := range found[0].Indexes {
		if database.Words(definition)[strings.ToLower(place.Column)] {
			list = append(list, fmt.Sprintf("an index uses %s: %s", name, definition))
		}
	}
	return list, nil
}
