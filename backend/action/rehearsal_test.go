package action_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/diff"
	"marain/backend/document"
	"marain/backend/executor"
	"marain/tests/cluster"
	"marain/tests/engines"
)

func TestMain(m *testing.M) { os.Exit(cluster.Main(m)) }

// shapes are further changes whose plans must come back, beside those that are tested word by word.
var shapes = []struct {
	name     string
	old, new string
	answers  map[string]string
}{
	{name: "several become one", old: note("id: a, type: text, cardinality: -1"), new: note("id: a, type: text")},
	{name: "one becomes several", old: note("id: a, type: text, unique: true"), new: note("id: a, type: text, cardinality: 3")},
	{name: "fewer values", old: note("id: a, type: integer, cardinality: -1"), new: note("id: a, type: integer, cardinality: 2")},
	{name: "revisions on", old: entity("note", false, keep, "id: a, type: text, cardinality: -1"), new: entity("note", true, keep, "id: a, type: text, cardinality: -1")},
	{name: "revisions off", old: entity("note", true, keep, "id: a, type: text, cardinality: -1"), new: entity("note", false, keep, "id: a, type: text, cardinality: -1")},
	{name: "type, name, rules and revisions", old: entity("note", true, keep, "id: a, type: integer, indexed: true"), new: entity("note", true, keep, "id: b, type: text, required: true, renamed_from: a"), answers: map[string]string{"backfill:note.b": "none"}},
	{name: "all at once", old: entity("note", true, keep, "id: a, type: slug", "id: b, type: integer", "id: c, type: text, cardinality: -1"), new: entity("note", false, "id: b, type: text", "id: c, type: text", "id: d, type: boolean, default: true"), answers: map[string]string{"rename:note.d": "replaced"}},
}

// Every plan comes back on a copy, on both databases: forward, back, and forward again.
func TestEveryPlanIsProvedByARehearsal(t *testing.T) {
	engines.Each(t, func(t *testing.T, db database.Database) {
		for _, c := range plans {
			if c.name == "required field on no rows" {
				continue // the very next test is about many
			}
			rehearsed(t, db, c.name, c.old, c.new, c.answers, c.rows == 0)
		}
		for _, c := range shapes {
			rehearsed(t, db, c.name, c.old, c.new, c.answers, true)
		}
		for _, from := range document.FieldTypes() {
			for _, to := range document.FieldTypes() {
				if from == document.Boolean && to == document.Slug {
					continue // unique, and two of the rows would have the same
				}
				rehearsed(t, db, fmt.Sprintf("%s to %s", from, to), entity("note", true, typed(from)), entity("note", true, typed(to)), nil, true)
			}
		}
	})
}

// typed is a field of a type.
func typed(kind document.FieldType) string {
	text := "id: a, type: " + string(kind)
	switch kind {
	case document.EntityReference:
		text += ", target_entity: note"
	case document.Component:
		text += ", fields: [{id: x, type: text}]"
	}
	return text
}

// rehearsed plans one change on tables of its own and rehearses it.
func rehearsed(t *testing.T, db database.Database, name, before, after string, answers map[string]string, full bool) {
	t.Helper()
	old, new := load(t, before), load(t, after)
	life := action.Life{Tag: "ee", Fields: map[string]string{}}
	var draft action.Draft
	err := db.Write(context.Background(), func(q database.Querier) error {
		names, err := db.TableNames(context.Background(), q)
		if err != nil {
			return err
		}
		for _, table := range slices.Backward(names) { // lists come after the rows that they belong to
			if _, err := q.Exec(context.Background(), "DROP TABLE "+db.Dialect().Quote(table)); err != nil {
				return err
			}
		}
		if old == nil {
			return nil
		}
		for _, f := range old.Entity.Fields {
			life.Fields[f.ID] = "ff" + f.ID
		}
		return furnish(q, db.Dialect(), old.Entity, full)
	})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	err = db.Read(context.Background(), func(q database.Querier) (err error) {
		g := &action.Generator{
			Dialect: db.Dialect(), Rows: database.Reader{Querier: q}, Environment: "dev", CheckLimit: time.Minute,
			Lives: map[string]action.Life{}, Origins: map[string]action.Origin{}, Answers: answers,
			Inspect: func(ctx context.Context, names []string) (map[string]action.LiveTable, error) {
				return db.Inspect(ctx, q, names)
			},
		}
		if old != nil {
			g.Lives[old.Entity.ID] = life
		}
		draft, err = g.File(context.Background(), action.Input{
			Path: path, Kind: document.KindEntity, Event: diff.FileModified, BaseVersion: 1, NextVersion: 2, Old: old, New: new,
		})
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if len(draft.File.Blocked) > 0 {
		t.Errorf("%s: blocked: %+v", name, draft.File.Blocked)
		return
	}
	result, err := (&executor.Executor{Database: db}).Rehearse(context.Background(), []action.Draft{draft}, nil, time.Minute)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	want := action.Proved
	if up, down := statements(draft); len(up)+len(down) == 0 {
		want = action.NotNeeded
	}
	if result.State != want {
		t.Errorf("%s: %s: %s", name, result.State, result.Message)
	}
}

// furnish makes the tables of a content type with a few rows, without or with values.
func furnish(q database.Querier, d action.Dialect, e *document.Entity, values bool) error {
	for _, table := range action.Tables(e) {
		statements, err := d.Statements(action.CreateTable{Table: table})
		if err != nil {
			return err
		}
		for row := range int64(4) {
			columns, texts := []string{}, []string{}
			for _, c := range table.Columns {
				value := example(c, row)
				if value == nil || !values && c.Name != "id" && !c.NotNull {
					continue
				}
				text, err := d.Literal(c.Type, value)
				if err != nil {
					return err
				}
				columns, texts = append(columns, d.Quote(c.Name)), append(texts, text)
			}
			statements = append(statements, fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", d.Quote(table.Name), strings.Join(columns, ", "), strings.Join(texts, ", ")))
		}
		for _, s := range statements {
			if _, err := q.Exec(context.Background(), s); err != nil {
				return fmt.Errorf("%s: %w", s, err)
			}
		}
	}
	return nil
}

// example is a value for a column in the row of that number; nil leaves the column out.
func example(c action.Column, row int64) any {
	switch c.Name {
	case "id":
		return fmt.Sprint(row)
	case "parent_id":
		return fmt.Sprint(row / 2) // some have several, some none
	case "rid":
		return int64(1)
	case "sort_order":
		return row
	case "user", "last_cached", "cache_ttl", "content_hash", "created_at", "updated_at":
		return nil
	}
	switch c.Type {
	case action.ColumnInteger:
		return row
	case action.ColumnFloat:
		return float64(row) + 0.5
	case action.ColumnBoolean:
		return row%2 == 0
	case action.ColumnDatetime, action.ColumnTimestamp:
		return fmt.Sprintf("2024-01-0%dT12:00:00Z", row+1)
	case action.ColumnJSON:
		return fmt.Sprintf(`{"x":"%d"}`, row)
	default:
		return fmt.Sprint(row)
	}
}
