package action

import "marain/backend/document"

// ColumnType is what a column holds; each dialect has a declared type for it.
type ColumnType string

// The column types.
const (
	ColumnText      ColumnType = "text"
	ColumnInteger   ColumnType = "integer"
	ColumnFloat     ColumnType = "float"
	ColumnBoolean   ColumnType = "boolean"
	ColumnDatetime  ColumnType = "datetime"  // written by content
	ColumnTimestamp ColumnType = "timestamp" // built-in columns
	ColumnJSON      ColumnType = "json"
)

// Table is a table that a document asks for.
type Table struct {
	Name    string
	Columns []Column
	Key     []string // primary key
	Parent  string   // parent_id references this table's id, ON DELETE CASCADE; empty for none
	Like    string   // who may use this table, where it is there already, may use the new one as well; empty for nobody
	Indexes []Index
}

// Column is a column that a document asks for.
type Column struct {
	Name       string
	Type       ColumnType
	NotNull    bool
	Default    any  // a constant of the type, or nil
	DefaultNow bool // the time of the insert
}

// Index is an index that a document asks for. Unique rules are unique indexes, because those come and go without
// touching the table.
type Index struct {
	Name    string
	Table   string
	Columns []string
	Unique  bool
	// Special says that a live index is partial, on an expression or of another kind than a document asks for. Columns has
	// those columns that it names.
	Special bool
}

// LiveTable is a table as the database has it.
type LiveTable struct {
	Name    string
	Columns []LiveColumn
	Indexes []Index // those with a name of their own; not the ones behind a primary key
	// Slots is how many of the columns that a table may have are taken: on PostgreSQL those that were dropped count too. 0
	// means that it is as many as there are columns.
	Slots int
}

// LiveColumn is a column as the database has it.
type LiveColumn struct {
	Name    string
	Type    string // as declared, in the dialect's spelling
	NotNull bool
	Default bool // gives rows a value by itself
}

// Column returns the live column with that name, or nil.
func (t *LiveTable) Column(name string) *LiveColumn {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i]
		}
	}
	return nil
}

// Index returns the live index with that name, or nil.
func (t *LiveTable) Index(name string) *Index {
	for i := range t.Indexes {
		if t.Indexes[i].Name == name {
			return &t.Indexes[i]
		}
	}
	return nil
}

// NoUser is the author of what nobody signed.
const NoUser = "00000000000000000000000000"

// cacheTTL is how long a cached read may live when nobody says otherwise, in seconds.
const cacheTTL int64 = 86400

// Tables returns the tables that an entity asks for: the content table first, then its revisions, then those of each
// field with more than one value.
func Tables(e *document.Entity) []Table {
	tables := []Table{contentTable(e)}
	if e.Versioned {
		tables = append(tables, revisionsTable(e))
	}
	for i := range e.Fields {
		if e.Fields[i].Multiple() {
			tables = append(tables, fieldTables(e, &e.Fields[i])...)
		}
	}
	return tables
}

func contentTable(e *document.Entity) Table {
	name := document.ContentTable(e.ID)
	t := Table{Name: name, Columns: builtIn(), Key: []string{"id"}}
	for i := range e.Fields {
		f := &e.Fields[i]
		if f.Multiple() {
			continue
		}
		t.Columns = append(t.Columns, fieldColumn(f))
		t.Indexes = append(t.Indexes, fieldIndexes(name, f.ID, f)...)
	}
	return t
}

// revisionsTable holds every earlier state of a row: nothing in it is required or unique, because an older state may
// have been written under other rules.
func revisionsTable(e *document.Entity) Table {
	t := Table{Name: document.RevisionsTable(e.ID), Columns: builtIn(), Key: []string{"id", "rid"}, Like: document.ContentTable(e.ID)}
	t.Columns[2].NotNull = true // part of the key
	for i := range e.Fields {
		if f := &e.Fields[i]; !f.Multiple() {
			t.Columns = append(t.Columns, revisionColumn(f))
		}
	}
	return t
}

