//go:build headless

package main

import (
	"fmt"
	"os"

	"marain/backend/cli"
)

// openWindow says what to use instead: this binary was built without a window.
func openWindow(_, _ string) int {
	fmt.Fprintln(os.Stderr, "marain: this binary has no window; `marain serve --link` serves the same page, `marain help` lists the commands")
	return cli.ExitUsage
}
