package coordinator_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"marain/backend/action"
	"marain/backend/coordinator"
	"marain/backend/document"
	"marain/tests/oracle"

	"pgregory.net/rapid"
)

// apply answers what is asked and applies all that waits or one file of it, or puts back what cannot be applied.
func (m *machine) apply(t *rapid.T) {
	var files []string
	if waiting := m.b.status().PendingChanges; len(waiting) > 1 && rapid.IntRange(0, 3).Draw(t, "one file") == 0 {
		files = []string{waiting[rapid.IntRange(0, len(waiting)-1).Draw(t, "file")].File}
	}
	request, plan := m.planned(t, files)
	m.carryOut(t, request, plan)
}

// release saves and applies.
func (m *machine) release(t *rapid.T) {
	m.edit(t)
	m.apply(t)
}

// race applies a plan that was made before another program wrote.
func (m *machine) race(t *rapid.T) {
	m.edit(t)
	request, plan := m.planned(t, nil)
	m.step++
	m.content(t)
	m.step++
	m.carryOut(t, request, plan)
}

// planned plans files and answers what is asked.
func (m *machine) planned(t *rapid.T, files []string) (coordinator.ReloadRequest, action.Plan) {
	request := coordinator.ReloadRequest{Approve: "breaking", Files: files, Answers: map[string]string{}}
	for range 8 {
		plan, err := m.b.c.Diff(context.Background(), coordinator.DiffRequest{Files: files, Answers: request.Answers})
		if err != nil {
			t.Fatalf("diff: %v", err)
		}
		again, err := m.b.c.Diff(context.Background(), coordinator.DiffRequest{Files: files, Answers: request.Answers})
		if err != nil || again.ID != plan.ID {
			t.Fatalf("the same state and the same answers have the plans %s and %s: %v", plan.ID, again.ID, err)
		}
		if request.PlanID == "" || rapid.Bool().Draw(t, "the plan with these answers") {
			request.PlanID = plan.ID
		}
		maps.DeleteFunc(request.Answers, func(key, _ string) bool { return !asks(plan, key) }) // an answer may make another question go away
		if !m.answer(t, plan.Questions, request.Answers) {
			return request, plan
		}
	}
	t.Fatal("an apply asks without end")
	panic("unreachable")
}

func (m *machine) carryOut(t *rapid.T, request coordinator.ReloadRequest, plan action.Plan) {
	before, places := m.state(), m.physical()
	if len(plan.Files) == 0 {
		request.PlanID, request.Files = "", nil
	}
	result, err := m.b.c.Reload(context.Background(), request, person)
	var own *coordinator.Error
	if errors.As(err, &own) && (own.Code == coordinator.CodeBlocked || own.Code == coordinator.CodeStale) {
		t.Logf("%s: %s", own.Code, own.Message)
		m.tally["applies "+string(own.Code)]++
		m.unchanged(before, places)
		if own.Code == coordinator.CodeBlocked {
			m.putBack()
		}
		return
	}
	if err != nil {
		t.Fatalf("apply %+v: %v", request, err)
	}
	t.Logf("%s applied %v with %v", result.ActionID, result.Applied, request.Answers)
	if len(result.Pending) > 0 && request.Files == nil {
		t.Fatalf("still waiting after an apply: %v", result.Pending)
	}
	m.keeps(places)
	if result.ActionID == "" {
		return
	}
	m.tally["applies"]++
	for _, f := range plan.Files {
		for _, c := range f.Changes {
			m.tally["change "+string(c.Rule)]++
		}
	}
	after := m.state()
	m.follow(before, after, plan, request.Answers)
	m.committed(result.ActionID, before, after)
	m.settled(result.Applied)
}

// settled proves that planning what was just applied finds nothing to do.
func (m *machine) settled(files []string) {
	for _, file := range files {
		if m.waiting(file) {
			m.t.Fatalf("%s was applied and still waits", file)
		}
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
			m.fill(q, *q.Default)
			continue
		}
		if len(q.Options) > 0 {
			answers[q.Key] = rapid.SampledFrom(q.Options).Draw(t, q.Key)
		} else {
			answers[q.Key] = m.literal(t, document.FieldType(q.Type))
			m.fill(q, answers[q.Key])
		}
		any = true
	}
	return any
}

