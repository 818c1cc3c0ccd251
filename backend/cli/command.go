package cli

import (
	"context"
	"flag"
	"strings"
)

// command is one command of the program.
type command struct {
	name     string
	args     string // what may follow, for the usage line
	summary  string // one line, for the list
	text     string // the help, wrapped by hand
	examples []string
	names    int  // how many arguments that are no flags it takes; -1: any number
	readOnly bool // must not change anything
	alone    bool // must have the project for itself, unless it is a dry run
	flags    func(set *flag.FlagSet, o *options)
	run      func(ctx context.Context, inv *invocation) (int, error)
}

// commands returns the commands in the order of the help.
func commands() []command {
	return []command{
		serveCommand(), validateCommand(), statusCommand(), diffCommand(), applyCommand(), historyCommand(),
		rollbackCommand(), rejectCommand(), draftsCommand(), driftCommand(), tombstonesCommand(), purgeCommand(), backupsCommand(),
		restoreBackupCommand(), verifyCommand(), versionCommand(), helpCommand(),
	}
}

// find returns the command with that name, or a usage error with the nearest one.
func find(name string) (*command, error) {
	all := commands()
	var known []string
	for i := range all {
		if all[i].name == name {
			return &all[i], nil
		}
		known = append(known, all[i].name)
	}
	hint := "marain help lists the commands"
	if near := nearest(name, known); near != "" {
		hint = "did you mean " + near + "?"
	}
	return nil, usagef(hint, "there is no command %q", name)
}

// nearest returns the candidate that is closest to a misspelt word, or nothing when none is close.
func nearest(word string, candidates []string) string {
	best, distance := "", max(1, min(3, len(word)/3))+1
	for _, candidate := range candidates {
		d := edits(strings.ToLower(word), candidate)
		if len(word) >= 2 && strings.HasPrefix(candidate, strings.ToLower(word)) {
			d = min(d, 1)
		}
		if d < distance {
			best, distance = candidate, d
		}
	}
	return best
}

// edits is how many letters must be inserted, removed or replaced to turn a into b; two swapped neighbours count once.
func edits(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
