package database

import (
	"context"
)

// Range is a part of a table's rows.
type Range struct {
	Condition string // which rows, with the table's name before its columns; empty: all of them
	Rows      int64  // how many these are, about
}

// Ranger cuts tables into ranges, so that a long statement can be run in parts.
type Ranger interface {
	// Ranges returns ranges that together hold every row that the table has now, each once, and each about as many as
	// rows says. A table that is small, or that cannot be cut, is one range without a condition. Walking a table in
	// its ranges takes about as long as walking it at once. Others may have to wait until the end of the transaction to
	// write to a table that is cut.
	Ranges(ctx context.Context, q Querier, table string, rows int64) ([]Range, error)
}
