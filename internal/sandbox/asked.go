package sandbox

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/drbot/drbot/internal/sandbox/github"
	"github.com/drbot/drbot/internal/sandbox/slack"
)

// What people approve moves under them while they read: what has become worse is put
// before them again, and what a merge came upon is accepted by two of them.

// oldAfter is how old what was approved may be in the demo before it is looked at again.
const oldAfter = 5 * time.Second

// extra is a resource that somebody adds to the target's stack, and what it is called.
const (
	extra     = "\nresource \"terraform_data\" \"extra\" {\n  input = \"nobody approved this\"\n}\n"
	extraName = "terraform_data.extra"
)

// playAsked is a failover under which the lag grows and the base moves, with everything
// old after a second.
func (w *World) playAsked(ctx context.Context) error {
	m, err := w.proposed(ctx)
	if err != nil {
		return err
	}
	if err := w.lagGrows(ctx, m, time.Now().Add(time.Second)); err != nil {
		return err
	}
	if err := w.goesWide(ctx, m); err != nil {
		return err
	}
	if err := w.follow(ctx, m); err != nil {
		return err
	}
	return w.readBack(ctx, m)
}

// proposed has alice ask for the disaster failover and waits until its plan is shown.
func (w *World) proposed(ctx context.Context) (moved, error) {
	m := moved{from: home, to: standby, approvers: []string{"bob", "carol"}, promotions: 1}
	var err error
	if m.run, err = w.ask(ctx, "alice", "/dr failover portal "+standby+" disaster Seoul does not answer"); err != nil {
		return m, err
	}
	p, err := w.pullOf(ctx, m.run)
	if err != nil {
		return m, err
	}
	m.pull = p.Number
	return m, w.awaitPlan(ctx, m.run, p)
}

// lagGrows lets the replication fall behind while people read until what they were shown
// is old: their approvals must not merge it, and they must be asked again.
func (w *World) lagGrows(ctx context.Context, m moved, old time.Time) error {
	const behind = 45 * time.Second
	w.say("world    while they read, the replication falls %s behind", behind)
	if err := w.Cloud.ReportLag(ctx, behind); err != nil { // the source is up, so that is what would be lost
		return err
	}
	if err := w.read(ctx, old); err != nil {
		return err
	}
	if err := w.approveAtOnce(ctx, m); err != nil {
		return err
	}
	merged := func() bool { p, err := w.Hub.Pull(m.pull); return err == nil && p.Merged }
	err := w.awaitText(ctx, m.run, func(text string) bool { return strings.Contains(text, "has become worse") || merged() })
	switch {
	case merged():
		return wrongf("merged with a loss nobody was shown: the replication fell %s behind while people read", behind)
	case err != nil:
		return err
	}
	w.say("         shown: something has become worse, new approvals are needed")
	p, err := w.Hub.Pull(m.pull)
	if err != nil {
		return err
	}
	// An approval that came late may count for the new round already.
	needs := regexp.MustCompile(`needs [12] more approvals?, on ` + p.HeadSHA[:7])
	return w.awaitText(ctx, m.run, needs.MatchString)
}

