package coordinator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/document"
	"marain/backend/event"
	"marain/backend/executor"
	"marain/backend/history"
)

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
	if len(w.Writes) > 0 || c.leftover { // what was left over may be decided anew
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
	return errors.As(err, new(*executor.StatementError)) && !errors.Is(err, database.ErrLocked) && !full(err) && storage(err) == nil && ctx.Err() == nil
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
	c.recordFailure(ctx, w, record, at, cause)
	c.last = &LastResult{ActionID: w.ActionID, Kind: history.KindFailed, Result: "failed", At: at, Message: record.Error}
	c.publishStatus()
	c.hub.Publish(event.Failed, c.Snapshot().Version(), map[string]any{"action_id": w.ActionID, "message": record.Error})
}

// recordFailure adds an attempt that changed nothing to the history, with what it tried. A database whose storage fails
// is not written to any more.
func (c *Coordinator) recordFailure(ctx context.Context, w executor.Work, record history.Record, at string, cause error) {
	if errors.Is(cause, database.ErrDamaged) {
		c.log.Error("a failed attempt is not recorded: the storage fails", "action", w.ActionID)
		return
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
			c.publish(nil) // every program on the database counts it
		}
	}
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
