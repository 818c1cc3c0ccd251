package engine

import (
	"os"
	"testing"
)

// A database that vanished is missed, not made anew: an empty one in its place would look as if all were well.
func TestLostDatabaseIsMissed(t *testing.T) {
	p := newPlace(t, "none")
	if exit := p.marain(nil, "apply"); exit != 0 {
		t.Fatalf("first apply: %d", exit)
	}
	if err := os.Rename(p.path("data/content"), p.path("data/elsewhere")); err != nil {
		t.Fatal(err)
	}
	for i := range 2 { // the first try must not make the second one believe
		var v verdict
		if exit := p.marain(&v, "verify"); exit != 1 || len(v.Faults) == 0 || v.Faults[0].Code != "database_replaced" {
			t.Errorf("try %d: verify says %d %+v", i, exit, v.Faults)
		}
		var st status
		if exit := p.marain(&st, "status"); exit != 1 || st.State != "suspect" {
			t.Errorf("try %d: status says %d %s", i, exit, st.State)
		}
		var refused applied
		if exit := p.marain(&refused, "apply"); exit != 1 || refused.Error == nil {
			t.Errorf("try %d: apply says %d %+v", i, exit, refused)
		}
	}
	if err := os.RemoveAll(p.path("data/content")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(p.path("data/elsewhere"), p.path("data/content")); err != nil {
		t.Fatal(err)
	}
	p.sound("with the database back in its place")
}

// The noted head of the audit chain is missed too.
func TestLostHeadIsMissed(t *testing.T) {
	p := newPlace(t, "none")
	if exit := p.marain(nil, "apply"); exit != 0 {
		t.Fatalf("first apply: %d", exit)
	}
	if err := os.Remove(p.path("data/audit.head")); err != nil {
		t.Fatal(err)
	}
	var v verdict
	if exit := p.marain(&v, "verify"); exit != 1 || v.Faults[0].Code != "head_missing" {
		t.Errorf("verify says %d %+v", exit, v.Faults)
	}
}

// A name that is not UTF-8 is an invalid file, and nothing comes of it.
func TestNameThatIsNotText(t *testing.T) {
	p := newPlace(t, "none")
	p.write("config/bad\xff.yaml", "a: 1\n")
	if exit := p.marain(nil, "apply"); exit != 4 {
		t.Errorf("apply says %d", exit)
	}
	var st status
	if exit := p.marain(&st, "status"); exit != 4 || len(st.Invalid) != 1 || st.Invalid[0].Code != "invalid_name" {
		t.Errorf("status says %d %+v", exit, st.Invalid)
	}
	p.sound("beside the file")
}

// A folder that is away fails commands, and a folder that is no project is none.
func TestMissingFolders(t *testing.T) {
	p := newPlace(t, "none")
	if exit := p.marain(nil, "apply"); exit != 0 {
		t.Fatalf("first apply: %d", exit)
	}
	if err := os.Rename(p.path("schemas"), p.path("away")); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"apply", "diff", "status"} {
		if exit := p.marain(nil, command); exit != 1 {
			t.Errorf("%s without schemas says %d", command, exit)
		}
	}
	empty := &place{t: t, root: t.TempDir()}
	for _, command := range []string{"apply", "diff", "status"} {
		if exit := empty.marain(nil, command); exit != 1 {
			t.Errorf("%s in no project says %d", command, exit)
		}
	}
	if _, err := os.Stat(empty.path("data")); err == nil {
		t.Error("a command made a data folder in no project")
	}
}
