package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"marain/backend/action"
	"marain/backend/coordinator"
	"marain/backend/diff"
)

// TestOperations plays every operation: what it asks of the engine, and how the answer looks.
func TestOperations(t *testing.T) {
	const rest = " by '' at rest"
	scenarios := []scenario{
		{
			name: "status", method: "GET", path: "status", status: 200, calls: []string{"status"},
			want: []string{`"pending_changes":[]`, `"invalid_files":[]`, `"held_files":[]`, `"last_result":null`, `"folders":[]`, `"in_sync":true`},
		},
		{name: "status takes HEAD", method: "HEAD", path: "status", status: 200, calls: []string{"status"}},
		{
			name: "diff of everything", method: "POST", path: "diff", status: 200, calls: []string{"diff {Files:[] Contents:map[] Answers:map[]}"},
			want: []string{`"plan_id":"p1"`, `"questions":[]`, `"checks":[]`, `"hunks":[]`, `"blocked":[]`, `"invalid_files":[]`, `"category":"warning"`},
		},
		{
			name: "diff of files", method: "POST", path: "diff", body: `{"files":["schemas/a.schema.yaml"],"answers":{"rename:a.b":"renamed"}}`, status: 200,
			calls: []string{"diff {Files:[schemas/a.schema.yaml] Contents:map[] Answers:map[rename:a.b:renamed]}"},
		},
		{
			name: "diff of text", method: "POST", path: "diff", body: `{"contents":{"config/x.yaml":"a: 1"}}`, status: 200,
			calls: []string{"diff {Files:[] Contents:map[config/x.yaml:a: 1] Answers:map[]}"},
		},
		{
			name: "reload", method: "POST", path: "reload", status: 200,
			body:  `{"files":["a"],"dry_run":true,"approve":"warning","plan_id":"p","answers":{"k":"v"},"note":"why"}`,
			calls: []string{"reload {Files:[a] DryRun:true Approve:warning PlanID:p Answers:map[k:v] Note:why}" + rest},
			want:  []string{`"action_id":"01A"`, `"applied":[]`, `"pending":[]`, `"failed":[]`, `"duration_ms":1.5`}, not: []string{`"plan"`},
		},
		{
			name: "reload without a body", method: "POST", path: "reload", status: 200, headers: []string{UserHeader, " ann ", "Content-Type", "-"},
			calls: []string{"reload {Files:[] DryRun:false Approve: PlanID: Answers:map[] Note:} by 'ann' at rest"},
		},
		{
			name: "history", method: "GET", path: "history?file_path=config%2Fa.yaml&status=failed&limit=7&before=01B", status: 200,
			calls: []string{"history {File:config/a.yaml Status:failed Limit:7 Before:01B}"}, want: []string{`{"items":[],"next":""}`},
		},
		{
			name: "batch", method: "GET", path: "history/01A", status: 200, calls: []string{"batch 01A false"},
			want: []string{`"action_id":"01A"`, `"files":[]`, `"changed_files":[]`, `"timings":{}`, `"conflicts":[]`},
		},
		{name: "batch against now", method: "GET", path: "history/01A?against=now", status: 200, calls: []string{"batch 01A true"}},
		{
			name: "rollback", method: "POST", path: "rollback", body: `{"file_path":"config/a.yaml","version":3,"dry_run":true}`, status: 200,
			calls: []string{"rollback {ActionID: File:config/a.yaml Version:3 To: DryRun:true PlanID: Answers:map[] Note:}" + rest},
		},
		{
			name: "cancel", method: "POST", path: "cancel", body: `{"action_id":"01A"}`, status: 200, headers: []string{UserHeader, "ben"},
			calls: []string{"cancel {ActionID:01A} by 'ben' at rest"}, want: []string{`{"action_id":"01A"}`},
		},
		{
			name: "reject", method: "POST", path: "reject", body: `{"files":["a"],"restore":true,"note":"n"}`, status: 200,
			calls: []string{"reject {Files:[a] Restore:true Note:n}" + rest}, want: []string{`"held":[]`, `"restored":[]`},
		},
		{
			name: "drift", method: "GET", path: "drift", status: 200, calls: []string{"drift"},
			want: []string{`"differences":[]`, `"tables":[]`, `"columns":[]`, `"plan_id":""`, `"adopt":[]`},
		},
		{
			name: "adopt", method: "POST", path: "drift/adopt", body: `{"files":["a"],"keys":["t.c"],"dry_run":true,"plan_id":"p","answers":{"k":"v"},"note":"n"}`, status: 200,
			calls: []string{"adopt {Files:[a] Keys:[t.c] DryRun:true PlanID:p Answers:map[k:v] Note:n}" + rest},
		},
		{
			name: "repair", method: "POST", path: "drift/repair", body: `{"files":["a"],"dry_run":true,"plan_id":"p","answers":{"k":"v"},"note":"n"}`, status: 200,
			calls: []string{"repair {Files:[a] DryRun:true PlanID:p Answers:map[k:v] Note:n}" + rest},
		},
		{name: "drafts", method: "GET", path: "drafts", status: 200, calls: []string{"drafts"}, want: []string{`{"items":[]}`}},
		{
			name: "restore a draft", method: "POST", path: "drafts/restore", body: `{"id":"d1"}`, status: 200,
			calls: []string{"restore d1" + rest}, want: []string{`"id":"d1"`},
		},
		{name: "tombstones", method: "GET", path: "tombstones", status: 200, calls: []string{"tombstones"}, want: []string{`{"items":[],"purge_after_days":0}`}},
		{
			name: "purge", method: "POST", path: "purge", body: `{"ids":["t1"],"confirm":"1","note":"why"}`, status: 200,
			calls: []string{"purge {IDs:[t1] OlderThanDays:<nil> DryRun:false Confirm:1 Note:why} days none" + rest},
			want:  []string{`"action_id":"01A"`, `"purged":[]`, `"sql":[]`, `"confirm":""`, `"backup":""`},
		},
		{
			name: "purge what is old", method: "POST", path: "purge", body: `{"older_than_days":0,"dry_run":true}`, status: 200,
			calls: []string{"purge {IDs:[] OlderThanDays:<nil> DryRun:true Confirm: Note:} days 0" + rest},
		},
		{name: "backups", method: "GET", path: "backups", status: 200, calls: []string{"backups"}, want: []string{`{"items":[],"keep":0,"keep_days":0}`}},
		{
			name: "validate", method: "GET", path: "validate?file_path=a&file_path=b", status: 200,
			calls: []string{`validate ["a" "b"]`}, want: []string{`"ok":true`, `"invalid_files":[]`},
		},
		{name: "verify", method: "GET", path: "verify", status: 200, calls: []string{"verify"}, want: []string{`"faults":[]`}},
		{name: "openapi", method: "GET", path: "openapi.json", status: 200, want: []string{`"openapi":"3.1.0"`}},
	}
	d := open(t, nil)
	d.engine.status = coordinator.Status{InSync: true}
	d.engine.plan = action.Plan{ID: "p1", Category: diff.Warning, Files: []action.File{{Path: "a"}}}
	d.engine.apply = coordinator.ApplyResult{ActionID: "01A", DurationMS: 1.5}
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			s.path = Prefix + s.path
			res := s.run(d.in(t))
			for header, want := range map[string]string{
				"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
				"Referrer-Policy": "no-referrer",
			} {
				if got := res.Header.Get(header); got != want {
					t.Errorf("%s is %q, want %q", header, got, want)
				}
			}
		})
	}
}

