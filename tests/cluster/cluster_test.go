package cluster

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestMain(m *testing.M) {
	if folder := os.Getenv("CLUSTER_TEST_CHILD"); folder != "" {
		os.Exit(child(folder))
	}
	os.Exit(Main(m))
}

// child is a test process that dies without a chance to clean up, once the server has written its folder.
func child(note string) int {
	c, err := Open(context.Background())
	if err != nil {
		return 3
	}
	if err := os.WriteFile(note, []byte(c.folder+"\n"+c.URL("postgres")), 0o600); err != nil {
		return 4
	}
	select {}
}

func query(t *testing.T, address, sql string) string {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	var text string
	if err := conn.QueryRow(ctx, sql).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

func TestEveryTestHasItsOwnDatabase(t *testing.T) {
	one, two := Database(t), Database(t)
	if query(t, one, "SELECT current_database()") == query(t, two, "SELECT current_database()") {
		t.Fatal("two tests share a database")
	}
	var name string
	t.Run("in a test", func(t *testing.T) { name = query(t, Database(t), "SELECT current_database()") })
	if n := query(t, one, "SELECT count(*)::text FROM pg_database WHERE datname = '"+name+"'"); n != "0" {
		t.Errorf("the database of a test that is over is still there")
	}
	if n := query(t, one, "SELECT count(*)::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"); n != "0" {
		t.Errorf("a new database holds %s tables", n)
	}
}

func TestAServerThatCrashesComesBack(t *testing.T) {
	ctx := context.Background()
	c, err := Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	query(t, c.URL("postgres"), "SELECT ''")
	for _, crash := range []bool{true, false} {
		if err := c.Stop(crash); err != nil {
			t.Fatal(err)
		}
		if _, err := pgx.Connect(ctx, c.URL("postgres")); err == nil {
			t.Error("a stopped server answers")
		}
		address := c.Address()
		if err := c.Start(ctx); err != nil {
			t.Fatal(err)
		}
		if c.Address() != address {
			t.Errorf("it was at %s and is at %s", address, c.Address())
		}
		query(t, c.URL("postgres"), "SELECT ''")
	}
	folder := c.folder
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
}

// TestAKilledProcessLeavesNothing kills a test process: its server ends with it, and the next one removes its folder.
func TestAKilledProcessLeavesNothing(t *testing.T) {
	note := filepath.Join(t.TempDir(), "note")
	command := exec.Command(os.Args[0], "-test.run=^$")
	command.Env = append(os.Environ(), "CLUSTER_TEST_CHILD="+note)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	var folder, address string
	eventually(t, "the process starts a server", func() bool {
		text, err := os.ReadFile(note)
		folder, address, _ = strings.Cut(string(text), "\n")
		return err == nil && address != ""
	})
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err == nil {
		t.Fatal("the process was not killed")
	}
	eventually(t, "the server ends", func() bool {
		conn, err := pgx.Connect(context.Background(), address)
		if err == nil {
			conn.Close(context.Background())
		}
		return err != nil
	})
	eventually(t, "the folder goes", func() bool {
		sweep(filepath.Dir(folder))
		_, err := os.Stat(folder)
		return errors.Is(err, os.ErrNotExist)
	})
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); {
		if time.Now().After(end) {
			t.Fatalf("it did not happen in time: %s", what)
		}
		<-time.After(10 * time.Millisecond)
	}
}
