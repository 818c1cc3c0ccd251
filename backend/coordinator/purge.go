package coordinator

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/diff"
	"marain/backend/document"
	"marain/backend/event"
	"marain/backend/executor"
	"marain/backend/history"
)

// purgeEvery is how often a server or window looks for what is old enough to be purged without asking.
const purgeEvery = 24 * time.Hour

// PurgeRequest asks to destroy what is out of use: exactly one of IDs and OlderThanDays.
type PurgeRequest struct {
	IDs           []string `json:"ids,omitempty"`
	OlderThanDays *int     `json:"older_than_days,omitempty"` // 0: everything
	DryRun        bool     `json:"dry_run,omitempty"`
	Confirm       string   `json:"confirm,omitempty"` // the number of tombstones, or what the dry run gave
	Note          string   `json:"note,omitempty"`
}

// PurgeResult is what a purge destroyed, or with DryRun would destroy.
type PurgeResult struct {
	ActionID   string      `json:"action_id"` // empty for a dry run, and when there was nothing to purge
	Purged     []Tombstone `json:"purged"`    // with what lies inside of what was named
	SQL        []string    `json:"sql"`
	Confirm    string      `json:"confirm"` // what must be given to destroy exactly this
	Backup     string      `json:"backup"`  // name of the one that was taken before
	DurationMS float64     `json:"duration_ms"`
}

// Purge destroys what is out of use, for good: the one operation that destroys data. It must be confirmed, takes a
// backup first, and is a batch of its own in the history. [CodeBlocked] when something else in the database needs what
// would go.
func (c *Coordinator) Purge(ctx context.Context, request PurgeRequest, actor Actor) (PurgeResult, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for try := 1; ; try++ {
		result, err := c.purge(ctx, request, actor.String(), true)
		if err == nil {
			return result, nil
		}
		if !errors.Is(err, executor.ErrStale) || try == attempts {
			return PurgeResult{}, coded(err)
		}
	}
}

// purge destroys what a request is about. Asked says that a person must confirm it.
func (c *Coordinator) purge(ctx context.Context, request PurgeRequest, actor string, asked bool) (PurgeResult, error) {
	began := time.Now()
	result := PurgeResult{Purged: []Tombstone{}, SQL: []string{}}
	if (len(request.IDs) == 0) == (request.OlderThanDays == nil) {
		return result, Errorf(CodeInvalid, "give exactly one of: ids, older_than_days")
	}
	if request.OlderThanDays != nil && *request.OlderThanDays < 0 {
		return result, Errorf(CodeInvalid, "older_than_days is a number of days from 0 on, not %d", *request.OlderThanDays)
	}
	if err := c.writable(); err != nil && !request.DryRun {
		return result, err
	}
	if err := c.latest(ctx); err != nil {
		return result, err
	}
	d, err := c.demolition(ctx, request)
	if err != nil || len(d.tombs) == 0 {
		return result, err
	}
	result.Purged, result.SQL, result.Confirm = d.shown, d.statements, d.confirm()
	if request.DryRun {
		result.DurationMS = milliseconds(began)
		return result, nil
	}
	if text := strings.TrimSpace(request.Confirm); asked && text != result.Confirm && text != strconv.Itoa(len(d.tombs)) {
		return result, Errorf(CodeInvalid, "this destroys %s for good (%s): to confirm, give %d or %q", plural(len(d.tombs), "tombstone"), d.names(), len(d.tombs), result.Confirm)
	}
	if err := c.demolish(ctx, d, request.Note, actor, began, &result); err != nil {
		return result, err
	}
	result.DurationMS = milliseconds(began)
	return result, nil
}

// demolition is what a purge is about to destroy.
type demolition struct {
	c          *Coordinator
	seq        int64
	seal       string
	tables     []string
	tombs      []action.Tombstone
	shown      []Tombstone
	places     []action.Place // in the order in which they go
	statements []string
}

