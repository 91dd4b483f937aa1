//go:build proof

package sandbox

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drbot/drbot/internal/sandbox/aws"
	"github.com/drbot/drbot/internal/sandbox/github"
)

// endurance bounds what a test waits for: it ends what hangs, and measures nothing.
const endurance = 6 * time.Minute

// trial is a world that plays one run after the other, in which something is taken away
// from a bot that is kept up as a service manager does it: whenever its process has
// ended it is started again.
type trial struct {
	*World
	t        *testing.T
	ctx      context.Context
	at       string // where the service is
	runs     int
	unasked  bool  // a run must not pause
	answered []int // questions of the run in hand that a person has answered
	keeper   *keeper
}

// keeper starts the bot again after each of its ends.
type keeper struct {
	mu     sync.Mutex
	held   bool // the unit is stopped
	starts int
	stop   chan struct{}
	gone   chan struct{}
}

// restartAfter is what systemd waits where a unit file has no RestartSec.
const restartAfter = 100 * time.Millisecond

func newTrial(t *testing.T, change ...func(*Options)) *trial {
	t.Helper()
	w, ctx := newWorld(t, append([]func(*Options){quickly}, change...)...)
	s := &trial{World: w, t: t, ctx: ctx, at: home}
	must(t, w.StartBot(ctx))
	s.keep()
	return s
}

// keep keeps the bot up until the test ends.
func (s *trial) keep() {
	k := &keeper{stop: make(chan struct{}), gone: make(chan struct{})}
	s.keeper = k
	s.t.Cleanup(func() { close(k.stop); <-k.gone })
	cfg, err := s.writeConfig()
	must(s.t, err)
	go func() {
		defer close(k.gone)
		for {
			select {
			case <-s.Bot.Done():
			case <-k.stop:
				return
			}
			select {
			case <-time.After(restartAfter):
			case <-k.stop:
				return
			}
			k.mu.Lock()
			if !k.held {
				if b, err := s.spawn(cfg); err == nil {
					s.Bot = b
					k.starts++
				}
			}
			k.mu.Unlock()
		}
	}()
}

// kill ends the process that runs, if one does.
func (s *trial) kill() {
	s.keeper.mu.Lock()
	defer s.keeper.mu.Unlock()
	s.Bot.Kill()
}

// hold stops the unit, or lets it be started again.
func (k *keeper) hold(b bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.held = b
}

// restarts is how often the bot was started again.
func (k *keeper) restarts() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.starts
}

// until waits for something to become true.
func (s *trial) until(what string, is func() bool) {
	s.t.Helper()
	end := time.After(endurance)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-s.ctx.Done():
			s.t.Fatalf("never: %s", what)
		case <-end:
			s.t.Fatalf("not within %s: %s", endurance, what)
		}
	}
}

// begin asks for a run and waits, by what GitHub shows, until people can approve it.
// A person who is told nothing asks again: it is the same run.
func (s *trial) begin(planned bool) moved {
	s.t.Helper()
	m := moved{from: s.at, to: s.Cloud.Layout.Other(s.at), planned: planned, approvers: []string{"bob", "carol"}, promotions: s.runs + 1}
	mode := "disaster"
	if planned {
		mode = "planned"
	}
	s.answered = nil
	s.until("the command is taken", func() bool {
		text, _ := s.command(s.ctx, "alice", "/dr failover portal "+m.to+" "+mode+" trial "+fmt.Sprint(s.runs))
		run := runForm.FindStringSubmatch(text)
		if run != nil {
			m.run = run[1]
		}
		return run != nil
	})
	s.until("the change of "+m.run+" waits for its approvals", func() bool {
		for _, p := range s.Hub.Pulls() {
			if p.HeadRef == "drbot/"+m.run {
				m.pull = p.Number
				// This status comes with the first look: from then on a review counts.
				return slices.ContainsFunc(s.Hub.Statuses(p.HeadSHA), func(st github.Status) bool { return st.Context == "drbot/approval" })
			}
		}
		s.goOn(m)
		return false
	})
	return m
}

