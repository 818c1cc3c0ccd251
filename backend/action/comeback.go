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
		f.block(r.key, fmt.Sprintf("The former values of %s are not there any more", r.to.ID), "They were removed by another program; keep the present shape")
		return nil
	}
	same, err := f.checkReturn(ctx, r, has)
	if err != nil {
		return err
	}
	f.draft.Effects.Restored = append(f.draft.Effects.Restored, r.back.ID)
	if same {
		return f.revive(r, has)
	}
	r.apart = Tag(f.in.Path, f.in.NextVersion, f.new.ID, "apart:"+r.to.ID)
	return f.merge(ctx, r, has)
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
func (f *fields) revive(r *replacement, has []bool) error {
	there := []bool{false}
	if len(has) > 1 && has[1] {
		there = append(there, true)
	}
	bare := *r.to // without rules: what is missing is given before them
	bare.Required, bare.Unique, bare.Indexed = false, false, false
	up := restoreField(f.new, &bare, r.back.Field, r.back.Tag, nil, there)
	if len(has) > 1 && !has[1] {
		rows := f.g.rows(rowTable(f.new.ID, true), true)
		v := rows.convert(rows.read(f.spot(r.from, r.tag, true)), r.to)
		up = append(up, f.place(r.to, true)...)
		up = append(up, rows.write(v, r.to, listTable(f.new.ID, r.to.ID, true)))
	}
	given, err := f.give(r)
	if err != nil {
		return err
	}
	up = slices.Concat(up, given, f.missingRules(r.to, &bare), f.unshelve(r.back.Field, r.back.Tag, r.to))
	return f.migrate(fmt.Sprintf("Bring the former values of %s back", r.to.ID), up, f.ungiven(r, inverse(up, f.undone(r.to.ID))))
}

// ungiven takes back what rows were given in a place that was there before, while their marks are still there.
func (f *fields) ungiven(r *replacement, down []Step) []Step {
	if r.fill == nil {
		return down
	}
	table, marker := document.ContentTable(f.new.ID), f.marker(r)
	at := slices.IndexFunc(down, func(s Step) bool { c, ok := s.(RenameColumn); return ok && c.Table == table && c.From == marker })
	rows := f.g.rows(table, false)
	return slices.Insert(down, at, Step(Update{Table: table, Set: []Assignment{{r.to.ID, "NULL"}}, Where: rows.column(marker)}))
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

// merge makes a new place for what comes back and what was written since.
func (f *fields) merge(ctx context.Context, r *replacement, has []bool) error {
	was := &r.back.Shape.Fields[0]
	f.bury(Displaced, was, r.apart)
	kept, err := f.keptRevisions(ctx, r)
	if err != nil {
		return err
	}
	var up []Step
	for i, revisions := range f.both() {
		if !has[i] {
			continue
		}
		if was.Multiple() {
			name := listTable(f.new.ID, was.ID, revisions)
			up = append(up, RenameTable{OutOfUse(r.back.Tag, name), OutOfUse(r.apart, name)})
			continue
		}
		table := rowTable(f.new.ID, revisions)
		up = append(up, RenameColumn{table, OutOfUse(r.back.Tag, was.ID), OutOfUse(r.apart, was.ID)})
	}
	poured, err := f.pour(r, func(rows rowset, revisions bool) (relation, error) {
		return f.trail(r, rows, f.spot(r.from, r.tag, revisions), func(h hop) spot {
			tag := h.to.tag
			if tag == r.back.Tag {
				tag = r.apart
			}
			s := f.spot(h.to.field, tag, revisions)
			s.none = revisions && !kept[h.to.tag]
			return s
		})
	})
	if err != nil {
		return err
	}
	up = slices.Concat(up, poured, f.unshelve(r.back.Field, r.back.Tag, r.to))
	return f.migrate(fmt.Sprintf("Bring the former values of %s back, with what was written since", r.to.ID), up, inverse(up, f.undone(r.to.ID)))
}

// trail follows the line from the present values to those that come back.
func (f *fields) trail(r *replacement, rows rowset, present spot, where func(hop) spot) (relation, error) {
	v := rows.read(present)
	for _, h := range r.hops {
		next, err := rows.follow(v, h, where(h))
		if err != nil {
			return relation{}, err
		}
		v = next
	}
	return v, nil
}

// returning is the trail as the tables are now, before any step of this plan.
func (f *fields) returning(r *replacement, revisions bool, kept map[string]bool) (relation, rowset, error) {
	rows := f.g.rows(f.nowName(rowTable(f.new.ID, revisions)), revisions)
	v, err := f.trail(r, rows, f.today(r.from, revisions), func(h hop) spot {
		s := f.spot(h.to.field, h.to.tag, revisions)
		s.none = revisions && !kept[h.to.tag]
		return s
	})
	return v, rows, err
}

// keptRevisions reports by tag which incarnations on a way back have values beside the revisions: some were in use only
// while none were kept.
func (f *fields) keptRevisions(ctx context.Context, r *replacement) (map[string]bool, error) {
	kept := map[string]bool{}
	for _, h := range r.hops {
		has, err := f.lies(ctx, *h.to.tombstone)
		if err != nil {
			return nil, err
		}
		kept[h.to.tag] = len(has) > 1 && has[1]
	}
	return kept, nil
}

// today is where a field in use has its values before any step of this plan.
func (f *fields) today(field *document.Field, revisions bool) spot {
	return spot{field: field, column: field.ID, table: f.nowName(listTable(f.new.ID, field.ID, revisions))}
}

// checkReturn asks how many rows were written since an incarnation went out of use, and whether what comes back keeps
// the field's rules. It reports whether everything still is what it was.
func (f *fields) checkReturn(ctx context.Context, r *replacement, has []bool) (bool, error) {
	kept, err := f.keptRevisions(ctx, r)
	if err != nil {
		return false, err
	}
	query, sample, err := f.edited(r, has, kept)
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
	v, rows, err := f.returning(r, false, kept)
	if err != nil {
		return false, err
	}
	if err := f.checkRules(ctx, r, rows, v); err != nil {
		return false, err
	}
	return proved && n == 0, nil
}

// edited writes the query that counts the rows whose returning value is not the one that lies there.
func (f *fields) edited(r *replacement, has []bool, kept map[string]bool) (query, sample string, err error) {
	var counts []string
	for i, revisions := range f.both() {
		if !has[i] {
			continue
		}
		v, rows, err := f.returning(r, revisions, kept)
		if err != nil {
			return "", "", err
		}
		lie := f.spot(&r.back.Shape.Fields[0], r.back.Tag, revisions)
		differ := rows.differ(v, lie)
		counts = append(counts, fmt.Sprintf("(SELECT count(*) FROM (%s) AS %s)", differ, rows.quote("d")))
		if !revisions {
			sample = differ + " ORDER BY 1"
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
