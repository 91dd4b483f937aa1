//go:build proof && linux && amd64

package sandbox

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A clock is what a process of the test's reads as the time of day: that of the
// machine and a difference, which can be changed at any moment. The process is a
// plain one: before its first instruction the function of the kernel's shared page
// from which it reads the time (the vDSO) is replaced in its own memory, as a
// debugger would do it. Only the time of day jumps: what measures durations goes
// on, as it does when an administrator or NTP sets a clock. Children see the
// machine's own time.
type clock struct {
	mu     sync.Mutex
	offset time.Duration
	pid    int
	at     int64 // where the process keeps the difference
}

// newClock gives a clock, or skips where this machine lets nobody change one.
func newClock(t *testing.T) *clock {
	t.Helper()
	probe := &clock{offset: time.Hour}
	date := exec.Command("date", "+%s")
	var out bytes.Buffer
	date.Stdout = &out
	err := probe.start(date)
	if err == nil {
		err = date.Wait()
	}
	var said int64
	if err == nil {
		_, err = fmt.Sscan(out.String(), &said)
	}
	if ahead := time.Until(time.Unix(said, 0)); err != nil || ahead < 50*time.Minute {
		t.Skipf("skipped: the clock of one process cannot be changed on this machine: it is %s ahead (%v)", ahead.Round(time.Second), err)
	}
	return &clock{}
}

// start starts a process that reads this clock.
func (c *clock) start(cmd *exec.Cmd) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	runtime.LockOSThread() // who starts a process to be traced is the one who may touch it
	defer runtime.UnlockOSThread()
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Ptrace = true
	if err := handOver(cmd); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(cmd.Process.Pid, &status, 0, nil); err != nil || !status.Stopped() {
		return errors.Join(fmt.Errorf("the process did not stop at its start (%v)", status), err)
	}
	c.pid = cmd.Process.Pid
	err := c.replace()
	if err := errors.Join(err, syscall.PtraceDetach(c.pid)); err != nil {
		return errors.Join(err, cmd.Process.Kill(), cmd.Wait())
	}
	return nil
}

// handOver gives a bot its environment as it hands it over to itself: it would start anew
// otherwise, with the machine's clock.
func handOver(cmd *exec.Cmd) error {
	if len(cmd.Args) < 2 || cmd.Args[1] != "serve" {
		return nil
	}
	fd, err := unix.MemfdCreate("environment", unix.MFD_CLOEXEC)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), "environment")
	if _, err := f.WriteString(strings.Join(cmd.Env, "\x00")); err != nil {
		return err
	}
	if _, err := f.Seek(0, 0); err != nil {
		return err
	}
	cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	cmd.Env = []string{fmt.Sprintf("DRBOT_ENVIRONMENT=%d", 2+len(cmd.ExtraFiles))}
	return nil
}

// readClock replaces clock_gettime(2) of the vDSO: the system call itself, and for
// the time of day the difference is added to the seconds.
var readClock = []byte{
	0xb8, 0xe4, 0x00, 0x00, 0x00, // mov  eax, 228 (clock_gettime)
	0x0f, 0x05, // syscall
	0x85, 0xff, // test edi, edi (CLOCK_REALTIME is 0)
	0x75, 0x0a, // jne  ret
	0x48, 0x8b, 0x0d, 0x06, 0x00, 0x00, 0x00, // mov  rcx, [rip+6]: the eight bytes at offset 24
	0x48, 0x01, 0x0e, // add  [rsi], rcx
	0xc3,       // ret
	0x90, 0x90, // up to offset 24
}

func (c *clock) replace() error {
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", c.pid))
	if err != nil {
		return err
	}
	var from, to int64
	for line := range strings.Lines(string(maps)) {
		if strings.Contains(line, "[vdso]") {
			if _, err := fmt.Sscanf(line, "%x-%x", &from, &to); err != nil {
				return err
			}
		}
	}
	if from == 0 {
		return errors.New("the process has no vDSO")
	}
	mem, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", c.pid), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { _ = mem.Close() }()
	image := make([]byte, to-from)
	if _, err := mem.ReadAt(image, from); err != nil {
		return err
	}
	file, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		return err
	}
	symbols, err := file.DynamicSymbols()
	if err != nil {
		return err
	}
	for _, s := range symbols {
		if s.Name != "__vdso_clock_gettime" {
			continue
		}
		if s.Value%8 != 0 || s.Size < uint64(len(readClock)+8) {
			return fmt.Errorf("the vDSO's function has %d bytes at %#x: no room for another", s.Size, s.Value)
		}
		c.at = from + int64(s.Value) + int64(len(readClock))
		code := binary.LittleEndian.AppendUint64(bytes.Clone(readClock), uint64(int64(c.offset/time.Second)))
		_, err := mem.WriteAt(code, from+int64(s.Value))
		return err
	}
	return errors.New("the vDSO has no clock_gettime")
}

// set changes the difference, also of the process that runs.
func (c *clock) set(t *testing.T, offset time.Duration) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset = offset
	if c.pid == 0 {
		return
	}
	mem, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", c.pid), os.O_RDWR, 0)
	must(t, err)
	defer func() { _ = mem.Close() }()
	// Eight bytes on a multiple of eight: no reader sees half of them.
	_, err = mem.WriteAt(binary.LittleEndian.AppendUint64(nil, uint64(int64(offset/time.Second))), c.at)
	must(t, err)
}
