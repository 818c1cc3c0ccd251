package action

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"marain/backend/diff"
	"marain/backend/document"
)

// comeBack brings an earlier incarnation of the same line into use. Rows that still hold exactly what was made of the
// original get the original; what was written since wins, converted. Where nothing was written, the earlier place
// simply gets its name back; otherwise merged values take its place and what lay there stays out of use under a name
// of its own, because nothing overwrites a value that nobody deleted.
func (f *fields) comeBack(ctx context.Context, r *replacement) error {
	has, err := f.lies(ctx, *r.back)
	if err != nil {
		return err
	}
	if !has[0] {
		f.block(r.key, fmt.Sprintf("The former values of %s are not there any more", r.to.ID), f.withoutOriginals(has))
		return nil
	}
	kept, err := f.keptRevisions(ctx, r)
	if err != nil {
		return err
	}
	same, err := f.checkReturn(ctx, r, kept)
	if err != nil {
		return err
	}
	if r.fill != nil {
		return f.over(r, kept, same)
	}
	f.draft.Effects.Restored = append(f.draft.Effects.Restored, r.back.ID)
	if same {
		return f.revive(r, kept)
	}
	return f.merge(r, kept)
}

// lies reports where the values of a field that is out of use lie: beside the rows, and beside their revisions.
func (f *fields) lies(ctx context.Context, t Tombstone) ([]bool, error) {
	field := &t.Shape.Fields[0]
	has := make([]bool, len(f.both()))
	for i, revisions := range f.both() {
		name := OutOfUse(t.Tag, listTable(f.new.ID, field.ID, revisions))
		if !field.Multiple() {
			name = f.nowName(rowTable(f.new.ID, revisions))
		}
		live, err := f.g.Inspect(ctx, []string{name})
		if err != nil {
			return nil, fmt.Errorf("look at what is out of use: %w", err)
		}
		table, there := live[name]
		if field.Multiple() && !revisions {
			f.found[t.Tag] = table.Index(OutOfUse(t.Tag, document.IndexName(document.FieldTable(f.new.ID, field.ID), "parent_id"))) != nil
		}
		has[i] = there && (field.Multiple() || table.Column(OutOfUse(t.Tag, field.ID)) != nil)
	}
	return has, nil
}

// nowName is the name that a table has at this moment.
func (w *work) nowName(table string) string {
	if name, ok := w.physical[table]; ok {
		return name
	}
	return table
}

// revive gives an incarnation its name back. Revisions that it never had get what the present ones say.
func (f *fields) revive(r *replacement, kept map[string]bool) error {
	there := []bool{false}
	if f.old.Versioned && kept[r.back.Tag] {
		there = append(there, true)
	}
	bare := *r.to // without rules: what is missing is given before them
	bare.Required, bare.Unique, bare.Indexed = false, false, false
	up := restoreField(f.new, &bare, r.back.Field, r.back.Tag, there, f.found[r.back.Tag])
	if f.old.Versioned && !kept[r.back.Tag] {
		up = append(up, f.place(r.to, true)...)
		rows := f.rows(rowTable(f.new.ID, true), true)
		list, err := f.stations(r, rows, kept, f.spot(r.from, r.tag, true), func(h hop) spot { return f.spot(h.to.field, h.to.tag, true) }, nil)
		if err != nil {
			return err
		}
		if last := list[len(list)-1]; !last.empty {
			up = append(up, rows.write(last.value, r.to.ID, listTable(f.new.ID, r.to.ID, true)))
		}
	}
	up = slices.Concat(up, f.missingRules(r.to, &bare), f.unshelve(r.back.Field, r.back.Tag, r.to))
	return f.migrate(fmt.Sprintf("Bring the former values of %s back", r.to.ID), up, inverse(up, f.undone(r.to.ID)))
}

// missingRules are the rules of a field that its bare form does not have yet.
func (f *fields) missingRules(field, bare *document.Field) []Step {
	if !field.Multiple() {
		return f.rules(field)
	}
	var steps []Step
	for _, s := range f.rules(field) {
		if !slices.ContainsFunc(f.rules(bare), func(b Step) bool { return reflect.DeepEqual(s, b) }) {
			steps = append(steps, s)
		}
	}
	return steps
}