// fieldTables returns the table of a field with more than one value and, for a versioned entity, that of its revisions.
func fieldTables(e *document.Entity, f *document.Field) []Table {
	value := Column{Name: "value", Type: columnType(f.Type), NotNull: true}
	columns := func() []Column {
		return []Column{
			{Name: "id", Type: ColumnText, NotNull: true},
			{Name: "user", Type: ColumnText, Default: NoUser},
			{Name: "rid", Type: ColumnInteger, NotNull: true, Default: int64(1)},
			{Name: "parent_id", Type: ColumnText, NotNull: true},
			value,
			{Name: "sort_order", Type: ColumnInteger, NotNull: true, Default: int64(0)},
		}
	}
	name := waiting(f, document.FieldTable(e.ID, f.ID))
	live := Table{Name: name, Columns: columns(), Key: []string{"id"}, Parent: document.ContentTable(e.ID), Like: document.ContentTable(e.ID)}
	live.Indexes = append(live.Indexes, Index{Name: document.IndexName(name, "parent_id"), Table: name, Columns: []string{"parent_id"}})
	live.Indexes = append(live.Indexes, fieldIndexes(name, "value", f)...)
	if !e.Versioned {
		return []Table{live}
	}
	revisions := Table{Name: waiting(f, document.FieldRevisionsTable(e.ID, f.ID)), Columns: columns(), Key: []string{"id", "rid"}, Like: document.ContentTable(e.ID)}
	return []Table{live, revisions}
}

func builtIn() []Column {
	return []Column{
		{Name: "id", Type: ColumnText, NotNull: true},
		{Name: "user", Type: ColumnText, Default: NoUser},
		{Name: "rid", Type: ColumnInteger, Default: int64(1)},
		{Name: "last_cached", Type: ColumnTimestamp},
		{Name: "cache_ttl", Type: ColumnInteger, Default: cacheTTL},
		{Name: "content_hash", Type: ColumnText},
		{Name: "created_at", Type: ColumnTimestamp, DefaultNow: true},
		{Name: "updated_at", Type: ColumnTimestamp, DefaultNow: true},
	}
}

// fieldColumn is the column of a field with one value. The default gives rows that exist their value when the column
// is added; what is written later gets it from Marain. A unique field has none of the column's own: two rows would get
// the same value, also while the column is out of use.
func fieldColumn(f *document.Field) Column {
	c := Column{Name: f.ID, Type: columnType(f.Type), NotNull: f.Required, Default: f.Default}
	if f.Unique {
		c.Default = nil
	}
	return c
}

func revisionColumn(f *document.Field) Column {
	return Column{Name: f.ID, Type: columnType(f.Type)}
}

func fieldIndexes(table, column string, f *document.Field) []Index {
	var indexes []Index
	if f.Unique {
		indexes = append(indexes, uniqueIndex(table, column))
	}
	if f.Indexed {
		indexes = append(indexes, plainIndex(table, column))
	}
	return indexes
}

func uniqueIndex(table, column string) Index {
	return Index{Name: document.UniqueName(table, column), Table: table, Columns: []string{column}, Unique: true}
}

func plainIndex(table, column string) Index {
	return Index{Name: document.IndexName(table, column), Table: table, Columns: []string{column}}
}

func columnType(t document.FieldType) ColumnType {
	switch t {
	case document.Integer:
		return ColumnInteger
	case document.Float:
		return ColumnFloat
	case document.Boolean:
		return ColumnBoolean
	case document.Datetime:
		return ColumnDatetime
	case document.Component:
		return ColumnJSON
	default:
		return ColumnText
	}
}

// KeyName is the name of the table's primary key.
func (t Table) KeyName() string { return document.PrimaryKeyName(t.Name) }

// ParentName is the name of the reference to the parent.
func (t Table) ParentName() string { return document.ForeignKeyName(t.Name, "parent_id") }
