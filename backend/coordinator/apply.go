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
	"marain/backend/event"
	"marain/backend/executor"
	"marain/backend/history"
)

// attempts is how often a batch is planned anew when another program was faster.
const attempts = 3

// auto is who applies what the policy allows.
const auto = "auto"

// Reload applies what waits and is at or under the approved category; the rest stays pending. With a plan id it applies
// exactly that plan, or answers stale with the new one.
func (c *Coordinator) Reload(ctx context.Context, request ReloadRequest, actor Actor) (ApplyResult, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	result, err := c.apply(ctx, request, actor)
	if err != nil {
		return ApplyResult{}, coded(err)
	}
	return result, nil
}

func (c *Coordinator) apply(ctx context.Context, request ReloadRequest, actor Actor) (ApplyResult, error) {
	approved := diff.Safe
	if request.Approve != "" {
		var err error
		if approved, err = diff.ParseCategory(request.Approve); err != nil {
			return ApplyResult{}, Errorf(CodeInvalid, "approve: %v", err)
		}
	}
	if err := c.writable(); err != nil {
		return ApplyResult{}, err
	}
	began := time.Now()
	return c.insist(ctx, func(made map[string]action.Rehearsal) (ApplyResult, error) {
		return c.applyOnce(ctx, request, actor, approved, began, made)
	})
}

// insist carries a request out, and again when somebody else was faster: it is planned anew on what is there now. With a
// plan id the new plan must be the same. What is not rehearsed yet is rehearsed first, without the lock, so that nobody
// who approves has to look at the plan before; made are the rehearsals of the request.
func (c *Coordinator) insist(ctx context.Context, once func(made map[string]action.Rehearsal) (ApplyResult, error)) (ApplyResult, error) {
	made := map[string]action.Rehearsal{}
	for late, rehearsed := 1, 0; ; {
		result, err := once(made)
		var first *unproved
		switch {
		case errors.As(err, &first) && rehearsed < attempts:
			rehearsed++
			if err := c.aside(ctx, first.trial, made); err != nil {
				return ApplyResult{}, err
			}
		case !errors.Is(err, executor.ErrStale):
			return result, err
		case first == nil && late < attempts:
			late++
		default:
			return ApplyResult{}, &Error{
				Code: CodeStale, Message: "the database keeps changing; nothing was changed by this: try again in a moment (" + err.Error() + ")", Details: []any{}, Cause: err,
			}
		}
	}
}

func (c *Coordinator) writable() error {
	if c.options.ReadOnly {
		return Errorf(CodeForbidden, "the project was opened to look at only")
	}
	if c.offline && c.reachable() {
		c.trust(nil)
	}
	if c.offline {
		return Errorf(CodeInternal, "%s: try again when it is back", c.suspect)
	}
	if c.suspect != "" {
		return Errorf(CodeInternal, "the database cannot be trusted, so nothing more is written: %s; mend it, then open the project again", c.suspect)
	}
	return nil
}

func (c *Coordinator) applyOnce(ctx context.Context, request ReloadRequest, actor Actor, approved diff.Category, began time.Time, made map[string]action.Rehearsal) (ApplyResult, error) {
	if err := c.refresh(ctx, true); err != nil {
		return ApplyResult{}, err
	}
	if err := c.present(); err != nil {
		return ApplyResult{}, err
	}
	paths, err := c.named(request.Files)
	if err != nil {
		return ApplyResult{}, err
	}
	s, err := c.plan(ctx, wish{inputs: c.inputs(paths), answers: request.Answers, name: applyName}, request.PlanID)
	if err != nil {
		return ApplyResult{}, err
	}
	if same, err := c.meant(ctx, s, request.PlanID); err != nil {
		return ApplyResult{}, err
	} else if !same {
		showHunks(s)
		return ApplyResult{}, &Error{
			Code: CodeStale, Message: "the files or the database changed since this plan was made; the new plan is in the details",
			Details: []any{s.plan},
		}
	}
	if err := checkAnswers(s, request.Answers); err != nil {
		return ApplyResult{}, err
	}
	chosen, err := choose(s, approved, request.PlanID != "")
	if err != nil {
		return ApplyResult{}, err
	}
	if err := c.fits(s, chosen); err != nil {
		return ApplyResult{}, err
	}
	if err := c.proved(s, chosen, applyName, made); err != nil {
		return ApplyResult{}, withPlan(err, s, request.DryRun)
	}
	result := ApplyResult{Applied: []string{}, Pending: []string{}, Failed: c.failures(request.Files)}
	if len(chosen) > 0 {
		work := c.work(s, chosen, actor, began)
		work.Kind, work.Note, work.DryRun, work.Record.Answers = history.KindApply, request.Note, request.DryRun, request.Answers
		if result.ActionID, err = c.run(ctx, s, work); err != nil {
			return ApplyResult{}, err
		}
	}
	if request.DryRun {
		result.ActionID = ""
		showHunks(s)
		result.Plan = &s.plan
	} else {
		for _, i := range chosen {
			result.Applied = append(result.Applied, s.inputs[i].Path)
		}
		slices.Sort(result.Applied)
		c.notePending(ctx)
	}
	result.Pending = append(result.Pending, slices.Sorted(maps.Keys(c.waiting))...)
	result.DurationMS = milliseconds(began)
	return result, nil
}

