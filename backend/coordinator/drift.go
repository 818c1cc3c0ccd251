package coordinator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/diff"
	"marain/backend/document"
	"marain/backend/executor"
	"marain/backend/history"
)

// DriftDifference is one way in which a live table is not what its applied document says.
type DriftDifference struct {
	File    string                `json:"file_path"`
	Entity  string                `json:"entity"`
	Table   string                `json:"table"`
	Column  string                `json:"column,omitempty"`
	Index   string                `json:"index,omitempty"`
	Kind    action.DifferenceKind `json:"kind"`
	Key     string                `json:"key"` // names it among those of its file
	Message string                `json:"message"`
	SQL     []string              `json:"sql"` // what mends it; empty when another difference's SQL does, or nothing can
}

// UnmanagedColumn is a column that no document mentions, in a table that one does.
type UnmanagedColumn struct {
	Table         string `json:"table"`
	Column        string `json:"column"`
	Type          string `json:"type"`
	RowsWithValue *int64 `json:"rows_with_value,omitempty"` // left out when counting took too long
}

// Unmanaged is what other programs keep in the same database. It is listed and left alone.
type Unmanaged struct {
	Tables  []string          `json:"tables"`
	Columns []UnmanagedColumn `json:"columns"`
	Objects []UnmanagedObject `json:"objects"`
}

// UnmanagedObject is something else of another program in or on a table that a document mentions.
type UnmanagedObject struct {
	Kind  string `json:"kind"` // index, unique index, unique constraint, view, trigger, foreign key, check or policy
	Name  string `json:"name"`
	Table string `json:"table"`
}

// Drift says where the live tables differ from what the applied documents say, and the plan that mends it.
type Drift struct {
	InSync      bool              `json:"in_sync"`
	Differences []DriftDifference `json:"differences"`
	Unmanaged   Unmanaged         `json:"unmanaged"`
	Plan        action.Plan       `json:"plan"` // the repair
	Adopt       []Adoption        `json:"adopt"`
}

// RepairRequest asks for the way back to what the applied documents say; of all files, or of some.
type RepairRequest struct {
	Files   []string          `json:"files,omitempty"`
	DryRun  bool              `json:"dry_run,omitempty"`
	PlanID  string            `json:"plan_id,omitempty"`
	Answers map[string]string `json:"answers,omitempty"`
	Note    string            `json:"note,omitempty"`
}

// DriftStatus says in the status how many differences there are between the live tables and the applied documents.
type DriftStatus struct {
	Differences int    `json:"differences"`
	Message     string `json:"message"` // the first of them in words; empty for none
}

// Drift looks at all live tables anew. Nothing changes.
func (c *Coordinator) Drift(ctx context.Context) (Drift, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for try := 1; ; try++ {
		drift, err := c.driftOnce(ctx)
		if err == nil {
			return drift, nil
		}
		if !errors.Is(err, executor.ErrStale) || try == attempts {
			return Drift{}, coded(err)
		}
	}
}

func (c *Coordinator) driftOnce(ctx context.Context) (Drift, error) {
	s, err := c.repairPlan(ctx, nil, nil)
	if err != nil {
		return Drift{}, err
	}
	d := Drift{InSync: len(s.drafts) == 0, Differences: []DriftDifference{}, Plan: s.plan}
	for _, draft := range s.drafts {
		for _, one := range draft.Drift {
			d.Differences = append(d.Differences, DriftDifference{
				File: draft.File.Path, Entity: one.Entity, Table: one.Table, Column: one.Column, Index: one.Index,
				Kind: one.Kind, Key: one.Key(), Message: one.Message, SQL: one.SQL,
			})
		}
	}
	if d.Unmanaged, err = c.unmanaged(ctx); err != nil {
		return Drift{}, err
	}
	d.Adopt, err = c.adoptions(ctx)
	return d, err
}

// Repair puts the live tables back to what the applied documents say, and loses nothing on the way. It is a batch of
// its own, and no file gets a new version by it.
func (c *Coordinator) Repair(ctx context.Context, request RepairRequest, actor Actor) (ApplyResult, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.writable(); err != nil {
		return ApplyResult{}, coded(err)
	}
	began := time.Now()
	for try := 1; ; try++ {
		result, err := c.repairOnce(ctx, request, actor, began)
		if err == nil {
			return result, nil
		}
		if !errors.Is(err, executor.ErrStale) || try == attempts {
			return ApplyResult{}, coded(err)
		}
	}
}

