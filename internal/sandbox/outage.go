package sandbox

import (
	"context"
	"fmt"
	"time"

	"github.com/drbot/drbot/internal/sandbox/aws"
)

// ParseOutage reads "source=hang" or "source=refuse".
func ParseOutage(s string) (aws.Mode, error) {
	switch s {
	case "source=hang":
		return aws.Hang, nil
	case "source=refuse":
		return aws.Refuse, nil
	}
	return "", fmt.Errorf("%q is no outage: it is source=hang or source=refuse", s)
}

// callTimeout is the bot's own bound of one AWS call in a sandbox, and slack what a
// busy machine may add to it.
const (
	callTimeout = 2 * time.Second
	slackTime   = time.Second
)

// PlayOutage takes the source Region away before the first word, fails over
// without it, brings it back, and goes home in planned mode.
func (w *World) PlayOutage(ctx context.Context, mode aws.Mode) error {
	if err := w.Cloud.Outage(ctx, home, mode); err != nil {
		return err
	}
	began := time.Now()
	w.say("world    %s is gone: its endpoints %s", home, mode)
	m := moved{from: home, to: standby, approvers: []string{"bob", "carol"}, promotions: 1}
	if err := w.through(ctx, &m, "alice", "/dr failover portal "+standby+" disaster Seoul is gone"); err != nil {
		return err
	}
	if err := w.readBack(ctx, m); err != nil {
		return err
	}
	if err := w.untouched(home, began); err != nil {
		return err
	}
	w.ended("the failover without " + home)
	// While Seoul is away nobody can say how far it is behind: never zero, never ok.
	if _, err := w.awaitPost(ctx, time.Now(), w.infra.patience(), "replication is unknown"); err != nil {
		return err
	}
	w.say("cron     replication is unknown while %s is gone", home)
	if err := w.Cloud.Lift(ctx, home); err != nil {
		return err
	}
	w.say("world    %s is back", home)
	if _, err := w.awaitPost(ctx, time.Now(), w.infra.patience(), "replication is ok", "aurora.lag) in "+home); err != nil {
		return err
	}
	w.say("cron     replication to %s is ok again: the old writer has come back as a reader", home)
	back := moved{from: standby, to: home, planned: true, approvers: []string{"carol", "dave"}, promotions: 2}
	if err := w.through(ctx, &back, "bob", "/dr failback portal "+home+" planned --override-cooldown Seoul is back"); err != nil {
		return err
	}
	if err := w.readBack(ctx, back); err != nil {
		return err
	}
	w.ended("the return of " + home + " and the way back")
	w.sayTimes()
	w.say("done     over without the source, and back again")
	return nil
}

// untouched looks through the proxy's journal: since the outage began nothing was
// written to the Region, Terraform asked it for nothing, and every read of it was
// bounded.
func (w *World) untouched(region string, since time.Time) error {
	reads := 0
	longest := time.Duration(0)
	for _, c := range w.Cloud.Proxy.Calls() {
		if c.Region != region || c.Start.Before(since) {
			continue
		}
		switch {
		case c.Write:
			return wrongf("%s %s was signed for %s, which is gone", c.Service, c.Operation, region)
		case c.AccessKey == stackTool || c.Terraform():
			return wrongf("Terraform asked %s, which is gone, for %s %s", region, c.Service, c.Operation)
		}
		reads++
		if !c.End.IsZero() {
			longest = max(longest, c.End.Sub(c.Start))
		}
	}
	if longest > callTimeout+slackTime {
		return wrongf("a read of %s held the bot for %s", region, longest.Round(time.Millisecond))
	}
	w.say("read     the journal: %d reads of %s since it went, the longest %s; no write, no Terraform", reads, region, longest.Round(time.Millisecond))
	return nil
}
