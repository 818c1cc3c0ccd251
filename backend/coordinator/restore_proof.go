package coordinator

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"marain/backend/backup"
	"marain/backend/database"
	"marain/backend/document"
	"marain/backend/history"
)

// find finds the backup and proves every byte of it.
func (r *restoration) find(name string) (err error) {
	folder := r.c.backups()
	if name == "" {
		entries, err := folder.List()
		if err != nil {
			return err
		}
		i := slices.IndexFunc(entries, func(e backup.Entry) bool { return e.Err == nil && r.c.ours(e.Note) == nil })
		if i < 0 {
			return Errorf(CodeNotFound, "there is no backup of this database")
		}
		name = entries[i].Name
	}
	if r.note, err = folder.Find(name); errors.Is(err, backup.ErrNotFound) {
		return Errorf(CodeNotFound, "%v: marain backups lists them", err)
	}
	if err == nil {
		err = r.c.ours(r.note)
	}
	if err == nil {
		err = folder.Prove(r.note)
	}
	if err != nil {
		return &Error{Code: CodeInvalid, Message: err.Error(), Details: []any{}, Cause: err}
	}
	return nil
}

// follows proves that the present history is the one that the backup was taken in.
func (r *restoration) follows(ctx context.Context, q database.Querier) error {
	hash, err := r.c.store.Link(ctx, q, r.note.Seq)
	if err != nil && !errors.Is(err, history.ErrNotFound) {
		return err
	}
	if err != nil || hash != r.note.Head {
		return Errorf(CodeConflict, "the history of this database is not the one that %s was taken in, so it cannot go on from there", r.note.Name)
	}
	return nil
}

// fits proves that what a backup of some tables brings back goes together with what stays.
func (r *restoration) fits() error {
	if r.note.Whole {
		return nil
	}
	var docs []*document.Document
	for path, v := range r.c.applied {
		if slices.Contains(r.changed, path) {
			v = r.then[path]
		}
		if v.doc != nil {
			docs = append(docs, v.doc)
		}
	}
	for _, path := range r.changed {
		if r.c.applied[path] == nil && r.then[path].doc != nil {
			docs = append(docs, r.then[path].doc)
		}
	}
	problems := document.Check(docs)
	if len(problems) == 0 {
		return nil
	}
	details := make([]any, len(problems))
	for i, p := range problems {
		details[i] = p
	}
	return &Error{
		Code: CodeConflict, Details: details,
		Message: fmt.Sprintf("what is in %s does not go together with what is applied now: %s: %s", r.note.Name, problems[0].File, problems[0].Message),
	}
}

// free proves that nothing that another program made is in the way.
func (r *restoration) free(ctx context.Context, q database.Querier) error {
	found, err := r.c.db.Obstacles(ctx, q, r.c.backups().File(r.note.Name), r.c.tablesOf(r.note.Entities))
	if err != nil || len(found) == 0 {
		return err
	}
	details := make([]any, len(found))
	for i, b := range found {
		details[i] = b
	}
	return &Error{Code: CodeBlocked, Message: fmt.Sprintf("%s cannot be restored: %s", r.note.Name, found[0].Message), Details: details}
}
