package action

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Difference is one way in which a live table is not what the documents say.
type Difference struct {
	Table   string `json:"table"`
	Message string `json:"message"`
}

// Compare returns where the live tables differ from the wanted ones: missing tables, columns and indexes, other types
// and other NOT NULLs. What documents do not mention is unmanaged and does not count.
func Compare(d Dialect, want []Table, live map[string]LiveTable) []Difference {
	var differences []Difference
	for _, t := range want {
		have, ok := live[t.Name]
		if !ok {
			differences = append(differences, Difference{t.Name, "the table is missing"})
			continue
		}
		differences = append(differences, compareTable(d, t, have)...)
	}
	return differences
}

func compareTable(d Dialect, want Table, have LiveTable) []Difference {
	var differences []Difference
	differ := func(format string, args ...any) {
		differences = append(differences, Difference{want.Name, fmt.Sprintf(format, args...)})
	}
	for i, c := range want.Columns {
		column := have.Column(c.Name)
		if column == nil {
			differ("column %s is missing", c.Name)
			continue
		}
		if i < builtInCount(want) {
			continue // the declared types of built-in columns are unmanaged
		}
		if !d.SameType(c.Type, column.Type) {
			differ("column %s is %s, not %s", c.Name, column.Type, d.DeclaredType(c.Type))
		}
		if c.NotNull && !column.NotNull {
			differ("column %s allows empty values", c.Name)
		}
		if !c.NotNull && column.NotNull {
			differ("column %s refuses empty values", c.Name)
		}
	}
	for _, index := range want.Indexes {
		found := have.Index(index.Name)
		switch {
		case found == nil:
			differ("index %s is missing", index.Name)
		case found.Unique != index.Unique || !slices.Equal(found.Columns, index.Columns):
			differ("index %s is another one", index.Name)
		}
	}
	return differences
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
