package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"marain/backend/action"
	"marain/backend/coordinator"
	"marain/backend/diff"
	"marain/backend/project"
)

// byAnn is how the fake engine writes down who asked.
const byAnn = " by 'ann' at command"

// nothingReload is an apply without any flag.
const nothingReload = "reload {Files:[] DryRun:false Approve:safe PlanID: Answers:map[] Note:}" + byAnn

// example is one run of a command.
type example struct {
	name    string // of the golden file
	prepare func(e *engine)
	args    string // split at spaces; a _ alone is an empty argument
	code    int
	calls   []string // what the engine is asked, and no more
}

// TestCommands runs each command in its main ways: outputs, exit status, and what the engine is asked.
func TestCommands(t *testing.T) {
	tests := slices.Concat(
		statusExamples(),
		validateExamples(),
		diffExamples(),
		applyExamples(),
		historyExamples(),
		rollbackExamples(),
		rejectExamples(),
		draftsExamples(),
		driftExamples(),
		purgeExamples(),
		backupsExamples(),
		verifyExamples(),
		helpExamples(),
		usageExamples(),
	)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			if test.prepare != nil {
				test.prepare(w.engine)
			}
			args := strings.Fields(test.args)
			for i, arg := range args {
				args[i] = strings.Replace(arg, "new_fields", "new fields", 1)
				if arg == "_" {
					args[i] = ""
				}
			}
			code, stdout, stderr := w.run(args...)
			if code != test.code {
				t.Errorf("exit status %d, want %d", code, test.code)
			}
			if !slices.Equal(w.engine.calls, test.calls) {
				t.Errorf("the engine was asked\n%q, want\n%q", w.engine.calls, test.calls)
			}
			if opened := len(w.engine.opened); w.engine.openErr == nil && w.engine.closed != opened {
				t.Errorf("opened %d times, closed %d times", opened, w.engine.closed)
			}
			golden(t, test.name, fmt.Sprintf("$ marain %s\n-- stdout --\n%s-- stderr --\n%s-- exit status %d --\n", strings.Join(args, " "), stdout, stderr, code))
			for _, output := range []string{stdout, stderr} {
				if strings.ContainsAny(output, "\x1b\u202e") {
					t.Errorf("the output can drive a terminal: %q", output)
				}
			}
		})
	}
}

func statusExamples() []example {
	return []example{
		{"status in sync", func(e *engine) { e.status = inSync() }, "status", 0, []string{"status"}},
		{"status waiting", func(e *engine) { e.status = waiting() }, "status", 3, []string{"status"}},
		{"status wrong and held", func(e *engine) { e.status = wrongAndHeld() }, "status", 4, []string{"status"}},
		{"status held", func(e *engine) {
			e.status = wrongAndHeld()
			e.status.State, e.status.PendingChanges, e.status.InvalidFiles, e.status.LastResult = "held", nil, nil, nil
		}, "status", 3, []string{"status"}},
		{"status no database", func(e *engine) {
			e.status = waiting()
			e.status.State, e.status.Database = "suspect", coordinator.DatabaseStatus{Message: "the file is gone"}
			e.status.Watcher.State = "polling"
			e.status.Watcher.Message = "no more watches: looking every second"
		}, "status", 1, []string{"status"}},
		{"status no folder", func(e *engine) {
			e.status = inSync()
			e.status.InSync, e.status.State = false, "unavailable"
			e.status.Watcher = coordinator.WatcherStatus{State: "off", Message: "schemas cannot be read, so nothing can be said about the files in it: put it back"}
		}, "status", 1, []string{"status"}},
		{"status unwritten", func(e *engine) {
			e.status = wrongAndHeld()
			e.status.State, e.status.PendingChanges, e.status.InvalidFiles, e.status.LastResult = "held", nil, nil, nil
			e.status.Unwritten = notWritten()
		}, "status", 3, []string{"status"}},
		{"status json", func(e *engine) { e.status = inSync() }, "status --json", 0, []string{"status"}},
	}
}

