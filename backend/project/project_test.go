package project

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// env is an environment with these variables.
func env(variables map[string]string) func(string) string {
	return func(name string) string { return variables[name] }
}

func TestOpen(t *testing.T) {
	elsewhere := t.TempDir()
	for _, c := range []struct {
		name    string
		file    string // .env
		env     map[string]string
		want    Project // without root and name; DataDir relative to the root unless absolute
		problem string
	}{
		{name: "nothing said", want: Project{Environment: "dev", SchemaDir: "schemas", ConfigDir: "config", DataDir: "data"}},
		{
			name: "all in the file",
			file: "# where things are\nENVIRONMENT=prd\nexport DATA_PATH = \"./var/data\"\nENTITY_SCHEMA_PATH='cms/types' # comment\nCONFIGURATION_PATH=./cms/settings/\n",
			want: Project{Environment: "prd", SchemaDir: "cms/types", ConfigDir: "cms/settings", DataDir: "var/data"},
		},
		{
			name: "the environment wins",
			file: "ENVIRONMENT=prd\nDATA_PATH=./one\n", env: map[string]string{"ENVIRONMENT": "test", "DATA_PATH": elsewhere},
			want: Project{Environment: "test", SchemaDir: "schemas", ConfigDir: "config", DataDir: elsewhere},
		},
		{name: "variables", file: "BASE=var\nDATA_PATH=${BASE}/${SUB}\n", env: map[string]string{"SUB": "x"}, want: Project{Environment: "dev", SchemaDir: "schemas", ConfigDir: "config", DataDir: "var/x"}},
		{name: "windows text file", file: "\ufeffENVIRONMENT=prd\r\nDATA_PATH=./d\r\n", want: Project{Environment: "prd", SchemaDir: "schemas", ConfigDir: "config", DataDir: "d"}},
		{name: "one folder for both", env: map[string]string{"ENTITY_SCHEMA_PATH": "cms", "CONFIGURATION_PATH": "cms"}, want: Project{Environment: "dev", SchemaDir: "cms", ConfigDir: "cms", DataDir: "data"}},
		{name: "schemas outside", env: map[string]string{"ENTITY_SCHEMA_PATH": "../schemas"}, problem: "ENTITY_SCHEMA_PATH ../schemas must lie inside the project folder ROOT"},
		{name: "schemas at an absolute place outside", env: map[string]string{"ENTITY_SCHEMA_PATH": elsewhere}, problem: "ENTITY_SCHEMA_PATH " + elsewhere + " must lie inside the project folder ROOT"},
		{name: "config through a link", env: map[string]string{"CONFIGURATION_PATH": "away"}, problem: "CONFIGURATION_PATH away leaves the project folder ROOT through a symbolic link"},
		{name: "config is a file", env: map[string]string{"CONFIGURATION_PATH": "file"}, problem: "CONFIGURATION_PATH file is not a folder"},
		{name: "data is watched", env: map[string]string{"DATA_PATH": "config"}, problem: "DATA_PATH ROOT/config is also the watched folder config: choose another"},
		{name: "data inside a watched folder", env: map[string]string{"DATA_PATH": "schemas/data"}, problem: "DATA_PATH ROOT/schemas/data lies inside the watched folder schemas: choose another"},
		{name: "data inside by a link", env: map[string]string{"DATA_PATH": "sneaky/data"}, problem: "DATA_PATH ROOT/sneaky/data lies inside the watched folder schemas: choose another"},
		{name: "everything is watched", env: map[string]string{"ENTITY_SCHEMA_PATH": "."}, problem: "DATA_PATH ROOT/data lies inside the watched folder .: choose another"},
		{name: "a watched folder inside data", env: map[string]string{"CONFIGURATION_PATH": "data/config"}, problem: "the watched folder data/config lies inside DATA_PATH ROOT/data: choose another"},
		{name: "no equals sign", file: "ENVIRONMENT=dev\n\nsome password\n", problem: "read .env: line 3: want NAME=value"},
		{name: "odd name", file: "A B=c\n", problem: "read .env: line 1: want NAME=value"},
		{name: "open quote", file: "A=\"secret\nB=1\n", problem: "read .env: line 1: the double quote is not closed"},
		{name: "open single quote", file: "A='secret\n", problem: "read .env: line 1: the single quote is not closed"},
		{name: "text behind the quote", file: "A='b' secret\n", problem: "read .env: line 1: there is text behind the closing quote"},
		{name: "not text", file: "A=\xff\n", problem: "read .env: it is not UTF-8 text"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := resolve(t.TempDir())
			put(t, root, "file", "")
			must(t, os.MkdirAll(filepath.Join(root, "schemas"), 0o755))
			must(t, os.Symlink(elsewhere, filepath.Join(root, "away")))
			must(t, os.Symlink("schemas", filepath.Join(root, "sneaky")))
			if c.file != "" {
				put(t, root, ".env", c.file)
			}
			p, err := Open(root, env(c.env))
			if c.problem != "" {
				if want := strings.ReplaceAll(c.problem, "ROOT", root); err == nil || err.Error() != want {
					t.Fatalf("got  %v\nwant %s", err, want)
				}
				if strings.Contains(err.Error(), "secret") {
					t.Error("the error shows what is in the file")
				}
				return
			}
			must(t, err)
			data := c.want.DataDir
			if !filepath.IsAbs(data) {
				data = filepath.Join(root, data)
			}
			if p.Root != root || p.Name != filepath.Base(root) || p.Environment != c.want.Environment || p.SchemaDir != c.want.SchemaDir || p.ConfigDir != c.want.ConfigDir || p.DataDir != data {
				t.Errorf("got %+v, want %+v", p, c.want)
			}
			if _, err := os.Stat(p.DataDir); err == nil && p.DataDir != elsewhere {
				t.Error("opening made the data folder")
			}
		})
	}
}

