package coordinator

import (
	"context"
	"errors"
	"maps"
	"time"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/diff"
	"marain/backend/document"
	"marain/backend/history"
)

// record continues the history: what was applied then is applied anew, what was done since counts as rolled back.
func (r *restoration) record(ctx context.Context, q database.Querier, summary string, began time.Time) error {
	s := r.c.store
	at := history.Timestamp(s.Now())
	record := history.Record{
		Category: diff.Breaking, Summary: summary, Target: r.note.ActionID, Backup: r.saved.Name, Restored: r.note.Name, DurationMS: milliseconds(began),
	}
	if err := s.MarkRolledBack(ctx, q, r.undo); err != nil {
		return err
	}
	for _, v := range r.undo {
		record.Undone = append(record.Undone, history.VersionRef{Path: v.Path, Number: v.Number})
	}
	for _, path := range r.changed {
		file, err := r.version(ctx, q, path, at)
		if err != nil {
			return err
		}
		record.Files = append(record.Files, file)
	}
	entry, err := s.Append(ctx, q, history.Entry{ActionID: r.id, Kind: history.KindRestore, At: at, Actor: r.actor, Record: record})
	if err != nil {
		return err
	}
	r.entry = entry
	return r.incarnations(ctx, q)
}

// version applies a file's former version anew.
func (r *restoration) version(ctx context.Context, q database.Querier, path, at string) (history.RecordFile, error) {
	s, now, then := r.c.store, r.c.applied[path], r.then[path]
	if now == nil {
		now = &version{}
	}
	kind, _ := r.c.loader.Kind(path)
	file := history.RecordFile{
		File:    action.File{Path: path, Kind: kind, Event: diff.FileModified, Category: diff.Breaking, BaseVersion: now.Number, Changes: heads(now.doc, then.doc)},
		Version: now.Number + 1, OldHash: now.Hash, NewHash: then.Hash,
	}
	switch {
	case now.Hash == "":
		file.Event, file.BaseVersion = diff.FileAdded, 0
	case then.Hash == "":
		file.Event = diff.FileRemoved
	}
	err := s.WriteVersion(ctx, q, history.Version{
		Path: path, Number: file.Version, Hash: then.Hash, ActionID: r.id, AppliedAt: at, AppliedBy: r.actor,
		Executed: "[]", Rollback: "[]", Status: history.Applied,
	})
	// A write that an earlier batch could not finish would put another text over the file than what is applied now.
	return file, errors.Join(err, s.Release(ctx, q, path), s.Dequeue(ctx, q, path))
}

// heads returns what changes from one document to another, as history shows it.
func heads(old, new *document.Document) []diff.Head {
	list := []diff.Head{}
	if old == nil && new == nil {
		return list // neither text can be read
	}
	for _, c := range diff.Documents(old, new, diff.Hints{}) {
		list = append(list, c.Describe())
	}
	return list
}

// incarnations records what is in use and out of use again.
func (r *restoration) incarnations(ctx context.Context, q database.Querier) error {
	s, seq := r.c.store, r.entry.Seq
	all := maps.Clone(r.c.lives)
	maps.Copy(all, r.lives)
	for entity := range all {
		if !r.covers(entity) {
			continue
		}
		var after *action.Life
		if life, ok := r.lives[entity]; ok {
			after = &life
		}
		if err := s.SetLife(ctx, q, seq, entity, r.c.lives[entity], after); err != nil {
			return err
		}
	}
	for _, t := range r.c.tombs {
		if r.covers(t.Entity) {
			if err := s.EndTombstone(ctx, q, seq, t.ID, r.id); err != nil {
				return err
			}
		}
	}
	for _, t := range r.tombs {
		if r.covers(t.Entity) {
			if err := s.Bury(ctx, q, seq, t); err != nil {
				return err
			}
		}
	}
	return nil
}
