package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"syscall"

	"marain/backend/api"
	"marain/backend/coordinator"
	"marain/backend/document"
	"marain/backend/project"
	"marain/backend/telemetry"
)

// settingsID is the id of the configuration that holds the engine's own settings.
const settingsID = "hot_reload"

func serveCommand() command {
	return command{
		name:    "serve",
		args:    "[--listen HOST:PORT] [--link] [--cert FILE --key FILE]",
		summary: "watch the project and serve REST and the page",
		text: `Watches the files, applies by policy, and serves REST and the page until it is stopped (Ctrl+C). It prints
its address; every API request wants the token that is in the data folder's api.token, new at
each start. --link prints an address that signs the browser in; whoever has it may do everything.

It listens on 127.0.0.1:4180, or what hot_reload.listen in the project's configuration says. Other
machines can only be let in with a certificate. Port 0 takes any free port. A second window or
server on the same project is refused.

Exit status: 0 stopped, 1 an error, 2 an address that other machines can reach without a certificate.`,
		examples: []string{
			"marain serve --link",
			"marain serve --listen 127.0.0.1:0",
			"marain serve --listen 0.0.0.0:8443 --cert server.crt --key server.key",
		},
		flags: func(set *flag.FlagSet, o *options) {
			set.StringVar(&o.listen, "listen", "", "`HOST:PORT` to listen on")
			set.BoolVar(&o.link, "link", false, "print a link that signs the browser in")
			set.StringVar(&o.cert, "cert", "", "certificate `FILE` (PEM), to serve HTTPS, also to other machines")
			set.StringVar(&o.key, "key", "", "private key `FILE` (PEM) of the certificate")
		},
		run: runServe,
	}
}

// served is the JSON of `marain serve`, printed once it answers.
type served struct {
	Project   string `json:"project"`
	Address   string `json:"address"`
	TokenFile string `json:"token_file"`
	Link      string `json:"link,omitempty"`
}

func runServe(ctx context.Context, inv *invocation) (code int, err error) {
	if err := inv.withProject(); err != nil {
		return 0, err
	}
	certificate, err := inv.certificate()
	if err != nil {
		return 0, err
	}
	listener, err := inv.listen(ctx, certificate)
	if err != nil {
		return 0, err
	}
	defer listener.Close() // again after Serve, which is harmless
	address := webAddress(listener.Addr(), inv.options.listen, certificate)
	logger, err := telemetry.NewLogger(inv.env.Stderr, "info", telemetry.FormatText)
	if err != nil {
		return 0, err
	}
	engine, err := inv.env.Open(ctx, inv.project.Root, OpenOptions{
		Door: "server", Watch: true, Address: address, Version: inv.env.Version, Logger: logger,
	})
	if err != nil {
		return 0, err
	}
	defer func() {
		if closeErr := engine.Close(); closeErr != nil {
			err = errors.Join(err, fmt.Errorf("close the project: %w", closeErr))
		}
	}()
	token, err := inv.project.Token() // not before the project is ours: this replaces the file
	if err != nil {
		return 0, err
	}
	server, err := api.New(engine, token)
	if err != nil {
		return 0, err
	}
	server.Page, server.Certificate, server.Logger, server.User = inv.env.Page, certificate, logger, inv.env.User
	if err := inv.announce(address, token); err != nil {
		return 0, err
	}
	if err := server.Serve(ctx, listener); err != nil {
		return 0, err
	}
	p := newPrinter(inv.env, inv.env.Stderr)
	p.line("Stopped")
	return ExitDone, p.flush()
}

// certificate loads the certificate that the flags name, or returns nil.
func (inv *invocation) certificate() (*tls.Certificate, error) {
	o := inv.options
	if o.cert == "" && o.key == "" {
		return nil, nil
	}
	if o.cert == "" || o.key == "" {
		return nil, usagef("", "--cert and --key belong together")
	}
	loaded, err := tls.LoadX509KeyPair(inv.path(o.cert), inv.path(o.key))
	if err != nil {
		return nil, fmt.Errorf("load the certificate: %w", err)
	}
	return &loaded, nil
}

// path returns a path as the person means it who stands in the current folder.
func (inv *invocation) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(inv.env.Dir, name)
}

