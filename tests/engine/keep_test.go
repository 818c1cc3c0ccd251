package engine

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"
)

type backups struct {
	Items []struct {
		Name     string `json:"name"`
		ActionID string `json:"action_id"`
		Kind     string `json:"kind"`
		OK       bool   `json:"ok"`
		Message  string `json:"message"`
	} `json:"items"`
}

// sql asks the database as another program would.
func (p *place) sql(into any, query string) {
	p.t.Helper()
	db, err := sql.Open("sqlite", "file:"+p.path("data/content/marain.db")+"?_pragma=busy_timeout(5000)&_pragma=foreign_keys(on)")
	if err != nil {
		p.t.Fatal(err)
	}
	defer db.Close()
	if into == nil {
		_, err = db.Exec(query)
	} else {
		err = db.QueryRow(query).Scan(into)
	}
	if err != nil {
		p.t.Fatalf("%s: %v", query, err)
	}
}

// kills ends commands at moments that are not known beforehand, within the time that the first one takes.
type kills struct {
	most   time.Duration
	killed int
}

func (k *kills) run(p *place, args ...string) {
	p.t.Helper()
	cmd := p.command(args...)
	if k.most == 0 {
		began := time.Now()
		if out, err := cmd.CombinedOutput(); err != nil {
			p.t.Fatalf("%v: %v\n%s", args, err, out)
		}
		k.most = time.Since(began)
		return
	}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	timer := time.AfterFunc(rand.N(k.most), func() { _ = cmd.Process.Kill() })
	_ = cmd.Wait() // it was killed, or it was faster
	timer.Stop()
	if cmd.ProcessState.ExitCode() == -1 {
		k.killed++
	}
}

// large is a project with some megabytes of rows, and a backup from when all of them had a body.
func large(t *testing.T) (p *place, backup string) {
	t.Helper()
	p = newPlace(t, "none")
	p.marain(nil, "apply", "--approve", "breaking")
	p.sql(nil, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 8000)
INSERT INTO content_article (id, title, body) SELECT 'a' || i, 'title ' || i, 'body ' || i || hex(zeroblob(100)) FROM n`)
	p.write(articleFile, strings.Replace(article, "  - id: body\n    type: long_text\n", "", 1))
	if exit := p.marain(nil, "apply", "--approve", "breaking"); exit != 0 {
		t.Fatalf("apply: %d", exit)
	}
	var list backups
	p.marain(&list, "backups")
	if len(list.Items) != 1 {
		t.Fatalf("%+v", list)
	}
	return p, list.Items[0].Name
}

// whole fails the test unless every backup that is listed can be restored and nothing is without end.
func (p *place) whole(when string) {
	p.t.Helper()
	var list backups
	p.marain(&list, "backups")
	for _, b := range list.Items {
		if !b.OK {
			p.t.Errorf("%s: %s: %s", when, b.Name, b.Message)
		}
	}
}

// A restore that is killed at any moment was not begun, or is complete: rows, tables and history together.
func TestKilledRestores(t *testing.T) {
	t.Parallel()
	p, backup := large(t)
	var k kills
	done := 0
	for i := range 15 {
		p.sql(nil, fmt.Sprintf(`UPDATE content_article SET title = 'round %d'`, i))
		k.run(p, "restore-backup", backup, "--yes")
		when := fmt.Sprintf("kill %d", i)
		p.sound(when)
		p.whole(when)
		var h past
		p.marain(&h, "history", "--limit", "1")
		var present, former int
		p.sql(&present, fmt.Sprintf(`SELECT count(*) FROM content_article WHERE title = 'round %d'`, i))
		p.sql(&former, `SELECT count(*) FROM content_article WHERE title = 'title ' || substr(id, 2)`)
		switch {
		case present == 8000 && h.Items[0].Kind == "apply":
		case former == 8000 && h.Items[0].Kind == "restore":
			done++
			p.write(articleFile, strings.Replace(article, "  - id: body\n    type: long_text\n", "", 1))
			if exit := p.marain(nil, "apply", articleFile, "--approve", "breaking"); exit != 0 {
				t.Fatalf("%s: apply: %d", when, exit)
			}
		default:
			t.Fatalf("%s: %d rows are present ones, %d former ones, and the newest batch is %s", when, present, former, h.Items[0].Kind)
		}
		// What the apply and the restores left must not fill the disk.
		p.tidy(backup)
	}
	t.Logf("%d killed, %d restored", k.killed, done)
	if k.killed < 4 {
		t.Errorf("only %d of 15 restores were killed before their end: the test proves too little", k.killed)
	}
}

// tidy removes all backups but one.
func (p *place) tidy(keep string) {
	p.t.Helper()
	files, err := os.ReadDir(p.path("data/backups"))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasPrefix(f.Name(), keep) {
			if err := os.RemoveAll(filepath.Join(p.path("data/backups"), f.Name())); err != nil {
				p.t.Fatal(err)
			}
		}
	}
}

// A purge that is killed at any moment destroyed nothing, or all of what was asked for.
func TestKilledPurges(t *testing.T) {
	t.Parallel()
	p, backup := large(t)
	var k kills
	done := 0
	for i := range 15 {
		k.run(p, "purge", "--older-than", "0", "--confirm", "1")
		when := fmt.Sprintf("kill %d", i)
		p.sound(when)
		p.whole(when)
		var h past
		p.marain(&h, "history", "--limit", "1")
		var there int
		p.sql(&there, `SELECT count(*) FROM pragma_table_info('content_article') WHERE name LIKE '\_old\_%' ESCAPE '\'`)
		switch {
		case there == 1 && h.Items[0].Kind != "purge":
		case there == 0 && h.Items[0].Kind == "purge":
			done++
			if exit := p.marain(nil, "restore-backup", backup, "--yes"); exit != 0 {
				t.Fatalf("%s: restore: %d", when, exit)
			}
			if exit := p.marain(nil, "apply", articleFile, "--approve", "breaking"); exit != 0 {
				t.Fatalf("%s: apply: %d", when, exit)
			}
		default:
			t.Fatalf("%s: %d columns out of use, and the newest batch is %s", when, there, h.Items[0].Kind)
		}
		p.tidy(backup)
	}
	t.Logf("%d killed, %d purged", k.killed, done)
	if k.killed < 4 {
		t.Errorf("only %d of 15 purges were killed before their end: the test proves too little", k.killed)
	}
}

