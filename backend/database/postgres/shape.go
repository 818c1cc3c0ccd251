package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"marain/backend/database"
)

// shape is what a table looks like, as far as making it again takes.
type shape struct {
	Name        string       `json:"name"`
	ID          uint32       `json:"id"` // the server's number of the table, which no renaming changes
	Columns     []column     `json:"columns"`
	Constraints []constraint `json:"constraints"`
	Indexes     []string     `json:"indexes"` // those that no constraint brings
}

// column is one column of a shape. Types, defaults and collations are as the server writes them.
type column struct {
	Name      string `json:"name"`
	Type      string `json:"type"`
	NotNull   bool   `json:"not_null"`
	Default   string `json:"default,omitempty"`
	Generated string `json:"generated,omitempty"` // the expression that it is computed by
	Identity  string `json:"identity,omitempty"`  // ALWAYS or BY DEFAULT
	Collation string `json:"collation,omitempty"` // when it is not that of the type
}

// constraint is a primary key, a unique rule, a check, an exclusion or a reference.
type constraint struct {
	Name       string `json:"name"`
	Reference  bool   `json:"reference"`
	Definition string `json:"definition"`
}

// same reports whether a column stores its values in the same way.
func (c column) same(other column) bool {
	return c.Type == other.Type && c.Generated == other.Generated && c.Identity == other.Identity && c.Collation == other.Collation
}

// definition is the column as it is added to a table: what it may hold and its default come later.
func (c column) definition() string {
	text := Dialect{}.Quote(c.Name) + " " + c.Type
	if c.Collation != "" {
		text += " COLLATE " + c.Collation
	}
	switch {
	case c.Generated != "":
		text += " GENERATED ALWAYS AS (" + c.Generated + ") STORED"
	case c.Identity != "":
		text += " GENERATED " + c.Identity + " AS IDENTITY"
	}
	return text
}

// written lists the columns that rows are written with.
func (s shape) written() string {
	var names []string
	for _, c := range s.Columns {
		if c.Generated == "" {
			names = append(names, Dialect{}.Quote(c.Name))
		}
	}
	return strings.Join(names, ", ")
}

// shapes reads those of the named tables that are there, by name.
func (db *DB) shapes(ctx context.Context, q database.Querier, names []string) ([]shape, error) {
	var list []shape
	find := func(table string) *shape {
		if i := slices.IndexFunc(list, func(s shape) bool { return s.Name == table }); i >= 0 {
			return &list[i]
		}
		list = append(list, shape{Name: table, Columns: []column{}, Constraints: []constraint{}, Indexes: []string{}})
		return &list[len(list)-1]
	}
	const these = `c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND c.relname = ANY (?::name[])`
	err := each(ctx, q, func(rows *sql.Rows) error {
		var table string
		var id uint32
		var name, kind, preset, generated, identity, collation sql.NullString
		var notNull sql.NullBool
		if err := rows.Scan(&table, &id, &name, &kind, &notNull, &preset, &generated, &identity, &collation); err != nil {
			return err
		}
		s := find(table)
		s.ID = id
		if !name.Valid {
			return nil
		}
		c := column{Name: name.String, Type: kind.String, NotNull: notNull.Bool, Default: preset.String, Collation: collation.String}
		if generated.String != "" {
			c.Generated, c.Default = c.Default, ""
		}
		c.Identity = map[string]string{"a": "ALWAYS", "d": "BY DEFAULT"}[identity.String]
		s.Columns = append(s.Columns, c)
		return nil
	}, `SELECT c.relname::text, c.oid, a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attgenerated::text, a.attidentity::text,
	(SELECT quote_ident(n.nspname) || '.' || quote_ident(o.collname) FROM pg_collation AS o JOIN pg_namespace AS n ON n.oid = o.collnamespace JOIN pg_type AS t ON t.oid = a.atttypid
	 WHERE o.oid = a.attcollation AND o.oid <> t.typcollation)
FROM pg_class AS c LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE `+these+` ORDER BY c.relname, a.attnum`, names)
	if err != nil {
		return nil, fmt.Errorf("look at columns: %w", err)
	}
	err = each(ctx, q, func(rows *sql.Rows) error {
		var table string
		var c constraint
		err := rows.Scan(&table, &c.Name, &c.Reference, &c.Definition)
		s := find(table)
		s.Constraints = append(s.Constraints, c)
		return err
	}, `SELECT c.relname::text, k.conname::text, k.contype = 'f', pg_get_constraintdef(k.oid)
FROM pg_class AS c JOIN pg_constraint AS k ON k.conrelid = c.oid WHERE k.contype IN ('p', 'u', 'c', 'x', 'f') AND k.conparentid = 0 AND `+these+` ORDER BY c.relname, k.contype = 'f', k.oid`, names)
	if err != nil {
		return nil, fmt.Errorf("look at constraints: %w", err)
	}
	err = each(ctx, q, func(rows *sql.Rows) error {
		var table, definition string
		err := rows.Scan(&table, &definition)
		s := find(table)
		s.Indexes = append(s.Indexes, definition)
		return err
	}, `SELECT c.relname::text, pg_get_indexdef(x.indexrelid) FROM pg_class AS c JOIN pg_index AS x ON x.indrelid = c.oid
WHERE NOT EXISTS (SELECT 1 FROM pg_constraint AS k WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x')) AND `+these+` ORDER BY c.relname, x.indexrelid`, names)
	if err != nil {
		return nil, fmt.Errorf("look at indexes: %w", err)
	}
	return list, nil
}

// each hands every row of a query to scan.
func each(ctx context.Context, q database.Querier, scan func(*sql.Rows) error, query string, args ...any) (err error) {
	rows, err := q.Query(ctx, query, args...)
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
