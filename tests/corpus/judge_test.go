package corpus_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"marain/backend/action"
	"marain/backend/coordinator"
	"marain/backend/diff"
)

// subject is a case in a project, under names of its own.
type subject struct {
	*project
	*change
	known

	number int
	// The versions of note and other; without a text there is no such file. start is what is there when the change comes.
	before, start, after [2]schema
}

func (p *project) subject(c *change, number int) *subject {
	s := &subject{project: p, change: c, number: number}
	k, _ := c.on(p.kind)
	s.known = k
	s.known.answers = map[string]string{}
	for key, value := range k.answers {
		s.known.answers[own(key, number)] = value
	}
	read := func(id, form string) schema {
		if form == "" || form == "-" {
			return schema{}
		}
		return parse(own(id, number), own(form, number))
	}
	s.before = [2]schema{read("note", c.was), read("other", c.other)}
	s.after = [2]schema{read("note", c.now), s.before[1]}
	s.start = s.before
	if c.mid != "" {
		s.start[0] = read("note", c.mid)
	}
	if c.otherNow != "" {
		s.after[1] = read("other", c.otherNow)
	}
	if c.edit != nil {
		s.after[0].text = c.edit(s.after[0].text)
	}
	return s
}

// path is where one of the case's content types is.
func (s *subject) path(i int, moved bool) string {
	name := own([]string{"note", "other"}[i], s.number)
	if i == 0 && moved {
		name += "_moved"
	}
	return "schemas/" + name + ".schema.yaml"
}

// save puts the files of a version on the disk.
func (s *subject) save(version [2]schema, moved bool) {
	s.t.Helper()
	for i, v := range version {
		s.write(s.path(i, moved), v.text)
	}
	if s.moved {
		s.write(s.path(0, !moved), "")
	}
}

// files are those that differ between the two versions.
func (s *subject) files() []string {
	var list []string
	for i := range s.start {
		if s.start[i].text != s.after[i].text || i == 0 && s.moved {
			list = append(list, s.path(i, false))
		}
	}
	if s.moved {
		list = append(list, s.path(0, true))
	}
	return list
}

// picture reads every value of the case's content types.
func (s *subject) picture(version [2]schema, renamed map[string]string) picture {
	s.t.Helper()
	p := picture{}
	for i, v := range version {
		if v.text != "" {
			s.take(p, []string{"", "other:"}[i], own([]string{"note", "other"}[i], s.number), v, renamed)
		}
	}
	return p
}

// judge plans the change, carries it out and takes it back, and says how it was graded.
func (s *subject) judge() result {
	s.t.Helper()
	first := s.picture(s.start, nil)
	s.ask()
	s.save(s.after, s.moved)
	plan := s.proved()
	s.examine(plan)
	r := result{title: s.title(), kind: s.change.kind, fate: s.fate, engine: plan.Category, text: textGrade(plan)}
	applied, done := s.carryOut(plan)
	if !done {
		s.same("refused", first, s.picture(s.start, nil))
		s.save(s.start, false)
		return r
	}
	now := picture{}
	if s.becomes[all] != gone {
		now = s.picture(s.after, s.renamed)
	}
	if list := now.differences(first.expected(s.becomes)); len(list) > 0 {
		s.t.Errorf("after the change:\n\t%s", shorten(list))
	}
	if plan.Category == diff.Safe {
		s.same("graded safe", first, now)
	}
	s.back(applied)
	s.same("rolled back", first, s.picture(s.start, nil))
	return r
}

