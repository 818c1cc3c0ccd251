package coordinator

import (
	"errors"
	"fmt"

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
	if last, known := c.recollect(); known {
		if connection, whole := last.connection(); whole {
			c.log.Warn("the configuration system cannot be read: the database is the one that was open last", "error", err)
			c.recalled = true
			return connection, nil
		}
	}
	if err != nil {
		return project.Connection{}, &Error{Code: CodeInvalid, Message: err.Error(), Details: []any{}, Cause: err}
	}
	return connection, nil
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
