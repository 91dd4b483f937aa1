package sandbox

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/drbot/drbot/internal/sandbox/aws"
	"github.com/drbot/drbot/internal/sandbox/github"
	"github.com/drbot/drbot/internal/sandbox/slack"
)

// patience bounds what the script waits for: it ends what hangs, and measures nothing,
// so that a busy machine plays the same story. A run that is stuck shows itself
// earlier, by pausing. In a broken world some waits are in vain.
const (
	patience       = 3 * time.Minute
	brokenPatience = time.Minute
)

// Play is the whole main job, unattended: what must be refused, a disaster
// failover, the scheduled reports, and the way back in planned mode. It returns
// an error that names what is wrong, if anything is.
func (w *World) Play(ctx context.Context) error {
	w.say("world    Slack %s  GitHub %s", w.slackURL, w.hubURL)
	if err := w.strangers(ctx); err != nil {
		return err
	}
	out, err := w.failover(ctx)
	if err != nil {
		return err
	}
	if err := w.readBack(ctx, out); err != nil {
		return err
	}
	w.ended("the failover")
	if err := w.reports(ctx); err != nil {
		return err
	}
	w.ended("the scheduled reports")
	back, err := w.failback(ctx)
	if err != nil {
		return err
	}
	if err := w.readBack(ctx, back); err != nil {
		return err
	}
	w.ended("the way back")
	w.sayTimes()
	w.say("done     two runs, two promotions, two merges, and every look apart from the bot agrees")
	return nil
}

// strangers tries everything that must start nothing.
func (w *World) strangers(ctx context.Context) error {
	for _, try := range []struct {
		who, line string
		words     []string
	}{
		{"mallory", "/dr failover portal ap-northeast-1 disaster let me in", []string{"do not know who you are"}},
		{"carol", "/dr failover portal ap-northeast-1 disaster testing", []string{"may not ask", "alice"}},
		{"alice", "/dr failover portall ap-northeast-1 disaster typo", []string{"no service", "portal"}},
		{"alice", "/dr failover portal us-west-2 disaster wrong Region", []string{"not a Region of portal", "ap-northeast-1"}},
		{"alice", "/dr failover portal ap-northeast-1 disaster", []string{"reason is required"}},
	} {
		if err := w.refused(ctx, try.who, try.line, try.words...); err != nil {
			return err
		}
	}
	if n := len(w.Hub.Pulls()); n != 0 {
		return wrongf("%d pull requests were opened by commands that must be refused", n)
	}
	return nil
}

var runForm = regexp.MustCompile("`(" + Service + "-[0-9a-f]{8})`")

// request has somebody ask for a run and gives its id.
func (w *World) request(ctx context.Context, who, line string) (string, error) {
	text, err := w.command(ctx, who, line)
	if err != nil {
		return "", err
	}
	run := runForm.FindStringSubmatch(text)
	if run == nil {
		return "", wrongf("%s typed %s and was told no run: %s", who, line, text)
	}
	return run[1], nil
}

