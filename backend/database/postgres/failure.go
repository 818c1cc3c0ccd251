package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"

	"marain/backend/database"

	"github.com/jackc/pgx/v5/pgconn"
)

// The codes of the server that mean something to the engine.
const (
	codeLockNotAvailable = "55P03"
	codeDeadlock         = "40P01"
	codeQueryCanceled    = "57014"
	codeIOError          = "58030"
	codeFull             = "53100"
	codeIdle             = "25P03" // a transaction did nothing for too long
	codeTooMany          = "53300" // connections
	classData            = "22"    // a value that does not fit
	classConnection      = "08"
	classPassword        = "28"
	classCatalog         = "3D"  // there is no such database
	classOperator        = "57P" // the server is starting, stopping, or its administrator ended the connection
	classCorrupt         = "XX00"
)

// codeOf returns the server's code in an error, or nothing.
func codeOf(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// translate gives an error of the server or the connection the name that every database has for it.
func (db *DB) translate(ctx context.Context, err error) error {
	if err == nil || named(err) {
		return err
	}
	code := codeOf(err)
	switch {
	case ctx.Err() != nil && !errors.Is(err, ctx.Err()):
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	case code == codeLockNotAvailable, code == codeDeadlock:
		return fmt.Errorf("%w: %w", database.ErrLocked, err)
	case code == codeQueryCanceled && ctx.Err() == nil:
		// The server's own limit, or somebody's who did not want to wait.
		return fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
	case code == codeIOError, strings.HasPrefix(code, classCorrupt) && code != "XX000":
		return fmt.Errorf("%w: %w", database.ErrDamaged, err)
	case code == codeFull:
		return fmt.Errorf("%w: %w", database.ErrFull, err)
	case lost(err) && ctx.Err() == nil:
		return fmt.Errorf("%w: %w", database.ErrUnreachable, err)
	}
	return err
}

// named reports whether an error has its name already.
func named(err error) bool {
	for _, known := range []error{database.ErrLocked, database.ErrReplaced, database.ErrUnknown, database.ErrUnreachable, database.ErrDamaged, database.ErrFull} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// lost reports whether an error says that there is no connection, or none any more.
func lost(err error) bool {
	for _, end := range []error{driver.ErrBadConn, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, pgconn.ErrConnClosed, errClosed} {
		if errors.Is(err, end) {
			return true
		}
	}
	var file *fs.PathError
	var link *os.LinkError
	if errors.As(err, &file) || errors.As(err, &link) {
		return false // of a file on this machine: what the system says of it looks like an error of the network
	}
	code := codeOf(err)
	if strings.HasPrefix(code, classPassword) || strings.HasPrefix(code, classCatalog) {
		return false // who connects, or to what, is wrong: coming back later does not help
	}
	var network net.Error
	var connecting *pgconn.ConnectError
	if errors.As(err, &connecting) || errors.As(err, &network) {
		return true
	}
	return strings.HasPrefix(code, classConnection) || strings.HasPrefix(code, classOperator) || code == codeIdle || code == codeTooMany
}

// fatal reports whether the server ended the connection with an error.
func fatal(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && (e.SeverityUnlocalized == "FATAL" || e.SeverityUnlocalized == "PANIC")
}
