// Package diff compares two versions of a document: structural changes with rule codes and categories, and
// side-by-side text hunks. It is pure: the checks on real rows that re-grade a change belong to package action.
package diff

import (
	"encoding/json"
	"fmt"
)

// Category says how much a change can hurt. Categories are ordered: Safe < Warning < Breaking.
type Category int

// The categories.
const (
	Safe Category = iota
	Warning
	Breaking
)

var categoryNames = [...]string{Safe: "safe", Warning: "warning", Breaking: "breaking"}

// String returns the category's name in files, requests and answers.
func (c Category) String() string {
	if c < Safe || c > Breaking {
		return fmt.Sprintf("category(%d)", int(c))
	}
	return categoryNames[c]
}

// ParseCategory returns the category with that name.
func ParseCategory(name string) (Category, error) {
	for c, n := range categoryNames {
		if n == name {
			return Category(c), nil
		}
	}
	return Breaking, fmt.Errorf("%q is not a category: use safe, warning or breaking", name)
}

// MarshalJSON writes the category's name.
func (c Category) MarshalJSON() ([]byte, error) { return json.Marshal(c.String()) }

// UnmarshalJSON reads the category's name.
func (c *Category) UnmarshalJSON(data []byte) error {
	var name string
	if err := json.Unmarshal(data, &name); err != nil {
		return err
	}
	parsed, err := ParseCategory(name)
	if err != nil {
		return err
	}
	*c = parsed
	return nil
}

// Op is what happened to a key.
type Op string

// The operations. Format is a change of the text without one of the meaning.
const (
	Add    Op = "add"
	Remove Op = "remove"
	Modify Op = "change"
	Format Op = "format"
)

// Head is what every change says about itself, and the JSON form of one.
type Head struct {
	Op       Op       `json:"op"`
	Key      string   `json:"key"` // key path; empty for the whole file
	Old      any      `json:"old"`
	New      any      `json:"new"`
	Category Category `json:"category"`
	Rule     Rule     `json:"rule"`
	Message  string   `json:"message"`
	Line     int      `json:"line"` // in the new text, in the old text for what was removed, or 0
}

// Event is what happened to a file.
type Event string

// The events.
const (
	FileAdded    Event = "added"
	FileModified Event = "modified"
	FileRemoved  Event = "removed"
)

// Span is a run of characters of one line.
type Span struct {
	Text    string `json:"text"`
	Changed bool   `json:"changed"`
}

// Side is one line on one side of a diff.
type Side struct {
	Line  int    `json:"line"`
	Spans []Span `json:"spans"`
}

// Row is a line of a side-by-side diff. Old or New is nil where the other side stands alone.
type Row struct {
	Kind string `json:"kind"` // equal, changed, added or removed
	Old  *Side  `json:"old,omitempty"`
	New  *Side  `json:"new,omitempty"`
}

// Hunk is a run of rows with some equal lines around the changed ones. Lines count from 1.
type Hunk struct {
	OldStart int   `json:"old_start"`
	OldLines int   `json:"old_lines"`
	NewStart int   `json:"new_start"`
	NewLines int   `json:"new_lines"`
	Rows     []Row `json:"rows"`
}