// goesWide has the approvals come in, and the base get a resource while GitHub merges:
// before anything is done two people other than the requester must accept it.
func (w *World) goesWide(ctx context.Context, m moved) error {
	held := w.Hub.Inject(github.Fault{Kind: github.Hang, Method: "PUT", Path: "/repos/" + owner + "/" + repository + "/pulls/", Times: 1})
	defer held.Release()
	if err := w.approveAtOnce(ctx, m); err != nil {
		return err
	}
	wait, cancel := context.WithTimeout(ctx, w.infra.patience())
	defer cancel()
	if err := w.Hub.Wait(wait, func() bool { return held.Hits() == 1 }); err != nil {
		return wrongf("the change was not merged with its approvals; the message says:\n%s", shown(w.Slack.Messages(channel), m.run))
	}
	w.say("dave     adds %s to %s while GitHub merges", extraName, standby)
	if err := w.widenBase(ctx, m.pull); err != nil {
		return err
	}
	held.Release()
	if err := w.awaitShown(ctx, m.run, "*Paused at promote/"+Service+".*", w.infra.patience()); err != nil {
		return wrongf("the merge came upon a base that nobody has planned, and nobody was asked before the promotion: %v", err)
	}
	if ps, err := w.Cloud.Promotions(ctx); err != nil || len(ps) != 0 {
		return wrongf("%d promotions were asked for on a merge that nobody has planned (%v)", len(ps), err)
	}
	msg := runMessages(w.Slack.Messages(channel), m.run)[0]
	if text := msg.AllText(); !strings.Contains(text, extraName) {
		return wrongf("the message does not name what is wider:\n%s", text)
	}
	w.say("         shown: what is wider, %s; it is to be accepted by two", extraName)
	return w.accept(ctx, msg)
}

// accept has the requester, whose word does not count, and two others accept.
func (w *World) accept(ctx context.Context, msg slack.Message) error {
	if err := w.press(ctx, "alice", msg, "accept"); err != nil {
		return err
	}
	if err := w.told(ctx, "alice", "the word of alice does not count"); err != nil {
		return err
	}
	for _, who := range []string{"bob", "carol"} {
		if err := w.press(ctx, who, msg, "accept"); err != nil {
			return err
		}
	}
	run, _ := msg.Metadata.EventPayload["id"].(string)
	return w.awaitText(ctx, run, func(text string) bool { return !strings.Contains(text, "*Paused at") })
}

// press has a person press a button of a run's message, and confirm it.
func (w *World) press(ctx context.Context, who string, m slack.Message, verb string) error {
	d, err := w.Slack.Click(ctx, slackOf(who), channel, m.TS, "drbot_answer_"+verb, slack.Confirmed())
	if err != nil {
		return err
	}
	if d.Status != 200 {
		return wrongf("%s pressed %s and Slack said %d %s", who, verb, d.Status, d.Error)
	}
	w.say("%-8s presses %s", who, verb)
	return nil
}

// told waits until a person was told something alone.
func (w *World) told(ctx context.Context, who, words string) error {
	ctx, cancel := context.WithTimeout(ctx, w.infra.patience())
	defer cancel()
	_, err := w.Slack.WaitEphemerals(ctx, slackOf(who), func(msgs []slack.Message) bool {
		return slices.ContainsFunc(msgs, func(m slack.Message) bool { return strings.Contains(m.AllText(), words) })
	})
	if err != nil {
		return wrongf("%s was not told %q: %+v", who, words, w.Slack.Ephemerals(slackOf(who)))
	}
	w.say("         drbot to %s alone: %s", who, words)
	return nil
}

// approveAtOnce has all of a run's approvers approve without looking what comes of it.
func (w *World) approveAtOnce(ctx context.Context, m moved) error {
	for _, who := range m.approvers {
		if err := w.review(ctx, who, m.pull); err != nil {
			return err
		}
	}
	return nil
}

// review has a person approve a change.
func (w *World) review(ctx context.Context, who string, pull int) error {
	w.approvedAt = time.Now()
	if _, err := w.Hub.Review(ctx, loginOf(who), pull, github.Approved, "", ""); err != nil {
		return fmt.Errorf("%s approves #%d: %w", who, pull, err)
	}
	w.say("%-8s approves #%d", who, pull)
	return nil
}

