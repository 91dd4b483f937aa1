package wall

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The test binary is what raises the wall and, with a list of acts, what stands behind it.
func TestMain(m *testing.M) {
	for name, act := range filtered {
		acts[name] = act
	}
	if program, asked := os.LookupEnv("NO_NEW_PRIVILEGES"); asked {
		runtime.LockOSThread()
		fmt.Println(unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), syscall.Exec(program, os.Args, os.Environ()))
		os.Exit(1)
	}
	Enter()
	if acts, behind := os.LookupEnv("ACTS"); behind {
		os.Exit(try(acts))
	}
	os.Exit(m.Run())
}

// acts are what somebody behind a wall may try; each gives its error.
var acts = map[string]func(arg string) error{
	"read":  func(arg string) error { _, err := os.ReadFile(arg); return err },
	"list":  func(arg string) error { _, err := os.ReadDir(arg); return err },
	"write": func(arg string) error { return os.WriteFile(arg, []byte("x"), 0o700) },
	"mode": func(arg string) error {
		if err := os.WriteFile(arg, nil, 0o666); err != nil {
			return err
		}
		info, err := os.Stat(arg)
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			err = fmt.Errorf("mode %s", info.Mode())
		}
		return err
	},
	"execute": func(arg string) error { return exec.Command(arg).Run() },
	"rename": func(arg string) error {
		from, to, _ := strings.Cut(arg, ">")
		return os.Rename(from, to)
	},
	"link": func(arg string) error {
		from, to, _ := strings.Cut(arg, ">")
		return os.Link(from, to)
	},
	"signal": func(string) error { return syscall.Kill(os.Getppid(), 0) },
	"trace":  func(string) error { return syscall.PtraceAttach(os.Getppid()) },
	"listen": func(string) error {
		var how net.ListenConfig
		how.SetMultipathTCP(false) // which Landlock does not know
		l, err := how.Listen(context.Background(), "tcp4", "127.0.0.1:0")
		if err == nil {
			_ = l.Close()
		}
		return err
	},
	"privileges": func(string) error {
		if n, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err != nil || n != 1 {
			return fmt.Errorf("no_new_privs is %d, %v", n, err)
		}
		return nil
	},
	"memory": func(string) error {
		b, err := unix.Mmap(-1, 0, LeastMemory, unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
		if err == nil {
			err = unix.Munmap(b)
		}
		return err
	},
	"wait": func(string) error {
		fmt.Print("here")
		return unix.Pause() // until it is ended
	},
	"who": func(string) error {
		groups, err := os.Getgroups()
		var has [2]unix.CapUserData
		err = errors.Join(err, unix.Capget(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &has[0]))
		if err != nil {
			return err
		}
		return fmt.Errorf("%d %d %v %d", os.Geteuid(), os.Getegid(), groups, has[0].Permitted|has[1].Permitted)
	},
	"back": func(string) error { return syscall.Setuid(0) },
	"told": func(string) error {
		if v, is := os.LookupEnv(Variable); is {
			return fmt.Errorf("it is told %s", v)
		}
		return nil
	},
}

