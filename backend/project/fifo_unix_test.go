//go:build !windows

package project

import (
	"syscall"
	"testing"
)

// makeFIFO makes a FIFO that nobody writes to.
func makeFIFO(t *testing.T, path string) {
	t.Helper()
	must(t, syscall.Mkfifo(path, 0o644))
}
