package coordinator_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"marain/backend/document"

	"pgregory.net/rapid"
)

// word is a text that was never there before.
func (m *machine) word(prefix string) string {
	m.next++
	return prefix + strconv.Itoa(m.next)
}

func (m *machine) number() int64 {
	m.next++
	return int64(m.next)
}

// value makes a value of a field. Most are like no other one; some convert to other types, and some do not.
func (m *machine) value(t *rapid.T, f *document.Field) any {
	n := m.number()
	if f.Unique && f.Type != document.Slug {
		return m.distinct(f, n)
	}
	variant := rapid.IntRange(0, 4).Draw(t, "variant")
	switch f.Type {
	case document.Text, document.LongText, document.RichText:
		return m.text(t, n)
	case document.Integer:
		return []int64{n, -n, n % 2, 1700000000 + n, 1<<53 + n}[variant]
	case document.Float:
		return []float64{float64(n) + 0.5, float64(n), float64(n % 2), 1e20 + float64(n)*1e10, float64(n) / 7}[variant]
	case document.Boolean:
		return n%2 == 0
	case document.Datetime:
		at := time.Date(2024, 1, 1, 0, 0, int(n), 0, time.UTC)
		return []string{
			at.Format(time.RFC3339Nano), at.Format(time.RFC3339Nano), at.Add(time.Duration(n) * time.Microsecond).Format(time.RFC3339Nano),
			at.AddDate(-500, 0, 0).Format(time.RFC3339Nano), at.Add(500 * time.Millisecond).Format(time.RFC3339Nano),
		}[variant]
	case document.Component:
		return m.object(t, f, n)
	default:
		return m.distinct(f, n)
	}
}

// text is one that other types may be able to read.
func (m *machine) text(t *rapid.T, n int64) string {
	return rapid.SampledFrom([]string{
		fmt.Sprintf("v%d", n), fmt.Sprint(n), fmt.Sprintf("00%d", n), fmt.Sprintf("%d.50", n), fmt.Sprintf("%de3", n), "true", "0", "FALSE",
		fmt.Sprintf("v%d Ünd 'x' \"y\"\n", n), fmt.Sprintf("slug-%d", n), "2024-02-03", fmt.Sprintf("2024-02-03T04:05:06.%06dZ", n),
		fmt.Sprintf("2024-02-03T04:05:06+02:%02d", n%60), fmt.Sprintf(`{"x": "v%d"}`, n), fmt.Sprintf(`{"x": %d, "y": true, "z": [1, null]}`, n), "",
	}).Draw(t, "text")
}

// distinct is a value that no other row has.
func (m *machine) distinct(f *document.Field, n int64) any {
	switch f.Type {
	case document.Integer:
		return 1000 + n
	case document.Float:
		return 1000.25 + float64(n)
	case document.Boolean:
		return n%2 == 0
	case document.Datetime:
		return time.Date(2025, 1, 1, 0, 0, int(n), 0, time.UTC).Format(time.RFC3339Nano)
	case document.Component:
		return fmt.Sprintf(`{"x":"v%d"}`, n)
	case document.Slug:
		return fmt.Sprintf("s-%d", n)
	default:
		return fmt.Sprintf("u%d", n)
	}
}

// object is a component that may be of the shape that the field says, or of another one.
func (m *machine) object(t *rapid.T, f *document.Field, n int64) string {
	var parts []string
	for i := range f.Fields {
		value := map[document.FieldType]string{
			document.Text: fmt.Sprintf(`"%d"`, n), document.Integer: fmt.Sprint(n), document.Float: fmt.Sprintf("%d.5", n), document.Boolean: fmt.Sprint(n%2 == 0),
			document.Datetime: `"2024-02-03T04:05:06Z"`,
		}[f.Fields[i].Type]
		switch rapid.IntRange(0, 5).Draw(t, "part") {
		case 0:
			continue
		case 1:
			value = "null"
		case 2:
			value = fmt.Sprintf(`"other %d"`, n)
		}
		parts = append(parts, fmt.Sprintf(`"%s":%s`, f.Fields[i].ID, value))
	}
	return "{" + strings.Join(append(parts, fmt.Sprintf(`"extra":"v%d"`, n)), ",") + "}"
}

