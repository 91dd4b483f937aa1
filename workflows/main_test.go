package workflows_test

import (
	"os"
	"runtime/debug"
	"testing"
)

// TestMain lets a thousand short-lived worlds be collected seldom: they hold little, and
// to collect them as often as a server's would be a sixth of the time.
func TestMain(m *testing.M) {
	debug.SetGCPercent(800)
	os.Exit(m.Run())
}
