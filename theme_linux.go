//go:build !headless

package main

import (
	"os"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

const portalLimit = 500 * time.Millisecond

// prefersDark reports whether the desktop is dark, and makes the toolkit follow: WebKitGTK looks at the name of the GTK
// theme only, while desktops announce the preference through the settings portal. It must be called before the window
// is made.
func prefersDark(getenv func(string) string) bool {
	if theme := getenv("GTK_THEME"); theme != "" {
		return strings.Contains(strings.ToLower(theme), "dark")
	}
	if !portalPrefersDark() {
		return false
	}
	return os.Setenv("GTK_THEME", "Adwaita:dark") == nil
}

// portalPrefersDark asks the desktop. No answer counts as no preference.
func portalPrefersDark() bool {
	bus, err := dbus.SessionBusPrivateNoAutoStartup()
	if err != nil {
		return false
	}
	defer func() { _ = bus.Close() }() // only an answer is wanted from it
	if bus.Auth(nil) != nil || bus.Hello() != nil {
		return false
	}
	portal := bus.Object("org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop")
	asked := portal.Go("org.freedesktop.portal.Settings.Read", dbus.FlagNoAutoStart, make(chan *dbus.Call, 1),
		"org.freedesktop.appearance", "color-scheme")
	select {
	case answer := <-asked.Done:
		var value dbus.Variant
		if answer.Err != nil || answer.Store(&value) != nil {
			return false
		}
		return darkScheme(value)
	case <-time.After(portalLimit):
		return false
	}
}

// darkScheme reads the portal's answer: a number, wrapped once or twice; 1 is dark.
func darkScheme(value dbus.Variant) bool {
	for {
		switch inner := value.Value().(type) {
		case dbus.Variant:
			value = inner
		case uint32:
			return inner == 1
		default:
			return false
		}
	}
}
