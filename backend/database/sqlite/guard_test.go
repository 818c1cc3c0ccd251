package sqlite

import "testing"

func TestAnOldSQLiteIsRefused(t *testing.T) {
	for version, fine := range map[string]bool{
		"3.54.1": true, "3.53.0": true, "4.0.0": true, "3.52.9": false, "3.51.2": false, "3.7.17": false, "2.99.99": false, "": false, "new": false,
	} {
		if err := recent(version); (err == nil) != fine {
			t.Errorf("%q: %v", version, err)
		}
	}
}
