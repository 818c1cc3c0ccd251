package action

import (
	"strings"

	"marain/backend/document"
)

// Step is one statement of a migration. The set is closed and holds nothing that rebuilds a table or drops anything:
// taking out of use is a rename.
type Step interface{ step() }

type (
	// CreateTable makes a table and its indexes.
	CreateTable struct{ Table Table }
	// RenameTable gives a table another name.
	RenameTable struct{ From, To string }
	// AddColumn adds a column; rows that exist get its default.
	AddColumn struct {
		Table  string
		Column Column
	}
	// RenameColumn gives a column another name.
	RenameColumn struct{ Table, From, To string }
	// SetNotNull refuses empty values from now on.
	SetNotNull struct{ Table, Column string }
	// DropNotNull allows empty values again.
	DropNotNull struct{ Table, Column string }
	// CreateIndex makes an index.
	CreateIndex struct{ Index Index }
	// DropIndex removes an index. It holds no data of its own.
	DropIndex struct{ Index Index }
	// RenameIndex gives an index another name.
	RenameIndex struct {
		Index Index
		To    string
	}
	// Fill gives rows without a value one.
	Fill struct {
		Table, Column string
		Type          ColumnType
		Value         any
	}
	// Update sets columns of the rows of a table. Its texts are SQL of the dialect it was made for, in which the table's
	// columns are qualified by its name. It can be run in ranges of the table's rows: see [Within].
	Update struct {
		Table string
		Set   []Assignment
		From  string // another relation, joined by Where; empty for none
		Where string // empty for every row
	}
	// Insert puts the rows of a query into a table.
	Insert struct {
		Table   string
		Columns []string
		Select  string
	}
)

// Assignment gives a column the value of an SQL expression.
type Assignment struct{ Column, Value string }

func (CreateTable) step()  {}
func (RenameTable) step()  {}
func (AddColumn) step()    {}
func (RenameColumn) step() {}
func (SetNotNull) step()   {}
func (DropNotNull) step()  {}
func (CreateIndex) step()  {}
func (DropIndex) step()    {}
func (RenameIndex) step()  {}
func (Fill) step()         {}
func (Update) step()       {}
func (Insert) step()       {}

// Dialect writes steps and the few queries of this package for one kind of database. Implementations are pure and
// safe for concurrent use.
type Dialect interface {
	// Name is sqlite or postgres.
	Name() string
	// Quote returns a name as it stands in SQL, its quotes doubled.
	Quote(name string) string
	// Fold returns what the database compares a name by.
	Fold(name string) string
	// NamesKeys reports whether a primary key has one of the names that tables and indexes share.
	NamesKeys() bool
	// Statements returns the exact SQL of a step, in order. A step it does not know is an error.
	Statements(step Step) ([]string, error)
	// Equal writes the condition that a column holds a constant.
	Equal(column string, t ColumnType, value any) (string, error)
	// Literal writes a constant of a column type.
	Literal(t ColumnType, value any) (string, error)
	// DeclaredType is the spelling that introspection gives for a column type.
	DeclaredType(t ColumnType) string
	// SameType reports whether a live column's declared type is as good as the wanted one.
	SameType(want ColumnType, declared string) bool
	// SaysAsText reports whether values of a declared type mean what they are as texts, so that a field of another type may
	// be filled from those: a number of any kind does, but the text of the bits 101 is no number.
	SaysAsText(declared string) bool
	// Convert writes the expression that turns a value of one field type into another: NULL where the value has no
	// counterpart that means exactly the same. value is an SQL expression (a quoted column, possibly qualified), which
	// may stand in the result several times. The expression raises no error, whatever the column holds.
	Convert(from, to *document.Field, value string) string
	// Same writes the condition that two expressions hold the same value of a field: texts byte by byte, components by
	// their content. Two NULLs are the same.
	Same(f *document.Field, a, b string) string
	// Holds writes the condition that a component has something else than null at a path of keys. It is never NULL and
	// raises no error, whatever value is.
	Holds(value string, path []string) string
	// Inside writes what a component has at a path of keys, as a column of the field's type holds it: NULL where there is
	// nothing, or a value of another type. It raises no error, whatever value is.
	Inside(f *document.Field, value string, path []string) string
}

// SQL writes the update with the quoting of a dialect.
func (u Update) SQL(d Dialect) string {
	set := make([]string, len(u.Set))
	for i, a := range u.Set {
		set[i] = d.Quote(a.Column) + " = " + a.Value
	}
	text := "UPDATE " + d.Quote(u.Table) + " SET " + strings.Join(set, ", ")
	if u.From != "" {
		text += " FROM " + u.From
	}
	if u.Where != "" {
		text += " WHERE " + u.Where
	}
	return text
}

// SQL writes the insert with the quoting of a dialect.
func (i Insert) SQL(d Dialect) string {
	columns := make([]string, len(i.Columns))
	for n, c := range i.Columns {
		columns[n] = d.Quote(c)
	}
	return "INSERT INTO " + d.Quote(i.Table) + " (" + strings.Join(columns, ", ") + ") " + i.Select
}

// Statements returns the SQL of several steps in order.
func Statements(d Dialect, steps []Step) ([]string, error) {
	all := []string{}
	for _, s := range steps {
		statements, err := d.Statements(s)
		if err != nil {
			return nil, err
		}
		all = append(all, statements...)
	}
	return all, nil
}
