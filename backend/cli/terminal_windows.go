package cli

import "golang.org/x/sys/windows"

// terminalSize returns the width of the console behind a handle, or false when it is something else. A console that
// does not take escape sequences, even when asked, counts as something else.
func terminalSize(fd uintptr) (columns int, terminal bool) {
	handle := windows.Handle(fd)
	var mode uint32
	if err := windows.GetConsoleMode(handle, &mode); err != nil {
		return 0, false
	}
	if err := windows.SetConsoleMode(handle, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING); err != nil {
		return 0, false
	}
	var info windows.ConsoleScreenBufferInfo
	if err := windows.GetConsoleScreenBufferInfo(handle, &info); err != nil {
		return 0, true
	}
	return int(info.Window.Right-info.Window.Left) + 1, true
}
