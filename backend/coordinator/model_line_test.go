package coordinator_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"marain/backend/action"
	"marain/backend/coordinator"
	"marain/backend/diff"
	"marain/backend/document"
	"marain/tests/oracle"
)

// A line is the values of a field through renames and changes of its type and cardinality. The model numbers lines
// itself, from what was saved and answered.

// touch names what was written: a value of a row on a line, * for any of them.
type touch struct {
	row  string
	line int
	item string
}

// edit is the newest write of something. The value is empty when it was taken away.
type edit struct {
	step  int
	def   *document.Field
	value string
}

// record is what a line held when it last had a storage, or went out of use.
type record struct {
	step  int
	def   *document.Field
	rows  map[string][]item
	moved bool // to another type in the same place: which place has the former type is not known any more
}

// grave is a content type that is out of use.
type grave struct {
	id   string
	def  *document.Entity
	rows table
	life life
}

// former is a field that went out of use, or on in another storage.
type former struct {
	life, line     int
	field, storage string
}

// note records what a write of content did.
func (m *machine) note(before, after view) {
	for id, def := range m.defs() {
		rows := map[string]bool{}
		for _, t := range []table{before[id], after[id]} {
			for row := range t {
				rows[row] = true
			}
		}
		for row := range rows {
			if after[id][row] == nil {
				m.bury(row)
				continue
			}
			for i := range def.Fields {
				f := &def.Fields[i]
				m.noteField(f, row, m.lives[id].lines[f.ID], before[id][row][f.ID], after[id][row][f.ID])
			}
		}
	}
}

// tell notes what is in use now, so that a failure can say how it came about.
func (m *machine) tell(now view, defs map[string]*document.Entity, lives map[string]life) {
	for id, rows := range now {
		for row, fields := range rows {
			for i := range defs[id].Fields {
				f := &defs[id].Fields[i]
				key := touch{row: row, line: lives[id].lines[f.ID]}
				text := fmt.Sprintf("%s %d: %q", f.Type, f.Cardinality, fields[f.ID])
				if list := m.past[key]; len(list) == 0 || !strings.HasSuffix(list[len(list)-1], " "+text) {
					m.past[key] = append(list, fmt.Sprintf("step %d %s", m.step, text))
				}
			}
		}
	}
}

// bury forgets a row that was deleted, with everything that belongs to it.
func (m *machine) bury(row string) {
	m.dead[row] = true
	maps.DeleteFunc(m.alive, func(c cell, _ bool) bool { return c.row == row })
}

func (m *machine) noteField(f *document.Field, row string, line int, before, after []item) {
	if slices.Equal(before, after) {
		return
	}
	was, is := map[string]string{}, map[string]string{}
	for _, i := range before {
		was[i.id] = i.value
	}
	for _, i := range after {
		is[i.id] = i.value
	}
	for id, value := range was {
		if is[id] != value {
			delete(m.alive, cell{row, value})
			m.edits[touch{row, line, id}] = edit{m.step, f, is[id]}
		}
	}
	for id, value := range is {
		m.alive[cell{row, value}] = true
		if was[id] != value {
			m.edits[touch{row, line, id}] = edit{m.step, f, value}
		}
	}
	m.edits[touch{row, line, "*"}] = edit{step: m.step}
}

// source is what a content type was before a batch: in use, or out of use and brought back.
type source struct {
	def  *document.Entity
	rows table
	life life
}

// follow works out the incarnations after an apply, and proves what became of the values.
func (m *machine) follow(before, after *state, plan action.Plan, answers map[string]string) {
	lives := map[string]life{}
	for _, id := range slices.Sorted(maps.Keys(after.defs)) {
		from, known := m.source(id, before, plan, answers)
		if !known {
			lives[id] = m.newLife(after.defs[id])
			continue
		}
		lives[id] = life{from.life.number, m.lines(id, from, after, plan, answers)}
		m.rowsStay(id, from.rows, after.view[id], after.defs[id].Versioned)
	}
	m.lives, after.lives = lives, lives
	for _, id := range slices.Sorted(maps.Keys(after.defs)) {
		from, known := m.source(id, before, plan, answers)
		m.forth(id, from, known, before, after)
	}
	m.leave(before, after)
}

// source returns what a content type carries on.
func (m *machine) source(id string, before *state, plan action.Plan, answers map[string]string) (source, bool) {
	if was, there := before.lives[id]; there {
		return source{before.defs[id], before.view[id], was}, true
	}
	if key := "restore:" + id; asks(plan, key) && answers[key] == "restore" {
		for i := len(m.graves) - 1; i >= 0; i-- {
			if g := m.graves[i]; g.id == id {
				return source{g.def, g.rows, g.life}, true
			}
		}
		m.t.Fatalf("%s came back, and it never was", id)
	}
	return source{}, false
}

func asks(plan action.Plan, key string) bool {
	return slices.ContainsFunc(plan.Questions, func(q action.Question) bool { return q.Key == key })
}

func (m *machine) newLife(e *document.Entity) life {
	m.numbers++
	l := life{m.numbers, map[string]int{}}
	for i := range e.Fields {
		l.lines[e.Fields[i].ID] = m.newLine()
	}
	return l
}

func (m *machine) newLine() int {
	m.numbers++
	return m.numbers
}

