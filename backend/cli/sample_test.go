package cli

import (
	"marain/backend/action"
	"marain/backend/coordinator"
	"marain/backend/diff"
	"marain/backend/document"
)

const (
	article = "schemas/article.schema.yaml"
	author  = "schemas/author.schema.yaml"
	system  = "config/config.system.yaml"
	batchID = "01JD3K6Z0P4N8V5X2T7QWERTYA"
	planID  = "9f8e7d6c5b4a"
)

func inSync() coordinator.Status {
	return coordinator.Status{
		InSync: true, State: "in_sync", Database: coordinator.DatabaseStatus{OK: true},
		Project: coordinator.ProjectStatus{Name: "blog", Environment: "dev", Policy: "safe"},
	}
}

func changes() []diff.Head {
	return []diff.Head{
		{Op: diff.Add, Key: "fields.subtitle", Category: diff.Safe, Rule: "field_added", Message: "field subtitle (text) added", Line: 14},
		{Op: diff.Remove, Key: "fields.summary", Category: diff.Breaking, Rule: "field_removed", Message: "field summary removed: 120 rows hold a value", Line: 9},
	}
}

func problems() []document.Problem {
	return []document.Problem{
		{File: author, Line: 4, Column: 3, Code: "unknown_key", Message: `unknown key "requird"`, Hint: `did you mean "required"?`},
		{File: author, Line: 9, Column: 5, Code: "duplicate_key", Message: "the key id is there twice, first in line 8"},
	}
}

func waiting() coordinator.Status {
	status := inSync()
	status.InSync, status.State = false, "pending"
	for _, head := range changes() {
		status.PendingChanges = append(status.PendingChanges, coordinator.PendingChange{File: article, Kind: document.KindEntity, Event: diff.FileModified, Head: head})
	}
	status.PendingChanges = append(status.PendingChanges, coordinator.PendingChange{
		File: system, Kind: document.KindConfig, Event: diff.FileModified,
		Head: diff.Head{Op: diff.Modify, Key: "values.logging.level", Category: diff.Safe, Message: "logging.level: info to debug", Line: 7},
	})
	return status
}

func wrongAndHeld() coordinator.Status {
	status := waiting()
	status.State, status.InvalidFiles = "invalid", problems()
	status.HeldFiles = []coordinator.Held{
		{File: "config/config.api.yaml", Reason: "rejected", At: "2026-03-04T15:06:07.000Z", By: "ann via window", Note: "not before \x1b[31mMay"},
		{File: "config/config.content.yaml", Reason: "rolled_back", At: "2026-03-04T15:06:07.000Z"},
	}
	status.LastResult = &coordinator.LastResult{Kind: "failed", Result: "failed", At: "2026-03-04T15:06:07.000Z", Message: "the disk is full"}
	return status
}

func side(line int, spans ...diff.Span) *diff.Side { return &diff.Side{Line: line, Spans: spans} }

func text(s string) diff.Span { return diff.Span{Text: s} }

