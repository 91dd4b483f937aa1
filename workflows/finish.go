package workflows

import (
	"cmp"
	"context"
	"slices"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
	"github.com/drbot/drbot/workflows/steps"
)

// actionEnd is the action of the audit entry of a run's end, and itself who it is by.
const (
	actionEnd = "end"
	itself    = "drbot"
)

// finish writes how a run ended, cleans up what has not been merged, and tells.
func (f *failover) finish(err error) dr.RunState {
	end := &ending{State: dr.RunSucceeded}
	if err != nil {
		end = endingOf(err)
	}
	if end.State != dr.RunSucceeded {
		leadOn(&f.course, end)
		if !f.merged {
			f.abandonChange(end)
		}
	}
	engine.Note(f.run, "finish", func(ctx context.Context) (bool, error) {
		now := f.host.Now()
		if end.State != dr.RunSucceeded && f.merged {
			end = whereGitIs(ctx, f.Forge, &f.course, end)
		}
		if err := f.run.Write(ctx, func(run *dr.Run) {
			run.State, run.Ended, run.Question, run.Progress = end.State, now, nil, nil
			for i := range run.Steps {
				if st := &run.Steps[i]; st.State == dr.StepRunning { // nothing of it goes on
					st.State, st.Ended, st.Detail = dr.StepFailed, now, dr.T("step.not-over")
				}
			}
			if end.State != dr.RunSucceeded || !end.Outcome.Empty() {
				run.Outcome, run.Next = end.Outcome, end.Next
			}
		}); err != nil {
			return false, err
		}
		if err := f.run.Audit(ctx, actionEnd, dr.T("audit.end", "state", end.State.Text(), "outcome", end.Outcome)); err != nil {
			return false, err
		}
		level := dr.Warn
		if end.State == dr.RunSucceeded {
			if end.Outcome.Empty() {
				return true, nil // close-out has told the result
			}
			level = dr.OK
		}
		return true, f.run.Say(ctx, "end", level, dr.T("note.ended", "state", end.State.Text()), end.Outcome, end.Next)
	})
	return end.State
}

// leadOn gives an end a command where its words have none: what an edge, the policy or a
// count of approvals says to mend does not know by which run it is asked.
func leadOn(c *course, end *ending) {
	for _, cmd := range slices.Concat(end.Outcome.Commands(), end.Next.Commands()) {
		if cmd.Verb != "status" { // that shows, and leads nowhere
			return
		}
	}
	command := c.again()
	if c.merged {
		command = toResume(c.req)
	}
	if end.Next.Empty() {
		end.Next = dr.T("run.type", "command", command)
		return
	}
	end.Next = dr.T("run.next-type", "next", end.Next, "command", command)
}

// abandonChange closes the pull requests of a run that ends before the merge, as far as
// there are any, and looks where that leaves Git. It is tried for a while; a pull request
// that stays open can be merged by nobody but its people, and no run follows it any more.
func (f *failover) abandonChange(end *ending) {
	if f.change.Number == 0 && f.svc.Name == "" {
		return // it never began
	}
	left := engine.Note(f.run, "close-change", func(ctx context.Context) (leftBehind, error) {
		var out leftBehind
		var err error
		if branch := perhapsOpened(&f.course); branch != "" {
			err = f.Forge.Changes.CloseChange(ctx, f.svc.Repository, dr.Change{Branch: branch})
		}
		out.Seen = true
		for _, change := range changesOfRun(&f.course) {
			// Closing what is merged does nothing. A merge whose answer was lost is a merge.
			err = cmp.Or(err, f.Forge.Changes.CloseChange(ctx, f.svc.Repository, change))
			st, unread := f.Forge.Changes.ChangeState(ctx, f.svc.Repository, change.Number)
			if unread != nil {
				out.Seen, err = false, cmp.Or(err, unread)
			}
			if st.Merged {
				out.Merged, out.Number = true, change.Number
			}
		}
		if out.Merged {
			// Who goes on from there is told by it whose word does not count.
			err = cmp.Or(err, f.run.Write(ctx, func(run *dr.Run) { run.MergedApart = true }))
		}
		if out.Merged || asksAnew(&f.course, end) {
			out.Base = baseSays(ctx, f.Forge, &f.course)
		}
		if f.change.Number == 0 {
			return out, err
		}
		told := end.leftBy(&f.course, out)
		body := f.Forge.Pages.Comment(told.State.Text(), []dr.Text{told.Outcome, told.Next})
		return out, cmp.Or(f.Forge.Publish.Comment(ctx, f.svc.Repository, f.change.Number, resultMarker(f.req.Run), body), err)
	})
	found := left.Value
	if found.Merged && found.Number == 0 {
		found.Number = f.change.Number
	}
	*end = *end.leftBy(&f.course, found)
	if f.change.Number != 0 && !left.OK() && !found.Seen {
		end.Outcome = dr.T("run.change-unknown", "outcome", end.Outcome, "number", f.change.Number)
	}
	if branch := perhapsOpened(&f.course); branch != "" && left.OK() {
		end.Outcome = dr.T("run.change-closed", "outcome", end.Outcome, "branch", branch)
	} else if branch != "" {
		end.Outcome = dr.T("run.change-perhaps", "outcome", end.Outcome, "branch", branch)
	}
}

