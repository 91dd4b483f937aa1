package workflows

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/drbot/drbot/dr"
)

// keepJSON stores a value under a key unless one is there; v becomes the stored one.
func keepJSON[T any](ctx context.Context, l Ledger, key string, v *T) error {
	doc, err := json.Marshal(v)
	if err != nil {
		return err
	}
	stored, err := l.Keep(ctx, key, string(doc))
	if err != nil {
		return err
	}
	var out T
	if err := json.Unmarshal([]byte(stored), &out); err != nil {
		return fmt.Errorf("decode %s: %w", key, err)
	}
	*v = out
	return nil
}

// act does what the change was approved for, in the order of the configuration.
func (r *runbook) act(p planned) (promoted, error) {
	var done promoted
	if r.req.Mode == dr.Planned {
		if err := r.quiesce(); err != nil {
			return done, r.withSource(err)
		}
	}
	gates := 0
	for _, a := range r.svc.Acts {
		var err error
		switch a {
		case dr.ActPromote:
			done, err = r.promote()
		case dr.ActApplyTarget:
			if st, ok := r.svc.RegionStack(r.req.Target); ok {
				err = r.apply(st, p)
			}
		case dr.ActRedeploy:
			err = r.redeploy(done)
		case dr.ActGate:
			gates++
			err = r.gate(fmt.Sprintf("gate/%d", gates))
		case dr.ActApplyTraffic:
			for _, st := range r.svc.StacksOf(dr.TrafficStack) {
				if err = r.apply(st, p); err != nil {
					break
				}
			}
		}
		if err != nil {
			return done, r.withSource(err)
		}
	}
	return done, nil
}

// again makes an answer that was lost a reason to ask once more: these acts do no
// harm when they are done twice, unlike a promotion.
func again(err error) error {
	if err == nil || dr.CodeOf(err) != dr.Uncertain {
		return err
	}
	msg, hint := dr.Public(err, "the answer was lost")
	return &dr.Error{Code: dr.Temporary, Msg: msg, Hint: hint, Err: err}
}

// quiesce scales the source to zero before a planned promotion, so that nobody
// writes while the writer moves. The counts are remembered: a stop before the
// promotion puts them back.
func (r *runbook) quiesce() error {
	name := "quiesce/" + string(r.source)
	r.quiet = true
	_, _, err := must(r, name, func(ctx context.Context, _ int) (line, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.deps.Timing.Quiesce)
		defer cancel()
		st, err := r.deps.Workloads.Workload(ctx, r.svc, r.source)
		if err != nil {
			return "", err
		}
		was, err := r.deps.Ledger.Keep(ctx, r.req.Run+"/"+name, strconv.Itoa(st.Desired))
		if err != nil {
			return "", err
		}
		if err := again(r.deps.Workloads.Scale(ctx, r.svc, r.source, 0)); err != nil {
			return "", err
		}
		for {
			st, err := r.deps.Workloads.Workload(ctx, r.svc, r.source)
			if err == nil && st.Running == 0 && st.Pending == 0 {
				return line("from " + was + " tasks to none"), nil
			}
			if wait(ctx, r.deps.Timing.Poll) != nil {
				return "", &dr.Error{Code: dr.Conflict, Msg: fmt.Sprintf("the source still runs %d tasks after %s.", st.Running, dr.Human(r.deps.Timing.Quiesce)), Hint: "stop them by hand, then answer retry; answer stop to put the source back as it was"}
			}
		}
	})
	return err
}

// withSource puts the source back when a planned run ends before its promotion, and
// says in the ending how the source is left.
func (r *runbook) withSource(err error) error {
	end := &ending{}
	if r.req.Mode != dr.Planned || !errors.As(err, &end) {
		return err
	}
	left := fmt.Sprintf("%s was scaled to zero for this run and stays so.", r.source)
	if r.quiet {
		left = r.restoreSource()
	}
	return &ending{State: end.State, Outcome: sentence(end.Outcome, left), Hint: end.Hint}
}

