// Package backup keeps copies of a database in a folder, each taken before something risky: complete or not there at
// all, with a note beside it that says what it is and proves that not a byte of it has changed.
package backup

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Format is the version of the notes that this program writes and the newest that it reads.
const Format = 1

// Errors of this package, wrapped.
var (
	// ErrNotFound says that there is no backup of that name.
	ErrNotFound = errors.New("there is no such backup")
	// ErrDamaged says that a backup is not what it was when it was taken.
	ErrDamaged = errors.New("the backup is damaged")
)

const (
	noteSuffix = ".json"
	unfinished = ".unfinished-" // what a backup is called before it is complete
	restoring  = ".restore-"    // what a restore works in
	stamp      = "20060102T150405Z"
	sqlite     = ".db"   // a database that other programs can open too
	other      = ".copy" // the rows of some tables
	// abandoned is how long something unfinished must have been left alone before it is swept away.
	abandoned = time.Hour
)

// Note says what a backup is. It lies beside the copy, as JSON.
type Note struct {
	Format     int       `json:"format"`
	Name       string    `json:"name"` // of the file with the copy
	Driver     string    `json:"driver"`
	DatabaseID string    `json:"database_id"`
	ActionID   string    `json:"action_id"` // the batch that it was taken before
	Kind       string    `json:"kind"`      // of that batch
	Summary    string    `json:"summary"`   // of that batch
	By         string    `json:"by"`
	TakenAt    time.Time `json:"taken_at"`
	Seq        int64     `json:"seq"`   // the newest link of the audit chain that is in it
	Head       string    `json:"head"`  // its hash
	Whole      bool      `json:"whole"` // the whole database, and not some tables
	Tables     []string  `json:"tables"`
	Entities   []string  `json:"entities"` // content types that the tables belong to; none for everything
	Size       int64     `json:"size"`
	SHA256     string    `json:"sha256"`
}

// Folder is where backups lie. Several programs may use one at a time. Its methods are safe for concurrent use.
type Folder struct{ Dir string }

// Name is what a backup is called: it sorts by time.
func Name(driver, actionID string, at time.Time) string {
	suffix := other
	if driver == "sqlite" {
		suffix = sqlite
	}
	return at.UTC().Format(stamp) + "-" + actionID + suffix
}

// File returns the path of a backup.
func (f Folder) File(name string) string { return filepath.Join(f.Dir, name) }

// Write takes a backup: fill makes the copy in a file that is not there yet. Note says everything but size and checksum,
// and fill may complete it. An error leaves nothing behind.
func (f Folder) Write(ctx context.Context, note Note, fill func(ctx context.Context, file string, note *Note) error) (Note, error) {
	note, err := f.write(ctx, note, fill)
	if err != nil {
		return Note{}, fmt.Errorf("take a backup: %w", err)
	}
	return note, nil
}

func (f Folder) write(ctx context.Context, note Note, fill func(context.Context, string, *Note) error) (_ Note, err error) {
	if err := os.MkdirAll(f.Dir, 0o700); err != nil {
		return note, err
	}
	f.sweep()
	temp := f.File(unfinished + note.Name)
	defer func() {
		if err != nil {
			err = errors.Join(err, remove(temp, temp+noteSuffix))
		}
	}()
	if err := fill(ctx, temp, &note); err != nil {
		return note, err
	}
	if note.Size, note.SHA256, err = seal(temp); err != nil {
		return note, err
	}
	note.Format = Format
	text, err := json.MarshalIndent(note, "", "  ")
	if err != nil {
		return note, fmt.Errorf("write the note: %w", err)
	}
	if err := writeSynced(temp+noteSuffix, append(text, '\n')); err != nil {
		return note, err
	}
	// The note comes first: a copy without one would be a riddle, a note without a copy is swept away.
	if err := os.Rename(temp+noteSuffix, f.File(note.Name+noteSuffix)); err != nil {
		return note, err
	}
	if err := os.Rename(temp, f.File(note.Name)); err != nil {
		return note, errors.Join(err, remove(f.File(note.Name+noteSuffix)))
	}
	return note, syncFolder(f.Dir)
}

// seal forces a copy to the disk, for its owner's eyes only, and returns its size and checksum.
func seal(file string) (size int64, sum string, err error) {
	if err := os.Chmod(file, 0o600); err != nil {
		return 0, "", err
	}
	opened, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return 0, "", err
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	if err := opened.Sync(); err != nil {
		return 0, "", err
	}
	return checksum(opened)
}

func checksum(r io.Reader) (size int64, sum string, err error) {
	h := sha256.New()
	size, err = io.Copy(h, r)
	return size, hex.EncodeToString(h.Sum(nil)), err
}

