package coordinator_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"marain/backend/action"
	"marain/backend/coordinator"
	"marain/backend/database"
	"marain/backend/event"
)

const mailPath = "config/config.mail.yaml"

// watched is a database that tells how often it was copied, and can be made to write something else than it should.
type watched struct {
	database.Database
	copies atomic.Int64
	ahead  atomic.Pointer[func()]                                              // runs before each copy
	wrong  atomic.Pointer[action.Dialect]                                      // instead of its own
	during atomic.Pointer[func(ctx context.Context, s database.Scratch) error] // runs before what a copy is for
}

var _ database.Database = (*watched)(nil)

func (w *watched) Dialect() action.Dialect {
	if wrong := w.wrong.Load(); wrong != nil {
		return *wrong
	}
	return w.Database.Dialect()
}

func (w *watched) Scratch(ctx context.Context, c database.Copy, fn func(database.Scratch) error) error {
	w.copies.Add(1)
	if ahead := w.ahead.Load(); ahead != nil {
		(*ahead)()
	}
	return w.Database.Scratch(ctx, c, func(s database.Scratch) error {
		if during := w.during.Load(); during != nil {
			if err := (*during)(ctx, s); err != nil {
				return err
			}
		}
		return fn(s)
	})
}

// watched opens the project anew on a watched database.
func (b *bench) watched(watch bool) *watched {
	b.t.Helper()
	w := &watched{}
	b.through(watch, func(db database.Database) database.Database { w.Database = db; return w })
	return w
}

// through opens the project anew with something between it and its database.
func (b *bench) through(watch bool, wrap func(database.Database) database.Database) {
	b.t.Helper()
	if err := b.c.Close(); err != nil {
		b.t.Fatal(err)
	}
	b.c = b.openWith(func(o *coordinator.Options) { o.Watch = watch; o.WrapDatabase(wrap) })
}

// forget makes the dialect write nothing for one kind of step; nil: it is right again.
func (w *watched) forget(forgets func(action.Step) bool) {
	if forgets == nil {
		w.wrong.Store(nil)
		return
	}
	var wrong action.Dialect = forgetful{w.Database.Dialect(), forgets}
	w.wrong.Store(&wrong)
}

// forgetful is a dialect that writes nothing for one kind of step.
type forgetful struct {
	action.Dialect
	forgets func(action.Step) bool
}

func (d forgetful) Statements(s action.Step) ([]string, error) {
	if d.forgets(s) {
		return nil, nil
	}
	return d.Dialect.Statements(s)
}

func TestAWrongInverseIsCaughtBeforeTheApproval(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text", "required: true"))})
	b.apply(coordinator.ReloadRequest{Approve: "breaking"})
	b.sql(`INSERT INTO content_note (id, a) VALUES ('1', 'x')`)
	w := b.watched(false)
	w.forget(func(s action.Step) bool { _, ok := s.(action.SetNotNull); return ok })
	b.write(notePath, entity("note", f("a text")))
	const reason = "column a allows empty values and did not"
	plan := b.plan()
	if plan.Rehearsal.State != action.Failed || !strings.Contains(plan.Rehearsal.Message, reason) {
		t.Fatalf("%+v", plan.Rehearsal)
	}
	before := b.everything()
	own := b.reloadRefused(coordinator.ReloadRequest{PlanID: plan.ID, Approve: "breaking"}, coordinator.CodeBlocked)
	if !strings.Contains(own.Message, "the rehearsal failed: ") || !strings.Contains(own.Message, reason) {
		t.Errorf("%s", own.Message)
	}
	if block, ok := own.Details[0].(action.Block); len(own.Details) != 1 || !ok || block.File != notePath || block.Message != plan.Rehearsal.Message || block.Hint == "" {
		t.Errorf("%+v", own.Details)
	}
	own = b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking", DryRun: true}, coordinator.CodeBlocked)
	if shown, ok := own.Details[len(own.Details)-1].(action.Plan); !ok || shown.ID != plan.ID || shown.Rehearsal.State != action.Failed {
		t.Errorf("a dry run does not show the plan: %+v", own.Details)
	}
	if b.everything() != before {
		t.Error("something was changed")
	}
	// Once the way back is right, the very same plan goes through.
	w.forget(nil)
	result := b.apply(coordinator.ReloadRequest{PlanID: b.plan().ID, Approve: "breaking"})
	b.inSync()

	// The way back is a plan of its own, with a rehearsal of its own.
	w.forget(func(s action.Step) bool { _, ok := s.(action.DropNotNull); return ok })
	for _, dryRun := range []bool{true, false} {
		own := b.rollbackRefused(coordinator.RollbackRequest{ActionID: result.ActionID, DryRun: dryRun}, coordinator.CodeBlocked)
		if !strings.Contains(own.Message, "column a refuses empty values and did not") {
			t.Errorf("%s", own.Message)
		}
	}
	w.forget(nil)
	shown := b.rollback(coordinator.RollbackRequest{ActionID: result.ActionID, DryRun: true})
	if shown.Plan == nil || shown.Plan.Rehearsal.State != action.Proved || len(shown.Plan.Rehearsal.Legs) != 3 || shown.Plan.Rehearsal.Rows != 1 {
		t.Errorf("%+v", shown.Plan)
	}
	b.rollback(coordinator.RollbackRequest{ActionID: result.ActionID, PlanID: shown.Plan.ID})
	b.inSync()
}

