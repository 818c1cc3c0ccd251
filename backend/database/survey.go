package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"marain/backend/action"

	"ariga.io/atlas/sql/migrate"
	"ariga.io/atlas/sql/schema"
)

// Survey is what another reader than [Database.Inspect] finds in one table, and more than that one looks at. It is for
// requests that want to be sure: it takes many queries.
type Survey struct {
	Columns []SurveyedColumn
	Key     []string
	Indexes []SurveyedIndex
	Parents []string // tables that foreign keys point at
	Checks  []string // conditions
}

// SurveyedColumn is a column of a [Survey].
type SurveyedColumn struct {
	Name      string
	Type      string // as the database spells it
	NotNull   bool
	Default   string // an SQL expression; empty for none
	Generated bool
}

// SurveyedIndex is an index of a [Survey], those of constraints left out.
type SurveyedIndex struct {
	Name    string
	Columns []string // an empty name for an expression
	Unique  bool
}

// Inspector reads tables with the inspector of Atlas. Owned tells the indexes that belong to a constraint.
type Inspector struct {
	Open  func(schema.ExecQuerier) (migrate.Driver, error)
	Owned func(*schema.Index) bool
	Type  func(*schema.ColumnType) (string, error)
}

// Survey reads those of the named tables of a schema (empty: the current one) that exist. What it cannot read is an
// error: it knows less of SQL than a database does.
func (i Inspector) Survey(ctx context.Context, q Querier, name string, tables []string) (map[string]Survey, error) {
	driver, err := i.Open(reading{q})
	if err != nil {
		return nil, err
	}
	found, err := driver.InspectSchema(ctx, name, &schema.InspectOptions{Mode: schema.InspectTables, Tables: tables})
	if err != nil {
		return nil, err
	}
	all := map[string]Survey{}
	for _, t := range found.Tables {
		if all[t.Name], err = i.table(t); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (i Inspector) table(t *schema.Table) (Survey, error) {
	var s Survey
	for _, c := range t.Columns {
		spelling, err := i.Type(c.Type)
		if err != nil {
			return s, err
		}
		column := SurveyedColumn{Name: c.Name, Type: spelling, NotNull: !c.Type.Null}
		switch d := c.Default.(type) {
		case *schema.Literal:
			column.Default = d.V
		case *schema.RawExpr:
			column.Default = d.X
		}
		column.Generated = slices.ContainsFunc(c.Attrs, func(a schema.Attr) bool { _, ok := a.(*schema.GeneratedExpr); return ok })
		s.Columns = append(s.Columns, column)
	}
	if t.PrimaryKey != nil {
		s.Key = parts(t.PrimaryKey)
	}
	for _, index := range t.Indexes {
		if !i.Owned(index) {
			s.Indexes = append(s.Indexes, SurveyedIndex{Name: index.Name, Columns: parts(index), Unique: index.Unique})
		}
	}
	for _, key := range t.ForeignKeys {
		s.Parents = append(s.Parents, key.RefTable.Name)
	}
	for _, a := range t.Attrs {
		if check, ok := a.(*schema.Check); ok {
			s.Checks = append(s.Checks, check.Expr)
		}
	}
	return s, nil
}

func parts(index *schema.Index) []string {
	names := make([]string, len(index.Parts))
	for n, part := range index.Parts {
		if part.C != nil {
			names[n] = part.C.Name
		}
	}
	return names
}

// reading lets an inspector read in a transaction, and nothing else.
type reading struct{ q Querier }

var _ schema.ExecQuerier = reading{}

func (r reading) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return r.q.Query(ctx, query, args...)
}

func (reading) ExecContext(context.Context, string, ...any) (sql.Result, error) {
	return nil, errors.New("a survey changes nothing")
}

// Disagreements returns in words where two readers of a table see different things. What documents cannot ask for has
// many names, so that only types that they can are compared, and of indexes those that are like theirs.
func Disagreements(d action.Dialect, live action.LiveTable, s Survey) []string {
	var list []string
	differ := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	if len(live.Columns) != len(s.Columns) {
		differ("%d columns and %d", len(live.Columns), len(s.Columns))
	}
	for _, c := range s.Columns {
		mine := live.Column(c.Name)
		required := c.NotNull || slices.Contains(s.Key, c.Name)
		switch {
		case mine == nil:
			differ("column %s is seen by one only", c.Name)
		case !strings.EqualFold(mine.Type, c.Type) && (ours(d, mine.Type) || ours(d, c.Type)):
			differ("column %s is %s and %s", c.Name, mine.Type, c.Type)
		case mine.NotNull != required, c.Default != "" && !mine.Default:
			differ("column %s refuses empty values (%v) or has a default (%v), and %v, %q", c.Name, mine.NotNull, mine.Default, required, c.Default)
		}
	}
	for _, i := range s.Indexes {
		if mine := live.Index(i.Name); mine == nil || !mine.Special && (mine.Unique != i.Unique || !slices.Equal(mine.Columns, i.Columns)) {
			differ("index %s is %+v and %+v", i.Name, mine, i)
		}
	}
	for _, i := range live.Indexes {
		if !slices.ContainsFunc(s.Indexes, func(other SurveyedIndex) bool { return other.Name == i.Name }) && !i.Special {
			differ("index %s is seen by one only", i.Name)
		}
	}
	return list
}

// ours reports whether a type is one that documents ask for.
func ours(d action.Dialect, declared string) bool {
	types := []action.ColumnType{
		action.ColumnText, action.ColumnInteger, action.ColumnFloat, action.ColumnBoolean, action.ColumnDatetime, action.ColumnJSON,
	}
	return slices.ContainsFunc(types, func(t action.ColumnType) bool { return strings.EqualFold(d.DeclaredType(t), declared) })
}
