package coordinator_test

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"marain/backend/action"
	"marain/backend/coordinator"
	"marain/backend/database"
	"marain/backend/document"

	"pgregory.net/rapid"
)

// TestNothingIsLost runs random sequences of schema edits, content writes, applies, rejects, rollbacks and restarts.
// After every step verify finds no fault and every value ever written is still somewhere, unless it was overwritten or
// its row was deleted; after a rollback the tables, the files and every value are those of then.
//
// MARAIN_SEQUENCES sets how many sequences run, MARAIN_STEPS how long they are. A failure prints the command that
// repeats it.
func TestNothingIsLost(t *testing.T) {
	sequences := setting(t, "MARAIN_SEQUENCES", 5)
	steps := setting(t, "MARAIN_STEPS", 25)
	set(t, "rapid.checks", sequences)
	set(t, "rapid.steps", steps)
	rapid.Check(t, func(rt *rapid.T) {
		m := newMachine(rt)
		rt.Repeat(map[string]func(*rapid.T){
			"":         m.check,
			"edit":     m.edit,
			"edit2":    m.edit,
			"apply":    m.apply,
			"apply2":   m.apply,
			"content":  m.content,
			"content2": m.content,
			"undo":     m.undo,
			"to":       m.to,
			"version":  m.version,
			"reject":   m.reject,
			"restart":  m.restart,
			"turn":     m.turn,
			"drift":    m.drift,
		})
	})
}

func setting(t *testing.T, name string, otherwise int) int {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// set sets a flag of rapid unless it was given on the command line.
func set(t *testing.T, name string, value int) {
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	if given {
		return
	}
	if err := flag.Set(name, strconv.Itoa(value)); err != nil {
		t.Fatal(err)
	}
}

// machine is a project, and what must be true of it.
type machine struct {
	b      *bench
	t      *rapid.T
	db     *sql.DB
	idle   *coordinator.Coordinator // another program on the same project, which knows only what it sees
	next   int                      // of the next value, row or field
	alive  map[cell]bool            // what was written and neither overwritten nor deleted
	dead   map[string]bool          // rows that were deleted
	points []point                  // the state before and after each batch
}

// cell is a value in a row, wherever it lies.
type cell struct{ row, value string }

// view is what the tables in use hold: by content type, row and field, the values in order.
type view map[string]map[string]map[string][]string

// point is a batch with the state on both sides of it.
type point struct {
	id            string
	before, after state
}

type state struct {
	view   view
	tables string
	files  map[string]string // applied texts by path
	home   map[string]string // content type to path
}

// entry is a content type as a file describes it.
type entry struct {
	id        string
	versioned bool
	fields    []column
	note      string
}

type column struct {
	id, kind                         string
	required, unique, indexed, multi bool
	def                              string
}

func (e entry) text() string {
	text := ""
	if e.note != "" {
		text = "# " + e.note + "\n"
	}
	if e.versioned {
		text += "versioned: true\n"
	}
	var fields [][]string
	for _, c := range e.fields {
		one := f(c.id + " " + c.kind)
		for _, p := range []struct {
			on   bool
			line string
		}{
			{c.required, "required: true"},
			{c.unique, "unique: true"},
			{c.indexed, "indexed: true"},
			{c.multi, "cardinality: -1"},
			{c.def != "", "default: " + c.def},
		} {
			if p.on {
				one = append(one, p.line)
			}
		}
		fields = append(fields, one)
	}
	return text + entity(e.id, fields...)
}

func entryOf(e *document.Entity) entry {
	out := entry{id: e.ID, versioned: e.Versioned}
	for _, f := range e.Fields {
		c := column{id: f.ID, kind: string(f.Type), required: f.Required, unique: f.Unique, indexed: f.Indexed, multi: f.Multiple()}
		if f.Default != nil {
			c.def = fmt.Sprint(f.Default)
		}
		out.fields = append(out.fields, c)
	}
	return out
}

func newMachine(t *rapid.T) *machine {
	root, err := os.MkdirTemp("", "marain-property-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(root); err != nil {
			t.Errorf("clean up: %v", err)
		}
	})
	b := &bench{t: t, root: root}
	b.write("config/config.hot_reload.yaml", "id: hot_reload\nvalues:\n  auto_apply: none\n")
	m := &machine{b: b, t: t, alive: map[cell]bool{}, dead: map[string]bool{}}
	m.start()
	b.apply(coordinator.ReloadRequest{})
	m.idle = b.openWith(nil)
	m.db = b.conn()
	return m
}

