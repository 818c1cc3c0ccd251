package project

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"
)

const (
	newFileMode   = fs.FileMode(0o644) // before the umask
	newFolderMode = fs.FileMode(0o755) // before the umask
	// While another program has the target open, Windows refuses to replace it; it is tried again for this long.
	replaceWait  = 2 * time.Second
	replacePause = 20 * time.Millisecond
)

// Write replaces what a file holds, atomically and durably: readers see the old content or the new, and after a crash
// or on a full disk the old file is whole. Just before that, check is called with what the path holds at that moment;
// its error aborts and leaves the file untouched, and is returned. Mode and owner of an existing file are kept;
// missing folders are made. It returns an error that wraps [ErrLink] for a symbolic link, [ErrNotRegular] for
// anything else that is no file, and [ErrOutside] for a path that leaves the project. check may be nil.
func (f *Files) Write(path string, data []byte, check func(current File) error) error {
	name, before, err := f.target(path)
	if err != nil {
		return err
	}
	if err := f.makeFolder(filepath.Dir(name)); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	temporary, err := f.temporary(name, data, before)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := f.replace(path, name, temporary, check); err != nil {
		return errors.Join(err, f.discard(temporary))
	}
	if err := f.syncFolder(filepath.Dir(name)); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// Remove removes a file, durably. Just before that, check is called with what the path holds at that moment; its error
// aborts and is returned. A file that does not exist is not an error. Links and folders are refused like by Write.
// check may be nil.
func (f *Files) Remove(path string, check func(current File) error) error {
	name, _, err := f.target(path)
	if err != nil {
		return err
	}
	if err := verify(f.Read(path), check); err != nil {
		return err
	}
	err = f.retry(func() error { return f.root.Remove(name) })
	if absent(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove %s: %w", path, err)
	}
	if err := f.syncFolder(filepath.Dir(name)); err != nil {
		return fmt.Errorf("remove %s: %w", path, err)
	}
	return nil
}

// target returns the operating system's form of a path that may be written, and what is there now, or nil.
func (f *Files) target(path string) (string, fs.FileInfo, error) {
	name := filepath.FromSlash(path)
	if !filepath.IsLocal(name) || filepath.Clean(name) == "." {
		return "", nil, outside(path, nil)
	}
	info, err := f.root.Lstat(name)
	switch {
	case absent(err):
		return name, nil, nil
	case f.escapes(err):
		return "", nil, outside(path, err)
	case err != nil:
		return "", nil, fmt.Errorf("look at %s: %w", path, err)
	case info.Mode()&fs.ModeSymlink != 0:
		return "", nil, linked(path)
	case !info.Mode().IsRegular():
		return "", nil, f.problem(path, &kindError{mode: info.Mode()})
	}
	return name, info, nil
}

// linked is a symbolic link, which is not written to.
func linked(path string) *FileError {
	return &FileError{
		Path: path, Code: "symlink", Message: "it is a symbolic link, which writing would replace",
		Hint: "write to the file that the link leads to, or remove the link", Err: ErrLink,
	}
}

// verify asks the caller whether to go on.
func verify(current File, check func(current File) error) error {
	if check == nil {
		return nil
	}
	return check(current)
}

// makeFolder makes a folder and those above it, and makes sure that they survive a crash.
func (f *Files) makeFolder(dir string) error {
	info, err := f.root.Stat(dir)
	if err == nil && info.IsDir() {
		return nil
	}
	if err != nil && !absent(err) {
		return err
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := f.makeFolder(parent); err != nil {
			return err
		}
	}
	if err := f.root.Mkdir(dir, newFolderMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return f.syncFolder(parent)
}

// temporary writes the data to a new file beside the target, with the mode and owner of the file that it will replace,
// and makes it durable. Its name is one that the watcher ignores.
func (f *Files) temporary(name string, data []byte, before fs.FileInfo) (string, error) {
	var random [8]byte
	rand.Read(random[:]) // never fails
	temporary := filepath.Join(filepath.Dir(name), ".marain-"+hex.EncodeToString(random[:])+".tmp")
	mode := newFileMode
	if before != nil {
		mode = before.Mode().Perm()
	}
	handle, err := f.root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return "", err
	}
	err = fill(handle, data, before)
	if closing := handle.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return "", errors.Join(err, f.discard(temporary))
	}
	return temporary, nil
}

// fill writes a new file.
func fill(handle *os.File, data []byte, before fs.FileInfo) error {
	if _, err := handle.Write(data); err != nil {
		return err
	}
	if before != nil {
		if err := keepOwner(handle, before); err != nil {
			return fmt.Errorf("keep the owner: %w", err)
		}
		// The umask took some bits away, and so did changing the owner.
		if err := handle.Chmod(before.Mode().Perm() | before.Mode()&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky)); err != nil {
			return fmt.Errorf("keep the mode: %w", err)
		}
	}
	return handle.Sync()
}

// replace puts the temporary file in the target's place.
func (f *Files) replace(path, name, temporary string, check func(current File) error) error {
	current := f.Read(path)
	if err := verify(current, check); err != nil {
		return err
	}
	if current.Link {
		return linked(path) // it became one in the meantime
	}
	if !current.Exists {
		// A hard link is refused where a file has appeared since the check, which a rename would overwrite.
		err := f.root.Link(temporary, name)
		if err == nil {
			return f.discard(temporary)
		}
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("write %s: a file has appeared there: %w", path, err)
		}
		// Some file systems have no hard links.
	} else if done, err := f.swap(current, name, temporary, check); done || err != nil {
		return err
	}
	if err := f.retry(func() error { return f.root.Rename(temporary, name) }); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// swap lets the target and the temporary file change places, looks at what it got, and undoes it when that is not what
// was checked and the check refuses it: a file that somebody saved between the check and the swap is not lost. It
// reports false where the file system cannot do that.
func (f *Files) swap(checked File, name, temporary string, check func(current File) error) (bool, error) {
	ours := f.Read(filepath.ToSlash(temporary))
	done, err := f.exchange(temporary, name)
	if absent(err) {
		return false, fmt.Errorf("write %s: the file has just been removed: %w", checked.Path, err)
	}
	if !done || err != nil {
		return false, err
	}
	got := f.Read(filepath.ToSlash(temporary))
	got.Path = checked.Path
	refused := error(nil)
	switch {
	case got.Link:
		refused = linked(checked.Path)
	case !got.Same(checked):
		refused = verify(got, check)
	}
	if refused == nil {
		return true, f.discard(temporary)
	}
	if _, err := f.exchange(temporary, name); err != nil {
		return false, errors.Join(refused, fmt.Errorf("put %s back: %w", checked.Path, err))
	}
	if again := f.Read(filepath.ToSlash(temporary)); !again.Same(ours) {
		// Saved once more meanwhile: the newest stays.
		if _, err := f.exchange(temporary, name); err != nil {
			return false, errors.Join(refused, fmt.Errorf("put %s back: %w", checked.Path, err))
		}
	}
	return false, refused
}

// discard removes a temporary file.
func (f *Files) discard(temporary string) error {
	if err := f.root.Remove(temporary); err != nil && !absent(err) {
		return fmt.Errorf("remove %s: %w", path.Base(filepath.ToSlash(temporary)), err)
	}
	return nil
}

// retry does something again while another program has the file open, which only Windows minds.
func (f *Files) retry(do func() error) error {
	deadline := time.Now().Add(replaceWait)
	for {
		err := do()
		if err == nil || !busy(err) || time.Now().After(deadline) {
			return err
		}
		time.Sleep(replacePause)
	}
}
