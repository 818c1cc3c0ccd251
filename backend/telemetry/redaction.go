package telemetry

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"regexp"
	"strings"
)

// Redacted stands where a secret was.
const Redacted = "[redacted]"

// secretWords mark a key whose value is a secret.
var secretWords = []string{"password", "passwd", "pwd", "secret", "token", "apikey", "api_key", "api-key", "private_key", "credential", "authorization", "cookie", "dsn", "passphrase"}

// secretPatterns are secrets inside of text, with what replaces them.
var secretPatterns = []struct {
	find    *regexp.Regexp
	replace string
}{
	// The password in a URL: scheme://user:password@host. It may itself hold any sign but white space and quotes.
	{regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://[^\s:/?#@"']*):[^\s"']*@`), "${1}:" + Redacted + "@"},
	{regexp.MustCompile(`(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}`), "${1} " + Redacted},
	// password=... in a connection string, token=... in a query, "secret": "..." in JSON.
	{regexp.MustCompile(`(?i)("?[a-z0-9_.-]*(?:password|passwd|pwd|secret|token|api_?key|credential|passphrase)[a-z0-9_.-]*"?\s*[=:]\s*)("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s&;,"'{}]+)`), "${1}" + Redacted},
}

// Redact returns text without the passwords of connection strings, bearer tokens, and values that stand behind the
// name of a secret.
func Redact(text string) string {
	for _, p := range secretPatterns {
		text = p.find.ReplaceAllString(text, p.replace)
	}
	return text
}

// IsSecret reports whether a key looks like that of a secret.
func IsSecret(key string) bool {
	key = strings.ToLower(key)
	for _, word := range secretWords {
		if strings.Contains(key, word) {
			return true
		}
	}
	return key == "key" || strings.HasSuffix(key, "_key")
}

// Redacting returns a handler that takes secrets out of the message and of every attribute before the next handler
// sees them.
func Redacting(next slog.Handler) slog.Handler { return &redacting{next: next} }

// redacting is a handler without secrets.
type redacting struct{ next slog.Handler }

var _ slog.Handler = (*redacting)(nil)

// Enabled asks the next handler.
func (h *redacting) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle passes the record on without secrets.
func (h *redacting) Handle(ctx context.Context, record slog.Record) error {
	clean := slog.NewRecord(record.Time, record.Level, Redact(record.Message), record.PC)
	record.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(redactAttr(a))
		return true
	})
	return h.next.Handle(ctx, clean)
}

// WithAttrs keeps attributes without secrets.
func (h *redacting) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = redactAttr(a)
	}
	return &redacting{next: h.next.WithAttrs(clean)}
}

// WithGroup passes the group on.
func (h *redacting) WithGroup(name string) slog.Handler {
	return &redacting{next: h.next.WithGroup(name)}
}

// redactAttr returns an attribute without secrets.
func redactAttr(a slog.Attr) slog.Attr {
	value := a.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		members := make([]slog.Attr, len(value.Group()))
		for i, m := range value.Group() {
			if IsSecret(a.Key) {
				m.Value = slog.StringValue(Redacted)
			}
			members[i] = redactAttr(m)
		}
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(members...)}
	}
	if IsSecret(a.Key) {
		return slog.String(a.Key, Redacted)
	}
	switch value.Kind() {
	case slog.KindString:
		value = slog.StringValue(Redact(value.String()))
	case slog.KindAny:
		value = redactAny(value.Any())
	}
	return slog.Attr{Key: a.Key, Value: value}
}

// redactAny returns any other value without secrets. Data is turned into its JSON form with secret keys replaced,
// because a handler would print its fields without asking.
func redactAny(value any) slog.Value {
	switch v := value.(type) {
	case nil:
		return slog.AnyValue(nil)
	case error:
		return slog.StringValue(Redact(v.Error()))
	case fmt.Stringer:
		return slog.StringValue(Redact(v.String()))
	case []byte:
		return slog.StringValue(Redact(string(v)))
	}
	switch reflect.Indirect(reflect.ValueOf(value)).Kind() {
	case reflect.Map, reflect.Struct, reflect.Slice, reflect.Array:
		return redactData(value)
	case reflect.String:
		return slog.StringValue(Redact(fmt.Sprint(value)))
	}
	return slog.AnyValue(value)
}

// redactData returns data in its JSON form without secrets.
func redactData(value any) slog.Value {
	text, err := json.Marshal(value)
	if err != nil {
		return slog.StringValue(Redact(fmt.Sprintf("%+v", value)))
	}
	var plain any
	if err := json.Unmarshal(text, &plain); err != nil {
		return slog.StringValue(Redact(string(text)))
	}
	return slog.AnyValue(redactTree(plain))
}

// redactTree replaces the secrets in decoded JSON.
func redactTree(node any) any {
	switch v := node.(type) {
	case map[string]any:
		for key, child := range v {
			if IsSecret(key) {
				v[key] = Redacted
			} else {
				v[key] = redactTree(child)
			}
		}
	case []any:
		for i, child := range v {
			v[i] = redactTree(child)
		}
	case string:
		return Redact(v)
	}
	return node
}
