package cli

import (
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDocs compares docs/commands.md with the commands: each has a section that names every flag, and no other section
// or flag is described.
func TestDocs(t *testing.T) {
	data, err := os.ReadFile("../../docs/commands.md")
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	for _, c := range commands() {
		known = append(known, c.name)
		_, rest, found := strings.Cut(string(data), "\n## "+c.name+"\n")
		if !found {
			t.Errorf("%s has no section", c.name)
			continue
		}
		section, _, _ := strings.Cut(rest, "\n## ")
		flags := []string{"--project", "--json", "--help"}
		var o options
		o.set(&c).VisitAll(func(f *flag.Flag) {
			name := "--" + f.Name
			if f.Usage != "" && !slices.Contains(flags, name) && !strings.Contains(section, name) {
				t.Errorf("the section %s lacks %s", c.name, name)
			}
			flags = append(flags, name)
		})
		for _, name := range regexp.MustCompile(`--[a-z][a-z-]*`).FindAllString(section, -1) {
			if !slices.Contains(flags, name) {
				t.Errorf("the section %s has %s, which the command does not take", c.name, name)
			}
		}
	}
	for _, match := range regexp.MustCompile(`(?m)^## ([a-z-]+)$`).FindAllStringSubmatch(string(data), -1) {
		if !slices.Contains(known, match[1]) {
			t.Errorf("there is a section on %s, which is no command", match[1])
		}
	}
}
