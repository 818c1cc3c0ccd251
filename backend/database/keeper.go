package database

import (
	"context"

	"marain/backend/action"
)

// Keeper copies a database, puts a copy back, and looks at what is out of use. It is safe for concurrent use.
type Keeper interface {
	// Backup writes a copy into a file that is not there yet: of everything where the database is one file, else of the
	// named tables. Call it inside Write with the Querier of that transaction, before anything was changed in it: nobody
	// else can write meanwhile. It returns the names of the tables that are in it, nil for everything. The file is not
	// yet forced to the disk.
	Backup(ctx context.Context, q Querier, tables []string, file string) ([]string, error)
	// Restore puts everything that is in a file of Backup back, all or nothing, except for the bookkeeping, which stays
	// as it is. Present are the tables that hold now what those in the file held: what of them is not in the file goes.
	// Before is called under the lock while everything is still as it was, after is called with what will be,
	// in the same transaction: there the bookkeeping may be changed. An error of either leaves everything as it was. Both
	// may be called again, from the start, when a lock was not to be had.
	Restore(ctx context.Context, file string, present []string, before, after func(Querier) error) error
	// Obstacles returns what would make Restore fail with the same file and tables: references of tables that stay, views
	// and whatever else rests on what goes. Key is the table, or the column as table.column.
	Obstacles(ctx context.Context, q Querier, file string, present []string) ([]action.Block, error)
	// Contents proves that a file of Backup can be read and returns how many rows each table in it has.
	Contents(ctx context.Context, file string) (map[string]int64, error)
	// Measure counts what lies in a place. It reads all of it.
	Measure(ctx context.Context, q Querier, place action.Place) (Measure, error)
	// Dependents returns what would stand in the way of dropping a place, in words: views, triggers, indexes and
	// references of other tables. Tables that are in going do not count.
	Dependents(ctx context.Context, q Querier, place action.Place, going []string) ([]string, error)
}

// Measure is what lies in a column or a table.
type Measure struct {
	Rows   int64
	Values int64 // of a column: those that are not empty; of a table: its rows
	Bytes  int64 // about; -1 when that is not known
}
