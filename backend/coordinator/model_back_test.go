package coordinator_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"marain/backend/document"
	"marain/tests/oracle"
)

func isRevision(row string) bool { return strings.Contains(row, "@") }

// rowsStay proves that no row got lost on the way.
func (m *machine) rowsStay(id string, before, after table, revisions bool) {
	for row := range before {
		if _, rid := splitKey(row); rid > 0 && !revisions {
			continue
		}
		if after[row] == nil && !m.dead[row] {
			m.t.Fatalf("row %s of %s is gone", row, id)
		}
	}
}

// forth proves what an apply made of the values of a content type.
func (m *machine) forth(id string, from source, known bool, before, after *state) {
	def := after.defs[id]
	for i := range def.Fields {
		f := &def.Fields[i]
		line := m.lives[id].lines[f.ID]
		var was *document.Field
		if known {
			for j := range from.def.Fields {
				if from.life.lines[from.def.Fields[j].ID] == line {
					was = &from.def.Fields[j]
				}
			}
		}
		switch {
		case m.restored[id+"."+f.ID]:
			m.returned(id, f, line, m.presently(line, before), after.view[id])
		case was == nil:
			m.isNew(id, f, after.view[id])
		default:
			m.altered(id, was, f, line, from.rows, after.view[id])
		}
	}
	for i := range def.Fields {
		delete(m.restored, id+"."+def.Fields[i].ID)
	}
}

// filled reports whether a row has what was answered for those without a value, or the default.
func (m *machine) filled(f *document.Field, got []item) bool {
	if len(got) != 1 || f.Multiple() {
		return false
	}
	value := oracle.Plain(f, typed(f, got[0].value))
	return m.fills[value] || value == oracle.Plain(f, f.Default)
}

// isNew proves that a new field is empty but for its default or what was answered.
func (m *machine) isNew(id string, f *document.Field, rows table) {
	for row, fields := range rows {
		for _, i := range fields[f.ID] {
			if f.Multiple() || !m.filled(f, fields[f.ID]) {
				m.t.Fatalf("the new field %s.%s has %q in row %s", id, f.ID, i.value, row)
			}
		}
	}
}

// returned proves that a field that was out of use came back with every value.
func (m *machine) returned(id string, f *document.Field, line int, present record, rows table) {
	r := m.left[line][storage(f)]
	for row, values := range r.rows {
		if !m.dead[row] && rows[row] != nil {
			m.sameItems(id, f, line, r, present, row, values, rows[row][f.ID])
		}
	}
}

// altered proves what became of the values of a field that went on: those that can stay as they lie are the same, and
// of a storage that the line had before, whoever was not written since has what it had then. Everything else is
// converted.
func (m *machine) altered(id string, was, f *document.Field, line int, before, after table) {
	former, had := m.formerly(line, was, f)
	present := record{step: m.step, def: was, rows: valuesOf(before, was.ID)}
	stays := lies(was, f)
	for row, fields := range before {
		now, there := after[row]
		if !there {
			continue // revisions that are not kept any more
		}
		values := fields[was.ID]
		m.tally["values after an apply"] += len(values)
		switch {
		case stays:
			m.stay(id, f, row, values, now[f.ID])
		case had && (former.moved || f.Type == document.Component):
			// Which of its former places comes back, and in which shape, is not known.
			m.unsure[touch{row: row, line: line}] = m.step + 1
		case had && former.rows[row] != nil:
			m.sameItems(id, f, line, former, present, row, former.rows[row], now[f.ID])
		case had && m.edits[touch{row, line, "*"}].step > former.step:
			m.sameItems(id, f, line, former, present, row, nil, now[f.ID])
		case was.Type == document.Component && f.Type == document.Component:
			// Another shape of it may come back.
			m.unsure[touch{row: row, line: line}] = m.step + 1
		case had && isRevision(row):
			// It may lie in a former place of before revisions were left off for a while.
			m.unsure[touch{row: row, line: line}] = m.step + 1
		case had && len(now[f.ID]) == 1 && m.defaults[oracle.Plain(f, typed(f, now[f.ID][0].value))]:
			// The place of the field that comes back has given new rows its default all the while.
		case had && m.filled(was, values):
			// What a row was given is taken out again on the way back.
		default:
			m.tally["values converted"] += len(values)
			m.converted(id, was, f, row, values, now[f.ID])
		}
	}
}

// formerly returns what a line held when it last had the storage of a field, unless that is the present one.
func (m *machine) formerly(line int, was, f *document.Field) (newest record, had bool) {
	for _, r := range m.left[line] {
		if storage(r.def) != storage(was) && storage(r.def) == storage(f) && (!had || r.step > newest.step) {
			newest, had = r, true
		}
	}
	return newest, had
}

