package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"marain/backend/action"
	"marain/backend/database"
)

// scratchSchema is where a copy lies: the schema for temporary tables. Any user who may make those can make a copy, the
// server writes no log for its rows, and nobody else can see it.
const scratchSchema = "pg_temp"

// Scratch copies tables into temporary ones in a transaction that is always taken back, also by the server when this
// process is gone. Unqualified names reach nothing but the copy: the search path names it alone.
func (db *DB) Scratch(ctx context.Context, c database.Copy, fn func(database.Scratch) error) error {
	conn, err := db.begin(ctx, db.read, db.scratching())
	if err != nil {
		return fmt.Errorf("begin on a copy: %w", db.translate(ctx, err))
	}
	q := &querier{db: db, conn: conn}
	defer func() { db.end(ctx, q) }()
	s := &scratch{db: db, q: q, wish: c}
	if err := s.fill(ctx); err != nil {
		return fmt.Errorf("copy the tables: %w", db.translate(ctx, err))
	}
	return db.translate(ctx, fn(database.Scratch{
		Querier: q, Tables: s.names(), Rows: s.rows, Total: s.total, More: s.more, Sampled: s.sampled,
		Exact: func(expression string) string { return "(" + expression + ")::text" },
	}))
}

// scratching are the statements that begin a copy. One state of the tables is seen throughout.
func (db *DB) scratching() string {
	l := db.limits
	return "BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE; SET LOCAL search_path TO " + scratchSchema + unhidden +
		fmt.Sprintf("; SET LOCAL lock_timeout = %d; SET LOCAL statement_timeout = %d; SET LOCAL idle_in_transaction_session_timeout = %d",
			l.lock.Milliseconds(), l.read.Milliseconds(), l.read.Milliseconds())
}

// scratch is a copy that is being made.
type scratch struct {
	db      *DB
	q       *querier
	wish    database.Copy
	tables  []scratchTable
	rows    int64
	total   int64
	more    bool
	sampled bool
}

// scratchTable is one table of a copy. Names of columns are quoted.
type scratchTable struct {
	oid         uint32
	name        string
	live        string   // with its schema, quoted
	own         string   // of the copy, quoted
	columns     string   // those that can be written
	key         []string // its primary key
	ids         []string // conditions that a row is one of those asked for
	size        int64    // bytes
	constraints []string // those with an index of their own
	indexes     []string
	references  []reference
	part        bool // not all rows
}

// reference is a foreign key to another table of the copy.
type reference struct {
	definition string
	parent     uint32
	from, to   string // columns
}

func (s *scratch) names() []string {
	names := make([]string, len(s.tables))
	for i := range s.tables {
		names[i] = s.tables[i].name
	}
	return names
}

