package coordinator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"marain/backend/action"
	"marain/backend/backup"
	"marain/backend/database"
	"marain/backend/diff"
	"marain/backend/event"
	"marain/backend/executor"
	"marain/backend/history"
)

// RestoreRequest asks for a backup to be put back.
type RestoreRequest struct {
	Name    string // empty: the newest one of this database
	DryRun  bool
	Confirm string // the backup's action id; not needed for a dry run
}

// RestoreResult is what putting a backup back did, or with DryRun would do.
type RestoreResult struct {
	ActionID   string          `json:"action_id"` // empty for a dry run
	Backup     Backup          `json:"backup"`
	Batches    []RestoredBatch `json:"batches"` // what was done since it was taken, newest first
	Files      []RestoredFile  `json:"files"`   // whose applied version becomes another one
	Tables     []RestoredTable `json:"tables"`
	Confirm    string          `json:"confirm"` // what must be given to do it
	Saved      string          `json:"saved"`   // name of the backup of the state before
	DurationMS float64         `json:"duration_ms"`
}

// RestoredBatch is a batch that was carried out after a backup was taken.
type RestoredBatch struct {
	ActionID string `json:"action_id"`
	Kind     string `json:"kind"`
	At       string `json:"at"`
	By       string `json:"by"`
	Summary  string `json:"summary"`
}

// RestoredFile is a file whose applied version becomes another one. The file on disk stays as it is.
type RestoredFile struct {
	File string `json:"file_path"`
	Now  int    `json:"now"`  // the version that is applied; 0 when it is removed
	Then int    `json:"then"` // the version that was applied when the backup was taken; 0 when there was none
}

// RestoredTable is how many rows a table has and had; -1 when it is not there, or counting took too long.
type RestoredTable struct {
	Name string `json:"name"`
	Now  int64  `json:"now"`
	Then int64  `json:"then"`
}

// Restore puts a backup back: rows and tables become what they were when it was taken. The history goes on: the
// restore is a batch of its own, the versions of that time are applied anew, and what was done since counts as rolled
// back. The present state is backed up first. It needs the project for itself: [CodeLocked] beside a window or server.
// [CodeBlocked] when something that another program made rests on what would go.
func (c *Coordinator) Restore(ctx context.Context, request RestoreRequest, actor Actor) (RestoreResult, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for try := 1; ; try++ {
		result, err := c.restore(ctx, request, actor)
		if err == nil {
			return result, nil
		}
		if !errors.Is(err, executor.ErrStale) || try == attempts {
			return RestoreResult{}, coded(err)
		}
	}
}

func (c *Coordinator) restore(ctx context.Context, request RestoreRequest, actor Actor) (RestoreResult, error) {
	began := time.Now()
	if !request.DryRun {
		if err := errors.Join(c.exclusive(), c.writable()); err != nil {
			return RestoreResult{}, err
		}
	}
	if err := c.latest(ctx); err != nil {
		return RestoreResult{}, err
	}
	r := &restoration{c: c, actor: actor.String(), id: history.NewID()}
	result, err := r.look(ctx, request.Name)
	if err != nil || request.DryRun {
		result.DurationMS = milliseconds(began)
		return result, err
	}
	if request.Confirm != r.note.ActionID {
		return result, Errorf(CodeInvalid, "to restore this backup, confirm with the id of the batch that it was taken before: %s", r.note.ActionID)
	}
	if err := r.run(ctx, began); err != nil {
		return result, err
	}
	result.ActionID, result.Saved = r.id, r.saved.Name
	result.DurationMS = milliseconds(began)
	return result, nil
}

// restoration is one backup on its way back.
type restoration struct {
	c     *Coordinator
	note  backup.Note
	actor string
	id    string

	then    map[string]*version // by path: what was applied when the backup was taken; an empty hash: nothing
	changed []string            // paths whose applied version becomes another one
	lives   map[string]action.Life
	tombs   []action.Tombstone
	undo    []history.Version
	saved   backup.Note
	entry   history.Entry
}