func (c *Coordinator) repairOnce(ctx context.Context, request RepairRequest, actor Actor, began time.Time) (ApplyResult, error) {
	s, err := c.repairPlan(ctx, request.Files, request.Answers)
	if err != nil {
		return ApplyResult{}, err
	}
	if err := c.acceptBack(ctx, s, RollbackRequest{PlanID: request.PlanID, DryRun: request.DryRun, Answers: request.Answers}); err != nil {
		return ApplyResult{}, err
	}
	result := ApplyResult{Applied: []string{}, Failed: []Failure{}, Pending: slices.Sorted(maps.Keys(c.waiting))}
	if len(s.drafts) > 0 {
		work := c.repairWork(s, actor, began)
		work.Note, work.DryRun, work.Record.Answers = request.Note, request.DryRun, request.Answers
		if result.ActionID, err = c.run(ctx, s, work); err != nil {
			return ApplyResult{}, err
		}
	}
	if request.DryRun {
		result.ActionID, result.Plan = "", &s.plan
	} else {
		for _, in := range s.inputs {
			result.Applied = append(result.Applied, in.Path)
		}
		slices.Sort(result.Applied)
	}
	result.DurationMS = milliseconds(began)
	return result, nil
}

// repairPlan plans the way back of the files whose tables differ.
func (c *Coordinator) repairPlan(ctx context.Context, files []string, answers map[string]string) (*sealed, error) {
	moved, err := c.moved(ctx)
	if err == nil && moved {
		err = c.reload(ctx)
	}
	if err != nil {
		return nil, err
	}
	for _, path := range files {
		if c.applied[path] == nil {
			return nil, Errorf(CodeNotFound, "%s has no applied version, so nothing can differ from it", path)
		}
	}
	before := c.live.summary()
	if err := c.db.Read(ctx, func(q database.Querier) error { return c.look(ctx, q) }); err != nil {
		return nil, err
	}
	if c.live.summary() != before {
		c.publishStatus()
		c.announce()
	}
	inputs, err := c.repairInputs(ctx, files)
	if err != nil {
		return nil, err
	}
	return c.replan(ctx, wish{inputs: inputs, answers: answers, name: repairName})
}

// repairInputs returns the files whose tables differ, and those whose values out of use are lost.
func (c *Coordinator) repairInputs(ctx context.Context, files []string) ([]action.Input, error) {
	all := map[string]*action.Input{}
	for path := range c.live.files {
		all[path] = c.repairInput(path)
	}
	for _, l := range c.live.lost {
		path, err := c.pathOf(ctx, l.Tombstone)
		if err != nil {
			return nil, err
		}
		if all[path] == nil {
			all[path] = c.repairInput(path)
		}
		all[path].Lost = append(all[path].Lost, l)
	}
	var list []action.Input
	for _, path := range slices.Sorted(maps.Keys(all)) {
		if len(files) == 0 || slices.Contains(files, path) {
			list = append(list, *all[path])
		}
	}
	return list, nil
}

func (c *Coordinator) repairInput(path string) *action.Input {
	n := c.number(path)
	doc := c.appliedDoc(path)
	return &action.Input{Path: path, Kind: document.KindEntity, Event: diff.FileModified, BaseVersion: n, NextVersion: n, Old: doc, New: doc}
}

// pathOf returns the file that a tombstone is about: the one that describes its content type, or the one that did when it
// went.
func (c *Coordinator) pathOf(ctx context.Context, t action.Tombstone) (string, error) {
	for path, v := range c.applied {
		if entityID(v.doc) == t.Entity {
			return path, nil
		}
	}
	var rows []history.Version
	err := c.db.Read(ctx, func(q database.Querier) (err error) {
		rows, err = c.store.VersionsOf(ctx, q, t.ActionID)
		return err
	})
	if err == nil && len(rows) == 0 {
		err = fmt.Errorf("the batch %s, which took %s out of use, has no file", t.ActionID, t.Entity)
	}
	if err != nil {
		return "", err
	}
	return rows[0].Path, nil
}

// repairName tells the plan of a repair from others.
const repairName = "repair"

// repairWork turns a repair's plan into a batch.
func (c *Coordinator) repairWork(s *sealed, actor Actor, began time.Time) executor.Work {
	all := make([]int, len(s.inputs))
	differences := 0
	for i := range all {
		all[i] = i
		differences += len(s.drafts[i].Drift)
	}
	w := c.work(s, all, actor, began)
	w.Kind = history.KindRepair
	w.Record.Summary = fmt.Sprintf("Repair: %s in the tables of %s put right", plural(differences, "difference"), plural(len(all), "file"))
	for i := range w.Files {
		w.Files[i].Kept = true
	}
	return w
}
