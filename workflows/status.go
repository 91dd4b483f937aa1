package workflows

import (
	"context"
	"time"

	"github.com/drbot/drbot/dr"
)

// Look is what somebody wants to see.
type Look struct {
	Service string // or the id of a run; every service when empty
	Limit   int    // of runs
	// Standing asks also how the service stands while no run is under way.
	Standing bool
}

// Status is what is to be seen.
type Status struct {
	Runs     []dr.Run  `json:"runs"` // newest first
	Standing []dr.Text `json:"standing,omitempty"`
}

// standingLimit bounds the wait for the forge: somebody waits for the answer.
const standingLimit = 2 * time.Second

// Status gives the newest runs, of one service or of all, and how an idle service stands.
func (b Commands) Status(ctx context.Context, c Caller, look Look) (Status, error) {
	if _, err := b.person(ctx, c, "status", clip(look.Service, 80)); err != nil {
		return Status{}, err
	}
	var s dr.Service
	if look.Service != "" {
		var err error
		if s, err = b.service(look.Service); err != nil {
			return ofRun(ctx, b, look.Service)
		}
	}
	runs, err := b.Store.Records.Runs(ctx, look.Service, look.Limit)
	if err != nil || !look.Standing || look.Service == "" || len(runs) > 0 && !runs[0].State.Final() {
		return Status{Runs: runs}, err
	}
	now := b.host.Now()
	return Status{Runs: runs, Standing: []dr.Text{activeNow(ctx, b.parts, s), lastRun(runs, now), lastReading(ctx, b.Store.Reports, s, now)}}, nil
}

// ofRun is the one run that was named in the place of a service.
func ofRun(ctx context.Context, b Commands, id string) (Status, error) {
	run, err := b.Store.Records.Run(ctx, id)
	switch {
	case err == nil:
		return Status{Runs: []dr.Run{run}}, nil
	case dr.CodeOf(err) == dr.NotFound:
		return Status{}, &dr.Error{Code: dr.NotFound, What: dr.T("no-service-or-run", "name", dr.Foreign(clip(id, 40))), Next: dr.T("try-one-of", "names", serviceNames(b.Team))}
	default:
		return Status{}, err
	}
}

// activeNow is the Region that Git says, and what of the service is not there.
func activeNow(ctx context.Context, b *parts, s dr.Service) dr.Text {
	asking, cancel := context.WithTimeout(ctx, standingLimit)
	defer cancel()
	content, _, err := b.Forge.Files.File(asking, s.Repository, s.Repository.Base)
	var active dr.Region
	if err == nil {
		active, err = b.Forge.Region.ActiveRegion(content)
	}
	if err != nil {
		what, _ := dr.Told(err)
		return dr.T("status.active.unread", "service", s.Name, "why", what)
	}
	if not := elsewhere(ctx, b.Kinds, s, active); len(not) > 0 {
		return dr.T("status.git-alone", "service", s.Name, "region", active, "base", s.Repository.Base, "lacking", not, "command", toFinish(s, active))
	}
	return dr.T("status.active", "service", s.Name, "region", active, "base", s.Repository.Base)
}

func lastRun(runs []dr.Run, now time.Time) dr.Text {
	if len(runs) == 0 {
		return dr.T("status.no-run")
	}
	r := runs[0]
	return dr.T("status.last", "run", r.Run, "title", r.Title(), "state", r.State.Text(), "ago", now.Sub(r.Ended))
}

// lastReading is how old the last health reading is, and what it said.
func lastReading(ctx context.Context, r Reports, s dr.Service, now time.Time) dr.Text {
	at, checks, err := r.LastReading(ctx, s.Name)
	switch {
	case err != nil:
		what, _ := dr.Told(err)
		return dr.T("status.health.unread", "why", what)
	case at.IsZero():
		return dr.T("status.health.none")
	}
	return dr.T("status.health", "ago", now.Sub(at), "level", dr.Worst(checks).Text())
}