// look proves the backup and finds out what putting it back means. It changes nothing.
func (r *restoration) look(ctx context.Context, name string) (RestoreResult, error) {
	result := RestoreResult{Batches: []RestoredBatch{}, Files: []RestoredFile{}, Tables: []RestoredTable{}}
	if err := r.find(name); err != nil {
		return result, err
	}
	result.Backup, result.Confirm = shownBackup(r.note, nil), r.note.ActionID
	err := r.c.db.Read(ctx, func(q database.Querier) error {
		if err := r.follows(ctx, q); err != nil {
			return err
		}
		if err := r.past(ctx, q); err != nil {
			return err
		}
		entries, err := r.c.store.EntriesAfter(ctx, q, r.note.Seq)
		for _, e := range entries {
			if e.Kind != history.KindFailed && e.Kind != history.KindReject {
				result.Batches = append(result.Batches, RestoredBatch{ActionID: e.ActionID, Kind: e.Kind, At: e.At, By: e.Actor, Summary: e.Record.Summary})
			}
		}
		return err
	})
	if err != nil {
		return result, err
	}
	for _, path := range r.changed {
		f := RestoredFile{File: path}
		if now := r.c.applied[path]; now != nil && now.Hash != "" {
			f.Now = now.Number
		}
		if then := r.then[path]; then.Hash != "" {
			f.Then = then.Number
		}
		result.Files = append(result.Files, f)
	}
	if result.Tables, err = r.tables(ctx); err != nil {
		return result, err
	}
	return result, r.c.db.Read(ctx, func(q database.Querier) error { return r.free(ctx, q) })
}

// covers reports whether a backup holds a content type.
func (r *restoration) covers(entity string) bool {
	return r.note.Whole || slices.Contains(r.note.Entities, entity)
}

// past reads from the history what was applied, in use and out of use when the backup was taken.
func (r *restoration) past(ctx context.Context, q database.Querier) (err error) {
	s := r.c.store
	if r.lives, err = s.LivesAt(ctx, q, r.note.Seq); err != nil {
		return err
	}
	if r.tombs, err = s.TombstonesAt(ctx, q, r.note.Seq); err != nil {
		return err
	}
	versions, err := s.StateAt(ctx, q, r.note.Seq)
	if err != nil {
		return err
	}
	r.then = map[string]*version{}
	for path := range r.c.applied {
		r.then[path] = &version{Version: history.Version{Path: path}}
	}
	for _, v := range versions {
		if r.then[v.Path], err = r.c.load(ctx, q, v); err != nil {
			return err
		}
	}
	for _, path := range slices.Sorted(maps.Keys(r.then)) {
		if !r.differs(path) {
			continue
		}
		r.changed = append(r.changed, path)
		later, err := s.VersionsAfter(ctx, q, path, r.then[path].Number)
		if err != nil {
			return err
		}
		for _, v := range later {
			if v.Status == history.Applied {
				r.undo = append(r.undo, v)
			}
		}
	}
	return r.fits()
}

// differs reports whether a file was another one, or its content type another incarnation.
func (r *restoration) differs(path string) bool {
	now, then := r.c.applied[path], r.then[path]
	if now == nil {
		now = &version{}
	}
	covered := r.note.Whole
	same := now.Hash == then.Hash
	for _, v := range []*version{now, then} {
		if id := entityID(v.doc); id != "" {
			covered = covered || r.covers(id)
			same = same && sameLife(r.c.lives[id], r.lives[id])
		}
	}
	return covered && !same
}

