package coordinator

import (
	"context"
	"errors"
	"fmt"

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
	for _, w := range writes {
		err := c.deliver(ctx, w)
		switch {
		case errors.Is(err, errEdited):
			c.log.Warn("a file was edited before it could be written back: the edit stays", "file", w.Path, "action", w.ActionID)
		case err != nil:
			errs = append(errs, fmt.Errorf("write %s: %w", w.Path, err))
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

// unwritten lists the files of a batch that could not be written back yet.
func (c *Coordinator) unwritten(ctx context.Context) []Failure {
	list := []Failure{}
	if !c.leftover {
		return list
	}
	err := c.db.Read(ctx, func(q database.Querier) error {
		writes, err := c.store.Outbox(ctx, q)
		for _, w := range writes {
			list = append(list, Failure{File: w.Path, Code: CodeInternal, Message: "the file could not be written back yet; it is tried again until it can"})
		}
		return err
	})
	if err != nil {
		c.log.Error("read the outbox", "error", err)
	}
	return list
}

// write puts one file in place unless it is there already or somebody edited it.
func (c *Coordinator) write(w history.Write, body []byte) error {
	expected := func(now project.File) error {
		if now.Err != nil || now.Hash != w.Expected {
			return errEdited
		}
		return nil
	}
	now := c.files.Read(w.Path)
	if now.Err == nil && now.Hash == w.BodyHash && now.Exists == (w.BodyHash != "") {
		return nil
	}
	if err := expected(now); err != nil {
		return err
	}
	if w.BodyHash == "" {
		return c.files.Remove(w.Path, expected)
	}
	return c.files.Write(w.Path, body, expected)
}

// reread reads a file that was just written, and tells the watcher that it is known.
func (c *Coordinator) reread(path string) project.File {
	f := c.files.Read(path)
	if c.watcher != nil {
		c.watcher.Known([]project.File{f})
	}
	return f
}