func milliseconds(since time.Time) float64 { return float64(time.Since(since).Microseconds()) / 1000 }

// checkAnswers refuses answers to questions that the plan does not ask: a typo must not look like an answer.
func checkAnswers(s *sealed, answers map[string]string) error {
	for _, key := range slices.Sorted(maps.Keys(answers)) {
		if !slices.ContainsFunc(s.plan.Questions, func(q action.Question) bool { return q.Key == key }) {
			var known []string
			for _, q := range s.plan.Questions {
				known = append(known, q.Key)
			}
			message := fmt.Sprintf("the plan has no question %q", key)
			if len(known) > 0 {
				message += ": it asks " + strings.Join(known, ", ")
			}
			return Errorf(CodeInvalid, "%s", message)
		}
	}
	return nil
}

// choose returns the indexes of the files that an approval covers. A covered file that cannot be applied as it stands
// blocks the whole request: what was approved happens together or not at all. With whole set, every file must be
// covered.
func choose(s *sealed, approved diff.Category, whole bool) ([]int, error) {
	var chosen []int
	var details []any
	for i, d := range s.drafts {
		switch {
		case d.File.Category > approved && !whole:
			continue
		case d.File.Category > approved:
			details = append(details, action.Block{
				File: d.File.Path, Message: fmt.Sprintf("it is %s, and only %s was approved", d.File.Category, approved),
				Hint: fmt.Sprintf("Approve %s after you have looked at it", d.File.Category),
			})
		}
		for _, q := range open(d) {
			details = append(details, q)
		}
		for _, b := range d.File.Blocked {
			details = append(details, b)
		}
		chosen = append(chosen, i)
	}
	if len(details) > 0 {
		return nil, &Error{Code: CodeBlocked, Message: blockedMessage(details), Details: details}
	}
	return withHalves(s, chosen)
}

func blockedMessage(details []any) string {
	switch d := details[0].(type) {
	case action.Question:
		return fmt.Sprintf("a question must be answered first: %s (%s)", d.Text, d.Key)
	case action.Block:
		return fmt.Sprintf("%s cannot be applied: %s", d.File, d.Message)
	}
	return "the plan cannot be applied as it stands"
}

// open returns the questions of a file that have no answer and no default.
func open(d action.Draft) []action.Question {
	var list []action.Question
	for _, q := range d.Questions {
		if q.Default == nil && !q.Answered {
			list = append(list, q)
		}
	}
	return list
}

// withHalves makes sure that a content type that moves to another file moves whole.
func withHalves(s *sealed, chosen []int) ([]int, error) {
	for _, i := range chosen {
		in := s.inputs[i]
		for _, other := range []string{in.MovedFrom, in.MovedTo} {
			if other == "" || slices.ContainsFunc(chosen, func(k int) bool { return s.inputs[k].Path == other }) {
				continue
			}
			return nil, &Error{Code: CodeBlocked, Message: fmt.Sprintf("%s and %s hold the same content type and can only be applied together", in.Path, other), Details: []any{}}
		}
	}
	return chosen, nil
}

// failures lists the invalid files that a request is about.
func (c *Coordinator) failures(named []string) []Failure {
	list := []Failure{}
	for _, p := range c.invalid(named) {
		if n := len(list); n > 0 && list[n-1].File == p.File {
			continue
		}
		list = append(list, Failure{File: p.File, Code: CodeInvalid, Message: fmt.Sprintf("line %d: %s", p.Line, p.Message)})
	}
	return list
}

