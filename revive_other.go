//go:build !headless && !(linux && webkit2_41)

package main

// revivePages does nothing where the system brings a page back by itself.
func revivePages() {}
