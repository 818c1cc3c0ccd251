package coordinator_test

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"marain/backend/coordinator"
	"marain/backend/document"

	"pgregory.net/rapid"
)

// drift lets another program change tables in a way that destroys nothing, and repairs that: tables and values are as
// they were, and no file changes.
func (m *machine) drift(t *rapid.T) {
	ids := m.b.c.Snapshot().Entities()
	if len(ids) == 0 {
		return
	}
	e, _ := m.b.c.Snapshot().Entity(rapid.SampledFrom(ids).Draw(t, "content type"))
	if len(e.Fields) == 0 {
		return
	}
	before := m.state()
	answers := map[string]string{}
	for range rapid.IntRange(1, 3).Draw(t, "damages") {
		f := &e.Fields[rapid.IntRange(0, len(e.Fields)-1).Draw(t, "field")]
		m.damage(t, e, f, answers)
	}
	places := m.physical()
	request := coordinator.RepairRequest{Answers: answers}
	result, err := m.b.c.Repair(context.Background(), request, person)
	var own *coordinator.Error
	if errors.As(err, &own) && own.Code == coordinator.CodeInvalid { // an answer to what nobody asks: nothing was renamed
		t.Fatalf("repair: %v", err)
	}
	if err != nil {
		t.Fatalf("repair with %v: %v", answers, err)
	}
	after := m.state()
	if after.tables != before.tables {
		t.Fatalf("after the repair the tables are\n%s\nand were\n%s", after.tables, before.tables)
	}
	if fmt.Sprint(before.view) != fmt.Sprint(after.view) {
		t.Fatalf("after the repair the tables hold\n%v\nand held\n%v", after.view, before.view)
	}
	m.keeps(places)
	clear(m.lineAt) // a column that was dropped moves those after it
	m.locate(after)
	t.Logf("repaired %v with %v", result.Applied, answers)
}

// damage changes something about a field's place.
func (m *machine) damage(t *rapid.T, e *document.Entity, f *document.Field, answers map[string]string) {
	table, column := document.ContentTable(e.ID), f.ID
	if f.Multiple() {
		table, column = document.FieldTable(e.ID, f.ID), "value"
	}
	if !slices.Contains(m.b.columns(table), column) {
		return // renamed by an earlier damage
	}
	q := func(format string, args ...any) { m.exec(fmt.Sprintf(format, args...)) }
	switch rapid.SampledFrom([]string{"index", "rule", "name", "type"}).Draw(t, "damage") {
	case "index":
		q(`DROP INDEX IF EXISTS "%s"`, document.UniqueName(table, column))
		q(`DROP INDEX IF EXISTS "%s"`, document.IndexName(table, column))
		if f.Multiple() {
			q(`DROP INDEX IF EXISTS "%s"`, document.IndexName(table, "parent_id"))
		}
	case "rule":
		if !f.Multiple() {
			q(`ALTER TABLE "%s" ALTER COLUMN "%s" DROP NOT NULL`, table, column)
		}
	case "name":
		if !f.Multiple() {
			aside := m.word("aside_")
			q(`ALTER TABLE "%s" RENAME COLUMN "%s" TO "%s"`, table, column, aside)
			answers["repair:"+table+"."+column] = aside
		}
	case "type":
		m.rebuild(f, table, column)
	}
}

// rebuild gives a column another type with the same values, as a program would that builds it anew.
func (m *machine) rebuild(f *document.Field, table, column string) {
	if !slices.Contains([]document.FieldType{document.Text, document.LongText, document.Slug, document.Integer}, f.Type) {
		return
	}
	m.exec(fmt.Sprintf(`DROP INDEX IF EXISTS "%s"`, document.UniqueName(table, column)))
	m.exec(fmt.Sprintf(`DROP INDEX IF EXISTS "%s"`, document.IndexName(table, column)))
	aside := m.word("aside_")
	m.exec(fmt.Sprintf(`ALTER TABLE "%s" RENAME COLUMN "%s" TO "%s"`, table, column, aside))
	m.exec(fmt.Sprintf(`ALTER TABLE "%s" ADD COLUMN "%s" %s`, table, column, m.b.either("", "VARCHAR(300)")))
	m.exec(fmt.Sprintf(`UPDATE "%s" SET "%s" = %s`, table, column, m.b.either(`"`+aside+`"`, `"`+aside+`"::text`)))
	m.exec(fmt.Sprintf(`ALTER TABLE "%s" DROP COLUMN "%s"`, table, aside))
}
