package project

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// MaxFileSize is the largest file that is read, in bytes. Larger ones are an [ErrTooLarge] before they are read.
const MaxFileSize = 1 << 20

// What can be wrong with a file. A [FileError] wraps one of them.
var (
	ErrTooLarge   = errors.New("file is too large")
	ErrNotRegular = errors.New("not a regular file")
	ErrOutside    = errors.New("outside the project folder")
	ErrUnreadable = errors.New("file cannot be read")
	ErrLink       = errors.New("file is a symbolic link")
	ErrChanging   = errors.New("file is being written")
)

// FileError says what is wrong with one file, in words for a person.
type FileError struct {
	Path    string // relative to the project, with forward slashes
	Code    string // a stable word: too_large, not_regular, outside_project, unreadable, symlink or changing
	Message string
	Hint    string
	Err     error // wraps one of the errors above
}

// Error returns the path and the message.
func (e *FileError) Error() string { return e.Path + ": " + e.Message }

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }

// File is what a path held when it was read.
type File struct {
	Path   string // relative to the project, with forward slashes
	Exists bool
	Data   []byte
	Hash   string      // lower-case hex SHA-256 of Data; empty without Data
	Mode   fs.FileMode // of the file itself, also when it was reached through a link
	Link   bool        // the path is a symbolic link
	Err    error       // a *FileError: the file exists but cannot be used
}

// Same reports whether both files hold the same: equal content, both missing, or wrong in the same way.
func (f File) Same(other File) bool {
	if f.Exists != other.Exists || f.Hash != other.Hash || (f.Err == nil) != (other.Err == nil) {
		return false
	}
	return f.Err == nil || f.Err.Error() == other.Err.Error()
}

// Files is the only way to the files of a project. It cannot leave the project's folder. All methods are safe for
// concurrent use until Close.
type Files struct {
	root    *os.Root
	outside error // what the root answers to a path that leaves it; the standard library does not export it
}

// Files opens the project's folder. The caller closes it.
func (p *Project) Files() (*Files, error) {
	root, err := os.OpenRoot(p.Root)
	if err != nil {
		return nil, fmt.Errorf("open the project folder: %w", err)
	}
	_, err = root.Stat("..")
	var pathError *fs.PathError
	if !errors.As(err, &pathError) {
		return nil, errors.Join(fmt.Errorf("the project folder %s does not hold paths back", p.Root), root.Close())
	}
	return &Files{root: root, outside: pathError.Err}, nil
}

// Close gives the folder's handle back.
func (f *Files) Close() error {
	if err := f.root.Close(); err != nil {
		return fmt.Errorf("close the project folder: %w", err)
	}
	return nil
}

// escapes reports whether an error of the root means that a path leaves it.
func (f *Files) escapes(err error) bool { return err != nil && errors.Is(err, f.outside) }

// Read returns what a path holds now. A missing file is not an error. It never blocks on a FIFO or a device, and reads
// nothing of a file that is too large.
func (f *Files) Read(path string) File {
	file := File{Path: path}
	name := filepath.FromSlash(path)
	if !filepath.IsLocal(name) {
		file.Err = outside(path, nil)
		return file
	}
	link, err := f.root.Lstat(name)
	if err == nil && link.Mode()&fs.ModeSymlink != 0 {
		file.Link = true
	}
	if err == nil {
		err = f.load(&file, name)
	}
	if absent(err) {
		return File{Path: path, Link: file.Link}
	}
	file.Exists = true
	if err != nil {
		file.Data, file.Hash, file.Err = nil, "", f.problem(path, err)
	}
	return file
}

// load fills a file from what the name holds.
func (f *Files) load(file *File, name string) error {
	// Opening a FIFO would wake its writer up, so what it is comes before opening it.
	info, err := f.root.Stat(name)
	if err != nil {
		return err
	}
	if err := usable(info); err != nil {
		return err
	}
	handle, err := f.root.OpenFile(name, os.O_RDONLY|nonBlocking, 0)
	if err != nil {
		return err
	}
	defer handle.Close()
	// It may have been replaced in between.
	if info, err = handle.Stat(); err != nil {
		return err
	}
	if err := usable(info); err != nil {
		return err
	}
	file.Mode = info.Mode()
	// Room for one byte more than the size, so that the end is seen without growing.
	data := make([]byte, 0, info.Size()+1)
	for {
		n, err := handle.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if len(data) > MaxFileSize {
			return tooLarge(int64(len(data)))
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
	}
	sum := sha256.Sum256(data)
	file.Data, file.Hash = data, hex.EncodeToString(sum[:])
	return nil
}

// usable reports an error for what must not be read.
func usable(info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return &kindError{mode: info.Mode()}
	}
	if info.Size() > MaxFileSize {
		return tooLarge(info.Size())
	}
	return nil
}

// absent reports whether an error means that there is nothing at a path.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// kindError is something that is not a regular file.
type kindError struct{ mode fs.FileMode }

// Error says what it is instead.
func (e *kindError) Error() string {
	switch {
	case e.mode.IsDir():
		return "a folder"
	case e.mode&fs.ModeNamedPipe != 0:
		return "a FIFO"
	case e.mode&fs.ModeSocket != 0:
		return "a socket"
	case e.mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "not a regular file"
}

// Unwrap makes it an ErrNotRegular.
func (e *kindError) Unwrap() error { return ErrNotRegular }

// tooLarge is a file above the limit.
func tooLarge(size int64) error {
	return fmt.Errorf("%w: %d bytes, at most %d are read", ErrTooLarge, size, MaxFileSize)
}

// outside is a path that leaves the project.
func outside(path string, cause error) *FileError {
	return &FileError{
		Path: path, Code: "outside_project", Message: "it lies outside the project folder",
		Hint: "move the file into the project, or remove the link", Err: errors.Join(ErrOutside, cause),
	}
}

// problem turns an error about an existing file into words.
func (f *Files) problem(path string, err error) *FileError {
	var kind *kindError
	switch {
	case f.escapes(err):
		return outside(path, err)
	case errors.As(err, &kind):
		return &FileError{
			Path: path, Code: "not_regular", Message: "it is " + kind.Error() + ", not a file",
			Hint: "rename it, or put a file in its place", Err: err,
		}
	case errors.Is(err, ErrTooLarge):
		return &FileError{
			Path: path, Code: "too_large", Message: err.Error(),
			Hint: "split it into several files", Err: err,
		}
	}
	var pathError *fs.PathError
	reason := err
	if errors.As(err, &pathError) {
		reason = pathError.Err // without the operating system's name of the operation and the path again
	}
	return &FileError{
		Path: path, Code: "unreadable", Message: "it cannot be read: " + reason.Error(),
		Hint: "check the file's permissions and links", Err: errors.Join(ErrUnreadable, err),
	}
}
