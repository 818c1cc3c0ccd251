package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"marain/backend/diff"
)

// options are the flags of all commands; each command takes some of them.
type options struct {
	project string
	json    bool
	help    bool

	listen string
	cert   string
	key    string
	link   bool

	approve string
	plan    string
	note    string
	answers answers
	dryRun  bool

	file       string
	status     string
	before     string
	limit      int
	againstNow bool

	action  string
	to      string
	version int

	repair bool
	adopt  bool
	keys   list

	yes       bool
	confirm   string
	olderThan int
	restore   bool
	restoreID string
}

// list collects a flag that may be repeated.
type list []string

// String implements flag.Value.
func (l *list) String() string { return "" }

// Set implements flag.Value.
func (l *list) Set(text string) error {
	*l = append(*l, text)
	return nil
}

// answers collects --answer KEY=VALUE.
type answers map[string]string

// String implements flag.Value.
func (a *answers) String() string { return "" }

// Set implements flag.Value.
func (a *answers) Set(text string) error {
	key, value, found := strings.Cut(text, "=")
	if !found || key == "" {
		return errors.New("want KEY=VALUE")
	}
	if _, twice := (*a)[key]; twice {
		return fmt.Errorf("%s is answered twice", key)
	}
	if *a == nil {
		*a = answers{}
	}
	(*a)[key] = value
	return nil
}

// flags returns the answers as they are written on a command line.
func (a answers) flags() string {
	var text strings.Builder
	for _, key := range sortedKeys(a) {
		text.WriteString(" --answer " + quoted(key+"="+a[key]))
	}
	return text.String()
}

// category is a flag that takes a category.
type category struct{ name *string }

// String implements flag.Value.
func (c category) String() string { return "" }

// Set implements flag.Value.
func (c category) Set(text string) error {
	parsed, err := diff.ParseCategory(text)
	if err != nil {
		return errors.New("use safe, warning or breaking")
	}
	*c.name = parsed.String()
	return nil
}

// common adds the flags that every command takes.
func (o *options) common(set *flag.FlagSet) {
	set.StringVar(&o.project, "project", "", "`DIR` of the project (default: here)")
	set.BoolVar(&o.json, "json", false, "print the JSON of the REST door on standard output")
	set.BoolVar(&o.help, "help", false, "show this help")
	set.BoolVar(&o.help, "h", false, "")
}

// decision adds the flags of the commands that apply a plan.
func (o *options) decision(set *flag.FlagSet) {
	set.Var(&o.answers, "answer", "answer a question of the plan: `KEY=VALUE`; may be repeated")
	set.StringVar(&o.plan, "plan", "", "do exactly the plan with this `ID`, or nothing")
	set.StringVar(&o.note, "note", "", "`TEXT` for the history")
	set.BoolVar(&o.dryRun, "dry-run", false, "show what would happen and change nothing")
}

// parse reads the arguments of the program. Flags may stand before the command, before or after file names; what
// follows -- is never a flag.
func parse(args []string, env Env) (*invocation, error) {
	var leading options
	global := newSet("marain")
	leading.common(global)
	version := global.Bool("version", false, "")
	if err := global.Parse(args); err != nil {
		return nil, flagError(err, global, "")
	}
	rest := global.Args()
	switch {
	case *version:
		rest = []string{"version"}
	case len(rest) == 0 && leading.help:
		rest = []string{"help"}
	case len(rest) == 0:
		return nil, usagef("marain help lists the commands", "a command is missing")
	}
	found, err := find(rest[0])
	if err != nil {
		return nil, err
	}
	inv := &invocation{env: env, command: found, options: leading}
	set := inv.options.set(found)
	if inv.names, err = interleaved(set, rest[1:]); err != nil {
		return nil, flagError(err, set, found.name)
	}
	if found.names >= 0 && len(inv.names) > found.names && !inv.options.help {
		return nil, usagef("marain help "+found.name+" says what it takes", "%s does not take %q", found.name, inv.names[found.names])
	}
	return inv, nil
}

// set returns the flags of a command. What was set before the command stays the default.
func (o *options) set(c *command) *flag.FlagSet {
	set := newSet(c.name)
	before := *o
	o.common(set)
	o.project, o.json, o.help = before.project, before.json, before.help
	if c.flags != nil {
		c.flags(set, o)
	}
	return set
}

// newSet returns a flag set that leaves printing to us.
func newSet(name string) *flag.FlagSet {
	set := flag.NewFlagSet(name, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.Usage = func() {}
	return set
}

// interleaved parses flags wherever they stand and returns the rest.
func interleaved(set *flag.FlagSet, args []string) (names []string, err error) {
	var after []string
	if i := slices.Index(args, "--"); i >= 0 {
		args, after = args[:i], args[i+1:]
	}
	for len(args) > 0 {
		if err := set.Parse(args); err != nil {
			return nil, err
		}
		if args = set.Args(); len(args) > 0 {
			names, args = append(names, args[0]), args[1:]
		}
	}
	return append(names, after...), nil
}

// flagError turns an error of package flag into a usage error in our words.
func flagError(err error, set *flag.FlagSet, command string) error {
	hint := "marain help lists the commands"
	if command != "" {
		hint = "marain help " + command + " lists its flags"
	}
	text := err.Error()
	unknown, found := strings.CutPrefix(text, "flag provided but not defined: -")
	if !found {
		text = strings.NewReplacer("flag needs an argument: -", "a value is missing after --", " for flag -", " for --", ": parse error", ": want a whole number").Replace(text)
		return usagef(hint, "%s", text)
	}
	var known []string
	set.VisitAll(func(f *flag.Flag) { known = append(known, f.Name) })
	if near := nearest(unknown, known); near != "" {
		hint = "did you mean --" + near + "?"
	}
	return usagef(hint, "there is no flag --%s", unknown)
}

// wantsJSON reports whether the arguments ask for JSON, for errors that come before they are understood.
func wantsJSON(args []string) bool {
	return slices.Contains(args, "--json") || slices.Contains(args, "-json")
}
