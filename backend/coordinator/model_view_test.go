package coordinator_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"marain/backend/document"
)

// item is one value of a field in a row: what the database gave, its kind in front. The id is that of a value among
// several, and empty for a single one.
type item struct{ id, value string }

// table is the rows of a content type, by row and field, the values in order. A revision is a row called id@rid.
type table map[string]map[string][]item

// view is what the tables in use hold, by content type.
type view map[string]table

// life is one incarnation of a content type, as the model numbers them: its own number, and by field that of the line
// of values that it carries.
type life struct {
	number int
	lines  map[string]int
}

// state is everything that was applied at one moment.
type state struct {
	step   int // of the sequence
	view   view
	tables string
	files  map[string]string // applied texts by path
	home   map[string]string // content type to path
	defs   map[string]*document.Entity
	lives  map[string]life
}

// raw writes a value as the database gave it, so that a number is never taken for a text.
func raw(v any) string {
	switch v := v.(type) {
	case int64:
		return "i:" + strconv.FormatInt(v, 10)
	case float64:
		return "f:" + strconv.FormatFloat(v, 'g', -1, 64)
	case bool:
		return "b:" + strconv.FormatBool(v)
	case time.Time:
		return "t:" + v.UTC().Format(time.RFC3339Nano)
	case []byte:
		return "s:" + string(v)
	case string:
		return "s:" + v
	default:
		return fmt.Sprintf("?:%v", v)
	}
}

// typed reads what raw wrote as a value of a field.
func typed(f *document.Field, text string) any {
	if text == "" {
		return nil
	}
	kind, text := text[:2], text[2:]
	switch kind {
	case "i:":
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			panic(err)
		}
		if f.Type == document.Boolean {
			return n == 1
		}
		return n
	case "f:":
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			panic(err)
		}
		return n
	case "b:":
		return text == "true"
	default:
		return text
	}
}

// list runs a query of the other program. NULL is an empty text.
func (m *machine) list(query string, args ...any) [][]string {
	rows, err := m.b.conn().Query(m.b.numbered(query), args...)
	if err != nil {
		m.t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		m.t.Fatal(err)
	}
	var list [][]string
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			m.t.Fatal(err)
		}
		row := make([]string, len(columns))
		for i, v := range values {
			if v != nil {
				row[i] = raw(v)
			}
		}
		list = append(list, row)
	}
	if err := rows.Err(); err != nil {
		m.t.Fatal(err)
	}
	return list
}

// bare takes the kind off a text.
func bare(text string) string { return strings.TrimPrefix(strings.TrimPrefix(text, "s:"), "i:") }

// see reads what the tables in use hold.
func (m *machine) see() view {
	all := view{}
	for id, e := range m.defs() {
		all[id] = table{}
		m.singles(all[id], e, document.ContentTable(id), false)
		if e.Versioned {
			m.singles(all[id], e, document.RevisionsTable(id), true)
		}
		for i := range e.Fields {
			f := &e.Fields[i]
			if !f.Multiple() {
				continue
			}
			m.several(all[id], f, document.FieldTable(id, f.ID), false)
			if e.Versioned {
				m.several(all[id], f, document.FieldRevisionsTable(id, f.ID), true)
			}
		}
	}
	return all
}

func (m *machine) singles(into table, e *document.Entity, name string, revisions bool) {
	var fields []string
	for i := range e.Fields {
		if !e.Fields[i].Multiple() {
			fields = append(fields, e.Fields[i].ID)
		}
	}
	columns := slices.Clone(fields)
	for i := range columns {
		columns[i] = `"` + columns[i] + `"`
	}
	for _, row := range m.list(`SELECT ` + strings.Join(append([]string{"id", "rid"}, columns...), ", ") + ` FROM "` + name + `"`) {
		key := rowKey(row[0], row[1], revisions)
		into[key] = map[string][]item{}
		for i, field := range fields {
			if row[i+2] != "" {
				into[key][field] = []item{{value: row[i+2]}}
			}
		}
	}
}

func rowKey(id, rid string, revisions bool) string {
	if revisions {
		return bare(id) + "@" + bare(rid)
	}
	return bare(id)
}

func (m *machine) several(into table, f *document.Field, name string, revisions bool) {
	for _, row := range m.list(`SELECT id, rid, parent_id, value FROM "` + name + `" ORDER BY parent_id, rid, sort_order, id`) {
		key := rowKey(row[2], row[1], revisions)
		if into[key] == nil {
			into[key] = map[string][]item{}
		}
		into[key][f.ID] = append(into[key][f.ID], item{bare(row[0]), row[3]})
	}
}

// defs returns the content types that are applied.
func (m *machine) defs() map[string]*document.Entity {
	all := map[string]*document.Entity{}
	snapshot := m.b.c.Snapshot()
	for _, id := range snapshot.Entities() {
		all[id], _ = snapshot.Entity(id)
	}
	return all
}

// state reads what is applied. The incarnations are those that the model knows of.
func (m *machine) state() *state {
	s := &state{
		step: m.step, view: m.see(), tables: m.b.tables(), files: map[string]string{}, home: map[string]string{}, defs: m.defs(), lives: m.lives,
	}
	snapshot := m.b.c.Snapshot()
	for _, path := range snapshot.Files() {
		d := snapshot.Document(path)
		s.files[path] = string(d.Raw)
		if d.Entity != nil {
			s.home[d.Entity.ID] = path
		}
	}
	return s
}
