package document

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestYAMLTraps holds the inputs on which YAML or its parsers surprise people. Each is loaded as a generic file; the
// wanted codes are all problems that it has.
func TestYAMLTraps(t *testing.T) {
	deep := strings.Repeat("[", 9999) + strings.Repeat("]", 9999)
	tests := map[string]struct {
		text  string
		codes string
	}{
		"crash of the parser's decoder": {"{[a]: b, <<: {c: d}}", "key_not_text merge_not_allowed"},
		"alias":                         {"a: &x 1\nb: *x\n", "anchor_not_allowed alias_not_allowed"},
		"alias of a key":                {"a: &x 1\n*x : 2\n", "anchor_not_allowed alias_not_allowed"},
		"alias without anchor":          {"a: *x\n", "alias_not_allowed"},
		"alias of itself":               {"a: &x [*x]\n", "anchor_not_allowed alias_not_allowed"},
		"9,999 deep":                    {deep, "too_deep"},
		"99,999 deep":                   {strings.Repeat("[", 99999), "too_deep"},
		"blocks 9,999 deep":             {strings.Repeat("- ", 9999) + "a", "too_deep"},
		"64 deep":                       {strings.Repeat("[", 64) + strings.Repeat("]", 64), ""},
		"65 deep":                       {strings.Repeat("[", 65) + strings.Repeat("]", 65), "too_deep"},
		"duplicate keys":                {"a: 1\n\"a\": 2\n", "duplicate_key"},
		"three times":                   {"a: 1\na: 2\na: 3\n", "duplicate_key duplicate_key"},
		"numbers as duplicate keys":     {"1: a\n'1': b\n", "duplicate_key"},
		"two documents":                 {"a: 1\n---\nb: 2\n", "several_documents"},
		"an empty second document":      {"a: 1\n---\n", "several_documents"},
		"a broken second document":      {"a: 1\n---\n'b\n", "unclosed_quote"},
		"three documents":               {"a\n---\nb\n---\nc\n", "several_documents"},
		"empty":                         {"", "empty_file"},
		"white space":                   {" \n\n  \n", "empty_file"},
		"comments":                      {"# a\n", "empty_file"},
		"null":                          {"null", "empty_file"},
		"tilde":                         {"~\n", "empty_file"},
		"empty document":                {"---\n", "empty_file"},
		"byte order mark alone":         {"\ufeff", "empty_file"},
		"quoted nothing":                {"''\n", ""},
		"tags":                          {"a: !foo 1\n", "tag_not_allowed"},
		"python tag":                    {"a: !!python/object/apply:os.system [x]\n", "tag_not_allowed"},
		"known tag":                     {"a: !!str 1\n", "tag_not_allowed"},
		"tag of a mapping":              {"!a\nb: 1\n", "tag_not_allowed"},
		"tag of a list":                 {"a: !x [1]\n", "tag_not_allowed"},
		"tag alone":                     {"é: ! 12\n", "tag_not_allowed"},
		"tag alone on a list":           {"a: ! [1]\n", "tag_not_allowed"},
		"exclamation mark in a text":    {"a: Hello!\nb: \"!\"\nc: '!x'\nd: |\n  !x\n", ""},
		"unknown tag handle":            {"a: !x!y z\n", "tag_not_allowed"},
		"merge":                         {"a:\n  <<: {b: 1}\n", "merge_not_allowed"},
		"merge in quotes":               {"a:\n  '<<': 1\n", ""},
		"NUL escaped":                   {"a: \"x\\0y\"\n", "nul_character"},
		"NUL":                           {"a: x\x00y\n", "control_character"},
		"Latin-1":                       {"a: caf\xe9\n", "not_utf8"},
		"overlong":                      {"a: \xc0\xaf\n", "not_utf8"},
		"surrogate":                     {"a: \xed\xa0\x80\n", "not_utf8"},
		"UTF-16":                        {"\xff\xfea\x00:\x00", "not_utf8"},
		"UTF-16 big":                    {"\xfe\xff\x00a\x00:", "not_utf8"},
		"UTF-32":                        {"\xff\xfe\x00\x00a\x00\x00\x00", "not_utf8"},
		"CRLF":                          {"a: 1\r\nb:\r\n  - x\r\n", ""},
		"lone CR":                       {"a: 1\rb: 2\r", ""},
		"CR and CRLF":                   {"a: 1\r\rb: 2\r\na: 3", "duplicate_key"},
		"tab":                           {"a:\n\tb: 1\n", "tab_indentation"},
		"tab after value":               {"a: 1\t\nb: 2\t# x\n", ""},
		"tab in brackets":               {"a: [\n\t1,\n\t2]\n", ""},
		"next line":                     {"a: b\u0085c\n", "line_separator"},
		"big integer":                   {"a: 9223372036854775808\n", "integer_too_big"},
		"biggest integer":               {"a: 9223372036854775807\nb: -9223372036854775808\n", ""},
		"big in quotes":                 {"a: '18446744073709551616'\n", ""},
		"infinite":                      {"a: .inf\nb: -.INF\nc: .NaN\n", "not_a_finite_number not_a_finite_number not_a_finite_number"},
		"1e400":                         {"a: 1e400\n", "number_too_big"},
		"bidi in a key":                 {"a\u202eb: 1\n", "hidden_character"},
		"zero width in a key":           {"a\u200bb: 1\n", "hidden_character"},
		"escaped in a key":              {"\"a\\u200b\": 1\n", "hidden_character"},
		"bidi in a value":               {"a: \u202eb\n", ""},
		"key without value":             {"a\n", ""},
		"list as a key":                 {"? [a]\n: b\n", "key_not_text"},
		"deep key":                      {"? {a: {b: c}}\n: b\n", "key_not_text"},
		"empty key":                     {"? \n: b\n", "empty_key"},
		"null as a key":                 {"null: a\n~: b\n", ""},
		"directive":                     {"%YAML 1.1\n---\na: 1\n", ""},
		"newer version":                 {"%YAML 1.2\n---\na: 1\n", "bad_directive"},
		"unknown directive":             {"%FOO\n---\na: 1\n", "bad_directive"},
		"stray bracket":                 {"a: ]\n", "missing_value"},
		"text after text":               {"'a' 'b'\n", "bad_indentation"},
		"mark in the middle":            {"a: b\ufeffc\n", "control_character"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			doc, problems := Loader{}.Load("config/x.yaml", []byte(tt.text))
			if got := codes(problems); got != tt.codes {
				t.Fatalf("got %q, want %q: %v", got, tt.codes, problems)
			}
			if (doc == nil) != (len(problems) > 0) {
				t.Errorf("document %v with problems %v", doc, problems)
			}
		})
	}
}

