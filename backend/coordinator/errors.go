package coordinator

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"marain/backend/database"
	"marain/backend/executor"
	"marain/backend/history"
	"marain/backend/project"
)

// coded gives any error its code, once, where it leaves the coordinator.
func coded(err error) *Error {
	if err == nil {
		return nil
	}
	var own *Error
	if errors.As(err, &own) {
		if own.Details == nil {
			own.Details = []any{}
		}
		return own
	}
	wrap := func(code Code, message string) *Error {
		return &Error{Code: code, Message: message, Details: []any{}, Cause: err}
	}
	var locked *project.LockedError
	var setting *project.SettingError
	var statement *executor.StatementError
	var stopped *cancelled
	switch {
	case errors.As(err, &locked):
		return wrap(CodeLocked, locked.Error())
	case errors.As(err, &setting):
		return wrap(CodeInvalid, setting.Error())
	case errors.As(err, &stopped):
		return wrap(CodeCancelled, stopped.Error()+"; nothing was changed")
	case errors.Is(err, errMadeWay):
		return wrap(CodeConflict, "files keep being applied meanwhile: try again in a moment")
	case full(err):
		return wrap(CodeInternal, fmt.Sprintf("the disk is full; nothing was changed: make room where the database and the data folder are, then try again (%s)", lastLine(err)))
	case errors.Is(err, executor.ErrStale):
		return wrap(CodeStale, err.Error())
	case errors.Is(err, database.ErrLocked):
		return wrap(CodeLocked, "another program has the database; nothing was changed: try again in a moment")
	case errors.Is(err, history.ErrNotFound):
		return wrap(CodeNotFound, err.Error())
	case errors.Is(err, history.ErrNewer):
		return wrap(CodeForbidden, err.Error()+": use that version")
	case errors.Is(err, database.ErrReplaced):
		return wrap(CodeInternal, err.Error()+"; nothing more is written: put the file back, or open the project again")
	case errors.Is(err, database.ErrUnknown):
		return wrap(CodeInternal, "the connection to the database was lost during the commit, so it is not known yet whether it happened: look at the history when the database is back")
	case errors.Is(err, database.ErrUnreachable):
		return wrap(CodeInternal, fmt.Sprintf("the database cannot be reached; nothing was changed: try again when it is back (%s)", lastLine(err)))
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return wrap(CodeInternal, "the request was cancelled before the end; nothing was changed")
	case errors.As(err, &statement):
		return wrap(CodeInternal, statement.Error())
	case errors.Is(err, fs.ErrNotExist):
		return wrap(CodeNotFound, err.Error())
	}
	return wrap(CodeInternal, err.Error())
}

// full reports whether an error says that there is no room left for what was to be written.
func full(err error) bool { return errors.Is(err, database.ErrFull) || errors.Is(err, syscall.ENOSPC) }

// lastLine is the end of an error's text: a driver that tried several ways says in the last line what it was.
func lastLine(err error) string {
	lines := strings.Split(strings.TrimSpace(err.Error()), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

// String is how a version row names who applied it: the person and the door.
func (a Actor) String() string {
	switch {
	case a.Name != "" && a.Door != "":
		return a.Name + " via " + a.Door
	case a.Name != "":
		return a.Name
	case a.Door != "":
		return "somebody via " + a.Door
	}
	return "somebody"
}
