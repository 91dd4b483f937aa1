package store

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/drbot/drbot/dr"
)

// unfit names the file systems a run's memory must not stand on: they vanish
// with the container, or lock unreliably. Numbers from statfs(2).
var unfit = map[int64]string{
	0x01021994: "tmpfs, which vanishes with the host",
	0x858458f6: "ramfs, which vanishes with the host",
	0x794c7630: "overlay, which vanishes with the container",
	0x6969:     "NFS, where SQLite's locks cannot be trusted",
	0xff534d42: "CIFS, where SQLite's locks cannot be trusted",
	0xfe534d42: "SMB, where SQLite's locks cannot be trusted",
	0x65735546: "FUSE, where SQLite's locks cannot be trusted",
}

func checkFileSystem(dir string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return fmt.Errorf("ask for the file system of %s: %w", dir, err)
	}
	if why, bad := unfit[int64(st.Type)]; bad {
		return &dr.Error{
			Code: dr.Invalid,
			Msg:  fmt.Sprintf("the database folder %s is on %s.", dir, why),
			Hint: "mount a durable local disk there, or set state.database to a postgres:// URL",
		}
	}
	return nil
}
