//go:build proof

package sandbox

import (
	"testing"
	"time"

	"github.com/drbot/drbot/internal/sandbox/aws"
	"github.com/drbot/drbot/internal/sandbox/github"
	"github.com/drbot/drbot/internal/sandbox/slack"
)

// longSilence is longer than anything that the bot tries again by itself lasts.
const longSilence = 3 * time.Minute

// TestProofSilence has a service take every call and answer none for three minutes,
// from the moment at which the approvals are there. A run that gives up asking pauses,
// and a person answers when the service is back.
func TestProofSilence(t *testing.T) {
	t.Parallel()
	for name, silent := range map[string]func(*trial) (over func()){
		"slack":  func(s *trial) func() { return s.Slack.Inject(slack.Fault{Kind: slack.FaultHang}).Release },
		"github": func(s *trial) func() { return s.Hub.Inject(github.Fault{Kind: github.Hang}).Release },
		"aws": func(s *trial) func() {
			return s.Cloud.Proxy.Inject(aws.Fault{Match: aws.Matcher{}, Kind: aws.Stall, For: longSilence})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTrial(t, func(o *Options) { o.Patient = true })
			m := s.begin(true)
			began := time.Now()
			over := silent(s)
			s.approve(m)
			time.Sleep(longSilence)
			over()
			silence := time.Since(began)
			s.finish(m)
			if n := s.keeper.restarts(); n != 0 {
				t.Errorf("the bot ended %d times", n)
			}
			t.Logf("silent for %s; over %s after that, with %d answers of a person's", silence.Round(time.Second), (time.Since(began) - silence).Round(time.Second), len(s.answered))
		})
	}
}
