package project

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"time"
)

// sweepAge is how old an unfinished write must be before it counts as left over: another process may be at it.
const sweepAge = time.Minute

// temporaryName is what the names of unfinished writes look like.
var temporaryName = regexp.MustCompile(`^\.marain-[0-9a-f]{16}\.tmp$`)

// Sweep removes what writes that were cut off, by a crash or a kill, left under the folders. It is called once at the
// start of a program that writes.
func (f *Files) Sweep(dirs []string) error {
	var problems []error
	for _, dir := range dirs {
		err := fs.WalkDir(f.root.FS(), path.Clean(dir), func(at string, entry fs.DirEntry, err error) error {
			switch {
			case absent(err):
				return nil
			case err != nil:
				return err
			case !entry.Type().IsRegular() || !temporaryName.MatchString(entry.Name()):
				return nil
			}
			info, err := entry.Info()
			if absent(err) || err == nil && time.Since(info.ModTime()) < sweepAge {
				return nil
			}
			if err != nil {
				return err
			}
			return f.discard(filepath.FromSlash(at))
		})
		if err != nil {
			problems = append(problems, fmt.Errorf("sweep %s: %w", dir, err))
		}
	}
	return errors.Join(problems...)
}