// TestWrongRequests plays requests that never reach the engine.
func TestWrongRequests(t *testing.T) {
	const wrong = `{"error":{"code":"invalid","message":`
	deep := strings.Repeat(`{"a":`, 30) + "1" + strings.Repeat("}", 30)
	scenarios := []scenario{
		{name: "no such route", method: "GET", path: "/api/v1/hot-reload/nothing", status: 404, want: []string{`"code":"not_found"`, `"details":[]`}},
		{name: "no such version", method: "GET", path: "/api/v2/hot-reload/status", status: 404, want: []string{`"code":"not_found"`}},
		{name: "the API's root", method: "GET", path: "/api", status: 404, want: []string{`"code":"not_found"`}},
		{name: "no slash at the end", method: "GET", path: "/api/v1/hot-reload/status/", status: 404},
		{name: "two slashes", method: "GET", path: "/api/v1/hot-reload//status", status: 404},
		{name: "a batch without an id", method: "GET", path: "/api/v1/hot-reload/history/", status: 404},
		{name: "below a batch", method: "GET", path: "/api/v1/hot-reload/history/01A/files", status: 404},
		{name: "climbing", method: "GET", path: "/api/v1/hot-reload/history/..%2f..%2fstatus", status: 404},
		{name: "wrong method", method: "GET", path: "/api/v1/hot-reload/reload", status: 405, want: []string{wrong}},
		{name: "delete", method: "DELETE", path: "/api/v1/hot-reload/status", status: 405, want: []string{wrong}},
		{name: "preflight", method: "OPTIONS", path: "/api/v1/hot-reload/reload", status: 405},
		{name: "head of a stream", method: "HEAD", path: "/api/v1/hot-reload/events", status: 405},
		{name: "unknown parameter", method: "GET", path: "/api/v1/hot-reload/history?file=a", status: 400, want: []string{`unknown parameter \"file\"`}},
		{name: "limit 0", method: "GET", path: "/api/v1/hot-reload/history?limit=0", status: 400, want: []string{"from 1 to 200"}},
		{name: "limit 201", method: "GET", path: "/api/v1/hot-reload/history?limit=201", status: 400},
		{name: "limit text", method: "GET", path: "/api/v1/hot-reload/history?limit=ten", status: 400},
		{name: "unknown status", method: "GET", path: "/api/v1/hot-reload/history?status=done", status: 400, want: []string{"rolled_back"}},
		{name: "against what", method: "GET", path: "/api/v1/hot-reload/history/01A?against=then", status: 400},
		{name: "a form", method: "POST", path: "/api/v1/hot-reload/reload", body: "a=1", headers: []string{"Content-Type", "-", "Content-Type", "application/x-www-form-urlencoded"}, status: 415, want: []string{wrong}},
		{name: "plain text", method: "POST", path: "/api/v1/hot-reload/reload", body: "{}", headers: []string{"Content-Type", "-", "Content-Type", "text/plain"}, status: 415},
		{name: "no type", method: "POST", path: "/api/v1/hot-reload/reload", body: "{}", headers: []string{"Content-Type", "-"}, status: 415},
		{name: "another charset", method: "POST", path: "/api/v1/hot-reload/reload", body: "{}", headers: []string{"Content-Type", "-", "Content-Type", "application/json; charset=latin1"}, status: 415},
		{name: "not JSON", method: "POST", path: "/api/v1/hot-reload/diff", body: "files: [a]", status: 400, want: []string{wrong}},
		{name: "cut JSON", method: "POST", path: "/api/v1/hot-reload/diff", body: `{"files":["a"`, status: 400},
		{name: "a list", method: "POST", path: "/api/v1/hot-reload/diff", body: `["a"]`, status: 400, want: []string{"must be a JSON object"}},
		{name: "null", method: "POST", path: "/api/v1/hot-reload/diff", body: `null`, status: 400, want: []string{"must be a JSON object"}},
		{name: "unknown field", method: "POST", path: "/api/v1/hot-reload/reload", body: `{"file":["a"]}`, status: 400, want: []string{`unknown field \"file\"`, "dry_run"}},
		{name: "another spelling", method: "POST", path: "/api/v1/hot-reload/reload", body: `{"Files":["a"]}`, status: 400, want: []string{`unknown field \"Files\"`}},
		{name: "a field twice", method: "POST", path: "/api/v1/hot-reload/reload", body: `{"approve":"safe","approve":"breaking"}`, status: 400, want: []string{"twice"}},
		{name: "an answer twice", method: "POST", path: "/api/v1/hot-reload/reload", body: `{"answers":{"a":"1","a":"2"}}`, status: 400, want: []string{`answers.a`}},
		{name: "two objects", method: "POST", path: "/api/v1/hot-reload/reload", body: `{} {}`, status: 400, want: []string{"after the JSON object"}},
		{name: "wrong type", method: "POST", path: "/api/v1/hot-reload/reload", body: `{"files":"a"}`, status: 400, want: []string{"files must be a list of texts, not a JSON string"}},
		{name: "number too large", method: "POST", path: "/api/v1/hot-reload/rollback", body: `{"version":1e400}`, status: 400, want: []string{"version must be a whole number"}},
		{name: "too deep", method: "POST", path: "/api/v1/hot-reload/diff", body: `{"contents":` + deep + `}`, status: 400, want: []string{"deeper"}},
		{name: "lists too deep", method: "POST", path: "/api/v1/hot-reload/diff", body: `{"files":` + strings.Repeat("[", 100000) + `}`, status: 400, want: []string{"deeper"}},
		{name: "not UTF-8", method: "POST", path: "/api/v1/hot-reload/diff", body: "{\"contents\":{\"a\":\"\xff\"}}", status: 400, want: []string{"UTF-8"}},
		{name: "too large", method: "POST", path: "/api/v1/hot-reload/diff", body: `{"contents":{"a":"` + strings.Repeat("x", MaxBody) + `"}}`, status: 413, want: []string{wrong}},
		{name: "unknown category", method: "POST", path: "/api/v1/hot-reload/reload", body: `{"approve":"all"}`, status: 400, want: []string{"safe, warning or breaking"}},
		{name: "purge nothing", method: "POST", path: "/api/v1/hot-reload/purge", body: `{"confirm":"1"}`, status: 400, want: []string{"exactly one of"}},
		{name: "purge two ways", method: "POST", path: "/api/v1/hot-reload/purge", body: `{"ids":["a"],"older_than_days":1}`, status: 400, want: []string{"exactly one of"}},
		{name: "purge all by GET", method: "GET", path: "/api/v1/hot-reload/purge", status: 405},
		{name: "purge a word", method: "POST", path: "/api/v1/hot-reload/purge", body: `{"older_than_days":"all"}`, status: 400, want: []string{"older_than_days must be a whole number"}},
		{name: "a draft without id", method: "POST", path: "/api/v1/hot-reload/drafts/restore", body: `{}`, status: 400, want: []string{"id is missing"}},
		{name: "a name with an escape", method: "POST", path: "/api/v1/hot-reload/reload", headers: []string{UserHeader, "ann\u202e"}, status: 400, want: []string{UserHeader}},
		{name: "a long name", method: "POST", path: "/api/v1/hot-reload/reload", headers: []string{UserHeader, strings.Repeat("n", 65)}, status: 400},
		{name: "a stream after a word", method: "GET", path: "/api/v1/hot-reload/events", headers: []string{"Last-Event-ID", "last"}, status: 400, want: []string{"Last-Event-ID"}},
	}
	d := open(t, nil)
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			res := s.run(d.in(t))
			if s.status == http.StatusMethodNotAllowed && res.Header.Get("Allow") == "" {
				t.Error("a 405 without Allow")
			}
		})
	}
}

