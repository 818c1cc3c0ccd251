package coordinator

import (
	"fmt"
	"maps"
	"slices"

	"marain/backend/action"
	"marain/backend/diff"
	"marain/backend/document"
)

// blockRemovals blocks files that would leave a reference without the content type it points at, or two files for the
// same thing. The files that refer to it stay valid: it is the removal that cannot be.
func (c *Coordinator) blockRemovals(s *sealed) {
	problems := c.wrongAfter(s.inputs)
	for i := range s.drafts {
		in := s.inputs[i]
		for _, problem := range problems {
			hint := problem.Hint
			var message string
			switch {
			case problem.File == in.Path:
				message = problem.Message
			case problem.Code == unknownEntity && in.Old != nil && in.Old.Entity != nil && c.refersTo(problem.File, in.Old.Entity.ID) && lets(in, in.Old.Entity.ID):
				message = fmt.Sprintf("%s refers to %s (line %d): %s", problem.File, in.Old.Entity.ID, problem.Line, problem.Message)
				hint = "Remove the reference first, or in the same apply"
			default:
				continue
			}
			s.drafts[i].File.Blocked = append(s.drafts[i].File.Blocked, action.Block{File: in.Path, Message: message, Hint: hint})
		}
	}
}

// lets reports whether a file lets a content type go.
func lets(in action.Input, id string) bool {
	return in.MovedTo == "" && (in.New == nil || in.New.Entity == nil || in.New.Entity.ID != id)
}

func (c *Coordinator) refersTo(path, id string) bool {
	for _, d := range []*document.Document{c.stands(path), c.appliedDoc(path)} {
		if d == nil || d.Entity == nil {
			continue
		}
		for _, f := range d.Entity.Fields {
			if f.Target == id {
				return true
			}
		}
	}
	return false
}

// wrongAfter returns what would be wrong between the applied files after the given ones were applied.
func (c *Coordinator) wrongAfter(inputs []action.Input) []document.Problem {
	if c.wholeDesired(inputs) {
		return c.between // what the disk says is looked at with every change of it
	}
	after := map[string]*document.Document{}
	for path, v := range c.applied {
		if v.doc != nil {
			after[path] = v.doc
		}
	}
	for _, in := range inputs {
		delete(after, in.Path)
		if in.New != nil {
			after[in.Path] = in.New
		}
	}
	return document.Check(slices.Collect(maps.Values(after)))
}

// wholeDesired reports whether applying the inputs makes the applied files exactly those on disk.
func (c *Coordinator) wholeDesired(inputs []action.Input) bool {
	if len(inputs) != len(c.waiting) || len(c.held) > 0 || len(c.missing) > 0 || c.anyInvalid() {
		return false
	}
	for _, in := range inputs {
		p := c.waiting[in.Path]
		if p == nil || p.doc != in.New {
			return false
		}
	}
	return true
}

func (c *Coordinator) anyInvalid() bool {
	if len(c.cross) > 0 {
		return true
	}
	for _, f := range c.desired {
		if f.doc == nil {
			return true
		}
	}
	return false
}

// markMassRemoval marks a plan in which more than half of the applied files are gone at once: that is rarely meant.
func (c *Coordinator) markMassRemoval(s *sealed) {
	present, gone := 0, 0
	for _, v := range c.applied {
		if v.Hash != "" {
			present++
		}
	}
	for _, in := range s.inputs {
		if in.Event == diff.FileRemoved && in.MovedTo == "" {
			gone++
		}
	}
	if gone*2 <= present || gone < 2 {
		return
	}
	for i := range s.drafts {
		if s.inputs[i].Event != diff.FileRemoved || s.inputs[i].MovedTo != "" {
			continue
		}
		f := &s.drafts[i].File
		f.Changes = append(f.Changes, diff.Head{
			Op: diff.Remove, Category: diff.Breaking, Rule: diff.MostFilesVanished,
			Message: fmt.Sprintf("%d of %d files vanished at once", gone, present),
		})
		f.Category = diff.Breaking
	}
}
