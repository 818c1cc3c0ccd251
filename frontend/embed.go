// Package frontend carries the built page inside the program.
package frontend

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var built embed.FS

// Page returns the files of the built page, with index.html at its root. Before the first build it holds no
// index.html. It is safe for concurrent use.
func Page() fs.FS {
	page, err := fs.Sub(built, "dist")
	if err != nil {
		panic("frontend: the embedded folder is missing: " + err.Error()) // cannot happen: the pattern above needs it
	}
	return page
}
