package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

// EnvURL is the environment variable that names a server to use instead of one of its own.
const EnvURL = "MARAIN_TEST_POSTGRES_URL"

// shared is the server of this test process. It is the one thing here that is shared, because making a server costs a
// second: every test gets a database of its own on it.
var shared struct {
	mu      sync.Mutex
	managed bool // Main runs, and will end it
	cluster *Cluster
	err     error
	number  atomic.Int64
}

// Main runs the tests of a package and then removes the server that they used, whether or not they passed. It returns
// the exit status for [os.Exit].
func Main(m interface{ Run() int }) (status int) {
	shared.mu.Lock()
	shared.managed = true
	shared.mu.Unlock()
	defer func() {
		shared.mu.Lock()
		defer shared.mu.Unlock()
		if shared.cluster == nil {
			return
		}
		if err := shared.cluster.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "cluster:", err)
			status = max(status, 1)
		}
	}()
	return m.Run()
}

// T is what this package needs of a test, random or not.
type T interface {
	Helper()
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// Server returns the server of this test process, made when it is asked for first. Tests must not stop it.
func Server(t T) *Cluster {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if !shared.managed {
		t.Fatal("the package needs func TestMain(m *testing.M) { os.Exit(cluster.Main(m)) }")
	}
	if shared.cluster == nil && shared.err == nil {
		shared.cluster, shared.err = obtain()
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.cluster
}

func obtain() (*Cluster, error) {
	given := os.Getenv(EnvURL)
	if given == "" {
		return Open(context.Background())
	}
	if u, err := url.Parse(given); err != nil || !strings.HasPrefix(u.Scheme, "postgres") {
		return nil, errors.New(EnvURL + " is not an address like postgres://user:password@host:port/database")
	}
	return &Cluster{given: given}, nil
}

// Database makes a new empty database and returns its address, user and password included. It is removed at the end of
// the test, connections and all.
func Database(t T) string {
	t.Helper()
	return database(t, "")
}

// Copy makes a new database with everything that is in another one, to which nobody may be connected.
func Copy(t T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal("the address of the database cannot be read")
	}
	return database(t, " TEMPLATE "+strings.TrimPrefix(u.Path, "/"))
}

func database(t T, template string) string {
	t.Helper()
	c := Server(t)
	name := fmt.Sprintf("test_%d_%d", os.Getpid(), shared.number.Add(1))
	if err := c.run("CREATE DATABASE " + name + template); err != nil {
		t.Fatalf("make a database: %v", err)
	}
	t.Cleanup(func() {
		if err := c.run("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Errorf("remove a database: %v", err)
		}
	})
	return c.URL(name)
}

// run runs one statement beside the tests' databases.
func (c *Cluster) run(statement string) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	address := c.given
	if address == "" {
		address = c.URL("postgres")
	}
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return fmt.Errorf("reach the test server: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	_, err = conn.Exec(ctx, statement)
	return err
}
