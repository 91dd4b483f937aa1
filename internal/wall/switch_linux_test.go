package wall

import (
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

	"github.com/drbot/drbot/internal/wall/walltest"
)

// by starts a program as an ordinary user.
func by(user int, program, setting string, groups ...uint32) *exec.Cmd {
	cmd := exec.Command(program)
	cmd.Env = []string{Variable + "=" + setting, "PATH=" + os.Getenv("PATH")}
	walltest.As(cmd, user, groups...)
	return cmd
}

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
	program := filepath.Join(walltest.Install(t), switcher)
	self := walltest.Copied(t, os.Args[0])
	for user, groups := range map[int]string{walltest.Plan: "", walltest.Apply: strconv.Itoa(walltest.Plan)} {
		w := Wall{Program: self, User: user, Landlock: min(Look().Landlock, len(configs)), Run: []string{"/lib", "/lib64", "/usr/lib"}, Filter: Look().Filter, Umask: 0o007}
		cmd := by(walltest.Bot, program, settingOf(t, w), walltest.Plan, walltest.Apply)
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
	program := filepath.Join(walltest.Install(t), switcher)
	self := walltest.Copied(t, os.Args[0])
	asks := func(user int) string { return settingOf(t, Wall{Program: self, User: user}) }
	for name, c := range map[string]struct {
		cmd  *exec.Cmd
		says string
	}{
		"another caller of its group":  {by(walltest.Apply, program, asks(walltest.Plan), walltest.Bot), string(NotCaller)},
		"root":                         {by(0, program, asks(walltest.Plan)), string(NotCaller)},
		"a user that is not installed": {by(walltest.Bot, program, asks(54399)), string(NotListed)},
		"the caller":                   {by(walltest.Bot, program, asks(walltest.Bot)), string(NotListed)},
		"no other user":                {by(walltest.Bot, program, strings.Replace(asks(walltest.Plan), `"user":54311`, `"user":0`, 1)), string(NoMeans)},
	} {
		c.cmd.Env = append(c.cmd.Env, "ACTS=who")
		out, err := c.cmd.CombinedOutput()
		if err == nil || c.cmd.ProcessState.ExitCode() != refused || !strings.Contains(string(out), c.says) {
			t.Errorf("%s: %v, %s", name, err, out)
		}
	}
	if err := by(54400, program, asks(walltest.Plan)).Run(); !os.IsPermission(err) {
		t.Errorf("who is not of its group: %v", err)
	}
	conf := program + installedFor
	for name, spoil := range map[string]func() error{
		"its file belongs to the caller": func() error { return os.Chown(conf, walltest.Bot, walltest.Bot) },
		"its file is everybody's":        func() error { return os.Chmod(conf, 0o666) },
		"its folder is the group's":      func() error { return os.Chmod(filepath.Dir(conf), 0o775) },
		"its file names root":            func() error { return os.WriteFile(conf, []byte("caller 54310\nuser 0\n"), 0o644) },
		"its file is gone":               func() error { return os.Remove(conf) },
	} {
		if err := os.WriteFile(conf, []byte(walltest.Conf), 0o644); err != nil {
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
		cmd := by(walltest.Bot, program, asks(walltest.Plan))
		cmd.Env = append(cmd.Env, "ACTS=who")
		if out, err := cmd.CombinedOutput(); err == nil || cmd.ProcessState.ExitCode() != refused {
			t.Errorf("%s: %v, %s", name, err, out)
		}
	}
}

// TestSwitchUnderNoNewPrivileges is Kubernetes' allowPrivilegeEscalation: false: capabilities
// of a file count for nothing, so nothing is started.
func TestSwitchUnderNoNewPrivileges(t *testing.T) {
	program := filepath.Join(walltest.Install(t), switcher)
	self := walltest.Copied(t, os.Args[0])
	cmd := by(walltest.Bot, self, settingOf(t, Wall{Program: self, User: walltest.Plan}))
	cmd.Env = append(cmd.Env, "NO_NEW_PRIVILEGES="+program)
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "operation not permitted") {
		t.Errorf("%v, %s", err, out)
	}
}

// TestSwitchPassesSignalsOn ends a program by the one that started it: by each signal that
// may be caught, and by the end of the caller.
func TestSwitchPassesSignalsOn(t *testing.T) {
	program := filepath.Join(walltest.Install(t), switcher)
	self := walltest.Copied(t, os.Args[0])
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL} {
		w := Wall{Program: self, User: walltest.Plan, Bound: os.Getpid()}
		cmd := by(walltest.Bot, program, settingOf(t, w))
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
