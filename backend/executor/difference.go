package executor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"marain/backend/action"
)

// shownIDs is how many of the rows that differ are named.
const shownIDs = 5

// same proves that everything in want is there now, with the same values, and that nothing but what is out of use was
// added. Lead begins the sentence that says otherwise.
func (r *rehearsal) same(want, now shape, lead string) error {
	for _, name := range sortedNames(want.tables) {
		table, ok := now.tables[name]
		if !ok {
			return disprove("%s: table %s is missing.", lead, name)
		}
		if message := reshaped(want.tables[name], table); message != "" {
			return disprove("%s: %s: %s.", lead, name, message)
		}
		if message := revalued(want.sums[name], now.sums[name]); message != "" {
			return disprove("%s: %s: %s.", lead, name, message)
		}
	}
	for _, name := range sortedNames(now.tables) {
		if _, known := want.tables[name]; !known && !action.IsOutOfUse(name) {
			return disprove("%s: table %s is still in use.", lead, name)
		}
	}
	return nil
}

// reshaped says how a table is not what it was; empty when it is.
func reshaped(want, now action.LiveTable) string {
	for _, c := range want.Columns {
		found := now.Column(c.Name)
		switch {
		case found == nil:
			return fmt.Sprintf("column %s is missing", c.Name)
		case !strings.EqualFold(found.Type, c.Type):
			return fmt.Sprintf("column %s is %s and was %s", c.Name, found.Type, c.Type)
		case found.NotNull && !c.NotNull:
			return fmt.Sprintf("column %s refuses empty values and did not", c.Name)
		case !found.NotNull && c.NotNull:
			return fmt.Sprintf("column %s allows empty values and did not", c.Name)
		}
	}
	for _, c := range now.Columns {
		if want.Column(c.Name) == nil && !action.IsOutOfUse(c.Name) {
			return fmt.Sprintf("column %s is still in use", c.Name)
		}
	}
	return reindexed(want, now)
}

func reindexed(want, now action.LiveTable) string {
	for _, index := range want.Indexes {
		found := now.Index(index.Name)
		if found == nil {
			return fmt.Sprintf("index %s is missing", index.Name)
		}
		if found.Unique != index.Unique || !slices.Equal(found.Columns, index.Columns) {
			return fmt.Sprintf("index %s is another one", index.Name)
		}
	}
	for _, index := range now.Indexes {
		if want.Index(index.Name) == nil {
			return fmt.Sprintf("index %s is still there", index.Name)
		}
	}
	return ""
}

// revalued says which values of a table are not what they were; empty when all are. Rows are named by id, values are
// not shown: they may be anybody's.
func revalued(want, now sums) string {
	var gone, added []string // ids, one for each row
	for sum, was := range want.rows {
		for range was.number - now.rows[sum].number {
			gone = append(gone, was.id)
		}
	}
	for sum, is := range now.rows {
		for range is.number - want.rows[sum].number {
			added = append(added, is.id)
		}
	}
	switch {
	case len(gone) == 0 && len(added) == 0:
		return ""
	case len(gone) == 0:
		return fmt.Sprintf("%s %s too many%s", action.RowCount(int64(len(added))), verb(len(added), "is", "are"), named(added))
	case len(gone) > len(added):
		return fmt.Sprintf("%s of %s %s%s", number(int64(len(gone))), action.RowCount(want.count), verb(len(gone), "is missing or differs", "are missing or differ"), named(gone))
	}
	return fmt.Sprintf("%s of %s %s%s%s", number(int64(len(gone))), action.RowCount(want.count), verb(len(gone), "differs", "differ"), changed(want, now), named(gone))
}

// number writes a number as a count of rows is written, without its noun.
func number(n int64) string {
	text, _, _ := strings.Cut(action.RowCount(n), " ")
	return text
}

func verb(n int, one, several string) string {
	if n == 1 {
		return one
	}
	return several
}

// changed names the columns whose values differ.
func changed(want, now sums) string {
	if want.count != now.count {
		return ""
	}
	var columns []string
	for _, name := range want.columns {
		if want.values[name] != now.values[name] {
			columns = append(columns, name)
		}
	}
	if len(columns) == 0 {
		return ""
	}
	return " in " + strings.Join(columns, ", ")
}

// named lists the first of some ids.
func named(ids []string) string {
	ids = slices.DeleteFunc(ids, func(id string) bool { return id == "" })
	if len(ids) == 0 {
		return ""
	}
	slices.SortFunc(ids, cmp.Compare)
	ids = slices.Compact(ids)
	more := ""
	if len(ids) > shownIDs {
		ids, more = ids[:shownIDs], " and others"
	}
	return fmt.Sprintf(" (id %s%s)", strings.Join(ids, ", "), more)
}

// inert proves that what went out of use on the way gave up every rule: it must not decide which rows may be written.
func (r *rehearsal) inert(before, now shape, what string) error {
	for _, name := range sortedNames(now.tables) {
		if action.IsOutOfUse(name) {
			continue // nobody writes to it
		}
		table, was := now.tables[name], before.tables[name]
		for _, c := range table.Columns {
			if action.IsOutOfUse(c.Name) && c.NotNull && was.Column(c.Name) == nil {
				return disprove("%s would leave a rule behind: %s.%s is out of use and refuses empty values.", what, name, c.Name)
			}
		}
		for _, index := range table.Indexes {
			if index.Unique && was.Index(index.Name) == nil && slices.ContainsFunc(index.Columns, action.IsOutOfUse) {
				return disprove("%s would leave a rule behind: index %s on %s is on what is out of use.", what, index.Name, name)
			}
		}
	}
	return nil
}
