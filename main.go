// Marain keeps a running system equal to a folder of YAML files.
//
// Without a command the program is a desktop window. With one it is the same engine for scripts: `marain help` lists
// the commands. Built with the tag headless it has the commands only and needs no C compiler.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"os/user"
	"runtime/debug"
	"strings"
	"syscall"

	"marain/backend/cli"
	"marain/backend/coordinator"
	"marain/backend/project"
	"marain/frontend"
)

// version is set by the linker.
var version = ""

func main() {
	os.Exit(run(os.Args[1:]))
}

// run decides between the window and the commands and returns the exit status.
func run(args []string) int {
	program := programVersion()
	if root, ok := windowArguments(args); ok {
		return openWindow(root, program)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer context.AfterFunc(ctx, stop)() // a second signal ends the program at once
	dir, err := os.Getwd()
	if err != nil {
		fmt.Fprintln(os.Stderr, "marain: find the current folder:", err)
		return cli.ExitError
	}
	return cli.Run(ctx, args, cli.Env{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Getenv: os.Getenv, Dir: dir, User: userName(), Version: program, Page: frontend.Page(),
		Open: func(ctx context.Context, root string, o cli.OpenOptions) (cli.Engine, error) {
			opened, err := openProject(ctx, root, coordinator.Options{
				Watch: o.Watch, Door: o.Door, ReadOnly: o.ReadOnly, Alone: o.Alone, Address: o.Address, Version: o.Version, Logger: o.Logger,
			})
			if err != nil {
				return nil, err // not a nil pointer inside an interface
			}
			return opened, nil
		},
	})
}

// windowArguments reports whether the arguments ask for the window: none at all, or only which project to open.
func windowArguments(args []string) (root string, ok bool) {
	switch {
	case len(args) == 0:
		return "", true
	case len(args) == 1:
		for _, flag := range []string{"--project=", "-project="} {
			if value, found := strings.CutPrefix(args[0], flag); found {
				return value, true
			}
		}
	case len(args) == 2 && (args[0] == "--project" || args[0] == "-project"):
		return args[1], true
	}
	return "", false
}

// openProject opens the engine on the project in a folder.
func openProject(ctx context.Context, root string, options coordinator.Options) (*coordinator.Coordinator, error) {
	found, err := project.Open(root, os.Getenv)
	if err != nil {
		return nil, &coordinator.Error{Code: coordinator.CodeInvalid, Message: err.Error(), Details: []any{}, Cause: err}
	}
	options.Project, options.Getenv = found, os.Getenv
	return coordinator.Open(ctx, options)
}

// userName is who runs the program, for the history; empty when the system does not say.
func userName() string {
	current, err := user.Current()
	if err != nil {
		return ""
	}
	name := current.Username
	return name[strings.LastIndex(name, `\`)+1:] // without a Windows domain
}

// programVersion is the version that was linked in, or what Go knows about the build.
func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
