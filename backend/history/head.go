package history

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Heads keeps the numbers and hashes of the audit chain outside of the database, in a file that only grows. A chain
// that was cut or written anew as a whole is consistent in itself; beside this file it is not. Every line names its
// database, because one data folder may serve several. Safe for use by several programs at once.
type Heads struct{ File string }

// Add notes a link of a database that was committed.
func (h Heads) Add(database string, seq int64, hash string) error {
	if err := os.MkdirAll(filepath.Dir(h.File), 0o700); err != nil {
		return fmt.Errorf("note the audit chain: %w", err)
	}
	f, err := os.OpenFile(h.File, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("note the audit chain: %w", err)
	}
	// One short write in append mode: lines of several programs do not mix. It begins with a line end, so that a line
	// that a crash cut short does not swallow this one.
	_, err = f.WriteString("\n" + database + " " + strconv.FormatInt(seq, 10) + " " + hash)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("note the audit chain: %w", err)
	}
	return nil
}

// tail is how much of the file's end is looked at for the newest note.
const tail = 64 << 10

// Newest returns the number of the newest noted link of a database, 0 for none.
func (h Heads) Newest(database string) (seq int64, err error) {
	f, err := os.Open(h.File)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the noted audit chain: %w", err)
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = f.Seek(max(0, size-tail), io.SeekStart)
	}
	text, readErr := io.ReadAll(f)
	if err = errors.Join(err, readErr); err != nil {
		return 0, fmt.Errorf("read the noted audit chain: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if noted, _, ok := note(line, database); ok {
			seq = max(seq, noted)
		}
	}
	if seq > 0 || size <= tail {
		return seq, nil
	}
	all, err := h.All(database) // other databases have filled the end
	for noted := range all {
		seq = max(seq, noted)
	}
	return seq, err
}

// note reads one line, unless it is of another database or a crash cut it short.
func note(line, database string) (seq int64, hash string, ok bool) {
	parts := strings.Split(strings.TrimSuffix(line, "\n"), " ")
	if len(parts) != 3 || parts[0] != database || len(parts[2]) != 64 {
		return 0, "", false
	}
	seq, err := strconv.ParseInt(parts[1], 10, 64)
	return seq, parts[2], err == nil
}

// All returns the noted hashes of a database by sequence number. A line that a crash cut short is left out.
func (h Heads) All(database string) (map[int64]string, error) {
	noted := map[int64]string{}
	f, err := os.Open(h.File)
	if errors.Is(err, fs.ErrNotExist) {
		return noted, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the noted audit chain: %w", err)
	}
	scanner := bufio.NewScanner(f)
	for scanner.Scan() {
		seq, hash, ok := note(scanner.Text(), database)
		if _, known := noted[seq]; ok && !known { // the first note stands: a chain that was written anew would note itself again
			noted[seq] = hash
		}
	}
	if err := errors.Join(scanner.Err(), f.Close()); err != nil {
		return nil, fmt.Errorf("read the noted audit chain: %w", err)
	}
	return noted, nil
}
