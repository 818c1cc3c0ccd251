package engine

import (
	"errors"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"marain/tests/cluster"
)

// A database on a server is named by host, port and name. Its password is said nowhere, and no file is made in its place.
func TestTheServerIsNamedWithoutItsPassword(t *testing.T) {
	t.Parallel()
	address := cluster.Database(t)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	bySettings := newPlace(t, "none")
	bySettings.write("config/config.system.yaml", "id: system\nvalues:\n  database:\n    connections:\n      main: {driver: postgres, host: "+u.Hostname()+", port: "+u.Port()+
		", database: "+strings.TrimPrefix(u.Path, "/")+", username: "+u.User.Username()+", sslmode: disable, password: {source: file, path: password.txt}}\n")
	bySettings.write("password.txt", password)
	byEnvironment := newPlace(t, "none")
	byEnvironment.database = cluster.Database(t)
	other, err := url.Parse(byEnvironment.database)
	if err != nil {
		t.Fatal(err)
	}
	for p, want := range map[*place]string{bySettings: u.Host + u.Path, byEnvironment: other.Host + other.Path} {
		var all strings.Builder
		for _, args := range [][]string{{"status"}, {"apply"}, {"status"}, {"status", "--json"}, {"verify"}, {"history"}, {"diff"}} {
			cmd := p.command(args...)
			out, err := cmd.CombinedOutput()
			if ended := new(exec.ExitError); err != nil && !errors.As(err, &ended) {
				t.Fatal(err)
			}
			all.Write(out)
		}
		if !strings.Contains(all.String(), want) || strings.Contains(all.String(), password) {
			t.Errorf("want %s, and no password:\n%s", want, all.String())
		}
		if _, err := os.Stat(p.path("data/content")); err == nil {
			t.Error("a database was made in a file")
		}
		p.sound("at the end")
	}
	// What cannot be opened says why, also without the password.
	u.Path = "/nothing_here"
	byEnvironment.database = u.String()
	out, err := byEnvironment.command("status").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "nothing_here") || strings.Contains(string(out), password) {
		t.Errorf("%v: %s", err, out)
	}
}
