package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// describe makes the tables that are asked for and those that they refer to, empty.
func (s *scratch) describe(ctx context.Context) error {
	wanted := slices.Clone(s.wish.Tables)
	slices.Sort(wanted)
	seen := map[string]bool{}
	for len(wanted) > 0 {
		name := wanted[0]
		wanted = wanted[1:]
		if seen[name] {
			continue
		}
		seen[name] = true
		var create string
		err := s.conn.QueryRowContext(ctx, `SELECT sql FROM live.sqlite_schema WHERE type = 'table' AND name = ? AND rootpage > 0`, name).Scan(&create)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return err
		}
		if err := s.exec(ctx, create); err != nil {
			return fmt.Errorf("make %s: %w", name, err)
		}
		t := scratchTable{name: name}
		if err := s.inspect(ctx, &t); err != nil {
			return fmt.Errorf("look at %s: %w", name, err)
		}
		s.tables = append(s.tables, t)
		for _, p := range t.parents {
			wanted = append(wanted, p.table)
		}
	}
	return nil
}

// inspect reads what copying a table takes.
func (s *scratch) inspect(ctx context.Context, t *scratchTable) error {
	quote := Dialect{}.Quote
	var columns []string
	type place struct {
		number int
		name   string
	}
	var keys []place
	err := s.each(ctx, func(rows *sql.Rows) error {
		var name string
		var pk, hidden int
		if err := rows.Scan(&name, &pk, &hidden); err != nil {
			return err
		}
		t.own = append(t.own, name)
		if hidden == 0 {
			columns = append(columns, quote(name))
		}
		if pk > 0 {
			keys = append(keys, place{pk, quote(name)})
		}
		return nil
	}, `SELECT name, pk, hidden FROM pragma_table_xinfo(?, 'live')`, t.name)
	if err != nil {
		return err
	}
	t.columns = strings.Join(columns, ", ")
	slices.SortFunc(keys, func(a, b place) int { return a.number - b.number })
	for _, key := range keys {
		t.primary = append(t.primary, key.name)
	}
	t.key = t.primary
	if number, err := rowNumber(ctx, connection{s.conn}, "live", t.name); err != nil {
		return err
	} else if number != "" {
		t.key = []string{number}
	}
	if err := s.references(ctx, t); err != nil {
		return err
	}
	return s.each(ctx, func(rows *sql.Rows) error {
		var create string
		err := rows.Scan(&create)
		t.create = append(t.create, create)
		return err
	}, `SELECT sql FROM live.sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL ORDER BY rowid`, t.name)
}

// references reads what a table refers to. A reference that names no columns is to the other's primary key.
func (s *scratch) references(ctx context.Context, t *scratchTable) error {
	quote := Dialect{}.Quote
	at := map[int]int{}
	return s.each(ctx, func(rows *sql.Rows) error {
		var number int
		var table, from string
		var to sql.NullString
		if err := rows.Scan(&number, &table, &from, &to); err != nil {
			return err
		}
		i, known := at[number]
		if !known {
			i = len(t.parents)
			at[number] = i
			t.parents = append(t.parents, scratchParent{table: table})
		}
		p := &t.parents[i]
		p.from = joined(p.from, quote(from))
		if to.Valid {
			p.to = joined(p.to, quote(to.String))
		}
		return nil
	}, `SELECT f.id, coalesce((SELECT name FROM live.sqlite_schema WHERE type = 'table' AND name = f."table" COLLATE NOCASE), f."table"), f."from", f."to"
FROM pragma_foreign_key_list(?, 'live') AS f ORDER BY f.id, f.seq`, t.name)
}

func joined(list, name string) string {
	if list == "" {
		return name
	}
	return list + ", " + name
}
