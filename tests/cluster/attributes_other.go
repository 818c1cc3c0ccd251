//go:build !linux

package cluster

import (
	"os/user"
	"syscall"
)

// attributes let a program run as another user. Only Linux can also end it when this process is killed.
func attributes(owner *user.User) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true}
	if owner != nil {
		if uid, gid, err := ids(owner); err == nil {
			a.Credential = &syscall.Credential{Uid: uid, Gid: gid}
		}
	}
	return a
}
