package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"marain/backend/coordinator"
)

// Prefix is where the API lives.
const Prefix = "/api/v1/hot-reload/"

// UserHeader is the optional request header that says who asks, for the history. It proves nothing: whoever has the
// token may write any name.
const UserHeader = "X-Marain-User"

// maxUser is how many characters of a name the history keeps.
const maxUser = 64

// route is one operation.
type route struct {
	method string
	path   string   // below Prefix; a last segment {name} takes any one segment
	query  []string // the parameters that it takes
	// finishes says that the operation runs to its end when the caller goes away: it changes something, and half of it
	// would be of no use to anybody.
	finishes bool
	answer   func(ctx context.Context, call *call) (any, error)
	stream   func(w http.ResponseWriter, r *http.Request) error // instead of answer
}

// call is one request for an operation.
type call struct {
	segment string // the value of the path's last segment, where the route has one
	query   url.Values
	body    []byte
	by      coordinator.Actor
}

// routes returns every operation of the API.
func (s *Server) routes() []route {
	return []route{
		{method: http.MethodGet, path: "status", answer: s.status},
		{method: http.MethodPost, path: "diff", answer: s.diff},
		{method: http.MethodPost, path: "reload", answer: s.reload, finishes: true},
		{method: http.MethodGet, path: "history", answer: s.history, query: []string{"file_path", "status", "limit", "before"}},
		{method: http.MethodGet, path: "history/{action_id}", answer: s.batch, query: []string{"against"}},
		{method: http.MethodPost, path: "rollback", answer: s.rollback, finishes: true},
		{method: http.MethodPost, path: "cancel", answer: s.cancel},
		{method: http.MethodPost, path: "reject", answer: s.reject, finishes: true},
		{method: http.MethodGet, path: "drift", answer: s.drift},
		{method: http.MethodPost, path: "drift/repair", answer: s.repair, finishes: true},
		{method: http.MethodPost, path: "drift/adopt", answer: s.adopt, finishes: true},
		{method: http.MethodGet, path: "drafts", answer: s.drafts},
		{method: http.MethodPost, path: "drafts/restore", answer: s.restoreDraft, finishes: true},
		{method: http.MethodGet, path: "tombstones", answer: s.tombstones},
		{method: http.MethodPost, path: "purge", answer: s.purge, finishes: true},
		{method: http.MethodGet, path: "backups", answer: s.backups},
		{method: http.MethodGet, path: "validate", answer: s.validate, query: []string{"file_path"}},
		{method: http.MethodGet, path: "verify", answer: s.verify},
		{method: http.MethodGet, path: "events", stream: s.events},
		{method: http.MethodGet, path: "openapi.json", answer: s.openAPI},
	}
}

// handler returns the whole server: access rules, API, page. Operations that run to their end do so under base.
func (s *Server) handler(base context.Context, names *guard) http.Handler {
	routes := s.routes()
	page := newPage(s.Page)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := &writer{ResponseWriter: w}
		started := time.Now()
		defer func() {
			s.recovered(out, r, recover())
			s.Logger.Debug("request", "method", r.Method, "path", r.URL.Path, "status", out.status, "duration", time.Since(started))
		}()
		secure(w.Header())
		if err := s.serve(base, out, r, names, routes, page); err != nil {
			s.fail(out, r, err)
		}
	})
}

// serve answers one request, or returns why not.
func (s *Server) serve(base context.Context, w *writer, r *http.Request, names *guard, routes []route, page *page) error {
	if refused := names.admit(r); refused != nil {
		return refused
	}
	if r.URL.Path != "/api" && !strings.HasPrefix(r.URL.Path, "/api/") {
		s.limitWrite(w)
		return page.serve(w, r)
	}
	w.Header().Set("Cache-Control", "no-store")
	if refused := names.authorise(r); refused != nil {
		return refused
	}
	found, segment, err := match(routes, r)
	if err != nil {
		return err
	}
	for name := range r.URL.Query() {
		if !slices.Contains(found.query, name) {
			return invalid("unknown parameter %q", name)
		}
	}
	if found.stream != nil {
		return found.stream(w, r)
	}
	return s.perform(base, w, r, found, segment)
}

// match finds the operation for a request.
func match(routes []route, r *http.Request) (found *route, segment string, err error) {
	path, under := strings.CutPrefix(r.URL.Path, Prefix)
	var allowed []string
	for i := range routes {
		value, ok := routes[i].matches(path)
		if !under || !ok {
			continue
		}
		if routes[i].takes(r.Method) {
			return &routes[i], value, nil
		}
		allowed = append(allowed, routes[i].method)
	}
	if len(allowed) > 0 {
		return nil, "", fail(http.StatusMethodNotAllowed, coordinator.CodeInvalid, "this route does not take the method %s", r.Method).
			with("Allow", strings.Join(allowed, ", "))
	}
	return nil, "", fail(http.StatusNotFound, coordinator.CodeNotFound, "there is no such API route; %sopenapi.json lists them all", Prefix)
}

