package policies

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/drbot/drbot/dr"
)

func newPolicy(t *testing.T) *Policy {
	t.Helper()
	p, err := New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func number(v float64) *float64 { return &v }

// facts are those of the golden table, with a lag of 12 s and a workload that the
// run is to make.
func facts(t *testing.T, mode dr.Mode) dr.ReadinessFacts {
	t.Helper()
	f := factsOf(mode, readTold(t))
	for i, c := range f.Checks {
		switch {
		case c.Role == dr.RoleLag:
			f.Checks[i].Value = number(12)
		case f.Expected[i].Name == "target.workload":
			f.Checks[i].Level, f.Checks[i].Detail = dr.Warn, dr.T(dr.Words, "words", dr.Foreign("not made yet"))
		}
	}
	return f
}

func TestReadiness(t *testing.T) {
	p := newPolicy(t)
	v, err := p.Readiness(t.Context(), facts(t, dr.Planned))
	if err != nil || !v.Allowed || v.Policy != Revision() {
		t.Fatalf("%+v, %v", v, err)
	}
	if !strings.Contains(inWords(t, v.Accepts...), "(target.workload) in ap-northeast-1: warn (not made yet)") {
		t.Errorf("accepts %q", v.Accepts)
	}
	f := facts(t, dr.Disaster)
	source := slices.IndexFunc(f.Checks, func(c dr.Check) bool { return c.Role == dr.RoleSource })
	f.Checks[source].Level = dr.Unknown
	v, err = p.Readiness(t.Context(), f)
	if err != nil || !v.Allowed || !strings.Contains(inWords(t, v.Accepts...), "expected data loss about 12 s of an objective of 300 s") {
		t.Errorf("%+v, %v", v, err)
	}
	f = facts(t, dr.Planned)
	f.Checks[source].Level = dr.Unknown
	v, err = p.Readiness(t.Context(), f)
	if err != nil || v.Allowed || !strings.HasSuffix(inWords(t, v.Reasons...), "(source.reachable) in ap-northeast-2: unknown") {
		t.Errorf("%+v, %v", v, err)
	}
	for name, nothing := range map[string]dr.ReadinessFacts{
		"no facts":                {},
		"nothing told":            {Mode: dr.Planned},
		"nothing told, resources": {Mode: dr.Planned, Resources: 2, Checks: f.Checks},
		"nothing expected":        {Mode: dr.Planned, Resources: 2, Expected: []dr.Expected{}},
	} {
		v, err = p.Readiness(t.Context(), nothing)
		if err != nil || v.Allowed || len(v.Reasons) == 0 {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
}

func TestPlans(t *testing.T) {
	p := newPolicy(t)
	service := dr.Service{Name: "portal", Stacks: []dr.Stack{{Name: "tokyo", Role: dr.RegionStack}}}
	plans := dr.Plans{{Stack: "tokyo", Changes: []dr.ResourceChange{{Address: "aws_lb.this", Type: "aws_lb", Actions: []string{"create"}}}}}
	d, err := p.Plans(t.Context(), service, "ap-northeast-2", plans)
	if err != nil || !d.Allowed || d.Policy != Revision() {
		t.Errorf("%+v, %v", d, err)
	}
	plans[0].Changes[0] = dr.ResourceChange{Address: "aws_cloudwatch_log_group.app", Type: "aws_cloudwatch_log_group", Actions: []string{"delete"}}
	d, err = p.Plans(t.Context(), service, "ap-northeast-2", plans)
	if err != nil || !d.Allowed || inWords(t, d.Reasons...) != "aws_cloudwatch_log_group.app would be gone with what is in it" {
		t.Errorf("what is accepted by name: %+v, %v", d, err)
	}
	plans[0].Changes = append(plans[0].Changes, dr.ResourceChange{Address: "aws_rds_cluster.db", Type: "aws_rds_cluster", Actions: []string{"delete", "create"}})
	d, err = p.Plans(t.Context(), service, "ap-northeast-2", plans)
	if err != nil || d.Allowed || inWords(t, d.Reasons...) != "aws_rds_cluster.db holds data and would be replaced" {
		t.Errorf("%+v, %v", d, err)
	}
	d, err = p.Plans(t.Context(), service, "ap-northeast-2", nil)
	if err != nil || d.Allowed {
		t.Errorf("no plans: %+v, %v", d, err)
	}
}

func TestRulesThatFailDeny(t *testing.T) {
	for name, rules := range map[string]string{
		"no decision":       "package x\ndecision := {\"deny\": set()} if input.never",
		"no list of denial": "package x\ndecision := {\"accept\": set()}",
		"a builtin fails":   "package x\ndecision := {\"deny\": deny}\ndeny contains \"no\" if to_number(\"one\") == 1",
		"two answers":       "package x\ndecision := {\"deny\": f(1)}\nf(_) := []\nf(_) := [1]",
		"another shape":     "package x\ndecision := \"allow\"",
	} {
		t.Run(name, func(t *testing.T) {
			q, err := prepare(t.Context(), "data.x.decision", "x.rego", rules)
			if err != nil {
				t.Fatal(err)
			}
			d, err := (&Policy{plan: q}).Plans(t.Context(), dr.Service{}, "", nil)
			if err != nil || d.Allowed || len(d.Reasons) != 1 || !strings.HasPrefix(inWords(t, d.Reasons...), "the rules could not be evaluated") {
				t.Errorf("%+v, %v", d, err)
			}
		})
	}
}

func TestRulesMayNotReachOut(t *testing.T) {
	_, err := prepare(t.Context(), "data.x.decision", "x.rego", `package x
decision := http.send({"method": "get", "url": "http://localhost"})`)
	if err == nil {
		t.Error("rules with http.send compiled")
	}
}

func TestDecisionOfACallerWhoGaveUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := newPolicy(t)
	cancel()
	d, err := p.Plans(ctx, dr.Service{}, "", nil)
	if !errors.Is(err, context.Canceled) || d.Allowed {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestPolicyIsSafeForConcurrentUse(t *testing.T) {
	p := newPolicy(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if v, err := p.Readiness(t.Context(), facts(t, dr.Planned)); err != nil || !v.Allowed {
				t.Errorf("%+v, %v", v, err)
			}
		})
	}
	wg.Wait()
}