func codes(problems []Problem) string {
	list := make([]string, len(problems))
	for i, p := range problems {
		list[i] = p.Code
	}
	return strings.Join(list, " ")
}

// TestPrefixes loads every beginning of a schema: none may be taken for a schema without its last fields unless the
// cut is between lines that could be the whole file, and none may panic.
func TestPrefixes(t *testing.T) {
	raw := readFile(t, "testdata/valid/article.schema.yaml")
	for n := range raw {
		doc, problems := Loader{}.Load("schemas/article.schema.yaml", raw[:n])
		if doc == nil {
			checkProblems(t, "schemas/article.schema.yaml", raw[:n], problems)
		}
		if n < strings.Index(string(raw), "fields:") && doc != nil {
			t.Errorf("the first %d bytes are taken for a schema", n)
		}
	}
}

func TestLimits(t *testing.T) {
	keys := func(n int) string {
		var out strings.Builder
		for i := range n {
			fmt.Fprintf(&out, "key%d: %d\n", i, i)
		}
		return out.String()
	}
	flow := strings.Repeat("{a: 1, b: 2, c: 3}, ", 50000)
	tests := map[string]struct {
		text, codes string
	}{
		"largest":            {"a: " + strings.Repeat("x", MaxSize-4) + "\n", ""},
		"too large":          {"a: " + strings.Repeat("x", MaxSize-3) + "\n", "too_large"},
		"most keys":          {keys(MaxKeys), ""},
		"one key more":       {keys(MaxKeys + 1), "too_many_keys"},
		"60,000 keys":        {keys(60000), "too_many_keys"},
		"keys in brackets":   {"[" + flow + "]", "too_many_keys"},
		"text that has keys": {"a: |\n" + strings.Repeat("  b: c\n", 100000), ""},
		"comments with keys": {"a: 1\n" + strings.Repeat("# b: c\n", 100000), ""},
		"one line with a !":  {"[" + strings.Repeat("é, [x], ", 80000) + "'!']", ""},
		"250,000 items":      {strings.Repeat("- a\n", 250000), ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, problems := Loader{}.Load("config/x.yaml", []byte(tt.text))
			took := time.Since(start)
			t.Logf("%d bytes in %v", len(tt.text), took)
			if got := codes(problems); got != tt.codes {
				t.Errorf("got %q, want %q", got, tt.codes)
			}
			// Without the race detector it is far below 0.5 seconds on a slow machine.
			if took > 10*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// TestManyKeysFailFast pins that the parser is spared: what it does is counted in allocations, not in time.
func TestManyKeysFailFast(t *testing.T) {
	var out strings.Builder
	for i := range 60000 {
		fmt.Fprintf(&out, "key%05d: v%d\n", i, i)
	}
	raw := []byte(out.String())
	if n := testing.AllocsPerRun(3, func() { Loader{}.Load("config/x.yaml", raw) }); n > 100 {
		t.Errorf("%v allocations: the file was parsed", n)
	}
}
