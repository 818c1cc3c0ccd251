package executor_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/executor"
	"marain/backend/history"
)

// retired is a bench on which a field, a list and with them a column went out of use.
func retired(t *testing.T, b *bench) executor.Purge {
	t.Helper()
	if _, err := b.executor(b.db).Run(background, b.everything()); err != nil {
		t.Fatal(err)
	}
	p := executor.Purge{ActionID: history.NewID(), Actor: "ann via code", Began: time.Now(), Record: history.Record{Summary: "purged"}}
	p.Before = func(context.Context, database.Querier) error { return nil }
	err := b.db.Read(background, func(q database.Querier) (err error) {
		if b.tombs, err = b.store.Tombstones(background, q); err != nil {
			return err
		}
		if p.BaseSeq, _, err = b.store.Head(background, q); err != nil {
			return err
		}
		var all []action.Place
		for _, tomb := range b.tombs {
			p.Tombstones = append(p.Tombstones, tomb.ID)
			for _, place := range action.NewLayout(nil, b.tombs).Places(tomb) {
				place = action.Place{Table: place.Table, Column: place.Column}
				all = append(all, place)
				if !slices.Contains(p.Tables, place.Table) {
					p.Tables = append(p.Tables, place.Table)
				}
			}
		}
		live, err := b.db.Inspect(background, q, p.Tables)
		if err != nil {
			return err
		}
		p.LiveSeal = action.Fingerprint(p.Tables, live)
		for _, place := range all {
			if table, there := live[place.Table]; there && (place.Column == "" || table.Column(place.Column) != nil) {
				p.Places = append(p.Places, place)
			}
		}
		p.Statements, err = action.Purge(b.db.Dialect(), p.Places)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Statements) < 3 {
		t.Fatalf("%q", p.Statements)
	}
	return p
}

func TestAFaultInAPurgeDestroysNothing(t *testing.T) {
	t.Parallel()
	onEach(t, aFaultInAPurgeDestroysNothing)
}

func aFaultInAPurgeDestroysNothing(t *testing.T, b *bench) {
	p := retired(t, b)
	before := b.dump()
	for at := 1; ; at++ {
		f := &faulty{Database: b.db, at: at}
		_, err := b.executor(f).Purge(background, p)
		if err == nil {
			if f.calls >= at || at < 8 {
				t.Fatalf("statement %d of %d failed, and the purge did not", at, f.calls)
			}
			break
		}
		if after := b.dump(); after != before {
			t.Fatalf("statement %d failed and destroyed something:\n%s\n%s", at, before, after)
		}
	}
	// Nothing of it is left but in what the history says of the tombstones and their versions.
	err := b.db.Read(background, func(q database.Querier) error {
		left, err := b.store.Tombstones(background, q)
		if err != nil || len(left) != 0 {
			t.Errorf("%+v, %v", left, err)
		}
		names, err := b.db.TableNames(background, q)
		if err != nil {
			return err
		}
		live, err := b.db.Inspect(background, q, names)
		if err != nil {
			return err
		}
		for name, table := range live {
			if action.IsOutOfUse(name) || slices.ContainsFunc(table.Columns, func(c action.LiveColumn) bool { return action.IsOutOfUse(c.Name) }) {
				t.Errorf("%s has something left: %+v", name, table)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAPurgeIsExactlyWhatWasLookedAt(t *testing.T) {
	t.Parallel()
	onEach(t, aPurgeIsExactlyWhatWasLookedAt)
}

func aPurgeIsExactlyWhatWasLookedAt(t *testing.T, b *bench) {
	p := retired(t, b)
	before := b.dump()
	refused := func(name string, p executor.Purge, stale bool) {
		t.Helper()
		if _, err := b.executor(b.db).Purge(background, p); err == nil || errors.Is(err, executor.ErrStale) != stale {
			t.Errorf("%s: %v", name, err)
		}
		if b.dump() != before {
			t.Errorf("%s: something is gone", name)
		}
	}
	older, another, more, fewer, unknown, late := p, p, p, p, p, p
	older.BaseSeq--
	refused("another batch came", older, true)
	another.LiveSeal = "x"
	refused("the tables changed", another, true)
	more.Statements = append(slices.Clone(p.Statements), `ALTER TABLE content_note DROP COLUMN c`, `DROP TABLE IF EXISTS field_note_d`)
	refused("more than was asked for", more, false)
	fewer.Statements = p.Statements[1:]
	refused("less than was asked for", fewer, false)
	unknown.Tombstones = append(slices.Clone(p.Tombstones), "x")
	refused("a tombstone that is none", unknown, false)
	late.Before = func(context.Context, database.Querier) error { return errFault }
	refused("no backup", late, false)
	if _, err := b.executor(b.db).Purge(background, p); err != nil {
		t.Fatal(err)
	}
	refusal := p
	refusal.ActionID = history.NewID()
	if _, err := b.executor(b.db).Purge(background, refusal); !errors.Is(err, executor.ErrStale) {
		t.Errorf("a second time: %v", err)
	}
}

// No name that is in use can be purged, and no migration can say what a purge says.
func TestWhatIsInUseCannotBePurged(t *testing.T) {
	t.Parallel()
	onEach(t, whatIsInUseCannotBePurged)
}

func whatIsInUseCannotBePurged(t *testing.T, b *bench) {
	retired(t, b)
	for _, place := range []action.Place{
		{Table: "content_note"},
		{Table: "content_note", Column: "c"},
		{Table: "_old_1_content_note", Column: "c"},
		{Table: "file_versions"},
		{},
		{Table: "content_note", Column: "x_old_1_c"},
		{Table: "marain_audit"},
	} {
		if got, err := action.Purge(b.db.Dialect(), []action.Place{place}); err == nil {
			t.Errorf("%v: %q", place, got)
		}
	}
	got, err := action.Purge(b.db.Dialect(), []action.Place{{Table: `content_"x`, Column: `_old_1_"`}, {Table: `_old_1_"`}})
	if want := `ALTER TABLE "content_""x" DROP COLUMN "_old_1_"""|DROP TABLE "_old_1_"""`; err != nil || strings.Join(got, "|") != want {
		t.Errorf("%q, %v", got, err)
	}
}
