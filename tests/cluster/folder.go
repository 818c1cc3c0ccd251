package cluster

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// prefix begins the names of the temporary folders.
const prefix = "marain-postgres-"

// places are where a temporary folder may be: in memory first. The usual folder for temporary files may be one that
// only the present user can enter, and its name may be too long for a socket.
var places = []string{"/dev/shm", "/tmp"}

// makeFolder makes a temporary folder that the owner of the server can use, and removes those that killed tests left.
func makeFolder(owner *user.User, onDisk bool) (string, error) {
	var errs []error
	where := append(slices.Clone(places), os.TempDir())
	if onDisk {
		where = where[1:]
	}
	for _, place := range where {
		folder, err := os.MkdirTemp(place, prefix)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		sweep(place)
		if err := give(folder, owner); err != nil {
			return "", errors.Join(err, os.RemoveAll(folder))
		}
		return folder, nil
	}
	return "", fmt.Errorf("make a temporary folder: %w", errors.Join(errs...))
}

// give notes which process the folder belongs to, and lets the owner of the server write into it.
func give(folder string, owner *user.User) error {
	if err := os.WriteFile(filepath.Join(folder, "made-by"), []byte(strconv.Itoa(os.Getpid())), 0o644); err != nil {
		return fmt.Errorf("mark a temporary folder: %w", err)
	}
	if owner == nil {
		return nil
	}
	uid, gid, err := ids(owner)
	if err != nil {
		return err
	}
	if err := os.Chown(folder, int(uid), int(gid)); err != nil {
		return fmt.Errorf("give a temporary folder to %s: %w", owner.Username, err)
	}
	return nil
}

func ids(owner *user.User) (uid, gid uint32, err error) {
	u, err := strconv.ParseUint(owner.Uid, 10, 32)
	if err != nil {
		return 0, 0, fmt.Errorf("number of user %s: %w", owner.Username, err)
	}
	g, err := strconv.ParseUint(owner.Gid, 10, 32)
	if err != nil {
		return 0, 0, fmt.Errorf("number of the group of %s: %w", owner.Username, err)
	}
	return uint32(u), uint32(g), nil
}

// sweep removes the folders of processes that are gone. What cannot be removed is another user's, and stays.
func sweep(place string) {
	left, err := filepath.Glob(filepath.Join(place, prefix+"*"))
	if err != nil {
		return
	}
	for _, folder := range left {
		text, err := os.ReadFile(filepath.Join(folder, "made-by"))
		if err != nil {
			continue // just being made
		}
		pid, err := strconv.Atoi(string(text))
		if err != nil || alive(pid) {
			continue
		}
		_ = removeFolder(folder)
	}
}

// removeFolder removes a folder in which a process that was just killed may still be writing.
func removeFolder(folder string) (err error) {
	for range 50 {
		if err = os.RemoveAll(folder); err == nil {
			return nil
		}
		<-time.After(10 * time.Millisecond)
	}
	return fmt.Errorf("remove a temporary folder: %w", err)
}
