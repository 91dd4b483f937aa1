//go:build proof

package sandbox

import (
	"testing"
	"time"

	"github.com/drbot/drbot/internal/sandbox/aws"
	"github.com/drbot/drbot/internal/sandbox/github"
	"github.com/drbot/drbot/internal/sandbox/slack"
)

// trouble is one way in which a service answers badly for a while.
type trouble struct {
	name string
	on   func(*trial)
}

// silence is longer than the bot waits for any of its calls.
const silence = 12 * time.Second

// troubles are all ways, by service.
func troubles() map[string][]trouble {
	out := map[string][]trouble{}
	add := func(service, name string, on func(*trial)) { out[service] = append(out[service], trouble{name, on}) }
	for _, kind := range []slack.FaultKind{slack.FaultRateLimited, slack.FaultServerError, slack.FaultHalfBody, slack.FaultLostReply, slack.FaultHang} {
		add("slack", string(kind), func(s *trial) {
			s.Slack.Inject(slack.Fault{Kind: kind, Times: 3, RetryAfter: 1, For: silence})
		})
	}
	for _, kind := range []github.Kind{github.TooManyRequests, github.SecondaryLimit, github.ServerError, github.HalfBody, github.LostReply, github.DroppedReply, github.Hang} {
		add("github", string(kind), func(s *trial) {
			s.Hub.Inject(github.Fault{Kind: kind, Path: "/repos/", Times: 3, RetryAfter: time.Second, For: silence})
		})
	}
	for _, kind := range []aws.FaultKind{aws.Throttle, aws.ServerError, aws.HalfBody, aws.Stall} {
		for _, service := range []string{"rds", "ecs", "monitoring"} {
			add("aws", service+" "+string(kind), func(s *trial) {
				s.Cloud.Proxy.Inject(aws.Fault{Match: aws.Matcher{Service: service}, Kind: kind, Times: 2, RetryAfter: 1, For: 2 * callTimeout})
			})
		}
	}
	return out
}

// TestProofFaults has each service answer badly, in each way, at the beginning of a run
// and again after its approvals: every run ends as it must, and nothing is lost or
// done twice.
func TestProofFaults(t *testing.T) {
	t.Parallel()
	for service, ways := range troubles() {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			s := newTrial(t)
			for i, f := range ways {
				began := time.Now()
				l := leg{planned: i%3 != 0, trouble: f.on}
				if s.at != home {
					l.planned = true // the way back from a disaster
				}
				s.say("proof    %s %s", service, f.name)
				s.play(l)
				s.Slack.ClearFaults()
				s.Hub.ClearFaults()
				t.Logf("%-6s %-24s %5.1fs", service, f.name, time.Since(began).Seconds())
			}
		})
	}
}
