package coordinator

import (
	"context"
	"errors"
	"maps"
	"slices"

	"marain/backend/action"
	"marain/backend/diff"
	"marain/backend/document"
	"marain/backend/executor"
)

// showHunks adds the side-by-side texts, which nothing but a person's eye needs.
func showHunks(s *sealed) {
	for i, in := range s.inputs {
		before := in.Old
		if before == nil {
			before = in.Carried
		}
		s.plan.Files[i].Hunks = diff.Hunks(maskedText(before), maskedText(in.New), hunkContext)
	}
}

func maskedText(d *document.Document) string {
	if d == nil {
		return ""
	}
	return d.MaskedText()
}

// Diff returns the plan of what waits, of some files, or of text that is not on disk. Nothing changes.
func (c *Coordinator) Diff(ctx context.Context, request DiffRequest) (action.Plan, error) {
	for try := 1; ; try++ {
		s, err := c.planned(ctx, request)
		if err == nil && s.trial != nil {
			s.plan.Rehearsal, err = c.rehearse(ctx, s.trial)
		}
		if err != nil {
			return action.Plan{}, coded(err)
		}
		if s.plan.Rehearsal.State != action.Failed || !c.outdated(s) || try == attempts {
			return s.plan, nil
		}
	}
}

// outdated reports whether something was applied since a plan was made.
func (c *Coordinator) outdated(s *sealed) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return s.seq != c.seq
}

func (c *Coordinator) planned(ctx context.Context, request DiffRequest) (*sealed, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for try := 1; ; try++ {
		s, err := c.diff(ctx, request)
		if err == nil || !errors.Is(err, executor.ErrStale) || try == attempts {
			return s, err
		}
	}
}

func (c *Coordinator) diff(ctx context.Context, request DiffRequest) (*sealed, error) {
	if err := c.refresh(ctx, c.options.Watch); err != nil {
		return nil, err
	}
	if c.live.stamp == "" {
		c.live.known = false // what a person is shown is of this moment, where only looking tells
	}
	if err := c.present(); err != nil && !c.options.Watch {
		return nil, err // a page says so beside the plan; a command has only its answer
	}
	if len(request.Contents) > 0 {
		return c.preview(ctx, request)
	}
	paths, err := c.named(request.Files)
	if err != nil {
		return nil, err
	}
	s, err := c.plan(ctx, wish{inputs: c.inputs(paths), answers: request.Answers, name: applyName}, "")
	if err != nil {
		return nil, err
	}
	showHunks(s)
	s.plan.Invalid, s.plan.Unwritten = c.invalid(request.Files), c.unwritten
	return s, nil
}

// preview plans text that is not on disk, as if it were.
func (c *Coordinator) preview(ctx context.Context, request DiffRequest) (*sealed, error) {
	var inputs []action.Input
	problems := []document.Problem{}
	for _, path := range slices.Sorted(maps.Keys(request.Contents)) {
		if _, ok := c.loader.Kind(path); !ok {
			return nil, Errorf(CodeInvalid, "%s is not a document of this project", path)
		}
		doc, wrong := c.loader.Load(path, []byte(request.Contents[path]))
		problems = append(problems, wrong...)
		v := c.applied[path]
		if doc == nil || v != nil && v.Hash == doc.Hash {
			continue
		}
		in := action.Input{Path: path, Kind: doc.Kind, Event: diff.FileAdded, NextVersion: c.number(path) + 1, New: doc, Old: c.appliedDoc(path)}
		if v != nil && v.Hash != "" {
			in.Event, in.BaseVersion = diff.FileModified, v.Number
		}
		inputs = append(inputs, in)
	}
	s, err := c.replan(ctx, wish{inputs: inputs, answers: request.Answers, name: previewName})
	if err != nil {
		return nil, err
	}
	showHunks(s)
	s.plan.Invalid = problems
	return s, nil
}

// refresh catches up with the database and with the files on disk; carefully, so that the middle of a save is not taken
// for its end.
func (c *Coordinator) refresh(ctx context.Context, careful bool) error {
	moved, err := c.moved(ctx)
	if err != nil {
		return err
	}
	if moved {
		if err := c.reload(ctx); err != nil {
			return err
		}
	}
	return c.scan(ctx, careful)
}
