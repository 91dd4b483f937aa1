// Package systems joins the systems of AWS: what the configuration may name, which
// checks there are, and all checks of a service.
package systems

import (
	"context"
	"slices"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
	"github.com/drbot/drbot/internal/aws/aurora"
	"github.com/drbot/drbot/internal/aws/ecs"
	"github.com/drbot/drbot/internal/aws/route53"
)

// Reader makes the checks of one system's resources. It always gives all that its
// specs list, but for those that one resource tells for the whole service.
type Reader interface {
	Specs() []dr.Spec
	Read(ctx context.Context, t dr.Target) []dr.Check
}

// System is a kind of resource and who makes its checks.
type System struct {
	dr.SystemInfo
	Reader Reader
}

// Systems are the systems a program knows.
type Systems []System

// Infos lists what identifies a resource of every system of AWS: of those, and no others,
// that All gives.
func Infos() []dr.SystemInfo { return All(nil).Infos() }

// Infos lists what identifies a resource of each of the systems.
func (all Systems) Infos() []dr.SystemInfo {
	infos := make([]dr.SystemInfo, len(all))
	for i, s := range all {
		infos[i] = s.SystemInfo
	}
	return infos
}

// Specs lists every check that is made of AWS, each once.
func Specs() []dr.Spec {
	var all []dr.Spec
	add := func(specs []dr.Spec) {
		for _, spec := range specs {
			if !slices.ContainsFunc(all, func(s dr.Spec) bool { return s.ID == spec.ID }) {
				all = append(all, spec)
			}
		}
	}
	for _, info := range Infos() {
		add(info.Specs)
	}
	add(route53.Specs())
	add([]dr.Spec{aws.BaseSpec()})
	return all
}

// All gives every system of AWS. For what they tell of themselves they need no client.
func All(cloud *aws.Client) Systems {
	return Systems{
		{aurora.Info(), aurora.New(cloud)},
		{ecs.Info(), ecs.New(cloud)},
	}
}

// Checks answers whether a service can be moved from source to target: every check
// of every resource, read at the same time, in the order of the configuration. Each
// carries what the mode needs of it, and which resource it is about where the service
// has several of that system.
func (all Systems) Checks(ctx context.Context, s dr.Service, mode dr.Mode, source, target dr.Region) []dr.Check {
	var looks []func() []dr.Check
	for _, r := range s.Resources {
		system, ok := all.find(r.System)
		if !ok {
			continue // Expected has it
		}
		looks = append(looks, func() []dr.Check {
			checks := system.Reader.Read(ctx, dr.Target{Service: s, Resource: r, Mode: mode, Source: source, Target: target})
			for i := range checks {
				told, _ := specOf(system.Specs, checks[i].Name)
				checks[i].Need, checks[i].Role = told.Need[mode], told.Role
				checks[i].Resource = label(s, r, told)
			}
			return checks
		})
	}
	return aws.Together(looks...)
}

// Expected lists the checks that Checks has to make for a service, by what the
// systems tell of theirs and not by what was made. For a resource whose system is not
// among them it lists one that nobody makes. It is never nil.
func (all Systems) Expected(s dr.Service, mode dr.Mode) []dr.Expected {
	expected := []dr.Expected{}
	for _, r := range s.Resources {
		system, ok := all.find(r.System)
		if !ok {
			// The configuration refuses it; were it taken, what nobody looks at is not ready.
			expected = append(expected, dr.Expected{Name: r.System, Resource: r.Name, Need: dr.NeedOK})
			continue
		}
		for _, spec := range system.Specs {
			if spec.Role == dr.RoleSource && !aws.TellsReachable(s, r) {
				continue
			}
			expected = append(expected, dr.Expected{Name: spec.ID, Resource: label(s, r, spec), Need: spec.Need[mode], Role: spec.Role})
		}
	}
	return expected
}

func (all Systems) find(id string) (System, bool) {
	i := slices.IndexFunc(all, func(s System) bool { return s.ID == id })
	if i < 0 {
		return System{}, false
	}
	return all[i], true
}

func specOf(specs []dr.Spec, id string) (dr.Spec, bool) {
	i := slices.IndexFunc(specs, func(s dr.Spec) bool { return s.ID == id })
	if i < 0 {
		return dr.Spec{}, false
	}
	return specs[i], true
}

// label is the name of the resource that a check is about, empty when there is but
// one. Whether the source answers is no resource's matter.
func label(s dr.Service, r dr.Resource, spec dr.Spec) string {
	if spec.Role == dr.RoleSource || len(s.ResourcesOf(r.System)) < 2 {
		return ""
	}
	return r.Name
}
