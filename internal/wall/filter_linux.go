package wall

import (
	"maps"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// architectures are those whose calls are known by number.
var architectures = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}

// filters tells whether this kernel takes a filter of system calls that this program has.
func filters() bool {
	if _, known := architectures[runtime.GOARCH]; !known {
		return false
	}
	_, err := unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0)
	return err == nil
}

// refusals are the calls that no program of Terraform's needs, and the answer to each. What
// is looked for and then done without is answered as by a kernel that does not know it.
var refusals = map[uint32]syscall.Errno{
	// Another process's memory and descriptors.
	unix.SYS_PTRACE: unix.EPERM, unix.SYS_PROCESS_VM_READV: unix.EPERM, unix.SYS_PROCESS_VM_WRITEV: unix.EPERM, unix.SYS_KCMP: unix.EPERM, unix.SYS_PIDFD_GETFD: unix.EPERM,
	// Memory and messages that outlive who made them, and are found by a number.
	unix.SYS_SHMGET: unix.EPERM, unix.SYS_SHMAT: unix.EPERM, unix.SYS_SHMCTL: unix.EPERM, unix.SYS_MSGGET: unix.EPERM, unix.SYS_SEMGET: unix.EPERM,
	// What acts past a filter.
	unix.SYS_IO_URING_SETUP: unix.ENOSYS, unix.SYS_IO_URING_ENTER: unix.ENOSYS, unix.SYS_IO_URING_REGISTER: unix.ENOSYS,
	// New namespaces, in which one is root; the flags of clone3 are out of a filter's sight.
	unix.SYS_UNSHARE: unix.EPERM, unix.SYS_SETNS: unix.EPERM, unix.SYS_CLONE3: unix.ENOSYS,
	// Parts of the kernel whose faults others have got out by.
	unix.SYS_BPF: unix.EPERM, unix.SYS_PERF_EVENT_OPEN: unix.EPERM, unix.SYS_USERFAULTFD: unix.EPERM,
	// Files that stand in no folder, by which what was written is executed all the same.
	unix.SYS_MEMFD_CREATE: unix.ENOSYS, unix.SYS_MEMFD_SECRET: unix.ENOSYS, unix.SYS_EXECVEAT: unix.ENOSYS,
	// Attributes of files, among them lists of who else may read them, of which Landlock knows nothing.
	unix.SYS_SETXATTR: unix.EOPNOTSUPP, unix.SYS_LSETXATTR: unix.EOPNOTSUPP, unix.SYS_FSETXATTR: unix.EOPNOTSUPP, unix.SYS_SETXATTRAT: unix.ENOSYS,
	unix.SYS_KEYCTL: unix.ENOSYS, unix.SYS_ADD_KEY: unix.ENOSYS, unix.SYS_REQUEST_KEY: unix.ENOSYS,
}

// Where a filter finds what it is asked about, on machines that keep the low half first.
const (
	callNumber = 0
	callArch   = 4
	firstArg   = 16
	secondArg  = firstArg + 8
	thirdArg   = firstArg + 2*8
)

// opens are the modes by which others than its user come to a file.
const opens = unix.S_ISUID | unix.S_ISGID | 0o077

// modeArgs says where the calls that change the mode of a file have it; each machine has some
// of its own beside them.
func modeArgs() map[uint32]uint32 {
	out := map[uint32]uint32{unix.SYS_FCHMOD: secondArg, unix.SYS_FCHMODAT: thirdArg, unix.SYS_FCHMODAT2: thirdArg}
	maps.Copy(out, ownModeArgs)
	return out
}

// otherCalls is the bit of the numbers by which amd64 knows a second set of calls.
const otherCalls = 0x40000000

// namespaces are the flags of clone that make a new one.
const namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET

// program is the filter; closed has files opened to nobody else, either: that is answered as if
// it were done, since providers do it to files of their own, where nobody but their user comes.
func program(arch uint32, closed bool) []unix.SockFilter {
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	answer := func(no syscall.Errno) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(no)}
	}
	// unless skips the next so many where the question is answered by no.
	unless := func(question uint16, k uint32, skip uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | question | unix.BPF_K, Jf: skip, K: k}
	}
	let := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW}
	out := []unix.SockFilter{
		load(callArch), {Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: 1, K: arch}, answer(unix.ENOSYS),
		load(callNumber), unless(unix.BPF_JGE, otherCalls, 1), answer(unix.ENOSYS),
	}
	for call, no := range refusals {
		out = append(out, unless(unix.BPF_JEQ, call, 1), answer(no))
	}
	if closed {
		for call, at := range modeArgs() {
			out = append(out, unless(unix.BPF_JEQ, call, 4), load(at), unless(unix.BPF_JSET, opens, 1), answer(0), let)
		}
	}
	// Sockets of a protocol that Landlock does not know to be TCP.
	out = append(out, unless(unix.BPF_JEQ, unix.SYS_SOCKET, 4), load(thirdArg), unless(unix.BPF_JEQ, unix.IPPROTO_MPTCP, 1), answer(unix.EPROTONOSUPPORT), let)
	out = append(out, unless(unix.BPF_JEQ, unix.SYS_CLONE, 3), load(firstArg), unless(unix.BPF_JSET, namespaces, 1), answer(unix.EPERM))
	return append(out, let)
}

// filter has the kernel refuse the calls to this thread and all that it executes.
func filter(closed bool) error {
	arch, known := architectures[runtime.GOARCH]
	if !known {
		return &Fault{Why: Unknown, Other: runtime.GOARCH}
	}
	p := program(arch, closed)
	prog := unix.SockFprog{Len: uint16(len(p)), Filter: &p[0]}
	if err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&prog)), 0, 0); err != nil {
		return caused(Fault{Why: Refused, Other: "PR_SET_SECCOMP"}, err)
	}
	return nil
}