// read is the time in which people read: what grows old is the very thing that is shown.
func (w *World) read(ctx context.Context, until time.Time) error {
	select {
	case <-time.After(time.Until(until)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// awaitText waits until a run's message is as it should be.
func (w *World) awaitText(ctx context.Context, run string, is func(string) bool) error {
	ctx, cancel := context.WithTimeout(ctx, w.infra.patience())
	defer cancel()
	_, err := w.Slack.Wait(ctx, channel, func(msgs []slack.Message) bool { return is(shown(msgs, run)) })
	if err != nil {
		return wrongf("the message is not as it must be:\n%s", shown(w.Slack.Messages(channel), run))
	}
	return nil
}

// dropService takes the target's ECS service out of its stack on main.
func (w *World) dropService(ctx context.Context) error {
	path := stackFolder + "/" + standby + "/main.tf"
	src, err := w.Hub.FileAt(ctx, "main", path)
	if err != nil {
		return err
	}
	before, _, found := strings.Cut(string(src), "\nresource \"terraform_data\" \"service\"")
	if !found {
		return errors.New("the stack has no service")
	}
	_, err = w.Hub.MoveBase(ctx, loginOf("dave"), path, before, "drop the service")
	return err
}

// sayCost tells what looking again cost between the last approval and the merge. What the
// first approval has had looked at ahead is not looked at again.
func (w *World) sayCost(m moved, first time.Time) error {
	merges := w.Hub.CallsTo("PUT", fmt.Sprintf("/pulls/%d/merge", m.pull))
	if len(merges) == 0 {
		return errors.New("the merge is not in GitHub's journal")
	}
	merge := merges[0].At
	lives, err := w.lifelines()
	if err != nil {
		return err
	}
	plans := plansOf(m, lives, w.approvedAt, merge)
	w.say("recheck  between the last approval and the merge: %d plans, %s", plans, merge.Sub(w.approvedAt).Round(10*time.Millisecond))
	if plans > 0 && !first.IsZero() && merge.Sub(first) < oldAfter {
		return wrongf("%d plans were made after the last approval although all was looked at when the first came, %s before the merge", plans, merge.Sub(first).Round(time.Millisecond))
	}
	return nil
}

// plansOf counts the plans of a run's change that began in a time.
func plansOf(m moved, lives []life, from, to time.Time) (n int) {
	for _, l := range lives {
		if l.sub == "plan" && l.says == m.to && l.from.After(from) && l.from.Before(to) {
			n++
		}
	}
	return n
}

// awaitAhead waits until the plans that the first approval has had made anew are there:
// a planned run's, of every stack but the one that holds data.
func (w *World) awaitAhead(ctx context.Context, m moved, first time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, w.infra.patience())
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		lives, err := w.lifelines()
		if err != nil {
			return err
		}
		if plansOf(m, lives, first, time.Now()) >= len(stackNames)-1 {
			return nil
		}
		select {
		case <-ctx.Done():
			return wrongf("the first approval has not had the old plans made again")
		case <-tick.C:
		}
	}
}

// playDeletion is a failover under which somebody drops from the base what people have
// approved to be replaced: they must be asked about the deletion.
func (w *World) playDeletion(ctx context.Context) error {
	m, err := w.proposed(ctx)
	if err != nil {
		return err
	}
	if err := w.dropService(ctx); err != nil {
		return err
	}
	if err := w.approveAtOnce(ctx, m); err != nil {
		return err
	}
	merged := func() bool { p, err := w.Hub.Pull(m.pull); return err == nil && p.Merged }
	err = w.awaitText(ctx, m.run, func(text string) bool {
		return strings.Contains(text, "would change more than was approved") || merged()
	})
	switch {
	case merged():
		return wrongf("a deletion was merged that was approved as a replacement, and nobody was asked")
	case err != nil:
		return err
	}
	// What they said counts no more once the plan of now stands on the pull request.
	if err := w.awaitShown(ctx, m.run, "before the current plan was posted", w.infra.patience()); err != nil {
		return err
	}
	const says = "\ndelete terraform_data.service\n"
	if !slices.ContainsFunc(w.Hub.Comments(m.pull), func(c github.Comment) bool { return strings.Contains(c.Body, says) }) {
		return wrongf("the pull request does not say %q: %+v", says, w.Hub.Comments(m.pull))
	}
	return nil
}
