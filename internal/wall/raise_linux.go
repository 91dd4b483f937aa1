package wall

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// raise takes from this process what the program behind the wall must not have. The order is
// that of walls: what needs a right comes before what takes it.
func (w Wall) raise() error {
	if w.User != 0 {
		if err := become(w.User); err != nil {
			return caused(Fault{Why: NotBecome, User: w.User}, err)
		}
	}
	if w.Bound != 0 {
		if err := endWith(w.Bound); err != nil {
			return err
		}
	}
	unix.Umask(w.Umask)
	if err := bound(unix.RLIMIT_CORE, 0); err != nil { // a core holds what the memory held
		return err
	}
	if w.Memory > 0 {
		if err := bound(unix.RLIMIT_AS, w.Memory); err != nil {
			return err
		}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return caused(Fault{Why: Refused, Other: "PR_SET_NO_NEW_PRIVS"}, err)
	}
	if w.Landlock != 0 {
		if err := w.restrict(); err != nil {
			return err
		}
	}
	if w.Filter {
		return filter(w.Closed)
	}
	return nil
}

// endWith has this process end with the thread of its parent that started it.
func endWith(parent int) error {
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return caused(Fault{Why: Refused, Other: "PR_SET_PDEATHSIG"}, err)
	}
	if os.Getppid() != parent {
		return &Fault{Why: Orphan}
	}
	return nil
}

// restrict raises Landlock.
func (w Wall) restrict() error {
	if has := version(); has < w.Landlock {
		return &Fault{Why: Older, Asked: w.Landlock, Has: has}
	}
	cfg := handled(w.Landlock)
	rules, err := w.rules(cfg)
	if err != nil {
		return err
	}
	return caused(Fault{Why: Refused, Other: "landlock_restrict_self"}, cfg.Restrict(rules...))
}

// become takes another user's id for good, with every group and capability of root's given
// up. Who was made that user already by a program that may only has it looked at.
func become(user int) error {
	if real, effective, saved := unix.Getresuid(); real != user || effective != user || saved != user {
		if err := switchTo(user); err != nil {
			return err
		}
	}
	if real, effective, saved := unix.Getresgid(); real != user || effective != user || saved != user {
		return &Fault{Why: GroupLeft}
	}
	if syscall.Setuid(0) == nil {
		return &Fault{Why: WayBack}
	}
	has := [2]unix.CapUserData{}
	if err := unix.Capget(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &has[0]); err != nil {
		return caused(Fault{Why: Refused, Other: "capget"}, err)
	}
	if has[0].Permitted|has[1].Permitted != 0 {
		return &Fault{Why: PowersLeft}
	}
	return nil
}

func switchTo(user int) error {
	if err := syscall.Setgroups(nil); err != nil {
		return err
	}
	if err := syscall.Setresgid(user, user, user); err != nil {
		return err
	}
	return syscall.Setresuid(user, user, user)
}

// bound sets a limit; one that is lower already stays, since nobody but root raises it.
func bound(what int, most uint64) error {
	var is unix.Rlimit
	if err := unix.Getrlimit(what, &is); err != nil {
		return caused(Fault{Why: Refused, Other: "getrlimit"}, err)
	}
	most = min(most, is.Max)
	return caused(Fault{Why: Refused, Other: "setrlimit"}, unix.Setrlimit(what, &unix.Rlimit{Cur: min(most, is.Cur), Max: most}))
}

// version is the Landlock that this kernel has; 0 where there is none.
func version() int {
	v, err := ll.LandlockGetABIVersion()
	if err != nil {
		return 0
	}
	return v
}

// configs are what Landlock can refuse, by its version.
var configs = []landlock.Config{
	landlock.V1, landlock.V2, landlock.V3, landlock.V4, landlock.V5, landlock.V6, landlock.V7, landlock.V8, landlock.V9,
}

// handled is what is refused unless it is granted: by the version that is there, never by a
// library's best effort, which gives up the whole for one right that an old kernel lacks. Of
// the network it is to listen alone: where a provider calls, Landlock knows by port only, and
// a name server is asked by UDP.
func handled(abi int) landlock.Config {
	cfg := configs[min(abi, len(configs))-1]
	if cfg.HandledAccessNet != 0 {
		cfg.HandledAccessNet = ll.AccessNetBindTCP
	}
	return cfg
}

// The rights that are granted of those that are handled. A device is nobody's to make, nor
// to be told anything but bytes.
const (
	readFile  = landlock.AccessFSSet(ll.AccessFSReadFile)
	read      = readFile | ll.AccessFSReadDir
	runFile   = readFile | ll.AccessFSExecute
	run       = read | ll.AccessFSExecute
	writeFile = readFile | ll.AccessFSWriteFile | ll.AccessFSTruncate
	write     = writeFile | read | ll.AccessFSRemoveDir | ll.AccessFSRemoveFile | ll.AccessFSMakeDir | ll.AccessFSMakeReg |
		ll.AccessFSMakeSock | ll.AccessFSMakeFifo | ll.AccessFSMakeSym | ll.AccessFSRefer
)

func (w Wall) rules(cfg landlock.Config) ([]landlock.Rule, error) {
	var out []landlock.Rule
	grant := func(path string, folder, file landlock.AccessFSSet, must bool) error {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist) && !must, errors.Is(err, fs.ErrPermission) && !must:
			return nil
		case err != nil:
			return caused(Fault{Why: Ungrantable}, err)
		case info.IsDir():
			out = append(out, landlock.PathAccess(folder&cfg.HandledAccessFS, path))
		default:
			out = append(out, landlock.PathAccess(file&cfg.HandledAccessFS, path))
		}
		return nil
	}
	for _, path := range w.Read {
		if err := grant(path, read, readFile, false); err != nil {
			return nil, err
		}
	}
	for _, path := range w.runs() {
		if err := grant(path, run, runFile, false); err != nil {
			return nil, err
		}
	}
	for _, path := range append([]string{os.DevNull}, w.Write...) {
		if err := grant(path, write, writeFile, true); err != nil {
			return nil, err
		}
	}
	return out, nil
}
