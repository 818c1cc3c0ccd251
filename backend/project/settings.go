package project

import (
	"fmt"
	"math"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What the engine does when the configuration with the id hot_reload says nothing else.
const (
	DefaultAutoApply   = "safe"
	DefaultDebounce    = 20 * time.Millisecond
	DefaultMaxDebounce = 200 * time.Millisecond
	DefaultListen      = "127.0.0.1:4180"
	DefaultRescanEvery = time.Minute
)

// Settings are the engine's own, from the configuration with the id hot_reload.
type Settings struct {
	AutoApply   string        // none, safe or all: what is applied without asking
	Debounce    time.Duration // how long files must be quiet before they count as saved
	MaxDebounce time.Duration // how long files that never come to rest are waited for
	Listen      string        // host:port of the server
	Retention   Retention     // how long what nobody uses any more is kept
	RescanEvery time.Duration // how often all files are looked at whatever the events say
	Webhooks    []Webhook     // who is told
}

// Webhook is an address that is told about events.
type Webhook struct {
	URL    string
	Events []string // the types of event; empty for all
}

// DefaultSettings returns the settings of a project that has none.
func DefaultSettings() Settings {
	return Settings{
		AutoApply: DefaultAutoApply, Debounce: DefaultDebounce, MaxDebounce: DefaultMaxDebounce,
		Listen: DefaultListen, Retention: DefaultRetention(), RescanEvery: DefaultRescanEvery,
	}
}

// SettingError is one thing that is wrong with the settings or the connection.
type SettingError struct {
	Key     string // from the configuration's id on, for example hot_reload.debounce
	Message string
	Hint    string
}

// Error returns the key, the message and the hint.
func (e *SettingError) Error() string {
	if e.Hint == "" {
		return e.Key + ": " + e.Message
	}
	return e.Key + ": " + e.Message + " (" + e.Hint + ")"
}

// ParseSettings reads the values of the configuration with the id hot_reload. What is missing or wrong keeps its
// default, and everything that is wrong is returned, each a [*SettingError].
func ParseSettings(values map[string]any) (Settings, []error) {
	settings := DefaultSettings()
	var problems []error
	readers := map[string]func(value any) *SettingError{
		"auto_apply":   func(v any) *SettingError { return choice(v, &settings.AutoApply, "none", "safe", "all") },
		"debounce":     func(v any) *SettingError { return duration(v, &settings.Debounce, time.Millisecond, 10*time.Second) },
		"max_debounce": func(v any) *SettingError { return duration(v, &settings.MaxDebounce, time.Millisecond, time.Minute) },
		"listen":       func(v any) *SettingError { return address(v, &settings.Listen) },
		"retention":    func(v any) *SettingError { return readRetention(v, &settings.Retention) },
		"rescan_every": func(v any) *SettingError { return duration(v, &settings.RescanEvery, time.Second, 24*time.Hour) },
		"webhooks":     func(v any) *SettingError { return webhooks(v, &settings.Webhooks) },
	}
	for _, key := range sortedKeys(values) {
		read, known := readers[key]
		if !known {
			problems = append(problems, &SettingError{
				Key: "hot_reload." + key, Message: "this setting does not exist", Hint: suggest(key, sortedKeys(readers)),
			})
			continue
		}
		if problem := read(values[key]); problem != nil {
			problem.Key = "hot_reload." + key + problem.Key
			problems = append(problems, problem)
		}
	}
	if settings.MaxDebounce < settings.Debounce {
		problems = append(problems, &SettingError{
			Key:     "hot_reload.max_debounce",
			Message: fmt.Sprintf("%s is less than debounce, which is %s", settings.MaxDebounce, settings.Debounce),
			Hint:    "make it at least as long",
		})
		settings.MaxDebounce = max(settings.Debounce, DefaultMaxDebounce)
	}
	return settings, problems
}

// choice reads one of some words.
func choice(value any, into *string, words ...string) *SettingError {
	text, ok := value.(string)
	if !ok || !slices.Contains(words, text) {
		return &SettingError{Message: fmt.Sprintf("%v is not one of the values it can take", value), Hint: "use " + strings.Join(words, ", ")}
	}
	*into = text
	return nil
}

// duration reads a length of time within limits.
func duration(value any, into *time.Duration, least, most time.Duration) *SettingError {
	length, ok := parseDuration(value)
	switch {
	case !ok:
		return &SettingError{Message: fmt.Sprintf("%v is not a length of time", value), Hint: `use text like "20ms", "10s", "720h" or "90d", or a whole number of milliseconds`}
	case length < least:
		return &SettingError{Message: fmt.Sprintf("%v is too short", value), Hint: fmt.Sprintf("use at least %s", least)}
	case length > most:
		return &SettingError{Message: fmt.Sprintf("%v is too long", value), Hint: fmt.Sprintf("use at most %s", most)}
	}
	*into = length
	return nil
}

// parseDuration reads text like 20ms or 90d, or a whole number of milliseconds.
func parseDuration(value any) (time.Duration, bool) {
	if count, ok := whole(value); ok {
		if count > math.MaxInt64/int64(time.Millisecond) || count < math.MinInt64/int64(time.Millisecond) {
			return 0, false
		}
		return time.Duration(count) * time.Millisecond, true
	}
	text, ok := value.(string)
	if !ok {
		return 0, false
	}
	text = strings.TrimSpace(text)
	if days, found := strings.CutSuffix(text, "d"); found {
		count, err := strconv.ParseUint(days, 10, 16)
		if err != nil || count > 36_500 {
			return 0, false
		}
		return time.Duration(count) * 24 * time.Hour, true
	}
	length, err := time.ParseDuration(text)
	return length, err == nil
}

// whole returns a value that is a whole number.
func whole(value any) (int64, bool) {
	switch v := value.(type) {
	case int:
		return int64(v), true
	case int64:
		return v, true
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v), true
		}
	}
	return 0, false
}

