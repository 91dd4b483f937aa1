package world

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/drbot/drbot/dr"
)

// SetLag makes the replication lag this many seconds; unknown when below zero.
func (w *World) SetLag(seconds float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	d := w.first()
	d.lag = &seconds
	if seconds < 0 {
		d.lag = nil
	}
}

// SetCheck makes a check of readiness say this, whatever the world is like.
func (w *World) SetCheck(name string, level dr.Level) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cloud.levels[name] = level
}

// Refuse makes Slack say of a person that the account is none of ours any more.
func (w *World) Refuse(slackID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cloud.refused[slackID] = &dr.Error{Code: dr.Denied, What: dr.T("bot.deactivated"), Next: dr.T("bot.people.next")}
}

// Lag implements workflows.Databases and steps.Databases.
func (p databases) Lag(ctx context.Context, _ dr.Service, db dr.Resource, passive dr.Region) (dr.Check, error) {
	return ask(ctx, p.ports, "Lag", string(passive)+" "+db.Name, func() (dr.Check, error) {
		p.w.mu.Lock()
		defer p.w.mu.Unlock()
		at := p.w.cloud.at(passive)
		if at == nil {
			return dr.Check{}, p.w.cloud.reach(passive)
		}
		d := *p.w.cloud.databases[db.Name]
		if at.down {
			d.lag = nil
		}
		return d.behind(passive), nil
	})
}

// behind needs the world's lock.
func (d *database) behind(in dr.Region) dr.Check {
	c := dr.Check{Name: "aurora.lag", Region: in, Level: dr.Unknown, Detail: dr.T("report.no-writer"), At: time.Now()}
	if d.lag != nil {
		c.Level, c.Value, c.Unit, c.Detail, c.At = dr.OK, d.lag, "s", dr.Text{}, time.Now().Add(-30*time.Second)
	}
	return c
}

// specs are the checks of this world, with what a run needs of each.
var specs = []dr.Spec{
	{ID: "aurora.writer", Need: map[dr.Mode]dr.Need{dr.Planned: dr.NeedOK}},
	{ID: "aurora.state", Need: map[dr.Mode]dr.Need{dr.Planned: dr.NeedOK}},
	{ID: "aurora.target-sync", Need: map[dr.Mode]dr.Need{dr.Planned: dr.NeedOK}},
	{ID: "aurora.target-instance", Need: map[dr.Mode]dr.Need{dr.Planned: dr.NeedOK, dr.Disaster: dr.NeedWarn}},
	{ID: "aurora.lag", Role: dr.RoleLag, Need: map[dr.Mode]dr.Need{dr.Planned: dr.NeedWarn, dr.Disaster: dr.NeedFact}},
	{ID: "source.reachable", Role: dr.RoleSource, Need: map[dr.Mode]dr.Need{dr.Planned: dr.NeedOK, dr.Disaster: dr.NeedFact}},
	{ID: "target.workload", Need: map[dr.Mode]dr.Need{dr.Planned: dr.NeedGood}},
}

// Expected implements workflows.Systems.
func (p *ports) Expected(s dr.Service, mode dr.Mode) []dr.Expected {
	out := []dr.Expected{}
	for _, c := range p.w.checks(s, mode, s.Regions[0], s.Regions[1]) {
		out = append(out, dr.Expected{Name: c.Name, Resource: c.Resource, Need: c.Need, Role: c.Role})
	}
	return out
}

// Checks implements workflows.Systems.
func (p *ports) Checks(ctx context.Context, s dr.Service, mode dr.Mode, source, target dr.Region) []dr.Check {
	checks, err := ask(ctx, p, "Checks", "", func() ([]dr.Check, error) {
		return p.w.checks(s, mode, source, target), nil
	})
	if err != nil { // what cannot be read is unknown, never an error
		why, _ := dr.Told(err)
		checks = p.w.checks(s, mode, source, target)
		for i := range checks {
			checks[i].Level, checks[i].Value, checks[i].Detail = dr.Unknown, nil, why
		}
	}
	return checks
}

