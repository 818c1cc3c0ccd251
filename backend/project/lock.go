package project

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

const (
	lockName  = "marain.lock" // in the data folder
	maxHolder = 64 << 10      // bytes of that file that are read
)

// Holder is who has a project open.
type Holder struct {
	PID     int       `json:"pid"`
	Door    string    `json:"door"`    // window or serve
	Address string    `json:"address"` // where a server answers, or empty
	Started time.Time `json:"started"`
	Host    string    `json:"host"`
}

// LockedError says that somebody else has the project open. Holder is nil when who it is could not be read.
type LockedError struct {
	Holder *Holder
}

// Error names the holder.
func (e *LockedError) Error() string {
	if e.Holder == nil {
		return "the project is already open in another window or server"
	}
	what := "a " + e.Holder.Door
	if e.Holder.Door == "serve" {
		what = "a server"
	}
	if e.Holder.Address != "" {
		what += " on " + e.Holder.Address
	}
	return fmt.Sprintf("the project is already open in %s (process %d on %s, since %s)",
		what, e.Holder.PID, e.Holder.Host, e.Holder.Started.Format(time.RFC3339))
}

// Lock is one window's or server's hold on a project. The operating system releases it when the process ends, however
// it ends.
type Lock struct {
	file   *os.File
	holder Holder
}

// Lock takes the project for a window or a server. Commands do not take it: the database decides who goes first.
// It returns a [*LockedError] when somebody has it.
func (p *Project) Lock(door, address string) (*Lock, error) {
	if err := p.MakeDataDir(); err != nil {
		return nil, err
	}
	path := filepath.Join(p.DataDir, lockName)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, secretMode)
	if err != nil {
		return nil, fmt.Errorf("lock the project: %w", err)
	}
	taken, err := tryLock(file)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock the project: %w", err), file.Close())
	}
	if !taken {
		locked := &LockedError{Holder: readHolder(file)}
		if err := file.Close(); err != nil {
			return nil, errors.Join(locked, err)
		}
		return nil, locked
	}
	host, err := os.Hostname()
	if err != nil {
		host = "an unknown host" // it only serves to tell people
	}
	lock := &Lock{file: file, holder: Holder{PID: os.Getpid(), Door: door, Address: address, Started: time.Now().UTC(), Host: host}}
	if err := lock.record(); err != nil {
		return nil, errors.Join(fmt.Errorf("lock the project: %w", err), lock.Close())
	}
	return lock, nil
}

// Announce changes the address that others are told, once a server knows it.
func (l *Lock) Announce(address string) error {
	l.holder.Address = address
	if err := l.record(); err != nil {
		return fmt.Errorf("announce the address: %w", err)
	}
	return nil
}

// Close releases the project. The file stays: removing it would let two processes lock two files of one name.
func (l *Lock) Close() error {
	err := errors.Join(l.file.Truncate(0), unlock(l.file), l.file.Close())
	if err != nil {
		return fmt.Errorf("unlock the project: %w", err)
	}
	return nil
}

// record writes who has the project.
func (l *Lock) record() error {
	data, err := json.Marshal(l.holder)
	if err != nil {
		return err
	}
	if _, err := l.file.WriteAt(append(data, '\n'), 0); err != nil {
		return err
	}
	return l.file.Truncate(int64(len(data) + 1))
}

// readHolder returns who has the project, or nil while they have not written it yet.
func readHolder(file *os.File) *Holder {
	const attempts, pause = 10, 10 * time.Millisecond
	for range attempts {
		data, err := io.ReadAll(io.NewSectionReader(file, 0, maxHolder))
		holder := &Holder{}
		if err == nil && json.Unmarshal(data, holder) == nil && holder.PID != 0 {
			return holder
		}
		time.Sleep(pause)
	}
	return nil
}
