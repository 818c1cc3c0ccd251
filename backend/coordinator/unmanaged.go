package coordinator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"marain/backend/action"
	"marain/backend/database"
)

// unmanaged lists what no document mentions.
func (c *Coordinator) unmanaged(ctx context.Context) (Unmanaged, error) {
	u := Unmanaged{Tables: []string{}, Columns: []UnmanagedColumn{}, Objects: []UnmanagedObject{}}
	err := c.db.Read(ctx, func(q database.Querier) error {
		names, err := c.db.TableNames(ctx, q)
		if err != nil {
			return err
		}
		wanted := c.wantedTables()
		var ours []string
		for _, name := range names {
			switch _, managed := wanted[name]; {
			case managed:
				ours = append(ours, name)
			case !database.IsBookkeeping(name) && !c.outOfUse(action.Place{Table: name}):
				u.Tables = append(u.Tables, name)
			}
		}
		live, err := c.db.Inspect(ctx, q, ours)
		if err != nil {
			return err
		}
		survey, err := c.db.Survey(ctx, q, ours)
		if err != nil {
			return err
		}
		for _, name := range ours {
			columns, err := c.foreignColumns(ctx, q, live[name], wanted[name], survey[name])
			if err != nil {
				return err
			}
			u.Columns = append(u.Columns, columns...)
			u.Objects = append(u.Objects, foreignIndexes(live[name], wanted[name])...)
		}
		objects, err := c.bystanders(ctx, q, ours)
		u.Objects = append(u.Objects, objects...)
		return err
	})
	return u, err
}

// wantedTables returns the tables that documents ask for, by name.
func (c *Coordinator) wantedTables() map[string]action.Table {
	all := map[string]action.Table{}
	for _, v := range c.applied {
		if v.doc == nil || v.doc.Entity == nil {
			continue
		}
		for _, t := range action.Tables(v.doc.Entity) {
			all[t.Name] = t
		}
	}
	return all
}

// outOfUse reports whether something lies where a tombstone does.
func (c *Coordinator) outOfUse(at action.Place) bool {
	layout := c.layout()
	for _, t := range c.tombs {
		for _, place := range layout.Places(t) {
			if place.Table == at.Table && place.Column == at.Column {
				return true
			}
		}
	}
	return false
}

// foreignColumns returns the columns of a table that nobody here knows, with how many rows hold a value.
func (c *Coordinator) foreignColumns(ctx context.Context, q database.Querier, live action.LiveTable, want action.Table, survey database.Survey) ([]UnmanagedColumn, error) {
	var list []UnmanagedColumn
	quote := c.db.Dialect().Quote
	for _, column := range live.Columns {
		mine := slices.ContainsFunc(want.Columns, func(w action.Column) bool { return w.Name == column.Name })
		if mine || c.outOfUse(action.Place{Table: live.Name, Column: column.Name}) {
			continue
		}
		one := UnmanagedColumn{Table: live.Name, Column: column.Name, Type: column.Type}
		if slices.ContainsFunc(survey.Columns, func(s database.SurveyedColumn) bool { return s.Name == column.Name && s.Generated }) {
			one.Type += " generated"
		}
		limited, cancel := context.WithTimeout(ctx, c.options.CheckLimit)
		rows, err := database.Reader{Querier: q}.Read(limited, fmt.Sprintf("SELECT count(%s) AS n FROM %s", quote(column.Name), quote(live.Name)), 1)
		cancel()
		if err != nil && (ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded)) {
			return nil, fmt.Errorf("count the values of %s: %w", column.Name, err)
		}
		if len(rows) == 1 {
			if n, ok := rows[0]["n"].(int64); ok {
				one.RowsWithValue = &n
			}
		}
		list = append(list, one)
	}
	return list, nil
}

// foreignIndexes returns the indexes of a table that no document asks for.
func foreignIndexes(live action.LiveTable, want action.Table) []UnmanagedObject {
	var list []UnmanagedObject
	for _, index := range live.Indexes {
		if slices.ContainsFunc(want.Indexes, func(w action.Index) bool { return w.Name == index.Name }) {
			continue
		}
		kind := "index"
		if index.Unique {
			kind = "unique index"
		}
		list = append(list, UnmanagedObject{Kind: kind, Name: index.Name, Table: live.Name})
	}
	return list
}

// bystanders returns what other programs keep on our tables.
func (c *Coordinator) bystanders(ctx context.Context, q database.Querier, tables []string) ([]UnmanagedObject, error) {
	if len(tables) == 0 {
		return nil, nil
	}
	found, err := c.db.Bystanders(ctx, q, tables)
	if err != nil {
		return nil, err
	}
	seen := map[UnmanagedObject]bool{}
	for _, b := range found {
		if b.Kind == action.UniqueIndex || b.Kind == action.Generated {
			continue // told as an index, and as a column
		}
		if b.Broken == "" && !b.Ours() && !(b.Kind == action.ForeignKey && action.IsOutOfUse(b.Child)) {
			seen[UnmanagedObject{Kind: string(b.Kind), Name: b.Name, Table: b.Table}] = true
		}
	}
	return slices.SortedFunc(maps.Keys(seen), func(a, b UnmanagedObject) int {
		return slices.Compare([]string{a.Table, a.Kind, a.Name}, []string{b.Table, b.Kind, b.Name})
	}), nil
}