func (s *trial) approve(m moved) {
	s.t.Helper()
	for _, who := range m.approvers {
		_, err := s.Hub.Review(s.ctx, loginOf(who), m.pull, github.Approved, "", "")
		must(s.t, err)
	}
}

// finish follows a run to its end and looks at everything apart from the bot: one
// promotion, one pull request, one merge, each note and each apply once.
func (s *trial) finish(m moved) {
	s.t.Helper()
	s.until("the run is over", func() bool {
		s.goOn(m)
		return strings.Contains(shown(s.Slack.Messages(channel), m.run), "*succeeded*")
	})
	err := s.readBack(s.ctx, m)
	for n := 0; n < 3 && err != nil; n++ { // the last words may be on their way
		err = s.readBack(s.ctx, m)
	}
	must(s.t, err)
	s.runs++
	if n := len(s.Hub.Pulls()); n != s.runs {
		s.t.Errorf("there are %d pull requests after %d runs", n, s.runs)
	}
	s.at = m.to
}

// goOn answers retry, as a person does, when a run that has paused asks what to do;
// a run that has ended otherwise ends the test.
func (s *trial) goOn(m moved) {
	s.t.Helper()
	text := shown(s.Slack.Messages(channel), m.run)
	for _, end := range []string{"*stopped*", "*refused*", "*cancelled*", "*expired*"} {
		if strings.Contains(text, end) {
			s.t.Fatalf("the run has ended:\n%s", text)
		}
	}
	if !strings.Contains(text, "*Paused at") {
		return
	}
	if s.unasked {
		s.t.Fatalf("the run has paused:\n%s", text)
	}
	if reply, err := s.command(s.ctx, "bob", "/dr answer "+m.run+" retry"); err == nil && strings.Contains(reply, "retry") {
		s.t.Logf("bob answers retry to:\n%s", pausedLine(text))
		s.answered = append(s.answered, len(s.answered))
		// The message follows; until then the same question must not be answered twice.
		s.until("the answer is shown", func() bool {
			return pausedLine(shown(s.Slack.Messages(channel), m.run)) != pausedLine(text)
		})
	}
}

// inApply calls a function while Terraform is in the middle of the apply of a run's
// target, which is held until the function returns; what it gives waits for that.
// The target must be at rest before, so that there is something to apply.
func (s *trial) inApply(m moved, do func()) (reached func()) {
	was := make(chan struct{})
	var once sync.Once
	remove := s.Cloud.Proxy.Hook(aws.Matcher{Service: "ecs", Operation: "UpdateService", Region: m.to}, aws.Before, 0, func(c aws.Call) bool {
		if c.AccessKey == stackTool {
			once.Do(func() { do(); close(was) })
		}
		return false
	})
	s.t.Cleanup(remove)
	return func() {
		s.t.Helper()
		s.until("Terraform is inside the apply", func() bool {
			s.goOn(m)
			select {
			case <-was:
				return true
			default:
				return false
			}
		})
	}
}

// appliedOnce sees that Terraform has scaled the target of a run once.
func (s *trial) appliedOnce(m moved, since time.Time) {
	s.t.Helper()
	n := 0
	for _, c := range s.Cloud.Proxy.Calls() {
		if c.Operation == "UpdateService" && c.Region == m.to && c.AccessKey == stackTool && c.Start.After(since) {
			n++
		}
	}
	if n != 1 {
		s.t.Errorf("Terraform has scaled the service in %s %d times; it must be once", m.to, n)
	}
}

// logged waits until the bot's log says something.
func (s *trial) logged(words ...string) {
	s.t.Helper()
	s.until(fmt.Sprintf("the bot's log says one of %q", words), func() bool {
		log := s.botLog(100000)
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(log, w) })
	})
}

// lastWords are the log's lines with a word, the last few of them, for the test's log.
func (s *trial) lastWords(word string) string {
	var out []string
	for line := range strings.Lines(s.botLog(100000)) {
		if strings.Contains(line, word) {
			out = append(out, strings.TrimSpace(line))
		}
	}
	return strings.Join(out[max(0, len(out)-2):], "\n")
}

// messageOf is the text of a run's one message.
func (s *trial) messageOf(m moved) string { return shown(s.Slack.Messages(channel), m.run) }