// restoreSource gives the source its tasks back, unless the writer has moved: then
// they would write to a database that is not there any more.
func (r *runbook) restoreSource() string {
	out := step(r, "restore/"+string(r.source), func(ctx context.Context) (line, error) {
		st, err := r.deps.Database.DatabaseState(ctx, r.svc, r.req.Target)
		if err != nil {
			return "", err
		}
		if st.Writer != r.source || st.Failover != "" {
			return line(fmt.Sprintf("%s stays at zero tasks: the writer is in %s, or moving.", r.source, st.Writer)), nil
		}
		n, err := r.giveBack(ctx)
		if err != nil || n < 0 {
			return line(string(r.source) + " was not scaled down."), err
		}
		return line(fmt.Sprintf("%s has its %d tasks back.", r.source, n)), nil
	})
	if !out.ok() {
		return fmt.Sprintf("%s IS AT ZERO TASKS and could not be put back: %s", r.source, out.Msg)
	}
	return string(out.Value)
}

// giveBack scales the source to what it was before quiesce, and says how many tasks that
// are; less than none when it was not scaled down.
func (r *runbook) giveBack(ctx context.Context) (int, error) {
	was, err := r.deps.Ledger.Keep(ctx, r.req.Run+"/quiesce/"+string(r.source), "")
	if err != nil || was == "" {
		return -1, err
	}
	n, err := strconv.Atoi(was)
	if err != nil {
		return -1, err
	}
	return n, again(r.deps.Workloads.Scale(ctx, r.svc, r.source, n))
}

type applied struct {
	Result dr.ApplyResult `json:"result"`
}

func (a applied) detail() string {
	c := a.Result.Counts
	return fmt.Sprintf("%d added, %d changed, %d destroyed", c.Add, c.Change, c.Destroy)
}

// apply applies one stack at the merge commit, no wider than what was approved.
func (r *runbook) apply(st dr.Stack, p planned) error {
	approved, _ := p.Plans.Of(st.Name)
	name := "apply/" + st.Name
	_, _, err := must(r, name, func(ctx context.Context, n int) (applied, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.deps.Timing.Apply)
		defer cancel()
		key, err := r.applyKey(ctx, name, n)
		if err != nil {
			return applied{}, err
		}
		if err := r.audit(ctx, "apply", fmt.Sprintf("%s at %s, digest %s", st.Name, short(r.mergeSHA), short(p.Digest))); err != nil {
			return applied{}, err
		}
		var shown time.Time
		res, err := r.deps.Terraform.Apply(ctx, dr.ApplyRequest{
			Key: key, Run: r.req.Run, Service: r.svc, Stack: st, Commit: r.mergeSHA, Approved: approved,
		}, func(pr dr.Progress) {
			if now := r.deps.Now(); now.Sub(shown) >= time.Second || pr.Done == pr.Total {
				shown = now
				r.update(ctx, func(run *dr.Run) { run.Progress = &pr })
			}
		})
		r.update(context.WithoutCancel(ctx), func(run *dr.Run) { run.Progress = nil })
		if errors.Is(err, context.DeadlineExceeded) {
			return applied{}, &dr.Error{Code: dr.Uncertain, Msg: fmt.Sprintf("the apply of %s is not over after %s.", st.Name, dr.Human(r.deps.Timing.Apply)), Hint: "it goes on by itself; answer retry to go on watching it", Err: err}
		}
		if err != nil {
			return applied{}, err
		}
		if _, err := r.deps.Ledger.Keep(ctx, key+"/ended", strconv.Itoa(n)); err != nil {
			return applied{}, err
		}
		return applied{res}, applyProblem(st, res)
	})
	return err
}

// applyKey names one apply for ever. A restart of the bot is the same apply, and so
// is a retry while nobody knows how it ended; a retry after an end is another.
func (r *runbook) applyKey(ctx context.Context, name string, attempt int) (string, error) {
	for k := 1; ; k++ {
		key := fmt.Sprintf("%s/%s/%d", r.req.Run, name, k)
		ended, err := r.deps.Ledger.Get(ctx, key+"/ended")
		if err != nil {
			return "", err
		}
		if at, err := strconv.Atoi(ended); err != nil || at >= attempt {
			return key, nil // not ended, or ended in this very attempt
		}
	}
}

