package sqlite

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// networkFolder names the kind of network file system that a folder is on, or returns nothing for a local one.
func networkFolder(folder string) (string, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(folder, &stat); err != nil {
		return "", fmt.Errorf("look at the database folder: %w", err)
	}
	return networkKind(uint32(stat.Type)), nil
}

// networkKind names the kind of network file system that the system has this number for.
func networkKind(number uint32) string {
	switch number {
	case unix.NFS_SUPER_MAGIC:
		return "NFS"
	case unix.SMB_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC:
		return "SMB"
	}
	return ""
}
