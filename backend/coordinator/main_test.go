package coordinator_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
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
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		if err := flag.Set("test.parallel", "16"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return m.Run()
}
