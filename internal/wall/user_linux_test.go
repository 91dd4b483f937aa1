package wall

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAnotherUser raises the wall of another user alone, as where the kernel has no Landlock.
func TestAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not proved here: only root can become another user")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	around, err := os.MkdirTemp("", "wall-user-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(around) })
	in := func(name string) string { return filepath.Join(around, name) }
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(in("program"), program, 0o755); err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]os.FileMode{around: 0o711, in("secret"): 0o600} {
		if path != around {
			if err := os.WriteFile(path, []byte("x"), mode); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	const other = 54321
	may := []string{"privileges", "told", "read /etc/hosts"}
	mayNot := []string{"read " + in("secret"), "list " + around, fmt.Sprintf("read /proc/%d/environ", os.Getpid()), "signal", "trace", "write " + in("new")}
	said := behind(t, Wall{Program: in("program"), User: other}, append(append([]string{}, may...), mayNot...))
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
}

// TestBound kills who started a program behind a wall: the program ends, also as another user.
func TestBound(t *testing.T) {
	if w := os.Getenv("START"); w != "" {
		startAndWait(w)
	}
	if Look().Landlock == 0 {
		t.Skip("not proved here: this kernel has no Landlock")
	}
	w := Wall{Program: os.Args[0], Landlock: 1, Run: []string{"/lib", "/lib64", "/usr/lib"}}
	setting, err := w.Setting()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.Command(os.Args[0], "-test.run=^TestBound$")
	parent.Env = append(os.Environ(), "START="+setting)
	alive, err := parent.StdoutPipe() // which the program inherits
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	said := make([]byte, 8)
	if n, err := alive.Read(said); err != nil || !strings.HasPrefix(string(said[:n]), "here") {
		t.Fatalf("%q, %v", said[:n], err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(alive); err != nil || len(bytes.TrimSpace(rest)) > 0 {
		t.Errorf("%q, %v", rest, err)
	}
	_ = parent.Wait() // it was killed
}

// startAndWait is the parent: it starts a program behind a wall and lives on.
func startAndWait(setting string) {
	w, err := told(setting)
	if err != nil {
		panic(err)
	}
	w.Bound = os.Getpid()
	if setting, err = w.Setting(); err != nil {
		panic(err)
	}
	child := exec.Command(os.Args[0])
	child.Env = []string{"ACTS=wait", Variable + "=" + setting}
	child.Stdout = os.Stdout
	if err := child.Start(); err != nil {
		panic(err)
	}
	_ = child.Wait() // the test ends both
	os.Exit(0)
}