func validateExamples() []example {
	return []example{
		{"validate", func(e *engine) { e.validate = coordinator.ValidateResult{OK: true, Files: 12} }, "validate", 0, []string{"validate []"}},
		{"validate wrong", func(e *engine) { e.validate = coordinator.ValidateResult{Files: 12, Problems: problems()} }, "validate " + article, 4, []string{`validate ["` + article + `"]`}},
		{"validate json", func(e *engine) { e.validate = coordinator.ValidateResult{Files: 12, Problems: problems()} }, "validate --json", 4, []string{"validate []"}},
	}
}

func diffExamples() []example {
	return []example{
		{"diff nothing", nil, "diff", 0, []string{"diff {Files:[] Contents:map[] Answers:map[]}"}},
		{"diff", func(e *engine) { e.plan = plan() }, "diff", 3, []string{"diff {Files:[] Contents:map[] Answers:map[]}"}},
		{"diff answered", func(e *engine) {
			e.plan = plan()
			e.plan.Questions = e.plan.Questions[:1]
			e.plan.Questions[0].Answered = true
		}, "diff --answer rename:article.summary=renamed", 3, []string{"diff {Files:[] Contents:map[] Answers:map[rename:article.summary:renamed]}"}},
		{"diff invalid", func(e *engine) { e.plan = plan(); e.plan.Files = e.plan.Files[1:]; e.plan.Invalid = problems() }, "diff " + system + " --answer rename:article.summary=renamed", 4, []string{"diff {Files:[" + system + "] Contents:map[] Answers:map[rename:article.summary:renamed]}"}},
		{"diff of a file elsewhere", func(e *engine) {
			e.plan = plan()
			e.plan.Files, e.plan.Questions, e.plan.Category = e.plan.Files[1:], nil, diff.Safe
		}, "diff " + system + " --project ../blog", 3, []string{"diff {Files:[" + system + "] Contents:map[] Answers:map[]}"}},
		{"diff unwritten", func(e *engine) { e.plan = action.Plan{ID: planID, Unwritten: notWritten()} }, "diff", 3, []string{"diff {Files:[] Contents:map[] Answers:map[]}"}},
		{"diff blocked", func(e *engine) { e.plan = blocked() }, "diff", 3, []string{"diff {Files:[] Contents:map[] Answers:map[]}"}},
	}
}