// ask asks the database itself what an index on x would come to, where that is what a case is about: the outcome that is
// known beforehand is that of the database, not the engine's.
func (s *subject) ask() {
	s.t.Helper()
	kind := map[string]string{"unique": "UNIQUE INDEX", "indexed": "INDEX"}[s.change.kind]
	if kind == "" || len(s.start[0].fields) == 0 {
		return
	}
	place := "content_note (x)"
	if slices.ContainsFunc(s.start[0].fields, func(f field) bool { return f.id == "x" && f.many }) {
		place = "field_note_x (value)"
	}
	tx, err := s.db.Begin()
	if err != nil {
		s.t.Fatal(err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing of it is to stay
	_, err = tx.Exec(own("CREATE "+kind+" asked ON "+place, s.number))
	if (err != nil) != (s.fate == refused) {
		s.t.Errorf("the case is %s, and the database says %v", s.fate, err)
	}
}

// same fails the test unless every value is stored exactly as it was.
func (s *subject) same(when string, before, after picture) {
	s.t.Helper()
	if list := before.changes(after); len(list) > 0 {
		s.t.Errorf("%s:\n\t%s", when, shorten(list))
	}
}

func shorten(list []string) string {
	const most = 12
	if len(list) > most {
		list = append(slices.Clone(list[:most]), fmt.Sprintf("and %d more", len(list)-most))
	}
	return strings.Join(list, "\n\t")
}

// proved plans the change until all checks came to an end: on a machine with much to do one may take too long.
func (s *subject) proved() action.Plan {
	s.t.Helper()
	const tries = 5
	for try := 1; ; try++ {
		plan := s.plan(s.files(), nil)
		late := slices.ContainsFunc(plan.Files, func(f action.File) bool {
			return slices.ContainsFunc(f.Checks, func(c action.Check) bool { return c.Verdict == action.NotProved })
		})
		if !late || try == tries {
			return plan
		}
	}
}

// examine compares a plan with what is known beforehand.
func (s *subject) examine(plan action.Plan) {
	s.t.Helper()
	if plan.Category != s.grade {
		s.t.Errorf("graded %s, want %s\n\t%s", plan.Category, s.grade, strings.Join(checks(plan), "\n\t"))
	}
	var risks, questions []string
	blocked := 0
	for _, f := range plan.Files {
		blocked += len(f.Blocked)
		for _, c := range f.Checks {
			if c.Verdict == action.Risk {
				risks = append(risks, fmt.Sprintf("%s %d", c.Rule, c.Count))
			}
		}
	}
	for _, q := range plan.Questions {
		if q.Default == nil {
			questions = append(questions, q.Key)
		}
	}
	if !slices.Equal(risks, s.risks) {
		s.t.Errorf("the rows show %q, want %q\n\t%s", risks, s.risks, strings.Join(checks(plan), "\n\t"))
	}
	if want := openKeys(s.known); !slices.Equal(questions, want) {
		s.t.Errorf("questions %q, want %q", questions, want)
	}
	if (blocked > 0) != (s.fate == refused) {
		s.t.Errorf("%d blocks of a change that is %s: %+v", blocked, s.fate, plan.Files)
	}
	if plan.Rehearsal.State == action.Failed {
		s.t.Errorf("rehearsal: %s", plan.Rehearsal.Message)
	}
}

// openKeys are the questions that must be answered.
func openKeys(k known) []string {
	if k.fate != asks {
		return nil
	}
	return slices.Sorted(maps.Keys(k.answers))
}

func checks(plan action.Plan) []string {
	var list []string
	for _, f := range plan.Files {
		for _, h := range f.Changes {
			list = append(list, fmt.Sprintf("%s %s: %s", h.Category, h.Rule, h.Message))
		}
		for _, c := range f.Checks {
			list = append(list, fmt.Sprintf("%s %s %d of %d: %s", c.Verdict, c.Rule, c.Count, c.Total, c.Message))
		}
		for _, b := range f.Blocked {
			list = append(list, "blocked: "+b.Message)
		}
	}
	return list
}

// textGrade is what the text of a plan's changes alone says.
func textGrade(plan action.Plan) diff.Category {
	grade := diff.Safe
	for _, f := range plan.Files {
		for _, h := range f.Changes {
			grade = max(grade, h.Rule.TextCategory())
		}
	}
	return grade
}

// carryOut applies the change, with answers where it needs some, and reports whether it could be.
func (s *subject) carryOut(plan action.Plan) (coordinator.ApplyResult, bool) {
	s.t.Helper()
	if s.fate == refused || s.fate == asks {
		var refusal *coordinator.Error
		if _, err := s.apply(coordinator.ReloadRequest{Files: s.files(), Approve: "breaking"}); !errors.As(err, &refusal) || refusal.Code != coordinator.CodeBlocked {
			s.t.Errorf("applied without what it needs: %v", err)
		}
	}
	if s.fate == refused {
		return coordinator.ApplyResult{}, false
	}
	request := coordinator.ReloadRequest{Files: s.files(), Answers: s.known.answers}
	switch {
	case len(s.known.answers) > 0: // which make another plan
		request.Approve = "breaking"
	case plan.Category > diff.Safe:
		request.PlanID, request.Approve = plan.ID, plan.Category.String()
	}
	r, err := s.apply(request)
	if err != nil {
		s.t.Fatalf("apply: %v", err)
	}
	want := s.files()
	slices.Sort(want)
	if !slices.Equal(r.Applied, want) {
		s.t.Fatalf("applied %q of %q: %+v", r.Applied, want, r)
	}
	return r, true
}

// back takes the change back without any answer.
func (s *subject) back(applied coordinator.ApplyResult) {
	s.t.Helper()
	if _, err := s.c.Rollback(s.t.Context(), coordinator.RollbackRequest{ActionID: applied.ActionID}, person); err != nil {
		s.t.Fatalf("roll back: %v", err)
	}
}
