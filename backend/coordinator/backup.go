package coordinator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"marain/backend/action"
	"marain/backend/backup"
	"marain/backend/database"
	"marain/backend/diff"
	"marain/backend/executor"
	"marain/backend/project"
)

// Backup is a copy that was taken before something risky.
type Backup struct {
	Name     string   `json:"name"`
	ActionID string   `json:"action_id"` // the batch that it was taken before
	Kind     string   `json:"kind"`      // of that batch: apply, rollback, purge or restore
	Summary  string   `json:"summary"`   // of that batch
	By       string   `json:"by"`
	TakenAt  string   `json:"taken_at"`
	Driver   string   `json:"driver"`
	Whole    bool     `json:"whole"`  // the whole database, and not some tables
	Tables   []string `json:"tables"` // those inside, when it is not everything
	Size     int64    `json:"size"`   // bytes
	OK       bool     `json:"ok"`     // it can be restored here, as far as can be told without reading all of it
	Message  string   `json:"message"`
}

// Backups are what is kept, newest first.
type Backups struct {
	Items    []Backup `json:"items"`
	Keep     int      `json:"keep"` // how many at most
	KeepDays int      `json:"keep_days"`
}

// Backups lists the backups in the data folder, newest first. Those of other databases are listed as such.
func (c *Coordinator) Backups(context.Context) (Backups, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	entries, err := c.backups().List()
	if err != nil {
		return Backups{}, coded(err)
	}
	retention := c.settings().Retention
	list := Backups{Items: []Backup{}, Keep: retention.Backups, KeepDays: retention.BackupDays}
	for _, e := range entries {
		if e.Err == nil {
			e.Err = c.ours(e.Note)
		}
		list.Items = append(list.Items, shownBackup(e.Note, e.Err))
	}
	return list, nil
}

func shownBackup(n backup.Note, problem error) Backup {
	b := Backup{
		Name: n.Name, ActionID: n.ActionID, Kind: n.Kind, Summary: n.Summary, By: n.By, TakenAt: timestamp(n.TakenAt), Driver: n.Driver,
		Whole: n.Whole, Tables: n.Tables, Size: n.Size, OK: problem == nil,
	}
	if b.Tables == nil {
		b.Tables = []string{}
	}
	if problem != nil {
		b.Message = problem.Error()
	}
	return b
}

// ours refuses a backup of another database: one data folder may serve several.
func (c *Coordinator) ours(n backup.Note) error {
	if n.Driver != c.db.Dialect().Name() || n.DatabaseID != c.databaseID {
		return fmt.Errorf("%s is a backup of another database than the one that is open", n.Name)
	}
	return nil
}

func (c *Coordinator) backups() backup.Folder {
	return backup.Folder{Dir: filepath.Join(c.project.DataDir, "backups")}
}

// risky reports whether a batch needs a backup before: it is breaking and changes tables. A copy holds every writer up for as
// long as the database is large; what is less than breaking only adds, renames or sets rules, and is taken back as it is.
func risky(w executor.Work) bool {
	if w.DryRun || w.Record.Category < diff.Breaking {
		return false
	}
	return slices.ContainsFunc(w.Files, func(f executor.File) bool {
		return slices.ContainsFunc(f.Draft.File.Actions, func(a action.Action) bool { return len(a.Up) > 0 })
	})
}

// secure makes a batch take a backup before it changes anything. One that cannot be taken ends the batch.
func (c *Coordinator) secure(w *executor.Work) {
	if !risky(*w) {
		return
	}
	note := c.newNote(w.ActionID, w.Kind, w.Record.Summary, w.Actor)
	note.Entities = entitiesOf(w.Files)
	w.Record.Backup = note.Name
	w.Before = func(ctx context.Context, q database.Querier) error {
		_, err := c.takeBackup(ctx, q, note)
		return err
	}
}

