package convert_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"marain/backend/action"
	"marain/backend/document"
)

// names are those that the expressions use themselves, or that the functions in them do.
func names() []string {
	return strings.Fields("a b c d e f j m n p r s t u v w x y z s1 s2 s3 s4 key value type parent fullkey json shift")
}

// TestEveryName converts columns and tables whose names could be taken for a part of the expression.
func TestEveryName(t *testing.T) {
	for _, e := range engines(t) {
		for _, c := range []struct {
			from, to document.FieldType
			value    string
		}{
			{document.Text, document.Integer, "007"},
			{document.Text, document.Float, "1.50"},
			{document.Text, document.Datetime, "2024-01-02T03:04:05.50+01:00"},
			{document.Text, document.Component, `{"b":["\u00e9",{"c":1e30}]}`},
			{document.Float, document.Text, "1e-310"},
			{document.Float, document.Slug, "5"},
			{document.Datetime, document.Float, "2024-01-02T03:04:05.5Z"},
			{document.Datetime, document.Text, "2024-01-02T03:04:05.5Z"},
		} {
			from, to := field(c.from), field(c.to)
			var columns, converted []string
			for _, name := range names() {
				columns = append(columns, e.Quote(name)+" "+e.declared(from))
				converted = append(converted, "("+e.Convert(from, to, e.Quote(name))+") IS NOT NULL")
			}
			for i, name := range names() { // one column at a time has a value
				table := e.Quote(name)
				e.exec(t, fmt.Sprintf("CREATE TABLE %s (%s)", table, strings.Join(columns, ", ")), fmt.Sprintf("INSERT INTO %s (%s) VALUES ('%s')", table, table, c.value))
				query := fmt.Sprintf("SELECT (%s) IS NOT NULL AND %s FROM %s", e.Convert(from, to, table+"."+table), converted[i], table)
				if i == 0 {
					query = fmt.Sprintf("SELECT (%s) AND NOT (%s) FROM %s", converted[0], strings.Join(converted[1:], " OR "), table)
				}
				var right bool
				if err := e.db.QueryRowContext(context.Background(), query).Scan(&right); err != nil {
					t.Fatalf("%s: %s to %s in a column %s: %v", e.Name(), c.from, c.to, name, err)
				}
				if !right {
					t.Errorf("%s: %s to %s in a column %s: another column was converted", e.Name(), c.from, c.to, name)
				}
				e.exec(t, "DROP TABLE "+table)
			}
		}
	}
}

// TestEveryPlace has the expressions in an update, in conditions and in groups.
func TestEveryPlace(t *testing.T) {
	for _, e := range engines(t) {
		for _, fromType := range kinds() {
			from, values := field(fromType), short(tricky(fromType))
			e.store(t, from, append(values, values...))
			for _, toType := range kinds() {
				to := field(toType)
				e.places(t, from, to)
			}
		}
	}
}

func (e *engine) places(t *testing.T, from, to *document.Field) {
	t.Helper()
	expression := e.Convert(from, to, `"v"."a"`)
	e.exec(t, "ALTER TABLE v ADD COLUMN b "+e.declared(to), "UPDATE v SET b = "+expression)
	count := func(query string) (n int) {
		t.Helper()
		if err := e.db.QueryRowContext(context.Background(), query).Scan(&n); err != nil {
			t.Fatalf("%s: %s to %s: %v\n%s", e.Name(), from.Type, to.Type, err, query)
		}
		return n
	}
	same := e.Same(to, "b", expression)
	if n := count("SELECT count(*) FROM v WHERE NOT " + same); n != 0 {
		t.Errorf("%s: %s to %s: %d rows differ after an update", e.Name(), from.Type, to.Type, n)
	}
	filled := count("SELECT count(*) FROM v WHERE b IS NOT NULL")
	if n := count("SELECT count(*) FROM v WHERE (" + expression + ") IS NOT NULL"); n != filled {
		t.Errorf("%s: %s to %s: %d rows meet the condition, want %d", e.Name(), from.Type, to.Type, n, filled)
	}
	stored := count("SELECT count(*) FROM (SELECT b FROM v GROUP BY b) AS q")
	grouped := "SELECT " + expression + " AS c, count(*) AS n FROM v GROUP BY " + expression
	if n := count("SELECT count(*) FROM (" + grouped + ") AS q"); n != stored {
		t.Errorf("%s: %s to %s: %d groups, want %d", e.Name(), from.Type, to.Type, n, stored)
	}
	if n := count("SELECT count(*) FROM (" + grouped + " HAVING count(*) > 1 ORDER BY 1) AS q"); n != stored {
		t.Errorf("%s: %s to %s: %d groups of more than one row, want %d", e.Name(), from.Type, to.Type, n, stored)
	}
	survive := action.RoundTrip(e, from, to, `"v"."a"`)
	if n, all := count("SELECT count(*) FROM v WHERE "+survive), count("SELECT count(*) FROM v WHERE a IS NOT NULL"); n > all || from.Type == to.Type && n != all {
		t.Errorf("%s: %s to %s: %d of %d rows survive", e.Name(), from.Type, to.Type, n, all)
	}
	e.exec(t, "ALTER TABLE v DROP COLUMN b")
}

// TestConstants converts constants, which PostgreSQL computes while it plans.
func TestConstants(t *testing.T) {
	from := field(document.Text)
	for _, e := range engines(t) {
		e.store(t, field(document.Boolean), []any{true})
		for i, value := range short(texts()[1:]) {
			if e.Name() == "sqlite" && i%10 > 0 {
				continue // it computes them like any other value
			}
			constant := "CAST('" + strings.ReplaceAll(value.(string), "'", "''") + "' AS TEXT)"
			for _, toType := range kinds()[1:] {
				to := field(toType)
				expression := e.Convert(from, to, constant)
				var got any
				query := "SELECT " + expression + " FROM v WHERE n = 0 OR (" + expression + ") IS NOT NULL"
				if err := e.db.QueryRowContext(context.Background(), query).Scan(&got); err != nil {
					t.Fatalf("%s: %.100q to %s: %v", e.Name(), value, to.Type, err)
				}
				got, err := canonical(from, to, got)
				if err != nil {
					t.Fatal(err)
				}
				if want := expect(t, from, to, []any{value})[0]; !reflect.DeepEqual(got, want) {
					t.Errorf("%s: %.100q to %s gives %.100q, want %.100q", e.Name(), value, to.Type, got, want)
				}
			}
		}
	}
}

// TestExpressions converts what is more than a column.
func TestExpressions(t *testing.T) {
	from := field(document.Text)
	for _, e := range engines(t) {
		e.store(t, from, []any{"1", "2024-01-0", "tru", `{"a":`})
		for toType, want := range map[document.FieldType][]any{
			document.Integer: {int64(12), nil, nil, nil}, document.Float: {12.0, nil, nil, nil}, document.Slug: {"12", "2024-01-02", "tru2", nil},
			document.Boolean: {nil, nil, nil, nil}, document.Datetime: {nil, "2024-01-02T00:00:00Z", nil, nil},
		} {
			to := field(toType)
			for i, got := range e.column(t, e.Convert(from, to, "a || '2'")) {
				got, err := canonical(from, to, got)
				if err != nil || !reflect.DeepEqual(got, want[i]) {
					t.Errorf("%s: value %d to %s gives %v (%v), want %v", e.Name(), i, toType, got, err, want[i])
				}
			}
			if n := len(e.column(t, action.RoundTrip(e, from, to, "a || '2'"))); n != 4 {
				t.Errorf("%s: %d rows", e.Name(), n)
			}
		}
	}
}