func (m *machine) start() {
	p := m.b
	c, err := p.tryOpen(nil)
	if err != nil {
		m.t.Fatalf("open: %v", err)
	}
	p.c = c
}

func (m *machine) restart(t *rapid.T) {
	m.t, m.b.t = t, t
	if err := m.b.c.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	m.start()
}

// turn goes on in the other program.
func (m *machine) turn(t *rapid.T) {
	m.t, m.b.t = t, t
	m.idle, m.b.c = m.b.c, m.idle
	m.b.status() // until it is asked it may know an older state
}

func (m *machine) fresh(prefix string) string {
	m.next++
	return prefix + strconv.Itoa(m.next)
}

var paths = []string{"schemas/p.schema.yaml", "schemas/q.schema.yaml", "schemas/r.schema.yaml"}

// applied returns the content type that is applied for a path.
func (m *machine) applied(path string) (entry, bool) {
	d := m.b.c.Snapshot().Document(path)
	if d == nil {
		return entry{}, false
	}
	return entryOf(d.Entity), true
}

// edit saves, moves or removes one file.
func (m *machine) edit(t *rapid.T) {
	m.t, m.b.t = t, t
	path := rapid.SampledFrom(paths).Draw(t, "path")
	e, there := m.applied(path)
	if !there {
		e = entry{id: rapid.SampledFrom([]string{"e", "g"}).Draw(t, "entity"), versioned: rapid.Bool().Draw(t, "versioned")}
		m.add(t, &e)
	} else {
		switch rapid.IntRange(0, 9).Draw(t, "whole file") {
		case 0:
			os.Remove(filepath.Join(m.b.root, path))
			t.Logf("remove %s", path)
			return
		case 1:
			other := rapid.SampledFrom(paths).Draw(t, "to")
			if other != path && !m.b.exists(other) && m.b.exists(path) {
				m.b.rename(path, other)
				t.Logf("move %s to %s", path, other)
			}
			return
		case 2:
			m.b.write(path, "id: e\nfields: 12\n") // invalid
			return
		case 3:
			e.note = m.fresh("only a comment ")
		}
	}
	for range rapid.IntRange(1, 3).Draw(t, "changes") {
		m.change(t, &e)
	}
	t.Logf("save %s:\n%s", path, e.text())
	m.b.write(path, e.text())
}

func (m *machine) add(t *rapid.T, e *entry) {
	id := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "field")
	if slices.ContainsFunc(e.fields, func(c column) bool { return c.id == id }) {
		return
	}
	c := column{id: id, kind: rapid.SampledFrom([]string{"text", "integer"}).Draw(t, "type")}
	c.multi = rapid.IntRange(0, 3).Draw(t, "multi") == 0
	c.required = rapid.IntRange(0, 2).Draw(t, "required") == 0
	c.unique = rapid.IntRange(0, 3).Draw(t, "unique") == 0
	c.indexed = rapid.IntRange(0, 3).Draw(t, "indexed") == 0
	if rapid.IntRange(0, 3).Draw(t, "default") == 0 && !c.multi && !c.unique {
		c.def = m.value(c.kind)
	}
	e.fields = append(e.fields, c)
}

func (m *machine) value(kind string) string {
	if kind == "integer" {
		return m.fresh("")
	}
	return m.fresh("v")
}

