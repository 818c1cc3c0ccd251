package survey_test

import (
	"context"
	"fmt"
	"testing"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/document"
	"marain/tests/engines"
)

// BenchmarkReaders reads the tables of 200 content types in each way.
func BenchmarkReaders(b *testing.B) {
	ctx := context.Background()
	for _, db := range []database.Database{engines.SQLite(b), engines.Postgres(b)} {
		var names []string
		err := db.Write(ctx, func(q database.Querier) error {
			for i := range 200 {
				e := &document.Entity{ID: fmt.Sprintf("e%d", i)}
				for f := range 10 {
					e.Fields = append(e.Fields, document.Field{ID: fmt.Sprintf("f%d", f), Type: document.Text, Cardinality: 1, Indexed: f == 0})
				}
				for _, t := range action.Tables(e) {
					names = append(names, t.Name)
					statements, err := db.Dialect().Statements(action.CreateTable{Table: t})
					if err != nil {
						return err
					}
					for _, s := range statements {
						if _, err := q.Exec(ctx, s); err != nil {
							return err
						}
					}
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		for name, read := range map[string]func(q database.Querier) error{
			"inspect": func(q database.Querier) error { _, err := db.Inspect(ctx, q, names); return err },
			"survey":  func(q database.Querier) error { _, err := db.Survey(ctx, q, names); return err },
			"stamp":   func(q database.Querier) error { _, err := db.Stamp(ctx, q); return err },
		} {
			b.Run(db.Dialect().Name()+"/"+name, func(b *testing.B) {
				for b.Loop() {
					if err := db.Read(ctx, read); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
