// Package api is the REST door: the routes under /api/v1/hot-reload/, the event stream, the OpenAPI document that
// describes them, the page, and the rules of who may ask.
//
// A server listens on loopback only unless it has a certificate, answers only to its own host names, refuses requests
// that another site's page makes, and wants a bearer token on every API route. It says what the coordinator says:
// every answer is one of the coordinator's types as JSON, every error is {"error": {code, message, details}}.
package api

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"marain/backend/action"
	"marain/backend/coordinator"
	"marain/backend/event"
)

// The defaults and limits of a server.
const (
	DefaultHeartbeat    = 15 * time.Second // between comments on a quiet event stream
	DefaultWriteTimeout = 30 * time.Second // for one answer, or one event
	DefaultReadTimeout  = 30 * time.Second // for a whole request, its body included
	DefaultGrace        = 10 * time.Second // for requests that run when the server closes
	DefaultMaxStreams   = 32               // event streams at one time
	MaxBody             = 8 << 20          // bytes of a request's body

	headerTimeout  = 5 * time.Second
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 32 << 10
)

// ErrClosed is returned by [Server.Serve] when the server was closed before, or serves already.
var ErrClosed = errors.New("the server is closed or serves already")

// errStopped ends the operations that still run when the server closes.
var errStopped = errors.New("the server was stopped")

// ErrNotLoopback is returned by [Server.Serve] for a listener that other machines can reach, when there is no
// certificate.
var ErrNotLoopback = errors.New("only a loopback address may be served without a certificate")

// Engine is what the server needs of the coordinator. All methods may be called concurrently. Errors that carry a
// code are [*coordinator.Error]; the text of any other error is logged and not shown.
type Engine interface {
	Status(ctx context.Context) (coordinator.Status, error)
	Diff(ctx context.Context, req coordinator.DiffRequest) (action.Plan, error)
	Reload(ctx context.Context, req coordinator.ReloadRequest, by coordinator.Actor) (coordinator.ApplyResult, error)
	History(ctx context.Context, req coordinator.HistoryRequest) (coordinator.History, error)
	Batch(ctx context.Context, actionID string, againstNow bool) (coordinator.Batch, error)
	Rollback(ctx context.Context, req coordinator.RollbackRequest, by coordinator.Actor) (coordinator.ApplyResult, error)
	Cancel(ctx context.Context, req coordinator.CancelRequest, by coordinator.Actor) (coordinator.CancelResult, error)
	Reject(ctx context.Context, req coordinator.RejectRequest, by coordinator.Actor) (coordinator.RejectResult, error)
	Drift(ctx context.Context) (coordinator.Drift, error)
	Repair(ctx context.Context, req coordinator.RepairRequest, by coordinator.Actor) (coordinator.ApplyResult, error)
	Adopt(ctx context.Context, req coordinator.AdoptRequest, by coordinator.Actor) (coordinator.ApplyResult, error)
	Drafts(ctx context.Context) ([]coordinator.Draft, error)
	RestoreDraft(ctx context.Context, id string, by coordinator.Actor) (coordinator.Draft, error)
	Tombstones(ctx context.Context) (coordinator.Tombstones, error)
	Purge(ctx context.Context, req coordinator.PurgeRequest, by coordinator.Actor) (coordinator.PurgeResult, error)
	Backups(ctx context.Context) (coordinator.Backups, error)
	Validate(ctx context.Context, files []string) (coordinator.ValidateResult, error)
	Verify(ctx context.Context) (coordinator.VerifyResult, error)
	Subscribe(after uint64, fromNow bool) *event.Subscription
}

