package coordinator

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"marain/backend/action"
	"marain/backend/diff"
	"marain/backend/executor"
	"marain/backend/history"
)

// automatic applies what the policy allows: never anything that removes, that asks, that is blocked or held. Whatever
// the policy, files that do not fit together wait.
func (c *Coordinator) automatic(ctx context.Context) {
	if c.suspect != "" {
		return
	}
	limit, any := c.policyLimit()
	if !any {
		c.gradePending(ctx)
		return
	}
	began := time.Now()
	for try := 1; try <= attempts; try++ {
		s, err := c.replan(ctx, wish{inputs: c.inputs(slices.Sorted(maps.Keys(c.waiting))), name: applyName})
		if err == nil {
			c.regrade(s)
			chosen := c.consistent(s, c.untried(s, allowed(s, limit)))
			if len(chosen) == 0 {
				return
			}
			w := c.work(s, chosen, Actor{}, began)
			w.Kind, w.Actor = history.KindApply, auto
			c.rehearsals.makeWay()
			if _, err = c.run(ctx, s, w); errors.As(err, new(*cancelled)) {
				c.refuse(w) // a person is against it: it waits until it changes or somebody asks for it
			}
		}
		var refusal *executor.StatementError
		if errors.As(err, &refusal) {
			// The database refused one file: it waits until it changes, and the others do not wait for it.
			c.refused[refusal.Path] = c.desiredHash(refusal.Path)
			try = 0
			continue
		}
		if !errors.Is(err, executor.ErrStale) {
			if err != nil {
				c.log.Error("apply what the policy allows", "error", err)
			}
			return // a failure is recorded and announced; the files go on waiting
		}
		if err := c.refresh(ctx, true); err != nil {
			c.log.Error("plan again", "error", err)
			return
		}
	}
}

// policyLimit returns up to which category the policy applies without asking, and false when it never does.
func (c *Coordinator) policyLimit() (limit diff.Category, any bool) {
	switch c.settings().AutoApply {
	case "none":
		return diff.Safe, false
	case "all":
		return diff.Breaking, true
	}
	return diff.Safe, true
}

// refuse keeps what a batch would have applied from being applied automatically again.
func (c *Coordinator) refuse(w executor.Work) {
	for _, f := range w.Files {
		path := f.Draft.File.Path
		c.refused[path] = c.desiredHash(path)
	}
}

// untried leaves out what the database refused, or a person cancelled, before in just this content, and files that are
// about to be put back: what is in them was decided against.
func (c *Coordinator) untried(s *sealed, chosen []int) []int {
	return slices.DeleteFunc(chosen, func(i int) bool {
		path := s.inputs[i].Path
		hash, refused := c.refused[path]
		return refused && hash == c.desiredHash(path) || slices.ContainsFunc(c.unwritten, func(u action.Unwritten) bool { return u.File == path })
	})
}

func (c *Coordinator) desiredHash(path string) string {
	if f := c.desired[path]; f != nil {
		return f.Hash
	}
	return ""
}

// allowed returns the indexes of the files that need no person.
func allowed(s *sealed, limit diff.Category) []int {
	var list []int
	for i, d := range s.drafts {
		if d.File.Category <= limit && !d.Removes && !d.File.Held && len(d.Questions) == 0 && len(d.File.Blocked) == 0 &&
			s.inputs[i].MovedFrom == "" && s.inputs[i].MovedTo == "" {
			list = append(list, i)
		}
	}
	return list
}

// consistent drops files until the applied files fit together after the rest was applied.
func (c *Coordinator) consistent(s *sealed, chosen []int) []int {
	for len(chosen) > 0 {
		wrong := map[string]bool{}
		for _, p := range c.wrongAfter(picked(s, chosen)) {
			wrong[p.File] = true
		}
		rest := slices.DeleteFunc(slices.Clone(chosen), func(i int) bool { return wrong[s.inputs[i].Path] })
		if len(rest) == len(chosen) {
			return rest
		}
		chosen = rest
	}
	return nil
}

// gradePending grades what waits by the checks on the real rows.
func (c *Coordinator) gradePending(ctx context.Context) {
	ungraded := slices.ContainsFunc(slices.Collect(maps.Values(c.waiting)), func(p *pending) bool { return !p.planned })
	if !ungraded {
		return
	}
	s, err := c.replan(ctx, wish{inputs: c.inputs(slices.Sorted(maps.Keys(c.waiting))), name: applyName})
	if err != nil {
		c.log.Error("grade what waits", "error", err)
		return
	}
	c.regrade(s)
}

// regrade takes the grades of a plan over into what waits.
func (c *Coordinator) regrade(s *sealed) {
	for _, d := range s.drafts {
		if p := c.waiting[d.File.Path]; p != nil {
			p.changes, p.planned = d.File.Changes, true
		}
	}
	c.publishStatus()
}
