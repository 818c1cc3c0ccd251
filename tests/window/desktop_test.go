//go:build window

package window

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for something that should take far less, on a busy machine.
const patience = 30 * time.Second

// desktop is a display with a message bus and a driver of its own, and a home folder that no other test sees.
type desktop struct {
	t        *testing.T
	env      []string
	home     string
	requests io.Writer
	answers  *bufio.Reader
}

// openDesktop starts a display. Everything on it ends with the test.
func openDesktop(t *testing.T, extra ...string) *desktop {
	t.Helper()
	home, err := os.MkdirTemp("", "marain-window-") // short: sockets lie in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(home); err != nil {
			t.Error(err)
		}
	})
	d := &desktop{t: t, home: home}
	d.env = append(slices.DeleteFunc(os.Environ(), belongsToAnotherDesktop),
		"HOME="+home,
		"XDG_CONFIG_HOME="+filepath.Join(home, "config"),
		"XDG_CACHE_HOME="+filepath.Join(home, "cache"),
		"XDG_DATA_HOME="+filepath.Join(home, "share"),
		"XDG_RUNTIME_DIR="+filepath.Join(home, "run"),
		"NO_AT_BRIDGE=0", "GTK_MODULES=gail:atk-bridge", // the toolkit shows what is in its windows
		"WEBKIT_DISABLE_COMPOSITING_MODE=1", "LIBGL_ALWAYS_SOFTWARE=1", // there is no graphics card
		"GSETTINGS_BACKEND=memory", "GIO_USE_VFS=local", "LC_ALL=C.UTF-8", "TZ=UTC",
	)
	d.env = append(d.env, extra...)
	if err := os.Mkdir(filepath.Join(home, "run"), 0o700); err != nil {
		t.Fatal(err)
	}
	d.env = append(d.env, "DISPLAY=:"+d.startDisplay())
	d.env = append(d.env, "DBUS_SESSION_BUS_ADDRESS="+d.firstLine(d.prepare("dbus-daemon", "--session", "--nofork", "--print-address=1")))
	d.startDriver()
	return d
}

func belongsToAnotherDesktop(entry string) bool {
	name, _, _ := strings.Cut(entry, "=")
	return slices.Contains([]string{
		"HOME", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS", "GTK_THEME",
		"AT_SPI_BUS_ADDRESS", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_SESSION_TYPE", "LC_ALL", "TZ",
		"MARAIN_DATABASE_URL", "DATA_PATH", "ENVIRONMENT", "ENTITY_SCHEMA_PATH", "CONFIGURATION_PATH",
	}, name)
}

// startDisplay starts an X server on a free number, which it chooses itself.
func (d *desktop) startDisplay() string {
	d.t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		d.t.Fatal(err)
	}
	defer read.Close()
	x := d.prepare("Xvfb", "-displayfd", "3", "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-noreset")
	x.cmd.ExtraFiles = []*os.File{write}
	x.run()
	if err := write.Close(); err != nil {
		d.t.Fatal(err)
	}
	return d.line(read, x)
}

func (d *desktop) startDriver() {
	d.t.Helper()
	driver := d.prepare("/usr/bin/python3", "-W", "ignore", "driver.py")
	in, err := driver.cmd.StdinPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	d.requests, d.answers = in, bufio.NewReaderSize(driver.pipe(), 1<<20)
	driver.run()
}

// ask sends one request to the driver. What was on screen is printed when it cannot be done.
func (d *desktop) ask(do string, arguments map[string]any) any {
	d.t.Helper()
	request := map[string]any{"do": do, "timeout": patience.Seconds()}
	for key, value := range arguments {
		request[key] = value
	}
	if err := json.NewEncoder(d.requests).Encode(request); err != nil {
		d.t.Fatalf("ask the driver: %v", err)
	}
	line, err := d.answers.ReadBytes('\n')
	if err != nil {
		d.t.Fatalf("the driver ended: %v", err)
	}
	var answer struct {
		OK    bool   `json:"ok"`
		Value any    `json:"value"`
		Error string `json:"error"`
		Tree  string `json:"tree"`
	}
	if err := json.Unmarshal(line, &answer); err != nil {
		d.t.Fatalf("the driver said %q: %v", line, err)
	}
	if !answer.OK {
		d.photograph(filepath.Join("..", "..", "build", "logs", "window-"+strings.ReplaceAll(d.t.Name(), "/", "-")+".png"))
		d.t.Fatalf("%s %v: %s\non screen:\n%s", do, arguments, answer.Error, answer.Tree)
	}
	return answer.Value
}

