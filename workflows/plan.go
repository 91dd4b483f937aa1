package workflows

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
	"github.com/drbot/drbot/workflows/steps"
)

// proposal is what was put before the people: plans, their digest, the base they
// were made against, and the reviews that were there before and never count.
type proposal struct {
	Plans    dr.Plans  `json:"plans"`
	Digest   string    `json:"digest"`
	Base     string    `json:"base"`
	Recorded []int64   `json:"recorded"`
	Told     time.Time `json:"told,omitzero"` // when people were told it, by the forge's clock: what was said before does not count
	Counts   dr.Text   `json:"counts"`

	At      time.Time `json:"at,omitzero"`       // when the plans were last made
	Named   []dr.Text `json:"named,omitempty"`   // what the policy lets pass when people see its name
	Acts    []dr.Text `json:"acts,omitempty"`    // of a resumption: what is left to be done
	Asks    string    `json:"asks,omitempty"`    // the digest of what its people accept, those and the plans
	Nothing bool      `json:"nothing,omitempty"` // is left
	Round   int       `json:"round,omitempty"`   // how often what had become worse was put before the people
	Anew    bool      `json:"anew,omitempty"`    // it was put before them at the merge, and their time begins anew with it
}

// Line counts what the plans would do.
func (p proposal) Line() dr.Text { return p.Counts }

// asked is what people name who accept a resumption.
func (p proposal) asked() string { return cmp.Or(p.Asks, p.Digest)[:8] }

// asksOf is the digest of a resumption's plans and acts.
func asksOf(p proposal) (string, error) {
	o, err := steps.Beyond(p.Plans, nil, p.Acts)
	return o.Digest, err
}

// key is a key of what belongs to this proposal alone.
func (p proposal) key(of string) string {
	if p.Round == 0 {
		return of
	}
	return fmt.Sprintf("%s/%d", of, p.Round)
}

// The statuses that a run sets on its commit.
const (
	statusPlan     = "drbot/plan"
	statusApproval = "drbot/approval"
)

// Statuses lists them: a repository may require them of a merge.
func Statuses() []string { return []string{statusPlan, statusApproval} }

// planning puts the plans of a change before people.
type planning stage

// plan makes the plan of every stack of the run on the head commit and puts it
// before the people. What cannot be planned there may be mended on the base since.
func (s planning) plan() (proposal, error) {
	return engine.Until(s.f.run, stepPlan, s.f.answer, func(ctx context.Context) (proposal, error) {
		on := proposed{base: s.f.change.Base}
		plans, err := s.plans(ctx, "")
		if tip := s.mended(ctx, err); tip != "" {
			on = proposed{base: tip, into: tip}
			plans, err = s.plans(ctx, tip)
		}
		if err != nil {
			tellFailure(ctx, s, err)
			return proposal{}, err
		}
		return s.putBefore(ctx, plans, on)
	})
}

// mended is the newest base where plans failed and what the stacks read is another there.
func (s planning) mended(ctx context.Context, failed error) string {
	if failed == nil {
		return ""
	}
	_, tip, err := s.f.Forge.Files.File(ctx, s.f.svc.Repository, s.f.svc.Repository.Base)
	if err != nil || tip == s.f.change.Base || !treesMoved(ctx, s.f.Terraform, &s.f.course, s.f.change.Base, dr.Tree{Commit: s.f.change.Head, MergeInto: tip}) {
		return ""
	}
	return tip
}

// planMergeResult answers a base that moved: what would the merge give now? If it
// is what people approved, or less, their approvals stand, unless the policy has something
// against it that no comparison looks at; else they are asked again.
func (s planning) planMergeResult(was proposal, base string) (proposal, error) {
	return engine.Until(s.f.run, stepPlan, s.f.answer, func(ctx context.Context) (proposal, error) {
		plans, err := s.plans(ctx, base)
		if err != nil {
			return proposal{}, err
		}
		wider := widerThan(plans, was.Plans)
		denied, err := preflight{s.f}.denied(ctx, plans)
		switch {
		case err != nil:
			return proposal{}, err
		case len(denied) > 0:
			return s.publish(ctx, plans, base, was.Round+1) // which says so, and ends it
		case len(wider) == 0:
			was.Base, was.At, was.Anew = base, steady(s.f.run, s.f.run.Now(ctx)), false
			return was, nil
		}
		why := dr.T("plan.wider")
		s.f.run.Update(ctx, func(run *dr.Run) { run.Outcome = why })
		if err := s.f.run.Say(ctx, "wider/"+base, dr.Warn, dr.T("note.wider"), append([]dr.Text{why}, wider...)...); err != nil {
			return proposal{}, err
		}
		now, err := s.putBefore(ctx, plans, proposed{base: base, into: base, round: was.Round + 1})
		now.Anew = true // a row without it is of a version that had their time run on
		return now, err
	})
}

// proposed is what plans are proposed on.
type proposed struct {
	base  string
	into  string // the base that they are planned to be merged into, where it is another than the change's
	round int
}

