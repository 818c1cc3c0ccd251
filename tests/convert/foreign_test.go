package convert_test

import (
	"context"
	"math"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"marain/backend/database/postgres"
	"marain/backend/document"
	"marain/tests/cluster"
	"marain/tests/oracle"
)

// TestForeignValuesOfSQLite stores what no column of the declared type should hold, and what PostgreSQL cannot.
func TestForeignValuesOfSQLite(t *testing.T) {
	e := engines(t)[0]
	for _, c := range []struct {
		from   document.FieldType
		values string                       // SQL constants
		kept   map[document.FieldType][]any // what comes out of conversions that do not give NULL only
	}{
		{from: document.Integer, values: "'abc', '12abc', '', 1.5, 1e300, 9e999, x'31', x'', x'00', '0x10', 'true'"},
		{from: document.Boolean, values: "'abc', 'true', 'false', 2, -1, 0.5, x'31', ''"},
		{from: document.Float, values: "'abc', '1.5x', x'312e35', '', 9e999, -9e999"},
		{from: document.Text, values: "x'31', x'74727565', x'7b7d', x'', '1' || char(0), '1' || char(0) || '2', 'true' || char(0), '{}' || char(0), '{}' || char(0) || '{}'," +
			" '2024-01-02' || char(0), '2024-01-02T03:04:05Z' || char(0), '2024-01-02T03:04:05.5+01:00' || char(0), char(0), char(0) || '1', '1.5' || char(0), '007' || char(0), 'a' || char(0), 'a-b' || char(0) || 'c'," +
			" CAST(x'ff' AS TEXT), CAST(x'31ff' AS TEXT), CAST(x'c3' AS TEXT)"},
		{
			from: document.Datetime, values: "x'31', '', 'abc', '2024-01-02 03:04:05', '2024-01-02T03:04:05.123456789Z', '1704164645', 'now', '12:00', '2024-02-30T00:00:00Z'",
			kept: map[document.FieldType][]any{document.Text: {
				nil, "", "abc", "2024-01-02 03:04:05", "2024-01-02T03:04:05.123456789Z", "1704164645", "now", "12:00", "2024-02-30T00:00:00Z",
			}},
		},
		{
			from: document.Datetime, values: "'2024-01-02', '2024-01-02T03:04:05+02:00', '2024-01-02T03:04:05.50Z'",
			kept: map[document.FieldType][]any{
				document.Text:    {"2024-01-02T00:00:00Z", "2024-01-02T01:04:05Z", "2024-01-02T03:04:05.5Z"},
				document.Integer: {int64(1704153600), int64(1704157445), nil},
				document.Float:   {1704153600.0, 1704157445.0, 1704164645.5},
			},
		},
		{
			from: document.Component, values: "'', 'abc', '{', '{\"a\":1}x', x'7b7d'",
			kept: map[document.FieldType][]any{document.Text: {"", "abc", "{", "{\"a\":1}x", nil}},
		},
	} {
		from := field(c.from)
		e.exec(t, "DROP TABLE IF EXISTS v", "CREATE TABLE v (n INTEGER PRIMARY KEY, a "+e.declared(from)+")",
			"INSERT INTO v (a) VALUES ("+strings.ReplaceAll(splitConstants(c.values), "\x1f", "), (")+")")
		for _, to := range kinds() {
			if oracle.IsText(c.from) && to == document.Text || c.from == to {
				continue
			}
			got := e.column(t, e.Convert(from, field(to), `"a"`))
			for i := range got {
				var want any
				if kept := c.kept[to]; kept != nil {
					want = kept[i]
				}
				if !reflect.DeepEqual(got[i], want) {
					t.Errorf("%s to %s: value %d of %s gives %q, want %q", c.from, to, i, c.values, got[i], want)
				}
			}
		}
	}
}

// splitConstants separates the constants of a list, commas inside parentheses and quotes left alone.
func splitConstants(list string) string {
	depth, quoted := 0, false
	return strings.Map(func(r rune) rune {
		switch r {
		case '\'':
			quoted = !quoted
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 && !quoted {
				return 0x1f
			}
		}
		return r
	}, list)
}

// TestForeignValuesOfPostgreSQL stores what SQLite cannot hold, or Marain does not write.
func TestForeignValuesOfPostgreSQL(t *testing.T) {
	e := engines(t)[1]
	for _, c := range []struct {
		from   document.FieldType
		values []any
	}{
		{document.Datetime, []any{"infinity", "-infinity", "0044-03-15 12:00:00+00 BC", "0001-12-31 23:59:59.999999+00 BC", "10000-01-01 00:00:00+00", "294276-12-31 23:59:59+00", "4713-01-01 00:00:00+00 BC"}},
		{document.Float, []any{math.NaN(), math.Inf(1), math.Inf(-1)}},
	} {
		from := field(c.from)
		e.store(t, from, c.values)
		for _, to := range kinds() {
			if to == c.from {
				continue
			}
			for i, got := range e.column(t, e.Convert(from, field(to), `"a"`)) {
				if got != nil {
					t.Errorf("%s to %s: %v gives %q", c.from, to, c.values[i], got)
				}
			}
		}
	}
	e.store(t, field(document.Component), []any{`{"a":1e1000}`, `{"a":1e-16000}`})
	for i, got := range e.column(t, "octet_length("+e.Convert(field(document.Component), field(document.Text), `"a"`)+")") {
		if got.(int64) < 1000 {
			t.Errorf("number %d has a text of %d bytes", i, got)
		}
	}
}

