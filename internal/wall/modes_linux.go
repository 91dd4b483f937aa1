//go:build linux && !amd64

package wall

// ownModeArgs are the calls of this machine alone.
var ownModeArgs map[uint32]uint32
