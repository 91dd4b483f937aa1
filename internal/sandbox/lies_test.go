//go:build proof

package sandbox

import (
	"context"
	"strings"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"

	"github.com/drbot/drbot/internal/sandbox/aws"
	"github.com/drbot/drbot/internal/sandbox/github"
)

// TestProofPlanBecomesWider changes the base under a change that has its approvals: the
// merge would do more than people saw, so they are asked again.
func TestProofPlanBecomesWider(t *testing.T) {
	stack := stackFolder + "/" + standby + "/main.tf"
	for name, edit := range map[string][2]string{
		"another address": {"resource \"terraform_data\" \"cluster\"", "resource \"terraform_data\" \"extra\" {\n  input = \"new\"\n}\n\nresource \"terraform_data\" \"cluster\""},
		"another path":    {"desired = local.desired }", "desired = local.desired, note = \"new\" }"},
		"another value":   {"local.active ? 2 : 0", "local.active ? 3 : 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, ctx := serving(t, quickly)
			m := asked(t, ctx, w)
			src, err := w.Hub.FileAt(ctx, "main", stack)
			must(t, err)
			changed := strings.Replace(string(src), edit[0], edit[1], 1)
			if changed == string(src) {
				t.Fatalf("the stack does not say %q", edit[0])
			}
			_, err = w.Hub.MoveBase(ctx, loginOf("dave"), stack, changed, "a change in between")
			must(t, err)
			approveBoth(t, ctx, w, m)
			must(t, w.waitText(ctx, m.run, "would change more than was approved"))
			standing(t, ctx, w, m.pull)
			// Whoever has seen the new plan may approve it: then the run goes on.
			p, err := w.Hub.Pull(m.pull)
			must(t, err)
			must(t, w.awaitPlan(ctx, m.run, p))
			approveBoth(t, ctx, w, m)
			must(t, w.waitText(ctx, m.run, "*succeeded*"))
		})
	}
}

// TestProofBaseMovesHarmlessly changes something else on the base: approvals stand.
func TestProofBaseMovesHarmlessly(t *testing.T) {
	t.Parallel()
	w, ctx := serving(t, quickly)
	m := asked(t, ctx, w)
	_, err := w.Hub.MoveBase(ctx, loginOf("dave"), "README.md", "# hello\n", "say hello")
	must(t, err)
	approveBoth(t, ctx, w, m)
	must(t, w.follow(ctx, m))
	must(t, w.readBack(ctx, m))
}

// TestProofChangeTakenAway takes the pull request away in every way people have.
func TestProofChangeTakenAway(t *testing.T) {
	for name, c := range map[string]struct {
		act   func(context.Context, *World, moved) error
		shows string
	}{
		"closed": {func(ctx context.Context, w *World, m moved) error {
			return w.Hub.ClosePull(ctx, loginOf("dave"), m.pull)
		}, "was closed"},
		"branch deleted": {func(ctx context.Context, w *World, m moved) error {
			return w.Hub.DeleteBranch(ctx, loginOf("dave"), "drbot/"+m.run)
		}, "was closed"},
		"merged by hand": {func(ctx context.Context, w *World, m moved) error {
			if _, err := w.Hub.Merge(ctx, loginOf("dave"), m.pull); err != nil {
				return err
			}
			// Without its approvals nobody goes on with it unasked.
			if err := w.waitText(ctx, m.run, "*Paused at merge.*"); err != nil {
				return err
			}
			_, err := w.command(ctx, "bob", "/dr answer "+m.run+" stop")
			return err
		}, "by hand"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, ctx := serving(t, quickly)
			m := asked(t, ctx, w)
			must(t, c.act(ctx, w, m))
			must(t, w.waitText(ctx, m.run, "*cancelled*"))
			if text := shown(w.Slack.Messages(channel), m.run); !strings.Contains(text, c.shows) {
				t.Errorf("the message does not say %q:\n%s", c.shows, text)
			}
			if ps, err := w.Cloud.Promotions(ctx); err != nil || len(ps) != 0 {
				t.Errorf("%d promotions were asked for (%v)", len(ps), err)
			}
		})
	}
}

