package coordinator_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"marain/backend/coordinator"
)

// canary is a secret that must be nowhere but in the file itself and under the project's key.
const canary = "CaNaRy7f3a"

// secretTexts are files that hold the canary in every way in which a secret may be written down.
var secretTexts = map[string]string{
	"config/config.system.yaml": "id: system\nvalues:\n  database:\n    connections:\n      main: {driver: sqlite, file: content/marain.db, password: " + canary + "}\n",
	"config/config.mail.yaml": "id: mail\nvalues:\n  password: " + canary + "\n  api_key:\n    - " + canary + "\n  credentials:\n    inner: {deep: " + canary + "}\n" +
		"  list:\n    - {name: a, secret: " + canary + "}\n  url: https://ann:" + canary + "@host/path\n  token: |\n    " + canary + "\n    " + canary + "\n",
	"config/config.note.yaml": "id: note\n# the old password: " + canary + "\nvalues:\n  limit: 1 # token=" + canary + "\n",
	"schemas/generic.yaml":    "service:\n  private_key: " + canary + "\n",
}

// loud collects everything that a coordinator says.
type loud struct {
	mu  sync.Mutex
	out bytes.Buffer
}

func (l *loud) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(p)
}

func (l *loud) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.String()
}

func (l *loud) say(what string, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		text = []byte(err.Error())
	}
	fmt.Fprintf(l, "%s: %s %+v\n", what, text, v)
}

// everySaying asks every door-facing operation for what it has to say.
func (l *loud) everySaying(b *bench) {
	ctx := context.Background()
	status, err := b.c.Status(ctx)
	l.say("status", status)
	l.say("status", err)
	plan, err := b.c.Diff(ctx, coordinator.DiffRequest{})
	l.say("diff", plan)
	l.say("diff", err)
	for path := range secretTexts {
		plan, err = b.c.Diff(ctx, coordinator.DiffRequest{Files: []string{path}})
		l.say("diff", plan)
		l.say("diff", err)
	}
	plan, err = b.c.Diff(ctx, coordinator.DiffRequest{Contents: secretTexts})
	l.say("preview", plan)
	l.say("preview", err)
	validated, err := b.c.Validate(ctx, nil)
	l.say("validate", validated)
	l.say("validate", err)
	verified, err := b.c.Verify(ctx)
	l.say("verify", verified)
	l.say("verify", err)
	drafts, err := b.c.Drafts(ctx)
	l.say("drafts", drafts)
	l.say("drafts", err)
	page, err := b.c.History(ctx, coordinator.HistoryRequest{})
	l.say("history", page)
	l.say("history", err)
	for _, item := range page.Items {
		for _, now := range []bool{false, true} {
			batch, err := b.c.Batch(ctx, item.ActionID, now)
			l.say("batch", batch)
			l.say("batch", err)
		}
	}
}

func TestASecretIsSaidNowhere(t *testing.T) {
	t.Parallel()
	b := &bench{t: t, root: t.TempDir()}
	said := &loud{}
	logger := slog.New(slog.NewJSONHandler(said, &slog.HandlerOptions{Level: slog.LevelDebug}))
	b.write("config/config.hot_reload.yaml", "id: hot_reload\nvalues:\n  auto_apply: none\n")
	b.c = b.openWith(func(o *coordinator.Options) { o.Logger = logger })
	events := b.c.Subscribe(0, false)
	defer events.Close()
	apply := func(request coordinator.ReloadRequest) coordinator.ApplyResult {
		result, err := b.c.Reload(context.Background(), request, person)
		said.say("apply", result)
		said.say("apply", err)
		said.everySaying(b)
		return result
	}
	apply(coordinator.ReloadRequest{})
	for path, text := range secretTexts {
		b.write(path, text)
	}
	said.everySaying(b)
	first := apply(coordinator.ReloadRequest{Approve: "breaking"})
	if len(first.Applied) != len(secretTexts) {
		t.Fatalf("applied %+v", first)
	}
	// Changed to another secret, to a reference, to another type, and taken out.
	for path, text := range secretTexts {
		b.write(path, strings.ReplaceAll(text, canary, canary+"2"))
	}
	apply(coordinator.ReloadRequest{Approve: "breaking", DryRun: true})
	second := apply(coordinator.ReloadRequest{Approve: "breaking"})
	b.write("config/config.mail.yaml", "id: mail\nvalues:\n  password: {source: env, name: MAIL}\n  credentials: 12\n")
	apply(coordinator.ReloadRequest{Approve: "breaking"})
	// Invalid edits that hold the secret in what is wrong with them, replaced by a rollback and by a reject.
	for _, text := range []string{
		"id: mail\nvalues:\n  password: " + canary + ": x\n",
		"id: mail\npassword: " + canary + "\n",
		"id: mail\nvalues:\n  password: &a " + canary + "\n  b: *a\n",
		"id: mail\nvalues:\n  password: !" + canary + " x\n",
		"id: " + canary + "\nvalues: [password: " + canary + "\n",
		"id: mail\nvalues:\n  password: " + canary + "\n  password: " + canary + "\n",
		"id: mail\nvalues:\n  password: \"" + canary + "\n",
	} {
		b.write("config/config.mail.yaml", text)
		said.everySaying(b)
		apply(coordinator.ReloadRequest{Approve: "breaking"})
	}
	rejected, err := b.c.Reject(context.Background(), coordinator.RejectRequest{Files: []string{"config/config.mail.yaml"}, Restore: true}, person)
	said.say("reject", rejected)
	said.say("reject", err)
	b.write("config/config.mail.yaml", "id: mail\nvalues: [password: "+canary+"\n")
	for _, request := range []coordinator.RollbackRequest{{ActionID: second.ActionID}, {To: first.ActionID, DryRun: true}, {To: first.ActionID}} {
		result, err := b.c.Rollback(context.Background(), request, person)
		said.say("rollback", result)
		said.say("rollback", err)
		said.everySaying(b)
	}
	for path := range secretTexts {
		b.remove(path)
	}
	apply(coordinator.ReloadRequest{Approve: "breaking"})
	b.sound()
	for drained := false; !drained; {
		select {
		case e := <-events.C():
			said.say("event", e)
		default:
			drained = true
		}
	}
	noCanary(t, "what was said", said.text())
	noCanaryOnDisk(t, b)

	// And it is still there for who has the key.
	if len(b.rows(`SELECT hash FROM marain_contents WHERE sealed = 1`)) < 2*len(secretTexts) {
		t.Errorf("sealed: %v", b.rows(`SELECT hash FROM marain_contents WHERE sealed = 1`))
	}
	b.to(first)
	for path, text := range secretTexts {
		if b.read(path) != text {
			t.Errorf("%s came back as %q", path, b.read(path))
		}
	}
}

