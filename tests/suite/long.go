package main

import (
	"io"
	"strings"
)

// What the long suites do more of than `make test`.
const (
	applies        = "MARAIN_APPLIES=200"    // by each of two engines on one database
	fileSequences  = "MARAIN_SEQUENCES=2000" // of the model, on SQLite
	serverSequence = "MARAIN_SEQUENCES=200"  // of the model, on PostgreSQL
	longSteps      = "MARAIN_STEPS=30"       // of each sequence
	longShare      = "MARAIN_PROCESSES=6"    // they wait for files to settle most of the time
	onServer       = "MARAIN_TEST_DATABASE=postgres"
	everyShape     = "MARAIN_TEST_SHAPES=all" // each pair of field types in
)

// longSuites are the tests that run shorter in `make test` too. They say what they did.
func longSuites() []suite {
	of := func(run string, packages ...string) []string {
		return append([]string{"go", "test", "-race", unchecked, "-json", "-count=1", "-timeout=12h", "-run=" + run}, packages...)
	}
	const model = "TestNothingIsLost$"
	return []suite{
		{
			name: "twins", about: "two engines on one database", long: true, read: readTelling, env: []string{applies},
			command: of(".", "./tests/twins"),
		},
		{
			name: "shapes", about: "every pair of field types in every shape", long: true, read: readGoTest, env: []string{everyShape},
			command: []string{"go", "test", "-json", "-count=1", "-timeout=12h", "./tests/pairs"},
		},
		{
			name: "model", about: "random sequences", long: true, read: readTelling, env: []string{fileSequences, longSteps, longShare},
			command: of(model, "./backend/coordinator"),
		},
		{
			name: "model-postgres", about: "random sequences on PostgreSQL", long: true, read: readTelling, env: []string{serverSequence, longSteps, longShare, onServer},
			command: of(model, "./backend/coordinator"),
		},
	}
}

// readTelling counts like [readGoTest], and prints what the tests log too: how much was done is what a long run is for.
func readTelling(out io.Reader, progress io.Writer) counts { return readTests(out, progress, true) }

// logged reports whether a line of a test's output is one that the test logged.
func logged(line string) bool {
	return strings.HasPrefix(line, "    ") && strings.Contains(line, "_test.go:")
}
