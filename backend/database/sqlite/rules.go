package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"marain/backend/action"
	"marain/backend/database"
)

// ruled is a table with what its own statement says.
type ruled struct {
	name    string
	create  string
	without bool            // row numbers
	columns map[string]bool // in small letters: whether one has a default
	key     []string        // of the primary key
	made    []string        // columns that are computed
}

// rules returns the checks, unique constraints, unique indexes, primary keys and computed columns of tables. None of
// them but an index and a check with a name can be dropped.
func rules(ctx context.Context, q database.Querier, tables []string) ([]action.Bystander, error) {
	found, err := ruledTables(ctx, q, tables)
	if err != nil {
		return nil, err
	}
	var list []action.Bystander
	for _, t := range found {
		list = append(list, t.checks(ctx, q)...)
		list = append(list, t.generated()...)
		if len(t.key) > 1 || t.without && len(t.key) > 0 && t.key[0] != "id" {
			list = append(list, action.Bystander{Kind: action.PrimaryKey, Name: "(" + strings.Join(t.key, ", ") + ")", Table: t.name, Columns: set(t.key), Fixed: true})
		}
		unique, err := t.unique(ctx, q)
		if err != nil {
			return nil, err
		}
		list = append(list, unique...)
	}
	return list, nil
}

func ruledTables(ctx context.Context, q database.Querier, tables []string) ([]*ruled, error) {
	args := make([]any, len(tables))
	for i, t := range tables {
		args[i] = t
	}
	var list []*ruled
	err := each(ctx, q, func(rows *sql.Rows) error {
		var name, create, column string
		var without, inborn bool
		var key, hidden int
		if err := rows.Scan(&name, &create, &without, &column, &inborn, &key, &hidden); err != nil {
			return err
		}
		if len(list) == 0 || list[len(list)-1].name != name {
			list = append(list, &ruled{name: name, create: create, without: without, columns: map[string]bool{}})
		}
		t := list[len(list)-1]
		t.columns[strings.ToLower(column)] = inborn
		if key > 0 {
			t.key = append(t.key, column)
		}
		if hidden > 1 {
			t.made = append(t.made, column)
		}
		return nil
	}, `SELECT t.name, t.sql, l.wr, c.name, c.dflt_value IS NOT NULL, c.pk, c.hidden
FROM sqlite_schema AS t JOIN pragma_table_list(t.name) AS l ON l.schema = 'main' JOIN pragma_table_xinfo(t.name) AS c
WHERE t.type = 'table' AND t.name IN (`+placeholders(len(tables))+`) ORDER BY t.name, c.cid`, args...)
	return list, err
}

// uses returns the columns that a piece of SQL names.
func (t *ruled) uses(text string) []string {
	var list []string
	for word := range database.Words(text) {
		if _, ok := t.columns[word]; ok {
			list = append(list, word)
		}
	}
	slices.Sort(list)
	return list
}

// checks returns the conditions that rows must meet. One on a single column refuses nothing once nobody writes that,
// when a row without it meets it, or gets a value by itself.
func (t *ruled) checks(ctx context.Context, q database.Querier) []action.Bystander {
	var list []action.Bystander
	for _, check := range database.Checks(t.create) {
		columns := t.uses(check)
		inert := len(columns) == 1 && (t.columns[columns[0]] || holds(ctx, q, check, columns[0]))
		list = append(list, action.Bystander{Kind: action.CheckRule, Name: check, Table: t.name, Columns: set(columns), Inert: inert})
	}
	return list
}

// holds reports whether a condition is met by a row without a value. One that cannot be asked is not.
func holds(ctx context.Context, q database.Querier, check, column string) bool {
	var met bool
	query := fmt.Sprintf(`SELECT iif(coalesce(%s, 1), 1, 0) FROM (SELECT NULL AS %s)`, check, Dialect{}.Quote(column))
	return q.QueryRow(ctx, query).Scan(&met) == nil && met
}

func (t *ruled) generated() []action.Bystander {
	var list []action.Bystander
	for i, expression := range database.Generated(t.create) {
		if i < len(t.made) {
			list = append(list, action.Bystander{Kind: action.Generated, Name: t.made[i], Table: t.name, Columns: set(t.uses(expression))})
		}
	}
	return list
}

// unique returns the unique constraints, and the unique indexes that say more than a document can.
func (t *ruled) unique(ctx context.Context, q database.Querier) ([]action.Bystander, error) {
	var list []action.Bystander
	err := each(ctx, q, func(rows *sql.Rows) error {
		var name, origin, column, create string
		if err := rows.Scan(&name, &origin, &column, &create); err != nil {
			return err
		}
		if n := len(list) - 1; n < 0 || list[n].Name != name {
			rule := action.Bystander{Kind: action.UniqueRule, Name: name, Table: t.name, Columns: map[string]bool{}, Fixed: true}
			if origin == "c" {
				rule.Kind, rule.Fixed, rule.Columns = action.UniqueIndex, false, set(t.uses(create[strings.Index(create, "(")+1:]))
			}
			list = append(list, rule)
		}
		if column != "" {
			list[len(list)-1].Columns[strings.ToLower(column)] = true
		}
		return nil
	}, `SELECT i.name, i.origin, coalesce(c.name, ''), coalesce(s.sql, '(')
FROM pragma_index_list(?) AS i JOIN pragma_index_xinfo(i.name) AS c LEFT JOIN sqlite_schema AS s ON s.type = 'index' AND s.name = i.name
WHERE i."unique" AND c.key AND (i.origin = 'u' OR i.origin = 'c' AND (i.partial OR EXISTS (SELECT 1 FROM pragma_index_xinfo(i.name) AS e WHERE e.key AND e.cid < 0)))
ORDER BY i.name, c.seqno`, t.name)
	for i := range list {
		list[i].Inert = len(list[i].Columns) == 1
		for column := range list[i].Columns {
			list[i].Inert = list[i].Inert && !t.columns[column]
		}
	}
	return list, err
}

// set returns names in small letters.
func set(names []string) map[string]bool {
	all := map[string]bool{}
	for _, n := range names {
		all[strings.ToLower(n)] = true
	}
	return all
}
