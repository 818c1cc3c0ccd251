// Package corpus_test grades changes whose outcome is known beforehand: each case is a change of a schema file and rows
// that it meets. On each database the engine plans it, applies it and takes it back, and every value is read with plain
// SQL before, between and after. A verdict safe that alters a value or does not apply is a miss, and there is none. A
// verdict above safe for a change that is harmless is a false alarm; their number is printed beside that of a grading
// that only looks at the text.
package corpus_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"testing"

	"marain/tests/cluster"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx
	driver "modernc.org/sqlite"
)

// TestMain puts the projects in memory where the system offers that, and lets many run at once: most of their time they
// wait for files to settle.
func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if os.Getenv("TMPDIR") == "" {
		if folder, err := os.MkdirTemp("/dev/shm", "marain-test-"); err == nil {
			if err := os.Setenv("TMPDIR", folder); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
			defer os.RemoveAll(folder)
		}
	}
	if _, err := driver.OFDLocking(true); err != nil && !errors.Is(err, driver.ErrOFDLockingUnavailable) {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		if err := flag.Set("test.parallel", "16"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return cluster.Main(m)
}
