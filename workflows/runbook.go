package workflows

import (
	"slices"
	"strings"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
	"github.com/drbot/drbot/workflows/steps"
)

// Line is one line of a runbook: a kind of step, and what of it.
type Line struct {
	Kind  string
	Which string
	When  func(dr.Service, dr.Request) bool // nil for always
	Acts  bool                              // the lines that the service's configuration lists stand here
}

// movement is what follows the merge of a failover and, with source and target
// exchanged, of a failback: a line for a step an operator would tick off. In a disaster
// the source's stack waits for a run of its own.
func movement() []Line {
	return []Line{
		{Kind: steps.Quiesce, When: both(planned, hasDatabase)},
		{Acts: true},
		{Kind: steps.Verify},
		{Kind: steps.GiveBack, When: both(planned, hasDatabase)},
		{Kind: steps.Apply, Which: steps.ApplySource, When: planned},
	}
}

func planned(_ dr.Service, req dr.Request) bool { return req.Mode == dr.Planned }

func hasDatabase(s dr.Service, _ dr.Request) bool { return len(s.ResourcesOf(dr.AuroraGlobal)) > 0 }

func both(a, b func(dr.Service, dr.Request) bool) func(dr.Service, dr.Request) bool {
	return func(s dr.Service, req dr.Request) bool { return a(s, req) && b(s, req) }
}

// beforeMerge are the steps of the loop that ends with a merge, which is code.
func beforeMerge(kind dr.Kind) []string {
	if kind == dr.Resume {
		return []string{stepAuthorize, stepLock, stepReadiness, stepPlan, stepAwait, stepMerge}
	}
	return []string{stepAuthorize, stepLock, stepReadiness, stepOpen, stepPlan, stepAwait, stepRecheck, stepMerge}
}

// The names of the steps that are no kinds.
const (
	stepAuthorize = "authorize"
	stepLock      = "lock"
	stepReadiness = "check-readiness"
	stepOpen      = "open-change"
	stepPlan      = "plan"
	stepAwait     = "await-approval"
	stepRecheck   = "recheck"
	stepMerge     = dr.MergeStep
	stepCloseOut  = "close-out"
)

// actLine reads an act as the configuration writes it: "promote", "promote/orders-db",
// "apply/target".
func actLine(act string) Line {
	kind, which, _ := strings.Cut(act, "/")
	return Line{Kind: kind, Which: which}
}

// Steps makes the steps that follow the merge of a run: what is shown before it starts,
// what the configuration is checked against, and what runs. An error is a dr.Error.
func Steps(kinds []steps.Kind, s dr.Service, req dr.Request) ([]engine.Step, error) {
	var lines []Line
	for _, l := range movement() {
		if l.When != nil && !l.When(s, req) {
			continue
		}
		if !l.Acts {
			lines = append(lines, l)
			continue
		}
		for _, a := range s.Acts {
			lines = append(lines, actLine(a))
		}
	}
	var out []engine.Step
	count := map[string]int{}
	for _, l := range lines {
		kind, ok := steps.Named(kinds, l.Kind)
		if !ok {
			return nil, &dr.Error{Code: dr.Invalid, What: dr.T("list.unknown", "kind", l.Kind, "kinds", ids(kinds))}
		}
		count[l.Kind]++
		made, err := kind.Make(steps.Job{Service: s, Request: req, Source: s.Other(req.Target), Which: l.Which, N: count[l.Kind]})
		if err != nil {
			return nil, err
		}
		for _, st := range made {
			if slices.ContainsFunc(out, func(o engine.Step) bool { return o.Name() == st.Name() }) {
				return nil, &dr.Error{Code: dr.Invalid, What: dr.T("list.twice", "step", st.Name())}
			}
			out = append(out, st)
		}
	}
	return out, nil
}

func ids(kinds []steps.Kind) []string {
	out := make([]string, len(kinds))
	for i, k := range kinds {
		out[i] = k.ID
	}
	return out
}

// StepNames lists every step of a run, in order.
func StepNames(kind dr.Kind, list []engine.Step) []string {
	names := beforeMerge(kind)
	for _, s := range list {
		names = append(names, s.Name())
	}
	return append(names, stepCloseOut)
}

// newRun is the record a run begins with.
func newRun(s dr.Service, req dr.Request, list []engine.Step) dr.Run {
	run := dr.Run{Request: req, Source: s.Other(req.Target), State: dr.RunRunning, Objective: s.Objectives, Quorum: s.Quorum}
	for _, n := range StepNames(req.Kind, list) {
		run.Steps = append(run.Steps, dr.Step{Name: n, State: dr.StepPending})
	}
	return run
}
