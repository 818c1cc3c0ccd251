package coordinator

import (
	"context"
	"maps"
	"slices"
	"time"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/document"
	"marain/backend/history"
)

// takeOver records, at the first start on a database, content types whose tables are all there and are what their files
// say: nothing changes, so nobody has to be asked, whatever the policy. The rest waits like any change.
func (c *Coordinator) takeOver(ctx context.Context) {
	if c.options.ReadOnly || c.suspect != "" || c.seq != 0 {
		return
	}
	paths, err := c.tablesThere(ctx)
	if err != nil || len(paths) == 0 {
		c.takeOverFailed(err)
		return
	}
	began := time.Now()
	s, err := c.plan(ctx, wish{inputs: c.inputs(paths), name: "apply"}, "")
	if err != nil {
		c.takeOverFailed(err)
		return
	}
	var chosen []int
	for i, d := range s.drafts {
		if d.Adopts && len(d.Questions) == 0 && len(d.File.Blocked) == 0 {
			chosen = append(chosen, i)
		}
	}
	if chosen = c.consistent(s, chosen); len(chosen) == 0 {
		return
	}
	w := c.work(s, chosen, Actor{}, began)
	w.Kind, w.Actor = history.KindApply, "auto"
	w.Record.Summary = "Take over " + plural(len(chosen), "content type") + " as the tables are"
	if _, err := c.run(ctx, s, w); err != nil {
		c.takeOverFailed(err)
	}
}

func (c *Coordinator) takeOverFailed(err error) {
	if err != nil {
		c.log.Error("take over what is there", "error", err)
	}
}

// tablesThere returns the files that wait and describe content types whose tables are there.
func (c *Coordinator) tablesThere(ctx context.Context) ([]string, error) {
	var paths []string
	err := c.db.Read(ctx, func(q database.Querier) error {
		names, err := c.db.TableNames(ctx, q)
		for _, path := range slices.Sorted(maps.Keys(c.waiting)) {
			p := c.waiting[path]
			if p.kind == document.KindEntity && p.doc != nil && slices.Contains(names, action.Tables(p.doc.Entity)[0].Name) {
				paths = append(paths, path)
			}
		}
		return err
	})
	return paths, err
}
