package document

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// pathOf puts a test file where the loader expects its kind.
func pathOf(file string) string {
	name := filepath.Base(file)
	if strings.HasSuffix(name, ".schema.yaml") {
		return "schemas/" + name
	}
	return "config/" + name
}

func readFile(t testing.TB, file string) []byte {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestInvalid shows, for every kind of invalid file, exactly what a person reads.
func TestInvalid(t *testing.T) {
	files, err := filepath.Glob("testdata/invalid/*.yaml")
	if err != nil || len(files) < 25 {
		t.Fatalf("%d cases: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			raw := readFile(t, file)
			doc, problems := Loader{}.Load(pathOf(file), raw)
			if doc != nil {
				t.Error("the document is not nil")
			}
			checkProblems(t, pathOf(file), raw, problems)
			var got strings.Builder
			for _, p := range problems {
				got.WriteString(p.String() + "\n")
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want := string(readFile(t, golden)); got.String() != want {
				t.Errorf("got\n%s\nwant\n%s", got.String(), want)
			}
			if strings.Contains(got.String(), "hunter2") {
				t.Error("a secret is in a message")
			}
		})
	}
}

// checkProblems checks what holds for the problems of every file.
func checkProblems(t testing.TB, file string, raw []byte, problems []Problem) {
	t.Helper()
	if len(problems) == 0 {
		t.Fatal("no problem")
	}
	lines := len(lineStarts(string(raw)))
	for i, p := range problems {
		if p.File != file || p.Line < 1 || p.Line > lines || p.Column < 1 || p.Code == "" || p.Message == "" || p.Hint == "" {
			t.Errorf("problem %d is not whole: %+v", i, p)
		}
		if i > 0 && (p.Line < problems[i-1].Line || p.Line == problems[i-1].Line && p.Column < problems[i-1].Column) {
			t.Errorf("problem %d is out of order: %+v", i, p)
		}
	}
}
