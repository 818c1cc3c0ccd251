// Package cli is the command door: `marain serve`, `status`, `diff`, `apply` and the others, for scripts, CI and people
// without the window.
//
// Every command talks to an [Engine] that the caller opens, prints for people or, with --json, exactly the JSON of the
// REST door, and ends with one of the exit statuses below. The package has no state of its own: everything it needs
// is in an [Env].
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"time"

	"marain/backend/api"
	"marain/backend/coordinator"
	"marain/backend/project"
	"marain/backend/telemetry"
)

// The exit statuses. When more than one would fit, the first of 2, 1, 4, 3 counts.
const (
	ExitDone    = 0 // done, or in sync
	ExitError   = 1 // an error
	ExitUsage   = 2 // wrong usage: nothing was tried
	ExitWaiting = 3 // changes are pending or held, or the plan was blocked or stale
	ExitInvalid = 4 // invalid files
)

// Engine is what the commands need of the coordinator. Closing it releases the project.
type Engine interface {
	api.Engine
	io.Closer
	Restore(ctx context.Context, req coordinator.RestoreRequest, by coordinator.Actor) (coordinator.RestoreResult, error)
}

// OpenOptions say how a command wants the project opened.
type OpenOptions struct {
	Door     string       // command, or server: a server takes the project's lock
	Watch    bool         // notice saved files and apply by policy
	ReadOnly bool         // must not create or change anything
	Alone    bool         // refuse to open beside a window or server, and keep them out
	Address  string       // where a server will answer
	Version  string       // of the program
	Logger   *slog.Logger // never nil
}

// Env is the world that a command runs in. Stdout, Stderr, Getenv, Dir and Open must be set.
type Env struct {
	Stdin    io.Reader // where a person confirms; nil for nobody
	Stdout   io.Writer // results alone
	Stderr   io.Writer // messages
	Getenv   func(string) string
	Dir      string         // the current folder, absolute
	User     string         // who runs the command, for the history
	Version  string         // of the program
	Page     fs.FS          // what serve serves as the page; nil for none
	Location *time.Location // for times shown to people; nil is the machine's

	// Open opens the project in the folder root, which exists and is absolute. Errors may be [*coordinator.Error] or
	// [*project.LockedError].
	Open func(ctx context.Context, root string, options OpenOptions) (Engine, error)
}

// invocation is one run of one command.
type invocation struct {
	env     Env
	command *command
	options options
	names   []string // the arguments that are no flags
	project *project.Project
}

// Run runs one command and returns the exit status. args are the program's arguments without its name. When ctx ends,
// `serve` stops cleanly and the other commands give up.
func Run(ctx context.Context, args []string, env Env) int {
	inv, err := parse(args, env)
	if err != nil {
		return report(env, wantsJSON(args), err)
	}
	run := inv.command.run
	if inv.options.help {
		run = func(context.Context, *invocation) (int, error) { return ExitDone, inv.printHelp() }
	}
	code, err := run(ctx, inv)
	if err != nil {
		return report(env, inv.options.json, err)
	}
	return code
}

// usageError is wrong usage: nothing was tried.
type usageError struct {
	message string
	hint    string
}

func (e *usageError) Error() string { return e.message }

// usagef returns a usage error.
func usagef(hint, format string, args ...any) error {
	return &usageError{message: fmt.Sprintf(format, args...), hint: hint}
}

// withProject finds the project folder and its settings.
func (inv *invocation) withProject() error {
	root := inv.options.project
	if root == "" {
		root = "."
	}
	if !filepath.IsAbs(root) {
		root = filepath.Join(inv.env.Dir, root)
	}
	opened, err := project.Open(root, inv.env.Getenv)
	if err != nil {
		return &coordinator.Error{Code: coordinator.CodeInvalid, Message: err.Error(), Cause: err}
	}
	inv.project = opened
	return nil
}

// open opens the engine for a command. The caller closes it.
func (inv *invocation) open(ctx context.Context) (Engine, error) {
	logger, err := telemetry.NewLogger(inv.env.Stderr, "warn", telemetry.FormatText)
	if err != nil {
		return nil, err
	}
	return inv.env.Open(ctx, inv.project.Root, OpenOptions{
		Door: "command", ReadOnly: inv.command.readOnly, Alone: inv.command.alone && !inv.options.dryRun, Version: inv.env.Version, Logger: logger,
	})
}

// ask opens the project, asks the engine, and closes it again.
func ask[T any](ctx context.Context, inv *invocation, question func(Engine) (T, error)) (answer T, err error) {
	if inv.project == nil {
		if err := inv.withProject(); err != nil {
			return answer, err
		}
	}
	engine, err := inv.open(ctx)
	if err != nil {
		return answer, err
	}
	defer func() {
		if closeErr := engine.Close(); closeErr != nil {
			err = errors.Join(err, fmt.Errorf("close the project: %w", closeErr))
		}
	}()
	return question(engine)
}

// actor is who runs the command.
func (inv *invocation) actor() coordinator.Actor {
	return coordinator.Actor{Name: inv.env.User, Door: "command"}
}

// show prints a result: as JSON, or for people.
func (inv *invocation) show(result any, human func(p *printer)) error {
	if inv.options.json {
		data, err := api.Marshal(result)
		if err != nil {
			return fmt.Errorf("encode the result: %w", err)
		}
		return writeAll(inv.env.Stdout, append(data, '\n'))
	}
	p := newPrinter(inv.env, inv.env.Stdout)
	p.project = inv.options.project
	human(p)
	return p.flush()
}

// writeAll writes a result to standard output.
func writeAll(w io.Writer, data []byte) error {
	if _, err := w.Write(data); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}
