package coordinator

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/document"
	"marain/backend/history"
)

// Verify proves that live tables, applied versions, history and audit chain agree, and that no file write is left
// over. Pending, held or invalid files are not faults.
func (c *Coordinator) Verify(ctx context.Context) (VerifyResult, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	began := time.Now()
	for try := 1; ; try++ {
		result, err := c.verify(ctx)
		if err != nil {
			return VerifyResult{}, coded(err)
		}
		if !result.OK && try < attempts && c.overtaken(ctx) {
			continue // another program changed something in the middle
		}
		result.Duration = milliseconds(began)
		return result, nil
	}
}

func (c *Coordinator) verify(ctx context.Context) (VerifyResult, error) {
	v := &verification{c: c, result: VerifyResult{Faults: []Fault{}, Notes: []Fault{}}}
	var err error
	if v.noted, err = c.heads.All(c.databaseID); err != nil { // before the chain: links that come meanwhile are in both or in none
		return VerifyResult{}, err
	}
	if !c.unprepared(ctx) {
		// What is in memory proves nothing: everything is read again, at one moment, whatever other programs do.
		err = c.db.Read(ctx, func(q database.Querier) error {
			if err := c.remember(ctx, q); err != nil {
				return err
			}
			return v.run(ctx, q)
		})
	}
	if err != nil {
		return VerifyResult{}, err
	}
	if c.suspect != "" {
		v.fault("database_replaced", c.location(), "%s", c.suspect)
	}
	if err := c.db.Check(ctx); err != nil {
		v.fault("database", c.location(), "%v", err)
	}
	v.result.OK = len(v.result.Faults) == 0
	return v.result, nil
}

// verification collects faults.
type verification struct {
	c      *Coordinator
	noted  map[int64]string // hashes of links, by number, as they are noted outside of the database
	result VerifyResult
}

func (v *verification) fault(code, subject, format string, args ...any) {
	v.result.Faults = append(v.result.Faults, Fault{Code: code, Subject: subject, Message: fmt.Sprintf(format, args...)})
}

// check counts one comparison.
func (v *verification) check() { v.result.Checked++ }

