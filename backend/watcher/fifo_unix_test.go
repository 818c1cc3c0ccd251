//go:build !windows

package watcher

import (
	"syscall"
	"testing"
)

// makeFIFO makes a FIFO that nobody writes to.
func makeFIFO(t *testing.T, path string) {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o644); err != nil {
		t.Fatal(err)
	}
}
