package postgres

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"marain/backend/action"
	"marain/backend/database"
)

// bystanders lists what uses a table or a column of one, a row a column; then the body of a trigger's
// function, which nothing says the columns of, and the columns whose writing sets something off.
const bystanders = `SELECT DISTINCT 'view', v.relname::text, t.relname::text, '', '', coalesce(a.attname::text, ''), '', '[]'
FROM pg_depend AS d JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid JOIN pg_class AS v ON v.oid = r.ev_class
JOIN pg_class AS t ON d.refclassid = 'pg_class'::regclass AND t.oid = d.refobjid AND t.oid <> v.oid
LEFT JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid AND d.refobjsubid > 0
WHERE t.relnamespace = quote_ident(current_schema())::regnamespace AND t.relname = ANY (?::name[])
UNION ALL
SELECT 'trigger', g.tgname::text, t.relname::text, '', '', '', concat(pg_get_triggerdef(g.oid), ' ', p.prosrc), CASE
 WHEN (g.tgtype & 16) = 0 OR g.tgenabled NOT IN ('O', 'A') THEN '[]' WHEN cardinality(g.tgattr) = 0 THEN '["*"]'
 ELSE (SELECT json_agg(lower(a.attname))::text FROM pg_attribute AS a WHERE a.attrelid = t.oid AND a.attnum = ANY (g.tgattr)) END
FROM pg_trigger AS g JOIN pg_class AS t ON t.oid = g.tgrelid JOIN pg_proc AS p ON p.oid = g.tgfoid
WHERE NOT g.tgisinternal AND t.relnamespace = quote_ident(current_schema())::regnamespace AND t.relname = ANY (?::name[])
UNION ALL
SELECT 'policy', g.polname::text, t.relname::text, '', '', coalesce(a.attname::text, ''), '', '[]'
FROM pg_policy AS g JOIN pg_class AS t ON t.oid = g.polrelid
LEFT JOIN pg_depend AS d ON d.classid = 'pg_policy'::regclass AND d.objid = g.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid AND d.refobjsubid > 0
LEFT JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
WHERE t.relnamespace = quote_ident(current_schema())::regnamespace AND t.relname = ANY (?::name[])
UNION ALL
SELECT 'foreign key', o.conname::text, f.relname::text, t.relname::text, f.relname::text, a.attname::text, '', '[]'
FROM pg_constraint AS o JOIN pg_class AS t ON t.oid = o.conrelid JOIN pg_class AS f ON f.oid = o.confrelid CROSS JOIN LATERAL unnest(o.confkey) AS k (number)
JOIN pg_attribute AS a ON a.attrelid = f.oid AND a.attnum = k.number
WHERE o.contype = 'f' AND o.conparentid = 0 AND f.relnamespace = quote_ident(current_schema())::regnamespace AND f.relname = ANY (?::name[])
UNION ALL
SELECT 'foreign key', o.conname::text, t.relname::text, t.relname::text, f.relname::text, a.attname::text, '', '[]'
FROM pg_constraint AS o JOIN pg_class AS t ON t.oid = o.conrelid JOIN pg_class AS f ON f.oid = o.confrelid CROSS JOIN LATERAL unnest(o.conkey) AS k (number)
JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = k.number
WHERE o.contype = 'f' AND o.conparentid = 0 AND t.relnamespace = quote_ident(current_schema())::regnamespace AND t.relname = ANY (?::name[])
UNION ALL
SELECT 'rule', r.rulename::text, t.relname::text, '', '', '', '', '["*"]' FROM pg_rewrite AS r JOIN pg_class AS t ON t.oid = r.ev_class
WHERE r.ev_type = '2' AND r.ev_enabled IN ('O', 'A') AND t.relnamespace = quote_ident(current_schema())::regnamespace AND t.relname = ANY (?::name[])
UNION ALL
SELECT 'inheriting table', h.relname::text, t.relname::text, '', '', '', '', '[]' FROM pg_inherits AS i
JOIN pg_class AS h ON h.oid = i.inhrelid JOIN pg_class AS t ON t.oid = i.inhparent
WHERE t.relnamespace = quote_ident(current_schema())::regnamespace AND t.relname = ANY (?::name[])
ORDER BY 1, 2, 3, 4, 6`

// Bystanders returns the views, triggers, policies, foreign keys and rules that mention one of the tables of the current
// schema. Nothing of PostgreSQL's can be broken as a whole.
func (db *DB) Bystanders(ctx context.Context, q database.Querier, tables []string) (list []action.Bystander, err error) {
	rules, err := rules(ctx, q, tables)
	if err != nil {
		return nil, fmt.Errorf("look for rules of the tables: %w", err)
	}
	rows, err := q.Query(ctx, bystanders, tables, tables, tables, tables, tables, tables, tables)
	if err != nil {
		return nil, fmt.Errorf("look for what uses the tables: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		d, err := bystander(rows)
		if err != nil {
			return nil, fmt.Errorf("look for what uses the tables: %w", err)
		}
		if n := len(list) - 1; n >= 0 && list[n].Kind == d.Kind && list[n].Name == d.Name && list[n].Table == d.Table && list[n].Child == d.Child {
			for column := range d.Columns {
				list[n].Columns[column] = true
			}
			continue
		}
		list = append(list, d)
	}
	return append(list, rules...), rows.Err()
}

func bystander(rows *sql.Rows) (action.Bystander, error) {
	var d action.Bystander
	var column, body, fires string
	if err := rows.Scan(&d.Kind, &d.Name, &d.Table, &d.Child, &d.Parent, &column, &body, &fires); err != nil {
		return d, err
	}
	var set []string
	if err := json.Unmarshal([]byte(fires), &set); err != nil {
		return d, err
	}
	d.Fires = map[string]bool{}
	for _, c := range set {
		d.Fires[c] = true
	}
	d.Columns = map[string]bool{}
	if column != "" {
		d.Columns[strings.ToLower(column)] = true
	}
	if body != "" {
		d.Columns = database.Words(body)
	}
	return d, nil
}
