package watcher

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"marain/backend/project"
)

// kind says what a path means to the watcher.
type kind uint8

const (
	foreign  kind = iota // not ours
	source               // a source folder, or one above it
	hidden               // a name under a source folder that no project file has
	matching             // a file that counts
	other                // anything else under a source folder, maybe a folder
)

// tree is the source folders: what is watched in them, and what is in them.
type tree struct {
	files    *project.Files
	root     string
	dirs     []string
	match    func(path string) bool
	notifier notifier // nil when there are no events
	watched  map[string]bool
	links    []string // the files that are reached through links, sorted
	broken   error    // a folder cannot be watched
}

// newTree returns a tree that watches nothing yet.
func newTree(files *project.Files, root string, dirs []string, match func(path string) bool) *tree {
	return &tree{files: files, root: filepath.Clean(root), dirs: dirs, match: match, watched: map[string]bool{}}
}

// relative returns an absolute path relative to the root, with forward slashes.
func (t *tree) relative(full string) string {
	if full == t.root {
		return "."
	}
	return filepath.ToSlash(strings.TrimPrefix(full, t.root+string(filepath.Separator)))
}

// full returns the absolute path.
func (t *tree) full(relative string) string {
	return filepath.Join(t.root, filepath.FromSlash(relative))
}

// kind says what a path means.
func (t *tree) kind(at string) kind {
	inside := false
	for _, dir := range t.dirs {
		if at == dir || within(dir, at) {
			return source
		}
		inside = inside || within(at, dir)
	}
	switch {
	case !inside:
		return foreign
	case project.Ignored(path.Base(at)):
		return hidden
	case t.match(at):
		return matching
	}
	return other
}

// within reports whether a path lies below a folder.
func within(at, dir string) bool {
	return dir == "." && at != "." || strings.HasPrefix(at, dir+"/")
}

// under reports whether a path lies in one of the folders.
func (t *tree) under(dirs []string, at string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool { return within(at, dir) })
}

// look watches every folder there is and returns every file.
func (t *tree) look() (files []project.File, missing []string, err error) {
	t.watchSources()
	paths, missing, err := t.list(t.dirs)
	if err != nil {
		return nil, nil, err
	}
	t.links = nil
	files = make([]project.File, 0, len(paths))
	for _, p := range paths {
		file := t.files.Read(p)
		t.linked(file)
		if file.Exists {
			files = append(files, file)
		}
	}
	return files, missing, nil
}

// list returns the paths of all files that count under some folders. Folders are watched before they are listed for
// the last time, so that nothing can appear in between.
func (t *tree) list(dirs []string) (paths, missing []string, err error) {
	for {
		var folders []project.Folder
		paths, folders, missing, err = t.files.List(dirs, t.match)
		if err != nil {
			return nil, nil, err
		}
		fresh := false
		for _, folder := range folders {
			fresh = t.watch(folder.Path) || fresh
		}
		if !fresh {
			return paths, missing, nil
		}
	}
}

// watchSources watches the folders above the source folders, where those come and go.
func (t *tree) watchSources() {
	for _, dir := range t.dirs {
		for above := path.Dir(dir); ; above = path.Dir(above) {
			if t.files.Exists(above) {
				t.watch(above)
			}
			if above == "." {
				break
			}
		}
	}
}

// watch watches a folder, and reports whether it was not watched before.
func (t *tree) watch(dir string) bool {
	if t.notifier == nil || t.broken != nil || t.watched[dir] {
		return false
	}
	err := t.notifier.Add(t.full(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if err != nil {
		t.broken = fmt.Errorf("watching %s: %w", dir, err)
		return false
	}
	t.watched[dir] = true
	return true
}

// renew makes the next look set every watch again, so that one that was lost is there again.
func (t *tree) renew() { clear(t.watched) }

// forget gives up the watches of a folder that went away and of those in it, and reports whether there were any.
func (t *tree) forget(dir string) bool {
	found := false
	for at := range t.watched {
		if at != dir && !within(at, dir) {
			continue
		}
		found = true
		delete(t.watched, at)
		// Mostly the operating system has given it up already and says so; the watch is set again later anyway.
		_ = t.notifier.Remove(t.full(at))
	}
	return found
}

// linked remembers whether a file is reached through a link.
func (t *tree) linked(file project.File) {
	i, found := slices.BinarySearch(t.links, file.Path)
	switch {
	case file.Link && !found:
		t.links = slices.Insert(t.links, i, file.Path)
	case !file.Link && found:
		t.links = slices.Delete(t.links, i, i+1)
	}
}
