package coordinator_test

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"marain/backend/coordinator"
	"marain/backend/database"
	"marain/backend/event"
)

// slow is a database on which a batch can be stopped: before a statement runs, or between its last one and the commit.
type slow struct {
	database.Database
	at      atomic.Value // a part of the statement; empty: before the commit
	reached chan struct{}
	goOn    chan struct{}
}

var _ database.Database = (*slow)(nil)

// never is no part of any statement.
const never = "\x00"

// slow opens the project anew on a database that stops a batch.
func (b *bench) slow(watch bool, at string) *slow {
	b.t.Helper()
	s := &slow{reached: make(chan struct{}, 100), goOn: make(chan struct{})}
	s.at.Store(at)
	b.through(watch, func(db database.Database) database.Database { s.Database = db; return s })
	return s
}

// remove takes the stop away.
func (s *slow) remove() { s.at.Store(never) }

func (s *slow) Write(ctx context.Context, fn func(database.Querier) error) error {
	return s.Database.Write(ctx, func(q database.Querier) error {
		w := &slowQuerier{Querier: q, s: s}
		err := fn(w)
		if err == nil && s.at.Load() == "" && w.changed {
			s.reached <- struct{}{}
			<-s.goOn
		}
		return err
	})
}

// Backup takes a backup in the transaction itself.
func (s *slow) Backup(ctx context.Context, q database.Querier, tables []string, file string) ([]string, error) {
	if own, wrapped := q.(*slowQuerier); wrapped {
		q = own.Querier
	}
	return s.Database.Backup(ctx, q, tables, file)
}

type slowQuerier struct {
	database.Querier
	s       *slow
	changed bool // a table of a content type
}

func (q *slowQuerier) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	q.changed = q.changed || strings.HasPrefix(query, "ALTER")
	if at := q.s.at.Load().(string); at != "" && strings.Contains(query, at) {
		q.s.reached <- struct{}{}
		select {
		case <-q.s.goOn:
		case <-ctx.Done():
		}
	}
	return q.Querier.Exec(ctx, query, args...)
}

var ben = coordinator.Actor{Name: "ben", Door: "rest"}

// inBackground applies what waits and returns what comes of it.
func (b *bench) inBackground(ctx context.Context) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := b.c.Reload(ctx, coordinator.ReloadRequest{Approve: "breaking"}, person)
		done <- err
	}()
	return done
}

// newest returns the newest batch of history.
func (b *bench) newest() coordinator.BatchSummary {
	b.t.Helper()
	h, err := b.c.History(context.Background(), coordinator.HistoryRequest{Limit: 1})
	if err != nil || len(h.Items) != 1 {
		b.t.Fatalf("%+v, %v", h, err)
	}
	return h.Items[0]
}

func TestABatchIsCancelled(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text"))})
	b.apply(coordinator.ReloadRequest{})
	b.sql(`INSERT INTO content_note (id, a) VALUES ('1', 'x')`)
	b.write(notePath, entity("note", f("a text"), f("b text")))
	before := b.tables()
	db := b.slow(false, "ADD COLUMN")
	done := b.inBackground(context.Background())
	<-db.reached
	// The status says what runs, and says so at once. This bench does not watch, so its own status would wait.
	running := b.c.Running()
	if running == nil || running.Kind != "apply" || running.File != notePath || running.Phase != "running" || running.By != person.String() || running.Since == "" || running.Description == "" {
		t.Fatalf("%+v", running)
	}
	for request, code := range map[coordinator.CancelRequest]coordinator.Code{
		{}:                              coordinator.CodeInvalid,
		{ActionID: "01J00000000000000"}: coordinator.CodeNotFound,
	} {
		_, err := b.c.Cancel(context.Background(), request, ben)
		b.refused(err, code)
	}
	result, err := b.c.Cancel(context.Background(), coordinator.CancelRequest{ActionID: running.ActionID}, ben)
	if err != nil || result.ActionID != running.ActionID {
		t.Fatalf("%+v, %v", result, err)
	}
	// When the answer is there, nothing is left and the history knows.
	if b.c.Running() != nil {
		t.Error("it still runs")
	}
	own := b.refused(<-done, coordinator.CodeCancelled)
	if own.Message != "cancelled by ben via rest; nothing was changed" {
		t.Error(own.Message)
	}
	db.remove()
	if entry := b.newest(); entry.ActionID != running.ActionID || entry.Status != "failed" || entry.Error != own.Message || entry.By != person.String() {
		t.Errorf("%+v", entry)
	}
	if b.tables() != before {
		t.Error("something is left of it")
	}
	b.sound()
	_, err = b.c.Cancel(context.Background(), coordinator.CancelRequest{ActionID: running.ActionID}, ben)
	b.refused(err, coordinator.CodeNotFound)
	b.apply(coordinator.ReloadRequest{})
	b.inSync()
}

