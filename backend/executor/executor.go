// Package executor carries a plan out: its SQL, version rows, contents, incarnations, tombstones, the outbox and the
// audit row commit together in one transaction, or nothing does.
package executor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/document"
	"marain/backend/history"
)

// ErrStale says that the files, the history or the live tables are not those that the plan was made from. Nothing was
// changed.
var ErrStale = errors.New("the plan is not true any more")

// errDry ends the transaction of a dry run.
var errDry = errors.New("dry run")

// StatementError says which statement of which file did not run.
type StatementError struct {
	Path      string
	Statement string
	Err       error
}

// Error returns a sentence with the database's own words.
func (e *StatementError) Error() string {
	return fmt.Sprintf("%s: the database refused %q: %v", e.Path, e.Statement, e.Err)
}

// Unwrap returns the database's error.
func (e *StatementError) Unwrap() error { return e.Err }

// File is one file of a batch.
type File struct {
	Draft    action.Draft
	Version  int                // the version that is written
	OldHash  string             // of the applied version; empty for none
	Document *document.Document // what becomes applied; nil: the file is gone
	Kept     bool               // the version is the applied one already: only the tables change
}

// Text is a content that must be kept though no version refers to it yet: a draft, or what a file is put back to.
type Text struct {
	Hash   string
	Raw    []byte
	Sealed bool
}

// Work is one batch to carry out, with all that it was planned from.
type Work struct {
	ActionID string
	Kind     string // history.KindApply, history.KindRollback or history.KindRepair
	Actor    string
	Note     string
	DryRun   bool
	Files    []File
	Record   history.Record // Category, Summary, Target and Answers; the rest is filled in

	BaseSeq  int64    // the audit chain's newest link when the plan was made
	Tables   []string // every table that the plan looked at
	LiveSeal string   // what they looked like: action.Fingerprint
	Stamp    string   // the database's own mark of all tables then; while it is the same, so are they
	Lives    map[string]action.Life

	Undo   []history.Version // versions that are taken back
	Writes []history.Write   // files to write afterwards
	Drafts []history.Draft   // edits that those writes replace
	Texts  []Text

	Began time.Time // when the request came, for the recorded duration

	Progress func(Progress) // told how far it is, often and from one goroutine; nil: nobody
	Commit   func() error   // asked right before the commit: an error takes everything back; nil: nobody
	// Before is called under the lock when everything is proved and nothing is changed yet; its error ends the batch.
	Before func(ctx context.Context, q database.Querier) error
}

// NextLives returns the incarnations that the batch begins and ends (nil), by entity. One file of a batch may carry on
// what another one lets go: then it goes on.
func (w Work) NextLives() map[string]*action.Life {
	after := map[string]*action.Life{}
	for _, f := range w.Files {
		for entity, life := range f.Draft.Effects.Lives {
			if present, ok := after[entity]; !ok || present == nil {
				after[entity] = life
			}
		}
	}
	return after
}

// Outcome is what a batch left behind.
type Outcome struct {
	Seq     int64
	Hash    string
	At      string             // when it was recorded, as the history says it
	Stamp   string             // the database's own mark of all tables afterwards
	Timings map[string]float64 // milliseconds by step
}

// Executor runs batches on one database.
type Executor struct {
	Database database.Database
	Store    *history.Store
	// RangeRows is how many rows one part of a long statement changes; 0 means [DefaultRangeRows].
	RangeRows int64
}

// Run carries a batch out. Every error means that nothing was changed, except one with [database.ErrUnknown] in its
// chain. A dry run does everything but commit. Safe for concurrent use: the database lets one writer in at a time.
func (e *Executor) Run(ctx context.Context, w Work) (Outcome, error) {
	r := &run{executor: e, work: w, timings: map[string]float64{}, began: time.Now()}
	r.enter(Waiting)
	err := e.Database.Write(ctx, func(q database.Querier) error { return r.transaction(ctx, q) })
	if errors.Is(err, errDry) {
		err = nil
	}
	if err != nil {
		return Outcome{}, err
	}
	r.lap("commit")
	return Outcome{Seq: r.entry.Seq, Hash: r.entry.Hash, At: r.entry.At, Stamp: r.stamp, Timings: r.timings}, nil
}

// run is one batch on its way.
type run struct {
	executor *Executor
	work     Work
	entry    history.Entry
	stamp    string
	timings  map[string]float64
	began    time.Time // of the present step
}

// lap notes how long the step took that ends now.
func (r *run) lap(step string) {
	now := time.Now()
	r.timings[step] = float64(now.Sub(r.began).Microseconds()) / 1000
	r.began = now
}

