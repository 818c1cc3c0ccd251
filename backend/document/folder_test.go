package document

import (
	"os"
	"path/filepath"
	"testing"
)

// loadFolders loads every document of some folders of a project.
func loadFolders(t testing.TB, project string, folders ...string) []*Document {
	t.Helper()
	var docs []*Document
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(project, folder), func(file string, entry os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			path, err := filepath.Rel(project, file)
			if err != nil {
				return err
			}
			path = filepath.ToSlash(path)
			if _, ok := (Loader{}).Kind(path); ok && !entry.IsDir() {
				docs = append(docs, mustLoad(t, path, string(readFile(t, file))))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return docs
}
