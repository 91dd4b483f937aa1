package tf

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text/texttest"
)

// What a configuration makes of its own place is the same in every plan and in the apply.
func TestCase3OnePlaceForAStack(t *testing.T) {
	w := newWorld(t)
	all := files(`
resource "terraform_data" "a" {
  input = [abspath("${path.module}/f.zip"), path.cwd, abspath(path.root), filemd5(abspath("${path.module}/f.zip"))]
}
`)
	all["app/f.zip"] = "zip"
	req := w.request("run", w.commit(all))
	if again := w.plan(req.Commit); !reflect.DeepEqual(again, req.Approved) {
		t.Errorf("planned again it is\n%+v, not\n%+v", again, req.Approved)
	}
	if r := w.apply(req); r.Kind != dr.ApplyDone {
		t.Fatalf("result %+v", r)
	}
	if left, err := filepath.Glob(filepath.Join(w.opts.WorkDir, seatsDir, "*")); err != nil || slices.ContainsFunc(left, func(n string) bool { return !strings.HasSuffix(n, lockSuffix) }) {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// twice plans a commit in one second and in a later one.
func (w *world) twice(commit string, svc dr.Service) (first, second dr.Plan) {
	w.t.Helper()
	plan := func() dr.Plan {
		p, err := w.terraform().Plan(w.t.Context(), dr.PlanRequest{Service: svc, Stack: w.stack(), Commit: commit})
		if err != nil {
			w.t.Fatal(err)
		}
		return p
	}
	first = plan()
	from := time.Now().Unix()
	eventually(w.t, "the clock has gone on", func() bool { return time.Now().Unix() > from })
	return first, plan()
}

func TestCase3WhatDiffersBetweenTwoPlans(t *testing.T) {
	w := newWorld(t)
	commit := w.commit(files(`
resource "terraform_data" "at" {
  input = { at = plantimestamp(), same = "s", late = timestamp(), id = uuid() }
}
resource "terraform_data" "same" {
  input = "s"
}
`))
	var svc dr.Service
	a, b := w.twice(commit, svc)
	differ := dr.Differs(a, b)
	if len(differ) != 1 || texttest.Say(t, differ[0]) != "app: terraform_data.at: input.at" {
		t.Errorf("what differs is %v", differ)
	}
	if same := dr.Differs(a, a); len(same) != 0 {
		t.Errorf("of one plan %v differ", same)
	}

	// Listed with a reason it is left out, of the digest too, and shown; the apply takes it.
	svc.Unstable = []dr.Unstable{{Stack: "app", Address: "terraform_data.at", Attribute: "input.at", Reason: "a build's time"}}
	a, b = w.twice(commit, svc)
	if differ := dr.Differs(a, b); len(differ) != 0 || (dr.Plans{a}).Digest() != (dr.Plans{b}).Digest() {
		t.Errorf("what differs is %v", differ)
	}
	at := a.Changes[0]
	if slices.Contains(at.PathNames(), "input.at") || !slices.Equal(at.LeftOut, []dr.LeftOut{{Path: "input.at", Reason: "a build's time"}}) {
		t.Errorf("the change is %+v", at)
	}
	r := w.apply(dr.ApplyRequest{Key: "run", Run: "run", Service: svc, Stack: w.stack(), Commit: commit, Approved: a})
	if r.Kind != dr.ApplyDone {
		t.Errorf("result %+v", r)
	}
}

// Two who plan one stack take turns, whatever processes they are of.
func TestCase3OneAtATime(t *testing.T) {
	w := newWorld(t)
	commit := w.commit(files(`resource "terraform_data" "a" {}`))
	j, err := w.terraform().job(t.Context(), dr.Service{}, w.stack(), toPlan)
	if err != nil {
		t.Fatal(err)
	}
	s, err := j.sit(t.Context(), w.stack(), t.TempDir(), sitter{})
	if err != nil {
		t.Fatal(err)
	}
	w.opts.PlanTimeout = time.Second
	_, err = w.terraform().Plan(t.Context(), dr.PlanRequest{Service: trusting(), Stack: w.stack(), Commit: commit})
	if what, _ := texttest.Told(t, err); dr.CodeOf(err) != dr.Temporary || what != "Another plan or apply of stack app goes on; there is one at a time." {
		t.Errorf("got %q, %v", what, err)
	}
	other := w.stack()
	other.Dir = "other"
	o, err := j.sit(t.Context(), other, t.TempDir(), sitter{})
	if err != nil {
		t.Fatal(err)
	}
	o.leave()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := j.sit(ctx, w.stack(), t.TempDir(), sitter{}); err == nil || is[*dr.Error](err) {
		t.Errorf("who gave up got %v", err)
	}
	s.leave()
	w.opts.PlanTimeout = 0
	// A process that was killed has left its link.
	if err := os.Symlink("/nowhere", s.path); err != nil {
		t.Fatal(err)
	}
	if p := w.plan(commit); len(p.Changes) != 1 {
		t.Errorf("plan %+v", p)
	}
}
