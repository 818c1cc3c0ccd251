//go:build !headless

package main

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// sampleFolder is what the sample project is called where a person puts it.
const sampleFolder = "marain-sample"

//go:embed schemas config .env.example
var sampleFiles embed.FS

// createSample copies the sample project into a new folder under a parent folder and returns the new one. A name that
// is taken gets a number; nothing that exists is touched.
func createSample(files fs.FS, parent string) (string, error) {
	for number := 1; ; number++ {
		name := sampleFolder
		if number > 1 {
			name = fmt.Sprintf("%s-%d", sampleFolder, number)
		}
		folder := filepath.Join(parent, name)
		err := os.Mkdir(folder, 0o777)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("make the folder: %w", err)
		}
		if err := os.CopyFS(folder, files); err != nil {
			return "", fmt.Errorf("copy the sample project: %w", err)
		}
		return folder, nil
	}
}
