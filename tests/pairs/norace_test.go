//go:build !race

package pairs_test

// slow says whether the race detector watches SQLite too.
const slow = false