func (m *machine) change(t *rapid.T, e *entry) {
	if len(e.fields) == 0 {
		m.add(t, e)
		return
	}
	i := rapid.IntRange(0, len(e.fields)-1).Draw(t, "index")
	c := &e.fields[i]
	switch rapid.SampledFrom([]string{"add", "add", "remove", "remove", "required", "unique", "indexed", "rename", "order"}).Draw(t, "change") {
	case "add":
		m.add(t, e)
	case "remove":
		e.fields = slices.Delete(e.fields, i, i+1)
	case "required":
		c.required = !c.required
	case "unique":
		c.unique = !c.unique && c.def == ""
	case "indexed":
		c.indexed = !c.indexed
	case "rename":
		id := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "new name")
		if !slices.ContainsFunc(e.fields, func(c column) bool { return c.id == id }) {
			c.id = id
		}
	case "order":
		slices.Reverse(e.fields)
	}
}

// content writes through plain SQL, as another program would.
func (m *machine) content(t *rapid.T) {
	m.t, m.b.t = t, t
	for range rapid.IntRange(1, 4).Draw(t, "writes") {
		ids := m.b.c.Snapshot().Entities()
		if len(ids) == 0 {
			return
		}
		id := rapid.SampledFrom(ids).Draw(t, "entity")
		e, _ := m.b.c.Snapshot().Entity(id)
		rows := slices.Sorted(maps.Keys(m.see()[id]))
		what := "insert"
		if len(rows) > 0 {
			what = rapid.SampledFrom([]string{"insert", "insert", "update", "update", "delete"}).Draw(t, "write")
		}
		switch what {
		case "insert":
			m.insert(t, entryOf(e), rows)
		case "update":
			m.update(t, entryOf(e), rapid.SampledFrom(rows).Draw(t, "row"))
		case "delete":
			row := rapid.SampledFrom(rows).Draw(t, "row")
			t.Logf("delete %s", row)
			m.exec(`DELETE FROM content_`+id+` WHERE id = ?`, row)
			m.dead[row] = true
			maps.DeleteFunc(m.alive, func(c cell, _ bool) bool { return c.row == row })
		}
	}
}

func (m *machine) exec(query string, args ...any) {
	if _, err := m.db.Exec(m.b.numbered(query), args...); err != nil {
		m.t.Fatalf("%s %v: %v", query, args, err)
	}
}

func (m *machine) insert(t *rapid.T, e entry, rows []string) {
	row := m.fresh("row")
	names, marks, args := []string{"id"}, []string{"?"}, []any{row}
	for _, c := range e.fields {
		if c.multi || !c.required && rapid.Bool().Draw(t, "empty") {
			continue
		}
		value := m.value(c.kind)
		if !c.unique && len(rows) > 0 && rapid.IntRange(0, 4).Draw(t, "again") == 0 {
			if same := m.see()[e.id][rows[0]][c.id]; len(same) == 1 {
				value = same[0]
			}
		}
		names, marks, args = append(names, `"`+c.id+`"`), append(marks, "?"), append(args, value)
		m.alive[cell{row, value}] = true
	}
	t.Logf("insert into %s %v %v", e.id, names, args)
	m.exec(`INSERT INTO content_`+e.id+` (`+strings.Join(names, ",")+`) VALUES (`+strings.Join(marks, ",")+`)`, args...)
	for _, c := range e.fields {
		for i := 0; c.multi && i < rapid.IntRange(0, 2).Draw(t, "values"); i++ {
			value := m.value(c.kind)
			m.exec(`INSERT INTO field_`+e.id+`_`+c.id+` (id, parent_id, value, sort_order) VALUES (?, ?, ?, ?)`, m.fresh("f"), row, value, i)
			m.alive[cell{row, value}] = true
		}
	}
	if e.versioned {
		m.revise(e, row)
	}
}

