package coordinator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/diff"
	"marain/backend/document"
	"marain/backend/executor"
	"marain/backend/history"
	"marain/backend/project"
)

// goal is what a rollback goes back to.
type goal struct {
	batch    string                     // the batch that is undone or gone back to
	target   map[string]history.Version // by path; an empty hash: the file was not there
	lives    map[string]action.Life     // the incarnations of that time
	undo     []history.Version          // versions that are taken back
	sentence string
}

// Rollback takes a batch back, brings one file to a version, or the whole project to a point. It is a forward step: it
// writes new versions, and can itself be rolled back. No value is lost on the way.
func (c *Coordinator) Rollback(ctx context.Context, request RollbackRequest, actor Actor) (ApplyResult, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	result, err := c.rollback(ctx, request, actor)
	if err != nil {
		return ApplyResult{}, coded(err)
	}
	return result, nil
}

func (c *Coordinator) rollback(ctx context.Context, request RollbackRequest, actor Actor) (ApplyResult, error) {
	if err := checkRollback(request); err != nil {
		return ApplyResult{}, err
	}
	if err := c.writable(); err != nil {
		return ApplyResult{}, err
	}
	began := time.Now()
	return c.insist(ctx, func(made map[string]action.Rehearsal) (ApplyResult, error) {
		return c.rollbackOnce(ctx, request, actor, began, made)
	})
}

func checkRollback(r RollbackRequest) error {
	ways := 0
	for _, given := range []bool{r.ActionID != "", r.File != "", r.To != ""} {
		if given {
			ways++
		}
	}
	if ways != 1 || (r.File == "") != (r.Version == 0) {
		return Errorf(CodeInvalid, "give exactly one of: action_id (undo that batch), file_path with version (one file), to (the whole project)")
	}
	return nil
}

func (c *Coordinator) rollbackOnce(ctx context.Context, request RollbackRequest, actor Actor, began time.Time, made map[string]action.Rehearsal) (ApplyResult, error) {
	if err := c.refresh(ctx, true); err != nil {
		return ApplyResult{}, err
	}
	g, err := c.goal(ctx, request)
	if err != nil {
		return ApplyResult{}, err
	}
	inputs, err := c.backInputs(ctx, g)
	if err != nil {
		return ApplyResult{}, err
	}
	result := ApplyResult{Applied: []string{}, Pending: []string{}, Failed: []Failure{}}
	s, err := c.plan(ctx, wish{inputs: inputs, target: c.targetLives(inputs, g), answers: request.Answers, name: rollbackName}, request.PlanID)
	if err != nil {
		return ApplyResult{}, err
	}
	if err := c.acceptBack(ctx, s, request); err != nil {
		return ApplyResult{}, err
	}
	if err := c.proved(s, everyFile(s), rollbackName, made); err != nil {
		return ApplyResult{}, withPlan(err, s, request.DryRun)
	}
	if len(inputs) > 0 {
		work, err := c.backWork(s, g, actor, began)
		if err != nil {
			return ApplyResult{}, err
		}
		work.Note, work.DryRun, work.Record.Answers = request.Note, request.DryRun, request.Answers
		if result.ActionID, err = c.run(ctx, s, work); err != nil {
			return ApplyResult{}, err
		}
		result.Failed = c.notWritten()
	}
	if request.DryRun {
		result.ActionID = ""
		showHunks(s)
		s.plan.Unwritten, result.Plan = c.unwritten, &s.plan
	} else {
		for _, in := range s.inputs {
			result.Applied = append(result.Applied, in.Path)
		}
		slices.Sort(result.Applied)
		c.notePending(ctx)
	}
	result.Pending, result.Unwritten = append(result.Pending, slices.Sorted(maps.Keys(c.waiting))...), c.unwritten
	result.DurationMS = milliseconds(began)
	return result, nil
}

// acceptBack checks that a rollback's plan is the one that was looked at, and that it can be carried out. A dry run
// shows what stands in the way instead.
func (c *Coordinator) acceptBack(ctx context.Context, s *sealed, request RollbackRequest) error {
	if same, err := c.meant(ctx, s, request.PlanID); err != nil {
		return err
	} else if !same {
		showHunks(s)
		return &Error{Code: CodeStale, Message: "something changed since this plan was made; the new plan is in the details", Details: []any{s.plan}}
	}
	if err := checkAnswers(s, request.Answers); err != nil {
		return err
	}
	_, err := choose(s, diff.Breaking, true)
	return withPlan(err, s, request.DryRun)
}

