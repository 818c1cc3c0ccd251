package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

var background = context.Background()

// take takes a backup that holds a text.
func take(t *testing.T, f Folder, note Note, text string) Note {
	t.Helper()
	note, err := f.Write(background, note, func(_ context.Context, file string, n *Note) error {
		n.Tables = []string{"a"}
		return os.WriteFile(file, []byte(text), 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	return note
}

func aNote(i int, database string) Note {
	at := time.Date(2026, 3, 4, 15, 6, i, 0, time.UTC)
	return Note{Name: Name("sqlite", fmt.Sprintf("01A%d", i), at), DatabaseID: database, ActionID: fmt.Sprintf("01A%d", i), TakenAt: at, Seq: int64(i), Head: "h"}
}

func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func TestABackupIsWholeOrNotThere(t *testing.T) {
	f := Folder{Dir: filepath.Join(t.TempDir(), "made", "backups")}
	note := take(t, f, aNote(1, "d"), "the copy")
	if note.Size != 8 || note.Format != Format || len(note.SHA256) != 64 || !slices.Equal(note.Tables, []string{"a"}) {
		t.Errorf("%+v", note)
	}
	found, err := f.Find(note.Name)
	if err != nil || found.SHA256 != note.SHA256 || !found.TakenAt.Equal(note.TakenAt) || f.Prove(found) != nil {
		t.Errorf("%+v, %v", found, err)
	}
	for path, want := range map[string]os.FileMode{f.Dir: 0o700, f.File(note.Name): 0o600, f.File(note.Name + ".json"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	before := names(t, f.Dir)
	fault := errors.New("no more room")
	for name, fill := range map[string]func(context.Context, string, *Note) error{
		"at once": func(context.Context, string, *Note) error { return fault },
		"half way": func(_ context.Context, file string, _ *Note) error {
			return errors.Join(os.WriteFile(file, []byte("half"), 0o600), fault)
		},
		"nothing was made": func(context.Context, string, *Note) error { return nil },
	} {
		if _, err := f.Write(background, aNote(2, "d"), fill); err == nil {
			t.Errorf("%s: no error", name)
		}
		if after := names(t, f.Dir); !slices.Equal(after, before) {
			t.Errorf("%s: left over: %v", name, after)
		}
	}
}

func TestProveFindsEveryByte(t *testing.T) {
	f := Folder{Dir: t.TempDir()}
	note := take(t, f, aNote(1, "d"), "0123456789")
	whole, err := os.ReadFile(f.File(note.Name))
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		for bit := range 8 {
			changed := slices.Clone(whole)
			changed[i] ^= 1 << bit
			if err := os.WriteFile(f.File(note.Name), changed, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := f.Prove(note); !errors.Is(err, ErrDamaged) {
				t.Fatalf("byte %d, bit %d: %v", i, bit, err)
			}
		}
	}
	for n := range whole {
		if err := os.WriteFile(f.File(note.Name), whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if err := f.Prove(note); !errors.Is(err, ErrDamaged) {
			t.Fatalf("cut to %d: %v", n, err)
		}
	}
}

func TestList(t *testing.T) {
	f := Folder{Dir: filepath.Join(t.TempDir(), "none")}
	if list, err := f.List(); err != nil || len(list) != 0 {
		t.Fatalf("%v, %v", list, err)
	}
	old := take(t, f, aNote(1, "d"), "x")
	newer := take(t, f, aNote(2, "e"), "x")
	lost := take(t, f, aNote(3, "d"), "x")
	cut := take(t, f, aNote(4, "d"), "xyz")
	for _, err := range []error{
		os.Remove(f.File(lost.Name + ".json")), os.WriteFile(f.File(cut.Name), []byte("xy"), 0o600),
		os.WriteFile(f.File("notes.txt"), nil, 0o600), os.WriteFile(f.File(".hidden.db"), nil, 0o600), os.WriteFile(f.File("lonely.db.json"), []byte("{}"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	list, err := f.List()
	if err != nil || len(list) != 4 {
		t.Fatalf("%+v, %v", list, err)
	}
	for i, want := range []struct {
		name string
		bad  bool
	}{{cut.Name, true}, {lost.Name, true}, {newer.Name, false}, {old.Name, false}} {
		if list[i].Name != want.name || (list[i].Err != nil) != want.bad {
			t.Errorf("%d: %+v", i, list[i])
		}
	}
	if list[1].ActionID != lost.ActionID || !list[1].TakenAt.Equal(lost.TakenAt) {
		t.Errorf("its name says no more than %+v", list[1])
	}
	for _, name := range []string{"", ".", "..", "../x.db", "a/b.db", ".hidden.db", "notes.txt", "none.db", old.Name + ".json"} {
		if _, err := f.Find(name); !errors.Is(err, ErrNotFound) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestPrune(t *testing.T) {
	f := Folder{Dir: t.TempDir()}
	var all []string
	for i := range 5 {
		all = append(all, take(t, f, aNote(i, "d"), "x").Name)
	}
	other := take(t, f, aNote(9, "e"), "x")
	at := func(i int) time.Time { return aNote(i, "").TakenAt }
	left := func() (list []string) {
		entries, err := f.List()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.DatabaseID == "d" {
				list = append(list, e.Name)
			}
		}
		slices.Sort(list)
		return list
	}
	for _, c := range []struct {
		keep   int
		before time.Time
		want   []string
	}{
		{9, at(0), all},
		{4, at(0), all[1:]},       // by count
		{9, at(3), all[3:]},       // by age
		{1, at(0), all[4:]},       // the newest
		{1, at(60), all[4:]},      // the newest, however old
		{0, at(60), all[4:]},      // whatever is asked for
		{9, time.Time{}, all[4:]}, // nothing comes back
	} {
		if _, err := f.Prune("d", c.keep, c.before); err != nil {
			t.Fatal(err)
		}
		if got := left(); !slices.Equal(got, c.want) {
			t.Errorf("keep %d from %v: %v, want %v", c.keep, c.before, got, c.want)
		}
	}
	if _, err := f.Find(other.Name); err != nil {
		t.Errorf("that of another database: %v", err)
	}
	// The clock was set back: the newest is what the chain says.
	late := aNote(1, "d")
	late.Seq, late.Name = 99, Name("sqlite", "01Z", late.TakenAt)
	take(t, f, late, "x")
	if gone, err := f.Prune("d", 1, at(0)); err != nil || !slices.Equal(gone, all[4:]) || !slices.Equal(left(), []string{late.Name}) {
		t.Errorf("%v, %v", gone, err)
	}
}

// What a program that was killed has left goes away, and nothing that another one is working on.
func TestSweep(t *testing.T) {
	f := Folder{Dir: t.TempDir()}
	kept := take(t, f, aNote(1, "d"), "x")
	old := time.Now().Add(-2 * abandoned)
	for name, age := range map[string]time.Time{
		unfinished + "a.db": old, unfinished + "a.db.json": old, unfinished + "young.db": time.Now(), "lonely.db.json": old, "young.db.json": time.Now(),
		"unknown.db": old, "notes.txt": old,
	} {
		if err := errors.Join(os.WriteFile(f.File(name), []byte("{}"), 0o600), os.Chtimes(f.File(name), age, age)); err != nil {
			t.Fatal(err)
		}
	}
	work := f.File(restoring + "1")
	if err := errors.Join(os.Mkdir(work, 0o700), os.WriteFile(filepath.Join(work, "ready.db"), nil, 0o600), os.Chtimes(work, old, old)); err != nil {
		t.Fatal(err)
	}
	newer := take(t, f, aNote(2, "d"), "x")
	want := []string{kept.Name, kept.Name + ".json", newer.Name, newer.Name + ".json", unfinished + "young.db", "young.db.json", "unknown.db", "notes.txt"}
	slices.Sort(want)
	if got := names(t, f.Dir); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}
