package main

import "testing"

func TestWindowArguments(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		root string
		ok   bool
	}{
		{"none", nil, "", true},
		{"a project", []string{"--project", "x"}, "x", true},
		{"a project in one word", []string{"--project=x"}, "x", true},
		{"one dash", []string{"-project", "x"}, "x", true},
		{"a project is missing", []string{"--project"}, "", false},
		{"a command", []string{"status"}, "", false},
		{"a project and a command", []string{"--project", "x", "status"}, "", false},
		{"help", []string{"--help"}, "", false},
		{"version", []string{"--version"}, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if root, ok := windowArguments(test.args); root != test.root || ok != test.ok {
				t.Errorf("got %q, %v, want %q, %v", root, ok, test.root, test.ok)
			}
		})
	}
}

func TestProgramVersion(t *testing.T) {
	if programVersion() == "" {
		t.Error("the program has no version")
	}
}
