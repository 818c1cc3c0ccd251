package project

import (
	"reflect"
	"testing"
)

func TestCollisions(t *testing.T) {
	got := Collisions([]string{
		"schemas/users.yaml", "schemas/Users.yaml", "schemas/user.yaml", "config/users.yaml", "SCHEMAS/users.yaml", "schemas/users.yaml",
		"schemas/caf\u00e9.yaml", "schemas/cafe\u0301.yaml", "schemas/cafe.yaml", "schemas/stra\u00dfe.yaml", "schemas/STRASSE.yaml",
	})
	want := [][]string{
		{"schemas/cafe\u0301.yaml", "schemas/caf\u00e9.yaml"},
		{"schemas/STRASSE.yaml", "schemas/stra\u00dfe.yaml"},
		{"SCHEMAS/users.yaml", "schemas/Users.yaml", "schemas/users.yaml"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := Collisions([]string{"a", "b"}); got != nil {
		t.Errorf("got %q", got)
	}
}