// perhapsOpened is the branch of a pull request that may have been opened although the run
// knows of none: the answer was lost.
func perhapsOpened(c *course) string {
	for n := maxChanges; n >= 1; n-- {
		if out, tried := c.run.Outcome(numbered(stepOpen, n)); tried {
			if out.Code == dr.Uncertain || out.Code == dr.Temporary {
				return numbered(Branches+c.req.Run, n)
			}
			return ""
		}
	}
	return ""
}

// revertOrResume leads on where Git has moved and the run that asked for it does not go on.
func revertOrResume(c *course) dr.Text {
	return dr.T("run.stopped.resume", "next", c.revertFirst(), "command", toResume(c.req))
}

func resultMarker(run string) string { return "drbot:result:" + run }

// stopped is the ending of a run that a person stopped, in the words that fit
// how far it had come.
func (c *course) stopped(why dr.Text) *ending {
	e := &ending{State: dr.RunStopped, Outcome: why, Next: c.startAgain()}
	if !c.merged {
		return e
	}
	e.Next = dr.T("run.stopped.resume", "next", backOrOut(c), "command", toResume(c.req))
	return e
}

// backOrOut is what leads back, or out, from where a merged run was stopped: the way back by a
// run of its own only where there is something to go back from.
func backOrOut(c *course) dr.Text {
	moved := c.moved(engine.Ran)
	for _, db := range c.svc.ResourcesOf(dr.AuroraGlobal) {
		name := steps.Promotion.Name(db.Name)
		_, found := steps.Promotion.Of(c.run, db.Name)
		_, tried := c.run.Outcome(name)
		moved = moved || c.there[name]
		switch {
		case found == engine.Ran || c.there[name]:
		// One that was tried may still take effect, or have done so; for one that was skipped
		// people may have done it.
		case !moved && (tried || found == engine.Skipped):
			revert := toRevert(c)
			if !applied(c) && c.req.Kind != dr.Resume {
				revert = c.revertFirst()
			}
			return dr.T("run.stopped.unclear", "database", db.Name, "source", c.source, "target", c.req.Target, "revert", revert)
		}
	}
	switch {
	case !moved && !applied(c) && c.req.Kind != dr.Resume:
		if c.req.Mode == dr.Planned {
			return dr.T("run.stopped.unmoved", "revert", c.revertFirst(), "source", c.source, "disaster", c.again("mode", string(dr.Disaster)))
		}
		return c.revertFirst()
	case !moved && hasDatabase(c.svc, c.req):
		return toRevert(c)
	}
	// The cooldown of the run that a resumption goes on with may hold; an override that is
	// not needed says nothing.
	back := toMove(c.req.Service, dr.Failback, c.source, dr.Planned, c.req.Override || c.req.Kind == dr.Resume)
	return dr.T("run.stopped.merged", "target", c.req.Target, "back", back)
}

// applied tells whether the run has applied anything, or may have.
func applied(c *course) bool {
	return slices.ContainsFunc(steps.StacksOf(c.list), func(st dr.Stack) bool {
		_, tried := c.run.Outcome(steps.ApplyOf(st))
		return tried
	})
}

// toRevert leads back to the source where no writer has left it, whatever else has moved.
func toRevert(c *course) dr.Text {
	back := resumeSource(c)
	if c.change.Number == 0 { // it goes on with another's change
		return dr.T("run.revert.by-hand", "base", c.svc.Repository.Base, "region", c.source, "command", back)
	}
	return dr.T("run.revert", "number", c.change.Number, "region", c.source, "command", back)
}
