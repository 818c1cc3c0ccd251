package coordinator_test

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"marain/backend/database"
	"marain/backend/document"
)

// The database itself says where a value lies, whatever that place is called: a table has a number that a rename does
// not change, and so has a column within it. The model therefore needs to know nothing about how the engine takes
// things out of use: no apply and no rollback may change what lies in a place that was there before.

// place is a table as the database keeps it.
type place struct {
	name    string
	columns []string            // names, by number
	rows    map[string][]string // by key, the values of the columns
}

// cell is a value in a row, wherever it lies.
type cell struct{ row, value string }

// physical returns all tables of content, in use and out of use, by their number.
func (m *machine) physical() map[string]place {
	query := `SELECT name, rootpage FROM sqlite_schema WHERE type = 'table'`
	if m.b.postgres() {
		query = `SELECT relname::text, oid::bigint FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace`
	}
	all := map[string]place{}
	for _, row := range m.list(query) {
		if name := bare(row[0]); !database.IsBookkeeping(name) {
			all[bare(row[1])] = m.place(name)
		}
	}
	return all
}

func (m *machine) place(name string) place {
	p := place{name: name, columns: m.b.columns(name), rows: map[string][]string{}}
	key := []int{slices.Index(p.columns, "id")}
	if strings.Contains(name, "_revisions_") {
		key = append(key, slices.Index(p.columns, "rid"))
	}
	for _, row := range m.list(`SELECT ` + quoted(p.columns) + ` FROM "` + name + `"`) {
		k := ""
		for _, i := range key {
			k += row[i] + "|"
		}
		p.rows[k] = row
	}
	return p
}

func quoted(names []string) string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = `"` + name + `"`
	}
	return strings.Join(all, ", ")
}

// keeps proves that everything that lay anywhere still lies there, as it was. A place in use may give rows without a
// value one, and nothing else.
func (m *machine) keeps(before map[string]place) {
	now := m.physical()
	for number, was := range before {
		is, there := now[number]
		if !there {
			m.t.Fatalf("the table %s is not there any more", was.name)
		}
		if len(is.rows) != len(was.rows) || len(is.columns) < len(was.columns) {
			m.t.Fatalf("%s with %d rows and %d columns became %s with %d rows and %d columns",
				was.name, len(was.rows), len(was.columns), is.name, len(is.rows), len(is.columns))
		}
		for _, key := range slices.Sorted(maps.Keys(was.rows)) {
			row, there := is.rows[key]
			if !there {
				m.t.Fatalf("row %s of %s is not in %s any more", key, was.name, is.name)
			}
			for i, value := range was.rows[key] {
				filled := value == "" && !buried(is.name) && !buried(is.columns[i])
				if value != row[i] && !filled {
					m.t.Fatalf("row %s of %s: %s was %q, and is now %q in %s.%s", key, was.name, was.columns[i], value, row[i], is.name, is.columns[i])
				}
			}
		}
	}
}

func buried(name string) bool { return strings.HasPrefix(name, "_old_") }

// everywhere returns every value in any table of content, in use or not.
func everywhere(all map[string]place) map[cell]bool {
	found := map[cell]bool{}
	for _, p := range all {
		revisions := strings.Contains(p.name, "_revisions_")
		id, rid, parent := slices.Index(p.columns, "id"), slices.Index(p.columns, "rid"), slices.Index(p.columns, "parent_id")
		for _, row := range p.rows {
			if parent >= 0 {
				found[cell{rowKey(row[parent], row[rid], revisions), row[slices.Index(p.columns, "value")]}] = true
				continue
			}
			for i, value := range row {
				if value != "" && !document.ReservedColumn(p.columns[i]) {
					found[cell{rowKey(row[id], row[rid], revisions), value}] = true
				}
			}
		}
	}
	return found
}

// where returns the number of the place that a field in use has its values in: a column's, or that of a table of its
// own.
func (m *machine) where(all map[string]place, entity string, f *document.Field) string {
	name := document.ContentTable(entity)
	if f.Multiple() {
		name = document.FieldTable(entity, f.ID)
	}
	for number, p := range all {
		if p.name != name {
			continue
		}
		if f.Multiple() {
			return number
		}
		return number + "." + strconv.Itoa(slices.Index(p.columns, f.ID))
	}
	m.t.Fatalf("%s has no place for %s", entity, f.ID)
	return ""
}
