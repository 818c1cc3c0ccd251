package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"marain/backend/coordinator"
)

// guard decides who may ask. It is immutable and safe for concurrent use.
type guard struct {
	scheme string
	port   string
	names  []string          // host names that are ours, lower case, IPv6 without brackets
	leaf   *x509.Certificate // its names are ours too; nil without a certificate
	token  [sha256.Size]byte
}

// newGuard returns the guard of a listener, or [ErrNotLoopback].
func newGuard(address net.Addr, certificate *tls.Certificate, token [sha256.Size]byte) (*guard, error) {
	tcp, ok := address.(*net.TCPAddr)
	if !ok {
		return nil, fmt.Errorf("%s is not a TCP address", address)
	}
	g := &guard{
		scheme: "http",
		port:   strconv.Itoa(tcp.Port),
		names:  []string{"127.0.0.1", "localhost", "::1"},
		token:  token,
	}
	if certificate == nil {
		if !tcp.IP.IsLoopback() {
			return nil, fmt.Errorf("%s: %w", address, ErrNotLoopback)
		}
		return g, nil
	}
	leaf, err := x509.ParseCertificate(certificate.Certificate[0])
	if err != nil {
		return nil, fmt.Errorf("read the certificate: %w", err)
	}
	g.scheme, g.leaf = "https", leaf
	return g, nil
}

// admit refuses a request that did not come to one of our own names, or that a page of another site made. A browser
// tells the truth in these headers whatever the page wants; DNS rebinding shows in Host, a foreign page in Origin or
// Sec-Fetch-Site. Other programs send none of them and are stopped by the token.
func (g *guard) admit(r *http.Request) *failure {
	if !g.ours(r.Host) {
		return forbidden("this server does not answer to the host name of the request")
	}
	for _, origin := range r.Header.Values("Origin") {
		if !g.sameOrigin(origin, r.Host) {
			return forbidden("the request comes from a page of another site")
		}
	}
	for _, site := range r.Header.Values("Sec-Fetch-Site") {
		if site != "same-origin" && site != "none" {
			return forbidden("the request comes from a page of another site")
		}
	}
	for _, upgrade := range r.Header.Values("Upgrade") {
		if strings.Contains(strings.ToLower(upgrade), "websocket") {
			return forbidden("this server has no web sockets")
		}
	}
	return nil
}

// authorise refuses an API request without the token. Scripts of the page ask with mode "cors" or "same-origin"; a tag
// (image, script, form) cannot, and has no business here.
func (g *guard) authorise(r *http.Request) *failure {
	for _, mode := range r.Header.Values("Sec-Fetch-Mode") {
		if mode == "no-cors" || mode == "websocket" {
			return forbidden("the API does not answer requests of mode %s", mode)
		}
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	given := sha256.Sum256([]byte(token))
	right := subtle.ConstantTimeCompare(given[:], g.token[:]) == 1
	if right && strings.EqualFold(scheme, "Bearer") && len(r.Header.Values("Authorization")) == 1 {
		return nil
	}
	return fail(http.StatusUnauthorized, coordinator.CodeUnauthorized,
		"the API wants the header \"Authorization: Bearer TOKEN\" with the token from api.token in the project's data folder").
		with("WWW-Authenticate", `Bearer realm="marain"`)
}

// ours reports whether a Host header names this server.
func (g *guard) ours(host string) bool {
	name, port, err := net.SplitHostPort(host)
	if err != nil { // no port: right only where browsers leave it out
		name, port = strings.Trim(host, "[]"), defaultPort(g.scheme)
	}
	if port != g.port {
		return false
	}
	name = strings.ToLower(name)
	for _, own := range g.names {
		if name == own {
			return true
		}
	}
	return g.leaf != nil && g.leaf.VerifyHostname(name) == nil
}

// sameOrigin reports whether an Origin header is that of the page that this server itself gave out under that host.
func (g *guard) sameOrigin(origin, host string) bool {
	parsed, err := url.Parse(origin)
	return err == nil && parsed.Scheme == g.scheme && parsed.Opaque == "" && parsed.User == nil && parsed.Path == "" &&
		strings.EqualFold(parsed.Host, host)
}

// defaultPort returns the port that a browser leaves out.
func defaultPort(scheme string) string {
	if scheme == "https" {
		return "443"
	}
	return "80"
}

func forbidden(format string, args ...any) *failure {
	return fail(http.StatusForbidden, coordinator.CodeForbidden, format, args...)
}
