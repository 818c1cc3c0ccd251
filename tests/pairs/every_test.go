package pairs_test

import (
	"fmt"
	"os"
	"slices"
	"testing"
)

// TestEveryPair takes every ordered pair of field types through every shape: the type changes, rows are written, and
// everything goes back and forth. What was not written to comes back exactly as it was, in every direction; what was
// written wins and is converted; what has no counterpart lies where it is found.
//
// A short run takes every pair through two of the shapes, a long one through all. While the race detector watches SQLite
// at work, a third of the pairs and less does so, and only once back and forth: `make test` runs these tests without it too.
func TestEveryPair(t *testing.T) {
	for _, kind := range kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			for _, s := range shapes() {
				t.Run(s.name, func(t *testing.T) {
					t.Parallel()
					s.run(t, kind)
				})
			}
		})
	}
}

// together is how many pairs are in one project: with more of them, each change of a table takes SQLite longer.
const together = 9

func (s shape) run(t *testing.T, kind string) {
	t.Helper()
	part := 0
	for pairs := range slices.Chunk(s.pairs(kind), together) {
		t.Run(fmt.Sprintf("part_%d", part), func(t *testing.T) {
			t.Parallel()
			newCourse(t, kind, s, pairs).run()
		})
		part++
	}
}

func (c *course) run() {
	c.t.Helper()
	c.apply(nil)
	c.insert(c.content())
	c.written()
	c.settled("before the change")

	want, answers := c.expect()
	c.write(c.shape.files(c.pairs, after))
	batch := c.apply(answers)
	c.turned("after the change", want)

	c.edit(edited)
	c.insert(rows("n"))
	c.remove(row(gone, 0), row(gone, 1))
	c.written()
	batch = c.back("after the rollback", batch)
	batch = c.forth("after the rollback was undone", batch)
	if brief(c.kind) {
		return
	}
	batch = c.back("after the second rollback", batch)
	if long() || os.Getenv(envPair) != "" {
		c.more(batch)
	}
}

// more writes to rows after the way back too, and goes forth and back once more.
func (c *course) more(batch string) {
	c.t.Helper()
	c.edit(later)
	c.insert(rows("m"))
	c.remove(row(gone, 2), row(gone, 3))
	c.written()
	batch = c.forth("after the second rollback was undone", batch)
	batch = c.back("after the third rollback", batch)
	c.forth("after the third rollback was undone", batch)
}

// back takes the change of all types back.
func (c *course) back(when, batch string) string {
	c.t.Helper()
	want, answers := c.expect()
	batch = c.undo(batch, answers)
	c.sameFiles(c.shape.files(c.pairs, before))
	c.turned(when, want)
	return batch
}

// forth takes that back.
func (c *course) forth(when, batch string) string {
	c.t.Helper()
	want, answers := c.expect()
	batch = c.undo(batch, answers)
	c.sameFiles(c.shape.files(c.pairs, after))
	c.turned(when, want)
	return batch
}
