package coordinator_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"marain/backend/action"
	"marain/backend/coordinator"
	"marain/tests/cluster"
)

// past makes a project with some history of every kind.
func past(t *testing.T) *bench {
	b := newBench(t, "none", map[string]string{notePath: entity("note", f("a text"), f("many text", "cardinality: -1"))})
	b.apply(coordinator.ReloadRequest{})
	b.sql(`INSERT INTO content_note (id, a) VALUES ('1', 'v')`)
	r := b.save(notePath, entity("note", f("a text"), f("many text", "cardinality: -1"), f("b text")))
	b.undo(r)
	b.write(userPath, entity("user", f("a text")))
	if _, err := b.c.Reject(context.Background(), coordinator.RejectRequest{Files: []string{userPath}}, person); err != nil {
		t.Fatal(err)
	}
	b.apply(coordinator.ReloadRequest{Files: []string{userPath}})
	b.remove(userPath)
	b.breaking()
	b.save(notePath, entity("note"))
	b.inSync()
	return b
}

func TestVerifyFindsWhatWasTamperedWith(t *testing.T) {
	t.Parallel()
	original := past(t)
	original.disconnect()
	if err := original.c.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		sql  []string
		want string // the code of a fault
	}{
		{"a record edited", []string{`UPDATE marain_audit SET record = replace(record, 'note', 'nota') WHERE seq = 2`}, "chain_edited"},
		{"one byte of a record", []string{`UPDATE marain_audit SET record = record || ' ' WHERE seq = 3`}, "chain_edited"},
		{"who it was", []string{`UPDATE marain_audit SET actor = 'bob via code' WHERE seq = 1`}, "chain_edited"},
		{"when it was", []string{`UPDATE marain_audit SET at = '2001-01-01T00:00:00.000Z' WHERE seq = 1`}, "chain_edited"},
		{"a note", []string{`UPDATE marain_audit SET note = 'x' WHERE seq = 4`}, "chain_edited"},
		{"a record that is no JSON", []string{`UPDATE marain_audit SET record = '{' WHERE seq = 2`}, "chain_edited"},
		{"a link cut out", []string{`DELETE FROM marain_audit WHERE seq = 3`}, "chain_cut"},
		{"the first link cut", []string{`DELETE FROM marain_audit WHERE seq = 1`}, "chain_cut"},
		{"the last five cut", []string{`DELETE FROM marain_audit WHERE seq > (SELECT max(seq) - 5 FROM marain_audit)`}, "chain_cut"},
		{"all of it cut", []string{`DELETE FROM marain_audit`}, "chain_cut"},
		{"two links swapped", []string{`UPDATE marain_audit SET seq = 100 WHERE seq = 2`, `UPDATE marain_audit SET seq = 2 WHERE seq = 3`, `UPDATE marain_audit SET seq = 3 WHERE seq = 100`}, "chain_broken"},
		{"a hash edited", []string{`UPDATE marain_audit SET hash = replace(hash, substr(hash, 1, 1), 'x') WHERE seq = 2`}, "chain_edited"},
		{"a version's hash", []string{`UPDATE file_versions SET file_hash = 'x' WHERE file_path LIKE '%note%' AND version = 1`}, "version_edited"},
		{"a version's status", []string{`UPDATE file_versions SET status = 'applied' WHERE status = 'rolled_back'`}, "version_edited"},
		{"a version removed", []string{`DELETE FROM file_versions WHERE file_path LIKE '%note%' AND version = 2`}, "version_missing"},
		{"a version added", []string{`INSERT INTO file_versions SELECT 'x', 'schemas/z.schema.yaml', 1, '', action_id, applied_at, applied_by, '[]', '[]', 'applied' FROM file_versions LIMIT 1`}, "version_added"},
		{"a version of no batch", []string{`INSERT INTO file_versions SELECT 'x', file_path, 99, '', 'nobody', applied_at, applied_by, '[]', '[]', 'applied' FROM file_versions WHERE file_path LIKE '%note%' LIMIT 1`}, "version_added"},
		{"a content removed", []string{`DELETE FROM marain_contents`}, "content"},
		{"an old content removed", []string{`DELETE FROM marain_contents WHERE hash IN (SELECT file_hash FROM file_versions WHERE file_path LIKE '%note%' AND version = 2)`}, "content"},
		{"an old content damaged", []string{`UPDATE marain_contents SET body = 'KLUv/QQAAQAAeHh4eA==' WHERE hash IN (SELECT file_hash FROM file_versions WHERE file_path LIKE '%note%' AND version = 2)`}, "content"},
		{"a column out of use dropped", []string{`ALTER TABLE content_note DROP COLUMN "{column}"`}, "tombstone"},
		{"a table out of use dropped", []string{`DROP TABLE "{table}"`}, "tombstone"},
		{"a tombstone forgotten", []string{`DELETE FROM marain_tombstones`}, "tombstone"},
		{"an incarnation forgotten", []string{`DELETE FROM marain_lives WHERE until IS NULL`}, "incarnation"},
		{"damage that the database finds itself", original.damage(), "database"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := original.copy(t)
			column, table := outOfUse(b.columns("content_note"), "_a"), outOfUse(b.tableNames(), "_many")
			for i := range c.sql {
				c.sql[i] = strings.NewReplacer("{column}", column, "{table}", table).Replace(c.sql[i])
			}
			b.sqlOnOne(c.sql...)
			for _, again := range []bool{false, true} {
				if again {
					b.open(false) // what was known before the change does not hide it, nor does what is read after
				}
				result, err := b.c.Verify(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				found := false
				for _, fault := range result.Faults {
					found = found || fault.Code == c.want
				}
				if !found || result.OK {
					t.Errorf("verify finds %+v", result.Faults)
				}
			}
		})
	}
}

