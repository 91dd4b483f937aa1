package tf

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text/texttest"
)

// TestRebootInAnApply has the host start anew inside an apply: everything of the
// apply is dead, and the kernel's boot id is another one. The supervisor really reads
// another, which is mounted over the kernel's in a namespace of its own. The lock that
// is left on the state is released, because that machine is this one.
func TestRebootInAnApply(t *testing.T) {
	boot := filepath.Join(t.TempDir(), "boot_id")
	if err := os.WriteFile(boot, []byte("5d3c1d6e-0000-4b6e-8a43-before000000\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	before := []string{"unshare", "--mount", "--propagation", "private", "sh", "-c", `mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"`, boot}
	probe := append(append([]string{}, before[1:]...), "cat", "/proc/sys/kernel/random/boot_id")
	if out, err := exec.Command(before[0], probe...).CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "5d3c1d6e-") {
		t.Skipf("skipped: no other boot id can be shown to a process on this machine: %v %s", err, out)
	}
	c := newCloud(t, startMoto(t), true, false)
	own := c.opts.SupervisorCommand
	if self().Machine == "" {
		t.Skip("skipped: this machine has no /etc/machine-id, without which a reboot is not told from another machine")
	}
	c.opts.SupervisorCommand = append(before, own...)
	g := c.gate("exec")
	req := c.request("died", c.commitS3(localExec("b", g.talking(""), "")))
	f, r := c.killed(req, g, true, killSession(t))
	var was process
	if known, err := f.read(processFile, &was); !known || err != nil || was.BootID == self().BootID {
		t.Fatalf("the supervisor ran under the boot %q (%v): nothing is proved", was.BootID, err)
	}
	if r.Kind != dr.ApplyLost || !strings.Contains(texttest.Say(t, r.Summary), "was released") {
		t.Errorf("result %+v", r)
	}
	if left := c.lockObject(); left != "" {
		t.Errorf("a lock is left: %s", left)
	}
	c.opts.SupervisorCommand = own
	g.open()
	req.Key = "retry"
	if r := c.apply(req); r.Kind != dr.ApplyDone || r.Counts.Add != 1 {
		t.Errorf("the retry gave %+v", r)
	}
}