// putBefore puts plans before the people. While these begin to read, the plans are made
// again in the same places: what is another each time could be approved by nobody. Until
// that is known no approval counts, since the wait for them has not begun.
func (s planning) putBefore(ctx context.Context, plans dr.Plans, on proposed) (proposal, error) {
	made := s.f.run.Now(ctx)
	p, err := s.publish(ctx, plans, on.base, on.round)
	if err != nil {
		return proposal{}, err
	}
	same, err := twice(ctx, s.f.run, plans, made, func(ctx context.Context) (dr.Plans, error) {
		return plansAt(ctx, s.f, dr.PlanRequest{Commit: s.f.change.Head, MergeInto: on.into, AsApply: true})
	})
	switch {
	case err != nil && dr.CodeOf(err) == dr.Conflict:
		what, _ := dr.Told(err)
		return proposal{}, cmp.Or(s.f.Forge.Publish.Status(ctx, s.f.svc.Repository, s.f.change.Head, statusPlan, dr.StateFailure, s.f.Forge.Pages.Line(what), ""), err)
	case err != nil:
		return proposal{}, err
	case same.Digest() == p.Digest:
		p.At = steady(s.f.run, s.f.run.Now(ctx))
		return p, nil
	default: // the world has moved, and stands
		return s.publish(ctx, same, on.base, on.round)
	}
}

// twice makes plans once more, and gives those that two looks in a row agree on. What
// still differs is of the moment or of chance, and is refused by its address.
func twice(ctx context.Context, r *engine.Run, plans dr.Plans, made time.Time, plan func(context.Context) (dr.Plans, error)) (dr.Plans, error) {
	began := r.Now(ctx)
	var differ []dr.Text
	for range mostLooks {
		// Terraform's clock has whole seconds: two plans of one have the same time.
		if err := engine.Wait(ctx, made.Truncate(time.Second).Add(time.Second).Sub(r.Now(ctx))); err != nil {
			return nil, err
		}
		again, err := plan(ctx)
		if err != nil {
			return nil, err
		}
		if differ = differing(plans, again); len(differ) == 0 {
			r.Log().InfoContext(ctx, "planned twice", "run", r.ID, "took", r.Now(ctx).Sub(began).Round(time.Millisecond).String())
			return plans, nil
		}
		plans, made = again, r.Now(ctx)
	}
	return nil, &dr.Error{Code: dr.Conflict, What: dr.T("plan.unstable", "what", differ[:min(len(differ), differingShown)], "n", len(differ)), Next: dr.T("plan.unstable.next")}
}

const (
	// mostLooks is how often plans are made again before what differs is refused: a world
	// that moved once is no reason to.
	mostLooks = 2
	// differingShown bounds what is named of what differs.
	differingShown = 10
)

func differing(a, b dr.Plans) []dr.Text {
	var out []dr.Text
	for _, p := range a {
		if o, ok := b.Of(p.Stack); ok {
			out = append(out, dr.Differs(p, o)...)
		}
	}
	return out
}

func widerThan(now, approved dr.Plans) []dr.Text {
	var out []dr.Text
	for _, p := range now {
		was, ok := approved.Of(p.Stack)
		if !ok {
			out = append(out, dr.T("plan.unapproved", "stack", p.Stack))
			continue
		}
		for _, w := range dr.Wider(p, was) {
			out = append(out, dr.T("plan.wider-line", "stack", p.Stack, "what", w))
		}
	}
	return out
}

// plans plans the change, merged into a commit where one is given.
func (s planning) plans(ctx context.Context, mergeInto string) (dr.Plans, error) {
	return plansAt(ctx, s.f, dr.PlanRequest{Commit: s.f.change.Head, MergeInto: mergeInto})
}

// plansAt plans every stack that the run applies, each like a request, and refuses what
// would leave the users where they are.
func plansAt(ctx context.Context, f *failover, like dr.PlanRequest) (dr.Plans, error) {
	plans, err := plansOf(ctx, f.Terraform, &f.course, steps.StacksOf(f.list), like)
	if err != nil {
		return nil, err
	}
	return plans, moveUsers(ctx, f.Cloud.Names, &f.course, plans)
}

// plansOf plans stacks side by side, each like a request: Terraform's own limit is the whole
// program's.
func plansOf(ctx context.Context, by Planner, c *course, stacks []dr.Stack, like dr.PlanRequest) (dr.Plans, error) {
	plans := make(dr.Plans, len(stacks))
	errs := engine.Each(ctx, len(stacks), func(ctx context.Context, i int) (err error) {
		req := like
		req.Run, req.Service, req.Stack, req.Flip = c.req.Run, c.svc, stacks[i], c.req.Target
		plans[i], err = by.Plan(ctx, req)
		return err
	})
	for i, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("plan %s: %w", stacks[i].Name, err)
		}
	}
	return plans, nil
}

// moveUsers refuses plans that leave the users where they are: the change then does not
// reach what leads them, whatever the stacks are told. What changes beside that leads nobody.
func moveUsers(ctx context.Context, by Names, c *course, plans dr.Plans) error {
	traffic := c.svc.StacksOf(dr.TrafficStack)
	moves := func(st dr.Stack) bool {
		p, planned := plans.Of(st.Name)
		return !planned || slices.ContainsFunc(p.Changes, dr.ResourceChange.MayLead)
	}
	if len(traffic) == 0 || slices.ContainsFunc(traffic, moves) {
		return nil
	}
	name, stack := c.svc.Names.Public, traffic[0].Name
	_, leads, err := steps.Leads(ctx, by, c.svc, name, c.req.Target)
	switch {
	case err != nil:
		return &dr.Error{Code: dr.Temporary, What: dr.T("plan.unmoved.unread", "stack", stack, "name", name), Next: dr.T("plan.unmoved.unread.next"), Err: err}
	case !leads:
		return &dr.Error{Code: dr.Conflict, What: dr.T("plan.unmoved", "stack", stack, "name", name, "region", c.req.Target), Next: dr.T("plan.unmoved.next", "stack", stack)}
	}
	return nil
}
