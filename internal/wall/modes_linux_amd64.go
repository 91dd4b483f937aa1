package wall

import "golang.org/x/sys/unix"

// ownModeArgs are the calls of this machine alone.
var ownModeArgs = map[uint32]uint32{unix.SYS_CHMOD: secondArg}
