//go:build unix

package backup

import (
	"errors"
	"os"
)

// syncFolder makes new names in a folder last.
func syncFolder(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
