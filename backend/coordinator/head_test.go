package coordinator_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// listEdits write the several values of a row.
var listEdits = map[string][]string{
	"nothing":       nil,
	"drop first":    {`DELETE FROM field_note_x WHERE parent_id = '§' AND id = (SELECT id FROM field_note_x WHERE parent_id = '§' ORDER BY sort_order, id LIMIT 1)`},
	"drop last":     {`DELETE FROM field_note_x WHERE parent_id = '§' AND id = (SELECT id FROM field_note_x WHERE parent_id = '§' ORDER BY sort_order DESC, id DESC LIMIT 1)`},
	"drop all":      {`DELETE FROM field_note_x WHERE parent_id = '§'`},
	"reorder":       {`UPDATE field_note_x SET sort_order = -sort_order WHERE parent_id = '§'`},
	"edit first":    {`UPDATE field_note_x SET value = '77' WHERE parent_id = '§' AND id = (SELECT id FROM field_note_x WHERE parent_id = '§' ORDER BY sort_order, id LIMIT 1)`},
	"add in front":  {`INSERT INTO field_note_x (id, parent_id, value, sort_order) VALUES ('new№§', '§', '88', -100)`},
	"add at end":    {`INSERT INTO field_note_x (id, parent_id, value, sort_order) VALUES ('new№§', '§', '99', 100)`},
	"same in front": {`INSERT INTO field_note_x (id, parent_id, value, sort_order) VALUES ('new№§', '§', '2', -100)`},
}

// singleEdits write the one value of a row.
var singleEdits = map[string][]string{
	"nothing": nil,
	"clear":   {`UPDATE content_note SET x = NULL WHERE id = '§'`},
	"write":   {`UPDATE content_note SET x = '55' WHERE id = '§'`},
	"second":  {`UPDATE content_note SET x = '2' WHERE id = '§'`},
}

// crossing is a project with a row for every edit of several values after every edit of one. A row's id says what is
// written in it on each turn.
type crossing struct {
	*bench
	integer bool // the type of the single value
	rows    map[string]*crossed
}

// crossed is what a row should have on both sides.
type crossed struct {
	one     string // empty: none
	several []string
	apart   bool // the one was taken away: it is none of the several
}

// write carries out what the ids say for a turn.
func (c *crossing) write(turn int, single bool) {
	var all []string
	for _, id := range slices.Sorted(maps.Keys(c.rows)) {
		edits, what := listEdits, strings.Split(id, "/")[1+turn]
		if single {
			edits = singleEdits
		}
		for _, statement := range edits[what] {
			all = append(all, strings.NewReplacer("§", id, "№", fmt.Sprint(turn)).Replace(statement))
		}
	}
	if len(all) > 0 {
		c.sql(strings.Join(all, ";"))
	}
}

// single reports whether there is one value for a row now.
func (c *crossing) single() bool { return !slices.Contains(c.tableNames(), "field_note_x") }

// look returns the values of each row, with all that they have.
func (c *crossing) look() map[string][]string {
	query := `SELECT id, x FROM content_note WHERE x IS NOT NULL`
	if !c.single() {
		query = `SELECT parent_id, value, id, sort_order FROM field_note_x ORDER BY parent_id, sort_order, id`
	}
	rows := map[string][]string{}
	for _, line := range c.bench.rows(query) {
		id, rest, _ := strings.Cut(line, "|")
		rows[id] = append(rows[id], rest)
	}
	return rows
}

// same tells which rows are not what they were.
func (c *crossing) same(when string, want map[string][]string) {
	c.t.Helper()
	now := c.look()
	for id := range c.rows {
		if !slices.Equal(now[id], want[id]) {
			c.t.Errorf("%s: %s was %q and is %q", when, id, want[id], now[id])
		}
	}
	c.inSync()
}

// converted is what a value of several is as a single one.
func (c *crossing) converted(value string) string {
	if c.integer && value == "abc" {
		return ""
	}
	return value
}