// literal is a value of a type as a person writes it.
func (m *machine) literal(t *rapid.T, kind document.FieldType) string {
	if kind == document.Component {
		return "{}"
	}
	text := fmt.Sprint(m.distinct(&document.Field{Type: kind}, m.number()))
	if kind == document.Integer && rapid.Bool().Draw(t, "small") {
		return "1"
	}
	return text
}

// write runs writes of another program and notes what they did to the values.
func (m *machine) write(run func()) {
	before := m.see()
	run()
	after := m.see()
	m.note(before, after)
	m.tell(after, m.defs(), m.lives)
}

func (m *machine) exec(query string, args ...any) {
	if _, err := m.b.conn().Exec(m.b.numbered(query), args...); err != nil {
		m.t.Fatalf("%s %v: %v", query, args, err)
	}
}

// content writes through plain SQL, as another program would.
func (m *machine) content(t *rapid.T) {
	for range rapid.IntRange(2, 8).Draw(t, "writes") {
		defs := m.defs()
		if len(defs) == 0 {
			return
		}
		id := rapid.SampledFrom(slices.Sorted(maps.Keys(defs))).Draw(t, "entity")
		rows := slices.Sorted(maps.Keys(m.see()[id]))
		what := "insert"
		if len(rows) > 2 {
			what = rapid.SampledFrom([]string{"insert", "insert", "update", "update", "update", "update", "update", "update", "update", "delete"}).Draw(t, "write")
		}
		m.write(func() {
			switch what {
			case "insert":
				m.insert(t, defs[id])
			case "update":
				row := rapid.SampledFrom(rows).Draw(t, "row")
				for range rapid.IntRange(1, 3).Draw(t, "updates") {
					m.update(t, defs[id], row)
				}
			case "delete":
				m.delete(t, defs[id], rapid.SampledFrom(rows).Draw(t, "row"))
			}
		})
	}
}

func (m *machine) insert(t *rapid.T, e *document.Entity) {
	row := m.word("row")
	m.insertRow(t, e, document.ContentTable(e.ID), row, "")
	m.insertValues(t, e, row, 0)
	if e.Versioned && rapid.Bool().Draw(t, "revision") {
		rid := rapid.IntRange(1, 3).Draw(t, "rid")
		m.insertRow(t, e, document.RevisionsTable(e.ID), row, strconv.Itoa(rid))
		m.insertValues(t, e, row, rid)
	}
}

func (m *machine) insertRow(t *rapid.T, e *document.Entity, name, row, rid string) {
	names, marks, args := []string{"id"}, []string{"?"}, []any{row}
	if rid != "" {
		number, err := strconv.Atoi(rid)
		if err != nil {
			t.Fatal(err)
		}
		names, marks, args = append(names, "rid"), append(marks, "?"), append(args, number)
	}
	for i := range e.Fields {
		f := &e.Fields[i]
		if f.Multiple() || !f.Required && rapid.IntRange(0, 2).Draw(t, "empty") == 0 {
			continue
		}
		names, marks, args = append(names, `"`+f.ID+`"`), append(marks, "?"), append(args, m.value(t, f))
	}
	t.Logf("insert into %s %v %q", name, names, args)
	m.exec(`INSERT INTO `+name+` (`+strings.Join(names, ",")+`) VALUES (`+strings.Join(marks, ",")+`)`, args...)
}

// insertValues writes the values of fields with several, of a row or, with rid, of a revision.
func (m *machine) insertValues(t *rapid.T, e *document.Entity, row string, rid int) {
	for i := range e.Fields {
		f := &e.Fields[i]
		if !f.Multiple() {
			continue
		}
		most := 3
		if f.Cardinality > 0 {
			most = min(most, f.Cardinality)
		}
		for order := range rapid.IntRange(0, most).Draw(t, "values") {
			m.insertValue(t, e, f, row, rid, order)
		}
	}
}

