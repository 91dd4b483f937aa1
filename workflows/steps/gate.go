package steps

import (
	"context"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
)

const gate = "gate"

// Verify is the kind that sees what users see.
const Verify = dr.VerifyStep

// Network asks names and addresses the way users do.
type Network interface {
	// Resolve asks the zone's own name servers.
	Resolve(ctx context.Context, s dr.Service, name string) (dr.Resolution, error)
	// Probe makes the service's HTTP requests with a name as the host.
	Probe(ctx context.Context, s dr.Service, name string) ([]dr.Check, error)
}

// gateKind waits until the target can take the traffic.
func gateKind(w *World) Kind {
	return Kind{ID: gate, Skip: AsTheChange, Act: &dr.ActInfo{Repeats: true, Needed: true, Before: key(Apply, applyTraffic)}, Make: one(func(j Job) engine.Step {
		return healthStep{w, j, key(gate, number(j.N)), j.Service.Names.Regional[j.Request.Target]}
	})}
}

// verifyKind proves that users reach the target: the public name leads there, and
// what answers is healthy.
func verifyKind(w *World) Kind {
	return Kind{ID: Verify, Skip: AsTheChange, Make: one(func(j Job) engine.Step {
		return healthStep{w, j, Verify, j.Service.Names.Public}
	})}
}

// Proves tells whether a step looks whether the target serves, and is there for nothing else.
func Proves(step string) bool { return KindOf(step) == gate || KindOf(step) == Verify }

// healthStep waits until the target serves under a name.
type healthStep struct {
	world *World
	job   Job
	name  string
	dns   string
}

func (s healthStep) Name() string { return s.name }

func (s healthStep) Do(ctx context.Context, r *engine.Run) (engine.Outcome, error) {
	whole, cancel := budget(ctx, s.world.Timing.Gate)
	defer cancel()
	ctx, stop, err := engine.Watching(whole, r)
	if err != nil {
		return engine.Outcome{}, err
	}
	defer stop()
	if err := patiently(ctx, s.world, r, s.name, func() error { return s.startAnew(ctx, r) }); err != nil {
		return engine.Outcome{}, err
	}
	awaited, err := s.awaited(ctx, r)
	if err != nil {
		return engine.Outcome{}, err
	}
	var last []dr.Text
	var unshown time.Time // since when, without a break
	for {
		look := s.look(ctx, awaited)
		if len(look.lacking) == 0 {
			return engine.Done(nil, dr.T("gate.done", "facts", look.facts))
		}
		if unshown = since(unshown, s.world.Now(), len(look.unshown) > 0); !unshown.IsZero() && s.world.Now().Sub(unshown) >= shownAfter {
			look.failed = append(look.failed, look.unshown...)
		}
		if len(look.failed) > 0 {
			return engine.Outcome{}, s.failed(ctx, r, look.failed)
		}
		if ctx.Err() == nil || last == nil {
			last = look.lacking // a look cut off by the deadline says nothing about the Region
			r.Waits(ctx, s.name, dr.T("gate.waiting", "lacking", last))
		}
		if engine.Wait(ctx, s.world.Timing.Poll) != nil {
			if whole.Err() == nil {
				return engine.Outcome{}, &dr.Error{Code: dr.Conflict, What: dr.T("gate.abandoned", "region", s.job.Request.Target)}
			}
			return engine.Outcome{}, &dr.Error{Code: dr.Conflict,
				What: dr.T("gate.unhealthy", "region", s.job.Request.Target, "after", s.world.Timing.Gate, "lacking", last), Next: dr.T("gate.unhealthy.next")}
		}
	}
}

// since is from when on something holds; zero where it does not.
func since(from, now time.Time, holds bool) time.Time {
	switch {
	case !holds:
		return time.Time{}
	case from.IsZero():
		return now
	default:
		return from
	}
}

// health is one look at what a Region serves.
type health struct {
	lacking, facts  []dr.Text
	failed, unshown []failure
}

func (h *health) no(t dr.Text)  { h.lacking = append(h.lacking, t) }
func (h *health) yes(t dr.Text) { h.facts = append(h.facts, t) }

// look lists what keeps the target from serving under the name. It counts: an
// empty list of tasks or targets is not a healthy one.
func (s healthStep) look(ctx context.Context, awaited map[string]dr.Deployment) *health {
	h := &health{}
	for _, w := range s.job.Service.ResourcesOf(dr.ECSService) {
		s.workload(ctx, h, w, awaited[w.Name])
	}
	for _, db := range s.job.Service.ResourcesOf(dr.AuroraGlobal) {
		s.database(ctx, h, db)
	}
	s.resolves(ctx, h)
	return h
}

// Standing tells what of a service is not where the step looks for it.
type Standing interface {
	// Elsewhere lists the tasks, writers and names that are not in the target. What does not
	// answer is not known to be there.
	Elsewhere(ctx context.Context) []dr.Text
}