func noCanary(t *testing.T, where, text string) {
	t.Helper()
	if i := strings.Index(text, canary); i >= 0 {
		line := text[strings.LastIndexByte(text[:i], '\n')+1:]
		t.Errorf("a secret in %s: %.600s", where, line[:min(len(line), 600)])
		t.Logf("…%s…", text[max(0, i-200):min(len(text), i+100)])
	}
}

// noCanaryOnDisk looks at every byte that the program wrote into its data folder, also under the two ways in which
// contents are written.
func noCanaryOnDisk(t *testing.T, b *bench) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(b.root, "data"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		noCanary(t, filepath.Base(path), string(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range b.rows(`SELECT body || ' ' || sealed || ' ' || hash FROM marain_contents`) {
		body, rest, _ := strings.Cut(row, " ")
		raw, err := base64.StdEncoding.DecodeString(body)
		if err != nil {
			t.Fatal(err)
		}
		noCanary(t, "the content "+rest, string(raw))
	}
}

func TestTheKeyIsOnlyForItsOwner(t *testing.T) {
	t.Parallel()
	b := newBench(t, "none", secretTexts)
	b.breaking()
	info, err := os.Stat(filepath.Join(b.root, "data/marain.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info.Mode(), err)
	}
	if err := b.c.Close(); err != nil {
		t.Fatal(err)
	}
	// Without the key what is sealed cannot be read, which is said, and everything else starts.
	if err := os.Rename(filepath.Join(b.root, "data/marain.key"), filepath.Join(b.root, "key")); err != nil {
		t.Fatal(err)
	}
	b.c = b.openWith(nil)
	result, err := b.c.Verify(context.Background())
	if err != nil || result.OK {
		t.Errorf("%+v, %v", result, err)
	}
	if _, err := os.Stat(filepath.Join(b.root, "data/marain.key")); err == nil {
		t.Error("another key was made beside contents that only the former one opens")
	}
	if err := os.Rename(filepath.Join(b.root, "key"), filepath.Join(b.root, "data/marain.key")); err != nil {
		t.Fatal(err)
	}
	b.c = b.openWith(nil)
	b.inSync()
}

func TestAGivenKeyLeavesNoFile(t *testing.T) {
	t.Parallel()
	b := &bench{t: t, root: t.TempDir()}
	b.write("config/config.mail.yaml", secretTexts["config/config.mail.yaml"])
	with := func(key string) func(*coordinator.Options) {
		return func(o *coordinator.Options) {
			o.Getenv = func(name string) string { return map[string]string{"MARAIN_KEY": key}[name] }
		}
	}
	b.c = b.openWith(with("one"))
	b.breaking()
	b.inSync()
	if b.exists("data/marain.key") {
		t.Error("a key file was made beside the given key")
	}
	b.c = b.openWith(with("two"))
	if result, err := b.c.Verify(context.Background()); err != nil || result.OK {
		t.Errorf("another key opens it: %+v, %v", result, err)
	}
}