// withPlan adds the plan to what blocks it when that is all that was asked for.
func withPlan(err error, s *sealed, dryRun bool) error {
	var own *Error
	if dryRun && errors.As(err, &own) && own.Code == CodeBlocked {
		showHunks(s)
		own.Details = append(own.Details, s.plan)
	}
	return err
}

// goal works out what a request goes back to.
func (c *Coordinator) goal(ctx context.Context, request RollbackRequest) (g goal, err error) {
	err = c.db.Read(ctx, func(q database.Querier) (err error) {
		switch {
		case request.ActionID != "":
			g, err = c.undoBatch(ctx, q, request.ActionID)
		case request.File != "":
			g, err = c.fileVersion(ctx, q, request.File, request.Version)
		default:
			g, err = c.wholeProject(ctx, q, request.To)
		}
		return err
	})
	return g, err
}

// batch returns a batch that changed something.
func (c *Coordinator) batch(ctx context.Context, q database.Querier, id string) (history.Entry, error) {
	e, err := c.store.Entry(ctx, q, id)
	if err != nil {
		return e, err
	}
	if e.Kind == history.KindFailed || e.Kind == history.KindReject {
		return e, Errorf(CodeInvalid, "batch %s changed nothing (%s), so there is nothing to go back to", id, e.Kind)
	}
	return e, nil
}

func (c *Coordinator) undoBatch(ctx context.Context, q database.Querier, id string) (goal, error) {
	e, err := c.batch(ctx, q, id)
	if err != nil {
		return goal{}, err
	}
	switch e.Kind {
	case history.KindRepair:
		return goal{}, notUndone(e)
	case history.KindPurge:
		return goal{}, Errorf(CodeInvalid, "batch %s destroyed what was out of use, which no rollback undoes: marain restore-backup %s brings back what was there before it", id, e.Record.Backup)
	case history.KindRestore:
		return goal{}, Errorf(CodeInvalid, "batch %s put a backup back, which no rollback undoes: marain restore-backup %s brings back what was there before it", id, e.Record.Backup)
	}
	own, err := c.store.VersionsOf(ctx, q, id)
	if err != nil {
		return goal{}, err
	}
	if len(own) > 0 && !slices.ContainsFunc(own, func(v history.Version) bool { return v.Status == history.Applied }) {
		return goal{}, Errorf(CodeConflict, "batch %s was taken back already; to bring it back, undo the rollback that did so, or go to it", id)
	}
	conflicts, err := c.conflicts(ctx, q, own)
	if err != nil {
		return goal{}, err
	}
	if len(conflicts) > 0 {
		details := make([]any, len(conflicts))
		for i, other := range conflicts {
			details[i] = other
		}
		return goal{}, &Error{
			Code:    CodeConflict,
			Message: fmt.Sprintf("later batches changed the same files: %s; undo those first, or go back to a point", shortList(conflicts)),
			Details: details,
		}
	}
	before, err := c.store.StateAt(ctx, q, e.Seq-1)
	if err != nil {
		return goal{}, err
	}
	g := goal{batch: id, target: map[string]history.Version{}, undo: own, sentence: "Undo: " + e.Record.Summary}
	for _, v := range own {
		g.target[v.Path] = history.Version{Path: v.Path}
		// What came later and cancelled out had the same text: it is taken back too.
		later, err := c.store.VersionsAfter(ctx, q, v.Path, v.Number)
		if err != nil {
			return goal{}, err
		}
		g.undo = append(g.undo, later...)
	}
	for _, v := range before {
		if _, ours := g.target[v.Path]; ours {
			g.target[v.Path] = v
		}
	}
	g.lives, err = c.store.LivesAt(ctx, q, e.Seq-1)
	return g, err
}

