package cluster

import (
	"bytes"
	"fmt"
	"os/exec"
	"os/user"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// process is a running server.
type process struct {
	command *exec.Cmd
	output  buffer
	err     error         // how it ended; to be read when ended is closed
	ended   chan struct{} // closed when it has ended
}

// buffer is a [bytes.Buffer] that may be read while it is written to.
type buffer struct {
	mu   sync.Mutex
	data bytes.Buffer
}

// Write appends p.
func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.data.Write(p)
}

// Bytes returns a copy of what was written.
func (b *buffer) Bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.data.Bytes())
}

// start starts a program that ends with this process. The system ties that to the thread that starts it, so the thread
// is kept until the program has ended.
func start(program string, arguments []string, folder string, owner *user.User) (*process, error) {
	p := &process{ended: make(chan struct{})}
	p.command = exec.Command(program, arguments...)
	p.command.Dir = folder
	p.command.Stdout, p.command.Stderr = &p.output, &p.output
	p.command.SysProcAttr = attributes(owner)
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.command.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = p.command.Wait()
		close(p.ended)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	return p, nil
}

// stop ends the server and waits for it.
func (p *process) stop(crash bool) error {
	signal := syscall.SIGINT // end the connections, write what must be written, stop
	if crash {
		signal = syscall.SIGQUIT // every process of the server exits at once
	}
	if err := p.command.Process.Signal(signal); err != nil {
		select {
		case <-p.ended:
			return nil
		default:
			return fmt.Errorf("stop PostgreSQL: %w", err)
		}
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("PostgreSQL did not stop in %s: %s", patience, p.output.Bytes())
	}
}

// alive reports whether a process exists.
func alive(pid int) bool { return syscall.Kill(pid, 0) != syscall.ESRCH }
