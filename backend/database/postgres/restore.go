package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"marain/backend/action"
	"marain/backend/database"

	"github.com/jackc/pgx/v5"
)

// Restore puts the tables of a file back: their shapes and their rows, and those of the present tables that are not in
// it go. What other programs keep on a table stays where it can: rights, triggers, views on columns that stay.
func (db *DB) Restore(ctx context.Context, file string, present []string, before, after func(database.Querier) error) error {
	err := db.Write(ctx, func(q database.Querier) (err error) {
		own, ok := q.(*querier)
		if !ok {
			return fmt.Errorf("%T is no transaction of this database", q)
		}
		// Opened here, because the whole of it runs again when a lock was not to be had.
		in, err := openCopy(file)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, in.close()) }()
		if err := before(q); err != nil {
			return err
		}
		r := &restoring{db: db, q: own, in: in}
		if err := r.run(ctx, present); err != nil {
			return err
		}
		return after(q)
	})
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	return nil
}

// restoring is a file on its way back into its tables.
type restoring struct {
	db   *DB
	q    *querier
	in   *copyReader
	live []shape
}

func (r *restoring) exec(ctx context.Context, format string, args ...any) error {
	statement := fmt.Sprintf(format, args...)
	if _, err := r.q.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

// run empties the tables, gives them the shapes of the file, and then its rows and what rests on them. Nothing checks
// rows while there are none, so the order of changes does not matter.
func (r *restoring) run(ctx context.Context, present []string) (err error) {
	if r.live, err = r.db.shapes(ctx, r.q, r.touched(present)); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{r.empty, r.unbind, r.settle, r.reshape, r.fill, r.bind} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// touched returns the names of the present tables and of those in the file.
func (r *restoring) touched(present []string) []string {
	names := slices.Clone(present)
	for _, s := range r.in.header.Tables {
		if !slices.Contains(names, s.Name) {
			names = append(names, s.Name)
		}
	}
	return names
}

// empty removes all rows, but not those of tables that inherit from one: the file has none of them. A reference from a
// table that stays makes the server refuse it.
func (r *restoring) empty(ctx context.Context) error {
	if len(r.live) == 0 {
		return nil
	}
	var quoted []string
	for _, s := range r.live {
		quoted = append(quoted, "ONLY "+Dialect{}.Quote(s.Name))
	}
	return r.exec(ctx, "TRUNCATE %s", strings.Join(quoted, ", "))
}

// unbind drops every rule and every index, so that their names are free.
func (r *restoring) unbind(ctx context.Context) error {
	for _, references := range []bool{true, false} {
		for _, s := range r.live {
			for _, c := range s.Constraints {
				if c.Reference != references {
					continue
				}
				if err := r.exec(ctx, "ALTER TABLE %s DROP CONSTRAINT %s", Dialect{}.Quote(s.Name), Dialect{}.Quote(c.Name)); err != nil {
					return err
				}
			}
		}
	}
	return r.forEach(ctx, `SELECT quote_ident(i.relname) FROM pg_class AS c JOIN pg_index AS x ON x.indrelid = c.oid JOIN pg_class AS i ON i.oid = x.indexrelid
WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY (?::name[])`, "DROP INDEX %s")
}

// forEach runs a statement for each name that a query about the live tables finds.
func (r *restoring) forEach(ctx context.Context, query, statement string) error {
	var found []string
	err := each(ctx, r.q, func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		found = append(found, name)
		return err
	}, query, r.names())
	if err != nil {
		return err
	}
	for _, name := range found {
		if err := r.exec(ctx, statement, name); err != nil {
			return err
		}
	}
	return nil
}

func (r *restoring) names() []string {
	names := make([]string, 0, len(r.live))
	for _, s := range r.live {
		names = append(names, s.Name)
	}
	return names
}

// settle makes the tables those of the file: what is not in it goes, what is in it under another name gets its name of
// then, what is missing is made.
func (r *restoring) settle(ctx context.Context) error {
	former, rest := r.match()
	for _, s := range rest {
		if err := r.exec(ctx, "DROP TABLE %s", Dialect{}.Quote(s.Name)); err != nil {
			return err
		}
	}
	// Two of them may have swapped their names: each takes another one first.
	for i, s := range former {
		if s.ID == 0 || s.Name == r.in.header.Tables[i].Name {
			continue
		}
		former[i].Name = fmt.Sprintf("_restore_%d", i)
		if err := r.exec(ctx, "ALTER TABLE %s RENAME TO %s", Dialect{}.Quote(s.Name), former[i].Name); err != nil {
			return err
		}
	}
	for i, want := range r.in.header.Tables {
		var err error
		name := Dialect{}.Quote(want.Name)
		switch {
		case former[i].ID == 0:
			err = r.exec(ctx, "CREATE TABLE %s ()", name)
		case former[i].Name != want.Name:
			err = r.exec(ctx, "ALTER TABLE %s RENAME TO %s", former[i].Name, name)
		}
		if err != nil {
			return err
		}
		former[i].Name = want.Name
	}
	r.live = former
	return nil
}

// match returns the live table for each of the file, without a number where there is none, and those that are left:
// first by the server's number, then by the name, then by the name that it had while it was in use.
func (r *restoring) match() (former, rest []shape) {
	former, rest = make([]shape, len(r.in.header.Tables)), slices.Clone(r.live)
	for _, same := range []func(want, live shape) bool{
		func(want, live shape) bool { return want.ID == live.ID },
		func(want, live shape) bool { return want.Name == live.Name },
		func(want, live shape) bool { return base(want.Name) == base(live.Name) },
	} {
		for i, want := range r.in.header.Tables {
			at := slices.IndexFunc(rest, func(live shape) bool { return former[i].ID == 0 && same(want, live) })
			if at >= 0 {
				former[i] = rest[at]
				rest = slices.Delete(rest, at, at+1)
			}
		}
	}
	return former, rest
}

// base is the name that a table has while it is in use, as far as its present name tells.
func base(name string) string {
	const tag = len("_old_") + 10 // ten digits
	if action.IsOutOfUse(name) && len(name) > tag+1 && name[tag] == '_' {
		return name[tag+1:]
	}
	return name
}

// reshape gives the empty tables the columns of the file.
func (r *restoring) reshape(ctx context.Context) error {
	for _, want := range r.in.header.Tables {
		i := slices.IndexFunc(r.live, func(l shape) bool { return l.Name == want.Name })
		if err := r.columns(ctx, want, r.live[i]); err != nil {
			return err
		}
	}
	return nil
}

// keeps reports whether a table of this shape has a column as it is now. Those that are computed are made anew.
func (s shape) keeps(now column) bool {
	return now.Generated == "" && slices.ContainsFunc(s.Columns, func(c column) bool { return c.Name == now.Name && c.same(now) })
}

// columns gives one table its columns. Those that are computed are made anew, after what they are computed from. Tables
// that inherit from it keep theirs, and the values in them.
func (r *restoring) columns(ctx context.Context, want, have shape) error {
	table := Dialect{}.Quote(want.Name)
	computedFirst := func(a, b column) int { return strings.Compare(b.Generated, a.Generated) }
	want.Columns, have.Columns = slices.Clone(want.Columns), slices.Clone(have.Columns)
	slices.SortStableFunc(have.Columns, computedFirst)
	slices.SortStableFunc(want.Columns, func(a, b column) int { return computedFirst(b, a) })
	kept := map[string]column{}
	for _, c := range have.Columns {
		if want.keeps(c) {
			kept[c.Name] = c
			continue
		}
		if err := r.exec(ctx, "ALTER TABLE ONLY %s DROP COLUMN %s", table, Dialect{}.Quote(c.Name)); err != nil {
			return err
		}
	}
	for _, c := range want.Columns {
		now, there := kept[c.Name]
		if !there {
			if err := r.exec(ctx, "ALTER TABLE %s ADD COLUMN %s", table, c.definition()); err != nil {
				return err
			}
			now = column{NotNull: c.Identity != ""}
		}
		for _, change := range c.changes(now) {
			if err := r.exec(ctx, "ALTER TABLE %s ALTER COLUMN %s %s", table, Dialect{}.Quote(c.Name), change); err != nil {
				return err
			}
		}
	}
	return nil
}

// changes returns what gives a column that stores the same its default and its rule.
func (c column) changes(now column) (list []string) {
	switch {
	case c.Default != "" && c.Default != now.Default:
		list = append(list, "SET DEFAULT "+c.Default)
	case c.Default == "" && now.Default != "":
		list = append(list, "DROP DEFAULT")
	}
	switch {
	case c.NotNull && !now.NotNull:
		list = append(list, "SET NOT NULL")
	case !c.NotNull && now.NotNull:
		list = append(list, "DROP NOT NULL")
	}
	return list
}

// fill copies the rows of the file in. Triggers of other programs do not fire: these rows were written before.
func (r *restoring) fill(ctx context.Context) error {
	quiet, err := r.triggers(ctx)
	if err != nil {
		return err
	}
	for _, t := range quiet {
		if err := r.exec(ctx, "ALTER TABLE %s DISABLE TRIGGER %s", t.table, t.name); err != nil {
			return err
		}
	}
	for _, s := range exact {
		if err := r.exec(ctx, "SET LOCAL %s = %s", s.name, s.value); err != nil {
			return err
		}
	}
	for _, s := range r.in.header.Tables {
		if err := r.rows(ctx, s); err != nil {
			return fmt.Errorf("copy %s: %w", s.Name, err)
		}
	}
	if err := r.in.over(); err != nil {
		return err
	}
	for _, s := range exact {
		if err := r.exec(ctx, "SET LOCAL %s TO DEFAULT", s.name); err != nil {
			return err
		}
	}
	for _, t := range quiet {
		if err := r.exec(ctx, "ALTER TABLE %s ENABLE %s TRIGGER %s", t.table, t.how, t.name); err != nil {
			return err
		}
	}
	return nil
}

func (r *restoring) rows(ctx context.Context, s shape) error {
	var copied int64
	err := r.q.copying(ctx, func(c *pgx.Conn) error {
		tag, err := c.PgConn().CopyFrom(ctx, r.in, "COPY "+Dialect{}.Quote(s.Name)+" ("+s.written()+") FROM STDIN")
		copied = tag.RowsAffected()
		return err
	})
	if err != nil {
		return err
	}
	if err := r.in.next(); err != nil {
		return err
	}
	if copied != r.in.rows {
		return fmt.Errorf("%d rows came back, and %d were kept", copied, r.in.rows)
	}
	return nil
}

// trigger is a trigger of another program that fires; how is the word for when it does so.
type trigger struct{ table, name, how string }

func (r *restoring) triggers(ctx context.Context) (list []trigger, err error) {
	err = each(ctx, r.q, func(rows *sql.Rows) error {
		var t trigger
		err := rows.Scan(&t.table, &t.name, &t.how)
		list = append(list, t)
		return err
	}, `SELECT quote_ident(c.relname), quote_ident(g.tgname), CASE g.tgenabled WHEN 'R' THEN 'REPLICA' WHEN 'A' THEN 'ALWAYS' ELSE '' END
FROM pg_trigger AS g JOIN pg_class AS c ON c.oid = g.tgrelid
WHERE NOT g.tgisinternal AND g.tgenabled <> 'D' AND c.relnamespace = current_schema()::regnamespace AND c.relname = ANY (?::name[])`, r.names())
	return list, err
}

// bind makes the rules and indexes of the file on the rows that are there now.
func (r *restoring) bind(ctx context.Context) error {
	for _, references := range []bool{false, true} {
		for _, s := range r.in.header.Tables {
			for _, c := range s.Constraints {
				if c.Reference != references {
					continue
				}
				if err := r.exec(ctx, "ALTER TABLE %s ADD CONSTRAINT %s %s", Dialect{}.Quote(s.Name), Dialect{}.Quote(c.Name), c.Definition); err != nil {
					return err
				}
			}
			if references {
				continue
			}
			for _, index := range s.Indexes {
				if err := r.exec(ctx, "%s", index); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
