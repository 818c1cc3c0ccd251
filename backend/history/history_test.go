package history

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"marain/backend/action"
	"marain/backend/database"
	"marain/backend/document"
	"marain/tests/cluster"
	"marain/tests/engines"
)

func TestMain(m *testing.M) { os.Exit(cluster.Main(m)) }

var ctx = context.Background()

type bench struct {
	t     *testing.T
	db    database.Database
	store *Store
	dir   string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	dir := t.TempDir()
	b := &bench{t: t, db: engines.Chosen(t), store: New(vault(t, filepath.Join(dir, "key"), "")), dir: dir}
	b.do(func(q database.Querier) error { return b.store.Prepare(ctx, q) })
	return b
}

func vault(t *testing.T, file, given string) *Vault {
	t.Helper()
	v, err := NewVault(file, given)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (b *bench) do(fn func(database.Querier) error) {
	b.t.Helper()
	if err := b.db.Write(ctx, fn); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) exec(query string, args ...any) {
	b.t.Helper()
	b.do(func(q database.Querier) error {
		_, err := q.Exec(ctx, query, args...)
		return err
	})
}

// batch appends a batch with versions of files, given as path and content.
func (b *bench) batch(id, kind string, files ...string) Entry {
	b.t.Helper()
	var e Entry
	b.do(func(q database.Querier) (err error) {
		record := Record{Summary: id}
		for i := 0; i < len(files); i += 2 {
			var number int
			if err := q.QueryRow(ctx, `SELECT coalesce(max(version), 0) + 1 FROM file_versions WHERE file_path = ? AND status <> 'pending'`, files[i]).Scan(&number); err != nil {
				return err
			}
			record.Files = append(record.Files, RecordFile{File: action.File{Path: files[i]}, Version: number, NewHash: files[i+1]})
			if kind != KindApply && kind != KindRollback {
				continue
			}
			v := Version{Path: files[i], Number: number, Hash: files[i+1], ActionID: id, Executed: "[]", Rollback: "[]", Status: Applied}
			if err := b.store.WriteVersion(ctx, q, v); err != nil {
				return err
			}
		}
		e, err = b.store.Append(ctx, q, Entry{ActionID: id, Kind: kind, At: "2026-01-01T00:00:00.000Z", Actor: "ann", Record: record})
		return err
	})
	return e
}

func TestTheChainShowsEveryEdit(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i := range 4 {
		if e := b.batch(fmt.Sprintf("batch%d", i), KindApply, "a", fmt.Sprint(i)); e.Seq != int64(i+1) || !e.Whole() {
			t.Fatalf("%+v", e)
		}
	}
	whole := func() (broken []int64) {
		b.do(func(q database.Querier) error {
			return b.store.Chain(ctx, q, func(e Entry) error {
				if !e.Whole() {
					broken = append(broken, e.Seq)
				}
				return nil
			})
		})
		return broken
	}
	if got := whole(); got != nil {
		t.Fatalf("broken: %v", got)
	}
	for _, column := range []string{"action_id", "kind", "at", "actor", "note", "record", "previous", "hash"} {
		b.exec(`UPDATE marain_audit SET ` + column + ` = ` + column + ` || 'x' WHERE seq = 3`)
		if got := whole(); fmt.Sprint(got) != "[3]" {
			t.Errorf("%s edited: broken %v", column, got)
		}
		b.exec(`UPDATE marain_audit SET ` + column + ` = substr(` + column + `, 1, length(` + column + `) - 1) WHERE seq = 3`)
		if got := whole(); got != nil {
			t.Errorf("%s put back: broken %v", column, got)
		}
	}
	// Text cannot move from one part to the next.
	b.exec(`UPDATE marain_audit SET actor = 'an', note = 'n' WHERE seq = 2`)
	if got := whole(); fmt.Sprint(got) != "[2]" {
		t.Errorf("broken %v", got)
	}
}

func TestHeads(t *testing.T) {
	t.Parallel()
	h := Heads{File: filepath.Join(t.TempDir(), "head")}
	if all, err := h.All("db"); err != nil || len(all) != 0 {
		t.Fatalf("%v, %v", all, err)
	}
	hash := func(i int) string { s := sha256.Sum256([]byte{byte(i)}); return hex.EncodeToString(s[:]) }
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if err := h.Add("db", int64(i), hash(i)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := h.Add("other", 3, hash(99)); err != nil {
		t.Fatal(err)
	}
	// A chain that was written anew notes itself again: the first note stands.
	if err := h.Add("db", 3, hash(98)); err != nil {
		t.Fatal(err)
	}
	all, err := h.All("db")
	if err != nil || len(all) != 20 || all[3] != hash(3) {
		t.Fatalf("%d noted, %v", len(all), err)
	}
	info, err := os.Stat(h.File)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	// A crash cut a line short; the next one counts.
	text, err := os.ReadFile(h.File)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(h.File, append(text, []byte("\ndb 20 abc")...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := h.Add("db", 21, hash(21)); err != nil {
		t.Fatal(err)
	}
	if all, err = h.All("db"); err != nil || len(all) != 21 || all[21] != hash(21) {
		t.Errorf("%d noted, %v", len(all), err)
	}
	if newest, err := h.Newest("db"); newest != 21 || err != nil {
		t.Errorf("the newest is %d, %v", newest, err)
	}
	// Another database may have filled the end of the file.
	for i := range int64(1000) {
		if err := h.Add("another", i, hash(1)); err != nil {
			t.Fatal(err)
		}
	}
	for database, want := range map[string]int64{"db": 21, "another": 999, "none": 0} {
		if newest, err := h.Newest(database); newest != want || err != nil {
			t.Errorf("the newest of %s is %d, %v", database, newest, err)
		}
	}
}

func TestContents(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const canary = "CaNaRy is a secret"
	texts := []string{"", "a", canary, strings.Repeat("0123456789", 100000), "\x00\xff\r\n", canary + "\n" + canary}
	for i, text := range texts {
		sum := sha256.Sum256([]byte(text))
		hash := hex.EncodeToString(sum[:])
		b.do(func(q database.Querier) error {
			if err := b.store.PutContent(ctx, q, hash, []byte(text), strings.Contains(text, canary)); err != nil {
				return err
			}
			return b.store.PutContent(ctx, q, hash, []byte(text), false) // again: it is left as it is
		})
		b.do(func(q database.Querier) error {
			raw, err := b.store.Content(ctx, q, hash)
			if err != nil || string(raw) != text {
				t.Errorf("text %d comes back as %.40q, %v", i, raw, err)
			}
			return nil
		})
		// A single changed character is found.
		for _, change := range []string{`CASE substr(body, 1, 1) WHEN 'A' THEN 'B' ELSE 'A' END || substr(body, 2)`, `substr(body, 1, abs(length(body) - 4))`, `body || 'AAAA'`, `'no base64!'`, `''`} {
			err := b.db.Write(ctx, func(q database.Querier) error {
				if _, err := q.Exec(ctx, `UPDATE marain_contents SET body = `+change+` WHERE hash = ?`, hash); err != nil {
					t.Fatal(err)
				}
				if raw, err := b.store.Content(ctx, q, hash); err == nil && string(raw) != text {
					t.Errorf("text %d, %s: %.40q", i, change, raw)
				} else if err == nil && (text != "" && change == `''` || strings.Contains(text, canary)) {
					t.Errorf("text %d, %s: not found", i, change)
				}
				return errors.New("take it back")
			})
			if err == nil {
				t.Fatal("committed")
			}
		}
	}
	b.do(func(q database.Querier) error {
		if _, err := b.store.Content(ctx, q, "none"); !errors.Is(err, ErrNotFound) {
			t.Errorf("%v", err)
		}
		return nil
	})
	files := []string{filepath.Join(b.dir, "key")}
	if !engines.OnPostgres() {
		files = append(files, b.db.Location(), b.db.Location()+"-wal")
	}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil || strings.Contains(string(raw), "CaNaRy") {
			t.Errorf("%s: a secret, or %v", name, err)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "data", "key")
	// Many programs make it at once: all have the one that was there first.
	bodies := make([]string, 8)
	var wg sync.WaitGroup
	for i := range bodies {
		v := vault(t, file, "")
		wg.Go(func() {
			var err error
			if bodies[i], err = v.pack("h", []byte("text"), true); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i, body := range bodies {
		if _, err := vault(t, file, "").unpack("h", body, true); err == nil || strings.Contains(err.Error(), "cannot be opened") {
			t.Errorf("program %d has another key: %v", i, err)
		}
	}
	entries, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	// The hash is part of the seal: a content cannot be put in another's place.
	if _, err := vault(t, file, "").unpack("other", bodies[0], true); err == nil || !strings.Contains(err.Error(), "cannot be opened") {
		t.Errorf("%v", err)
	}
	if _, err := vault(t, file, "given").unpack("h", bodies[0], true); err == nil || !strings.Contains(err.Error(), "cannot be opened") {
		t.Errorf("%v", err)
	}
	if _, err := vault(t, filepath.Join(dir, "none"), "").unpack("h", bodies[0], true); err == nil {
		t.Error("opened without a key")
	}
	if err := os.WriteFile(file, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := vault(t, file, "").pack("h", []byte("text"), true); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a damaged key was used or replaced: %v", err)
	}
}

func TestStatesOfThePast(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.batch("one", KindApply, "a", "a1", "b", "b1")
	b.batch("two", KindApply, "a", "a2")
	b.batch("not", KindFailed, "a", "x")
	b.batch("three", KindApply, "b", "", "c", "c1")
	b.do(func(q database.Querier) error {
		return b.store.MarkRolledBack(ctx, q, one(b.store.VersionsOf(ctx, q, "two")))
	})
	b.batch("four", KindRollback, "a", "a1")
	b.exec(`INSERT INTO file_versions VALUES ('p', 'a', 99, 'later', '', '', '', '[]', '[]', 'pending')`)
	for seq, want := range map[int64]string{0: "", 1: "a=a1 b=b1", 2: "a=a2 b=b1", 3: "a=a2 b=b1", 4: "a=a2 b= c=c1", 5: "a=a1 b= c=c1", 99: "a=a1 b= c=c1"} {
		b.do(func(q database.Querier) error {
			list, err := b.store.StateAt(ctx, q, seq)
			if got := words(list); got != want {
				t.Errorf("after %d: %q, want %q", seq, got, want)
			}
			return err
		})
	}
	b.do(func(q database.Querier) error {
		list, err := b.store.Applied(ctx, q)
		if got := words(list); got != "a=a1 b= c=c1" || list[0].Number != 3 {
			t.Errorf("applied %q", got)
		}
		for hash, want := range map[string]bool{"a1": false, "a2": true, "none": false} {
			if back, err := b.store.WasRolledBack(ctx, q, "a", hash); err != nil || back != want {
				t.Errorf("%s was rolled back: %v, %v", hash, back, err)
			}
		}
		if _, err := b.store.VersionAt(ctx, q, "a", 99); !errors.Is(err, ErrNotFound) {
			t.Errorf("%v", err)
		}
		for _, f := range []struct {
			filter Filter
			want   string
		}{
			{Filter{Limit: 10}, "four three not two one"},
			{Filter{Limit: 2}, "four three"},
			{Filter{Limit: 10, Before: 3}, "two one"},
			{Filter{Limit: 10, Path: "a"}, "four not two one"},
			{Filter{Limit: 10, Path: "c"}, "three"},
			{Filter{Limit: 10, Path: "%"}, ""},
			{Filter{Limit: 10, Status: Applied}, "four three one"},
			{Filter{Limit: 10, Status: RolledBack}, "two"},
			{Filter{Limit: 10, Status: "failed"}, "not"},
		} {
			list, err := b.store.Entries(ctx, q, f.filter)
			var ids []string
			for _, e := range list {
				ids = append(ids, e.ActionID)
			}
			if got := strings.Join(ids, " "); got != f.want || err != nil {
				t.Errorf("%+v: %q, want %q, %v", f.filter, got, f.want, err)
			}
		}
		if _, err := b.store.Entries(ctx, q, Filter{Status: "x"}); err == nil {
			t.Error("a status that does not exist")
		}
		return err
	})
	// A version number is given once.
	err := b.db.Write(ctx, func(q database.Querier) error {
		return b.store.WriteVersion(ctx, q, Version{Path: "a", Number: 3, Status: Applied})
	})
	if err == nil {
		t.Error("a version was written twice")
	}
}

func one[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func words(list []Version) string {
	var all []string
	for _, v := range list {
		all = append(all, v.Path+"="+v.Hash)
	}
	return strings.Join(all, " ")
}

func TestLivesOfThePast(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	life := func(tag string, fields ...string) action.Life {
		l := action.Life{Tag: tag, Fields: map[string]string{}}
		for i := 0; i < len(fields); i += 2 {
			l.Fields[fields[i]] = fields[i+1]
		}
		return l
	}
	steps := []*action.Life{ptr(life("t1", "a", "1")), ptr(life("t1", "a", "1", "b", "2")), ptr(life("t1", "b", "1", "a", "2")), nil, ptr(life("t2")), ptr(life("t1", "b", "1", "a", "2"))}
	before := action.Life{}
	for i, next := range steps {
		b.do(func(q database.Querier) error { return b.store.SetLife(ctx, q, int64(i+1), "e", before, next) })
		before = action.Life{}
		if next != nil {
			before = *next
		}
	}
	b.do(func(q database.Querier) error {
		for i, want := range steps {
			got, err := b.store.LivesAt(ctx, q, int64(i+1))
			if err != nil {
				return err
			}
			if want == nil && len(got) != 0 || want != nil && !reflect.DeepEqual(got["e"], *want) {
				t.Errorf("after %d: %+v, want %+v", i+1, got, want)
			}
		}
		got, err := b.store.Lives(ctx, q)
		if !reflect.DeepEqual(got["e"], *steps[5]) {
			t.Errorf("now: %+v", got)
		}
		return err
	})
}

func ptr[T any](v T) *T { return &v }

func TestTombstonesKeepTheirExactShape(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	loader := document.Loader{SchemaDir: "schemas", ConfigDir: "config", Environment: "dev"}
	doc, problems := loader.Load("schemas/e.schema.yaml", []byte(`id: e
name: E
fields:
  - {id: a, type: integer, default: 9223372036854775807}
  - {id: b, type: float, default: 3}
  - {id: c, type: text, default: "3"}
  - {id: d, type: boolean, default: false}
  - {id: f, type: datetime, default: "2026-01-01T00:00:00Z"}
  - id: g
    type: component
    default: {n: 1}
    fields:
      - {id: n, type: integer, default: -5}
      - {id: m, type: component, fields: [{id: x, type: float, default: 0.5}]}
`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := action.Tombstone{Entity: "e", EntityTag: "t", Field: "", Tag: "t", ActionID: "x", Shape: doc.Entity, Life: action.Life{Tag: "t", Fields: map[string]string{"a": "1"}}}
	b.do(func(q database.Querier) error { return b.store.Bury(ctx, q, 1, want) })
	b.do(func(q database.Querier) error {
		list, err := b.store.Tombstones(ctx, q)
		if err != nil || len(list) != 1 {
			t.Fatalf("%+v, %v", list, err)
		}
		want.ID = list[0].ID
		if !reflect.DeepEqual(list[0], want) {
			t.Errorf("got  %+v\nwant %+v", list[0].Shape, want.Shape)
		}
		if err := b.store.Revive(ctx, q, 2, want.ID, "y"); err != nil {
			return err
		}
		if err := b.store.Revive(ctx, q, 2, want.ID, "y"); !errors.Is(err, ErrNotFound) {
			t.Errorf("revived twice: %v", err)
		}
		list, err = b.store.Tombstones(ctx, q)
		if len(list) != 0 {
			t.Error("in use and out of use")
		}
		return err
	})
}

func TestOutboxAndHeldFiles(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.do(func(q database.Querier) error {
		for _, w := range []Write{{ActionID: "1", Path: "a", Expected: "x", BodyHash: "y"}, {ActionID: "1", Path: "b"}, {ActionID: "2", Path: "a", Expected: "y", BodyHash: "z"}} {
			if err := b.store.Enqueue(ctx, q, w); err != nil {
				return err
			}
		}
		list, err := b.store.Outbox(ctx, q)
		if err != nil || len(list) != 2 || list[0].Path != "b" || list[1].BodyHash != "z" {
			t.Fatalf("%+v, %v", list, err)
		}
		stale := list[1]
		stale.ActionID = "1" // another program's write has taken the number meanwhile
		if err := b.store.Written(ctx, q, stale); err != nil {
			return err
		}
		if err := b.store.Written(ctx, q, list[0]); err != nil {
			return err
		}
		if list, err = b.store.Outbox(ctx, q); err != nil || len(list) != 1 || list[0].Path != "a" {
			t.Errorf("%+v, %v", list, err)
		}
		for _, h := range []Held{{Path: "a", Hash: "1"}, {Path: "b", Hash: "2"}, {Path: "a", Hash: "3", Note: "n"}} {
			if err := b.store.Hold(ctx, q, h); err != nil {
				return err
			}
		}
		if err := b.store.Release(ctx, q, "b"); err != nil {
			return err
		}
		held, err := b.store.HeldFiles(ctx, q)
		if len(held) != 1 || held[0].Hash != "3" || held[0].Note != "n" {
			t.Errorf("%+v", held)
		}
		return err
	})
}

func TestPendingVersions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.batch("one", KindApply, "a", "a1")
	set := func(wanted map[string]Version, want string) {
		t.Helper()
		b.do(func(q database.Querier) error {
			if err := b.store.SetPending(ctx, q, wanted); err != nil {
				return err
			}
			list, err := b.store.PendingVersions(ctx, q)
			if got := words(list); got != want {
				t.Errorf("waits: %q, want %q", got, want)
			}
			return err
		})
	}
	set(map[string]Version{"a": {Number: 2, Hash: "x"}, "b": {Number: 1, Hash: "y"}}, "a=x b=y")
	set(map[string]Version{"a": {Number: 2, Hash: "z"}}, "a=z")
	b.batch("two", KindApply, "a", "a2")
	set(map[string]Version{"a": {Number: 3, Hash: ""}}, "a=")
	set(nil, "")
}

func TestPreparingAgainChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.batch("one", KindApply, "a", "a1")
	var before, after string
	b.do(func(q database.Querier) (err error) { before, err = b.store.DatabaseID(ctx, q); return err })
	b.do(func(q database.Querier) error { return b.store.Prepare(ctx, q) })
	b.do(func(q database.Querier) (err error) { after, err = b.store.DatabaseID(ctx, q); return err })
	if before != after || before == "" {
		t.Errorf("the database was called %q and is called %q", before, after)
	}
	b.exec(`UPDATE marain_meta SET value = '2' WHERE name = 'schema_version'`)
	if err := b.db.Write(ctx, func(q database.Querier) error { return b.store.Prepare(ctx, q) }); !errors.Is(err, ErrNewer) {
		t.Errorf("%v", err)
	}
	b.exec(`UPDATE marain_meta SET value = 'x' WHERE name = 'schema_version'`)
	if err := b.db.Write(ctx, func(q database.Querier) error { return b.store.Prepare(ctx, q) }); err == nil || errors.Is(err, ErrNewer) {
		t.Errorf("%v", err)
	}
}

func TestOrderComesFromTheChain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	day := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 4 {
		b.store.Now = func() time.Time { return day.AddDate(0, 0, -i) }
		b.do(func(q database.Querier) error {
			_, err := b.store.Append(ctx, q, Entry{ActionID: fmt.Sprint(9 - i), Kind: KindApply, At: b.store.stamp()})
			return err
		})
	}
	b.do(func(q database.Querier) error {
		list, err := b.store.Entries(ctx, q, Filter{Limit: 9})
		for i, e := range list {
			if e.Seq != int64(4-i) {
				t.Errorf("entry %d is link %d", i, e.Seq)
			}
		}
		return err
	})
}
