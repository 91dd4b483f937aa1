//go:build proof

package sandbox

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// volume is a file system of a test's own for the bot's state: ext4 in a file, on a
// loop device.
type volume struct {
	t     *testing.T
	image string
	dir   string
}

func newVolume(t *testing.T) *volume {
	t.Helper()
	v := &volume{t: t, image: filepath.Join(t.TempDir(), "image"), dir: filepath.Join(t.TempDir(), "state")}
	must(t, os.WriteFile(v.image, nil, 0o600))
	must(t, os.Truncate(v.image, 48<<20))
	must(t, os.Mkdir(v.dir, 0o700))
	if out, err := tell("mkfs.ext4", "-q", "-F", v.image); err != nil {
		t.Skipf("skipped: no file system can be made on this machine: %v %s", err, out)
	}
	if out, err := v.mount(); err != nil {
		t.Skipf("skipped: no file system can be mounted on this machine: %v %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := tell("umount", "-l", v.dir); err != nil {
			t.Errorf("unmount the volume: %v %s", err, out)
		}
	})
	return v
}

func (v *volume) mount() (string, error) {
	return tell("mount", "-o", "loop,errors=remount-ro", v.image, v.dir)
}

func tell(name string, args ...string) (string, error) {
	out, err := exec.Command(name, args...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// fill takes every byte of the volume, and whatever becomes free, until it is told
// to give it back.
func (v *volume) fill() (free func()) {
	v.t.Helper()
	name := filepath.Join(v.dir, "filler")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
	must(v.t, err)
	take := func() {
		for _, size := range []int{1 << 20, 4 << 10, 1} {
			for {
				if _, err := f.Write(make([]byte, size)); err != nil {
					break
				}
			}
		}
	}
	take()
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
				take()
			}
		}
	}()
	var once sync.Once
	free = func() {
		once.Do(func() {
			close(stop)
			<-done
			_ = f.Close()
			_ = os.Remove(name)
		})
	}
	v.t.Cleanup(free) // before the volume is unmounted
	return free
}

// breaks makes the volume read-only as the kernel does it after an error of the disk,
// whoever has files open on it.
func (v *volume) breaks() error {
	device, err := tell("findmnt", "-no", "SOURCE", v.dir)
	if err != nil {
		return err
	}
	return os.WriteFile("/sys/fs/ext4/"+filepath.Base(device)+"/trigger_fs_error", []byte("a proof"), 0)
}

// mend is what an administrator does then, once nobody uses the volume any more:
// unmount, check, mount.
func (v *volume) mend(s *trial) {
	v.t.Helper()
	s.until("nobody uses the volume", func() bool { _, err := tell("umount", v.dir); return err == nil })
	if out, err := tell("e2fsck", "-y", v.image); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() > 1 { // 1: errors were corrected
			v.t.Fatalf("check the file system: %v %s", err, out)
		}
	}
	if out, err := v.mount(); err != nil {
		v.t.Fatalf("mount: %v %s", err, out)
	}
}

// TestProofDiskFull fills the disk under the bot's state while a run waits for its
// approvals, and in the middle of an apply: the process ends with the reason, and
// with room again the run goes on to its right end.
func TestProofDiskFull(t *testing.T) {
	t.Parallel()
	v := newVolume(t)
	s := newTrial(t, func(o *Options) { o.State = v.dir })
	full := func() (free func()) { return v.fill() }
	s.withoutRoom(full, "disk is full", "no space left")
}

// TestProofDiskFullAnywhere does the same where no file system may be mounted: no file
// of the bot's can grow, by the limit that the kernel keeps for its process.
func TestProofDiskFullAnywhere(t *testing.T) {
	t.Parallel()
	limit := &growth{}
	s := newTrial(t, func(o *Options) { o.Start = limit.start })
	s.withoutRoom(func() (free func()) {
		must(t, limit.set(0))
		return func() { must(t, limit.set(unix.RLIM_INFINITY)) }
	}, "disk is full", "file too large", "disk I/O error")
}

