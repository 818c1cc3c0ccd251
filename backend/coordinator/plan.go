package coordinator

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/diff"
	"marain/backend/document"
	"marain/backend/executor"
)

// hunkContext is how many equal lines stand around a change in a side-by-side view.
const hunkContext = 3

// sealed is a plan with everything that an apply needs to prove that it is still true.
type sealed struct {
	wish    wish
	plan    action.Plan
	drafts  []action.Draft
	inputs  []action.Input
	tables  []string // every table that was looked at
	seal    string   // what they looked like
	shape   string   // what those looked like that the files are about, whatever was answered
	stamp   string   // the database's own mark of them
	seq     int64    // the newest link of the audit chain then
	earlier bool     // it was made for an earlier request, so the rows may be others by now
	trial   *trial   // its rehearsal when that is still to be made; nil: the plan says what came of it
}

// The kinds of plan.
const (
	applyName    = "apply"
	rollbackName = "rollback"
	previewName  = "preview"
)

// wish is what a plan is made for.
type wish struct {
	inputs  []action.Input
	target  map[string]action.Life // of a rollback
	answers map[string]string
	name    string // what kind of plan, so that an apply's id is never a rollback's
	asked   bool   // by somebody, who waits for it: all live tables are looked at, whatever that costs
}

// again returns the plan that was looked at under an id, while nothing it was made from is another one and nothing
// stands in its way: an approval need not count all rows a second time. What decides is proved again inside the
// transaction in any case.
func (c *Coordinator) again(w wish, id string) *sealed {
	s := c.looked
	if s == nil || id == "" || s.plan.ID != id || s.seq != c.seq || s.wish.name != w.name || len(s.inputs) != len(w.inputs) {
		return nil
	}
	c.order(w.inputs)
	for i, in := range w.inputs {
		if !sameInput(in, s.inputs[i]) || len(s.drafts[i].File.Blocked) > 0 {
			return nil
		}
	}
	if !maps.Equal(w.answers, s.wish.answers) || !maps.EqualFunc(w.target, s.wish.target, sameLife) {
		return nil
	}
	return s
}

func sameInput(a, b action.Input) bool {
	hash := func(d *document.Document) string {
		if d == nil {
			return ""
		}
		return d.Hash
	}
	return a.Path == b.Path && a.NextVersion == b.NextVersion && a.Held == b.Held && a.MovedTo == b.MovedTo && a.MovedFrom == b.MovedFrom &&
		hash(a.Old) == hash(b.Old) && hash(a.New) == hash(b.New) && hash(a.Carried) == hash(b.Carried)
}

// plan makes the plan of a wish on one state of the database, or takes the one that was looked at under an id.
func (c *Coordinator) plan(ctx context.Context, w wish, id string) (*sealed, error) {
	if s := c.again(w, id); s != nil {
		s.earlier = true
		c.looked = nil // used once: whatever comes of it, the next one looks at the rows
		return s, nil
	}
	w.asked = true
	s, err := c.replan(ctx, w)
	c.looked = s
	return s, err
}

// replan makes the plan of a wish on one state of the database.
func (c *Coordinator) replan(ctx context.Context, w wish) (*sealed, error) {
	c.order(w.inputs)
	s := &sealed{wish: w, inputs: w.inputs, seq: c.seq}
	unprepared, known := c.unprepared(ctx), c.live.summary()
	err := c.db.Read(ctx, func(q database.Querier) error {
		// What is in memory and what is read now must be of one moment, or the plan would compare two.
		seq, _, err := c.head(ctx, q, unprepared)
		if err != nil {
			return err
		}
		if seq != c.seq {
			return fmt.Errorf("another batch was applied since: %w", executor.ErrStale)
		}
		if s.stamp, err = c.db.Stamp(ctx, q); err != nil {
			return err
		}
		if !unprepared && (!c.live.known || c.live.stamp != s.stamp || s.stamp == "" && w.asked) {
			if err := c.look(ctx, q); err != nil {
				return err
			}
		}
		inspect := &inspector{db: c.db, q: q, live: map[string]action.LiveTable{}, seen: map[string]bool{}}
		generator := &action.Generator{
			Dialect: c.db.Dialect(), Rows: database.Reader{Querier: q}, Environment: c.project.Environment,
			Lives: c.lives, Tombstones: c.tombs, Origins: c.origins, Target: w.target, Answers: w.answers, CheckLimit: c.options.CheckLimit,
			Inspect: inspect.tables,
			Bystanders: func(ctx context.Context, tables []string) ([]action.Bystander, error) {
				return c.db.Bystanders(ctx, q, tables)
			},
			Names: func(ctx context.Context, names []string) (map[string]action.Holder, error) {
				return c.db.Names(ctx, q, names)
			},
		}
		for _, in := range w.inputs {
			draft, err := c.draftOf(ctx, generator, w, in)
			if err != nil {
				return err
			}
			if v := c.applied[in.Path]; v != nil && v.Hash != "" && v.doc == nil {
				draft = unreadable(in, v)
			}
			s.drafts = append(s.drafts, draft)
		}
		names := ownTables(w.inputs)
		own, err := inspect.tables(ctx, names)
		if err != nil {
			return err
		}
		s.shape = action.Fingerprint(names, own)
		s.tables = slices.Sorted(maps.Keys(inspect.seen))
		s.seal = action.Fingerprint(s.tables, inspect.live)
		return nil
	})
	if (err != nil || c.live.summary() != known) && ctx.Err() == nil && c.overtaken(ctx) {
		c.live = liveTables{}
		return nil, fmt.Errorf("another batch was applied while this one was planned: %w", executor.ErrStale)
	}
	if c.live.summary() != known { // whoever looks first tells everybody
		c.publishStatus()
		c.announce()
	}
	if err != nil {
		return nil, err
	}
	c.compose(s, w)
	return s, nil
}

