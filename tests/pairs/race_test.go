//go:build race

package pairs_test

// slow says that the race detector watches SQLite too, which is in the same process: it takes twenty times as long then.
const slow = true
