package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
)

// Runbooks is what the bot asks of the engine.
type Runbooks interface {
	Start(ctx context.Context, c workflows.Caller, cmd workflows.StartCommand) (run dr.Run, existing bool, err error)
	Cancel(ctx context.Context, c workflows.Caller, run string) (dr.Run, string, error)
	Answer(ctx context.Context, c workflows.Caller, run string, question int, verb string) (dr.Run, string, error)
	Status(ctx context.Context, c workflows.Caller, service string, limit int) ([]dr.Run, error)
}

// maxBody bounds a request of Slack's; its commands and clicks are far smaller.
const maxBody = 256 << 10

// ackBudget is less than the 3 s after which Slack tells the user that the
// command failed (docs.slack.dev, slash commands).
const ackBudget = 2500 * time.Millisecond

// Server answers Slack's requests.
type Server struct {
	books  Runbooks
	secret string
	team   string
	now    func() time.Time
	client *http.Client
	log    *slog.Logger
}

// NewServer makes the handler of Slack's requests. It refuses to be without a
// signing secret: anybody could command it.
func NewServer(books Runbooks, signingSecret, team string, now func() time.Time, client *http.Client, log *slog.Logger) (*Server, error) {
	if signingSecret == "" {
		return nil, &dr.Error{Code: dr.Invalid, Msg: "Slack's signing secret is missing.", Hint: "set slack.signing_secret_env"}
	}
	return &Server{books: books, secret: signingSecret, team: team, now: now, client: client, log: log}, nil
}

// verified reads a request's body if it is signed by Slack, lately.
func (s *Server) verified(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	if r.Method != http.MethodPost {
		http.Error(w, "POST only", http.StatusMethodNotAllowed)
		return nil, false
	}
	verifier, err := slack.NewSecretsVerifier(r.Header, s.secret)
	if err != nil {
		http.Error(w, "the request is not signed by Slack, or its time is more than 5 minutes off; check the signing secret and this host's clock", http.StatusUnauthorized)
		return nil, false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "the request is too large or broken", http.StatusRequestEntityTooLarge)
		return nil, false
	}
	if _, err := verifier.Write(body); err != nil || verifier.Ensure() != nil {
		http.Error(w, "the signature does not fit; check the signing secret", http.StatusUnauthorized)
		return nil, false
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	return body, true
}

// Command answers /dr.
func (s *Server) Command(w http.ResponseWriter, r *http.Request) {
	if _, ok := s.verified(w, r); !ok {
		return
	}
	cmd, err := slack.SlashCommandParse(r)
	if err != nil {
		http.Error(w, "this is no slash command", http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), ackBudget)
	defer cancel()
	reply(w, s.obey(ctx, cmd))
}

func (s *Server) obey(ctx context.Context, sc slack.SlashCommand) string {
	if sc.TeamID != s.team {
		return refusal(&dr.Error{Code: dr.Denied, Msg: "I only take commands from my own workspace.", Hint: "ask somebody there"})
	}
	c, err := parse(sc.Text)
	if err != nil {
		return refusal(err)
	}
	caller := workflows.Caller{Via: "slack", SlackID: sc.UserID}
	switch c.verb {
	case "help":
		return usage
	case "status":
		return s.status(ctx, caller, c.service)
	case "cancel":
		return said(s.books.Cancel(ctx, caller, c.run))
	case "answer":
		return said(s.books.Answer(ctx, caller, c.run, 0, c.answer))
	}
	run, existing, err := s.books.Start(ctx, caller, workflows.StartCommand{
		Kind: dr.Kind(c.verb), Service: c.service, Target: c.region, Mode: c.mode, Reason: c.reason,
		Since: c.since, Override: c.override, Channel: sc.ChannelID, Once: sc.TriggerID,
	})
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "I am slow at the moment and cannot say whether this was taken. Look with `/dr status` before you try again."
	case err != nil:
		s.log.WarnContext(ctx, "command refused", "who", sc.UserID, "verb", c.verb, "error", err)
		return refusal(err)
	case existing:
		return fmt.Sprintf("%s is being moved already, by run `%s`; its message tells how far it is. `/dr status %s`", escape(run.Service), run.Run, escape(run.Service))
	default:
		return fmt.Sprintf("Run `%s` has started; its message follows in the channel of %s. To stop it: `/dr cancel %s`", run.Run, escape(run.Service), run.Run)
	}
}

