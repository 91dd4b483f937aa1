package bot

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text"
	"github.com/drbot/drbot/workflows"
)

// Runbooks is what the bot asks of the engine.
type Runbooks interface {
	Start(ctx context.Context, c workflows.Caller, cmd workflows.StartCommand) (run dr.Run, existing bool, err error)
	Cancel(ctx context.Context, c workflows.Caller, run string) (dr.Run, dr.Text, error)
	Answer(ctx context.Context, c workflows.Caller, run string, reply workflows.Reply) (dr.Run, dr.Text, error)
	Status(ctx context.Context, c workflows.Caller, look workflows.Look) (workflows.Status, error)
}

// maxBody bounds a request of Slack's; its commands and clicks are far smaller.
const maxBody = 256 << 10

// bodyTime is how long one may take to be all there; Slack gives up after 3 s.
const bodyTime = 2 * time.Second

// Server answers Slack's requests.
type Server struct {
	books  Runbooks
	secret string
	team   string
	words  text.Words
	now    func() time.Time
	work   *pending
	log    *slog.Logger
}

// NewServer makes the handler of Slack's requests, which are answered in these words. It
// refuses to be without a signing secret: anybody could command it.
func NewServer(books Runbooks, signingSecret, team string, words text.Words, now func() time.Time, client *http.Client, log *slog.Logger) (*Server, error) {
	if signingSecret == "" {
		return nil, &dr.Error{Code: dr.Invalid, What: dr.T("bot.no-secret"), Next: dr.T("bot.no-secret.next")}
	}
	s := &Server{books: books, secret: signingSecret, team: team, words: marked(words), now: now, log: log}
	s.work = newPending(client, log, s.refusal(nil), s.refusal(errTooMany()))
	return s, nil
}

// Settle takes no new work and waits until what is going on has ended and was told, or
// until the context ends; then it is false.
func (s *Server) Settle(ctx context.Context) bool { return s.work.settle(ctx) }

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
	// Of a connection that knows no time limits the server's own holds.
	conn := http.NewResponseController(w)
	_ = conn.SetReadDeadline(time.Now().Add(bodyTime))
	defer func() { _ = conn.SetReadDeadline(time.Time{}) }()
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
	c, known := s.read(cmd)
	if known != "" {
		reply(w, known)
		return
	}
	text, decided, full := s.work.take(r.Context(), cmd.UserID, ackWait, cmd.ResponseURL, func(ctx context.Context) string { return s.obey(ctx, cmd, c) })
	switch {
	case full:
		text = s.refusal(errTooMany())
	case !decided && cmd.ResponseURL == "":
		text = s.words.Say(dr.T("bot.taken.look", "command", dr.Cmd("status")))
	case !decided:
		text = s.words.Say(dr.T("bot.taken"))
	}
	reply(w, text)
}

// read parses a command; known is the answer to one that needs no work.
func (s *Server) read(sc slack.SlashCommand) (c command, known string) {
	if sc.TeamID != s.team {
		return c, s.refusal(errOtherWorkspace())
	}
	c, err := parse(sc.Text, s.words.Catalogue())
	if err != nil {
		return c, s.refusal(err)
	}
	if c.verb == "help" {
		return c, s.help()
	}
	return c, ""
}

func (s *Server) obey(ctx context.Context, sc slack.SlashCommand, c command) string {
	caller := workflows.Caller{Via: "slack", SlackID: sc.UserID}
	switch c.verb {
	case "status":
		return s.status(ctx, caller, c.args["service"]) // or a run
	case "cancel":
		return s.said(ctx, caller, c.verb)(s.books.Cancel(ctx, caller, c.args["run"]))
	case "answer":
		return s.said(ctx, caller, c.verb)(s.books.Answer(ctx, caller, c.args["run"], workflows.Reply{Verb: c.args["answer"], Digest: c.args["digest"]}))
	}
	if !slices.Contains(dr.Kinds(), dr.Kind(c.verb)) {
		return s.refusal(invalid(dr.T("bot.unserved", "verb", c.verb), dr.T("command.try", "command", dr.Cmd("help"))))
	}
	run, existing, err := s.books.Start(ctx, caller, workflows.StartCommand{
		Kind: dr.Kind(c.verb), Service: c.args["service"], Target: dr.Region(c.args["region"]), Mode: c.args["mode"], Reason: c.args["reason"],
		Since: c.since, Override: c.args["override-cooldown"] != "", Channel: sc.ChannelID, Once: sc.TriggerID,
	})
	switch {
	case err != nil:
		return s.refused(ctx, caller, c.verb, err)
	case existing:
		return s.words.Say(dr.T("bot.existing", "service", run.Service, "run", run.Run, "command", dr.Cmd("status", "service", run.Run)))
	default:
		return s.words.Say(dr.T("bot.started", "run", run.Run, "service", run.Service, "command", dr.Cmd("cancel", "run", run.Run)))
	}
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
	for _, a := range cb.ActionCallback.BlockActions {
		_, _, full := s.work.take(r.Context(), cb.User.ID, 0, cb.ResponseURL, func(ctx context.Context) string { return s.press(ctx, cb, a) })
		if full && !s.work.refuse(r.Context(), cb.ResponseURL) {
			http.Error(w, "too many requests are being worked on", http.StatusServiceUnavailable) // Slack shows a warning at the button
			return
		}
	}
	w.WriteHeader(http.StatusOK)
}

func (s *Server) press(ctx context.Context, cb slack.InteractionCallback, a *slack.BlockAction) string {
	if cb.Team.ID != s.team {
		return s.refusal(errOtherWorkspace())
	}
	caller := workflows.Caller{Via: "slack", SlackID: cb.User.ID}
	if a.ActionID == actionCancel {
		return s.said(ctx, caller, "cancel")(s.books.Cancel(ctx, caller, a.Value))
	}
	if verb, ok := strings.CutPrefix(a.ActionID, actionAnswer); ok {
		run, rest, _ := strings.Cut(a.Value, "|")
		number, _, _ := strings.Cut(rest, "|")
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 {
			return s.refusal(&dr.Error{Code: dr.Invalid, What: dr.T("bot.no-button"), Next: dr.T("command.try", "command", dr.Cmd("status"))})
		}
		return s.said(ctx, caller, "answer")(s.books.Answer(ctx, caller, run, workflows.Reply{Number: n, Verb: verb}))
	}
	return "" // a link button: Slack has opened it
}

func reply(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "application/json")
	// The other side hanging up is the only way to fail here, and it knows.
	_ = json.NewEncoder(w).Encode(map[string]string{"response_type": slack.ResponseTypeEphemeral, "text": text})
}
