package convert_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"marain/backend/database/postgres"
	"marain/backend/database/sqlite"
	"marain/backend/document"
	"marain/tests/cluster"
)

const benchRows = 1_000_000

// BenchmarkConvert updates a million rows with the conversion and with the bare cast that any tool would write, and
// reports how many times as long the conversion takes.
//
//	go test -run '^$' -bench Convert -benchtime 1x ./tests/convert
func BenchmarkConvert(b *testing.B) {
	engines := []*engine{
		open(b, "sqlite", "file:"+filepath.Join(b.TempDir(), "bench.db")+"?_pragma=journal_mode(wal)", sqlite.Dialect{}),
		open(b, "pgx", cluster.Database(b), postgres.Dialect{}),
	}
	for _, c := range []struct {
		from, to document.FieldType
		filled   string // a value made of the row's number n
		cast     string // in PostgreSQL's names of types
	}{
		{document.Text, document.Integer, "CAST(n * 1919 AS TEXT)", "BIGINT"},
		{document.Integer, document.Text, "n * 1919", "TEXT"},
		{document.Text, document.Float, "CAST(n * 0.25 AS TEXT)", "DOUBLE PRECISION"},
		{document.Float, document.Text, "n * 0.25", "TEXT"},
		{document.Float, document.Integer, "n * 1.0", "BIGINT"},
		{document.Integer, document.Float, "n * 1919", "DOUBLE PRECISION"},
		{document.Text, document.Slug, "'a-' || n", "TEXT"},
		{document.Text, document.Boolean, "CASE n % 2 WHEN 0 THEN 'true' ELSE 'false' END", "BOOLEAN"},
		{document.Text, document.Datetime, "'2024-01-02T03:04:' || (n % 50 + 10) || 'Z'", "TIMESTAMPTZ"},
		{document.Text, document.Component, `'{"a":"x","b":[' || n || ',2]}'`, "JSONB"},
		{document.Component, document.Text, `'{"a":"x","b":[' || n || ',2]}'`, "TEXT"},
	} {
		for _, e := range engines {
			b.Run(fmt.Sprintf("%s/%s-%s", e.Name(), c.from, c.to), func(b *testing.B) {
				from, to := field(c.from), field(c.to)
				e.exec(b, "DROP TABLE IF EXISTS t", fmt.Sprintf("CREATE TABLE t (n INTEGER PRIMARY KEY, a %s, b %s)", e.declared(from), e.declared(to)),
					fmt.Sprintf("INSERT INTO t (n, a) SELECT n, %s FROM (WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < %d) SELECT n FROM r) AS s",
						asType(e, c.filled, from), benchRows))
				cast := fmt.Sprintf("CAST(a AS %s)", c.cast)
				if e.Name() == "sqlite" {
					cast = fmt.Sprintf("CAST(a AS %s)", e.declared(to))
				}
				for b.Loop() {
					bare, full := time.Hour, time.Hour
					for range 3 {
						bare = min(bare, e.update(b, cast))
						full = min(full, e.update(b, e.Convert(from, to, e.Quote("a"))))
					}
					b.ReportMetric(float64(full)/float64(bare), "x-cast")
					b.ReportMetric(float64(bare)/benchRows, "ns-cast/row")
					b.ReportMetric(float64(full)/benchRows, "ns-convert/row")
				}
			})
		}
	}
}

func asType(e *engine, expression string, f *document.Field) string {
	if e.Name() == "sqlite" {
		return expression
	}
	return "CAST(" + expression + " AS " + e.declared(f) + ")"
}

// update sets b in every row and takes it back.
func (e *engine) update(b *testing.B, expression string) time.Duration {
	b.Helper()
	tx, err := e.db.BeginTx(context.Background(), nil)
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	if _, err := tx.ExecContext(context.Background(), "UPDATE t SET b = "+expression); err != nil {
		b.Fatal(err)
	}
	took := time.Since(began)
	if err := tx.Rollback(); err != nil {
		b.Fatal(err)
	}
	return took
}