// fill remembers what rows without a value may get.
func (m *machine) fill(q action.Question, answer string) {
	if q.Type == "" {
		return
	}
	f := &document.Field{Type: document.FieldType(q.Type), Cardinality: 1}
	if value, err := document.ParseValue(f, answer); err == nil {
		m.fills[oracle.Plain(f, value)] = true
		m.given = append(m.given, given{f, value})
	}
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

func (m *machine) invalidOrHeld(path string) bool {
	s := m.b.status()
	return slices.ContainsFunc(s.InvalidFiles, func(p document.Problem) bool { return p.File == path }) ||
		slices.ContainsFunc(s.HeldFiles, func(h coordinator.Held) bool { return h.File == path })
}

// back runs a rollback to a state and answers what it asks. A refusal for a good reason changes nothing.
func (m *machine) back(t *rapid.T, request coordinator.RollbackRequest, then *state) (after *state, ok bool) {
	before, places := m.state(), m.physical()
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
			return m.wentBack(t, request, result, then, before, places, edited, drafts), true
		}
		var own *coordinator.Error
		if !errors.As(err, &own) || own.Code != coordinator.CodeBlocked && own.Code != coordinator.CodeConflict {
			t.Fatalf("roll back %+v: %v", request, err)
		}
		m.unchanged(before, places)
		var questions []action.Question
		for _, d := range own.Details {
			if q, ok := d.(action.Question); ok {
				questions = append(questions, q)
			}
		}
		if !m.answer(t, questions, request.Answers) {
			t.Logf("not rolled back %+v: %s", request, own.Message)
			m.tally["rollbacks "+string(own.Code)]++
			return nil, false
		}
	}
	t.Fatal("a rollback asks without end")
	panic("unreachable")
}

func (m *machine) wentBack(t *rapid.T, request coordinator.RollbackRequest, result coordinator.ApplyResult, then, before *state, places map[string]place,
	edited map[string]string, drafts map[string]int,
) *state {
	t.Logf("%s rolled back %+v: %v", result.ActionID, request, result.Applied)
	m.keeps(places)
	m.keptDrafts(result, edited, drafts)
	after := m.state()
	if result.ActionID != "" {
		m.tally["rollbacks"]++
		m.undone(then, before, after, result)
		m.committed(result.ActionID, before, after)
	}
	return after
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
	if len(m.points) == 0 {
		return
	}
	p := m.points[rapid.IntRange(0, len(m.points)-1).Draw(t, "batch")]
	if rapid.IntRange(0, 2).Draw(t, "newest") > 0 {
		p = m.points[len(m.points)-1]
	}
	m.back(t, coordinator.RollbackRequest{ActionID: p.id}, p.before)
}

func (m *machine) to(t *rapid.T) {
	if len(m.points) == 0 {
		return
	}
	p := m.points[rapid.IntRange(0, len(m.points)-1).Draw(t, "point")]
	now, ok := m.back(t, coordinator.RollbackRequest{To: p.id}, p.after)
	if !ok {
		return
	}
	if now.tables != p.after.tables {
		t.Fatalf("the tables are\n%s\nand were\n%s", now.tables, p.after.tables)
	}
	if !maps.Equal(now.files, p.after.files) {
		t.Fatalf("the files are %v and were %v", now.files, p.after.files)
	}
}

func (m *machine) version(t *rapid.T) {
	list := m.list(`SELECT file_path, version, action_id FROM file_versions WHERE status <> 'pending' AND file_path LIKE 'schemas/%' ORDER BY file_path, version`)
	if len(list) == 0 {
		return
	}
	v := rapid.SampledFrom(list).Draw(t, "version")
	number, err := strconv.Atoi(bare(v[1]))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(m.points, func(p point) bool { return p.id == bare(v[2]) })
	m.back(t, coordinator.RollbackRequest{File: bare(v[0]), Version: number}, m.points[i].after)
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
