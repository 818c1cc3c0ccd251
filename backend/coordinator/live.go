package coordinator

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/executor"
)

// liveTables is what is known of the live tables: where they differ from the applied documents. While the database's
// own mark of them is the same, so are they.
type liveTables struct {
	known bool
	stamp string
	files map[string][]action.Difference // by path; those whose tables are as they should be are left out
}

// summary says how many differences there are.
func (l *liveTables) summary() DriftStatus {
	s := DriftStatus{}
	for _, path := range slices.Sorted(maps.Keys(l.files)) {
		for _, d := range l.files[path] {
			if s.Differences == 0 {
				s.Message = d.Table + ": " + d.Message
			}
			s.Differences++
		}
	}
	if s.Differences > 1 {
		s.Message += fmt.Sprintf(", and %d more", s.Differences-1)
	}
	return s
}

// look compares all live tables with the applied documents.
func (c *Coordinator) look(ctx context.Context, q database.Querier) error {
	stamp, err := c.db.Stamp(ctx, q)
	if err != nil {
		return err
	}
	var names []string
	want := map[string][]action.Table{}
	for path, v := range c.applied {
		if v.doc == nil || v.doc.Entity == nil {
			continue
		}
		want[path] = action.Tables(v.doc.Entity)
		names = append(names, action.TableNames(want[path])...)
	}
	live, err := c.db.Inspect(ctx, q, names)
	if err != nil {
		return fmt.Errorf("look at the live tables: %w", err)
	}
	files := map[string][]action.Difference{}
	for path, tables := range want {
		if differences := action.Compare(c.db.Dialect(), tables, live); len(differences) > 0 {
			files[path] = differences
		}
	}
	c.live = liveTables{known: true, stamp: stamp, files: files}
	return nil
}

// lookAgain compares all live tables when the database says that somebody changed any, and tells everybody what it
// found.
func (c *Coordinator) lookAgain(ctx context.Context) error {
	if c.unprepared(ctx) {
		return nil
	}
	before := c.live.summary()
	err := c.db.Read(ctx, func(q database.Querier) error {
		stamp, err := c.db.Stamp(ctx, q)
		if err != nil || c.live.known && c.live.stamp == stamp {
			return err
		}
		return c.look(ctx, q)
	})
	if err == nil && c.live.summary() != before {
		c.publishStatus()
		c.announce()
	}
	return err
}

// changedTables takes over what a committed batch did to the tables: the executor has proved that those of its files
// are what they should be.
func (c *Coordinator) changedTables(w executor.Work, outcome executor.Outcome) {
	if !c.live.known || w.Stamp != c.live.stamp || outcome.Stamp == "" {
		c.live.known = false
		return
	}
	c.live.stamp = outcome.Stamp
	for _, f := range w.Files {
		delete(c.live.files, f.Draft.File.Path)
	}
}
