package cli

import (
	"marain/backend/action"
	"marain/backend/coordinator"
	"marain/backend/diff"
)

// drifted is what the engine finds in the examples.
func drifted() coordinator.Drift {
	rows := int64(3)
	return coordinator.Drift{
		Differences: []coordinator.DriftDifference{
			{
				File: article, Entity: "article", Table: "content_article", Column: "title", Kind: action.AllowsEmpty,
				Message: "column title allows empty values", SQL: []string{`ALTER TABLE "content_article" ALTER COLUMN "title" SET NOT NULL`},
			},
			{
				File: article, Entity: "article", Table: "field_article_tags", Kind: action.MissingTable,
				Message: "the table is missing", SQL: []string{"CREATE TABLE \"field_article_tags\" (\n  \"id\" TEXT\n)"},
			},
		},
		Unmanaged: coordinator.Unmanaged{
			Tables: []string{"theirs"},
			Columns: []coordinator.UnmanagedColumn{
				{Table: "content_article", Column: "extra", Type: "INTEGER", RowsWithValue: &rows},
				{Table: "content_article", Column: "huge", Type: "TEXT"},
			},
			Objects: []coordinator.UnmanagedObject{{Kind: "view", Name: "live_articles", Table: "content_article"}},
		},
		Adopt: []coordinator.Adoption{{
			File: article, Hunks: diff.Hunks("required: true\n", "required: false\n", 3), Edits: []coordinator.AdoptionEdit{
				{Key: "content_article.title", Message: "title: not required any more"},
				{Key: "content_article.extra", Message: "extra: a new field of type integer", Optional: true},
			},
		}},
		Plan: action.Plan{
			ID: "p9", Files: []action.File{{
				Path:    article,
				Checks:  []action.Check{{Message: "2 of 9 rows have no title", Verdict: action.Risk, Samples: []map[string]any{{"id": "1"}}}},
				Blocked: []action.Block{{File: article, Key: "content_article.x", Message: "no", Hint: "do this"}},
			}},
			Questions: []action.Question{{Key: "backfill:article.title", Text: "Which value?"}},
		},
	}
}

func driftExamples() []example {
	const nothing = "Files:[] DryRun:false PlanID: Answers:map[] Note:"
	return []example{
		{"drift", func(e *engine) { e.drift = drifted() }, "drift", 3, []string{"drift"}},
		{"drift json", func(e *engine) { e.drift = drifted() }, "drift --json", 3, []string{"drift"}},
		{"drift none", func(e *engine) { e.drift = coordinator.Drift{InSync: true} }, "drift", 0, []string{"drift"}},
		{
			"drift repair", func(e *engine) {
				e.apply = coordinator.ApplyResult{ActionID: batchID, Applied: []string{article}, DurationMS: 4}
			},
			"drift --repair --answer backfill:article.title=x --note why --plan p9 " + article, 0,
			[]string{"repair {Files:[" + article + "] DryRun:false PlanID:p9 Answers:map[backfill:article.title:x] Note:why}" + byAnn},
		},
		{"drift repair nothing", nil, "drift --repair", 0, []string{"repair {" + nothing + "}" + byAnn}},
		{
			"drift repair dry run", func(e *engine) { plan := drifted().Plan; e.apply = coordinator.ApplyResult{Plan: &plan} },
			"drift --repair --dry-run", 3,
			[]string{"repair {Files:[] DryRun:true PlanID: Answers:map[] Note:}" + byAnn},
		},
		{
			"drift adopt", func(e *engine) {
				e.apply = coordinator.ApplyResult{ActionID: batchID, Applied: []string{article}, DurationMS: 4}
			},
			"drift --adopt --key a.b --key a.c " + article, 0,
			[]string{"adopt {Files:[" + article + "] Keys:[a.b a.c] DryRun:false PlanID: Answers:map[] Note:}" + byAnn},
		},
		{"drift adopt nothing", nil, "drift --adopt", 0, []string{"adopt {Files:[] Keys:[] DryRun:false PlanID: Answers:map[] Note:}" + byAnn}},
		{"drift usage both", nil, "drift --adopt --repair", 2, nil},
		{"drift usage key", nil, "drift --repair --key a.b", 2, nil},
		{"drift usage", nil, "drift --dry-run", 2, nil},
		{"drift usage file", nil, "drift " + article, 2, nil},
	}
}