// stay proves that values are what they were; rows without one may have got what was answered.
func (m *machine) stay(id string, f *document.Field, row string, before, after []item) {
	if slices.Equal(before, after) {
		return
	}
	if len(before) == 0 && f.Required && m.filled(f, after) {
		return
	}
	m.t.Fatalf("%s.%s of row %s was %q and is %q", id, f.ID, row, before, after)
}

// converted proves that values are what the oracle makes of those before.
func (m *machine) converted(id string, was, f *document.Field, row string, before, after []item) {
	if !f.Multiple() && len(before) > 1 {
		before = before[:1] // of several values, the first; a lowered limit cuts nothing
	}
	var want []string
	for _, i := range before {
		if value := oracle.Plain(f, oracle.Convert(was, f, typed(was, i.value))); value != "" {
			want = append(want, value)
		}
	}
	var got []string
	for _, i := range after {
		got = append(got, oracle.Plain(f, typed(f, i.value)))
	}
	if slices.Equal(want, got) || len(want) == 0 && f.Required && m.filled(f, after) {
		return
	}
	line := m.lives[id].lines[f.ID]
	m.t.Fatalf("%s.%s of row %s was %q (%s) and is %q (%s), want %q\nit has been %s", id, f.ID, row, before, was.Type, after, f.Type, want, strings.Join(m.past[touch{row: row, line: line}], "\n"))
}

