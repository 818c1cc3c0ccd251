package coordinator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/document"
	"marain/backend/history"
)

// Tombstone is something out of use with its data inside.
type Tombstone struct {
	ID       string         `json:"id"`
	Kind     string         `json:"kind"` // entity, field, revisions, displaced, filled, cleared or foreign
	Name     string         `json:"name"` // article, or article.headline
	Entity   string         `json:"entity"`
	Field    string         `json:"field"` // its former id; empty for something that is no field
	Type     string         `json:"type"`  // of the field
	Since    string         `json:"since"`
	ActionID string         `json:"action_id"` // the batch that took it out of use
	Summary  string         `json:"summary"`   // of that batch
	By       string         `json:"by"`
	Places   []Place        `json:"places"`
	Rows     int64          `json:"rows"`
	Values   int64          `json:"values"` // inside, that are not empty
	Size     int64          `json:"size"`   // bytes, about; -1 when that is not known
	Counted  bool           `json:"counted"`
	NeededBy []VersionRange `json:"needed_by"` // versions that can only be gone back to while it is there
	Undo     string         `json:"undo"`      // the batch that can be undone now and would bring it back
	Inside   []string       `json:"inside"`    // ids of others that lie inside and go with it
	PurgeAt  string         `json:"purge_at"`  // when it is purged without asking; empty for never
}

// Place is where something out of use lies; without a column it is the whole table.
type Place struct {
	Table  string `json:"table"`
	Column string `json:"column"`
}

// VersionRange is some versions of a file, in a row.
type VersionRange struct {
	File string `json:"file_path"`
	From int    `json:"from"`
	To   int    `json:"to"`
}

// Tombstones is everything out of use, oldest first.
type Tombstones struct {
	Items          []Tombstone `json:"items"`
	PurgeAfterDays int         `json:"purge_after_days"` // 0: nothing is purged without asking
}

// Tombstones lists everything out of use. Counting what is inside takes a moment, and is given up when it takes more.
func (c *Coordinator) Tombstones(ctx context.Context) (Tombstones, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := Tombstones{Items: []Tombstone{}, PurgeAfterDays: c.settings().Retention.TombstoneDays}
	if c.unprepared(ctx) {
		return list, nil
	}
	for try := 1; ; try++ {
		if err := c.latest(ctx); err != nil {
			return list, coded(err)
		}
		g, err := c.graveyard(ctx)
		if err == nil {
			list.Items, err = g.shown(ctx, c.tombs)
		}
		if err == nil {
			return list, nil
		}
		// Counting takes many looks: another program may purge what was there at the first one.
		if moved, asked := c.moved(ctx); asked != nil || !moved || try == attempts {
			return list, coded(err)
		}
	}
}

// latest catches up with the database alone. The files are the watcher's: what it does not hear of a change that was
// seen without it, it never delivers.
func (c *Coordinator) latest(ctx context.Context) error {
	moved, err := c.moved(ctx)
	if err != nil || !moved {
		return err
	}
	if err := c.reload(ctx); err != nil {
		return err
	}
	c.evaluate(ctx)
	c.announce()
	return nil
}

// graveyard is what is known of everything out of use at one moment.
type graveyard struct {
	c       *Coordinator
	places  map[string][]action.Place // by id of the tombstone: those that are there
	live    map[string]action.LiveTable
	tables  []string // every table that was looked at
	batches map[string]history.Entry
	undo    map[string]bool // by batch: it can be undone now
	spans   map[string][]history.Span
	dated   []history.Dated
	entity  map[string]string // by path and hash: the content type in a version
}

func (c *Coordinator) graveyard(ctx context.Context) (*graveyard, error) {
	g := &graveyard{
		c: c, places: map[string][]action.Place{}, batches: map[string]history.Entry{}, undo: map[string]bool{},
		spans: map[string][]history.Span{}, entity: map[string]string{},
	}
	err := c.db.Read(ctx, func(q database.Querier) error {
		if err := g.survey(ctx, q); err != nil {
			return err
		}
		return g.past(ctx, q)
	})
	return g, err
}

