package store

import (
	"golang.org/x/sys/unix"

	"github.com/drbot/drbot/dr"
)

// unfit names the file systems a run's memory must not stand on: they vanish
// with the container, or lock unreliably. Numbers from statfs(2).
var unfit = map[int64]dr.Text{
	0x01021994: dr.T("store.unfit.host", "system", "tmpfs"),
	0x858458f6: dr.T("store.unfit.host", "system", "ramfs"),
	0x794c7630: dr.T("store.unfit.container", "system", "overlay"),
	0x6969:     dr.T("store.unfit.locks", "system", "NFS"),
	0xff534d42: dr.T("store.unfit.locks", "system", "CIFS"),
	0xfe534d42: dr.T("store.unfit.locks", "system", "SMB"),
	0x65735546: dr.T("store.unfit.locks", "system", "FUSE"),
}

func checkFileSystem(dir string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return failedFile(dir, "ask for the file system", err)
	}
	if why, bad := unfit[int64(st.Type)]; bad {
		return &dr.Error{Code: dr.Invalid, What: dr.T("store.unfit", "folder", dir, "why", why), Next: dr.T("store.unfit.next")}
	}
	return nil
}
