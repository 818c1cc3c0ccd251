package action

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"marain/backend/diff"
)

// ColumnLimited is a dialect whose tables have only so many columns.
type ColumnLimited interface {
	// MostColumns is how many columns a table may have, those that are out of use included, and whether one that is dropped
	// makes room for another.
	MostColumns() (most int, reused bool)
}

// room blocks the file when a table would get more columns than the database allows, and says so early: what is out of
// use lies in columns too, and goes by a purge alone. Plans that add no column are not looked at.
func (w *work) room(ctx context.Context) error {
	d, limited := w.g.Dialect.(ColumnLimited)
	if !limited {
		return nil
	}
	added, made := w.addedColumns()
	live, err := w.g.Inspect(ctx, slices.Sorted(maps.Keys(added)))
	if err != nil {
		return fmt.Errorf("count the columns: %w", err)
	}
	for _, table := range slices.Sorted(maps.Keys(added)) {
		t := live[table]
		w.judgeRoom(d, table, max(t.Slots, len(t.Columns))+added[table], &t)
	}
	for _, table := range slices.Sorted(maps.Keys(made)) {
		w.judgeRoom(d, table, made[table], &LiveTable{})
	}
	return nil
}

// addedColumns returns how many columns the plan adds to tables, under their present names, and how many the tables have
// that it makes.
func (w *work) addedColumns() (added, made map[string]int) {
	added, made = map[string]int{}, map[string]int{}
	present := map[string]string{} // the names before this plan
	for _, a := range w.draft.File.Actions {
		for _, step := range a.Steps {
			switch s := step.(type) {
			case CreateTable:
				made[s.Table.Name] = len(s.Table.Columns)
			case RenameTable:
				if n, new := made[s.From]; new {
					made[s.To] = n
					delete(made, s.From)
					continue
				}
				present[s.To] = s.From
				if before, ok := present[s.From]; ok {
					present[s.To] = before
				}
			case AddColumn:
				name := s.Table
				if before, ok := present[name]; ok {
					name = before
				}
				if _, new := made[name]; new {
					made[name]++
				} else {
					added[name]++
				}
			}
		}
	}
	return added, made
}

// judgeRoom compares how many columns a table would have with how many it may have.
func (w *work) judgeRoom(limits ColumnLimited, table string, after int, live *LiveTable) {
	most, reused := limits.MostColumns()
	if after*5 < most*4 {
		return
	}
	unused := 0
	for _, c := range live.Columns {
		if IsOutOfUse(c.Name) {
			unused++
		}
	}
	message := fmt.Sprintf("%s would have %s columns, and the database allows %s", table, group(int64(after)), group(int64(most)))
	hint := "Spread the fields over several content types"
	if unused > 0 {
		message += fmt.Sprintf("; %s of them are out of use", group(int64(unused)))
	}
	switch {
	case unused > 0 && reused && after-unused <= most:
		hint = "Make room by destroying what is out of use: marain tombstones lists it, marain purge does it"
	case !reused:
		hint += "; a purge makes no room here, because a column that was dropped goes on counting"
	}
	if dropped := live.Slots - len(live.Columns); dropped > 0 {
		message += fmt.Sprintf("; %s that were dropped still count", group(int64(dropped)))
	}
	if after > most {
		w.block("", message, hint)
		return
	}
	f := &w.draft.File
	f.Checks = append(f.Checks, Check{
		Rule: diff.ColumnsScarce, Message: message + ". " + hint, Verdict: Risk, TextCategory: diff.Warning, Category: diff.Warning,
		Count: int64(after), Total: int64(most), Samples: []map[string]any{},
	})
	f.Category = max(f.Category, diff.Warning)
}
