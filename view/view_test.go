package view

import (
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text"
)

var t0 = time.Date(2026, 8, 22, 3, 0, 0, 0, time.UTC)

func english(t *testing.T, place text.Place) text.Words {
	t.Helper()
	c, err := text.New(dr.Verbs())
	if err != nil {
		t.Fatal(err)
	}
	return c.In("en", place)
}

func said(w text.Words, texts ...dr.Text) string {
	var out []string
	for _, t := range texts {
		out = append(out, w.Say(t))
	}
	return strings.Join(out, "\n")
}

func sample() dr.Run {
	return dr.Run{
		Request: dr.Request{Run: "portal-1a2b3c4d", Kind: dr.Failover, Service: "portal", Target: "ap-northeast-1", Mode: dr.Disaster,
			Reason: "Seoul is out", Requester: "alice", Via: "slack", At: t0, Since: t0.Add(-10 * time.Minute)},
		Source: "ap-northeast-2", State: dr.RunWaiting, Quorum: 3, Objective: dr.Objectives{RTO: 4 * time.Hour, RPO: 5 * time.Minute},
		Steps: []dr.Step{
			{Name: "authorize", State: dr.StepDone, Started: t0, Ended: t0.Add(100 * time.Millisecond)},
			{Name: "verify", State: dr.StepRunning, Started: t0.Add(3 * time.Second)},
			{Name: "close-out", State: dr.StepPending},
		},
		Accepts:  []dr.Text{dr.T("test.loss")},
		Change:   dr.Change{Number: 7, URL: "https://github.com/acme/infrastructure/pull/7", Head: "0123456789"},
		Approval: dr.Approval{Needed: 3, By: []string{"bob"}, Blocked: []string{"eve"}, Waiting: []string{"carol", "dave"}, Ignored: []dr.IgnoredVoice{{By: "alice", Reason: dr.T("test.own")}}},
		Expires:  t0.Add(time.Hour),
	}
}

func TestWaiting(t *testing.T) {
	w := english(t, text.Shell)
	v := Run(sample(), t0.Add(65*time.Second))
	for got, want := range map[string]string{
		said(w, v.Headline, v.Standing, v.Route, v.Asked): "Failover portal to ap-northeast-1 (disaster)\nwaiting\nap-northeast-2 → ap-northeast-1\nrequested by alice: Seoul is out",
		said(w, v.Clock...):   "1m5s since the request\n3h49m left of the RTO of 4h0m",
		said(w, v.Accepts...): "approving accepts: test.loss",
		said(w, v.Approval.Count, v.Approval.Blocked, v.Approval.Waiting, v.Approval.Expires): "Approvals 1 of 3\nchanges requested by eve\nwho may: carol, dave\nexpires 04:00:00 UTC",
		said(w, v.Approval.Ignored...):                           "alice does not count: test.own",
		said(w, v.Do[0].What) + " " + w.Command(v.Do[0].Command): "to stop it drbot cancel portal-1a2b3c4d",
	} {
		if got != want {
			t.Errorf("it says %q, not %q", got, want)
		}
	}
	if len(v.Steps) != 3 || v.Steps[1].Took != 62*time.Second || v.Steps[2].Took != 0 {
		t.Errorf("the steps are %+v", v.Steps)
	}
	if !v.Change.Review || v.Verdict.Lines != nil || v.Question != nil {
		t.Errorf("it shows %+v", v)
	}
}

