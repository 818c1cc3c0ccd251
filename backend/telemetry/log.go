// Package telemetry is what the engine says about itself: structured logs that never show a secret, and a few
// counters.
package telemetry

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// The keys of log attributes, so that one thing has one name everywhere.
const (
	KeyAction   = "action_id"
	KeyAddress  = "address"
	KeyCategory = "category"
	KeyCode     = "code"
	KeyDatabase = "database"
	KeyDoor     = "door"
	KeyDuration = "duration_ms"
	KeyError    = "error"
	KeyFile     = "file_path"
	KeyFiles    = "files"
	KeyPlan     = "plan_id"
	KeyProject  = "project"
	KeyReason   = "reason"
	KeySnapshot = "snapshot_version"
	KeyState    = "state"
)

// The formats of a log.
const (
	FormatText = "text"
	FormatJSON = "json"
)

// Log is a logger whose level can be changed while it is used.
type Log struct {
	*slog.Logger
	level *slog.LevelVar
}

// NewLog returns a log that writes records at or above a level (debug, info, warn or error; empty for info) to w, in
// a format (text or json; empty for text). What looks like a secret is replaced before it is written. It is safe for
// concurrent use, also where w is not.
func NewLog(w io.Writer, level, format string) (*Log, error) {
	log := &Log{level: new(slog.LevelVar)}
	if err := log.SetLevel(level); err != nil {
		return nil, err
	}
	options := &slog.HandlerOptions{Level: log.level}
	var handler slog.Handler
	switch strings.ToLower(format) {
	case FormatText, "":
		handler = slog.NewTextHandler(w, options)
	case FormatJSON:
		handler = slog.NewJSONHandler(w, options)
	default:
		return nil, fmt.Errorf("%q is not a log format: use text or json", format)
	}
	log.Logger = slog.New(Redacting(handler))
	return log, nil
}

// NewLogger returns the logger of [NewLog], for programs that never change the level.
func NewLogger(w io.Writer, level, format string) (*slog.Logger, error) {
	log, err := NewLog(w, level, format)
	if err != nil {
		return nil, err
	}
	return log.Logger, nil
}

// SetLevel changes the level from now on, for every logger that was made from this one too. An unknown level is an
// error and changes nothing.
func (l *Log) SetLevel(level string) error {
	parsed, err := ParseLevel(level)
	if err != nil {
		return err
	}
	l.level.Set(parsed)
	return nil
}

// Level returns the present level.
func (l *Log) Level() slog.Level { return l.level.Level() }

// ParseLevel returns the level with a name; empty text is info.
func ParseLevel(name string) (slog.Level, error) {
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "debug", "trace":
		return slog.LevelDebug, nil
	case "info", "":
		return slog.LevelInfo, nil
	case "warn", "warning":
		return slog.LevelWarn, nil
	case "error", "fatal", "panic":
		return slog.LevelError, nil
	}
	return 0, fmt.Errorf("%q is not a log level: use debug, info, warn or error", name)
}
