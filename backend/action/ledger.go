package action

import (
	"context"
	"fmt"
	"slices"

	"marain/backend/document"
)

// Holder is what has a name in the database.
type Holder struct {
	Kind  string // a word for it: table, view, index, sequence, type ...
	Name  string // as it is spelled
	Table string // of an index
}

// TypeHolder is the kind of a type that is no table: only a table cannot have its name.
const TypeHolder = "type"

// Names returns what has names that tables and indexes are to have, by the name that was asked for. A name that is free is
// left out.
type Names func(ctx context.Context, names []string) (map[string]Holder, error)

// claim is a name that a step brings, lets go, or both.
type claim struct {
	table    string // of a column; empty: one of the names that tables and indexes share
	kind     string // of what is to have it
	from, to string // empty from: it is new; empty to: it is let go
	follows  bool   // only when from is there
}

// claims returns what a step does with names, in order. One of something out of use is always free, see [OutOfUse].
func claims(d Dialect, step Step) []claim {
	switch s := step.(type) {
	case CreateTable:
		list := []claim{{kind: "table", to: s.Table.Name}}
		if d.NamesKeys() {
			list = append(list, claim{kind: "index", to: s.Table.KeyName()})
		}
		for _, index := range s.Table.Indexes {
			list = append(list, claim{kind: "index", to: index.Name})
		}
		return list
	case RenameTable:
		list := []claim{{kind: "table", from: s.From, to: s.To}}
		if d.NamesKeys() {
			list = append(list, claim{kind: "index", from: document.PrimaryKeyName(s.From), to: document.PrimaryKeyName(s.To), follows: true})
		}
		return list
	case CreateIndex:
		return []claim{{kind: "index", to: s.Index.Name}}
	case DropIndex:
		return []claim{{kind: "index", from: s.Index.Name}}
	case RenameIndex:
		return []claim{{kind: "index", from: s.Index.Name, to: s.To}}
	case AddColumn:
		return []claim{{table: s.Table, kind: "column", to: s.Column.Name}}
	case RenameColumn:
		return []claim{{table: s.Table, kind: "column", from: s.From, to: s.To}}
	default:
		return nil
	}
}

// asks reports whether the database must say who has the name that a claim brings.
func (c claim) asks() bool { return c.to != "" && !IsOutOfUse(c.to) }

// ledger follows names through the steps of the files of a batch, in the order in which they are carried out. Names are
// kept by what the database compares them by.
type ledger struct {
	g       *Generator
	shared  map[string]Holder            // of tables and indexes; the zero value: nothing has it any more
	columns map[string]map[string]Holder // of tables, by the name that they have at the moment
	whole   map[string]bool              // tables of which all columns are known
	before  map[string]string            // what tables were called that have another name
}

// ledger returns the names as the files before this one leave them.
func (g *Generator) ledger() *ledger {
	if g.names == nil {
		g.names = &ledger{g: g, shared: map[string]Holder{}, columns: map[string]map[string]Holder{}, whole: map[string]bool{}, before: map[string]string{}}
	}
	return g.names
}

// names blocks the file when something has a name that one of its steps brings: the database would refuse the step.
func (w *work) names(ctx context.Context) error {
	if w.g.Names == nil {
		return nil
	}
	whole := len(w.draft.File.Blocked) == 0 && !w.open() // else steps may be missing that let names go
	l := w.g.ledger()
	var steps []Step
	for _, a := range w.draft.File.Actions {
		steps = append(steps, a.Steps...)
	}
	if err := l.learn(ctx, steps); err != nil {
		return fmt.Errorf("look who has the names: %w", err)
	}
	for _, step := range steps {
		for _, c := range claims(w.g.Dialect, step) {
			by, err := l.claim(ctx, c)
			if err != nil {
				return fmt.Errorf("look who has the names: %w", err)
			}
			if by.Kind != "" && whole {
				w.taken(c, by)
			}
		}
		l.follow(step)
	}
	return nil
}

