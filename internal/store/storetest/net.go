package storetest

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Net is two hosts joined by a cable: two network namespaces and a veth pair between
// them. A proxy could not stand in for it, since its own kernel answers keepalives.
type Net struct {
	Near, Far *Host

	t *testing.T
}

// Host is one of the two.
type Host struct{ name, addr string }

// NewNet lays the cable. It skips the test where that is not allowed, and says why.
func NewNet(t *testing.T) *Net {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("skipped: network namespaces need root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("skipped: network namespaces need ip (Debian package iproute2)")
	}
	n := &Net{t: t}
	for i, h := range []**Host{&n.Near, &n.Far} {
		*h = &Host{name: fmt.Sprintf("drbot-%d-%d", os.Getpid(), i+1), addr: fmt.Sprintf("192.0.2.%d", i+1)}
		if out, err := exec.Command("ip", "netns", "add", (*h).name).CombinedOutput(); err != nil {
			t.Skipf("skipped: this machine makes no network namespaces: %s", strings.TrimSpace(string(out)))
		}
		t.Cleanup(func() { n.ip("netns", "del", (*h).name) })
	}
	n.ip("-n", n.Near.name, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", n.Far.name)
	for _, h := range []*Host{n.Near, n.Far} {
		n.ip("-n", h.name, "addr", "add", h.addr+"/24", "dev", "cable")
		n.ip("-n", h.name, "link", "set", "lo", "up")
		n.ip("-n", h.name, "link", "set", "cable", "up")
	}
	return n
}

func (n *Net) ip(args ...string) {
	n.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		n.t.Errorf("ip %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// Start starts a PostgreSQL on the near host; the URL is good on both.
func (n *Net) Start() *Server {
	n.t.Helper()
	s := begin(n.t, n.Near.addr, n.Near.Start)
	s.URL = "postgres://drbot@" + n.Near.addr + "/postgres"
	return s
}

// Unplug takes the link of the far host down: not a packet more in either direction.
func (n *Net) Unplug() {
	n.t.Helper()
	n.ip("-n", n.Far.name, "link", "set", "cable", "down")
}

// Start starts a program on the host. A child is in the namespace of the thread that
// starts it.
func (h *Host) Start(cmd *exec.Cmd) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		f, err := os.Open("/run/netns/" + h.name)
		if err == nil {
			err = unix.Setns(int(f.Fd()), unix.CLONE_NEWNET)
			_ = f.Close()
		}
		if err == nil {
			err = cmd.Start()
		}
		done <- err
	}()
	return <-done
}
