package workflows

import (
	"context"
	"fmt"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
	"github.com/drbot/drbot/workflows/steps"
)

// approval is how far the change of a run has come between its opening and its merge.
type approval struct {
	deadline time.Time // when the request expires, before what the clock was set by
	told     int       // reminders
	blind    blind     // how long nobody could see who approved

	round    int       // how often they were asked again
	compared string    // the newest base that a look has compared with the planned one
	adopted  bool      // people took up a merge that was none of this run's
	queued   bool      // the change is the merge queue's to merge: it was put there, or was about to be
	handed   bool      // it is known to have been put there
	tries    int       // to merge, or to have it merged: what is said of each is said once
	looked   time.Time // when it was last looked at whether what people approved is still so

	// Why what has its approvals is not merged, and until when it is not looked at again.
	held      []dr.Text
	notBefore time.Time

	overtaken string      // who cancelled when somebody else had merged it already
	shown     dr.Approval // what the record and the status say, as this process saw it
	unqueued  time.Time   // until when this process does not look whether somebody else has queued the change
}

// stage is a part of that way: what it works on is the run, and how far the change has come.
// The parts are types of their own, and none has the others' methods.
type stage struct {
	f *failover
	a *approval
}

// maxChanges bounds how often a run opens its change anew: somebody who keeps
// pushing to the bot's branch is to be talked to, not raced.
const maxChanges = 5

// behindBase is why a change is opened anew whose base asks for heads that have all of it.
const behindBase dr.TextID = "change.behind"

// getApproved goes around when the world moves: another head means a new change,
// another base another plan.
func (f *failover) getApproved() error {
	s := stage{f: f, a: &approval{}}
	plan, wait, check, merge := planning(s), waiting(s), rechecking(s), merging(s)
	if err := s.open(1); err != nil {
		return err
	}
	p, err := plan.plan()
	if err != nil {
		return err
	}
	changes, ahead := 1, false
	anew := func(why dr.Text) (err error) {
		changes++
		if err = s.replace(changes, why); err == nil {
			p, err = plan.plan()
		}
		ahead = false
		return err
	}
	for {
		seen, err := wait.await(p, !ahead)
		if err != nil {
			return err
		}
		if !seen.Approval.Broken.Empty() {
			if err = anew(seen.Approval.Broken); err != nil {
				return err
			}
			continue
		}
		if !seen.Merged {
			found, err := check.look(p, seen)
			if err != nil {
				return err
			}
			ahead = ahead || len(seen.Approval.By) > 0
			switch {
			case len(found.Denied) > 0:
				continue // said, and looked at again after a while
			case len(found.Worse) > 0:
				if p, err = check.askAgain(p, found); err != nil {
					return err
				}
				ahead = false
				continue
			}
			if p = p.stands(found); !seen.Approval.Allowed {
				continue
			}
		}
		// What was said while it was looked at and planned again counts before the merge.
		if by := f.run.Cancelled(); by != "" {
			if !seen.Merged {
				return f.cancelled(dr.T("run.cancelled", "who", by))
			}
			s.a.overtaken = by
		}
		out, err := merge.merge(p)
		if err != nil {
			return err
		}
		switch out.Kind {
		case steps.MergeDone:
			return nil
		case steps.MergeBaseMoved:
			if p, err = plan.planMergeResult(p, out.Base); err != nil {
				return err
			}
			if p.Anew || s.a.queued { // it was there for longer, perhaps, than a request lives
				s.waitAnew()
			}
		case steps.MergeBehind:
			s.waitAnew()
			if err = anew(dr.T("change.behind", "base", f.svc.Repository.Base)); err != nil {
				return err
			}
		case steps.MergeStale: // it goes around: an expiry and a cancel are looked at as well
			if s.a.handed {
				s.waitAnew()
			}
		case steps.MergeExpired:
			return s.expired(seen.Approval)
		case steps.MergeCancelled:
			return f.cancelled(dr.T("run.cancelled", "who", out.By))
		case steps.MergeNotApproved: // somebody changed their mind between two looks: wait again
			if s.a.queued { // which may have been for longer than a request lives
				s.waitAnew()
			}
		}
	}
}

// waitAnew has the time that people have begin anew, with what they are asked.
func (s stage) waitAnew() { s.a.deadline, s.a.told, s.a.round = time.Time{}, 0, s.a.round+1 }

func (s stage) branch(n int) string { return numbered(Branches+s.f.req.Run, n) }

// Branches is what the names of the bot's branches begin with.
const Branches = "drbot/"

