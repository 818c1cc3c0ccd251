// Package convert_test converts values of every field type to every other one, on SQLite and on PostgreSQL, and compares
// them with each other and with what they should be.
package convert_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx
	_ "modernc.org/sqlite"             // the driver sqlite

	"marain/backend/action"
	"marain/backend/database/postgres"
	"marain/backend/database/sqlite"
	"marain/backend/document"
	"marain/tests/cluster"
)

func TestMain(m *testing.M) { os.Exit(cluster.Main(m)) }

// engine is one of the two databases, with its dialect.
type engine struct {
	action.Dialect

	db *sql.DB
}

// engines opens a new database of each kind.
func engines(t testing.TB) []*engine {
	t.Helper()
	return []*engine{
		open(t, "sqlite", ":memory:", sqlite.Dialect{}),
		open(t, "pgx", cluster.Database(t), postgres.Dialect{}),
	}
}

func open(t testing.TB, driver, address string, dialect action.Dialect) *engine {
	t.Helper()
	if u, err := url.Parse(address); driver == "pgx" && err == nil {
		q := u.Query()
		q.Set("default_query_exec_mode", "describe_exec") // tables change all the time
		u.RawQuery = q.Encode()
		address = u.String()
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1) // a database in memory is that of its connection
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return &engine{Dialect: dialect, db: db}
}

// exec runs statements.
func (e *engine) exec(t failer, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := e.db.ExecContext(context.Background(), s); err != nil {
			t.Fatalf("%s: %v\n%s", e.Name(), err, s)
		}
	}
}

// failer is what tests and random tests have in common.
type failer interface {
	Helper()
	Fatalf(format string, arguments ...any)
}

// declared is the type of a column that holds values of a field.
func (e *engine) declared(f *document.Field) string { return e.DeclaredType(action.Stored(f.Type)) }

// store makes the table v with the values in a column a, numbered from 0.
func (e *engine) store(t failer, f *document.Field, values []any) {
	t.Helper()
	e.exec(t, "DROP TABLE IF EXISTS v", "CREATE TABLE v (n INTEGER PRIMARY KEY, a "+e.declared(f)+")")
	insert := "INSERT INTO v VALUES ($1, $2)"
	if e.Name() != "sqlite" { // which takes values as they are
		insert = "INSERT INTO v VALUES ($1, CAST($2 AS " + e.declared(f) + "))"
	}
	for n, value := range values {
		if _, err := e.db.ExecContext(context.Background(), insert, n, value); err != nil {
			t.Fatalf("%s: store %v: %v", e.Name(), value, err)
		}
	}
}

// column reads an expression for each row of v, in order.
func (e *engine) column(t failer, expression string) []any {
	t.Helper()
	rows, err := e.db.QueryContext(context.Background(), "SELECT "+expression+" FROM v ORDER BY n")
	if err != nil {
		t.Fatalf("%s: %v\n%s", e.Name(), err, expression)
	}
	defer rows.Close() //nolint:errcheck // what is wrong shows in Err
	var all []any
	for rows.Next() {
		var value any
		if err := rows.Scan(&value); err != nil {
			t.Fatalf("%s: %v", e.Name(), err)
		}
		all = append(all, value)
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v\n%s", e.Name(), err, expression)
	}
	return all
}

// converted converts all rows of v and brings the result to one form for both databases.
func (e *engine) converted(t failer, from, to *document.Field) []any {
	t.Helper()
	all := e.column(t, e.Convert(from, to, e.Quote("a")))
	for i, value := range all {
		plain, err := canonical(from, to, value)
		if err != nil {
			t.Fatalf("%s: %s to %s, value %d: %v", e.Name(), from.Type, to.Type, i, err)
		}
		all[i] = plain
	}
	return all
}

// canonical is the one form of a value that a database gave for a field: string, int64, float64 or bool. It is an error
// when the value is not of the type that the column wants.
func canonical(from, to *document.Field, value any) (any, error) {
	if value == nil {
		return nil, nil
	}
	wrong := fmt.Errorf("a value of type %T (%v)", value, value)
	switch to.Type {
	case document.Integer:
		if _, ok := value.(int64); !ok {
			return nil, wrong
		}
	case document.Float:
		if _, ok := value.(float64); !ok {
			return nil, wrong
		}
	case document.Boolean:
		switch v := value.(type) {
		case bool:
		case int64:
			if v != 0 && v != 1 {
				return nil, wrong
			}
			return v == 1, nil
		default:
			return nil, wrong
		}
	case document.Datetime:
		switch v := value.(type) {
		case string:
		case time.Time:
			return v.UTC().Format(time.RFC3339Nano), nil
		default:
			return nil, wrong
		}
	default:
		text, ok := value.(string)
		if raw, bytes := value.([]byte); bytes && to.Type == document.Component {
			text, ok = string(raw), true
		}
		if !ok {
			return nil, wrong
		}
		if from.Type == document.Component || to.Type == document.Component {
			return object(text)
		}
		return text, nil
	}
	return value, nil
}

// object is the one form of a JSON text: keys sorted, numbers as fractions.
func object(text string) (string, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return "", fmt.Errorf("%q: %w", text, err)
	}
	out, err := json.Marshal(fractions(value))
	return string(out), err
}

func fractions(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key := range v {
			v[key] = fractions(v[key])
		}
	case []any:
		for i := range v {
			v[i] = fractions(v[i])
		}
	case json.Number:
		r, ok := new(big.Rat).SetString(string(v))
		if !ok {
			return "not a number: " + string(v)
		}
		return map[string]any{"number": r.String()}
	}
	return value
}
