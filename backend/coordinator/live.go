package coordinator

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/executor"
)

// How often all live tables are looked at where the database has no stamp that tells whether that is needed.
const (
	lookAtMost  = 3 * time.Second
	lookAtLeast = time.Minute
)

// liveTables is what is known of the live tables: where they differ from the applied documents. While the database's
// own stamp of them is the same, so are they.
type liveTables struct {
	known bool
	stamp string
	mark  string                         // where there is no stamp: what tells a little later that something changed
	at    time.Time                      // when all of them were looked at last
	files map[string][]action.Difference // by path; those whose tables are as they should be are left out
}

// fresh reports whether nothing needs to be looked at, by what the database says of its tables now.
func (l *liveTables) fresh(stamp, mark string) bool {
	switch age := time.Since(l.at); {
	case !l.known:
		return false
	case stamp != "" || l.stamp != "":
		return stamp == l.stamp
	case mark != l.mark:
		return age < lookAtMost
	default:
		return age < lookAtLeast
	}
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
	stamp, mark, err := c.marks(ctx, q)
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
	c.live = liveTables{known: true, stamp: stamp, mark: mark, at: time.Now(), files: files}
	return nil
}

// marks returns what the database says of its tables: a stamp, or only a mark that follows a little later.
func (c *Coordinator) marks(ctx context.Context, q database.Querier) (stamp, mark string, err error) {
	if stamp, err = c.db.Stamp(ctx, q); err != nil || stamp != "" {
		return stamp, "", err
	}
	if marker, ok := c.db.(database.Marker); ok {
		mark, err = marker.Mark(ctx, q)
	}
	return "", mark, err
}

// lookAgain compares all live tables when the database says that somebody changed any, and tells everybody what it
// found.
func (c *Coordinator) lookAgain(ctx context.Context) error {
	if c.unprepared(ctx) {
		return nil
	}
	before := c.live.summary()
	err := c.db.Read(ctx, func(q database.Querier) error {
		stamp, mark, err := c.marks(ctx, q)
		if err != nil || c.live.fresh(stamp, mark) {
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
	if !c.live.known || w.Stamp != c.live.stamp || outcome.Stamp == "" && c.live.stamp != "" {
		c.live.known = false
		return
	}
	c.live.stamp = outcome.Stamp
	for _, f := range w.Files {
		delete(c.live.files, f.Draft.File.Path)
	}
}
