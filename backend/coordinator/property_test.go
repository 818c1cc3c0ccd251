package coordinator_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"marain/backend/coordinator"
	"marain/backend/document"
	"marain/tests/engines"
	"marain/tests/oracle"

	"pgregory.net/rapid"
)

// The environment of the random sequences: how many run, how many steps each has, with which number the first begins,
// after how many the state is printed, and how many processes share them. A sequence waits for most of its time.
const (
	envProcesses = "MARAIN_PROCESSES"
	envSequences = "MARAIN_SEQUENCES"
	envSteps     = "MARAIN_STEPS"
	envSeed      = "MARAIN_SEED"
	envProgress  = "MARAIN_PROGRESS"
)

// TestNothingIsLost runs random sequences of schema edits, content writes, applies, rejects, rollbacks and restarts on
// a project, in two programs. After every step:
//
//   - after an apply, planning again finds nothing to do, verify finds no fault, and the tables are what the files say;
//   - after a rollback, the files, the tables and every value that nobody wrote since are those of then;
//   - every value ever written that content neither overwrote nor deleted is still somewhere, and no place that was
//     there before a batch has anything else in it afterwards;
//   - what is refused changes nothing.
//
// Every sequence has a number of its own, and a failure prints the command that repeats it.
func TestNothingIsLost(t *testing.T) {
	sequences, steps, progress := setting(t, envSequences, 6), setting(t, envSteps, 50), setting(t, envProgress, 0)
	first := setting(t, envSeed, 1)
	if n := setting(t, envProcesses, 1); n > 1 {
		shared(t, n, first, sequences)
		return
	}
	given := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	for name, value := range map[string]string{"rapid.checks": "1", "rapid.nofailfile": "true", "rapid.shrinktime": "60s"} {
		if given[name] {
			continue
		}
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	began, tally := time.Now(), map[string]int{}
	for i := range sequences {
		seed := first + i
		if err := flag.Set("rapid.seed", strconv.Itoa(seed)); err != nil {
			t.Fatal(err)
		}
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("to repeat it: %s", command(seed, steps))
				}
			})
			rapid.Check(t, func(rt *rapid.T) { sequence(rt, steps, tally) })
		})
		if progress > 0 && (i+1)%progress == 0 {
			fmt.Fprintf(os.Stderr, "%d of %d sequences in %s, failed: %t\n", i+1, sequences, time.Since(began).Round(time.Second), t.Failed())
		}
	}
	t.Logf("%d sequences of %d steps from number %d: %s", sequences, steps, first, counts(tally))
}

// counts writes a tally in a fixed order.
func counts(tally map[string]int) string {
	var words []string
	for _, what := range slices.Sorted(maps.Keys(tally)) {
		words = append(words, fmt.Sprintf("%s %d", what, tally[what]))
	}
	return strings.Join(words, ", ")
}

// command repeats one sequence.
func command(seed, steps int) string {
	text := fmt.Sprintf("%s=%d %s=1 %s=%d go test ./backend/coordinator -run 'TestNothingIsLost$' -count=1", envSeed, seed, envSequences, envSteps, steps)
	if name := os.Getenv(engines.EnvDatabase); name != "" {
		text = engines.EnvDatabase + "=" + name + " " + text
	}
	return text
}

