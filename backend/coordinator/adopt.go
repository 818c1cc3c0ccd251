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

// adoptName tells the plan of an adoption from others.
const adoptName = "adopt"

// AdoptionEdit is one thing that a file could say so that it equals what is live.
type AdoptionEdit struct {
	Key      string `json:"key"` // of the difference, or the unmanaged table.column
	Message  string `json:"message"`
	Optional bool   `json:"optional"` // nothing differs without it: it makes a field of what is unmanaged
}

// Adoption proposes a text of a file that says what is live. Optional edits are not in the text.
type Adoption struct {
	File  string         `json:"file_path"`
	Text  string         `json:"text"`
	Hunks []diff.Hunk    `json:"hunks"`
	Edits []AdoptionEdit `json:"edits"`
}

// AdoptRequest asks for files to say what is live: all differences of the named files, the edits with these keys, or with
// neither all differences of all files.
type AdoptRequest struct {
	Files   []string          `json:"files,omitempty"`
	Keys    []string          `json:"keys,omitempty"`
	DryRun  bool              `json:"dry_run,omitempty"`
	PlanID  string            `json:"plan_id,omitempty"`
	Answers map[string]string `json:"answers,omitempty"`
	Note    string            `json:"note,omitempty"`
}

// possible returns what each applied file could adopt, each edit proved to be possible on its own.
func (c *Coordinator) possible(ctx context.Context) (map[string][]action.Adoption, error) {
	all := map[string][]action.Adoption{}
	err := c.db.Read(ctx, func(q database.Querier) error {
		for path, v := range c.applied {
			if v.doc == nil || v.doc.Entity == nil {
				continue
			}
			live, err := c.db.Inspect(ctx, q, action.TableNames(action.Tables(v.doc.Entity)))
			if err != nil {
				return err
			}
			for _, a := range action.Adoptions(c.db.Dialect(), v.doc.Entity, live) {
				if _, ok := c.loader.Edit(v.doc, a.Edits); ok {
					all[path] = append(all[path], a)
				}
			}
		}
		return nil
	})
	return all, err
}

// adoptions lists what could be adopted, by file.
func (c *Coordinator) adoptions(ctx context.Context) ([]Adoption, error) {
	possible, err := c.possible(ctx)
	if err != nil {
		return nil, err
	}
	list := []Adoption{}
	for _, path := range slices.Sorted(maps.Keys(possible)) {
		doc := c.applied[path].doc
		one := Adoption{File: path, Text: string(doc.Raw), Hunks: []diff.Hunk{}, Edits: []AdoptionEdit{}}
		var edits []document.FieldEdit
		for _, a := range possible[path] {
			one.Edits = append(one.Edits, AdoptionEdit{Key: a.Key, Message: a.Message, Optional: a.Optional})
			if !a.Optional {
				edits = append(edits, a.Edits...)
			}
		}
		if edited, ok := c.loader.Edit(doc, edits); ok && len(edits) > 0 {
			one.Text, one.Hunks = string(edited.Raw), diff.Hunks(doc.MaskedText(), edited.MaskedText(), hunkContext)
		}
		list = append(list, one)
	}
	return list, nil
}

// Adopt writes into files what is live and makes that their applied versions. What the files do not say afterwards is
// repaired along with it.
func (c *Coordinator) Adopt(ctx context.Context, request AdoptRequest, actor Actor) (ApplyResult, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.writable(); err != nil {
		return ApplyResult{}, coded(err)
	}
	began := time.Now()
	for try := 1; ; try++ {
		result, err := c.adoptOnce(ctx, request, actor, began)
		if err == nil {
			return result, nil
		}
		if !errors.Is(err, executor.ErrStale) || try == attempts {
			return ApplyResult{}, coded(err)
		}
	}
}