// newNote is what is known of a backup before it is taken.
func (c *Coordinator) newNote(actionID, kind, summary, by string) backup.Note {
	now, driver := c.store.Now(), c.db.Dialect().Name()
	return backup.Note{
		Name: backup.Name(driver, actionID, now), Driver: driver, DatabaseID: c.databaseID, ActionID: actionID, Kind: kind,
		Summary: summary, By: by, TakenAt: now.UTC(),
	}
}

// takeBackup copies what a batch may change, inside of its transaction and before it changes anything.
func (c *Coordinator) takeBackup(ctx context.Context, q database.Querier, note backup.Note) (backup.Note, error) {
	var err error
	if note.Seq, note.Head, err = c.store.Head(ctx, q); err != nil {
		return note, err
	}
	taken, err := c.backups().Write(ctx, note, func(ctx context.Context, file string, n *backup.Note) (err error) {
		n.Tables, err = c.db.Backup(ctx, q, c.tablesOf(n.Entities), file)
		n.Whole = n.Tables == nil
		return err
	})
	if err != nil && ctx.Err() != nil || errors.Is(err, database.ErrLocked) || errors.Is(err, database.ErrUnreachable) {
		return note, err // somebody ended it, or is in the way: that says nothing of the backup
	}
	if err != nil && full(err) {
		return note, &Error{Code: CodeInternal, Message: fmt.Sprintf("the disk is full, so the backup before it could not be taken and nothing was changed: make room, then try again (%s)", lastLine(err)), Details: []any{}, Cause: err}
	}
	if err != nil {
		return note, &Error{Code: CodeInternal, Message: fmt.Sprintf("nothing was changed, because the backup before it could not be taken: %v", err), Details: []any{}, Cause: err}
	}
	c.log.Info("backup", "name", taken.Name, "bytes", taken.Size)
	return taken, nil
}

// discard removes the backup of a batch that failed: the database is what it was. While the storage itself is in doubt,
// or whether the batch is there, it stays. It returns the name of what stays.
func (c *Coordinator) discard(name string, cause error) string {
	if name == "" || storage(cause) != nil || errors.Is(cause, database.ErrUnknown) {
		return name
	}
	if err := c.backups().Remove(name); err != nil {
		c.log.Warn("remove the backup of a batch that failed", "error", err)
	}
	return ""
}

// prune removes backups that are too many or too old. It runs after a success only.
func (c *Coordinator) prune() {
	r := c.settings().Retention
	gone, err := c.backups().Prune(c.databaseID, r.Backups, c.store.Now().AddDate(0, 0, -r.BackupDays))
	if err != nil {
		c.log.Warn("remove old backups", "error", err)
	}
	for _, name := range gone {
		c.log.Info("an old backup was removed", "name", name)
	}
}

// entitiesOf names the content types that the files of a batch are about, before or after it.
func entitiesOf(files []executor.File) []string {
	all := map[string]bool{}
	for _, f := range files {
		effects := f.Draft.Effects
		for id := range effects.Lives {
			all[id] = true
		}
		for _, t := range effects.Retired {
			all[t.Entity] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// tablesOf names all tables that content types may have: those in use, and those out of use.
func (c *Coordinator) tablesOf(entities []string) []string {
	names := map[string]bool{}
	for _, v := range c.applied {
		if v.doc == nil || v.doc.Entity == nil || !slices.Contains(entities, v.doc.Entity.ID) {
			continue
		}
		for _, name := range action.TableNames(action.Tables(v.doc.Entity)) {
			names[name] = true
		}
	}
	layout := c.layout()
	for _, t := range c.tombs {
		if !slices.Contains(entities, t.Entity) {
			continue
		}
		for _, place := range layout.Places(t) {
			names[place.Table] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// layout says where everything out of use lies.
func (c *Coordinator) layout() action.Layout { return action.NewLayout(c.lives, c.tombs) }

// exclusive refuses what must not happen beside an open window or server.
func (c *Coordinator) exclusive() error {
	if c.lock == nil || c.options.Watch {
		return &Error{Code: CodeLocked, Message: "a backup is restored by a command alone: close the window or server on this project first", Details: []any{}, Cause: &project.LockedError{}}
	}
	return nil
}