// TestPaused has every answer say what it leads to.
func TestPaused(t *testing.T) {
	w := english(t, text.Slack)
	run := sample()
	run.State, run.Outcome = dr.RunPaused, dr.T("test.lack")
	run.Question = &dr.Question{Number: 2, Step: "gate/1", Answers: []string{"retry", "skip", "stop"}, Takes: map[string]int{"skip": 3}, Voices: map[string][]string{"skip": {"bob"}}}
	for merge, stop := range map[string]string{
		"":    "Stop portal-1a2b3c4d at gate/1: the pull request is closed and the run ends.",
		"abc": "Stop portal-1a2b3c4d at gate/1: once 2 people say so, the run ends. The change stays merged and nothing is rolled back.",
	} {
		run.MergeSHA = merge
		v := Run(run, t0)
		if got := said(w, v.Verdict.Lead, v.Verdict.Lines[0], v.Votes[0]); got != "Paused at gate/1.\ntest.lack\nbob said skip; 2 more are needed" {
			t.Errorf("it says %q", got)
		}
		if got := w.Command(v.Question.Answers[1].Command); got != "/dr answer portal-1a2b3c4d skip "+run.Question.Names(run.Run, "skip") || len(v.Do) > 0 {
			t.Errorf("it is answered with %q and %v", got, v.Do)
		}
		leads := map[string]string{}
		for _, a := range v.Question.Answers {
			leads[a.Verb] = w.Say(a.Leads)
		}
		if leads["stop"] != stop || !strings.Contains(leads["skip"], "3 people") || !strings.HasPrefix(leads["retry"], "Retry gate/1") {
			t.Errorf("the answers lead to %q", leads)
		}
	}
	run.Kind, run.MergeSHA = dr.Resume, ""
	if got := w.Say(leadsOf(Run(run, t0), "stop")); got != "Stop portal-1a2b3c4d at gate/1: the run ends, and it has changed nothing." {
		t.Errorf("stop of a run that has no pull request leads to %q", got)
	}
	run.Question.Takes = nil
	if got := w.Say(leadsOf(Run(run, t0), "skip")); strings.Contains(got, "people") {
		t.Errorf("skip leads to %q", got)
	}
}

// TestVotes has one vote of two be seen, also where the run asks nothing.
func TestVotes(t *testing.T) {
	w := english(t, text.Shell)
	run := sample()
	run.MergeSHA, run.Abandon = "abc", []string{"bob"}
	if got := said(w, Run(run, t0).Votes...); got != "bob said stop; one more is needed" {
		t.Errorf("while it goes on it says %q", got)
	}
	run.State, run.Question = dr.RunPaused, &dr.Question{Answers: []string{"accept", "skip", "stop"}, Takes: map[string]int{"accept": 2, "skip": 3},
		Voices: map[string][]string{"skip": {"carol"}}}
	if got := said(w, Run(run, t0).Votes...); got != "carol said skip; 2 more are needed\nbob said stop; one more is needed" {
		t.Errorf("at its pause it says %q", got)
	}
	run.State, run.Question, run.Ended = dr.RunStopped, nil, t0
	if got := said(w, Run(run, t0).Votes...); got != "" {
		t.Errorf("at its end it says %q", got)
	}
}

func leadsOf(v View, verb string) dr.Text {
	for _, a := range v.Question.Answers {
		if a.Verb == verb {
			return a.Leads
		}
	}
	return dr.Text{}
}

// TestOver sees that what is over grows no older and names nothing it will not do.
func TestOver(t *testing.T) {
	run := sample()
	run.State, run.Ended, run.Outcome = dr.RunStopped, t0.Add(time.Hour), dr.T("test.why")
	w := english(t, text.Shell)
	v := Run(run, t0.Add(1000*time.Hour))
	if got := said(w, v.Clock...); got != "1h0m since the request" {
		t.Errorf("the clock says %q", got)
	}
	if len(v.Steps) != 2 || v.Steps[1].Took != time.Hour-3*time.Second {
		t.Errorf("the steps are %+v", v.Steps)
	}
	if len(v.Do) != 0 || v.Change.Review || said(w, v.Verdict.Lines...) != "test.why" {
		t.Errorf("it shows %+v", v)
	}
	line, why := Line(run, t0.Add(2*time.Hour))
	if got := said(w, line, why); got != "portal-1a2b3c4d Failover portal to ap-northeast-1 (disaster): stopped, 1h0m ago\ntest.why" {
		t.Errorf("in the list it is %q", got)
	}
}

