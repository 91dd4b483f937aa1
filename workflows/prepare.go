package workflows

import (
	"context"
	"slices"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
)

// said is the value of a step whose whole result is a line to show.
type said struct {
	Text dr.Text `json:"text"`
}

// Line is what it says.
func (s said) Line() dr.Text { return s.Text }

// preparation is what comes before there is a change: may this run be, and does it make
// sense now?
type preparation struct{ *failover }

// authorize asks again, at the moment of the act, whether the requester may: the
// configuration may have changed while the command was on its way.
func (f *preparation) authorize() error {
	return refused(f.failover, engine.Do(f.run, stepAuthorize, func(ctx context.Context) (said, error) {
		who, ok := f.Team.People.ByName(f.req.Requester)
		if !ok || !slices.Contains(f.svc.Requesters, who.Name) {
			return said{}, &dr.Error{Code: dr.Denied, What: dr.T("authorize.no-requester", "who", f.req.Requester, "service", f.req.Service), Next: dr.T("ask-one-of", "people", f.svc.Requesters)}
		}
		if f.req.Via == viaSlack {
			for _, id := range who.SlackIDs {
				if err := f.Directory.Standing(ctx, id); err != nil {
					return said{}, err
				}
			}
		}
		err := f.run.Audit(ctx, "start", dr.T("audit.start", "kind", f.req.Kind, "target", f.req.Target, "mode", f.req.Mode, "who", who.Name, "reason", dr.Foreign(f.req.Reason)))
		return said{dr.T("authorize.done", "who", who.Name)}, err
	}).Outcome)
}

// locked is what the lock step found.
type locked struct {
	Text   dr.Text  `json:"text"`
	Accept dr.Text  `json:"accept,omitzero"` // what the approvers accept besides the policy's list
	There  []string `json:"there,omitempty"` // promotions that are made already, where this run resumes
}

// Line is what it says.
func (l locked) Line() dr.Text { return l.Text }

// lock checks that this run makes sense now. That no other run of the service is
// under way is the queue's doing; here is the cooldown after the last one.
func (f *preparation) lock() error {
	repo := f.svc.Repository
	waits := dr.T("lock.waits", "file", repo.File, "owner", repo.Owner, "repository", repo.Name)
	out := engine.Read(f.run, stepLock, waits, func(ctx context.Context) (locked, error) {
		content, _, err := f.Forge.Files.File(ctx, repo, repo.Base)
		if err != nil {
			return locked{}, err
		}
		active, err := f.Forge.Region.ActiveRegion(content)
		if err != nil {
			return locked{}, err
		}
		if f.req.Kind == dr.Resume {
			return resumption{f.failover}.lockHere(ctx, active)
		}
		if active == f.req.Target {
			if not := elsewhere(ctx, f.Runbooks, f.svc, active); len(not) > 0 {
				return locked{}, &dr.Error{
					Code: dr.Conflict, What: dr.T("lock.git-alone", "service", f.req.Service, "base", repo.Base, "region", active, "lacking", not),
					Next: dr.T("lock.git-alone.next", "resume", toResume(f.req), "base", repo.Base, "region", f.source),
				}
			}
			return locked{}, &dr.Error{Code: dr.Conflict, What: dr.T("lock.already", "service", f.req.Service, "region", active), Next: f.alreadyThere(ctx)}
		}
		if active != f.source {
			return locked{}, &dr.Error{Code: dr.Conflict, What: dr.T("lock.foreign-region", "file", f.svc.Repository.File, "region", active, "service", f.req.Service), Next: dr.T("lock.foreign-region.next", "regions", f.svc.Regions)}
		}
		return f.cooldown(ctx)
	})
	f.overridden = out.Value.Accept
	for _, step := range out.Value.There {
		f.there[step] = true
	}
	return refused(f.failover, out.Outcome)
}

// sourceAnswers is what the policy says of a disaster that could be a planned run.
const sourceAnswers dr.TextID = "policy.source-answers"

// acceptsOf is what an approval accepts by a verdict of the policy, and by the lock.
func (f *failover) acceptsOf(v dr.Verdict) []dr.Text {
	out := slices.Clone(v.Accepts)
	if f.req.Kind == dr.Resume && allThere(f) { // no run loses anything of it any more
		out = slices.DeleteFunc(out, func(t dr.Text) bool { return t.ID == sourceAnswers })
	}
	if !f.overridden.Empty() {
		out = append(out, f.overridden)
	}
	return out
}