func applyExamples() []example {
	locked := &project.LockedError{Holder: &project.Holder{
		PID: 4711, Door: "serve", Address: "127.0.0.1:4180", Host: "ship", Started: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC),
	}}
	return []example{
		{"apply nothing", nil, "apply", 0, []string{nothingReload}},
		{"apply", func(e *engine) {
			e.apply = coordinator.ApplyResult{ActionID: batchID, Applied: []string{article, system}, DurationMS: 3.21}
		}, "apply", 0, []string{nothingReload}},
		{"apply some", func(e *engine) {
			e.apply = coordinator.ApplyResult{ActionID: batchID, Applied: []string{system}, Pending: []string{article}, DurationMS: 1234}
		}, "apply " + article + " --approve warning --note new_fields --answer a=b --answer c=d=e --plan p1 " + system, 3, []string{"reload {Files:[" + article + " " + system + "] DryRun:false Approve:warning PlanID:p1 Answers:map[a:b c:d=e] Note:new fields}" + byAnn}},
		{"apply failed", func(e *engine) {
			e.apply = coordinator.ApplyResult{ActionID: batchID, Pending: []string{article}, Failed: []coordinator.Failure{{File: system, Code: coordinator.CodeInternal, Message: "the disk is full"}}}
		}, "apply", 1, []string{nothingReload}},
		{"apply invalid", func(e *engine) {
			e.apply = coordinator.ApplyResult{Pending: []string{article}, Failed: []coordinator.Failure{{File: author, Code: coordinator.CodeInvalid, Message: "line 4: unknown key"}}}
		}, "apply", 4, []string{nothingReload}},
		{"apply dry run", func(e *engine) {
			p := plan()
			p.Files, p.Questions, p.Category = p.Files[1:], nil, diff.Safe
			e.apply = coordinator.ApplyResult{Pending: []string{system}, Plan: &p}
		}, "apply --dry-run", 0, []string{"reload {Files:[] DryRun:true Approve:safe PlanID: Answers:map[] Note:}" + byAnn}},
		{"apply dry run some", func(e *engine) {
			p := plan()
			e.apply = coordinator.ApplyResult{Pending: []string{article, system}, Plan: &p}
		}, "apply --dry-run --approve warning", 3, []string{"reload {Files:[] DryRun:true Approve:warning PlanID: Answers:map[] Note:}" + byAnn}},
		{"apply dry run nothing", func(e *engine) {
			e.apply = coordinator.ApplyResult{Plan: &action.Plan{ID: planID}}
		}, "apply --dry-run", 0, []string{"reload {Files:[] DryRun:true Approve:safe PlanID: Answers:map[] Note:}" + byAnn}},
		{"apply one of two", func(e *engine) {
			e.apply = coordinator.ApplyResult{ActionID: batchID, Applied: []string{article}, Pending: []string{system}, DurationMS: 5}
		}, "apply " + article, 0, []string{"reload {Files:[" + article + "] DryRun:false Approve:safe PlanID: Answers:map[] Note:}" + byAnn}},
		{"apply unwritten", func(e *engine) { e.apply = coordinator.ApplyResult{Unwritten: notWritten()} }, "apply", 3, []string{nothingReload}},
		{"apply json", func(e *engine) { e.apply = coordinator.ApplyResult{ActionID: batchID, Applied: []string{article}} }, "apply --json", 0, []string{nothingReload}},
		{"apply blocked", func(e *engine) {
			e.err = &coordinator.Error{Code: coordinator.CodeBlocked, Message: "2 questions must be answered first", Details: []any{plan().Questions[0], &plan().Questions[2], blocked().Files[0].Blocked[0]}}
		}, "apply", 3, []string{nothingReload}},
		{"apply blocked json", func(e *engine) {
			e.err = &coordinator.Error{Code: coordinator.CodeBlocked, Message: "a question must be answered first", Details: []any{plan().Questions[2]}}
		}, "apply --json", 3, []string{nothingReload}},
		{"apply stale", func(e *engine) {
			e.err = &coordinator.Error{Code: coordinator.CodeStale, Message: "the plan p1 is not the plan any more", Details: []any{plan()}}
		}, "apply", 3, []string{nothingReload}},
		{"apply invalid file", func(e *engine) {
			e.err = &coordinator.Error{Code: coordinator.CodeInvalid, Message: "1 file is invalid", Details: []any{problems()[0]}}
		}, "apply", 4, []string{nothingReload}},
		{"apply locked", func(e *engine) { e.openErr = locked }, "apply", 1, nil},
		{"apply locked json", func(e *engine) { e.openErr = locked }, "apply --json", 1, nil},
		{"apply broken", func(e *engine) { e.err = errors.New("commit: the disk is full") }, "apply --json", 1, []string{nothingReload}},
		{"apply close fails", func(e *engine) { e.closeErr = errors.New("the disk is gone") }, "apply", 1, []string{nothingReload}},
	}
}

func historyExamples() []example {
	return []example{
		{"history", func(e *engine) { e.history = history() }, "history", 0, []string{"history {File: Status: Limit:50 Before:}"}},
		{"history nothing", nil, "history --file " + article + " --status failed --limit 7 --before 01X", 0, []string{"history {File:" + article + " Status:failed Limit:7 Before:01X}"}},
		{"history of a file", func(e *engine) { e.history = history() }, "history --file " + article + " --status applied --limit 4", 0, []string{"history {File:" + article + " Status:applied Limit:4 Before:}"}},
		{"history json", nil, "history --json", 0, []string{"history {File: Status: Limit:50 Before:}"}},
		{"history batch", func(e *engine) { e.batch = batch() }, "history " + batchID, 0, []string{"batch " + batchID + " false"}},
		{"history batch conflict", func(e *engine) {
			e.batch = batch()
			e.batch.ChangedFiles, e.batch.Timings, e.batch.CanUndo, e.batch.Conflicts, e.batch.Status, e.batch.Error = nil, nil, false, []string{"01X", "01Y"}, "failed", "the disk is full"
		}, "history --against-now " + batchID, 0, []string{"batch " + batchID + " true"}},
		{"history no batch", func(e *engine) { e.err = coordinator.Errorf(coordinator.CodeNotFound, "there is no batch 01Z") }, "history 01Z", 1, []string{"batch 01Z false"}},
	}
}

