package tf

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

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