// lines says which line each field of a content type is on after an apply.
func (m *machine) lines(id string, from source, after *state, plan action.Plan, answers map[string]string) map[string]int {
	def := after.defs[id]
	renamed := renames(plan, after.home[id], from.def, def)
	sources := map[string]bool{}
	for _, was := range renamed {
		sources[was] = true
	}
	lines := map[string]int{}
	var back []*document.Field
	for i := range def.Fields {
		f := &def.Fields[i]
		key := "restore:" + id + "." + f.ID
		switch was, carried := renamed[f.ID]; {
		case carried:
			lines[f.ID] = from.life.lines[was]
		case from.def.Field(f.ID) != nil && !sources[f.ID]:
			lines[f.ID] = from.life.lines[f.ID]
		case asks(plan, key) && answers[key] == "restore":
			back = append(back, f)
		default:
			lines[f.ID] = m.newLine()
		}
	}
	if len(back) > 0 {
		places := m.physical()
		for _, f := range back {
			lines[f.ID] = m.formerLine(id, from.life.number, f, m.where(places, id, f), lines)
			m.restored[id+"."+f.ID] = true
		}
	}
	m.apart(id, lines)
	return lines
}

// formerLine returns the line that a field of that name and storage was on when it went out of use, of those that no field
// is on.
func (m *machine) formerLine(id string, number int, f *document.Field, at string, used map[string]int) int {
	if line, known := m.lineAt[at]; known {
		return line
	}
	inUse := slices.Collect(maps.Values(used))
	for i := len(m.formers) - 1; i >= 0; i-- {
		if o := m.formers[i]; o.life == number && o.field == f.ID && o.storage == storage(f) && !slices.Contains(inUse, o.line) {
			return o.line
		}
	}
	m.t.Fatalf("%s.%s came back, and it never was", id, f.ID)
	return 0
}

// apart proves that no two fields are on one line: they would follow each other's values.
func (m *machine) apart(id string, lines map[string]int) {
	seen := map[int]string{}
	for field, line := range lines {
		if other, twice := seen[line]; twice {
			m.t.Fatalf("%s.%s and %s hold the same values", id, field, other)
		}
		seen[line] = field
	}
}

// renames returns the former ids of renamed fields, as the plan says, which must be at least those that the file
// declares.
func renames(plan action.Plan, path string, old, new *document.Entity) map[string]string {
	all := diff.Declared(old, new)
	for _, f := range plan.Files {
		if f.Path != path {
			continue
		}
		for _, c := range f.Changes {
			if was, ok := c.Old.(string); ok && c.Rule == diff.FieldRenamedRule {
				all[strings.TrimPrefix(c.Key, "fields.")] = was
			}
		}
	}
	return all
}

// leave records what went out of use.
func (m *machine) leave(before, after *state) {
	for id, was := range before.lives {
		if now, there := after.lives[id]; !there || now.number != was.number {
			m.graves = append(m.graves, grave{id, before.defs[id], before.view[id], was})
		}
	}
	m.graves = slices.DeleteFunc(m.graves, func(g grave) bool { return after.lives[g.id].number == g.life.number })
	for id, was := range before.lives {
		for i := range before.defs[id].Fields {
			f := &before.defs[id].Fields[i]
			r := record{step: m.step, def: f, rows: valuesOf(before.view[id], f.ID)}
			if now := after.fieldOn(was.lines[f.ID]); now == nil || storage(now) != storage(f) || now.Required != f.Required || now.Unique != f.Unique {
				m.formers = append(m.formers, former{was.number, was.lines[f.ID], f.ID, storage(f)})
			}
			m.last[was.lines[f.ID]] = r
			if m.left[was.lines[f.ID]] == nil {
				m.left[was.lines[f.ID]] = map[string]record{}
			}
			if now := after.fieldOn(was.lines[f.ID]); now != nil && storage(now) != storage(f) && f.Multiple() == now.Multiple() && (oracle.Fits(f, now) || oracle.Fits(now, f)) {
				r.moved = true
			}
			m.left[was.lines[f.ID]][storage(f)] = r
		}
	}
	m.locate(after)
}

// locate notes where everything in use lies.
func (m *machine) locate(after *state) {
	places := m.physical()
	for id, def := range after.defs {
		for i := range def.Fields {
			m.lineAt[m.where(places, id, &def.Fields[i])] = after.lives[id].lines[def.Fields[i].ID]
		}
	}
}

// fieldOn returns the field in use on a line.
func (s *state) fieldOn(line int) *document.Field {
	for id, l := range s.lives {
		for field, number := range l.lines {
			if number == line {
				return s.defs[id].Field(field)
			}
		}
	}
	return nil
}

func valuesOf(rows table, field string) map[string][]item {
	all := map[string][]item{}
	for row, fields := range rows {
		all[row] = append([]item{}, fields[field]...) // a row without a value is a row too
	}
	return all
}

// lies reports whether values of a field can stay where they are when it becomes another one.
func lies(was, is *document.Field) bool {
	return was.Multiple() == is.Multiple() && oracle.Fits(was, is) && (was.Type == is.Type || oracle.Fits(is, was))
}

// storage names the shape in which values of a field are stored. The kinds of text can lie in each other's places.
func storage(f *document.Field) string {
	kind, text := f.Type, &document.Field{ID: f.ID, Type: document.Text, Cardinality: 1}
	if oracle.Fits(f, text) && oracle.Fits(text, f) {
		kind = document.Text
	}
	if f.Multiple() {
		return "several " + string(kind)
	}
	return string(kind)
}

// undone gives the content types of the files of a rollback the incarnations of then, and proves that everything is as
// it was.
func (m *machine) undone(then, before, after *state, result coordinator.ApplyResult) {
	lives := maps.Clone(m.lives)
	for id := range before.lives {
		if _, there := after.defs[id]; !there {
			delete(lives, id)
		}
	}
	for id, path := range then.home {
		if slices.Contains(result.Applied, path) && after.home[id] == path {
			lives[id] = then.lives[id]
		}
	}
	m.lives, after.lives = lives, lives
	m.isBack(then, before, after, result.Applied)
	m.leave(before, after)
}
