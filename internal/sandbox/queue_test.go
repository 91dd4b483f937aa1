package sandbox

import (
	"slices"
	"strings"
	"testing"

	"github.com/drbot/drbot/internal/sandbox/github"
	"github.com/drbot/drbot/internal/sandbox/slack"
)

// TestCases6And7InTheSandbox has a base with a merge queue, and somebody set the pull request
// to merge when it may: drbot switches that off, puts it into the queue when two have
// approved, puts it there again when it was thrown out and people say so, and goes on with
// what the queue merged.
func TestCases6And7InTheSandbox(t *testing.T) {
	t.Parallel()
	w, ctx := serving(t)
	w.Hub.AllowAutoMerge(true)
	w.Hub.Demand(github.DefaultBranch, github.Demands{Queue: true, Checks: []string{"drbot/plan", "drbot/approval"}})
	m := asked(t, ctx, w)
	m.merger = github.QueueLogin
	must(t, w.Hub.SetAutoMerge(ctx, loginOf("bob"), m.pull, true))
	must(t, w.approveAtOnce(ctx, m))
	queued := func() {
		t.Helper()
		must(t, w.Hub.Wait(ctx, func() bool { return len(w.Hub.Queue()) == 1 }))
	}
	queued()
	must(t, w.Hub.ThrowOut(m.pull, "failed_checks"))
	must(t, w.awaitShown(ctx, m.run, "*Paused at merge.*", w.infra.patience()))
	must(t, w.press(ctx, "bob", runMessages(w.Slack.Messages(channel), m.run)[0], "retry"))
	queued()
	must(t, w.awaitText(ctx, m.run, func(text string) bool { return strings.Contains(text, "in the merge queue, at place 1") }))
	sha, err := w.Hub.MergeQueued(ctx)
	must(t, err)
	must(t, w.follow(ctx, m))
	must(t, w.readBack(ctx, m))
	if p, err := w.Hub.Pull(m.pull); err != nil || p.MergeCommitSHA != sha {
		t.Errorf("merged as %s, %v, not by the queue as %s", p.MergeCommitSHA, err, sha)
	}
	off := func(msg slack.Message) bool { return strings.Contains(msg.AllText(), "drbot has switched it off") }
	if !slices.ContainsFunc(w.Slack.Messages(channel), off) {
		t.Error("nobody was told that auto-merge was switched off")
	}
}

// TestCase5InTheSandbox moves a base that takes only heads up to date with it, while people
// read: the newer head is merged, by its own approvals.
func TestCase5InTheSandbox(t *testing.T) {
	t.Parallel()
	w, ctx := serving(t)
	w.Hub.Demand(github.DefaultBranch, github.Demands{Strict: true, Checks: []string{"drbot/plan", "drbot/approval"}})
	m := asked(t, ctx, w)
	_, err := w.Hub.MoveBase(ctx, loginOf("dave"), "notes.txt", "nothing that a stack reads\n", "other work")
	must(t, err)
	must(t, w.approveAtOnce(ctx, m))
	must(t, w.Hub.Wait(ctx, func() bool { return len(w.Hub.Pulls()) == 2 }))
	m.pull = 2
	p, err := w.Hub.Pull(m.pull)
	must(t, err)
	must(t, w.awaitPlan(ctx, m.run, p))
	if first, err := w.Hub.Pull(1); err != nil || first.State != "closed" || first.Merged {
		t.Errorf("the first is %s, merged %v, %v", first.State, first.Merged, err)
	}
	must(t, w.approveAtOnce(ctx, m))
	must(t, w.follow(ctx, m))
	must(t, w.readBack(ctx, m))
}