// work turns the chosen files of a plan into a batch.
func (c *Coordinator) work(s *sealed, chosen []int, actor Actor, began time.Time) executor.Work {
	w := executor.Work{
		ActionID: history.NewID(), Actor: actor.String(), BaseSeq: s.seq, Tables: s.tables, LiveSeal: s.seal, Stamp: s.stamp,
		Lives: c.lives, Began: began,
	}
	var files []action.File
	for _, i := range chosen {
		in, d := s.inputs[i], s.drafts[i]
		f := executor.File{Draft: d, Version: in.NextVersion, Document: in.New}
		if v := c.applied[in.Path]; v != nil {
			f.OldHash = v.Hash
		}
		w.Files = append(w.Files, f)
		files = append(files, d.File)
		w.Record.Category = max(w.Record.Category, d.File.Category)
	}
	w.Record.Summary = summarise(files)
	return w
}

// run carries a batch out, makes its outcome live, and announces it. A failure is recorded and announced, and leaves
// everything as it was.
func (c *Coordinator) run(ctx context.Context, s *sealed, w executor.Work) (string, error) {
	c.secure(&w)
	limited, t := c.begin(ctx, w.ActionID, w.Kind, w.Actor)
	defer c.end(t)
	w.Progress, w.Commit = t.tell, t.commit
	outcome, err := c.executor.Run(limited, w)
	if err != nil {
		err = t.reason(ctx, err)
	}
	if s.earlier && refused(ctx, err) {
		err = fmt.Errorf("%w: the rows are not those that were counted: %w", executor.ErrStale, err)
	}
	// From here on the request's end no longer matters: what is committed must be published, and what failed recorded.
	ctx = context.WithoutCancel(ctx)
	if errors.Is(err, database.ErrUnknown) {
		outcome, err = c.resolve(ctx, w, err)
	}
	if errors.Is(err, database.ErrUnknown) {
		c.undecided(w, err)
		return "", err
	}
	if err != nil {
		w.Record.Backup = c.discard(w.Record.Backup, err)
		c.failed(ctx, w, err)
		return "", err
	}
	if w.DryRun {
		return w.ActionID, nil
	}
	c.note(outcome.Seq, outcome.Hash)
	c.settled(ctx, w, outcome)
	if w.Record.Backup != "" {
		c.prune()
	}
	return w.ActionID, nil
}

// note keeps a link of the audit chain outside of the database too.
func (c *Coordinator) note(seq int64, hash string) {
	if err := c.heads.Add(c.databaseID, seq, hash); err != nil {
		c.log.Error("note the audit chain", "error", err)
	}
}

// settled takes a committed batch over into memory and publishes it.
func (c *Coordinator) settled(ctx context.Context, w executor.Work, outcome executor.Outcome) {
	began := time.Now()
	c.seq = outcome.Seq
	changed := map[string]*document.Document{}
	paths := []string{}
	c.changedTables(w, outcome)
	for _, f := range w.Files {
		path := f.Draft.File.Path
		if f.Kept {
			paths = append(paths, path)
			continue
		}
		v := &version{Version: history.Version{Path: path, Number: f.Version, ActionID: w.ActionID, Status: history.Applied}, doc: f.Document}
		if f.Document != nil {
			v.Hash = f.Document.Hash
		}
		c.applied[path] = v
		changed[path] = f.Document
		delete(c.holds, path)
		delete(c.rows, path)
		delete(c.refused, path)
		paths = append(paths, path)
	}
	if err := c.followLives(ctx, w); err != nil {
		// The batch is committed and live; the next operation reads everything anew.
		c.log.Error("read the tombstones", "error", err)
		c.dirty = true
	}
	c.publish(changed)
	c.log.Info("applied", "action", w.ActionID, "files", len(paths), "publish_ms", milliseconds(began), "took_ms", milliseconds(w.Began))
	// As the history says it: every program on the database tells the same.
	c.lastSync = moment(outcome.At)
	c.last = &LastResult{ActionID: w.ActionID, Kind: w.Kind, Result: "applied", At: outcome.At, Message: w.Record.Summary}
	if len(w.Writes) > 0 {
		if err := c.drain(ctx); err != nil {
			c.log.Error("write the files back", "error", err)
		}
	}
	if !c.live.known {
		if err := c.lookAgain(ctx); err != nil {
			c.log.Error("look at the live tables", "error", err)
		}
	}
	c.evaluate(ctx)
	kind := event.Applied
	if w.Kind == history.KindRollback {
		kind = event.RolledBack
	}
	c.hub.Publish(kind, c.Snapshot().Version(), map[string]any{
		"action_id": w.ActionID, "files": paths, "summary": w.Record.Summary, "by": w.Actor,
	})
	c.announce()
}