// written takes over what was written, and says what the other side must have.
func (c *crossing) written(single bool, now map[string][]string) {
	for id, row := range c.rows {
		var values []string
		for _, v := range now[id] {
			value, _, _ := strings.Cut(v, "|")
			values = append(values, value)
		}
		if single {
			row.wroteOne(strings.Join(values, ""))
			continue
		}
		first := func(list []string) string { return strings.Join(list[:min(len(list), 1)], "") }
		if first(values) != first(row.several) {
			row.one, row.apart = c.converted(first(values)), false
		}
		row.several = values
	}
}

func (row *crossed) wroteOne(value string) {
	if value == row.one {
		return
	}
	if !row.apart && len(row.several) > 0 {
		row.several = row.several[1:]
	}
	row.one, row.apart = value, value == "" && len(row.several) > 0
	if value != "" {
		row.several = append([]string{value}, row.several...)
	}
}

// holds proves that every row has what it should have.
func (c *crossing) holds(when string) {
	c.t.Helper()
	single, now := c.single(), c.look()
	for id, row := range c.rows {
		want := row.several
		if single {
			want = nil
			if row.one != "" {
				want = []string{row.one}
			}
		}
		var got []string
		for _, v := range now[id] {
			value, _, _ := strings.Cut(v, "|")
			got = append(got, value)
		}
		if !slices.Equal(got, want) {
			c.t.Errorf("%s: %s has %q, want %q", when, id, got, want)
		}
	}
}

// TestEveryEditOverAndOver goes from several values to one and the other way round, writes in every way on both sides,
// and takes everything back and forth: what was written last is on both sides, and while nobody writes, each side stays
// what it was.
func TestEveryEditOverAndOver(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"text", "integer"} {
		for _, single := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, first one %v", kind, single), func(t *testing.T) {
				t.Parallel()
				everyEdit(t, kind, single)
			})
		}
	}
}

func everyEdit(t *testing.T, kind string, single bool) {
	versions := map[bool]string{false: entity("note", f("x text", "cardinality: -1")), true: entity("note", f("x "+kind))}
	c := crossing{bench: noted(t, versions[single]), integer: kind == "integer", rows: map[string]*crossed{}}
	lists := []string{"", "1", "1,2", "1,2,3", "2,2", "abc,2"}
	if single {
		lists = []string{"", "1", "2"}
	}
	turns := [][]string{slices.Sorted(maps.Keys(listEdits)), slices.Sorted(maps.Keys(singleEdits)), {"nothing", "drop first", "add in front"}}
	if !single { // it begins on the other side
		turns = [][]string{turns[1], turns[0], {"clear", "write"}}
	}
	for _, values := range lists {
		for _, first := range turns[0] {
			for _, second := range turns[1] {
				id := values + "/" + first + "/" + second + "/" + turns[2][len(c.rows)%len(turns[2])]
				c.rows[id] = &crossed{}
				c.begin(id, values, single)
			}
		}
	}
	r := c.save(notePath, versions[!single])
	for turn := range 3 {
		single = !single
		c.holds(fmt.Sprintf("turn %d, nothing written", turn))
		c.write(turn, single)
		here := c.look()
		c.written(single, here)
		r = c.undo(r)
		c.holds(fmt.Sprintf("turn %d", turn))
		other := c.look()
		r = c.undo(r)
		c.same(fmt.Sprintf("turn %d, back", turn), here)
		r = c.undo(r)
		c.same(fmt.Sprintf("turn %d, there again", turn), other)
	}
}

// begin makes a row.
func (c *crossing) begin(id, list string, single bool) {
	row := c.rows[id]
	if list != "" {
		row.several = strings.Split(list, ",")
		row.one = c.converted(row.several[0])
	}
	if single {
		c.sql(fmt.Sprintf(`INSERT INTO content_note (id, x) VALUES ('%s', %s)`, id, cmp.Or(row.one, "NULL")))
		return
	}
	c.sql(fmt.Sprintf(`INSERT INTO content_note (id) VALUES ('%s')`, id))
	for i, v := range row.several {
		c.sql(fmt.Sprintf(`INSERT INTO field_note_x (id, parent_id, value, sort_order) VALUES ('%s %d', '%s', '%s', %d)`, id, i, id, v, i))
	}
}
