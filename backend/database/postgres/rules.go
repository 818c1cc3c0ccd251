package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"marain/backend/action"
	"marain/backend/database"

	"github.com/jackc/pgx/v5"
)

// ruling lists rules of tables, a row a column that one is on: whether the column has a value by itself, what a check
// says, the column's type, and whether an empty value is like any other.
const ruling = `SELECT CASE o.contype WHEN 'c' THEN 'check' WHEN 'p' THEN 'primary key' ELSE 'unique constraint' END, o.conname::text, t.relname::text,
	a.attname::text, a.atthasdef OR a.attidentity <> '', coalesce(pg_get_expr(o.conbin, o.conrelid), ''), format_type(a.atttypid, a.atttypmod),
	o.contype IN ('p', 'x') OR coalesce(i.indnullsnotdistinct, false)
FROM pg_constraint AS o JOIN pg_class AS t ON t.oid = o.conrelid CROSS JOIN LATERAL unnest(o.conkey) AS k (number)
JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = k.number LEFT JOIN pg_index AS i ON i.indexrelid = o.conindid
WHERE (o.contype IN ('c', 'u', 'x') OR o.contype = 'p' AND cardinality(o.conkey) > 1) AND t.relnamespace = quote_ident(current_schema())::regnamespace AND t.relname = ANY (?::name[])
UNION ALL
SELECT 'unique index', x.relname::text, t.relname::text, a.attname::text, a.atthasdef OR a.attidentity <> '', '', format_type(a.atttypid, a.atttypmod), i.indnullsnotdistinct
FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid JOIN pg_class AS t ON t.oid = i.indrelid
JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = x.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid AND d.refobjsubid > 0
JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
WHERE i.indisunique AND (i.indpred IS NOT NULL OR i.indexprs IS NOT NULL) AND t.relnamespace = quote_ident(current_schema())::regnamespace AND t.relname = ANY (?::name[])
UNION ALL
SELECT 'generated column', g.attname::text, t.relname::text, a.attname::text, false, '', '', false
FROM pg_attrdef AS e JOIN pg_attribute AS g ON g.attrelid = e.adrelid AND g.attnum = e.adnum AND g.attgenerated <> '' JOIN pg_class AS t ON t.oid = e.adrelid
JOIN pg_depend AS d ON d.classid = 'pg_attrdef'::regclass AND d.objid = e.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid AND d.refobjsubid > 0 AND d.refobjsubid <> g.attnum
JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
WHERE t.relnamespace = quote_ident(current_schema())::regnamespace AND t.relname = ANY (?::name[])
ORDER BY 1, 2, 3, 4`

// rule is one with what decides whether it refuses rows that lack a value.
type rule struct {
	action.Bystander

	column, kind, check string
	inborn, strict      bool
}

// rules returns the checks, unique constraints, unique indexes, primary keys and computed columns of tables.
func rules(ctx context.Context, q database.Querier, tables []string) ([]action.Bystander, error) {
	found, err := ruled(ctx, q, tables)
	if err != nil {
		return nil, err
	}
	var list []action.Bystander
	for _, r := range found {
		switch {
		case len(r.Columns) != 1 || r.strict:
		case r.Kind == action.CheckRule:
			r.Inert = r.inborn || r.holds(ctx, q)
		case r.Kind == action.UniqueRule || r.Kind == action.UniqueIndex:
			r.Inert = !r.inborn
		}
		list = append(list, r.Bystander)
	}
	return list, nil
}

func ruled(ctx context.Context, q database.Querier, tables []string) (list []*rule, err error) {
	rows, err := q.Query(ctx, ruling, tables, tables, tables)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		r, err := oneRule(rows)
		if err != nil {
			return nil, err
		}
		if n := len(list) - 1; n >= 0 && list[n].Kind == r.Kind && list[n].Name == r.Name && list[n].Table == r.Table {
			list[n].Columns[strings.ToLower(r.column)] = true
			continue
		}
		r.Columns = map[string]bool{strings.ToLower(r.column): true}
		list = append(list, r)
	}
	return list, rows.Err()
}

func oneRule(rows *sql.Rows) (*rule, error) {
	r := &rule{}
	return r, rows.Scan(&r.Kind, &r.Name, &r.Table, &r.column, &r.inborn, &r.check, &r.kind, &r.strict)
}

// holds reports whether a check is met by a row without a value. One that cannot be asked is not.
func (r *rule) holds(ctx context.Context, q database.Querier) bool {
	var met bool
	query := fmt.Sprintf("SELECT (%s) IS NOT FALSE FROM (SELECT NULL::%s AS %s) AS t", r.check, r.kind, pgx.Identifier{r.column}.Sanitize())
	return q.QueryRow(ctx, query).Scan(&met) == nil && met
}
