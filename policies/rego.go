// Package policies decides. Who approves a change is counted by Go code that no
// team can loosen (Count); whether a run may start and what a plan may do is said
// by the Rego rules beside it, which can only deny or ask for an acceptance.
// Nothing here does I/O: facts come in as values, a decision goes out.
package policies

import (
	"context"
	"crypto/sha256"
	_ "embed" // the rules
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/drbot/drbot/dr"
)

//go:embed readiness.rego
var readinessRules string

//go:embed plan.rego
var planRules string

// approvalRevision names the rules of Count. It changes with them.
const approvalRevision = "approval-1"

// Revision names all rules that decide: those in Go by a number, those in Rego by
// a hash of their text.
func Revision() string {
	sum := sha256.Sum256([]byte(readinessRules + "\x00" + planRules))
	return approvalRevision + "+rego-" + hex.EncodeToString(sum[:6])
}

// Policy evaluates the Rego rules. It is safe for concurrent use.
type Policy struct {
	readiness rego.PreparedEvalQuery
	plan      rego.PreparedEvalQuery
	held      rego.PreparedEvalQuery
	revision  string
}

// New compiles the rules.
func New(ctx context.Context) (*Policy, error) {
	readiness, err := prepare(ctx, "data.drbot.readiness.decision", "readiness.rego", readinessRules)
	if err != nil {
		return nil, err
	}
	plan, err := prepare(ctx, "data.drbot.plan.decision", "plan.rego", planRules)
	if err != nil {
		return nil, err
	}
	held, err := prepare(ctx, "data.drbot.plan.held", "plan.rego", planRules)
	if err != nil {
		return nil, err
	}
	return &Policy{readiness: readiness, plan: plan, held: held, revision: Revision()}, nil
}

func prepare(ctx context.Context, query, name, rules string) (rego.PreparedEvalQuery, error) {
	q, err := rego.New(
		rego.Query(query),
		rego.Module(name, rules),
		// Without it a built-in function that fails makes its rule silently not
		// apply, and a rule to deny that does not apply allows.
		rego.StrictBuiltinErrors(true),
		rego.UnsafeBuiltins(map[string]struct{}{"http.send": {}, "net.lookup_ip_addr": {}, "opa.runtime": {}}),
	).PrepareForEval(ctx)
	if err != nil {
		return q, fmt.Errorf("compile %s: %w", name, err)
	}
	return q, nil
}

// said is what the rules answer.
type said struct {
	Deny   []dr.Text `json:"deny"`
	Accept []dr.Text `json:"accept"`
}

// Readiness decides whether a run may start, and what people accept by it. Rules
// that cannot be evaluated deny.
func (p *Policy) Readiness(ctx context.Context, f dr.ReadinessFacts) (dr.Verdict, error) {
	d, answer, err := p.decide(ctx, p.readiness, f)
	return dr.Verdict{Decision: d, Accepts: answer.Accept}, err
}

// planInput is what the rules about plans see of a run.
type planInput struct {
	Service string     `json:"service"`
	Source  dr.Region  `json:"source"`
	Stacks  []dr.Stack `json:"stacks"`
	Plans   dr.Plans   `json:"plans"`
}

// Plans decides whether the plans of a run may be put before people at all. Rules
// that cannot be evaluated deny. The reasons of a decision that allows are what people
// accept who approve.
func (p *Policy) Plans(ctx context.Context, s dr.Service, source dr.Region, plans dr.Plans) (dr.Decision, error) {
	d, answer, err := p.decide(ctx, p.plan, planInput{Service: s.Name, Source: source, Stacks: s.Stacks, Plans: plans})
	if d.Allowed {
		d.Reasons = answer.Accept
	}
	return d, err
}

// Held gives those of some types of resources that hold data, or may: what of them an apply
// finds half made is not its own to delete.
func (p *Policy) Held(ctx context.Context, types []string) ([]string, error) {
	var held []string
	if err := evalInto(ctx, p.held, map[string]any{"types": types}, &held); err != nil {
		return nil, fmt.Errorf("evaluate the policy: %w", err)
	}
	return held, nil
}

// decide evaluates a query. The error is for a caller who gave up; every other
// trouble is a decision to deny.
func (p *Policy) decide(ctx context.Context, q rego.PreparedEvalQuery, facts any) (dr.Decision, said, error) {
	answer, err := eval(ctx, q, facts)
	if ctx.Err() != nil {
		return dr.Decision{Policy: p.revision}, said{}, fmt.Errorf("evaluate the policy: %w", ctx.Err())
	}
	if err != nil {
		why := dr.T("rules.broken", "cause", dr.Foreign(err.Error()))
		return dr.Decision{Reasons: []dr.Text{why}, Policy: p.revision}, said{}, nil
	}
	return dr.Decision{Allowed: len(answer.Deny) == 0, Reasons: answer.Deny, Policy: p.revision}, answer, nil
}

func eval(ctx context.Context, q rego.PreparedEvalQuery, facts any) (said, error) {
	var answer *said
	if err := evalInto(ctx, q, facts, &answer); err != nil {
		return said{}, err
	}
	if answer == nil || answer.Deny == nil {
		return said{}, errors.New("they gave no decision")
	}
	return *answer, nil
}

func evalInto(ctx context.Context, q rego.PreparedEvalQuery, facts, answer any) error {
	input, err := plain(facts)
	if err != nil {
		return err
	}
	results, err := q.Eval(ctx, rego.EvalInput(input))
	if err != nil {
		return err
	}
	if len(results) != 1 || len(results[0].Expressions) != 1 {
		return errors.New("they gave no decision")
	}
	doc, err := json.Marshal(results[0].Expressions[0].Value)
	if err != nil {
		return err
	}
	return json.Unmarshal(doc, answer)
}

// plain turns facts into what their JSON says, so that the rules see the names
// and shapes that are recorded.
func plain(facts any) (any, error) {
	doc, err := json.Marshal(facts)
	if err != nil {
		return nil, err
	}
	var v any
	return v, json.Unmarshal(doc, &v)
}
