//go:build proof && !(linux && amd64)

package sandbox

import (
	"os/exec"
	"testing"
	"time"
)

// clock is only there where the test knows the processor's instructions.
type clock struct{}

func newClock(t *testing.T) *clock {
	t.Helper()
	t.Skip("skipped: the clock of one process can be changed on Linux on amd64 alone")
	return nil
}

func (*clock) start(cmd *exec.Cmd) error { return cmd.Start() }

func (*clock) set(*testing.T, time.Duration) {}
