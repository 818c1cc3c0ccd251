// Package event carries what happens in the engine to everybody who watches it: typed events with a sequence number,
// and a hub that keeps the newest of them so that a client that was away can go on where it stopped.
package event

import "time"

// Type says what happened.
type Type string

// The types of event.
const (
	Changes    Type = "changes"     // what waits, is invalid or is held has changed
	Applied    Type = "applied"     // a batch was applied
	RolledBack Type = "rolled_back" // a batch was taken back
	Failed     Type = "failed"      // a batch failed and changed nothing
	Rejected   Type = "rejected"    // files were held or restored
	Purged     Type = "purged"      // what was out of use was destroyed
	Snapshot   Type = "snapshot"    // a new snapshot is live
	Watcher    Type = "watcher"     // the watcher's state has changed
	Progress   Type = "progress"    // a long step goes on
	Reset      Type = "reset"       // events were missed: fetch everything again
)

// Event is one thing that happened. It must not be modified.
type Event struct {
	Seq             uint64    `json:"seq"` // rises by one with each event; never repeated in a later life of the process
	Type            Type      `json:"type"`
	At              time.Time `json:"at"`
	SnapshotVersion uint64    `json:"snapshot_version"` // an event with a lower one than a client has seen is old news
	Data            any       `json:"data"`
}
