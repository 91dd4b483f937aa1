package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/drbot/drbot/internal/wall"
)

// callsVariable has the test's program call a socket in the place of the tests.
const callsVariable = "DRBOT_TEST_CALLS"

func calls(socket string) int {
	c, err := net.Dial("unix", socket)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	// Who is turned away has been answered before.
	_, asked := io.WriteString(c, "GET /nothing HTTP/1.1\r\nHost: drbot\r\nConnection: close\r\n\r\n")
	said, err := io.ReadAll(c)
	fmt.Printf("%s %v %v\n", said, asked, err)
	return 0
}

// TestBehindTheWallNobodyCommands has a program of drbot's own user call its socket, by itself and
// from behind a wall: a user who may command is nobody there.
func TestBehindTheWallNobodyCommands(t *testing.T) {
	if !wall.Look().Filter {
		t.Skip("not proved here: this kernel takes no filter of system calls")
	}
	h := newHost(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	setting, err := wall.Wall{Program: self, Limits: true, Filter: true}.Setting()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		env  []string
		want string
	}{
		"by itself":       {nil, "HTTP/1.1 404 "},
		"behind the wall": {[]string{wall.Variable + "=" + setting}, "cli.walled"},
	} {
		cmd := exec.Command(self)
		cmd.Env = append(append(os.Environ(), callsVariable+"="+h.socket), c.env...)
		if said, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(said), c.want) {
			t.Errorf("%s: %v, %s", name, err, said)
		}
	}
}