func rollbackExamples() []example {
	return []example{
		{"rollback", func(e *engine) {
			e.apply = coordinator.ApplyResult{ActionID: batchID, Applied: []string{article}, DurationMS: 45}
		}, "rollback --action 01A", 0, []string{"rollback {ActionID:01A File: Version:0 To: DryRun:false PlanID: Answers:map[] Note:}" + byAnn}},
		{"rollback unwritten", func(e *engine) {
			e.apply = coordinator.ApplyResult{ActionID: batchID, Applied: []string{article}, DurationMS: 45, Unwritten: notWritten()}
			e.apply.Failed = []coordinator.Failure{{File: article, Code: coordinator.CodeInternal, Message: notWritten()[0].Message}}
		}, "rollback --action 01A", 1, []string{"rollback {ActionID:01A File: Version:0 To: DryRun:false PlanID: Answers:map[] Note:}" + byAnn}},
		{"rollback nothing", nil, "rollback --to 01A --note back --plan p --answer a=b", 0, []string{"rollback {ActionID: File: Version:0 To:01A DryRun:false PlanID:p Answers:map[a:b] Note:back}" + byAnn}},
		{"rollback dry run", func(e *engine) {
			p := plan()
			e.apply = coordinator.ApplyResult{Pending: []string{author}, Plan: &p}
		}, "rollback --file " + article + " --version 3 --dry-run", 0, []string{"rollback {ActionID: File:" + article + " Version:3 To: DryRun:true PlanID: Answers:map[] Note:}" + byAnn}},
		{"rollback beside an edit", func(e *engine) {
			e.apply = coordinator.ApplyResult{ActionID: batchID, Applied: []string{article}, Pending: []string{system}, DurationMS: 45}
		}, "rollback --action 01A", 0, []string{"rollback {ActionID:01A File: Version:0 To: DryRun:false PlanID: Answers:map[] Note:}" + byAnn}},
		{"rollback dry run blocked", func(e *engine) {
			e.err = &coordinator.Error{Code: coordinator.CodeBlocked, Message: "a question must be answered first", Details: []any{plan().Questions[2], plan()}}
		}, "rollback --action 01A --dry-run", 3, []string{"rollback {ActionID:01A File: Version:0 To: DryRun:true PlanID: Answers:map[] Note:}" + byAnn}},
		{"rollback conflict", func(e *engine) {
			e.err = &coordinator.Error{Code: coordinator.CodeConflict, Message: "later batches changed the same files", Details: []any{"01X", history().Items[0], map[string]int{"more": 2}}}
		}, "rollback --action 01A", 1, []string{"rollback {ActionID:01A File: Version:0 To: DryRun:false PlanID: Answers:map[] Note:}" + byAnn}},
	}
}

// notWritten is a file that could not be written back.
func notWritten() []action.Unwritten {
	return []action.Unwritten{{File: article, Message: "the file could not be written back yet (permission denied); it is tried again until it can"}}
}

func rejectExamples() []example {
	return []example{
		{"reject", func(e *engine) { e.reject = coordinator.RejectResult{Held: []string{article}} }, "reject " + article + " --note later", 0, []string{"reject {Files:[" + article + "] Restore:false Note:later}" + byAnn}},
		{"reject restore", func(e *engine) {
			e.reject = coordinator.RejectResult{ActionID: batchID, Restored: []string{article, system}}
		}, "reject --restore " + article + " " + system, 0, []string{"reject {Files:[" + article + " " + system + "] Restore:true Note:}" + byAnn}},
		{"reject restore unwritten", func(e *engine) {
			e.reject = coordinator.RejectResult{ActionID: batchID, Restored: []string{article, system}, Unwritten: notWritten()}
		}, "reject --restore " + article + " " + system, 1, []string{"reject {Files:[" + article + " " + system + "] Restore:true Note:}" + byAnn}},
		{"reject nothing", nil, "reject " + article, 0, []string{"reject {Files:[" + article + "] Restore:false Note:}" + byAnn}},
	}
}

