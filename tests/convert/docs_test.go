package convert_test

import (
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"marain/backend/document"
)

// documented is one row of the table of conversions.
type documented struct {
	from, to    document.FieldType
	value, want string
	not         []string
}

func table(t *testing.T) []documented {
	t.Helper()
	raw, err := os.ReadFile("../../docs/changes.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(raw), "\n## A field of another type\n")
	if !ok {
		t.Fatal("the section is not there")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	code := regexp.MustCompile("`([^`]+)`")
	var rows []documented
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if !strings.HasPrefix(line, "| ") || len(cells) < 4 || strings.HasPrefix(line, "| from") || strings.HasPrefix(line, "| ---") {
			continue
		}
		row := documented{from: document.FieldType(strings.TrimSpace(cells[0])), to: document.FieldType(cells[1])}
		if examples := code.FindAllStringSubmatch(cells[3], -1); len(examples) == 2 {
			row.value, row.want = examples[0][1], examples[1][1]
		} else {
			t.Errorf("no example: %s", line)
		}
		if len(cells) == 5 {
			for _, example := range code.FindAllStringSubmatch(cells[4], -1) {
				row.not = append(row.not, example[1])
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// given is the value of a type that a text of the documentation stands for.
func given(t *testing.T, kind document.FieldType, text string) any {
	t.Helper()
	var value any = text
	var err error
	switch kind {
	case document.Integer:
		value, err = strconv.ParseInt(text, 10, 64)
	case document.Float:
		value, err = strconv.ParseFloat(text, 64)
	case document.Boolean:
		value, err = strconv.ParseBool(text)
	}
	if err != nil {
		t.Fatalf("%s is no %s: %v", text, kind, err)
	}
	return value
}

// TestDocumentation tries every example of the table on both databases, and that nothing else converts.
func TestDocumentation(t *testing.T) {
	all, rows := engines(t), table(t)
	known := map[[2]document.FieldType]bool{{document.Slug, document.Text}: true}
	for _, row := range rows {
		known[[2]document.FieldType{row.from, row.to}] = true
		from, to := field(row.from), field(row.to)
		values, want := []any{given(t, row.from, row.value)}, []any{given(t, row.to, row.want)}
		for _, text := range row.not {
			values, want = append(values, given(t, row.from, text)), append(want, nil)
		}
		if text, ok := want[0].(string); ok && (row.from == document.Component || row.to == document.Component) {
			plain, err := object(text)
			if err != nil {
				t.Fatal(err)
			}
			want[0] = plain
		}
		for _, e := range all {
			e.store(t, from, values)
			if got := e.converted(t, from, to); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %s to %s: %q become %q, want %q", e.Name(), row.from, row.to, values, got, want)
			}
		}
	}
	for _, from := range kinds() {
		for _, to := range kinds() {
			if from != to && !known[[2]document.FieldType{from, to}] {
				nothingConverts(t, all, from, to)
			}
		}
	}
}

func nothingConverts(t *testing.T, all []*engine, fromType, toType document.FieldType) {
	t.Helper()
	values := tricky(fromType)
	if fromType == document.Slug {
		values = []any{"a", "a-b", "42"}
	}
	for _, e := range all {
		e.store(t, field(fromType), values)
		for i, got := range e.converted(t, field(fromType), field(toType)) {
			if got != nil {
				t.Errorf("%s: %s to %s is not documented, and %.100q becomes %q", e.Name(), fromType, toType, values[i], got)
			}
		}
	}
}
