package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"marain/backend/database"

	engine "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

const (
	scratchPage = 4096 // bytes of one page of a copy
	// roomToWork is how many times its size a copy may grow while something is tried out on it.
	roomToWork = 4
	// scratchRounds is how often parents of parents are looked for.
	scratchRounds = 8
)

// memory opens a database that is nowhere but in this process.
type memory struct{}

func (memory) Connect(context.Context) (driver.Conn, error) {
	return (&engine.Driver{}).Open("file::memory:?_pragma=busy_timeout(5000)&_pragma=temp_store(memory)")
}

func (memory) Driver() driver.Driver { return &engine.Driver{} }

// Scratch copies tables into memory: a process that dies leaves nothing. The file is attached read-only for as long as
// the copy is made, so that SQLite itself moves the values.
func (db *DB) Scratch(ctx context.Context, c database.Copy, fn func(database.Scratch) error) (err error) {
	if err := db.same(); err != nil {
		return err
	}
	pool := sql.OpenDB(memory{})
	defer func() { err = errors.Join(err, pool.Close()) }()
	pool.SetMaxOpenConns(1)
	conn, err := pool.Conn(ctx)
	if err != nil {
		return fmt.Errorf("open a copy: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	s := &scratch{conn: conn, wish: c}
	if err := db.fill(ctx, s); err != nil {
		return full(fmt.Errorf("copy the tables: %w", translate(err)))
	}
	if err := s.exec(ctx, "PRAGMA foreign_keys = on"); err != nil {
		return err
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin on a copy: %w", err)
	}
	err = full(fn(database.Scratch{
		Querier: querier{tx}, Tables: s.names(), Rows: s.rows, Total: s.total, More: s.more, Sampled: s.sampled,
		Exact: func(expression string) string { return "+" + expression }, // a plain column would be read as its declared type says
	}))
	if back := tx.Rollback(); back != nil && !errors.Is(back, sql.ErrTxDone) {
		err = errors.Join(err, fmt.Errorf("throw the copy away: %w", back))
	}
	return err
}

// full gives SQLite's error of a full database its name.
func full(err error) error {
	var coded *engine.Error
	if errors.As(err, &coded) && coded.Code()&0xff == lib.SQLITE_FULL {
		return errors.Join(database.ErrScratchFull, err)
	}
	return err
}

// scratch is a copy that is being made.
type scratch struct {
	conn    *sql.Conn
	wish    database.Copy
	tables  []scratchTable
	rows    int64
	total   int64
	more    bool
	sampled bool
}

// scratchTable is one table of a copy.
type scratchTable struct {
	name    string
	create  []string // its indexes
	columns string   // those that can be written, quoted
	primary []string // its primary key, quoted
	key     []string // what tells its rows apart and puts them in order: their number, or the primary key
	own     []string // the names of its columns
	parents []scratchParent
	part    bool // not all rows
}

// scratchParent is a reference to another table.
type scratchParent struct {
	table    string
	from, to string // columns, quoted
}

func (s *scratch) names() []string {
	names := make([]string, len(s.tables))
	for i := range s.tables {
		names[i] = s.tables[i].name
	}
	return names
}

func (s *scratch) exec(ctx context.Context, query string, args ...any) error {
	_, err := s.conn.ExecContext(ctx, query, args...)
	return err
}

// fill makes the copy: tables, rows, then indexes.
func (db *DB) fill(ctx context.Context, s *scratch) error {
	var encoding string
	if err := db.read.QueryRowContext(ctx, "PRAGMA encoding").Scan(&encoding); err != nil {
		return err
	}
	file := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(db.file)}).EscapedPath(), RawQuery: "mode=ro"}
	for _, setting := range []string{
		fmt.Sprintf("PRAGMA encoding = '%s'", encoding), // a database takes only others of its own encoding
		fmt.Sprintf("PRAGMA page_size = %d", scratchPage),
		fmt.Sprintf("PRAGMA max_page_count = %d", max(s.wish.Bytes/scratchPage, 16)),
		"PRAGMA foreign_keys = off",
	} {
		if err := s.exec(ctx, setting); err != nil {
			return err
		}
	}
	if err := s.exec(ctx, "ATTACH DATABASE ? AS live", file.String()); err != nil {
		return err
	}
	if err := s.exec(ctx, "BEGIN"); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{s.describe, s.copy, s.adopt, s.finish} {
		if err := step(ctx); err != nil {
			return err // the connection is closed with all that it holds
		}
	}
	for _, last := range []string{
		"COMMIT", "DETACH DATABASE live",
		fmt.Sprintf("PRAGMA max_page_count = %d", max(roomToWork*s.wish.Bytes/scratchPage, 64)),
	} {
		if err := s.exec(ctx, last); err != nil {
			return err
		}
	}
	return nil
}

