package cli

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"marain/backend/coordinator"
	"marain/backend/project"
)

// patience is how long a test waits for what must happen at once.
const patience = 10 * time.Second

// serving is a `marain serve` that runs for one test.
type serving struct {
	t        *testing.T
	lines    *bufio.Reader // standard output
	messages *bytes.Buffer // standard error; read it after stop
	cancel   context.CancelFunc
	ended    chan int
}

// pipe is an output that is a terminal when it has columns.
type pipe struct {
	io.Writer
	columns int
}

func (p pipe) Size() (int, bool) { return p.columns, p.columns > 0 }

// serve starts `marain serve` with a pipe as standard output.
func (w *world) serve(t *testing.T, columns int, args ...string) *serving {
	t.Helper()
	reader, writer := io.Pipe()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	s := &serving{t: t, lines: bufio.NewReader(reader), messages: &bytes.Buffer{}, cancel: cancel, ended: make(chan int, 1)}
	env := w.env()
	env.Stdout, env.Stderr = pipe{writer, columns}, s.messages
	env.Page = fstest.MapFS{"index.html": {Data: []byte("the page")}}
	go func() {
		code := Run(ctx, append([]string{"serve"}, args...), env)
		writer.Close()
		s.ended <- code
	}()
	t.Cleanup(cancel)
	return s
}

// line reads one line of standard output; empty at its end.
func (s *serving) line() string {
	s.t.Helper()
	line, err := s.lines.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		s.t.Fatal(err)
	}
	return strings.TrimSuffix(line, "\n")
}

// stop ends the command and returns its exit status.
func (s *serving) stop() int {
	s.cancel()
	if rest, err := io.ReadAll(s.lines); err != nil || len(rest) > 0 {
		s.t.Errorf("more on standard output: %q (%v)", rest, err)
	}
	return <-s.ended
}

// status asks for the state and returns the REST status.
func status(t *testing.T, client *http.Client, address, token string) int {
	t.Helper()
	req, err := http.NewRequest("GET", address+"api/v1/hot-reload/status", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

// tokenOf reads the project's token.
func (w *world) tokenOf(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(w.root, "data", "api.token"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(data))
}

// TestServe prints one line with the address, answers there with the token, and stops cleanly.
func TestServe(t *testing.T) {
	w := newWorld(t)
	w.engine.status = inSync()
	s := w.serve(t, 0, "--listen", "127.0.0.1:0")
	address, found := strings.CutPrefix(s.line(), "Marain serves blog at ")
	if !found || !strings.HasPrefix(address, "http://127.0.0.1:") || strings.HasSuffix(address, ":0/") {
		t.Fatalf("the address is %q", address)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	token := w.tokenOf(t)
	if got := status(t, client, address, token); got != 200 {
		t.Errorf("with the token: status %d", got)
	}
	if got := status(t, client, address, "wrong"); got != 401 {
		t.Errorf("with a wrong token: status %d", got)
	}
	res, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(res.Body)
	if err != nil || string(page) != "the page" {
		t.Errorf("the page is %q (%v)", page, err)
	}
	if code := s.stop(); code != ExitDone {
		t.Errorf("exit status %d", code)
	}
	messages := s.messages.String()
	if !strings.Contains(messages, "The token is in "+filepath.Join(w.root, "data", "api.token")) || !strings.HasSuffix(messages, "Stopped\n") {
		t.Errorf("messages are %q", messages)
	}
	if strings.Contains(messages, token) {
		t.Error("the token was printed")
	}
	if o := w.engine.opened[0]; !o.Watch || o.ReadOnly || o.Door != "server" || o.Address != address || w.engine.closed != 1 {
		t.Errorf("opened with %+v, closed %d times", o, w.engine.closed)
	}
	if _, err := client.Get(address); err == nil {
		t.Error("something still answers")
	}
}

// TestServeLink prints the sign-in link when it is asked for, and on a terminal.
func TestServeLink(t *testing.T) {
	for _, test := range []struct {
		name    string
		columns int
		args    []string
	}{{"asked for", 0, []string{"--link"}}, {"terminal", 80, nil}} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.vars["NO_COLOR"] = "1"
			s := w.serve(t, test.columns, append(test.args, "--listen", "127.0.0.1:0")...)
			address := strings.TrimPrefix(s.line(), "Marain serves blog at ")
			if got, want := s.line(), "Sign in: "+address+"#token="+w.tokenOf(t); got != want {
				t.Errorf("printed %q, want %q", got, want)
			}
			if code := s.stop(); code != ExitDone {
				t.Errorf("exit status %d", code)
			}
		})
	}
}

// TestServeJSON prints where it answers as JSON.
func TestServeJSON(t *testing.T) {
	w := newWorld(t)
	s := w.serve(t, 80, "--listen", "localhost:0", "--json", "--link")
	var got served
	if err := json.Unmarshal([]byte(s.line()), &got); err != nil {
		t.Fatal(err)
	}
	if got.Project != "blog" || !strings.HasPrefix(got.Address, "http://127.0.0.1:") || got.Link != got.Address+"#token="+w.tokenOf(t) || filepath.Base(got.TokenFile) != "api.token" {
		t.Errorf("printed %+v", got)
	}
	if code := s.stop(); code != ExitDone {
		t.Errorf("exit status %d", code)
	}
}

