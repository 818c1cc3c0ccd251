package history

import (
	"bufio"
	"errors"
	"fmt"
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
		parts := strings.Split(scanner.Text(), " ")
		if len(parts) != 3 || parts[0] != database || len(parts[2]) != 64 {
			continue
		}
		seq, err := strconv.ParseInt(parts[1], 10, 64)
		if err != nil {
			continue
		}
		if _, known := noted[seq]; !known { // the first note stands: a chain that was written anew would note itself again
			noted[seq] = parts[2]
		}
	}
	if err := errors.Join(scanner.Err(), f.Close()); err != nil {
		return nil, fmt.Errorf("read the noted audit chain: %w", err)
	}
	return noted, nil
}