// survey finds out what of every tombstone is there.
func (g *graveyard) survey(ctx context.Context, q database.Querier) (err error) {
	layout := g.c.layout()
	all := map[string][]action.Place{}
	for _, t := range g.c.tombs {
		for _, p := range layout.Places(t) {
			all[t.ID] = append(all[t.ID], p)
			if !slices.Contains(g.tables, p.Table) {
				g.tables = append(g.tables, p.Table)
			}
		}
	}
	if g.live, err = g.c.db.Inspect(ctx, q, g.tables); err != nil {
		return err
	}
	for id, places := range all {
		for _, p := range places {
			table, there := g.live[p.Table]
			if there && (p.Column == "" || table.Column(p.Column) != nil) {
				g.places[id] = append(g.places[id], action.Place{Table: p.Table, Column: p.Column})
			}
		}
	}
	return nil
}

// past reads what the history says of every tombstone.
func (g *graveyard) past(ctx context.Context, q database.Querier) (err error) {
	s := g.c.store
	if len(g.c.tombs) == 0 {
		return nil
	}
	if g.dated, err = s.Dated(ctx, q); err != nil {
		return err
	}
	for _, t := range g.c.tombs {
		if err := g.batch(ctx, q, t.ActionID); err != nil {
			return err
		}
		if g.spans[t.ID], err = s.Spans(ctx, q, t.Entity, t.Field, t.Tag); err != nil {
			return err
		}
	}
	for _, d := range g.dated {
		if kind, _ := g.c.loader.Kind(d.Path); kind == document.KindEntity && g.spanned(d.Seq) {
			if err := g.recognise(ctx, q, d); err != nil {
				return err
			}
		}
	}
	return nil
}

// spanned reports whether something that is out of use now was in use right after a batch.
func (g *graveyard) spanned(seq int64) bool {
	for _, spans := range g.spans {
		if within(spans, seq) {
			return true
		}
	}
	return false
}

func within(spans []history.Span, seq int64) bool {
	return slices.ContainsFunc(spans, func(s history.Span) bool { return s.Since <= seq && (s.Until == 0 || seq < s.Until) })
}

// recognise finds out which content type a version describes.
func (g *graveyard) recognise(ctx context.Context, q database.Querier, d history.Dated) error {
	key := d.Path + "\x00" + d.Hash
	if _, known := g.entity[key]; known {
		return nil
	}
	if now := g.c.applied[d.Path]; now != nil && now.Hash == d.Hash {
		g.entity[key] = entityID(now.doc)
		return nil
	}
	raw, err := g.c.store.Content(ctx, q, d.Hash)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	g.entity[key] = ""
	if err == nil { // a text that cannot be read is verify's to report
		doc, _ := g.c.loader.Load(d.Path, raw)
		g.entity[key] = entityID(doc)
	}
	return nil
}

// batch reads the batch that took something out of use, and whether it can be undone.
func (g *graveyard) batch(ctx context.Context, q database.Querier, id string) error {
	if _, known := g.batches[id]; known {
		return nil
	}
	e, err := g.c.store.Entry(ctx, q, id)
	if errors.Is(err, history.ErrNotFound) {
		g.batches[id] = history.Entry{ActionID: id} // verify reports it
		return nil
	}
	if err != nil {
		return err
	}
	g.batches[id] = e
	rows, err := g.c.store.VersionsOf(ctx, q, id)
	if err != nil || len(rows) == 0 || e.Kind != history.KindApply && e.Kind != history.KindRollback {
		return err
	}
	conflicts, err := g.c.conflicts(ctx, q, rows)
	g.undo[id] = len(conflicts) == 0 && !slices.ContainsFunc(rows, func(v history.Version) bool { return v.Status == history.RolledBack })
	return err
}

// shown describes tombstones for people, with what is inside counted as far as time allows.
func (g *graveyard) shown(ctx context.Context, tombs []action.Tombstone) ([]Tombstone, error) {
	limited, cancel := context.WithTimeout(ctx, g.c.options.CheckLimit)
	defer cancel()
	list := []Tombstone{}
	for _, t := range tombs {
		shown := g.describe(t)
		err := g.measure(limited, t.EntityTag, &shown)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil && limited.Err() == nil {
			return nil, err
		}
		list = append(list, shown)
	}
	return list, nil
}

