package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"marain/backend/database"
	"marain/tests/cluster"
)

func TestBystanders(t *testing.T) {
	db := connect(t, cluster.Database(t))
	must(t, db,
		`CREATE TABLE "no""te" (id TEXT PRIMARY KEY, "Title" TEXT, body TEXT CHECK (body <> ''), u TEXT UNIQUE, owner TEXT)`,
		`CREATE TABLE theirs (id TEXT PRIMARY KEY, note TEXT REFERENCES "no""te" (id))`,
		`ALTER TABLE "no""te" ADD CONSTRAINT owned FOREIGN KEY (owner) REFERENCES theirs (id)`,
		`CREATE VIEW seen AS SELECT id, "Title" FROM "no""te" WHERE body IS NOT NULL`, `CREATE MATERIALIZED VIEW kept AS SELECT u FROM "no""te"`,
		`CREATE FUNCTION put() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.owner := NULL; RETURN NEW; END $$`,
		`CREATE TRIGGER put BEFORE UPDATE OF body ON "no""te" FOR EACH ROW EXECUTE FUNCTION put()`,
		`CREATE POLICY own ON "no""te" USING (u = current_user)`,
		`CREATE SCHEMA elsewhere`, `CREATE TABLE elsewhere.none (id TEXT)`, `CREATE VIEW apart AS SELECT id FROM elsewhere.none`)
	var got []string
	err := db.Read(context.Background(), func(q database.Querier) error {
		list, err := db.Bystanders(context.Background(), q, []string{`no"te`, "none"})
		for _, d := range list {
			columns := slices.Sorted(maps.Keys(d.Columns))
			if d.Kind == "trigger" { // all words of its function
				columns = slices.DeleteFunc(columns, func(c string) bool { return !slices.Contains([]string{"body", "owner", "title"}, c) })
			}
			got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s of %s: %s %s", d.Kind, d.Name, d.Table, strings.Join(columns, ","), d.Child)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	want := []string{
		`check no"te_body_check of no"te: body`, `foreign key owned of no"te: owner no"te`, `foreign key theirs_note_fkey of no"te: id theirs`,
		`policy own of no"te: u`, `trigger put of no"te: body,owner`, `unique constraint no"te_u_key of no"te: u`, `view kept of no"te: u`, `view seen of no"te: body,id,title`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
