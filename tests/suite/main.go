// Command suite runs every test of the repository, one suite after another, and prints one summary at the end. It ends
// with 1 when anything failed or was skipped.
//
//	go run ./tests/suite                  all suites
//	go run ./tests/suite browser window   some of them
//	go run ./tests/suite long             those that take hours, which are in none of the above
//
// What each suite printed stays in build/logs.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	logs       = "build/logs"
	windowTags = "desktop,production,webkit2_41"
	// SQLite is C turned into Go, and full of pointers that the race detector's second check looks at one by one: left
	// out there, and only there, tests on SQLite take two thirds of the time.
	unchecked = "-gcflags=modernc.org/...=-d=checkptr=0"
	limit     = 20 * time.Minute // for one suite: nothing may hang for ever
	longLimit = 12 * time.Hour   // for one that takes hours
	longName  = "long"           // all suites that do
)

// suite is one set of tests: a command, and how its result is read.
type suite struct {
	name    string
	about   string
	dir     string   // where the command runs
	prepare []string // run before, if set: what would slow the tests down while they run
	command []string
	env     []string                                       // in addition
	read    func(out io.Reader, progress io.Writer) counts // of its standard output; nil: the exit status is one test
	report  string                                         // a file with the result, instead of reading the output
	long    bool                                           // takes hours: runs only when it is asked for
}

// counts are the results of a suite.
type counts struct {
	passed, failed, skipped int
}

// result is a suite that has run.
type result struct {
	suite
	counts
	err  error
	took time.Duration
}

func suites() []suite {
	report := func(name string) string {
		path, err := filepath.Abs(filepath.Join(logs, name+".json"))
		if err != nil {
			return filepath.Join(logs, name+".json") // the current folder is gone; the suite will say so
		}
		return path
	}
	vitest := func(script, name string) []string {
		return []string{"npm", "run", "--silent", script, "--", "--reporter=default", "--reporter=json", "--outputFile.json=" + report(name)}
	}
	return []suite{
		{
			name: "go", about: "Go, with the race detector", read: readGoTest,
			prepare: []string{"go", "build", "-race", unchecked, "-tags=" + windowTags, "./..."},
			command: []string{"go", "test", "-race", unchecked, "-json", "-count=1", "-timeout=15m", "-tags=" + windowTags, "./..."},
		},
		{
			name: "postgres", about: "the engine on PostgreSQL", read: readGoTest, env: []string{"MARAIN_TEST_DATABASE=postgres"},
			command: []string{"go", "test", "-race", unchecked, "-json", "-count=1", "-timeout=15m", "./backend/coordinator", "./backend/history"},
		},
		{
			// Without the race detector, under which SQLite takes twenty times as long and they do less.
			name: "pairs", about: "every pair of field types", read: readGoTest,
			command: []string{"go", "test", "-json", "-count=1", "-timeout=15m", "./tests/pairs"},
		},
		{
			name: "types", about: "types of the page", dir: "frontend",
			command: []string{"npm", "run", "--silent", "check"},
		},
		{
			name: "page", about: "the page's own tests", dir: "frontend",
			command: vitest("test", "page"), report: report("page"),
		},
		{
			name: "browser", about: "the page in Chromium", dir: "frontend",
			command: vitest("e2e", "browser"), report: report("browser"),
		},
		{
			name: "window", about: "the real window", read: readGoTest,
			command: []string{"go", "test", "-json", "-count=1", "-timeout=10m", "-tags=window", "./tests/window"},
		},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ok, err := run(ctx, os.Args[1:], os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "suite:", err)
	}
	if err != nil || !ok {
		stop()
		os.Exit(1)
	}
}

// run runs the named suites, or all, and reports whether everything passed.
func run(ctx context.Context, names []string, out io.Writer) (bool, error) {
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return false, fmt.Errorf("make the folder for logs: %w", err)
	}
	all := append(suites(), longSuites()...)
	for _, name := range names {
		if name != longName && !slices.ContainsFunc(all, func(s suite) bool { return s.name == name }) {
			return false, fmt.Errorf("there is no suite %q", name)
		}
	}
	var results []result
	for _, s := range all {
		if !s.wanted(names) {
			continue
		}
		fmt.Fprintf(out, "\n=== %s: %s\n", s.name, s.about)
		r := s.run(ctx, out)
		results = append(results, r)
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
	}
	return summarise(out, results), nil
}

