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
func changesOfRun(f *failover) []dr.Change {
	var out []dr.Change
	if f.change.Number != 0 {
		out = append(out, f.change)
	}
	for n := maxChanges; n >= 1; n-- {
		made, _ := engine.Key[opened](numbered(stepOpen, n)).Of(f.run)
		if c := made.Change; c.Number != 0 && !slices.ContainsFunc(out, func(o dr.Change) bool { return o.Number == c.Number }) {
			out = append(out, c)
		}
	}
	return out
}

// baseSays is the Region that the base says is active; empty where that cannot be read.
func baseSays(ctx context.Context, f *failover) dr.Region {
	read := func() (string, error) {
		short, cancel := context.WithTimeout(ctx, glanced)
		defer cancel()
		content, _, err := f.Forge.Files.File(short, f.svc.Repository, f.svc.Repository.Base)
		return content, err
	}
	content, err := read()
	if err != nil && engine.Wait(ctx, hiccup) == nil {
		content, err = read()
	}
	if err == nil {
		var active dr.Region
		if active, err = f.Forge.Region.ActiveRegion(content); err == nil {
			return active
		}
	}
	f.run.Log().WarnContext(ctx, "the base was not looked at at the end", "error", err)
	return ""
}

// asksAnew tells whether an end has people ask for the same run once more.
func asksAnew(f *failover, end *ending) bool {
	anew := false
	for _, c := range append(end.Outcome.Commands(), end.Next.Commands()...) {
		if c.Args["region"] != string(f.req.Target) {
			continue
		}
		if f.req.Kind != dr.Resume && c.Verb == string(dr.Resume) {
			return false // it knows where Git is
		}
		anew = anew || c.Verb == string(f.req.Kind)
	}
	return anew
}

// leftBy is the ending of a run before its merge, as Git was found.
func (e *ending) leftBy(f *failover, left leftBehind) *ending {
	base, target := f.svc.Repository.Base, f.req.Target
	switch {
	case left.Merged && left.Base == f.source:
		return &ending{State: e.State, Outcome: dr.T("run.merged-and-reverted", "outcome", e.Outcome, "number", left.Number, "base", base, "region", f.source), Next: f.startAgain()}
	case left.Merged:
		as := *f
		as.change.Number = left.Number
		next := revertOrResume(&as)
		if e.Next.Same(next) {
			return e // it is told so already
		}
		return &ending{State: e.State, Next: next, Outcome: dr.T("run.merged-all-the-same", "outcome", e.Outcome, "number", left.Number, "region", target)}
	case !asksAnew(f, e):
		return e
	case f.req.Kind == dr.Resume && left.Base == f.source:
		next := dr.T("run.start-again", "command", toMove(f.req.Service, dr.Failover, target, f.req.Mode, true))
		return &ending{State: e.State, Outcome: dr.T("run.moved-apart", "outcome", e.Outcome, "base", base, "region", f.source), Next: next}
	case f.req.Kind != dr.Resume && left.Base == target:
		next := dr.T("run.moved-apart.next", "resume", toResume(f.req), "base", base, "region", f.source, "command", f.again())
		return &ending{State: e.State, Outcome: dr.T("run.moved-apart", "outcome", e.Outcome, "base", base, "region", target), Next: next}
	case f.req.Kind != dr.Resume && left.Base == "":
		return &ending{State: e.State, Outcome: e.Outcome, Next: dr.T("run.base-unread", "next", e.Next, "base", base, "region", target, "resume", toResume(f.req))}
	}
	return e
}

// whereGitIs is the ending of a merged run that does not come to its end, as the base is found
// then: there is nothing to revert, nor to resume, where it says the source again.
func whereGitIs(ctx context.Context, f *failover, end *ending) *ending {
	switch baseSays(ctx, f) {
	case f.req.Target:
		return end
	case f.source:
		return &ending{State: end.State, Outcome: end.Outcome, Next: reverted(f)}
	}
	return &ending{State: end.State, Outcome: end.Outcome, Next: dr.T("run.base-unread.merged", "next", end.Next, "base", f.svc.Repository.Base, "source", f.source, "reverted", reverted(f))}
}

// reverted leads on from a merged run where the base says the source again.
func reverted(f *failover) dr.Text {
	touched, mode := f.req.Kind == dr.Resume || applied(f), f.req.Mode
	for _, db := range f.svc.ResourcesOf(dr.AuroraGlobal) {
		name := steps.Promotion.Name(db.Name)
		_, found := steps.Promotion.Of(f.run, db.Name)
		_, tried := f.run.Outcome(name)
		touched = touched || tried || found != engine.Never || f.there[name]
		if found == engine.Ran || f.there[name] {
			mode = dr.Disaster // which promotes nothing that is there
		}
	}
	if !touched {
		return dr.T("run.reverted", "base", f.svc.Repository.Base, "source", f.source, "command", f.again())
	}
	again := f.again("mode", string(mode))
	if f.req.Kind == dr.Resume {
		again = toMove(f.req.Service, dr.Failover, f.req.Target, mode, true)
	}
	return dr.T("run.reverted.partly", "base", f.svc.Repository.Base, "source", f.source, "target", f.req.Target, "back", resumeSource(f), "command", again)
}
