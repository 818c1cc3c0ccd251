package coordinator

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/history"
	"marain/backend/project"
)

// errEdited says that somebody changed a file after it was decided to write it.
var errEdited = errors.New("the file was edited meanwhile")

// drain writes the files of the outbox. It runs after a rollback's commit, at every start, and again and again while
// something is left over, so that neither a crash nor a full disk between the two leaves it undone. A file that somebody
// edited meanwhile is left as it is: the edit is a new change.
func (c *Coordinator) drain(ctx context.Context) error {
	var writes []history.Write
	err := c.db.Read(ctx, func(q database.Querier) (err error) {
		writes, err = c.store.Outbox(ctx, q)
		return err
	})
	if err != nil {
		return err
	}
	var done []history.Write
	var errs []error
	c.unwritten = nil
	for _, w := range writes {
		err := c.deliver(ctx, w)
		switch {
		case errors.Is(err, errEdited):
			c.log.Warn("a file was edited before it could be written back: the edit stays", "file", w.Path, "action", w.ActionID)
		case err != nil:
			errs = append(errs, fmt.Errorf("write %s: %w", w.Path, err))
			c.unwritten = append(c.unwritten, action.Unwritten{
				File: w.Path, Message: fmt.Sprintf("the file could not be written back yet (%s); it is tried again until it can", reason(err)),
			})
			continue
		}
		done = append(done, w)
		c.take(c.reread(w.Path))
	}
	c.leftover = len(errs) > 0
	if len(done) > 0 {
		err := c.db.Write(ctx, func(q database.Querier) error {
			for _, w := range done {
				if err := c.store.Written(ctx, q, w); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			c.leftover = true
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// deliver makes one file write of the outbox.
func (c *Coordinator) deliver(ctx context.Context, w history.Write) error {
	var body []byte
	if w.BodyHash != "" {
		err := c.db.Read(ctx, func(q database.Querier) (err error) {
			body, err = c.store.Content(ctx, q, w.BodyHash)
			return err
		})
		if err != nil {
			return err
		}
	}
	return c.write(w, body)
}

// reason is what the system says about a file that it did not write, without the names that it made up on the way.
func reason(err error) string {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err.Error()
	case errors.As(err, &link):
		return link.Err.Error()
	}
	return err.Error()
}

// due returns those of the writes that are still to be made, for a program that only looks.
func (c *Coordinator) due(writes []history.Write) (list []action.Unwritten) {
	for _, w := range writes {
		if now := c.files.Read(w.Path); !made(w, now) && !errors.Is(c.expected(w, now), errEdited) {
			list = append(list, action.Unwritten{File: w.Path, Message: "the file is not written back yet; the next command that changes something tries it again"})
		}
	}
	return list
}

// notWritten tells the files that could not be written back yet as failures of a batch.
func (c *Coordinator) notWritten() []Failure {
	list := []Failure{}
	for _, u := range c.unwritten {
		list = append(list, Failure{File: u.File, Code: CodeInternal, Message: u.Message})
	}
	return list
}

// expected refuses a write to a file that somebody edited after it was decided. What cannot be read at the moment, or lies
// in a folder that is away, says nothing about that.
func (c *Coordinator) expected(w history.Write, now project.File) error {
	for _, dir := range c.project.Dirs() {
		if strings.HasPrefix(w.Path, dir+"/") && w.Expected != "" && !c.files.Exists(dir) {
			return fmt.Errorf("the folder %s is not there", dir)
		}
	}
	switch {
	case now.Err != nil:
		return now.Err
	case now.Hash != w.Expected:
		return errEdited
	}
	return nil
}

// made reports whether a file is what a write makes of it.
func made(w history.Write, now project.File) bool {
	return now.Err == nil && now.Hash == w.BodyHash && now.Exists == (w.BodyHash != "")
}

// write puts one file in place unless it is there already or somebody edited it.
func (c *Coordinator) write(w history.Write, body []byte) error {
	check := func(now project.File) error { return c.expected(w, now) }
	now := c.files.Read(w.Path)
	if made(w, now) {
		return nil
	}
	if err := check(now); err != nil {
		return err
	}
	if w.BodyHash == "" {
		return c.files.Remove(w.Path, check)
	}
	return c.files.Write(w.Path, body, check)
}

// reread reads a file that was just written, and tells the watcher that it is known.
func (c *Coordinator) reread(path string) project.File {
	f := c.files.Read(path)
	if c.watcher != nil {
		c.watcher.Known([]project.File{f})
	}
	return f
}
