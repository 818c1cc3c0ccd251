package action

import (
	"context"
	"errors"
	"fmt"
	"time"

	"marain/backend/diff"
	"marain/backend/document"
)

// Rows reads the real rows for a check. It never writes.
type Rows interface {
	// Read runs a query and returns at most limit rows by column name.
	Read(ctx context.Context, query string, limit int) ([]map[string]any, error)
}

// Inspect returns those of the named tables that exist.
type Inspect func(ctx context.Context, names []string) (map[string]LiveTable, error)

// Generator turns changes into plans. Its fields are what it may look at; it changes none of them and is not safe for
// concurrent use. One generator plans the files of one batch, in the order in which they are carried out: a name that one
// file lets go is free for the next.
type Generator struct {
	Dialect     Dialect
	Rows        Rows
	Inspect     Inspect
	Bystanders  Bystanders // nil: nothing of another program is looked for
	Names       Names      // nil: nobody looks who has the names that a plan brings
	Environment string
	Lives       map[string]Life   // by entity id: what is in use now
	Tombstones  []Tombstone       // what is out of use and still there
	Origins     map[string]Origin // by tag: what incarnations were filled from
	Target      map[string]Life   // of a rollback: the incarnations to go back to; nil for an apply
	Answers     map[string]string // by question key
	CheckLimit  time.Duration     // how long one check may take

	names *ledger // of the batch
}

// Input is one file to plan.
type Input struct {
	Path        string
	Kind        document.Kind
	Event       diff.Event
	BaseVersion int                // the applied version, 0 for none
	NextVersion int                // the version that an apply will write
	Old, New    *document.Document // nil: not there
	MovedFrom   string             // the file whose content type this one carries on
	Carried     *document.Document // what that file is now; nil without one
	MovedTo     string             // the file that carries this one's content type on
	Held        bool
	Lost        []Lost // of a repair: what is out of use and not there any more
}

// Effects is what an apply of one file changes besides the tables.
type Effects struct {
	Lives    map[string]*Life // by entity id; nil: it ended
	Retired  []Tombstone      // without id and action id, which the batch gives
	Origins  []Origin         // of incarnations that this plan fills from others
	Restored []string         // ids of tombstones that are in use again
	Expect   []Table          // what must be there afterwards
	Gone     []string         // names of tables that must not be there afterwards
}

// Draft is one planned file with what an executor needs to know.
type Draft struct {
	File      File
	Questions []Question
	Effects   Effects
	Removes   bool      // takes something away: never automatic
	Adopts    bool      // every table is there already and is what the file says: nothing changes
	Drift     []Drifted // of a repair: what it mends
}

// File plans one file. The error is one of reading the database; what cannot be planned is a [Block] of the file.
func (g *Generator) File(ctx context.Context, in Input) (Draft, error) {
	w := g.begin(in)
	var err error
	switch {
	case in.MovedFrom != "" || in.MovedTo != "":
		err = w.moved(ctx)
	case in.Kind == document.KindEntity:
		err = w.entity(ctx, entityOf(in.Old), entityOf(in.New))
	case in.Kind == document.KindConfig:
		w.config()
	default:
		w.generic()
	}
	if err != nil {
		return Draft{}, fmt.Errorf("plan %s: %w", in.Path, err)
	}
	w.grade()
	return w.draft, errors.Join(w.room(ctx), w.nameless(ctx), w.names(ctx), w.bystanders(ctx))
}

// begin returns a file with nothing planned yet.
func (g *Generator) begin(in Input) *work {
	return &work{g: g, in: in, physical: map[string]string{}, draft: Draft{
		File: File{
			Path: in.Path, Kind: in.Kind, Event: in.Event, BaseVersion: in.BaseVersion, Held: in.Held,
			Changes: []diff.Head{}, Actions: []Action{}, Checks: []Check{}, Hunks: []diff.Hunk{}, Blocked: []Block{},
		},
		Questions: []Question{},
		Effects:   Effects{Lives: map[string]*Life{}},
	}}
}

// work is one file on its way through the generator.
type work struct {
	g     *Generator
	in    Input
	draft Draft
	// physical has the present names of tables that this plan gives back the name they are asked for under.
	physical map[string]string
}

func entityOf(d *document.Document) *document.Entity {
	if d == nil {
		return nil
	}
	return d.Entity
}

// moved plans the two halves of a content type that goes on in another file: the tables stay as they are. One file may
// be a half of two moves, when files swap what they hold.
func (w *work) moved(ctx context.Context) error {
	own := entityOf(w.in.Old)
	if w.in.MovedTo != "" {
		own = nil
		w.change(diff.EntityAltered{Head: diff.Head{
			Op: diff.Remove, Category: diff.FileMoved.TextCategory(), Rule: diff.FileMoved, Line: 1,
			Message: fmt.Sprintf("The content type goes on in %s", w.in.MovedTo),
		}})
		w.act(Action{Type: Notify, Description: fmt.Sprintf("Follow the content type to %s", w.in.MovedTo)})
	}
	if own != nil {
		w.changes(w.in.Old, nil)
		if err := w.removeEntity(ctx, own); err != nil {
			return err
		}
	}
	w.in.Old = w.in.Carried
	if w.in.MovedFrom == "" {
		return w.entity(ctx, nil, entityOf(w.in.New))
	}
	w.change(diff.EntityAltered{Head: diff.Head{
		Op: diff.Add, Category: diff.FileMoved.TextCategory(), Rule: diff.FileMoved, Line: 1,
		Message: fmt.Sprintf("Carries on the content type of %s", w.in.MovedFrom),
	}})
	return w.entity(ctx, entityOf(w.in.Old), entityOf(w.in.New))
}

