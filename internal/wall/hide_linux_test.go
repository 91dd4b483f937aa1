package wall

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestUnexpose starts a program with a secret in its environment: it has it, and nobody
// finds it in /proc; the descriptor that it came by is closed.
func TestUnexpose(t *testing.T) {
	if os.Getenv("UNEXPOSE") != "" || os.Getenv(handedOver) != "" {
		unexposed()
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestUnexpose$")
	cmd.Env = []string{"UNEXPOSE=1", "SECRET=canary\nof two lines", "EMPTY=", "PATH=" + os.Getenv("PATH")}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := make([]byte, 256)
	n, err := out.Read(said)
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("%q %q true", "canary\nof two lines", ""); string(said[:n]) != want {
		t.Errorf("it has %s, not %s", said[:n], want)
	}
	left, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", cmd.Process.Pid))
	if err != nil && !os.IsPermission(err) {
		t.Fatal(err)
	}
	if strings.Contains(string(left), "canary") {
		t.Errorf("its environment holds %q", left)
	}
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", cmd.Process.Pid))
	if err != nil && !os.IsPermission(err) {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", cmd.Process.Pid, fd.Name())); strings.Contains(to, "memfd:") {
			t.Errorf("descriptor %s is %s", fd.Name(), to)
		}
	}
	_ = in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
}

func unexposed() {
	if err := Unexpose(); err != nil {
		panic(err)
	}
	if err := Hide(); err != nil {
		panic(err)
	}
	_, empty := os.LookupEnv("EMPTY")
	fmt.Printf("%q %q %t", os.Getenv("SECRET"), os.Getenv(handedOver), empty)
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}
