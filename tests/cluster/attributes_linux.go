package cluster

import (
	"os/user"
	"syscall"
)

// attributes let a program run as another user and end when this process does, however that happens. A group of its
// own keeps an interrupt at the keyboard from it: the tests end it themselves.
func attributes(owner *user.User) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGQUIT}
	if owner != nil {
		if uid, gid, err := ids(owner); err == nil {
			a.Credential = &syscall.Credential{Uid: uid, Gid: gid}
		}
	}
	return a
}