func (r *run) transaction(ctx context.Context, q database.Querier) error {
	r.lap("lock")
	r.enter(Checking)
	if err := r.guard(ctx, q); err != nil {
		return err
	}
	r.lap("guard")
	if r.work.Before != nil && !r.work.DryRun {
		r.enter(Saving)
		if err := r.work.Before(ctx, q); err != nil {
			return err
		}
		r.lap("backup")
	}
	if err := r.statements(ctx, q); err != nil {
		return err
	}
	r.lap("sql")
	r.enter(Verifying)
	if err := r.verify(ctx, q); err != nil {
		return err
	}
	var err error
	if r.stamp, err = r.executor.Database.Stamp(ctx, q); err != nil {
		return err
	}
	r.lap("verify")
	r.enter(Recording)
	if err := r.record(ctx, q); err != nil {
		return err
	}
	r.lap("record")
	if r.work.DryRun {
		return errDry
	}
	return r.committing()
}

// committing asks whether the batch may be committed: from here on nobody can cancel it.
func (r *run) committing() error {
	if r.work.Commit != nil {
		if err := r.work.Commit(); err != nil {
			return err
		}
	}
	r.enter(Committing)
	return nil
}

// guard proves inside the transaction that nothing the plan was made from has changed.
func (r *run) guard(ctx context.Context, q database.Querier) error {
	seq, _, err := r.executor.Store.Head(ctx, q)
	if err != nil {
		return err
	}
	if seq != r.work.BaseSeq {
		return fmt.Errorf("another batch was applied since: %w", ErrStale)
	}
	if err := r.lock(ctx, q); err != nil {
		return err
	}
	stamp, err := r.executor.Database.Stamp(ctx, q)
	if err != nil {
		return err
	}
	if stamp == "" || stamp != r.work.Stamp {
		live, err := r.executor.Database.Inspect(ctx, q, r.work.Tables)
		if err != nil {
			return err
		}
		if action.Fingerprint(r.work.Tables, live) != r.work.LiveSeal {
			return fmt.Errorf("the live tables changed since: %w", ErrStale)
		}
	}
	return r.proofs(ctx, q)
}

// lock keeps others from the tables that the batch changes, before anything is proved of them. While a backup is taken
// they may still be read.
func (r *run) lock(ctx context.Context, q database.Querier) error {
	locker, able := r.executor.Database.(database.Locker)
	if !able {
		return nil
	}
	var steps []action.Step
	for _, f := range r.work.Files {
		for _, a := range f.Draft.File.Actions {
			steps = append(steps, a.Steps...)
		}
	}
	if len(steps) == 0 {
		return nil
	}
	return locker.Lock(ctx, q, action.Touched(steps), r.work.Before == nil || r.work.DryRun)
}

// proofs runs the decisive checks again: what was proved when the plan was made must still be so.
func (r *run) proofs(ctx context.Context, q database.Querier) error {
	for _, f := range r.work.Files {
		for _, c := range f.Draft.File.Checks {
			if c.Verdict != action.ProvedSafe || c.Count != 0 {
				continue
			}
			rows, err := database.Reader{Querier: q}.Read(ctx, c.SQL, 1)
			if err != nil {
				return fmt.Errorf("check %s again: %w", c.Key, err)
			}
			if len(rows) != 1 || fmt.Sprint(rows[0]["n"]) != "0" {
				return fmt.Errorf("the rows changed since (%s): %w", c.Message, ErrStale)
			}
		}
	}
	return nil
}

func (r *run) statements(ctx context.Context, q database.Querier) error {
	for _, f := range r.work.Files {
		for _, a := range f.Draft.File.Actions {
			if err := r.act(ctx, q, f.Draft.File.Path, a); err != nil {
				return err
			}
		}
	}
	return nil
}

// verify proves before the commit that the live tables are what the documents say.
func (r *run) verify(ctx context.Context, q database.Querier) error {
	var want []action.Table
	var gone []string
	for _, f := range r.work.Files {
		want = append(want, f.Draft.Effects.Expect...)
		gone = append(gone, f.Draft.Effects.Gone...)
	}
	wanted := action.TableNames(want)
	gone = slices.DeleteFunc(gone, func(name string) bool { return slices.Contains(wanted, name) })
	live, err := r.executor.Database.Inspect(ctx, q, append(wanted, gone...))
	if err != nil {
		return err
	}
	if differences := action.Compare(r.executor.Database.Dialect(), want, live); len(differences) > 0 {
		var words []string
		for _, d := range differences {
			words = append(words, d.Table+": "+d.Message)
		}
		return fmt.Errorf("the tables would not be what the files say: %s", strings.Join(words, "; "))
	}
	for _, name := range gone {
		if _, there := live[name]; there {
			return fmt.Errorf("table %s would still be in use", name)
		}
	}
	return nil
}

// record writes everything that history keeps of the batch.
func (r *run) record(ctx context.Context, q database.Querier) error {
	s, w := r.executor.Store, r.work
	at := history.Timestamp(s.Now())
	if err := s.MarkRolledBack(ctx, q, w.Undo); err != nil {
		return err
	}
	record := w.Record
	record.Timings = r.timings
	for _, f := range w.Files {
		file, err := r.version(ctx, q, f, at)
		if err != nil {
			return err
		}
		record.Files = append(record.Files, file)
		record.Origins = append(record.Origins, f.Draft.Effects.Origins...)
	}
	record.Lives = w.NextLives()
	for _, v := range w.Undo {
		record.Undone = append(record.Undone, history.VersionRef{Path: v.Path, Number: v.Number})
	}
	record.DurationMS = float64(time.Since(w.Began).Microseconds()) / 1000
	entry, err := s.Append(ctx, q, history.Entry{ActionID: w.ActionID, Kind: w.Kind, At: at, Actor: w.Actor, Note: w.Note, Record: record})
	if err != nil {
		return err
	}
	r.entry = entry
	if err := r.effects(ctx, q); err != nil {
		return err
	}
	return r.files(ctx, q)
}

