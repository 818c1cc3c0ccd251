package project

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"
)

func TestParseSettings(t *testing.T) {
	if got, problems := ParseSettings(nil); problems != nil || !reflect.DeepEqual(got, DefaultSettings()) {
		t.Errorf("got %+v, %v", got, problems)
	}
	with := func(change func(*Settings)) Settings {
		s := DefaultSettings()
		change(&s)
		return s
	}
	for _, c := range []struct {
		name   string
		values map[string]any
		want   Settings
	}{
		{"text", map[string]any{"auto_apply": "all", "debounce": "50ms", "max_debounce": "1s", "listen": "[::1]:0", "retention": map[string]any{"backups": int64(3), "backup_days": 7.0, "tombstone_days": 365}, "rescan_every": "10s"}, Settings{
			AutoApply: "all", Debounce: 50 * time.Millisecond, MaxDebounce: time.Second, Listen: "[::1]:0", Retention: Retention{Backups: 3, BackupDays: 7, TombstoneDays: 365}, RescanEvery: 10 * time.Second,
		}},
		{"milliseconds", map[string]any{"debounce": int64(30), "max_debounce": 300, "rescan_every": 5000.0}, with(func(s *Settings) {
			s.Debounce, s.MaxDebounce, s.RescanEvery = 30*time.Millisecond, 300*time.Millisecond, 5*time.Second
		})},
		{"retention", map[string]any{"retention": map[string]any{"backup_days": 90}}, with(func(s *Settings) { s.Retention.BackupDays = 90 })},
		{"webhooks", map[string]any{"webhooks": []any{"https://example.org/a", map[string]any{"url": "http://localhost:1/b", "events": []any{"applied", "failed"}}}}, with(func(s *Settings) {
			s.Webhooks = []Webhook{{URL: "https://example.org/a"}, {URL: "http://localhost:1/b", Events: []string{"applied", "failed"}}}
		})},
		{"none", map[string]any{"auto_apply": "none", "webhooks": []any{}}, with(func(s *Settings) { s.AutoApply, s.Webhooks = "none", []Webhook{} })},
	} {
		got, problems := ParseSettings(c.values)
		if problems != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, %v\nwant %+v", c.name, got, problems, c.want)
		}
	}
}

// Everything that is wrong is reported, and the rest counts.
func TestWrongSettings(t *testing.T) {
	const time1 = `is not a length of time (use text like "20ms", "10s", "720h" or "90d", or a whole number of milliseconds)`
	for _, c := range []struct {
		values map[string]any
		want   []string
	}{
		{map[string]any{"auto_aply": "all"}, []string{"hot_reload.auto_aply: this setting does not exist (did you mean auto_apply?)"}},
		{map[string]any{"colour": 1}, []string{"hot_reload.colour: this setting does not exist (there are auto_apply, debounce, listen, max_debounce, rescan_every, retention, webhooks)"}},
		{map[string]any{"auto_apply": "yes"}, []string{"hot_reload.auto_apply: yes is not one of the values it can take (use none, safe, all)"}},
		{map[string]any{"auto_apply": nil}, []string{"hot_reload.auto_apply: <nil> is not one of the values it can take (use none, safe, all)"}},
		{map[string]any{"debounce": "soon"}, []string{"hot_reload.debounce: soon " + time1}},
		{map[string]any{"debounce": true}, []string{"hot_reload.debounce: true " + time1}},
		{map[string]any{"debounce": 1.5}, []string{"hot_reload.debounce: 1.5 " + time1}},
		{map[string]any{"debounce": int64(1) << 60}, []string{"hot_reload.debounce: 1152921504606846976 " + time1}},
		{map[string]any{"debounce": 0}, []string{"hot_reload.debounce: 0 is too short (use at least 1ms)"}},
		{map[string]any{"debounce": "-5s"}, []string{"hot_reload.debounce: -5s is too short (use at least 1ms)"}},
		{map[string]any{"max_debounce": "1h"}, []string{"hot_reload.max_debounce: 1h is too long (use at most 1m0s)"}},
		{map[string]any{"debounce": "500ms"}, []string{"hot_reload.max_debounce: 200ms is less than debounce, which is 500ms (make it at least as long)"}},
		{map[string]any{"retention": "90d"}, []string{"hot_reload.retention: 90d is not a mapping (use a mapping with backups, backup_days and tombstone_days)"}},
		{map[string]any{"retention": map[string]any{"tombstone_day": 1}}, []string{"hot_reload.retention.tombstone_day: this setting does not exist (did you mean tombstone_days?)"}},
		{map[string]any{"retention": map[string]any{"tombstone_days": 0}}, []string{"hot_reload.retention.tombstone_days: 0 is too small (use at least 1)"}},
		{map[string]any{"retention": map[string]any{"backups": "many"}}, []string{"hot_reload.retention.backups: many is not a whole number"}},
		{map[string]any{"retention": map[string]any{"backups": 5, "tombstone_days": int64(1) << 60}}, []string{"hot_reload.retention.tombstone_days: 1152921504606846976 is too large (use at most 2147483)"}},
		{map[string]any{"listen": "4180"}, []string{"hot_reload.listen: 4180 is not an address (use host:port, for example 127.0.0.1:4180)"}},
		{map[string]any{"listen": "localhost:99999"}, []string{"hot_reload.listen: localhost:99999 is not an address (use host:port, for example 127.0.0.1:4180)"}},
		{map[string]any{"webhooks": "https://x"}, []string{"hot_reload.webhooks: it is not a list (use a list of URLs, or of mappings with url and events)"}},
		{map[string]any{"webhooks": []any{"ftp://x"}}, []string{"hot_reload.webhooks[0]: it has no http or https URL (use a list of URLs, or of mappings with url and events)"}},
		{map[string]any{"webhooks": []any{map[string]any{"uri": "x"}}}, []string{"hot_reload.webhooks[0].uri: this setting does not exist (did you mean url?)"}},
		{map[string]any{"webhooks": []any{map[string]any{"url": "http://x", "events": 1}}}, []string{"hot_reload.webhooks[0].events: it is not a list of event types (use a list of URLs, or of mappings with url and events)"}},
		{map[string]any{"zz": 1, "listen": 5, "auto_apply": "all"}, []string{
			"hot_reload.listen: 5 is not an address (use host:port, for example 127.0.0.1:4180)",
			"hot_reload.zz: this setting does not exist (there are auto_apply, debounce, listen, max_debounce, rescan_every, retention, webhooks)",
		}},
	} {
		got, problems := ParseSettings(c.values)
		var texts []string
		for _, problem := range problems {
			var setting *SettingError
			if !errors.As(problem, &setting) {
				t.Errorf("%v is no SettingError", problem)
			}
			texts = append(texts, problem.Error())
		}
		if !slices.Equal(texts, c.want) {
			t.Errorf("%v:\ngot  %q\nwant %q", c.values, texts, c.want)
		}
		if got.Listen != DefaultListen || got.Retention != DefaultRetention() || got.MaxDebounce < got.Debounce {
			t.Errorf("%v: what is wrong counts: %+v", c.values, got)
		}
		if c.values["auto_apply"] == "all" && got.AutoApply != "all" {
			t.Errorf("%v: what is right does not count: %+v", c.values, got)
		}
	}
}
