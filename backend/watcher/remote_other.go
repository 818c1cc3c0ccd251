//go:build !linux

package watcher

// remoteFileSystem returns nothing: regular looks at everything find what other machines change.
func remoteFileSystem(string) string { return "" }