func applyProblem(st dr.Stack, res dr.ApplyResult) error {
	switch res.Kind {
	case dr.ApplyDone:
		return nil
	case dr.ApplyWider:
		return &dr.Error{Code: dr.Conflict, Msg: fmt.Sprintf("the plan of %s is wider than the approved one, so nothing was applied: %s.", st.Name, list(res.Wider[:min(len(res.Wider), 5)])), Hint: "undo what changed outside Git, then answer retry; a wider change needs a run of its own"}
	case dr.ApplyLocked:
		return &dr.Error{Code: dr.Conflict, Msg: fmt.Sprintf("the state of %s is locked: %s", st.Name, res.Summary), Hint: "when its holder is done, answer retry"}
	case dr.ApplyLost:
		return &dr.Error{Code: dr.Uncertain, Msg: fmt.Sprintf("the apply of %s died without a result. %s", st.Name, res.Summary), Hint: "see to what it names, then answer retry: what was completed is not made a second time"}
	default:
		return &dr.Error{Code: dr.Conflict, Msg: fmt.Sprintf("the apply of %s failed: %s", st.Name, res.Summary), Hint: "mend what it names, then answer retry: what is left is planned and applied"}
	}
}

func orNothing(words []string) string {
	if len(words) == 0 {
		return "nothing"
	}
	return list(words)
}

// redeploy starts new tasks in the target, because pools opened before the
// promotion hold connections to the old writer and never ask DNS again.
func (r *runbook) redeploy(done promoted) error {
	_, _, err := must(r, "redeploy/"+string(r.req.Target), func(ctx context.Context, _ int) (line, error) {
		st, err := r.deps.Workloads.Workload(ctx, r.svc, r.req.Target)
		if err != nil {
			return "", err
		}
		// Compared by the platform's clock alone: by this host's, if that is behind, tasks
		// from before the promotion would pass for new ones.
		before := done.Deployed
		if before.IsZero() {
			before = st.DeployedAt // known from this step's own first look on
			if err := keepJSON(ctx, r.deps.Ledger, r.req.Run+"/deployed/"+string(r.req.Target), &before); err != nil {
				return "", err
			}
		}
		if st.DeployedAt.After(before) {
			return "deployed since the promotion", nil
		}
		return "new deployment started", again(r.deps.Workloads.Redeploy(ctx, r.svc, r.req.Target))
	})
	return err
}

// gate waits until the target can take the traffic.
func (r *runbook) gate(name string) error {
	_, _, err := must(r, name, func(ctx context.Context, _ int) (line, error) {
		return r.awaitHealthy(ctx, name, r.svc.Names.Regional[r.req.Target])
	})
	return err
}

// verify proves that users reach the target: the public name leads there, and
// what answers is healthy.
func (r *runbook) verify() error {
	_, _, err := must(r, "verify", func(ctx context.Context, _ int) (line, error) {
		return r.awaitHealthy(ctx, "verify", r.svc.Names.Public)
	})
	return err
}

func (r *runbook) awaitHealthy(ctx context.Context, name, dns string) (line, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.deps.Timing.Gate)
	defer cancel()
	var last []string
	for {
		lacking, facts := r.lacking(ctx, dns)
		if len(lacking) == 0 {
			return line(list(facts)), nil
		}
		if ctx.Err() == nil || last == nil {
			last = lacking // a look cut off by the deadline says nothing about the Region
			r.mark(ctx, name, func(s *dr.Step, _ time.Time) { s.Detail = "waiting: " + list(lacking) })
		}
		if wait(ctx, r.deps.Timing.Poll) != nil {
			return "", &dr.Error{Code: dr.Conflict, Msg: fmt.Sprintf("%s is not healthy after %s: %s.", r.req.Target, dr.Human(r.deps.Timing.Gate), list(last)), Hint: "mend what is named, then answer retry"}
		}
	}
}

