package postgres

import (
	"context"
	"fmt"
	"testing"

	"marain/backend/database"
	"marain/tests/cluster"
)

func TestSurvey(t *testing.T) {
	db := connect(t, cluster.Database(t))
	must(t, db,
		`CREATE TABLE parent (id TEXT PRIMARY KEY)`,
		`CREATE TYPE mood AS ENUM ('good', 'bad')`,
		`CREATE TABLE "o'br""ien" (id TEXT NOT NULL, "B c" BIGINT NOT NULL DEFAULT 3 CHECK ("B c" > 1), p TEXT REFERENCES parent, m mood, n numeric(3,1), v varchar(9),
			t TIMESTAMPTZ DEFAULT now(), g TEXT GENERATED ALWAYS AS (v || 'x') STORED, u TEXT UNIQUE, j JSONB, PRIMARY KEY (id))`,
		`CREATE INDEX "i'x" ON "o'br""ien" (lower(v), p) WHERE n > 1`, `CREATE UNIQUE INDEX plain ON "o'br""ien" (v, p)`)
	err := db.Read(context.Background(), func(q database.Querier) error {
		found, err := db.Survey(context.Background(), q, []string{`o'br"ien`, "none"})
		got := fmt.Sprintf("%+v", found)
		want := `map[o'br"ien:{Columns:[{Name:id Type:TEXT NotNull:true Default: Generated:false} {Name:B c Type:BIGINT NotNull:true Default:3 Generated:false} ` +
			`{Name:p Type:TEXT NotNull:false Default: Generated:false} {Name:m Type:MOOD NotNull:false Default: Generated:false} {Name:n Type:NUMERIC(3,1) NotNull:false Default: Generated:false} ` +
			`{Name:v Type:CHARACTER VARYING(9) NotNull:false Default: Generated:false} {Name:t Type:TIMESTAMPTZ NotNull:false Default:now() Generated:false} ` +
			`{Name:g Type:TEXT NotNull:false Default: Generated:true} {Name:u Type:TEXT NotNull:false Default: Generated:false} {Name:j Type:JSONB NotNull:false Default: Generated:false}] ` +
			`Key:[id] Indexes:[{Name:i'x Columns:[ p] Unique:false} {Name:plain Columns:[v p] Unique:true}] Parents:[parent] Checks:[("B c" > 1)]}]`
		if err == nil && got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		live, err := db.Inspect(context.Background(), q, []string{`o'br"ien`})
		for _, words := range database.Disagreements(db.Dialect(), live[`o'br"ien`], found[`o'br"ien`]) {
			t.Error(words)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
