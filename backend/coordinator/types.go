package coordinator

import (
	"fmt"
	"time"

	"marain/backend/action"
	"marain/backend/diff"
	"marain/backend/document"
	"marain/backend/executor"
	"marain/backend/history"
)

// Code classifies an error for every door: it decides the REST status, the exit status and what the window says.
type Code string

// The codes.
const (
	CodeInvalid      Code = "invalid"      // 400: the request or a file it names is wrong
	CodeUnauthorized Code = "unauthorized" // 401
	CodeForbidden    Code = "forbidden"    // 403
	CodeNotFound     Code = "not_found"    // 404
	CodeStale        Code = "stale"        // 409: the plan is not the plan any more; Details holds the new one
	CodeBlocked      Code = "blocked"      // 409: open questions or changes that cannot be planned; Details holds them
	CodeLocked       Code = "locked"       // 409: somebody else has the database or the project
	CodeConflict     Code = "conflict"     // 409: later batches stand in the way; Details names them
	CodeCancelled    Code = "cancelled"    // 409: somebody cancelled the batch before it was committed
	CodeInternal     Code = "internal"     // 500
)

// Error is the one coded error type. It is translated once, at each door.
type Error struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
	Details []any  `json:"details"`
	Cause   error  `json:"-"`
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Errorf returns a coded error without a cause.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Details: []any{}}
}

// Actor is who asks, and through which door.
type Actor struct {
	Name string // the person, or empty when unknown
	Door string // window, rest, command or code
}

// PendingChange is one change of one file that waits.
type PendingChange struct {
	File  string        `json:"file_path"`
	Kind  document.Kind `json:"kind"`
	Event diff.Event    `json:"event"`
	diff.Head
}

// Held is a file that is kept out: rejected by a person, or a content that was rolled back.
type Held struct {
	File   string `json:"file_path"`
	Reason string `json:"reason"` // rejected or rolled_back
	At     string `json:"at"`
	By     string `json:"by"`
	Note   string `json:"note"`
}

// LastResult is how the newest apply or rollback ended.
type LastResult struct {
	ActionID string `json:"action_id"`
	Kind     string `json:"kind"`
	Result   string `json:"result"` // applied or failed
	At       string `json:"at"`
	Message  string `json:"message"`
}

// Running is the batch that is being carried out by this program.
type Running struct {
	executor.Progress
	Kind  string `json:"kind"` // apply, rollback, repair, purge or restore
	Since string `json:"since"`
	By    string `json:"by"`
}

// CancelRequest names the batch to cancel.
type CancelRequest struct {
	ActionID string `json:"action_id"`
}

// CancelResult says which batch was cancelled: nothing of it is left.
type CancelResult struct {
	ActionID string `json:"action_id"`
}

// DatabaseStatus says which database is live and whether it answers.
type DatabaseStatus struct {
	Driver        string `json:"driver"`   // sqlite or postgres
	Location      string `json:"location"` // a file, or host:port/name; never a password
	SchemaVersion int    `json:"schema_version"`
	OK            bool   `json:"ok"`
	Message       string `json:"message"`
}

// WatcherStatus says how saved files are noticed.
type WatcherStatus struct {
	State     string   `json:"state"` // watching, polling, degraded, unavailable or off
	Message   string   `json:"message"`
	Folders   []string `json:"folders"`
	Files     int      `json:"files"`
	LastEvent string   `json:"last_event"`
}

// ProjectStatus says what is open.
type ProjectStatus struct {
	Name        string `json:"name"`
	Root        string `json:"root"`
	Environment string `json:"environment"`
	Policy      string `json:"policy"`
	Version     string `json:"version"` // of the program
}

// Status is the whole state at one moment.
type Status struct {
	InSync          bool               `json:"in_sync"`
	State           string             `json:"state"` // in_sync, pending, invalid, held, unavailable, degraded or suspect
	PendingChanges  []PendingChange    `json:"pending_changes"`
	InvalidFiles    []document.Problem `json:"invalid_files"`
	HeldFiles       []Held             `json:"held_files"`
	Unwritten       []action.Unwritten `json:"unwritten,omitempty"` // files whose applied text could not be put on disk yet
	LastSync        string             `json:"last_sync"`           // RFC 3339, or empty
	LastResult      *LastResult        `json:"last_result"`
	Running         *Running           `json:"running"` // what is being carried out; null for nothing
	SnapshotVersion uint64             `json:"snapshot_version"`
	Database        DatabaseStatus     `json:"database"`
	Watcher         WatcherStatus      `json:"watcher"`
	Project         ProjectStatus      `json:"project"`
	Drift           DriftStatus        `json:"drift"`
}

// DiffRequest asks for a plan. With nothing set it is the plan of everything that waits.
type DiffRequest struct {
	Files    []string          `json:"files,omitempty"`
	Contents map[string]string `json:"contents,omitempty"` // preview of text that is not on disk
	Answers  map[string]string `json:"answers,omitempty"`
}