func setting(t *testing.T, name string, otherwise int) int {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// sequence carries out one sequence. A step may be none, so that a failing sequence can be made shorter.
func sequence(t *rapid.T, steps int, tally map[string]int) {
	m := newMachine(t)
	m.tally = tally
	actions := []struct {
		weight int
		do     func(*rapid.T)
	}{
		{1, func(*rapid.T) {}}, {14, m.release}, {2, m.edit}, {2, m.apply}, {14, m.content}, {8, m.undo}, {7, m.to}, {4, m.version}, {1, m.reject}, {1, m.restart}, {2, m.turn}, {2, m.race}, {2, m.drift}, {1, m.purgeNothing},
	}
	var list []func(*rapid.T)
	for _, a := range actions {
		list = append(list, slices.Repeat([]func(*rapid.T){a.do}, a.weight)...)
	}
	m.release(t)
	m.content(t)
	for range steps {
		m.step++
		list[rapid.IntRange(0, len(list)-1).Draw(t, "step")](t)
		m.check()
	}
}

// machine is a project, and what must be true of it.
type machine struct {
	b        *bench
	t        *rapid.T
	idle     *coordinator.Coordinator // another program on the same project, which knows only what it sees
	step     int
	tally    map[string]int // of what happened and what was proved
	next     int            // of the next value, row or field
	numbers  int            // of the next line
	points   []point
	alive    map[cell]bool   // what was written and neither overwritten nor deleted
	dead     map[string]bool // rows that were deleted
	fills    map[string]bool // what was answered for rows without a value
	given    []given         // the same, with the type
	bare     map[int]int     // the step at which an incarnation of a content type kept no revisions last
	unsure   map[touch]int   // rows of a line whose edits cannot be followed, with the step until which that is so
	defaults map[string]bool // of all fields that ever were

	lives    map[string]life // in use, by content type
	formers  []former
	graves   []grave                   // out of use
	last     map[int]record            // by line: what it held before the newest batch
	left     map[int]map[string]record // by line and storage
	edits    map[touch]edit            // the newest write of everything
	past     map[touch][]string        // what the values of a row on a line were, one after another
	lineAt   map[string]int            // by the number of a place: the line whose values lie there
	restored map[string]bool           // fields that came back in this batch because it was answered so
}

// given is a value that rows got which had none.
type given struct {
	def   *document.Field
	value any
}

// point is a batch with the state on both sides of it.
type point struct {
	id            string
	before, after *state
}

func newMachine(t *rapid.T) *machine {
	root, err := os.MkdirTemp("", "marain-property-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(root); err != nil {
			t.Errorf("clean up: %v", err)
		}
	})
	b := &bench{t: t, root: root}
	b.write("config/config.hot_reload.yaml", "id: hot_reload\nvalues:\n  auto_apply: none\n")
	m := &machine{
		b: b, t: t, alive: map[cell]bool{}, dead: map[string]bool{}, fills: map[string]bool{}, defaults: map[string]bool{}, bare: map[int]int{}, unsure: map[touch]int{}, lives: map[string]life{}, last: map[int]record{},
		left: map[int]map[string]record{}, edits: map[touch]edit{}, lineAt: map[string]int{}, past: map[touch][]string{}, restored: map[string]bool{},
	}
	b.c = m.open()
	b.apply(coordinator.ReloadRequest{})
	m.idle = m.open()
	return m
}

func (m *machine) open() *coordinator.Coordinator {
	c, err := m.b.tryOpen(nil)
	if err != nil {
		m.t.Fatalf("open: %v", err)
	}
	return c
}

func (m *machine) restart(t *rapid.T) {
	if err := m.b.c.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	m.b.c = m.open()
}

// turn goes on in the other program.
func (m *machine) turn(*rapid.T) {
	m.idle, m.b.c = m.b.c, m.idle
	m.b.status() // until it is asked it may know an older state
}

// check holds after every step.
func (m *machine) check() {
	result, err := m.b.c.Verify(context.Background())
	if err != nil {
		m.t.Fatalf("verify: %v", err)
	}
	if !result.OK {
		m.t.Fatalf("verify finds %+v", result.Faults)
	}
	found := everywhere(m.physical())
	for c := range m.alive {
		if !found[c] {
			m.t.Fatalf("value %q of row %s is nowhere any more", c.value, c.row)
		}
	}
}

// committed notes a batch and everything that is live afterwards.
func (m *machine) committed(id string, before, after *state) {
	m.points = append(m.points, point{id, before, after})
	for _, rows := range after.view {
		for row, fields := range rows {
			for _, values := range fields {
				for _, v := range values {
					m.alive[cell{row, v.value}] = true
				}
			}
		}
	}
	for id, def := range after.defs {
		if !def.Versioned {
			m.bare[after.lives[id].number] = m.step
		}
		for i := range def.Fields {
			m.defaults[oracle.Plain(&def.Fields[i], def.Fields[i].Default)] = true
		}
	}
	m.tell(after.view, after.defs, after.lives)
	m.asFilesSay(after)
}

// unchanged proves that a refusal changed nothing.
func (m *machine) unchanged(before *state, places map[string]place) {
	now := m.state()
	if now.tables != before.tables || !maps.Equal(now.files, before.files) || fmt.Sprint(now.view) != fmt.Sprint(before.view) {
		m.t.Fatal("a refusal changed something")
	}
	m.keeps(places)
	if len(m.physical()) != len(places) {
		m.t.Fatal("a refusal left a table behind")
	}
}
