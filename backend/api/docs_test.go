package api

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"marain/backend/coordinator"
)

// TestDocs compares the tables of docs/rest.md with the routes and the codes.
func TestDocs(t *testing.T) {
	data, err := os.ReadFile("../../docs/rest.md")
	if err != nil {
		t.Fatal(err)
	}
	server, err := New(newEngine(), testToken)
	if err != nil {
		t.Fatal(err)
	}
	var routes, described []string
	for _, route := range server.routes() {
		routes = append(routes, route.method+" "+route.path)
	}
	for _, match := range regexp.MustCompile("(?m)^\\| `((?:GET|POST) [^`]+)` \\|").FindAllStringSubmatch(string(data), -1) {
		described = append(described, match[1])
	}
	if !slices.Equal(described, routes) {
		t.Errorf("the page describes\n%q\nthe server answers\n%q", described, routes)
	}
	statuses := map[string]string{}
	for _, match := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| (4\\d\\d|500) \\|").FindAllStringSubmatch(string(data), -1) {
		statuses[match[1]] = match[2]
	}
	for _, code := range []coordinator.Code{
		coordinator.CodeInvalid, coordinator.CodeUnauthorized, coordinator.CodeForbidden, coordinator.CodeNotFound, coordinator.CodeStale,
		coordinator.CodeBlocked, coordinator.CodeLocked, coordinator.CodeConflict, coordinator.CodeCancelled, coordinator.CodeInternal,
	} {
		if want := strconv.Itoa(StatusOf(code)); statuses[string(code)] != want {
			t.Errorf("the page gives %s the status %q, want %s", code, statuses[string(code)], want)
		}
	}
}
