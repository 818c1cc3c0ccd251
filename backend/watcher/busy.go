package watcher

import (
	"os"
	"path/filepath"
	"strings"
)

// gitBusy returns a function that reports whether git holds its lock on the work tree that the folder belongs to, as
// it does while it checks out files. Without a work tree it is never busy.
func gitBusy(root string) func() bool {
	return func() bool {
		for dir := filepath.Clean(root); ; dir = filepath.Dir(dir) {
			if git := gitDir(filepath.Join(dir, ".git")); git != "" {
				_, err := os.Lstat(filepath.Join(git, "index.lock"))
				return err == nil
			}
			if dir == filepath.Dir(dir) {
				return false
			}
		}
	}
}

// gitDir returns where git keeps its index: the folder itself, or where the file of a linked work tree leads.
func gitDir(path string) string {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return ""
	case info.IsDir():
		return path
	case !info.Mode().IsRegular() || info.Size() > 1<<12:
		return ""
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	dir, ok := strings.CutPrefix(strings.TrimSpace(string(data)), "gitdir: ")
	if !ok {
		return ""
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(filepath.Dir(path), dir)
	}
	return dir
}
