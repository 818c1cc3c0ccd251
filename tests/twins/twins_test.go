package twins

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"marain/tests/cluster"

	_ "github.com/jackc/pgx/v5/stdlib"
	driver "modernc.org/sqlite"
)

// Two engines in one program, on one project.
func TestTwoEngines(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		root := projectFolder(t)
		before := runtime.NumGoroutine()
		s := open(t, address, root, inside(t, "one", root, address), inside(t, "two", root, address))
		s.run()
		s.close()
		if address == "" { // a connection to a server ends a moment later, and its program has some of its own
			eventually(t, "the end of every goroutine", func() bool { return runtime.NumGoroutine() <= before })
		}
	})
}

// A server, and commands beside it, each a program of its own, on one project.
func TestTwoPrograms(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, address string) {
		t.Parallel()
		root := projectFolder(t)
		s := open(t, address, root, served(t, "one", root, address), commands("two", root, address))
		s.run()
		s.close()
	})
}

// Two servers on two machines, each with files of its own, on one database.
func TestTwoFolders(t *testing.T) {
	t.Parallel()
	address, one, two := cluster.Database(t), projectFolder(t), projectFolder(t)
	s := open(t, address, one, served(t, "one", one, address), served(t, "two", two, address))
	s.walks[0].other, s.walks[1].other = two, one
	s.run()
	s.close()
}

// onBoth runs a test with a database in a file and with one on a server, whose address it gets.
func onBoth(t *testing.T, run func(t *testing.T, address string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { run(t, "") })
	t.Run("postgres", func(t *testing.T) { run(t, cluster.Database(t)) })
}

// projectFolder makes a project that applies nothing by itself, with a content type for each engine and one for both.
func projectFolder(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	if err := replaceFile(root, "config/config.hot_reload.yaml", []byte("id: hot_reload\nvalues:\n  auto_apply: none\n")); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"one", "two", common} {
		s := schema{ID: id, Fields: []field{{ID: "f0", Type: "text", Cardinality: 1}, {ID: "f1", Type: "text", Cardinality: -1}}}
		if err := s.save(root, 0); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// session is two engines on one database, and who writes content there.
type session struct {
	t       *testing.T
	db      *sql.DB // of another program
	shape   string
	ledger  *ledger
	walks   []*walk
	writers []*writer
}

func open(t *testing.T, address, root string, engines ...*engine) *session {
	t.Helper()
	if _, err := driver.OFDLocking(true); err != nil {
		t.Logf("file locks of the older kind: %v", err)
	}
	kind, source, shape := "pgx", address+"&default_query_exec_mode=exec&timezone=UTC", shapeOnHost
	if address == "" {
		kind, source, shape = "sqlite", "file:"+filepath.Join(root, "data/content/marain.db")+"?_pragma=busy_timeout(10000)&_pragma=foreign_keys(on)", shapeInFile
	}
	db, err := sql.Open(kind, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	seed := setting(t, envSeed, 1)
	s := &session{t: t, db: db, shape: shape, ledger: newLedger()}
	for i, e := range engines {
		random := func(of uint64) *rand.Rand { return rand.New(rand.NewPCG(uint64(seed), 10*uint64(i)+of)) }
		s.walks = append(s.walks, &walk{t: t, e: e, r: random(0), ledger: s.ledger, db: db, want: setting(t, envApplies, 25)})
		s.writers = append(s.writers, &writer{t: t, name: "w" + e.name, db: db, shape: shape, r: random(1), alive: map[cell]bool{}})
	}
	return s
}

// run lets the engines work until each has carried out its batches, with the writers beside them, and proves that
// everything is as it should be.
func (s *session) run() {
	s.t.Helper()
	began := time.Now()
	s.first()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var engines, writers sync.WaitGroup
	for _, w := range s.writers {
		w.run(ctx, &writers)
	}
	for _, w := range s.walks {
		engines.Go(w.run)
	}
	engines.Wait()
	stop()
	writers.Wait()
	if s.t.Failed() {
		s.t.Logf("until then: %s", s.ledger)
		s.t.FailNow()
	}
	s.same()
	s.collide()
	s.same()
	s.proved()
	s.kept()
	s.t.Logf("%s, with %s=%d: %s", time.Since(began).Round(time.Second), envSeed, setting(s.t, envSeed, 1), s.ledger)
}

// first applies the files as they are at the beginning.
func (s *session) first() {
	s.t.Helper()
	var done batch
	if refused, err := s.walks[0].e.call("reload", reloadRequest{Approve: "breaking"}, &done); err != nil || refused != nil || done.ActionID == "" {
		s.t.Fatalf("the first apply: %v, %+v", err, refused)
	}
}

// close ends the engines and frees their connections.
func (s *session) close() {
	s.t.Helper()
	for _, w := range s.walks {
		if err := w.e.stop(); err != nil {
			s.t.Errorf("stop %s: %v", w.e.name, err)
		}
	}
	if err := s.db.Close(); err != nil {
		s.t.Error(err)
	}
}

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("it did not happen: %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}