func (w *World) checks(s dr.Service, mode dr.Mode, source, target dr.Region) []dr.Check {
	w.mu.Lock()
	defer w.mu.Unlock()
	level := func(ok bool) dr.Level {
		if ok {
			return dr.OK
		}
		return dr.Fail
	}
	reachable := dr.OK
	if w.cloud.at(source).down {
		reachable = dr.Unknown
	}
	out := []dr.Check{{Name: "source.reachable", Region: source, Level: reachable}}
	dbs := s.ResourcesOf(dr.AuroraGlobal)
	for _, db := range dbs {
		d := w.cloud.databases[db.Name]
		d.settle()
		of := []dr.Check{
			{Name: "aurora.writer", Region: source, Level: level(d.writer == source)},
			{Name: "aurora.state", Region: target, Level: level(d.moving == nil)},
			{Name: "aurora.target-sync", Region: target, Level: dr.OK},
			{Name: "aurora.target-instance", Region: target, Level: level(!w.cloud.at(target).down)},
			d.behind(target),
		}
		for i := range of {
			if len(dbs) > 1 {
				of[i].Resource = db.Name
			}
		}
		out = append(out, of...)
	}
	out = append(out, dr.Check{Name: "target.workload", Region: target, Level: dr.OK})
	for i, check := range out {
		out[i].At = time.Now()
		if l, ok := w.cloud.levels[check.Name]; ok {
			out[i].Level = l
		}
		for _, spec := range specs {
			if spec.ID == check.Name {
				out[i].Need, out[i].Role = spec.Need[mode], spec.Role
			}
		}
	}
	return out
}

// Resolve implements workflows.Network.
func (p *ports) Resolve(ctx context.Context, s dr.Service, name string) (dr.Resolution, error) {
	return ask(ctx, p, "Resolve", name, func() (dr.Resolution, error) {
		p.w.mu.Lock()
		defer p.w.mu.Unlock()
		if err := p.w.asked(s, name); err != nil {
			return dr.Resolution{}, err
		}
		res := dr.Resolution{Chain: []string{name}, Addresses: []string{"192.0.2.1"}}
		at := p.w.tf.pointsOf(s)
		for r, regional := range s.Names.Regional {
			if name == regional {
				at = r
			}
		}
		switch {
		case p.w.cloud.aliases:
			res.Addresses = []string{"192.0.2." + strconv.Itoa(1+slices.Index(s.Regions, at))}
		case name == s.Names.Public:
			res.Chain = append(res.Chain, s.Names.Regional[p.w.tf.pointsOf(s)])
		}
		return res, nil
	})
}

// asked says what a name server says of a name that is not there. It needs the lock.
func (w *World) asked(s dr.Service, name string) error {
	regional := slices.Collect(maps.Values(s.Names.Regional))
	switch {
	case name == "":
		return refused(dr.Invalid, "that is no name.")
	case w.cloud.silent:
		return refused(dr.Temporary, "no name server answers.")
	case name != s.Names.Public && !slices.Contains(regional, name):
		return refused(dr.NotFound, "%s does not exist.", name)
	}
	return nil
}

// Probe implements workflows.Network.
func (p *ports) Probe(ctx context.Context, s dr.Service, name string) ([]dr.Check, error) {
	return ask(ctx, p, "Probe", name, func() ([]dr.Check, error) {
		p.w.mu.Lock()
		defer p.w.mu.Unlock()
		at := p.w.tf.pointsOf(s)
		for r, regional := range s.Names.Regional {
			if regional == name {
				at = r
			}
		}
		c := dr.Check{Name: "http", Region: at, Level: dr.OK, At: time.Now()}
		if p.w.asked(s, name) != nil || !p.w.cloud.at(at).serves(s) {
			c.Level = dr.Fail
		}
		return slices.Repeat([]dr.Check{c}, len(s.Probes)), nil
	})
}

// Standing implements workflows.Directory.
func (p *ports) Standing(ctx context.Context, slackID string) error {
	return tell(ctx, p, "Standing", slackID, func() error {
		p.w.mu.Lock()
		defer p.w.mu.Unlock()
		return p.w.cloud.refused[slackID]
	})
}
