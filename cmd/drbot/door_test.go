package main

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/flood"
)

// TestStranger has somebody call whom the configuration does not know: they are told so,
// nothing of theirs is read, and nothing is asked of the bot.
func TestStranger(t *testing.T) {
	h := newHost(t)
	h.strange = true
	for _, args := range [][]string{{"status"}, {"cancel", "portal-1"}} {
		status, _, said := h.typed(args...)
		if status != 1 || !strings.Contains(said, "the configuration knows no local user of yours") || !strings.Contains(said, "ask for the local user") {
			t.Errorf("%v: %d %q", args, status, said)
		}
	}
	if h.asked != nil {
		t.Errorf("the bot was asked %v", h.asked)
	}
	told := 0
	h.away.Range(func(any, any) bool { told++; return true })
	if told != 1 {
		t.Errorf("%d names were told", told)
	}
}

// TestCrowdedSocket opens more connections than one peer has: those beyond are closed with
// words, and when the others are closed there is room again.
func TestCrowdedSocket(t *testing.T) {
	h := newHost(t)
	var open []net.Conn
	for range mostOfOnePeer {
		c, err := net.Dial("unix", h.socket)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
	}
	more, err := net.Dial("unix", h.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = more.Close() }()
	if err := more.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(more)
	if err != nil || !strings.HasPrefix(string(said), "HTTP/1.1 403 ") || !strings.Contains(string(said), "cli.crowded") {
		t.Errorf("%v %q", err, said)
	}
	for _, c := range open {
		_ = c.Close()
	}
	until(t, "there is room again", func() bool {
		status, _, _ := h.typed("status")
		return status == 0
	})
}

// TestCallsTooOften calls again and again on one connection after the other: from some
// point on nothing is asked of the bot.
func TestCallsTooOften(t *testing.T) {
	h := newHost(t)
	h.door.calls = flood.NewMeter(flood.Limit{Burst: 3, Every: time.Hour}, flood.Limit{Burst: 100, Every: time.Hour}, nil)
	for range 3 {
		if status, _, said := h.typed("status"); status != 0 {
			t.Errorf("refused too soon: %s", said)
		}
	}
	h.asked = nil
	_, _, refused := h.typed("status")
	if h.asked != nil {
		t.Errorf("the bot was asked %v", h.asked)
	}
	if !strings.Contains(refused, "you call too often; nothing of this request was begun") {
		t.Errorf("told %q", refused)
	}
}

// TestSocketBelongsToAGroup looks at the socket and at the folder that is made for it.
func TestSocketBelongsToAGroup(t *testing.T) {
	before := syscall.Umask(0o077)
	defer syscall.Umask(before)
	path := filepath.Join(t.TempDir(), "run", "drbot.sock")
	group := os.Getegid()
	if os.Geteuid() == 0 {
		group = 4321 // anybody may be given by root
	}
	l, err := listenSocket(path, group)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	for file, mode := range map[string]os.FileMode{path: 0o660, filepath.Dir(path): 0o750} {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if st := info.Sys().(*syscall.Stat_t); info.Mode().Perm() != mode || int(st.Gid) != group {
			t.Errorf("%s is %v of group %d", file, info.Mode(), st.Gid)
		}
	}
	if _, err := groupNamed("no-such-group-here"); dr.CodeOf(err) != dr.Invalid {
		t.Errorf("a group that is not there: %v", err)
	}
	if n, err := groupNamed(""); n != -1 || err != nil {
		t.Errorf("no group: %d, %v", n, err)
	}
	var wrong *dr.Error
	if _, err := listenSocket("/proc/nowhere/drbot.sock", -1); !errors.As(err, &wrong) {
		t.Errorf("a place where none can be: %v", err)
	}
}
