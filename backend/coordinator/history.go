package coordinator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/diff"
	"marain/backend/document"
	"marain/backend/history"
)

// Pages of history.
const (
	defaultPage = 50
	largestPage = 200
)

// History returns a page of batches, newest first.
func (c *Coordinator) History(ctx context.Context, request HistoryRequest) (History, error) {
	page, err := c.history(ctx, request)
	if err != nil {
		return History{}, coded(err)
	}
	return page, nil
}

func (c *Coordinator) history(ctx context.Context, request HistoryRequest) (History, error) {
	page := History{Items: []BatchSummary{}}
	filter := history.Filter{Path: request.File, Status: request.Status, Limit: request.Limit}
	if filter.Limit == 0 {
		filter.Limit = defaultPage
	}
	if filter.Limit < 1 || filter.Limit > largestPage {
		return page, Errorf(CodeInvalid, "limit is a number from 1 to %d", largestPage)
	}
	if !slices.Contains([]string{"", history.Applied, history.RolledBack, "failed", "rejected"}, request.Status) {
		return page, Errorf(CodeInvalid, "status is applied, rolled_back, failed or rejected, not %q", request.Status)
	}
	if request.Before != "" {
		before, err := strconv.ParseInt(request.Before, 10, 64)
		if err != nil || before < 1 {
			return page, Errorf(CodeInvalid, "before is what next said on the page before, not %q", request.Before)
		}
		filter.Before = before
	}
	if c.unprepared(ctx) {
		return page, nil
	}
	err := c.db.Read(ctx, func(q database.Querier) error {
		filter.Limit++ // one more tells whether there is a next page
		entries, err := c.store.Entries(ctx, q, filter)
		if err != nil {
			return err
		}
		if len(entries) == filter.Limit {
			entries = entries[:len(entries)-1]
			page.Next = strconv.FormatInt(entries[len(entries)-1].Seq, 10)
		}
		gone, err := c.store.Gone(ctx, q)
		if err != nil {
			return err
		}
		for _, e := range entries {
			summary, _, err := c.summary(ctx, q, e, gone)
			if err != nil {
				return err
			}
			page.Items = append(page.Items, summary)
		}
		return nil
	})
	return page, err
}

// summary is one line of history. Whether it was taken back is what its version rows say.
func (c *Coordinator) summary(ctx context.Context, q database.Querier, e history.Entry, gone []history.Gone) (BatchSummary, []history.Version, error) {
	s := BatchSummary{
		ActionID: e.ActionID, Kind: e.Kind, Status: history.Applied, At: e.At, By: e.Actor, Note: e.Note,
		Category: e.Record.Category, Summary: e.Record.Summary, Files: []BatchFile{}, DurationMS: e.Record.DurationMS,
		Error: e.Record.Error, Target: e.Record.Target, Backup: e.Record.Backup, Purged: []string{},
	}
	for _, g := range gone {
		if g.Since <= e.Seq && e.Seq <= g.Until && !slices.Contains(s.Purged, g.Name()) && !slices.Contains(s.Purged, g.Entity) {
			s.Purged = append(s.Purged, g.Name())
		}
	}
	rows, err := c.store.VersionsOf(ctx, q, e.ActionID)
	if err != nil {
		return s, nil, err
	}
	status := map[string]string{}
	for _, v := range rows {
		status[v.Path] = v.Status
		if v.Status == history.RolledBack {
			s.Status = history.RolledBack
		}
	}
	switch e.Kind {
	case history.KindFailed:
		s.Status = "failed"
	case history.KindReject:
		s.Status = "rejected"
	}
	for _, f := range e.Record.Files {
		file := BatchFile{File: f.Path, Kind: f.Kind, Event: f.Event, Version: f.Version, Status: status[f.Path]}
		switch {
		case file.Status == "" && e.Kind == history.KindRepair:
			file.Status = history.Applied // it stays what it was
		case file.Status == "":
			file.Status = history.Pending
		}
		s.Files = append(s.Files, file)
	}
	return s, rows, nil
}