// merge makes new places for what comes back with what was written since, along the whole way: what lies between is
// brought up to date too, so that the next way across finds there what it held when it was crossed last.
func (f *fields) merge(r *replacement, kept map[string]bool) error {
	up := f.displace(r, kept)
	for _, revisions := range f.both() {
		steps, last, err := f.settle(r, kept, revisions)
		if err != nil {
			return err
		}
		up = slices.Concat(up, steps, f.place(r.to, revisions))
		if !last.empty {
			rows := f.rows(rowTable(f.new.ID, revisions), revisions)
			up = append(up, rows.write(last.value, r.to.ID, listTable(f.new.ID, r.to.ID, revisions)))
		}
	}
	up = slices.Concat(up, f.clear(r, kept, true), f.rules(r.to), f.unshelve(r.back.Field, r.back.Tag, r.to))
	return f.migrate(fmt.Sprintf("Bring the former values of %s back, with what was written since", r.to.ID), up, inverse(up, f.undone(r.to.ID)))
}

// displace puts what lies on a way aside, because merged values take its place.
func (f *fields) displace(r *replacement, kept map[string]bool) []Step {
	var steps []Step
	for _, h := range r.hops {
		f.bury(Displaced, h.to.field, f.apart(r, h))
		for _, revisions := range f.both() {
			if !revisions || kept[h.to.tag] {
				steps = append(steps, f.putAside(h, f.apart(r, h), revisions)...)
			}
		}
	}
	return steps
}

// apart is what the former values of an incarnation are called while merged ones take their place.
func (f *fields) apart(r *replacement, h hop) string {
	return Tag(f.in.Path, f.in.NextVersion, f.new.ID, "apart:"+r.to.ID+":"+h.to.tag)
}

// putAside frees the name of an incarnation that is out of use.
func (f *fields) putAside(h hop, apart string, revisions bool) []Step {
	if !h.to.field.Multiple() {
		return []Step{RenameColumn{rowTable(f.new.ID, revisions), OutOfUse(h.to.tag, h.to.field.ID), OutOfUse(apart, h.to.field.ID)}}
	}
	name := listTable(f.new.ID, h.to.field.ID, revisions)
	steps := []Step{RenameTable{OutOfUse(h.to.tag, name), OutOfUse(apart, name)}}
	if !revisions && f.found[h.to.tag] {
		index, _ := listOutOfUse(fieldTables(f.new, h.to.field)[0], h.to.tag).ofParent()
		index.Table = OutOfUse(apart, name)
		steps = append(steps, RenameIndex{index, OutOfUse(apart, document.IndexName(name, "parent_id"))})
	}
	return steps
}

// settle makes the places on a way back anew and fills them, and returns what comes to its end.
func (f *fields) settle(r *replacement, kept map[string]bool, revisions bool) ([]Step, station, error) {
	rows := f.rows(rowTable(f.new.ID, revisions), revisions)
	var steps []Step
	list, err := f.stations(r, rows, kept, f.spot(r.from, r.tag, revisions),
		func(h hop) spot { return f.spot(h.to.field, f.apart(r, h), revisions) },
		func(h hop, v relation) relation {
			passed, out := f.settled(h, rows, v)
			steps = append(steps, passed...)
			return out
		})
	if err != nil {
		return nil, station{}, err
	}
	return steps, list[len(list)-1], nil
}

// settled makes the place of an incarnation that stays out of use anew, with what it holds from now on.
func (f *fields) settled(h hop, rows rowset, v relation) ([]Step, relation) {
	out := f.spot(h.to.field, h.to.tag, rows.revisions)
	return []Step{f.outPlace(h, out, rows.revisions), rows.write(v, out.column, out.table)}, rows.read(out)
}

// outPlace makes a place for values that are out of use.
func (f *fields) outPlace(h hop, out spot, revisions bool) Step {
	if !h.to.field.Multiple() {
		return AddColumn{rowTable(f.new.ID, revisions), Column{Name: out.column, Type: columnType(h.to.field.Type)}}
	}
	versioned := *f.new
	versioned.Versioned = true
	tables := fieldTables(&versioned, h.to.field)
	bare := tables[0]
	if revisions {
		bare = tables[1]
	}
	return CreateTable{listOutOfUse(bare, h.to.tag)}
}

// station is one incarnation on a way back with the values it has then.
type station struct {
	hop   hop
	value relation
	lies  bool // it has a place for these rows
	empty bool // nothing is known of its values
}

