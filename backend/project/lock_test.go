package project

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// locker is set in the child process that takes a project and keeps it.
const locker = "MARAIN_TEST_LOCKER"

func TestLock(t *testing.T) {
	p, _ := open(t, nil)
	lock, err := p.Lock("serve", "")
	must(t, err)
	must(t, lock.Announce("127.0.0.1:4180"))
	_, err = p.Lock("window", "")
	var locked *LockedError
	if !errors.As(err, &locked) || locked.Holder == nil {
		t.Fatalf("got %v", err)
	}
	holder := locked.Holder
	if holder.PID != os.Getpid() || holder.Door != "serve" || holder.Address != "127.0.0.1:4180" || holder.Host == "" || time.Since(holder.Started) > time.Minute {
		t.Errorf("the holder is %+v", holder)
	}
	want := fmt.Sprintf("the project is already open in a server on 127.0.0.1:4180 (process %d on %s, since %s)", os.Getpid(), holder.Host, holder.Started.Format(time.RFC3339))
	if locked.Error() != want {
		t.Errorf("got  %s\nwant %s", locked, want)
	}
	must(t, lock.Close())
	again, err := p.Lock("window", "")
	must(t, err)
	if _, err := p.Lock("serve", ""); err == nil || !strings.Contains(err.Error(), "open in a window (process") {
		t.Errorf("got %v", err)
	}
	must(t, again.Close())
	if text := (&LockedError{}).Error(); text != "the project is already open in another window or server" {
		t.Errorf("got %s", text)
	}
}

// The operating system gives a project back when the process that has it is killed.
func TestLockOfAKilledProcess(t *testing.T) {
	if root := os.Getenv(locker); root != "" {
		keepLock(t, root)
		return
	}
	p, _ := open(t, nil)
	cmd := exec.Command(os.Args[0], "-test.run=^TestLockOfAKilledProcess$")
	cmd.Env = append(os.Environ(), locker+"="+p.Root)
	input, err := cmd.StdinPipe() // the child ends with it, whatever happens here
	must(t, err)
	defer input.Close()
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	must(t, err)
	if line != "locked\n" {
		t.Fatalf("the child says %q", line)
	}
	var locked *LockedError
	if _, err := p.Lock("window", ""); !errors.As(err, &locked) || locked.Holder == nil || locked.Holder.PID != cmd.Process.Pid {
		t.Errorf("got %v", err)
	}
	must(t, cmd.Process.Kill())
	if err := cmd.Wait(); err == nil {
		t.Error("the child was not killed")
	}
	lock, err := p.Lock("window", "")
	must(t, err)
	must(t, lock.Close())
}

// keepLock runs in the child.
func keepLock(t *testing.T, root string) {
	p, err := Open(root, none)
	must(t, err)
	_, err = p.Lock("serve", "127.0.0.1:1")
	must(t, err)
	fmt.Println("locked")
	_, err = bufio.NewReader(os.Stdin).ReadString('\n')
	t.Logf("nobody killed it: %v", err)
}
