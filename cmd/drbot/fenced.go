package main

import (
	"net"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// fences are what the kernel says a process may no more, and what of it came with our walls: a
// filter of system calls more than drbot itself has, and no new privileges.
type fences struct {
	filters, noNew int
}

// within tells whether a process with these stands behind a wall of drbot's, whose own are given.
func (f fences) within(own fences) bool { return f.filters > own.filters || f.noNew > own.noNew }

// fencesOf reads them; false where the process cannot be seen.
func fencesOf(process string) (f fences, seen bool) {
	status, err := os.ReadFile("/proc/" + process + "/status")
	if err != nil {
		return fences{}, false
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		n, _ := strconv.Atoi(strings.TrimSpace(value)) // of the other lines nothing is taken
		switch name {
		case "Seccomp_filters":
			f.filters = n
		case "NoNewPrivs":
			f.noNew = n
		}
	}
	return f, true
}

// fenced tells whether what is at the other end of a connection is drbot's own user behind a wall:
// Landlock lets it come to the socket's file, where the kernel tells the user alone. Of a process
// that is gone nobody knows what it was. One that is not of this kernel's view of processes (a
// container beside) was never behind it.
func fenced(c net.Conn) bool {
	uc, is := c.(*net.UnixConn)
	if !is {
		return false
	}
	raw, err := uc.SyscallConn()
	if err != nil {
		return false
	}
	out := false
	_ = raw.Control(func(fd uintptr) {
		cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
		if err != nil || int(cred.Uid) != os.Geteuid() || cred.Pid == 0 {
			return
		}
		own, ownSeen := fencesOf("self")
		its, seen := fencesOf(strconv.Itoa(int(cred.Pid)))
		out = ownSeen && (!seen || its.within(own) || over(int(fd)))
	})
	return out
}

// over tells whether the process that made a connection has ended: the number that was looked at
// may then be another's. Kernels before 6.5 do not say.
func over(fd int) bool {
	pidfd, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PEERPIDFD)
	if err != nil {
		return false
	}
	defer func() { _ = unix.Close(pidfd) }()
	return unix.PidfdSendSignal(pidfd, 0, nil, 0) != nil
}
