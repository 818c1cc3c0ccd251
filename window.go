//go:build !headless

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	goruntime "runtime"

	"marain/backend/cli"
	"marain/backend/coordinator"
	"marain/backend/project"
	"marain/backend/telemetry"
	"marain/frontend"

	"github.com/wailsapp/wails/v2"
	"github.com/wailsapp/wails/v2/pkg/logger"
	"github.com/wailsapp/wails/v2/pkg/options"
	"github.com/wailsapp/wails/v2/pkg/options/assetserver"
	"github.com/wailsapp/wails/v2/pkg/options/linux"
	"github.com/wailsapp/wails/v2/pkg/options/windows"
	"github.com/wailsapp/wails/v2/pkg/runtime"

	_ "embed"
)

//go:embed build/appicon.png
var icon []byte

// policy is the page's content security policy: own scripts and styles only, no frames, nothing from elsewhere.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
	"frame-src 'none'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// openWindow shows the window until it is closed and returns the exit status. When the program runs already, its
// window comes to the front instead.
func openWindow(root, program string) int {
	if root != "" {
		absolute, err := filepath.Abs(root)
		if err != nil {
			return complain(fmt.Errorf("project folder %s: %w", root, err))
		}
		root = absolute
	}
	if goruntime.GOOS == "linux" && os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return complain(errors.New("there is no display to open a window on; `marain serve --link` serves the same page"))
	}
	config, err := os.UserConfigDir()
	if err != nil {
		return complain(fmt.Errorf("find your configuration folder: %w", err))
	}
	only, err := claim(filepath.Join(config, "marain"), root)
	switch {
	case errors.Is(err, errRunning):
		fmt.Fprintln(os.Stderr, "marain: the window is open already; it was brought to the front")
		return cli.ExitDone
	case err != nil:
		return complain(err)
	}
	defer only.close()
	log, err := telemetry.NewLogger(os.Stderr, "info", "text")
	if err != nil {
		return complain(err)
	}
	native := &wailsShell{}
	app := newApp(native, project.Recent(config), program, log)
	if err := show(app, native, only, root); err != nil {
		return complain(err)
	}
	return cli.ExitDone
}

// newApp returns the app that opens real projects.
func newApp(native shell, recent *project.RecentList, program string, log *slog.Logger) *App {
	return &App{
		shell: native, recent: recent, sample: sampleFiles, user: userName(), log: log, ready: make(chan struct{}),
		open: func(ctx context.Context, root string) (engine, error) {
			opened, err := openProject(ctx, root, coordinator.Options{
				Watch: true, Door: "window", Version: program, Logger: log,
			})
			if err != nil {
				return nil, err // not a nil pointer inside an interface
			}
			return opened, nil
		},
	}
}

// show runs the window until it is closed.
func show(app *App, native *wailsShell, only *instance, root string) (err error) {
	defer func() {
		if thrown := recover(); thrown != nil { // the toolkit panics when the display cannot be used
			err = fmt.Errorf("open the window: %v; `marain serve --link` serves the same page", thrown)
		}
	}()
	dark := prefersDark(os.Getenv)
	background := options.NewRGB(0xff, 0xff, 0xff)
	if dark {
		background = options.NewRGB(0x12, 0x15, 0x1b)
	}
	return wails.Run(&options.App{
		Title: "Marain", Width: 1280, Height: 800, MinWidth: 900, MinHeight: 600,
		BackgroundColour:   background,
		AssetServer:        &assetserver.Options{Assets: frontend.Page(), Middleware: secured},
		Logger:             quiet{app.log},
		LogLevelProduction: logger.WARNING,
		Bind:               []any{app},
		ErrorFormatter:     formatError,
		OnStartup: func(ctx context.Context) {
			native.started(ctx)
			app.start(ctx, root)
			only.serve(func(other string) { app.raise(ctx, other) })
		},
		OnDomReady: func(context.Context) { revivePages() },
		OnShutdown: func(context.Context) { app.stop() },
		Linux:      &linux.Options{Icon: icon, ProgramName: "marain", WebviewGpuPolicy: linux.WebviewGpuPolicyNever},
		Windows:    &windows.Options{Theme: windows.SystemDefault},
	})
}

// complain says why there is no window.
func complain(err error) int {
	fmt.Fprintln(os.Stderr, "marain:", err)
	return cli.ExitError
}

// secured adds the headers that keep the page to itself.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	})
}

// wailsShell is the [shell] of a Wails window. Wails ends the process when its functions get any other context than
// the one that the window was started with, so that one is kept here and used nowhere else.
type wailsShell struct {
	ctx context.Context
}

var _ shell = (*wailsShell)(nil)

// started must be called before any other method.
func (s *wailsShell) started(ctx context.Context) { s.ctx = ctx }

func (s *wailsShell) Emit(name string, data any) { runtime.EventsEmit(s.ctx, name, data) }

func (s *wailsShell) PickFolder(title, dir string) (string, error) {
	folder, err := runtime.OpenDirectoryDialog(s.ctx, runtime.OpenDialogOptions{
		Title: title, DefaultDirectory: dir, CanCreateDirectories: true,
	})
	if err != nil {
		return "", fmt.Errorf("ask for a folder: %w", err)
	}
	return folder, nil
}

func (s *wailsShell) SetTitle(title string) { runtime.WindowSetTitle(s.ctx, title) }

func (s *wailsShell) Raise() {
	runtime.WindowUnminimise(s.ctx)
	runtime.WindowShow(s.ctx)
}

func (s *wailsShell) Restart() { runtime.WindowReloadApp(s.ctx) }

// quiet passes what Wails logs to the program's log. Wails logs every call of the page, with what it carries, when it
// ends in an error; such an error is an answer and no news.
type quiet struct{ log *slog.Logger }

func (q quiet) Print(string)           {}
func (q quiet) Trace(string)           {}
func (q quiet) Debug(string)           {}
func (q quiet) Info(string)            {}
func (q quiet) Warning(message string) { q.log.Warn("window", "message", message) }
func (q quiet) Error(message string)   { q.log.Error("window", "message", message) }
func (q quiet) Fatal(message string)   { q.log.Error("window", "message", message) }