// ask has somebody ask for a run, twice at once, and gives its id: both must be told
// the same one. It is for runs that wait for approvals: one that is refused may be over
// before the second command comes in.
func (w *World) ask(ctx context.Context, who, line string) (string, error) {
	var runs [2]string
	var errs [2]error
	var wg sync.WaitGroup
	for i := range runs {
		wg.Go(func() { runs[i], errs[i] = w.request(ctx, who, line) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return "", err
		}
	}
	if runs[0] != runs[1] {
		return "", wrongf("two commands at once made two runs, %s and %s", runs[0], runs[1])
	}
	return runs[0], nil
}

// pullOf waits for the open pull request of a run.
func (w *World) pullOf(ctx context.Context, run string) (github.Pull, error) {
	ctx, cancel := context.WithTimeout(ctx, w.infra.patience())
	defer cancel()
	find := func() int {
		return slices.IndexFunc(w.Hub.Pulls(), func(p github.Pull) bool {
			return p.State == "open" && strings.HasPrefix(p.HeadRef, "drbot/"+run)
		})
	}
	if err := w.Hub.Wait(ctx, func() bool { return find() >= 0 }); err != nil {
		return github.Pull{}, wrongf("no pull request of %s was opened; its message says:\n%s", run, shown(w.Slack.Messages(channel), run))
	}
	p := w.Hub.Pulls()[find()]
	w.say("drbot    opens #%d: %s", p.Number, p.Title)
	return p, nil
}

// awaitPlan waits until the plan of a change is before the people: approvals given
// earlier do not count.
func (w *World) awaitPlan(ctx context.Context, run string, p github.Pull) error {
	return w.awaitShown(ctx, run, "needs 2 more approvals, on "+p.HeadSHA[:7], w.infra.patience())
}

// approve has a person review a change, and waits until the run's message shows
// what came of it.
func (w *World) approve(ctx context.Context, who, run string, pull int, shows string) error {
	if err := w.review(ctx, who, pull); err != nil {
		return err
	}
	if err := w.awaitShown(ctx, run, shows, w.infra.patience()); err != nil {
		return err
	}
	w.say("         shown: %s", shows)
	return nil
}

// moveHead pushes a commit of a stranger's onto the bot's branch, after an
// approval: the change must be closed, opened anew, and not carry the approval over.
func (w *World) moveHead(ctx context.Context, m moved) (int, error) {
	old, err := w.Hub.Pull(m.pull)
	if err != nil {
		return 0, err
	}
	w.say("mallory  pushes a commit to %s, after bob has approved %s", old.HeadRef, old.HeadSHA[:7])
	_, err = w.Hub.Push(ctx, github.Push{By: "mallory", Branch: old.HeadRef, Path: stackFolder + "/" + standby + "/extra.tf", Content: "output \"extra\" { value = 1 }\n", Message: "just one more thing"})
	if err != nil {
		return 0, err
	}
	wait, cancel := context.WithTimeout(ctx, w.infra.patience())
	defer cancel()
	closed := func() bool { p, err := w.Hub.Pull(m.pull); return err == nil && p.State == "closed" }
	if err := w.Hub.Wait(wait, closed); err != nil {
		return 0, fmt.Errorf("#%d was not closed after somebody pushed to it", m.pull)
	}
	if p, err := w.Hub.Pull(m.pull); err != nil || p.Merged {
		return 0, fmt.Errorf("#%d was merged with a commit nobody approved (%w)", m.pull, err)
	}
	w.say("drbot    closes #%d: its head is not the commit drbot made", m.pull)
	p, err := w.pullOf(ctx, m.run)
	if err != nil {
		return 0, err
	}
	return p.Number, w.awaitPlan(ctx, m.run, p)
}

// stillWaiting fails when a change was merged that must wait.
func (w *World) stillWaiting(pull int) error {
	p, err := w.Hub.Pull(pull)
	if err == nil && p.Merged {
		return fmt.Errorf("#%d was merged", pull)
	}
	return err
}

// failover is the disaster: Seoul to Tokyo.
func (w *World) failover(ctx context.Context) (moved, error) {
	m, err := w.proposed(ctx)
	if err != nil {
		return m, err
	}
	for _, step := range []struct{ who, shows, must string }{
		{"alice", "alice asked for this run and cannot approve it", "the requester's own approval must not count"},
		{"bob", "Approvals 1 of 2", "one approval must not be enough"},
	} {
		err := w.approve(ctx, step.who, m.run, m.pull, step.shows)
		if err == nil {
			err = w.stillWaiting(m.pull)
		}
		if err != nil {
			return m, wrongf("%s: %v", step.must, err)
		}
	}
	if m.pull, err = w.moveHead(ctx, m); err != nil {
		return m, wrongf("an approval of an older commit must not count: %v", err)
	}
	if w.moves {
		return m, w.moving(ctx, m)
	}
	if err := w.approve(ctx, "bob", m.run, m.pull, "Approvals 1 of 2"); err != nil {
		return m, err
	}
	if w.onApproval != nil {
		if err := w.onApproval(ctx, m.pull); err != nil {
			return m, err
		}
	}
	if err := w.approve(ctx, "carol", m.run, m.pull, "Approvals 2 of 2"); err != nil {
		return m, err
	}
	return m, w.follow(ctx, m)
}

// moving takes a run, whose plan is shown, to its end while the world moves.
func (w *World) moving(ctx context.Context, m moved) error {
	if err := w.lagGrows(ctx, m, time.Now().Add(oldAfter)); err != nil {
		return err
	}
	if err := w.goesWide(ctx, m); err != nil {
		return err
	}
	if err := w.sayCost(m, time.Time{}); err != nil {
		return err
	}
	if err := w.follow(ctx, m); err != nil {
		return err
	}
	return w.Cloud.ReportLag(ctx, aws.DefaultLag)
}

// follow shows a run's message as it changes until the run is over.
func (w *World) follow(ctx context.Context, m moved) error {
	ctx, cancel := context.WithTimeout(ctx, 2*w.infra.patience())
	defer cancel()
	told := map[string]bool{}
	retried := 0
	for {
		last := ""
		_, err := w.Slack.Wait(ctx, channel, func(msgs []slack.Message) bool {
			last = shown(msgs, m.run)
			return len(newLines(last, told)) > 0
		})
		if err != nil {
			return wrongf("the run is not over after %s; its message says:\n%s", 2*w.infra.patience(), shown(w.Slack.Messages(channel), m.run))
		}
		for _, l := range newLines(last, told) {
			told[l] = true
			w.say("         %s", l)
		}
		switch {
		case strings.Contains(last, "*succeeded*"):
			return nil
		case strings.Contains(last, "*Paused at") && !w.namesBreakage(last) && retried < mostRetries:
			retried++
			if err := w.retry(ctx, m.run, last); err != nil {
				return err
			}
		case w.breakage != nil && strings.Contains(last, "new approvals are needed") && w.namesBreakage(last):
			return wrongf("the run asks again, and nobody answers; its message says:\n%s", last)
		case strings.Contains(last, "*Paused at"), strings.Contains(last, "*stopped*"), strings.Contains(last, "*cancelled*"), strings.Contains(last, "*refused*"):
			return wrongf("the run did not end well; its message says:\n%s", last)
		}
	}
}

// mostRetries is how often a person retries a step that waits for something else than
// what is broken.
const mostRetries = 4

// namesBreakage tells whether a message names what is broken in this world. In one
// where nothing is, a pause names all there is to name.
func (w *World) namesBreakage(text string) bool {
	return w.breakage == nil || !slices.ContainsFunc(w.breakage.Found, func(word string) bool { return !strings.Contains(text, word) })
}

// retry answers a pause of a run as an operator does, and waits until the message has
// taken the answer: on a slow machine a step may give up while it still waits for what
// will come, and only the lack that stands at the end is the broken thing.
func (w *World) retry(ctx context.Context, run, paused string) error {
	if _, err := w.command(ctx, "bob", "/dr answer "+run+" retry"); err != nil {
		return err
	}
	_, err := w.Slack.Wait(ctx, channel, func(msgs []slack.Message) bool {
		return pausedLine(shown(msgs, run)) != pausedLine(paused)
	})
	if err != nil {
		return wrongf("the run has not taken the answer; its message says:\n%s", shown(w.Slack.Messages(channel), run))
	}
	return nil
}

// pausedLine is what a message says of the pause a run is in.
func pausedLine(text string) string {
	i := strings.Index(text, "*Paused at")
	if i < 0 {
		return ""
	}
	lines := strings.SplitN(text[i:], "\n", 3)
	return strings.Join(lines[:min(2, len(lines))], "\n")
}

// newLines are the lines of finished steps, progress and results not told yet.
func newLines(text string, told map[string]bool) []string {
	var out []string
	for _, l := range strings.Split(text, "\n") {
		if !told[l] && (strings.HasPrefix(l, "✅") || strings.HasPrefix(l, "❌") || strings.HasPrefix(l, "`█") || strings.HasPrefix(l, "*Paused") || strings.Contains(l, "is active in")) {
			out = append(out, l)
		}
	}
	return out
}

// reports waits for the scheduled posts.
func (w *World) reports(ctx context.Context) error {
	since := time.Now()
	lag, err := w.awaitPost(ctx, since, w.infra.patience(), "replication is ok", "aurora.lag) in "+home+": ok")
	if err != nil {
		return err
	}
	w.say("cron     %s", strings.ReplaceAll(strings.TrimSpace(lag), "\n", " | "))
	if w.opts.DriftEvery == 0 {
		return nil
	}
	// After a disaster Seoul's own stack has not been applied: the drift report must
	// say so, and must not say it of the others.
	drift, err := w.awaitPost(ctx, since, w.infra.patience(), "1 of 4 stacks differ from Git", home+": warn", w.infra.drifted())
	if err != nil {
		return err
	}
	w.say("cron     %s", strings.ReplaceAll(strings.TrimSpace(drift), "\n", " | "))
	return nil
}

// failback is the way home, planned.
func (w *World) failback(ctx context.Context) (moved, error) {
	m := moved{from: standby, to: home, planned: true, approvers: []string{"carol", "dave"}, promotions: 2}
	first, err := w.request(ctx, "bob", "/dr failback portal "+home+" planned Seoul is back")
	if err != nil {
		return m, err
	}
	if err := w.awaitRefusal(ctx, first, "cooldown"); err != nil {
		return m, err
	}
	return m, w.through(ctx, &m, "bob", "/dr failback portal "+home+" planned --override-cooldown Seoul is back")
}

// through takes one run from its command to its end.
func (w *World) through(ctx context.Context, m *moved, who, line string) error {
	var err error
	if m.run, err = w.ask(ctx, who, line); err != nil {
		return err
	}
	p, err := w.pullOf(ctx, m.run)
	if err != nil {
		return err
	}
	m.pull = p.Number
	if err := w.awaitPlan(ctx, m.run, p); err != nil {
		return err
	}
	if w.moves { // so that all is looked at again ahead, when the first approval comes
		if err := w.read(ctx, time.Now().Add(oldAfter)); err != nil {
			return err
		}
	}
	first := time.Now()
	for i, approver := range m.approvers {
		if err := w.approve(ctx, approver, m.run, m.pull, fmt.Sprintf("Approvals %d of 2", i+1)); err != nil {
			return err
		}
		if w.moves && i == 0 {
			if err := w.awaitAhead(ctx, *m, first); err != nil {
				return err
			}
		}
	}
	if err := w.follow(ctx, *m); err != nil || !w.moves {
		return err
	}
	return w.sayCost(*m, first)
}

// awaitRefusal waits until a run's message says that it was refused, and why.
func (w *World) awaitRefusal(ctx context.Context, run, why string) error {
	ctx, cancel := context.WithTimeout(ctx, w.infra.patience())
	defer cancel()
	text := ""
	_, err := w.Slack.Wait(ctx, channel, func(msgs []slack.Message) bool {
		text = shown(msgs, run)
		return strings.Contains(text, "*refused*") && strings.Contains(text, why)
	})
	if err != nil {
		return wrongf("run %s must be refused because of the %s; its message says:\n%s", run, why, text)
	}
	w.say("         %s is refused: %s", run, why)
	return nil
}
