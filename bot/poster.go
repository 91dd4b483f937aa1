package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text"
)

// Desk is where the bot finds what is to be shown and said, and notes what was.
type Desk interface {
	Run(ctx context.Context, id string) (dr.Run, error)
	OpenRuns(ctx context.Context) ([]dr.Run, error)
	UnshownRuns(ctx context.Context) ([]string, error)
	Shown(ctx context.Context, run string) (dr.Shown, error)
	SaveShown(ctx context.Context, run string, m dr.Shown) error
	UnsaidChannels(ctx context.Context) ([]string, error)
	UnsaidNotes(ctx context.Context, channel string, limit int) ([]dr.Unsaid, error)
	NoteTried(ctx context.Context, key string) error
	NoteSaid(ctx context.Context, key, ts string) error
	// ChannelGone notes that Slack knows no such channel any more, and gives up its notes
	// when it has said so for long: how many, and since when.
	ChannelGone(ctx context.Context, channel string, now time.Time) (givenUp int64, since time.Time, err error)
}

const (
	refresh = 15 * time.Second // elapsed times of a run under way
	pauseOn = 5 * time.Second  // after a failure
	// clocksApart is how far Slack's clock and this host's may differ: a message of our
	// own that is not found because of it would be posted again.
	clocksApart = 24 * time.Hour
)

// Poster keeps Slack as the store says it should be. What cannot be said now is
// said later: the runbooks never wait for Slack.
type Poster struct {
	api      *slack.Client
	desk     Desk
	channels map[string]string // service -> channel
	people   dr.People
	words    text.Words
	now      func() time.Time
	log      *slog.Logger

	pace    time.Duration // between two posts, or two updates, in one channel
	wake    chan struct{}
	mu      sync.Mutex
	workers map[string]*worker
}

// worker serves one channel, so that a channel that is rate limited or gone does
// not hold up the others.
type worker struct {
	mu   sync.Mutex
	runs map[string]bool
	say  bool
	wake chan struct{}

	posted, updated time.Time
}

// NewPoster makes the poster; Run starts it.
func NewPoster(api *slack.Client, desk Desk, services map[string]dr.Service, people dr.People, words text.Words, pace time.Duration, now func() time.Time, log *slog.Logger) *Poster {
	p := &Poster{pace: pace, api: api, desk: desk, channels: map[string]string{}, people: people, words: words, now: now, log: log,
		wake: make(chan struct{}, 1), workers: map[string]*worker{}}
	for name, s := range services {
		p.channels[name] = s.Channel
	}
	return p
}

// NewClient makes the Slack client the bot uses. Retries are the poster's own
// business: the library would repeat a post whose answer was lost.
func NewClient(token, apiURL string, client *http.Client) *slack.Client {
	opts := []slack.Option{slack.OptionHTTPClient(client)}
	if apiURL != "" {
		opts = append(opts, slack.OptionAPIURL(apiURL))
	}
	return slack.New(token, opts...)
}

// Changed says that a run has something new to show. It never blocks.
func (p *Poster) Changed(string) {
	select {
	case p.wake <- struct{}{}:
	default: // a wake-up is on its way already
	}
}

// Run posts until the context ends.
func (p *Poster) Run(ctx context.Context) {
	tick := time.NewTicker(refresh)
	defer tick.Stop()
	for {
		_ = p.guarded(ctx, "dispatch", func() error { p.dispatch(ctx); return nil }) // logged there
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
		case <-tick.C:
			_ = p.guarded(ctx, "refresh", func() error { p.touchOpen(ctx); return nil })
		}
	}
}

// dispatch gives every channel that is behind its work.
func (p *Poster) dispatch(ctx context.Context) {
	ids, err := p.desk.UnshownRuns(ctx)
	if err != nil {
		p.log.ErrorContext(ctx, "the runs to show could not be read", "error", err)
	}
	for _, id := range ids {
		run, err := p.desk.Run(ctx, id)
		if err != nil {
			continue
		}
		p.give(ctx, p.channelOf(run), id)
	}
	channels, err := p.desk.UnsaidChannels(ctx)
	if err != nil {
		p.log.ErrorContext(ctx, "the outbox could not be read", "error", err)
	}
	for _, c := range channels {
		p.give(ctx, c, "")
	}
}

// touchOpen has the messages of runs under way shown again for their times.
func (p *Poster) touchOpen(ctx context.Context) {
	runs, err := p.desk.OpenRuns(ctx)
	if err != nil {
		return // the next dispatch logs it
	}
	for _, run := range runs {
		p.give(ctx, p.channelOf(run), run.Run)
	}
}

func (p *Poster) channelOf(run dr.Run) string {
	if c := p.channels[run.Service]; c != "" {
		return c
	}
	return run.Channel
}

func (p *Poster) give(ctx context.Context, channel, run string) {
	p.mu.Lock()
	w, ok := p.workers[channel]
	if !ok {
		w = &worker{runs: map[string]bool{}, wake: make(chan struct{}, 1)}
		p.workers[channel] = w
		go p.serve(ctx, channel, w)
	}
	p.mu.Unlock()
	w.mu.Lock()
	if run == "" {
		w.say = true
	} else {
		w.runs[run] = true
	}
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *worker) take() (runs []string, say bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id := range w.runs {
		runs = append(runs, id)
	}
	say, w.runs, w.say = w.say, map[string]bool{}, false
	return runs, say
}

