package bot

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
)

const (
	fuzzTeam   = "T0DRBOT01"
	fuzzSecret = "the signing secret"
	// mostAnswer is what Slack recommends for the text of a message at most.
	mostAnswer = 4000
)

// asked is one call of the engine.
type asked struct {
	method   string
	caller   workflows.Caller
	start    workflows.StartCommand
	run      string
	question int
	answer   string
}

// books records what it is asked, and answers with what it was given: an answer
// that lets typed text through unescaped shows itself.
type books struct{ calls []asked }

func (b *books) say(a asked, text string) (dr.Run, error) {
	b.calls = append(b.calls, a)
	run := dr.Run{Request: dr.Request{Run: "portal-0a1b2c3d", Service: "portal", Kind: dr.Failover, Target: "ap-northeast-1"}, Outcome: words(text)}
	switch len(b.calls) + len(text)%3 {
	case 1:
		return run, nil
	case 2:
		return run, &dr.Error{Code: dr.NotFound, What: words(short(text, 40)), Next: words(short(text, 40))}
	default:
		return run, errors.New("the database says " + text)
	}
}

func (b *books) Start(_ context.Context, c workflows.Caller, cmd workflows.StartCommand) (dr.Run, bool, error) {
	run, err := b.say(asked{method: "start", caller: c, start: cmd}, cmd.Service)
	return run, cmd.Override, err
}

func (b *books) Cancel(_ context.Context, c workflows.Caller, run string) (dr.Run, dr.Text, error) {
	r, err := b.say(asked{method: "cancel", caller: c, run: run}, run)
	return r, words(short(run, 40)), err
}

func (b *books) Answer(_ context.Context, c workflows.Caller, run string, reply workflows.Reply) (dr.Run, dr.Text, error) {
	r, err := b.say(asked{method: "answer", caller: c, run: run, question: reply.Number, answer: reply.Verb}, run+reply.Verb)
	return r, words(short(reply.Verb, 40)), err
}

func (b *books) Status(_ context.Context, c workflows.Caller, look workflows.Look) (workflows.Status, error) {
	r, err := b.say(asked{method: "status", caller: c}, look.Service)
	return workflows.Status{Runs: slices.Repeat([]dr.Run{r}, look.Limit)}, err
}

// whispers takes the place of Slack's response URLs.
type whispers struct{ said []string }

func (w *whispers) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var msg struct{ Text string }
	if err := json.Unmarshal(body, &msg); err != nil {
		return nil, err
	}
	w.said = append(w.said, msg.Text)
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("ok"))}, nil
}

// signedBy is a request as Slack sends it, signed with a secret.
func signedBy(secret, contentType, body string) *http.Request {
	// The query must not count: only the body is signed.
	r := httptest.NewRequest(http.MethodPost, "/slack?team_id="+fuzzTeam+"&text=failover+a+b+disaster+c&user_id=UQUERY", strings.NewReader(body))
	at := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("v0:" + at + ":" + body))
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("X-Slack-Request-Timestamp", at)
	r.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
	return r
}

const form = "application/x-www-form-urlencoded"

