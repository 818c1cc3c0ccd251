package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"

	"marain/backend/action"
	"marain/backend/database"

	driver "modernc.org/sqlite"
)

// copyPages is how many pages are copied at a time; between two such steps a copy can be cancelled.
const copyPages = 2000

var _ database.Keeper = (*DB)(nil)

// copier is a connection of the driver as far as copying goes.
type copier interface {
	NewBackup(target string) (*driver.Backup, error)
	NewRestore(source string) (*driver.Backup, error)
}

// Backup copies the whole database with SQLite's own means, from a second connection while the caller's transaction keeps
// every other writer out. Copying the file itself would miss what is still in the write-ahead log.
func (db *DB) Backup(ctx context.Context, _ database.Querier, _ []string, file string) ([]string, error) {
	if err := db.same(); err != nil {
		return nil, err
	}
	if _, err := os.Lstat(file); !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("back up: %s is there already", file)
	}
	conn, err := db.read.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("back up: %w", translate(err))
	}
	err = conn.Raw(func(raw any) error {
		source, ok := raw.(copier)
		if !ok {
			return fmt.Errorf("%T cannot copy a database", raw)
		}
		// Whatever is in the copy before the end is thrown away, so it needs no journal and waits for no disk.
		job, err := source.NewBackup(fileURI(file, url.Values{"_pragma": {"journal_mode(off)", "synchronous(off)"}}))
		if err != nil {
			return err
		}
		return finish(job, copyAll(ctx, job))
	})
	if err = errors.Join(err, conn.Close()); err != nil {
		return nil, fmt.Errorf("back up: %w", translate(err))
	}
	return nil, nil
}

// copyAll copies every page.
func copyAll(ctx context.Context, job *driver.Backup) error {
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		var err error
		if more, err = job.Step(copyPages); err != nil {
			return err
		}
	}
	return nil
}

// fileURI names a file so that nothing in its name is taken for a setting.
func fileURI(file string, query url.Values) string {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(file)}).EscapedPath(), RawQuery: query.Encode()}
	return u.String()
}

// frozen are the settings to read a file that nobody writes, without making any other file beside it.
func frozen() url.Values { return url.Values{"mode": {"ro"}, "immutable": {"1"}} }

// Contents opens a copy by itself, checks it, and counts its rows.
func (db *DB) Contents(ctx context.Context, file string) (map[string]int64, error) {
	pool, err := sql.Open("sqlite", fileURI(file, frozen()))
	if err != nil {
		return nil, fmt.Errorf("open the copy: %w", err)
	}
	defer pool.Close() // of a copy that was only read
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("read the copy: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	if err := intact(ctx, querier{tx}); err != nil {
		return nil, fmt.Errorf("the copy: %w", err)
	}
	names, err := db.TableNames(ctx, querier{tx})
	if err != nil {
		return nil, err
	}
	rows := map[string]int64{}
	for _, name := range names {
		var n int64
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM "+Dialect{}.Quote(name)).Scan(&n); err != nil {
			return nil, fmt.Errorf("count the rows of %s in the copy: %w", name, err)
		}
		rows[name] = n
	}
	return rows, nil
}

// Obstacles finds nothing: what other programs keep in the database comes back with all the rest.
func (db *DB) Obstacles(context.Context, database.Querier, string, []string) ([]action.Block, error) {
	return nil, nil
}

// Restore makes the database what a copy holds. A second copy is made ready with the present bookkeeping in it; then
// SQLite's own means write its pages over those of the open database, in one transaction of the write-ahead log. The
// file itself stays where it is: other programs that have it open see the new state like any other commit.
func (db *DB) Restore(ctx context.Context, file string, _ []string, before, after func(database.Querier) error) error {
	if err := db.same(); err != nil {
		return err
	}
	folder, err := os.MkdirTemp(filepath.Dir(file), ".restore-")
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	ready := filepath.Join(folder, "ready.db")
	if err = duplicate(file, ready); err == nil {
		err = db.overwrite(ctx, ready, before, after)
	}
	if err = errors.Join(err, os.RemoveAll(folder)); err != nil {
		return fmt.Errorf("restore: %w", translate(err))
	}
	return db.same()
}

