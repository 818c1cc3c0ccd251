package sqlite

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestFoldersOfANetwork(t *testing.T) {
	for number, kind := range map[uint32]string{
		unix.NFS_SUPER_MAGIC: "NFS", unix.SMB_SUPER_MAGIC: "SMB", unix.CIFS_SUPER_MAGIC: "SMB", unix.SMB2_SUPER_MAGIC: "SMB",
		unix.EXT4_SUPER_MAGIC: "", unix.TMPFS_MAGIC: "", unix.OVERLAYFS_SUPER_MAGIC: "",
	} {
		if got := networkKind(number); got != kind {
			t.Errorf("%#x is %q, want %q", number, got, kind)
		}
	}
	if kind, err := networkFolder(t.TempDir()); err != nil || kind != "" {
		t.Errorf("the folder for temporary files: %q, %v", kind, err)
	}
}
