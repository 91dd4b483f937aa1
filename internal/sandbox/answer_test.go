package sandbox

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/internal/sandbox/aws"
	"github.com/drbot/drbot/internal/sandbox/github"
	"github.com/drbot/drbot/internal/sandbox/slack"
)

// awaitPaused waits until a run asks what to do at a step.
func awaitPaused(t *testing.T, ctx context.Context, w *World, run, step string) slack.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	msgs, err := w.Slack.Wait(ctx, channel, func(msgs []slack.Message) bool {
		return strings.Contains(shown(msgs, run), "*Paused at "+step+".*")
	})
	if err != nil {
		t.Fatalf("the run did not pause at %s; its message says:\n%s", step, shown(w.Slack.Messages(channel), run))
	}
	return runMessages(msgs, run)[0]
}

func press(t *testing.T, ctx context.Context, w *World, who string, m slack.Message, verb string) {
	t.Helper()
	must(t, w.press(ctx, who, m, verb))
}

func told(t *testing.T, ctx context.Context, w *World, who, words string) {
	t.Helper()
	must(t, w.told(ctx, who, words))
}

func TestCancel(t *testing.T) {
	t.Parallel()
	w, ctx := serving(t)
	m := asked(t, ctx, w)
	if err := w.refused(ctx, "mallory", "/dr cancel "+m.run, "do not know who you are"); err != nil {
		t.Error(err)
	}
	text, err := w.command(ctx, "alice", "/dr cancel "+m.run)
	must(t, err)
	if !strings.Contains(text, "cancelling") {
		t.Errorf("alice was told %q", text)
	}
	wait, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	must(t, w.Hub.Wait(wait, func() bool { p, err := w.Hub.Pull(m.pull); return err == nil && p.State == "closed" && !p.Merged }))
	_, err = w.Slack.Wait(wait, channel, func(msgs []slack.Message) bool { return strings.Contains(shown(msgs, m.run), "*cancelled*") })
	must(t, err)
	if ps, err := w.Cloud.Promotions(ctx); err != nil || len(ps) != 0 {
		t.Errorf("%d promotions, %v", len(ps), err)
	}
	if err := w.refused(ctx, "alice", "/dr cancel "+m.run, "is over: cancelled"); err != nil {
		t.Error(err)
	}
	// The service is free again: the next request gets a run of its own.
	next := asked(t, ctx, w)
	if next.run == m.run || next.pull == m.pull {
		t.Errorf("the next request was given %s and #%d", next.run, next.pull)
	}
}

// TestCancelComesFirst cancels and has both approvals come in right behind it: a
// cancel that was taken is not overtaken by the merge.
func TestCancelComesFirst(t *testing.T) {
	t.Parallel()
	w, ctx := serving(t)
	m := asked(t, ctx, w)
	if _, err := w.command(ctx, "alice", "/dr cancel "+m.run); err != nil {
		t.Fatal(err)
	}
	for _, who := range m.approvers {
		// The pull request may be closed by now, which is as right.
		_, _ = w.Hub.Review(ctx, loginOf(who), m.pull, github.Approved, "", "")
	}
	if err := w.waitText(ctx, m.run, "*cancelled*"); err != nil {
		t.Fatal(err)
	}
	if p, err := w.Hub.Pull(m.pull); err != nil || p.Merged {
		t.Errorf("the change was merged after the cancel (%v)", err)
	}
}

func TestRetry(t *testing.T) {
	t.Parallel()
	w, ctx := serving(t, givingUpSoon)
	must(t, w.Cloud.SetFaults(ctx, aws.Faults{TargetsEmpty: []string{standby}}))
	m := asked(t, ctx, w)
	approveBoth(t, ctx, w, m)
	msg := awaitPaused(t, ctx, w, m.run, "gate/1")
	// A restart while it is paused forgets neither the question nor the answer.
	w.Bot.Kill()
	restart(t, ctx, w)
	must(t, w.Cloud.SetFaults(ctx, aws.Faults{}))
	press(t, ctx, w, "bob", msg, "retry")
	told(t, ctx, w, "bob", "retry")
	wait, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	_, err := w.Slack.Wait(wait, channel, func(msgs []slack.Message) bool { return strings.Contains(shown(msgs, m.run), "*succeeded*") })
	must(t, err)
	must(t, w.readBack(ctx, m))
}

