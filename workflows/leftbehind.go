package workflows

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
	"github.com/drbot/drbot/workflows/steps"
)

// A run that ends looks where Git is by then: what its end has people do next must not be
// refused, nor be done already.

// leftBehind is how a run that ends before its merge leaves Git.
type leftBehind struct {
	Merged bool      `json:"merged,omitempty"` // one of its changes is, all the same
	Number int       `json:"number,omitempty"` // which
	Seen   bool      `json:"seen,omitempty"`   // every change of the run could be read
	Base   dr.Region `json:"base,omitempty"`   // what the base says; empty where it was not read
}

// UnmarshalJSON reads what was kept of it once, too: whether the last change was merged.
func (l *leftBehind) UnmarshalJSON(doc []byte) error {
	*l = leftBehind{}
	if json.Unmarshal(doc, &l.Merged) == nil {
		return nil
	}
	type plain leftBehind
	return json.Unmarshal(doc, (*plain)(l))
}

// changesOfRun are the changes that the run has opened, the last one first: one that it has
// replaced can be opened again, and merged.
func changesOfRun(c *course) []dr.Change {
	var out []dr.Change
	if c.change.Number != 0 {
		out = append(out, c.change)
	}
	for n := maxChanges; n >= 1; n-- {
		made, _ := engine.Key[opened](numbered(stepOpen, n)).Of(c.run)
		if one := made.Change; one.Number != 0 && !slices.ContainsFunc(out, func(o dr.Change) bool { return o.Number == one.Number }) {
			out = append(out, one)
		}
	}
	return out
}

// baseSays is the Region that the base says is active; empty where that cannot be read.
func baseSays(ctx context.Context, forge Forge, c *course) dr.Region {
	read := func() (string, error) {
		short, cancel := context.WithTimeout(ctx, glanced)
		defer cancel()
		content, _, err := forge.Files.File(short, c.svc.Repository, c.svc.Repository.Base)
		return content, err
	}
	content, err := read()
	if err != nil && engine.Wait(ctx, hiccup) == nil {
		content, err = read()
	}
	if err == nil {
		var active dr.Region
		if active, err = forge.Region.ActiveRegion(content); err == nil {
			return active
		}
	}
	c.run.Log().WarnContext(ctx, "the base was not looked at at the end", "error", err)
	return ""
}

// asksAnew tells whether an end has people ask for the same run once more.
func asksAnew(c *course, end *ending) bool {
	anew := false
	for _, cmd := range append(end.Outcome.Commands(), end.Next.Commands()...) {
		if cmd.Args["region"] != string(c.req.Target) {
			continue
		}
		if c.req.Kind != dr.Resume && cmd.Verb == string(dr.Resume) {
			return false // it knows where Git is
		}
		anew = anew || cmd.Verb == string(c.req.Kind)
	}
	return anew
}

// leftBy is the ending of a run before its merge, as Git was found.
func (e *ending) leftBy(c *course, left leftBehind) *ending {
	base, target := c.svc.Repository.Base, c.req.Target
	switch {
	case left.Merged && left.Base == c.source:
		return &ending{State: e.State, Outcome: dr.T("run.merged-and-reverted", "outcome", e.Outcome, "number", left.Number, "base", base, "region", c.source), Next: c.startAgain()}
	case left.Merged:
		as := *c
		as.change.Number = left.Number
		next := revertOrResume(&as)
		if e.Next.Same(next) {
			return e // it is told so already
		}
		return &ending{State: e.State, Next: next, Outcome: dr.T("run.merged-all-the-same", "outcome", e.Outcome, "number", left.Number, "region", target)}
	case !asksAnew(c, e):
		return e
	case c.req.Kind == dr.Resume && left.Base == c.source:
		next := dr.T("run.start-again", "command", toMove(c.req.Service, dr.Failover, target, c.req.Mode, true))
		return &ending{State: e.State, Outcome: dr.T("run.moved-apart", "outcome", e.Outcome, "base", base, "region", c.source), Next: next}
	case c.req.Kind != dr.Resume && left.Base == target:
		next := dr.T("run.moved-apart.next", "resume", toResume(c.req), "base", base, "region", c.source, "command", c.again())
		return &ending{State: e.State, Outcome: dr.T("run.moved-apart", "outcome", e.Outcome, "base", base, "region", target), Next: next}
	case c.req.Kind != dr.Resume && left.Base == "":
		return &ending{State: e.State, Outcome: e.Outcome, Next: dr.T("run.base-unread", "next", e.Next, "base", base, "region", target, "resume", toResume(c.req))}
	}
	return e
}

// whereGitIs is the ending of a merged run that does not come to its end, as the base is found
// then: there is nothing to revert, nor to resume, where it says the source again.
func whereGitIs(ctx context.Context, forge Forge, c *course, end *ending) *ending {
	switch baseSays(ctx, forge, c) {
	case c.req.Target:
		return end
	case c.source:
		return &ending{State: end.State, Outcome: end.Outcome, Next: reverted(c)}
	}
	return &ending{State: end.State, Outcome: end.Outcome, Next: dr.T("run.base-unread.merged", "next", end.Next, "base", c.svc.Repository.Base, "source", c.source, "reverted", reverted(c))}
}

// reverted leads on from a merged run where the base says the source again.
func reverted(c *course) dr.Text {
	touched, mode := c.req.Kind == dr.Resume || applied(c), c.req.Mode
	for _, db := range c.svc.ResourcesOf(dr.AuroraGlobal) {
		name := steps.Promotion.Name(db.Name)
		_, found := steps.Promotion.Of(c.run, db.Name)
		_, tried := c.run.Outcome(name)
		touched = touched || tried || found != engine.Never || c.there[name]
		if found == engine.Ran || c.there[name] {
			mode = dr.Disaster // which promotes nothing that is there
		}
	}
	if !touched {
		return dr.T("run.reverted", "base", c.svc.Repository.Base, "source", c.source, "command", c.again())
	}
	again := c.again("mode", string(mode))
	if c.req.Kind == dr.Resume {
		again = toMove(c.req.Service, dr.Failover, c.req.Target, mode, true)
	}
	return dr.T("run.reverted.partly", "base", c.svc.Repository.Base, "source", c.source, "target", c.req.Target, "back", resumeSource(c), "command", again)
}
