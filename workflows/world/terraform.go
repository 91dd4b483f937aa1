package world

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
)

// applyTime is how long an apply takes.
const applyTime = 4 * time.Second

// What every stack of its role has.
const (
	loadBalancer = "aws_lb.this"
	workload     = "aws_ecs_service.this"
	publicName   = "aws_route53_record.public"
	odd          = "aws_ssm_parameter.odd"
)

// terraform is what the stacks have made, besides the workloads.
type terraform struct {
	points  map[string]dr.Region         // where each traffic stack points
	state   map[string]map[string]string // what stands in a stack beyond the ordinary: its value by its address
	begun   map[string]int               // how often the making of such a thing was begun, by its address
	locked  map[string]bool              // stacks whose state somebody else locks
	waiting int                          // things whose making waits
	gate    chan struct{}                // closed when nothing waits any more
	drift   map[string][]dr.ResourceChange
	applies map[string]*apply   // by key
	made    []string            // things that an apply made, changed or deleted
	Applied []string            // stacks, in the order in which an apply took effect
	commits map[string][]string // at which they were, by stack
	planned []string            // stacks, each with what it was planned as, in their order
	next    map[string][]dr.ApplyKind
	denied  bool            // a plan that deletes a database
	odd     int             // so many plans more of the target have a value that is another each time
	fixed   bool            // what leads the users is written down as a fixed value
	ignores map[string]bool // stacks whose code ignores how many tasks there are
}

func newTerraform() *terraform {
	return &terraform{
		points: map[string]dr.Region{}, drift: map[string][]dr.ResourceChange{}, applies: map[string]*apply{}, next: map[string][]dr.ApplyKind{},
		state: map[string]map[string]string{}, begun: map[string]int{}, locked: map[string]bool{}, gate: make(chan struct{}), ignores: map[string]bool{}, commits: map[string][]string{},
	}
}

// pointsOf is where a service's users are led.
func (tf *terraform) pointsOf(s dr.Service) dr.Region {
	for _, st := range s.StacksOf(dr.TrafficStack) {
		return tf.points[st.Name]
	}
	return ""
}

// apply is one apply under way, or over.
type apply struct {
	req    dr.ApplyRequest
	done   chan struct{}
	killed chan struct{} // closed when everything of it died at once
	result dr.ApplyResult
}

// NextApply makes the next apply of a stack end like this, without any effect.
func (w *World) NextApply(stack string, kind dr.ApplyKind) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tf.next[stack] = append(w.tf.next[stack], kind)
}

// Applied lists the stacks whose apply took effect, in order.
func (w *World) Applied() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.tf.Applied)
}

// AppliedAt lists the commits at which applies of a stack took effect, in order.
func (w *World) AppliedAt(stack string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.tf.commits[stack])
}

// Drift changes something of a stack outside Terraform.
func (w *World) Drift(stack, address string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tf.drift[stack] = append(w.tf.drift[stack], dr.ResourceChange{Stack: stack, Address: address, Type: strings.Split(address, ".")[0], Actions: []string{"update"}, Paths: []dr.PathChange{{Path: "tags"}}})
}

// PlannedAs lists the plans that were made, in order: the stack, and "as its apply" of one
// that was made with what its apply may read.
func (w *World) PlannedAs() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.tf.planned)
}

func plannedAs(req dr.PlanRequest) string {
	if req.AsApply {
		return req.Stack.Name + " as its apply"
	}
	return req.Stack.Name
}

// Plan implements workflows.Planner.
func (p *ports) Plan(ctx context.Context, req dr.PlanRequest) (dr.Plan, error) {
	return ask(ctx, p, "Plan", req.Stack.Name, func() (dr.Plan, error) {
		p.w.mu.Lock()
		defer p.w.mu.Unlock()
		tree, err := p.w.checkout(req.Stack, req.Commit, req.MergeInto)
		if err != nil {
			return dr.Plan{}, err
		}
		if req.Drift && p.w.tf.busy(req.Stack.Name) {
			return dr.Plan{}, refused(dr.Conflict, "stack %s is in use.", req.Stack.Name)
		}
		plan, err := p.w.plan(req.Service, req.Stack, tree)
		p.w.tf.planned = append(p.w.tf.planned, plannedAs(req))
		if req.Drift {
			plan.Drift = slices.Clone(p.w.tf.drift[req.Stack.Name])
		}
		return plan, err
	})
}

// Changed implements workflows.Planner.
func (p *ports) Changed(ctx context.Context, req dr.TreesRequest) (bool, error) {
	return ask(ctx, p, "Changed", "", func() (bool, error) {
		p.w.mu.Lock()
		defer p.w.mu.Unlock()
		for _, st := range req.Stacks {
			var reads [2]map[string]string
			for i, of := range []dr.Tree{req.From, req.To} {
				tree, err := p.w.checkout(st, of.Commit, of.MergeInto)
				if err != nil {
					return false, err
				}
				reads[i] = maps.Clone(tree)
				maps.DeleteFunc(reads[i], func(path, _ string) bool {
					return path != req.Service.Repository.File && path != codePath(st.Name) &&
						!strings.HasPrefix(path, thingPath(st.Name, "")) && !strings.HasPrefix(path, st.Dir+"/")
				})
			}
			if !maps.Equal(reads[0], reads[1]) {
				return true, nil
			}
		}
		return false, nil
	})
}

// brokenCode is a file that Terraform cannot read.
const brokenCode = "resource {"

