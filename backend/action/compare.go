package action

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// DifferenceKind says in what a live table is not what the documents say.
type DifferenceKind string

// The kinds of difference.
const (
	MissingTable  DifferenceKind = "missing_table"
	MissingColumn DifferenceKind = "missing_column"
	OtherType     DifferenceKind = "other_type"
	AllowsEmpty   DifferenceKind = "allows_empty"
	RefusesEmpty  DifferenceKind = "refuses_empty"
	MissingIndex  DifferenceKind = "missing_index"
	OtherIndex    DifferenceKind = "other_index"
	// LostValues says that what was taken out of use is not there any more.
	LostValues DifferenceKind = "lost_values"
)

// Difference is one way in which a live table is not what the documents say.
type Difference struct {
	Kind    DifferenceKind
	Table   string
	Column  string // empty when the difference is not in a column
	Index   string // empty when the difference is not in an index
	Unique  bool   // of an index: a rule, not only a help
	Message string
}

// Compare returns where the live tables differ from the wanted ones: missing tables, columns and indexes, other types
// and other NOT NULLs. What documents do not mention is unmanaged and does not count.
func Compare(d Dialect, want []Table, live map[string]LiveTable) []Difference {
	var differences []Difference
	for _, t := range want {
		have, ok := live[t.Name]
		if !ok {
			differences = append(differences, Difference{Kind: MissingTable, Table: t.Name, Message: "the table is missing"})
			continue
		}
		differences = append(differences, compareTable(d, t, have)...)
	}
	return differences
}

func compareTable(d Dialect, want Table, have LiveTable) []Difference {
	var differences []Difference
	for i, c := range want.Columns {
		// The declared types and rules of built-in columns are unmanaged.
		whole := i >= builtInCount(want) && (c.Name == "value" || !want.list())
		differences = append(differences, compareColumn(d, want.Name, c, have.Column(c.Name), whole)...)
	}
	for _, index := range want.Indexes {
		differ := Difference{Table: want.Name, Column: index.Columns[0], Index: index.Name, Unique: index.Unique}
		switch found := have.Index(index.Name); {
		case found == nil:
			differ.Kind, differ.Message = MissingIndex, fmt.Sprintf("index %s is missing", index.Name)
		case found.Unique != index.Unique || found.Special || !slices.Equal(found.Columns, index.Columns):
			differ.Kind, differ.Message = OtherIndex, fmt.Sprintf("index %s is another one", index.Name)
		default:
			continue
		}
		differences = append(differences, differ)
	}
	return differences
}

func compareColumn(d Dialect, table string, want Column, have *LiveColumn, whole bool) []Difference {
	var differences []Difference
	differ := func(kind DifferenceKind, format string, args ...any) {
		differences = append(differences, Difference{Kind: kind, Table: table, Column: want.Name, Message: fmt.Sprintf(format, args...)})
	}
	if have == nil {
		differ(MissingColumn, "column %s is missing", want.Name)
		return differences
	}
	if whole && !d.SameType(want.Type, have.Type) {
		differ(OtherType, "column %s is %s, not %s", want.Name, typeWords(have.Type), d.DeclaredType(want.Type))
	}
	if whole && want.NotNull && !have.NotNull {
		differ(AllowsEmpty, "column %s allows empty values", want.Name)
	}
	if whole && !want.NotNull && have.NotNull {
		differ(RefusesEmpty, "column %s refuses empty values", want.Name)
	}
	return differences
}

// typeWords names a declared type, which SQLite lets be empty.
func typeWords(declared string) string {
	if declared == "" {
		return "of no type"
	}
	return declared
}

// list reports whether a table holds the values of one field.
func (t Table) list() bool {
	names := columnNames(t)
	return slices.Equal(names, listColumns())
}

// builtInCount is how many columns at the start of a table are Marain's own.
func builtInCount(t Table) int {
	n := 0
	for _, c := range builtIn() {
		if n < len(t.Columns) && t.Columns[n].Name == c.Name {
			n++
		}
	}
	return n
}

// TableNames returns the names of tables in order.
func TableNames(tables []Table) []string {
	names := make([]string, len(tables))
	for i := range tables {
		names[i] = tables[i].Name
	}
	return names
}

// Fingerprint is a hash of what the named tables look like. Names that do not exist count too.
func Fingerprint(names []string, live map[string]LiveTable) string {
	sorted := slices.Clone(names)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	h := sha256.New()
	for _, name := range sorted {
		t, ok := live[name]
		columns := slices.Clone(t.Columns)
		slices.SortFunc(columns, func(a, b LiveColumn) int { return strings.Compare(a.Name, b.Name) })
		indexes := slices.Clone(t.Indexes)
		slices.SortFunc(indexes, func(a, b Index) int { return strings.Compare(a.Name, b.Name) })
		fmt.Fprintf(h, "%q %t %+v %+v\n", name, ok, columns, indexes)
	}
	return hex.EncodeToString(h.Sum(nil))
}
