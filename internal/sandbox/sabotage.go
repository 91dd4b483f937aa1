package sandbox

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/drbot/drbot/internal/sandbox/aws"
	"github.com/drbot/drbot/internal/sandbox/github"
	"github.com/drbot/drbot/internal/sandbox/slack"
)

// Breakage is one thing broken on purpose, outside the bot. The demo must find it.
type Breakage struct {
	Name  string
	What  string   // in a sentence
	Found []string // words that the demo's complaint must have
	// Before changes what the world is made of; World changes the world before the
	// bot starts. One of them at least is set.
	Before func(*Options) error
	World  func(context.Context, *World) error
	// Play is what must find it; the demo when nil.
	Play func(*World, context.Context) error
}

// BreakageNames lists the names.
func BreakageNames() []string {
	var out []string
	for _, b := range Breakages() {
		out = append(out, b.Name)
	}
	return out
}

// Breakages is everything that make sabotage breaks.
func Breakages() []Breakage {
	return slices.Concat(databaseBreakages(), runtimeBreakages(), forgeBreakages(), askedBreakages(), chatBreakages())
}

func cloudFault(f aws.Faults) func(context.Context, *World) error {
	return func(ctx context.Context, w *World) error { return w.Cloud.SetFaults(ctx, f) }
}

func databaseBreakages() []Breakage {
	return []Breakage{
		{
			Name: "promotion-does-nothing", What: "the promotion is accepted, ends, and the writer has not moved",
			Found: []string{"the promotion is over and the writer is still in " + home},
			World: cloudFault(aws.Faults{PromotionNoop: true}),
		},
		{
			Name: "promotion-twice", What: "every promotion reaches RDS twice",
			Found: []string{"promotions were accepted of 2 asked for"},
			World: func(_ context.Context, w *World) error {
				w.Cloud.Proxy.Duplicate(aws.Matcher{Service: "rds", Operation: "FailoverGlobalCluster"})
				return nil
			},
		},
		{
			Name: "no-instance-in-target", What: "the target's database instance has failed",
			Found: []string{"no pull request", "aurora.target-instance"},
			World: cloudFault(aws.Faults{InstanceUnavailable: []string{standby}}),
		},
		{
			Name: "no-lag-readings", What: "nobody measures the replication lag",
			Found: []string{"no report with", "replication is ok"},
			World: cloudFault(aws.Faults{LagMissing: true}),
		},
	}
}

func runtimeBreakages() []Breakage {
	return []Breakage{
		{
			Name: "apply-does-nothing", What: "terraform apply says it went well and does nothing",
			Found:  []string{"Paused at gate/1", "web wants 0 tasks"},
			Before: wrapTerraform("apply", `exit 0`),
		},
		{
			Name: "apply-fails", What: "terraform apply fails",
			Found:  []string{"Paused at apply/" + standby},
			Before: wrapTerraform("apply", `echo 'Error: no capacity' >&2; exit 1`),
		},
		{
			Name: "drift-unseen", What: "terraform finds no difference where there is one",
			Found:  []string{"no report with", "1 of 4 stacks differ"},
			Before: wrapTerraform("plan", `case "$PWD" in */`+home+`) set -- "$@" -refresh-only;; esac; exec "$REAL" "$@"`),
		},
		{
			Name: "zero-targets", What: "running tasks never come into the target group",
			Found: []string{"Paused at gate/1", "0 of 2 targets of web are healthy"},
			World: cloudFault(aws.Faults{TargetsEmpty: []string{standby}}),
		},
		{
			Name: "tasks-never-run", What: "wanted tasks stay pending",
			Found: []string{"Paused at gate/1", "0 of 2 tasks of web run"},
			World: cloudFault(aws.Faults{RunningNever: []string{standby}}),
		},
		{
			Name: "application-answers-500", What: "the application of the target is broken although its health checks pass",
			Found: []string{"Paused at gate/1", "probe"},
			World: func(_ context.Context, w *World) error { return w.Cloud.FailApp(standby, true) },
		},
		{
			Name: "record-not-flipped", What: "the traffic stack's apply does not change the record",
			Found: []string{"Paused at verify", "does not lead to"},
			World: func(_ context.Context, w *World) error {
				// Route 53 takes the change and forgets it, and Terraform believes that it was made.
				return w.useTool(`case "$2" in point) exit 0;; esac`)
			},
		},
	}
}

func forgeBreakages() []Breakage {
	return []Breakage{
		{
			Name: "requester-counted", What: "the requester's approval is taken for somebody else's",
			Found: []string{"the requester's own approval must not count"},
			World: func(_ context.Context, w *World) error {
				w.Hub.SetLies(github.Lies{ReviewUsers: map[string]string{loginOf("alice"): loginOf("dave")}})
				return nil
			},
		},
		{
			Name: "merge-moves-nothing", What: "GitHub says that it merged, and the branch did not move",
			Found: []string{"Paused at merge", "GitHub says that it merged"},
			World: func(_ context.Context, w *World) error {
				w.Hub.SetLies(github.Lies{MergeMovesNothing: true})
				return nil
			},
		},
		{
			Name: "wider-than-approved", What: "while the approvals come in, somebody changes the base so that the merge would do more",
			Found: []string{"would change more than was approved"},
			World: func(_ context.Context, w *World) error { w.onApproval = w.widenBase; return nil },
		},
		{
			Name: "merged-by-hand", What: "somebody merges the pull request by hand, although bob has asked for changes",
			Found: []string{"by hand"},
			World: func(_ context.Context, w *World) error { w.onApproval = w.mergeByHand; return nil },
		},
		{
			Name: "flip-not-reaching", What: "a file of the target's stack says another Region than the one that is flipped",
			Found: []string{"The flip does not reach stack " + standby, overriding},
			World: func(ctx context.Context, w *World) error {
				path := stackFolder + "/" + standby + "/" + overriding
				_, err := w.Hub.MoveBase(ctx, loginOf("dave"), path, fmt.Sprintf("active_region = %q\n", home), "keep the target small")
				return err
			},
		},
	}
}

