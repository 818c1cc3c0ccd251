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

// drain writes the files of the outbox. It runs after a rollback's commit and at every start, so that a crash between
// the two leaves nothing undone. A file that somebody edited meanwhile is left as it is: the edit is a new change.
func (c *Coordinator) drain(ctx context.Context) error {
	var writes []history.Write
	bodies := map[string][]byte{}
	err := c.db.Read(ctx, func(q database.Querier) (err error) {
		if writes, err = c.store.Outbox(ctx, q); err != nil {
			return err
		}
		for _, w := range writes {
			if w.BodyHash == "" || bodies[w.BodyHash] != nil {
				continue
			}
			if bodies[w.BodyHash], err = c.store.Content(ctx, q, w.BodyHash); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	var done []history.Write
	var errs []error
	for _, w := range writes {
		err := c.write(w, bodies[w.BodyHash])
		switch {
		case errors.Is(err, errEdited):
			c.log.Warn("a file was edited before it could be written back: the edit stays", "file", w.Path, "action", w.ActionID)
		case err != nil:
			// It stays in the outbox and is tried again at the next start.
			errs = append(errs, fmt.Errorf("write %s: %w", w.Path, err))
			continue
		}
		done = append(done, w)
		c.take(c.reread(w.Path))
	}
	if len(done) > 0 {
		errs = append(errs, c.db.Write(ctx, func(q database.Querier) error {
			for _, w := range done {
				if err := c.store.Written(ctx, q, w); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	return errors.Join(errs...)
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