// overwrite replaces every page by those of the file that is made ready under the lock.
func (db *DB) overwrite(ctx context.Context, ready string, before, after func(database.Querier) error) error {
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return err
	}
	err = conn.Raw(func(raw any) error {
		target, ok := raw.(copier)
		if !ok {
			return fmt.Errorf("%T cannot copy a database", raw)
		}
		job, err := target.NewRestore(fileURI(ready, url.Values{"_pragma": {"busy_timeout(5000)"}}))
		if err != nil {
			return err
		}
		// A step without a page takes the lock. Nothing is written before the first page, and an end before the last
		// one takes everything back.
		_, err = job.Step(0)
		if err == nil {
			err = db.Read(ctx, before)
		}
		if err == nil {
			err = db.makeReady(ctx, ready, after)
		}
		if err == nil {
			err = copyAll(ctx, job)
		}
		return finish(job, err)
	})
	return errors.Join(err, conn.Close())
}

// finish ends a copy. One that ended early takes everything back, and says once more why.
func finish(job *driver.Backup, err error) error {
	if ending := job.Finish(); err == nil {
		return ending
	}
	return err
}

// makeReady gives a copy the present bookkeeping, lets the caller change that, and proves the whole.
func (db *DB) makeReady(ctx context.Context, ready string, after func(database.Querier) error) (err error) {
	copied, err := Open(ctx, ready)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, copied.Close()) }()
	if _, err := copied.write.ExecContext(ctx, "ATTACH ? AS present", fileURI(db.file, url.Values{"mode": {"ro"}})); err != nil {
		return fmt.Errorf("look at the present bookkeeping: %w", err)
	}
	err = copied.Write(ctx, func(q database.Querier) error {
		if err := takeBookkeeping(ctx, q); err != nil {
			return err
		}
		return after(q)
	})
	if err != nil {
		return err
	}
	if _, err := copied.write.ExecContext(ctx, "DETACH present"); err != nil {
		return fmt.Errorf("let go of the present bookkeeping: %w", err)
	}
	return copied.whole(ctx)
}

// takeBookkeeping replaces the tables of the history by those of the attached database.
func takeBookkeeping(ctx context.Context, q database.Querier) error {
	for _, schema := range []string{"main", "present"} {
		objects, err := bookkeepingOf(ctx, q, schema)
		if err != nil {
			return err
		}
		for _, o := range objects {
			if err := o.take(ctx, q, schema); err != nil {
				return fmt.Errorf("take over the bookkeeping: %w", err)
			}
		}
	}
	return nil
}

// object is one table, index or trigger of the bookkeeping.
type object struct{ kind, name, sql string }

// take drops a former table, with everything on it, or makes a present one with its rows.
func (o object) take(ctx context.Context, q database.Querier, schema string) error {
	name := Dialect{}.Quote(o.name)
	var statements []string
	switch {
	case schema == "main" && o.kind == "table":
		statements = []string{"DROP TABLE main." + name}
	case schema == "present":
		statements = []string{o.sql}
		if o.kind == "table" {
			statements = append(statements, "INSERT INTO main."+name+" SELECT * FROM present."+name)
		}
	}
	for _, s := range statements {
		if _, err := q.Exec(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// bookkeepingOf returns the tables of the history, then what is on them.
func bookkeepingOf(ctx context.Context, q database.Querier, schema string) (list []object, err error) {
	rows, err := q.Query(ctx, "SELECT type, name, tbl_name, sql FROM "+schema+".sqlite_schema WHERE sql IS NOT NULL AND type <> 'view' ORDER BY type <> 'table', rowid")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var o object
		var table string
		if err := rows.Scan(&o.kind, &o.name, &table, &o.sql); err != nil {
			return nil, err
		}
		if database.IsBookkeeping(table) {
			list = append(list, o)
		}
	}
	return list, rows.Err()
}

// duplicate copies a file that nobody writes.
func duplicate(from, to string) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}
