//go:build !headless && !linux

package main

// prefersDark reports whether the desktop is dark. Only what is seen before the page is drawn depends on it, and these
// systems draw the window's own colour until then.
func prefersDark(func(string) string) bool { return false }
