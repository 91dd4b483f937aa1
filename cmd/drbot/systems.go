package main

import (
	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
	"github.com/drbot/drbot/internal/aws/route53"
	"github.com/drbot/drbot/internal/aws/systems"
	"github.com/drbot/drbot/internal/config"
	"github.com/drbot/drbot/internal/github"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/steps"
)

// parts are what the program is told of elsewhere, each in one place: commands, kinds of
// steps, systems and words. Help, checks, lists and tables are made from them.
type parts struct {
	verbs    []dr.Verb
	kinds    func(*steps.World) []steps.Kind
	systems  func(*aws.Client) systems.Systems
	rules    []dr.Spec // of the repositories
	names    []dr.Spec // of the services' names; readiness has none of them
	messages []byte    // beside the catalogue's own
}

// standard are the parts of this program.
func standard() parts {
	return parts{verbs: dr.Verbs(), kinds: steps.Kinds, systems: systems.All, rules: github.Specs(), names: route53.Specs()}
}

// shown are the kinds without what they work on: for showing and checking.
func (p parts) shown() []steps.Kind { return p.kinds(&steps.World{}) }

// infos is what identifies a resource of each system.
func (p parts) infos() []dr.SystemInfo { return p.systems(nil).Infos() }

// config is what the configuration is read with: what a resource can be and what a run can
// do, as the adapters and the kinds of steps tell it.
func (p parts) config(getenv func(string) string, secrets bool) config.Options {
	all := p.shown()
	return config.Options{
		Getenv: getenv, Secrets: secrets, Systems: p.infos(), Acts: steps.Acts(all), DefaultActs: steps.DefaultActs(),
		Fits: func(s dr.Service) []dr.Text { return unmakeable(all, s) },
	}
}

// unmakeable makes the steps of every run a service may have, there and back, and gives
// why one of them cannot be made.
func unmakeable(all []steps.Kind, s dr.Service) []dr.Text {
	var out []dr.Text
	said := map[string]bool{}
	for i, kind := range []dr.Kind{dr.Failback, dr.Failover} {
		for _, mode := range []dr.Mode{dr.Planned, dr.Disaster} {
			_, err := workflows.Steps(all, s, dr.Request{Kind: kind, Service: s.Name, Target: s.Regions[i], Mode: mode})
			if err == nil {
				continue
			}
			what, _ := dr.Told(err)
			if !said[what.String()] {
				out = append(out, dr.T("cli.config.unmakeable", "kind", kind, "target", s.Regions[i], "mode", mode, "why", what))
			}
			said[what.String()] = true
		}
	}
	return out
}
