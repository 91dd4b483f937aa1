//go:build proof

package sandbox

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestProofClockJumps sets the clock of the bot's host by an hour and more while a run
// waits for its approvals, and between the approvals and an apply, forward and
// backward: the request neither expires nor becomes endless, the run ends right, and
// the RTA is the time that has passed. The bot dies once after each jump.
func TestProofClockJumps(t *testing.T) {
	t.Parallel()
	for name, by := range map[string]time.Duration{"forward": 65 * time.Minute, "backward": -65 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClock(t)
			s := newTrial(t, func(o *Options) { o.Start = c.start })

			m := s.begin(true)
			c.set(t, by)
			s.killAfterJump(m)
			s.refusedByTime(m)
			s.approve(m)
			s.finish(m)
			s.measuredRight(m)

			c.set(t, 0)
			s.until("the bot takes commands again", func() bool {
				text, err := s.command(s.ctx, "alice", "/dr status portal")
				return err == nil && strings.Contains(text, m.run)
			})
			m = s.begin(false)
			began := time.Now()
			reached := s.inApply(m, func() { c.set(t, by) })
			s.approve(m)
			reached()
			s.killAfterJump(m)
			s.finish(m)
			s.appliedOnce(m, began)
			s.measuredRight(m)
		})
	}
}

// killAfterJump kills the bot when a run has seen that the clock jumped, and waits for
// the next process.
func (s *trial) killAfterJump(m moved) {
	s.t.Helper()
	s.until("the jump is seen", func() bool {
		for line := range strings.Lines(s.botLog(100000)) {
			if strings.Contains(line, "the clock has jumped") && strings.Contains(line, m.run) {
				return true
			}
		}
		return false
	})
	before := s.keeper.restarts()
	s.kill()
	s.until("the bot is started again", func() bool { return s.keeper.restarts() > before })
	must(s.t, s.awaitBot(s.ctx, s.Bot))
}

// refusedByTime types a command while the clocks are apart: Slack's signature is too
// old, or not yet made, and nothing is started by it.
func (s *trial) refusedByTime(m moved) {
	s.t.Helper()
	d, err := s.Slack.Command(s.ctx, slackOf("alice"), channel, "/dr cancel "+m.run)
	must(s.t, err)
	if d.Status != 401 || !strings.Contains(d.Reply, "this host's clock") {
		s.t.Errorf("a command signed at another time was answered %d %q", d.Status, d.Reply)
	}
}

var rtaForm = regexp.MustCompile(`RTA \*([^*]+)\* of RTO`)

// measuredRight sees that the RTA in a run's message is not an hour off.
func (s *trial) measuredRight(m moved) {
	s.t.Helper()
	found := rtaForm.FindStringSubmatch(s.messageOf(m))
	if found == nil {
		s.t.Fatalf("the message has no RTA:\n%s", s.messageOf(m))
	}
	s.t.Logf("RTA %s", found[1])
	if d, err := time.ParseDuration(found[1]); err != nil || d <= 0 || d > 50*time.Minute {
		s.t.Errorf("the RTA is %s (%v)", found[1], err)
	}
}