func TestACommitIsNotCancelled(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text"))})
	b.apply(coordinator.ReloadRequest{})
	b.write(notePath, entity("note", f("a text"), f("b text")))
	db := b.slow(false, "")
	done := b.inBackground(context.Background())
	<-db.reached
	running := b.c.Running()
	if running == nil || running.Phase != "committing" {
		t.Fatalf("%+v", running)
	}
	_, err := b.c.Cancel(context.Background(), coordinator.CancelRequest{ActionID: running.ActionID}, ben)
	b.refused(err, coordinator.CodeConflict)
	db.goOn <- struct{}{}
	if err := <-done; err != nil {
		t.Error(err)
	}
	db.remove()
	b.inSync()
}

// A command that is interrupted cancels what it began.
func TestAnInterruptedApplyIsCancelled(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text"))})
	b.apply(coordinator.ReloadRequest{})
	b.write(notePath, entity("note", f("a text"), f("b text")))
	db := b.slow(false, "ADD COLUMN")
	ctx, interrupt := context.WithCancel(context.Background())
	done := b.inBackground(ctx)
	<-db.reached
	interrupt()
	own := b.refused(<-done, coordinator.CodeCancelled)
	db.remove()
	if entry := b.newest(); entry.Error != "cancelled by "+person.String()+"; nothing was changed" || entry.Error != own.Message {
		t.Errorf("%+v", entry)
	}
	b.sound()
}

// What the policy applies and a person cancels waits for a person, until its content changes.
func TestACancelledAutomaticApplyIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, "safe", map[string]string{notePath: entity("note", f("a text"))})
	b.apply(coordinator.ReloadRequest{})
	db := b.slow(true, "ADD COLUMN")
	events := b.c.Subscribe(0, true)
	defer events.Close()
	b.write(notePath, entity("note", f("a text"), f("b text")))
	<-db.reached
	status, err := b.c.Status(context.Background())
	if err != nil || status.Running == nil || status.Running.By != "auto" {
		t.Fatalf("%+v, %v", status.Running, err)
	}
	if _, err := b.c.Cancel(context.Background(), coordinator.CancelRequest{ActionID: status.Running.ActionID}, ben); err != nil {
		t.Fatal(err)
	}
	db.remove()
	// Another file is saved: what was cancelled must not come along.
	b.write(mailPath, "id: mail\nvalues: {a: 1}\n")
	for e := range events.C() {
		if e.Type == event.Applied {
			break
		}
	}
	if slices.Contains(b.columns("content_note"), "b") {
		t.Error("what a person cancelled was applied all the same")
	}
	b.write(notePath, entity("note", f("a text"), f("c text")))
	for e := range events.C() {
		if e.Type == event.Applied {
			break
		}
	}
	if !slices.Contains(b.columns("content_note"), "c") {
		t.Error("another content was not applied")
	}
}

// A batch that takes a while is told to whoever listens.
func TestProgressIsTold(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text"))})
	b.apply(coordinator.ReloadRequest{})
	b.write(notePath, entity("note", f("a text"), f("b text")))
	db := b.slow(false, "ADD COLUMN")
	events := b.c.Subscribe(0, true)
	defer events.Close()
	done := b.inBackground(context.Background())
	<-db.reached
	b.c.Overdue() // as if it ran for a while
	db.goOn <- struct{}{}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	told := 0
	for e := range events.C() {
		if e.Type == event.Progress {
			told++
		}
		if e.Type == event.Applied {
			break
		}
	}
	if told == 0 {
		t.Error("nothing was told")
	}
	db.remove()
	b.inSync()
}