// TestResult sees that nothing is claimed that nobody saw, and that every place says
// the same of it.
func TestResult(t *testing.T) {
	w := english(t, text.Shell)
	seen := dr.Result{RTA: 70 * time.Minute, RTO: 4 * time.Hour, RPA: 61 * time.Second, RPAKnown: true, RPO: 5 * time.Minute}
	for name, c := range map[string]struct {
		verify   dr.StepState
		mode     dr.Mode
		res      func(*dr.Result)
		rta, rpa string
	}{
		"met":            {dr.StepDone, dr.Disaster, func(*dr.Result) {}, "RTA 1h10m of RTO 4h0m: met", "RPA about 1m1s of RPO 5m0s: met (an"},
		"missed":         {dr.StepDone, dr.Disaster, func(r *dr.Result) { r.RTA, r.RPA = 5*time.Hour, time.Hour }, "RTA 5h0m of RTO 4h0m: MISSED", "RPA about 1h0m of RPO 5m0s: MISSED (an"},
		"verify skipped": {dr.StepSkipped, dr.Disaster, func(*dr.Result) {}, "RTA unknown of RTO 4h0m: verify was skipped", "RPA about"},
		"the clock":      {dr.StepDone, dr.Disaster, func(r *dr.Result) { r.RTA = -time.Second }, "RTA unknown of RTO 4h0m: the clock", "RPA about"},
		"lag unknown":    {dr.StepDone, dr.Disaster, func(r *dr.Result) { r.RPAKnown = false }, "RTA 1h10m", "RPA unknown of RPO 5m0s: the replication lag"},
		"planned":        {dr.StepDone, dr.Planned, func(*dr.Result) {}, "RTA 1h10m", "RPA 0 of RPO 5m0s: met"},
		"promote left":   {dr.StepDone, dr.Planned, func(r *dr.Result) { r.RPAKnown = false }, "RTA 1h10m", "RPA unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			run, res := sample(), seen
			c.res(&res)
			run.State, run.Mode, run.Result, run.Ended, run.ClockJump = dr.RunSucceeded, c.mode, &res, t0.Add(time.Hour), time.Minute
			run.Steps[1].State = c.verify
			res.Events = []dr.Event{{At: t0, Source: "db", Text: dr.T(dr.Words, "words", dr.Foreign("fenced <x>"))}}
			res.Left = []dr.Text{dr.T("test.left")}
			v := Run(run, t0)
			if got := said(w, v.Verdict.Lines...); !strings.HasPrefix(got, c.rta) || !strings.Contains(got, "\n"+c.rpa) {
				t.Errorf("the verdict is %q", got)
			}
			got := said(w, v.Result...)
			if whole := said(w, run.ResultLines()...); strings.Contains(got, "Steps:") || !strings.Contains(whole, "\nSteps: authorize 100ms") {
				t.Errorf("beside the steps it says %q, and %q elsewhere", got, whole)
			}
			if !strings.HasPrefix(got, said(w, v.Verdict.Lines...)) {
				t.Errorf("the result %q is another than the verdict", got)
			}
			for _, want := range []string{"jumped by 1m0s", "Event 03:00:00 UTC db: fenced <x>", "Left to do: test.left"} {
				if !strings.Contains(got, want) {
					t.Errorf("the result %q lacks %q", got, want)
				}
			}
		})
	}
	if run := sample(); run.ResultLines() != nil || !run.RTALine().Empty() || !run.RPALine().Empty() {
		t.Error("a run without a result has one")
	}
}

func TestCheckLine(t *testing.T) {
	w := english(t, text.Shell)
	value, limit := 0.4, 300.0
	one, two, ok, sick := 1.0, 2.0, 200.0, 503.0
	for want, c := range map[string]dr.Check{
		"replication lag (aurora.lag) in ap-northeast-2: ok, 0.4 s of 300":                    {Name: "aurora.lag", Region: "ap-northeast-2", Level: dr.OK, Value: &value, Unit: "s", Threshold: &limit},
		"ecs.tasks of api in tokyo: warn, 0.4 tasks (test.few)":                               {Name: "ecs.tasks", Resource: "api", Region: "tokyo", Level: dr.Warn, Value: &value, Unit: "tasks", Detail: dr.T("test.few")},
		"instances of the target (aurora.target-instance): ok, 1 instance, where 1 is needed": {Name: "aurora.target-instance", Level: dr.OK, Value: &one, Unit: "instances", Threshold: &one},
		"db.many: ok, 2 instances":                   {Name: "db.many", Level: dr.OK, Value: &two, Unit: "instances"},
		"probe: fail, HTTP 503, where 200 is wanted": {Name: "probe", Level: dr.Fail, Value: &sick, Unit: "status", Threshold: &ok},
		"db.front: ok, HTTP 200":                     {Name: "db.front", Level: dr.OK, Value: &ok, Unit: "status"},
		"dns.name: unknown":                          {Name: "dns.name", Level: dr.Unknown},
	} {
		if got := w.Say(c.Line()); got != want {
			t.Errorf("it is %q, not %q", got, want)
		}
	}
}

func TestNote(t *testing.T) {
	r := Note(dr.Note{Title: dr.T("a"), Lines: []dr.Text{dr.T("b"), {}, dr.T("c")}, Link: "https://x"})
	if len(r.Lines) != 2 || r.Open.Empty() {
		t.Errorf("it is %+v", r)
	}
	if r := Note(dr.Note{Title: dr.T("a")}); !r.Open.Empty() {
		t.Error("a note without a link opens one")
	}
}

