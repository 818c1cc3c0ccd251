package coordinator_test

import (
	"strings"
	"testing"

	"marain/backend/coordinator"
)

// TestNamesOfTheGeneratedSQL has fields with the names that the statements use themselves, through every change.
func TestNamesOfTheGeneratedSQL(t *testing.T) {
	t.Parallel()
	names := []string{"value", "parent_id", "n", "m", "place", "number", "sort_order", "total", "lost", "becomes", "select", "group", "content_order", "x", "l", "t"}
	build := func(kind, more string) string {
		var list [][]string
		for _, n := range names {
			one := f(n + " " + kind)
			if more != "" {
				one = append(one, more)
			}
			list = append(list, one)
		}
		return entity("order", list...)
	}
	b := noted(t, build("text", ""))
	b.sql(`INSERT INTO content_order (id, ` + `"` + strings.Join(names, `","`) + `"` + `) VALUES ('1'` + strings.Repeat(`,'1'`, len(names)) + `), ('2'` + strings.Repeat(`,'abc'`, len(names)) + `)`)
	one, two := "1"+strings.Repeat("|1", len(names)-1), "abc"+strings.Repeat("|abc", len(names)-1)
	query := `SELECT "` + strings.Join(names, `","`) + `" FROM content_order ORDER BY id`
	b.save(notePath, build("text", "cardinality: -1"))
	b.inSync()
	b.save(notePath, build("integer", "cardinality: -1"))
	b.inSync()
	b.save(notePath, build("integer", ""))
	b.inSync()
	b.save(notePath, build("boolean", "required: true"), func() []string {
		var a []string
		for _, n := range names {
			a = append(a, "backfill:order."+n, "false")
		}
		return a
	}()...)
	b.inSync()
	b.version(notePath, 1)
	b.inSync()
	b.want(query, one, two)
	b.save(notePath, build("text", "unique: true"))
	b.inSync()
}

// TestNamesAsLongAsTheyGo swaps lists whose tables have names of the greatest length.
func TestNamesAsLongAsTheyGo(t *testing.T) {
	t.Parallel()
	e := "e234567890123456789012345"
	a, c := "a123456789012345678x", "a123456789012345678y" // with the revisions of the first these are 62 bytes
	one := "versioned: true\n" + entity(e, f(a+" text", "cardinality: -1"), f(c+" text", "cardinality: -1"))
	b := noted(t, one)
	b.sql(`INSERT INTO content_` + e + ` (id) VALUES ('1')`)
	b.sql(`INSERT INTO field_` + e + `_` + a + ` (id, parent_id, value) VALUES ('a','1','a')`)
	b.sql(`INSERT INTO field_` + e + `_` + c + ` (id, parent_id, value) VALUES ('c','1','c')`)
	b.save(notePath, "versioned: true\n"+entity(e, f("z text", "cardinality: -1", "renamed_from: "+a), f(c+" text", "cardinality: -1")))
	b.save(notePath, "versioned: true\n"+entity(e, f("z text", "cardinality: -1"), f(a+" text", "cardinality: -1", "renamed_from: "+c)))
	b.save(notePath, "versioned: true\n"+entity(e, f(c+" text", "cardinality: -1", "renamed_from: z"), f(a+" text", "cardinality: -1")))
	b.inSync()
	b.version(notePath, 1)
	b.inSync()
	b.want(`SELECT value FROM field_`+e+`_`+a, "a")
	b.version(notePath, 4)
	b.want(`SELECT value FROM field_`+e+`_`+a, "c")
	b.inSync()
}

// TestAContentTypeIsRenamedAndBack changes the id of a content type and changes it back by hand, with a type in between.
func TestAContentTypeIsRenamedAndBack(t *testing.T) {
	t.Parallel()
	b := noted(t, "versioned: true\n"+entity("note", f("x text")))
	b.sql(`INSERT INTO content_note (id, x) VALUES ('1', '01')`)
	b.save(notePath, "versioned: true\n"+entity("note", f("x integer")))
	b.save(notePath, "versioned: true\n"+entity("memo", f("x integer")))
	b.save(notePath, "# back\n"+"versioned: true\n"+entity("note", f("x text")), "restore:note", "restore")
	b.inSync()
	b.want(`SELECT x FROM content_note`, "01")
	b.version(notePath, 3)
	b.version(notePath, 2)
	b.inSync()
	b.want(`SELECT x FROM content_note`, "1")
}

// TestANameThatIsTaken refuses a rename to the id of a field that is there.
func TestANameThatIsTaken(t *testing.T) {
	t.Parallel()
	b := noted(t, entity("note", f("a text"), f("b integer")))
	b.sql(`INSERT INTO content_note (id, a, b) VALUES ('1', 'was a', 5)`)
	b.write(notePath, entity("note", f("a integer", "renamed_from: b")))
	b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking"}, coordinator.CodeBlocked)
	b.want(`SELECT a, b FROM content_note`, "was a|5")
	b.save(notePath, entity("note", f("b integer")))
	b.save(notePath, entity("note", f("a integer", "renamed_from: b")))
	b.inSync()
	b.want(`SELECT a FROM content_note`, "5")
}
