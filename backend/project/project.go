// Package project says where the things of one project are: its folders, its environment, its settings and its
// database, and it is the only way to the files in it.
//
// A project is a folder with YAML files in a schema folder and a configuration folder, and a data folder that
// belongs to the program. Every access to the YAML files goes through [Files], which cannot leave the project's
// folder, neither by a path nor by a symbolic link.
package project

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The environment variables that say where things are.
const (
	EnvEnvironment = "ENVIRONMENT"        // which configuration files are live; default dev
	EnvData        = "DATA_PATH"          // the data folder, which may lie outside the project; default ./data
	EnvSchemas     = "ENTITY_SCHEMA_PATH" // the folder of entity schemas; default ./schemas
	EnvConfig      = "CONFIGURATION_PATH" // the folder of configuration files; default ./config
)

const (
	defaultEnvironment = "dev"
	defaultData        = "./data"
	defaultSchemas     = "./schemas"
	defaultConfig      = "./config"
	dataMode           = fs.FileMode(0o700) // of a data folder that is made here
	secretMode         = fs.FileMode(0o600) // of files that only their owner may read
)

// Project is an opened project folder. It is immutable and safe for concurrent use.
type Project struct {
	Root        string // absolute
	Name        string // what a person calls it: the last part of Root
	Environment string // selects the configuration files that are live
	SchemaDir   string // relative to Root, with forward slashes
	ConfigDir   string // relative to Root, with forward slashes
	DataDir     string // absolute; need not exist yet

	variables map[string]string // of the project's .env file
}

// Open reads the project's .env file, if there is one, and decides where things are. The real environment, asked
// through getenv, wins over the file. Schema and configuration folders must lie inside the root, and the data folder
// must lie apart from them; either may be missing, but the root may not.
func Open(root string, getenv func(string) string) (_ *Project, err error) {
	absolute, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("project folder %s: %w", root, err)
	}
	info, err := os.Stat(absolute)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("project folder %s does not exist: %w", absolute, fs.ErrNotExist)
	case err != nil:
		return nil, fmt.Errorf("project folder %s: %w", absolute, err)
	case !info.IsDir():
		return nil, fmt.Errorf("project folder %s is not a folder", absolute)
	}
	p := &Project{Root: absolute, Name: filepath.Base(absolute)}
	files, err := p.Files()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	if p.variables, err = readEnvironment(files, getenv); err != nil {
		return nil, err
	}
	if err := p.place(files, getenv); err != nil {
		return nil, err
	}
	return p, nil
}

// place decides the folders.
func (p *Project) place(files *Files, getenv func(string) string) error {
	p.Environment = p.setting(getenv, EnvEnvironment, defaultEnvironment)
	data := p.setting(getenv, EnvData, defaultData)
	if !filepath.IsAbs(data) {
		data = filepath.Join(p.Root, data)
	}
	p.DataDir = filepath.Clean(data)
	var err error
	if p.SchemaDir, err = p.inside(files, EnvSchemas, p.setting(getenv, EnvSchemas, defaultSchemas)); err != nil {
		return err
	}
	if p.ConfigDir, err = p.inside(files, EnvConfig, p.setting(getenv, EnvConfig, defaultConfig)); err != nil {
		return err
	}
	for _, dir := range p.Dirs() {
		if err := apart(p.DataDir, filepath.Join(p.Root, filepath.FromSlash(dir)), dir); err != nil {
			return err
		}
	}
	return nil
}

// setting returns an environment variable: of the process, else of the project's .env file, else the default.
func (p *Project) setting(getenv func(string) string, name, otherwise string) string {
	if value := p.lookup(getenv, name); value != "" {
		return value
	}
	return otherwise
}

// lookup returns an environment variable of the process, else of the project's .env file, else nothing.
func (p *Project) lookup(getenv func(string) string, name string) string {
	if value := getenv(name); value != "" {
		return value
	}
	return p.variables[name]
}

// inside returns a watched folder relative to the root, with forward slashes.
func (p *Project) inside(files *Files, variable, value string) (string, error) {
	path := value
	if filepath.IsAbs(path) {
		relative, err := filepath.Rel(resolve(p.Root), resolve(path))
		if err != nil {
			return "", fmt.Errorf("%s %s must lie inside the project folder %s", variable, value, p.Root)
		}
		path = relative
	}
	path = filepath.Clean(path)
	if !filepath.IsLocal(path) {
		return "", fmt.Errorf("%s %s must lie inside the project folder %s", variable, value, p.Root)
	}
	slashed := filepath.ToSlash(path)
	info, err := files.root.Stat(path)
	switch {
	case err == nil && !info.IsDir():
		return "", fmt.Errorf("%s %s is not a folder", variable, value)
	case files.escapes(err):
		return "", fmt.Errorf("%s %s leaves the project folder %s through a symbolic link", variable, value, p.Root)
	}
	return slashed, nil
}

// apart reports an error when the data folder and a watched folder are the same or one holds the other: every write
// of the database would look like a saved file, or a checkout could remove the database.
func apart(data, watched, name string) error {
	d, w := resolve(data), resolve(watched)
	switch {
	case d == w:
		return fmt.Errorf("%s %s is also the watched folder %s: choose another", EnvData, data, name)
	case within(d, w):
		return fmt.Errorf("%s %s lies inside the watched folder %s: choose another", EnvData, data, name)
	case within(w, d):
		return fmt.Errorf("the watched folder %s lies inside %s %s: choose another", name, EnvData, data)
	}
	return nil
}

// within reports whether path lies below dir. Both are absolute and clean.
func within(path, dir string) bool {
	relative, err := filepath.Rel(dir, path)
	return err == nil && relative != "." && filepath.IsLocal(relative)
}

// resolve follows the symbolic links of as much of an absolute path as exists.
func resolve(path string) string {
	path = filepath.Clean(path)
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	parent := filepath.Dir(path)
	if parent == path {
		return path
	}
	return filepath.Join(resolve(parent), filepath.Base(path))
}

// Dirs returns the watched folders, relative to the root, each once.
func (p *Project) Dirs() []string {
	if p.SchemaDir == p.ConfigDir {
		return []string{p.SchemaDir}
	}
	return []string{p.SchemaDir, p.ConfigDir}
}

// Relative turns a path as a person writes it, absolute or relative to the folder base, into the project's form:
// relative to the root, with forward slashes. It returns an error that wraps [ErrOutside] for any other place.
func (p *Project) Relative(base, path string) (string, error) {
	full := path
	if !filepath.IsAbs(full) {
		full = filepath.Join(base, full)
	}
	relative, err := filepath.Rel(resolve(p.Root), filepath.Join(resolve(filepath.Dir(full)), filepath.Base(full)))
	if err != nil || !filepath.IsLocal(relative) {
		return "", fmt.Errorf("%s: %w", path, ErrOutside)
	}
	return strings.TrimPrefix(filepath.ToSlash(relative), "./"), nil
}

// MakeDataDir makes the data folder, which only its owner can enter, unless it exists.
func (p *Project) MakeDataDir() error {
	if err := os.MkdirAll(p.DataDir, dataMode); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	// The database, the key and the token are no part of the project's text: version control leaves them alone.
	ignore, err := os.OpenFile(filepath.Join(p.DataDir, ".gitignore"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, secretMode)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err == nil {
		_, err = ignore.WriteString("*\n")
		err = errors.Join(err, ignore.Close())
	}
	if err != nil {
		return fmt.Errorf("keep the data folder out of version control: %w", err)
	}
	return nil
}
