// Package action turns changes into a plan: a closed set of actions, each with its exact inverse, the checks that
// prove or disprove a risk on the real rows, and the questions that a person must answer first.
package action

import (
	"errors"

	"marain/backend/diff"
	"marain/backend/document"
)

// Type says what an action does.
type Type string

// The closed set of actions.
const (
	DatabaseMigration   Type = "database_migration"
	UpdateConfig        Type = "update_config"
	RemoveConfig        Type = "remove_config"
	InvalidateCache     Type = "invalidate_cache"
	ReinitialiseService Type = "reinitialise_service"
	WriteFile           Type = "write_file"
	Notify              Type = "notify"
)

// Action is one thing to do, as every door shows it. Up and Down are exact SQL for the live database.
type Action struct {
	Type        Type     `json:"type"`
	Description string   `json:"description"`
	Up          []string `json:"up"`
	Down        []string `json:"down"`
	Steps       []Step   `json:"-"` // what Up and Down were made from; database migrations only
}

// Verdict is the outcome of a check.
type Verdict string

// ErrTooLong says that the database did not take a question because too much is nested in it.
var ErrTooLong = errors.New("the question is too long for the database")

// The verdicts. A check that ran out of time, or could not be asked, says NotProved, never ProvedSafe.
const (
	ProvedSafe Verdict = "proved_safe"
	Risk       Verdict = "risk"
	NotProved  Verdict = "not_proved"
)

// Check is a read-only query on the real rows and what it found.
type Check struct {
	Key          string           `json:"key"` // key path of the change that it judges
	Rule         diff.Rule        `json:"rule"`
	Message      string           `json:"message"`
	Verdict      Verdict          `json:"verdict"`
	TextCategory diff.Category    `json:"text_category"`
	Category     diff.Category    `json:"category"`
	SQL          string           `json:"sql"`
	Count        int64            `json:"count"`
	Total        int64            `json:"total"`
	Samples      []map[string]any `json:"samples"`
	DurationMS   float64          `json:"duration_ms"`
}

// Question is what a person must decide. Without a Default it blocks until it is answered.
type Question struct {
	Key     string   `json:"key"`       // rename:article.headline, restore:article.title, backfill:article.title
	File    string   `json:"file_path"` // whose change asks it
	Text    string   `json:"text"`
	Options []string `json:"options"` // empty: free text
	// Type is the field type that a free answer must have; empty when there are options.
	Type string `json:"type"`
	// Samples are a few values to decide by: those of the field that may have been renamed.
	Samples []string `json:"samples"`
	Default *string  `json:"default,omitempty"`
	// Answered says that this plan was made with an answer to it.
	Answered bool `json:"answered"`
}

// Block says why a file of a plan cannot be applied as it stands.
type Block struct {
	File    string `json:"file_path"`
	Key     string `json:"key"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

// File is one file of a plan.
type File struct {
	Path        string        `json:"file_path"`
	Kind        document.Kind `json:"kind"`
	Event       diff.Event    `json:"event"`
	Category    diff.Category `json:"category"`
	BaseVersion int           `json:"base_version"` // the applied version it starts from, 0 for a new file
	Changes     []diff.Head   `json:"changes"`
	Actions     []Action      `json:"actions"`
	Checks      []Check       `json:"checks"`
	Hunks       []diff.Hunk   `json:"hunks"`
	Blocked     []Block       `json:"blocked"`
	Held        bool          `json:"held"`
}

// RehearsalState is what a rehearsal came to.
type RehearsalState string

// The states of a rehearsal. Only a failed one stands in the way of an approval.
const (
	NotRun    RehearsalState = "not_run"    // it could not be made, the message says why
	Proved    RehearsalState = "proved"     // there and back again without a difference
	Failed    RehearsalState = "failed"     // the way back would lose something, the message says what
	NotNeeded RehearsalState = "not_needed" // no table is touched, or nobody is asked
	TimedOut  RehearsalState = "timed_out"  // it took too long, so nothing is proved
)

// The legs of a rehearsal.
const (
	Forward      = "forward"
	Back         = "back"
	ForwardAgain = "forward_again"
)

// Leg is one leg of a rehearsal: all statements of the plan in one direction.
type Leg struct {
	Name       string  `json:"name"` // forward, back or forward_again
	DurationMS float64 `json:"duration_ms"`
}

// Rehearsal says whether the way back was proved on a copy before anyone approved.
type Rehearsal struct {
	State   RehearsalState `json:"state"`
	Message string         `json:"message"` // a full sentence
	Legs    []Leg          `json:"legs"`
	Rows    int64          `json:"rows"`    // how many rows the copy had
	Sampled bool           `json:"sampled"` // the copy had only some of the rows
}

// Unwritten is a file whose applied text could not be put on disk yet. What is applied is live all the same.
type Unwritten struct {
	File    string `json:"file_path"`
	Message string `json:"message"` // why
}

// Plan is what an apply would do, as every door shows it.
type Plan struct {
	ID        string             `json:"plan_id"`
	Category  diff.Category      `json:"category"`
	Files     []File             `json:"files"`
	Questions []Question         `json:"questions"`
	Rehearsal Rehearsal          `json:"rehearsal"`
	Invalid   []document.Problem `json:"invalid_files"`
	Unwritten []Unwritten        `json:"unwritten,omitempty"` // these wait for the disk, not for an apply
}