// TestServeRefuses starts where it must not.
func TestServeRefuses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	busy := taken.Addr().String()
	tests := []struct {
		name    string
		prepare func(t *testing.T, w *world)
		args    []string
		code    int
		want    string
	}{
		{"all addresses", nil, []string{"--listen", "0.0.0.0:0"}, ExitUsage, "can be reached by other machines"},
		{"no host", nil, []string{"--listen", ":4180"}, ExitUsage, "can be reached by other machines"},
		{"another machine's address", nil, []string{"--listen", "192.0.2.1:4180"}, ExitUsage, "can be reached by other machines"},
		{"no port", nil, []string{"--listen", "127.0.0.1"}, ExitUsage, "is not an address"},
		{"a certificate without a key", nil, []string{"--cert", "server.crt"}, ExitUsage, "belong together"},
		{"no such certificate", nil, []string{"--cert", "server.crt", "--key", "server.key"}, ExitError, "load the certificate"},
		{"port taken", nil, []string{"--listen", busy}, ExitError, "choose another port with --listen"},
		{"port taken by the project's own server", func(t *testing.T, w *world) {
			opened, err := project.Open(w.root, func(string) string { return "" })
			if err != nil {
				t.Fatal(err)
			}
			lock, err := opened.Lock("serve", busy)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := lock.Close(); err != nil {
					t.Error(err)
				}
			})
		}, []string{"--listen", busy}, ExitError, "already open in a server on " + busy},
		{"settings of all addresses", func(t *testing.T, w *world) { w.listenSetting(t, "0.0.0.0:4180") }, nil, ExitUsage, "can be reached by other machines"},
		{"project in use", func(_ *testing.T, w *world) { w.engine.openErr = &project.LockedError{} }, []string{"--listen", "127.0.0.1:0"}, ExitError, "already open"},
		{"database in use", func(_ *testing.T, w *world) {
			w.engine.openErr = coordinator.Errorf(coordinator.CodeLocked, "somebody else writes")
		}, []string{"--listen", "127.0.0.1:0"}, ExitError, "somebody else writes"},
		{"a file name", nil, []string{article}, ExitUsage, "does not take"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			if test.prepare != nil {
				test.prepare(t, w)
			}
			code, stdout, stderr := w.run(append([]string{"serve"}, test.args...)...)
			if code != test.code || stdout != "" || !strings.Contains(stderr, test.want) {
				t.Errorf("exit status %d, want %d; printed %q, messages %q, want %q", code, test.code, stdout, stderr, test.want)
			}
			if _, err := os.Stat(filepath.Join(w.root, "data", "api.token")); err == nil {
				t.Error("a server that did not start replaced the token")
			}
		})
	}
}

// listenSetting writes hot_reload.listen to the project's configuration.
func (w *world) listenSetting(t *testing.T, address string) {
	t.Helper()
	text := "id: hot_reload\nname: Hot reload\nvalues:\n  listen: \"" + address + "\"\n"
	if err := os.WriteFile(filepath.Join(w.root, "config", "config.hot_reload.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestServeSetting listens where the project's configuration says.
func TestServeSetting(t *testing.T) {
	w := newWorld(t)
	w.listenSetting(t, "[::1]:0")
	s := w.serve(t, 0)
	if line := s.line(); !strings.HasPrefix(line, "Marain serves blog at http://[::1]:") {
		t.Errorf("printed %q", line)
	}
	if code := s.stop(); code != ExitDone {
		t.Errorf("exit status %d", code)
	}
}

// TestConfiguredListen reads the setting without a server: a project without one, or with a wrong one, has the default.
func TestConfiguredListen(t *testing.T) {
	for setting, want := range map[string]string{"": project.DefaultListen, "127.0.0.1:9": "127.0.0.1:9", "nowhere": project.DefaultListen} {
		w := newWorld(t)
		if setting != "" {
			w.listenSetting(t, setting)
		}
		inv := &invocation{env: w.env()}
		if err := inv.withProject(); err != nil {
			t.Fatal(err)
		}
		if got := inv.configuredListen(); got != want {
			t.Errorf("with %q it listens on %s, want %s", setting, got, want)
		}
	}
}

// TestServeCertificate serves HTTPS on all addresses, and names itself as the certificate does.
func TestServeCertificate(t *testing.T) {
	w := newWorld(t)
	pool := w.certificate(t, "marain.example")
	s := w.serve(t, 0, "--listen", "0.0.0.0:0", "--cert", "server.crt", "--key", "server.key")
	address := strings.TrimPrefix(s.line(), "Marain serves blog at ")
	rest, found := strings.CutPrefix(address, "https://marain.example:")
	if !found {
		t.Fatalf("the address is %s", address)
	}
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "marain.example"},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+strings.TrimSuffix(rest, "/"))
		},
	}}
	if got := status(t, client, address, w.tokenOf(t)); got != 200 {
		t.Errorf("status %d", got)
	}
	if code := s.stop(); code != ExitDone {
		t.Errorf("exit status %d", code)
	}
}

// certificate writes server.crt and server.key to the project's folder.
func (w *world) certificate(t *testing.T, name string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"*." + name, name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{"server.crt": {Type: "CERTIFICATE", Bytes: der}, "server.key": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(w.root, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return pool
}