// stations goes the way back from the present values to those that come back. Each incarnation keeps what lies there
// while its neighbour still agrees with it. Settled, when given, is told the values of each one that is passed and
// answers where they lie from then on. For revisions, incarnations that were in use while none were kept are stepped
// over.
func (f *fields) stations(r *replacement, rows rowset, kept map[string]bool, present spot, where func(hop) spot, settled func(hop, relation) relation) ([]station, error) {
	at := start{node: node{tag: r.tag, field: r.from}}
	if !rows.revisions || kept[r.tag] {
		at.value = rows.read(present)
	}
	var all []station
	var past behind
	for left := r.hops; len(left) > 0; {
		if n := alike(at.field, left); n > 0 {
			list, err := f.straight(left[:n], *r.back, rows, kept, at, where, settled)
			if err != nil {
				return nil, err
			}
			for _, s := range list {
				if !s.empty {
					past, at = past.pass(at.value, at.node, s.value), start{s.hop.to, s.value}
				}
			}
			all, left = append(all, list...), left[n:]
			continue
		}
		list, err := f.cross(left[0], *r.back, rows, kept, at, past, where)
		if err != nil {
			return nil, err
		}
		for _, s := range list {
			if s.empty {
				continue
			}
			if settled != nil && s.hop.to.tag != r.back.Tag {
				s.value = settled(s.hop, s.value)
			}
			past, at = past.pass(at.value, at.node, s.value), start{s.hop.to, s.value}
		}
		all, left = append(all, list...), left[1:]
	}
	return all, nil
}

// cross is stations for the one hop from a single value to several, or from several to a single one.
func (f *fields) cross(h hop, end Tombstone, rows rowset, kept map[string]bool, from start, past behind, where func(hop) spot) ([]station, error) {
	last, lies := h.to.tag == end.Tag, !rows.revisions || kept[h.to.tag]
	if !lies && !last {
		return nil, nil
	}
	s := station{hop: h, lies: lies}
	there := where(h)
	there.none = !lies
	switch {
	case from.value.field == nil && !lies:
		s.empty = true
	case from.value.field == nil:
		s.value = rows.read(there)
	default:
		v, err := rows.follow(from.value, hop{from: from.node, to: h.to}, there)
		if err != nil {
			return nil, err
		}
		if s.value, err = rows.takeAlong(past, from.value, v, h, there); err != nil {
			return nil, err
		}
	}
	return []station{s}, nil
}

// returning is the way back as the tables are now, before any step of this plan.
func (f *fields) returning(r *replacement, revisions bool, kept map[string]bool) ([]station, rowset, error) {
	rows := f.rows(f.nowName(rowTable(f.new.ID, revisions)), revisions)
	present := f.today(r.from, revisions)
	if r.lying {
		present = f.spot(r.from, r.tag, revisions)
	}
	list, err := f.stations(r, rows, kept, present, func(h hop) spot { return f.spot(h.to.field, h.to.tag, revisions) }, nil)
	return list, rows, err
}

// keptRevisions reports by tag which incarnations on a way back have values beside the revisions: some were in use only
// while none were kept.
func (f *fields) keptRevisions(ctx context.Context, r *replacement) (map[string]bool, error) {
	kept := map[string]bool{r.tag: f.old.Versioned && !r.lying}
	nodes := []node{}
	if r.lying {
		t, _ := f.lying(r.tag)
		nodes = append(nodes, node{tag: r.tag, tombstone: &t})
	}
	for _, h := range r.hops {
		nodes = append(nodes, h.to)
	}
	for _, n := range nodes {
		has, err := f.lies(ctx, *n.tombstone)
		if err != nil {
			return nil, err
		}
		kept[n.tag] = len(has) > 1 && has[1]
	}
	return kept, f.findMarks(ctx)
}

// findMarks notes which marks lie beside revisions: those that were made while there were some.
func (f *fields) findMarks(ctx context.Context) error {
	if !f.old.Versioned {
		return nil
	}
	name := f.nowName(rowTable(f.new.ID, true))
	live, err := f.g.Inspect(ctx, []string{name})
	if err != nil {
		return fmt.Errorf("look at what is out of use: %w", err)
	}
	table := live[name]
	for _, t := range f.g.Tombstones {
		if t.Kind == Cleared && t.EntityTag == f.life.Tag {
			f.marked[t.Tag] = table.Column(OutOfUse(t.Tag, t.Field)) != nil
		}
	}
	return nil
}

