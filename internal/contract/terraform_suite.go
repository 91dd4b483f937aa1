package contract

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
)

// terraforming is one test of Terraform.
type terraforming struct {
	*testing.T
	TerraformWorld
}

// PlanAndApply is the contract of Terraform.
func PlanAndApply(t *testing.T, fresh NewTerraform, in ...In) {
	each(t, map[string]func(terraforming){
		"a plan changes nothing and repeats":   terraforming.planned,
		"a plan of what was changed":           terraforming.replanned,
		"a plan of a merge":                    terraforming.plannedMerge,
		"what cannot be planned":               terraforming.notPlanned,
		"what a stack reads":                   terraforming.trees,
		"other code that runs":                 terraforming.otherCode,
		"an apply is done once for a key":      terraforming.appliedOnce,
		"an apply with nothing to do":          terraforming.nothingToDo,
		"a wider plan is not applied":          terraforming.wider,
		"another value is wider":               terraforming.otherValue,
		"a failed apply says what was made":    terraforming.failed,
		"a locked state is left alone":         terraforming.locked,
		"an apply outlives who asked":          terraforming.outlives,
		"who follows gets the same end":        terraforming.followed,
		"an apply whose processes die is lost": terraforming.lost,
		"drift is not looked at while in use":  terraforming.busy,
	}, func(t *testing.T) terraforming { return terraforming{t, fresh(t)} }, in)
}

func (w terraforming) plan(commit string) dr.Plan {
	w.Helper()
	p, err := w.Terraform().Plan(w.Context(), dr.PlanRequest{Run: "run", Service: w.Service, Stack: w.Stack, Commit: commit})
	wellDone(w.T, err)
	return p
}

// request is an apply of a commit as it was approved.
func (w terraforming) request(key, commit string) dr.ApplyRequest {
	w.Helper()
	return dr.ApplyRequest{Key: key, Run: "run", Service: w.Service, Stack: w.Stack, Commit: commit, Approved: w.plan(commit)}
}

func (w terraforming) apply(req dr.ApplyRequest) dr.ApplyResult {
	w.Helper()
	r, err := w.Terraform().Apply(w.Context(), req, nil)
	wellDone(w.T, err)
	return r
}

// end is how a call of Apply ended.
type end struct {
	dr.ApplyResult
	err error
}

// applying starts an apply and gives its end later.
func (w terraforming) applying(ctx context.Context, req dr.ApplyRequest) <-chan end {
	done := make(chan end, 1)
	tf := w.Terraform()
	go func() {
		r, err := tf.Apply(ctx, req, nil)
		done <- end{r, err}
	}()
	return done
}

// ended waits for the end of an apply.
func (w terraforming) ended(of <-chan end) dr.ApplyResult {
	w.Helper()
	var e end
	w.Await(w.T, "the apply has ended", func() bool {
		select {
		case e = <-of:
			return true
		default:
			return false
		}
	})
	wellDone(w.T, e.err)
	return e.ApplyResult
}

// is checks how an apply ended, and that it says so in words.
func (w terraforming) is(r dr.ApplyResult, kind dr.ApplyKind, counts dr.Counts, made ...string) {
	w.Helper()
	if r.Kind != kind || r.Counts != counts || !slices.Equal(r.Made, made) || r.Summary.Empty() {
		w.Errorf("result %+v, want %s, %+v, made %v", r, kind, counts, made)
	}
}

func (w terraforming) holds(addresses ...string) {
	w.Helper()
	if got := slices.Sorted(slices.Values(w.Site.State())); !slices.Equal(got, addresses) {
		w.Errorf("the state holds %v, want %v", got, addresses)
	}
}

// actions are the changes of a plan, as "address: actions".
func actions(p dr.Plan) (out []string) {
	for _, c := range p.Changes {
		out = append(out, c.Address+": "+strings.Join(c.Actions, "+"))
	}
	slices.Sort(out)
	return out
}

func (w terraforming) planned() {
	commit := w.Site.Commit("", Thing{Name: "a", Value: "1"}, Thing{Name: "b"})
	p := w.plan(commit)
	if want := []string{"terraform_data.a: create", "terraform_data.b: create"}; !slices.Equal(actions(p), want) {
		w.Errorf("planned %v", actions(p))
	}
	if p.Stack != w.Stack.Name || p.Terraform == "" || p.LockFile == "" || p.Counts() != (dr.Counts{Add: 2}) {
		w.Errorf("plan %+v", p)
	}
	if again := w.plan(commit); !reflect.DeepEqual(again, p) {
		w.Errorf("the same commit gave another plan:\n%+v\n%+v", again, p)
	}
	w.holds()
}

func (w terraforming) replanned() {
	first := w.Site.Commit("", Thing{Name: "a", Value: "1"}, Thing{Name: "b"})
	w.is(w.apply(w.request("run/first", first)), dr.ApplyDone, dr.Counts{Add: 2}, "terraform_data.a", "terraform_data.b")
	if p := w.plan(first); len(p.Changes) != 0 {
		w.Errorf("after the apply: %v", actions(p))
	}
	second := w.Site.Commit(first, Thing{Name: "a", Value: "2"}, Thing{Name: "c"})
	p := w.plan(second)
	want := []string{"terraform_data.a: update", "terraform_data.b: delete", "terraform_data.c: create"}
	if !slices.Equal(actions(p), want) || p.Counts() != (dr.Counts{Add: 1, Change: 1, Destroy: 1}) {
		w.Errorf("planned %v", actions(p))
	}
	r := w.apply(w.request("run/second", second))
	if r.Kind != dr.ApplyDone || r.Counts != p.Counts() || len(r.Made) != 3 {
		w.Errorf("result %+v", r)
	}
	w.holds("terraform_data.a", "terraform_data.c")
}

