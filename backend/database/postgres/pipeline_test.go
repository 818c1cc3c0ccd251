package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"marain/backend/database"
	"marain/tests/cluster"
)

// TestHeldStatements runs statements of the bookkeeping, which travel together, in every mixture with others.
func TestHeldStatements(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	db := connect(t, cluster.Database(t))
	must(t, db, database.Bookkeeping()...)
	must(t, db, `CREATE TABLE x (a INTEGER UNIQUE)`, `INSERT INTO x VALUES (1)`)
	const insert = `INSERT INTO marain_meta (name, value) VALUES (?, ?)`
	const count = `SELECT count(*) FROM marain_meta`
	put := func(q database.Querier, name string) error {
		_, err := q.Exec(ctx, insert, name, "CaNaRy")
		return err
	}
	for round := range 2 { // the second time they are prepared
		err := db.Write(ctx, func(q database.Querier) error {
			var n int
			for i := range 3 {
				if err := put(q, fmt.Sprintf("%d %d", round, i)); err != nil {
					return err
				}
			}
			if err := q.QueryRow(ctx, count).Scan(&n); err != nil || n != 3+3*round {
				t.Errorf("%d rows, %v", n, err)
			}
			result, err := q.Exec(ctx, `UPDATE marain_meta SET value = 'new' WHERE name LIKE ?`, fmt.Sprintf("%d %%", round))
			if err != nil {
				return err
			}
			if n, err := result.RowsAffected(); n != 3 || err != nil {
				t.Errorf("%d rows changed, %v", n, err)
			}
			if _, err := q.Exec(ctx, `DELETE FROM marain_meta WHERE name = ? AND value = ?`, fmt.Sprintf("%d 0", round), "new"); err != nil {
				return err
			}
			if _, err := q.Exec(ctx, `CREATE TABLE y`+fmt.Sprint(round)+` AS SELECT name FROM marain_meta`); err != nil {
				return err
			}
			return put(q, fmt.Sprintf("%d 0", round)) // it comes back in the message of the commit
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := number(t, db, count); n != 6 {
		t.Errorf("%d rows", n)
	}
	if n := number(t, db, `SELECT (SELECT count(*) FROM y0) * 10 + (SELECT count(*) FROM y1)`); n != 25 {
		t.Errorf("the tables in between have %d rows", n)
	}
	for name, then := range map[string]func(q database.Querier) error{
		"the commit":  func(database.Querier) error { return nil },
		"a statement": func(q database.Querier) error { _, err := q.Exec(ctx, `CREATE TABLE z (a TEXT)`); return err },
		"a query": func(q database.Querier) error {
			rows, err := q.Query(ctx, count)
			if err == nil {
				rows.Close()
			}
			return err
		},
		"a row":          func(q database.Querier) error { var n int; return q.QueryRow(ctx, count).Scan(&n) },
		"others":         func(q database.Querier) error { return errors.Join(put(q, "p"), put(q, "q")) },
		"nobody listens": func(q database.Querier) error { var n int; _ = q.QueryRow(ctx, count).Scan(&n); return nil },
	} {
		err := db.Write(ctx, func(q database.Querier) error {
			if err := errors.Join(put(q, "before"), put(q, "0 0"), put(q, "after")); err != nil { // the second is there already
				return err
			}
			return then(q)
		})
		if err == nil || errors.Is(err, database.ErrUnknown) || !strings.Contains(err.Error(), "marain_meta_pkey") || strings.Contains(err.Error(), "CaNaRy") {
			t.Errorf("before %s: %v", name, err)
		}
	}
	if n := number(t, db, count); n != 6 {
		t.Errorf("%d rows after batches that failed", n)
	}
	ended, cancel := context.WithCancel(ctx)
	err := db.Write(ctx, func(q database.Querier) error {
		cancel()
		_, err := q.Exec(ended, insert, "late", "")
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a statement that came too late: %v", err)
	}
}
