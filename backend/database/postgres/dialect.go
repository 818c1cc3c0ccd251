package postgres

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"marain/backend/action"
	"marain/backend/document"
)

// Dialect writes PostgreSQL's SQL. Texts are written for standard_conforming_strings, which every connection sets.
type Dialect struct{}

var (
	_ action.Dialect      = Dialect{}
	_ action.IndexLimited = Dialect{}
)

// Name returns postgres.
func (Dialect) Name() string { return "postgres" }

// MostColumns is 1,600, for ever: one that was dropped counts as long as the table is there.
func (Dialect) MostColumns() (most int, reused bool) { return 1600, false }

// LongestIndexed is 2,600 bytes: an entry of a B-tree has at most 2,704, its header included.
func (Dialect) LongestIndexed() int { return 2600 }

// Quote returns a name as it stands in SQL, its quotes doubled.
func (Dialect) Quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// Fold returns a name as it is: PostgreSQL tells capital letters from small ones.
func (Dialect) Fold(name string) string { return name }

// NamesKeys is true: an index of that name is behind a primary key.
func (Dialect) NamesKeys() bool { return true }

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
	case action.ColumnInteger:
		return "BIGINT"
	case action.ColumnFloat:
		return "DOUBLE PRECISION"
	case action.ColumnBoolean:
		return "BOOLEAN"
	case action.ColumnDatetime, action.ColumnTimestamp:
		return "TIMESTAMPTZ"
	case action.ColumnJSON:
		return "JSONB"
	default:
		return "TEXT"
	}
}

// spelling gives a type that the catalog names the spelling of [Dialect.DeclaredType]. Names that need quotes stay.
func spelling(name string) string {
	switch {
	case name == "timestamp with time zone":
		return "TIMESTAMPTZ"
	case strings.Contains(name, `"`):
		return name
	}
	return strings.ToUpper(name)
}

// SameType reports whether a declared type stores what the wanted one does. A varchar without a length is a text.
func (d Dialect) SameType(want action.ColumnType, declared string) bool {
	wanted := d.DeclaredType(want)
	return strings.EqualFold(wanted, declared) || wanted == "TEXT" && strings.EqualFold(declared, "CHARACTER VARYING")
}

// SaysAsText knows the types of numbers, texts, dates, truth and JSON. The text of anything else may look like one of
// those and be none: bits, an amount of money, the label of an enum, an empty array.
func (Dialect) SaysAsText(declared string) bool {
	if strings.HasSuffix(declared, "]") {
		return false
	}
	name, _, _ := strings.Cut(declared, "(")
	switch name {
	case "SMALLINT", "INTEGER", "BIGINT", "NUMERIC", "REAL", "DOUBLE PRECISION", "BOOLEAN",
		"TEXT", "CHARACTER VARYING", "CHARACTER", "BPCHAR", "NAME", "UUID", "JSON", "JSONB",
		"DATE", "TIMESTAMPTZ", "TIMESTAMP", "TIMESTAMP WITHOUT TIME ZONE":
		return true
	}
	return false
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
		return d.renameTable(s), nil
	case action.AddColumn:
		return d.addColumn(s)
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
	case action.RenameIndex:
		return []string{"ALTER INDEX " + q(s.Index.Name) + " RENAME TO " + q(s.To)}, nil
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
		return nil, fmt.Errorf("postgres: unsupported step %T", step)
	}
}

// addColumn adds a column. Rows that exist get its constant; the time of an insert is for those that come.
func (d Dialect) addColumn(s action.AddColumn) ([]string, error) {
	now := s.Column.DefaultNow
	s.Column.DefaultNow = false
	column, err := d.column(s.Column)
	if err != nil {
		return nil, err
	}
	statements := []string{fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s", d.Quote(s.Table), column)}
	if now {
		statements = append(statements, fmt.Sprintf("ALTER TABLE %s ALTER COLUMN %s SET DEFAULT CURRENT_TIMESTAMP", d.Quote(s.Table), d.Quote(s.Column.Name)))
	}
	return statements, nil
}

// renameTable renames a table and, which PostgreSQL does not do by itself, its primary key: the index behind it would
// keep a name that a new table of the old name needs. A table that Marain did not make may have another key.
func (d Dialect) renameTable(s action.RenameTable) []string {
	return []string{
		fmt.Sprintf("ALTER TABLE %s RENAME TO %s", d.Quote(s.From), d.Quote(s.To)),
		fmt.Sprintf("ALTER INDEX IF EXISTS %s RENAME TO %s", d.Quote(document.PrimaryKeyName(s.From)), d.Quote(document.PrimaryKeyName(s.To))),
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
	if t.Like != "" {
		statements = append(statements, d.copyGrants(t.Like, t.Name))
	}
	return statements, nil
}

// copyGrants lets those who may use one table use another one in the same ways. Where a table shows everyone only some
// of its rows, a new one without such rules would show too much, so nothing is granted.
func (d Dialect) copyGrants(from, to string) string {
	return fmt.Sprintf(`DO $grants$
DECLARE r record;
BEGIN
  FOR r IN SELECT a.grantee, a.privilege_type, a.is_grantable FROM pg_class AS c CROSS JOIN LATERAL aclexplode(c.relacl) AS a
    WHERE c.oid = to_regclass(%s) AND a.grantee <> c.relowner AND NOT c.relrowsecurity
  LOOP
    EXECUTE format('GRANT %%s ON %%s TO %%s%%s', r.privilege_type, %s, CASE r.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r.grantee)) END,
      CASE WHEN r.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END);
  END LOOP;
END $grants$`, quoteText(d.Quote(from)), quoteText(d.Quote(to)))
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
			return "", errors.New("a NUL character cannot be stored")
		}
		return quoteText(v), nil
	case bool:
		if v {
			return "TRUE", nil
		}
		return "FALSE", nil
	case int64:
		if t == action.ColumnFloat {
			return floating(float64(v))
		}
		return strconv.FormatInt(v, 10), nil
	case float64:
		return floating(v)
	default:
		return "", fmt.Errorf("unsupported constant %T", value)
	}
}

// quoteText writes a text as it stands in SQL, its quotes doubled.
func quoteText(v string) string { return "'" + strings.ReplaceAll(v, "'", "''") + "'" }

// floating writes a number with all its digits. The cast keeps it from being compared as a decimal number.
func floating(v float64) (string, error) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "", fmt.Errorf("%v cannot be stored", v)
	}
	return "'" + strconv.FormatFloat(v, 'g', -1, 64) + "'::double precision", nil
}