func (f *preparation) alreadyThere(ctx context.Context) dr.Text {
	resume := toResume(f.req)
	runs, err := f.Store.Records.Runs(ctx, f.req.Service, 20)
	if err == nil {
		for _, run := range runs {
			if run.State == dr.RunStopped && run.PastMerge() && run.Target == f.req.Target {
				return dr.T("lock.stopped-run", "run", run.Run, "command", dr.Cmd("status", "service", run.Run), "resume", resume)
			}
		}
	}
	return dr.T("lock.already.next", "resume", resume, "region", f.source, "command", toMove(f.req.Service, dr.Failover, f.source, dr.Planned, f.cooling(ctx)))
}

func (f *preparation) cooldown(ctx context.Context) (locked, error) {
	run, ago, err := f.lately(ctx)
	switch {
	case err != nil:
		return locked{}, err
	case run == "":
		return locked{Text: dr.T("lock.done", "region", f.source)}, nil
	case f.req.Override:
		return locked{Text: dr.T("lock.overridden", "run", run), Accept: dr.T("lock.override-accept", "run", run, "ago", ago)}, nil
	}
	return locked{}, &dr.Error{
		Code: dr.Conflict,
		What: dr.T("lock.cooldown", "service", f.req.Service, "ago", ago, "run", run, "left", (f.svc.Cooldown - ago).Round(time.Second)),
		Next: dr.T("lock.cooldown.next", "command", f.again(overriding, "yes")),
	}
}

// lately is the run whose cooldown holds at this request, if there is one, and how long ago it ended.
func (f preparation) lately(ctx context.Context) (run string, ago time.Duration, err error) {
	runs, err := f.Store.Records.Runs(ctx, f.req.Service, 1000)
	for _, run := range runs {
		// An end that lies in the future is of a clock that was set back.
		ago := max(0, f.req.At.Sub(run.Ended).Round(time.Second))
		if run.State == dr.RunSucceeded && run.PastMerge() && run.Run != f.req.Run && ago < f.svc.Cooldown {
			return run.Run, ago, err
		}
	}
	return "", 0, err
}

// cooling tells whether a command that moves the service would be refused for the
// cooldown. Where that cannot be told it may be: an override that is not needed says nothing.
func (f preparation) cooling(ctx context.Context) bool {
	run, _, err := f.lately(ctx)
	return run != "" || err != nil
}

// readiness is what check-readiness found.
type readiness struct {
	Checks  []dr.Check `json:"checks"`
	Verdict dr.Verdict `json:"verdict"`
	Rules   int        `json:"rules,omitempty"` // how many of the checks, the last ones, are rules of the repository
}

// rules are those among the checks.
func (v readiness) rules() []dr.Check { return v.Checks[len(v.Checks)-v.Rules:] }

// Line counts the checks that are ok.
func (v readiness) Line() dr.Text {
	n := 0
	for _, c := range v.Checks {
		if c.Level == dr.OK {
			n++
		}
	}
	return dr.T("readiness.line", "ok", n, "n", len(v.Checks))
}

// checkReadiness reads every fact about the switch and lets the policy decide.
func (f *preparation) checkReadiness() error {
	out := engine.Read(f.run, stepReadiness, dr.T("readiness.waits"), func(ctx context.Context) (readiness, error) {
		var rules []dr.Check
		if f.req.Kind != dr.Resume { // it merges nothing
			rules = f.Forge.Rules.Rules(ctx, f.svc, f.req.Mode)
		}
		found, err := judgeLeft(ctx, f.failover, rules)
		if err != nil {
			return readiness{}, err
		}
		f.run.Update(ctx, func(run *dr.Run) {
			run.Checks = found.Checks
			run.Accepts = f.acceptsOf(found.Verdict)
			run.Decide(stepReadiness, found.Verdict.Decision)
		})
		if found.Verdict.Allowed {
			return found, nil
		}
		code := dr.Denied
		if slices.ContainsFunc(found.Checks, func(c dr.Check) bool { return c.Level == dr.Unknown && c.Need != dr.NeedSound }) {
			code = dr.Temporary // what could not be read may be readable in a moment
		}
		return found, &dr.Error{Code: code, What: dr.T("readiness.not-ready", "reasons", found.Verdict.Reasons), Next: f.notReady(ctx, found)}
	})
	f.rules = out.Value.rules()
	f.checks, f.checkedAt = out.Value.Checks, steady(f.run, out.At)
	f.accepts = f.acceptsOf(out.Value.Verdict)
	return refused(f.failover, out.Outcome)
}