// ReloadRequest asks for an apply. Approve defaults to safe: what is above it stays pending.
type ReloadRequest struct {
	Files   []string          `json:"files,omitempty"`
	DryRun  bool              `json:"dry_run,omitempty"`
	Approve string            `json:"approve,omitempty"`
	PlanID  string            `json:"plan_id,omitempty"`
	Answers map[string]string `json:"answers,omitempty"`
	Note    string            `json:"note,omitempty"`
}

// RollbackRequest asks for a way back: exactly one of ActionID (undo that batch), File with Version (one file), or To
// (the whole project to the state right after that batch).
type RollbackRequest struct {
	ActionID string            `json:"action_id,omitempty"`
	File     string            `json:"file_path,omitempty"`
	Version  int               `json:"version,omitempty"`
	To       string            `json:"to,omitempty"`
	DryRun   bool              `json:"dry_run,omitempty"`
	PlanID   string            `json:"plan_id,omitempty"`
	Answers  map[string]string `json:"answers,omitempty"`
	Note     string            `json:"note,omitempty"`
}

// Failure is a file that could not be applied.
type Failure struct {
	File    string `json:"file_path"`
	Code    Code   `json:"code"`
	Message string `json:"message"`
}

// ApplyResult is what an apply or a rollback did. With DryRun nothing changed and Plan says what would.
type ApplyResult struct {
	ActionID   string       `json:"action_id"`
	Applied    []string     `json:"applied"`
	Pending    []string     `json:"pending"`
	Failed     []Failure    `json:"failed"`
	DurationMS float64      `json:"duration_ms"`
	Plan       *action.Plan `json:"plan,omitempty"`

	Unwritten []action.Unwritten `json:"unwritten,omitempty"` // files whose applied text could not be put on disk yet
}

// RejectRequest holds files back, or puts their applied text back.
type RejectRequest struct {
	Files   []string `json:"files"`
	Restore bool     `json:"restore"`
	Note    string   `json:"note,omitempty"`
}

// RejectResult says what a reject did.
type RejectResult struct {
	ActionID string   `json:"action_id"`
	Held     []string `json:"held"`
	Restored []string `json:"restored"`

	Unwritten []action.Unwritten `json:"unwritten,omitempty"` // files whose applied text could not be put on disk yet
}

// HistoryRequest pages through batches, newest first.
type HistoryRequest struct {
	File   string // only batches that touched it
	Status string // applied, rolled_back, failed or rejected
	Limit  int    // 1 to 200; 0 means 50
	Before string // Next of the page before
}

// BatchFile is one file of a batch.
type BatchFile struct {
	File    string        `json:"file_path"`
	Kind    document.Kind `json:"kind"`
	Event   diff.Event    `json:"event"`
	Version int           `json:"version"`
	Status  string        `json:"status"`
}

// BatchSummary is one line of history.
type BatchSummary struct {
	ActionID   string        `json:"action_id"`
	Kind       string        `json:"kind"`   // apply, rollback, repair, reject or failed
	Status     string        `json:"status"` // applied, rolled_back, failed or rejected
	At         string        `json:"at"`
	By         string        `json:"by"`
	Note       string        `json:"note"`
	Category   diff.Category `json:"category"`
	Summary    string        `json:"summary"`
	Files      []BatchFile   `json:"files"`
	DurationMS float64       `json:"duration_ms"`
	Error      string        `json:"error"`
	Target     string        `json:"target"` // of a rollback
	Backup     string        `json:"backup"` // name of the one that was taken before, empty for none
	Purged     []string      `json:"purged"` // what was in use at that time and is gone: no way back brings it back
}

// History is a page of batches.
type History struct {
	Items []BatchSummary `json:"items"`
	Next  string         `json:"next"`
}

// Batch is one batch, whole.
type Batch struct {
	BatchSummary
	ChangedFiles []action.File      `json:"changed_files"`
	Timings      map[string]float64 `json:"timings"` // milliseconds by step
	CanUndo      bool               `json:"can_undo"`
	Conflicts    []string           `json:"conflicts"`

	Destroyed []history.Destroyed `json:"destroyed"` // by a purge
}

// Draft is a text that an edit had before a rollback or a reject replaced it.
type Draft struct {
	ID       string `json:"id"`
	File     string `json:"file_path"`
	At       string `json:"at"`
	ActionID string `json:"action_id"`
	Size     int    `json:"size"`
}

// Fault is one thing that verify found wrong.
type Fault struct {
	Code    string `json:"code"`
	Subject string `json:"subject"` // a table, a file, a batch
	Message string `json:"message"`
}

// VerifyResult says whether live tables, applied versions, history and the audit chain agree.
type VerifyResult struct {
	OK       bool    `json:"ok"`
	Faults   []Fault `json:"faults"`
	Notes    []Fault `json:"notes"`   // what is worth knowing and no fault: references that point at nothing
	Checked  int     `json:"checked"` // how many things were compared
	Duration float64 `json:"duration_ms"`
}

// ValidateResult is the outcome of checking files without touching anything.
type ValidateResult struct {
	OK       bool               `json:"ok"`
	Files    int                `json:"files"`
	Problems []document.Problem `json:"invalid_files"`
}

// timestamp is how every door writes a time.
func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z07:00")
}
