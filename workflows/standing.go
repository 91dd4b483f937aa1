package workflows

import (
	"context"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/steps"
)

// placesLimit bounds the look at where the parts of a service are: somebody waits for the
// answer.
const placesLimit = 5 * time.Second

// elsewhere is what of a service is not in a Region, or is not known to be there: its tasks,
// its writers, the name its users go by. Git is not asked.
func elsewhere(ctx context.Context, kinds []steps.Kind, s dr.Service, active dr.Region) []dr.Text {
	ctx, cancel := context.WithTimeout(ctx, placesLimit)
	defer cancel()
	kind, _ := steps.Named(kinds, steps.Verify)
	made, err := kind.Make(steps.Job{Service: s, Request: dr.Request{Service: s.Name, Target: active}, Source: s.Other(active)})
	if err != nil {
		what, _ := dr.Told(err)
		return []dr.Text{what}
	}
	var out []dr.Text
	for _, step := range made {
		if l, ok := step.(steps.Standing); ok {
			out = append(out, l.Elsewhere(ctx)...)
		}
	}
	return out
}

// toFinish is the command that finishes a service where Git says that it is, in the mode that
// people choose.
func toFinish(s dr.Service, active dr.Region) dr.Command {
	return dr.Cmd(string(dr.Resume), "service", s.Name, "region", string(active), "mode", string(dr.Planned)+"|"+string(dr.Disaster))
}