func (w terraforming) plannedMerge() {
	first := w.Site.Commit("", Thing{Name: "a", Value: "1"})
	change := w.Site.Commit(first, Thing{Name: "a", Value: "2"})
	base := w.Site.Commit(first, Thing{Name: "a", Value: "1"}, Thing{Name: "b"})
	other := w.Site.Commit(first, Thing{Name: "a", Value: "3"})
	req := dr.PlanRequest{Run: "run", Service: w.Service, Stack: w.Stack, Commit: change, MergeInto: base}
	p, err := w.Terraform().Plan(w.Context(), req)
	wellDone(w.T, err)
	if want := []string{"terraform_data.a: create", "terraform_data.b: create"}; !slices.Equal(actions(p), want) {
		w.Errorf("planned %v", actions(p))
	}
	if wider := sansCode(dr.Wider(p, w.plan(change))); len(wider) != 1 {
		w.Errorf("against the change alone it is wider by %v", wider)
	}
	req.MergeInto = other
	_, err = w.Terraform().Plan(w.Context(), req)
	fails(w.T, err, dr.Conflict)
}

// sansCode leaves out that other code runs: where a thing is made by a program, a new one
// is that as well.
func sansCode(wider []dr.Text) []dr.Text {
	return slices.DeleteFunc(slices.Clone(wider), dr.T("wider.code").Same)
}

// changed compares what the stack reads of two trees.
func (w terraforming) changed(from, to dr.Tree) bool {
	w.Helper()
	changed, err := w.Terraform().Changed(w.Context(), dr.TreesRequest{Service: w.Service, Stacks: []dr.Stack{w.Stack}, From: from, To: to})
	wellDone(w.T, err)
	return changed
}

func (w terraforming) trees() {
	first := w.Site.Commit("", Thing{Name: "a", Value: "1"})
	head := w.Site.Commit(first, Thing{Name: "a", Value: "2"})
	beside := w.Site.Beside(first)
	other := w.Site.Commit(beside, Thing{Name: "a", Value: "1"}, Thing{Name: "b"})
	at := func(commit string) dr.Tree { return dr.Tree{Commit: commit} }
	planned := dr.Tree{Commit: head, MergeInto: first}
	for name, c := range map[string]struct {
		from, to dr.Tree
		want     bool
	}{
		"itself":                      {at(first), at(first), false},
		"the base moved elsewhere":    {at(first), at(beside), false},
		"the base moved in the stack": {at(beside), at(other), true},
		"the change":                  {at(first), at(head), true},
		"the merge, elsewhere":        {planned, dr.Tree{Commit: head, MergeInto: beside}, false},
		"the merge, in the stack":     {planned, dr.Tree{Commit: head, MergeInto: other}, true},
		"the head, not merged":        {planned, at(head), false},
	} {
		if got := w.changed(c.from, c.to); got != c.want {
			w.Errorf("%s: changed %t", name, got)
		}
	}
	for _, nobodys := range []dr.Tree{at(strings.Repeat("a", 40)), at(first[:7]), {Commit: head, MergeInto: w.Site.Commit(first, Thing{Name: "a", Value: "3"})}} {
		if _, err := w.Terraform().Changed(w.Context(), dr.TreesRequest{Service: w.Service, Stacks: []dr.Stack{w.Stack}, From: planned, To: nobodys}); err == nil {
			w.Errorf("%+v was compared", nobodys)
		}
	}
}

func (w terraforming) otherCode() {
	thing := Thing{Name: "a", Value: "1"}
	first := w.Site.Commit("", thing)
	second := w.Site.Running(first, thing)
	was, now := w.plan(first), w.plan(second)
	if was.Code == "" || now.Code == was.Code || !slices.Equal(actions(now), actions(was)) {
		w.Fatalf("planned %+v, then %+v", was, now)
	}
	if wider := dr.Wider(now, was); len(wider) != 1 || (dr.Plans{now}).Digest() == (dr.Plans{was}).Digest() {
		w.Errorf("it is wider by %v", wider)
	}
	if beside := w.plan(w.Site.Beside(first)); !reflect.DeepEqual(beside, was) {
		w.Errorf("a file elsewhere gave another plan:\n%+v\n%+v", beside, was)
	}
	req := w.request("run/code", first)
	req.Commit = second
	w.is(w.apply(req), dr.ApplyWider, dr.Counts{})
	w.holds()
}

func (w terraforming) notPlanned() {
	commit := w.Site.Commit("", Thing{Name: "a"})
	for name, c := range map[string]struct {
		change func(*dr.PlanRequest)
		codes  []dr.Code
	}{
		"half a commit":        {func(r *dr.PlanRequest) { r.Commit = commit[:7] }, []dr.Code{dr.Invalid}},
		"a commit nobody has":  {func(r *dr.PlanRequest) { r.Commit = strings.Repeat("a", 40) }, []dr.Code{dr.Temporary, dr.NotFound}},
		"no such folder":       {func(r *dr.PlanRequest) { r.Stack.Dir = "nothing" }, []dr.Code{dr.NotFound}},
		"outside the checkout": {func(r *dr.PlanRequest) { r.Stack.Dir = "../up" }, []dr.Code{dr.Invalid}},
	} {
		req := dr.PlanRequest{Run: "run", Service: w.Service, Stack: w.Stack, Commit: commit}
		c.change(&req)
		if _, err := w.Terraform().Plan(w.Context(), req); err == nil || !slices.Contains(c.codes, dr.CodeOf(err)) {
			w.Errorf("%s: %v", name, err)
		}
	}
	_, err := w.Terraform().Apply(w.Context(), dr.ApplyRequest{Run: "run", Service: w.Service, Stack: w.Stack, Commit: commit}, nil)
	fails(w.T, err, dr.Invalid) // no key
}
