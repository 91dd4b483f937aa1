package wall

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The users of a test's installation; nobody has them.
const (
	botUser   = 54310
	planUser  = 54311
	applyUser = 54312
)

// installed lays the program that may switch users down as an image does: with file
// capabilities, for one user.
func installed(t *testing.T, conf string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("not proved here: only root can give a program capabilities")
	}
	dir, err := os.MkdirTemp("", "wall-switch-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	for name, mode := range map[string]os.FileMode{switcher: 0o750, launcher: 0o755} {
		build := exec.Command("go", "build", "-o", filepath.Join(dir, name), "../../cmd/"+name)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(dir, switcher)
	for path, mode := range map[string]os.FileMode{dir: 0o755, program: 0o750} {
		if err := os.Chown(path, 0, botUser); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(program+installedFor, []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	giveCapabilities(t, program)
	return program
}

// giveCapabilities is setcap cap_setuid,cap_setgid,cap_kill=ep.
func giveCapabilities(t *testing.T, program string) {
	t.Helper()
	const revision2, effective = 0x02000000, 1
	words := []uint32{revision2 | effective, 1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID | 1<<unix.CAP_KILL, 0, 0, 0}
	var value bytes.Buffer
	for _, w := range words {
		if err := binary.Write(&value, binary.LittleEndian, w); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Setxattr(program, "security.capability", value.Bytes(), 0); err != nil {
		t.Skipf("not proved here: no capabilities can be given to a file: %v", err)
	}
}

// by starts a program as an ordinary user, as it is: without a capability.
func by(user int, program, setting string, groups ...uint32) *exec.Cmd {
	cmd := exec.Command(program)
	cmd.Env = []string{Variable + "=" + setting, "PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(user), Gid: uint32(user), Groups: groups}}
	return cmd
}

// openTo is the test's own program where everybody may run it.
func openTo(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "wall-program-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "program")
	if err := os.WriteFile(name, data, 0o755); err != nil {
		t.Fatal(err)
	}
	return name
}

const bothUsers = "# who may call\ncaller 54310\nuser 54311\nuser 54312 54311\n"

func settingOf(t *testing.T, w Wall) string {
	t.Helper()
	s, err := w.Setting()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSwitch has an ordinary user start a program as another by the installed one: the
// program has that user and its groups, no capability, and a wall.
func TestSwitch(t *testing.T) {
	program := installed(t, bothUsers)
	self := openTo(t)
	for user, groups := range map[int]string{planUser: "", applyUser: strconv.Itoa(planUser)} {
		w := Wall{Program: self, User: user, Landlock: min(Look().Landlock, len(configs)), Run: []string{"/lib", "/lib64", "/usr/lib"}, Filter: Look().Filter, Umask: 0o007}
		cmd := by(botUser, program, settingOf(t, w), planUser, applyUser)
		cmd.Env = append(cmd.Env, fmt.Sprintf("ACTS=who\nprivileges\ntold\nback\nread %s", program))
		out, err := cmd.CombinedOutput()
		var said map[string]string
		if err != nil || json.Unmarshal(out, &said) != nil {
			t.Fatalf("%v: %s", err, out)
		}
		want := fmt.Sprintf("%d %d [%s] 0", user, user, groups)
		if said["who"] != want || said["privileges"]+said["told"] != "" || said["back"] == "" || said["read "+program] == "" {
			t.Errorf("%q, not %s", said, want)
		}
	}
}

// TestSwitchRefuses has others call it, or the right one ask for another than those that are
// installed, and has what root installed be changed: nothing is started.
func TestSwitchRefuses(t *testing.T) {
	program := installed(t, bothUsers)
	self := openTo(t)
	asks := func(user int) string { return settingOf(t, Wall{Program: self, User: user}) }
	for name, c := range map[string]struct {
		cmd  *exec.Cmd
		says string
	}{
		"another caller of its group":  {by(applyUser, program, asks(planUser), botUser), "may not call"},
		"root":                         {by(0, program, asks(planUser)), "may not call"},
		"a user that is not installed": {by(botUser, program, asks(54399)), "nothing is started as"},
		"the caller":                   {by(botUser, program, asks(botUser)), "nothing is started as"},
		"no other user":                {by(botUser, program, strings.Replace(asks(planUser), `"user":54311`, `"user":0`, 1)), "neither Landlock nor"},
	} {
		c.cmd.Env = append(c.cmd.Env, "ACTS=who")
		out, err := c.cmd.CombinedOutput()
		if err == nil || c.cmd.ProcessState.ExitCode() != refused || !strings.Contains(string(out), c.says) {
			t.Errorf("%s: %v, %s", name, err, out)
		}
	}
	if err := by(54400, program, asks(planUser)).Run(); !os.IsPermission(err) {
		t.Errorf("who is not of its group: %v", err)
	}
	conf := program + installedFor
	for name, spoil := range map[string]func() error{
		"its file belongs to the caller": func() error { return os.Chown(conf, botUser, botUser) },
		"its file is everybody's":        func() error { return os.Chmod(conf, 0o666) },
		"its folder is the group's":      func() error { return os.Chmod(filepath.Dir(conf), 0o775) },
		"its file names root":            func() error { return os.WriteFile(conf, []byte("caller 54310\nuser 0\n"), 0o644) },
		"its file is gone":               func() error { return os.Remove(conf) },
	} {
		if err := os.WriteFile(conf, []byte(bothUsers), 0o644); err != nil {
			t.Fatal(err)
		}
		for path, mode := range map[string]os.FileMode{conf: 0o644, filepath.Dir(conf): 0o755} {
			if err := os.Chown(path, 0, 0); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
		}
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		cmd := by(botUser, program, asks(planUser))
		cmd.Env = append(cmd.Env, "ACTS=who")
		if out, err := cmd.CombinedOutput(); err == nil || cmd.ProcessState.ExitCode() != refused {
			t.Errorf("%s: %v, %s", name, err, out)
		}
	}
}

// TestSwitchUnderNoNewPrivileges is Kubernetes' allowPrivilegeEscalation: false: capabilities
// of a file count for nothing, so nothing is started.
func TestSwitchUnderNoNewPrivileges(t *testing.T) {
	program := installed(t, bothUsers)
	self := openTo(t)
	cmd := by(botUser, self, settingOf(t, Wall{Program: self, User: planUser}))
	cmd.Env = append(cmd.Env, "NO_NEW_PRIVILEGES="+program)
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "operation not permitted") {
		t.Errorf("%v, %s", err, out)
	}
}

// TestSwitchPassesSignalsOn ends a program by the one that started it: by each signal that
// may be caught, and by the end of the caller.
func TestSwitchPassesSignalsOn(t *testing.T) {
	program := installed(t, bothUsers)
	self := openTo(t)
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL} {
		w := Wall{Program: self, User: planUser, Bound: os.Getpid()}
		cmd := by(botUser, program, settingOf(t, w))
		cmd.Env = append(cmd.Env, "ACTS=wait")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		runtime.LockOSThread() // with whose end the program ends
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		said := make([]byte, 4)
		if _, err := out.Read(said); err != nil || string(said) != "here" {
			t.Fatalf("%q, %v", said, err)
		}
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		closed := make(chan struct{})
		go func() {
			_, _ = out.Read(said) // until the last that has it is gone
			close(closed)
		}()
		select {
		case <-closed:
		case <-time.After(20 * time.Second):
			t.Fatalf("%v does not reach it", sig)
		}
		err = cmd.Wait()
		runtime.UnlockOSThread()
		if want := 128 + int(sig); sig != syscall.SIGKILL && cmd.ProcessState.ExitCode() != want {
			t.Errorf("%v: %v", sig, err)
		}
	}
}