func try(list string) int {
	said := map[string]string{}
	for act := range strings.SplitSeq(list, "\n") {
		name, arg, _ := strings.Cut(act, " ")
		said[act] = ""
		if err := acts[name](arg); err != nil {
			said[act] = err.Error()
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(said); err != nil {
		return 1
	}
	return 0
}

// behind tries acts behind a wall and gives what became of each; empty is that it went well.
func behind(t *testing.T, w Wall, list []string) map[string]string {
	t.Helper()
	setting, err := w.Setting()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{"ACTS=" + strings.Join(list, "\n"), Variable + "=" + setting, "PATH=" + os.Getenv("PATH")}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	var said map[string]string
	if err != nil || json.Unmarshal(out.Bytes(), &said) != nil {
		t.Fatalf("%v: %s%s", err, out.String(), errs.String())
	}
	return said
}

// TestWall raises the wall by every version of Landlock that this kernel has, and tries
// what it must keep and what it must let.
func TestWall(t *testing.T) {
	has := Look().Landlock
	if has == 0 {
		t.Skip("not proved here: this kernel has no Landlock")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// A test binary may need the loader of the system's libraries.
	loader := []string{"/lib", "/lib64", "/usr/lib"}
	for v := 1; v <= min(has, len(configs)); v++ {
		t.Run(fmt.Sprintf("version %d", v), func(t *testing.T) {
			around := t.TempDir()
			in := func(name string) string { return filepath.Join(around, name) }
			for _, dir := range []string{"read", "own", "own/other", "secret"} {
				if err := os.Mkdir(in(dir), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			for _, file := range []string{"read/file", "own/file", "secret/file", "single"} {
				if err := os.WriteFile(in(file), []byte("x"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Symlink(in("secret/file"), in("own/way-out")); err != nil {
				t.Fatal(err)
			}
			w := Wall{Program: self, Landlock: v, Read: []string{in("read"), in("single"), in("missing")}, Run: loader, Write: []string{in("own")}, Umask: 0o077, Memory: LeastMemory}
			may := []string{
				"read " + in("read/file"), "read " + in("single"), "list " + in("read"), "write " + in("own/new"), "mode " + in("own/mode"),
				"rename " + in("own/new") + ">" + in("own/newer"), "write /dev/null", "privileges", "told",
			}
			if v >= 2 { // the first knows no move from one folder to another
				may = append(may, "rename "+in("own/file")+">"+in("own/other/file"))
			}
			mayNot := []string{
				"read " + in("secret/file"), "read " + in("own/way-out"), "list " + around, "list " + in("secret"), "write " + in("read/new"), "write " + in("secret/new"), "write " + in("single"),
				"execute " + in("own/newer"), "execute /bin/true", "link " + in("secret/file") + ">" + in("own/stolen"), "rename " + in("secret/file") + ">" + in("own/stolen"),
				fmt.Sprintf("read /proc/%d/environ", os.Getpid()), "read /proc/self/environ", "list /proc", "list /", "trace", "memory",
			}
			if v >= listens {
				mayNot = append(mayNot, "listen")
			}
			if v >= signals {
				mayNot = append(mayNot, "signal")
			}
			said := behind(t, w, append(append([]string{}, may...), mayNot...))
			for _, act := range may {
				if said[act] != "" {
					t.Errorf("%s: %s", act, said[act])
				}
			}
			for _, act := range mayNot {
				if said[act] == "" {
					t.Errorf("%s went through", act)
				}
			}
		})
	}
}

// TestALowerLimitStays raises a wall where the host allows less than the wall would.
func TestALowerLimitStays(t *testing.T) {
	const least = LeastMemory
	setting, err := Wall{Program: os.Args[0], Limits: true, Memory: 2 * least}.Setting()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", fmt.Sprintf("ulimit -v %d && exec %s", least>>10, os.Args[0]))
	cmd.Env = append(os.Environ(), "ACTS=memory", Variable+"="+setting)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "cannot allocate memory") {
		t.Errorf("%v, %s", err, out)
	}
}

// TestNotRaised asks for a wall that this kernel cannot raise: nothing is started.
func TestNotRaised(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	mark := filepath.Join(t.TempDir(), "mark")
	for name, w := range map[string]Wall{
		"a version that is not there": {Program: self, Landlock: 1000},
		"a folder that is not there":  {Program: self, Landlock: 1, Write: []string{filepath.Join(t.TempDir(), "missing")}},
	} {
		setting, err := w.Setting()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(self)
		cmd.Env = []string{"ACTS=write " + mark, Variable + "=" + setting}
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != refused || !strings.Contains(string(out), "nothing was started") {
			t.Errorf("%s: %v, %s", name, err, out)
		}
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("the program was started")
	}
}
