package project

import (
	"fmt"
	"math"
	"time"
)

// What is kept when the settings say nothing else.
const (
	DefaultBackups    = 10
	DefaultBackupDays = 30
)

// Retention says how long what nobody uses any more is kept.
type Retention struct {
	Backups       int // how many backups are kept at most; the newest always is
	BackupDays    int // for how many days a backup is kept at most; the newest always is
	TombstoneDays int // after how many days what was taken out of use is purged without asking; 0: never
}

// DefaultRetention returns what holds without a setting: tombstones are never purged without asking.
func DefaultRetention() Retention {
	return Retention{Backups: DefaultBackups, BackupDays: DefaultBackupDays}
}

// Until returns when something that went out of use at a time is purged without asking; zero for never.
func (r Retention) Until(since time.Time) time.Time {
	if r.TombstoneDays == 0 || since.IsZero() {
		return time.Time{}
	}
	return since.AddDate(0, 0, r.TombstoneDays)
}

// readRetention reads how long things are kept. What is wrong keeps its default: nothing is destroyed because of a slip.
func readRetention(value any, into *Retention) *SettingError {
	const hint = "use a mapping with backups, backup_days and tombstone_days"
	values, ok := value.(map[string]any)
	if !ok {
		return &SettingError{Message: fmt.Sprintf("%v is not a mapping", value), Hint: hint}
	}
	read := *into
	targets := map[string]*int{"backups": &read.Backups, "backup_days": &read.BackupDays, "tombstone_days": &read.TombstoneDays}
	for _, key := range sortedKeys(values) {
		target, known := targets[key]
		if !known {
			return &SettingError{Key: "." + key, Message: "this setting does not exist", Hint: suggest(key, sortedKeys(targets))}
		}
		if problem := count(values[key], target); problem != nil {
			problem.Key = "." + key
			return problem
		}
	}
	*into = read
	return nil
}

// count reads a whole number from 1 on.
func count(value any, into *int) *SettingError {
	const most = math.MaxInt32 / 1000 // enough for any number of days, and no time overflows
	n, ok := whole(value)
	switch {
	case !ok:
		return &SettingError{Message: fmt.Sprintf("%v is not a whole number", value)}
	case n < 1:
		return &SettingError{Message: fmt.Sprintf("%d is too small", n), Hint: "use at least 1"}
	case n > most:
		return &SettingError{Message: fmt.Sprintf("%d is too large", n), Hint: fmt.Sprintf("use at most %d", most)}
	}
	*into = int(n)
	return nil
}
