package main

import (
	"context"
	"log/slog"
	"maps"
	"slices"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
	"github.com/drbot/drbot/internal/aws/systems"
)

// based are the checks of a service's systems, and of the Region that drbot's own
// credentials hang on, where the service is moved from or to there.
type based struct {
	systems.Systems
	cloud *aws.Client
}

// Checks reads every fact about a switch of Regions.
func (b based) Checks(ctx context.Context, s dr.Service, mode dr.Mode, source, target dr.Region) []dr.Check {
	return append(b.Systems.Checks(ctx, s, mode, source, target), b.cloud.Based(ctx, s.Name, source, target)...)
}

// tellBased says in the log of which services one Region holds drbot's own credentials: at the
// start, so that it is found by day.
func tellBased(ctx context.Context, cloud *aws.Client, services map[string]dr.Service, log *slog.Logger, say func(dr.Text) string) {
	for _, name := range slices.Sorted(maps.Keys(services)) {
		for _, c := range cloud.Based(ctx, name, services[name].Regions...) {
			log.WarnContext(ctx, "drbot's own credentials hang on a Region that it may have to leave", "service", name,
				"why", say(c.Line()), "mend", say(dr.MendOf(c.Name)))
		}
	}
}
