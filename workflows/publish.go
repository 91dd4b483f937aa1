package workflows

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/drbot/drbot/dr"
)

// publish lets the policy judge the plans, writes them on the pull request, and
// records the reviews that exist by then: what is approved from here on is this digest.
func (s planning) publish(ctx context.Context, plans dr.Plans, base string, round int) (proposal, error) {
	decision, err := s.f.Policy.Plans(ctx, s.f.svc, s.f.source, plans)
	if err != nil {
		return proposal{}, err
	}
	p := proposal{Plans: plans, Digest: plans.Digest(), Base: base, Counts: plans.Line(), At: steady(s.f.run, s.f.run.Now(ctx)), Round: round}
	if err := s.f.run.Write(ctx, func(run *dr.Run) {
		run.PlanLine, run.Digest = p.Counts, p.Digest
		run.Decide(stepPlan, decision)
	}); err != nil {
		return proposal{}, err
	}
	repo := s.f.svc.Repository
	told, err := s.tell(ctx, p)
	if err != nil {
		return proposal{}, err
	}
	if err := posting(s).plan(ctx, s.f.Forge.Pages.Plan(stage(s).picture(), plans, p.Digest, decision)); err != nil {
		return proposal{}, err
	}
	state, text := dr.StateSuccess, dr.T("plan.status", "digest", shortDigest(p.Digest), "plan", p.Counts)
	if !decision.Allowed {
		state, text = dr.StateFailure, dr.T("plan.denied-status", "reasons", decision.Reasons)
	}
	if decision.Allowed {
		if err := stage(s).notByItself(ctx); err != nil {
			return proposal{}, err
		}
	}
	if err := posting(s).status(ctx, dr.PostedStatus{Name: statusPlan, State: state, Text: s.f.Forge.Pages.Line(text)}); err != nil {
		return proposal{}, err
	}
	if !decision.Allowed {
		return proposal{}, &dr.Error{Code: dr.Denied, What: dr.T("plan.denied", "reasons", decision.Reasons), Next: dr.T("plan.denied.next", "base", repo.Base)}
	}
	before, err := s.recordReviews(ctx, told)
	if err != nil {
		return proposal{}, err
	}
	p.Recorded, p.Told = before.IDs, before.Told
	return p, s.callApprovers(ctx, p, told)
}

// planMarker is that of the comment with the plan.
func planMarker(run string) string { return "drbot:plan:" + run }

// tellFailure writes on the pull request why it cannot be planned, where the plan will
// stand: who reviews there need not look for it in Slack. What ends the run is told there by
// its end. What cannot be told keeps nobody from another try, or from the question.
func tellFailure(ctx context.Context, a planning, failed error) {
	switch dr.CodeOf(failed) {
	case dr.Invalid, dr.Denied, dr.Conflict, dr.NotFound:
		return
	}
	what, next := dr.Told(failed)
	page := a.f.Forge.Pages.Comment(dr.T("pr.plan.none", "run", a.f.req.Run, "commit", short(a.f.change.Head)), []dr.Text{what, next})
	repo := a.f.svc.Repository
	err := errors.Join(a.f.Forge.Publish.Comment(ctx, repo, a.f.change.Number, planMarker(a.f.req.Run), page),
		a.f.Forge.Publish.Status(ctx, repo, a.f.change.Head, statusPlan, dr.StateFailure, a.f.Forge.Pages.Line(what), ""))
	if err != nil {
		a.f.run.Log().WarnContext(ctx, "that there is no plan was not written on the pull request", "error", err)
	}
}

// telling is what stands on the pull request for people to approve, and how often something
// else had stood there before.
type telling struct {
	What string `json:"what"`
	N    int    `json:"n"`
}

