package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
)

// held are runbooks over a database that somebody else holds: nothing answers before
// it is let go of.
type held struct {
	Runbooks
	free chan struct{}
	err  error
	boom bool
	deaf bool // does not heed the end of its time either
}

func (h *held) wait(ctx context.Context) error {
	if h.deaf {
		ctx = context.WithoutCancel(ctx)
	}
	select {
	case <-h.free:
	case <-ctx.Done():
		return ctx.Err()
	}
	if h.boom {
		panic("no such index")
	}
	return h.err
}

func (h *held) Start(ctx context.Context, _ workflows.Caller, cmd workflows.StartCommand) (dr.Run, bool, error) {
	err := h.wait(ctx)
	return dr.Run{Request: dr.Request{Run: "portal-1", Service: cmd.Service}}, false, err
}

func (h *held) Cancel(ctx context.Context, _ workflows.Caller, run string) (dr.Run, dr.Text, error) {
	err := h.wait(ctx)
	return dr.Run{Request: dr.Request{Run: run}}, dr.T("said.cancelling"), err
}

func (h *held) Status(ctx context.Context, _ workflows.Caller, _ workflows.Look) (workflows.Status, error) {
	return workflows.Status{}, h.wait(ctx)
}

// answers takes what is told at response URLs, after failing as often as it should.
type answers struct {
	mu   sync.Mutex
	fail int
	code int // of a failure; a broken connection when 0
	said []string
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	code := http.StatusOK
	if a.fail > 0 {
		if a.fail--; a.code == 0 {
			return nil, errors.New("connection reset")
		}
		code = a.code
	} else {
		var msg struct{ Text string }
		if err := json.Unmarshal(body, &msg); err != nil {
			return nil, err
		}
		a.said = append(a.said, msg.Text)
	}
	return &http.Response{StatusCode: code, Status: http.StatusText(code), Body: io.NopCloser(bytes.NewReader(nil))}, nil
}

// desked is a server over held runbooks, in a bubble of virtual time.
func desked(t *testing.T, h Runbooks, a *answers) *Server {
	t.Helper()
	s, err := NewServer(h, fuzzSecret, fuzzTeam, english(t), time.Now, &http.Client{Transport: a}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func slashed(text string) *http.Request {
	return signedBy(fuzzSecret, form, url.Values{"team_id": {fuzzTeam}, "user_id": {"U1"}, "text": {text}, "trigger_id": {"1.2"}, "channel_id": {"C1"},
		"command": {"/dr"}, "response_url": {"http://slack.example/r"}}.Encode())
}

func pressed() *http.Request { return pressedBy("U1") }

func pressedBy(user string) *http.Request {
	return signedBy(fuzzSecret, form, url.Values{"payload": {`{"type":"block_actions","team":{"id":"` + fuzzTeam + `"},"user":{"id":"` + user + `"},"response_url":"http://slack.example/r",` +
		`"actions":[{"type":"button","block_id":"b","action_id":"` + actionCancel + `","value":"portal-1"}]}`}}.Encode())
}

// ask gives a request to a handler, and says how long it took and what was answered.
func ask(t *testing.T, handler http.HandlerFunc, r *http.Request) (string, time.Duration) {
	t.Helper()
	began := time.Now()
	w := httptest.NewRecorder()
	handler(w, r)
	var answer struct{ Text string }
	if w.Body.Len() > 0 && w.Code == http.StatusOK {
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
	}
	if w.Code != http.StatusOK {
		answer.Text = w.Body.String()
	}
	return answer.Text, time.Since(began)
}

// What is said when nobody knows, and when there is no room.
const (
	unknown = "look with `/dr status` before you try again: it may have been taken"
	tooMany = "Sorry: I am working on too many requests already. Nothing of this one was begun."
)

const start = "failover portal ap-northeast-1 disaster Seoul is gone"

// TestAcknowledged holds the database for six seconds: whoever asks is answered within
// the time Slack gives, truly, and told the outcome when there is one.
func TestAcknowledged(t *testing.T) {
	for name, c := range map[string]struct {
		held    *held
		answers *answers
		want    string
	}{
		"started":               {want: "Run `portal-1` has started"},
		"refused":               {held: &held{err: &dr.Error{Code: dr.Denied, What: dr.T("bot.guest"), Next: dr.T("bot.guest.next")}}, want: "Sorry: guests and bots may not ask for runs.\n→ ask a full member of the workspace"},
		"failed":                {held: &held{err: errors.New("disk full")}, want: unknown},
		"temporary":             {held: &held{err: &dr.Error{Code: dr.Temporary, What: dr.T("slack.answer")}}, want: "→ look with `/dr status` before you try again: it may have been taken"},
		"panicked":              {held: &held{boom: true}, want: unknown},
		"told at the third try": {answers: &answers{fail: 2}, want: "Run `portal-1` has started"},
		"told to a busy Slack":  {answers: &answers{fail: 4, code: 503}, want: "Run `portal-1` has started"},
		"not told":              {answers: &answers{fail: 1, code: 404}},
		"never told":            {answers: &answers{fail: 100}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, a := c.held, c.answers
				if h == nil {
					h = &held{}
				}
				if a == nil {
					a = &answers{}
				}
				h.free = make(chan struct{})
				s := desked(t, h, a)
				text, took := ask(t, s.Command, slashed(start))
				if !strings.HasPrefix(text, "I have it, and cannot say yet") || took > time.Second {
					t.Errorf("after %s the answer was %q", took, text)
				}
				time.Sleep(6 * time.Second)
				close(h.free)
				time.Sleep(time.Minute)
				synctest.Wait()
				if got := strings.Join(a.said, "|"); !strings.Contains(got, c.want) || (c.want == "") != (got == "") || len(a.said) > 1 {
					t.Errorf("told %q; it must be %q", got, c.want)
				}
				if !s.Settle(t.Context()) {
					t.Error("something is pending")
				}
			})
		})
	}
}