// address reads host:port.
func address(value any, into *string) *SettingError {
	text, _ := value.(string)
	_, port, err := net.SplitHostPort(text)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return &SettingError{Message: fmt.Sprintf("%v is not an address", value), Hint: "use host:port, for example " + DefaultListen}
	}
	*into = text
	return nil
}

// webhooks reads a list of addresses, each a URL or a mapping with url and events.
func webhooks(value any, into *[]Webhook) *SettingError {
	const hint = "use a list of URLs, or of mappings with url and events"
	items, ok := value.([]any)
	if !ok && value != nil {
		return &SettingError{Message: "it is not a list", Hint: hint}
	}
	hooks := make([]Webhook, 0, len(items))
	for i, item := range items {
		hook, problem := webhook(item)
		if problem != nil {
			problem.Key = fmt.Sprintf("[%d]%s", i, problem.Key)
			if problem.Hint == "" {
				problem.Hint = hint
			}
			return problem
		}
		hooks = append(hooks, hook)
	}
	*into = hooks
	return nil
}

// webhook reads one address.
func webhook(item any) (Webhook, *SettingError) {
	hook := Webhook{}
	switch v := item.(type) {
	case string:
		hook.URL = v
	case map[string]any:
		for _, key := range sortedKeys(v) {
			switch key {
			case "url":
				hook.URL, _ = v[key].(string)
			case "events":
				events, ok := texts(v[key])
				if !ok {
					return hook, &SettingError{Key: ".events", Message: "it is not a list of event types"}
				}
				hook.Events = events
			default:
				return hook, &SettingError{Key: "." + key, Message: "this setting does not exist", Hint: suggest(key, []string{"events", "url"})}
			}
		}
	default:
		return hook, &SettingError{Message: "it is not a webhook"}
	}
	parsed, err := url.Parse(hook.URL)
	if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return hook, &SettingError{Message: "it has no http or https URL"}
	}
	return hook, nil
}

// texts returns a list of texts.
func texts(value any) ([]string, bool) {
	items, ok := value.([]any)
	if !ok {
		return nil, false
	}
	out := make([]string, 0, len(items))
	for _, item := range items {
		text, ok := item.(string)
		if !ok {
			return nil, false
		}
		out = append(out, text)
	}
	return out, true
}