// version writes one file's version row and content.
func (r *run) version(ctx context.Context, q database.Querier, f File, at string) (history.RecordFile, error) {
	s, path := r.executor.Store, f.Draft.File.Path
	if f.Kept {
		return history.RecordFile{File: WithoutRows(f.Draft.File), Version: f.Version, OldHash: f.OldHash, NewHash: f.OldHash}, nil
	}
	executed, rollback, err := statements(f.Draft.File.Actions)
	if err != nil {
		return history.RecordFile{}, err
	}
	v := history.Version{
		Path: path, Number: f.Version, ActionID: r.work.ActionID, AppliedAt: at, AppliedBy: r.work.Actor,
		Executed: executed, Rollback: rollback, Status: history.Applied,
	}
	if f.Document != nil {
		v.Hash = f.Document.Hash
		if err := s.PutContent(ctx, q, v.Hash, f.Document.Raw, f.Document.Confidential()); err != nil {
			return history.RecordFile{}, err
		}
	}
	if err := s.WriteVersion(ctx, q, v); err != nil {
		return history.RecordFile{}, err
	}
	// A write that an earlier batch could not finish would put an older text over this one.
	if err := errors.Join(s.Release(ctx, q, path), s.Dequeue(ctx, q, path)); err != nil {
		return history.RecordFile{}, err
	}
	return history.RecordFile{File: WithoutRows(f.Draft.File), Version: f.Version, OldHash: f.OldHash, NewHash: v.Hash}, nil
}

// WithoutRows leaves the sample rows out of what history keeps: a value that is deleted later must not live on there.
func WithoutRows(f action.File) action.File {
	f.Checks = slices.Clone(f.Checks)
	for i := range f.Checks {
		f.Checks[i].Samples = []map[string]any{}
	}
	return f
}

// statements returns what a version row keeps of its actions: what ran, and its inverse in the order in which it undoes.
func statements(actions []action.Action) (executed, rollback string, err error) {
	type kept struct {
		Type        action.Type `json:"type"`
		Description string      `json:"description"`
		SQL         []string    `json:"sql"`
	}
	up, down := make([]kept, 0, len(actions)), make([]kept, 0, len(actions))
	for _, a := range actions {
		up = append(up, kept{a.Type, a.Description, a.Up})
		down = append(down, kept{a.Type, "Undo: " + a.Description, a.Down})
	}
	slices.Reverse(down)
	executedJSON, err := json.Marshal(up)
	if err != nil {
		return "", "", fmt.Errorf("write the actions: %w", err)
	}
	rollbackJSON, err := json.Marshal(down)
	if err != nil {
		return "", "", fmt.Errorf("write the inverse actions: %w", err)
	}
	return string(executedJSON), string(rollbackJSON), nil
}

// effects records which incarnations are in use now and which are not any more. What ended is recorded before what
// began, because one file of a batch may carry on what another one lets go.
func (r *run) effects(ctx context.Context, q database.Querier) error {
	s, w := r.executor.Store, r.work
	for _, f := range w.Files {
		for _, id := range f.Draft.Effects.Restored {
			if err := s.Revive(ctx, q, r.entry.Seq, id, r.work.ActionID); err != nil {
				return err
			}
		}
		for _, t := range f.Draft.Effects.Retired {
			t.ActionID = r.work.ActionID
			if err := s.Bury(ctx, q, r.entry.Seq, t); err != nil {
				return err
			}
		}
		for _, o := range f.Draft.Effects.Origins {
			if err := s.PutOrigin(ctx, q, o); err != nil {
				return err
			}
		}
	}
	for entity, life := range w.NextLives() {
		if err := s.SetLife(ctx, q, r.entry.Seq, entity, w.Lives[entity], life); err != nil {
			return err
		}
	}
	return nil
}

// files records which files are still to be written, and keeps the edits that they replace.
func (r *run) files(ctx context.Context, q database.Querier) error {
	s := r.executor.Store
	for _, t := range r.work.Texts {
		if err := s.PutContent(ctx, q, t.Hash, t.Raw, t.Sealed); err != nil {
			return err
		}
	}
	for _, d := range r.work.Drafts {
		d.ActionID = r.work.ActionID
		if err := s.KeepDraft(ctx, q, d); err != nil {
			return err
		}
	}
	for _, w := range r.work.Writes {
		w.ActionID = r.work.ActionID
		if err := s.Enqueue(ctx, q, w); err != nil {
			return err
		}
	}
	return nil
}
