package coordinator

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"marain/backend/database"
	"marain/backend/document"
	"marain/backend/project"
	"marain/backend/watcher"
)

// Status returns the state of this moment. While the folders are watched it never waits; otherwise the files and the
// database are looked at first.
func (c *Coordinator) Status(ctx context.Context) (Status, error) {
	if !c.options.Watch {
		c.mu.Lock()
		defer c.mu.Unlock()
		if err := c.refresh(ctx, false); err != nil {
			return Status{}, coded(err)
		}
		c.gradePending(ctx)
	}
	status := *c.view.Load()
	status.Watcher, status.Running = c.watcherStatus(), c.running()
	return status, nil
}

// publishStatus makes the present state the one that Status returns.
func (c *Coordinator) publishStatus() {
	s := &Status{
		PendingChanges: []PendingChange{}, InvalidFiles: c.invalid(nil), HeldFiles: []Held{},
		LastSync: timestamp(c.lastSync), LastResult: c.last, SnapshotVersion: c.Snapshot().Version(),
		Database: DatabaseStatus{Driver: c.db.Dialect().Name(), Location: c.location(), SchemaVersion: database.SchemaVersion, OK: c.suspect == "", Message: c.suspect},
		Project: ProjectStatus{
			Name: c.project.Name, Root: c.project.Root, Environment: c.project.Environment,
			Policy: c.settings().AutoApply, Version: c.options.Version,
		},
	}
	for _, path := range slices.Sorted(maps.Keys(c.waiting)) {
		p := c.waiting[path]
		for _, head := range p.changes {
			s.PendingChanges = append(s.PendingChanges, PendingChange{File: path, Kind: p.kind, Event: p.event, Head: head})
		}
	}
	for _, path := range slices.Sorted(maps.Keys(c.held)) {
		s.HeldFiles = append(s.HeldFiles, c.held[path])
	}
	s.Unwritten = c.unwritten
	s.Watcher, s.Drift = c.watcherStatus(), c.live.summary()
	s.State = c.stateWord(s)
	s.InSync = s.State == "in_sync"
	c.view.Store(s)
}

// location names the database as a person looks for it: relative to the project when it lies inside.
func (c *Coordinator) location() string {
	if c.scratch != "" {
		return "none yet"
	}
	if rest, inside := strings.CutPrefix(c.db.Location(), c.project.Root+"/"); inside {
		return rest
	}
	return c.db.Location()
}

// stateWord is the one word for a state: the worst that is true.
func (c *Coordinator) stateWord(s *Status) string {
	switch {
	case c.suspect != "":
		return "suspect"
	case c.lostFolder():
		return "unavailable"
	case len(s.InvalidFiles) > 0:
		return "invalid"
	case len(s.PendingChanges) > 0:
		return "pending"
	case len(s.HeldFiles) > 0:
		return "held"
	case s.Watcher.State == watcher.Degraded, s.Drift.Differences > 0, len(s.Unwritten) > 0:
		return "degraded"
	}
	return "in_sync"
}

// lostFolder reports whether a source folder is gone that applied files lie in. A folder that a project never had is
// nothing to worry about.
func (c *Coordinator) lostFolder() bool {
	if len(c.missing) == 0 {
		return false
	}
	for path, v := range c.applied {
		if v.Hash != "" && c.away(path) {
			return true
		}
	}
	return false
}

// present refuses to go on while a source folder is gone that applied files lie in.
func (c *Coordinator) present() error {
	if !c.lostFolder() {
		return nil
	}
	return Errorf(CodeConflict, "%s and try again", c.lossWords())
}

// lossWords says which source folders are gone, and what to do.
func (c *Coordinator) lossWords() string {
	return strings.Join(c.missing, " and ") + " cannot be read, so nothing can be said about the files in it: put it back"
}

func (c *Coordinator) watcherStatus() WatcherStatus {
	if c.watcher == nil {
		w := WatcherStatus{State: watcher.Off, Folders: c.project.Dirs(), Files: len(c.desired)}
		switch {
		case c.lostFolder():
			w.Message = c.lossWords()
		case len(c.missing) > 0:
			w.Message = "missing: " + strings.Join(c.missing, ", ")
		}
		return w
	}
	s := c.watcher.State()
	folders := s.Folders
	if folders == nil {
		folders = []string{}
	}
	return WatcherStatus{State: s.Name, Message: s.Message, Folders: folders, Files: s.Files, LastEvent: timestamp(s.LastEvent)}
}

// invalid returns what is wrong with the files on disk, or with some of them, by file and position.
func (c *Coordinator) invalid(files []string) []document.Problem {
	list := []document.Problem{}
	for path, f := range c.desired {
		if len(files) > 0 && !slices.Contains(files, path) {
			continue
		}
		list = append(list, f.problems...)
		list = append(list, c.cross[path]...)
	}
	slices.SortFunc(list, func(a, b document.Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Code, b.Code))
	})
	return list
}

// Validate checks the files on disk, or some of them. It needs no database and changes nothing.
func (c *Coordinator) Validate(_ context.Context, files []string) (ValidateResult, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	read, missing, err := c.read()
	if err != nil {
		return ValidateResult{}, coded(err)
	}
	for _, path := range files {
		if !slices.ContainsFunc(read, func(f project.File) bool { return f.Path == path }) {
			return ValidateResult{}, Errorf(CodeNotFound, "there is no file %s in %s", path, strings.Join(c.project.Dirs(), " or "))
		}
	}
	result := ValidateResult{Problems: []document.Problem{}}
	var docs []*document.Document
	var problems []document.Problem
	for _, f := range read {
		if f.Err != nil {
			problems = append(problems, fileProblem(f))
			continue
		}
		doc, wrong := c.loader.Load(f.Path, f.Data)
		problems = append(problems, wrong...)
		if doc != nil {
			docs = append(docs, doc)
		} else if v := c.applied[f.Path]; v != nil && v.doc != nil {
			docs = append(docs, v.doc) // others may refer to what this file was
		}
	}
	problems = append(problems, document.Check(docs)...)
	for _, p := range problems {
		if len(files) == 0 || slices.Contains(files, p.File) {
			result.Problems = append(result.Problems, p)
		}
	}
	result.Files = len(read)
	if len(files) > 0 {
		result.Files = len(files)
	}
	result.OK = len(result.Problems) == 0
	for _, dir := range missing {
		if len(files) == 0 && len(missing) == len(c.project.Dirs()) {
			return result, Errorf(CodeNotFound, "%s has no folder %s: is this a Marain project?", c.project.Root, dir)
		}
	}
	slices.SortStableFunc(result.Problems, func(a, b document.Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return result, nil
}