// damage are statements that leave a database in a state that its own check finds: rows that refer to nothing, or an
// index that was not finished.
func (b *bench) damage() []string {
	if b.postgres() {
		return []string{`UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'idx_file_versions_path'::regclass`}
	}
	return []string{`PRAGMA foreign_keys = off`, `CREATE TABLE p (id TEXT PRIMARY KEY)`, `CREATE TABLE q (p TEXT REFERENCES p (id))`, `INSERT INTO q VALUES ('x')`}
}

// outOfUse returns the one name that was taken out of use and ends in a certain way.
func outOfUse(names []string, ending string) string {
	for _, name := range names {
		if action.IsOutOfUse(name) && strings.HasSuffix(name, ending) {
			return name
		}
	}
	return ""
}

// copy opens a copy of a project that is closed.
func (b *bench) copy(t *testing.T) *bench {
	t.Helper()
	c := &bench{t: t, root: t.TempDir()}
	if b.postgres() {
		b.disconnect()
		c.address = cluster.Copy(t, b.address)
	}
	if err := os.CopyFS(c.root, os.DirFS(b.root)); err != nil {
		t.Fatal(err)
	}
	c.open(false)
	return c
}

// sqlOnOne runs statements on one connection, so that a setting holds for those that follow.
func (b *bench) sqlOnOne(statements ...string) {
	b.t.Helper()
	db := b.other()
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			b.t.Fatalf("%s: %v", s, err)
		}
	}
}

// TestVerifyFindsAChainThatWasWrittenAnew rewrites history so that it is whole in itself.
func TestVerifyFindsAChainThatWasWrittenAnew(t *testing.T) {
	t.Parallel()
	b := past(t)
	db := b.other()
	defer db.Close()
	previous := ""
	for _, seq := range b.rows(`SELECT seq FROM marain_audit ORDER BY seq`) {
		var action, kind, at, note, record string
		if err := db.QueryRow(b.numbered(`SELECT action_id, kind, at, note, record FROM marain_audit WHERE seq = ?`), seq).Scan(&action, &kind, &at, &note, &record); err != nil {
			t.Fatal(err)
		}
		h := sha256.New()
		for _, part := range []string{previous, seq, action, kind, at, "mallory via code", note, record} {
			io.WriteString(h, strconv.Itoa(len(part))+":"+part)
		}
		hash := hex.EncodeToString(h.Sum(nil))
		if _, err := db.Exec(b.numbered(`UPDATE marain_audit SET actor = 'mallory via code', previous = ?, hash = ? WHERE seq = ?`), previous, hash, seq); err != nil {
			t.Fatal(err)
		}
		previous = hash
	}
	result, err := b.c.Verify(context.Background())
	if err != nil || result.OK {
		t.Fatalf("%+v, %v", result, err)
	}
	for _, fault := range result.Faults {
		if fault.Code != "chain_rewritten" {
			t.Errorf("the chain is not as whole as this test wants it: %+v", fault)
		}
	}
	// What goes on after a rewriting does not make it good.
	b.write(userPath, entity("user", f("b text")))
	b.apply(coordinator.ReloadRequest{Approve: "breaking", Answers: map[string]string{"restore:user": "empty"}})
	if result, err = b.c.Verify(context.Background()); err != nil || result.OK {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestALineOfTheHeadThatACrashCutShort(t *testing.T) {
	t.Parallel()
	b := past(t)
	file := filepath.Join(b.root, "data/audit.head")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text[:len(text)-20], 0o600); err != nil {
		t.Fatal(err)
	}
	b.sound()
	b.save(notePath, entity("note", f("c text")))
	b.sound()
	// The line that was written after it counts.
	b.sql(`DELETE FROM marain_audit WHERE seq = (SELECT max(seq) FROM marain_audit)`)
	result, err := b.c.Verify(context.Background())
	if err != nil || result.OK {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestTimeGoesBackwards(t *testing.T) {
	t.Parallel()
	b := past(t)
	// As if the clock had been in the future when all of this happened.
	b.sql(`UPDATE marain_drafts SET at = '2999-01-01T00:00:00.000Z'`)
	order := b.rows(`SELECT action_id FROM marain_audit ORDER BY seq DESC`)
	r := b.save(notePath, entity("note", f("z text")))
	page, err := b.c.History(context.Background(), coordinator.HistoryRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, item := range page.Items {
		ids = append(ids, item.ActionID)
	}
	if fmt.Sprint(ids) != fmt.Sprint(append([]string{r.ActionID}, order...)) {
		t.Errorf("order %v", ids)
	}
}
