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
type preparation struct{ f *failover }

// authorize asks again, at the moment of the act, whether the requester may: the
// configuration may have changed while the command was on its way.
func (s preparation) authorize() error {
	return refused(&s.f.course, engine.Do(s.f.run, stepAuthorize, func(ctx context.Context) (said, error) {
		who, ok := s.f.Team.People.ByName(s.f.req.Requester)
		if !ok || !slices.Contains(s.f.svc.Requesters, who.Name) {
			return said{}, &dr.Error{Code: dr.Denied, What: dr.T("authorize.no-requester", "who", s.f.req.Requester, "service", s.f.req.Service), Next: dr.T("ask-one-of", "people", s.f.svc.Requesters)}
		}
		if s.f.req.Via == viaSlack {
			for _, id := range who.SlackIDs {
				if err := s.f.Directory.Standing(ctx, id); err != nil {
					return said{}, err
				}
			}
		}
		err := s.f.run.Audit(ctx, "start", dr.T("audit.start", "kind", s.f.req.Kind, "target", s.f.req.Target, "mode", s.f.req.Mode, "who", who.Name, "reason", dr.Foreign(s.f.req.Reason)))
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
func (s preparation) lock() error {
	repo := s.f.svc.Repository
	waits := dr.T("lock.waits", "file", repo.File, "owner", repo.Owner, "repository", repo.Name)
	out := engine.Read(s.f.run, stepLock, waits, func(ctx context.Context) (locked, error) {
		content, _, err := s.f.Forge.Files.File(ctx, repo, repo.Base)
		if err != nil {
			return locked{}, err
		}
		active, err := s.f.Forge.Region.ActiveRegion(content)
		if err != nil {
			return locked{}, err
		}
		if s.f.req.Kind == dr.Resume {
			return resumption(s).lockHere(ctx, active)
		}
		if active == s.f.req.Target {
			if not := elsewhere(ctx, s.f.Kinds, s.f.svc, active); len(not) > 0 {
				return locked{}, &dr.Error{
					Code: dr.Conflict, What: dr.T("lock.git-alone", "service", s.f.req.Service, "base", repo.Base, "region", active, "lacking", not),
					Next: dr.T("lock.git-alone.next", "resume", toResume(s.f.req), "base", repo.Base, "region", s.f.source),
				}
			}
			return locked{}, &dr.Error{Code: dr.Conflict, What: dr.T("lock.already", "service", s.f.req.Service, "region", active), Next: s.alreadyThere(ctx)}
		}
		if active != s.f.source {
			return locked{}, &dr.Error{Code: dr.Conflict, What: dr.T("lock.foreign-region", "file", s.f.svc.Repository.File, "region", active, "service", s.f.req.Service), Next: dr.T("lock.foreign-region.next", "regions", s.f.svc.Regions)}
		}
		return s.cooldown(ctx)
	})
	s.f.overridden = out.Value.Accept
	for _, step := range out.Value.There {
		s.f.there[step] = true
	}
	return refused(&s.f.course, out.Outcome)
}

// sourceAnswers is what the policy says of a disaster that could be a planned run.
const sourceAnswers dr.TextID = "policy.source-answers"

// acceptsOf is what an approval accepts by a verdict of the policy, and by the lock.
func (f *failover) acceptsOf(v dr.Verdict) []dr.Text {
	out := slices.Clone(v.Accepts)
	if f.req.Kind == dr.Resume && allThere(&f.course) { // no run loses anything of it any more
		out = slices.DeleteFunc(out, func(t dr.Text) bool { return t.ID == sourceAnswers })
	}
	if !f.overridden.Empty() {
		out = append(out, f.overridden)
	}
	return out
}

func (s preparation) alreadyThere(ctx context.Context) dr.Text {
	resume := toResume(s.f.req)
	runs, err := s.f.Store.Records.Runs(ctx, s.f.req.Service, 20)
	if err == nil {
		for _, run := range runs {
			if run.State == dr.RunStopped && run.PastMerge() && run.Target == s.f.req.Target {
				return dr.T("lock.stopped-run", "run", run.Run, "command", dr.Cmd("status", "service", run.Run), "resume", resume)
			}
		}
	}
	return dr.T("lock.already.next", "resume", resume, "region", s.f.source, "command", toMove(s.f.req.Service, dr.Failover, s.f.source, dr.Planned, s.cooling(ctx)))
}

func (s preparation) cooldown(ctx context.Context) (locked, error) {
	run, ago, err := s.lately(ctx)
	switch {
	case err != nil:
		return locked{}, err
	case run == "":
		return locked{Text: dr.T("lock.done", "region", s.f.source)}, nil
	case s.f.req.Override:
		return locked{Text: dr.T("lock.overridden", "run", run), Accept: dr.T("lock.override-accept", "run", run, "ago", ago)}, nil
	}
	return locked{}, &dr.Error{
		Code: dr.Conflict,
		What: dr.T("lock.cooldown", "service", s.f.req.Service, "ago", ago, "run", run, "left", (s.f.svc.Cooldown - ago).Round(time.Second)),
		Next: dr.T("lock.cooldown.next", "command", s.f.again(overriding, "yes")),
	}
}

// lately is the run whose cooldown holds at this request, if there is one, and how long ago it ended.
func (s preparation) lately(ctx context.Context) (run string, ago time.Duration, err error) {
	runs, err := s.f.Store.Records.Runs(ctx, s.f.req.Service, 1000)
	for _, run := range runs {
		// An end that lies in the future is of a clock that was set back.
		ago := max(0, s.f.req.At.Sub(run.Ended).Round(time.Second))
		if run.State == dr.RunSucceeded && run.PastMerge() && run.Run != s.f.req.Run && ago < s.f.svc.Cooldown {
			return run.Run, ago, err
		}
	}
	return "", 0, err
}

// cooling tells whether a command that moves the service would be refused for the
// cooldown. Where that cannot be told it may be: an override that is not needed says nothing.
func (s preparation) cooling(ctx context.Context) bool {
	run, _, err := s.lately(ctx)
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
func (s preparation) checkReadiness() error {
	out := engine.Read(s.f.run, stepReadiness, dr.T("readiness.waits"), func(ctx context.Context) (readiness, error) {
		var rules []dr.Check
		if s.f.req.Kind != dr.Resume { // it merges nothing
			rules = s.f.Forge.Rules.Rules(ctx, s.f.svc, s.f.req.Mode)
		}
		found, err := judgeLeft(ctx, s.f, rules)
		if err != nil {
			return readiness{}, err
		}
		s.f.run.Update(ctx, func(run *dr.Run) {
			run.Checks = found.Checks
			run.Accepts = s.f.acceptsOf(found.Verdict)
			run.Decide(stepReadiness, found.Verdict.Decision)
		})
		if found.Verdict.Allowed {
			return found, nil
		}
		code := dr.Denied
		if slices.ContainsFunc(found.Checks, func(c dr.Check) bool { return c.Level == dr.Unknown && c.Need != dr.NeedSound }) {
			code = dr.Temporary // what could not be read may be readable in a moment
		}
		return found, &dr.Error{Code: code, What: dr.T("readiness.not-ready", "reasons", found.Verdict.Reasons), Next: s.notReady(ctx, found)}
	})
	s.f.rules = out.Value.rules()
	s.f.checks, s.f.checkedAt = out.Value.Checks, steady(s.f.run, out.At)
	s.f.accepts = s.f.acceptsOf(out.Value.Verdict)
	return refused(&s.f.course, out.Outcome)
}

// judge reads the checks of a switch and asks the policy about them, and about the rules of
// the repository that were read before.
func judge(ctx context.Context, b *parts, s dr.Service, mode dr.Mode, source, target dr.Region, rules []dr.Check) (readiness, error) {
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
			out = append(out, dr.MendOf(c.Name))
		}
	}
	return out
}

// movedAlready leads on where a writer is in the target and Git does not say so: a planned run
// is not ready then, and a disaster finds it there.
func movedAlready(ctx context.Context, by Databases, c *course) dr.Text {
	if c.req.Kind == dr.Resume || c.req.Mode != dr.Planned {
		return dr.Text{}
	}
	ctx, cancel := context.WithTimeout(ctx, placesLimit)
	defer cancel()
	for _, db := range c.svc.ResourcesOf(dr.AuroraGlobal) {
		if st, err := by.State(ctx, c.svc, db, c.req.Target); err == nil && st.Writer == c.req.Target {
			return dr.T("readiness.moved.next", "database", db.Name, "target", c.req.Target, "source", c.source, "base", c.svc.Repository.Base,
				"command", c.again("mode", string(dr.Disaster)), "back", resumeSource(c))
		}
	}
	return dr.Text{}
}

func (s preparation) notReady(ctx context.Context, found readiness) dr.Text {
	if next := movedAlready(ctx, s.f.Cloud.Databases, &s.f.course); !next.Empty() {
		return next
	}
	if how := mends(found.rules()); len(how) > 0 {
		return dr.T("readiness.rules.next", "how", how, "command", s.f.again())
	}
	if s.f.req.Mode == dr.Planned {
		var how []dr.Text
		silent, unknown := false, false
		for _, c := range found.Checks {
			bad := c.Level == dr.Fail || c.Level == dr.Unknown && c.Need != dr.NeedSound || c.Level == dr.Warn && c.Need == dr.NeedOK
			if bad && !slices.ContainsFunc(how, func(t dr.Text) bool { return t.ID == dr.MendOf(c.Name).ID }) {
				how = append(how, dr.MendOf(c.Name))
			}
			unknown = unknown || bad && c.Level == dr.Unknown
			silent = silent || c.Role == dr.RoleSource && c.Level != dr.OK
		}
		switch {
		case silent:
			return dr.T("readiness.source-silent.next", "again", s.f.again(), "command", s.f.again("mode", string(dr.Disaster)))
		case unknown: // what tells it may be silent for as long as an outage lasts
			return dr.T("readiness.unknown.next", "how", how, "command", s.f.again(), "disaster", s.f.again("mode", string(dr.Disaster)))
		case len(how) > 0:
			return dr.T("readiness.rules.next", "how", how, "command", s.f.again())
		}
		return dr.T("readiness.disaster.next", "again", s.f.again(), "command", dr.Cmd("status", "service", s.f.req.Service))
	}
	return dr.T("readiness.disaster.next", "again", s.f.again(), "command", dr.Cmd("status", "service", s.f.req.Run))
}
