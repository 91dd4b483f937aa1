package bot

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/sandbox/slack"
	"github.com/drbot/drbot/internal/store"
)

// desk is a poster on a real store, writing to a local Slack.
type desk struct {
	*store.Store
	slack  *slack.Server
	poster *Poster
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	st, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "drbot.db"), false, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	s := slack.New(slack.Options{Token: "xoxb-1", SigningSecret: "s", TeamID: "T1", BotUserID: "U0", BotID: "B0",
		Channels: []slack.Channel{{ID: "C1", Name: "dr"}, {ID: "C2", Name: "other"}},
		Personas: []slack.Persona{{ID: "U1", Name: "alice"}, {ID: "U2", Name: "gert", Guest: true}, {ID: "U3", Name: "gone", Deleted: true}, {ID: "U4", Name: "robot", Bot: true}}})
	srv := httptest.NewServer(s)
	s.SetBaseURL(srv.URL)
	t.Cleanup(func() { s.Close(); srv.Close() })
	client := &http.Client{Timeout: 2 * time.Second}
	services := map[string]dr.Service{"portal": {Name: "portal", Channel: "C1"}, "other": {Name: "other", Channel: "C2"}}
	p := NewPoster(NewClient("xoxb-1", srv.URL+"/api/", client), st, services, dr.People{{Name: "alice", SlackIDs: []string{"U1"}}}, english(t), 1200*time.Millisecond, time.Now, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	go p.Run(ctx)
	return &desk{Store: st, slack: s, poster: p}
}

func (d *desk) run(t *testing.T, id, service string) {
	t.Helper()
	d.runAt(t, id, service, time.Now())
}

func (d *desk) runAt(t *testing.T, id, service string, at time.Time) {
	t.Helper()
	r := dr.Run{Request: dr.Request{Run: id, Service: service, Kind: dr.Failover, At: at}, State: dr.RunRunning}
	if err := d.CreateRun(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	d.poster.Changed(id)
}

func (d *desk) say(t *testing.T, n dr.Note) {
	t.Helper()
	if err := d.Say(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	d.poster.Changed("")
}

// await waits until the channel is as it must be.
func (d *desk) await(t *testing.T, channel string, ok func([]slack.Message) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	msgs, err := d.slack.Wait(ctx, channel, ok)
	if err != nil {
		t.Fatalf("%v; the channel has %d messages", err, len(msgs))
	}
}

// settled waits until the store has nothing more to show or say.
func (d *desk) settled(t *testing.T) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 1500 {
		runs, err := d.UnshownRuns(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		channels, err := d.UnsaidChannels(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(runs)+len(channels) == 0 {
			return
		}
		<-tick.C
	}
	t.Fatal("the poster does not come to an end")
}

func TestOneMessageARun(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.run(t, "portal-1", "portal")
	d.say(t, dr.Note{Key: "n1", Run: "portal-1", Channel: "C1", Title: words("first"), Mention: []string{"alice", "nobody"}})
	for i := range 5 {
		if _, err := d.UpdateRun(t.Context(), "portal-1", func(r *dr.Run) { r.Outcome = words(fmt.Sprint("state ", i)) }); err != nil {
			t.Fatal(err)
		}
		d.poster.Changed("portal-1")
	}
	d.settled(t)
	msgs := d.slack.Messages("C1")
	if len(msgs) != 2 || msgs[1].ThreadTS != msgs[0].TS {
		t.Fatalf("the channel has %d messages", len(msgs))
	}
	if text := msgs[1].AllText(); !strings.Contains(text, "<@U1>") || !strings.Contains(text, "nobody") {
		t.Errorf("the note is %q", text)
	}
	if !strings.Contains(msgs[0].AllText(), "state 4") {
		t.Errorf("the message shows %q", msgs[0].AllText())
	}
}

// TestLostReplies loses the answer to every post once: each message must still
// stand there once, also when this host's clock is not that of Slack.
func TestLostReplies(t *testing.T) {
	for name, ahead := range map[string]time.Duration{"one clock": 0, "an hour ahead of Slack": time.Hour, "an hour behind": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			d.slack.Inject(slack.Fault{Kind: slack.FaultLostReply, Method: "chat.postMessage", Times: 2})
			d.runAt(t, "portal-1", "portal", time.Now().Add(ahead))
			d.say(t, dr.Note{Key: "n1", Run: "portal-1", Channel: "C1", Title: words("in the thread")})
			d.settled(t)
			if n := len(d.slack.Messages("C1")); n != 2 {
				t.Errorf("there are %d messages", n)
			}
		})
	}
}

// TestRateLimited has Slack refuse for a while: nothing is lost, and the other
// channel is served meanwhile.
func TestRateLimited(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	in := d.slack.Inject(slack.Fault{Kind: slack.FaultRateLimited, Channel: "C1", Method: "chat.postMessage", RetryAfter: 1})
	d.run(t, "portal-1", "portal")
	d.run(t, "other-1", "other")
	d.await(t, "C2", func(m []slack.Message) bool { return len(m) == 1 })
	if len(d.slack.Messages("C1")) != 0 {
		t.Error("a message went through a rate limit")
	}
	in.Release()
	d.slack.ClearFaults()
	d.settled(t)
	if n := len(d.slack.Messages("C1")); n != 1 {
		t.Errorf("there are %d messages", n)
	}
}

func TestStanding(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for id, want := range map[string]dr.Code{"U1": "", "U2": dr.Denied, "U3": dr.Denied, "U4": dr.Denied, "U9": dr.Denied} {
		err := d.poster.Standing(t.Context(), id)
		if want == "" && err != nil || want != "" && dr.CodeOf(err) != want {
			t.Errorf("%s: %v", id, err)
		}
	}
	d.slack.Inject(slack.Fault{Kind: slack.FaultServerError, Method: "users.info", Times: 1})
	if err := d.poster.Standing(t.Context(), "U1"); dr.CodeOf(err) != dr.Temporary {
		t.Errorf("a lookup that fails gives %v", err)
	}
}
