package coordinator

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"marain/backend/document"
	"marain/backend/project"
)

// settings returns the engine's own settings: those that are applied, or before the first apply those on disk.
func (c *Coordinator) settings() project.Settings {
	live := c.Snapshot().LiveConfig("hot_reload")
	if live == nil {
		live = c.onDisk("hot_reload")
	}
	if c.parsed.known && live == c.parsed.from {
		return c.parsed.settings
	}
	settings := project.DefaultSettings()
	if live != nil {
		if values, ok := live.Values.Interface().(map[string]any); ok {
			var problems []error
			settings, problems = project.ParseSettings(values)
			for _, problem := range problems {
				c.log.Warn("setting", "problem", problem)
			}
		}
	}
	c.parsed = parsed{known: true, from: live, settings: settings}
	return settings
}

// parsed is the settings as they were read from a configuration.
type parsed struct {
	known    bool
	from     *document.Config
	settings project.Settings
}

// onDisk returns a live and valid configuration on disk, or nil.
func (c *Coordinator) onDisk(id string) *document.Config {
	for _, f := range c.desired {
		if f.doc != nil && f.doc.Config != nil && f.doc.Config.Live && f.doc.Config.ID == id {
			return f.doc.Config
		}
	}
	return nil
}

// remembered is where the database was when it was opened last, without any secret. It is used only when the file
// that says so cannot be read, so that a broken file never opens another, empty database.
type remembered struct {
	Driver   string `json:"driver"`
	File     string `json:"file"`
	Database string `json:"database_id"` // the name that the database has in its bookkeeping
}

func (c *Coordinator) rememberedFile() string {
	return filepath.Join(c.project.DataDir, "connection.json")
}

// connection decides which database to open, from the configuration with the id system on disk: it cannot come from a
// database that is not open yet.
func (c *Coordinator) connection() (project.Connection, error) {
	system, broken, err := c.systemOnDisk()
	if err != nil {
		return project.Connection{}, err
	}
	connection, err := c.project.Connection(system, c.options.Getenv)
	var setting *project.SettingError
	given := connection.URL != "" // by the environment, whatever the files say
	if err != nil && !errors.As(err, &setting) || err == nil && (!broken || given) {
		c.given = given
		return connection, err
	}
	if last, known := c.recollect(); known && last.Driver == project.SQLite && last.File != "" {
		c.log.Warn("the configuration system cannot be read: the database is the one that was open last", "error", err)
		return project.Connection{Driver: project.SQLite, File: last.File}, nil
	}
	if err != nil {
		return project.Connection{}, &Error{Code: CodeInvalid, Message: err.Error(), Details: []any{}, Cause: err}
	}
	return connection, nil
}

// recollect returns where the database was when it was opened last, and which one it was.
func (c *Coordinator) recollect() (last remembered, known bool) {
	text, err := os.ReadFile(c.rememberedFile())
	return last, err == nil && json.Unmarshal(text, &last) == nil
}

// remember notes where the database is. Without the note a start with a broken file still works as long as the
// database is in its usual place, so a failure is only logged.
func (c *Coordinator) remember(now remembered) {
	text, err := json.Marshal(now)
	if err == nil {
		if old, readErr := os.ReadFile(c.rememberedFile()); readErr == nil && string(old) == string(text) {
			return
		}
		if err = c.project.MakeDataDir(); err == nil {
			err = os.WriteFile(c.rememberedFile(), text, 0o600)
		}
	}
	if err != nil {
		c.log.Warn("note where the database is", "error", err)
	}
}

// recognise compares the database with the one that was there last. Another one in its place, most of all an empty one,
// must not be filled as if nothing had been: everything in the former would seem to be gone.
func (c *Coordinator) recognise(file string) {
	if c.given {
		return // the environment may name another one each time
	}
	now := remembered{Driver: project.SQLite, File: file, Database: c.databaseID}
	last, known := c.recollect()
	if known && last.File == file && last.Database != "" && last.Database != c.databaseID {
		c.suspect = fmt.Sprintf("%s is not the database that was there before: put that one back, or remove %s to go on with this one", file, c.rememberedFile())
		c.failing = true
		return
	}
	if !c.options.ReadOnly {
		c.remember(now)
	}
}

// systemOnDisk returns the values of the live configuration with the id system, and whether a file that may be it
// cannot be read.
func (c *Coordinator) systemOnDisk() (values map[string]any, broken bool, err error) {
	files, missing, err := c.files.Scan([]string{c.project.ConfigDir}, func(path string) bool {
		kind, ok := c.loader.Kind(path)
		return ok && kind == document.KindConfig
	})
	if err != nil {
		return nil, false, fmt.Errorf("look for the configuration system: %w", err)
	}
	broken = len(missing) > 0 // a folder that is away for a moment says nothing about the database
	for _, f := range files {
		id, environment, _ := document.ConfigName(f.Path)
		if id != "system" || environment != "" && environment != c.project.Environment {
			continue
		}
		doc, problems := c.loader.Load(f.Path, f.Data)
		if f.Err != nil || len(problems) > 0 {
			broken = true
			continue
		}
		if plain, ok := doc.Config.Values.Interface().(map[string]any); ok && values == nil {
			values = plain
		}
	}
	return values, broken && values == nil, nil
}
