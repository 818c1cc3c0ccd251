// Package window tests the real window: the built program on a display of its own, driven through the accessibility
// tree as a screen reader does it. Its tests need the tag window, the built program, and what `make test` installs.
package window