// TestSkipNeedsTwo skips a gate: the requester's word does not count, one other is
// not enough, two are, and the result says that it was skipped.
func TestSkipNeedsTwo(t *testing.T) {
	t.Parallel()
	w, ctx := serving(t, givingUpSoon)
	must(t, w.Cloud.FailApp(standby, true))
	m := asked(t, ctx, w)
	approveBoth(t, ctx, w, m)
	msg := awaitPaused(t, ctx, w, m.run, "gate/1")
	press(t, ctx, w, "alice", msg, "skip")
	told(t, ctx, w, "alice", "does not count")
	press(t, ctx, w, "bob", msg, "skip")
	press(t, ctx, w, "bob", msg, "skip") // twice is once
	if err := w.waitText(ctx, m.run, "bob said skip; one more is needed"); err != nil {
		t.Fatal(err)
	}
	press(t, ctx, w, "carol", msg, "skip")
	msg = awaitPaused(t, ctx, w, m.run, "verify") // what was skipped is still broken
	must(t, w.Cloud.FailApp(standby, false))
	press(t, ctx, w, "dave", msg, "retry")
	if err := w.waitText(ctx, m.run, "*succeeded*"); err != nil {
		t.Fatal(err)
	}
	must(t, w.readBack(ctx, m))
	_, err := w.awaitThread(ctx, msg.TS, "Left to do: gate/1 was skipped")
	must(t, err)
}

// TestStopRestores stops a planned run whose promotion does not take effect: the
// source gets its tasks back, and the message says what Git says.
func TestStopRestores(t *testing.T) {
	t.Parallel()
	w, ctx := serving(t)
	must(t, w.Cloud.SetFaults(ctx, aws.Faults{PromotionNoop: true}))
	run, err := w.ask(ctx, "alice", "/dr failover portal "+standby+" planned a rehearsal")
	must(t, err)
	p, err := w.pullOf(ctx, run)
	must(t, err)
	must(t, w.awaitPlan(ctx, run, p))
	approveBoth(t, ctx, w, moved{pull: p.Number})
	awaitPaused(t, ctx, w, run, "promote/portal")
	if desired, _, err := w.Cloud.Running(ctx, home); err != nil || desired != 0 {
		t.Fatalf("the source was not quiesced: %d tasks wanted, %v", desired, err)
	}
	for _, who := range []string{"bob", "carol"} { // one is not enough past the merge
		if _, err := w.command(ctx, who, "/dr answer "+run+" stop"); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.waitText(ctx, run, "*stopped*"); err != nil {
		t.Fatal(err)
	}
	if desired, _, err := w.Cloud.Running(ctx, home); err != nil || desired != 2 {
		t.Errorf("the source wants %d tasks after the stop, %v", desired, err)
	}
	if !strings.Contains(shown(w.Slack.Messages(channel), run), "restore/"+home) {
		t.Error("the message does not show that the source was put back")
	}
}

// dues lists the due times of the health reports in the channel.
func dues(msgs []slack.Message) []time.Time {
	var out []time.Time
	for _, m := range msgs {
		if m.Metadata == nil {
			continue
		}
		id, _ := m.Metadata.EventPayload["id"].(string)
		if stamp, ok := strings.CutPrefix(id, "health/portal/"); ok {
			if at, err := time.Parse(time.RFC3339, stamp); err == nil {
				out = append(out, at)
			}
		}
	}
	return out
}

// TestMissedReports takes the bot away for several due times: the newest of them is
// caught up once, the others are left out, and none is said twice.
func TestMissedReports(t *testing.T) {
	t.Parallel()
	const every = 3 * time.Second
	w, ctx := serving(t, func(o *Options) { o.HealthEvery = every })
	wait, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	_, err := w.Slack.Wait(wait, channel, func(msgs []slack.Message) bool { return len(dues(msgs)) > 0 })
	must(t, err)
	w.Bot.Kill()
	gone := time.Now()
	<-time.After(4 * every) // the clock itself is what this waits for
	back := time.Now()
	restart(t, ctx, w)
	served := time.Now()
	msgs, err := w.Slack.Wait(wait, channel, func(msgs []slack.Message) bool {
		return slices.ContainsFunc(dues(msgs), func(d time.Time) bool { return d.After(served) })
	})
	must(t, err)
	seen := map[time.Time]bool{}
	var first time.Time // that was due since the bot went
	for _, d := range dues(msgs) {
		if seen[d] {
			t.Errorf("the report due at %v was said twice", d)
		}
		seen[d] = true
		if d.After(gone) && (first.IsZero() || d.Before(first)) {
			first = d
		}
	}
	// What was due until the new process looked: it did between back and served.
	switch {
	case first.After(served):
		t.Errorf("no missed report was caught up: %v", dues(msgs))
	case back.Sub(first) > every+time.Second:
		t.Errorf("of the missed reports the one due at %v was caught up, and newer ones were not, or as well: %v", first, dues(msgs))
	}
}