// tables counts rows: those of the backup, and the present ones.
func (r *restoration) tables(ctx context.Context) ([]RestoredTable, error) {
	then, err := r.c.db.Contents(ctx, r.c.backups().File(r.note.Name))
	if err != nil {
		return nil, &Error{Code: CodeInvalid, Message: fmt.Sprintf("%s cannot be restored: %v", r.note.Name, err), Details: []any{}, Cause: err}
	}
	now, err := r.present(ctx)
	if err != nil {
		return nil, err
	}
	list := []RestoredTable{}
	for _, name := range slices.Sorted(maps.Keys(then)) {
		if !database.IsBookkeeping(name) {
			if _, there := now[name]; !there {
				now[name] = -1
			}
			list = append(list, RestoredTable{Name: name, Now: now[name], Then: then[name]})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if _, there := then[name]; !there && r.note.Whole && !database.IsBookkeeping(name) {
			list = append(list, RestoredTable{Name: name, Now: now[name], Then: -1})
		}
	}
	return list, nil
}

// present counts the rows of all tables, as far as that is done in a moment.
func (r *restoration) present(ctx context.Context) (map[string]int64, error) {
	counts := map[string]int64{}
	var names []string
	err := r.c.db.Read(ctx, func(q database.Querier) (err error) {
		names, err = r.c.db.TableNames(ctx, q)
		return err
	})
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, r.c.options.CheckLimit)
	defer cancel()
	for _, name := range names {
		err := r.c.db.Read(limited, func(q database.Querier) error {
			var n int64
			err := q.QueryRow(limited, "SELECT count(*) FROM "+r.c.db.Dialect().Quote(name)).Scan(&n)
			counts[name] = n
			return err
		})
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			counts[name] = -1
		}
	}
	return counts, nil
}

// run puts the backup back and makes the outcome live.
func (r *restoration) run(ctx context.Context, began time.Time) error {
	c := r.c
	summary := fmt.Sprintf("Restored the backup of %s, taken before: %s", r.note.TakenAt.UTC().Format("2006-01-02 15:04:05 MST"), r.note.Summary)
	note := c.newNote(r.id, history.KindRestore, summary, r.actor)
	note.Entities = r.note.Entities
	limited, t := c.begin(ctx, r.id, history.KindRestore, r.actor)
	defer c.end(t)
	enter := func(phase executor.Phase) { t.tell(executor.Progress{ActionID: r.id, Phase: phase}) }
	err := c.db.Restore(limited, c.backups().File(r.note.Name), c.tablesOf(r.note.Entities),
		func(q database.Querier) (err error) {
			seq, _, err := c.store.Head(ctx, q)
			if err != nil {
				return err
			}
			if seq != c.seq {
				return fmt.Errorf("another batch was applied since: %w", executor.ErrStale)
			}
			if err := r.free(limited, q); err != nil {
				return err
			}
			enter(executor.Saving)
			r.saved, err = c.takeBackup(limited, q, note)
			enter(executor.Running)
			return err
		},
		func(q database.Querier) error {
			enter(executor.Recording)
			if err := r.record(limited, q, summary, began); err != nil {
				return err
			}
			defer enter(executor.Committing)
			return t.commit()
		})
	if err != nil {
		err = t.reason(ctx, err)
	}
	ctx = context.WithoutCancel(ctx)
	outcome := executor.Outcome{Seq: r.entry.Seq, Hash: r.entry.Hash, At: r.entry.At}
	if errors.Is(err, database.ErrUnknown) {
		outcome, err = c.resolve(ctx, executor.Work{ActionID: r.id}, err)
	}
	if err != nil {
		c.discard(r.saved.Name, err)
		c.givenUp(ctx, executor.Work{ActionID: r.id, Kind: history.KindRestore, Actor: r.actor, Began: began, Record: history.Record{Category: diff.Breaking, Summary: summary}}, err)
		return err
	}
	c.note(outcome.Seq, outcome.Hash)
	c.log.Info("restored", "backup", r.note.Name, "action", r.id)
	if err := c.reload(ctx); err != nil {
		return fmt.Errorf("the backup is restored, and the database cannot be read: %w", err)
	}
	c.evaluate(ctx)
	c.hub.Publish(event.RolledBack, c.Snapshot().Version(), map[string]any{"action_id": r.id, "files": r.changed, "summary": summary, "by": r.actor})
	c.announce()
	return nil
}
