package workflows

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/drbot/drbot/dr"
)

// planned is what was put before the people: plans, their digest, the base they
// were made against, and the reviews that were there before and never count.
type planned struct {
	Plans    dr.Plans `json:"plans"`
	Digest   string   `json:"digest"`
	Base     string   `json:"base"`
	Recorded []int64  `json:"recorded"`
	Line     string   `json:"line"`
}

func (p planned) detail() string { return p.Line }

// getApproved takes the change from its opening to its merge. It goes around when
// the world moves: another head means a new change, another base another plan.
func (r *runbook) getApproved() (planned, error) {
	change, err := r.openChange(1)
	if err != nil {
		return planned{}, err
	}
	p, err := r.plan(change)
	if err != nil {
		return planned{}, err
	}
	for changes := 1; ; {
		seen, err := r.awaitApproval(change, p)
		if err != nil {
			return planned{}, err
		}
		if seen.Approval.Broken != "" {
			changes++
			if change, err = r.replaceChange(change, changes, seen.Approval.Broken); err != nil {
				return planned{}, err
			}
			if p, err = r.plan(change); err != nil {
				return planned{}, err
			}
			continue
		}
		out, err := r.merge(change, p)
		if err != nil {
			return planned{}, err
		}
		switch out.Kind {
		case mergeDone:
			return p, nil
		case mergeBaseMoved:
			if p, err = r.planMergeResult(change, p, out.Base); err != nil {
				return planned{}, err
			}
		case mergeExpired:
			return planned{}, r.expired(seen.Approval)
		case mergeNotApproved: // somebody changed their mind between two looks: wait again
		}
	}
}

// maxChanges bounds how often a run opens its change anew: somebody who keeps
// pushing to the bot's branch is to be talked to, not raced.
const maxChanges = 5

func (r *runbook) branch(n int) string {
	if n == 1 {
		return "drbot/" + r.req.Run
	}
	return fmt.Sprintf("drbot/%s-%d", r.req.Run, n)
}

func stepName(name string, n int) string {
	if n == 1 {
		return name
	}
	return fmt.Sprintf("%s-%d", name, n)
}

type opened struct {
	Change dr.Change `json:"change"`
}

func (o opened) detail() string { return fmt.Sprintf("#%d on %s", o.Change.Number, o.Change.Branch) }

// openChange makes the pull request that flips active_region and nothing else.
func (r *runbook) openChange(n int) (dr.Change, error) {
	out, _, err := must(r, stepName("open-change", n), func(ctx context.Context, _ int) (opened, error) {
		repo := r.svc.Repository
		_, base, err := r.deps.Change.File(ctx, repo, repo.Base)
		if err != nil {
			return opened{}, err
		}
		// The base the first try saw is kept: a second try must find its own branch again.
		if base, err = r.deps.Ledger.Keep(ctx, fmt.Sprintf("%s/base/%d", r.req.Run, n), base); err != nil {
			return opened{}, err
		}
		content, _, err := r.deps.Change.File(ctx, repo, base)
		if err != nil {
			return opened{}, err
		}
		flipped, err := r.deps.File.SetActiveRegion(content, r.req.Target)
		if err != nil {
			return opened{}, err
		}
		run, err := r.deps.Runs.Run(ctx, r.req.Run)
		if err != nil {
			return opened{}, err
		}
		change, err := r.deps.Change.OpenChange(ctx, dr.ChangeRequest{
			Repository: repo, Branch: r.branch(n), BaseSHA: base, Content: flipped,
			Title:   changeTitle(r.req),
			Message: changeTitle(r.req) + "\n\n" + oneLine(r.req.Reason) + "\n\nRun: " + r.req.Run,
			Body:    changeBody(run, r.svc),
		})
		if err != nil {
			return opened{}, err
		}
		r.update(ctx, func(run *dr.Run) { run.Change = change })
		return opened{change}, nil
	})
	return out.Change, err
}

// replaceChange closes a change that is no longer the one drbot made and opens it
// anew, on a branch of its own.
func (r *runbook) replaceChange(old dr.Change, n int, why string) (dr.Change, error) {
	if n > maxChanges {
		return old, &ending{State: dr.RunStopped, Outcome: fmt.Sprintf("the change was tampered with %d times: %s", maxChanges, why), Hint: "find out who pushes to the bot's branches, then ask again"}
	}
	out := record(r, "replace-change", func(ctx context.Context) (bool, error) {
		body := fmt.Sprintf("### Closed by drbot\n\n%s\n\nA new pull request with the same change follows, on `%s`. Approvals given here do not count there.", dr.Capital(why)+".", r.branch(n))
		if err := r.deps.Publish.Comment(ctx, r.svc.Repository, old.Number, fmt.Sprintf("drbot:replaced:%s:%d", r.req.Run, n), body); err != nil {
			return false, err
		}
		if err := r.deps.Change.CloseChange(ctx, r.svc.Repository, old); err != nil {
			return false, err
		}
		if err := r.audit(ctx, "replace change", fmt.Sprintf("#%d: %s", old.Number, why)); err != nil {
			return false, err
		}
		return true, r.say(ctx, fmt.Sprintf("replaced/%d", n), dr.Warn, fmt.Sprintf("#%d is closed: %s", old.Number, why), "A new pull request with the same change follows; it needs its own approvals.")
	})
	if !out.ok() {
		r.deps.Log.Warn("the replaced change was not closed", "run", r.req.Run, "error", out.Msg)
	}
	return r.openChange(n)
}

// plan makes the plan of every stack of the run on the head commit and puts it
// before the people.
func (r *runbook) plan(change dr.Change) (planned, error) {
	p, _, err := must(r, "plan", func(ctx context.Context, _ int) (planned, error) {
		plans, err := r.plans(ctx, change.Head, "")
		if err != nil {
			return planned{}, err
		}
		return r.publish(ctx, change, plans, change.Base)
	})
	return p, err
}