// followLives takes the incarnations of a committed batch over. Tombstones have ids that only the database knows.
func (c *Coordinator) followLives(ctx context.Context, w executor.Work) error {
	for entity, life := range w.NextLives() {
		if life == nil {
			delete(c.lives, entity)
		} else {
			c.lives[entity] = *life
		}
	}
	for _, f := range w.Files {
		for _, o := range f.Draft.Effects.Origins {
			c.origins[o.Tag] = o
		}
	}
	buried := slices.ContainsFunc(w.Files, func(f executor.File) bool {
		return len(f.Draft.Effects.Retired)+len(f.Draft.Effects.Restored) > 0
	})
	if !buried {
		return nil
	}
	return c.db.Read(ctx, func(q database.Querier) (err error) {
		c.tombs, err = c.store.Tombstones(ctx, q)
		return err
	})
}

// refused reports whether the database was in order and did not accept a statement.
func refused(ctx context.Context, err error) bool {
	return errors.As(err, new(*executor.StatementError)) && !errors.Is(err, database.ErrLocked) && storage(err) == nil && ctx.Err() == nil
}

// failed records and announces an attempt that changed nothing. One that only came too late is none: it is planned
// anew.
func (c *Coordinator) failed(ctx context.Context, w executor.Work, cause error) {
	if errors.Is(cause, executor.ErrStale) || errors.Is(cause, database.ErrLocked) || w.DryRun {
		return
	}
	c.log.Error("apply", "action", w.ActionID, "error", cause)
	c.trust(storage(cause))
	record, at := w.Record, history.Timestamp(c.store.Now())
	record.Error, record.Code = coded(cause).Message, string(coded(cause).Code)
	record.DurationMS = milliseconds(w.Began)
	for _, f := range w.Files {
		file := history.RecordFile{File: executor.WithoutRows(f.Draft.File), Version: f.Version, OldHash: f.OldHash}
		if f.Document != nil {
			file.NewHash = f.Document.Hash
		}
		record.Files = append(record.Files, file)
	}
	var entry history.Entry
	err := c.db.Write(ctx, func(q database.Querier) (err error) {
		for _, f := range w.Files { // so that history can show what was tried
			if f.Document == nil {
				continue
			}
			if err := c.store.PutContent(ctx, q, f.Document.Hash, f.Document.Raw, f.Document.Confidential()); err != nil {
				return err
			}
		}
		entry, err = c.store.Append(ctx, q, history.Entry{
			ActionID: w.ActionID, Kind: history.KindFailed, At: at, Actor: w.Actor, Note: w.Note, Record: record,
		})
		return err
	})
	if err != nil {
		c.log.Error("record a failed attempt", "action", w.ActionID, "error", err)
	} else {
		c.note(entry.Seq, entry.Hash)
		// Only this link is new when nobody else wrote meanwhile; otherwise the next operation catches up.
		if entry.Seq == c.seq+1 {
			c.seq = entry.Seq
		}
	}
	c.last = &LastResult{ActionID: w.ActionID, Kind: history.KindFailed, Result: "failed", At: at, Message: record.Error}
	c.publishStatus()
	c.hub.Publish(event.Failed, c.Snapshot().Version(), map[string]any{"action_id": w.ActionID, "message": record.Error})
}

// storage keeps an error only when it is the storage's: a statement that the database refused says nothing about the
// database.
func storage(err error) error {
	for _, failing := range []error{database.ErrReplaced, database.ErrUnreachable, database.ErrDamaged} {
		if errors.Is(err, failing) {
			return err
		}
	}
	return nil
}

// automatic applies what the policy allows: never anything that removes, that asks, that is blocked or held. Whatever
// the policy, files that do not fit together wait.
func (c *Coordinator) automatic(ctx context.Context) {
	if c.suspect != "" {
		return
	}
	limit, any := c.policyLimit()
	if !any {
		c.gradePending(ctx)
		return
	}
	began := time.Now()
	for try := 1; try <= attempts; try++ {
		s, err := c.replan(ctx, wish{inputs: c.inputs(slices.Sorted(maps.Keys(c.waiting))), name: applyName})
		if err == nil {
			c.regrade(s)
			chosen := c.consistent(s, c.untried(s, allowed(s, limit)))
			if len(chosen) == 0 {
				return
			}
			w := c.work(s, chosen, Actor{}, began)
			w.Kind, w.Actor = history.KindApply, auto
			c.rehearsals.makeWay()
			if _, err = c.run(ctx, s, w); errors.As(err, new(*cancelled)) {
				c.refuse(w) // a person is against it: it waits until it changes or somebody asks for it
			}
		}
		var refusal *executor.StatementError
		if errors.As(err, &refusal) {
			// The database refused one file: it waits until it changes, and the others do not wait for it.
			c.refused[refusal.Path] = c.desiredHash(refusal.Path)
			try = 0
			continue
		}
		if !errors.Is(err, executor.ErrStale) {
			if err != nil {
				c.log.Error("apply what the policy allows", "error", err)
			}
			return // a failure is recorded and announced; the files go on waiting
		}
		if err := c.refresh(ctx, true); err != nil {
			c.log.Error("plan again", "error", err)
			return
		}
	}
}