func TestAPlanIsRehearsedOnceAndOnlyWhenSomebodyDecides(t *testing.T) {
	t.Parallel()
	b := newBench(t, "safe", map[string]string{notePath: entity("note", f("a text"), f("b text"))})
	b.apply(coordinator.ReloadRequest{})
	w := b.watched(false)
	rehearsed := func(what string, want int64) {
		t.Helper()
		if got := w.copies.Swap(0); got != want {
			t.Errorf("%s: %d rehearsals, want %d", what, got, want)
		}
	}
	// What the policy applies by itself is not rehearsed, by no door.
	b.write(notePath, entity("note", f("a text"), f("b text"), f("c text")))
	if plan := b.plan(); plan.Rehearsal.State != action.NotNeeded || !strings.Contains(plan.Rehearsal.Message, "without asking") {
		t.Errorf("%+v", plan.Rehearsal)
	}
	b.apply(coordinator.ReloadRequest{})
	rehearsed("a safe change", 0)

	b.write(notePath, entity("note", f("a text"), f("c text")))
	plan := b.plan()
	if plan.Rehearsal.State != action.Proved {
		t.Errorf("%+v", plan.Rehearsal)
	}
	rehearsed("looking", 1)
	b.plan()
	b.apply(coordinator.ReloadRequest{PlanID: plan.ID, Approve: "breaking", DryRun: true})
	removed := b.apply(coordinator.ReloadRequest{PlanID: plan.ID, Approve: "breaking"})
	rehearsed("looking again, trying and approving", 0)

	b.write(notePath, entity("note", f("c text")))
	b.apply(coordinator.ReloadRequest{Approve: "breaking"})
	rehearsed("approving without looking", 1)
	b.rollback(coordinator.RollbackRequest{To: removed.ActionID, DryRun: true})
	rehearsed("looking at a way back", 1)
	b.rollback(coordinator.RollbackRequest{To: removed.ActionID})
	rehearsed("going it", 0)

	// What cannot be approved as it stands, or is only words, is not rehearsed.
	b.write(notePath, entity("note", f("a text"), f("d text")))
	if plan := b.plan(); plan.Rehearsal.State != action.NotRun || !strings.Contains(plan.Rehearsal.Message, "a question must be answered first") {
		t.Errorf("%+v", plan.Rehearsal)
	}
	rehearsed("an open question", 0)
	answered, err := b.c.Diff(context.Background(), coordinator.DiffRequest{Answers: map[string]string{"rename:note.d": "renamed"}})
	if err != nil || answered.Rehearsal.State != action.Proved {
		t.Errorf("%+v, %v", answered.Rehearsal, err)
	}
	rehearsed("an answered one", 1)
	preview, err := b.c.Diff(context.Background(), coordinator.DiffRequest{Contents: map[string]string{notePath: entity("note", f("a text"))}})
	if err != nil || preview.Rehearsal.State != action.NotRun {
		t.Errorf("%+v, %v", preview.Rehearsal, err)
	}
	b.write(notePath, "# words\n"+entity("note", f("a text"), f("c text")))
	if plan := b.plan(); plan.Rehearsal.State != action.NotNeeded {
		t.Errorf("%+v", plan.Rehearsal)
	}
	rehearsed("words", 0)
}

