package sandbox

import (
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/internal/sandbox/github"
)

// soonOld has what was approved count as old at once.
func soonOld(o *Options) { o.Recheck = time.Second }

// TestAskedAgain lets the loss grow while people read, and the base move while GitHub
// merges: what was approved is asked about again on the same pull request, and what the
// merge came upon is accepted by two people before anything is done.
func TestAskedAgain(t *testing.T) {
	t.Parallel()
	w, ctx := serving(t, soonOld)
	m := asked(t, ctx, w)
	must(t, w.Cloud.ReportLag(ctx, 45*time.Second)) // the source is up, so that is what would be lost
	approveBoth(t, ctx, w, m)
	must(t, w.waitText(ctx, m.run, "has become worse"))
	p, err := w.Hub.Pull(m.pull)
	must(t, err)
	if p.Merged {
		t.Fatal("merged with a loss nobody was shown")
	}
	must(t, w.awaitPlan(ctx, m.run, p))
	held := w.Hub.Inject(github.Fault{Kind: github.Hang, Method: "PUT", Path: "/repos/" + owner + "/" + repository + "/pulls/", Times: 1})
	approveBoth(t, ctx, w, m)
	must(t, w.Hub.Wait(ctx, func() bool { return held.Hits() == 1 }))
	stack := stackFolder + "/" + standby + "/main.tf"
	src, err := w.Hub.FileAt(ctx, "main", stack)
	must(t, err)
	_, err = w.Hub.MoveBase(ctx, loginOf("dave"), stack, string(src)+"\nresource \"terraform_data\" \"extra\" {\n  input = \"new\"\n}\n", "a change in between")
	must(t, err)
	held.Release()
	msg := awaitPaused(t, ctx, w, m.run, "promote/portal")
	if ps, err := w.Cloud.Promotions(ctx); err != nil || len(ps) != 0 {
		t.Fatalf("%d promotions were asked for on a merge nobody planned (%v)", len(ps), err)
	}
	if text := msg.AllText(); !strings.Contains(text, "terraform_data.extra") {
		t.Errorf("the message does not name what is wider:\n%s", text)
	}
	press(t, ctx, w, "alice", msg, "accept")
	told(t, ctx, w, "alice", "the requester's word does not count")
	press(t, ctx, w, "bob", msg, "accept")
	press(t, ctx, w, "carol", msg, "accept")
	must(t, w.waitText(ctx, m.run, "*succeeded*"))
}
