package bot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	slackgo "github.com/slack-go/slack"

	"github.com/drbot/drbot/dr"
)

// picky is a Slack that refuses what a test says it refuses, and keeps what it takes.
type picky struct {
	refuse func(url.Values) string
	taken  []url.Values
}

func (p *picky) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	v, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	v.Set("method", r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:])
	answer := `{"ok":true,"channel":"C1","ts":"17.5","messages":[]}`
	if why := p.refuse(v); why != "" {
		answer = `{"ok":false,"error":"` + why + `"}`
	} else if strings.HasPrefix(v.Get("method"), "chat.") {
		p.taken = append(p.taken, v)
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(answer))}, nil
}

// shelf is a desk with one run and one note.
type shelf struct {
	Desk
	mu    sync.Mutex
	run   dr.Run
	shown dr.Shown
	said  string
	boom  bool
}

func (s *shelf) Run(context.Context, string) (dr.Run, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.boom {
		s.boom = false
		panic("a record nobody can read")
	}
	return s.run, nil
}
func (s *shelf) OpenRuns(context.Context) ([]dr.Run, error)       { return nil, nil }
func (s *shelf) UnsaidChannels(context.Context) ([]string, error) { return nil, nil }
func (s *shelf) Shown(context.Context, string) (dr.Shown, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown, nil
}
func (s *shelf) NoteTried(context.Context, string) error        { return nil }
func (s *shelf) NoteSaid(_ context.Context, _, ts string) error { s.said = ts; return nil }
func (s *shelf) SaveShown(_ context.Context, _ string, m dr.Shown) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shown = m
	return nil
}
func (s *shelf) UnshownRuns(context.Context) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shown.Version == s.run.Version {
		return nil, nil
	}
	return []string{s.run.Run}, nil
}

func poster(t *testing.T, s *shelf, slack *picky) *Poster {
	api := NewClient("xoxb-1", "http://slack.example/api/", &http.Client{Transport: slack})
	people := dr.People{{Name: "alice", SlackIDs: []string{"U1"}}}
	return NewPoster(api, s, map[string]dr.Service{"portal": {Name: "portal", Channel: "C1"}}, people, english(t), time.Second, time.Now, slog.New(slog.DiscardHandler))
}

func refusing(what string, when func(url.Values) bool) func(url.Values) string {
	return func(v url.Values) string {
		if strings.HasPrefix(v.Get("method"), "chat.") && when(v) {
			return what
		}
		return ""
	}
}

// shortened is what stands at the end of what was cut.
const shortened = "… shortened; the record has it all"

func hasBlocks(v url.Values) bool { return v.Get("blocks") != "" && v.Get("blocks") != "[]" }

// TestNoteInPlainWords has Slack refuse a note's blocks in each way it can: the note
// stays in its thread, calls whom it calls and says its lines.
func TestNoteInPlainWords(t *testing.T) {
	note := dr.Note{Key: "n1", Run: "portal-1", Channel: "C1", Title: saying("Health <of> portal"), Lines: []dr.Text{saying("lag 3 s"), saying("tasks 2 of 4 & more")}, Context: saying("read from Seoul"), Mention: []string{"alice"}}
	for _, why := range slackForm {
		t.Run(why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &shelf{shown: dr.Shown{Channel: "C1", TS: "17.1"}}
				slack := &picky{refuse: refusing(why, hasBlocks)}
				if err := poster(t, s, slack).say(t.Context(), &worker{}, "C1", dr.Unsaid{Note: note}); err != nil {
					t.Fatal(err)
				}
				if len(slack.taken) != 1 || s.said == "" {
					t.Fatalf("%d messages were taken", len(slack.taken))
				}
				m := slack.taken[0]
				for _, want := range []string{"Health &lt;of&gt; portal", "<@U1>", "lag 3 s", "tasks 2 of 4 &amp; more", "read from Seoul"} {
					if !strings.Contains(m.Get("text"), want) {
						t.Errorf("the text lacks %q: %q", want, m.Get("text"))
					}
				}
				if m.Get("thread_ts") != "17.1" || !strings.Contains(m.Get("metadata"), `"n1"`) || strings.Contains(m.Get("text"), shortened) {
					t.Errorf("it is said as %v", m)
				}
			})
		})
	}
}

