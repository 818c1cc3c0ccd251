package corpus_test

import (
	"fmt"
	"strings"

	"marain/backend/diff"
)

// fate is what a change does to the rows that are there.
type fate string

const (
	harmless fate = "harmless" // no value changes, becomes empty, fails a rule or becomes unreachable
	alters   fate = "alters"   // values change or become empty
	hides    fate = "hides"    // values are not in a live table any more
	breaks   fate = "breaks"   // values stay as they are and fail a rule from then on
	asks     fate = "asks"     // it cannot be applied without an answer
	refused  fate = "refused"  // it cannot be applied at all
)

// known is what is known of a case beforehand.
type known struct {
	fate  fate
	n     int           // how many values or rows: what is altered or hidden, fails, lacks an answer or is in the way
	grade diff.Category // what the engine must say
	risks []string      // what its checks must find, each as "rule count"

	// becomes has what the values are afterwards that are not as they were, by key as in a picture. A value behind = is
	// the same one, written the way of another type. [gone] is a value that is not there, [none] is NULL.
	becomes map[string]string

	answers map[string]string // by question
}

const (
	gone = "(gone)"
	none = "∅"

	all       = "*" // the key of everything; as a value any
	revisions = "@" // the key of every revision
)

// The grades.
const (
	safe     = diff.Safe
	warning  = diff.Warning
	breaking = diff.Breaking
)

// change is one case: a change, the rows it meets and what comes of it.
//
// Fields are written as in [parse]. note and other stand for the ids of two content types of the case's own.
type change struct {
	kind, name string
	why        string // why the outcome is what it is, in words

	was, mid, now   string // the fields of note before, in between for what needs a history, and after
	other, otherNow string // those of other; empty: no such file, or as before
	edit            func(text string) string
	moved           bool // note goes on in another file

	x    []string // values of note's field x, as SQL, for the rows 1, 2 and so on
	list []string // values of note's list x, as "row value"
	sql  []string // further rows
	// sqlite and postgres are rows that only one kind of database can have.
	sqlite, postgres []string
	midSQL           []string // rows that are written in between
	orphans          bool     // there are values of no row

	renamed map[string]string // by field id after the change: the id before

	known
	onPostgres *known // where PostgreSQL differs
	only       string // the one database that can have such rows
}

// id is a place in the corpus's list for one case.
func (c *change) title() string { return c.kind + ": " + c.name }

// on returns what is known of a case on a kind of database, and whether it can be there at all.
func (c *change) on(database string) (known, bool) {
	if c.only != "" && c.only != database {
		return known{}, false
	}
	if c.onPostgres != nil && database == postgres {
		return *c.onPostgres, true
	}
	return c.known, true
}

// The outcomes. Values afterwards are pairs of a key and a value.

// unhurt is a change that alters nothing that is there.
func unhurt(grade diff.Category, becomes ...string) known {
	return known{fate: harmless, grade: grade, becomes: pairs(becomes)}
}

// altered is one that alters n values.
func altered(n int, risks string, becomes ...string) known {
	return known{fate: alters, n: n, grade: breaking, risks: words(risks), becomes: pairs(becomes)}
}

// hidden is one that takes n values out of use.
func hidden(n int, risks string, becomes ...string) known {
	return known{fate: hides, n: n, grade: breaking, risks: words(risks), becomes: pairs(becomes)}
}

// broken is one that n rows fail afterwards.
func broken(n int, risks string) known {
	return known{fate: breaks, n: n, grade: breaking, risks: words(risks)}
}

// asked is one that n rows need an answer for; with "key=value" as answers it can be applied.
func asked(n int, risks, answers string, becomes ...string) known {
	k := known{fate: asks, n: n, grade: breaking, risks: words(risks), becomes: pairs(becomes), answers: map[string]string{}}
	for _, a := range words(answers) {
		key, value, _ := strings.Cut(a, "=")
		k.answers[key] = value
	}
	return k
}

// inTheWay is one that cannot be applied because of n values.
func inTheWay(n int, risks string) known {
	return known{fate: refused, n: n, grade: breaking, risks: words(risks)}
}

// graded is the same outcome with another grade.
func (k known) graded(grade diff.Category) known {
	k.grade = grade
	return k
}

// risky is the same outcome, of which the checks nevertheless find something.
func (k known) risky(risks string) known {
	k.grade, k.risks = breaking, words(risks)
	return k
}

// words splits a list at commas.
func words(list string) []string {
	if list == "" {
		return nil
	}
	all := strings.Split(list, ",")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

func pairs(list []string) map[string]string {
	if len(list)%2 != 0 {
		panic(fmt.Sprintf("no pairs: %q", list))
	}
	m := map[string]string{}
	for i := 0; i < len(list); i += 2 {
		m[list[i]] = list[i+1]
	}
	return m
}
