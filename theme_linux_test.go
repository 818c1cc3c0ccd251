//go:build !headless

package main

import (
	"testing"

	"github.com/godbus/dbus/v5"
)

func TestPrefersDark(t *testing.T) {
	for theme, want := range map[string]bool{"Adwaita:dark": true, "Yaru-dark": true, "Adwaita": false} {
		if got := prefersDark(func(string) string { return theme }); got != want {
			t.Errorf("%s: %v, want %v", theme, got, want)
		}
	}
}

func TestDarkScheme(t *testing.T) {
	for _, test := range []struct {
		name  string
		value any
		want  bool
	}{
		{"dark", uint32(1), true},
		{"light", uint32(2), false},
		{"no preference", uint32(0), false},
		{"dark, wrapped twice", dbus.MakeVariant(uint32(1)), true},
		{"something else", "dark", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := darkScheme(dbus.MakeVariant(test.value)); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
