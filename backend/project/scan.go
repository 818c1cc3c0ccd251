package project

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Ignored reports whether a name is one that no project file has: hidden files and folders (also those of git,
// editors' swap files, the versions of a mounted Kubernetes volume) and editors' backups.
func Ignored(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "#") || strings.HasSuffix(name, "~")
}

// Folder is a real folder that was walked.
type Folder struct {
	Path string // relative to the project, with forward slashes
	Link bool   // it was reached through a symbolic link
}

// Scan reads every file under the folders for which match answers true, sorted by path. Folders that do not exist or
// may not be read are returned in missing. Symbolic links are followed inside the project; a folder is walked once however many links lead
// to it, so a loop of links ends. Links to folders outside the project are not followed.
func (f *Files) Scan(dirs []string, match func(path string) bool) (files []File, missing []string, err error) {
	paths, _, missing, err := f.List(dirs, match)
	if err != nil {
		return nil, nil, err
	}
	files = make([]File, 0, len(paths))
	for _, path := range paths {
		// A file that went away since it was listed is as good as one that was never there.
		if file := f.Read(path); file.Exists {
			files = append(files, file)
		}
	}
	return files, missing, nil
}

// List is Scan without reading: the matching paths, sorted, and every folder that was walked.
func (f *Files) List(dirs []string, match func(path string) bool) (paths []string, folders []Folder, missing []string, err error) {
	w := &walk{files: f, match: match}
	for _, dir := range dirs {
		info, err := f.root.Stat(filepath.FromSlash(dir))
		if err != nil && !absent(err) {
			return nil, nil, nil, fmt.Errorf("look at %s: %w", dir, err)
		}
		if err != nil || !info.IsDir() {
			missing = append(missing, dir)
			continue
		}
		if err := w.folder(path.Clean(dir), info, false); err != nil {
			return nil, nil, nil, err
		}
	}
	// Links come last, so that a folder is known by its real path wherever that is watched too.
	for len(w.links) > 0 {
		link := w.links[0]
		w.links = w.links[1:]
		if err := w.folder(link, nil, true); err != nil {
			return nil, nil, nil, err
		}
	}
	slices.Sort(w.paths)
	missing = append(missing, w.missing...)
	slices.Sort(missing)
	return slices.Compact(w.paths), w.folders, slices.Compact(missing), nil
}

// Exists reports whether a folder of the project is there.
func (f *Files) Exists(dir string) bool {
	info, err := f.root.Stat(filepath.FromSlash(dir))
	return err == nil && info.IsDir()
}

// IsLink reports whether a path is a symbolic link.
func (f *Files) IsLink(path string) bool {
	info, err := f.root.Lstat(filepath.FromSlash(path))
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

// walk collects what is under some folders.
type walk struct {
	missing []string // folders that cannot be listed
	files   *Files
	match   func(path string) bool
	seen    []fs.FileInfo // the real folders walked so far
	links   []string      // to folders, still to be walked
	paths   []string
	folders []Folder
}

// folder walks one folder, unless it was walked before or has gone.
func (w *walk) folder(dir string, info fs.FileInfo, link bool) error {
	if info == nil {
		var err error
		info, err = w.files.root.Stat(filepath.FromSlash(dir))
		if absent(err) || link && err != nil {
			return nil // it went away, or the link leads nowhere, in a circle or out of the project
		}
		if err != nil {
			return fmt.Errorf("look at %s: %w", dir, err)
		}
	}
	if !info.IsDir() || slices.ContainsFunc(w.seen, func(s fs.FileInfo) bool { return os.SameFile(s, info) }) {
		return nil
	}
	w.seen = append(w.seen, info)
	w.folders = append(w.folders, Folder{Path: dir, Link: link})
	entries, err := w.files.entries(dir)
	if errors.Is(err, fs.ErrPermission) {
		w.missing = append(w.missing, dir) // nothing can be said about what is in it
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if Ignored(entry.Name()) {
			continue
		}
		if err := w.entry(path.Join(dir, entry.Name()), entry); err != nil {
			return err
		}
	}
	return nil
}

// entry takes one name of a folder.
func (w *walk) entry(at string, entry fs.DirEntry) error {
	switch {
	case w.match(at):
		w.paths = append(w.paths, at) // also a folder with such a name: reading it says what is wrong
	case entry.IsDir():
		return w.folder(at, nil, false)
	case entry.Type()&fs.ModeSymlink != 0:
		w.links = append(w.links, at)
	}
	return nil
}

// entries lists a folder. One that has just gone away is empty.
func (f *Files) entries(dir string) ([]fs.DirEntry, error) {
	handle, err := f.root.Open(filepath.FromSlash(dir))
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", dir, err)
	}
	defer handle.Close()
	entries, err := handle.ReadDir(-1)
	if err != nil && !absent(err) {
		return nil, fmt.Errorf("list %s: %w", dir, err)
	}
	return entries, nil
}