// matches reports whether a path below the prefix is this route's, and the value of its last segment.
func (r *route) matches(path string) (segment string, ok bool) {
	fixed, _, open := strings.Cut(r.path, "{")
	if !open {
		return "", path == r.path
	}
	segment, ok = strings.CutPrefix(path, fixed)
	return segment, ok && segment != "" && !strings.Contains(segment, "/")
}

// takes reports whether the route answers to a method. HEAD is a GET whose body net/http leaves out; a stream has no end to
// leave out.
func (r *route) takes(method string) bool {
	return method == r.method || (method == http.MethodHead && r.method == http.MethodGet && r.stream == nil)
}

// perform reads the request, runs the operation and writes its answer.
func (s *Server) perform(base context.Context, w *writer, r *http.Request, found *route, segment string) error {
	name, err := userName(r.Header)
	if err != nil {
		return err
	}
	if name == "" {
		name = s.User
	}
	call := &call{segment: segment, query: r.URL.Query(), by: coordinator.Actor{Name: name, Door: "rest"}}
	if found.method == http.MethodPost {
		if call.body, err = readBody(w, r); err != nil {
			return err
		}
	}
	// The request has arrived: from here its age is the operation's, which may take long.
	if err := http.NewResponseController(w).SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	ctx := r.Context()
	if found.finishes {
		detached, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
		defer cancel(nil)
		defer context.AfterFunc(base, func() { cancel(errStopped) })() // the server ends; nobody cancelled anything
		ctx = detached
	}
	answer, err := found.answer(ctx, call)
	if err != nil {
		return err
	}
	body, err := Marshal(answer)
	if err != nil {
		return err
	}
	s.write(w, http.StatusOK, body)
	return nil
}

// write sends a JSON answer.
func (s *Server) write(w *writer, status int, body []byte) {
	s.limitWrite(w)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	if _, err := w.Write(append(body, '\n')); err != nil {
		s.Logger.Debug("the caller went away", "error", err)
	}
}

// fail sends an error. What has no code is logged here, and only here.
func (s *Server) fail(w *writer, r *http.Request, err error) {
	if w.status != 0 { // an answer was begun: all that is left is to cut it
		s.Logger.Debug("an answer was cut", "path", r.URL.Path, "error", err)
		return
	}
	problem := coded(err)
	status := StatusOf(problem.Code)
	if own, ok := errors.AsType[*failure](err); ok {
		status = own.status
		for key, values := range own.header {
			w.Header()[key] = values
		}
	}
	if status == http.StatusInternalServerError && r.Context().Err() == nil {
		s.Logger.Error("a request failed", "method", r.Method, "path", r.URL.Path, "error", cause(err))
	}
	body, err := Marshal(errorBody{Error: problem})
	if err != nil { // details that are no JSON: say at least the rest
		s.Logger.Error("an error's details cannot be sent", "path", r.URL.Path, "error", err)
		problem.Details = nil
		if body, err = Marshal(errorBody{Error: problem}); err != nil {
			panic(err) // two texts and an empty list
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	s.write(w, status, body)
}

// cause returns the whole chain behind an error as text, since a coded error shows its message alone.
func cause(err error) string {
	if found, ok := errors.AsType[*coordinator.Error](err); ok && found.Cause != nil {
		return err.Error() + ": " + found.Cause.Error()
	}
	return err.Error()
}

// recovered turns a panic of a handler into an error: one bad request must not take the others along.
func (s *Server) recovered(w *writer, r *http.Request, reason any) {
	if reason == nil {
		return
	}
	s.Logger.Error("a handler panicked", "method", r.Method, "path", r.URL.Path, "panic", reason, "stack", string(debug.Stack()))
	if w.status != 0 {
		panic(http.ErrAbortHandler) // cuts the connection, so that half an answer is not taken for a whole one
	}
	s.write(w, http.StatusInternalServerError, []byte(`{"error":{"code":"internal","message":"`+internalMessage+`","details":[]}}`))
}

// limitWrite gives the caller until the write timeout to take what is written next.
func (s *Server) limitWrite(w http.ResponseWriter) {
	err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.WriteTimeout))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		s.Logger.Debug("the caller went away", "error", err)
	}
}

// writer remembers whether an answer was begun.
type writer struct {
	http.ResponseWriter
	status int
}

func (w *writer) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *writer) Write(data []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(data)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// secure sets the headers of every answer. The page loads nothing but its own files, runs nothing inline, and is framed
// by nobody.
func secure(header http.Header) {
	header.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "+
		"img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// userName returns who the caller says it is.
func userName(header http.Header) (string, error) {
	name := strings.TrimSpace(header.Get(UserHeader))
	if !utf8.ValidString(name) || utf8.RuneCountInString(name) > maxUser ||
		strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return "", invalid("%s must be at most %d printable characters", UserHeader, maxUser)
	}
	return name, nil
}