// isBack proves that files, their tables and the values in them are those of then, as far as nobody wrote since.
func (m *machine) isBack(then, before, after *state, files []string) {
	for _, path := range files {
		if after.files[path] != then.files[path] {
			m.t.Fatalf("%s is applied as %q and was %q", path, after.files[path], then.files[path])
		}
		text, there := then.files[path]
		if (m.b.exists(path) != there || there && m.b.read(path) != text) && !m.waiting(path) && !m.invalidOrHeld(path) {
			m.t.Fatalf("%s on disk is not as it was", path)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(then.defs)) {
		if !slices.Contains(files, then.home[id]) {
			continue
		}
		m.sameValues(id, then, before, after)
		if now := before.lives[id]; now.number == then.lives[id].number {
			m.rowsStay(id, before.view[id], after.view[id], then.defs[id].Versioned)
		}
		if was, is := linesOf(then.tables, id), linesOf(after.tables, id); was != is {
			m.t.Fatalf("the tables of %s are\n%s\nand were\n%s", id, is, was)
		}
	}
}

// sameValues proves that every value of then is what it was, unless somebody wrote since.
func (m *machine) sameValues(id string, then, before, after *state) {
	def := then.defs[id]
	present := map[int]record{}
	for _, line := range then.lives[id].lines {
		present[line] = m.presently(line, before)
	}
	for _, row := range slices.Sorted(maps.Keys(then.view[id])) {
		if m.dead[row] {
			continue
		}
		now, there := after.view[id][row]
		if !there {
			m.t.Fatalf("row %s of %s is not back", row, id)
		}
		for i := range def.Fields {
			f := &def.Fields[i]
			line := then.lives[id].lines[f.ID]
			m.sameItems(id, f, line, record{step: then.step, def: f}, present[line], row, then.view[id][row][f.ID], now[f.ID])
		}
	}
}

// presently returns what a line holds right before a batch, or held when it went out of use.
func (m *machine) presently(line int, before *state) record {
	for id, l := range before.lives {
		for field, number := range l.lines {
			if number == line && before.defs[id].Field(field) != nil {
				return record{step: before.step, def: before.defs[id].Field(field), rows: valuesOf(before.view[id], field)}
			}
		}
	}
	return m.last[line]
}

// sameItems proves that the values of a row are those of a record, or what was written since, converted.
func (m *machine) sameItems(id string, f *document.Field, line int, then, present record, row string, want, got []item) {
	since := func(item string) bool { return m.edits[touch{row, line, item}].step > then.step }
	fail := func(why string) {
		m.t.Fatalf("%s.%s (%s) of row %s was %q (step %d) and is %q: %s\nit has been %s", id, f.ID, f.Type, row, want, then.step, got, why, strings.Join(m.past[touch{row: row, line: line}], "\n"))
	}
	switch {
	case m.unsure[touch{row: row, line: line}] > then.step:
		m.tally["written in another shape since"]++
	case !since("*"):
		m.tally["values untouched"] += len(want)
		if !slices.Equal(want, got) && !(len(want) == 0 && m.filled(f, got)) && !m.more(f, line, present, row, want, got) {
			fail("nobody wrote to it since")
		}
	case isRevision(row) && m.bare[m.lives[id].number] > then.step:
		m.unsure[touch{row: row, line: line}] = m.step + 1
		m.tally["revisions that were left off for a while"]++ // those of former types come back as they were left
	case !then.def.Multiple() && !present.def.Multiple() && m.onlySingle(row, line, then.step):
		m.tally["values written since"]++
		e := m.edits[touch{row, line, ""}]
		if !stands(e, "", present.rows[row]) {
			m.unsure[touch{row: row, line: line}] = m.step + 1
			return // a later change of the type has left nothing of it in use
		}
		values := m.becomes(e, f, line)
		now := ""
		if len(got) == 1 {
			now = oracle.Plain(f, typed(f, got[0].value))
		}
		switch {
		case slices.Contains(values, now), slices.Contains(values, "") && (f.Required && m.filled(f, got) || m.madeOfGiven(f, now)):
		case slices.Contains(values, "") && m.defaults[now]:
			// The place of the field that comes back has given new rows its default all the while.
		case m.unseen(f, line, row, want, e, got):
			m.stands(f, row, line, "", got)
		default:
			fail(fmt.Sprintf("written since: %s as %s, which is %q", e.value, e.def.Type, values))
		}
	case then.def.Multiple() && present.def.Multiple() && m.onlySeveral(row, line, then.step):
		m.tally["lists written since"]++
		m.sameList(f, line, then, present, row, want, got, fail)
	default:
		m.tally["written in another shape"]++
		m.unsure[touch{row: row, line: line}] = m.step + 1
	}
}

// stands reports whether the newest write of a value is what is in use.
func stands(e edit, id string, present []item) bool {
	i := slices.IndexFunc(present, func(i item) bool { return i.id == id })
	if i < 0 {
		return e.value == ""
	}
	return present[i].value == e.value
}

// more reports whether a row has all that it had, and besides what was in use and was not then, because a type in between
// could not hold it.
func (m *machine) more(f *document.Field, line int, present record, row string, want, got []item) bool {
	if !slices.Equal(want, only(got, want)) || f.Multiple() != present.def.Multiple() {
		return false
	}
	for _, i := range got {
		one := []item{i}
		if len(only(one, want)) > 0 {
			continue
		}
		if value := m.as(f, f, one); value != m.as(present.def, f, only(present.rows[row], one)) && !m.lay(line, row, f, one, value) {
			return false
		}
		m.stands(f, row, line, i.id, one)
	}
	return true
}

// lay reports whether an item of that value was on a line before, in any storage.
func (m *machine) lay(line int, row string, f *document.Field, one []item, value string) bool {
	for _, r := range m.left[line] {
		if m.as(r.def, f, only(r.rows[row], one)) == value {
			return true
		}
	}
	return false
}

// stands takes what nobody could see to be another value for the newest one from now on.
func (m *machine) stands(f *document.Field, row string, line int, id string, got []item) {
	e := edit{step: m.step + 1, def: f} // after this batch
	if len(got) == 1 {
		e.value = got[0].value
	}
	m.edits[touch{row, line, id}] = e
	m.edits[touch{row, line, "*"}] = edit{step: m.step + 1}
}

// becomes returns what a written value may be in a field: converted, at once or from another type of the line in which
// it says exactly the same.
func (m *machine) becomes(e edit, f *document.Field, line int) []string {
	type saying struct {
		def   *document.Field
		value any
	}
	all := []saying{{e.def, e.typed()}}
	for i := 0; i < len(all); i++ {
		for _, r := range m.left[line] {
			at, is := all[i], oracle.Convert(all[i].def, r.def, all[i].value)
			told := slices.ContainsFunc(all, func(s saying) bool { return storage(s.def) == storage(r.def) })
			if !told && oracle.Plain(at.def, oracle.Convert(r.def, at.def, is)) == oracle.Plain(at.def, at.value) {
				all = append(all, saying{r.def, is})
			}
		}
	}
	var values []string
	if oracle.Plain(f, oracle.Convert(e.def, f, e.typed())) == "" {
		for _, r := range m.left[line] { // what does not convert at once may do so as another type has it
			values = append(values, oracle.Plain(f, oracle.Convert(r.def, f, oracle.Convert(e.def, r.def, e.typed()))))
		}
	}
	for _, s := range all {
		if oracle.IsText(s.def.Type) && oracle.IsText(f.Type) {
			values = append(values, oracle.Plain(f, s.value)) // it may stay where it lies, also where slugs lie
		}
		values = append(values, oracle.Plain(f, oracle.Convert(s.def, f, s.value)))
	}
	return values
}

// madeOfGiven reports whether a value is what rows were given in another type, where theirs could not be held.
func (m *machine) madeOfGiven(f *document.Field, value string) bool {
	return slices.ContainsFunc(m.given, func(g given) bool { return value != "" && oracle.Plain(f, oracle.Convert(g.def, f, g.value)) == value })
}

// unseen reports whether an edit left exactly what the value that came back had become, there or in another type of the
// line, so that nobody could see it. All items are those with the id of the edit, or of single values.
func (m *machine) unseen(f *document.Field, line int, row string, want []item, e edit, got []item) bool {
	before := m.left[line][storage(f)]
	if !slices.Equal(want, got) && !slices.Equal(only(before.rows[row], got), got) {
		return false
	}
	became := m.as(f, e.def, got)
	if wrote := e.plain(); became == wrote || became == "" && m.fills[wrote] {
		return true
	}
	for _, r := range m.left[line] {
		if storage(r.def) != storage(e.def) && r.def.Multiple() == f.Multiple() && e.def.Multiple() == f.Multiple() &&
			m.as(r.def, r.def, only(r.rows[row], append(got, want...))) == oracle.Plain(r.def, oracle.Convert(e.def, r.def, e.typed())) {
			return true
		}
	}
	return false
}

// as is what the first of some items says in another field; empty when there is none.
func (m *machine) as(from, to *document.Field, items []item) string {
	if len(items) == 0 {
		return ""
	}
	return oracle.Plain(to, oracle.Convert(from, to, typed(from, items[0].value)))
}

// only returns the items that have an id of some others.
func only(items, others []item) []item {
	return slices.DeleteFunc(slices.Clone(items), func(i item) bool {
		return !slices.ContainsFunc(others, func(o item) bool { return o.id == i.id })
	})
}

// typed is what an edit wrote: nil when it took a value away.
func (e edit) typed() any {
	if e.value == "" {
		return nil
	}
	return typed(e.def, e.value)
}

func (e edit) plain() string {
	if e.value == "" {
		return ""
	}
	return oracle.Plain(e.def, e.typed())
}

// onlySingle reports whether a row was written since only while there was one value for it.
func (m *machine) onlySingle(row string, line, step int) bool {
	for t, e := range m.edits {
		if t.row == row && t.line == line && t.item != "" && t.item != "*" && e.step > step {
			return false
		}
	}
	return true
}

// onlySeveral reports whether a row was written since only while it had several values.
func (m *machine) onlySeveral(row string, line, step int) bool {
	return m.edits[touch{row, line, ""}].step <= step
}

// leads reports whether the first of several values came back by way of a single one: that has no id, so it goes on under
// the one of the row, or of the first that was there.
func (m *machine) leads(line int, id string, present []item, is map[string]string, values []string) bool {
	single := func(r record) bool { return !r.def.Multiple() }
	if len(present) == 0 || present[0].id != id || !slices.ContainsFunc(slices.Collect(maps.Values(m.left[line])), single) {
		return false
	}
	for other, value := range is {
		named := slices.ContainsFunc(present, func(i item) bool { return i.id == other })
		if !named && slices.Contains(values, value) {
			return true
		}
	}
	return false
}

// sameList proves it value by value. A lowered limit has cut none off.
func (m *machine) sameList(f *document.Field, line int, then, present record, row string, want, got []item, fail func(string)) {
	is := map[string]string{}
	for _, i := range got {
		is[i.id] = oracle.Plain(f, typed(f, i.value))
	}
	for _, i := range want {
		if m.edits[touch{row, line, i.id}].step <= then.step && is[i.id] != oracle.Plain(f, typed(f, i.value)) {
			fail("nobody wrote to " + i.id + " since")
		}
	}
	for t, e := range m.edits {
		if t.row != row || t.line != line || t.item == "*" || e.step <= then.step || !stands(e, t.item, present.rows[row]) {
			continue
		}
		values := m.becomes(e, f, line)
		if slices.Contains(values, is[t.item]) {
			continue
		}
		if m.leads(line, t.item, present.rows[row], is, values) {
			m.unsure[touch{row: row, line: line}] = m.step + 1 // it has another id from now on
			continue
		}
		k := slices.IndexFunc(want, func(i item) bool { return i.id == t.item })
		mine := slices.DeleteFunc(slices.Clone(got), func(i item) bool { return i.id != t.item })
		if k >= 0 && m.unseen(f, line, row, want[k:k+1], e, mine) {
			m.stands(f, row, line, t.item, mine)
		} else {
			fail(fmt.Sprintf("written since: %s is %s as %s, which is %q", t.item, e.value, e.def.Type, values))
		}
	}
}