func (g *graveyard) describe(t action.Tombstone) Tombstone {
	e := g.batches[t.ActionID]
	shown := Tombstone{
		ID: t.ID, Kind: string(t.Kind), Name: t.Entity, Entity: t.Entity, Field: t.Field, Since: e.At, ActionID: t.ActionID, Summary: e.Record.Summary, By: e.Actor,
		Places: []Place{}, Size: -1, NeededBy: []VersionRange{}, Inside: []string{}, PurgeAt: timestamp(g.c.settings().Retention.Until(moment(e.At))),
	}
	switch {
	case t.Field != "":
		shown.Name += "." + t.Field
		if t.Shape != nil && len(t.Shape.Fields) > 0 {
			shown.Type = string(t.Shape.Fields[0].Type)
		}
		if t.Kind == action.Whole {
			shown.Kind = "field"
		}
	case t.Kind == action.Whole:
		shown.Kind = "entity"
	}
	for _, p := range g.places[t.ID] {
		shown.Places = append(shown.Places, Place{Table: p.Table, Column: p.Column})
	}
	for _, other := range g.inside(t) {
		shown.Inside = append(shown.Inside, other.ID)
	}
	switch t.Kind {
	case action.Displaced, action.Filled, action.Cleared: // what a way displaced or marked belongs to no version
	default:
		shown.NeededBy = g.neededBy(t)
		if g.undo[t.ActionID] {
			shown.Undo = t.ActionID
		}
	}
	return shown
}

// moment reads a time of the history; zero when it cannot be read.
func moment(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return at
}

// inside returns the tombstones that have nothing outside of the tables of another one.
func (g *graveyard) inside(t action.Tombstone) []action.Tombstone {
	going := map[string]bool{}
	for _, p := range g.places[t.ID] {
		if p.Column == "" {
			going[p.Table] = true
		}
	}
	var list []action.Tombstone
	for _, other := range g.c.tombs {
		places := g.places[other.ID]
		// Tables of lists belong to the table of their content type and cannot stay without it.
		child := t.Kind == action.Whole && t.Field == "" && other.EntityTag == t.Tag
		if other.ID == t.ID || len(places) == 0 || len(going) == 0 {
			continue
		}
		if child || !slices.ContainsFunc(places, func(p action.Place) bool { return !going[p.Table] }) {
			list = append(list, other)
		}
	}
	return list
}

// neededBy returns the versions in whose time something was in use, by file, those in a row together.
func (g *graveyard) neededBy(t action.Tombstone) []VersionRange {
	list := []VersionRange{}
	for _, d := range g.dated {
		if !within(g.spans[t.ID], d.Seq) || g.entity[d.Path+"\x00"+d.Hash] != t.Entity {
			continue
		}
		if last := len(list) - 1; last >= 0 && list[last].File == d.Path && list[last].To == d.Number-1 {
			list[last].To = d.Number
			continue
		}
		list = append(list, VersionRange{File: d.Path, From: d.Number, To: d.Number})
	}
	return list
}

// measure counts what is inside; tag is the incarnation of the content type. What could not be counted in time says so.
func (g *graveyard) measure(ctx context.Context, tag string, t *Tombstone) error {
	var rows, values, size int64
	own := document.ContentTable(t.Entity)
	for i, p := range t.Places {
		var m database.Measure
		err := g.c.db.Read(ctx, func(q database.Querier) (err error) {
			m, err = g.c.db.Measure(ctx, q, action.Place{Table: p.Table, Column: p.Column})
			return err
		})
		if err != nil {
			return fmt.Errorf("count what is in %s: %w", t.Name, err)
		}
		if i == 0 || p.Table == own || p.Table == action.OutOfUse(tag, own) {
			rows = m.Rows
		}
		values += m.Values
		if m.Bytes < 0 || size < 0 {
			size = -1
		} else {
			size += m.Bytes
		}
	}
	t.Rows, t.Values, t.Size, t.Counted = rows, values, size, true
	return nil
}
