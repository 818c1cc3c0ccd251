package coordinator

import (
	"context"
	"errors"
	"fmt"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/diff"
	"marain/backend/event"
	"marain/backend/executor"
	"marain/backend/history"
)

// Reject holds files back until they are named in an apply or change again, or puts their applied text back and keeps
// the edit as a draft.
func (c *Coordinator) Reject(ctx context.Context, request RejectRequest, actor Actor) (RejectResult, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for try := 1; ; try++ {
		result, err := c.reject(ctx, request, actor)
		if err == nil {
			return result, nil
		}
		if !errors.Is(err, executor.ErrStale) || try == attempts {
			return RejectResult{}, coded(err)
		}
	}
}

func (c *Coordinator) reject(ctx context.Context, request RejectRequest, actor Actor) (RejectResult, error) {
	result := RejectResult{Held: []string{}, Restored: []string{}}
	if len(request.Files) == 0 {
		return result, Errorf(CodeInvalid, "name the files to reject")
	}
	if err := c.writable(); err != nil {
		return result, err
	}
	if err := c.refresh(ctx, true); err != nil {
		return result, err
	}
	paths, err := c.named(request.Files)
	if err != nil {
		return result, err
	}
	r := &rejection{c: c, request: request, actor: actor.String(), id: history.NewID()}
	for _, path := range paths {
		if err := r.add(path); err != nil {
			return result, err
		}
	}
	if len(r.files) == 0 {
		result.Unwritten = c.unwritten
		return result, nil
	}
	if err := c.db.Write(ctx, func(q database.Querier) error { return r.write(ctx, q) }); err != nil {
		return result, err
	}
	result.ActionID, result.Held, result.Restored = r.id, append(result.Held, r.held...), append(result.Restored, r.restored...)
	r.settle(context.WithoutCancel(ctx))
	result.Unwritten = c.unwritten
	return result, nil
}

// rejection is one reject on its way.
type rejection struct {
	c       *Coordinator
	request RejectRequest
	actor   string
	id      string

	files    []history.RecordFile
	holds    []history.Held
	writes   []history.Write
	texts    []executor.Text
	drafts   []history.Draft
	held     []string
	restored []string
	entry    history.Entry
}

// add decides what happens with one file. A file that is in sync has nothing to reject.
func (r *rejection) add(path string) error {
	c := r.c
	p := c.waiting[path]
	if _, isHeld := c.held[path]; p == nil && isHeld {
		p = c.difference(path)
	}
	invalid := c.desired[path] != nil && (c.desired[path].doc == nil || len(c.cross[path]) > 0)
	if p == nil && !invalid {
		return nil
	}
	if p == nil && !r.request.Restore {
		return Errorf(CodeInvalid, "%s is invalid, so it is not applied anyway: correct it, or put its applied text back", path)
	}
	file := history.RecordFile{File: action.File{Path: path, Event: diff.FileModified}, Version: c.number(path)}
	if p != nil {
		file.File.Kind, file.File.Event, file.File.Changes, file.NewHash = p.kind, p.event, p.changes, p.hash
	}
	if v := c.applied[path]; v != nil {
		file.OldHash = v.Hash
	}
	r.files = append(r.files, file)
	if !r.request.Restore {
		r.held = append(r.held, path)
		if p.doc != nil { // so that history can show what was rejected
			r.texts = append(r.texts, executor.Text{Hash: p.hash, Raw: p.doc.Raw, Sealed: p.doc.Confidential()})
		}
		r.holds = append(r.holds, history.Held{
			Path: path, Hash: p.hash, ActionID: r.id, At: history.Timestamp(c.store.Now()), Actor: r.actor, Note: r.request.Note,
		})
		return nil
	}
	write, text, draft, err := c.replace(path, file.OldHash)
	if err != nil {
		return err
	}
	r.restored = append(r.restored, path)
	if write != nil {
		r.writes = append(r.writes, *write)
	}
	if draft != nil {
		r.texts, r.drafts = append(r.texts, *text), append(r.drafts, *draft)
	}
	return nil
}

