package aws

import (
	"context"

	"github.com/drbot/drbot/dr"
)

const sourceReachable = "source.reachable"

// ReachableSpec is the check of whether the source answers. Several systems can
// make it; a service is told once.
func ReachableSpec() dr.Spec {
	return dr.Spec{
		ID:   sourceReachable,
		Need: map[dr.Mode]dr.Need{dr.Planned: dr.NeedOK, dr.Disaster: dr.NeedFact},
		Role: dr.RoleSource,
	}
}

// TellsReachable tells whether a resource is the one by which its service learns
// whether the source answers: the first database, else the first workload.
func TellsReachable(s dr.Service, r dr.Resource) bool {
	for _, system := range []string{dr.AuroraGlobal, dr.ECSService} {
		if all := s.ResourcesOf(system); len(all) > 0 {
			return r.System == system && r.Name == all[0].Name
		}
	}
	return false
}

// Reachable asks an AWS service of the source something cheap. That what it was
// asked for is not there is an answer too.
func (c *Client) Reachable(ctx context.Context, t dr.Target, asked string, ask func(context.Context) error) dr.Check {
	check := dr.Check{Name: sourceReachable, Region: t.Source, Level: dr.OK, Detail: dr.T("source.answers", "asked", asked), At: c.Now()}
	err := ask(ctx)
	switch {
	case err == nil:
	case dr.CodeOf(err) == dr.NotFound:
		check.Detail = Told(err)
	default:
		check = c.Unread(ctx, check, err)
		if t.Mode == dr.Planned {
			check.Detail = dr.T("source.planned", "what", check.Detail)
		}
	}
	return check
}
