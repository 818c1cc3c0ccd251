package action

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"marain/backend/diff"
	"marain/backend/document"
)

// shape finds which values of a component a new shape is about.
type shape struct {
	d     Dialect
	value string // an expression for the component
	// moved says that something leaves or changes that readers look for, whatever the values are.
	moved bool
	risks []string // conditions of values that do not fit, or hold what leaves
}

// compare collects the differences at a path. Values of a field that gets another type are converted, and not looked
// at here.
func (s *shape) compare(path []string, from, to *document.Field) {
	for i := range from.Fields {
		if was := &from.Fields[i]; SubField(to, was.ID) == nil {
			s.moved = true
			s.risks = append(s.risks, s.d.Holds(s.value, at(path, was)))
		}
	}
	for i := range to.Fields {
		now := &to.Fields[i]
		was := SubField(from, now.ID)
		if was == nil {
			s.come(path, now)
			continue
		}
		s.stay(path, was, now)
	}
}

// come is a field that is new: other values may lie under its id already.
func (s *shape) come(path []string, now *document.Field) {
	holds := s.d.Holds(s.value, at(path, now))
	if now.Multiple() {
		s.risks = append(s.risks, holds)
	} else {
		s.risks = append(s.risks, holds+" AND "+s.d.Inside(now, s.value, at(path, now))+" IS NULL")
	}
	s.require(path, now)
}

// stay is a field that goes on.
func (s *shape) stay(path []string, was, now *document.Field) {
	holds := s.d.Holds(s.value, at(path, now))
	if now.Required && !was.Required {
		s.require(path, now)
	}
	fewer := now.Cardinality != document.Unlimited && (was.Cardinality == document.Unlimited || now.Cardinality < was.Cardinality)
	switch {
	case was.Multiple() != now.Multiple() || now.Multiple() && (fewer || !SameStorage(was, now)) || was.Target != now.Target:
		s.moved = true
		s.risks = append(s.risks, holds)
	case !now.Multiple() && was.Type == document.Component && now.Type == document.Component:
		s.compare(at(path, now), was, now)
	case was.Type != now.Type:
		s.moved = true
	}
}

// require asks for a value wherever the component around it is.
func (s *shape) require(path []string, now *document.Field) {
	if !now.Required {
		return
	}
	lacks := "NOT " + s.d.Holds(s.value, at(path, now))
	if len(path) > 0 {
		lacks = s.d.Holds(s.value, path) + " AND " + lacks
	}
	s.risks = append(s.risks, lacks)
}

func at(path []string, f *document.Field) []string { return append(slices.Clone(path), f.ID) }

// checkShape asks how many components do not fit their new shape, or hold a value that has no place in it.
func (f *fields) checkShape(ctx context.Context, from, to *document.Field) error {
	q := f.g.Dialect.Quote
	table, column := place(f.new, from)
	table = f.now(table)
	value := table + "." + q(column)
	s := shape{d: f.g.Dialect, value: value}
	s.compare(nil, from, to)
	offends := "1 = 0"
	if len(s.risks) > 0 {
		offends = "(" + strings.Join(s.risks, ") OR (") + ")"
	}
	offends = value + " IS NOT NULL AND (" + offends + ")"
	grade := diff.Safe
	if s.moved {
		grade = diff.Warning
	}
	_, _, err := f.check(ctx, probe{
		key: "fields." + to.ID + ".fields", rule: diff.ComponentChanged,
		query:  fmt.Sprintf("SELECT count(CASE WHEN %s THEN 1 END) AS n, count(%s) AS total FROM %s", offends, value, table),
		sample: fmt.Sprintf("SELECT %s.%s, %s AS value FROM %s WHERE %s ORDER BY 1", table, q("id"), value, table, offends),
		judge: func(n, total int64) (Verdict, diff.Category, string) {
			if n == 0 {
				return ProvedSafe, grade, fmt.Sprintf("All %s of %s fit the new shape", count(total, "value"), to.ID)
			}
			return Risk, diff.Breaking, fmt.Sprintf("%s of %s of %s do not fit the new shape, or hold what has no place in it; that stays inside", group(n), count(total, "value"), to.ID)
		},
	})
	return err
}
