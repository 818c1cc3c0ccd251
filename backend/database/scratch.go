package database

import (
	"context"
	"errors"
)

// ErrScratchFull says that a copy has no room left.
var ErrScratchFull = errors.New("the copy has no room left")

// CountLimit is up to how many rows of a table are counted for the sake of saying it.
const CountLimit = 2_000_000

// Copy says which tables to copy and how much of them.
type Copy struct {
	Tables []string // those that exist are copied, with the tables that they refer to
	Rows   int64    // a table with more rows is copied in part
	Bytes  int64    // how large the copy may become, about; what has no room is copied in part
	Sample int64    // how many rows such a part has, half of them from each end
	IDs    []string // rows that a part has whatever their place, by their id or that of their parent
}

// Scratch is a copy of tables, with their rows, indexes and rules, that nobody else sees. Statements without a schema
// name reach nothing but it.
type Scratch struct {
	Querier
	Tables  []string // what was copied, in order
	Rows    int64    // how many rows
	Total   int64    // how many rows the tables themselves have, counted up to CountLimit for each
	More    bool     // one of them has more than that
	Sampled bool     // at least one table was copied in part
	// Exact writes how an expression is selected so that two values read the same only when they are the same.
	Exact func(expression string) string
}

// Copier makes copies to try things out on.
type Copier interface {
	// Scratch copies tables as they are at one moment, runs fn and throws the copy away, whatever fn returned: nothing of
	// it is left, not even when the process dies. The tables themselves are read and nobody waits for that. The scratch
	// must not be used after fn returned. [ErrScratchFull] when there is no room.
	Scratch(ctx context.Context, c Copy, fn func(Scratch) error) error
}
