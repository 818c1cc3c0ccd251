package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"marain/backend/action"
	"marain/backend/database"
)

// Obstacles finds what the server would refuse a restore for: it neither empties a table that another one refers to, nor
// drops what something else rests on.
func (db *DB) Obstacles(ctx context.Context, q database.Querier, file string, present []string) (list []action.Block, err error) {
	in, err := openCopy(file)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, in.close()) }()
	r := &restoring{db: db, in: in}
	if r.live, err = db.shapes(ctx, q, r.touched(present)); err != nil {
		return nil, err
	}
	for _, find := range []func(context.Context, database.Querier) ([]action.Block, error){r.references, r.users, r.heirs} {
		found, err := find(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("look for what stands in the way of a restore: %w", err)
		}
		list = append(list, found...)
	}
	return list, nil
}

// blocks reads a query whose rows are a table, a column or nothing, and what is in the way there.
func blocks(ctx context.Context, q database.Querier, query string, args ...any) (list []action.Block, err error) {
	err = each(ctx, q, func(rows *sql.Rows) error {
		b := action.Block{Hint: "Another program made it: drop it first, restore, and make it again"}
		var column string
		if err := rows.Scan(&b.Key, &column, &b.Message); err != nil {
			return err
		}
		if column != "" {
			b.Key += "." + column
		}
		list = append(list, b)
		return nil
	}, query, args...)
	return list, err
}

// touched begins a query with the live tables that a restore touches.
const touched = `WITH live AS (SELECT c.oid, c.reltype, c.relname::text AS name FROM pg_class AS c
WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relkind IN ('r', 'p') AND c.relname = ANY (?::name[]))`

// references finds the foreign keys of tables that stay. The server asks for no rows: that there are any is enough.
func (r *restoring) references(ctx context.Context, q database.Querier) ([]action.Block, error) {
	return blocks(ctx, q, touched+`
SELECT f.name, '', format('the foreign key %I of the table %s refers to %s', o.conname, o.conrelid::regclass, f.name)
FROM pg_constraint AS o JOIN live AS f ON f.oid = o.confrelid
WHERE o.contype = 'f' AND o.conparentid = 0 AND o.conrelid NOT IN (SELECT oid FROM live) ORDER BY 1, 3`, r.names())
}

// users finds what rests on a table, a column or a rule that goes: views, policies, functions and whatever else the
// server would have to be told to drop too. A rule goes for a moment only, which is all the same to the server.
func (r *restoring) users(ctx context.Context, q database.Querier) ([]action.Block, error) {
	former, rest := r.match()
	var tables, of, columns []string
	for _, s := range rest {
		tables = append(tables, s.Name)
	}
	for i, want := range r.in.header.Tables {
		for _, c := range former[i].Columns {
			if !want.keeps(c) {
				of, columns = append(of, former[i].Name), append(columns, c.Name)
			}
		}
	}
	return blocks(ctx, q, users, r.names(), tables, tables, of, columns)
}

// users lists what depends on tables that go, on their row types, on columns that go and on the rules of all tables. What
// belongs to a table goes with it, its rules and what is computed come back by themselves, and foreign keys are found apart.
const users = touched + `, going (class, id, part, name, col, what) AS (
SELECT 'pg_class'::regclass, l.oid, 0, l.name, '', l.name FROM live AS l WHERE l.name = ANY (?::text[])
UNION ALL SELECT 'pg_type'::regclass, l.reltype, 0, l.name, '', l.name FROM live AS l WHERE l.name = ANY (?::text[])
UNION ALL SELECT 'pg_class'::regclass, l.oid, a.attnum, l.name, a.attname::text, a.attname::text
FROM unnest(?::text[], ?::text[]) AS u (name, col) JOIN live AS l ON l.name = u.name JOIN pg_attribute AS a ON a.attrelid = l.oid AND a.attname = u.col
UNION ALL SELECT 'pg_constraint'::regclass, o.oid, 0, l.name, '', o.conname::text FROM pg_constraint AS o JOIN live AS l ON l.oid = o.conrelid
)
SELECT DISTINCT g.name, g.col, format('the %s uses %s', CASE WHEN r.rulename = '_RETURN' AND v.relkind = 'm' THEN format('materialized view %s', v.oid::regclass)
	WHEN r.rulename = '_RETURN' THEN format('view %s', v.oid::regclass) ELSE format('%s %s', i.type, i.identity) END, g.what)
FROM going AS g JOIN pg_depend AS d ON d.refclassid = g.class AND d.refobjid = g.id AND (g.part = 0 OR d.refobjsubid = g.part) AND d.deptype = 'n'
LEFT JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid LEFT JOIN pg_class AS v ON v.oid = r.ev_class
CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) AS i
WHERE NOT EXISTS (SELECT 1 FROM pg_constraint AS o WHERE d.classid = 'pg_constraint'::regclass AND o.oid = d.objid AND (o.contype = 'f' OR o.conrelid IN (SELECT oid FROM live)))
AND NOT EXISTS (SELECT 1 FROM pg_attrdef AS o JOIN live AS l ON l.oid = o.adrelid WHERE d.classid = 'pg_attrdef'::regclass AND o.oid = d.objid)
AND NOT (g.part = 0 AND EXISTS (SELECT 1 FROM pg_depend AS o WHERE o.classid = d.classid AND o.objid = d.objid AND o.refclassid = g.class AND o.refobjid = g.id AND o.deptype IN ('a', 'i')))
ORDER BY 1, 2, 3`

// heirs finds the tables that inherit from one with a column that could not come back in them: it must have a value, and
// their rows have none, or they would be left with one of that name and another type.
func (r *restoring) heirs(ctx context.Context, q database.Querier) ([]action.Block, error) {
	former, _ := r.match()
	var of, columns []string
	for i, want := range r.in.header.Tables {
		for _, c := range want.Columns {
			at := slices.IndexFunc(former[i].Columns, func(have column) bool { return have.Name == c.Name })
			if at < 0 && c.NotNull || at >= 0 && !want.keeps(former[i].Columns[at]) {
				of, columns = append(of, former[i].Name), append(columns, c.Name)
			}
		}
	}
	return blocks(ctx, q, touched+`
SELECT t.name, u.col, format('the table %s inherits from %s, and the column %s cannot come back in it', h.inhrelid::regclass, t.name, u.col)
FROM unnest(?::text[], ?::text[]) AS u (name, col) JOIN live AS t ON t.name = u.name JOIN pg_inherits AS h ON h.inhparent = t.oid ORDER BY 1, 2, 3`, r.names(), of, columns)
}
