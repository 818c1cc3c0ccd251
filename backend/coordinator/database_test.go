package coordinator_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"marain/backend/project"
	"marain/tests/cluster"
	"marain/tests/engines"

	_ "github.com/jackc/pgx/v5/stdlib"
)

// postgres reports whether the bench's database is on a server.
func (b *bench) postgres() bool { return b.onServer || !b.onSQLite && engines.OnPostgres() }

// either returns the text for the kind of database that the bench has.
func (b *bench) either(sqlite, postgres string) string {
	if b.postgres() {
		return postgres
	}
	return sqlite
}

// getenv is an environment in which the bench's database is the one to open.
func (b *bench) getenv(given func(string) string) func(string) string {
	return func(name string) string {
		if given != nil && given(name) != "" {
			return given(name)
		}
		if name == project.EnvDatabase && b.postgres() && !b.bySettings {
			return b.server()
		}
		return ""
	}
}

// server is the address of the bench's database on the server.
func (b *bench) server() string {
	if b.address == "" {
		b.address = cluster.Database(b.t)
	}
	return b.address
}

// other opens the database as another program would.
func (b *bench) other() *sql.DB {
	b.t.Helper()
	driver, address := "sqlite", "file:"+filepath.Join(b.root, "data/content/marain.db")+"?_pragma=busy_timeout(5000)&_pragma=foreign_keys(on)"
	if b.postgres() {
		// Nothing is cached: the tables change under this program, which must not notice.
		driver, address = "pgx", b.server()+"&default_query_exec_mode=exec&timezone=UTC"
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		b.t.Fatal(err)
	}
	return db
}

// numbered writes the parameters of a query the way the database wants them. No text in a test's query has a question
// mark.
func (b *bench) numbered(query string) string {
	if !b.postgres() {
		return query
	}
	parts := strings.Split(query, "?")
	for i := range parts[:len(parts)-1] {
		parts[i] += "$" + strconv.Itoa(i+1)
	}
	return strings.Join(parts, "")
}

// rows returns what a query finds, one text a row, the columns joined by "|" and NULL written as "∅".
func (b *bench) rows(query string, args ...any) []string {
	b.t.Helper()
	rows, err := b.conn().Query(b.numbered(query), args...)
	if err != nil {
		b.t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		b.t.Fatal(err)
	}
	list := []string{}
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			b.t.Fatal(err)
		}
		words := make([]string, len(columns))
		for i, v := range values {
			words[i] = spelled(v)
		}
		list = append(list, strings.Join(words, "|"))
	}
	if err := rows.Err(); err != nil {
		b.t.Fatal(err)
	}
	return list
}

// spelled writes a value the same way whatever database it comes from.
func spelled(v any) string {
	switch v := v.(type) {
	case nil:
		return "∅"
	case bool:
		if v {
			return "1"
		}
		return "0"
	case []byte:
		var out bytes.Buffer
		if json.Compact(&out, v) == nil {
			return out.String()
		}
		return string(v)
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	}
	return fmt.Sprint(v)
}

// tables describes the tables that are in use: columns with types and NOT NULL, and indexes. What is out of use, and
// the order of columns, does not count.
func (b *bench) tables() string {
	b.t.Helper()
	if b.postgres() {
		lines := b.rows(`SELECT c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull AND a.attname <> 'id' THEN ' NOT NULL' ELSE '' END
			FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
			WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace AND (c.relname LIKE 'content\_%' OR c.relname LIKE 'field\_%') AND a.attname NOT LIKE '\_old\_%'
			ORDER BY 1`)
		return strings.Join(append(lines, b.rows(`SELECT tablename || '.' || indexname || ' ' || regexp_replace(indexdef, ' INDEX .* USING', '') FROM pg_indexes
			WHERE schemaname = current_schema() AND (tablename LIKE 'content\_%' OR tablename LIKE 'field\_%') ORDER BY 1`)...), "\n")
	}
	lines := b.rows(`SELECT t.name || '.' || c.name || ' ' || c.type || iif(c."notnull", ' NOT NULL', '')
		FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c
		WHERE t.type = 'table' AND (t.name LIKE 'content\_%' ESCAPE '\' OR t.name LIKE 'field\_%' ESCAPE '\') AND c.name NOT LIKE '\_old\_%' ESCAPE '\'
		ORDER BY 1`)
	lines = append(lines, b.rows(`SELECT t.name || '.' || i.name || ' ' || iif(i."unique", 'unique ', '') || group_concat(c.name)
		FROM sqlite_schema AS t JOIN pragma_index_list(t.name) AS i JOIN pragma_index_info(i.name) AS c
		WHERE t.type = 'table' AND i.origin = 'c' AND (t.name LIKE 'content\_%' ESCAPE '\' OR t.name LIKE 'field\_%' ESCAPE '\') GROUP BY t.name, i.name ORDER BY 1`)...)
	return strings.Join(lines, "\n")
}

// tableNames returns the names of all tables, bookkeeping included, in the order of their bytes.
func (b *bench) tableNames() []string {
	b.t.Helper()
	return b.rows(b.either(`SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`,
		`SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename`))
}

// columns returns the names of a table's columns in their order.
func (b *bench) columns(table string) []string {
	b.t.Helper()
	return b.rows(b.either(`SELECT name FROM pragma_table_info(?)`,
		`SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(quote_ident(?)) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`), table)
}

// without fails the test when a table has a column of that name.
func (b *bench) without(table, column string) {
	b.t.Helper()
	if slices.Contains(b.columns(table), column) {
		b.t.Errorf("%s.%s is there", table, column)
	}
}

// everything describes the whole database, bookkeeping and rows included, to show that nothing changed.
func (b *bench) everything() string {
	b.t.Helper()
	var out strings.Builder
	for _, table := range b.tableNames() {
		columns := b.columns(table)
		order := "1"
		for i := 1; i < min(len(columns), 3); i++ {
			order += ", " + strconv.Itoa(i+1)
		}
		fmt.Fprintf(&out, "%s(%s)\n%s\n", table, strings.Join(columns, ","), strings.Join(b.rows(`SELECT * FROM "`+table+`" ORDER BY `+order), "\n"))
	}
	out.WriteString(strings.Join(b.rows(b.either(`SELECT coalesce(sql, name) FROM sqlite_schema ORDER BY name`,
		`SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema() UNION ALL
		SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = current_schema()::regnamespace UNION ALL
		SELECT format('%s.%s %s %s %s', table_name, column_name, data_type, is_nullable, column_default) FROM information_schema.columns WHERE table_schema = current_schema()
		ORDER BY 1`)), "\n"))
	return out.String()
}
