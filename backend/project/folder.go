package project

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// folderFile holds the name of the folder.
const folderFile = "folder.id"

// FolderID names the project's folder among those on other machines whose programs share the database. The name is kept
// in the data folder, which must be there, and is made when create is set; otherwise it is empty where there is none.
// Two programs may make it at once: the one that is there first wins.
func (p *Project) FolderID(create bool) (string, error) {
	path := filepath.Join(p.DataDir, folderFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && create {
		if err = p.nameFolder(path); err == nil {
			text, err = os.ReadFile(path)
		}
	} else if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("name the project's folder: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// nameFolder makes a name and puts it in place as a whole, unless there is one.
func (p *Project) nameFolder(path string) error {
	temp, err := os.CreateTemp(p.DataDir, ".folder-*")
	if err != nil {
		return err
	}
	_, err = temp.WriteString(rand.Text() + "\n")
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err == nil {
		if err = os.Link(temp.Name(), path); errors.Is(err, fs.ErrExist) {
			err = nil
		}
	}
	return errors.Join(err, os.Remove(temp.Name()))
}