// TestPressAcknowledged presses a button while the database is held.
func TestPressAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, a := &held{free: make(chan struct{})}, &answers{}
		s := desked(t, h, a)
		if text, took := ask(t, s.Interaction, pressed()); text != "" || took > 0 {
			t.Errorf("after %s the answer was %q", took, text)
		}
		close(h.free)
		synctest.Wait()
		if len(a.said) != 1 || a.said[0] != "`portal-1`: cancelling; if the merge comes first the run goes on and says so." {
			t.Errorf("told %q", a.said)
		}
	})
}

// TestAtOnce answers what is known before anything is worked on, and what ends soon,
// with no second message.
func TestAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, a := &held{free: make(chan struct{})}, &answers{}
		s := desked(t, h, a)
		if text, took := ask(t, s.Command, slashed("help")); !strings.Contains(text, "/dr failover") || took > 0 {
			t.Errorf("help took %s and is %q", took, text)
		}
		close(h.free)
		if text, took := ask(t, s.Command, slashed("status")); text != "No runs yet." || took > 0 {
			t.Errorf("status took %s and is %q", took, text)
		}
		synctest.Wait()
		if len(a.said) > 0 {
			t.Errorf("told %q besides", a.said)
		}
	})
}

// TestBounded asks more often than can be worked on while nothing ends: those beyond
// are refused at once, nothing of theirs is begun, and there is room again afterwards.
func TestBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, a := &held{free: make(chan struct{})}, &answers{}
		s := desked(t, h, a)
		for i := range mostPending {
			if _, took := ask(t, s.Interaction, pressedBy(fmt.Sprint("U", 100+i))); took > 0 {
				t.Fatalf("a press took %s", took)
			}
		}
		if text, took := ask(t, s.Command, slashed(start)); !strings.HasPrefix(text, tooMany) || took > 0 {
			t.Errorf("after %s the answer was %q", took, text)
		}
		if text, _ := ask(t, s.Interaction, pressed()); text != "" {
			t.Errorf("a press beyond was answered %q", text)
		}
		synctest.Wait()
		if len(a.said) != 1 || !strings.HasPrefix(a.said[0], tooMany) {
			t.Errorf("told %q", a.said)
		}
		hurry, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if s.Settle(hurry) {
			t.Error("nothing is pending, although nothing has ended")
		}
		close(h.free)
		synctest.Wait()
		if len(a.said) != 1+mostPending {
			t.Errorf("%d were told", len(a.said))
		}
	})
}

// TestOneLeavesRoom has one person press more often than is theirs while nothing ends:
// another's command is worked on all the same, and theirs again when something has ended.
func TestOneLeavesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, a := &held{free: make(chan struct{})}, &answers{}
		s := desked(t, h, a)
		for range mostPending {
			ask(t, s.Interaction, pressedBy("U9"))
		}
		synctest.Wait()
		if busy := len(s.work.slots); busy != mostOfOne {
			t.Errorf("%d of one person's are worked on", busy)
		}
		if text, _ := ask(t, s.Command, slashed(start)); strings.HasPrefix(text, tooMany) {
			t.Errorf("another was answered %q", text)
		}
		close(h.free)
		synctest.Wait()
		if len(s.work.of.has) > 0 {
			t.Errorf("places are kept: %v", s.work.of.has)
		}
	})
}

// TestNoEnd has the work not end in its time, or not at all: somebody is told to look,
// once, and what goes on keeps its place.
func TestNoEnd(t *testing.T) {
	for _, deaf := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			h, a := &held{free: make(chan struct{}), deaf: deaf}, &answers{}
			s := desked(t, h, a)
			ask(t, s.Command, slashed(start))
			time.Sleep(workLimit + workGrace)
			synctest.Wait()
			if len(a.said) != 1 || !strings.Contains(a.said[0], "it may have been taken") {
				t.Errorf("deaf %t: told %q", deaf, a.said)
			}
			if busy := len(s.work.slots); busy != map[bool]int{true: 1}[deaf] {
				t.Errorf("deaf %t: %d works are going on", deaf, busy)
			}
			close(h.free)
			synctest.Wait()
			if len(a.said) != 1 || len(s.work.slots) > 0 {
				t.Errorf("deaf %t: told %q, and %d works are going on", deaf, a.said, len(s.work.slots))
			}
		})
	}
}
