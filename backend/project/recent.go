package project

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const recentLimit = 10

// Opened is a project that was opened before.
type Opened struct {
	Root   string    `json:"root"` // absolute
	Name   string    `json:"name"`
	Opened time.Time `json:"opened"`
}

// RecentList is the list of the projects that were opened last, kept in the person's configuration folder. Two
// programs that change it at the same moment may lose one entry, never the file.
type RecentList struct {
	path string
}

// Recent returns the list that is kept under a configuration folder, usually [os.UserConfigDir].
func Recent(configDir string) *RecentList {
	return &RecentList{path: filepath.Join(configDir, "marain", "recent.json")}
}

// Load returns the projects, the newest first, at most ten. A missing or damaged file is an empty list.
func (r *RecentList) Load() []Opened {
	data, err := os.ReadFile(r.path)
	if err != nil {
		return []Opened{}
	}
	list := []Opened{}
	if json.Unmarshal(data, &list) != nil {
		return []Opened{}
	}
	list = slices.DeleteFunc(list, func(o Opened) bool { return !filepath.IsAbs(o.Root) })
	return list[:min(len(list), recentLimit)]
}

// Remember puts a project at the head of the list.
func (r *RecentList) Remember(root string) error {
	absolute, err := filepath.Abs(root)
	if err != nil {
		return fmt.Errorf("remember the project: %w", err)
	}
	entry := Opened{Root: absolute, Name: filepath.Base(absolute), Opened: time.Now().UTC()}
	list := append([]Opened{entry}, without(r.Load(), absolute)...)
	if err := r.save(list[:min(len(list), recentLimit)]); err != nil {
		return fmt.Errorf("remember the project: %w", err)
	}
	return nil
}

// Forget takes a project off the list.
func (r *RecentList) Forget(root string) error {
	absolute, err := filepath.Abs(root)
	if err != nil {
		return fmt.Errorf("forget the project: %w", err)
	}
	if _, err := os.Stat(r.path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := r.save(without(r.Load(), absolute)); err != nil {
		return fmt.Errorf("forget the project: %w", err)
	}
	return nil
}

// without returns the list without a project.
func without(list []Opened, root string) []Opened {
	return slices.DeleteFunc(list, func(o Opened) bool { return o.Root == root })
}

// save writes the list, whole or not at all.
func (r *RecentList) save(list []Opened) error {
	data, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(r.path), dataMode); err != nil {
		return err
	}
	return replaceFile(r.path, append(data, '\n'))
}
