package telemetry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"testing"
)

// canary is a secret that must never be written.
const canary = "hunter2-Xk9"

// number is a secret number, longer than the fraction of any time.
const number = 730911466028

// described prints itself.
type described struct{ text string }

// String returns the text.
func (d described) String() string { return d.text }

func TestNothingSecretIsWritten(t *testing.T) {
	type settings struct {
		Host     string            `json:"host"`
		Password string            `json:"password"`
		Nested   map[string]string `json:"nested"`
	}
	for _, c := range []struct {
		name string
		log  func(*slog.Logger)
		want string // stays readable
	}{
		{"url in the message", func(l *slog.Logger) { l.Info("open postgres://ann:" + canary + "@db:5432/x") }, "@db:5432/x"},
		{"url with odd signs", func(l *slog.Logger) { l.Info("open postgres://ann:" + canary + "/#:?" + canary + "@db/x") }, "@db/x"},
		{"url without a user", func(l *slog.Logger) { l.Info("redis://:" + canary + "@cache") }, "@cache"},
		{"keyword connection", func(l *slog.Logger) { l.Info("open", "to", "host=db password="+canary+" user=ann") }, "user=ann"},
		{"quoted keyword", func(l *slog.Logger) { l.Info("open", "to", "host=db password='a b "+canary+"' user=ann") }, "user=ann"},
		{"bearer", func(l *slog.Logger) { l.Info("asked", "header", "Bearer "+canary) }, "Bearer"},
		{"query", func(l *slog.Logger) { l.Info("asked", "url", "/events?token="+canary+"&after=3") }, "after=3"},
		{"attribute", func(l *slog.Logger) { l.Info("x", "db_password", canary, "host", "db") }, "db"},
		{"key in capitals", func(l *slog.Logger) { l.Info("x", "API_KEY", canary) }, "API_KEY"},
		{"number", func(l *slog.Logger) { l.Info("x", "secret", number, "port", 5432) }, "5432"},
		{"group", func(l *slog.Logger) { l.Info("x", slog.Group("db", "host", "db1", "password", canary)) }, "db1"},
		{"secret group", func(l *slog.Logger) { l.Info("x", slog.Group("credentials", "name", canary)) }, "credentials"},
		{"open group", func(l *slog.Logger) { l.WithGroup("db").Info("x", "token", canary) }, "token"},
		{"kept attribute", func(l *slog.Logger) { l.With("token", canary, "door", "rest").Info("x") }, "rest"},
		{"error", func(l *slog.Logger) {
			l.Error("x", KeyError, fmt.Errorf("connect: %w", errors.New("postgres://a:"+canary+"@h refused")))
		}, "refused"},
		{"stringer", func(l *slog.Logger) { l.Info("x", "c", described{"password: " + canary}) }, "password"},
		{"struct", func(l *slog.Logger) {
			l.Info("x", "settings", settings{"db1", canary, map[string]string{"api_key": canary, "mode": "fast"}})
		}, "fast"},
		{"pointer", func(l *slog.Logger) { l.Info("x", "settings", &settings{Host: "db1", Password: canary}) }, "db1"},
		{"list", func(l *slog.Logger) { l.Info("x", "urls", []string{"a", "pg://u:" + canary + "@h"}) }, "@h"},
		{"map", func(l *slog.Logger) {
			l.Info("x", "values", map[string]any{"list": []any{map[string]any{"token": canary}}})
		}, "list"},
		{"bytes", func(l *slog.Logger) { l.Info("x", "body", []byte(`{"password": "`+canary+`", "a": 1}`)) }, "body"},
		{"unencodable", func(l *slog.Logger) { l.Info("x", "v", map[string]any{"password": canary, "c": make(chan int)}) }, "v"},
	} {
		for _, format := range []string{FormatText, FormatJSON} {
			t.Run(c.name+" as "+format, func(t *testing.T) {
				var out bytes.Buffer
				logger, err := NewLogger(&out, "info", format)
				if err != nil {
					t.Fatal(err)
				}
				c.log(logger)
				got := out.String()
				if strings.Contains(got, canary) || strings.Contains(got, strconv.Itoa(number)) {
					t.Errorf("the secret was written: %s", got)
				}
				if !strings.Contains(got, Redacted) || !strings.Contains(got, c.want) {
					t.Errorf("got %s, want %s and %s", got, Redacted, c.want)
				}
				if format == FormatJSON && !json.Valid(out.Bytes()) {
					t.Errorf("not JSON: %s", got)
				}
			})
		}
	}
}

func TestRedactLeavesOrdinaryTextAlone(t *testing.T) {
	for _, text := range []string{
		"files came to rest", "http://127.0.0.1:4180/api/v1/hot-reload/status", "schemas/article.schema.yaml:3:1",
		"postgres db:5432/content", "12:30:00 done", "mail ann@example.org", "sqlite /srv/data/content/marain.db", "the password is missing",
	} {
		if got := Redact(text); got != text {
			t.Errorf("Redact(%q) = %q", text, got)
		}
	}
}

func TestLevelChangesAtRunTime(t *testing.T) {
	var out bytes.Buffer
	log, err := NewLog(&out, "", "")
	if err != nil {
		t.Fatal(err)
	}
	child := log.With("door", "rest").WithGroup("g")
	steps := []struct {
		level string
		want  string
	}{{"info", "iwe"}, {"debug", "diwe"}, {"WARN", "we"}, {"error", "e"}, {" warning ", "we"}}
	for _, s := range steps {
		if err := log.SetLevel(s.level); err != nil {
			t.Fatal(err)
		}
		out.Reset()
		child.Debug("d")
		child.Info("i")
		child.Warn("w")
		child.Error("e")
		var got string
		for line := range strings.Lines(out.String()) {
			_, message, _ := strings.Cut(line, "msg=")
			got += message[:1]
		}
		if got != s.want {
			t.Errorf("at %q the log holds %q, want %q", s.level, got, s.want)
		}
	}
	if err := log.SetLevel("loud"); err == nil || !strings.Contains(err.Error(), "debug, info, warn or error") {
		t.Errorf("got %v", err)
	}
	if log.Level() != slog.LevelWarn {
		t.Errorf("a wrong level changed it to %v", log.Level())
	}
}

func TestWrongOptions(t *testing.T) {
	for _, c := range []struct{ level, format, want string }{
		{"loud", "text", `"loud" is not a log level: use debug, info, warn or error`},
		{"info", "xml", `"xml" is not a log format: use text or json`},
	} {
		if _, err := NewLogger(io.Discard, c.level, c.format); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}
