package database

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestWords(t *testing.T) {
	for sql, want := range map[string]string{
		`SELECT a, "B c", [d e], ` + "`f``g`" + ` FROM t`: "a b c d e f`g from select t",
		`x -- y` + "\n" + `z /* u */ 'v ''w' "q""r"`:      `q"r x z`,
		`SELECT * FROM é_1 WHERE n = 'it''s'`:             "* from n select where é_1",
		`"open`:                                           "open",
		`'open`:                                           "",
	} {
		if got := strings.Join(slices.Sorted(maps.Keys(Words(sql))), " "); got != want {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
}

func TestChecks(t *testing.T) {
	got := Checks(`CREATE TABLE t (a TEXT CHECK (a IN ('(', 'check (b)')), "check" TEXT, b INT CONSTRAINT x CHECK(length(b) > (1 + 2)), c)`)
	if want := []string{`(a IN ('(', 'check (b)'))`, `(length(b) > (1 + 2))`}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestGenerated(t *testing.T) {
	got := Generated(`CREATE TABLE t (a TEXT, "as" (x), b TEXT GENERATED ALWAYS AS (a || ' as (c)') STORED, c AS(upper(b)), d TEXT DEFAULT (cast(1 AS TEXT)))`)
	if want := []string{`(a || ' as (c)')`, `(upper(b))`}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
