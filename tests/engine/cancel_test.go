package engine

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

const counted = `id: article
name: Article
fields:
  - id: title
    type: text
    required: true
  - id: number
    type: integer
`

// Ctrl+C in the middle of a statement cancels an apply: nothing of it is left, and the history says who did so.
func TestAnInterruptedApplyLeavesNothing(t *testing.T) {
	p := newPlace(t, "none")
	p.write(articleFile, counted)
	if exit := p.marain(nil, "apply", "--approve", "breaking"); exit != 0 {
		t.Fatalf("first apply: %d", exit)
	}
	db, err := sql.Open("sqlite", "file:"+p.path("data/content/marain.db")+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	// So many rows that their conversion takes longer than somebody needs to interrupt it.
	_, err = db.Exec(`INSERT INTO content_article (id, title, number) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 700000) SELECT printf('%07d', i), 'one', i FROM n`)
	if err != nil {
		t.Fatal(err)
	}
	p.write(articleFile, strings.Replace(counted, "type: integer", "type: text", 1))
	cmd := p.command("apply", "--approve", "breaking")
	var messages bytes.Buffer
	cmd.Stderr = &messages
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	untilHeld(t, db)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != 1 || !strings.Contains(messages.String(), "cancelled by ") {
		t.Errorf("%v: %s", err, &messages)
	}
	var h struct {
		Items []struct{ Status, Error string } `json:"items"`
	}
	p.marain(&h, "history", "--limit", "1")
	if len(h.Items) != 1 || h.Items[0].Status != "failed" || !strings.HasPrefix(h.Items[0].Error, "cancelled by ") || !strings.HasSuffix(h.Items[0].Error, " via command; nothing was changed") {
		t.Errorf("%+v", h.Items)
	}
	var columns string
	if err := db.QueryRow(`SELECT group_concat(name || ' ' || type) FROM pragma_table_info('content_article')`).Scan(&columns); err != nil ||
		strings.Contains(columns, "_old_") || !strings.Contains(columns, "number INTEGER") {
		t.Errorf("%s, %v", columns, err)
	}
	p.sound("after the interrupt")
	if exit := p.marain(nil, "apply", "--approve", "breaking"); exit != 0 {
		t.Errorf("the next apply: %d", exit)
	}
	p.sound("after the next apply")
}

// untilHeld waits until somebody has held the database's lock for so long that no ordinary batch would.
func untilHeld(t *testing.T, db *sql.DB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for held := 0; held < 25; {
		tx, err := db.BeginTx(ctx, nil)
		var coded *driver.Error
		switch {
		case err == nil:
			held = 0
			if err := tx.Rollback(); err != nil {
				t.Fatal(err)
			}
		case errors.As(err, &coded) && coded.Code()&0xff == lib.SQLITE_BUSY:
			held++
		default:
			t.Fatal(err)
		}
		select {
		case <-ctx.Done():
			t.Fatal("nobody takes the lock")
		case <-ticker.C:
		}
	}
}
