package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"github.com/drbot/drbot/dr"
)

const (
	// ackWait is how long an answer is waited for before the request is acknowledged
	// without one: Slack tells the user after 3 s that the command failed (docs.slack.dev,
	// slash commands), and a person after 1 s wonders.
	ackWait = 800 * time.Millisecond
	// workLimit is how long the work of a request may take, and workGrace what it has for
	// its last words.
	workLimit = time.Minute
	workGrace = time.Second
	// mostPending bounds the requests whose work is going on, and mostRefused the words
	// said to those who come beyond it.
	mostPending = 50
	mostRefused = 10
	// mostOfOne bounds what of it one person has, so that others have room.
	mostOfOne = 10
	// tellTries is how often an outcome is told; the pause is doubled each time.
	tellTries = 5
	tellPause = time.Second
)

// pending is the work of requests that goes on beside their answers: bounded, and
// each with an outcome, whatever happens in it.
type pending struct {
	slots, spare chan struct{} // one is held by each work, and by each refusal on its way
	of           *shares
	unknown      string // what is said of work that nobody knows the end of
	full         string // and to those who come beyond the bound
	client       *http.Client
	log          *slog.Logger
}

func newPending(client *http.Client, log *slog.Logger, unknown, full string) *pending {
	return &pending{slots: make(chan struct{}, mostPending), spare: make(chan struct{}, mostRefused), of: &shares{has: map[string]int{}}, unknown: unknown, full: full, client: client, log: log}
}

// take does the work on a goroutine and gives back what it says if it ends within
// wait; with no wait it never does. Otherwise decided is false, and what it says is told at the URL when it ends.
// Beyond the bounds nothing is begun, and full is true.
func (p *pending) take(ctx context.Context, by string, wait time.Duration, url string, work func(context.Context) string) (text string, decided, full bool) {
	if !p.of.take(by) {
		return "", false, true
	}
	select {
	case p.slots <- struct{}{}:
	default:
		p.of.back(by)
		return "", false, true
	}
	said, late := make(chan string), make(chan struct{})
	ctx = context.WithoutCancel(ctx) // the request ends with its acknowledgement
	ended, over := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(over)
		ended <- p.guarded(ctx, work)
	}()
	go func() {
		defer func() { <-over; p.of.back(by); <-p.slots }() // its place is free when it is done with and told
		text := p.outcome(ended)
		select {
		case said <- text:
		case <-late:
			p.tell(ctx, url, text)
		}
	}()
	if wait == 0 {
		close(late)
		return "", false, false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case text := <-said:
		return text, true, false
	case <-timer.C:
		close(late)
		return "", false, false
	}
}

// shares are how much of the room each person has.
type shares struct {
	mu  sync.Mutex
	has map[string]int
}

func (s *shares) take(by string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.has[by] >= mostOfOne {
		return false
	}
	s.has[by]++
	return true
}

func (s *shares) back(by string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.has[by]--; s.has[by] == 0 {
		delete(s.has, by)
	}
}

// outcome is what the work says, or that nobody knows when it does not end in its time.
func (p *pending) outcome(ended <-chan string) string {
	limit := time.NewTimer(workLimit + workGrace)
	defer limit.Stop()
	select {
	case text := <-ended:
		return text
	case <-limit.C:
		return p.unknown
	}
}

// guarded gives what the work says; its panic is an outcome like another.
func (p *pending) guarded(ctx context.Context, work func(context.Context) string) (text string) {
	ctx, cancel := context.WithTimeout(ctx, workLimit)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			p.log.ErrorContext(ctx, "a request's work panicked", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			text = p.unknown
		}
	}()
	return work(ctx)
}

// refuse tells at the URL that there is no room; false when even that has none.
func (p *pending) refuse(ctx context.Context, url string) bool {
	select {
	case p.spare <- struct{}{}:
	default:
		return false
	}
	ctx = context.WithoutCancel(ctx)
	go func() {
		defer func() { <-p.spare }()
		p.tell(ctx, url, p.full)
	}()
	return true
}

// tell says to the person who asked, and to nobody else, what came of it. What cannot
// be told after some tries is in the log, and what was done in the run's message.
func (p *pending) tell(ctx context.Context, url, text string) {
	if url == "" || text == "" {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			p.log.ErrorContext(ctx, "telling an answer panicked", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		}
	}()
	var err error
	for i := range tellTries {
		if i > 0 {
			sleep(ctx, max(tellPause<<(i-1), retryLimited(err)))
		}
		try, cancel := context.WithTimeout(ctx, 10*time.Second)
		err = slack.PostWebhookCustomHTTPContext(try, url, p.client, &slack.WebhookMessage{Text: text, ResponseType: slack.ResponseTypeEphemeral})
		cancel()
		if err == nil || dr.CodeOf(outside(dr.T("slack.answer"), err)) != dr.Temporary {
			break
		}
	}
	if err != nil {
		p.log.WarnContext(ctx, "an answer was lost", "error", err)
	}
}

// retryLimited is how long Slack said to wait; nothing when it did not.
func retryLimited(err error) time.Duration {
	var limited *slack.RateLimitedError
	if errors.As(err, &limited) {
		return limited.RetryAfter
	}
	return 0
}

// settle waits until no work is going on and nothing is left to tell, or until the
// context ends; no new work is taken from then on.
func (p *pending) settle(ctx context.Context) bool {
	for _, all := range []chan struct{}{p.slots, p.spare} {
		for range cap(all) {
			select {
			case all <- struct{}{}:
			case <-ctx.Done():
				return false
			}
		}
	}
	return true
}
