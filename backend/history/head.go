package history

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// Heads keeps the numbers and hashes of the audit chain outside of the database, in a file that only grows. A chain
// that was cut or written anew as a whole is consistent in itself; beside this file it is not. Safe for use by several
// programs at once.
type Heads struct{ File string }

// Add notes a link that was committed.
func (h Heads) Add(seq int64, hash string) error {
	f, err := os.OpenFile(h.File, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("note the audit chain: %w", err)
	}
	// One short write in append mode: lines of several programs do not mix.
	_, err = f.WriteString(strconv.FormatInt(seq, 10) + " " + hash + "\n")
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("note the audit chain: %w", err)
	}
	return nil
}

// All returns the noted hashes by sequence number. A last line that a crash cut short is left out.
func (h Heads) All() (map[int64]string, error) {
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
		number, hash, ok := strings.Cut(scanner.Text(), " ")
		seq, err := strconv.ParseInt(number, 10, 64)
		if !ok || err != nil || len(hash) != 64 {
			continue
		}
		if _, known := noted[seq]; !known { // the first note stands: a chain that was written anew would note itself again
			noted[seq] = hash
		}
	}
	if err := errors.Join(scanner.Err(), f.Close()); err != nil {
		return nil, fmt.Errorf("read the noted audit chain: %w", err)
	}
	return noted, nil
}
