package coordinator

import (
	"fmt"
	"strings"

	"marain/backend/action"
	"marain/backend/diff"
)

// summarise says in one sentence what some files change: "2 fields added to article, 1 setting changed".
func summarise(files []action.File) string {
	var parts []string
	for _, group := range []struct {
		rules []diff.Rule
		noun  string
		verb  string
	}{
		{[]diff.Rule{diff.EntityAddedRule}, "content type", "added"},
		{[]diff.Rule{diff.EntityRemovedRule}, "content type", "removed"},
		{[]diff.Rule{diff.FieldAddedOptional, diff.FieldAddedRequired}, "field", "added"},
		{[]diff.Rule{diff.FieldRemovedRule}, "field", "removed"},
		{[]diff.Rule{diff.FieldRenamedRule}, "field", "renamed"},
		{[]diff.Rule{diff.ConfigAdded}, "configuration", "added"},
		{[]diff.Rule{diff.ConfigRemoved}, "configuration", "removed"},
		{[]diff.Rule{diff.ConfigKeyAdded}, "setting", "added"},
		{[]diff.Rule{diff.ConfigKeyRemoved}, "setting", "removed"},
		{[]diff.Rule{diff.ConfigValueChanged, diff.ConfigValueJumped, diff.ConfigTypeChanged, diff.ConfigServiceKey, diff.PlainTextSecret}, "setting", "changed"},
	} {
		if n := countRules(files, group.rules); n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", plural(n, group.noun), group.verb))
		}
	}
	if len(parts) == 0 {
		parts = append(parts, otherwise(files))
	}
	text := strings.Join(parts, ", ")
	if len(files) == 1 {
		return text + " in " + files[0].Path
	}
	return text + fmt.Sprintf(" in %s", plural(len(files), "file"))
}

func countRules(files []action.File, rules []diff.Rule) int {
	n := 0
	for _, f := range files {
		for _, c := range f.Changes {
			for _, r := range rules {
				if c.Rule == r {
					n++
				}
			}
		}
	}
	return n
}

func otherwise(files []action.File) string {
	changes, formats := 0, 0
	for _, f := range files {
		for _, c := range f.Changes {
			changes++
			if c.Rule == diff.FormatOnly {
				formats++
			}
		}
	}
	if changes == formats {
		return "Layout changed, no effect"
	}
	return plural(changes, "change")
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
