package action

import "fmt"

// Purge returns the SQL that destroys places for good, in the given order. No migration can say it: it is not made of
// steps, and it refuses every name that is not out of use.
func Purge(d Dialect, places []Place) ([]string, error) {
	statements := make([]string, 0, len(places))
	for _, p := range places {
		switch {
		case p.Column != "" && IsOutOfUse(p.Column):
			statements = append(statements, fmt.Sprintf("ALTER TABLE %s DROP COLUMN %s", d.Quote(p.Table), d.Quote(p.Column)))
		case p.Column == "" && IsOutOfUse(p.Table):
			statements = append(statements, "DROP TABLE "+d.Quote(p.Table))
		default:
			return nil, fmt.Errorf("%s.%s is in use and cannot be purged", p.Table, p.Column)
		}
	}
	return statements, nil
}