// tell keeps what people are about to read, before they can. A process that died may have
// told them something else, and what they said to that is not said to this; what a process
// that died had told them already is the same telling.
func (s planning) tell(ctx context.Context, p proposal) (telling, error) {
	key, what := fmt.Sprintf("%s/told/%d", s.f.req.Run, s.f.change.Number), p.key(p.Digest+"/"+p.Base)
	kept, err := s.f.Store.Memory.Get(ctx, key)
	if err != nil {
		return telling{}, err
	}
	var last telling
	if kept != "" {
		if err := json.Unmarshal([]byte(kept), &last); err != nil {
			return telling{}, fmt.Errorf("decode what was told: %w", err)
		}
	}
	if last.What == what {
		return last, nil
	}
	now := telling{what, last.N + 1}
	doc, err := json.Marshal(now)
	if err != nil {
		return telling{}, err
	}
	return now, s.f.Store.Memory.Put(ctx, key, string(doc))
}

// callApprovers asks those who may approve, by name, once for each plan that they are told.
func (s planning) callApprovers(ctx context.Context, p proposal, told telling) error {
	who := slices.DeleteFunc(slices.Clone(s.f.svc.Approvers), func(name string) bool {
		p, _ := s.f.Team.People.ByName(name)
		return name == s.f.req.Requester || s.f.req.AskedBy(p, s.f.Team.People)
	})
	title := dr.T("note.call", "number", s.f.change.Number, "n", needed(s.f))
	if p.Round > 0 {
		title = dr.T("note.call.again", "number", s.f.change.Number, "n", needed(s.f), "round", p.Round+1)
	}
	return s.f.run.Post(ctx, dr.Note{
		Key: p.key(fmt.Sprintf("%s/call/%d/%s/%d", s.f.req.Run, s.f.change.Number, p.Digest, told.N)), Run: s.f.req.Run, Channel: s.f.svc.Channel,
		Level: dr.Warn, Title: title, Link: s.f.change.URL, Mention: who,
		Lines: []dr.Text{dr.T("note.call.line", "plan", p.Counts, "digest", shortDigest(p.Digest))},
	})
}

// saidBefore is what had been said on a change when people were told something.
type saidBefore struct {
	IDs  []int64   `json:"ids"`
	Told time.Time `json:"told,omitzero"` // by the forge's clock
}

// UnmarshalJSON reads what was kept of it once, too: the ids alone.
func (s *saidBefore) UnmarshalJSON(doc []byte) error {
	*s = saidBefore{}
	if json.Unmarshal(doc, &s.IDs) == nil {
		return nil
	}
	type plain saidBefore
	return json.Unmarshal(doc, (*plain)(s))
}

// recordReviews keeps the ids of the reviews that existed right after people were told
// something, and when that was, once: a step that runs again after a crash must not discount
// approvals that were given while the bot was down.
func (s planning) recordReviews(ctx context.Context, told telling) (saidBefore, error) {
	at, err := s.f.Forge.Publish.Commented(ctx, s.f.svc.Repository, s.f.change.Number, planMarker(s.f.req.Run))
	if err != nil {
		return saidBefore{}, err
	}
	st, err := s.f.Forge.Changes.ChangeState(ctx, s.f.svc.Repository, s.f.change.Number)
	if err != nil {
		return saidBefore{}, err
	}
	now := saidBefore{IDs: idsOf(st.Reviews), Told: at.At}
	doc, err := json.Marshal(now)
	if err != nil {
		return saidBefore{}, err
	}
	stored, err := s.f.Store.Keeper.Keep(ctx, fmt.Sprintf("%s/reviews/%d/%d/%s", s.f.req.Run, s.f.change.Number, told.N, told.What), string(doc))
	if err != nil {
		return saidBefore{}, err
	}
	var recorded saidBefore
	if err := json.Unmarshal([]byte(stored), &recorded); err != nil {
		return saidBefore{}, fmt.Errorf("decode the recorded reviews: %w", err)
	}
	return recorded, posting(s).amend(ctx, func(b *board) { b.Seen, b.Void, b.Wrong = recorded.IDs, nil, false })
}