// withoutRoom takes the room away at two points of two runs.
func (s *trial) withoutRoom(take func() (give func()), reasons ...string) {
	t := s.t
	t.Helper()
	m := s.begin(true)
	before := s.keeper.restarts()
	give := take()
	s.approve(m)
	s.until("the bot ends and is started again without room", func() bool { return s.keeper.restarts() > before+1 })
	s.logged(reasons...)
	standing(t, s.ctx, s.World, m.pull)
	give()
	s.finish(m)
	t.Logf("waiting for approvals: %d restarts, the bot said:\n%s", s.keeper.restarts()-before, s.lastWords("cause: "))

	m = s.begin(false)
	before, began := s.keeper.restarts(), time.Now()
	reached := s.inApply(m, func() { give = take() })
	s.approve(m)
	reached()
	// The database may have room for a while in pages of its own, and then it is the step
	// that finds none and asks a person.
	s.until("the bot ends and is started again without room, or asks a person", func() bool {
		return s.keeper.restarts() > before+1 || strings.Contains(shown(s.Slack.Messages(channel), m.run), "*paused*")
	})
	s.logged(reasons...)
	give()
	s.finish(m)
	s.appliedOnce(m, began)
	t.Logf("in an apply: %d restarts, %d answers of a person's; the bot said:\n%s", s.keeper.restarts()-before, len(s.answered), s.lastWords("cause: "))
}

// growth bounds the size of the files that the bot's process writes. What it starts
// after that is bound as well; what it says goes through a pipe.
type growth struct {
	mu   sync.Mutex
	pid  int
	most uint64
	on   bool
}

func (g *growth) start(cmd *exec.Cmd) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	// The log is on another disk.
	log, err := os.OpenFile(cmd.Stdout.(*os.File).Name(), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	cmd.Stdout = struct{ io.Writer }{log}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		return err
	}
	g.pid = cmd.Process.Pid
	return g.apply()
}

// set changes the bound, also of the process that runs.
func (g *growth) set(most uint64) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.most, g.on = most, true
	return g.apply()
}

func (g *growth) apply() error {
	if !g.on {
		return nil
	}
	var was unix.Rlimit
	err := unix.Prlimit(g.pid, unix.RLIMIT_FSIZE, nil, &was)
	if err == nil {
		was.Cur = min(g.most, was.Max)
		err = unix.Prlimit(g.pid, unix.RLIMIT_FSIZE, &was, nil)
	}
	if errors.Is(err, syscall.ESRCH) {
		return nil // it has ended; the next one begins with the bound
	}
	return err
}

// TestProofDiskReadOnly has the kernel make the file system of the bot's state
// read-only, as it does after an error of the disk. An administrator stops the bot,
// mends the disk and starts the bot: the run goes on to its right end.
func TestProofDiskReadOnly(t *testing.T) {
	t.Parallel()
	v := newVolume(t)
	s := newTrial(t, func(o *Options) { o.State = v.dir })
	reasons := []string{"read-only file system", "readonly database", "disk I/O error", "unable to open database file"}
	mend := func() {
		s.keeper.hold(true)
		s.kill()
		v.mend(s)
		s.keeper.hold(false)
	}
	m := s.begin(true)
	before := s.keeper.restarts()
	if err := v.breaks(); err != nil {
		t.Skipf("skipped: this kernel makes no file system read-only on request: %v", err)
	}
	s.approve(m)
	s.until("the bot ends and is started again on a read-only disk", func() bool { return s.keeper.restarts() > before+1 })
	s.logged(reasons...)
	standing(t, s.ctx, s.World, m.pull)
	mend()
	s.finish(m)
	t.Logf("waiting for approvals: %d restarts, the bot said:\n%s", s.keeper.restarts()-before, s.lastWords("cause: "))

	m = s.begin(false)
	before, began := s.keeper.restarts(), time.Now()
	reached := s.inApply(m, func() { must(t, v.breaks()) })
	s.approve(m)
	reached()
	s.until("the bot ends and is started again on a read-only disk", func() bool { return s.keeper.restarts() > before+1 })
	mend()
	s.finish(m)
	s.appliedOnce(m, began)
	t.Logf("in an apply: %d restarts, %d answers of a person's; the bot said:\n%s", s.keeper.restarts()-before, len(s.answered), s.lastWords("cause: "))
}