// notUndone says why a repair is not taken back, and what is possible instead.
func notUndone(e history.Entry) error {
	message := fmt.Sprintf("batch %s repaired the tables: they are what the files say since, and before it they were what no file says, so there is nothing to undo; "+
		"to change them, change a file", e.ActionID)
	if e.Record.Backup != "" {
		message += fmt.Sprintf(". What was there before it is in a backup: marain restore-backup %s", e.Record.Backup)
	}
	return Errorf(CodeInvalid, "%s", message)
}

// shortList joins the first few names and counts the rest: a message with fifty of them is read by nobody.
func shortList(names []string) string {
	const shown = 3
	if len(names) <= shown+1 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
}

// conflicts returns the batches after one that still hold for one of its files. A later batch that was taken back, and
// the rollback that did so, cancel out.
func (c *Coordinator) conflicts(ctx context.Context, q database.Querier, own []history.Version) ([]string, error) {
	var list []string
	for _, v := range own {
		later, err := c.store.VersionsAfter(ctx, q, v.Path, v.Number)
		if err != nil {
			return nil, err
		}
		if len(later) == 0 {
			continue
		}
		cancelled := later[len(later)-1].Hash == v.Hash
		for _, l := range later {
			if l.Status == history.RolledBack {
				continue
			}
			e, err := c.store.Entry(ctx, q, l.ActionID)
			if err != nil {
				return nil, err
			}
			if e.Kind == history.KindApply || !cancelled {
				list = append(list, l.ActionID)
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

func (c *Coordinator) fileVersion(ctx context.Context, q database.Querier, path string, number int) (goal, error) {
	v, err := c.store.VersionAt(ctx, q, path, number)
	if err != nil {
		return goal{}, err
	}
	e, err := c.batch(ctx, q, v.ActionID)
	if err != nil {
		return goal{}, err
	}
	undo, err := c.store.VersionsAfter(ctx, q, path, number)
	if err != nil {
		return goal{}, err
	}
	g := goal{batch: e.ActionID, target: map[string]history.Version{path: v}, undo: undo, sentence: fmt.Sprintf("Back to version %d of %s", number, path)}
	g.lives, err = c.store.LivesAt(ctx, q, e.Seq)
	return g, err
}

func (c *Coordinator) wholeProject(ctx context.Context, q database.Querier, id string) (goal, error) {
	e, err := c.batch(ctx, q, id)
	if err != nil {
		return goal{}, err
	}
	then, err := c.store.StateAt(ctx, q, e.Seq)
	if err != nil {
		return goal{}, err
	}
	g := goal{batch: id, target: map[string]history.Version{}, sentence: "Back to the state after: " + e.Record.Summary}
	for path := range c.applied {
		g.target[path] = history.Version{Path: path}
	}
	for _, v := range then {
		g.target[v.Path] = v
	}
	for path, v := range g.target {
		later, err := c.store.VersionsAfter(ctx, q, path, v.Number)
		if err != nil {
			return goal{}, err
		}
		g.undo = append(g.undo, later...)
	}
	g.lives, err = c.store.LivesAt(ctx, q, e.Seq)
	return g, err
}

// backInputs returns the files that differ from the goal, in text or in whose values they hold.
func (c *Coordinator) backInputs(ctx context.Context, g goal) ([]action.Input, error) {
	var list []action.Input
	err := c.db.Read(ctx, func(q database.Querier) error {
		for _, path := range slices.Sorted(maps.Keys(g.target)) {
			in, differs, err := c.backInput(ctx, q, g, path)
			if err != nil {
				return err
			}
			if differs {
				list = append(list, in)
			}
		}
		return nil
	})
	pairMoves(list)
	return list, err
}

func (c *Coordinator) backInput(ctx context.Context, q database.Querier, g goal, path string) (action.Input, bool, error) {
	target := g.target[path]
	now := c.applied[path]
	if now == nil {
		now = &version{Version: history.Version{Path: path}}
	}
	if now.Hash == target.Hash && (now.doc == nil || now.doc.Entity == nil || c.sameValues(now.doc.Entity, g)) {
		return action.Input{}, false, nil
	}
	in := action.Input{Path: path, Event: diff.FileModified, BaseVersion: now.Number, NextVersion: now.Number + 1, Old: now.doc}
	if target.Hash != "" {
		raw, err := c.store.Content(ctx, q, target.Hash)
		if err != nil {
			return in, false, err
		}
		doc, problems := c.loader.Load(path, raw)
		if len(problems) > 0 {
			return in, false, Errorf(CodeBlocked, "version %d of %s is not valid any more: line %d: %s", target.Number, path, problems[0].Line, problems[0].Message)
		}
		in.New = doc
	}
	switch {
	case now.Hash == "":
		in.Event, in.BaseVersion = diff.FileAdded, 0
	case target.Hash == "":
		in.Event = diff.FileRemoved
	}
	kind, _ := c.loader.Kind(path)
	in.Kind = kind
	return in, true, nil
}

// sameValues reports whether a content type whose text is that of the goal holds what it held then.
func (c *Coordinator) sameValues(e *document.Entity, g goal) bool {
	lines := action.Generator{Origins: c.origins, Tombstones: c.tombs}
	return lines.SameValues(c.lives[e.ID], g.lives[e.ID], e)
}

func sameLife(a, b action.Life) bool { return a.Tag == b.Tag && maps.Equal(a.Fields, b.Fields) }

// targetLives returns the incarnations to go back to, of the content types that the inputs are about.
func (c *Coordinator) targetLives(inputs []action.Input, g goal) map[string]action.Life {
	lives := map[string]action.Life{}
	for _, in := range inputs {
		if in.New != nil && in.New.Entity != nil {
			lives[in.New.Entity.ID] = g.lives[in.New.Entity.ID]
		}
	}
	return lives
}

// backWork turns a rollback's plan into a batch that also writes the files back. Unapplied edits of those files are
// kept as drafts.
func (c *Coordinator) backWork(s *sealed, g goal, actor Actor, began time.Time) (executor.Work, error) {
	w := c.work(s, everyFile(s), actor, began)
	w.Kind = history.KindRollback
	for _, v := range g.undo {
		// A file that is what it should be already gets no new version, so its present one still holds.
		if slices.ContainsFunc(s.inputs, func(in action.Input) bool { return in.Path == v.Path }) && v.Status == history.Applied {
			w.Undo = append(w.Undo, v)
		}
	}
	w.Record.Target, w.Record.Summary = g.batch, g.sentence
	for _, in := range s.inputs {
		body := ""
		if in.New != nil {
			body = in.New.Hash
		}
		write, text, draft, err := c.replace(in.Path, body)
		if err != nil {
			return w, err
		}
		if write != nil {
			w.Writes = append(w.Writes, *write)
		}
		if draft != nil {
			w.Texts, w.Drafts = append(w.Texts, *text), append(w.Drafts, *draft)
		}
	}
	return w, nil
}

// replace decides how a file gets another text: nothing when it has it already, else a write that expects what is
// there now, with the draft that it replaces when that is an unapplied edit.
func (c *Coordinator) replace(path, body string) (*history.Write, *executor.Text, *history.Draft, error) {
	now := c.files.Read(path)
	if now.Err != nil {
		return nil, nil, nil, &Error{Code: CodeBlocked, Message: fmt.Sprintf("%s cannot be replaced: %v", path, now.Err), Details: []any{}, Cause: now.Err}
	}
	if now.Hash == body && now.Exists == (body != "") {
		return nil, nil, nil, nil
	}
	if now.Link {
		return nil, nil, nil, Errorf(CodeBlocked, "%s is a symbolic link and is not written through: replace it by the file itself first", path)
	}
	write := &history.Write{Path: path, Expected: now.Hash, BodyHash: body}
	applied := ""
	if v := c.applied[path]; v != nil {
		applied = v.Hash
	}
	if !now.Exists || now.Hash == applied {
		return write, nil, nil, nil
	}
	text, draft := c.draft(now)
	return write, text, draft, nil
}

// draft keeps the text of an edit. One that cannot be read as a document may hold a secret anywhere, so it is sealed.
func (c *Coordinator) draft(f project.File) (*executor.Text, *history.Draft) {
	doc, _ := c.loader.Load(f.Path, f.Data)
	text := &executor.Text{Hash: f.Hash, Raw: f.Data, Sealed: doc == nil || doc.Confidential()}
	return text, &history.Draft{Path: f.Path, Hash: f.Hash, Size: len(f.Data)}
}
