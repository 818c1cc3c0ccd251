package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"marain/backend/action"
	"marain/backend/database"
)

// Bystanders returns the views, triggers, foreign keys and rules that mention one of the tables, and every view and
// trigger of the file that does not compile: while there is one, SQLite renames nothing.
func (db *DB) Bystanders(ctx context.Context, q database.Querier, tables []string) ([]action.Bystander, error) {
	others, err := bystanders(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("look for views and triggers: %w", err)
	}
	var list []action.Bystander
	for _, o := range others {
		list = append(list, o.dependents(tables)...)
		if broken := o.compile(ctx, q); broken != "" {
			list = append(list, action.Bystander{Kind: o.kind, Name: o.name, Broken: broken})
		}
	}
	keys, err := foreignKeys(ctx, q, tables)
	if err != nil {
		return nil, fmt.Errorf("look for foreign keys: %w", err)
	}
	rules, err := rules(ctx, q, tables)
	if err != nil {
		return nil, fmt.Errorf("look for rules of the tables: %w", err)
	}
	return slices.Concat(list, keys, rules), nil
}

// bystander is a view or a trigger.
type bystander struct {
	kind  action.BystanderKind
	name  string
	table string // of a trigger
	sql   string
}

func bystanders(ctx context.Context, q database.Querier) (list []bystander, err error) {
	rows, err := q.Query(ctx, `SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE type IN ('view', 'trigger') ORDER BY type, name`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var o bystander
		if err := rows.Scan(&o.kind, &o.name, &o.table, &o.sql); err != nil {
			return nil, err
		}
		list = append(list, o)
	}
	return list, rows.Err()
}

// dependents returns what one has to do with the tables.
func (o bystander) dependents(tables []string) []action.Bystander {
	var list []action.Bystander
	words := database.Words(o.sql)
	for _, table := range tables {
		if words[strings.ToLower(table)] || o.kind == action.Trigger && strings.EqualFold(o.table, table) {
			list = append(list, action.Bystander{Kind: o.kind, Name: o.name, Table: table, Columns: words, Fires: o.fires(table)})
		}
	}
	return list
}

// setOff finds in the text of a trigger what sets it off, and of which columns.
var setOff = regexp.MustCompile(`(?is)^\s*CREATE\s+TRIGGER\s+(?:"(?:[^"]|"")*"|\[[^\]]*\]|` + "`[^`]*`" + `|'[^']*'|[^\s"\[` + "`" + `']+)\s+(?:BEFORE\s+|AFTER\s+|INSTEAD\s+OF\s+)?(DELETE|INSERT|UPDATE)(?:\s+OF\s+(.*?))?\s+ON\s`)

// fires returns the columns of a table whose writing sets a trigger off; a star for any. What cannot be read may be set
// off by anything.
func (o bystander) fires(table string) map[string]bool {
	if o.kind != action.Trigger || !strings.EqualFold(o.table, table) {
		return nil
	}
	found := setOff.FindStringSubmatch(o.sql)
	switch {
	case found != nil && !strings.EqualFold(found[1], "update"):
		return nil
	case found == nil || found[2] == "":
		return map[string]bool{"*": true}
	default:
		return database.Words(found[2])
	}
}

// compile returns why a view or a trigger cannot be run, empty when it can. A trigger is compiled with a statement that
// sets it off.
func (o bystander) compile(ctx context.Context, q database.Querier) string {
	table := Dialect{}.Quote(o.table)
	var statements []string
	switch o.kind {
	case action.View:
		statements = []string{"EXPLAIN SELECT * FROM " + Dialect{}.Quote(o.name)}
	case action.Trigger:
		columns, err := settable(ctx, q, o.table)
		if err != nil {
			return err.Error()
		}
		statements = []string{"EXPLAIN DELETE FROM " + table, "EXPLAIN INSERT INTO " + table + " DEFAULT VALUES"}
		if len(columns) > 0 {
			statements = append(statements, "EXPLAIN UPDATE "+table+" SET "+strings.Join(columns, ", "))
		}
	default:
	}
	for _, statement := range statements {
		if err := explain(ctx, q, statement); err != nil {
			return err.Error()
		}
	}
	return ""
}

// settable returns an assignment of itself for each column of a table or a view that takes one.
func settable(ctx context.Context, q database.Querier, table string) (list []string, err error) {
	rows, err := q.Query(ctx, `SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0`, table)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		list = append(list, Dialect{}.Quote(name)+" = "+Dialect{}.Quote(name))
	}
	return list, rows.Err()
}

// explain compiles a statement without running it.
func explain(ctx context.Context, q database.Querier, statement string) (err error) {
	rows, err := q.Query(ctx, statement)
	if err != nil {
		return err
	}
	return errors.Join(rows.Close(), rows.Err())
}

func foreignKeys(ctx context.Context, q database.Querier, tables []string) ([]action.Bystander, error) {
	list, args := placeholders(len(tables)), make([]any, 0, 2*len(tables))
	for range 2 {
		for _, t := range tables {
			args = append(args, t)
		}
	}
	var found []action.Bystander
	err := each(ctx, q, func(rows *sql.Rows) error {
		var child, parent, from, to string
		if err := rows.Scan(&child, &parent, &from, &to); err != nil {
			return err
		}
		name := child + " (" + from + ") to " + parent
		if slices.Contains(tables, parent) {
			found = append(found, action.Bystander{Kind: action.ForeignKey, Name: name, Table: parent, Child: child, Parent: parent, Columns: map[string]bool{strings.ToLower(to): true}})
		}
		if slices.Contains(tables, child) {
			found = append(found, action.Bystander{Kind: action.ForeignKey, Name: name, Table: child, Child: child, Parent: parent, Columns: map[string]bool{strings.ToLower(from): true}})
		}
		return nil
	}, `SELECT t.name, f."table", f."from", coalesce(f."to", 'id') FROM sqlite_schema AS t JOIN pragma_foreign_key_list(t.name) AS f
WHERE t.type = 'table' AND (f."table" IN (`+list+`) OR t.name IN (`+list+`)) ORDER BY t.name, f.id, f.seq`, args...)
	return found, err
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
