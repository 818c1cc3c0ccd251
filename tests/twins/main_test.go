// Package twins lets two engines work on one database at the same time: two in one program, a server with commands
// beside it, and two servers with a project folder each. Both apply, roll back and reject at random while others write
// content, and afterwards every version was applied once and every value is still there.
package twins

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"marain/tests/cluster"
)

// The environment of the walks: how many batches each engine carries out, and what the random choices begin with.
const (
	envApplies = "MARAIN_APPLIES"
	envSeed    = "MARAIN_SEED"
)

// binary is the program without a window, built once for all tests.
var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	folder, err := os.MkdirTemp("", "marain-twins-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		if err := os.RemoveAll(folder); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	binary = filepath.Join(folder, "marain")
	build := exec.Command("go", "build", "-tags", "headless", "-o", binary, "../..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	return cluster.Main(m)
}

// setting reads a number from the environment.
func setting(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}
