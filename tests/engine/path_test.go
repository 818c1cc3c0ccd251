package engine

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Three edited files are one batch; taken back, they are byte for byte what they were, and nothing is proposed.
func TestThreeFilesAreOneBatch(t *testing.T) {
	p := newPlace(t, "none")
	p.write("schemas/author.schema.yaml", "id: author\nname: Author\nfields:\n  - {id: name, type: text}\n")
	before := map[string]string{
		articleFile:                  strings.ReplaceAll(article, "\n", "\r\n"),
		"schemas/author.schema.yaml": "id: author # who writes\nname: 'Author'\nfields:\n  - {id: name, type: text}",
		"config/config.site.yaml":    "# the site\nid: site\n\nvalues:\n  title:   'One'\n",
	}
	for name, text := range before {
		p.write(name, text)
	}
	if exit := p.marain(nil, "apply"); exit != 0 {
		t.Fatalf("first apply: %d", exit)
	}
	s := p.serve()
	s.until("the start", inSync)
	p.write(articleFile, article+"  - {id: lead, type: text}\n")
	p.write("schemas/author.schema.yaml", "id: author\nname: Author\nfields:\n  - {id: name, type: text}\n  - {id: born, type: datetime}\n")
	p.write("config/config.site.yaml", "id: site\nvalues:\n  title: Two\n  slogan: New\n")
	s.until("three waiting files", func(st status) bool {
		files := map[string]bool{}
		for _, c := range st.Pending {
			files[c.File] = true
		}
		return len(files) == 3
	})
	var done applied
	if code := s.call("POST", "reload", `{"approve":"warning"}`, &done); code != 200 || len(done.Applied) != 3 || done.ActionID == "" {
		t.Fatalf("apply answers %d: %+v", code, done)
	}
	if h := s.history(); h.Items[0].ActionID != done.ActionID || len(h.Items[0].Files) != 3 {
		t.Fatalf("the newest batch is %+v", h.Items[0])
	}
	if code := s.call("POST", "rollback", `{"action_id":"`+done.ActionID+`"}`, &done); code != 200 {
		t.Fatalf("rollback answers %d: %+v", code, done)
	}
	for name, text := range before {
		if now := p.read(name); now != text {
			t.Errorf("%s is %q, not %q", name, now, text)
		}
	}
	s.until("the end", inSync)
	p.sound("after the rollback")
	if h := s.history(); len(h.Items) != 3 {
		t.Errorf("%d batches, not three: the watcher proposed something", len(h.Items))
	}
}

// Every way in which editors save is one batch, and nothing is ever seen to be removed.
func TestEditorsSaves(t *testing.T) {
	saves := []struct {
		name string
		save func(p *place, text string) error
	}{
		{"truncate and write", func(p *place, text string) error {
			f, err := os.OpenFile(p.path(articleFile), os.O_WRONLY|os.O_TRUNC, 0)
			if err != nil {
				return err
			}
			half := len(text) / 2
			if _, err = f.WriteString(text[:half]); err == nil {
				_, err = f.WriteString(text[half:])
			}
			if err != nil {
				return err
			}
			return f.Close()
		}},
		{"temporary file renamed over it", func(p *place, text string) error {
			if err := os.WriteFile(p.path("schemas/.article.tmp"), []byte(text), 0o644); err != nil {
				return err
			}
			return os.Rename(p.path("schemas/.article.tmp"), p.path(articleFile))
		}},
		{"vim: renamed to a backup, written anew, backup removed", func(p *place, text string) error {
			if err := os.WriteFile(p.path("schemas/4913"), nil, 0o644); err != nil {
				return err
			}
			if err := os.Remove(p.path("schemas/4913")); err != nil {
				return err
			}
			if err := os.Rename(p.path(articleFile), p.path(articleFile)+"~"); err != nil {
				return err
			}
			if err := os.WriteFile(p.path(articleFile), []byte(text), 0o644); err != nil {
				return err
			}
			return os.Remove(p.path(articleFile) + "~")
		}},
		{"jetbrains: temporary, original aside, temporary in place", func(p *place, text string) error {
			if err := os.WriteFile(p.path(articleFile)+"___jb_tmp___", []byte(text), 0o644); err != nil {
				return err
			}
			if err := os.Rename(p.path(articleFile), p.path(articleFile)+"___jb_old___"); err != nil {
				return err
			}
			if err := os.Rename(p.path(articleFile)+"___jb_tmp___", p.path(articleFile)); err != nil {
				return err
			}
			return os.Remove(p.path(articleFile) + "___jb_old___")
		}},
	}
	p := newPlace(t, "all")
	s := p.serve()
	s.until("the start", inSync)
	batches := len(s.history().Items)
	for i, save := range saves {
		t.Run(save.name, func(t *testing.T) {
			field := fmt.Sprintf("  - {id: saved_%d, type: text}\n", i)
			before := s.status().Snapshot
			if err := save.save(p, p.read(articleFile)+field); err != nil {
				t.Fatal(err)
			}
			s.until("the apply", func(st status) bool { return st.InSync && st.Snapshot > before })
			items := s.history().Items
			if len(items) != batches+1 {
				t.Fatalf("%d batches for one save", len(items)-batches)
			}
			batches = len(items)
			if f := items[0].Files; len(f) != 1 || f[0].Event != "modified" {
				t.Errorf("the batch holds %+v", f)
			}
		})
	}
	p.sound("after all saves")
}

