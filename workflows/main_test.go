package workflows_test

import (
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"testing"
)

// sampleVariable has one part of the tests played, of those that race tells.
const sampleVariable = "DRBOT_RACE_SAMPLE"

// TestMain lets a thousand short-lived worlds be collected seldom: they hold little, and
// to collect them as often as a server's would be a sixth of the time.
func TestMain(m *testing.M) {
	debug.SetGCPercent(800)
	flag.Parse()
	if run := flag.Lookup("test.run"); sample != "" && os.Getenv(sampleVariable) != "" && run.Value.String() == "" {
		if err := run.Value.Set(sample); err != nil {
			panic(err)
		}
		fmt.Println("with the race detector, of the tests of workflows:", sample)
	}
	os.Exit(m.Run())
}