// taken says who has a name.
func (w *work) taken(c claim, by Holder) {
	also := ""
	if by.Name != c.to {
		also = ", and this database does not tell capital letters from small ones"
	}
	if c.table != "" {
		w.block("", fmt.Sprintf("%s cannot get a column %s: it has a column %s%s", c.table, c.to, by.Name, also), "Rename that column, or choose another id for the field")
		return
	}
	where := ""
	if by.Table != "" {
		where = " of " + by.Table
	}
	w.block("", fmt.Sprintf("The name %s is taken: there is the %s %s%s%s", c.to, by.Kind, by.Name, where, also),
		fmt.Sprintf("Give that %s another name or drop it, then try again", by.Kind))
}

// learn asks once who has the names of tables and indexes that steps bring, as far as nothing is known of them.
func (l *ledger) learn(ctx context.Context, steps []Step) error {
	var ask []string
	for _, step := range steps {
		for _, c := range claims(l.g.Dialect, step) {
			if c.table != "" || !c.asks() {
				continue
			}
			ask = append(ask, c.to)
			if c.follows {
				ask = append(ask, c.from)
			}
		}
	}
	ask = slices.DeleteFunc(ask, func(name string) bool {
		_, known := l.shared[l.g.Dialect.Fold(name)]
		return known
	})
	if len(ask) == 0 {
		return nil
	}
	slices.Sort(ask)
	found, err := l.g.Names(ctx, slices.Compact(ask))
	for name, by := range found {
		l.shared[l.g.Dialect.Fold(name)] = by
	}
	return err
}

// claim gives a name to what a step brings, and returns what had it.
func (l *ledger) claim(ctx context.Context, c claim) (by Holder, err error) {
	names := l.shared
	if c.table != "" {
		if names, err = l.columnsOf(ctx, c); err != nil {
			return by, err
		}
	}
	from, to := l.g.Dialect.Fold(c.from), l.g.Dialect.Fold(c.to)
	if c.follows && names[from].Kind == "" {
		return by, nil
	}
	if c.from != "" {
		names[from] = Holder{}
	}
	if c.to == "" {
		return by, nil
	}
	if by = names[to]; by.Kind == TypeHolder && c.kind != "table" {
		by = Holder{}
	}
	names[to] = Holder{Kind: c.kind, Name: c.to}
	return by, nil
}

// columnsOf returns the columns of a claim's table, as far as they are known. The database is asked when the claim brings
// a name: what earlier steps made of the columns stands already.
func (l *ledger) columnsOf(ctx context.Context, c claim) (map[string]Holder, error) {
	table := l.g.Dialect.Fold(c.table)
	columns := l.columns[table]
	if columns == nil {
		columns = map[string]Holder{}
		l.columns[table] = columns
	}
	if l.whole[table] || !c.asks() {
		return columns, nil
	}
	l.whole[table] = true
	name := c.table
	if before, renamed := l.before[table]; renamed {
		name = before
	}
	live, err := l.g.Inspect(ctx, []string{name})
	for _, column := range live[name].Columns {
		key := l.g.Dialect.Fold(column.Name)
		if _, settled := columns[key]; !settled {
			columns[key] = Holder{Kind: "column", Name: column.Name}
		}
	}
	return columns, err
}

// follow keeps the columns of a table that a step makes or renames.
func (l *ledger) follow(step Step) {
	fold := l.g.Dialect.Fold
	switch s := step.(type) {
	case CreateTable:
		table, columns := fold(s.Table.Name), map[string]Holder{}
		for _, c := range s.Table.Columns {
			columns[fold(c.Name)] = Holder{Kind: "column", Name: c.Name}
		}
		l.columns[table], l.whole[table] = columns, true
	case RenameTable:
		from, to := fold(s.From), fold(s.To)
		before, renamed := l.before[from]
		if !renamed {
			before = s.From
		}
		l.columns[to], l.whole[to], l.before[to] = l.columns[from], l.whole[from], before
		delete(l.columns, from)
		delete(l.whole, from)
		delete(l.before, from)
	default:
	}
}
