package executor_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/executor"
	"marain/tests/engines"
)

// BenchmarkRanges compares a long statement with its parts on a million rows: running in parts must cost less than a
// tenth more than the bare statement. It prints the ratio of the best times.
func BenchmarkRanges(b *testing.B) {
	onEachDatabase(b, func(b *testing.B, db database.Database) {
		const rows = 1_000_000
		crowd(b, db, rows)
		update := action.Update{
			Table: "content_note", Set: []action.Assignment{{Column: "b", Value: `CAST("content_note"."a" AS TEXT)`}}, Where: `"content_note"."a" IS NOT NULL`,
		}
		bare, parts := time.Hour, time.Hour
		for b.Loop() {
			bare = min(bare, timed(b, db, func(q database.Querier) error {
				_, err := q.Exec(background, update.SQL(db.Dialect()))
				return err
			}))
			parts = min(parts, timed(b, db, func(q database.Querier) error {
				ranges, err := db.Ranges(background, q, update.Table, executor.DefaultRangeRows)
				if err != nil || len(ranges) < rows/executor.DefaultRangeRows {
					return errors.Join(err, fmt.Errorf("%d ranges", len(ranges)))
				}
				for _, part := range ranges {
					text, _, err := action.Within(db.Dialect(), update, part.Condition)
					if err != nil {
						return err
					}
					if _, err := q.Exec(background, text); err != nil {
						return err
					}
				}
				return nil
			}))
		}
		b.ReportMetric(float64(bare.Milliseconds()), "bare-ms")
		b.ReportMetric(float64(parts.Milliseconds()), "parts-ms")
		b.ReportMetric(float64(parts)/float64(bare), "ratio")
	})
}

// BenchmarkRehearsal times a rehearsal of a field that goes and one that changes its type, on as many rows as are
// copied whole, and on a part of a million.
func BenchmarkRehearsal(b *testing.B) {
	for _, rows := range []int{0, 1_000, 20_000, 1_000_000} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			onEachDatabase(b, func(b *testing.B, db database.Database) {
				crowd(b, db, rows)
				draft := action.Draft{File: action.File{Actions: []action.Action{
					{
						Up:   []string{`ALTER TABLE content_note RENAME COLUMN c TO "_old_x_c"`},
						Down: []string{`ALTER TABLE content_note RENAME COLUMN "_old_x_c" TO c`},
					},
					{
						Up: []string{
							`ALTER TABLE content_note RENAME COLUMN a TO "_old_y_a"`, `ALTER TABLE content_note ADD COLUMN a TEXT`,
							`UPDATE content_note SET a = CAST("_old_y_a" AS TEXT)`,
						},
						Down: []string{`ALTER TABLE content_note RENAME COLUMN a TO "_old_z_a"`, `ALTER TABLE content_note RENAME COLUMN "_old_y_a" TO a`},
					},
				}}}
				e := &executor.Executor{Database: db}
				for b.Loop() {
					result, err := e.Rehearse(background, []action.Draft{draft}, []string{"content_note"}, time.Minute)
					if err != nil || result.State != action.Proved {
						b.Fatalf("%+v, %v", result, err)
					}
				}
			})
		})
	}
}

func onEachDatabase(b *testing.B, run func(b *testing.B, db database.Database)) {
	b.Run("sqlite", func(b *testing.B) { run(b, engines.SQLite(b)) })
	b.Run("postgres", func(b *testing.B) { run(b, engines.Postgres(b)) })
}

// crowd makes a table with rows.
func crowd(b *testing.B, db database.Database, rows int) {
	b.Helper()
	err := db.Write(background, func(q database.Querier) error {
		table := action.Table{Name: "content_note", Key: []string{"id"}, Columns: []action.Column{
			{Name: "id", Type: action.ColumnText, NotNull: true}, {Name: "a", Type: action.ColumnInteger}, {Name: "b", Type: action.ColumnText}, {Name: "c", Type: action.ColumnText},
		}}
		statements, err := db.Dialect().Statements(action.CreateTable{Table: table})
		if err != nil {
			return err
		}
		statements = append(statements, fmt.Sprintf(`INSERT INTO content_note (id, a, c) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
SELECT '01HZZZZZZZZZZZZZZZZZ' || (1000000 + i), i, 'some text that a row has ' || i FROM n WHERE i <= %d`, rows, rows))
		for _, s := range statements {
			if _, err := q.Exec(background, s); err != nil {
				return fmt.Errorf("%s: %w", s, err)
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

// timed runs something in a transaction that is taken back, and returns how long it took inside.
func timed(b *testing.B, db database.Database, run func(q database.Querier) error) (took time.Duration) {
	b.Helper()
	back := errors.New("back")
	var failed error
	err := db.Write(background, func(q database.Querier) error {
		began := time.Now()
		failed = run(q)
		took = time.Since(began)
		return back
	})
	if failed != nil || !errors.Is(err, back) {
		b.Fatal(failed, err)
	}
	return took
}
