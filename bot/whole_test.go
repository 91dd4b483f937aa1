package bot

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
)

// shown are runbooks that have one run to show, and one that is in the way.
type shown struct {
	held
	run dr.Run
}

func (s *shown) Status(context.Context, workflows.Caller, workflows.Look) (workflows.Status, error) {
	return workflows.Status{Runs: []dr.Run{s.run}}, nil
}

func (s *shown) Start(context.Context, workflows.Caller, workflows.StartCommand) (dr.Run, bool, error) {
	return s.run, true, nil
}

// TestStatusOfARun shows the steps of a run that is named, and its line alone where a
// service is; who asks for another run is told how to look at the one in the way.
func TestStatusOfARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := desked(t, &shown{run: sampleRun()}, &answers{})
		of := map[string]string{}
		for _, what := range []string{"portal", "portal-1a2b3c4d"} {
			of[what], _ = ask(t, s.Command, slashed("status "+what))
		}
		for _, want := range []string{"✅ authorize · 100ms · requested by alice", "▫️ merge", "*Approvals 1 of 2*: bob", "run `portal-1a2b3c4d`"} {
			if !strings.Contains(of["portal-1a2b3c4d"], want) || strings.Contains(of["portal"], want) {
				t.Errorf("%q belongs to the run alone; of it is said\n%s\nand of the service\n%s", want, of["portal-1a2b3c4d"], of["portal"])
			}
		}
		if said, _ := ask(t, s.Command, slashed(start)); !strings.Contains(said, "/dr status portal-1a2b3c4d") {
			t.Errorf("in the way of another it says %q", said)
		}
	})
}