// wanted reports whether a suite is one of those that were named, or of all when none was.
func (s suite) wanted(names []string) bool {
	if len(names) == 0 {
		return !s.long
	}
	return slices.Contains(names, s.name) || s.long && slices.Contains(names, longName)
}

// run runs one suite.
func (s suite) run(ctx context.Context, out io.Writer) result {
	began := time.Now()
	most := limit
	if s.long {
		most = longLimit
	}
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	r := result{suite: s}
	r.counts, r.err = s.execute(ctx, out)
	r.took = time.Since(began)
	if r.err != nil {
		fmt.Fprintf(out, "%s: %v\n", s.name, r.err)
		if r.failed == 0 {
			r.failed = 1 // it did not build, or ended in another way that is none of its tests
		}
	}
	return r
}

// execute runs the command and counts. An error is a non-zero exit or a result that cannot be read.
func (s suite) execute(ctx context.Context, out io.Writer) (found counts, err error) {
	log, err := os.Create(filepath.Join(logs, s.name+".log"))
	if err != nil {
		return counts{}, fmt.Errorf("keep what it prints: %w", err)
	}
	defer log.Close()
	if s.report != "" {
		if err := os.Remove(s.report); err != nil && !os.IsNotExist(err) {
			return counts{}, fmt.Errorf("remove the last result: %w", err)
		}
	}
	if s.prepare != nil {
		before := s.process(ctx, s.prepare)
		before.Stdout, before.Stderr = io.MultiWriter(out, log), io.MultiWriter(out, log)
		if err := before.Run(); err != nil {
			return counts{}, err
		}
	}
	cmd := s.process(ctx, s.command)
	cmd.Stderr = io.MultiWriter(out, log)
	if s.read == nil {
		cmd.Stdout = io.MultiWriter(out, log)
		err = cmd.Run()
		return s.counted(err)
	}
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return counts{}, err
	}
	if err := cmd.Start(); err != nil {
		return counts{}, err
	}
	found = s.read(io.TeeReader(pipe, log), out)
	return found, cmd.Wait()
}

// process makes a command ready. Its whole group ends when time is up, not only the first process.
func (s suite) process(ctx context.Context, command []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = s.dir
	if info, err := os.Stdout.Stat(); err == nil && info.Mode()&os.ModeCharDevice == 0 {
		cmd.Env = append(cmd.Environ(), "NO_COLOR=1") // a file or a log reads this
	}
	if len(s.env) > 0 {
		cmd.Env = append(cmd.Environ(), s.env...)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// counted returns the counts of a suite whose output is not read.
func (s suite) counted(ended error) (counts, error) {
	if s.report == "" {
		if ended != nil {
			return counts{failed: 1}, ended
		}
		return counts{passed: 1}, nil
	}
	found, err := readVitest(s.report)
	if err != nil && ended == nil {
		return counts{}, err
	}
	return found, ended
}

// summarise prints the table and the closing line, and reports whether everything passed. A suite that ran nothing has
// not passed.
func summarise(out io.Writer, results []result) bool {
	var total counts
	var took time.Duration
	ok := true
	line := strings.Repeat("-", 58)
	fmt.Fprintf(out, "\n%s\n%-30s %7s %7s %10s\n%s\n", line, "suite", "passed", "failed", "seconds", line)
	for _, r := range results {
		note := ""
		switch {
		case r.failed > 0 || r.err != nil:
			ok, note = false, "  FAILED"
		case r.skipped > 0:
			ok, note = false, fmt.Sprintf("  %d SKIPPED", r.skipped)
		case r.passed == 0:
			ok, note = false, "  NOTHING RAN"
		}
		fmt.Fprintf(out, "%-30s %7d %7d %10.1f%s\n", r.about, r.passed, r.failed, r.took.Seconds(), note)
		total.passed += r.passed
		total.failed += r.failed
		total.skipped += r.skipped
		took += r.took
	}
	fmt.Fprintf(out, "%s\n%-30s %7d %7d %10.1f\n\n", line, "all", total.passed, total.failed, took.Seconds())
	fmt.Fprintf(out, "%d passed, %d failed", total.passed, total.failed)
	if total.skipped > 0 {
		fmt.Fprintf(out, ", %d skipped", total.skipped)
	}
	fmt.Fprintln(out)
	return ok
}