func (c *Coordinator) adoptOnce(ctx context.Context, request AdoptRequest, actor Actor, began time.Time) (ApplyResult, error) {
	if err := c.refresh(ctx, true); err != nil {
		return ApplyResult{}, err
	}
	inputs, err := c.adoptInputs(ctx, request)
	if err != nil {
		return ApplyResult{}, err
	}
	s, err := c.replan(ctx, wish{inputs: inputs, answers: request.Answers, name: adoptName})
	if err != nil {
		return ApplyResult{}, err
	}
	if err := c.acceptBack(ctx, s, RollbackRequest{PlanID: request.PlanID, DryRun: request.DryRun, Answers: request.Answers}); err != nil {
		return ApplyResult{}, err
	}
	result := ApplyResult{Applied: []string{}, Failed: []Failure{}}
	if len(s.drafts) > 0 {
		work, err := c.adoptWork(s, actor, began)
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
		showHunks(s)
		result.ActionID, result.Plan = "", &s.plan
	} else {
		for _, in := range s.inputs {
			result.Applied = append(result.Applied, in.Path)
		}
		slices.Sort(result.Applied)
		c.notePending(ctx)
	}
	result.Pending, result.Unwritten = slices.Sorted(maps.Keys(c.waiting)), c.unwritten
	result.DurationMS = milliseconds(began)
	return result, nil
}

// adoptInputs makes the texts that a request asks for.
func (c *Coordinator) adoptInputs(ctx context.Context, request AdoptRequest) ([]action.Input, error) {
	possible, err := c.possible(ctx)
	if err != nil {
		return nil, err
	}
	for _, path := range request.Files {
		if c.applied[path] == nil {
			return nil, Errorf(CodeNotFound, "%s has no applied version, so there is nothing to adopt into it", path)
		}
	}
	unused := slices.Clone(request.Keys)
	var inputs []action.Input
	for _, path := range slices.Sorted(maps.Keys(possible)) {
		var edits []document.FieldEdit
		for _, a := range possible[path] {
			named := slices.Contains(request.Keys, a.Key)
			unused = slices.DeleteFunc(unused, func(key string) bool { return key == a.Key })
			whole := !a.Optional && (slices.Contains(request.Files, path) || len(request.Files)+len(request.Keys) == 0)
			if named || whole {
				edits = append(edits, a.Edits...)
			}
		}
		if len(edits) == 0 {
			continue
		}
		in, err := c.adoptInput(path, edits)
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, in)
	}
	if len(unused) > 0 {
		return nil, Errorf(CodeNotFound, "there is nothing to adopt under %s: marain drift lists what there is", unused[0])
	}
	return inputs, nil
}

func (c *Coordinator) adoptInput(path string, edits []document.FieldEdit) (action.Input, error) {
	v := c.applied[path]
	if f := c.desired[path]; f == nil || f.Hash != v.Hash {
		return action.Input{}, Errorf(CodeConflict, "%s on disk is not its applied version: apply or reject what waits first", path)
	}
	edited, ok := c.loader.Edit(v.doc, edits)
	if !ok {
		return action.Input{}, Errorf(CodeBlocked, "the text of %s cannot be edited to say all of this at once: adopt less, or edit it by hand", path)
	}
	return action.Input{
		Path: path, Kind: edited.Kind, Event: diff.FileModified, BaseVersion: v.Number, NextVersion: v.Number + 1, Old: v.doc, New: edited,
	}, nil
}

// adoptWork turns an adoption's plan into a batch that also writes the files.
func (c *Coordinator) adoptWork(s *sealed, actor Actor, began time.Time) (executor.Work, error) {
	all := make([]int, len(s.inputs))
	for i := range all {
		all[i] = i
	}
	w := c.work(s, all, actor, began)
	w.Kind = history.KindApply
	w.Record.Summary = fmt.Sprintf("Adopt what the tables have into %s", plural(len(all), "file"))
	for _, in := range s.inputs {
		write, _, _, err := c.replace(in.Path, in.New.Hash)
		if err != nil {
			return w, err
		}
		if write != nil {
			w.Writes = append(w.Writes, *write)
		}
	}
	return w, nil
}
