package action

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
	// Fill gives rows without a value one.
	Fill struct {
		Table, Column string
		Type          ColumnType
		Value         any
	}
)

func (CreateTable) step()  {}
func (RenameTable) step()  {}
func (AddColumn) step()    {}
func (RenameColumn) step() {}
func (SetNotNull) step()   {}
func (DropNotNull) step()  {}
func (CreateIndex) step()  {}
func (DropIndex) step()    {}
func (Fill) step()         {}

// Dialect writes steps and the few queries of this package for one kind of database. Implementations are pure and
// safe for concurrent use.
type Dialect interface {
	// Name is sqlite or postgres.
	Name() string
	// Quote returns a name as it stands in SQL, its quotes doubled.
	Quote(name string) string
	// Statements returns the exact SQL of a step, in order. A step it does not know is an error.
	Statements(step Step) ([]string, error)
	// Equal writes the condition that a column holds a constant.
	Equal(column string, t ColumnType, value any) (string, error)
	// DeclaredType is the spelling that introspection gives for a column type.
	DeclaredType(t ColumnType) string
	// SameType reports whether a live column's declared type is as good as the wanted one.
	SameType(want ColumnType, declared string) bool
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