func plan() action.Plan {
	empty := "empty"
	return action.Plan{
		ID: planID, Category: diff.Breaking,
		Files: []action.File{
			{
				Path: article, Kind: document.KindEntity, Event: diff.FileModified, Category: diff.Breaking, BaseVersion: 3, Changes: changes(),
				Actions: []action.Action{{
					Type: action.DatabaseMigration, Description: "add the column subtitle to content_article",
					Up:   []string{`ALTER TABLE "content_article" ADD COLUMN "subtitle" TEXT`},
					Down: []string{`ALTER TABLE "content_article" RENAME COLUMN "subtitle" TO "t_1"`},
				}, {Type: action.DatabaseMigration, Description: "take the column summary of content_article out of use", Up: []string{"ALTER TABLE \"content_article\"\n  RENAME COLUMN \"summary\" TO \"t_2\";"}}},
				Checks: []action.Check{
					{Verdict: action.Risk, Message: "120 of 12,400 rows have a summary", Samples: []map[string]any{{"summary": "A \x1b[2Jtext", "becomes": nil, "id": "01A"}}},
					{Verdict: action.ProvedSafe, Message: "0 of 12,400 rows are empty, proved safe"},
					{Verdict: action.NotProved, Message: "not proved: the check ran out of time"},
				},
				Hunks: []diff.Hunk{{OldStart: 8, OldLines: 3, NewStart: 8, NewLines: 3, Rows: []diff.Row{
					{Kind: "equal", Old: side(8, text("fields:")), New: side(8, text("fields:"))},
					{Kind: "changed", Old: side(9, text("  - id: "), diff.Span{Text: "summary", Changed: true}), New: side(9, text("  - id: "), diff.Span{Text: "subtitle", Changed: true})},
					{Kind: "removed", Old: side(10, text("    type: long_text"))},
					{Kind: "added", New: side(10, text("    type: text # \u202emirrored"))},
				}}},
			},
			{
				Path: system, Kind: document.KindConfig, Event: diff.FileAdded, Category: diff.Safe, Held: true,
				Changes: []diff.Head{{Op: diff.Format, Message: "only comments changed: no effect"}},
				Actions: []action.Action{{Type: action.UpdateConfig, Description: "publish the configuration system"}},
			},
		},
		Questions: []action.Question{
			{Key: "rename:article.summary", Text: "Was summary renamed to subtitle, or replaced?", Options: []string{"renamed", "replaced"}},
			{Key: "restore:article.subtitle", Text: "article had a field subtitle before: start empty, or bring its values back?", Options: []string{"empty", "restore"}, Default: &empty},
			{Key: "backfill:article.title", Text: "Which title do the 3 rows without one get?"},
		},
	}
}

func blocked() action.Plan {
	return action.Plan{ID: planID, Category: diff.Warning, Files: []action.File{{
		Path: article, Kind: document.KindEntity, Event: diff.FileModified, Category: diff.Warning, BaseVersion: 1,
		Blocked: []action.Block{{File: article, Key: "fields.title.type", Message: "the type of a field cannot be changed yet", Hint: "add a new field and remove the old one"}},
	}}}
}

func history() coordinator.History {
	return coordinator.History{Next: "01JD3K6Z0P4N8V5X2T7QWERT00", Items: []coordinator.BatchSummary{
		{ActionID: "01JD3K6Z0P4N8V5X2T7QWERT03", Kind: "rollback", Status: "applied", At: "2026-03-04T15:06:07.000Z", By: "ann via command", Summary: "1 field taken out of use", Category: diff.Safe, Target: batchID, Files: []coordinator.BatchFile{{File: article, Version: 5, Event: diff.FileModified}}},
		{ActionID: "01JD3K6Z0P4N8V5X2T7QWERT02", Kind: "failed", Status: "failed", At: "2026-03-04T15:05:07.000Z", By: "auto", Summary: "1 setting changed", Error: "the disk is full", Files: []coordinator.BatchFile{{File: system, Event: diff.FileRemoved}}},
		{ActionID: batchID, Kind: "apply", Status: "rolled_back", At: "2026-03-03T09:00:00.000Z", By: "bob via window", Note: "subtitles", Summary: "1 field added to article", Category: diff.Breaking, Files: []coordinator.BatchFile{
			{File: article, Version: 4}, {File: author, Version: 2}, {File: "a.yaml", Version: 1}, {File: "b.yaml", Version: 1}, {File: "c.yaml", Version: 1}, {File: "d.yaml", Version: 1},
		}},
		{ActionID: "01JD3K6Z0P4N8V5X2T7QWERT01", Kind: "reject", Status: "rejected", At: "2026-03-03T08:00:00.000Z", By: "ann via rest", Summary: "1 file held"},
	}}
}

func batch() coordinator.Batch {
	p := plan()
	return coordinator.Batch{
		BatchSummary: coordinator.BatchSummary{ActionID: batchID, Kind: "apply", Status: "applied", At: "2026-03-03T09:00:00.000Z", By: "bob via window", Note: "subtitles", Summary: "1 field added to article", Category: diff.Breaking, DurationMS: 12.34, Target: "01JD3K6Z0P4N8V5X2T7QWERT01"},
		ChangedFiles: p.Files[:1], Timings: map[string]float64{"plan": 2.25, "apply": 9, "publish": 1000}, CanUndo: true,
	}
}
