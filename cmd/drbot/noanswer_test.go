package main

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
)

// TestNoAnswer asks a server that is not there, and one that takes the request and dies:
// only the first has certainly done nothing.
func TestNoAnswer(t *testing.T) {
	gone, dies := filepath.Join(t.TempDir(), "gone"), filepath.Join(t.TempDir(), "dies")
	l, err := net.Listen("unix", dies)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 1)) // the request has begun to arrive
			_ = c.Close()
		}
	}()
	for _, c := range []struct{ socket, verb, want, hint string }{
		{gone, "cancel", "no drbot server answers at " + gone, "try: start it with: drbot serve"},
		{dies, "cancel", "the server's answer was lost; it may have taken the request.", "try: look with drbot status"},
		{dies, "runs", "the server's answer was lost.", "try: try again"},
	} {
		args := []string{c.verb, "--socket", c.socket}
		if c.verb == "cancel" {
			args = append(args, "portal-1")
		}
		if status, _, said := typed(args...); status != 1 || !strings.Contains(said, c.want) || !strings.Contains(said, c.hint) {
			t.Errorf("%v: status %d, %q", args, status, said)
		}
	}
}
