package coordinator_test

import (
	"slices"
	"strings"

	"marain/backend/document"
)

// asFilesSay proves that the tables are exactly what the applied files say, in the model's own words.
func (m *machine) asFilesSay(s *state) {
	want := map[string]bool{}
	for id, e := range s.defs {
		for _, table := range m.tablesOf(id, e) {
			want[table] = true
		}
	}
	var names []string
	for line := range strings.Lines(s.tables) {
		line = strings.TrimSuffix(line, "\n")
		table, column, _ := strings.Cut(line, ".")
		column, _, _ = strings.Cut(column, " ")
		if document.ReservedColumn(column) || slices.Contains([]string{"parent_id", "sort_order"}, column) || strings.HasPrefix(column, "pk_") {
			continue
		}
		if index := strings.Contains(column, "__"); index && strings.HasSuffix(column, "__parent_id") {
			continue
		}
		if !want[line] {
			m.t.Fatalf("%s is in no file: %s", table, line)
		}
		names = append(names, line)
	}
	for line := range want {
		if !slices.Contains(names, line) {
			m.t.Fatalf("there is no %s in\n%s", line, s.tables)
		}
	}
}

// tablesOf returns the columns and indexes that the fields of a content type ask for, as bench.tables writes them.
func (m *machine) tablesOf(id string, e *document.Entity) []string {
	var list []string
	add := func(table, column, kind string, required bool) {
		line := table + "." + column + " " + kind
		if required {
			line += " NOT NULL"
		}
		list = append(list, line)
	}
	for i := range e.Fields {
		f := &e.Fields[i]
		table, column, kind := document.ContentTable(id), f.ID, m.declared(f.Type)
		if f.Multiple() {
			table, column = document.FieldTable(id, f.ID), "value"
		}
		add(table, column, kind, f.Required || f.Multiple())
		if f.Unique {
			list = append(list, table+"."+document.UniqueName(table, column)+m.b.either(" unique "+column, " CREATE UNIQUE btree ("+column+")"))
		}
		if f.Indexed {
			list = append(list, table+"."+document.IndexName(table, column)+m.b.either(" "+column, " CREATE btree ("+column+")"))
		}
		if e.Versioned && f.Multiple() {
			add(document.FieldRevisionsTable(id, f.ID), "value", kind, true)
		} else if e.Versioned {
			add(document.RevisionsTable(id), f.ID, kind, false)
		}
	}
	return list
}

// declared is the type of a column.
func (m *machine) declared(kind document.FieldType) string {
	switch kind {
	case document.Integer:
		return m.b.either("INTEGER", "bigint")
	case document.Boolean:
		return m.b.either("INTEGER", "boolean")
	case document.Float:
		return m.b.either("REAL", "double precision")
	case document.Datetime:
		return m.b.either("TEXT", "timestamp with time zone")
	case document.Component:
		return m.b.either("TEXT", "jsonb")
	default:
		return m.b.either("TEXT", "text")
	}
}