// policyLimit returns up to which category the policy applies without asking, and false when it never does.
func (c *Coordinator) policyLimit() (limit diff.Category, any bool) {
	switch c.settings().AutoApply {
	case "none":
		return diff.Safe, false
	case "all":
		return diff.Breaking, true
	}
	return diff.Safe, true
}

// refuse keeps what a batch would have applied from being applied automatically again.
func (c *Coordinator) refuse(w executor.Work) {
	for _, f := range w.Files {
		path := f.Draft.File.Path
		c.refused[path] = c.desiredHash(path)
	}
}

// untried leaves out what the database refused, or a person cancelled, before in just this content.
func (c *Coordinator) untried(s *sealed, chosen []int) []int {
	return slices.DeleteFunc(chosen, func(i int) bool {
		path := s.inputs[i].Path
		hash, refused := c.refused[path]
		return refused && hash == c.desiredHash(path)
	})
}

func (c *Coordinator) desiredHash(path string) string {
	if f := c.desired[path]; f != nil {
		return f.Hash
	}
	return ""
}

// allowed returns the indexes of the files that need no person.
func allowed(s *sealed, limit diff.Category) []int {
	var list []int
	for i, d := range s.drafts {
		if d.File.Category <= limit && !d.Removes && !d.File.Held && len(d.Questions) == 0 && len(d.File.Blocked) == 0 &&
			s.inputs[i].MovedFrom == "" && s.inputs[i].MovedTo == "" {
			list = append(list, i)
		}
	}
	return list
}

// fits proves that the applied files go together after a part of a plan was applied: what an approval leaves out may be
// what the rest needs.
func (c *Coordinator) fits(s *sealed, chosen []int) error {
	if len(chosen) == len(s.inputs) {
		return nil // the plan as a whole was looked at when it was made
	}
	var details []any
	for _, p := range c.wrongAfter(picked(s, chosen)) {
		details = append(details, action.Block{
			File: p.File, Message: fmt.Sprintf("line %d: %s", p.Line, p.Message), Hint: "Approve the files that belong together in one apply, or leave them all out",
		})
	}
	if len(details) > 0 {
		return &Error{Code: CodeBlocked, Message: "without the files that are left out, " + blockedMessage(details), Details: details}
	}
	return nil
}

func picked(s *sealed, chosen []int) []action.Input {
	inputs := make([]action.Input, 0, len(chosen))
	for _, i := range chosen {
		inputs = append(inputs, s.inputs[i])
	}
	return inputs
}

// consistent drops files until the applied files fit together after the rest was applied.
func (c *Coordinator) consistent(s *sealed, chosen []int) []int {
	for len(chosen) > 0 {
		wrong := map[string]bool{}
		for _, p := range c.wrongAfter(picked(s, chosen)) {
			wrong[p.File] = true
		}
		rest := slices.DeleteFunc(slices.Clone(chosen), func(i int) bool { return wrong[s.inputs[i].Path] })
		if len(rest) == len(chosen) {
			return rest
		}
		chosen = rest
	}
	return nil
}

// gradePending grades what waits by the checks on the real rows.
func (c *Coordinator) gradePending(ctx context.Context) {
	ungraded := slices.ContainsFunc(slices.Collect(maps.Values(c.waiting)), func(p *pending) bool { return !p.planned })
	if !ungraded {
		return
	}
	s, err := c.replan(ctx, wish{inputs: c.inputs(slices.Sorted(maps.Keys(c.waiting))), name: applyName})
	if err != nil {
		c.log.Error("grade what waits", "error", err)
		return
	}
	c.regrade(s)
}

// regrade takes the grades of a plan over into what waits.
func (c *Coordinator) regrade(s *sealed) {
	for _, d := range s.drafts {
		if p := c.waiting[d.File.Path]; p != nil {
			p.changes, p.planned = d.File.Changes, true
		}
	}
	c.publishStatus()
}
