package workflows_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// several is a service over two databases, of which one is moved after the other, and
// three workloads.
func several(s *dr.Service) {
	s.Resources = []dr.Resource{
		world.Database("orders", "users"), world.Database("users"),
		world.Workload("web"), world.Workload("api"), world.Workload("worker"),
	}
}

// alone is a service without a database.
func alone(s *dr.Service) {
	s.Resources = []dr.Resource{world.Workload("web")}
	s.Acts = slices.DeleteFunc(slices.Clone(s.Acts), func(a string) bool { return a == "promote" })
}

// TestSeveralResources moves a service with several databases and workloads, over and
// back: the promotions come in the configured order, and all of it is in the message.
func TestSeveralResources(t *testing.T) {
	t.Parallel()
	for name, cmd := range map[string]struct{ planned bool }{"planned": {true}, "disaster": {false}} {
		t.Run(name, func(t *testing.T) {
			world.Run(t, world.Options{Service: several}, func(t *testing.T, w *world.World) {
				ask := world.Disaster
				if cmd.planned {
					ask = world.Planned
				}
				run := w.Start(ask)
				approved(w, run)
				for _, db := range []string{"orders", "users"} {
					if at := w.WriterOf(db); at != world.Tokyo {
						t.Errorf("the writer of %s is in %s", db, at)
					}
				}
				if w.Promotions() != 2 || w.Deployments(world.Tokyo) != 3 {
					t.Errorf("%d promotions, %d deployments", w.Promotions(), w.Deployments(world.Tokyo))
				}
				r := w.Record(run)
				users, orders := r.StepIndex("promote/users"), r.StepIndex("promote/orders")
				if users < 0 || orders != users+1 || r.Steps[users].State != dr.StepDone || r.Steps[orders].State != dr.StepDone {
					t.Errorf("the steps are %+v", r.Steps)
				}
				if !r.Result.RPAKnown {
					t.Errorf("the result is %+v", r.Result)
				}
				gate := world.Words(r.Steps[r.StepIndex("gate/1")].Detail)
				if strings.Count(gate, "tasks") != 3 || strings.Count(gate, "writer available") != 2 {
					t.Errorf("the gate says %q", gate)
				}
			})
		})
	}
}

// TestSeveralOneRefuses pauses at the second database, and a stop does not give the
// source its tasks back: one of its databases is elsewhere.
func TestSeveralOneRefuses(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{Service: several}, func(t *testing.T, w *world.World) {
		w.Fail("Promote orders", -1, &dr.Error{Code: dr.Conflict, What: dr.T("wider.lock-file")})
		run := w.Start(world.Planned)
		approve(w, run)
		w.Until(run, func(r dr.Run) bool { return r.Question != nil && r.Question.Step == "promote/orders" })
		w.Answer(run, "bob", "stop")
		r := w.Await(run, dr.RunStopped)
		if n := w.Tasks(world.Seoul); n != 0 {
			t.Errorf("the source has %d tasks", n)
		}
		if !strings.Contains(world.Words(r.Outcome), "scaled to zero for this run and stays so") {
			t.Errorf("it says %q", world.Words(r.Outcome))
		}
	})
}

// TestLagOfOneUnknown claims nothing of the loss when one database's lag is not known.
func TestLagOfOneUnknown(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{Service: several}, func(t *testing.T, w *world.World) {
		w.SetLag(-1) // of the first that is moved
		run := w.Start(world.Disaster)
		approved(w, run)
		if r := w.Record(run); r.Result.RPAKnown || !strings.Contains(world.Words(r.RPALine()), "RPA unknown") {
			t.Errorf("the result is %+v", r.Result)
		}
	})
}

// TestNoDatabase moves a service that has none: nothing is quiesced for a promotion that
// there is not.
func TestNoDatabase(t *testing.T) {
	t.Parallel()
	for name, ask := range map[string]struct{ planned bool }{"planned": {true}, "disaster": {false}} {
		t.Run(name, func(t *testing.T) {
			world.Run(t, world.Options{Service: alone}, func(t *testing.T, w *world.World) {
				cmd := world.Disaster
				if ask.planned {
					cmd = world.Planned
				}
				run := w.Start(cmd)
				approved(w, run)
				r := w.Record(run)
				if i := slices.IndexFunc(r.Steps, func(s dr.Step) bool {
					return strings.HasPrefix(s.Name, "promote") || strings.HasPrefix(s.Name, "quiesce") || strings.HasPrefix(s.Name, "give-back")
				}); i >= 0 {
					t.Errorf("there is a step %s", r.Steps[i].Name)
				}
				if w.Base() != world.Tokyo || w.Tasks(world.Tokyo) == 0 {
					t.Errorf("Git says %s, Tokyo has %d tasks", w.Base(), w.Tasks(world.Tokyo))
				}
			})
		})
	}
}
