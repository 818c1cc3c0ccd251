package corpus_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"

	"marain/backend/diff"
)

// result is how one case was graded on one database.
type result struct {
	title, kind  string
	fate         fate
	engine, text diff.Category
}

// table collects results. It may be used at the same time.
type table struct {
	mu   sync.Mutex
	rows map[string][]result // by kind of database
}

func (t *table) add(database string, r result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rows == nil {
		t.rows = map[string][]result{}
	}
	t.rows[database] = append(t.rows[database], r)
}

// figures are the counts of one grading.
type figures struct {
	misses, alarms, breaking int
}

// count counts by the grade that of returns: misses of what is not harmless, alarms of what is.
func count(list []result, of func(result) diff.Category) figures {
	var f figures
	for _, r := range list {
		switch grade := of(r); {
		case r.fate != harmless && grade == diff.Safe:
			f.misses++
		case r.fate == harmless && grade > diff.Safe:
			f.alarms++
			if grade == diff.Breaking {
				f.breaking++
			}
		}
	}
	return f
}

func byRows(r result) diff.Category { return r.engine }
func byText(r result) diff.Category { return r.text }

// misses is how often the engine said safe and was wrong.
func (t *table) misses() int {
	n := 0
	for _, list := range t.rows {
		n += count(list, byRows).misses
	}
	return n
}

// print writes the figures of each database, then the false alarms by kind of change.
func (t *table) print() string {
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "database\tcases\tharmless\tgraded by\tmisses\tfalse alarms\tof harmless\tas breaking")
	for _, database := range []string{sqlite, postgres} {
		list := t.rows[database]
		quiet := 0
		for _, r := range list {
			if r.fate == harmless {
				quiet++
			}
		}
		for _, by := range []struct {
			name string
			of   func(result) diff.Category
		}{{"the rows", byRows}, {"the text alone", byText}} {
			f := count(list, by.of)
			fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%d\t%d\t%s\t%d\n", database, len(list), quiet, by.name, f.misses, f.alarms, share100(f.alarms, quiet), f.breaking)
		}
	}
	fmt.Fprintln(w)
	fmt.Fprintln(w, "kind of change\tcases\tharmless\talarms by rows\tas breaking\talarms by text\tas breaking\tmisses by text\t")
	both := slices.Concat(t.rows[sqlite], t.rows[postgres])
	var kinds []string
	for _, r := range both {
		if !slices.Contains(kinds, r.kind) {
			kinds = append(kinds, r.kind)
		}
	}
	slices.Sort(kinds)
	for _, kind := range kinds {
		var list []result
		quiet := 0
		for _, r := range both {
			if r.kind == kind {
				list = append(list, r)
				if r.fate == harmless {
					quiet++
				}
			}
		}
		rows, text := count(list, byRows), count(list, byText)
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", kind, len(list), quiet, rows.alarms, rows.breaking, text.alarms, text.breaking, text.misses)
	}
	w.Flush() //nolint:errcheck // a string takes everything
	return out.String()
}

func share100(part, whole int) string {
	if whole == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f %%", 100*float64(part)/float64(whole))
}
