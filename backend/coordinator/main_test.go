package coordinator_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"testing"

	"marain/tests/cluster"

	driver "modernc.org/sqlite"
)

// TestMain puts the projects of the tests in memory where the system offers that: they commit thousands of times, and
// none of them is about losing power. Many run at once, because most of their time they wait for files to settle.
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
	// Some tests open a database before the engine does, which is when it chooses the kind of file locks.
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