// lacking lists what keeps the target from serving under a name. It counts: an
// empty list of tasks or targets is not a healthy one.
func (r *runbook) lacking(ctx context.Context, dns string) (lacking, facts []string) {
	no := func(format string, args ...any) { lacking = append(lacking, fmt.Sprintf(format, args...)) }
	yes := func(format string, args ...any) { facts = append(facts, fmt.Sprintf(format, args...)) }
	w, err := r.deps.Workloads.Workload(ctx, r.svc, r.req.Target)
	switch {
	case err != nil:
		no("the service's state could not be read")
	case w.Desired < 1:
		no("the service wants %d tasks", w.Desired)
	case w.Running != w.Desired:
		no("%d of %d tasks run", w.Running, w.Desired)
	case w.Rollout != "" && w.Rollout != "COMPLETED":
		no("the deployment is %s", w.Rollout)
	case r.svc.Workloads[r.req.Target].TargetGroup != "" && w.Healthy < w.Desired:
		no("%d of %d targets are healthy", w.Healthy, w.Desired)
	default:
		yes("%d of %d tasks", w.Running, w.Desired)
		yes("%d healthy targets", w.Healthy)
	}
	if r.svc.Database.GlobalCluster != "" {
		st, err := r.deps.Database.DatabaseState(ctx, r.svc, r.req.Target)
		switch {
		case err != nil:
			no("the database's state could not be read")
		case st.Writer != r.req.Target:
			no("the writer is in %s", st.Writer)
		case !st.WriterReady:
			no("the writer is not available: %s", st.WriterDetail)
		default:
			yes("writer available")
		}
	}
	r.lackingName(ctx, dns, no, yes)
	return lacking, facts
}

func (r *runbook) lackingName(ctx context.Context, dns string, no, yes func(string, ...any)) {
	res, err := r.deps.Network.Resolve(ctx, r.svc, dns)
	regional := r.svc.Names.Regional[r.req.Target]
	switch {
	case err != nil:
		no("%s does not resolve", dns)
		return
	case len(res.Addresses) == 0:
		no("%s has no address", dns)
		return
	case !slices.Contains(res.Chain, regional):
		no("%s does not lead to %s", dns, regional)
		return
	}
	yes("name resolves")
	probes, err := r.deps.Network.Probe(ctx, r.svc, dns)
	if err != nil {
		no("the probes could not be made")
	}
	for _, c := range probes {
		if c.Level != dr.OK {
			no("%s", c.Line())
		}
	}
	if len(probes) > 0 && dr.Worst(probes) == dr.OK {
		yes("probes pass")
	}
}

// settleSource applies the source's stack at the end of a planned run, so that
// both Regions are as Git says. In a disaster that waits for a run of its own.
func (r *runbook) settleSource(p planned) error {
	if r.req.Mode != dr.Planned {
		return nil
	}
	st, ok := r.svc.RegionStack(r.source)
	if !ok {
		return nil
	}
	if approved, ok := p.Plans.Of(st.Name); ok && approved.Counts() == (dr.Counts{}) {
		if err := r.resumeSource(); err != nil {
			return err
		}
	}
	return r.apply(st, p)
}

// resumeSource gives the source the tasks back that it had before the writer moved.
// Where the approved plan leaves the source's stack alone, as with both Regions active, Git
// says that they are to run on; Terraform would find their absence and be refused to mend
// what nobody approved.
func (r *runbook) resumeSource() error {
	_, _, err := must(r, "resume/"+string(r.source), func(ctx context.Context, _ int) (line, error) {
		n, err := r.giveBack(ctx)
		if err != nil || n <= 0 {
			return "it had no tasks", err
		}
		return line(fmt.Sprintf("%d tasks again, with the writer in %s", n, r.req.Target)), nil
	})
	return err
}