// rows are the rows of a table for a way back, or its revisions.
func (f *fields) rows(table string, revisions bool) rowset {
	r := f.g.rows(table, revisions)
	r.marked = f.marked
	return r
}

// today is where a field in use has its values before any step of this plan.
func (f *fields) today(field *document.Field, revisions bool) spot {
	return spot{field: field, column: field.ID, table: f.nowName(listTable(f.new.ID, field.ID, revisions))}
}

// checkReturn asks how many rows were written since an incarnation went out of use, and whether what comes back keeps
// the field's rules. It reports whether everything still is what it was.
func (f *fields) checkReturn(ctx context.Context, r *replacement, kept map[string]bool) (bool, error) {
	query, sample, err := f.edited(r, kept)
	if err != nil {
		return false, err
	}
	n, proved, err := f.check(ctx, probe{
		key: r.key, rule: r.rule, query: query, sample: sample,
		judge: func(n, total int64) (Verdict, diff.Category, string) {
			if n == 0 {
				return ProvedSafe, diff.Warning, fmt.Sprintf("0 of %s were written since %s was changed: every former value comes back as it was", rowCount(total), r.to.ID)
			}
			return Risk, diff.Breaking, fmt.Sprintf("%s of %s were written since %s was changed: what they hold now is converted and wins; what they held before stays out of use",
				group(n), rowCount(total), r.to.ID)
		},
	})
	if err != nil {
		return false, err
	}
	list, rows, err := f.returning(r, false, kept)
	if err != nil {
		return false, err
	}
	if err := f.checkRules(ctx, r, rows, list[len(list)-1].value); err != nil {
		return false, err
	}
	return proved && n == 0, nil
}

// edited writes the query that counts the rows whose returning value is not the one that lies there.
func (f *fields) edited(r *replacement, kept map[string]bool) (query, sample string, err error) {
	var counts []string
	for _, revisions := range f.both() {
		list, rows, err := f.returning(r, revisions, kept)
		if err != nil {
			return "", "", err
		}
		for _, s := range list {
			if !s.lies {
				continue
			}
			differ := rows.differ(s.value, f.spot(s.hop.to.field, s.hop.to.tag, revisions))
			counts = append(counts, fmt.Sprintf("(SELECT count(*) FROM (%s) AS %s)", differ, rows.quote("d")))
			if !revisions {
				sample = differ + " ORDER BY 1"
			}
		}
	}
	total := fmt.Sprintf("(SELECT count(*) FROM %s)", f.now(document.ContentTable(f.new.ID)))
	return fmt.Sprintf("SELECT %s AS n, %s AS total", strings.Join(counts, " + "), total), sample, nil
}

// differ writes the query of the rows whose values are others than those in a spot.
func (r rowset) differ(v relation, s spot) string {
	if !v.field.Multiple() {
		if v.query == "" {
			return fmt.Sprintf("SELECT %s FROM %s WHERE %s", r.list(r.table, r.keys...), r.quote(r.table), r.distinct(v.field, r.column(s.column), v.expr))
		}
		return fmt.Sprintf("SELECT %s FROM %s LEFT JOIN (%s) AS %s ON %s WHERE %s", r.list(r.table, r.keys...), r.quote(r.table),
			v.query, r.quote("w"), r.match("w", r.keys, r.table, r.keys), r.distinct(v.field, r.column(s.column), r.of("w", "value")))
	}
	columns := []string{"parent_id", "id", "value", "sort_order"}
	if len(r.keys) > 1 {
		columns = append(columns, "rid")
	}
	a := fmt.Sprintf("SELECT %s FROM (%s) AS %s", r.list("a", columns...), v.query, r.quote("a"))
	b := fmt.Sprintf("SELECT %s FROM %s", r.list(s.table, columns...), r.quote(s.table))
	return fmt.Sprintf("SELECT %s FROM (%s EXCEPT %s) AS %s UNION ALL SELECT %s FROM (%s EXCEPT %s) AS %s",
		r.list("g", "parent_id"), a, b, r.quote("g"), r.list("h", "parent_id"), b, a, r.quote("h"))
}
