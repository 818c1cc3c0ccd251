//go:build !headless

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// errRunning is returned by [claim] when the program runs already and was asked to show its window.
var errRunning = errors.New("the window is open already")

const (
	instanceSocket = "window.sock"
	instanceLimit  = 5 * time.Second // for one exchange between two instances
)

// instance makes sure that a person has one window. The first program listens on a socket in the person's configuration
// folder; one that is started later tells it what it was asked to open, and ends. Wails has a lock of its own, but on
// Linux it needs D-Bus, lets the second program open the project first and ends it with an error.
type instance struct {
	listener net.Listener // nil where sockets cannot be used: then only the project's own lock keeps a second window out
	done     sync.WaitGroup
}

// request is what the second program says.
type request struct {
	Project string `json:"project"` // absolute, or empty
}

// claim makes this program the one with the window, or hands over to the one that has it and returns [errRunning].
func claim(folder, project string) (*instance, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make your configuration folder: %w", err)
	}
	path := filepath.Join(folder, instanceSocket)
	listener, err := net.Listen("unix", path)
	if err == nil {
		return &instance{listener: listener}, nil
	}
	connection, dialErr := net.DialTimeout("unix", path, instanceLimit)
	if dialErr == nil {
		return nil, hand(connection, project)
	}
	if _, statErr := os.Lstat(path); statErr != nil {
		return &instance{}, nil // no sockets here: a long path, or a file system without them
	}
	// Nobody answers: the program that listened was killed.
	if err := os.Remove(path); err != nil {
		return nil, fmt.Errorf("remove what a killed window left: %w", err)
	}
	if listener, err = net.Listen("unix", path); err != nil {
		return nil, fmt.Errorf("listen for a second start: %w", err)
	}
	return &instance{listener: listener}, nil
}

// hand tells the running program what to open.
func hand(connection net.Conn, project string) error {
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(instanceLimit)); err != nil {
		return fmt.Errorf("talk to the open window: %w", err)
	}
	if err := json.NewEncoder(connection).Encode(request{Project: project}); err != nil {
		return fmt.Errorf("talk to the open window: %w", err)
	}
	var answer string
	if err := json.NewDecoder(connection).Decode(&answer); err != nil {
		return fmt.Errorf("the window is open already, but does not answer: %w", err)
	}
	return errRunning
}

// serve calls raise for each program that is started later, until close. It returns at once.
func (i *instance) serve(raise func(project string)) {
	if i.listener == nil {
		return
	}
	i.done.Go(func() {
		for {
			connection, err := i.listener.Accept()
			if err != nil {
				return // closed
			}
			i.done.Go(func() { answer(connection, raise) })
		}
	})
}

// answer reads one request. The other program learns that it was heard before the window does anything.
func answer(connection net.Conn, raise func(project string)) {
	defer connection.Close()
	var asked request
	if connection.SetDeadline(time.Now().Add(instanceLimit)) != nil || json.NewDecoder(connection).Decode(&asked) != nil {
		return // it went away, or is none of ours
	}
	if json.NewEncoder(connection).Encode("ok") != nil {
		return
	}
	raise(asked.Project)
}

// close stops listening and removes the socket.
func (i *instance) close() {
	if i.listener == nil {
		return
	}
	i.listener.Close() // which also removes the file; there is nobody left to tell
	i.done.Wait()
}
