package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// goEvent is one line of `go test -json`.
type goEvent struct {
	Action     string
	Package    string
	ImportPath string // of what did not build
	Test       string
	Output     string
	Elapsed    float64
}

// goPackage is what is known about a package while its tests run.
type goPackage struct {
	counts
	output  map[string]*strings.Builder // by test; "" is the package itself
	parents map[string]bool             // tests that have subtests: those are counted instead
	failed  map[string]bool
	tell    bool // print what is logged at once
}

// readGoTest counts the tests of `go test -json` and prints a line for each package, with everything that a failed
// test printed.
func readGoTest(out io.Reader, progress io.Writer) counts { return readTests(out, progress, false) }

// readTests does that, and with tell set also prints what tests log that pass.
func readTests(out io.Reader, progress io.Writer, tell bool) (total counts) {
	packages := map[string]*goPackage{}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e goEvent
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Fprintln(progress, lines.Text()) // what the tool itself says
			continue
		}
		if e.Action == "build-output" {
			fmt.Fprint(progress, e.Output)
		}
		if e.Package == "" {
			continue
		}
		p := packages[e.Package]
		if p == nil {
			p = &goPackage{output: map[string]*strings.Builder{}, parents: map[string]bool{}, failed: map[string]bool{}, tell: tell}
			packages[e.Package] = p
		}
		if done := p.take(e, progress); done {
			total.passed += p.passed
			total.failed += p.counts.failed
			total.skipped += p.skipped
		}
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(progress, "read the results:", err)
		total.failed++
	}
	return total
}

// take follows one event and reports whether the package has ended.
func (p *goPackage) take(e goEvent, progress io.Writer) (done bool) {
	switch e.Action {
	case "run":
		if at := strings.LastIndex(e.Test, "/"); at >= 0 {
			p.parents[e.Test[:at]] = true
		}
	case "output":
		if p.tell && logged(e.Output) {
			fmt.Fprint(progress, e.Output)
		}
		if p.output[e.Test] == nil {
			p.output[e.Test] = &strings.Builder{}
		}
		p.output[e.Test].WriteString(e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			return p.end(e, progress)
		}
		p.count(e, progress)
	}
	return false
}

// count counts one test that has ended.
func (p *goPackage) count(e goEvent, progress io.Writer) {
	if e.Action == "fail" {
		p.failed[e.Test] = true
		if text := p.output[e.Test]; text != nil {
			fmt.Fprint(progress, text.String())
		}
	}
	delete(p.output, e.Test)
	if p.parents[e.Test] && !(e.Action == "fail" && !p.failedBelow(e.Test)) {
		return // its subtests were counted
	}
	switch e.Action {
	case "pass":
		p.passed++
	case "fail":
		p.counts.failed++
	case "skip":
		p.skipped++
		fmt.Fprintf(progress, "SKIPPED %s %s\n", e.Package, e.Test)
	}
}

func (p *goPackage) failedBelow(test string) bool {
	for name := range p.failed {
		if strings.HasPrefix(name, test+"/") {
			return true
		}
	}
	return false
}

// end prints a package's line. A package without tests has none.
func (p *goPackage) end(e goEvent, progress io.Writer) bool {
	if e.Action == "fail" && p.counts.failed == 0 {
		p.counts.failed = 1 // it did not build, panicked or ran out of time
	}
	if e.Action == "fail" {
		for _, text := range p.output {
			fmt.Fprint(progress, text.String())
		}
	}
	if p.passed+p.counts.failed+p.skipped > 0 {
		fmt.Fprintf(progress, "%-5s %-36s %5d tests %7.1f s\n", e.Action, strings.TrimPrefix(e.Package, "marain/"),
			p.passed+p.counts.failed+p.skipped, e.Elapsed)
	}
	p.output = map[string]*strings.Builder{}
	return true
}

// readVitest reads the counts from a report of vitest.
func readVitest(path string) (counts, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return counts{}, fmt.Errorf("read the result: %w", err)
	}
	var report struct {
		Passed  int `json:"numPassedTests"`
		Failed  int `json:"numFailedTests"`
		Pending int `json:"numPendingTests"`
		Todo    int `json:"numTodoTests"`
	}
	if err := json.Unmarshal(data, &report); err != nil {
		return counts{}, fmt.Errorf("read the result: %w", err)
	}
	return counts{passed: report.Passed, failed: report.Failed, skipped: report.Pending + report.Todo}, nil
}