// planMergeResult answers a base that moved: what would the merge give now? If it
// is what people approved, or less, their approvals stand; else they are asked again.
func (r *runbook) planMergeResult(change dr.Change, was planned, base string) (planned, error) {
	p, _, err := must(r, "plan", func(ctx context.Context, _ int) (planned, error) {
		plans, err := r.plans(ctx, change.Head, base)
		if err != nil {
			return planned{}, err
		}
		wider := widerThan(plans, was.Plans)
		if len(wider) == 0 {
			was.Base = base
			return was, nil
		}
		const why = "The base branch moved, and merging into it would change more than was approved: new approvals are needed."
		r.update(ctx, func(run *dr.Run) { run.Outcome = why })
		lines := append([]string{why}, wider...)
		if err := r.say(ctx, "wider/"+base, dr.Warn, "The plan is wider than the approved one", lines...); err != nil {
			return planned{}, err
		}
		return r.publish(ctx, change, plans, base)
	})
	return p, err
}

func widerThan(now, approved dr.Plans) []string {
	var out []string
	for _, p := range now {
		was, ok := approved.Of(p.Stack)
		if !ok {
			out = append(out, p.Stack+": no plan of this stack was approved")
			continue
		}
		for _, w := range dr.Wider(p, was) {
			out = append(out, p.Stack+": "+w)
		}
	}
	return out
}

// plans plans every stack of the run, two at a time: a plan is mostly waiting,
// but a provider is a big process.
func (r *runbook) plans(ctx context.Context, commit, mergeInto string) (dr.Plans, error) {
	stacks := r.svc.RunStacks(r.req.Mode, r.source, r.req.Target)
	plans := make(dr.Plans, len(stacks))
	errs := make([]error, len(stacks))
	slots := make(chan struct{}, 2)
	var wg sync.WaitGroup
	for i, st := range stacks {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			plans[i], errs[i] = r.deps.Terraform.Plan(ctx, dr.PlanRequest{
				Run: r.req.Run, Service: r.svc, Stack: st, Commit: commit, MergeInto: mergeInto,
			})
		})
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("plan %s: %w", stacks[i].Name, err)
		}
	}
	return plans, nil
}

// publish lets the policy judge the plans, writes them on the pull request, and
// records the reviews that exist by then: what is approved from here on is this digest.
func (r *runbook) publish(ctx context.Context, change dr.Change, plans dr.Plans, base string) (planned, error) {
	decision, err := r.deps.Policy.Plans(ctx, r.svc, r.source, plans)
	if err != nil {
		return planned{}, err
	}
	p := planned{Plans: plans, Digest: plans.Digest(), Base: base, Line: countsLine(plans)}
	run, err := r.deps.Runs.UpdateRun(ctx, r.req.Run, func(run *dr.Run) {
		run.PlanLine, run.Digest = p.Line, p.Digest
		run.Decisions = append(run.Decisions, decision)
	})
	if err != nil {
		return planned{}, err
	}
	repo := r.svc.Repository
	if err := r.deps.Publish.Comment(ctx, repo, change.Number, "drbot:plan:"+r.req.Run, planComment(run, plans, p.Digest, decision)); err != nil {
		return planned{}, err
	}
	state, text := dr.StateSuccess, p.Line
	if !decision.Allowed {
		state, text = dr.StateFailure, "denied by policy: "+list(decision.Reasons)
	}
	if err := r.deps.Publish.Status(ctx, repo, change.Head, "drbot/plan", state, text, ""); err != nil {
		return planned{}, err
	}
	if !decision.Allowed {
		return planned{}, &dr.Error{Code: dr.Denied, Msg: "the policy denies this plan: " + list(decision.Reasons) + ".", Hint: "change the Terraform on " + repo.Base + ", then ask again"}
	}
	if p.Recorded, err = r.recordReviews(ctx, change, p); err != nil {
		return planned{}, err
	}
	return p, r.callApprovers(ctx, change, p)
}

// callApprovers asks those who may approve, by name, once for each plan.
func (r *runbook) callApprovers(ctx context.Context, change dr.Change, p planned) error {
	who := slices.DeleteFunc(slices.Clone(r.svc.Approvers), func(name string) bool { return name == r.req.Requester })
	return r.deps.say(ctx, dr.Note{
		Key: fmt.Sprintf("%s/call/%d/%s", r.req.Run, change.Number, p.Digest), Run: r.req.Run, Channel: r.svc.Channel,
		Level: dr.Warn, Title: fmt.Sprintf("#%d needs %d approvals", change.Number, r.svc.Quorum), Link: change.URL, Mention: who,
		Lines: []string{p.Line + ". Review it on GitHub: a reply here is no approval."},
	})
}

// recordReviews keeps the ids of the reviews that existed right after a digest was
// posted on a base, once: a step that runs again after a crash must not discount approvals
// that were given while the bot was down.
func (r *runbook) recordReviews(ctx context.Context, change dr.Change, p planned) ([]int64, error) {
	st, err := r.deps.Change.ChangeState(ctx, r.svc.Repository, change.Number)
	if err != nil {
		return nil, err
	}
	ids := []int64{}
	for _, rv := range st.Reviews {
		ids = append(ids, rv.ID)
	}
	doc, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	stored, err := r.deps.Ledger.Keep(ctx, fmt.Sprintf("%s/reviews/%d/%s/%s", r.req.Run, change.Number, p.Digest, p.Base), string(doc))
	if err != nil {
		return nil, err
	}
	var recorded []int64
	return recorded, json.Unmarshal([]byte(stored), &recorded)
}
