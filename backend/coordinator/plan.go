package coordinator

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
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

// inputs turns waiting or held files into what the generator takes.
func (c *Coordinator) inputs(paths []string) []action.Input {
	var list []action.Input
	for _, path := range paths {
		p := c.waiting[path]
		isHeld := false
		if p == nil {
			if _, isHeld = c.held[path]; isHeld {
				p = c.difference(path)
			}
		}
		if p == nil {
			continue
		}
		n := c.number(path)
		base := n
		if v := c.applied[path]; v != nil && v.Hash == "" {
			base = 0
		}
		list = append(list, action.Input{
			Path: path, Kind: p.kind, Event: p.event, BaseVersion: base, NextVersion: n + 1,
			Old: c.appliedDoc(path), New: p.doc, Held: isHeld,
		})
	}
	pairMoves(list)
	return list
}

// pairMoves finds content types that leave one file and come in another: their tables stay as they are.
func pairMoves(list []action.Input) {
	leaving := map[string]int{}
	for i, in := range list {
		if id := entityID(in.Old); id != "" && id != entityID(in.New) {
			leaving[id] = i
		}
	}
	for i, in := range list {
		id := entityID(in.New)
		if from, ok := leaving[id]; ok && id != entityID(in.Old) {
			list[i].Carried, list[i].MovedFrom = list[from].Old, list[from].Path
			list[from].MovedTo = in.Path
		}
	}
}

// entityID is the id of the content type that a document describes, or empty.
func entityID(d *document.Document) string {
	if d == nil || d.Entity == nil {
		return ""
	}
	return d.Entity.ID
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
	if !maps.Equal(w.answers, s.wish.answers) {
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

// order puts files in the order in which they are carried out: what leaves first, then content types after those that
// they refer to, then everything else, equal ones by path. The same files always give the same plan.
func (c *Coordinator) order(list []action.Input) {
	slices.SortFunc(list, func(a, b action.Input) int { return cmp.Compare(a.Path, b.Path) })
	depth := depths(list)
	slices.SortStableFunc(list, func(a, b action.Input) int { return cmp.Compare(depth[a.Path], depth[b.Path]) })
}

// depths numbers files: 0 for what leaves, 1 and up for content types by the longest chain of references to others of
// the same plan, and the highest for the rest. A cycle is cut where it was entered.
func depths(list []action.Input) map[string]int {
	byID := map[string]action.Input{}
	for _, in := range list {
		if in.New != nil && in.New.Entity != nil {
			byID[in.New.Entity.ID] = in
		}
	}
	depth := map[string]int{}
	var visit func(in action.Input) int
	visit = func(in action.Input) int {
		if d, ok := depth[in.Path]; ok {
			return d
		}
		depth[in.Path] = 1
		deepest := 1
		for _, f := range in.New.Entity.Fields {
			if other, ok := byID[f.Target]; ok && other.Path != in.Path {
				deepest = max(deepest, visit(other)+1)
			}
		}
		depth[in.Path] = deepest
		return deepest
	}
	for _, in := range list {
		switch {
		case in.New == nil:
			depth[in.Path] = 0
		case in.New.Entity != nil:
			visit(in)
		default:
			depth[in.Path] = len(list) + 1
		}
	}
	return depth
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
	s.plan.Invalid = c.invalid(request.Files)
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

// named returns the files that a request is about: those it names with what they need, or all that wait. A named file must be one that
// waits, is held, is invalid or is in sync.
func (c *Coordinator) named(files []string) ([]string, error) {
	if len(files) == 0 {
		return slices.Sorted(maps.Keys(c.waiting)), nil
	}
	list := slices.Clone(files)
	slices.Sort(list)
	list = slices.Compact(list)
	for _, path := range list {
		if c.desired[path] == nil && c.applied[path] == nil {
			return nil, Errorf(CodeNotFound, "there is no file %s in this project", path)
		}
	}
	return c.complete(list), nil
}
