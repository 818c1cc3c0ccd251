package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"marain/backend/database"
	"marain/tests/cluster"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// quick are limits with which a test need not wait long.
func quick() limits {
	l := usual()
	l.lock, l.tries, l.pause = 100*time.Millisecond, 3, 40*time.Millisecond
	l.read, l.commit, l.grace = 2*time.Second, 2*time.Second, 500*time.Millisecond
	return l
}

// another is a program that is not Marain.
func another(t *testing.T, address string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func says(t *testing.T, conn *pgx.Conn, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := conn.Exec(context.Background(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func TestALongReaderIsNotQueuedBehind(t *testing.T) {
	t.Parallel()
	address := cluster.Database(t)
	db := connectWith(t, address, quick())
	must(t, db, `CREATE TABLE x (a TEXT)`)
	reader := another(t, address)
	says(t, reader, `BEGIN`, `SELECT count(*) FROM x`)
	// Others read all the time. Those who come while the change waits are held up for as long as one try at most.
	stop, worst := make(chan struct{}), time.Duration(0)
	var wg sync.WaitGroup
	other := another(t, address)
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			began := time.Now()
			if _, err := other.Exec(context.Background(), `SELECT count(*) FROM x`); err != nil {
				t.Error(err)
				return
			}
			worst = max(worst, time.Since(began))
		}
	})
	runs := 0
	err := db.Write(context.Background(), func(q database.Querier) error {
		runs++
		_, err := q.Exec(context.Background(), `ALTER TABLE x ADD COLUMN b TEXT`)
		return err
	})
	close(stop)
	wg.Wait()
	if !errors.Is(err, database.ErrLocked) || runs != 3 {
		t.Errorf("%d runs, %v", runs, err)
	}
	if worst > 5*time.Second {
		t.Errorf("a reader waited %s", worst)
	}
	// The reader goes in the pause after the first try: the next one gets through, and all of fn ran again.
	runs = 0
	err = db.Write(context.Background(), func(q database.Querier) error {
		runs++
		if runs == 2 {
			says(t, reader, `COMMIT`)
		}
		if _, err := q.Exec(context.Background(), `CREATE TABLE y (a TEXT)`); err != nil {
			return err
		}
		_, err := q.Exec(context.Background(), `ALTER TABLE x ADD COLUMN b TEXT`)
		return err
	})
	if err != nil || runs != 2 {
		t.Errorf("%d runs, %v", runs, err)
	}
}

func TestAWriterThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	address := cluster.Database(t)
	one, two := connectWith(t, address, quick()), connectWith(t, address, quick())
	must(t, one, `CREATE TABLE x (a TEXT)`)
	err := one.Write(context.Background(), func(q database.Querier) error {
		if err := write(t, two, `INSERT INTO x VALUES ('two')`); !errors.Is(err, database.ErrLocked) {
			t.Errorf("two at once: %v", err)
		}
		// A writer that runs out of time while it waits ends with that.
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		if err := two.Write(ctx, func(database.Querier) error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("out of time: %v", err)
		}
		// Reading goes on.
		if n := number(t, two, `SELECT count(*) FROM x`); n != 0 {
			t.Errorf("%d rows", n)
		}
		_, err := q.Exec(context.Background(), `INSERT INTO x VALUES ('one')`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	must(t, two, `INSERT INTO x VALUES ('two')`)
}

func TestLock(t *testing.T) {
	t.Parallel()
	address := cluster.Database(t)
	db := connectWith(t, address, quick())
	must(t, db, `CREATE TABLE x (a TEXT)`, `CREATE TABLE "Y" (a TEXT)`)
	other := another(t, address)
	says(t, other, `SET lock_timeout = 100`)
	for _, alone := range []bool{false, true} {
		err := db.Write(context.Background(), func(q database.Querier) error {
			if err := db.Lock(context.Background(), q, []string{"Y", "x", "none"}, alone); err != nil {
				return err
			}
			for _, table := range []string{"x", `"Y"`} {
				if _, err := other.Exec(context.Background(), `INSERT INTO `+table+` VALUES ('1')`); codeOf(err) != codeLockNotAvailable {
					t.Errorf("somebody writes to %s: %v", table, err)
				}
				if _, err := other.Exec(context.Background(), `SELECT a FROM `+table); (err == nil) == alone {
					t.Errorf("alone %v: reading %s: %v", alone, table, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	must(t, db, `INSERT INTO x VALUES ('1')`)
}

// Somebody who adds a value to a list takes its table before the one that it belongs to, and who deletes a row takes
// them the other way round. Neither is ended by the server because the engine wants both and waits for a third one too:
// it is the engine that waits, or gives way.
func TestLockEndsNobodyElse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ first, second string }{
		"a value is added": {`LOCK TABLE field_x_z IN ROW EXCLUSIVE MODE`, `LOCK TABLE content_x IN ROW SHARE MODE`},
		"a row is deleted": {`LOCK TABLE content_x IN ROW EXCLUSIVE MODE`, `LOCK TABLE field_x_z IN ROW EXCLUSIVE MODE`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := cluster.Database(t)
			db, other, third, watcher := connectWith(t, address, usual()), another(t, address), another(t, address), another(t, address)
			must(t, db, `CREATE TABLE content_x (a TEXT)`, `CREATE TABLE field_x_y (a TEXT)`, `CREATE TABLE field_x_z (a TEXT)`)
			says(t, other, `BEGIN`, c.first)
			says(t, third, `BEGIN`, `LOCK TABLE field_x_y IN ROW EXCLUSIVE MODE`)
			done := make(chan error, 1)
			go func() {
				done <- db.Write(context.Background(), func(q database.Querier) error {
					return db.Lock(context.Background(), q, []string{"content_x", "field_x_y", "field_x_z"}, true)
				})
			}()
			for waiting := 0; waiting == 0; { // until the engine waits for what somebody has
				err := watcher.QueryRow(context.Background(), `SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'`).Scan(&waiting)
				if err != nil {
					t.Fatal(err)
				}
			}
			ended := make(chan error, 1)
			go func() { // less than a second, after which the engine would give way in any case
				<-time.After(600 * time.Millisecond)
				_, err := third.Exec(context.Background(), `COMMIT`)
				ended <- err
			}()
			says(t, other, c.second, `COMMIT`)
			if err := errors.Join(<-ended, <-done); err != nil {
				t.Errorf("the engine did not get its locks afterwards: %v", err)
			}
		})
	}
}

// TestTheAnswerToACommitIsLost cuts the connection before the server hears of the commit, and after.
func TestTheAnswerToACommitIsLost(t *testing.T) {
	t.Parallel()
	address := cluster.Database(t)
	proxy := cluster.NewProxy(t, address)
	db, direct := connectWith(t, proxy.URL, quick()), connect(t, address)
	must(t, db, `CREATE TABLE x (a INTEGER)`)
	for n, c := range []struct {
		name  string
		fault cluster.Fault
		there int
	}{
		{"before", cluster.CutBefore, 0},
		{"after", cluster.CutAfter, 1},
		{"swallowed", cluster.Swallow, 0},
	} {
		proxy.On("COMMIT\x00", c.fault, 1)
		began := time.Now()
		err := write(t, db, fmt.Sprintf(`INSERT INTO x VALUES (%d)`, n))
		if !errors.Is(err, database.ErrUnknown) {
			t.Errorf("%s: want an unknown result, got %v", c.name, err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s: it took %s", c.name, took)
		}
		proxy.CutAll() // so that the server lets go of what it waits for
		// Under the writer's lock the former transaction is over, one way or the other.
		var found int
		err = direct.Write(context.Background(), func(q database.Querier) error {
			return q.QueryRow(context.Background(), `SELECT count(*) FROM x WHERE a = ?`, n).Scan(&found)
		})
		if err != nil || found != c.there {
			t.Errorf("%s: %d rows, want %d, %v", c.name, found, c.there, err)
		}
		must(t, db, `INSERT INTO x VALUES (99)`) // on a new connection, without further ado
	}
}

// TestACommitThatTakesTooLong has a commit that the server works on for longer than anybody waits.
func TestACommitThatTakesTooLong(t *testing.T) {
	t.Parallel()
	l := quick()
	l.commit = 200 * time.Millisecond
	address := cluster.Database(t)
	db := connectWith(t, address, l)
	must(t, db, `CREATE TABLE x (a INTEGER)`,
		`CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(30); RETURN NULL; END $$`,
		`CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON x DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()`)
	// The server is asked to give up, and does: so it is known that nothing happened.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err := db.Write(ctx, func(q database.Querier) error {
		_, err := q.Exec(ctx, `INSERT INTO x VALUES (1)`)
		return err
	})
	if err == nil || errors.Is(err, database.ErrUnknown) {
		t.Errorf("want a failure, got %v", err)
	}
	if n := number(t, db, `SELECT count(*) FROM x`); n != 0 {
		t.Errorf("%d rows", n)
	}
	// The end of a request does not cut a commit short.
	must(t, db, `ALTER TABLE x DISABLE TRIGGER slow`)
	ctx, cancel = context.WithCancel(context.Background())
	err = db.Write(ctx, func(q database.Querier) error {
		_, err := q.Exec(ctx, `INSERT INTO x VALUES (2)`)
		cancel()
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if n := number(t, db, `SELECT count(*) FROM x`); n != 1 {
		t.Errorf("%d rows", n)
	}
}

func TestACommitThatTheServerRefuses(t *testing.T) {
	t.Parallel()
	db := connect(t, cluster.Database(t))
	must(t, db, `CREATE TABLE p (id TEXT PRIMARY KEY)`, `CREATE TABLE c (p TEXT REFERENCES p (id) DEFERRABLE INITIALLY DEFERRED)`)
	err := write(t, db, `INSERT INTO c VALUES ('a secret value')`)
	if err == nil || errors.Is(err, database.ErrUnknown) || strings.Contains(err.Error(), "secret") {
		t.Errorf("want a failure without values, got %v", err)
	}
	must(t, db, `INSERT INTO p VALUES ('1')`)
}

func TestTheAdministratorEndsTheConnection(t *testing.T) {
	t.Parallel()
	address := cluster.Database(t)
	db := connect(t, address)
	other := another(t, address)
	must(t, db, `CREATE TABLE x (a INTEGER)`)
	err := db.Write(context.Background(), func(q database.Querier) error {
		var pid int
		if err := q.QueryRow(context.Background(), `SELECT pg_backend_pid()`).Scan(&pid); err != nil {
			return err
		}
		if _, err := q.Exec(context.Background(), `INSERT INTO x VALUES (1)`); err != nil {
			return err
		}
		says(t, other, fmt.Sprintf(`SELECT pg_terminate_backend(%d, 5000)`, pid))
		_, err := q.Exec(context.Background(), `INSERT INTO x VALUES (2)`)
		return err
	})
	if !errors.Is(err, database.ErrUnreachable) || errors.Is(err, database.ErrUnknown) {
		t.Errorf("%v", err)
	}
	must(t, db, `INSERT INTO x VALUES (3)`)
	if n := number(t, db, `SELECT sum(a) FROM x`); n != 3 {
		t.Errorf("the sum is %d", n)
	}
	// The connections that nobody uses end too: the next request does not notice.
	says(t, other, `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	must(t, db, `INSERT INTO x VALUES (4)`)
	if n := number(t, db, `SELECT sum(a) FROM x`); n != 7 {
		t.Errorf("the sum is %d", n)
	}
}

func TestACheckThatTakesTooLong(t *testing.T) {
	t.Parallel()
	address := cluster.Database(t)
	db := connectWith(t, address, quick())
	other := another(t, address)
	must(t, db, `CREATE TABLE x (a INTEGER)`, `INSERT INTO x VALUES (1)`)
	err := db.Read(context.Background(), func(q database.Querier) error {
		reader := database.Reader{Querier: q}
		count := func() string {
			rows, err := reader.Read(context.Background(), `SELECT count(*) AS n FROM x`, 1)
			return fmt.Sprint(rows, err)
		}
		before := count()
		must(t, db, `INSERT INTO x VALUES (2)`)
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		began := time.Now()
		for range 2 { // the second time there is no time left at all
			if _, err := reader.Read(ctx, `SELECT pg_sleep(30)`, 1); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a check that is too slow: %v", err)
			}
			var n int
			if err := q.QueryRow(ctx, `SELECT 1`).Scan(&n); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a row that is asked for too late: %v", err)
			}
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it took %s", took)
		}
		// The server has stopped, too, and the other checks go on in the same state.
		var still int
		if err := other.QueryRow(context.Background(), `SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%' AND state = 'active' AND pid <> pg_backend_pid()`).Scan(&still); err != nil || still != 0 {
			t.Errorf("%d still run, %v", still, err)
		}
		if after := count(); after != before {
			t.Errorf("before %s, after %s", before, after)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	// The server's own limit means the same.
	says(t, other, `ALTER ROLE CURRENT_USER IN DATABASE `+dbname(address)+` SET statement_timeout = 0`)
	l := quick()
	l.read = 100 * time.Millisecond
	strict := connectWith(t, address, l)
	err = strict.Read(context.Background(), func(q database.Querier) error {
		_, err := database.Reader{Querier: q}.Read(context.Background(), `SELECT pg_sleep(30)`, 1)
		return err
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func dbname(address string) string {
	rest := address[strings.LastIndex(address, "/")+1:]
	name, _, _ := strings.Cut(rest, "?")
	return name
}

func TestANetworkThatSaysNothing(t *testing.T) {
	t.Parallel()
	l := quick()
	l.connect, l.read, l.statement = time.Second, 500*time.Millisecond, time.Second
	address := cluster.Database(t)
	proxy := cluster.NewProxy(t, address)
	db := connectWith(t, proxy.URL, l)
	must(t, db, `CREATE TABLE x (a INTEGER)`)
	number(t, db, `SELECT count(*) FROM x`)
	proxy.Dark(true)
	for name, try := range map[string]func() error{
		"read":  func() error { return db.Read(context.Background(), func(database.Querier) error { return nil }) },
		"write": func() error { return write(t, db, `INSERT INTO x VALUES (1)`) },
		"check": func() error { return db.Check(context.Background()) },
	} {
		began := time.Now()
		if err := try(); !errors.Is(err, database.ErrUnreachable) {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%s took %s", name, took)
		}
	}
	proxy.Dark(false)
	proxy.CutAll()
	must(t, db, `INSERT INTO x VALUES (1)`)
	if n := number(t, db, `SELECT count(*) FROM x`); n != 1 {
		t.Errorf("%d rows", n)
	}
}

// TestAServerThatCrashesAgainAndAgain writes all the time. What was acknowledged is there, what failed is not, and what
// was unknown is there as a whole or not at all.
func TestAServerThatCrashesAgainAndAgain(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	server, err := cluster.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	l := quick()
	l.connect = time.Second
	db := connectWith(t, server.URL("postgres"), l)
	must(t, db, `CREATE TABLE x (a INTEGER)`, `CREATE TABLE y (a INTEGER)`)
	const crashes = 8
	stop := make(chan struct{})
	acknowledged, unknown := map[int]bool{}, map[int]bool{}
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			err := write(t, db, fmt.Sprintf(`INSERT INTO x VALUES (%d)`, n), fmt.Sprintf(`CREATE TABLE z%d (a INTEGER)`, n), fmt.Sprintf(`INSERT INTO y VALUES (%d)`, n))
			acknowledged[n], unknown[n] = err == nil, errors.Is(err, database.ErrUnknown)
			if err != nil && !unknown[n] && !errors.Is(err, database.ErrUnreachable) {
				t.Errorf("write %d: %v", n, err)
			}
		}
	})
	for range crashes {
		<-time.After(50 * time.Millisecond) // let it write
		if err := server.Stop(true); err != nil {
			t.Fatal(err)
		}
		if err := server.Start(ctx); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	wg.Wait()
	var found []int
	err = db.Read(ctx, func(q database.Querier) error {
		rows, err := database.Reader{Querier: q}.Read(ctx, `SELECT coalesce(x.a, -1) AS a, coalesce(y.a, -1) AS b, to_regclass('z' || x.a) IS NOT NULL AS c FROM x FULL JOIN y ON x.a = y.a`, 1<<20)
		for _, row := range rows {
			if row["a"] != row["b"] || row["c"] != true {
				t.Errorf("half a batch: %v", row)
			}
			found = append(found, int(row["a"].(int64)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	good := 0
	for n, there := range acknowledged {
		is := slices.Contains(found, n)
		if there {
			good++
		}
		if there && !is {
			t.Errorf("write %d was acknowledged and is not there", n)
		}
		if !there && !unknown[n] && is {
			t.Errorf("write %d failed and is there", n)
		}
	}
	if good < crashes {
		t.Errorf("only %d of %d writes got through", good, len(acknowledged))
	}
}

func TestErrorsHoldNoValues(t *testing.T) {
	t.Parallel()
	db := connect(t, cluster.Database(t))
	const canary = "CaNaRy"
	must(t, db, `CREATE TABLE x (a TEXT UNIQUE, b INTEGER NOT NULL CHECK (b > 0))`, `INSERT INTO x VALUES ('`+canary+`', 1)`,
		`CREATE FUNCTION f(v TEXT) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN RETURN v::integer; END $$`)
	for _, statement := range []string{
		`INSERT INTO x VALUES ('` + canary + `', 2)`,
		`INSERT INTO x VALUES ('` + canary + `2', NULL)`,
		`INSERT INTO x VALUES ('` + canary + `2', -1)`,
		`UPDATE x SET b = a::integer`,
		`UPDATE x SET b = f(a)`,
		`SELECT to_date(a, 'YYYY') FROM x`,
		`SELECT ('{"` + canary + `')::jsonb`,
		`ALTER TABLE x ALTER COLUMN a TYPE integer USING a::integer`,
		`SELECT ('"` + canary + `" and "` + canary + `"')::bigint`,
	} {
		err := write(t, db, statement)
		if err == nil || strings.Contains(fmt.Sprintf("%+v %#v", err, err), canary) {
			t.Errorf("%s: %+v", statement, err)
		}
		var e *pgconn.PgError
		if !errors.As(err, &e) || e.Detail+e.Hint+e.Where+e.InternalQuery != "" || strings.Contains(fmt.Sprint(*e), canary) {
			t.Errorf("%s: %+v", statement, e)
		}
	}
}

func TestPlansSurviveChangesOfTables(t *testing.T) {
	t.Parallel()
	address := cluster.Database(t)
	db := connect(t, address)
	other := another(t, address)
	must(t, db, database.Bookkeeping()...)
	must(t, db, `CREATE TABLE x (a TEXT)`, `INSERT INTO x VALUES ('1')`)
	look := func(value any) error {
		return db.Read(context.Background(), func(q database.Querier) error {
			for _, query := range []string{`SELECT a FROM x WHERE a = ?`, `SELECT * FROM x WHERE a = ?`} {
				rows, err := q.Query(context.Background(), query, value)
				if err != nil {
					return err
				}
				found := rows.Next()
				if err := errors.Join(rows.Err(), rows.Close()); err != nil || !found {
					return fmt.Errorf("%s: found %v, %w", query, found, err)
				}
			}
			if _, err := db.Inspect(context.Background(), q, []string{"x"}); err != nil {
				return err
			}
			var n int
			return q.QueryRow(context.Background(), `SELECT count(*) FROM marain_audit WHERE action_id = ?`, "x").Scan(&n)
		})
	}
	value := any("1")
	for _, change := range []string{
		`SELECT 1`, `ALTER TABLE x ADD COLUMN b TEXT`, `ALTER TABLE x ALTER COLUMN a TYPE bigint USING a::bigint`, `ALTER TABLE x DROP COLUMN b`,
		`ALTER TABLE x RENAME TO y; CREATE TABLE x (b TEXT, a BIGINT); INSERT INTO x VALUES ('2', 1)`, `ALTER TABLE marain_audit ADD COLUMN theirs TEXT`,
		`CREATE INDEX i ON x (a)`, `DROP INDEX i`,
	} {
		says(t, other, change)
		if strings.Contains(change, "bigint") {
			value = int64(1)
		}
		for range 10 { // so often that every connection of the pool is used
			if err := look(value); err != nil {
				t.Fatalf("after %s: %v", change, err)
			}
		}
	}
}

// TestNobodyAsksWhetherACommitMayBeRepeated reads the sources: the driver calls a commit that happened safe to repeat.
func TestNobodyAsksWhetherACommitMayBeRepeated(t *testing.T) {
	t.Parallel()
	files := 0
	err := filepath.WalkDir(filepath.Join("..", ".."), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		files++
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), "SafeTo"+"Retry") {
			t.Errorf("%s asks the driver", path)
		}
		return err
	})
	if err != nil || files < 50 {
		t.Errorf("%d files, %v", files, err)
	}
}
