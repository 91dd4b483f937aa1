package tf

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
)

// memoryAtMost is the most that this process has had, in bytes.
func memoryAtMost(t *testing.T) (kb int) {
	t.Helper()
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("not proved here: this system does not tell the memory of a process")
	}
	for line := range strings.Lines(string(data)) {
		if rest, is := strings.CutPrefix(line, "VmHWM:"); is {
			if _, err := fmt.Sscan(rest, &kb); err != nil {
				t.Fatal(err)
			}
		}
	}
	return kb << 10
}

// TestALongTextCostsTheBotLittle: one line of HCL, which no policy refuses, makes a hundred
// megabytes of one output. It costs Terraform what it costs; the bot reads as much of it as of
// any plan, and says what there is too much of.
func TestALongTextCostsTheBotLittle(t *testing.T) {
	w := newWorld(t)
	before := memoryAtMost(t)
	commit := w.commit(files("locals {\n  a = join(\"\", [for i in range(1024) : \"" + strings.Repeat("x", 100) + "\"])\n}\noutput \"o\" {\n  value = join(\"\", [for i in range(1000) : local.a])\n}\n"))
	_, err := w.terraform().Plan(t.Context(), dr.PlanRequest{Service: dr.Service{Name: "portal"}, Stack: w.stack(), Commit: commit})
	if what, next := dr.Told(err); dr.CodeOf(err) != dr.Uncertain || what.ID != "tf.large" || next.ID != "tf.large.next" {
		t.Errorf("planned with %v", err)
	}
	if more := memoryAtMost(t) - before; more > 512<<20 {
		t.Errorf("100 MB of one output take %d MB of the bot", more>>20)
	}
}

// TestOutputSkipsWhatIsTooLong: of what tells how a command goes on no line is gathered that
// is longer than any that is read, and those after it are heard.
func TestOutputSkipsWhatIsTooLong(t *testing.T) {
	var heard []string
	o := &output{each: func(e event) { heard = append(heard, e.Type) }}
	for _, part := range []string{"{\"type\":\"one\"}\n{\"type\":\"long\",\"x\":\"", strings.Repeat("x", 3*largestLine/2), strings.Repeat("x", largestLine), "\"}\n{\"type\":", "\"two\"}\n"} {
		if n, err := o.Write([]byte(part)); n != len(part) || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if len(o.partial) > largestLine {
			t.Errorf("%d bytes are kept of a line", len(o.partial))
		}
	}
	if got := strings.Join(heard, " "); got != "one two" {
		t.Errorf("heard %s", got)
	}
}

// TestHostMemory reads what a host has, and what the group of processes may have.
func TestHostMemory(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	host := file("meminfo", "MemTotal:        4000000 kB\nMemFree:  1 kB\n")
	for _, c := range []struct {
		host, group string
		want        uint64
	}{
		{host, file("max", "max\n"), 4000000 << 10},
		{host, file("less", "3000000000\n"), 3000000000},
		{host, filepath.Join(dir, "none"), 4000000 << 10},
		{filepath.Join(dir, "none"), filepath.Join(dir, "none"), ^uint64(0)},
	} {
		if got := hostMemory(c.host, c.group); got != c.want {
			t.Errorf("%d, not %d", got, c.want)
		}
	}
}
