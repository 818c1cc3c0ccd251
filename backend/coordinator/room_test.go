package coordinator_test

import (
	"fmt"
	"strings"
	"testing"

	"marain/backend/coordinator"
	"marain/backend/diff"
)

// many is a content type with that many fields, of which a few have other names.
func many(fields, others int, name string) string {
	var list [][]string
	for i := range fields {
		list = append(list, f(fmt.Sprintf("f%d integer", i)))
	}
	for i := range others {
		list = append(list, f(fmt.Sprintf("%s%d integer", name, i)))
	}
	return entity("note", list...)
}

// A table with nearly all the columns that the database allows is said to be so before anything is approved, with what is
// out of use counted; one with more is refused in words, and not by the database. A purge makes room where that is so.
func TestRoomForColumns(t *testing.T) {
	t.Parallel()
	const own = 8 // of every content type
	b := newBench(t, "none", nil)
	most := 2000
	if b.postgres() {
		most = 1600
	}
	base := most*4/5 - own - 1
	scarce := func() string {
		for _, file := range b.plan().Files {
			for _, check := range file.Checks {
				if check.Rule == diff.ColumnsScarce {
					if file.Category < diff.Warning {
						t.Errorf("it is %s", file.Category)
					}
					return check.Message
				}
			}
		}
		return ""
	}
	b.write(notePath, many(base, 0, ""))
	if said := scarce(); said != "" {
		t.Errorf("one below the mark: %s", said)
	}
	b.breaking()
	b.write(notePath, many(base, 1, "g"))
	if said := scarce(); !strings.Contains(said, "content_note would have ") || !strings.Contains(said, "the database allows ") {
		t.Errorf("at the mark: %q", said)
	}
	b.breaking()
	b.save(notePath, many(base, 0, "")) // nothing is added: nothing is said
	room := most - base - own - 1
	b.write(notePath, many(base, room+1, "h"))
	refusal := b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking"}, coordinator.CodeBlocked)
	if !strings.Contains(refusal.Message, "1 of them are out of use") {
		t.Error(refusal.Message)
	}
	hint := fmt.Sprint(refusal.Details...)
	if strings.Contains(hint, "marain purge") == b.postgres() {
		t.Errorf("the way out is %s", hint)
	}
	zero := 0
	b.purge(coordinator.PurgeRequest{OlderThanDays: &zero, Confirm: "1"})
	if b.postgres() {
		refusal := b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking"}, coordinator.CodeBlocked)
		if !strings.Contains(refusal.Message, "1 that were dropped still count") {
			t.Error(refusal.Message)
		}
	} else if blocked := b.plan().Files[0].Blocked; len(blocked) > 0 {
		t.Errorf("the purge made no room: %+v", blocked)
	}
	b.write(notePath, many(base, room/2-2, "h")) // a rehearsal needs the room twice
	b.breaking()
	b.inSync()
	b.write("schemas/wide.schema.yaml", strings.Replace(many(most-own+1, 0, ""), "id: note", "id: wide", 1))
	b.reloadRefused(coordinator.ReloadRequest{Approve: "breaking"}, coordinator.CodeBlocked)
}