func (m *machine) insertValue(t *rapid.T, e *document.Entity, f *document.Field, row string, rid, order int) {
	id, value := m.word("f"), m.value(t, f)
	t.Logf("insert into %s.%s of %s@%d: %s %q", e.ID, f.ID, row, rid, id, value)
	if rid > 0 {
		m.exec(`INSERT INTO field_revisions_`+e.ID+`_`+f.ID+` (id, rid, parent_id, value, sort_order) VALUES (?, ?, ?, ?, ?)`, id, rid, row, value, order)
		return
	}
	m.exec(`INSERT INTO field_`+e.ID+`_`+f.ID+` (id, parent_id, value, sort_order) VALUES (?, ?, ?, ?)`, id, row, value, order)
}

// update changes one value of a row or of a revision.
func (m *machine) update(t *rapid.T, e *document.Entity, key string) {
	if len(e.Fields) == 0 {
		return
	}
	f := m.lively(t, e)
	row, rid := splitKey(key)
	if f.Multiple() {
		m.updateValues(t, e, f, row, rid)
		return
	}
	var value any
	if f.Required && rid == 0 || rapid.IntRange(0, 4).Draw(t, "none") > 0 {
		value = m.value(t, f)
	}
	t.Logf("update %s of %s in %s: %q", f.ID, key, e.ID, value)
	if rid > 0 {
		m.exec(`UPDATE content_revisions_`+e.ID+` SET "`+f.ID+`" = ? WHERE id = ? AND rid = ?`, value, row, rid)
		return
	}
	m.exec(`UPDATE content_`+e.ID+` SET "`+f.ID+`" = ? WHERE id = ?`, value, row)
}

// lively chooses a field, one that has been of another kind more often than others.
func (m *machine) lively(t *rapid.T, e *document.Entity) *document.Field {
	var list []*document.Field
	for i := range e.Fields {
		f := &e.Fields[i]
		list = append(list, slices.Repeat([]*document.Field{f}, 1+3*len(m.left[m.lives[e.ID].lines[f.ID]]))...)
	}
	return list[rapid.IntRange(0, len(list)-1).Draw(t, "field")]
}

func splitKey(key string) (row string, rid int) {
	row, number, found := strings.Cut(key, "@")
	if found {
		rid, _ = strconv.Atoi(number)
	}
	return row, rid
}

// updateValues adds, changes or removes one of several values.
func (m *machine) updateValues(t *rapid.T, e *document.Entity, f *document.Field, row string, rid int) {
	name, where := document.FieldTable(e.ID, f.ID), ""
	if rid > 0 {
		name, where = document.FieldRevisionsTable(e.ID, f.ID), " AND rid = "+strconv.Itoa(rid)
	}
	items := m.list(`SELECT id, sort_order FROM `+name+` WHERE parent_id = ?`+where+` ORDER BY sort_order, id`, row)
	if len(items) == 0 || rapid.IntRange(0, 2).Draw(t, "one more") == 0 {
		if f.Cardinality < 0 || len(items) < f.Cardinality {
			m.insertValue(t, e, f, row, rid, len(items))
		}
		return
	}
	id := bare(items[rapid.IntRange(0, len(items)-1).Draw(t, "item")][0])
	if rapid.IntRange(0, 2).Draw(t, "away") == 0 {
		t.Logf("delete %s of %s.%s of %s@%d", id, e.ID, f.ID, row, rid)
		m.exec(`DELETE FROM `+name+` WHERE id = ?`+where, id)
		return
	}
	value := m.value(t, f)
	t.Logf("update %s of %s.%s of %s@%d: %q", id, e.ID, f.ID, row, rid, value)
	m.exec(`UPDATE `+name+` SET value = ? WHERE id = ?`+where, value, id)
}

// delete removes a row with all its values, or a revision.
func (m *machine) delete(t *rapid.T, e *document.Entity, key string) {
	t.Logf("delete %s of %s", key, e.ID)
	row, rid := splitKey(key)
	if rid == 0 {
		m.exec(`DELETE FROM content_`+e.ID+` WHERE id = ?`, row)
		return
	}
	m.exec(`DELETE FROM content_revisions_`+e.ID+` WHERE id = ? AND rid = ?`, row, rid)
	for i := range e.Fields {
		if f := &e.Fields[i]; f.Multiple() {
			m.exec(`DELETE FROM field_revisions_`+e.ID+`_`+f.ID+` WHERE parent_id = ? AND rid = ?`, row, rid)
		}
	}
}
