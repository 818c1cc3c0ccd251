// Package survey_test proves on both databases that the two ways to read a table see the same, for everything that a
// document can ask for.
package survey_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/database/postgres"
	"marain/backend/database/sqlite"
	"marain/backend/document"
	"marain/backend/project"
	"marain/tests/cluster"
)

func TestMain(m *testing.M) { os.Exit(cluster.Main(m)) }

// databases opens a new database of each kind.
func databases(t *testing.T) []database.Database {
	t.Helper()
	ctx := context.Background()
	file, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := project.Open(t.TempDir(), os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	address := cluster.Database(t)
	connection, err := p.Connection(nil, func(string) string { return address })
	if err != nil {
		t.Fatal(err)
	}
	server, err := postgres.Open(ctx, connection)
	if err != nil {
		t.Fatal(err)
	}
	list := []database.Database{file, server}
	for _, db := range list {
		t.Cleanup(func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	return list
}

// entities describe every field type with one and several values and every combination of rules, with and without
// revisions.
func entities() []*document.Entity {
	var list []*document.Entity
	for _, versioned := range []bool{false, true} {
		e := &document.Entity{ID: fmt.Sprintf("all_%v", versioned), Versioned: versioned}
		for _, kind := range document.FieldTypes() {
			for _, cardinality := range []int{1, 3, document.Unlimited} {
				for rules := range 16 {
					f := document.Field{
						ID: fmt.Sprintf("%s_%d_%d", kind, cardinality+1, rules), Type: kind, Cardinality: cardinality,
						Required: rules&1 > 0, Unique: rules&2 > 0, Indexed: rules&4 > 0,
					}
					if rules&8 > 0 {
						f.Default = constant(kind)
					}
					few := rules == 0 || rules == 7 && versioned || rules == 3 && cardinality == 3
					if kind == document.Component && (f.Unique || f.Indexed) || cardinality != 1 && !few {
						continue // which no document may ask for, or is hardly another table
					}
					e.Fields = append(e.Fields, f)
				}
			}
		}
		list = append(list, e)
	}
	return list
}

func constant(kind document.FieldType) any {
	switch kind {
	case document.Integer:
		return int64(-7)
	case document.Float:
		return 2.5
	case document.Boolean:
		return true
	case document.Datetime:
		return "2024-05-01T10:00:00Z"
	case document.Component:
		return `{"a":"it's"}`
	default:
		return "it's"
	}
}

func TestBothReadersAgree(t *testing.T) {
	ctx := context.Background()
	for _, db := range databases(t) {
		t.Run(db.Dialect().Name(), func(t *testing.T) {
			var want []action.Table
			for _, e := range entities() {
				want = append(want, action.Tables(e)...)
			}
			err := db.Write(ctx, func(q database.Querier) error {
				for _, table := range want {
					statements, err := db.Dialect().Statements(action.CreateTable{Table: table})
					if err != nil {
						return err
					}
					for _, s := range statements {
						if _, err := q.Exec(ctx, s); err != nil {
							return fmt.Errorf("%s: %w", s, err)
						}
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			err = db.Read(ctx, func(q database.Querier) error {
				names := action.TableNames(want)
				live, err := db.Inspect(ctx, q, names)
				if err != nil {
					return err
				}
				for _, d := range action.Compare(db.Dialect(), want, live) {
					t.Errorf("%s: %s", d.Table, d.Message)
				}
				found, err := db.Survey(ctx, q, names)
				if len(found) != len(want) || len(live) != len(want) {
					t.Errorf("%d and %d of %d tables are seen", len(live), len(found), len(want))
				}
				for _, table := range want {
					for _, words := range database.Disagreements(db.Dialect(), live[table.Name], found[table.Name]) {
						t.Errorf("%s: %s", table.Name, words)
					}
					if s := found[table.Name]; len(s.Key) != len(table.Key) || (len(s.Parents) == 1) != (table.Parent != "") || len(s.Checks) > 0 {
						t.Errorf("%s has the key %v, refers to %v and checks %v", table.Name, s.Key, s.Parents, s.Checks)
					}
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestReadersThatDisagreeAreFound(t *testing.T) {
	live := action.LiveTable{
		Columns: []action.LiveColumn{{Name: "a", Type: "TEXT", NotNull: true}, {Name: "b", Type: "INTEGER", Default: true}},
		Indexes: []action.Index{{Name: "i", Columns: []string{"a"}}},
	}
	same := func() database.Survey {
		return database.Survey{
			Columns: []database.SurveyedColumn{{Name: "a", Type: "text", NotNull: true}, {Name: "b", Type: "INTEGER", Default: "3"}},
			Indexes: []database.SurveyedIndex{{Name: "i", Columns: []string{"a"}}},
		}
	}
	if words := database.Disagreements(sqlite.Dialect{}, live, same()); len(words) > 0 {
		t.Errorf("%v", words)
	}
	for name, change := range map[string]func(*database.Survey){
		"a type":         func(s *database.Survey) { s.Columns[0].Type = "REAL" },
		"a rule":         func(s *database.Survey) { s.Columns[0].NotNull = false },
		"a default":      func(s *database.Survey) { s.Columns[0].Default = "'x'" },
		"a column":       func(s *database.Survey) { s.Columns = s.Columns[1:] },
		"another column": func(s *database.Survey) { s.Columns[0].Name = "c" },
		"no index":       func(s *database.Survey) { s.Indexes = nil },
		"another index":  func(s *database.Survey) { s.Indexes = append(s.Indexes, database.SurveyedIndex{Name: "j"}) },
		"unique":         func(s *database.Survey) { s.Indexes[0].Unique = true },
		"its columns":    func(s *database.Survey) { s.Indexes[0].Columns = []string{"b"} },
	} {
		other := same()
		change(&other)
		if len(database.Disagreements(sqlite.Dialect{}, live, other)) == 0 {
			t.Errorf("%s is not found", name)
		}
	}
}