// status waits until the status region begins with a text, and returns all of it.
func (d *desktop) status(begins string) string {
	d.t.Helper()
	return d.ask("status", map[string]any{"text": begins}).(string)
}

// press waits for a button that can be pressed, and presses it.
func (d *desktop) press(name string) {
	d.t.Helper()
	d.ask("press", map[string]any{"role": "button", "name": name})
}

// see waits until something with that text is on screen, and returns the text around it.
func (d *desktop) see(role, contains string) string {
	d.t.Helper()
	text, _ := d.ask("find", map[string]any{"role": role, "contains": contains}).(string)
	return text
}

// photograph writes a picture of the whole screen.
func (d *desktop) photograph(path string) {
	d.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		d.t.Error(err)
		return
	}
	if _, err := d.capture(path); err != nil {
		d.t.Errorf("photograph the screen: %v", err)
	}
}

// capture runs the program that takes pictures.
func (d *desktop) capture(target string) ([]byte, error) {
	shot := exec.Command("import", "-window", "root", "-depth", "8", "-define", "png:exclude-chunks=date,time", target)
	shot.Env = d.env
	return shot.Output()
}

// process is a program on a desktop. What it prints is shown when the test fails.
type process struct {
	d      *desktop
	cmd    *exec.Cmd
	log    *logged
	exited chan struct{}
	err    error
}

// logged collects what a process prints.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// prepare makes a process ready to run, in a group of its own.
func (d *desktop) prepare(name string, arguments ...string) *process {
	cmd := exec.Command(name, arguments...)
	cmd.Env = d.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p := &process{d: d, cmd: cmd, log: &logged{}, exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.log, p.log
	cmd.WaitDelay = time.Second
	return p
}

// pipe returns the process's standard output.
func (p *process) pipe() io.Reader {
	p.d.t.Helper()
	p.cmd.Stdout = nil
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		p.d.t.Fatal(err)
	}
	return out
}

// run starts the process and ends it, with everything that it started, when the test ends.
func (p *process) run() {
	t := p.d.t
	t.Helper()
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", p.cmd.Path, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		if err := p.end(); err != nil {
			t.Error(err)
		}
		if t.Failed() && p.log.String() != "" {
			t.Logf("%s printed:\n%s", filepath.Base(p.cmd.Path), p.log)
		}
	})
}

// firstLine starts the process and returns the first line that it prints.
func (d *desktop) firstLine(p *process) string {
	d.t.Helper()
	out := p.pipe()
	p.run()
	return d.line(out, p)
}

func (d *desktop) line(from io.Reader, p *process) string {
	d.t.Helper()
	line, err := bufio.NewReader(from).ReadString('\n')
	if err != nil {
		d.t.Fatalf("%s said nothing: %v\n%s", p.cmd.Path, err, p.log)
	}
	return strings.TrimSpace(line)
}

// end asks the process and those that it started to end, and makes them after a while.
func (p *process) end() error {
	const grace = 10 * time.Second
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		if err := syscall.Kill(-p.cmd.Process.Pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("end %s: %w", p.cmd.Path, err)
		}
		select {
		case <-p.exited:
			return nil
		case <-time.After(grace):
		}
	}
	return fmt.Errorf("%s does not end", p.cmd.Path)
}

// wait returns the exit status.
func (p *process) wait() int {
	p.d.t.Helper()
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		p.d.t.Fatalf("%s does not end:\n%s", p.cmd.Path, p.log)
		return -1
	}
}

// running reports whether the process has not ended.
func (p *process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}