// draftOf plans one file of a wish.
func (c *Coordinator) draftOf(ctx context.Context, g *action.Generator, w wish, in action.Input) (action.Draft, error) {
	switch w.name {
	case repairName:
		return g.Repair(ctx, in, c.seq+1)
	case adoptName:
		return g.Adopt(ctx, in, c.seq+1)
	default:
		return g.File(ctx, in)
	}
}

// ownTables names the tables of the content types that the files describe or described.
func ownTables(list []action.Input) []string {
	var names []string
	for _, in := range list {
		for _, d := range []*document.Document{in.Old, in.New, in.Carried} {
			if d != nil && d.Entity != nil {
				names = append(names, action.TableNames(action.Tables(d.Entity))...)
			}
		}
	}
	return names
}

// unreadable is the plan of a file whose applied version cannot be read: nothing is built on what is not known.
func unreadable(in action.Input, v *version) action.Draft {
	message := fmt.Sprintf("Its applied version %d cannot be read by this program", v.Number)
	return action.Draft{
		File: action.File{
			Path: in.Path, Kind: in.Kind, Event: in.Event, BaseVersion: in.BaseVersion, Category: diff.Breaking, Held: in.Held,
			Changes: []diff.Head{{Op: diff.Modify, Category: diff.Breaking, Rule: diff.UnknownRule, Message: message, Line: 1}},
			Actions: []action.Action{}, Checks: []action.Check{}, Hunks: []diff.Hunk{},
			Blocked: []action.Block{{File: in.Path, Message: message, Hint: "Run marain verify: it says what is wrong with it"}},
		},
		Removes: true,
	}
}

// inspector looks at each live table once for a whole plan.
type inspector struct {
	db   database.Database
	q    database.Querier
	live map[string]action.LiveTable
	seen map[string]bool
}

func (i *inspector) tables(ctx context.Context, names []string) (map[string]action.LiveTable, error) {
	var unknown []string
	for _, name := range names {
		if !i.seen[name] {
			unknown = append(unknown, name)
		}
	}
	found, err := i.db.Inspect(ctx, i.q, unknown)
	if err != nil {
		return nil, err
	}
	for _, name := range unknown {
		i.seen[name] = true
	}
	maps.Copy(i.live, found)
	result := map[string]action.LiveTable{}
	for _, name := range names {
		if t, ok := i.live[name]; ok {
			result[name] = t
		}
	}
	return result, nil
}

// head returns the newest link of the audit chain, none where there is no history.
func (c *Coordinator) head(ctx context.Context, q database.Querier, unprepared bool) (int64, string, error) {
	if unprepared {
		return 0, "", nil
	}
	return c.store.Head(ctx, q)
}

// compose puts the drafts together, blocks what cannot stand together, and seals the whole.
func (c *Coordinator) compose(s *sealed, w wish) {
	c.blockRemovals(s)
	c.markMassRemoval(s)
	s.plan = action.Plan{
		Files: []action.File{}, Questions: []action.Question{}, Invalid: []document.Problem{},
	}
	for _, d := range s.drafts {
		s.plan.Files = append(s.plan.Files, d.File)
		s.plan.Questions = append(s.plan.Questions, d.Questions...)
		s.plan.Category = max(s.plan.Category, d.File.Category)
	}
	s.plan.ID = c.planID(s, w)
	s.plan.Rehearsal, s.trial = c.forecast(s, everyFile(s), w.name)
}

// planID is a hash of what the plan was made from - the contents, the versions they start from and the live tables - and
// of what it would do: its statements, and what the checks say of the rows. See [Coordinator.meant] for answers.
func (c *Coordinator) planID(s *sealed, w wish) string {
	type from struct {
		Path         string
		Base         int
		Before, Next string
	}
	var all []from
	for _, in := range s.inputs {
		f := from{Path: in.Path, Base: in.NextVersion}
		if v := c.applied[in.Path]; v != nil {
			f.Before = v.Hash
		}
		if in.New != nil {
			f.Next = in.New.Hash
		}
		all = append(all, f)
	}
	var does []string
	for _, d := range s.drafts {
		for _, a := range d.File.Actions {
			does = append(does, a.Up...)
		}
		for _, check := range d.File.Checks {
			does = append(does, check.Key, string(check.Rule), string(check.Verdict))
		}
	}
	// Only strings and numbers go in: writing them as JSON cannot fail.
	text, _ := json.Marshal(struct {
		Name   string
		Files  []from
		Target map[string]action.Life
		Seal   string
		Does   []string
	}{w.name, all, w.target, s.shape, does})
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// meant reports whether an approved id is that of a plan: as it is with its answers, or as it was before anything was
// answered - the plan that asks is the one that is approved with its answers.
func (c *Coordinator) meant(ctx context.Context, s *sealed, id string) (bool, error) {
	if id == "" || id == s.plan.ID {
		return true, nil
	}
	if len(s.wish.answers) == 0 {
		return false, nil
	}
	bare := s.wish
	bare.answers = nil
	asked, err := c.replan(ctx, bare)
	return err == nil && asked.plan.ID == id, err
}
