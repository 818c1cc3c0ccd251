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
	"marain/backend/history"
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
	lost  []action.Lost                  // what is out of use and not there any more
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
	for _, gone := range l.lost {
		if s.Differences == 0 {
			s.Message = fmt.Sprintf("what was taken out of use of %s is not there any more", gone.Tombstone.Entity)
		}
		s.Differences++
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
	live, err := c.db.Inspect(ctx, q, append(names, c.buriedTables()...))
	if err != nil {
		return fmt.Errorf("look at the live tables: %w", err)
	}
	files := map[string][]action.Difference{}
	for path, tables := range want {
		if differences := action.Compare(c.db.Dialect(), tables, live); len(differences) > 0 {
			files[path] = differences
		}
	}
	c.live = liveTables{known: true, stamp: stamp, mark: mark, at: time.Now(), files: files, lost: c.lost(live)}
	return nil
}

// buriedTables names the tables that something out of use may lie in.
func (c *Coordinator) buriedTables() []string {
	var names []string
	layout := c.layout()
	for _, t := range c.tombs {
		for _, place := range layout.Places(t) {
			names = append(names, place.Table)
		}
	}
	return names
}

// lost returns what is out of use and not there any more, or not whole.
func (c *Coordinator) lost(live map[string]action.LiveTable) []action.Lost {
	var list []action.Lost
	layout := c.layout()
	for _, t := range c.tombs {
		one := action.Lost{Tombstone: t}
		for _, place := range layout.Places(t) {
			table, there := live[place.Table]
			switch {
			case there && (place.Column == "" || table.Column(place.Column) != nil):
				one.Part = true
			case !place.Maybe:
				one.Missing = append(one.Missing, place)
			}
		}
		if len(one.Missing) > 0 {
			list = append(list, one)
		}
	}
	return list
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
	if err != nil || c.live.summary() == before {
		return err
	}
	if c.overtaken(ctx) {
		c.live = liveTables{}
		return nil // the next look, a moment later, is at one state
	}
	c.publishStatus()
	c.announce()
	return nil
}

// overtaken reports whether another program has committed a batch since the history was read last. On a server a
// transaction that reads sees the rows of one moment, and the tables as they are now: what it finds of tables proves
// nothing then.
func (c *Coordinator) overtaken(ctx context.Context) bool {
	if _, apart := c.db.(database.Marker); !apart {
		return false
	}
	moved, err := c.moved(ctx)
	return err == nil && moved
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
		if w.Kind == history.KindRepair {
			c.live.known = false // what was out of use may be whole again: look
		}
	}
}