// A checkout of 200 files is one batch, there and back.
func TestCheckoutIsOneBatch(t *testing.T) {
	p := newPlace(t, "all")
	const files = 200
	content := func(i int, more string) string {
		return fmt.Sprintf("id: type_%d\nname: Type\nfields:\n  - {id: title, type: text}\n%s", i, more)
	}
	p.write(".gitignore", "data/\n")
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=ann", "-c", "user.email=ann@example.org"}, args...)...)
		cmd.Dir = p.root
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	for i := range files {
		p.write(fmt.Sprintf("schemas/type_%d.schema.yaml", i), content(i, ""))
	}
	git("init", "-q", "-b", "one")
	git("add", ".")
	git("commit", "-q", "-m", "one")
	git("checkout", "-q", "-b", "two")
	for i := range files {
		p.write(fmt.Sprintf("schemas/type_%d.schema.yaml", i), content(i, "  - {id: more, type: text}\n"))
	}
	git("commit", "-q", "-a", "-m", "two")
	git("checkout", "-q", "one")
	s := p.serve()
	s.until("the start", inSync)
	before := s.history()
	git("checkout", "-q", "two")
	s.until("the checkout's apply", func(st status) bool { return st.InSync && st.Snapshot > uint64(len(before.Items)) })
	after := s.history()
	if len(after.Items) != len(before.Items)+1 || len(after.Items[0].Files) != files {
		t.Fatalf("%d batches, the newest of %d files", len(after.Items)-len(before.Items), len(after.Items[0].Files))
	}
	// The way back removes a field from each: it waits for a person, as one plan.
	git("checkout", "-q", "one")
	st := s.until("the way back", func(st status) bool { return len(st.Pending) == files })
	for _, c := range st.Pending {
		if c.Op != "remove" || c.Key != "fields.more" || c.Event != "modified" {
			t.Fatalf("an unexpected change: %+v", c)
		}
	}
	p.sound("after the checkouts")
}

// Ten kinds of broken file: each is reported with its place and what to do, nothing else changes, and the mended file
// clears it.
func TestInvalidFiles(t *testing.T) {
	kinds := []struct{ name, text string }{
		{"empty", ""},
		{"only a comment", "# nothing yet\n"},
		{"a tab", "id: article\n\tname: Article\n"},
		{"a duplicate key", article + "name: Again\n"},
		{"a misspelt key", strings.Replace(article, "required", "requird", 1)},
		{"an unknown type", strings.Replace(article, "long_text", "longtext", 1)},
		{"an anchor", strings.Replace(article, "name: Article", "name: &n Article", 1)},
		{"two documents", article + "---\n" + article},
		{"a reference to nothing", article + "  - {id: author, type: entity_reference, target_entity: writer}\n"},
		{"a reserved field id", article + "  - {id: rowid, type: integer}\n"},
		{"a field twice", article + "  - {id: title, type: text}\n"},
		{"not UTF-8", strings.Replace(article, "Article", "Artikel f\xfcr", 1)},
	}
	p := newPlace(t, "all")
	s := p.serve()
	s.until("the start", inSync)
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			before := s.status()
			p.write(articleFile, kind.text)
			st := s.until("the report", func(st status) bool { return len(st.Invalid) > 0 })
			for _, problem := range st.Invalid {
				if problem.File != articleFile || problem.Line < 1 || problem.Column < 1 || problem.Message == "" || problem.Hint == "" || problem.Code == "" {
					t.Errorf("incomplete: %+v", problem)
				}
			}
			if st.Snapshot != before.Snapshot || len(st.Pending) > 0 || st.State != "invalid" {
				t.Errorf("something else changed: %+v", st)
			}
			if exit := p.marain(nil, "validate"); exit != 4 {
				t.Errorf("validate exits with %d", exit)
			}
			p.write(articleFile, article)
			if st := s.until("the mended file", inSync); st.Snapshot != before.Snapshot {
				t.Error("a version came of it")
			}
		})
	}
	p.sound("after all of them")
}

// Removing everything at once is never automatic, whatever the policy says.
func TestRemovalsWaitForAPerson(t *testing.T) {
	p := newPlace(t, "all")
	s := p.serve()
	s.until("the start", inSync)
	if err := os.Remove(p.path(articleFile)); err != nil {
		t.Fatal(err)
	}
	st := s.until("the removal", func(st status) bool { return len(st.Pending) > 0 })
	if !slices.ContainsFunc(st.Pending, func(c struct {
		File  string `json:"file_path"`
		Op    string `json:"op"`
		Key   string `json:"key"`
		Event string `json:"event"`
	},
	) bool {
		return c.Event == "removed" && c.Op == "remove"
	}) {
		t.Errorf("it is shown as %+v", st.Pending)
	}
	// A whole source folder that is gone says nothing about its files.
	p.write(articleFile, article)
	s.until("the file again", inSync)
	if err := os.Rename(p.path("schemas"), filepath.Join(p.root, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	st = s.until("the missing folder", func(st status) bool { return st.State == "unavailable" })
	if len(st.Pending) > 0 {
		t.Errorf("a missing folder proposes %+v", st.Pending)
	}
	if err := os.Rename(filepath.Join(p.root, "elsewhere"), p.path("schemas")); err != nil {
		t.Fatal(err)
	}
	s.until("the folder again", inSync)
	p.sound("at the end")
}

// A look at a file that was just saved does not keep it from being applied by policy.
func TestALookDoesNotStopThePolicy(t *testing.T) {
	p := newPlace(t, "safe")
	s := p.serve()
	s.until("the start", inSync)
	for i := range 5 {
		before := s.status().Snapshot
		p.write(articleFile, p.read(articleFile)+fmt.Sprintf("  - {id: seen_%d, type: text}\n", i))
		var plan struct {
			ID string `json:"plan_id"`
		}
		if code := s.call("POST", "diff", "{}", &plan); code != 200 || plan.ID == "" {
			t.Fatalf("diff answers %d", code)
		}
		s.until("the apply", func(st status) bool { return st.InSync && st.Snapshot > before })
	}
}
