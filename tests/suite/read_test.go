package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadGoTest(t *testing.T) {
	for _, test := range []struct {
		name   string
		input  string
		want   counts
		prints string
	}{
		{
			name: "a test that passes",
			input: `{"Action":"run","Package":"marain/a","Test":"TestX"}
{"Action":"pass","Package":"marain/a","Test":"TestX"}
{"Action":"pass","Package":"marain/a","Elapsed":1}`,
			want: counts{passed: 1}, prints: "pass  a ",
		},
		{
			name: "subtests are counted instead of their parent",
			input: `{"Action":"run","Package":"a","Test":"TestX"}
{"Action":"run","Package":"a","Test":"TestX/one"}
{"Action":"run","Package":"a","Test":"TestX/two"}
{"Action":"output","Package":"a","Test":"TestX/two","Output":"two is wrong\n"}
{"Action":"pass","Package":"a","Test":"TestX/one"}
{"Action":"fail","Package":"a","Test":"TestX/two"}
{"Action":"fail","Package":"a","Test":"TestX"}
{"Action":"fail","Package":"a"}`,
			want: counts{passed: 1, failed: 1}, prints: "two is wrong",
		},
		{
			name: "a parent that fails by itself is counted",
			input: `{"Action":"run","Package":"a","Test":"TestX"}
{"Action":"run","Package":"a","Test":"TestX/one"}
{"Action":"pass","Package":"a","Test":"TestX/one"}
{"Action":"fail","Package":"a","Test":"TestX"}
{"Action":"fail","Package":"a"}`,
			want: counts{passed: 1, failed: 1},
		},
		{
			name: "a package that does not build",
			input: `{"ImportPath":"a","Action":"build-output","Output":"a.go:1: no\n"}
{"Action":"fail","Package":"a","FailedBuild":"a"}`,
			want: counts{failed: 1}, prints: "a.go:1: no",
		},
		{
			name: "a skipped test is seen",
			input: `{"Action":"run","Package":"a","Test":"TestX"}
{"Action":"skip","Package":"a","Test":"TestX"}
{"Action":"pass","Package":"a"}`,
			want: counts{skipped: 1}, prints: "SKIPPED a TestX",
		},
		{
			name:  "a package without tests",
			input: `{"Action":"skip","Package":"a"}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			if got := readGoTest(strings.NewReader(test.input), &out); got != test.want {
				t.Errorf("counted %+v, want %+v", got, test.want)
			}
			if !strings.Contains(out.String(), test.prints) {
				t.Errorf("printed %q, want %q in it", &out, test.prints)
			}
		})
	}
}

func TestALongSuiteSaysWhatItDid(t *testing.T) {
	input := `{"Action":"run","Package":"a","Test":"TestX"}
{"Action":"output","Package":"a","Test":"TestX","Output":"=== RUN   TestX\n"}
{"Action":"output","Package":"a","Test":"TestX","Output":"    x_test.go:12: 400 applies\n"}
{"Action":"pass","Package":"a","Test":"TestX"}
{"Action":"pass","Package":"a"}`
	var out, silent bytes.Buffer
	if got := readTelling(strings.NewReader(input), &out); got != (counts{passed: 1}) {
		t.Errorf("counted %+v", got)
	}
	if text := out.String(); !strings.Contains(text, "400 applies") || strings.Contains(text, "=== RUN") {
		t.Errorf("printed %q", text)
	}
	readGoTest(strings.NewReader(input), &silent)
	if strings.Contains(silent.String(), "400 applies") {
		t.Errorf("a short one printed %q", &silent)
	}
}

func TestWhichSuitesRun(t *testing.T) {
	short, long := suite{name: "go"}, suite{name: "twins", long: true}
	for _, test := range []struct {
		names       []string
		short, long bool
	}{
		{nil, true, false},
		{[]string{"go"}, true, false},
		{[]string{"long"}, false, true},
		{[]string{"twins"}, false, true},
		{[]string{"go", "long"}, true, true},
	} {
		if short.wanted(test.names) != test.short || long.wanted(test.names) != test.long {
			t.Errorf("%v runs the short one: %v, the long one: %v", test.names, short.wanted(test.names), long.wanted(test.names))
		}
	}
}

func TestSummarise(t *testing.T) {
	passed := result{suite: suite{about: "one"}, counts: counts{passed: 3}}
	for _, test := range []struct {
		name string
		more result
		ok   bool
		last string
	}{
		{"all passed", result{suite: suite{about: "two"}, counts: counts{passed: 1}}, true, "4 passed, 0 failed\n"},
		{"one failed", result{suite: suite{about: "two"}, counts: counts{passed: 1, failed: 2}}, false, "4 passed, 2 failed\n"},
		{"one skipped", result{suite: suite{about: "two"}, counts: counts{passed: 1, skipped: 1}}, false, "4 passed, 0 failed, 1 skipped\n"},
		{"nothing ran", result{suite: suite{about: "two"}}, false, "3 passed, 0 failed\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			if got := summarise(&out, []result{passed, test.more}); got != test.ok {
				t.Errorf("reported %v, want %v", got, test.ok)
			}
			if !strings.HasSuffix(out.String(), "\n"+test.last) {
				t.Errorf("printed %q, want it to end with %q", &out, test.last)
			}
		})
	}
}

func TestReadVitest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.json")
	if _, err := readVitest(path); err == nil {
		t.Error("a missing report was read")
	}
	text := `{"numPassedTests":5,"numFailedTests":1,"numPendingTests":2,"numTodoTests":1}`
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := readVitest(path)
	if want := (counts{passed: 5, failed: 1, skipped: 3}); err != nil || got != want {
		t.Errorf("read %+v, %v, want %+v", got, err, want)
	}
}