// revise writes an older state of a row, which stays when the row goes.
func (m *machine) revise(e entry, row string) {
	names, marks, args := []string{"id", "rid"}, []string{"?", "?"}, []any{row, 1}
	for _, c := range e.fields {
		value := m.value(c.kind)
		m.alive[cell{"revision of " + row, value}] = true
		if c.multi {
			m.exec(`INSERT INTO field_revisions_`+e.id+`_`+c.id+` (id, rid, parent_id, value) VALUES (?, 1, ?, ?)`, m.fresh("f"), row, value)
			continue
		}
		names, marks, args = append(names, `"`+c.id+`"`), append(marks, "?"), append(args, value)
	}
	m.exec(`INSERT INTO content_revisions_`+e.id+` (`+strings.Join(names, ",")+`) VALUES (`+strings.Join(marks, ",")+`)`, args...)
}

func (m *machine) update(t *rapid.T, e entry, row string) {
	if len(e.fields) == 0 {
		return
	}
	c := rapid.SampledFrom(e.fields).Draw(t, "field")
	before := m.see()[e.id][row][c.id]
	value := m.value(c.kind)
	t.Logf("update %s of %s: %v becomes %s", c.id, row, before, value)
	if c.multi {
		m.exec(`DELETE FROM field_`+e.id+`_`+c.id+` WHERE parent_id = ?`, row)
		m.exec(`INSERT INTO field_`+e.id+`_`+c.id+` (id, parent_id, value) VALUES (?, ?, ?)`, m.fresh("f"), row, value)
	} else {
		m.exec(`UPDATE content_`+e.id+` SET "`+c.id+`" = ? WHERE id = ?`, value, row)
	}
	for _, old := range before {
		delete(m.alive, cell{row, old})
	}
	m.alive[cell{row, value}] = true
}

// see reads what the tables in use hold.
func (m *machine) see() view {
	all := view{}
	for _, id := range m.b.c.Snapshot().Entities() {
		e, _ := m.b.c.Snapshot().Entity(id)
		rows := map[string]map[string][]string{}
		for _, row := range m.query(`SELECT id FROM content_` + id) {
			rows[row[0]] = map[string][]string{}
		}
		for _, c := range e.Fields {
			query := `SELECT id, "` + c.ID + `" FROM content_` + id + ` WHERE "` + c.ID + `" IS NOT NULL`
			if c.Multiple() {
				query = `SELECT parent_id, value FROM field_` + id + `_` + c.ID + ` ORDER BY value`
			}
			for _, row := range m.query(query) {
				rows[row[0]][c.ID] = append(rows[row[0]][c.ID], row[1])
			}
		}
		all[id] = rows
	}
	return all
}

func (m *machine) query(query string, args ...any) [][]string {
	rows, err := m.db.Query(m.b.numbered(query), args...)
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
		texts, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range texts {
			into[i] = &texts[i]
		}
		if err := rows.Scan(into...); err != nil {
			m.t.Fatal(err)
		}
		row := make([]string, len(columns))
		for i := range texts {
			row[i] = texts[i].String
		}
		list = append(list, row)
	}
	if err := rows.Err(); err != nil {
		m.t.Fatal(err)
	}
	return list
}