// TestShortened says that lines are missing when they are, and not otherwise.
func TestShortened(t *testing.T) {
	var lines []dr.Text
	for i := range 400 {
		lines = append(lines, saying(fmt.Sprintf("line %d of a long report", i)))
	}
	_, blocks := NoteMessage(english(t), dr.Note{Title: saying("long"), Lines: lines}, func(p string) string { return p })
	for _, m := range []manner{inPlain, inShort} {
		text := plainly(blocks, m.room(), english(t))
		if n := utf8.RuneCountInString(text); n > m.room() || !strings.HasSuffix(text, "\n"+shortened) || !strings.Contains(text, "line 9 of a long report\n") {
			t.Errorf("%d characters: %q", n, text)
		}
	}
	for n := range 200 {
		blocks := []slackgo.Block{slackgo.NewSectionBlock(mrkdwn(strings.Repeat("x", 99)+"\n"+strings.Repeat("y", n)), nil, nil)}
		text := plainly(blocks, 200, english(t))
		if whole := strings.HasSuffix(text, "x") || strings.HasSuffix(text, "y") || n == 0; utf8.RuneCountInString(text) > 200 || whole == strings.Contains(text, shortened) {
			t.Errorf("%d: %q", n, text)
		}
	}
}

// TestTooLongInPlainWords is refused in plain words too: a few are said.
func TestTooLongInPlainWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{shown: dr.Shown{Channel: "C1", TS: "17.1"}}
		slack := &picky{refuse: refusing("msg_too_long", func(v url.Values) bool { return hasBlocks(v) || len(v.Get("text")) > 1000 })}
		n := dr.Note{Key: "n1", Run: "portal-1", Title: saying("long"), Lines: []dr.Text{saying(strings.Repeat("x", 800)), saying(strings.Repeat("y", 800))}}
		if err := poster(t, s, slack).say(t.Context(), &worker{}, "C1", dr.Unsaid{Note: n}); err != nil {
			t.Fatal(err)
		}
		if text := slack.taken[0].Get("text"); !strings.Contains(text, "*long*") || !strings.HasSuffix(text, shortened) {
			t.Errorf("it is said as %q", text)
		}
	})
}

// TestThreadGone says a note in the channel, with the run it is about.
func TestThreadGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{shown: dr.Shown{Channel: "C1", TS: "17.1"}}
		slack := &picky{refuse: func(v url.Values) string {
			if v.Get("thread_ts") != "" || v.Get("method") == "conversations.replies" {
				return "thread_not_found"
			}
			return ""
		}}
		n := dr.Unsaid{Note: dr.Note{Key: "n1", Run: "portal-1", Title: saying("promoted"), Lines: []dr.Text{saying("in 40 s")}}, Tried: true}
		if err := poster(t, s, slack).say(t.Context(), &worker{}, "C1", n); err != nil {
			t.Fatal(err)
		}
		m := slack.taken[0]
		if m.Get("thread_ts") != "" || !strings.HasPrefix(m.Get("text"), "portal-1: ") || !strings.Contains(m.Get("blocks"), "portal-1") || !strings.Contains(m.Get("blocks"), "in 40 s") {
			t.Errorf("it is said as %v", m)
		}
	})
}

// TestRunInPlainWords has Slack refuse the blocks of a run's message, new and updated:
// what it says and what its buttons do is there all the same.
func TestRunInPlainWords(t *testing.T) {
	for name, shown := range map[string]dr.Shown{"new": {}, "updated": {Channel: "C1", TS: "17.5"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &shelf{shown: shown, run: dr.Run{Request: dr.Request{Run: "portal-1", Service: "portal", Kind: dr.Failover, At: time.Now()}, State: dr.RunPaused, Version: 3,
					Outcome: saying("the target is not healthy."), Question: &dr.Question{Number: 1, Step: "gate/1", Answers: []string{"retry", "stop"}}}}
				slack := &picky{refuse: refusing("invalid_blocks", hasBlocks)}
				if err := poster(t, s, slack).show(t.Context(), &worker{}, "C1", "portal-1"); err != nil {
					t.Fatal(err)
				}
				text := slack.taken[0].Get("text")
				for _, want := range []string{"the target is not healthy.", "`/dr answer portal-1 retry`", "`/dr answer portal-1 stop`"} {
					if !strings.Contains(text, want) {
						t.Errorf("the text lacks %q: %q", want, text)
					}
				}
				if s.shown.Version != 3 || s.shown.TS != "17.5" || slack.taken[0].Get("blocks") != "[]" {
					t.Errorf("shown %+v with the blocks %q", s.shown, slack.taken[0].Get("blocks"))
				}
			})
		})
	}
}

