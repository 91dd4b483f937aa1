package tf

import (
	"os"
	"strconv"
	"strings"

	"github.com/drbot/drbot/internal/wall"
)

// mostMemory bounds what each process behind a wall may reserve. It is to stop a bomb, not
// to be a budget: what is reserved is more than what is used, so it is all that this host has,
// and never less than providers need.
var mostMemory = min(8<<30, max(hostMemory("/proc/meminfo", "/sys/fs/cgroup/memory.max"), 2*wall.LeastMemory))

// hostMemory is what this host has, or what the group of processes may have that this one is
// in, in bytes. What cannot be read counts as without a bound.
func hostMemory(host, group string) uint64 {
	most := ^uint64(0)
	if data, err := os.ReadFile(host); err == nil {
		for line := range strings.Lines(string(data)) {
			name, value, _ := strings.Cut(line, ":")
			if n, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 54); err == nil && name == "MemTotal" {
				most = n << 10
			}
		}
	}
	if data, err := os.ReadFile(group); err == nil {
		if n, err := strconv.ParseUint(strings.TrimSpace(string(data)), 10, 64); err == nil { // else it says max
			most = min(most, n)
		}
	}
	return most
}
