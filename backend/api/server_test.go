package api

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestNewWithoutToken would let everybody in.
func TestNewWithoutToken(t *testing.T) {
	if _, err := New(newEngine(), ""); err == nil {
		t.Error("a server without a token was made")
	}
}

// TestServeOnce serves twice, and after Close.
func TestServeOnce(t *testing.T) {
	d := open(t, nil)
	scenario{method: "GET", path: Prefix + "status", status: 200, calls: []string{"status"}}.run(d)
	again, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.server.Serve(context.Background(), again); !errors.Is(err, ErrClosed) {
		t.Errorf("the second Serve returned %v", err)
	}
	if _, err := again.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the refused listener is open: %v", err)
	}
	for range 2 {
		if err := d.server.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
}

// TestServeEndsWithContext ends the context.
func TestServeEndsWithContext(t *testing.T) {
	server, err := New(newEngine(), testToken)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, listener) }()
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("serve: %v", err)
	}
	if err := server.Serve(context.Background(), listener); !errors.Is(err, ErrClosed) {
		t.Errorf("Serve after the end returned %v", err)
	}
}

// TestServeRefusesOtherMachines listens on all addresses.
func TestServeRefusesOtherMachines(t *testing.T) {
	server, err := New(newEngine(), testToken)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Serve(context.Background(), listener); !errors.Is(err, ErrNotLoopback) {
		t.Errorf("serve: %v, want ErrNotLoopback", err)
	}
	if _, err := listener.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the refused listener is open: %v", err)
	}
}

// TestCertificate serves HTTPS on all addresses, under the certificate's names.
func TestCertificate(t *testing.T) {
	certificate := selfSigned(t, "marain.example")
	server, err := New(newEngine(), testToken)
	if err != nil {
		t.Fatal(err)
	}
	server.Certificate = &certificate
	listener, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(context.Background(), listener) }()
	t.Cleanup(func() {
		if err := errors.Join(server.Close(), <-ended); err != nil {
			t.Error(err)
		}
	})
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(certificate.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "marain.example"}, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	for host, want := range map[string]int{"marain.example:" + port: 200, "127.0.0.1:" + port: 200, "evil.example:" + port: 403, "marain.example": 403} {
		req, err := http.NewRequest("GET", "https://127.0.0.1:"+port+Prefix+"status", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		req.Header.Set("Authorization", "Bearer "+testToken)
		req.Header.Set("Origin", "https://"+host)
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("host %s: status %d, want %d", host, res.StatusCode, want)
		}
	}
}

// selfSigned makes a certificate for a name.
func selfSigned(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// TestSlowRequests sends half a header and half a body: the server hangs up on both.
func TestSlowRequests(t *testing.T) {
	d := open(t, func(s *Server) { s.ReadTimeout = 100 * time.Millisecond })
	head := fmt.Sprintf("POST %sreload HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n", Prefix, d.addr, testToken)
	for name, sent := range map[string]string{
		"header": head,
		"body":   head + "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"note\":",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", d.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(conn, sent); err != nil {
				t.Fatal(err)
			}
			answer, err := io.ReadAll(conn)
			if err != nil {
				t.Fatalf("the server did not hang up: %v", err)
			}
			if len(answer) > 0 && !strings.HasPrefix(string(answer), "HTTP/1.1 408 ") {
				t.Errorf("the answer is %s", answer)
			}
		})
	}
	if calls := d.engine.took(); len(calls) > 0 {
		t.Errorf("the engine was asked %q", calls)
	}
}

// TestSlowOperation takes longer than a request may take to arrive, and is answered.
func TestSlowOperation(t *testing.T) {
	d := open(t, func(s *Server) { s.ReadTimeout = 50 * time.Millisecond })
	d.engine.during = func(ctx context.Context, _ string) error {
		select {
		case <-time.After(200 * time.Millisecond): // the operation itself
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	scenario{method: "GET", path: Prefix + "verify", status: 200, calls: []string{"verify"}}.run(d)
	scenario{
		method: "POST", path: Prefix + "reload", body: "{}", status: 200,
		calls: []string{"reload {Files:[] DryRun:false Approve: PlanID: Answers:map[] Note:} by '' at rest"},
	}.run(d)
}

// TestCallerGoesAway checks that what changes something ends whole, and that what only reads is given up.
func TestCallerGoesAway(t *testing.T) {
	for _, test := range []struct {
		method, path, body string
		goesOn             bool
	}{
		{"POST", "reload", "{}", true},
		{"POST", "rollback", "{}", true},
		{"GET", "verify", "", false},
	} {
		t.Run(test.path, func(t *testing.T) {
			d := open(t, nil)
			began, left, result := make(chan struct{}), make(chan struct{}), make(chan error, 1)
			d.engine.during = func(ctx context.Context, _ string) error {
				close(began)
				<-left
				if test.goesOn {
					result <- ctx.Err()
					return nil
				}
				select {
				case <-ctx.Done():
				case <-time.After(patience):
				}
				result <- ctx.Err()
				return ctx.Err()
			}
			conn, err := net.Dial("tcp", d.addr)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(conn, "%s %s%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
				test.method, Prefix, test.path, d.addr, testToken, len(test.body), test.body)
			<-began
			if err := conn.Close(); err != nil {
				t.Fatal(err)
			}
			close(left)
			if err := <-result; (err == nil) != test.goesOn {
				t.Errorf("the context ended with %v", err)
			}
		})
	}
}

// TestCloseWaitsForRequests closes the server during an apply: it ends whole within the grace time, and is cut after it.
func TestCloseWaitsForRequests(t *testing.T) {
	for _, test := range []struct {
		name  string
		grace time.Duration
		cut   bool
	}{{"within the grace time", patience, false}, {"longer", 20 * time.Millisecond, true}} {
		t.Run(test.name, func(t *testing.T) {
			d := open(t, func(s *Server) { s.Grace = test.grace })
			began, release, result := make(chan struct{}), make(chan struct{}), make(chan error, 1)
			d.engine.during = func(ctx context.Context, _ string) error {
				close(began)
				select {
				case <-release:
				case <-ctx.Done():
				}
				result <- ctx.Err()
				return ctx.Err()
			}
			answered := make(chan int, 1)
			go func() {
				res, err := d.client.Do(d.request("POST", Prefix+"reload", "{}"))
				if err != nil {
					answered <- 0
					return
				}
				res.Body.Close()
				answered <- res.StatusCode
			}()
			<-began
			closed := make(chan error, 1)
			go func() { closed <- d.server.Close() }()
			if !test.cut {
				<-d.server.closing
				close(release)
			}
			if err := <-result; (err != nil) != test.cut {
				t.Errorf("the operation's context ended with %v", err)
			}
			if err := <-closed; err != nil {
				t.Errorf("close: %v", err)
			}
			if status := <-answered; !test.cut && status != 200 {
				t.Errorf("status %d, want 200", status)
			}
		})
	}
}
