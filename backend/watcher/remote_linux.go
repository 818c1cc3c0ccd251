package watcher

import "golang.org/x/sys/unix"

// remoteFileSystem returns the kind of file system that a folder lies on when it does not tell of every change, such
// as those that other machines make; else nothing.
func remoteFileSystem(dir string) string {
	var stat unix.Statfs_t
	if unix.Statfs(dir, &stat) != nil {
		return "" // then opening it says why
	}
	return remoteKinds[uint32(stat.Type)]
}

// remoteKinds are the file systems whose changes may come from elsewhere, by their number.
var remoteKinds = map[uint32]string{
	unix.NFS_SUPER_MAGIC:  "NFS",
	unix.SMB_SUPER_MAGIC:  "SMB",
	unix.CIFS_SUPER_MAGIC: "SMB",
	unix.SMB2_SUPER_MAGIC: "SMB",
	unix.V9FS_MAGIC:       "9p",
	unix.FUSE_SUPER_MAGIC: "FUSE",
	unix.AFS_SUPER_MAGIC:  "AFS",
	unix.CODA_SUPER_MAGIC: "CODA",
	0x786f4256:            "a VirtualBox shared folder",
}
