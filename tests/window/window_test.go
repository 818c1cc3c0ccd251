//go:build window

package window

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// The main job: a saved file shows up, is approved, is live, and is taken back with one click.
func TestSaveApproveRollBack(t *testing.T) {
	s := newSample(t, "magazine")
	before := s.read(article)
	columns := s.columns("content_article")
	d := openDesktop(t)
	d.open("--project", s.root)
	d.status("In sync")

	s.addField("subtitle")
	d.status("1 change waiting")
	if got := s.columns("content_article"); !slices.Equal(got, columns) {
		t.Fatalf("the table changed before anybody approved: %v", got)
	}
	d.see("any", "subtitle")
	d.ask("type", map[string]any{"role": "entry", "name": "Note", "text": "for long titles"})
	d.press("Approve")
	d.status("In sync")
	if got := s.columns("content_article"); !slices.Contains(got, "subtitle") {
		t.Fatalf("approved, and the table has no such column: %v", got)
	}
	if history := s.command("history"); !strings.Contains(history, "for long titles") || !strings.Contains(history, "via window") {
		t.Errorf("the history says neither why nor through which door:\n%s", history)
	}
	after := s.read(article)

	d.press("History")
	d.press("Roll back")
	eventually(t, "the column is out of use", func() bool { return !slices.Contains(s.columns("content_article"), "subtitle") })
	eventually(t, "the file is back byte for byte", func() bool { return bytes.Equal(s.read(article), before) })
	d.status("In sync")
	if bytes.Equal(before, after) {
		t.Error("the edit changed nothing, so that the way back proves nothing")
	}
	s.command("verify")
}

// A change that nobody wants is rejected, and what an editor left broken is shown with its line.
func TestRejectAndInvalid(t *testing.T) {
	s := newSample(t, "magazine")
	before := s.read(article)
	d := openDesktop(t)
	d.open("--project", s.root)
	d.status("In sync")

	s.edit("schemas/page.schema.yaml", "type: boolean", "type: bolean")
	d.status("1 invalid file")
	d.see("any", "bolean")
	s.edit("schemas/page.schema.yaml", "type: bolean", "type: boolean")
	d.status("In sync")

	s.addField("subtitle")
	d.status("1 change waiting")
	d.press("Reject")
	d.press("Put the applied text back")
	eventually(t, "the applied text is back", func() bool { return bytes.Equal(s.read(article), before) })
	d.status("In sync")
	s.command("verify")
}

// A second start brings the window that is open to the front, and ends.
func TestOneInstance(t *testing.T) {
	first, second := newSample(t, "first"), newSample(t, "second")
	d := openDesktop(t)
	window := d.open("--project", first.root)
	d.status("In sync")

	again := d.open("--project", first.root)
	if status := again.wait(); status != 0 {
		t.Errorf("the second start ended with %d:\n%s", status, again.log)
	}
	if !window.running() {
		t.Fatal("the first window is gone")
	}
	d.status("In sync")

	other := d.open("--project", second.root)
	if status := other.wait(); status != 0 {
		t.Errorf("the start with another project ended with %d:\n%s", status, other.log)
	}
	d.ask("find", map[string]any{"role": "frame", "name": "Marain — second"})
	d.status("In sync")
	first.command("apply") // nobody has it open any more
}

// Somebody else has the project: the window says who, and the welcome page is there.
func TestLockedProject(t *testing.T) {
	s := newSample(t, "magazine")
	d := openDesktop(t)
	server := d.prepare(program(t), "serve", "--listen", "127.0.0.1:0", "--project", s.root)
	d.firstLine(server)
	d.open("--project", s.root)
	d.see("any", "already open in a server")
	d.ask("find", map[string]any{"role": "button", "name": "Open a folder"})
	d.ask("find", map[string]any{"role": "button", "name": "Create the sample project"})
}

// A double click opens what was open last, and without anything to open there is a welcome page.
func TestStartWithoutProject(t *testing.T) {
	s := newSample(t, "magazine")
	d := openDesktop(t)
	first := d.open()
	d.ask("find", map[string]any{"role": "button", "name": "Open a folder"})
	if err := first.end(); err != nil {
		t.Fatal(err)
	}
	second := d.open("--project", s.root)
	d.status("In sync")
	if err := second.end(); err != nil {
		t.Fatal(err)
	}
	d.open()
	d.status("In sync")
	d.ask("find", map[string]any{"role": "frame", "name": "Marain — magazine"})
}

