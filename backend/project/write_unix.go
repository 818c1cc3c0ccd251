//go:build !windows

package project

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// nonBlocking keeps opening a FIFO from waiting for its other end.
const nonBlocking = syscall.O_NONBLOCK

// keepOwner gives a file the owner and group that another one has.
func keepOwner(handle *os.File, like fs.FileInfo) error {
	want, ok := like.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	info, err := handle.Stat()
	if err != nil {
		return err
	}
	if have, ok := info.Sys().(*syscall.Stat_t); ok && have.Uid == want.Uid && have.Gid == want.Gid {
		return nil
	}
	return handle.Chown(int(want.Uid), int(want.Gid))
}

// syncFolder makes the names in a folder durable.
func (f *Files) syncFolder(dir string) error {
	handle, err := f.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(handle.Sync(), handle.Close())
}

// busy reports whether an error means that another program has the file open: never here.
func busy(error) bool { return false }