// numbered names what is done again.
func numbered(name string, n int) string {
	if n == 1 {
		return name
	}
	return fmt.Sprintf("%s-%d", name, n)
}

type opened struct {
	Change dr.Change `json:"change"`
}

// Line names the pull request.
func (o opened) Line() dr.Text {
	return dr.T("change.opened", "number", o.Change.Number, "branch", o.Change.Branch)
}

// open makes the pull request that flips active_region and nothing else.
func (s stage) open(n int) error {
	out, err := engine.Until(s.f.run, numbered(stepOpen, n), s.f.answer, func(ctx context.Context) (opened, error) {
		change, err := s.propose(ctx, n)
		if err != nil {
			return opened{}, err
		}
		// Whoever looks for the pull request of the run finds it here.
		return opened{change}, s.f.run.Write(ctx, func(run *dr.Run) { run.Change = change })
	})
	if err != nil {
		return err // the last one stays known: somebody may have merged it
	}
	s.f.change, s.a.queued, s.a.handed, s.a.unqueued = out.Change, false, false, time.Time{}
	return nil
}

func (s stage) propose(ctx context.Context, n int) (dr.Change, error) {
	repo, files := s.f.svc.Repository, s.f.Forge.Files
	_, base, err := files.File(ctx, repo, repo.Base)
	if err != nil {
		return dr.Change{}, err
	}
	// The base the first try saw is kept: a second try must find its own branch again.
	if base, err = s.f.Store.Keeper.Keep(ctx, fmt.Sprintf("%s/base/%d", s.f.req.Run, n), base); err != nil {
		return dr.Change{}, err
	}
	content, _, err := files.File(ctx, repo, base)
	if err != nil {
		return dr.Change{}, err
	}
	flipped, err := s.f.Forge.Region.SetActiveRegion(content, s.f.req.Target)
	if err != nil {
		return dr.Change{}, err
	}
	title, message, body := s.f.Forge.Pages.Change(s.picture(), s.f.svc)
	change, err := s.f.Forge.Changes.OpenChange(ctx, dr.ChangeRequest{
		Repository: repo, Branch: s.branch(n), BaseSHA: base, Content: flipped, Title: title, Message: message, Body: body,
	})
	if err != nil {
		return dr.Change{}, err
	}
	s.f.change = change // known from here on, also where what follows fails
	return change, posting(s).write(ctx, board{Posted: dr.Posted{Title: title, Body: body, Head: change.Head}})
}

// picture is the run as its pull request shows it, made of what the steps left behind
// and not of the record.
func (s stage) picture() dr.Run {
	run := newRun(s.f.svc, s.f.req, s.f.list)
	run.Checks, run.Accepts, run.Change = s.f.checks, s.f.accepts, s.f.change
	return run
}

// replace closes a change that is no longer the one drbot made and opens it anew, on a
// branch of its own.
func (s stage) replace(n int, why dr.Text) error {
	switch base := s.f.svc.Repository.Base; {
	case n > maxChanges && why.ID == behindBase:
		return &ending{State: dr.RunStopped, Outcome: dr.T("change.base-busy", "n", maxChanges, "base", base), Next: dr.T("change.base-busy.next", "base", base, "command", s.f.again())}
	case n > maxChanges:
		return &ending{State: dr.RunStopped, Outcome: dr.T("change.tampered", "n", maxChanges, "why", why), Next: dr.T("change.tampered.next")}
	}
	old := s.f.change
	out := engine.Note(s.f.run, "replace-change", func(ctx context.Context) (bool, error) {
		body := s.f.Forge.Pages.Comment(dr.T("change.closed"), []dr.Text{dr.T("change.replaced", "why", why, "branch", s.branch(n))})
		if err := s.f.Forge.Publish.Comment(ctx, s.f.svc.Repository, old.Number, fmt.Sprintf("drbot:replaced:%s:%d", s.f.req.Run, n), body); err != nil {
			return false, err
		}
		if err := s.f.Forge.Changes.CloseChange(ctx, s.f.svc.Repository, old); err != nil {
			return false, err
		}
		if err := s.f.run.Audit(ctx, "replace-change", dr.T("audit.replace", "number", old.Number, "why", why)); err != nil {
			return false, err
		}
		return true, s.f.run.Say(ctx, fmt.Sprintf("replaced/%d", n), dr.Warn, dr.T("note.replaced", "number", old.Number, "why", why), dr.T("note.replaced.follows"))
	})
	if !out.OK() {
		s.f.run.Log().Warn("the replaced change was not closed", "why", out.What.String())
	}
	return s.open(n)
}