func (v *verification) run(ctx context.Context, q database.Querier) error {
	for _, step := range []func(context.Context, database.Querier) error{v.chain, v.versions, v.contents, v.tables, v.readers, v.tombstones, v.incarnations, v.outbox, v.references} {
		if err := step(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// chain proves the audit chain: every link whole, each following the one before, and all of them those that were noted
// outside of the database. It also proves that every version row is what its batch recorded.
func (v *verification) chain(ctx context.Context, q database.Querier) error {
	noted := v.noted
	if len(noted) == 0 && v.c.seq > 0 {
		v.fault("head_missing", "audit.head", "the chain has %d links, and none of them is noted outside of the database", v.c.seq)
	}
	previous, seq := "", int64(0)
	undone := map[history.VersionRef]bool{}
	recorded := map[string][]history.RecordFile{}
	err := v.c.store.Chain(ctx, q, func(e history.Entry) error {
		v.check()
		subject := fmt.Sprintf("batch %s", e.ActionID)
		switch {
		case e.Seq != seq+1:
			v.fault("chain_cut", subject, "link %d follows link %d: what was between is missing", e.Seq, seq)
		case e.Previous != previous:
			v.fault("chain_broken", subject, "link %d does not follow the one before: the chain was changed", e.Seq)
		}
		if !e.Whole() {
			v.fault("chain_edited", subject, "link %d was changed after it was written", e.Seq)
		}
		if hash, known := noted[e.Seq]; known && hash != e.Hash {
			v.fault("chain_rewritten", subject, "link %d is not the one that was noted outside of the database", e.Seq)
		}
		delete(noted, e.Seq)
		previous, seq = e.Hash, e.Seq
		for _, ref := range e.Record.Undone {
			undone[ref] = true
		}
		if e.Applies() {
			recorded[e.ActionID] = e.Record.Files
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, missing := range slices.Sorted(maps.Keys(noted)) {
		v.fault("chain_cut", fmt.Sprintf("link %d", missing), "it was noted outside of the database and is not in the chain any more")
	}
	return v.rows(ctx, q, recorded, undone)
}

// rows proves that every version row is what its batch recorded, and that no batch lacks one.
func (v *verification) rows(ctx context.Context, q database.Querier, recorded map[string][]history.RecordFile, undone map[history.VersionRef]bool) error {
	for _, id := range slices.Sorted(maps.Keys(recorded)) {
		rows, err := v.c.store.VersionsOf(ctx, q, id)
		if err != nil {
			return err
		}
		found := map[string]history.Version{}
		for _, row := range rows {
			found[row.Path] = row
		}
		for _, f := range recorded[id] {
			v.check()
			row, ok := found[f.Path]
			subject := fmt.Sprintf("version %d of %s", f.Version, f.Path)
			delete(found, f.Path)
			if !ok {
				v.fault("version_missing", subject, "batch %s recorded it, and its row is not there", id)
				continue
			}
			want := history.Applied
			if undone[history.VersionRef{Path: f.Path, Number: f.Version}] {
				want = history.RolledBack
			}
			if row.Number != f.Version || row.Hash != f.NewHash || row.Status != want {
				v.fault("version_edited", subject, "its row is not what batch %s recorded", id)
			}
		}
		for path, row := range found {
			v.fault("version_added", fmt.Sprintf("version %d of %s", row.Number, path), "batch %s recorded nothing of it", id)
		}
	}
	strays, err := v.c.store.Strays(ctx, q)
	for _, row := range strays {
		v.fault("version_added", fmt.Sprintf("version %d of %s", row.Number, row.Path), "there is no batch %s", row.ActionID)
	}
	return err
}

// versions proves that the text of every applied version is there and valid.
func (v *verification) versions(ctx context.Context, q database.Querier) error {
	list, err := v.c.store.Applied(ctx, q)
	if err != nil {
		return err
	}
	for _, row := range list {
		v.check()
		subject := fmt.Sprintf("version %d of %s", row.Number, row.Path)
		later, err := v.c.store.VersionsAfter(ctx, q, row.Path, row.Number)
		if err != nil {
			return err
		}
		if len(later) > 0 {
			v.fault("version_order", subject, "version %d came later and is not the applied one", later[len(later)-1].Number)
		}
		if row.Hash == "" {
			continue
		}
		raw, err := v.c.store.Content(ctx, q, row.Hash)
		if err != nil {
			continue // which is a fault of its content
		}
		if _, problems := v.c.loader.Load(row.Path, raw); len(problems) > 0 {
			v.fault("content", subject, "its text is not valid: %s", problems[0].Message)
		}
	}
	return nil
}

// contents proves that every text that can be gone back to is there, byte for byte.
func (v *verification) contents(ctx context.Context, q database.Querier) error {
	needed, err := v.c.store.Needed(ctx, q)
	if err != nil {
		return err
	}
	for _, hash := range slices.Sorted(maps.Keys(needed)) {
		v.check()
		if _, err := v.c.store.Content(ctx, q, hash); err != nil {
			v.fault("content", needed[hash], "%v", err)
		}
	}
	return nil
}

// tables proves that the live tables are what the applied documents say.
func (v *verification) tables(ctx context.Context, q database.Querier) error {
	for _, path := range slices.Sorted(maps.Keys(v.c.applied)) {
		doc := v.c.applied[path].doc
		if doc == nil || doc.Entity == nil {
			continue
		}
		v.check()
		want := action.Tables(doc.Entity)
		live, err := v.c.db.Inspect(ctx, q, action.TableNames(want))
		if err != nil {
			return err
		}
		for _, d := range action.Compare(v.c.db.Dialect(), want, live) {
			v.fault("drift", d.Table, "%s", d.Message)
		}
		v.life(doc.Entity)
	}
	return nil
}

// readers proves that what is read of the live tables on every plan is what another reader sees there.
func (v *verification) readers(ctx context.Context, q database.Querier) error {
	names := slices.Sorted(maps.Keys(v.c.wantedTables()))
	live, err := v.c.db.Inspect(ctx, q, names)
	if err != nil {
		return err
	}
	survey, err := v.c.db.Survey(ctx, q, names)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(survey)) {
		v.check()
		for _, words := range database.Disagreements(v.c.db.Dialect(), live[name], survey[name]) {
			v.fault("inspection", name, "two readers of the table see different things: %s", words)
		}
	}
	return nil
}

// life proves that every content type and field in use has an incarnation.
func (v *verification) life(e *document.Entity) {
	life, ok := v.c.lives[e.ID]
	if !ok || life.Tag == "" {
		v.fault("incarnation", e.ID, "the content type is applied and has no incarnation")
		return
	}
	for i := range e.Fields {
		if life.Fields[e.Fields[i].ID] == "" {
			v.fault("incarnation", e.ID+"."+e.Fields[i].ID, "the field is applied and has no incarnation")
		}
	}
}

// tombstones proves that everything out of use is still there with its columns.
func (v *verification) tombstones(ctx context.Context, q database.Querier) error {
	layout := v.c.layout()
	known := map[action.Place]bool{}
	for _, t := range v.c.tombs {
		v.check()
		for _, place := range layout.Places(t) {
			known[action.Place{Table: place.Table, Column: place.Column}] = true
		}
		if err := v.tombstone(ctx, q, layout.Places(t)); err != nil {
			return err
		}
	}
	// The revisions of a list lie out of use beside a list in use while its content type keeps none.
	for entity, life := range v.c.lives {
		for field, tag := range life.Fields {
			known[action.Place{Table: action.OutOfUse(tag, document.FieldRevisionsTable(entity, field))}] = true
		}
	}
	return v.forgotten(ctx, q, known)
}

// forgotten finds what is out of use without anything that says what it was, so that nothing can bring it back.
func (v *verification) forgotten(ctx context.Context, q database.Querier, known map[action.Place]bool) error {
	all, err := v.c.db.TableNames(ctx, q)
	if err != nil {
		return err
	}
	live, err := v.c.db.Inspect(ctx, q, all)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(live)) {
		if action.IsOutOfUse(name) && !known[action.Place{Table: name}] {
			v.fault("tombstone", name, "the table is out of use, and what it was is recorded nowhere")
		}
		for _, column := range live[name].Columns {
			// What a table out of use holds belongs to it.
			if !action.IsOutOfUse(name) && action.IsOutOfUse(column.Name) && !known[action.Place{Table: name, Column: column.Name}] {
				v.fault("tombstone", name+"."+column.Name, "the column is out of use, and what it was is recorded nowhere")
			}
		}
	}
	return nil
}

func (v *verification) tombstone(ctx context.Context, q database.Querier, places []action.Place) error {
	for _, place := range places {
		if place.Maybe {
			continue
		}
		live, err := v.c.db.Inspect(ctx, q, []string{place.Table})
		if err != nil {
			return err
		}
		table, ok := live[place.Table]
		switch {
		case !ok:
			v.fault("tombstone", place.Table, "the table is out of use and is not there any more: its rows are lost")
		case place.Column != "" && table.Column(place.Column) == nil:
			v.fault("tombstone", place.Table+"."+place.Column, "the column is out of use and is not there any more: its values are lost")
		}
	}
	return nil
}

// outbox proves that no file write is left over.
func (v *verification) outbox(ctx context.Context, q database.Querier) error {
	list, err := v.c.store.Outbox(ctx, q)
	if err != nil {
		return err
	}
	v.check()
	for _, w := range list {
		v.fault("outbox", w.Path, "batch %s has not written it back yet", w.ActionID)
	}
	return nil
}
