//go:build !headless

package main

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// socketFolder returns a folder with a short name: a socket's path may have about a hundred characters.
func socketFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "marain-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
	})
	return folder
}

func TestOnlyOneInstance(t *testing.T) {
	folder := socketFolder(t)
	first, err := claim(folder, "")
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan string, 2)
	first.serve(func(project string) { asked <- project })
	for _, project := range []string{"/a", ""} {
		if _, err := claim(folder, project); !errors.Is(err, errRunning) {
			t.Errorf("the second start got %v", err)
		}
		if got := <-asked; got != project {
			t.Errorf("the first was asked for %q, want %q", got, project)
		}
	}
	first.close()
	next, err := claim(folder, "")
	if err != nil {
		t.Fatalf("after the first has ended: %v", err)
	}
	next.close()
}

func TestSocketOfAKilledInstance(t *testing.T) {
	folder := socketFolder(t)
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(folder, instanceSocket), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false) // as a kill leaves it
	left.Close()
	next, err := claim(folder, "")
	if err != nil {
		t.Fatal(err)
	}
	if next.listener == nil {
		t.Error("the next instance does not listen")
	}
	next.close()
}

func TestWithoutSockets(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	only, err := claim(long, "")
	if err != nil {
		t.Fatal(err)
	}
	only.serve(func(string) { t.Error("nobody can ask") })
	only.close()
}

func TestSecuredHeaders(t *testing.T) {
	answer := httptest.NewRecorder()
	secured(http.NotFoundHandler()).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/", nil))
	got := answer.Header().Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "frame-src 'none'", "object-src 'none'", "base-uri 'none'", "form-action 'none'"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
	if strings.Contains(got, "unsafe") {
		t.Errorf("%q allows something unsafe", got)
	}
}
