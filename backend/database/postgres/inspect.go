package postgres

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"marain/backend/action"
	"marain/backend/database"
)

// inspect lists the columns and the indexes of tables in the current schema. Indexes that belong to a constraint are not
// those of a document. It is written so that the server plans it quickly and once: no joins but by index.
const inspect = `SELECT c.relname::text, '', coalesce(a.attnum::int4, 0), coalesce(a.attname::text, ''), format_type(a.atttypid, a.atttypmod),
	coalesce(a.attnotnull, false), coalesce(a.atthasdef, false), coalesce(a.attcollation::text, ''), c.relnatts::int4
FROM pg_class AS c LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relname = ANY (?::name[]) AND c.relkind IN ('r', 'p')
UNION ALL
SELECT c.relname::text, i.relname::text, x.indnkeyatts::int4, x.indkey::text, '', x.indisunique,
	x.indpred IS NOT NULL OR NOT x.indisvalid OR x.indnullsnotdistinct OR i.relam <> ` + btree + ` OR x.indoption::text ~ '[1-9]'
	OR EXISTS (SELECT 1 FROM pg_opclass AS p WHERE p.oid = ANY (x.indclass::oid[]) AND NOT p.opcdefault), x.indcollation::text, 0
FROM pg_class AS c JOIN pg_index AS x ON x.indrelid = c.oid JOIN pg_class AS i ON i.oid = x.indexrelid
WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relname = ANY (?::name[]) AND c.relkind IN ('r', 'p')
	AND (SELECT count(*) FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = i.oid AND d.deptype = 'i') = 0`

// btree is the number of the usual kind of index, the same on every server.
const btree = "403"

// part is one row of what inspect finds: a column, or an index with its columns as the numbers that those have.
type part struct {
	table, index  string
	number        int    // of a column, 0 where a table has none; of an index, how many columns it sorts by
	name          string // of a column; of an index, the numbers of its columns
	kind          sql.NullString
	first, second bool   // NOT NULL and a default; unique and special
	collation     string // of an index, one for each column
	slots         int    // of the table: columns, those that were dropped included
}

// Inspect returns those of the named tables that exist in the current schema, with their columns and the indexes that
// have a name of their own.
func (db *DB) Inspect(ctx context.Context, q database.Querier, names []string) (map[string]action.LiveTable, error) {
	tables := map[string]action.LiveTable{}
	if len(names) == 0 {
		return tables, nil
	}
	parts, err := inspectParts(ctx, q, names)
	if err != nil {
		return nil, fmt.Errorf("inspect tables: %w", err)
	}
	slices.SortFunc(parts, func(a, b part) int {
		return cmp.Or(cmp.Compare(a.table, b.table), cmp.Compare(a.index, b.index), cmp.Compare(a.number, b.number))
	})
	var columns map[string]part // of the present table, by number; they come before its indexes
	for _, p := range parts {
		t, known := tables[p.table]
		if !known {
			t.Name, t.Slots, columns = p.table, p.slots, map[string]part{}
		}
		if p.index != "" {
			t.Indexes = append(t.Indexes, p.asIndex(columns))
		} else if p.number > 0 {
			columns[strconv.Itoa(p.number)] = p
			t.Columns = append(t.Columns, action.LiveColumn{Name: p.name, Type: spelling(p.kind.String), NotNull: p.first, Default: p.second})
		}
		tables[p.table] = t
	}
	return tables, nil
}

func inspectParts(ctx context.Context, q database.Querier, names []string) (parts []part, err error) {
	rows, err := q.Query(ctx, inspect, names, names)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var p part
		if err := rows.Scan(&p.table, &p.index, &p.number, &p.name, &p.kind, &p.first, &p.second, &p.collation, &p.slots); err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	return parts, rows.Err()
}

// asIndex reads an index. What it computes has no column, and a column that it sorts in another order than its own
// makes it special; columns that it only carries along do not count.
func (p part) asIndex(columns map[string]part) action.Index {
	index := action.Index{Name: p.index, Table: p.table, Unique: p.first, Special: p.second}
	collations := strings.Fields(p.collation)
	for i, number := range strings.Fields(p.name) {
		if i == p.number {
			break
		}
		column, known := columns[number]
		if !known {
			index.Special = true
			continue
		}
		index.Columns = append(index.Columns, column.name)
		index.Special = index.Special || i < len(collations) && collations[i] != column.collation
	}
	return index
}

// Stamp returns nothing: PostgreSQL keeps no count of schema changes that every program takes part in.
func (db *DB) Stamp(context.Context, database.Querier) (string, error) { return "", nil }

// Mark counts the changes of the catalog, as the server's statistics do.
func (db *DB) Mark(ctx context.Context, q database.Querier) (string, error) {
	var n int64
	err := q.QueryRow(ctx, `SELECT sum(pg_stat_get_tuples_inserted(c) + pg_stat_get_tuples_updated(c) + pg_stat_get_tuples_deleted(c))::bigint
FROM unnest(ARRAY['pg_class', 'pg_attribute', 'pg_index']::regclass[]) AS c`).Scan(&n)
	if err != nil {
		return "", fmt.Errorf("count the changes of the tables: %w", err)
	}
	return strconv.FormatInt(n, 10), nil
}

// TableNames returns the names of all tables of the current schema, in the order of their bytes.
func (db *DB) TableNames(ctx context.Context, q database.Querier) (names []string, err error) {
	rows, err := q.Query(ctx, `SELECT c.relname::text FROM pg_class AS c WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relkind IN ('r', 'p') ORDER BY c.relname`)
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, fmt.Errorf("list tables: %w", err)
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

// Lock locks those of the tables that exist. Tables of lists come before those that they belong to, as they do for
// whoever adds a value to a list. Others may take two tables the other way round, and the server would end one of the
// two after a while (deadlock_timeout, a second): with a lock in hand the wait is shorter than that, so that it is the
// engine that gives way and begins anew.
func (db *DB) Lock(ctx context.Context, q database.Querier, tables []string, alone bool) (err error) {
	rows, err := q.Query(ctx, `SELECT quote_ident(c.relname) FROM pg_class AS c
WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relname = ANY (?::name[]) AND c.relkind IN ('r', 'p') ORDER BY c.relname DESC`, tables)
	if err != nil {
		return fmt.Errorf("look for the tables to lock: %w", err)
	}
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return errors.Join(fmt.Errorf("look for the tables to lock: %w", err), rows.Close())
		}
		names = append(names, name)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return fmt.Errorf("look for the tables to lock: %w", err)
	}
	if len(names) == 0 {
		return nil
	}
	mode := "SHARE ROW EXCLUSIVE"
	if alone {
		mode = "ACCESS EXCLUSIVE"
	}
	mode = " IN " + mode + " MODE"
	statements := []string{"LOCK TABLE " + names[0] + mode}
	if more := names[1:]; len(more) > 0 {
		limit := func(d time.Duration) string { return fmt.Sprintf("SET LOCAL lock_timeout = %d", d.Milliseconds()) }
		short := max(db.limits.lock/2/time.Duration(len(more)), 20*time.Millisecond)
		statements = append(statements, limit(short), "LOCK TABLE "+strings.Join(more, ", ")+mode, limit(db.limits.lock))
	}
	for _, statement := range statements {
		if _, err := q.Exec(ctx, statement); err != nil {
			return fmt.Errorf("lock the tables: %w", err)
		}
	}
	return nil
}