func (r *rejection) write(ctx context.Context, q database.Querier) (err error) {
	s := r.c.store
	seq, _, err := s.Head(ctx, q)
	if err != nil {
		return err
	}
	if seq != r.c.seq {
		return fmt.Errorf("another batch was applied since: %w", executor.ErrStale)
	}
	word := "held back"
	if r.request.Restore {
		word = "put back"
	}
	record := history.Record{Summary: fmt.Sprintf("%s %s", plural(len(r.files), "file"), word), Files: r.files}
	r.entry, err = s.Append(ctx, q, history.Entry{
		ActionID: r.id, Kind: history.KindReject, At: history.Timestamp(s.Now()), Actor: r.actor, Note: r.request.Note, Record: record,
	})
	if err != nil {
		return err
	}
	for _, h := range r.holds {
		if err := s.Hold(ctx, q, h); err != nil {
			return err
		}
	}
	for _, path := range r.restored {
		if err := s.Release(ctx, q, path); err != nil {
			return err
		}
	}
	for _, t := range r.texts {
		if err := s.PutContent(ctx, q, t.Hash, t.Raw, t.Sealed); err != nil {
			return err
		}
	}
	for _, d := range r.drafts {
		d.ActionID = r.id
		if err := s.KeepDraft(ctx, q, d); err != nil {
			return err
		}
	}
	for _, w := range r.writes {
		w.ActionID = r.id
		if err := s.Enqueue(ctx, q, w); err != nil {
			return err
		}
	}
	return nil
}

// settle takes a committed reject over into memory, writes the files and announces it. A file that cannot be written
// now is tried again until it can.
func (r *rejection) settle(ctx context.Context) {
	c := r.c
	c.note(r.entry.Seq, r.entry.Hash)
	c.seq = r.entry.Seq
	c.publish(nil) // every program on the database counts this link
	for _, h := range r.holds {
		c.holds[h.Path] = h
	}
	for _, path := range r.restored {
		delete(c.holds, path)
	}
	if err := c.drain(ctx); err != nil {
		c.log.Error("write the files back", "error", err)
	}
	c.evaluate(ctx)
	c.notePending(ctx)
	c.hub.Publish(event.Rejected, c.Snapshot().Version(), map[string]any{"action_id": r.id, "held": r.held, "restored": r.restored})
	c.announce()
}

// Drafts returns the edits that rollbacks and rejects replaced, newest first.
func (c *Coordinator) Drafts(ctx context.Context) ([]Draft, error) {
	list := []Draft{}
	if c.unprepared(ctx) {
		return list, nil
	}
	err := c.db.Read(ctx, func(q database.Querier) error {
		drafts, err := c.store.Drafts(ctx, q)
		for _, d := range drafts {
			list = append(list, Draft{ID: d.ID, File: d.Path, At: d.At, ActionID: d.ActionID, Size: d.Size})
		}
		return err
	})
	if err != nil {
		return nil, coded(err)
	}
	return list, nil
}

// RestoreDraft writes a draft back to its file, where it is an ordinary change again. An unapplied edit that is there
// now becomes a draft itself.
func (c *Coordinator) RestoreDraft(ctx context.Context, id string, actor Actor) (Draft, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	draft, err := c.restoreDraft(ctx, id)
	if err != nil {
		return Draft{}, coded(err)
	}
	c.log.Info("draft restored", "file", draft.File, "by", actor.String())
	return draft, nil
}

func (c *Coordinator) restoreDraft(ctx context.Context, id string) (Draft, error) {
	if err := c.writable(); err != nil {
		return Draft{}, err
	}
	if err := c.refresh(ctx, true); err != nil {
		return Draft{}, err
	}
	var d history.Draft
	err := c.db.Read(ctx, func(q database.Querier) (err error) {
		d, err = c.store.Draft(ctx, q, id)
		return err
	})
	if err != nil {
		return Draft{}, err
	}
	write, text, replaced, err := c.replace(d.Path, d.Hash)
	if err != nil {
		return Draft{}, err
	}
	err = c.db.Write(ctx, func(q database.Querier) error {
		if write == nil {
			return nil
		}
		if replaced != nil {
			if err := c.store.PutContent(ctx, q, text.Hash, text.Raw, text.Sealed); err != nil {
				return err
			}
			replaced.ActionID = d.ActionID
			if err := c.store.KeepDraft(ctx, q, *replaced); err != nil {
				return err
			}
		}
		write.ActionID = d.ActionID
		return c.store.Enqueue(ctx, q, *write)
	})
	if err != nil {
		return Draft{}, err
	}
	ctx = context.WithoutCancel(ctx)
	if err := c.drain(ctx); err != nil {
		return Draft{}, &Error{Code: CodeInternal, Message: fmt.Sprintf("the draft could not be written yet and is tried again: %v", err), Details: []any{}, Cause: err}
	}
	c.evaluate(ctx)
	c.announce()
	c.notePending(ctx)
	return Draft{ID: d.ID, File: d.Path, At: d.At, ActionID: d.ActionID, Size: d.Size}, nil
}
