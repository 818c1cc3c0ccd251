package sqlite

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"marain/backend/action"
)

// Dialect writes SQLite's SQL. It needs SQLite 3.53 or newer, which can set and drop NOT NULL in place.
type Dialect struct{}

var _ action.Dialect = Dialect{}

// Name returns sqlite.
func (Dialect) Name() string { return "sqlite" }

// MostColumns is what SQLite is built with unless somebody says otherwise.
func (Dialect) MostColumns() (most int, reused bool) { return 2000, true }

// Quote returns a name as it stands in SQL, its quotes doubled.
func (Dialect) Quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// Fold writes the letters A to Z small: to SQLite they are the same in a name, and no others are.
func (Dialect) Fold(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, name)
}

// NamesKeys is false: what is behind a primary key has a name that SQLite gives.
func (Dialect) NamesKeys() bool { return false }

// Equal writes the condition that a column holds a constant.
func (d Dialect) Equal(column string, t action.ColumnType, value any) (string, error) {
	text, err := literal(t, value)
	if err != nil {
		return "", err
	}
	return d.Quote(column) + " = " + text, nil
}

// Literal writes a constant of a column type.
func (Dialect) Literal(t action.ColumnType, value any) (string, error) { return literal(t, value) }

// DeclaredType is the declared type of a column.
func (Dialect) DeclaredType(t action.ColumnType) string {
	switch t {
	case action.ColumnInteger, action.ColumnBoolean:
		return "INTEGER"
	case action.ColumnFloat:
		return "REAL"
	case action.ColumnTimestamp:
		return "TIMESTAMP"
	default:
		return "TEXT"
	}
}

// SameType reports whether a declared type stores what the wanted one does. SQLite only looks at the affinity that
// follows from the words of a type, and at no length: VARCHAR(9) takes every text as TEXT does.
func (d Dialect) SameType(want action.ColumnType, declared string) bool {
	name := strings.ToUpper(declared)
	first, _, _ := strings.Cut(name, "(")
	switch affinity := affinityOf(name); want {
	case action.ColumnInteger:
		return affinity == "INTEGER"
	case action.ColumnFloat:
		return affinity == "REAL"
	case action.ColumnBoolean:
		return affinity == "INTEGER" || first == "BOOLEAN" || first == "BOOL"
	case action.ColumnDatetime:
		return affinity == "TEXT" || first == "DATETIME" || first == "TIMESTAMP"
	case action.ColumnJSON:
		return affinity == "TEXT" || first == "JSON"
	case action.ColumnTimestamp:
		return first == "TIMESTAMP" || first == "DATETIME" || affinity == "TEXT"
	default:
		return affinity == "TEXT"
	}
}

// SaysAsText is true: whatever a type is called, SQLite has numbers and texts in it.
func (Dialect) SaysAsText(string) bool { return true }

// affinityOf returns what SQLite makes of a declared type, by its own rules in its own order.
func affinityOf(declared string) string {
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(declared, word) })
	}
	switch {
	case has("INT"):
		return "INTEGER"
	case has("CHAR", "CLOB", "TEXT"):
		return "TEXT"
	case has("BLOB") || declared == "":
		return "BLOB"
	case has("REAL", "FLOA", "DOUB"):
		return "REAL"
	default:
		return "NUMERIC"
	}
}