func (w *work) config() {
	live := w.in.New != nil && w.in.New.Config.Live || w.in.New == nil && w.in.Old != nil && w.in.Old.Config.Live
	changes := diff.Documents(w.in.Old, w.in.New, diff.Hints{})
	services := []string{}
	for _, c := range changes {
		h := w.change(c)
		if h.Rule == diff.ConfigServiceKey {
			services = append(services, h.Key)
		}
	}
	if len(changes) == 0 || changes[0].Describe().Rule == diff.FormatOnly {
		return
	}
	id := document.KindConfig
	if w.in.New != nil {
		id = document.Kind(w.in.New.Config.ID)
	} else if w.in.Old != nil {
		id = document.Kind(w.in.Old.Config.ID)
	}
	switch {
	case !live:
		w.act(Action{Type: Notify, Description: fmt.Sprintf("Keep the new version; %s is not live in environment %s", id, w.g.Environment)})
	case w.in.New == nil:
		w.act(Action{Type: RemoveConfig, Description: fmt.Sprintf("Take configuration %s out of memory", id)})
	default:
		w.act(Action{Type: UpdateConfig, Description: fmt.Sprintf("Publish configuration %s to the running code", id)})
		for _, key := range services {
			w.act(Action{Type: ReinitialiseService, Description: fmt.Sprintf("Tell the service that reads %s.%s to start anew", id, key)})
		}
	}
}

func (w *work) generic() {
	changes := diff.Documents(w.in.Old, w.in.New, diff.Hints{})
	for _, c := range changes {
		w.change(c)
	}
	if len(changes) > 0 && changes[0].Describe().Rule != diff.FormatOnly {
		w.act(Action{Type: InvalidateCache, Description: fmt.Sprintf("Tell readers that %s is another one", w.in.Path)})
	}
}

// change records a change and returns its head.
func (w *work) change(c diff.Change) diff.Head {
	h := c.Describe()
	if h.Rule.Removes() {
		w.draft.Removes = true
	}
	w.draft.File.Changes = append(w.draft.File.Changes, h)
	return h
}

func (w *work) act(a Action) {
	if a.Up == nil {
		a.Up = []string{}
	}
	if a.Down == nil {
		a.Down = []string{}
	}
	w.draft.File.Actions = append(w.draft.File.Actions, a)
}

// migrate records a migration with its exact inverse.
func (w *work) migrate(description string, up, down []Step) error {
	upSQL, err := Statements(w.g.Dialect, up)
	if err != nil {
		return err
	}
	downSQL, err := Statements(w.g.Dialect, down)
	if err != nil {
		return err
	}
	w.act(Action{Type: DatabaseMigration, Description: description, Up: upSQL, Down: downSQL, Steps: up})
	return nil
}

func (w *work) block(key, message, hint string) {
	w.draft.File.Blocked = append(w.draft.File.Blocked, Block{File: w.in.Path, Key: key, Message: message, Hint: hint})
}

// ask adds a question and returns its answer, its default when there is none, and whether the plan can go on.
func (w *work) ask(q Question) (string, bool) {
	q.File = w.in.Path
	if q.Options == nil {
		q.Options = []string{}
	}
	if q.Samples == nil {
		q.Samples = []string{}
	}
	answer, ok := w.g.Answers[q.Key]
	q.Answered = ok
	w.draft.Questions = append(w.draft.Questions, q)
	if !ok {
		if q.Default == nil {
			return "", false
		}
		return *q.Default, true
	}
	if len(q.Options) > 0 && !contains(q.Options, answer) {
		w.block(q.Key, fmt.Sprintf("%q is no answer to %s", answer, q.Key), fmt.Sprintf("Answer with one of %v", q.Options))
		return "", false
	}
	return answer, true
}

// grade settles the categories: a change has its text grade until a check on the real rows says otherwise.
func (w *work) grade() {
	f := &w.draft.File
	for i := range f.Changes {
		graded := false
		worst := diff.Safe
		for _, c := range f.Checks {
			if c.Key == f.Changes[i].Key && c.Rule == f.Changes[i].Rule {
				graded, worst = true, max(worst, c.Category)
			}
		}
		if f.Changes[i].Rule == diff.CardinalityRaised {
			worst = max(worst, diff.Warning) // its checks are about other rules: the values move in any case
		}
		if graded {
			f.Changes[i].Category = worst
		}
		f.Category = max(f.Category, f.Changes[i].Category)
	}
	if w.open() {
		f.Category = diff.Breaking
	}
}

// open reports whether a question without a default is not answered yet.
func (w *work) open() bool {
	for _, q := range w.draft.Questions {
		if !q.Answered && q.Default == nil {
			return true
		}
	}
	return false
}

func contains(list []string, s string) bool {
	for _, item := range list {
		if item == s {
			return true
		}
	}
	return false
}