// Scripts and servers: no question without a terminal, no restore beside a server, and the page's doors.
func TestKeepingThroughTheDoors(t *testing.T) {
	t.Parallel()
	p, backup := large(t)
	if exit := p.marain(nil, "restore-backup"); exit != 2 {
		t.Errorf("without a terminal: %d", exit)
	}
	if exit := p.marain(nil, "purge", "--older-than", "0"); exit != 2 {
		t.Errorf("without a terminal: %d", exit)
	}
	s := p.serve()
	if exit := p.marain(nil, "restore-backup", backup, "--yes"); exit != 1 {
		t.Errorf("beside a server: %d", exit)
	}
	if exit := p.marain(nil, "restore-backup", backup, "--dry-run"); exit != 0 {
		t.Errorf("looking at it beside a server: %d", exit)
	}
	var list backups
	if code := s.call("GET", "backups", "", &list); code != 200 || len(list.Items) != 1 {
		t.Errorf("%d, %+v", code, list)
	}
	var tombs struct {
		Items []struct{ ID, Name string }
	}
	if code := s.call("GET", "tombstones", "", &tombs); code != 200 || len(tombs.Items) != 1 || tombs.Items[0].Name != "article.body" {
		t.Fatalf("%d, %+v", code, tombs)
	}
	var dry, done struct {
		ActionID string `json:"action_id"`
		Confirm  string
		Backup   string
	}
	body := `{"ids":["` + tombs.Items[0].ID + `"]`
	if code := s.call("POST", "purge", body+`,"dry_run":true}`, &dry); code != 200 || dry.ActionID != "" || dry.Confirm == "" {
		t.Errorf("%d, %+v", code, dry)
	}
	if code := s.call("POST", "purge", body+`}`, nil); code != 400 {
		t.Errorf("without confirmation: %d", code)
	}
	if code := s.call("POST", "purge", body+`,"confirm":"`+dry.Confirm+`"}`, &done); code != 200 || done.ActionID == "" || done.Backup == "" {
		t.Errorf("%d, %+v", code, done)
	}
	if code := s.call("POST", "purge", body+`,"confirm":"`+dry.Confirm+`"}`, nil); code != 404 {
		t.Errorf("a second time: %d", code)
	}
	s.kill()
	p.sound("the end")
	if exit := p.marain(nil, "restore-backup", "--yes"); exit != 0 {
		t.Errorf("restore the newest: %d", exit)
	}
	var rows int
	p.sql(&rows, `SELECT count(*) FROM content_article`)
	if rows != 8000 {
		t.Errorf("%d rows", rows)
	}
	p.sound("the restore")
}