// TestSaidOnce sees that nobody is listed twice, that what an answer is about is not said
// again beside it, and that more approvals than are needed are no sum that is wrong.
func TestSaidOnce(t *testing.T) {
	w := english(t, text.Shell)
	run := sample()
	run.Approval = dr.Approval{Needed: 2, By: []string{"bob", "carol", "dave"}, Ignored: []dr.IgnoredVoice{{By: "alice", Reason: dr.T("vote.own")}, {By: "eve", Reason: dr.T("vote.bot")}},
		Decision: dr.Decision{Reasons: []dr.Text{dr.T("vote.remark", "who", "alice", "why", dr.T("vote.own"))}}}
	a := Run(run, t0).Approval
	if got := said(w, append(a.Ignored, a.Count)...); got != "eve does not count: is a bot, and only people count\nApprovals 3, where 2 are needed" {
		t.Errorf("it says %q", got)
	}
	for kind, want := range map[dr.Kind]string{dr.Failover: "Accept what apply/tokyo of", dr.Resume: "Accept what is left to do in"} {
		run.Kind, run.State = kind, dr.RunPaused
		run.Question = &dr.Question{Step: "apply/tokyo", What: dr.T("test.list"), Answers: []string{"accept", "stop"}, Takes: map[string]int{"accept": 2}, Digest: "12345678"}
		q := Run(run, t0).Question.Answers[0]
		if beside, alone := w.Say(q.Beside), w.Say(q.Leads); !strings.HasPrefix(beside, want) || strings.Contains(beside, "test.list") || !strings.Contains(alone, "test.list") {
			t.Errorf("accept leads to %q, and %q", beside, alone)
		}
		if got := w.Command(q.Command); got != "drbot answer portal-1a2b3c4d accept 12345678" {
			t.Errorf("it is accepted by %q", got)
		}
	}
}

// TestNotOK names each check that is not ok, once: what is accepted is named there.
func TestNotOK(t *testing.T) {
	run := sample()
	run.Checks = []dr.Check{
		{Name: "a", Level: dr.OK}, {Name: "b", Level: dr.Unknown}, {Name: "c", Resource: "db", Level: dr.Warn}, {Name: "c", Resource: "api", Level: dr.Warn},
		{Name: "d", Region: "tokyo", Level: dr.Fail}, {Name: "d", Region: "seoul", Level: dr.Fail},
	}
	run.Accepts = []dr.Text{dr.T("policy.check", "check", dr.T("policy.subject", "check", "c", "resource", "db"), "level", "warn"), dr.T("policy.check.in", "check", "d", "region", "tokyo")}
	if got := said(english(t, text.Shell), Run(run, t0).NotOK...); got != "not ok: b: unknown\nnot ok: c of api: warn\nnot ok: d in seoul: fail" {
		t.Errorf("it names %q", got)
	}
}

// TestMergeWithoutAMerge shows no merge as done that merged nothing, and one that did as it is.
func TestMergeWithoutAMerge(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*dr.Run)
		want   dr.StepState
	}{
		"is tried again":     {func(*dr.Run) {}, dr.StepPending},
		"expired":            {func(r *dr.Run) { r.State, r.Ended = dr.RunExpired, t0.Add(time.Hour) }, dr.StepFailed},
		"merged":             {func(r *dr.Run) { r.MergeSHA = "abc" }, dr.StepDone},
		"merged, and apart":  {func(r *dr.Run) { r.MergedApart, r.State, r.Ended = true, dr.RunStopped, t0.Add(time.Hour) }, dr.StepDone},
		"not begun, and not": {func(r *dr.Run) { r.Steps[0] = dr.Step{Name: "merge", State: dr.StepPending} }, dr.StepPending},
	} {
		run := sample()
		run.Steps = []dr.Step{{Name: "merge", State: dr.StepDone, Started: t0, Ended: t0.Add(time.Second), Detail: dr.T("merge.not-approved")}}
		c.change(&run)
		got := Run(run, t0.Add(time.Minute)).Steps
		if len(got) != 1 || got[0].State != c.want || c.want == dr.StepFailed && got[0].Detail.Empty() {
			t.Errorf("%s: it is shown as %+v", name, got)
		}
	}
}