// demolition works out what a purge destroys, and proves that nothing else in the database needs it.
func (c *Coordinator) demolition(ctx context.Context, request PurgeRequest) (*demolition, error) {
	g, err := c.graveyard(ctx)
	if err != nil {
		return nil, err
	}
	d := &demolition{c: c, seq: c.seq, tables: g.tables, seal: action.Fingerprint(g.tables, g.live)}
	if d.tombs, err = g.selected(request); err != nil || len(d.tombs) == 0 {
		return d, err
	}
	d.places = g.order(d.tombs)
	if d.statements, err = action.Purge(c.db.Dialect(), d.places); err != nil {
		return d, err
	}
	if err := c.db.Read(ctx, func(q database.Querier) error { return d.free(ctx, q) }); err != nil {
		return d, err
	}
	d.shown, err = g.shown(ctx, d.tombs)
	return d, err
}

// selected returns the tombstones that a request is about, with what lies inside of them.
func (g *graveyard) selected(request PurgeRequest) ([]action.Tombstone, error) {
	chosen := map[string]bool{}
	for _, id := range request.IDs {
		if !slices.ContainsFunc(g.c.tombs, func(t action.Tombstone) bool { return t.ID == id }) {
			return nil, Errorf(CodeNotFound, "there is no tombstone %s: it was purged, or it is in use again", id)
		}
		chosen[id] = true
	}
	now := g.c.store.Now()
	for _, t := range g.c.tombs {
		since := moment(g.batches[t.ActionID].At)
		if request.OlderThanDays != nil && !since.IsZero() && !since.AddDate(0, 0, *request.OlderThanDays).After(now) {
			chosen[t.ID] = true
		}
	}
	for _, t := range g.c.tombs {
		if chosen[t.ID] {
			for _, inner := range g.inside(t) {
				chosen[inner.ID] = true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(g.c.tombs), func(t action.Tombstone) bool { return !chosen[t.ID] }), nil
}

// order returns where tombstones lie, in the order in which it can go: columns of tables that stay, then tables of
// lists before those that they belong to. Columns go with a table that goes. What something that stays lies in too
// stays with it: the revisions of a list belong to the list and to the revisions of its content type.
func (g *graveyard) order(tombs []action.Tombstone) []action.Place {
	var columns, tables []action.Place
	going, claimed := map[string]bool{}, map[action.Place]bool{}
	for _, t := range tombs {
		going[t.ID] = true
	}
	for _, t := range g.c.tombs {
		for _, p := range g.places[t.ID] {
			claimed[p] = claimed[p] || !going[t.ID]
		}
	}
	for _, t := range tombs {
		for _, p := range g.places[t.ID] {
			if claimed[p] {
				continue
			}
			if p.Column == "" && !slices.Contains(tables, p) {
				tables = append(tables, p)
			} else if p.Column != "" {
				columns = append(columns, p)
			}
		}
	}
	columns = slices.DeleteFunc(columns, func(p action.Place) bool { return slices.Contains(tables, action.Place{Table: p.Table}) })
	parents := map[string]bool{}
	for _, t := range tombs {
		parents[action.OutOfUse(t.EntityTag, document.ContentTable(t.Entity))] = true
	}
	rank := map[bool]int{false: 0, true: 1}
	slices.SortStableFunc(tables, func(a, b action.Place) int { return rank[parents[a.Table]] - rank[parents[b.Table]] })
	return append(columns, tables...)
}

// free proves that nothing else in the database needs what goes.
func (d *demolition) free(ctx context.Context, q database.Querier) error {
	var going []string
	for _, p := range d.places {
		if p.Column == "" {
			going = append(going, p.Table)
		}
	}
	var details []any
	for _, p := range d.places {
		found, err := d.c.db.Dependents(ctx, q, p, going)
		if err != nil {
			return err
		}
		for _, words := range found {
			details = append(details, action.Block{
				Key: strings.TrimSuffix(p.Table+"."+p.Column, "."), Message: words, Hint: "Another program made it: drop or change it there first",
			})
		}
	}
	if len(details) > 0 {
		first, _ := details[0].(action.Block)
		return &Error{Code: CodeBlocked, Message: fmt.Sprintf("%s cannot be purged: %s", first.Key, first.Message), Details: details}
	}
	return nil
}

// confirm is the text that confirms this purge and no other: how many, and which.
func (d *demolition) confirm() string {
	ids := make([]string, 0, len(d.tombs))
	for _, t := range d.tombs {
		ids = append(ids, t.ID)
	}
	slices.Sort(ids)
	sum := sha256.Sum256([]byte(strings.Join(ids, "\n")))
	return fmt.Sprintf("purge %d %s", len(ids), hex.EncodeToString(sum[:2]))
}

// names says what is destroyed, in a few words.
func (d *demolition) names() string {
	const most = 5
	var names []string
	for i, t := range d.shown {
		if i == most {
			names = append(names, fmt.Sprintf("and %d more", len(d.shown)-most))
			break
		}
		name := t.Name
		if t.Kind != "entity" && t.Kind != "field" {
			name = t.Kind + " of " + name
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// demolish carries a purge out, makes its outcome live, and announces it.
func (c *Coordinator) demolish(ctx context.Context, d *demolition, note, actor string, began time.Time, result *PurgeResult) error {
	p := executor.Purge{
		ActionID: history.NewID(), Actor: actor, Note: note, BaseSeq: d.seq, Tables: d.tables, LiveSeal: d.seal, Places: d.places, Statements: d.statements,
		Began: began, Record: history.Record{Category: diff.Breaking, Summary: fmt.Sprintf("Purged %s: %s", plural(len(d.tombs), "tombstone"), d.names())},
	}
	entities := map[string]bool{}
	for _, t := range d.shown {
		entities[t.Entity] = true
		p.Tombstones = append(p.Tombstones, t.ID)
		p.Record.Destroyed = append(p.Record.Destroyed, history.Destroyed{
			ID: t.ID, Kind: t.Kind, Name: t.Name, Since: t.Since, ActionID: t.ActionID, Rows: t.Rows, Values: t.Values,
		})
	}
	saved := c.newNote(p.ActionID, history.KindPurge, p.Record.Summary, actor)
	saved.Entities = slices.Sorted(maps.Keys(entities))
	p.Record.Backup = saved.Name
	p.Before = func(ctx context.Context, q database.Querier) error {
		if err := d.free(ctx, q); err != nil {
			return err
		}
		_, err := c.takeBackup(ctx, q, saved)
		return err
	}
	limited, t := c.begin(ctx, p.ActionID, history.KindPurge, actor)
	defer c.end(t)
	p.Progress, p.Commit = t.tell, t.commit
	outcome, err := c.executor.Purge(limited, p)
	if err != nil {
		err = t.reason(ctx, err)
	}
	ctx = context.WithoutCancel(ctx)
	if errors.Is(err, database.ErrUnknown) {
		outcome, err = c.resolve(ctx, executor.Work{ActionID: p.ActionID}, err)
	}
	if err != nil {
		c.discard(saved.Name, err)
		c.trust(storage(err))
		c.givenUp(ctx, executor.Work{ActionID: p.ActionID, Kind: history.KindPurge, Actor: actor, Note: note, Began: began, Record: history.Record{
			Category: p.Record.Category, Summary: p.Record.Summary,
		}}, err)
		return err
	}
	result.ActionID, result.Backup = p.ActionID, saved.Name
	c.note(outcome.Seq, outcome.Hash)
	c.log.Info("purged", "action", p.ActionID, "tombstones", len(d.tombs), "by", actor)
	if err := c.reload(ctx); err != nil {
		c.log.Error("read the database after a purge", "error", err)
		c.dirty = true
	}
	c.evaluate(ctx)
	c.prune()
	c.hub.Publish(event.Purged, c.Snapshot().Version(), map[string]any{
		"action_id": p.ActionID, "count": len(d.tombs), "summary": p.Record.Summary, "by": actor,
	})
	c.announce()
	return nil
}

// purgeOld purges what is older than the settings allow, when they say so. It runs at the start of a server or window
// and once a day.
func (c *Coordinator) purgeOld(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.store.Now()
	if c.suspect != "" || now.Sub(c.purged) < purgeEvery && !now.Before(c.purged) {
		return nil
	}
	// Whatever comes of it, and also without a setting: one that is new acts a day later, or at the next start.
	c.purged = now
	if err := c.latest(ctx); err != nil {
		return err
	}
	days := c.settings().Retention.TombstoneDays
	if days == 0 {
		return nil
	}
	for try := 1; ; try++ {
		_, err := c.purge(ctx, PurgeRequest{OlderThanDays: &days, Note: fmt.Sprintf("older than %d days", days)}, auto, false)
		if errors.Is(err, executor.ErrStale) && try < attempts {
			continue
		}
		if err != nil {
			return fmt.Errorf("purge what is old: %w", err)
		}
		return nil
	}
}