// Server serves one engine. Make one with [New], set its fields, then call [Server.Serve] once. The fields must not
// change after that. Close may be called from any goroutine.
type Server struct {
	Page         fs.FS            // the built page with index.html at its root; nil or without one: a note says how to get it
	Certificate  *tls.Certificate // serve HTTPS, also beyond loopback, under the certificate's own names
	Logger       *slog.Logger     // default: discard
	Heartbeat    time.Duration    // default: DefaultHeartbeat
	WriteTimeout time.Duration    // default: DefaultWriteTimeout
	ReadTimeout  time.Duration    // default: DefaultReadTimeout
	Grace        time.Duration    // default: DefaultGrace
	User         string           // who asks when a request does not say so: whoever runs the server
	MaxStreams   int              // default: DefaultMaxStreams

	engine Engine
	token  [sha256.Size]byte

	closing   chan struct{} // closed when the server starts to close
	closeOnce sync.Once

	mu      sync.Mutex
	served  chan struct{} // closed when Serve has returned; nil before it was called
	streams chan struct{} // one token a stream
}

// New returns a server for the engine that wants the token on every API route. An empty token is an error: it would
// let everybody in.
func New(engine Engine, token string) (*Server, error) {
	if token == "" {
		return nil, errors.New("a server needs a token")
	}
	return &Server{
		Logger:       slog.New(slog.DiscardHandler),
		Heartbeat:    DefaultHeartbeat,
		WriteTimeout: DefaultWriteTimeout,
		ReadTimeout:  DefaultReadTimeout,
		Grace:        DefaultGrace,
		MaxStreams:   DefaultMaxStreams,
		engine:       engine,
		token:        sha256.Sum256([]byte(token)),
		closing:      make(chan struct{}),
	}, nil
}

// Serve answers requests on the listener until ctx is done or Close is called, then lets running requests end for the
// grace time and returns nil. It closes the listener. It returns [ErrNotLoopback] for a listener that other machines
// can reach when there is no certificate, and [ErrClosed] when it was called before or the server is closed.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	defer listener.Close()
	names, err := newGuard(listener.Addr(), s.Certificate, s.token)
	if err != nil {
		return err
	}
	if err := s.begin(); err != nil {
		return err
	}
	defer close(s.served)

	// A request that changes something outlives ctx for the grace time: an apply that is cut half-way helps nobody.
	base, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	server := &http.Server{
		Handler:           s.handler(base, names),
		ReadHeaderTimeout: min(headerTimeout, s.ReadTimeout),
		ReadTimeout:       s.ReadTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		BaseContext:       func(net.Listener) context.Context { return base },
		ErrorLog:          slog.NewLogLogger(s.Logger.Handler(), slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() { ended <- s.accept(server, listener) }()
	select {
	case err := <-ended:
		s.stop()
		return fmt.Errorf("serve %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	case <-s.closing:
	}
	s.stop()
	return s.shutdown(server, abort)
}

// Close stops the server and waits until Serve has returned. It may be called more than once.
func (s *Server) Close() error {
	s.stop()
	s.mu.Lock()
	served := s.served
	s.mu.Unlock()
	if served != nil {
		<-served
	}
	return nil
}

// begin marks the server as serving.
func (s *Server) begin() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closing:
		return ErrClosed
	default:
	}
	if s.served != nil {
		return ErrClosed
	}
	s.served = make(chan struct{})
	s.streams = make(chan struct{}, s.MaxStreams)
	return nil
}

// stop ends the event streams and the accept loop.
func (s *Server) stop() { s.closeOnce.Do(func() { close(s.closing) }) }

// accept runs the server's accept loop, with TLS when there is a certificate.
func (s *Server) accept(server *http.Server, listener net.Listener) error {
	if s.Certificate == nil {
		return server.Serve(listener)
	}
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*s.Certificate}, MinVersion: tls.VersionTLS12}
	return server.ServeTLS(listener, "", "")
}

// shutdown waits for running requests for the grace time, then cuts them.
func (s *Server) shutdown(server *http.Server, abort context.CancelFunc) error {
	grace, cancel := context.WithTimeout(context.Background(), s.Grace)
	defer cancel()
	err := server.Shutdown(grace)
	if err == nil {
		return nil
	}
	abort()
	if closeErr := server.Close(); closeErr != nil {
		return fmt.Errorf("close the server: %w", errors.Join(err, closeErr))
	}
	if errors.Is(err, context.DeadlineExceeded) {
		s.Logger.Warn("requests were cut because they ran longer than the grace time", "grace", s.Grace.String())
		return nil
	}
	return fmt.Errorf("close the server: %w", err)
}
