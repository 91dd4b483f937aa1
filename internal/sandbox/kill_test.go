package sandbox

import (
	"context"
	"strings"
	"testing"

	"github.com/drbot/drbot/internal/sandbox/aws"
	"github.com/drbot/drbot/internal/sandbox/github"
)

// ended follows a run to its end and looks at everything apart from the bot: the
// same end as without a kill, one accepted promotion and no attempt after it, one
// merge, one message.
func ended(t *testing.T, ctx context.Context, w *World, m moved) {
	t.Helper()
	must(t, w.follow(ctx, m))
	must(t, w.readBack(ctx, m))
	if n := len(w.Hub.Pulls()); n != 1 {
		t.Errorf("there are %d pull requests; there must be one", n)
	}
}

func TestKilledDuringApproval(t *testing.T) {
	t.Parallel()
	w, ctx := serving(t)
	m := asked(t, ctx, w)
	w.Bot.Kill()
	// An approval that comes while nobody listens counts: the reviews are read, not
	// the webhooks.
	if _, err := w.Hub.Review(ctx, loginOf("bob"), m.pull, github.Approved, "", ""); err != nil {
		t.Fatal(err)
	}
	restart(t, ctx, w)
	must(t, w.awaitShown(ctx, m.run, "Approvals 1 of 2", patience))
	must(t, w.approve(ctx, "carol", m.run, m.pull, "Approvals 2 of 2"))
	ended(t, ctx, w, m)
}

// TestKilledInPromotion kills the bot at the very call: before RDS has seen it,
// and after RDS has accepted it while the answer is still on its way.
func TestKilledInPromotion(t *testing.T) {
	for name, when := range map[string]aws.When{"before": aws.Before, "after": aws.After} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, ctx := serving(t)
			m := asked(t, ctx, w)
			first := w.Bot
			remove := w.Cloud.Proxy.Hook(aws.Matcher{Service: "rds", Operation: "FailoverGlobalCluster"}, when, 1, func(aws.Call) bool {
				first.Kill()
				return true
			})
			defer remove()
			approveBoth(t, ctx, w, m)
			restart(t, ctx, w)
			ended(t, ctx, w, m)
		})
	}
}

// TestKilledInMerge kills the bot while GitHub holds the merge, and right after
// GitHub has merged.
func TestKilledInMerge(t *testing.T) {
	t.Run("before", func(t *testing.T) {
		t.Parallel()
		w, ctx := serving(t)
		m := asked(t, ctx, w)
		held := w.Hub.Inject(github.Fault{Kind: github.Hang, Method: "PUT", Path: "/repos/" + owner + "/" + repository + "/pulls/", Times: 1})
		approveBoth(t, ctx, w, m)
		must(t, w.Hub.Wait(ctx, func() bool { return held.Hits() == 1 }))
		w.Bot.Kill()
		held.Release()
		restart(t, ctx, w)
		ended(t, ctx, w, m)
	})
	t.Run("after", func(t *testing.T) {
		t.Parallel()
		w, ctx := serving(t)
		m := asked(t, ctx, w)
		lost := w.Hub.Inject(github.Fault{Kind: github.DroppedReply, Method: "PUT", Path: "/repos/" + owner + "/" + repository + "/pulls/", Times: 1})
		defer lost.Release()
		approveBoth(t, ctx, w, m)
		must(t, w.Hub.Wait(ctx, func() bool { p, err := w.Hub.Pull(m.pull); return err == nil && p.Merged }))
		w.Bot.Kill()
		restart(t, ctx, w)
		ended(t, ctx, w, m)
	})
}

// TestKilledInApply kills the bot while Terraform is inside an apply: the
// supervisor goes on, and the restarted bot follows it instead of applying again.
func TestKilledInApply(t *testing.T) {
	t.Parallel()
	w, ctx := serving(t)
	m := asked(t, ctx, w)
	scaling := aws.Matcher{Service: "ecs", Operation: "UpdateService", Region: standby}
	first := w.Bot
	remove := w.Cloud.Proxy.Hook(scaling, aws.Before, 1, func(aws.Call) bool {
		first.Kill()
		return false
	})
	defer remove()
	approveBoth(t, ctx, w, m)
	restart(t, ctx, w)
	ended(t, ctx, w, m)
	applies := 0
	for _, c := range w.Cloud.Proxy.Calls() {
		if c.Operation == scaling.Operation && c.Region == standby && c.AccessKey == "STACKTOOL" {
			applies++
		}
	}
	if applies != 1 {
		t.Errorf("the service was scaled %d times by Terraform; it must be once", applies)
	}
}

// TestStopped asks the bot to end in the middle of a promotion, as a deploy does:
// it lets the act end, and the next one goes on after it.
func TestStopped(t *testing.T) {
	t.Parallel()
	w, ctx := serving(t)
	m := asked(t, ctx, w)
	reached := make(chan struct{})
	remove := w.Cloud.Proxy.Hook(aws.Matcher{Service: "rds", Operation: "FailoverGlobalCluster"}, aws.After, 1, func(aws.Call) bool {
		close(reached)
		return false
	})
	defer remove()
	approveBoth(t, ctx, w, m)
	<-reached
	w.Bot.Stop()
	if log := w.botLog(200); !strings.Contains(log, "waiting for the act in hand") {
		t.Error("the bot did not end by its own hand")
	}
	if region, _, err := w.Cloud.GlobalWriter(ctx); err != nil || region != standby {
		t.Errorf("the bot ended before the promotion in hand: the writer is in %s (%v)", region, err)
	}
	restart(t, ctx, w)
	ended(t, ctx, w, m)
}

// TestStandby starts a second server on the same database: it waits and acts on
// nothing until the first is gone, and then takes the run up.
func TestStandby(t *testing.T) {
	t.Parallel()
	w, ctx := serving(t)
	m := asked(t, ctx, w)
	cfg, err := w.writeConfig()
	must(t, err)
	second, err := w.spawn(cfg)
	must(t, err)
	t.Cleanup(second.Kill)
	must(t, w.awaitLog(ctx, "standby: another server holds the lock"))
	select {
	case <-second.Done():
		t.Fatal("the second server ended instead of waiting")
	default:
	}
	if n := strings.Count(w.botLog(1000), `"msg":"serving"`); n != 1 {
		t.Fatalf("%d servers serve", n)
	}
	w.Bot.Kill()
	w.Bot = second
	must(t, w.awaitBot(ctx, second))
	approveBoth(t, ctx, w, m)
	ended(t, ctx, w, m)
}

func approveBoth(t *testing.T, ctx context.Context, w *World, m moved) {
	t.Helper()
	for _, who := range []string{"bob", "carol"} {
		if _, err := w.Hub.Review(ctx, loginOf(who), m.pull, github.Approved, "", ""); err != nil {
			t.Fatal(err)
		}
	}
}