// Elsewhere asks for all of it side by side. How well it serves is another matter.
func (s healthStep) Elsewhere(ctx context.Context) []dr.Text {
	looks := []func(context.Context, *health){func(ctx context.Context, h *health) { s.leads(ctx, h) }}
	for _, db := range s.job.Service.ResourcesOf(dr.AuroraGlobal) {
		looks = append(looks, func(ctx context.Context, h *health) { s.database(ctx, h, db) })
	}
	for _, w := range s.job.Service.ResourcesOf(dr.ECSService) {
		looks = append(looks, func(ctx context.Context, h *health) {
			st, err := s.world.Workloads.State(ctx, s.job.Service, w, s.job.Request.Target)
			switch {
			case err != nil:
				h.no(workloadUnread(w, err))
			case st.Running < 1:
				h.no(dr.T("standing.no-tasks", "workload", w.Name))
			}
		})
	}
	found := make([]health, len(looks))
	errs := engine.Each(ctx, len(looks), func(ctx context.Context, i int) error {
		looks[i](ctx, &found[i])
		return nil
	})
	var out []dr.Text
	for i := range found {
		out = append(out, found[i].lacking...)
		if errs[i] != nil {
			what, _ := dr.Told(errs[i])
			out = append(out, what)
		}
	}
	return out
}

func workloadUnread(w dr.Resource, err error) dr.Text {
	return dr.T("gate.workload.unread", "workload", w.Name, "why", why(err))
}

func (s healthStep) workload(ctx context.Context, h *health, w dr.Resource, awaited dr.Deployment) {
	target := s.job.Request.Target
	st, err := s.world.Workloads.State(ctx, s.job.Service, w, target)
	rollout, deployment := rolloutOf(st, awaited)
	switch {
	case err != nil:
		h.no(workloadUnread(w, err))
	case rollout == unshown:
		h.unshown = append(h.unshown, failure{w, deployment})
		h.no(dr.T("gate.workload.unshown", "workload", w.Name, "deployment", deployment.ID, "shown", dr.Foreign(st.Deployment)))
	case rollout == broken:
		h.failed = append(h.failed, failure{w, deployment})
		h.no(dr.T("gate.workload.rollout", "workload", w.Name, "state", dr.Foreign(circuitBroken)))
	case st.Desired < 1:
		h.no(dr.T("gate.workload.none", "workload", w.Name, "n", st.Desired))
	case st.Running != st.Desired:
		h.no(dr.T("gate.workload.tasks", "workload", w.Name, "running", st.Running, "desired", st.Desired, "n", st.Desired))
	case st.Rollout != "" && st.Rollout != rolledOut:
		h.no(dr.T("gate.workload.rollout", "workload", w.Name, "state", dr.Foreign(st.Rollout)))
	case !st.Unread.Empty():
		h.no(dr.T("gate.workload.targets-unread", "workload", w.Name, "why", st.Unread))
	case w.At(target, "target_group") != "" && st.Healthy < st.Desired:
		h.no(dr.T("gate.workload.targets", "workload", w.Name, "healthy", st.Healthy, "desired", st.Desired, "n", st.Desired))
	default:
		h.yes(dr.T("gate.ok.tasks", "running", st.Running, "desired", st.Desired, "n", st.Desired))
		h.yes(dr.T("gate.ok.targets", "n", st.Healthy))
	}
}

func (s healthStep) database(ctx context.Context, h *health, db dr.Resource) {
	target := s.job.Request.Target
	st, err := s.world.Databases.State(ctx, s.job.Service, db, target)
	switch {
	case err != nil:
		h.no(dr.T("gate.database.unread", "database", db.Name, "why", why(err)))
	case st.Writer != target:
		h.no(dr.T("gate.database.elsewhere", "database", db.Name, "writer", OrNowhere(st.Writer)))
	case !st.WriterReady:
		h.no(dr.T("gate.database.unready", "database", db.Name, "detail", st.WriterDetail))
	default:
		h.yes(dr.T("gate.ok.writer"))
	}
}

// leads tells whether the name leads to the target.
func (s healthStep) leads(ctx context.Context, h *health) bool {
	target := s.job.Request.Target
	regional := s.job.Service.Names.Regional[target]
	res, leads, err := Leads(ctx, s.world.Network, s.job.Service, s.dns, target)
	switch {
	case err != nil:
		h.no(dr.T("gate.name.unresolved", "name", s.dns, "why", why(err)))
		return false
	case len(res.Addresses) == 0:
		h.no(dr.T("gate.name.no-address", "name", s.dns))
		return false
	case !leads:
		h.no(dr.T("gate.name.elsewhere", "name", s.dns, "regional", regional))
		return false
	}
	return true
}

func (s healthStep) resolves(ctx context.Context, h *health) {
	if !s.leads(ctx, h) {
		return
	}
	h.yes(dr.T("gate.ok.name"))
	probes, err := s.world.Network.Probe(ctx, s.job.Service, s.dns)
	if err != nil {
		h.no(dr.T("gate.probe.unmade", "why", why(err)))
	}
	for _, c := range probes {
		if c.Level != dr.OK {
			h.lacking = append(h.lacking, c.Line())
		}
	}
	if len(probes) > 0 && dr.Worst(probes) == dr.OK {
		h.yes(dr.T("gate.ok.probes"))
	}
}

// Tell implements Teller.
func (s healthStep) Tell() (does, missed dr.Text) {
	if s.name == Verify {
		return dr.Text{}, dr.T("missed.verify", "target", s.job.Request.Target)
	}
	return dr.Text{}, dr.T("missed.gate", "target", s.job.Request.Target)
}