// TestPosterPanics meets a record that makes it panic: it says so in the log, goes on,
// and shows the run when it can be read.
func TestPosterPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{boom: true, run: dr.Run{Request: dr.Request{Run: "portal-1", Service: "portal", At: time.Now()}, State: dr.RunRunning, Version: 1}}
		slack := &picky{refuse: func(url.Values) string { return "" }}
		ctx, cancel := context.WithCancel(t.Context())
		go poster(t, s, slack).Run(ctx)
		time.Sleep(time.Minute)
		cancel()
		synctest.Wait()
		if s.boom || len(slack.taken) == 0 || s.shown.Version != 1 {
			t.Errorf("it panicked: %t; shown: %+v", !s.boom, s.shown)
		}
	})
}

// TestErrorsOfSlack sorts what Slack's API answers by what can be done about it.
func TestErrorsOfSlack(t *testing.T) {
	for want, errs := range map[dr.Code][]error{
		dr.Temporary: {errors.New("connection reset"), context.DeadlineExceeded, slackgo.StatusCodeError{Code: 500}, slackgo.StatusCodeError{Code: 429}, &slackgo.RateLimitedError{RetryAfter: time.Second},
			slackgo.SlackErrorResponse{Err: "internal_error"}, slackgo.SlackErrorResponse{Err: "ratelimited"}},
		dr.Conflict: {slackgo.SlackErrorResponse{Err: "invalid_auth"}, slackgo.SlackErrorResponse{Err: "missing_scope"}, slackgo.SlackErrorResponse{Err: "channel_not_found"},
			slackgo.SlackErrorResponse{Err: "is_archived"}, slackgo.SlackErrorResponse{Err: "something_new"}, slackgo.StatusCodeError{Code: 404}},
		dr.Invalid: {slackgo.SlackErrorResponse{Err: "invalid_blocks"}, slackgo.SlackErrorResponse{Err: "msg_too_long"}},
		dr.Denied:  {&dr.Error{Code: dr.Denied, What: saying("known already.")}},
	} {
		for _, err := range errs {
			got := outside(saying("say it"), fmt.Errorf("wrapped: %w", err))
			var known *dr.Error
			if !errors.As(got, &known) || known.Code != want || known.What.Empty() {
				t.Errorf("%v is %v, not %s", err, got, want)
			}
		}
	}
	if outside(saying("say it"), nil) != nil {
		t.Error("nothing is an error")
	}
}

// saying is a text of these words.
func saying(words string) dr.Text { return dr.T(dr.Words, "words", dr.Foreign(words)) }

// goneShelf is a desk that counts how often a channel was told to be gone.
type goneShelf struct {
	shelf
	gone int
}

func (s *goneShelf) UnsaidNotes(context.Context, string, int) ([]dr.Unsaid, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.said != "" || s.gone == 3 { // given up
		return nil, nil
	}
	return []dr.Unsaid{{Note: dr.Note{Key: "n1", Channel: "C1", Title: saying("lag")}}}, nil
}

func (s *goneShelf) ChannelGone(context.Context, string, time.Time) (int64, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone++
	return int64(s.gone / 3), time.Time{}, nil
}

// TestChannelGone tells the desk of refusals that say that the channel is gone, each time
// until it gives the notes up, and of no refusal that an invitation or another try mends.
func TestChannelGone(t *testing.T) {
	for why, want := range map[string]int{"channel_not_found": 3, "is_archived": 3, "not_in_channel": 0, "ratelimited": 0} {
		t.Run(why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				s := &goneShelf{}
				p := poster(t, &s.shelf, &picky{refuse: refusing(why, func(url.Values) bool { return true })})
				p.desk = s
				p.give(ctx, "C1", "")
				time.Sleep(time.Minute)
				s.mu.Lock()
				got := s.gone
				s.mu.Unlock()
				stop()
				synctest.Wait()
				if got != want {
					t.Errorf("it was told %d times, not %d", got, want)
				}
			})
		})
	}
}