// TestProofFailedOverByHand has somebody promote by hand while the approvals are out: the
// run stops before its own promotion and asks; told to go on, it does not promote
// a second time.
func TestProofFailedOverByHand(t *testing.T) {
	t.Parallel()
	w, ctx := serving(t, quickly)
	m := asked(t, ctx, w)
	client := rds.NewFromConfig(aws.SDKConfig(w.Cloud.Layout.MotoEndpoint, standby, "BYHAND"))
	_, err := client.FailoverGlobalCluster(ctx, &rds.FailoverGlobalClusterInput{
		GlobalClusterIdentifier:   &w.Cloud.Layout.GlobalCluster,
		TargetDbClusterIdentifier: awssdk.String(w.Cloud.Layout.Regions[standby].ClusterARN),
		AllowDataLoss:             awssdk.Bool(true),
	})
	must(t, err)
	approveBoth(t, ctx, w, m)
	msg := awaitPaused(t, ctx, w, m.run, "promote/portal")
	if !strings.Contains(msg.AllText(), "did not ask for it") {
		t.Errorf("the message says:\n%s", msg.AllText())
	}
	press(t, ctx, w, "bob", msg, "retry")
	must(t, w.waitText(ctx, m.run, "*succeeded*"))
	must(t, w.readBack(ctx, m))
}

// TestProofUnknownStatus gives the global cluster a status nobody has seen: a planned run
// is refused, with that very word.
func TestProofUnknownStatus(t *testing.T) {
	t.Parallel()
	w, ctx := serving(t, quickly)
	must(t, w.Cloud.SetFaults(ctx, aws.Faults{GlobalStatus: "storing-energy"}))
	run, err := w.request(ctx, "alice", "/dr failover portal "+standby+" planned a rehearsal")
	must(t, err)
	must(t, w.awaitRefusal(ctx, run, "storing-energy"))
	if n := len(w.Hub.Pulls()); n != 0 {
		t.Errorf("%d pull requests were opened", n)
	}
}

// TestProofUnknownFailoverStatus has the promotion pass through a state nobody has seen:
// it is waited out, and no second one is asked for.
func TestProofUnknownFailoverStatus(t *testing.T) {
	t.Parallel()
	w, ctx := serving(t, quickly)
	must(t, w.Cloud.SetFaults(ctx, aws.Faults{PromotionStatus: "turning-around"}))
	m := asked(t, ctx, w)
	approveBoth(t, ctx, w, m)
	must(t, w.follow(ctx, m))
	must(t, w.readBack(ctx, m))
}

// TestProofOutageInAPlannedRun takes the source away while its tasks are being stopped: a
// planned run does not become a disaster by itself; it stops and says what to do.
func TestProofOutageInAPlannedRun(t *testing.T) {
	for name, mode := range map[string]aws.Mode{"hang": aws.Hang, "refuse": aws.Refuse} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, ctx := serving(t, quickly, givingUpSoon)
			remove := w.Cloud.Proxy.Hook(aws.Matcher{Service: "ecs", Operation: "UpdateService", Region: home}, aws.After, 1, func(aws.Call) bool {
				return w.Cloud.Outage(ctx, home, mode) == nil
			})
			defer remove()
			run, err := w.ask(ctx, "alice", "/dr failover portal "+standby+" planned a rehearsal")
			must(t, err)
			p, err := w.pullOf(ctx, run)
			must(t, err)
			must(t, w.awaitPlan(ctx, run, p))
			for _, who := range []string{"bob", "carol"} {
				_, err := w.Hub.Review(ctx, loginOf(who), p.Number, github.Approved, "", "")
				must(t, err)
			}
			awaitPaused(t, ctx, w, run, "quiesce/"+home)
			if ps, err := w.Cloud.Promotions(ctx); err != nil || len(ps) != 0 {
				t.Errorf("%d promotions were asked for (%v)", len(ps), err)
			}
			for _, who := range []string{"bob", "carol"} {
				if _, err := w.command(ctx, who, "/dr answer "+run+" stop"); err != nil {
					t.Fatal(err)
				}
			}
			must(t, w.waitText(ctx, run, "*stopped*"))
			for _, words := range []string{"is lost: revert the pull request", "disaster"} {
				must(t, w.waitText(ctx, run, words))
			}
		})
	}
}

// TestProofReplacementBecomesDeletion drops from the base what people have approved to be
// replaced: they are asked about the deletion.
func TestProofReplacementBecomesDeletion(t *testing.T) {
	t.Parallel()
	w, ctx := serving(t, quickly)
	must(t, w.playDeletion(ctx))
}