// state describes what is applied.
func (m *machine) state() state {
	s := state{view: m.see(), tables: m.b.tables(), files: map[string]string{}, home: map[string]string{}}
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

// committed notes a batch, and what it gave rows that had no value.
func (m *machine) committed(id string, before state) {
	after := m.state()
	m.points = append(m.points, point{id, before, after})
	for _, rows := range after.view {
		for row, fields := range rows {
			for _, values := range fields {
				for _, v := range values {
					m.alive[cell{row, v}] = true
				}
			}
		}
	}
}

// apply answers what is asked and applies everything, or puts back what cannot be applied.
func (m *machine) apply(t *rapid.T) {
	m.t, m.b.t = t, t
	before := m.state()
	request := coordinator.ReloadRequest{Approve: "breaking", Answers: map[string]string{}}
	for range 8 {
		plan, err := m.b.c.Diff(context.Background(), coordinator.DiffRequest{Answers: request.Answers})
		if err != nil {
			t.Fatalf("diff: %v", err)
		}
		// The plan that asks may be approved with its answers as well as the one that was made with them.
		if request.PlanID == "" || rapid.Bool().Draw(t, "approve the newest plan") {
			request.PlanID = plan.ID
		}
		maps.DeleteFunc(request.Answers, func(key, _ string) bool { // an answer may make another question go away
			return !slices.ContainsFunc(plan.Questions, func(q action.Question) bool { return q.Key == key })
		})
		if !m.answer(t, plan.Questions, request.Answers) {
			break
		}
	}
	waits := len(m.b.status().PendingChanges) > 0
	if !waits {
		request.PlanID = ""
	}
	result, err := m.b.c.Reload(context.Background(), request, person)
	var own *coordinator.Error
	if errors.As(err, &own) && own.Code == coordinator.CodeBlocked {
		t.Logf("blocked: %s", own.Message)
		m.unchanged(before)
		m.putBack()
		return
	}
	if err != nil {
		t.Fatalf("apply %+v: %v", request, err)
	}
	t.Logf("applied %v with %v", result.Applied, request.Answers)
	if len(result.Pending) > 0 {
		t.Fatalf("still waiting after an apply: %v", result.Pending)
	}
	if result.ActionID != "" {
		m.committed(result.ActionID, before)
	}
}

// answer answers every open question, and some of those with a default. It reports whether it answered any.
func (m *machine) answer(t *rapid.T, questions []action.Question, answers map[string]string) bool {
	any := false
	for _, q := range questions {
		if _, done := answers[q.Key]; done {
			continue
		}
		if q.Default != nil && rapid.Bool().Draw(t, "leave the default of "+q.Key) {
			continue
		}
		if len(q.Options) > 0 {
			answers[q.Key] = rapid.SampledFrom(q.Options).Draw(t, q.Key)
		} else {
			answers[q.Key] = m.fresh("") // fits text and numbers
		}
		any = true
	}
	return any
}

// putBack gives every file that differs its applied text.
func (m *machine) putBack() {
	status := m.b.status()
	files := map[string]bool{}
	for _, c := range status.PendingChanges {
		files[c.File] = true
	}
	for _, p := range status.InvalidFiles {
		files[p.File] = true
	}
	for _, h := range status.HeldFiles {
		files[h.File] = true
	}
	if len(files) == 0 {
		return
	}
	_, err := m.b.c.Reject(context.Background(), coordinator.RejectRequest{Files: slices.Sorted(maps.Keys(files)), Restore: true}, person)
	if err != nil {
		m.t.Fatalf("reject: %v", err)
	}
	m.b.inSync()
}

func (m *machine) reject(t *rapid.T) {
	m.t, m.b.t = t, t
	status := m.b.status()
	if len(status.PendingChanges) == 0 || rapid.Bool().Draw(t, "all") {
		m.putBack()
		return
	}
	path := status.PendingChanges[0].File
	if _, err := m.b.c.Reject(context.Background(), coordinator.RejectRequest{Files: []string{path}}, person); err != nil {
		t.Fatalf("hold: %v", err)
	}
	t.Logf("hold %s", path)
	if m.waiting(path) {
		t.Errorf("%s is held and waits", path)
	}
}

func (m *machine) waiting(path string) bool {
	return slices.ContainsFunc(m.b.status().PendingChanges, func(c coordinator.PendingChange) bool { return c.File == path })
}

// back runs a rollback and answers what it asks. It reports false when it was refused for a good reason.
func (m *machine) back(t *rapid.T, request coordinator.RollbackRequest) (coordinator.ApplyResult, state, bool) {
	before := m.state()
	edited := map[string]string{}
	for path, text := range m.b.files() {
		if before.files[path] != text {
			edited[path] = text
		}
	}
	drafts := m.drafts()
	request.Answers = map[string]string{}
	for range 8 {
		result, err := m.b.c.Rollback(context.Background(), request, person)
		if err == nil {
			if result.ActionID != "" {
				t.Logf("rolled back %+v: %v", request, result.Applied)
				m.committed(result.ActionID, before)
			}
			m.keptDrafts(result, edited, drafts)
			return result, before, true
		}
		var own *coordinator.Error
		if !errors.As(err, &own) || own.Code != coordinator.CodeBlocked && own.Code != coordinator.CodeConflict {
			t.Fatalf("roll back %+v: %v", request, err)
		}
		m.unchanged(before)
		var questions []action.Question
		for _, d := range own.Details {
			if q, ok := d.(action.Question); ok {
				questions = append(questions, q)
			}
		}
		if !m.answer(t, questions, request.Answers) {
			t.Logf("not rolled back %+v: %s", request, own.Message)
			return coordinator.ApplyResult{}, before, false
		}
	}
	t.Fatal("a rollback asks without end")
	panic("unreachable")
}

func (m *machine) drafts() map[string]int {
	list, err := m.b.c.Drafts(context.Background())
	if err != nil {
		m.t.Fatalf("drafts: %v", err)
	}
	n := map[string]int{}
	for _, d := range list {
		n[d.File]++
	}
	return n
}

// keptDrafts proves that an edit that a rollback replaced is among the drafts.
func (m *machine) keptDrafts(result coordinator.ApplyResult, edited map[string]string, before map[string]int) {
	now := m.drafts()
	for _, path := range result.Applied {
		text, was := edited[path]
		if was && now[path] == before[path] && (!m.b.exists(path) || m.b.read(path) != text) {
			m.t.Fatalf("the edit of %s was replaced and is no draft", path)
		}
	}
}

func (m *machine) undo(t *rapid.T) {
	m.t, m.b.t = t, t
	if len(m.points) == 0 {
		return
	}
	p := m.points[rapid.IntRange(0, len(m.points)-1).Draw(t, "batch")]
	if rapid.Bool().Draw(t, "newest") {
		p = m.points[len(m.points)-1]
	}
	result, _, ok := m.back(t, coordinator.RollbackRequest{ActionID: p.id})
	if ok {
		m.isBack(p.before, result.Applied)
	}
}

func (m *machine) to(t *rapid.T) {
	m.t, m.b.t = t, t
	if len(m.points) == 0 {
		return
	}
	p := m.points[rapid.IntRange(0, len(m.points)-1).Draw(t, "point")]
	_, _, ok := m.back(t, coordinator.RollbackRequest{To: p.id})
	if !ok {
		return
	}
	now := m.state()
	m.isBack(p.after, slices.Collect(maps.Keys(p.after.files)))
	if now.tables != p.after.tables {
		t.Fatalf("the tables are\n%s\nand were\n%s", now.tables, p.after.tables)
	}
	if !maps.Equal(now.files, p.after.files) {
		t.Fatalf("the files are %v and were %v", now.files, p.after.files)
	}
}

func (m *machine) version(t *rapid.T) {
	m.t, m.b.t = t, t
	list := m.query(`SELECT file_path, version, action_id FROM file_versions WHERE status <> 'pending' AND file_path LIKE 'schemas/%' ORDER BY 1, 2`)
	if len(list) == 0 {
		return
	}
	v := rapid.SampledFrom(list).Draw(t, "version")
	number, err := strconv.Atoi(v[1])
	if err != nil {
		t.Fatal(err)
	}
	result, _, ok := m.back(t, coordinator.RollbackRequest{File: v[0], Version: number})
	if !ok {
		return
	}
	i := slices.IndexFunc(m.points, func(p point) bool { return p.id == v[2] })
	m.isBack(m.points[i].after, result.Applied)
}

// isBack proves that files, their tables and the values in them are those of then, as far as nobody wrote since.
func (m *machine) isBack(then state, files []string) {
	now := m.state()
	for _, path := range files {
		if now.files[path] != then.files[path] {
			m.t.Fatalf("%s is applied as %q and was %q", path, now.files[path], then.files[path])
		}
		text, there := then.files[path]
		if m.b.exists(path) != there || there && m.b.read(path) != text {
			if slices.Contains(files, path) && !m.waiting(path) && !m.invalidOrHeld(path) {
				m.t.Fatalf("%s on disk is not as it was", path)
			}
		}
	}
	for id, rows := range then.view {
		if slices.Contains(files, then.home[id]) {
			m.sameValues(id, rows, now.view[id])
			if was, is := linesOf(then.tables, id), linesOf(now.tables, id); was != is {
				m.t.Fatalf("the tables of %s are\n%s\nand were\n%s", id, is, was)
			}
		}
	}
}

func (m *machine) invalidOrHeld(path string) bool {
	s := m.b.status()
	return slices.ContainsFunc(s.InvalidFiles, func(p document.Problem) bool { return p.File == path }) ||
		slices.ContainsFunc(s.HeldFiles, func(h coordinator.Held) bool { return h.File == path })
}

func (m *machine) sameValues(id string, then, now map[string]map[string][]string) {
	for row, fields := range then {
		if m.dead[row] {
			continue
		}
		if now[row] == nil {
			m.t.Fatalf("row %s of %s is not back", row, id)
		}
		for field, values := range fields {
			for _, v := range values {
				if m.alive[cell{row, v}] && !slices.Contains(now[row][field], v) {
					m.t.Fatalf("%s of row %s in %s was %q and is %q", field, row, id, values, now[row][field])
				}
			}
		}
	}
}

func linesOf(tables, id string) string {
	var lines []string
	for line := range strings.Lines(tables) {
		table, _, _ := strings.Cut(line, ".")
		if strings.HasSuffix(table, "_"+id) || strings.Contains(table, "_"+id+"_") {
			lines = append(lines, line)
		}
	}
	return strings.TrimRight(strings.Join(lines, ""), "\n")
}

// unchanged proves that a refusal changed nothing.
func (m *machine) unchanged(before state) {
	now := m.state()
	if now.tables != before.tables || !maps.Equal(now.files, before.files) || fmt.Sprint(now.view) != fmt.Sprint(before.view) {
		m.t.Fatal("a refusal changed something")
	}
}

// check holds after every step.
func (m *machine) check(t *rapid.T) {
	m.t, m.b.t = t, t
	m.b.sound()
	found := m.everywhere()
	for c := range m.alive {
		if !found[c] {
			t.Fatalf("value %q of row %s is nowhere any more", c.value, c.row)
		}
	}
}

// everywhere returns every value in any table of content, in use or not.
func (m *machine) everywhere() map[cell]bool {
	found := map[cell]bool{}
	for _, name := range m.b.tableNames() {
		if database.IsBookkeeping(name) {
			continue
		}
		prefix := ""
		if strings.Contains(name, "_revisions_") {
			prefix = "revision of "
		}
		columns := m.b.columns(name)
		if slices.Contains(columns, "parent_id") {
			for _, row := range m.query(`SELECT parent_id, value FROM "` + name + `"`) {
				found[cell{prefix + row[0], row[1]}] = true
			}
			continue
		}
		var names []string
		for _, c := range columns {
			if !document.ReservedColumn(c) {
				names = append(names, `"`+c+`"`)
			}
		}
		if len(names) == 0 {
			continue
		}
		for _, row := range m.query(`SELECT id, ` + strings.Join(names, ",") + ` FROM "` + name + `"`) {
			for _, value := range row[1:] {
				found[cell{prefix + row[0], value}] = true
			}
		}
	}
	return found
}