// overriding is a file that Terraform reads after the one that is flipped.
const overriding = "zz_local.auto.tfvars"

// askedBreakages are of what people are asked again.
func askedBreakages() []Breakage {
	return []Breakage{
		{
			// What was merged is compared by Git as well: that is kept from the bot for as long as it waits for it.
			Name: "parents-not-checked", What: "GitHub hides that it merged upon a base which nobody has planned",
			Found:  []string{"nobody was asked before the promotion"},
			Before: func(o *Options) error { o.Recheck = time.Second; return nil },
			World: func(_ context.Context, w *World) error {
				w.Hub.SetLies(github.Lies{ParentBefore: true, Unfetched: 8 * time.Second})
				return nil
			},
			Play: (*World).playAsked,
		},
		{
			Name: "replacement-become-deletion", What: "Terraform shows the approved replacement where it is a deletion by now",
			Found: []string{"the pull request does not say", "delete terraform_data.service"}, // that other code would run is seen all the same
			Before: func(o *Options) error {
				o.DriftEvery = 0 // a drift report shows plans as well
				return wrapTerraform("show", fmt.Sprintf(showFirst, hostFolder(o.Dir)))(o)
			},
			Play: (*World).playDeletion,
		},
		{
			Name: "recheck-left-out", What: "what was approved never counts as old",
			Found:  []string{"merged with a loss nobody was shown"},
			Before: func(o *Options) error { o.Recheck = 15 * time.Minute; return nil },
			Play:   (*World).playAsked,
		},
	}
}

// showFirst gives of a stack's plans the first that was shown, for ever.
const showFirst = `first="%s/shown-${PWD##*/}"
[ -e "$first" ] || { "$REAL" "$@" >"$first.new" && mv "$first.new" "$first"; }
exec cat "$first"`

func chatBreakages() []Breakage {
	return []Breakage{
		{
			Name: "stranger-obeyed", What: "a stranger's command comes in under a requester's name",
			Found: []string{"mallory typed", "do not know who you are"},
			World: func(_ context.Context, w *World) error {
				w.Slack.RewriteUser(slackOf("mallory"), slackOf("alice"), 1)
				return nil
			},
		},
		{
			Name: "second-message", What: "Slack loses the answer to a post and hides what was posted, so that it is posted again",
			Found: []string{"2 messages of run"},
			World: func(_ context.Context, w *World) error {
				w.Slack.Inject(slack.Fault{Kind: slack.FaultLostReply, Method: "chat.postMessage", Times: 1})
				w.Slack.Inject(slack.Fault{Kind: slack.FaultHideMetadata, Method: "conversations.history"})
				return nil
			},
		},
		{
			Name: "message-stands-still", What: "Slack drops every update of a message and says that it took it",
			Found: []string{"did not come to show"},
			World: func(_ context.Context, w *World) error {
				w.Slack.Inject(slack.Fault{Kind: slack.FaultDropUpdate, Method: "chat.update"})
				return nil
			},
		},
	}
}

// wrapTerraform puts a script before Terraform that misbehaves for one subcommand.
func wrapTerraform(sub, body string) func(*Options) error {
	return func(o *Options) error {
		path := filepath.Join(o.Dir, "terraform")
		script := fmt.Sprintf("#!/bin/sh\nREAL=%q\ncase \"$1\" in %s)\n%s\n;; esac\nexec \"$REAL\" \"$@\"\n", o.Terraform, sub, body)
		o.BotTerraform = path
		return os.WriteFile(path, []byte(script), 0o700)
	}
}

// useTool puts a script before what the stacks call.
func (w *World) useTool(body string) error {
	path := filepath.Join(w.opts.Dir, "tool")
	w.tool = path
	return os.WriteFile(path, fmt.Appendf(nil, "#!/bin/sh\n%s\nexec %q \"$@\"\n", body, w.opts.Tool), 0o700)
}

// widenBase lets somebody add a resource to the target's stack on main.
func (w *World) widenBase(ctx context.Context, _ int) error {
	path := stackFolder + "/" + standby + "/main.tf"
	src, err := w.Hub.FileAt(ctx, "main", path)
	if err != nil {
		return err
	}
	_, err = w.Hub.MoveBase(ctx, loginOf("dave"), path, strings.TrimRight(string(src), "\n")+"\n"+extra, "add something")
	return err
}

func (w *World) mergeByHand(ctx context.Context, pull int) error {
	if _, err := w.Hub.Review(ctx, loginOf("bob"), pull, github.ChangesRequested, "not now", ""); err != nil {
		return err
	}
	if _, err := w.Hub.Merge(ctx, loginOf("dave"), pull); err != nil {
		return err
	}
	p, err := w.Hub.Pull(pull)
	if err != nil {
		return err
	}
	run := strings.Join(strings.SplitN(strings.TrimPrefix(p.HeadRef, "drbot/"), "-", 3)[:2], "-") // without the number of a change that was opened anew
	if err := w.waitText(ctx, run, "*Paused at merge.*"); err != nil {
		return err
	}
	return wrongf("the run asks whether it goes on with that; its message says:\n%s", shown(w.Slack.Messages(channel), run))
}