// A rehearsal that takes long holds up nobody else, and one that cannot be finished stands in nobody's way.
func TestARehearsalHoldsUpNobody(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text"), f("b text"))})
	b.apply(coordinator.ReloadRequest{})
	w := b.watched(false)
	began, goOn := make(chan struct{}), make(chan struct{})
	during := func(context.Context, database.Scratch) error {
		began <- struct{}{}
		<-goOn
		return errors.New("no room")
	}
	w.during.Store(&during)
	b.write(notePath, entity("note", f("a text")))
	applied := make(chan error)
	go func() {
		_, err := b.c.Reload(context.Background(), coordinator.ReloadRequest{Approve: "breaking"}, person)
		applied <- err
	}()
	<-began
	// Everything that takes the coordinator's lock, an apply of something else included.
	b.write(mailPath, "id: mail\nvalues: {a: 1}\n")
	b.apply(coordinator.ReloadRequest{Files: []string{mailPath}})
	if _, err := b.c.Verify(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.during.Store(nil)
	goOn <- struct{}{}
	if err := <-applied; err != nil {
		t.Errorf("a rehearsal that could not be made blocked an approval: %v", err)
	}
	b.inSync()
}

// What is applied by itself is applied while a rehearsal runs, also on the same table; the rehearsal begins anew.
func TestAnAutomaticApplyDoesNotWaitForARehearsal(t *testing.T) {
	t.Parallel()
	b := newBench(t, "safe", map[string]string{notePath: entity("note", f("a text"), f("b text"))})
	b.apply(coordinator.ReloadRequest{})
	w := b.watched(true)
	events := b.c.Subscribe(0, true)
	defer events.Close()
	b.write(notePath, entity("note", f("a text"))) // a removal waits for a person
	for e := range events.C() {
		if e.Type == event.Changes {
			break
		}
	}
	began := make(chan struct{})
	during := func(ctx context.Context, _ database.Scratch) error {
		began <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}
	w.during.Store(&during)
	type looked struct {
		plan action.Plan
		err  error
	}
	done := make(chan looked)
	go func() {
		plan, err := b.c.Diff(context.Background(), coordinator.DiffRequest{})
		done <- looked{plan, err}
	}()
	<-began
	w.during.Store(nil)
	b.write(notePath, entity("note", f("a text"), f("b text"), f("c text")))
	for e := range events.C() {
		if e.Type == event.Applied {
			break
		}
	}
	if !slices.Contains(b.columns("content_note"), "c") {
		t.Error("it was not applied")
	}
	// What was looked at is over by now: it is planned anew, and nothing is left to do.
	if l := <-done; l.err != nil || l.plan.Rehearsal.State == action.Failed {
		t.Errorf("%+v, %v", l.plan.Rehearsal, l.err)
	}
	if n := w.copies.Load(); n != 2 {
		t.Errorf("%d rehearsals", n)
	}
}

// An approval of what nobody looked at rehearses it first. Where the plan becomes another one each time, it gives up after
// a few, says why, and nothing is changed.
func TestAPlanThatChangesWhileItIsRehearsed(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text"), f("b text"))})
	b.apply(coordinator.ReloadRequest{})
	removed := b.save(notePath, entity("note", f("a text")))
	w := b.watched(false)
	n, most, columns := 0, 3, 0
	ahead := func() {
		if n++; n <= most {
			columns++
			b.sql(fmt.Sprintf(`ALTER TABLE content_note ADD COLUMN theirs_%d TEXT`, columns))
		}
	}
	w.ahead.Store(&ahead)
	request := coordinator.RollbackRequest{ActionID: removed.ActionID}
	refusal := b.rollbackRefused(request, coordinator.CodeStale)
	if n != most || !strings.Contains(refusal.Message, "keeps changing") || !strings.Contains(refusal.Message, "try again") || slices.Contains(b.columns("content_note"), "b") {
		t.Errorf("%d rehearsals, %s", n, refusal.Message)
	}
	b.rollback(request) // nothing changes any more
	b.inSync()
	n, most = 0, 2                                 // as long as it ends in time, nobody hears of it
	b.write(notePath, entity("note", f("a text"))) // it was rolled back, so it is held until it is named
	b.apply(coordinator.ReloadRequest{Files: []string{notePath}, Approve: "breaking"})
	b.inSync()
	if n != most+1 {
		t.Errorf("%d rehearsals", n)
	}
}
