package project

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// nonBlocking is not needed: there are no FIFOs among files.
const nonBlocking = 0

// keepOwner does nothing: a new file takes the access rights of its folder.
func keepOwner(*os.File, fs.FileInfo) error { return nil }

// syncFolder does nothing: NTFS keeps its own journal of names.
func (f *Files) syncFolder(string) error { return nil }

// busy reports whether an error means that another program, an editor or a virus scanner, has the file open.
func busy(err error) bool {
	return errors.Is(err, windows.ERROR_ACCESS_DENIED) || errors.Is(err, windows.ERROR_SHARING_VIOLATION)
}
