package cli

import (
	"os"
	"path"
	"path/filepath"
	"strings"
)

// files returns the arguments as file paths of the project. A person may name a file from where they stand or from the
// project's folder; a file that was removed is named the same way.
func (inv *invocation) files() ([]string, error) {
	var files []string
	for _, name := range inv.names {
		file, err := inv.file(name)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

// file returns one file path of the project for a name as a person writes it.
func (inv *invocation) file(name string) (string, error) {
	var candidates []string
	bases := []string{inv.env.Dir, inv.project.Root}
	if filepath.IsAbs(name) {
		bases = bases[:1]
	}
	for _, base := range bases {
		if relative, err := inv.project.Relative(base, name); err == nil {
			candidates = append(candidates, relative)
		}
	}
	if name == "" || len(candidates) == 0 {
		return "", usagef("name files inside "+inv.project.Root, "%q is outside the project", name)
	}
	for _, candidate := range candidates {
		info, err := os.Stat(filepath.Join(inv.project.Root, filepath.FromSlash(candidate)))
		if err == nil && info.IsDir() {
			return "", usagef("name its files, or no files at all for everything", "%q is a folder", name)
		}
		if err == nil {
			return candidate, nil
		}
	}
	for _, candidate := range candidates {
		if inv.couldHold(candidate) {
			return candidate, nil
		}
	}
	return candidates[0], nil
}

// couldHold reports whether a file of that path could have been in one of the watched folders.
func (inv *invocation) couldHold(file string) bool {
	info, err := os.Stat(filepath.Join(inv.project.Root, filepath.FromSlash(path.Dir(file))))
	if err != nil || !info.IsDir() {
		return false
	}
	for _, dir := range inv.project.Dirs() {
		if dir == "." || strings.HasPrefix(file, dir+"/") {
			return true
		}
	}
	return false
}