// listen opens the address of the flag, of the project's settings, or the default. Without a certificate it refuses an
// address that other machines can reach before anything listens there.
func (inv *invocation) listen(ctx context.Context, certificate *tls.Certificate) (net.Listener, error) {
	address := inv.options.listen
	if address == "" {
		address = inv.configuredListen()
	}
	resolved, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, usagef("use HOST:PORT, for example "+project.DefaultListen, "%q is not an address: %s", address, err)
	}
	if certificate == nil && !resolved.IP.IsLoopback() {
		return nil, usagef("use 127.0.0.1, or give --cert and --key", "%s can be reached by other machines, and %s", address, api.ErrNotLoopback)
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err == nil {
		return listener, nil
	}
	if held := inv.heldBy(); held != nil {
		return nil, held
	}
	reason := err
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		reason = errno
	}
	return nil, &coordinator.Error{
		Code:    coordinator.CodeLocked,
		Message: fmt.Sprintf("cannot listen on %s: %s; choose another port with --listen HOST:PORT, or any free one with --listen 127.0.0.1:0", address, reason),
		Cause:   err,
	}
}

// heldBy says who has the project, when somebody has: the better answer when the port is taken as well.
func (inv *invocation) heldBy() error {
	lock, err := inv.project.Lock("server", "")
	if err == nil {
		err = lock.Close()
	}
	if held, ok := errors.AsType[*project.LockedError](err); ok {
		return held
	}
	return nil
}

// configuredListen returns hot_reload.listen of the files on disk, since no database is open yet. A file that cannot be
// used does not stop a server: its problems show in the status.
func (inv *invocation) configuredListen() string {
	files, err := inv.project.Files()
	if err != nil {
		return project.DefaultListen
	}
	defer func() { _ = files.Close() }() // it was only read from
	loader := document.Loader{
		SchemaDir: inv.project.SchemaDir, ConfigDir: inv.project.ConfigDir, Environment: inv.project.Environment,
	}
	found, _, err := files.Scan([]string{inv.project.ConfigDir}, func(path string) bool {
		kind, ok := loader.Kind(path)
		return ok && kind == document.KindConfig
	})
	if err != nil {
		return project.DefaultListen
	}
	for _, file := range found {
		doc, problems := loader.Load(file.Path, file.Data)
		if len(problems) > 0 || !doc.Config.Live || doc.Config.ID != settingsID {
			continue
		}
		if values, ok := doc.Config.Values.Interface().(map[string]any); ok {
			settings, _ := project.ParseSettings(values) // what is wrong keeps its default
			return settings.Listen
		}
	}
	return project.DefaultListen
}

// announce prints where the server answers and how to get in: the address on standard output, the rest beside it. The
// link holds the token after the # sign, which browsers keep to themselves.
func (inv *invocation) announce(address, token string) error {
	out := newPrinter(inv.env, inv.env.Stdout)
	about := served{Project: inv.project.Name, Address: address, TokenFile: inv.project.TokenPath()}
	if inv.options.link || (out.terminal && !inv.options.json) {
		about.Link = address + "#token=" + url.QueryEscape(token)
	}
	if inv.options.json {
		return inv.show(about, nil)
	}
	out.line("Marain serves ", about.Project, " at ", bold.is("%s", about.Address))
	if about.Link != "" {
		out.line("Sign in: ", cyan.is("%s", about.Link))
	}
	if err := out.flush(); err != nil {
		return err
	}
	messages := newPrinter(inv.env, inv.env.Stderr)
	messages.line("The token is in ", about.TokenFile)
	return messages.flush()
}

// webAddress returns the address to open. A listener on all addresses is named by what the certificate says.
func webAddress(listening net.Addr, asked string, certificate *tls.Certificate) string {
	host, port, err := net.SplitHostPort(listening.String())
	if err != nil {
		return "http://" + listening.String() + "/"
	}
	if certificate == nil {
		return "http://" + net.JoinHostPort(host, port) + "/"
	}
	if name, _, err := net.SplitHostPort(asked); err == nil && name != "" {
		host = name
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = certifiedName(certificate)
	}
	return "https://" + net.JoinHostPort(host, port) + "/"
}

// certifiedName returns a name that the certificate is for.
func certifiedName(certificate *tls.Certificate) string {
	leaf, err := x509.ParseCertificate(certificate.Certificate[0])
	if err != nil {
		return "localhost"
	}
	for _, name := range leaf.DNSNames {
		if !strings.HasPrefix(name, "*") {
			return name
		}
	}
	for _, ip := range leaf.IPAddresses {
		return ip.String()
	}
	return "localhost"
}