// copy takes the rows over: all of them where there is room, else a part.
func (s *scratch) copy(ctx context.Context) error {
	for i := range s.tables {
		t := &s.tables[i]
		var total int64
		live, own := "live."+Dialect{}.Quote(t.name), "main."+Dialect{}.Quote(t.name)
		if err := s.conn.QueryRowContext(ctx, fmt.Sprintf("SELECT count(*) FROM (SELECT 1 FROM %s LIMIT %d)", live, database.CountLimit+1)).Scan(&total); err != nil {
			return err
		}
		s.more = s.more || total > database.CountLimit
		s.total += min(total, database.CountLimit)
		insert := fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s", own, t.columns, t.columns, live)
		if total <= s.wish.Rows {
			err := full(s.exec(ctx, insert+order(t.key, "")))
			if err == nil {
				s.rows += total
				continue
			}
			if !errors.Is(err, database.ErrScratchFull) {
				return err
			}
		}
		t.part, s.sampled = true, true
		if err := s.sample(ctx, t, insert); err != nil {
			return err
		}
	}
	return nil
}

// order writes the order of rows by their key, or nothing where they have none.
func order(key []string, direction string) string {
	if len(key) == 0 {
		return ""
	}
	return " ORDER BY " + strings.Join(key, direction+", ") + direction
}

// sample takes some rows of a table over: as many as there is room for.
func (s *scratch) sample(ctx context.Context, t *scratchTable, insert string) error {
	for n := max(s.wish.Sample/2, 1); n > 0; n /= 4 {
		query, args := insert+fmt.Sprintf(" LIMIT %d", n), []any(nil)
		if len(t.key) > 0 {
			var chosen string
			chosen, args = s.chosen(t, n)
			query = fmt.Sprintf("%s WHERE (%s) IN (%s)%s", insert, strings.Join(t.key, ", "), chosen, order(t.key, ""))
		}
		result, err := s.conn.ExecContext(ctx, query, args...)
		if errors.Is(full(err), database.ErrScratchFull) {
			continue
		}
		if err != nil {
			return fmt.Errorf("copy some rows of %s: %w", t.name, err)
		}
		copied, err := result.RowsAffected()
		s.rows += copied
		return err
	}
	return nil
}

// chosen writes the query for the keys of a sample: n rows from each end, and those that are asked for.
func (s *scratch) chosen(t *scratchTable, n int64) (query string, args []any) {
	from := strings.Join(t.key, ", ") + " FROM live." + Dialect{}.Quote(t.name)
	parts := []string{
		fmt.Sprintf("SELECT * FROM (SELECT %s%s LIMIT %d)", from, order(t.key, ""), n),
		fmt.Sprintf("SELECT * FROM (SELECT %s%s LIMIT %d)", from, order(t.key, " DESC"), n),
	}
	for _, column := range []string{"id", "parent_id"} {
		if len(s.wish.IDs) == 0 || !slices.Contains(t.own, column) {
			continue
		}
		parts = append(parts, fmt.Sprintf("SELECT %s WHERE %s IN (%s)", from, column, placeholders(len(s.wish.IDs))))
		for _, id := range s.wish.IDs {
			args = append(args, id)
		}
	}
	return strings.Join(parts, " UNION "), args
}

// adopt brings the parents of copied rows along where only some were copied.
func (s *scratch) adopt(ctx context.Context) error {
	for range scratchRounds {
		added := int64(0)
		for i := range s.tables {
			for _, p := range s.tables[i].parents {
				n, err := s.adoptParents(ctx, s.tables[i].name, p)
				if err != nil {
					return fmt.Errorf("copy the parents of %s: %w", s.tables[i].name, err)
				}
				added += n
			}
		}
		s.rows += added
		if added == 0 {
			break
		}
	}
	return nil
}

func (s *scratch) adoptParents(ctx context.Context, child string, p scratchParent) (int64, error) {
	at := slices.IndexFunc(s.tables, func(t scratchTable) bool { return t.name == p.table })
	if at < 0 || !s.tables[at].part {
		return 0, nil
	}
	to := p.to
	if to == "" {
		to = strings.Join(s.tables[at].primary, ", ")
	}
	quote := Dialect{}.Quote
	missing := fmt.Sprintf("SELECT %s FROM main.%s EXCEPT SELECT %s FROM main.%s", p.from, quote(child), to, quote(p.table))
	result, err := s.conn.ExecContext(ctx, fmt.Sprintf("INSERT INTO main.%[1]s (%[2]s) SELECT %[2]s FROM live.%[1]s WHERE (%[3]s) IN (%[4]s)",
		quote(p.table), s.tables[at].columns, to, missing))
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// finish makes the indexes, now that the rows are there.
func (s *scratch) finish(ctx context.Context) error {
	for _, t := range s.tables {
		for _, create := range t.create {
			if err := s.exec(ctx, create); err != nil {
				return fmt.Errorf("make an index of %s: %w", t.name, err)
			}
		}
	}
	return nil
}

func (s *scratch) each(ctx context.Context, fn func(*sql.Rows) error, query string, args ...any) (err error) {
	rows, err := s.conn.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// connection is a connection outside of a transaction of the pool's as the rest of Marain sees it.
type connection struct{ conn *sql.Conn }

func (c connection) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return c.conn.ExecContext(ctx, query, args...)
}

func (c connection) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return c.conn.QueryContext(ctx, query, args...)
}

func (c connection) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return c.conn.QueryRowContext(ctx, query, args...)
}