// Somebody who starts it for the first time gets a project to try things on, where they want it.
func TestCreateSample(t *testing.T) {
	d := openDesktop(t)
	d.open()
	d.press("Create the sample project")
	d.press("Cancel")
	d.ask("gone", map[string]any{"role": "file chooser"})
	d.press("Create the sample project")
	d.press("Open") // the dialog begins in the home folder
	d.status("In sync")
	d.ask("find", map[string]any{"role": "frame", "name": "Marain — marain-sample"})
	s := &sample{t: t, root: filepath.Join(d.home, "marain-sample")}
	if got := s.columns("content_article"); !slices.Contains(got, "title") {
		t.Errorf("the sample's table has %v", got)
	}
	s.addField("subtitle") // safe, so it goes live by itself
	eventually(t, "the column is there", func() bool { return slices.Contains(s.columns("content_article"), "subtitle") })
}

// A window that is killed loses nothing, and nothing that it left keeps the next one from opening.
func TestKilled(t *testing.T) {
	s := newSample(t, "magazine")
	d := openDesktop(t)
	window := d.open("--project", s.root)
	d.status("In sync")
	s.addField("subtitle")
	d.status("1 change waiting")
	d.press("Approve")
	d.status("In sync")
	s.addField("kicker")
	d.status("1 change waiting")
	if err := syscall.Kill(window.cmd.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-window.exited
	s.command("verify")

	d.open("--project", s.root)
	d.status("1 change waiting")
	d.press("Approve")
	d.status("In sync")
	if got := s.columns("content_article"); !slices.Contains(got, "subtitle") || !slices.Contains(got, "kicker") {
		t.Errorf("both changes were approved, and the table has %v", got)
	}
	s.command("verify")
}

// Closing the window in an orderly way leaves nothing behind that says somebody has the project.
func TestClosed(t *testing.T) {
	s := newSample(t, "magazine")
	d := openDesktop(t)
	window := d.open("--project", s.root)
	d.status("In sync")
	if err := syscall.Kill(window.cmd.Process.Pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if status := window.wait(); status != 0 {
		t.Errorf("the window ended with %d:\n%s", status, window.log)
	}
	lock, err := os.ReadFile(filepath.Join(s.root, "data", "marain.lock"))
	if err != nil {
		t.Fatal(err)
	}
	if len(lock) != 0 {
		t.Errorf("the project is still marked as open: %s", lock)
	}
}

// The process that draws the page dies: the engine goes on, and the page comes back.
func TestPageProcessDies(t *testing.T) {
	s := newSample(t, "magazine")
	d := openDesktop(t)
	window := d.open("--project", s.root)
	d.status("In sync")
	s.addField("subtitle")
	d.status("1 change waiting")
	pages := descendants(t, window.cmd.Process.Pid, "WebKitWebProces")
	if len(pages) != 1 {
		t.Fatalf("the window draws with the processes %v", pages)
	}
	if err := syscall.Kill(pages[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another process draws the page", func() bool {
		now := descendants(t, window.cmd.Process.Pid, "WebKitWebProces")
		return len(now) == 1 && now[0] != pages[0]
	})
	d.status("1 change waiting")
	d.press("Approve")
	d.status("In sync")
	if got := s.columns("content_article"); !slices.Contains(got, "subtitle") {
		t.Errorf("the change was approved, and the table has %v", got)
	}
}

// descendants returns the processes with a name that a process started, and those that they started.
func descendants(t *testing.T, pid int, name string) []int {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	parents, names := map[int]int{}, map[int]string{}
	for _, entry := range entries {
		id, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "stat"))
		if err != nil {
			continue // it has ended
		}
		// The name stands in brackets and may hold anything; the state and the parent follow.
		open, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
		fields := strings.Fields(string(stat[end+1:]))
		if fields[0] == "Z" {
			continue
		}
		if parents[id], err = strconv.Atoi(fields[1]); err != nil {
			t.Fatal(err)
		}
		names[id] = string(stat[open+1 : end])
	}
	var found []int
	for id := range names {
		for at := id; at > 1; at = parents[at] {
			if at == pid && names[id] == name {
				found = append(found, id)
			}
		}
	}
	return found
}