// in lets a subtest report as itself.
func (d *door) in(t *testing.T) *door {
	copied := *d
	copied.t = t
	return &copied
}

// TestErrorCodes gives every code its status, and keeps the text of errors without one from the caller.
func TestErrorCodes(t *testing.T) {
	statuses := map[coordinator.Code]int{
		coordinator.CodeInvalid: 400, coordinator.CodeUnauthorized: 401, coordinator.CodeForbidden: 403, coordinator.CodeNotFound: 404,
		coordinator.CodeStale: 409, coordinator.CodeBlocked: 409, coordinator.CodeLocked: 409, coordinator.CodeConflict: 409,
		coordinator.CodeCancelled: 409, coordinator.CodeInternal: 500, "made_up": 500,
	}
	d := open(t, nil)
	for code, status := range statuses {
		t.Run(string(code), func(t *testing.T) {
			d.engine.err = fmt.Errorf("apply: %w", &coordinator.Error{Code: code, Message: "what happened", Cause: errText})
			scenario{
				method: "GET", path: Prefix + "status", status: status, calls: []string{"status"},
				want: []string{`{"error":{"code":"` + string(code) + `","message":"what happened","details":[]}}`}, not: []string{"secret-value"},
			}.run(d.in(t))
		})
	}
	t.Run("details", func(t *testing.T) {
		d.engine.err = &coordinator.Error{Code: coordinator.CodeBlocked, Message: "a question", Details: []any{action.Question{Key: "rename:a.b"}}}
		scenario{
			method: "POST", path: Prefix + "reload", status: 409,
			want:  []string{`"details":[{"key":"rename:a.b","file_path":"","text":"","options":[],"type":"","samples":[],"answered":false}]`},
			calls: []string{"reload {Files:[] DryRun:false Approve: PlanID: Answers:map[] Note:} by '' at rest"},
		}.run(d.in(t))
	})
	t.Run("details that are no JSON", func(t *testing.T) {
		d.engine.err = &coordinator.Error{Code: coordinator.CodeBlocked, Message: "a question", Details: []any{func() {}}}
		scenario{method: "GET", path: Prefix + "status", status: 409, want: []string{`"code":"blocked"`, `"details":[]`}, calls: []string{"status"}}.run(d.in(t))
	})
	t.Run("without a code", func(t *testing.T) {
		d.engine.err = fmt.Errorf("insert: %w", errText)
		scenario{
			method: "GET", path: Prefix + "verify", status: 500, calls: []string{"verify"},
			want: []string{`"code":"internal"`, internalMessage}, not: []string{"secret-value", "insert"},
		}.run(d.in(t))
		if !strings.Contains(d.logs.String(), "insert: row (42") {
			t.Error("the error is not in the log")
		}
	})
}

// TestPanic makes the engine panic: that request fails, the next does not.
func TestPanic(t *testing.T) {
	d := open(t, nil)
	d.engine.during = func(_ context.Context, call string) error {
		if call == "verify" {
			panic("boom " + call)
		}
		return nil
	}
	scenario{
		method: "GET", path: Prefix + "verify", status: 500, calls: []string{"verify"},
		want: []string{`"code":"internal"`, `"details":[]`}, not: []string{"boom"},
	}.run(d)
	if !strings.Contains(d.logs.String(), "boom verify") {
		t.Error("the panic is not in the log")
	}
	scenario{method: "GET", path: Prefix + "status", status: 200, calls: []string{"status"}}.run(d)
}