func said(run dr.Run, what string, err error) string {
	if err != nil {
		return refusal(err)
	}
	return fmt.Sprintf("`%s`: %s", run.Run, escape(what))
}

// refusal is an error for a person: what happened and what to type next.
func refusal(err error) string {
	msg, hint := dr.Public(err, "something went wrong on my side; the log has it. Nothing was started.")
	out := "Sorry: " + escape(msg)
	if hint != "" {
		out += "\n→ " + escape(hint)
	}
	return out
}

const statusRuns = 5

func (s *Server) status(ctx context.Context, c workflows.Caller, service string) string {
	runs, err := s.books.Status(ctx, c, service, statusRuns)
	if err != nil {
		return refusal(err)
	}
	if len(runs) == 0 {
		return "No runs yet."
	}
	var b strings.Builder
	now := s.now()
	for _, run := range runs {
		fmt.Fprintf(&b, "%s `%s` %s to %s, %s: *%s*", stateEmoji(run.State), run.Run, run.Kind, run.Target, run.Mode, run.State)
		if run.State.Final() {
			fmt.Fprintf(&b, ", %s ago", dr.Human(now.Sub(run.Ended)))
		} else {
			fmt.Fprintf(&b, ", for %s", dr.Human(now.Sub(run.At)))
		}
		if run.Outcome != "" {
			fmt.Fprintf(&b, "\n   %s", escape(short(run.Outcome, 300)))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Interaction answers a pressed button.
func (s *Server) Interaction(w http.ResponseWriter, r *http.Request) {
	if _, ok := s.verified(w, r); !ok {
		return
	}
	cb, err := slack.InteractionCallbackParse(r)
	// A press is one action: more in one request would be done by nobody's hand.
	if err != nil || cb.Type != slack.InteractionTypeBlockActions || len(cb.ActionCallback.BlockActions) > 1 {
		http.Error(w, "this is no button", http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), ackBudget)
	defer cancel()
	w.WriteHeader(http.StatusOK)
	for _, a := range cb.ActionCallback.BlockActions {
		if text := s.press(ctx, cb, a); text != "" {
			s.whisper(ctx, cb.ResponseURL, text)
		}
	}
}

func (s *Server) press(ctx context.Context, cb slack.InteractionCallback, a *slack.BlockAction) string {
	if cb.Team.ID != s.team {
		return refusal(&dr.Error{Code: dr.Denied, Msg: "I only take commands from my own workspace.", Hint: "ask somebody there"})
	}
	caller := workflows.Caller{Via: "slack", SlackID: cb.User.ID}
	if a.ActionID == actionCancel {
		return said(s.books.Cancel(ctx, caller, a.Value))
	}
	if verb, ok := strings.CutPrefix(a.ActionID, actionAnswer); ok {
		run, number, _ := strings.Cut(a.Value, "|")
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 {
			return refusal(&dr.Error{Code: dr.Invalid, Msg: "that button is none of mine.", Hint: "/dr status"})
		}
		return said(s.books.Answer(ctx, caller, run, n, verb))
	}
	return "" // a link button: Slack has opened it
}

// whisper tells the person who pressed, and nobody else, what came of it. It may
// be lost: what was done is in the run's message.
func (s *Server) whisper(ctx context.Context, url, text string) {
	if url == "" {
		return
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err := slack.PostWebhookCustomHTTPContext(ctx, url, s.client, &slack.WebhookMessage{Text: text, ResponseType: slack.ResponseTypeEphemeral})
		if err != nil {
			s.log.WarnContext(ctx, "an answer to a click was lost", "error", err)
		}
	}()
}

func reply(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "application/json")
	// The other side hanging up is the only way to fail here, and it knows.
	_ = json.NewEncoder(w).Encode(map[string]string{"response_type": slack.ResponseTypeEphemeral, "text": text})
}
