// Package cluster gives tests a real PostgreSQL server. The server is made of the installed binaries in a temporary
// folder when a test process asks for it first, and is gone with the process. MARAIN_TEST_POSTGRES_URL names a server
// to use instead; its user must be allowed to create databases and roles, and must log in with a password.
//
// A package whose tests use it has
//
//	func TestMain(m *testing.M) { os.Exit(cluster.Main(m)) }
package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	role     = "marain"
	password = "only-for-tests"
	patience = 30 * time.Second // for one step of starting or stopping a server
)

// settings make a server that is fast, that many tests can use at once, and whose order of texts is not that of bytes,
// as on most servers in use. Nothing here survives a power loss, and nothing has to.
var settings = []string{
	"fsync=off", "full_page_writes=off", "synchronous_commit=on", "max_connections=400", "shared_buffers=64MB",
	"max_wal_size=256MB", "min_wal_size=32MB", "autovacuum_naptime=1min", "log_checkpoints=off", "logging_collector=off",
	"log_min_messages=fatal", "client_min_messages=warning", "jit=off", "wal_level=minimal", "max_wal_senders=0",
}

// Cluster is one running server. Its methods must not be called at the same time.
type Cluster struct {
	folder  string // of everything; empty for a server that was there before
	bin     string
	port    int
	owner   *user.User // who runs it, or nil for the present user
	process *process
	durable bool   // commits wait for a disk
	given   string // MARAIN_TEST_POSTGRES_URL
}

// Open makes and starts a server of its own in a temporary folder, for tests that stop or crash it. Close ends it.
func Open(ctx context.Context) (*Cluster, error) { return open(ctx, false) }

// OpenDurable is Open for measurements: the server is on a disk, if there is one for temporary files, and a commit
// waits for it.
func OpenDurable(ctx context.Context) (*Cluster, error) { return open(ctx, true) }

func open(ctx context.Context, durable bool) (*Cluster, error) {
	bin, err := binaries(ctx)
	if err != nil {
		return nil, err
	}
	c := &Cluster{bin: bin, durable: durable}
	if os.Geteuid() == 0 { // the server refuses to run as root
		if c.owner, err = user.Lookup("postgres"); err != nil {
			return nil, fmt.Errorf("look for the user that runs PostgreSQL: %w", err)
		}
	}
	if c.folder, err = makeFolder(c.owner, durable); err != nil {
		return nil, err
	}
	if err := c.initialise(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if err := c.Start(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// binaries returns the folder with initdb and postgres.
func binaries(ctx context.Context) (string, error) {
	var folders []string
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		folders = append(folders, strings.TrimSpace(string(out)))
	}
	installed, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", fmt.Errorf("look for PostgreSQL: %w", err)
	}
	slices.SortFunc(installed, func(a, b string) int { return major(b) - major(a) })
	for _, folder := range append(folders, installed...) {
		if runnable(filepath.Join(folder, "initdb")) && runnable(filepath.Join(folder, "postgres")) {
			return folder, nil
		}
	}
	return "", errors.New("the PostgreSQL server is not installed: run scripts/setup test")
}

func runnable(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

// major is the version in /usr/lib/postgresql/15/bin.
func major(folder string) int {
	n, err := strconv.Atoi(filepath.Base(filepath.Dir(folder)))
	if err != nil {
		return 0
	}
	return n
}

// initialise makes the files of the server.
func (c *Cluster) initialise(ctx context.Context) error {
	secret := filepath.Join(c.folder, "password")
	if err := os.WriteFile(secret, []byte(password+"\n"), 0o644); err != nil {
		return fmt.Errorf("write the password: %w", err)
	}
	command := exec.CommandContext(ctx, filepath.Join(c.bin, "initdb"),
		"--pgdata="+c.data(), "--username="+role, "--pwfile="+secret, "--auth-local=trust", "--auth-host=password",
		"--encoding=UTF8", "--locale=C", "--locale-provider=icu", "--icu-locale=en-US", "--no-sync", "--no-instructions")
	command.Dir = c.folder
	command.SysProcAttr = attributes(c.owner)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("make a PostgreSQL cluster: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

func (c *Cluster) data() string { return filepath.Join(c.folder, "data") }

// Start starts the server and waits until it answers. After [Cluster.Stop] it starts again at the same address.
func (c *Cluster) Start(ctx context.Context) error {
	const tries = 5 // somebody else may take a free port before the server does
	var last error
	for range tries {
		if c.port == 0 {
			port, err := freePort()
			if err != nil {
				return err
			}
			c.port = port
		}
		if last = c.launch(ctx); last == nil {
			return nil
		}
		c.port = 0
	}
	return last
}

// launch starts the server process and waits until it answers or has ended.
func (c *Cluster) launch(ctx context.Context) error {
	arguments := []string{"-D", c.data(), "-p", strconv.Itoa(c.port)}
	all := append(slices.Clone(settings), "listen_addresses=127.0.0.1", "unix_socket_directories="+c.folder)
	if c.durable {
		all = append(all, "fsync=on", "full_page_writes=on")
	}
	for _, s := range all {
		arguments = append(arguments, "-c", s)
	}
	var err error
	if c.process, err = start(filepath.Join(c.bin, "postgres"), arguments, c.folder, c.owner); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		conn, err := pgx.Connect(ctx, c.URL("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-c.process.ended:
			return fmt.Errorf("PostgreSQL ended at once: %w: %s", c.process.err, bytes.TrimSpace(c.process.output.Bytes()))
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("wait for PostgreSQL: %w", err), c.Stop(false))
		case <-ticker.C:
		}
	}
}

// URL returns the address of a database on the server, the user and password included.
func (c *Cluster) URL(name string) string {
	if c.given != "" {
		u, err := url.Parse(c.given)
		if err != nil {
			return c.given // connecting to it says what is wrong
		}
		u.Path = "/" + name
		return u.String()
	}
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(role, password),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port)), Path: "/" + name, RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Address is the host and port of the server.
func (c *Cluster) Address() string {
	u, err := url.Parse(c.URL(""))
	if err != nil {
		return ""
	}
	return u.Host
}

// Stop stops the server: crash cuts it off in the middle of what it does, as a power cut would but for the disk's
// cache; otherwise it ends its connections and stops.
func (c *Cluster) Stop(crash bool) error {
	if c.process == nil {
		return nil
	}
	err := c.process.stop(crash)
	c.process = nil
	return err
}

// Close stops the server and removes everything of it.
func (c *Cluster) Close() error {
	if c.folder == "" {
		return nil
	}
	return errors.Join(c.Stop(true), removeFolder(c.folder))
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("look for a free port: %w", err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