// Batch returns one batch, whole: with its files as they were planned and carried out, and their texts side by side
// with the version before, or with what is applied now.
func (c *Coordinator) Batch(ctx context.Context, actionID string, againstNow bool) (Batch, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b Batch
	if c.unprepared(ctx) {
		return b, Errorf(CodeNotFound, "there is no batch %s", actionID)
	}
	err := c.db.Read(ctx, func(q database.Querier) error {
		e, err := c.store.Entry(ctx, q, actionID)
		if errors.Is(err, history.ErrNotFound) {
			return Errorf(CodeNotFound, "there is no batch %s", actionID)
		}
		if err != nil {
			return err
		}
		b, err = c.wholeBatch(ctx, q, e, againstNow)
		return err
	})
	if err != nil {
		return Batch{}, coded(err)
	}
	return b, nil
}

func (c *Coordinator) wholeBatch(ctx context.Context, q database.Querier, e history.Entry, againstNow bool) (Batch, error) {
	gone, err := c.store.Gone(ctx, q)
	if err != nil {
		return Batch{}, err
	}
	summary, rows, err := c.summary(ctx, q, e, gone)
	if err != nil {
		return Batch{}, err
	}
	b := Batch{BatchSummary: summary, ChangedFiles: []action.File{}, Timings: e.Record.Timings, Conflicts: []string{}, Destroyed: e.Record.Destroyed}
	if b.Destroyed == nil {
		b.Destroyed = []history.Destroyed{}
	}
	if b.Timings == nil {
		b.Timings = map[string]float64{}
	}
	for _, f := range e.Record.Files {
		file := whole(f.File)
		if file.Hunks, err = c.batchHunks(ctx, q, f, againstNow); err != nil {
			return Batch{}, err
		}
		b.ChangedFiles = append(b.ChangedFiles, file)
	}
	if e.Kind != history.KindApply && e.Kind != history.KindRollback || len(rows) == 0 {
		return b, nil
	}
	conflicts, err := c.conflicts(ctx, q, rows)
	if err != nil {
		return Batch{}, err
	}
	if conflicts != nil {
		b.Conflicts = conflicts
	}
	b.CanUndo = len(conflicts) == 0 && !slices.ContainsFunc(rows, func(v history.Version) bool { return v.Status == history.RolledBack })
	return b, nil
}

// whole gives a file from a record the lists that a record leaves out when they are empty.
func whole(f action.File) action.File {
	if f.Changes == nil {
		f.Changes = []diff.Head{}
	}
	if f.Actions == nil {
		f.Actions = []action.Action{}
	}
	if f.Checks == nil {
		f.Checks = []action.Check{}
	}
	if f.Blocked == nil {
		f.Blocked = []action.Block{}
	}
	return f
}

func (c *Coordinator) batchHunks(ctx context.Context, q database.Querier, f history.RecordFile, againstNow bool) ([]diff.Hunk, error) {
	old, new := f.OldHash, f.NewHash
	if againstNow {
		old, new = f.NewHash, ""
		if v := c.applied[f.Path]; v != nil {
			new = v.Hash
		}
	}
	before, err := c.maskedContent(ctx, q, f.Path, old)
	if errors.Is(err, history.ErrNotFound) {
		return []diff.Hunk{}, nil // half of a comparison would look like a removal
	}
	if err != nil {
		return nil, err
	}
	after, err := c.maskedContent(ctx, q, f.Path, new)
	if errors.Is(err, history.ErrNotFound) {
		return []diff.Hunk{}, nil
	}
	if err != nil {
		return nil, err
	}
	hunks := diff.Hunks(before, after, hunkContext)
	if hunks == nil {
		hunks = []diff.Hunk{}
	}
	return hunks, nil
}

// maskedContent returns a kept text with its secrets hidden; [history.ErrNotFound] when it is not kept.
func (c *Coordinator) maskedContent(ctx context.Context, q database.Querier, path, hash string) (string, error) {
	if hash == "" {
		return "", nil
	}
	raw, err := c.store.Content(ctx, q, hash)
	if err != nil {
		return "", fmt.Errorf("text of %s: %w", path, err)
	}
	if doc, problems := c.loader.Load(path, raw); len(problems) == 0 {
		return doc.MaskedText(), nil
	}
	return document.MaskText(raw), nil
}