func (p *Poster) serve(ctx context.Context, channel string, w *worker) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		}
		runs, say := w.take()
		var err error
		for _, id := range runs {
			if e := p.guarded(ctx, "show "+id, func() error { return p.show(ctx, w, channel, id) }); e != nil {
				err = e
				p.give(ctx, channel, id)
			}
		}
		if say {
			if e := p.guarded(ctx, "say", func() error { return p.sayAll(ctx, w, channel) }); e != nil {
				err = e
				giveUp(ctx, p, channel, e)
				p.give(ctx, channel, "")
			}
		}
		if err != nil && ctx.Err() == nil {
			p.log.WarnContext(ctx, "Slack could not be told; trying again", "channel", channel, "error", err)
			sleep(ctx, retryAfter(err))
		}
	}
}

// giveUp has the notes of a channel that is not there any more come to an end.
func giveUp(ctx context.Context, p *Poster, channel string, why error) {
	if !slices.Contains(slackGone, slackSays(why)) {
		return
	}
	n, since, err := p.desk.ChannelGone(ctx, channel, p.now())
	switch {
	case err != nil:
		p.log.ErrorContext(ctx, "that a channel is gone could not be noted", "channel", channel, "error", err)
	case n > 0:
		p.log.ErrorContext(ctx, "notes for a channel that is gone are given up", "channel", channel, "notes", n, "since", since, "error", why)
	}
}

// retryAfter is how long Slack wants to be left alone.
func retryAfter(err error) time.Duration {
	var limited *slack.RateLimitedError
	if errors.As(err, &limited) && limited.RetryAfter > 0 {
		return limited.RetryAfter
	}
	return pauseOn
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// turn waits until the channel may be written to again. Slack counts posts by
// channel and updates by themselves (docs.slack.dev, rate limits).
func turn(ctx context.Context, last *time.Time, pace time.Duration) {
	wait(ctx, *last, pace)
	*last = time.Now()
}

func wait(ctx context.Context, last time.Time, pace time.Duration) {
	if left := pace - time.Since(last); left > 0 && !last.IsZero() {
		sleep(ctx, left)
	}
}

const (
	runEvent  = "drbot_run"
	noteEvent = "drbot_note"
)

func metadata(event, key string) slack.MsgOption {
	return slack.MsgOptionMetadata(slack.SlackMetadata{EventType: event, EventPayload: map[string]any{"id": key}})
}

// show brings the one message of a run up to date, posting it first if it is
// nowhere to be found.
func (p *Poster) show(ctx context.Context, w *worker, channel, id string) error {
	at, err := p.desk.Shown(ctx, id)
	if err != nil {
		return err
	}
	if at.TS == "" {
		wait(ctx, w.posted, p.pace)
	} else {
		wait(ctx, w.updated, p.pace)
	}
	run, err := p.desk.Run(ctx, id) // after the wait: what is shown is the newest
	if err != nil {
		return err
	}
	if at.TS == "" {
		// It may have been posted by a process that died before it could note it.
		if at.TS, err = p.find(ctx, channel, "", runEvent, id, run.At); err != nil {
			return err
		}
		at.Channel = channel
	}
	text, blocks := RunMessage(p.words, run, p.now())
	ts, err := p.send(ctx, w, message{channel: at.Channel, ts: at.TS, event: runEvent, id: id, run: id, text: text, blocks: blocks})
	switch {
	case at.TS != "" && slackSays(err) == "message_not_found":
		// Somebody deleted it: the run keeps its place with a new one.
		return errors.Join(err, p.desk.SaveShown(ctx, id, dr.Shown{}))
	case err != nil:
		return fmt.Errorf("show %s: %w", id, err)
	case at.TS == "":
		at.TS = ts
	}
	at.Version = run.Version
	return p.desk.SaveShown(ctx, id, at)
}

// find looks for a message of ours by its metadata, in a channel or a thread.
func (p *Poster) find(ctx context.Context, channel, thread, event, id string, since time.Time) (string, error) {
	oldest := strconv.FormatInt(since.Add(-clocksApart).Unix(), 10)
	cursor := ""
	for range 20 { // 4,000 messages since the run was asked for
		var msgs []slack.Message
		var more bool
		if thread == "" {
			h, err := p.api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
				ChannelID: channel, Oldest: oldest, Limit: 200, Cursor: cursor, IncludeAllMetadata: true})
			if err != nil {
				return "", outside(dr.T("slack.find"), err)
			}
			msgs, more, cursor = h.Messages, h.HasMore, h.ResponseMetaData.NextCursor
		} else {
			var err error
			msgs, more, cursor, err = p.api.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
				ChannelID: channel, Timestamp: thread, Limit: 200, Cursor: cursor, IncludeAllMetadata: true})
			if slackSays(err) == "thread_not_found" {
				return p.find(ctx, channel, "", event, id, since) // where it would have been said instead
			}
			if err != nil {
				return "", outside(dr.T("slack.find"), err)
			}
		}
		for _, m := range msgs {
			if m.Metadata.EventType == event && m.Metadata.EventPayload["id"] == id {
				return m.Timestamp, nil
			}
		}
		if !more || cursor == "" {
			return "", nil
		}
	}
	return "", nil
}
