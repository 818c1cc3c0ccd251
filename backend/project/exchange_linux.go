package project

import (
	"errors"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// exchange lets two names of one folder change places, in one step. It reports false where the file system cannot.
func (f *Files) exchange(one, other string) (bool, error) {
	folder, err := f.root.Open(filepath.Dir(one))
	if err != nil {
		return false, err
	}
	defer folder.Close()
	at := int(folder.Fd())
	err = unix.Renameat2(at, filepath.Base(one), at, filepath.Base(other), unix.RENAME_EXCHANGE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EPERM) {
		return false, nil
	}
	return err == nil, err
}
