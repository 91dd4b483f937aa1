package steps

import (
	"context"
	"strconv"

	"github.com/drbot/drbot/dr"
)

// idle is what runs have stopped of a service in a Region, and what they are to give back.
type idle struct {
	world *World
	run   string // that asks
	job   Job
	in    dr.Region
}

// key is where it is kept how many tasks of a workload were stopped, until they are given
// back or Git says that there are none. It is the service's and no run's: who goes on after a
// run that could not give them back has to know.
func (i idle) key(w dr.Resource) string {
	return key("stopped", i.job.Service.Name, string(i.in), w.Name)
}

// stop keeps what a workload runs, right before that is stopped, and gives what it was when
// this run first saw it. What is at zero may have been left so by an earlier run, which has
// kept it.
func (i idle) stop(ctx context.Context, w dr.Resource, desired int) (int, error) {
	kept, err := i.world.Ledger.Keep(ctx, countKey(i.run, i.in, w), strconv.Itoa(desired))
	if err != nil {
		return 0, err
	}
	if desired > 0 { // what people have started again since this run stopped it counts
		if err := i.world.Ledger.Put(ctx, i.key(w), strconv.Itoa(desired)); err != nil {
			return 0, err
		}
	}
	return strconv.Atoi(kept)
}

// stoppers are the runs whose doing is undone.
type stoppers bool

const (
	thisRun stoppers = false // this one alone
	anyRun  stoppers = true  // an earlier one, too, that has left a workload at zero
)

// ran is how many tasks a workload that has so many now ran before it was stopped.
func (i idle) ran(ctx context.Context, w dr.Resource, desired int, by stoppers) (n int, stopped bool, err error) {
	left, err := i.world.Ledger.Get(ctx, i.key(w))
	if err != nil {
		return 0, false, err
	}
	own, err := i.world.Ledger.Get(ctx, countKey(i.run, i.in, w))
	if err != nil {
		return 0, false, err
	}
	found, unseen := strconv.Atoi(own)
	if (unseen != nil || found == 0) && (by == thisRun || desired > 0) { // what runs was left by nobody
		return 0, unseen == nil, nil
	}
	if n, err := strconv.Atoi(left); err == nil {
		return n, true, nil
	}
	return found, unseen == nil, nil
}

// start scales a workload to what it ran before it was stopped, and gives how many tasks it
// has then. Nothing that people have started meanwhile is taken away.
func (i idle) start(ctx context.Context, w dr.Resource, desired int, by stoppers) (n int, stopped bool, err error) {
	n, stopped, err = i.ran(ctx, w, desired, by)
	if err != nil || !stopped {
		return desired, stopped, err
	}
	if n > desired {
		if err := i.world.Held(ctx); err != nil {
			return desired, true, err
		}
		if err := again(i.world.Workloads.Scale(ctx, i.job.Service, w, i.in, n)); err != nil {
			return desired, true, err
		}
	}
	if n = max(n, desired); n > 0 {
		err = i.forget(ctx, w)
	}
	return n, true, err
}

// startAll starts every workload, and says how many tasks they have then; less than none when
// nothing was stopped.
func (i idle) startAll(ctx context.Context, by stoppers) (int, error) {
	total, any := 0, false
	for _, w := range i.job.Service.ResourcesOf(dr.ECSService) {
		st, err := i.world.Workloads.State(ctx, i.job.Service, w, i.in)
		if err != nil {
			return -1, err
		}
		n, stopped, err := i.start(ctx, w, st.Desired, by)
		if err != nil {
			return -1, err
		}
		if stopped {
			total, any = total+n, true
		}
	}
	if !any {
		return -1, nil
	}
	return total, nil
}

// forget drops what a workload ran before it was stopped.
func (i idle) forget(ctx context.Context, w dr.Resource) error {
	if left, err := i.world.Ledger.Get(ctx, i.key(w)); err != nil || left == "" {
		return err
	}
	return i.world.Ledger.Put(ctx, i.key(w), "")
}
