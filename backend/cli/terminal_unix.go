//go:build unix

package cli

import "golang.org/x/sys/unix"

// terminalSize returns the width of the terminal behind a file descriptor, or false when it is something else.
func terminalSize(fd uintptr) (columns int, terminal bool) {
	size, err := unix.IoctlGetWinsize(int(fd), unix.TIOCGWINSZ)
	if err != nil {
		return 0, false
	}
	return int(size.Col), true
}