func draftsExamples() []example {
	return []example{
		{"drafts none", nil, "drafts", 0, []string{"drafts"}},
		{"drafts", func(e *engine) {
			e.drafts = []coordinator.Draft{{ID: "01D", File: article, At: "2026-03-04T15:06:07.000Z", Size: 1234}, {ID: "01E", File: system, At: "bad", Size: 5}}
		}, "drafts", 0, []string{"drafts"}},
		{"drafts json", nil, "drafts --json", 0, []string{"drafts"}},
		{"drafts restore", nil, "drafts --restore 01D", 0, []string{"restore 01D" + byAnn}},
	}
}

func verifyExamples() []example {
	return []example{
		{"verify", func(e *engine) { e.verify = coordinator.VerifyResult{OK: true, Checked: 120, Duration: 12.3} }, "verify", 0, []string{"verify"}},
		{"verify notes", func(e *engine) {
			e.verify = coordinator.VerifyResult{OK: true, Checked: 120, Duration: 12.3, Notes: []coordinator.Fault{{Code: "dangling_reference", Subject: "article.author", Message: "2 of 5 values point at no row of user"}}}
		}, "verify", 0, []string{"verify"}},
		{"verify faults", func(e *engine) {
			e.verify = coordinator.VerifyResult{Checked: 120, Faults: []coordinator.Fault{{Code: "missing_column", Subject: "content_article", Message: "the column title is missing"}, {Code: "broken_chain", Subject: batchID, Message: "the entry was edited"}}}
		}, "verify", 1, []string{"verify"}},
	}
}

func helpExamples() []example {
	return []example{
		{"help", nil, "help", 0, nil},
		{"help flag", nil, "--help", 0, nil},
		{"help json", nil, "help verify --json", 0, nil},
		{"help unknown", nil, "help aply", 2, nil},
	}
}

func usageExamples() []example {
	return []example{
		{"usage nothing", nil, "", 2, nil},
		{"usage unknown command", nil, "stauts", 2, nil},
		{"usage unlike any command", nil, "xyzzy", 2, nil},
		{"usage unknown flag", nil, "apply --aprove warning", 2, nil},
		{"usage unlike any flag", nil, "apply --xyzzy", 2, nil},
		{"usage unknown flag json", nil, "apply --json --aprove warning", 2, nil},
		{"usage global flag", nil, "--projct x status", 2, nil},
		{"usage no value", nil, "apply --note", 2, nil},
		{"usage category", nil, "apply --approve all", 2, nil},
		{"usage answer", nil, "apply --answer renamed", 2, nil},
		{"usage answer twice", nil, "apply --answer a=b --answer a=c", 2, nil},
		{"usage limit", nil, "history --limit 201", 2, nil},
		{"usage limit text", nil, "history --limit ten", 2, nil},
		{"usage history status", nil, "history --status done", 2, nil},
		{"usage history against", nil, "history --against-now", 2, nil},
		{"usage too many names", nil, "history 01A 01B", 2, nil},
		{"usage names", nil, "status " + article, 2, nil},
		{"usage outside", nil, "diff ../../secret.yaml", 2, nil},
		{"usage folder", nil, "diff schemas", 2, nil},
		{"usage empty name", nil, "diff --project . _", 2, nil},
		{"usage rollback", nil, "rollback", 2, nil},
		{"usage rollback two", nil, "rollback --action 01A --to 01B", 2, nil},
		{"usage rollback version", nil, "rollback --version 3", 2, nil},
		{"usage rollback file", nil, "rollback --file " + article, 2, nil},
		{"usage reject", nil, "reject", 2, nil},
		{"no project", nil, "status --project ../nowhere", 1, nil},
		{"no project json", nil, "status --json --project ../nowhere", 1, nil},
	}
}