// Statements returns the exact SQL of a step.
func (d Dialect) Statements(step action.Step) ([]string, error) {
	q := d.Quote
	alter := func(table, format string, args ...any) ([]string, error) {
		return []string{"ALTER TABLE " + q(table) + " " + fmt.Sprintf(format, args...)}, nil
	}
	switch s := step.(type) {
	case action.CreateTable:
		return d.createTable(s.Table)
	case action.RenameTable:
		return alter(s.From, "RENAME TO %s", q(s.To))
	case action.AddColumn:
		s.Column.DefaultNow = false // which SQLite takes in a new table only
		column, err := d.column(s.Column)
		if err != nil {
			return nil, err
		}
		return alter(s.Table, "ADD COLUMN %s", column)
	case action.RenameColumn:
		return alter(s.Table, "RENAME COLUMN %s TO %s", q(s.From), q(s.To))
	case action.SetNotNull:
		return alter(s.Table, "ALTER COLUMN %s SET NOT NULL", q(s.Column))
	case action.DropNotNull:
		return alter(s.Table, "ALTER COLUMN %s DROP NOT NULL", q(s.Column))
	case action.CreateIndex:
		return []string{d.createIndex(s.Index)}, nil
	case action.DropIndex:
		return []string{"DROP INDEX " + q(s.Index.Name)}, nil
	case action.RenameIndex: // which SQLite only can by making it anew
		renamed := s.Index
		renamed.Name = s.To
		return []string{"DROP INDEX " + q(s.Index.Name), d.createIndex(renamed)}, nil
	case action.Fill:
		value, err := literal(s.Type, s.Value)
		if err != nil {
			return nil, err
		}
		return []string{fmt.Sprintf("UPDATE %s SET %s = %s WHERE %s IS NULL", q(s.Table), q(s.Column), value, q(s.Column))}, nil
	case action.Update:
		return []string{s.SQL(d)}, nil
	case action.Insert:
		return []string{s.SQL(d)}, nil
	default:
		return nil, fmt.Errorf("sqlite: unsupported step %T", step)
	}
}

func (d Dialect) createTable(t action.Table) ([]string, error) {
	lines := make([]string, 0, len(t.Columns)+2)
	for _, c := range t.Columns {
		line, err := d.column(c)
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	lines = append(lines, fmt.Sprintf("CONSTRAINT %s PRIMARY KEY (%s)", d.Quote(t.KeyName()), d.list(t.Key)))
	if t.Parent != "" {
		lines = append(lines, fmt.Sprintf("CONSTRAINT %s FOREIGN KEY (%s) REFERENCES %s (%s) ON DELETE CASCADE",
			d.Quote(t.ParentName()), d.Quote("parent_id"), d.Quote(t.Parent), d.Quote("id")))
	}
	statements := []string{fmt.Sprintf("CREATE TABLE %s (\n  %s\n)", d.Quote(t.Name), strings.Join(lines, ",\n  "))}
	for _, index := range t.Indexes {
		statements = append(statements, d.createIndex(index))
	}
	return statements, nil
}

func (d Dialect) column(c action.Column) (string, error) {
	text := d.Quote(c.Name) + " " + d.DeclaredType(c.Type)
	if c.NotNull {
		text += " NOT NULL"
	}
	switch {
	case c.DefaultNow:
		text += " DEFAULT CURRENT_TIMESTAMP"
	case c.Default != nil:
		value, err := literal(c.Type, c.Default)
		if err != nil {
			return "", fmt.Errorf("default of %s: %w", c.Name, err)
		}
		text += " DEFAULT " + value
	}
	return text, nil
}

func (d Dialect) createIndex(index action.Index) string {
	word := "INDEX"
	if index.Unique {
		word = "UNIQUE INDEX"
	}
	return fmt.Sprintf("CREATE %s %s ON %s (%s)", word, d.Quote(index.Name), d.Quote(index.Table), d.list(index.Columns))
}

func (d Dialect) list(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = d.Quote(n)
	}
	return strings.Join(quoted, ", ")
}

// literal writes a constant. Values reach SQL only through here, parsed and written anew.
func literal(t action.ColumnType, value any) (string, error) {
	switch v := value.(type) {
	case string:
		if strings.ContainsRune(v, 0) {
			return "", fmt.Errorf("a NUL character cannot be stored")
		}
		return "'" + strings.ReplaceAll(v, "'", "''") + "'", nil
	case bool:
		if v {
			return "1", nil
		}
		return "0", nil
	case int64:
		if t == action.ColumnFloat {
			return strconv.FormatFloat(float64(v), 'f', 1, 64), nil
		}
		return strconv.FormatInt(v, 10), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return "", fmt.Errorf("%v cannot be stored", v)
		}
		text := strconv.FormatFloat(v, 'g', -1, 64)
		if !strings.ContainsAny(text, ".e") {
			text += ".0"
		}
		return text, nil
	default:
		return "", fmt.Errorf("unsupported constant %T", value)
	}
}
