// Package walltest lays the program that may switch users down as an image does, for tests
// that have the rights for it, and starts a test anew as an ordinary user.
package walltest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The users of a test's installation; nobody has them.
const (
	Bot   = 54310
	Plan  = 54311
	Apply = 54312
)

// Conf is the file that an image has beside the program.
const Conf = "# who may call\ncaller 54310\nuser 54311\nuser 54312 54311\n"

// Capabilities is what the program may do.
const capabilities = 1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID | 1<<unix.CAP_KILL

// Install builds the small programs into a folder that every user may pass through, with file
// capabilities for drbot-switch, has others copied beside them, and gives the folder.
func Install(t testing.TB, others ...string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("not proved here: only root can give a program capabilities")
	}
	dir := Folder(t)
	for _, name := range []string{"drbot-switch", "drbot-launch"} {
		build := exec.Command("go", "build", "-o", filepath.Join(dir, name), "github.com/drbot/drbot/cmd/"+name)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		must(t, os.Chmod(filepath.Join(dir, name), 0o711))
	}
	for _, other := range others {
		data, err := os.ReadFile(other)
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, filepath.Base(other)), data, 0o755))
	}
	program := filepath.Join(dir, "drbot-switch")
	must(t, os.Chown(program, 0, Bot))
	must(t, os.Chmod(program, 0o750))
	must(t, os.WriteFile(program+".conf", []byte(Conf), 0o644))
	// setcap cap_setuid,cap_setgid,cap_kill=ep
	const revision2, effective = 0x02000000, 1
	var value bytes.Buffer
	must(t, binary.Write(&value, binary.LittleEndian, []uint32{revision2 | effective, capabilities, 0, 0, 0}))
	if err := unix.Setxattr(program, "security.capability", value.Bytes(), 0); err != nil {
		t.Skipf("not proved here: no capabilities can be given to a file: %v", err)
	}
	return dir
}

// Folder is one that belongs to this user and that every user may pass through.
func Folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "walls-")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	return dir
}

// Copied is a program where every user may run it.
func Copied(t testing.TB, program string) string {
	t.Helper()
	data, err := os.ReadFile(program)
	must(t, err)
	name := filepath.Join(Folder(t), filepath.Base(program))
	must(t, os.WriteFile(name, data, 0o755))
	return name
}

// Mirror is a mirror of providers that every user may read: the one given, or a copy of it
// where it belongs to this user alone or is made of links to somewhere else.
func Mirror(t testing.TB, dir string) string {
	t.Helper()
	if open(t, dir) {
		return dir
	}
	to := filepath.Join(Folder(t), "mirror")
	if out, err := exec.Command("cp", "-RL", dir, to).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := exec.Command("chmod", "-R", "a+rX", to).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return to
}

// open tells whether every user may read what is in a folder, and nothing in it is a link.
func open(t testing.TB, dir string) bool {
	t.Helper()
	real, err := filepath.EvalSymlinks(dir)
	must(t, err)
	for above := filepath.Dir(real); ; above = filepath.Dir(above) {
		info, err := os.Stat(above)
		must(t, err)
		if info.Mode()&0o001 == 0 {
			return false
		}
		if above == filepath.Dir(above) {
			break
		}
	}
	all := true
	must(t, filepath.WalkDir(real, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		need := fs.FileMode(0o004)
		if info.IsDir() {
			need = 0o005
		}
		if info.Mode()&fs.ModeSymlink != 0 || info.Mode()&need != need {
			all = false
		}
		return nil
	}))
	return all
}

// As has a command started by an ordinary user, without a capability.
func As(cmd *exec.Cmd, user int, groups ...uint32) {
	if groups == nil {
		groups = []uint32{}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(user), Gid: uint32(user), Groups: groups}}
}

// again is the variable by which a test knows that it was started anew.
const again = "DRBOT_TEST_INSTALLED"

// Ordinary has the rest of a test run by an ordinary user, as the bot of an image: it gives
// the folder of the installation there, and empty where the test that started it has seen it
// end well.
func Ordinary(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv(again); dir != "" {
		return dir
	}
	dir := Install(t)
	home := Folder(t)
	must(t, os.Chown(home, Bot, Bot))
	cmd := exec.Command(Copied(t, os.Args[0]), "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Dir = home
	cmd.Env = append(os.Environ(), again+"="+dir, "HOME="+home, "TMPDIR="+home)
	As(cmd, Bot, Plan, Apply)
	out, err := cmd.CombinedOutput()
	t.Log(string(out))
	if err != nil || !bytes.Contains(out, []byte(fmt.Sprintf("--- PASS: %s ", t.Name()))) {
		t.Fatalf("as user %d: %v", Bot, err)
	}
	return ""
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
