package cli

import (
	"context"
	"flag"
	"runtime"
	"strings"
)

func helpCommand() command {
	return command{
		name:     "help",
		args:     "[COMMAND]",
		summary:  "explain the program, or one command",
		text:     "Explains the program, or one command with its flags and examples.",
		examples: []string{"marain help apply"},
		names:    1,
		run: func(_ context.Context, inv *invocation) (int, error) {
			if len(inv.names) == 0 {
				return ExitDone, inv.printOverview()
			}
			found, err := find(inv.names[0])
			if err != nil {
				return 0, err
			}
			inv.command = found
			return ExitDone, inv.printHelp()
		},
	}
}

func versionCommand() command {
	return command{
		name:     "version",
		summary:  "print the version",
		text:     "Prints the version of the program and what it was built with.",
		examples: []string{"marain version --json"},
		run: func(_ context.Context, inv *invocation) (int, error) {
			v := versionInfo{Version: inv.env.Version, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
			return ExitDone, inv.show(v, func(p *printer) {
				p.line("marain ", v.Version, dim.is(" (%s, %s/%s)", v.Go, v.OS, v.Arch))
			})
		},
	}
}

// versionInfo is the JSON of `marain version`.
type versionInfo struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

// printOverview prints the list of commands.
func (inv *invocation) printOverview() error {
	p := newPrinter(inv.env, inv.env.Stdout)
	p.line("Marain keeps a running system equal to a folder of YAML files.")
	p.blank()
	p.line(bold.is("Usage"), "  marain COMMAND [FLAGS] [FILE...]")
	p.blank()
	var rows [][]piece
	for _, c := range commands() {
		rows = append(rows, []piece{cyan.is("%s", c.name), plain.is("%s", c.summary)})
	}
	p.table("  ", rows)
	p.blank()
	p.line("Every command takes --project DIR (default: here), --json and --help; flags may stand before or")
	p.line("after file names. Without a command the program opens its window, where it has one.")
	p.blank()
	p.line("Exit status: 0 done or in sync, 1 error, 2 wrong usage, 3 changes are pending or the plan was")
	p.line("blocked, 4 invalid files. When more than one fits, the first of 2, 1, 4, 3 counts.")
	return p.flush()
}

// printHelp prints the help of one command.
func (inv *invocation) printHelp() error {
	c := inv.command
	if c.name == "help" {
		return inv.printOverview()
	}
	p := newPrinter(inv.env, inv.env.Stdout)
	p.line(bold.is("marain %s", c.name), ": ", c.summary)
	p.blank()
	p.line(bold.is("Usage"), "  marain ", strings.TrimSpace(c.name+" "+c.args))
	p.blank()
	for line := range strings.Lines(c.text) {
		p.line(strings.TrimRight(line, "\n"))
	}
	p.blank()
	p.line(bold.is("Flags"))
	var own options
	var rows [][]piece
	own.set(c).VisitAll(func(f *flag.Flag) {
		if f.Usage == "" {
			return
		}
		value, usage := flag.UnquoteUsage(f)
		if isBool(f) {
			value = ""
		}
		rows = append(rows, []piece{cyan.is("%s", strings.TrimSpace("--"+f.Name+" "+value)), plain.is("%s", usage)})
	})
	p.table("  ", rows)
	p.blank()
	p.line(bold.is("Examples"))
	for _, example := range c.examples {
		p.line("  ", example)
	}
	return p.flush()
}

// isBool reports whether a flag takes no value.
func isBool(f *flag.Flag) bool {
	b, ok := f.Value.(interface{ IsBoolFlag() bool })
	return ok && b.IsBoolFlag()
}