// programCode is a file that starts a program.
const programCode = "provisioner"

// codePath is the file that says which code a stack runs.
func codePath(stack string) string { return "code/" + stack }

// checkout gives the files that a plan is made of. It needs the lock.
func (w *World) checkout(st dr.Stack, sha, into string) (map[string]string, error) {
	folder := func(s dr.Service) bool {
		return slices.ContainsFunc(s.Stacks, func(o dr.Stack) bool { return o.Dir == st.Dir })
	}
	switch c, ok := w.forge.commits[sha]; {
	case len(sha) != 40:
		return nil, refused(dr.Invalid, "%q is no full commit.", sha)
	case !ok:
		return nil, refused(dr.NotFound, "there is no commit %s.", sha)
	case !filepath.IsLocal(st.Dir):
		return nil, refused(dr.Invalid, "%s is not inside the repository.", st.Dir)
	case !slices.ContainsFunc(slices.Collect(maps.Values(w.Services)), folder):
		return nil, refused(dr.NotFound, "there is no folder %s.", st.Dir)
	case into == "":
		return c.tree, nil
	}
	tree, ok := w.forge.merged(into, sha)
	if !ok {
		return nil, refused(dr.Conflict, "%s cannot be merged into %s.", sha, into)
	}
	return tree, nil
}

// plan compares what the files want of a stack with the world. It needs the lock.
func (w *World) plan(s dr.Service, st dr.Stack, tree map[string]string) (dr.Plan, error) {
	plan := dr.Plan{Stack: st.Name, Terraform: "1.9.0", LockFile: "lock-1", Code: "code-1" + tree[codePath(st.Name)], Leads: st.Role == dr.TrafficStack}
	active, err := (&ports{}).ActiveRegion(tree[s.Repository.File])
	if err != nil {
		return plan, err
	}
	if tree[st.Dir+"/notes.tf"] == brokenCode {
		return plan, refused(dr.Uncertain, "Terraform cannot read %s.", st.Dir)
	}
	if file := st.Dir + "/notes.tf"; tree[file] == programCode {
		a, ok := s.Code.Allows(dr.CodeProvisioner, file)
		if !ok {
			return plan, refused(dr.Uncertain, "%s:1: a provisioner, which %s does not allow.", file, s.Name)
		}
		plan.Code += programCode
		plan.Allowed = append(plan.Allowed, dr.AllowedCode{What: a.What, At: file + ":1", Says: dr.T(dr.Words, "words", dr.Foreign(programCode)), Reason: a.Reason})
	}
	add := func(address, action string, paths ...dr.PathChange) {
		plan.Changes = append(plan.Changes, dr.ResourceChange{Stack: st.Name, Address: address, Type: strings.Split(address, ".")[0], Actions: []string{action}, Paths: paths})
	}
	switch st.Role {
	case dr.RegionStack:
		want, is := wantsOf(s, st, tree), w.cloud.at(st.Region).wanted(s)
		path := dr.PathChange{Path: "desired_count", Value: fmt.Sprint(want)}
		switch {
		case want == is, w.tf.ignores[st.Name]:
		case s.Strategy == dr.BackupRestore && is == 0:
			add(loadBalancer, "create")
			add(workload, "create", path)
		default:
			add(workload, "update", path)
		}
	case dr.TrafficStack:
		if w.tf.points[st.Name] != active && !w.tf.fixed {
			add(publicName, "update", dr.PathChange{Path: "records", Value: string(active)})
		}
	}
	if w.tf.denied && st.Role == dr.RegionStack {
		add("aws_rds_cluster.this", "delete")
	}
	if w.tf.odd > 0 && st.Role == dr.RegionStack && st.Region == active {
		w.tf.odd--
		add(odd, "update", dr.PathChange{Path: "tags.at", Value: fmt.Sprint(w.tf.odd)}, dr.PathChange{Path: "name"})
	}
	w.tf.planThings(st.Name, tree, add)
	return plan.Without(s.Unstable), nil
}

// tasksOf is how many tasks a Region has that serves.
const tasksOf = 3

// wants is how many tasks the configuration wants in a Region.
func wants(s dr.Strategy, active bool) int {
	switch {
	case active || s == dr.ActiveActive:
		return tasksOf
	case s == dr.WarmStandby:
		return 1
	default:
		return 0
	}
}

// keepsPath is the file that has a stack keep its tasks, whatever Region is active.
func keepsPath(st dr.Stack) string { return st.Dir + "/keeps.tf" }

// wantsOf is how many tasks the files want of a Region's stack.
func wantsOf(s dr.Service, st dr.Stack, tree map[string]string) int {
	active, _ := (&ports{}).ActiveRegion(tree[s.Repository.File]) // who plans has read it
	return wants(s.Strategy, st.Region == active || tree[keepsPath(st)] != "")
}

// OddPlans gives so many plans of the target a value that is another each time.
func (w *World) OddPlans(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tf.odd = n
}

// FixTraffic makes what leads the users a fixed value in the files, or undoes that.
func (w *World) FixTraffic(fixed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tf.fixed = fixed
}

// MoveUsers leads the users to a Region outside Terraform.
func (w *World) MoveUsers(to dr.Region) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for stack := range w.tf.points {
		w.tf.points[stack] = to
	}
}

// DenyPlan puts something into the target's plan that no policy lets pass.
func (w *World) DenyPlan() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tf.denied = true
}