// TestSettingsOfTheSession converts in a read-only transaction of a session with every setting that changes how texts
// are read and written.
func TestSettingsOfTheSession(t *testing.T) {
	e := engines(t)[1]
	for _, setting := range []string{
		"DateStyle = 'SQL, DMY'", "TimeZone = 'America/St_Johns'", "IntervalStyle = 'sql_standard'", "standard_conforming_strings = off", "backslash_quote = off",
		"escape_string_warning = on", "bytea_output = 'escape'", "extra_float_digits = 3", "xmloption = 'document'",
	} {
		e.exec(t, "SET "+setting)
	}
	for _, from := range kinds() {
		values := short(tricky(from))
		e.exec(t, "SET default_transaction_read_only = off")
		e.store(t, field(from), values)
		e.exec(t, "SET default_transaction_read_only = on")
		for _, to := range kinds() {
			if from != to {
				e.check(t, field(from), field(to), values)
			}
		}
	}
}

// TestShortenedFloats has a session that writes fewer digits: a number that is not read back as the same is not written.
func TestShortenedFloats(t *testing.T) {
	e := engines(t)[1]
	values := tricky(document.Float)
	from, to := field(document.Float), field(document.Text)
	e.store(t, from, values)
	for _, digits := range []string{"0", "-3", "-15"} {
		e.exec(t, "SET extra_float_digits = "+digits)
		written := 0
		for i, got := range e.converted(t, from, to) {
			if got == nil {
				continue
			}
			if written++; !agrees(from, values[i], got, oracle.Convert(from, to, values[i])) {
				t.Errorf("with extra_float_digits = %s %v gives %q", digits, values[i], got)
			}
		}
		if written < 8 {
			t.Errorf("with extra_float_digits = %s only %d of %d numbers are written", digits, written, len(values))
		}
	}
}

// TestCollations converts texts of columns for which 'TRUE' and 'true ' may be the same text.
func TestCollations(t *testing.T) {
	values := short(tricky(document.Text))
	for _, e := range engines(t) {
		collations := []string{"NOCASE", "RTRIM"}
		if e.Name() == "postgres" {
			e.exec(t, "CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false)")
			collations = []string{"loose", `"C"`, `"und-x-icu"`}
		}
		for _, collation := range collations {
			e.store(t, field(document.Text), values)
			if e.Name() == "postgres" {
				e.exec(t, "ALTER TABLE v ALTER a TYPE text COLLATE "+collation)
			} else {
				e.exec(t, "CREATE TABLE w (n INTEGER PRIMARY KEY, a TEXT COLLATE "+collation+")", "INSERT INTO w SELECT * FROM v", "DROP TABLE v", "ALTER TABLE w RENAME TO v")
			}
			for _, to := range kinds()[1:] {
				e.check(t, field(document.Text), field(to), values)
				e.survive(t, field(document.Text), field(to), values)
			}
		}
	}
}

// TestEncodings converts texts in databases whose encoding has no place for most characters.
func TestEncodings(t *testing.T) {
	address := cluster.Database(t)
	main := open(t, "pgx", address, postgres.Dialect{})
	for _, encoding := range []string{"LATIN1", "SQL_ASCII"} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		u.Path += "_" + strings.ToLower(encoding)
		name := strings.TrimPrefix(u.Path, "/")
		main.exec(t, "CREATE DATABASE "+name+" ENCODING '"+encoding+"' LC_COLLATE 'C' LC_CTYPE 'C' LOCALE_PROVIDER libc TEMPLATE template0")
		t.Cleanup(func() {
			if _, err := main.db.ExecContext(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
				t.Error(err)
			}
		})
		e := open(t, "pgx", u.String(), postgres.Dialect{})
		var values []any
		for _, text := range tricky(document.Text) {
			if s, ok := text.(string); !ok || strings.IndexFunc(s, func(r rune) bool { return r > 0x7f }) < 0 {
				values = append(values, text)
			}
		}
		from := field(document.Text)
		e.store(t, from, values)
		for _, to := range kinds()[1:] {
			if to != document.Component {
				e.check(t, from, field(to), values)
				continue
			}
			for i, got := range e.converted(t, from, field(to)) { // escapes may name characters that are not there
				text, _ := values[i].(string)
				if want := expect(t, from, field(to), values[i:i+1])[0]; !strings.Contains(text, `\u`) && !reflect.DeepEqual(got, want) || got != nil && want == nil {
					t.Errorf("%s: %q gives %q", encoding, text, got)
				}
			}
		}
	}
}
