//go:build unix

package sqlite

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"marain/backend/database"
)

// TestNoRoomForACopy backs up and restores where files cannot grow any further, as on a full disk. The limit holds for a
// process, so a child tries it.
func TestNoRoomForACopy(t *testing.T) {
	const given = "MARAIN_TEST_NO_ROOM"
	if folder := os.Getenv(given); folder != "" {
		withoutRoom(t, folder)
		return
	}
	folder := t.TempDir()
	db, err := Open(context.Background(), filepath.Join(folder, "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	must(t, db, `CREATE TABLE x (a)`, `INSERT INTO x SELECT zeroblob(200000)`)
	file := filepath.Join(folder, "backup.db")
	if err := backUp(t, db, file); err != nil {
		t.Fatal(err)
	}
	must(t, db, `DELETE FROM x`, `INSERT INTO x VALUES ('new')`)
	before := state(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0], "-test.run=^TestNoRoomForACopy$")
	child.Env = append(os.Environ(), given+"="+folder)
	if out, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if db, err = Open(context.Background(), filepath.Join(folder, "test.db")); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if after := state(t, db); after != before {
		t.Errorf("something was changed:\n%s\n%s", before, after)
	}
	if err := db.Restore(context.Background(), file, nil, nothing, nothing); err != nil || number(t, db, `SELECT length(a) FROM x`) != 200000 {
		t.Errorf("with room again: %v", err)
	}
}

// withoutRoom runs in the child.
func withoutRoom(t *testing.T, folder string) {
	signal.Ignore(syscall.SIGXFSZ)
	db, err := Open(context.Background(), filepath.Join(folder, "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	must(t, db, `CREATE TABLE room (a)`, `DROP TABLE room`) // the files beside it are there
	backup := filepath.Join(folder, "backup.db")
	info, err := os.Stat(backup)
	if err != nil {
		t.Fatal(err)
	}
	room := func(bytes int64) {
		limit := syscall.Rlimit{Cur: uint64(bytes), Max: 1 << 40}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
	}
	room(info.Size() / 2)
	if err := backUp(t, db, filepath.Join(folder, "another.db")); err == nil {
		t.Error("a backup was taken without room for it")
	}
	if err := db.Restore(context.Background(), backup, nil, nothing, nothing); err == nil {
		t.Error("a backup was restored without room to make it ready")
	}
	// Now it can be made ready, and the write-ahead log, which has a little more in it, finds no room.
	room(info.Size() + 512)
	reached := false
	err = db.Restore(context.Background(), backup, nil, nothing, func(database.Querier) error { reached = true; return nil })
	if err == nil || !reached {
		t.Errorf("a backup was restored without room for it: %t, %v", reached, err)
	}
	err = db.Read(context.Background(), func(q database.Querier) error {
		var n int
		if err := q.QueryRow(context.Background(), `SELECT count(*) FROM x WHERE a = 'new'`).Scan(&n); err != nil || n != 1 {
			t.Errorf("%d, %v", n, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
