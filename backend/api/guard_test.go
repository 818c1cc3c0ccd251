package api

import (
	"crypto/sha256"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
)

// TestAccess plays who may not ask, over every route and the page.
func TestAccess(t *testing.T) {
	port := func(d *door) string {
		_, port, err := net.SplitHostPort(d.addr)
		if err != nil {
			t.Fatal(err)
		}
		return port
	}
	d := open(t, nil)
	refused := []struct {
		name    string
		headers []string
		status  int
		page    bool // the page is refused too
	}{
		{"no token", []string{"Authorization", "-"}, 401, false},
		{"wrong token", []string{"Authorization", "-", "Authorization", "Bearer " + strings.Repeat("0", 64)}, 401, false},
		{"part of the token", []string{"Authorization", "-", "Authorization", "Bearer " + testToken[:63]}, 401, false},
		{"token and more", []string{"Authorization", "-", "Authorization", "Bearer " + testToken + "0"}, 401, false},
		{"token without a scheme", []string{"Authorization", "-", "Authorization", testToken}, 401, false},
		{"another scheme", []string{"Authorization", "-", "Authorization", "Basic " + testToken}, 401, false},
		{"two tokens", []string{"Authorization", "Bearer " + testToken}, 401, false},
		{"another host", []string{"Host", "evil.example"}, 403, true},
		{"another host, our port", []string{"Host", "evil.example:" + port(d)}, 403, true},
		{"our name, another port", []string{"Host", "127.0.0.1:1"}, 403, true},
		{"our name, no port", []string{"Host", "localhost"}, 403, true},
		{"a name like ours", []string{"Host", "localhost.evil.example:" + port(d)}, 403, true},
		{"the name with a dot", []string{"Host", "localhost.:" + port(d)}, 403, true},
		{"another loopback address", []string{"Host", "127.0.0.2:" + port(d)}, 403, true},
		{"all addresses", []string{"Host", "0.0.0.0:" + port(d)}, 403, true},
		{"another site", []string{"Origin", "https://evil.example"}, 403, true},
		{"no site", []string{"Origin", "null"}, 403, true},
		{"another port", []string{"Origin", "http://127.0.0.1:1"}, 403, true},
		{"another of our names", []string{"Origin", "http://localhost:" + port(d)}, 403, true},
		{"another scheme of site", []string{"Origin", "https://" + d.addr}, 403, true},
		{"a site with a path", []string{"Origin", "http://" + d.addr + "/x"}, 403, true},
		{"a site with a user", []string{"Origin", "http://a@" + d.addr}, 403, true},
		{"one right and one wrong site", []string{"Origin", "http://" + d.addr, "Origin", "https://evil.example"}, 403, true},
		{"cross-site", []string{"Sec-Fetch-Site", "cross-site"}, 403, true},
		{"same-site", []string{"Sec-Fetch-Site", "same-site"}, 403, true},
		{"a fetch mode of tags", []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "no-cors"}, 403, false},
		{"a web socket", []string{"Connection", "Upgrade", "Upgrade", "websocket"}, 403, true},
	}
	for _, r := range refused {
		t.Run(r.name, func(t *testing.T) {
			for _, route := range d.server.routes() {
				s := scenario{method: route.method, path: Prefix + strings.ReplaceAll(route.path, "{action_id}", "01A"), headers: r.headers, status: r.status}
				s.want = []string{`{"error":{"code":"`}
				s.run(d.in(t))
			}
			status := http.StatusOK
			if r.page {
				status = http.StatusForbidden
			}
			scenario{method: "GET", path: "/", headers: r.headers, status: status}.run(d.in(t))
		})
	}
	allowed := []struct {
		name    string
		headers []string
	}{
		{"a program", nil},
		{"the page", []string{"Origin", "http://ADDR", "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors"}},
		{"an address typed in", []string{"Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate"}},
		{"localhost", []string{"Host", "localhost:" + port(d), "Origin", "http://localhost:" + port(d)}},
		{"LOCALHOST", []string{"Host", "LOCALHOST:" + port(d)}},
		{"IPv6", []string{"Host", "[::1]:" + port(d)}},
		{"bearer in small letters", []string{"Authorization", "-", "Authorization", "bearer " + testToken}},
		{"a program that offers HTTP/2", []string{"Connection", "Upgrade", "Upgrade", "h2c"}},
	}
	for _, a := range allowed {
		t.Run(a.name, func(t *testing.T) {
			scenario{method: "GET", path: Prefix + "status", headers: a.headers, status: 200, calls: []string{"status"}}.run(d.in(t))
		})
	}
}

// TestGuardNames checks the host names of servers on the ports that browsers leave out.
func TestGuardNames(t *testing.T) {
	var token [sha256.Size]byte
	g, err := newGuard(&net.TCPAddr{IP: net.IPv6loopback, Port: 80}, nil, token)
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]bool{
		"localhost": true, "localhost:80": true, "[::1]": true, "127.0.0.1": true, "localhost:443": false, "": false, "evil.example": false, "[::2]": false,
	} {
		if got := g.ours(host); got != want {
			t.Errorf("ours(%q) = %v, want %v", host, got, want)
		}
	}
	for _, address := range []net.Addr{
		&net.TCPAddr{IP: net.IPv4zero, Port: 1}, &net.TCPAddr{IP: net.IPv6unspecified, Port: 1}, &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 1}, &net.TCPAddr{Port: 1},
	} {
		if _, err := newGuard(address, nil, token); !errors.Is(err, ErrNotLoopback) {
			t.Errorf("newGuard(%s) = %v, want ErrNotLoopback", address, err)
		}
	}
}
