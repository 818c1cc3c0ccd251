package coordinator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"marain/backend/database"
	"marain/backend/database/postgres"
	"marain/backend/database/sqlite"
	"marain/backend/executor"
	"marain/backend/history"
	"marain/backend/project"
)

// openDatabase opens the database that the files on disk name, and prepares the bookkeeping.
func (c *Coordinator) openDatabase(ctx context.Context) error {
	connection, err := c.connection()
	if err != nil {
		return err
	}
	vault, err := history.NewVault(filepath.Join(c.project.DataDir, "marain.key"), c.options.Getenv("MARAIN_KEY"))
	if err != nil {
		return err
	}
	c.store = history.New(vault)
	if c.options.Now != nil {
		c.store.Now = c.options.Now
	}
	c.place = remember(connection)
	if c.db, err = c.connect(ctx, connection); err != nil && c.recalled && connection.Driver == project.Postgres {
		return &Error{
			Code: CodeInvalid, Message: fmt.Sprintf("the configuration system cannot be read, and without it %s does not open: mend the file", c.place),
			Details: []any{}, Cause: err,
		}
	} else if err != nil {
		return err
	}
	if c.options.wrap != nil {
		c.db = c.options.wrap(c.db)
	}
	c.executor = &executor.Executor{Database: c.db, Store: c.store}
	if !c.options.ReadOnly { // the chain is noted there, wherever the database is
		if err := c.project.MakeDataDir(); err != nil {
			return err
		}
	}
	if c.store.Folder, err = c.project.FolderID(!c.options.ReadOnly); err != nil {
		return err
	}
	if c.options.ReadOnly && c.scratch == "" {
		if c.unprepared(ctx) {
			return nil
		}
		return c.db.Read(ctx, func(q database.Querier) error { return c.store.Known(ctx, q) })
	}
	return c.db.Write(ctx, func(q database.Querier) error { return c.store.Prepare(ctx, q) })
}

// connect opens a connection with the package for its kind of database.
func (c *Coordinator) connect(ctx context.Context, connection project.Connection) (database.Database, error) {
	if connection.Driver == project.Postgres {
		db, err := postgres.Open(ctx, connection)
		if err != nil {
			return nil, err
		}
		if db.Pooler() {
			c.log.Info("a connection pooler stands before the database: other programs are noticed by looking, not by being told")
		}
		return db, nil
	}
	file := connection.File
	if c.options.ReadOnly {
		var err error
		if file, err = c.readable(file); err != nil {
			return nil, err
		}
	}
	db, err := sqlite.Open(ctx, file)
	if err != nil {
		return nil, err
	}
	return db, nil
}

// readable returns a database to read from: the project's own, or an empty one in a scratch folder when the project
// has none yet or none with a history, so that looking at a project never writes into it.
func (c *Coordinator) readable(file string) (string, error) {
	if _, err := os.Stat(file); err == nil {
		return file, nil
	} else if !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("look at the database: %w", err)
	}
	folder, err := os.MkdirTemp("", "marain-")
	if err != nil {
		return "", fmt.Errorf("make a scratch folder: %w", err)
	}
	c.scratch = folder
	return filepath.Join(folder, "empty.db"), nil
}

// remembered is where the database was when it was opened last, without any secret. It is used only when the file
// that says so cannot be read, so that a broken file never opens another, empty database.
type remembered struct {
	Driver   string `json:"driver"`
	File     string `json:"file,omitempty"`
	Host     string `json:"host,omitempty"`
	Port     int    `json:"port,omitempty"`
	Name     string `json:"database,omitempty"`
	Username string `json:"username,omitempty"`
	SSLMode  string `json:"sslmode,omitempty"`
	Database string `json:"database_id"` // the name that the database has in its bookkeeping
	// Known are all databases that were opened from this data folder, however they were named.
	Known []string `json:"known,omitempty"`
}

// remember keeps of a connection what is no secret.
func remember(c project.Connection) remembered {
	if c.Driver == project.SQLite {
		return remembered{Driver: c.Driver, File: c.File}
	}
	return remembered{Driver: c.Driver, Host: c.Host, Port: c.Port, Name: c.Database, Username: c.Username, SSLMode: c.SSLMode}
}

// connection is what can be opened from memory. A password has to come from where the server's own tools look for it.
func (r remembered) connection() (project.Connection, bool) {
	c := project.Connection{
		Driver: r.Driver, File: r.File, Host: r.Host, Port: r.Port, Database: r.Name, Username: r.Username, SSLMode: r.SSLMode,
	}
	return c, r.Driver == project.SQLite && r.File != "" || r.Driver == project.Postgres && r.Name != ""
}

// same reports whether two memories are of one place.
func (r remembered) same(other remembered) bool {
	a, _ := r.connection()
	b, _ := other.connection()
	return a == b
}

// String names the place for a person.
func (r remembered) String() string {
	c, _ := r.connection()
	return c.Location()
}

func (c *Coordinator) rememberedFile() string {
	return filepath.Join(c.project.DataDir, "connection.json")
}

// recollect returns where the database was when it was opened last, and which one it was.
func (c *Coordinator) recollect() (last remembered, known bool) {
	text, err := os.ReadFile(c.rememberedFile())
	return last, err == nil && json.Unmarshal(text, &last) == nil
}

// keep notes where the database is. Without the note a start with a broken file still works as long as the database is
// in its usual place, so a failure is only logged.
func (c *Coordinator) keep(now remembered) {
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
func (c *Coordinator) recognise() {
	last, known := c.recollect()
	c.acquainted = slices.Contains(last.Known, c.databaseID) || known && last.Database == c.databaseID
	now := c.place
	now.Database, now.Known = c.databaseID, last.Known
	if c.given { // the environment may name another one each time
		now = last
	} else if known && last.same(now) && last.Database != "" && last.Database != c.databaseID {
		c.suspect = fmt.Sprintf("%s is not the database that was there before: put that one back, or remove %s to go on with this one", c.place, c.rememberedFile())
		c.failing = true
		return
	}
	if !slices.Contains(now.Known, c.databaseID) {
		now.Known = append(slices.Clone(now.Known), c.databaseID)
	}
	if !c.options.ReadOnly {
		c.keep(now)
	}
}

// witness notes the newest link of the audit chain when another program, with another data folder, has added it. Where
// notes of a database were lost that was opened here before, none is added: verify says that they are missing.
func (c *Coordinator) witness(seq int64, hash string) {
	if c.options.ReadOnly || seq == 0 || c.failing {
		return
	}
	newest, err := c.heads.Newest(c.databaseID)
	if err != nil {
		c.log.Error("look at the noted audit chain", "error", err)
		return
	}
	if newest < seq && (newest > 0 || !c.acquainted) {
		c.note(seq, hash)
	}
}