// sent gives a request to one of the handlers of a new server and waits for all
// that comes of it.
func sent(t *testing.T, r *http.Request, handler func(*Server) http.HandlerFunc) (*httptest.ResponseRecorder, *books, *whispers) {
	t.Helper()
	b, said := &books{}, &whispers{}
	s, err := NewServer(b, fuzzSecret, fuzzTeam, english(t), time.Now, &http.Client{Transport: said}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	handler(s)(w, r)
	synctest.Wait()
	if w.Code >= 500 {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
	if len(b.calls) > 1 {
		t.Errorf("one request asked for %d things: %+v", len(b.calls), b.calls)
	}
	if w.Code != http.StatusOK && len(b.calls)+len(said.said) > 0 {
		t.Errorf("answered %d and did %+v, said %q", w.Code, b.calls, said.said)
	}
	return w, b, said
}

// forged checks that a body signed by somebody else does nothing.
func forged(t *testing.T, contentType, body string, handler func(*Server) http.HandlerFunc) {
	t.Helper()
	w, b, said := sent(t, signedBy("another secret", contentType, body), handler)
	if w.Code != http.StatusUnauthorized && w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a forged request was answered %d", w.Code)
	}
	if len(b.calls)+len(said.said) > 0 {
		t.Errorf("a forged request did %+v, said %q", b.calls, said.said)
	}
}

// fit for a person: within Slack's limit, whole characters, no mention and no link
// that somebody typed, nothing of a cause.
func fitForPeople(t *testing.T, text string) {
	t.Helper()
	if n := utf8.RuneCountInString(text); text == "" || n > mostAnswer || !utf8.ValidString(text) {
		t.Errorf("the answer has %d characters (valid: %t): %.200q", n, utf8.ValidString(text), text)
	}
	if strings.ContainsAny(text, "<>") {
		t.Errorf("the answer holds control characters of mrkdwn: %q", text)
	}
	if strings.Contains(text, "the database says") {
		t.Errorf("the answer holds a cause: %q", text)
	}
}

func FuzzCommandBody(f *testing.F) {
	for _, text := range []string{
		"", "help", "status portal", "cancel portal-0a1b2c3d", "answer portal-0a1b2c3d skip",
		"failover portal ap-northeast-1 disaster Seoul is gone", "failback <!channel> r planned --override-cooldown <@U1>",
		"status <!everyone>", "cancel <https://evil.example|here>", "promote <!here>",
	} {
		f.Add(form, url.Values{"team_id": {fuzzTeam}, "user_id": {"U1"}, "text": {text}, "trigger_id": {"1.2"}, "channel_id": {"C1"}, "command": {"/dr"}}.Encode())
	}
	f.Add(form, "team_id=T0OTHER&user_id=U1&text=failover+portal+r+disaster+x")
	f.Add(form, "team_id=T0OTHER&team_id="+fuzzTeam+"&text=failover+portal+r+disaster+x")
	f.Add(form, "text=failover+portal+r+disaster+x")
	f.Add(form, "team_id=%zz&text=failover;a=b")
	f.Add("application/json", `{"team_id":"`+fuzzTeam+`","text":"failover portal r disaster x"}`)
	f.Add("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=team_id\r\n\r\n"+fuzzTeam+"\r\n--x--\r\n")
	f.Add(form, "team_id="+fuzzTeam+"&text=status+"+strings.Repeat("x", maxText))
	f.Fuzz(func(t *testing.T, contentType, body string) {
		command := func(s *Server) http.HandlerFunc { return s.Command }
		synctest.Test(t, func(t *testing.T) {
			w, b, _ := sent(t, signedBy(fuzzSecret, contentType, body), command)
			// What Slack sent, read another way than the server reads it.
			said, err := url.ParseQuery(body)
			if err != nil || contentType != form {
				said = nil
			}
			for _, c := range b.calls {
				if contentType == form && said.Get("team_id") != fuzzTeam {
					t.Errorf("a command of the workspace %q was obeyed: %+v", said.Get("team_id"), c)
				}
				if said != nil && (c.caller.SlackID != said.Get("user_id") || c.caller.Via != "slack" || c.caller.LocalUser != "") {
					t.Errorf("the command of %q was obeyed for %+v", said.Get("user_id"), c.caller)
				}
				verb, _, _ := strings.Cut(strings.TrimSpace(strings.ToLower(said.Get("text"))), " ")
				if c.method == "start" && (c.start.Kind != dr.Failover && c.start.Kind != dr.Failback || said != nil && !strings.HasPrefix(verb, "fail")) {
					t.Errorf("%q started %+v", said.Get("text"), c.start)
				}
				if c.method == "start" && said != nil && (c.start.Once != said.Get("trigger_id") || c.start.Channel != said.Get("channel_id")) {
					t.Errorf("a command that comes twice would start two runs: %+v", c.start)
				}
			}
			if w.Code == http.StatusOK {
				var answer struct {
					Type string `json:"response_type"`
					Text string `json:"text"`
				}
				if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || answer.Type != "ephemeral" {
					t.Errorf("the answer is not for the person alone: %v %.200s", err, w.Body)
				}
				fitForPeople(t, answer.Text)
			}
			forged(t, contentType, body, command)
		})
	})
}

func FuzzInteraction(f *testing.F) {
	press := func(team, action, value string) string {
		return `{"type":"block_actions","team":{"id":"` + team + `"},"user":{"id":"U1","name":"bob"},"response_url":"http://slack.example/r",` +
			`"actions":[{"type":"button","block_id":"b","action_id":"` + action + `","value":"` + value + `"}]}`
	}
	f.Add(press(fuzzTeam, actionCancel, "portal-0a1b2c3d"))
	f.Add(press(fuzzTeam, actionAnswer+"retry", "portal-0a1b2c3d|2"))
	f.Add(press(fuzzTeam, actionAnswer+"skip", "<!channel>|7"))
	f.Add(press(fuzzTeam, actionAnswer+"<@U1>", "portal-0a1b2c3d|<@U1>"))
	f.Add(press(fuzzTeam, actionAnswer+"stop", "portal-0a1b2c3d|0"))
	f.Add(press(fuzzTeam, "drbot_link", ""))
	f.Add(press("T0OTHER", actionCancel, "portal-0a1b2c3d"))
	f.Add(strings.Replace(press(fuzzTeam, actionCancel, "a"), `"actions":[`, `"actions":[{"block_id":"c","action_id":"`+actionCancel+`","value":"b"},`, 1))
	f.Add(`{"type":"block_actions","team":null,"user":null,"actions":[null]}`)
	f.Add(`{"type":"block_actions","team":{"id":"` + fuzzTeam + `"},"actions":[{"block_id":"b"},{"name":"n"},{}]}`)
	f.Add(`{"type":"view_submission","team":{"id":"` + fuzzTeam + `"},"view":{"state":{}}}`)
	f.Add(`{"type":"block_actions","state":{"values":{"a":{"b":null}}},"actions":3}`)
	f.Add("")
	f.Fuzz(func(t *testing.T, payload string) {
		button := func(s *Server) http.HandlerFunc { return s.Interaction }
		body := url.Values{"payload": {payload}}.Encode()
		synctest.Test(t, func(t *testing.T) {
			_, b, said := sent(t, signedBy(fuzzSecret, form, body), button)
			var claim struct {
				Type string
				Team struct{ ID string }
				User struct{ ID string }
			}
			err := json.Unmarshal([]byte(payload), &claim)
			for _, c := range b.calls {
				if err != nil || claim.Type != "block_actions" || claim.Team.ID != fuzzTeam {
					t.Errorf("a press in the workspace %q (%q, %v) was obeyed: %+v", claim.Team.ID, claim.Type, err, c)
				}
				if c.caller.SlackID != claim.User.ID || c.caller.Via != "slack" || c.caller.LocalUser != "" {
					t.Errorf("the press of %q was obeyed for %+v", claim.User.ID, c.caller)
				}
				// The button of an old question must not answer a new one.
				if c.method != "cancel" && (c.method != "answer" || c.question < 1) {
					t.Errorf("a button did %+v", c)
				}
			}
			if len(said.said) > 1 {
				t.Errorf("one press was answered %d times", len(said.said))
			}
			for _, text := range said.said {
				fitForPeople(t, text)
			}
			forged(t, form, body, button)
		})
	})
}

// TestTooLarge sends more than Slack ever does.
func TestTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := "team_id=" + fuzzTeam + "&text=status+" + strings.Repeat("x", maxBody)
		for name, handler := range map[string]func(*Server) http.HandlerFunc{
			"command": func(s *Server) http.HandlerFunc { return s.Command },
			"button":  func(s *Server) http.HandlerFunc { return s.Interaction },
		} {
			if w, _, _ := sent(t, signedBy(fuzzSecret, form, body), handler); w.Code != http.StatusRequestEntityTooLarge {
				t.Errorf("%s: answered %d", name, w.Code)
			}
		}
	})
}