func (s *scratch) exec(ctx context.Context, format string, args ...any) (int64, error) {
	result, err := s.q.Exec(ctx, fmt.Sprintf(format, args...))
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (s *scratch) each(ctx context.Context, scan func(*sql.Rows) error, query string, args ...any) (err error) {
	rows, err := s.q.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// fill makes the copy: tables, rows, then what rests on the rows.
func (s *scratch) fill(ctx context.Context) error {
	for _, step := range []func(context.Context) error{s.describe, s.copy, s.adopt, s.finish} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// found lists the tables that are asked for and, over any number of steps, those that they refer to.
const found = `WITH RECURSIVE found (oid) AS (
	SELECT c.oid FROM pg_class AS c WHERE c.relnamespace = ?::text::regnamespace AND c.relkind IN ('r', 'p') AND c.relname = ANY (?::name[])
	UNION
	SELECT k.confrelid FROM found AS f JOIN pg_constraint AS k ON k.conrelid = f.oid AND k.contype = 'f'
)
SELECT c.oid, c.relname::text, quote_ident(n.nspname) || '.' || quote_ident(c.relname), pg_table_size(c.oid)
FROM found AS f JOIN pg_class AS c ON c.oid = f.oid JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relnamespace = ?::text::regnamespace ORDER BY c.relname`

// describe makes the tables, empty and without what rests on their rows.
func (s *scratch) describe(ctx context.Context) error {
	err := s.each(ctx, func(rows *sql.Rows) error {
		var t scratchTable
		err := rows.Scan(&t.oid, &t.name, &t.live, &t.size)
		t.own = scratchSchema + "." + Dialect{}.Quote(t.name)
		s.tables = append(s.tables, t)
		return err
	}, found, s.db.schema, s.wish.Tables, s.db.schema)
	if err != nil {
		return err
	}
	for i := range s.tables {
		t := &s.tables[i]
		if _, err := s.exec(ctx, "CREATE TEMPORARY TABLE %s (LIKE %s INCLUDING ALL EXCLUDING INDEXES)", t.own, t.live); err != nil {
			return fmt.Errorf("make %s: %w", t.name, err)
		}
		if err := s.inspect(ctx, t); err != nil {
			return fmt.Errorf("look at %s: %w", t.name, err)
		}
	}
	return nil
}

// inspect reads what copying a table takes.
func (s *scratch) inspect(ctx context.Context, t *scratchTable) error {
	var columns []string
	err := s.each(ctx, func(rows *sql.Rows) error {
		var name, kind string
		var key, generated bool
		if err := rows.Scan(&name, &kind, &key, &generated); err != nil {
			return err
		}
		quoted := Dialect{}.Quote(name)
		if !generated {
			columns = append(columns, quoted)
		}
		if key {
			t.key = append(t.key, quoted)
		}
		if (name == "id" || name == "parent_id") && kind == "text" {
			t.ids = append(t.ids, quoted)
		}
		return nil
	}, `SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), k.position IS NOT NULL, a.attgenerated <> ''
FROM pg_attribute AS a LEFT JOIN (
	SELECT x.indrelid, number, position FROM pg_index AS x CROSS JOIN LATERAL unnest(x.indkey::int2[]) WITH ORDINALITY AS u (number, position) WHERE x.indisprimary
) AS k ON k.indrelid = a.attrelid AND k.number = a.attnum
WHERE a.attrelid = ? AND a.attnum > 0 AND NOT a.attisdropped ORDER BY k.position NULLS LAST, a.attnum`, t.oid)
	if err != nil {
		return err
	}
	t.columns = strings.Join(columns, ", ")
	if err := s.restraints(ctx, t); err != nil {
		return err
	}
	return s.each(ctx, func(rows *sql.Rows) error {
		var definition string
		err := rows.Scan(&definition)
		t.indexes = append(t.indexes, strings.Replace(definition, " "+t.live+" ", " "+t.own+" ", 1))
		return err
	}, `SELECT pg_get_indexdef(x.indexrelid) FROM pg_index AS x WHERE x.indrelid = ? AND x.indisvalid
AND NOT EXISTS (SELECT 1 FROM pg_constraint AS o WHERE o.conindid = x.indexrelid AND o.contype IN ('p', 'u', 'x')) ORDER BY x.indexrelid`, t.oid)
}

// restraints reads the constraints that a copy without indexes lacks.
func (s *scratch) restraints(ctx context.Context, t *scratchTable) error {
	return s.each(ctx, func(rows *sql.Rows) error {
		var name, kind, definition string
		var r reference
		if err := rows.Scan(&name, &kind, &definition, &r.parent, &r.from, &r.to); err != nil {
			return err
		}
		definition = "ADD CONSTRAINT " + Dialect{}.Quote(name) + " " + definition
		if kind != "f" {
			t.constraints = append(t.constraints, definition)
			return nil
		}
		at := slices.IndexFunc(s.tables, func(o scratchTable) bool { return o.oid == r.parent })
		if at < 0 {
			return nil // in another schema, where nothing is copied
		}
		parent := s.tables[at]
		r.definition = strings.Replace(definition, " REFERENCES "+parent.live+"(", " REFERENCES "+parent.own+"(", 1)
		t.references = append(t.references, r)
		return nil
	}, `SELECT k.conname::text, k.contype::text, pg_get_constraintdef(k.oid), k.confrelid,
	(SELECT coalesce(string_agg(quote_ident(a.attname), ', ' ORDER BY u.n), '') FROM unnest(k.conkey) WITH ORDINALITY AS u (number, n) JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.number),
	(SELECT coalesce(string_agg(quote_ident(a.attname), ', ' ORDER BY u.n), '') FROM unnest(k.confkey) WITH ORDINALITY AS u (number, n) JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = u.number)
FROM pg_constraint AS k WHERE k.conrelid = ? AND k.contype IN ('p', 'u', 'x', 'f') ORDER BY k.contype = 'f', k.oid`, t.oid)
}

// copy takes the rows over: all of them where there is room, else a part.
func (s *scratch) copy(ctx context.Context) error {
	room := s.wish.Bytes
	for i := range s.tables {
		t := &s.tables[i]
		var total int64
		if err := s.q.QueryRow(ctx, fmt.Sprintf("SELECT count(*) FROM (SELECT FROM %s LIMIT %d) AS t", t.live, database.CountLimit+1)).Scan(&total); err != nil {
			return err
		}
		s.more = s.more || total > database.CountLimit
		s.total += min(total, database.CountLimit)
		insert := fmt.Sprintf("INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM %s", t.own, t.columns, t.columns, t.live)
		if t.columns == "" {
			continue
		}
		if t.part = total > s.wish.Rows || t.size > room; t.part {
			s.sampled = true
			insert += s.sample(t, total, room)
		}
		copied, err := s.exec(ctx, "%s", insert)
		if err != nil {
			return fmt.Errorf("copy rows of %s: %w", t.name, err)
		}
		s.rows += copied
		room -= t.size * copied / max(total, 1)
	}
	return nil
}

// sample writes which rows of a table are taken over when not all are: some from each end and those that are asked for,
// as many as there is room for.
func (s *scratch) sample(t *scratchTable, total, room int64) string {
	n := max(min(s.wish.Sample, room/max(t.size/max(total, 1), 1))/2, 1)
	if len(t.key) == 0 {
		return fmt.Sprintf(" LIMIT %d", 2*n)
	}
	up, down := strings.Join(t.key, ", "), strings.Join(t.key, " DESC, ")+" DESC"
	parts := []string{
		fmt.Sprintf("(SELECT ctid FROM %s ORDER BY %s LIMIT %d)", t.live, up, n),
		fmt.Sprintf("(SELECT ctid FROM %s ORDER BY %s LIMIT %d)", t.live, down, n),
	}
	var ids []string
	for _, id := range s.wish.IDs {
		if written, err := literal(action.ColumnText, id); err == nil { // what cannot be written is the id of no row
			ids = append(ids, written)
		}
	}
	for _, column := range t.ids {
		if len(ids) > 0 {
			parts = append(parts, fmt.Sprintf("(SELECT ctid FROM %s WHERE %s IN (%s))", t.live, column, strings.Join(ids, ", ")))
		}
	}
	return fmt.Sprintf(" WHERE ctid = ANY (ARRAY(%s))", strings.Join(parts, " UNION "))
}

// scratchRounds is how often parents of parents are looked for.
const scratchRounds = 8

// adopt brings the parents of copied rows along where only some were copied.
func (s *scratch) adopt(ctx context.Context) error {
	for range scratchRounds {
		added := int64(0)
		for _, child := range s.tables {
			for _, r := range child.references {
				parent := s.tables[slices.IndexFunc(s.tables, func(t scratchTable) bool { return t.oid == r.parent })]
				if !parent.part {
					continue
				}
				n, err := s.exec(ctx, "INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM %s WHERE (%s) IN (SELECT %s FROM %s EXCEPT SELECT %s FROM %s)",
					parent.own, parent.columns, parent.columns, parent.live, r.to, r.from, child.own, r.to, parent.own)
				if err != nil {
					return fmt.Errorf("copy the parents of %s: %w", child.name, err)
				}
				added += n
			}
		}
		s.rows += added
		if added == 0 {
			break
		}
	}
	return nil
}

// finish makes what rests on the rows, now that they are there.
func (s *scratch) finish(ctx context.Context) error {
	var statements []string
	for _, t := range s.tables {
		for _, definition := range t.constraints {
			statements = append(statements, "ALTER TABLE "+t.own+" "+definition)
		}
		statements = append(statements, t.indexes...)
	}
	for _, t := range s.tables {
		for _, r := range t.references {
			statements = append(statements, "ALTER TABLE "+t.own+" "+r.definition)
		}
	}
	for _, statement := range statements {
		if _, err := s.exec(ctx, "%s", statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}