// judge reads the checks of a switch and asks the policy about them, and about the rules of
// the repository that were read before.
func (b *Runbooks) judge(ctx context.Context, s dr.Service, mode dr.Mode, source, target dr.Region, rules []dr.Check) (readiness, error) {
	checks := append(b.Cloud.Systems.Checks(ctx, s, mode, source, target), rules...)
	verdict, err := b.Policy.Readiness(ctx, dr.ReadinessFacts{
		Mode: mode, Source: source, Target: target, Strategy: s.Strategy,
		RPO: s.Objectives.RPO.Seconds(), Checks: checks,
		Expected: b.Cloud.Systems.Expected(s, mode), Resources: len(s.Resources),
	})
	return readiness{Checks: checks, Verdict: verdict, Rules: len(rules)}, err
}

// mends says how the rules are mended that would stop a merge.
func mends(rules []dr.Check) []dr.Text {
	var out []dr.Text
	for _, c := range rules {
		if c.Level == dr.Fail {
			out = append(out, dr.T(dr.TextID("mend."+c.Name)))
		}
	}
	return out
}

// movedAlready leads on where a writer is in the target and Git does not say so: a planned run
// is not ready then, and a disaster finds it there.
func movedAlready(ctx context.Context, f *failover) dr.Text {
	if f.req.Kind == dr.Resume || f.req.Mode != dr.Planned {
		return dr.Text{}
	}
	ctx, cancel := context.WithTimeout(ctx, placesLimit)
	defer cancel()
	for _, db := range f.svc.ResourcesOf(dr.AuroraGlobal) {
		if st, err := f.Cloud.Databases.State(ctx, f.svc, db, f.req.Target); err == nil && st.Writer == f.req.Target {
			return dr.T("readiness.moved.next", "database", db.Name, "target", f.req.Target, "source", f.source, "base", f.svc.Repository.Base,
				"command", f.again("mode", string(dr.Disaster)), "back", resumeSource(f))
		}
	}
	return dr.Text{}
}

func (f *preparation) notReady(ctx context.Context, found readiness) dr.Text {
	if next := movedAlready(ctx, f.failover); !next.Empty() {
		return next
	}
	if how := mends(found.rules()); len(how) > 0 {
		return dr.T("readiness.rules.next", "how", how, "command", f.again())
	}
	if f.req.Mode == dr.Planned {
		var how []dr.Text
		silent, unknown := false, false
		for _, c := range found.Checks {
			bad := c.Level == dr.Fail || c.Level == dr.Unknown && c.Need != dr.NeedSound
			if bad && !slices.ContainsFunc(how, func(t dr.Text) bool { return t.ID == dr.TextID("mend."+c.Name) }) {
				how = append(how, dr.T(dr.TextID("mend."+c.Name)))
			}
			unknown = unknown || bad && c.Level == dr.Unknown
			silent = silent || c.Role == dr.RoleSource && c.Level != dr.OK
		}
		switch {
		case silent:
			return dr.T("readiness.source-silent.next", "again", f.again(), "command", f.again("mode", string(dr.Disaster)))
		case unknown: // what tells it may be silent for as long as an outage lasts
			return dr.T("readiness.unknown.next", "how", how, "command", f.again(), "disaster", f.again("mode", string(dr.Disaster)))
		case len(how) > 0:
			return dr.T("readiness.rules.next", "how", how, "command", f.again())
		}
		return dr.T("readiness.disaster.next", "again", f.again(), "command", dr.Cmd("status", "service", f.req.Service))
	}
	return dr.T("readiness.disaster.next", "again", f.again(), "command", dr.Cmd("status", "service", f.req.Run))
}