func writeSynced(file string, text []byte) (err error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// remove removes files that may not be there.
func remove(files ...string) error {
	var errs []error
	for _, file := range files {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Entry is one backup of a folder.
type Entry struct {
	Note
	Err error // why it cannot be restored, as far as can be told without reading all of it
}

// List returns the backups that are there, newest first. One that cannot be restored says why.
func (f Folder) List() ([]Entry, error) {
	files, err := os.ReadDir(f.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the backups: %w", err)
	}
	var list []Entry
	for _, file := range files {
		name := file.Name()
		if !isCopy(name) {
			continue
		}
		entry := Entry{}
		if entry.Note, entry.Err = f.note(name); errors.Is(entry.Err, ErrNotFound) {
			continue // somebody removed it meanwhile
		}
		if entry.Err == nil {
			entry.Err = f.Readable(entry.Note)
		}
		list = append(list, entry)
	}
	slices.SortStableFunc(list, func(a, b Entry) int {
		return cmp.Or(b.TakenAt.Compare(a.TakenAt), cmp.Compare(b.Seq, a.Seq), cmp.Compare(b.Name, a.Name))
	})
	return list, nil
}

// isCopy reports whether a file's name is one that a finished backup may have.
func isCopy(name string) bool {
	return !strings.HasPrefix(name, ".") && (filepath.Ext(name) == sqlite || filepath.Ext(name) == other)
}

// Find returns the note of one backup. [ErrNotFound] when there is none of that name.
func (f Folder) Find(name string) (Note, error) {
	if name != filepath.Base(name) || !isCopy(name) {
		return Note{}, fmt.Errorf("%q: %w", name, ErrNotFound)
	}
	return f.note(name)
}

// note reads the note of a backup that is there.
func (f Folder) note(name string) (Note, error) {
	if _, err := os.Stat(f.File(name)); errors.Is(err, fs.ErrNotExist) {
		return Note{}, fmt.Errorf("%s: %w", name, ErrNotFound)
	} else if err != nil {
		return Note{}, fmt.Errorf("look at the backup: %w", err)
	}
	text, err := os.ReadFile(f.File(name + noteSuffix))
	if errors.Is(err, fs.ErrNotExist) {
		return nameless(name), fmt.Errorf("%s has no note %s beside it that says what it is: %w", name, name+noteSuffix, ErrDamaged)
	}
	if err != nil {
		return Note{}, fmt.Errorf("read the note of the backup: %w", err)
	}
	var note Note
	if err := json.Unmarshal(text, &note); err != nil || note.Name != name {
		return nameless(name), fmt.Errorf("the note of %s cannot be read: %w", name, ErrDamaged)
	}
	return note, nil
}

// nameless is as much of a lost note as the name of the copy says.
func nameless(name string) Note {
	at, rest, _ := strings.Cut(name, "-")
	taken, err := time.Parse(stamp, at)
	if err != nil {
		return Note{Name: name}
	}
	return Note{Name: name, TakenAt: taken, ActionID: strings.TrimSuffix(rest, filepath.Ext(rest))}
}

// Readable reports why a backup cannot be read by this program, without reading all of it: it is another format, or its
// size is another one.
func (f Folder) Readable(note Note) error {
	if note.Format > Format {
		return fmt.Errorf("%s was written by a newer version of Marain", note.Name)
	}
	info, err := os.Stat(f.File(note.Name))
	if err != nil {
		return fmt.Errorf("look at the backup: %w", err)
	}
	if info.Size() != note.Size {
		return fmt.Errorf("%s has %d bytes and had %d: %w", note.Name, info.Size(), note.Size, ErrDamaged)
	}
	return nil
}

// Prove reads a whole backup and compares it with its checksum. [ErrDamaged] when a byte has changed.
func (f Folder) Prove(note Note) (err error) {
	if err := f.Readable(note); err != nil {
		return err
	}
	opened, err := os.Open(f.File(note.Name))
	if err != nil {
		return fmt.Errorf("read the backup: %w", err)
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	_, sum, err := checksum(opened)
	if err != nil {
		return fmt.Errorf("read the backup: %w", err)
	}
	if sum != note.SHA256 {
		return fmt.Errorf("%s has another checksum than when it was taken: %w", note.Name, ErrDamaged)
	}
	return nil
}

// Remove removes a backup: the copy first, so that what is listed is there.
func (f Folder) Remove(name string) error {
	if err := remove(f.File(name), f.File(name+noteSuffix)); err != nil {
		return fmt.Errorf("remove the backup %s: %w", name, err)
	}
	return nil
}

// Prune removes the backups of one database beyond a number and those from before a time. The newest one is never
// removed. It returns the names of those that are gone.
func (f Folder) Prune(databaseID string, keep int, before time.Time) ([]string, error) {
	list, err := f.List()
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(e Entry) bool { return e.DatabaseID != databaseID })
	// The clock may have been set back: what is newest is what the audit chain says.
	slices.SortStableFunc(list, func(a, b Entry) int { return cmp.Compare(b.Seq, a.Seq) })
	var gone []string
	for i, note := range list {
		if i == 0 || i < keep && !note.TakenAt.Before(before) {
			continue
		}
		if err := f.Remove(note.Name); err != nil {
			return gone, err
		}
		gone = append(gone, note.Name)
	}
	return gone, nil
}

// sweep removes what programs that were killed have left unfinished, and notes whose copy never came. What cannot be
// removed now is removed another time.
func (f Folder) sweep() {
	entries, err := os.ReadDir(f.Dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		name := e.Name()
		info, err := e.Info()
		if err != nil || time.Since(info.ModTime()) < abandoned {
			continue
		}
		copied, isNote := strings.CutSuffix(name, noteSuffix)
		switch {
		case strings.HasPrefix(name, unfinished), strings.HasPrefix(name, restoring):
			_ = os.RemoveAll(f.File(name))
		case isNote && !strings.HasPrefix(name, "."):
			if _, err := os.Lstat(f.File(copied)); errors.Is(err, fs.ErrNotExist) {
				_ = os.Remove(f.File(name))
			}
		}
	}
}