func TestOpenWithoutARoot(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "file", "")
	for path, want := range map[string]string{"gone": "does not exist", "file": "is not a folder"} {
		if _, err := Open(filepath.Join(dir, path), none); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", path, err, want)
		}
	}
	put(t, dir, "odd/.env/x", "")
	if _, err := Open(filepath.Join(dir, "odd"), none); err == nil || !strings.Contains(err.Error(), "it is a folder, not a file") {
		t.Errorf("got %v", err)
	}
}

func TestParseEnvironment(t *testing.T) {
	got, err := parseEnvironment(strings.Join([]string{
		"PLAIN=a b c", "EMPTY=", "HASH=a#b", "COMMENT=a # b", "ONLY=# c", "DOLLAR=pa$$w0rd$x", "USE=<${PLAIN}>", "MISSING=[${NOPE}]", "OPEN=${PLAIN",
		`SINGLE='${PLAIN} \n "x"'`, `DOUBLE="${PLAIN}\n\t\"q\" \\ \${PLAIN} \z # no"`, `AFTER="a" # c`, "EQUALS=a=b", "PLAIN2=${OUTER}", "  INDENT =  x  ", "D.OT=1",
	}, "\n"), env(map[string]string{"OUTER": "from outside"}))
	must(t, err)
	want := map[string]string{
		"PLAIN": "a b c", "EMPTY": "", "HASH": "a#b", "COMMENT": "a", "ONLY": "", "DOLLAR": "pa$$w0rd$x", "USE": "<a b c>", "MISSING": "[]", "OPEN": "${PLAIN",
		"SINGLE": `${PLAIN} \n "x"`, "DOUBLE": "a b c\n\t\"q\" \\ ${PLAIN} \\z # no", "AFTER": "a", "EQUALS": "a=b", "PLAIN2": "from outside", "INDENT": "x", "D.OT": "1",
	}
	if len(got) != len(want) {
		t.Errorf("got %d variables, want %d", len(got), len(want))
	}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %q, want %q", name, got[name], value)
		}
	}
}

func TestRelative(t *testing.T) {
	p, _ := open(t, map[string]string{"schemas/a.yaml": ""})
	must(t, os.Symlink("schemas", filepath.Join(p.Root, "linked")))
	for _, c := range []struct{ base, path, want string }{
		{p.Root, "schemas/a.yaml", "schemas/a.yaml"},
		{p.Root, "./schemas//a.yaml", "schemas/a.yaml"},
		{filepath.Join(p.Root, "schemas"), "a.yaml", "schemas/a.yaml"},
		{"/", filepath.Join(p.Root, "config", "b.yaml"), "config/b.yaml"},
		{p.Root, "linked/a.yaml", "schemas/a.yaml"},
		{p.Root, "../x.yaml", ""},
		{p.Root, "/etc/passwd", ""},
	} {
		got, err := p.Relative(c.base, c.path)
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%s in %s: got %q, %v, want %q", c.path, c.base, got, err, c.want)
		}
	}
	if dirs := p.Dirs(); !slices.Equal(dirs, []string{"schemas", "config"}) {
		t.Errorf("the folders are %v", dirs)
	}
}

func TestToken(t *testing.T) {
	p, _ := open(t, nil)
	one, err := p.Token()
	must(t, err)
	two, err := p.Token()
	must(t, err)
	if len(one) != 64 || one == two || strings.Trim(one, "0123456789abcdef") != "" {
		t.Errorf("got %q and %q", one, two)
	}
	data, err := os.ReadFile(p.TokenPath())
	must(t, err)
	if string(data) != two+"\n" {
		t.Errorf("the file holds %q", data)
	}
	for path, want := range map[string]fs.FileMode{p.TokenPath(): 0o600, p.DataDir: 0o700 | fs.ModeDir} {
		info, err := os.Stat(path)
		must(t, err)
		if info.Mode() != want {
			t.Errorf("%s has the mode %v, want %v", filepath.Base(path), info.Mode(), want)
		}
	}
	entries, err := os.ReadDir(p.DataDir)
	must(t, err)
	if len(entries) != 2 || entries[0].Name() != ".gitignore" { // and the token
		t.Errorf("the data folder holds %v", entries)
	}
}

func TestRecent(t *testing.T) {
	dir := t.TempDir()
	list := Recent(dir)
	if got := list.Load(); got == nil || len(got) != 0 {
		t.Errorf("without a file the list is %v", got)
	}
	must(t, list.Forget("/nowhere"))
	for n := range 12 {
		must(t, list.Remember(filepath.Join("/projects", string(rune('a'+n)))))
	}
	must(t, list.Remember("/projects/e"))
	must(t, list.Forget("/projects/k"))
	var names []string
	for _, o := range list.Load() {
		names = append(names, o.Name)
		if o.Root != "/projects/"+o.Name || o.Opened.IsZero() {
			t.Errorf("got %+v", o)
		}
	}
	if got := strings.Join(names, ""); got != "eljihgfdc" {
		t.Errorf("the list is %s", got)
	}
	path := filepath.Join(dir, "marain", "recent.json")
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode() != 0o600 {
		t.Errorf("the file has the mode %v", info.Mode())
	}
	for _, damaged := range []string{"", "{", `{"a": 1}`, `[{"root": "relative"}]`, "\x00\x01"} {
		must(t, os.WriteFile(path, []byte(damaged), 0o600))
		if got := list.Load(); len(got) != 0 {
			t.Errorf("%q gave %v", damaged, got)
		}
	}
	must(t, list.Remember("/projects/new"))
	if got := list.Load(); len(got) != 1 {
		t.Errorf("after the damage the list is %v", got)
	}
}
