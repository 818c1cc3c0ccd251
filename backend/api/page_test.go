package api

import (
	"strings"
	"testing"
	"testing/fstest"
)

// TestPage serves the files of a page, its views, and nothing else.
func TestPage(t *testing.T) {
	files := fstest.MapFS{
		"index.html":         {Data: []byte("<!doctype html><title>the page</title>")},
		"assets/app-1a2b.js": {Data: []byte("export {}")},
		"favicon.svg":        {Data: []byte("<svg/>")},
	}
	const csp = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
		"frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
	tests := []struct {
		scenario
		kind, cache string
	}{
		{scenario{method: "GET", path: "/", status: 200, want: []string{"the page"}}, "text/html; charset=utf-8", "no-cache"},
		{scenario{method: "HEAD", path: "/", status: 200, not: []string{"the page"}}, "text/html; charset=utf-8", "no-cache"},
		{scenario{method: "GET", path: "/index.html", status: 200, want: []string{"the page"}}, "text/html; charset=utf-8", "no-cache"},
		{scenario{method: "GET", path: "/history/01A", status: 200, want: []string{"the page"}}, "text/html; charset=utf-8", "no-cache"},
		{scenario{method: "GET", path: "/assets/app-1a2b.js", status: 200, want: []string{"export"}}, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		{scenario{method: "GET", path: "/favicon.svg", status: 200}, "image/svg+xml", "no-cache"},
		{scenario{method: "GET", path: "/assets", status: 200, want: []string{"the page"}}, "text/html; charset=utf-8", "no-cache"},
		{scenario{method: "GET", path: "/apiary", status: 200, want: []string{"the page"}}, "text/html; charset=utf-8", "no-cache"},
		{scenario{method: "GET", path: "/assets/gone.js", status: 404, want: []string{`"code":"not_found"`}}, "application/json; charset=utf-8", "no-store"},
		{scenario{method: "GET", path: "/../../../etc/passwd.txt", status: 404, not: []string{"root"}}, "application/json; charset=utf-8", "no-store"},
		{scenario{method: "GET", path: "/..%2f..%2fserver.go", status: 404, not: []string{"package"}}, "application/json; charset=utf-8", "no-store"},
		{scenario{method: "POST", path: "/", body: "{}", status: 405, want: []string{`"code":"invalid"`}}, "application/json; charset=utf-8", "no-store"},
	}
	d := open(t, func(s *Server) { s.Page = files })
	for _, test := range tests {
		t.Run(test.method+" "+test.path, func(t *testing.T) {
			test.headers = []string{"Authorization", "-"}
			res := test.run(d.in(t))
			for header, want := range map[string]string{
				"Content-Type": test.kind, "Cache-Control": test.cache, "Content-Security-Policy": csp, "X-Content-Type-Options": "nosniff",
				"X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
			} {
				if got := res.Header.Get(header); got != want {
					t.Errorf("%s is %q, want %q", header, got, want)
				}
			}
		})
	}
}

// TestPageMissing serves a binary without the page.
func TestPageMissing(t *testing.T) {
	for name, change := range map[string]func(*Server){
		"nil":   nil,
		"empty": func(s *Server) { s.Page = fstest.MapFS{"gitkeep": {}} },
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t, change)
			scenario{method: "GET", path: "/", status: 200, want: []string{"not part of this binary", "make build"}}.run(d)
			scenario{method: "GET", path: "/history", status: 200, want: []string{"not part of this binary"}}.run(d)
			scenario{method: "GET", path: "/assets/app.js", status: 404}.run(d)
		})
	}
	if strings.Contains(missingPage, "style=") || strings.Contains(missingPage, "<script") {
		t.Error("the note breaks its own content security policy")
	}
}
