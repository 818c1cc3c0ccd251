package executor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/history"
)

// Purge is a batch that destroys what is out of use.
type Purge struct {
	ActionID string
	Actor    string
	Note     string
	Record   history.Record // Summary, Backup and Destroyed; the rest is filled in

	BaseSeq    int64    // the audit chain's newest link when it was decided
	Tables     []string // every table that was looked at
	LiveSeal   string   // what they looked like: action.Fingerprint
	Tombstones []string // ids of what is destroyed
	Places     []action.Place
	Statements []string // that destroy the places

	Began    time.Time
	Before   func(ctx context.Context, q database.Querier) error // this and the following as for [Work]
	Progress func(Progress)
	Commit   func() error
}

// Purge destroys what is out of use, all of it or nothing. Every error means that nothing was changed, except one with
// [database.ErrUnknown] in its chain. Safe for concurrent use.
func (e *Executor) Purge(ctx context.Context, p Purge) (Outcome, error) {
	// The mark of all tables says too much here: it must be these, whatever happened to others.
	work := Work{ActionID: p.ActionID, BaseSeq: p.BaseSeq, Tables: p.Tables, LiveSeal: p.LiveSeal, Progress: p.Progress, Commit: p.Commit}
	r := &run{executor: e, work: work, timings: map[string]float64{}, began: time.Now()}
	r.enter(Waiting)
	err := e.Database.Write(ctx, func(q database.Querier) error { return r.purge(ctx, q, p) })
	if err != nil {
		return Outcome{}, err
	}
	r.lap("commit")
	return Outcome{Seq: r.entry.Seq, Hash: r.entry.Hash, At: r.entry.At, Timings: r.timings}, nil
}

func (r *run) purge(ctx context.Context, q database.Querier, p Purge) error {
	r.lap("lock")
	r.enter(Checking)
	if err := r.guard(ctx, q); err != nil {
		return err
	}
	r.lap("guard")
	r.enter(Saving)
	if err := p.Before(ctx, q); err != nil {
		return err
	}
	r.lap("backup")
	before, err := r.executor.Database.Inspect(ctx, q, p.Tables)
	if err != nil {
		return err
	}
	for _, statement := range p.Statements {
		r.report(Progress{Phase: Running, Description: "Destroy what is out of use"})
		if _, err := q.Exec(ctx, statement); err != nil {
			return &StatementError{Path: "purge", Statement: statement, Err: err}
		}
	}
	r.lap("sql")
	r.enter(Verifying)
	after, err := r.executor.Database.Inspect(ctx, q, p.Tables)
	if err != nil {
		return err
	}
	if action.Fingerprint(p.Tables, after) != action.Fingerprint(p.Tables, without(before, p.Places)) {
		return fmt.Errorf("more or less would be gone than what was asked for")
	}
	r.lap("verify")
	r.enter(Recording)
	if err := r.recordPurge(ctx, q, p); err != nil {
		return err
	}
	return r.committing()
}

// without returns what the tables must look like when the places are gone from them, and nothing else.
func without(live map[string]action.LiveTable, places []action.Place) map[string]action.LiveTable {
	rest := maps.Clone(live)
	for _, p := range places {
		if p.Column == "" {
			delete(rest, p.Table)
		}
	}
	for _, p := range places {
		table, there := rest[p.Table]
		if p.Column == "" || !there {
			continue
		}
		table.Columns = slices.DeleteFunc(slices.Clone(table.Columns), func(c action.LiveColumn) bool { return c.Name == p.Column })
		rest[p.Table] = table
	}
	return rest
}

func (r *run) recordPurge(ctx context.Context, q database.Querier, p Purge) (err error) {
	s := r.executor.Store
	record := p.Record
	record.Timings, record.DurationMS = r.timings, float64(time.Since(p.Began).Microseconds())/1000
	r.entry, err = s.Append(ctx, q, history.Entry{
		ActionID: p.ActionID, Kind: history.KindPurge, At: history.Timestamp(s.Now()), Actor: p.Actor, Note: p.Note, Record: record,
	})
	if err != nil {
		return err
	}
	for _, id := range p.Tombstones {
		if err := s.EndTombstone(ctx, q, r.entry.Seq, id, p.ActionID); err != nil {
			return err
		}
	}
	r.lap("record")
	return nil
}
